package memory

import (
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"ramal/indexer"
	"ramal/indexer/filter"
)

// plan is a request's conditions as one shard tests them: sets that are intersected first, the cheap way, and then
// what each document that is left must pass.
type plan struct {
	sets  []*roaring.Bitmap
	tests []func(ord uint32) bool
	spans []numbers
}

// numbers is a range over a column, by far the most frequent test.
type numbers struct {
	ints []int64
	filter.Range
}

// add enters a condition that must hold.
func (p *plan) add(s *shard, n filter.Node) {
	switch n := n.(type) {
	case nil:
		return
	case filter.And:
		for _, c := range n.Nodes {
			p.add(s, c)
		}
		return
	case filter.Within:
		if c, ok := s.columns[n.Field].(*intColumn); ok && c.is == n.Kind && len(n.Ranges) == 1 {
			p.spans = append(p.spans, numbers{c.ints, n.Ranges[0]})
			return
		}
	case filter.Or, filter.Not, filter.In, filter.Is, filter.Has: // below
	}
	if set := s.matching(n); set != nil {
		p.sets = append(p.sets, set)
	} else {
		p.tests = append(p.tests, s.test(n))
	}
}

// none is the set of no documents.
var none = roaring.New()

// matching returns the documents for which a condition holds, only to read, or nil where testing one by one is the
// way.
func (s *shard) matching(n filter.Node) *roaring.Bitmap {
	switch n := n.(type) {
	case filter.And:
		if sets := s.allMatching(n.Nodes); sets != nil {
			return intersect(sets)
		}
	case filter.Or:
		if sets := s.allMatching(n.Nodes); sets != nil {
			return roaring.FastOr(sets...)
		}
	case filter.Not:
		if set := s.matching(n.Node); set != nil {
			return roaring.AndNot(s.live, set)
		}
	case filter.In:
		return s.columnMatching(n, n.Field, filter.Text, filter.Tags)
	case filter.Is:
		return s.columnMatching(n, n.Field, filter.Boolean)
	case filter.Within, filter.Has:
	}
	return nil
}

func (s *shard) allMatching(nodes []filter.Node) []*roaring.Bitmap {
	var sets []*roaring.Bitmap
	for _, c := range nodes {
		set := s.matching(c)
		if set == nil {
			return nil
		}
		sets = append(sets, set)
	}
	return sets
}

// columnMatching asks a column; one that is not there, or was declared anew as another kind, holds no value.
func (s *shard) columnMatching(n filter.Node, field string, kinds ...filter.Kind) *roaring.Bitmap {
	if field == indexer.FieldID {
		return nil
	}
	c := s.columns[field]
	if c == nil || !slices.Contains(kinds, c.kind()) {
		return none
	}
	if c, ok := c.(setter); ok {
		return c.matching(n)
	}
	return nil
}

// test returns a condition as a test of one document.
func (s *shard) test(n filter.Node) func(ord uint32) bool {
	if set := s.matching(n); set != nil {
		return set.Contains
	}
	switch n := n.(type) {
	case filter.And:
		return s.testAll(n.Nodes, false)
	case filter.Or:
		return s.testAll(n.Nodes, true)
	case filter.Not:
		test := s.test(n.Node)
		return func(ord uint32) bool { return !test(ord) }
	case filter.In:
		if n.Field == indexer.FieldID {
			match := matcher(n)
			return func(ord uint32) bool { return match(string(s.ids[ord])) }
		}
		return s.columnTest(n, n.Field, filter.Text)
	case filter.Within:
		return s.columnTest(n, n.Field, n.Kind)
	case filter.Has:
		if n.Field == indexer.FieldID {
			return s.live.Contains
		}
		if c := s.columns[n.Field]; c != nil {
			return c.has
		}
	case filter.Is: // matching is the way of booleans
	}
	return none.Contains
}

func (s *shard) columnTest(n filter.Node, field string, kind filter.Kind) func(ord uint32) bool {
	if c, ok := s.columns[field].(tester); ok && c.kind() == kind {
		return c.test(n)
	}
	return none.Contains
}

// testAll returns whether all tests hold, or with one whether one does.
func (s *shard) testAll(nodes []filter.Node, one bool) func(ord uint32) bool {
	tests := make([]func(uint32) bool, len(nodes))
	for i, c := range nodes {
		tests[i] = s.test(c)
	}
	return func(ord uint32) bool {
		for _, test := range tests {
			if test(ord) == one {
				return one
			}
		}
		return !one
	}
}

// match enters the text of a request. With typos, words may hold some. It returns what tells the classes of matches
// by relevance apart: for each word the documents by class, the best first.
func (p *plan) match(s *shard, r *indexer.Prepared, typos bool) [][]*roaring.Bitmap {
	var classes [][]*roaring.Bitmap
	for _, word := range r.Query.Words {
		whole := s.terms.post[word].bitmap()
		if !typos {
			begins := s.terms.beginning(word)
			p.sets = append(p.sets, begins)
			classes = append(classes, []*roaring.Bitmap{whole, begins})
			continue
		}
		near := s.terms.near(word, limitOf(word))
		p.sets = append(p.sets, roaring.FastOr(near...))
		classes = append(classes, append([]*roaring.Bitmap{whole}, near...))
	}
	for _, code := range r.Query.Codes {
		named := s.terms.beginning(code)
		if some, ok := s.grams.candidates(code); ok {
			set := named.Clone()
			for it := some.Iterator(); it.HasNext(); {
				if ord := it.Next(); s.holds(ord, code) {
					set.Add(ord)
				}
			}
			p.sets = append(p.sets, set)
		} else {
			p.tests = append(p.tests, func(ord uint32) bool { return s.holds(ord, code) || named.Contains(ord) })
		}
	}
	return classes
}

// candidates returns the intersection of the plan's sets, only to read.
func (p *plan) candidates(s *shard) *roaring.Bitmap {
	if len(p.sets) == 0 {
		return s.live
	}
	return intersect(p.sets)
}

// keep leaves those documents that pass the tests, in place.
func (p *plan) keep(docs []uint32) []uint32 {
	for _, span := range p.spans {
		n := 0
		for _, d := range docs {
			docs[n] = d
			if v := span.ints[d]; v >= span.Lo && v <= span.Hi {
				n++
			}
		}
		docs = docs[:n]
	}
	for _, test := range p.tests {
		n := 0
		for _, d := range docs {
			if test(d) {
				docs[n] = d
				n++
			}
		}
		docs = docs[:n]
	}
	return docs
}
