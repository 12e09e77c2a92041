package memory

import (
	"cmp"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"ramal/indexer"
	"ramal/indexer/filter"
	"ramal/internal/id"
)

// ranked is a document among the best found so far. Its key is in the order of the request, the first lowest.
type ranked struct {
	key     int64
	text    string // text.Key where equal keys do not mean equal values
	last    int64  // by relevance: the latest activity
	tie     int64
	contact id.Contact
	shard   *shard
	ord     uint32
}

// ranking keeps the best of one search, in a heap with the last of them on top.
type ranking struct {
	request *indexer.Prepared
	most    int
	best    []ranked
	after   *ranked // nil: from the first on
	keys    []int64 // scratch
}

func newRanking(r *indexer.Prepared) *ranking {
	k := &ranking{request: r, most: r.Limit + 1, keys: make([]int64, chunk)} // one more tells whether there is a next page
	if a := r.After; a != nil {
		k.after = &ranked{key: a.Int, text: a.Text, last: a.Last, contact: a.Contact, tie: indexer.Tie(a.Contact)}
		switch {
		case a.Absent:
			k.after.key = absentKey
		case r.Sort.Field == indexer.FieldPhone:
			k.after.key, k.after.text = phoneKey(a.Text), ""
		case r.SortKind == filter.Text:
			k.after.key = textKey(a.Text)
		}
		k.after.key = k.direct(k.after.key)
	}
	return k
}

func phoneKey(digits string) int64 {
	var c phoneColumn
	c.extend(1)
	c.set(0, filter.TextOf(digits[:min(len(digits), indexer.MaxPhone)]))
	return int64(c.packed[0] >> 1)
}

// direct turns a key into the request's direction; without a value stays last.
func (k *ranking) direct(key int64) int64 {
	if k.request.Sort.Desc && key != absentKey {
		return -key
	}
	return key
}

func (k *ranking) compare(a, b *ranked) int {
	byText := cmp.Compare(a.text, b.text)
	if k.request.Sort.Desc {
		byText = -byText
	}
	return cmp.Or(cmp.Compare(a.key, b.key), byText, cmp.Compare(b.last, a.last), cmp.Compare(a.tie, b.tie), cmp.Compare(a.contact, b.contact))
}

// offer ranks documents of a shard, whose lock the caller holds.
func (k *ranking) offer(s *shard, docs []uint32, classes [][]*roaring.Bitmap) {
	keys := k.keys[:len(docs)]
	sorted, ok := s.columns[k.request.Sort.Field].(sorter)
	relevance := k.request.Sort.Field == indexer.Relevance
	switch {
	case relevance:
		for i, d := range docs {
			keys[i] = class(classes, d)
		}
	case !ok || sorted.kind() != k.request.SortKind: // no document of the shard has a value
		sorted = nil
		for i := range keys {
			keys[i] = absentKey
		}
	default:
		sorted.keys(docs, keys)
	}
	for i, d := range docs {
		key := k.direct(keys[i])
		if len(k.best) == k.most && key > k.best[0].key || k.after != nil && key < k.after.key {
			continue
		}
		r := ranked{key: key, contact: s.ids[d], tie: indexer.Tie(s.ids[d]), shard: s, ord: d}
		if sorted != nil && key != absentKey {
			r.text = sorted.sortText(d)
		}
		if relevance {
			r.last = s.last.ints[d]
		}
		if k.after == nil || k.compare(k.after, &r) < 0 {
			k.push(r)
		}
	}
}

// class sums the classes of a document's words.
func class(classes [][]*roaring.Bitmap, ord uint32) (sum int64) {
	for _, sets := range classes {
		sum += int64(slices.IndexFunc(sets, func(b *roaring.Bitmap) bool { return b.Contains(ord) }))
	}
	return sum
}

// push takes a document into the heap when it is among the best.
func (k *ranking) push(r ranked) {
	h := k.best
	if len(h) < k.most {
		h = append(h, r)
		k.best = h
		for i := len(h) - 1; i > 0; {
			up := (i - 1) / 2
			if k.compare(&h[i], &h[up]) <= 0 {
				return
			}
			h[i], h[up] = h[up], h[i]
			i = up
		}
		return
	}
	if k.compare(&r, &h[0]) >= 0 {
		return
	}
	h[0] = r
	for i := 0; ; {
		down := 2*i + 1
		if down+1 < len(h) && k.compare(&h[down+1], &h[down]) > 0 {
			down++
		}
		if down >= len(h) || k.compare(&h[down], &h[i]) <= 0 {
			return
		}
		h[i], h[down] = h[down], h[i]
		i = down
	}
}

// page returns the best in order, and whether more follow.
func (k *ranking) page() (best []ranked, more bool) {
	slices.SortFunc(k.best, func(a, b ranked) int { return k.compare(&a, &b) })
	if len(k.best) > k.request.Limit {
		return k.best[:k.request.Limit], true
	}
	return k.best, false
}

// position returns where a cursor behind a document goes on.
func (k *ranking) position(r *ranked, typos bool) indexer.Position {
	p := indexer.Position{Typos: typos, Contact: r.contact, Last: r.last, Text: r.text}
	switch {
	case r.key == absentKey:
		p.Absent = true
	case k.request.Sort.Field == indexer.FieldPhone:
		var c phoneColumn
		c.packed = []uint64{uint64(k.direct(r.key)) << 1}
		p.Text = c.value(0).Text
	case k.request.SortKind != filter.Text:
		p.Int = k.direct(r.key)
	}
	return p
}
