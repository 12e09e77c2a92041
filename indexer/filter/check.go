package filter

import (
	"fmt"
	"slices"

	"ramal/internal/fault"
)

// Check reports, as Invalid with the code "bad_filter", what is wrong with a tree that was not made by Parse, or
// not with this schema. What it passes can be emitted, evaluated and given to any driver.
func Check(schema Schema, n Node, limits Limits) error {
	c := checker{schema: schema, limits: limits.withDefaults()}
	if wrong := c.node(n, 0); n != nil && wrong != "" {
		return fault.New(fault.Invalid, "filter.check", "bad_filter", wrong)
	}
	return nil
}

type checker struct {
	schema     Schema
	limits     Limits
	conditions int
}

func (c *checker) node(n Node, depth int) string {
	if depth > 2*c.limits.Depth+2 { // each level of text is at most two of the tree
		return "the filter is nested too deeply"
	}
	switch n := n.(type) {
	case And:
		return c.all(n.Nodes, depth)
	case Or:
		return c.all(n.Nodes, depth)
	case Not:
		return c.node(n.Node, depth+1)
	case In:
		return c.in(n)
	case Within:
		return c.within(n)
	case Is:
		return c.field(n.Field, Boolean)
	case Has:
		return c.field(n.Field)
	}
	return "the filter holds an empty node"
}

func (c *checker) all(nodes []Node, depth int) string {
	if len(nodes) < 2 {
		return "a conjunction or disjunction of fewer than two"
	}
	for _, n := range nodes {
		if wrong := c.node(n, depth+1); wrong != "" {
			return wrong
		}
	}
	return ""
}

// field counts a condition and checks that the field is of one of the kinds, or of any where none is given.
func (c *checker) field(name string, kinds ...Kind) string {
	if c.conditions++; c.conditions > c.limits.Conditions {
		return fmt.Sprintf("more than %d conditions", c.limits.Conditions)
	}
	kind, ok := c.schema.Kind(name)
	if !ok {
		return fmt.Sprintf("there is no field %q", name)
	}
	if len(kinds) == 0 || slices.Contains(kinds, kind) {
		return ""
	}
	return fmt.Sprintf("%s is a %s", name, kind)
}

func (c *checker) in(n In) string {
	if wrong := c.field(n.Field, Text, Tags); wrong != "" {
		return wrong
	}
	if len(n.Values) == 0 || len(n.Values) > c.limits.Values {
		return fmt.Sprintf("%s is compared with %d values", n.Field, len(n.Values))
	}
	for _, p := range n.Values {
		if p.Text == "" || len(p.Text) > MaxText || unprintable(p.Text) >= 0 {
			return n.Field + " is compared with a text that is empty, too long or not printable"
		}
	}
	return ""
}

func (c *checker) within(n Within) string {
	if wrong := c.field(n.Field, n.Kind); wrong != "" {
		return wrong
	}
	if !n.Kind.numeric() || len(n.Ranges) == 0 || len(n.Ranges) > c.limits.Values {
		return fmt.Sprintf("%s is compared with %d ranges of kind %s", n.Field, len(n.Ranges), n.Kind)
	}
	least, greatest := Bounds(n.Kind)
	for _, r := range n.Ranges {
		switch {
		case r.Open() && (len(n.Ranges) > 1 || r.Lo == Lowest && r.Hi == Highest):
			return n.Field + " is compared with an open range among others, or one without any end"
		case r.Lo > r.Hi, r.Lo != Lowest && (r.Lo < least || r.Lo > greatest), r.Hi != Highest && (r.Hi < least || r.Hi > greatest):
			return n.Field + " is compared with a range that is empty or out of bounds"
		}
	}
	return ""
}
