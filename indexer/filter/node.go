package filter

import (
	"math"
	"slices"
	"strings"
)

// Node is a condition or a combination of conditions: And, Or, Not, In, Within, Is or Has.
//
//sumtype:decl
type Node interface{ isNode() }

type (
	// And holds where all of its nodes do. It has two or more, none of them an And.
	And struct{ Nodes []Node }
	// Or holds where one of its nodes does. It has two or more, none of them an Or.
	Or struct{ Nodes []Node }
	// Not holds where its node does not.
	Not struct{ Node Node }
	// In holds where the text, or one of the tags, is one of the values. There is at least one.
	In struct {
		Field  string
		Values []Pattern
	}
	// Within holds where the number, amount or date is in one of the ranges. There is at least one; an open range
	// stands alone.
	Within struct {
		Field  string
		Kind   Kind // Number, Money or Date
		Ranges []Range
	}
	// Is holds where the boolean is Value.
	Is struct {
		Field string
		Value bool
	}
	// Has holds where the field has a value.
	Has struct{ Field string }
)

func (And) isNode()    {}
func (Or) isNode()     {}
func (Not) isNode()    {}
func (In) isNode()     {}
func (Within) isNode() {}
func (Is) isNode()     {}
func (Has) isNode()    {}

// Pattern is a text, or the beginning of one.
type Pattern struct {
	Text   string
	Prefix bool
}

// Match reports whether s is the pattern's text or begins with it.
func (p Pattern) Match(s string) bool {
	return s == p.Text || p.Prefix && strings.HasPrefix(s, p.Text)
}

// Range is from Lo to Hi, both included, in units of Value.Int.
type Range struct{ Lo, Hi int64 }

// The ends of open ranges: no value is as low or as high.
const (
	Lowest  = math.MinInt64 + 1
	Highest = math.MaxInt64
)

// Open reports whether the range has only one end, or none.
func (r Range) Open() bool { return r.Lo == Lowest || r.Hi == Highest }

// All returns the conjunction of nodes, nil where there is none. Nil nodes are left out: they ask for nothing.
func All(nodes ...Node) Node {
	var flat []Node
	for _, n := range nodes {
		if and, ok := n.(And); ok {
			flat = append(flat, and.Nodes...)
		} else if n != nil {
			flat = append(flat, n)
		}
	}
	switch len(flat) {
	case 0:
		return nil
	case 1:
		return flat[0]
	}
	return And{slices.Clip(flat)}
}

// Any returns the disjunction of nodes, which must be one or more and not nil.
func Any(nodes ...Node) Node {
	var flat []Node
	for _, n := range nodes {
		if or, ok := n.(Or); ok {
			flat = append(flat, or.Nodes...)
		} else {
			flat = append(flat, n)
		}
	}
	if len(flat) == 1 {
		return flat[0]
	}
	return Or{slices.Clip(flat)}
}

// Match evaluates a tree over one record, whose values value returns. A nil tree holds everywhere.
func Match(n Node, value func(field string) Value) bool {
	switch n := n.(type) {
	case nil:
		return true
	case And:
		return !slices.ContainsFunc(n.Nodes, func(c Node) bool { return !Match(c, value) })
	case Or:
		return slices.ContainsFunc(n.Nodes, func(c Node) bool { return Match(c, value) })
	case Not:
		return !Match(n.Node, value)
	case In:
		v := value(n.Field)
		one := func(s string) bool {
			return slices.ContainsFunc(n.Values, func(p Pattern) bool { return p.Match(s) })
		}
		return v.Kind == Text && one(v.Text) || v.Kind == Tags && slices.ContainsFunc(v.Tags, one)
	case Within:
		v := value(n.Field)
		return v.Kind == n.Kind && slices.ContainsFunc(n.Ranges, func(r Range) bool { return v.Int >= r.Lo && v.Int <= r.Hi })
	case Is:
		v := value(n.Field)
		return v.Kind == Boolean && (v.Int == 1) == n.Value
	case Has:
		return value(n.Field).Present()
	}
	return false
}
