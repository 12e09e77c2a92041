package memory

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"ramal/indexer/filter"
	"ramal/indexer/text"
)

// column holds one field of all documents of a shard, by their ordinals. The shard's lock guards it. Beside this, a
// column is a sorter when documents can be sorted by it, a counter when its values can be counted, and answers
// conditions either as a setter, from what it keeps for each value, or as a tester, document by document.
type column interface {
	kind() filter.Kind
	extend(n int)                   // make room for n documents, new ones without a value
	set(ord uint16, v filter.Value) // the zero Value takes the old one away
	value(ord uint32) filter.Value  // what was set
	has(ord uint32) bool            // whether there is one
}

// sorter is a column that documents can be sorted by.
type sorter interface {
	column
	keys(docs []uint32, out []int64) // for each document a number in the order of its values, absentKey without one
	sortText(ord uint32) string      // text.Key, where equal numbers do not mean equal values; "" otherwise
}

// setter is a column that knows the documents of each value. Conditions are of its kind.
type setter interface {
	column
	matching(n filter.Node) *roaring.Bitmap // only to read
}

// tester is a column that looks at each document. Conditions are of its kind.
type tester interface {
	column
	test(n filter.Node) func(ord uint32) bool
}

// counter is a column whose values are counted by facets.
type counter interface {
	column
	newCount() []int
	count(docs []uint32, into []int)
	report(counts []int, into map[string]int)
}

var (
	_, _, _ sorter  = (*intColumn)(nil), (*plainColumn)(nil), (*phoneColumn)(nil)
	_, _    sorter  = (*textColumn)(nil), (*boolColumn)(nil)
	_, _, _ tester  = (*intColumn)(nil), (*plainColumn)(nil), (*phoneColumn)(nil)
	_, _, _ setter  = (*textColumn)(nil), (*tagsColumn)(nil), (*boolColumn)(nil)
	_, _, _ counter = (*textColumn)(nil), (*tagsColumn)(nil), (*boolColumn)(nil)
)

// absentKey is beyond the number of every value.
const absentKey = math.MaxInt64

// absentInt stands in integer columns where there is no value.
const absentInt = math.MinInt64

// grow makes room for n elements in steps that waste little in a full shard.
func grow[T any](s []T, n int, fill T) []T {
	if n > cap(s) {
		bigger := make([]T, len(s), min(shardDocs, max(n, 16, cap(s)+cap(s)/2)))
		copy(bigger, s)
		s = bigger
	}
	for len(s) < n {
		s = append(s, fill)
	}
	return s
}

// textKey returns a number in the order of text keys, as far as their first bytes tell.
func textKey(key string) int64 {
	var first [8]byte
	copy(first[:], key)
	return int64(binary.BigEndian.Uint64(first[:]) >> 1)
}

// intColumn holds numbers, amounts or dates.
type intColumn struct {
	is   filter.Kind
	ints []int64
}

func (c *intColumn) kind() filter.Kind { return c.is }

func (c *intColumn) extend(n int) { c.ints = grow(c.ints, n, absentInt) }

func (c *intColumn) set(ord uint16, v filter.Value) {
	if v.Present() {
		c.ints[ord] = v.Int
	} else {
		c.ints[ord] = absentInt
	}
}

func (c *intColumn) value(ord uint32) filter.Value {
	if !c.has(ord) {
		return filter.Value{}
	}
	return filter.Value{Kind: c.is, Int: c.ints[ord]}
}

func (c *intColumn) has(ord uint32) bool { return c.ints[ord] != absentInt }

func (c *intColumn) keys(docs []uint32, out []int64) {
	for i, d := range docs {
		if out[i] = c.ints[d]; out[i] == absentInt {
			out[i] = absentKey
		}
	}
}

func (c *intColumn) sortText(uint32) string { return "" }

func (c *intColumn) test(n filter.Node) func(uint32) bool {
	within := n.(filter.Within) // a checked filter has conditions of the field's kind
	return func(ord uint32) bool {
		v := c.ints[ord]
		return slices.ContainsFunc(within.Ranges, func(r filter.Range) bool { return v >= r.Lo && v <= r.Hi })
	}
}

// plainColumn holds texts of which nearly all differ: names and order numbers.
type plainColumn struct {
	texts []string
	first []int64 // textKey of each
}

func (c *plainColumn) kind() filter.Kind { return filter.Text }

func (c *plainColumn) extend(n int) {
	c.texts, c.first = grow(c.texts, n, ""), grow(c.first, n, 0)
}

func (c *plainColumn) set(ord uint16, v filter.Value) {
	if c.texts[ord] != v.Text {
		c.texts[ord], c.first[ord] = clone(v.Text), textKey(text.Key(v.Text))
	}
}

func (c *plainColumn) value(ord uint32) filter.Value { return filter.TextOf(c.texts[ord]) }

func (c *plainColumn) has(ord uint32) bool { return c.texts[ord] != "" }

func (c *plainColumn) keys(docs []uint32, out []int64) {
	for i, d := range docs {
		if out[i] = c.first[d]; c.texts[d] == "" {
			out[i] = absentKey
		}
	}
}

func (c *plainColumn) sortText(ord uint32) string { return text.Key(c.texts[ord]) }

func (c *plainColumn) test(n filter.Node) func(uint32) bool {
	match := matcher(n)
	return func(ord uint32) bool { return c.texts[ord] != "" && match(c.texts[ord]) }
}

// matcher returns the test of a condition on one text; lists are looked up, not walked.
func matcher(n filter.Node) func(string) bool {
	in := n.(filter.In) // a checked filter has conditions of the field's kind
	whole := make(map[string]bool, len(in.Values))
	var prefixes []filter.Pattern
	for _, p := range in.Values {
		if p.Prefix {
			prefixes = append(prefixes, p)
		} else {
			whole[p.Text] = true
		}
	}
	return func(s string) bool {
		return whole[s] || slices.ContainsFunc(prefixes, func(p filter.Pattern) bool { return p.Match(s) })
	}
}

// phoneColumn packs up to 15 digits into a number: four bits each, one more than the digit, from the left, so that
// the numbers are in the order of the texts.
type phoneColumn struct {
	packed []uint64
}

func (c *phoneColumn) kind() filter.Kind { return filter.Text }

func (c *phoneColumn) extend(n int) { c.packed = grow(c.packed, n, 0) }

func (c *phoneColumn) set(ord uint16, v filter.Value) {
	var p uint64
	for i := range len(v.Text) {
		p |= uint64(v.Text[i]-'0'+1) << (60 - 4*i)
	}
	c.packed[ord] = p
}

// digits writes the phone into a buffer of 16 bytes.
func (c *phoneColumn) digits(ord uint32, into *[16]byte) []byte {
	n := 0
	for p := c.packed[ord]; p != 0; p <<= 4 {
		into[n] = byte(p>>60) + '0' - 1
		n++
	}
	return into[:n]
}

func (c *phoneColumn) value(ord uint32) filter.Value {
	var buf [16]byte
	return filter.TextOf(string(c.digits(ord, &buf)))
}

func (c *phoneColumn) has(ord uint32) bool { return c.packed[ord] != 0 }

func (c *phoneColumn) keys(docs []uint32, out []int64) {
	for i, d := range docs {
		if out[i] = int64(c.packed[d] >> 1); out[i] == 0 {
			out[i] = absentKey
		}
	}
}

func (c *phoneColumn) sortText(uint32) string { return "" }

func (c *phoneColumn) test(n filter.Node) func(uint32) bool {
	match := matcher(n)
	return func(ord uint32) bool {
		var buf [16]byte
		return c.has(ord) && match(string(c.digits(ord, &buf)))
	}
}
