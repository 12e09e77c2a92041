package memory

import (
	"slices"
	"strings"

	"github.com/RoaringBitmap/roaring/v2"

	"ramal/indexer/filter"
	"ramal/indexer/text"
)

func clone(s string) string { return strings.Clone(s) }

// dictionary numbers the distinct texts of a column from 1; numbers of texts that nobody has any more are used again.
type dictionary struct {
	codes   map[string]uint32
	entries []entry // by code; 0 is no text
	free    []uint32
}

type entry struct {
	text string
	key  int64 // textKey
	post posting
}

func newDictionary() dictionary {
	return dictionary{codes: map[string]uint32{}, entries: make([]entry, 1)}
}

// add enters a document under a text and returns the text's code.
func (d *dictionary) add(s string, ord uint16) uint32 {
	code, ok := d.codes[s]
	if !ok {
		if n := len(d.free); n > 0 {
			code, d.free = d.free[n-1], d.free[:n-1]
		} else {
			code = uint32(len(d.entries))
			d.entries = append(d.entries, entry{})
		}
		s = clone(s)
		d.codes[s] = code
		d.entries[code] = entry{text: s, key: textKey(text.Key(s))}
	}
	d.entries[code].post.add(ord)
	return code
}

func (d *dictionary) remove(code uint32, ord uint16) {
	e := &d.entries[code]
	if e.post.remove(ord); e.post.empty() {
		delete(d.codes, e.text)
		*e = entry{}
		d.free = append(d.free, code)
	}
}

// matching returns the documents under texts that a condition allows.
func (d *dictionary) matching(n filter.Node) *roaring.Bitmap {
	in := n.(filter.In) // a checked filter has conditions of the field's kind
	var found []*posting
	prefix := false
	for _, p := range in.Values {
		prefix = prefix || p.Prefix
		if code, ok := d.codes[p.Text]; ok && !p.Prefix {
			found = append(found, &d.entries[code].post)
		}
	}
	if prefix {
		match := matcher(n)
		found = found[:0]
		for i := 1; i < len(d.entries); i++ {
			if e := &d.entries[i]; e.text != "" && match(e.text) {
				found = append(found, &e.post)
			}
		}
	}
	return union(found)
}

// textColumn holds texts of which few differ.
type textColumn struct {
	dict  dictionary
	codes []uint16
}

func newTextColumn() *textColumn { return &textColumn{dict: newDictionary()} }

func (c *textColumn) kind() filter.Kind { return filter.Text }

func (c *textColumn) extend(n int) { c.codes = grow(c.codes, n, 0) }

func (c *textColumn) set(ord uint16, v filter.Value) {
	old := c.codes[ord]
	if c.dict.entries[old].text == v.Text {
		return
	}
	if old != 0 {
		c.dict.remove(uint32(old), ord)
	}
	c.codes[ord] = 0
	if v.Text != "" {
		c.codes[ord] = uint16(c.dict.add(v.Text, ord)) // a shard has fewer documents than codes
	}
}

func (c *textColumn) value(ord uint32) filter.Value {
	return filter.TextOf(c.dict.entries[c.codes[ord]].text)
}

func (c *textColumn) has(ord uint32) bool { return c.codes[ord] != 0 }

func (c *textColumn) keys(docs []uint32, out []int64) {
	for i, d := range docs {
		if code := c.codes[d]; code != 0 {
			out[i] = c.dict.entries[code].key
		} else {
			out[i] = absentKey
		}
	}
}

func (c *textColumn) sortText(ord uint32) string {
	return text.Key(c.dict.entries[c.codes[ord]].text)
}

func (c *textColumn) matching(n filter.Node) *roaring.Bitmap { return c.dict.matching(n) }

func (c *textColumn) newCount() []int { return make([]int, len(c.dict.entries)) }

func (c *textColumn) count(docs []uint32, into []int) {
	for _, d := range docs {
		into[c.codes[d]]++
	}
}

func (c *textColumn) report(counts []int, into map[string]int) {
	for code, n := range counts {
		if code > 0 && n > 0 {
			into[c.dict.entries[code].text] += n
		}
	}
}

// tagsColumn holds sets of tags. The sets of a shard are few compared with its documents, so each document has the
// number of a set.
type tagsColumn struct {
	dict  dictionary // the single tags
	sets  []tagSet   // by number; 0 is the empty set
	byKey map[string]uint16
	free  []uint16
	codes []uint16
}

type tagSet struct {
	key  string // the tags, sorted, with a separator between them
	tags []string
	docs int
}

func newTagsColumn() *tagsColumn {
	return &tagsColumn{dict: newDictionary(), sets: make([]tagSet, 1), byKey: map[string]uint16{}}
}

func (c *tagsColumn) kind() filter.Kind { return filter.Tags }

func (c *tagsColumn) extend(n int) { c.codes = grow(c.codes, n, 0) }

func (c *tagsColumn) set(ord uint16, v filter.Value) {
	old := c.codes[ord]
	tags := v.Tags
	if !slices.IsSorted(tags) {
		tags = slices.Sorted(slices.Values(tags))
	}
	before := c.sets[old].tags
	if slices.Equal(before, tags) {
		return
	}
	for _, tag := range before {
		if !slices.Contains(tags, tag) {
			c.dict.remove(c.dict.codes[tag], ord)
		}
	}
	for _, tag := range tags {
		if !slices.Contains(before, tag) {
			c.dict.add(tag, ord)
		}
	}
	if s := &c.sets[old]; old != 0 {
		if s.docs--; s.docs == 0 {
			delete(c.byKey, s.key)
			*s = tagSet{}
			c.free = append(c.free, old)
		}
	}
	c.codes[ord] = c.number(tags)
}

// number returns the number of a set of tags, for one more document.
func (c *tagsColumn) number(tags []string) uint16 {
	if len(tags) == 0 {
		return 0
	}
	key := strings.Join(tags, "\x00") // control characters are not in tags
	code, ok := c.byKey[key]
	if !ok {
		if n := len(c.free); n > 0 {
			code, c.free = c.free[n-1], c.free[:n-1]
		} else {
			code = uint16(len(c.sets))
			c.sets = append(c.sets, tagSet{})
		}
		own := strings.Split(key, "\x00")
		c.sets[code] = tagSet{key: key, tags: own}
		c.byKey[key] = code
	}
	c.sets[code].docs++
	return code
}

func (c *tagsColumn) value(ord uint32) filter.Value {
	return filter.TagsOf(slices.Clone(c.sets[c.codes[ord]].tags)...)
}

func (c *tagsColumn) has(ord uint32) bool { return c.codes[ord] != 0 }

func (c *tagsColumn) matching(n filter.Node) *roaring.Bitmap { return c.dict.matching(n) }

func (c *tagsColumn) newCount() []int { return make([]int, len(c.sets)) }

func (c *tagsColumn) count(docs []uint32, into []int) {
	for _, d := range docs {
		into[c.codes[d]]++
	}
}

func (c *tagsColumn) report(counts []int, into map[string]int) {
	for code, n := range counts {
		if n > 0 {
			for _, tag := range c.sets[code].tags {
				into[tag] += n
			}
		}
	}
}

// boolColumn holds truth values.
type boolColumn struct {
	codes []uint8    // 0 none, 1 false, 2 true
	post  [3]posting // by code; 0 is not kept
}

func (c *boolColumn) kind() filter.Kind { return filter.Boolean }

func (c *boolColumn) extend(n int) { c.codes = grow(c.codes, n, 0) }

func (c *boolColumn) set(ord uint16, v filter.Value) {
	var code uint8
	if v.Present() {
		code = 1 + uint8(v.Int)
	}
	old := c.codes[ord]
	if code == old {
		return
	}
	if old != 0 {
		c.post[old].remove(ord)
	}
	if code != 0 {
		c.post[code].add(ord)
	}
	c.codes[ord] = code
}

func (c *boolColumn) value(ord uint32) filter.Value {
	if !c.has(ord) {
		return filter.Value{}
	}
	return filter.BooleanOf(c.codes[ord] == 2)
}

func (c *boolColumn) has(ord uint32) bool { return c.codes[ord] != 0 }

func (c *boolColumn) keys(docs []uint32, out []int64) {
	for i, d := range docs {
		if out[i] = int64(c.codes[d]) - 1; out[i] < 0 {
			out[i] = absentKey
		}
	}
}

func (c *boolColumn) sortText(uint32) string { return "" }

func (c *boolColumn) matching(n filter.Node) *roaring.Bitmap {
	is := n.(filter.Is) // a checked filter has conditions of the field's kind
	if is.Value {
		return c.post[2].bitmap()
	}
	return c.post[1].bitmap()
}

func (c *boolColumn) newCount() []int { return make([]int, len(c.post)) }

func (c *boolColumn) count(docs []uint32, into []int) {
	for _, d := range docs {
		into[c.codes[d]]++
	}
}

func (c *boolColumn) report(counts []int, into map[string]int) {
	if counts[1] > 0 {
		into["false"] += counts[1]
	}
	if counts[2] > 0 {
		into["true"] += counts[2]
	}
}
