package memory

import (
	"slices"
	"strings"

	"github.com/RoaringBitmap/roaring/v2"

	"ramal/indexer/text"
)

// terms finds the documents of a shard by the words of their names. The shard's lock guards it.
type terms struct {
	post   map[string]*posting // by word; never empty ones
	sorted []string            // all words of post, and some that left; none twice
	recent []string            // sorted too: words that came since the last merge
	left   int                 // words of sorted and recent that are no longer in post
	short  map[string]*posting // by beginnings of 1 to shortMax bytes; nil in a small shard
}

const (
	shortMax  = 3
	recentMax = 512
)

func (t *terms) add(words []string, ord uint16) {
	for _, w := range words {
		p := t.post[w]
		if p == nil {
			p = &posting{}
			w = strings.Clone(w)
			t.post[w] = p
			t.list(w)
		}
		p.add(ord)
	}
	if t.short != nil {
		for _, b := range beginnings(words) {
			p := t.short[b]
			if p == nil {
				p = &posting{}
				t.short[strings.Clone(b)] = p
			}
			p.add(ord)
		}
	}
}

func (t *terms) remove(words []string, ord uint16) {
	for _, w := range words {
		p := t.post[w]
		if p == nil {
			continue
		}
		if p.remove(ord); p.empty() {
			delete(t.post, w)
			t.left++
		}
	}
	if t.short != nil {
		for _, b := range beginnings(words) {
			if p := t.short[b]; p != nil {
				if p.remove(ord); p.empty() {
					delete(t.short, b)
				}
			}
		}
	}
	if t.left > recentMax+len(t.sorted)/4 {
		t.merge()
	}
}

// list enters a word into the sorted lists, unless it stands there from before.
func (t *terms) list(w string) {
	if _, found := slices.BinarySearch(t.sorted, w); found {
		t.left--
		return
	}
	at, found := slices.BinarySearch(t.recent, w)
	if found {
		t.left--
		return
	}
	if t.recent = slices.Insert(t.recent, at, w); len(t.recent) > recentMax {
		t.merge()
	}
}

func (t *terms) merge() {
	out := make([]string, 0, len(t.post))
	a, b := t.sorted, t.recent
	for len(a)+len(b) > 0 {
		next := &a
		if len(a) == 0 || len(b) > 0 && b[0] < a[0] {
			next = &b
		}
		if _, used := t.post[(*next)[0]]; used {
			out = append(out, (*next)[0])
		}
		*next = (*next)[1:]
	}
	t.sorted, t.recent, t.left = out, nil, 0
}

// beginnings returns the distinct beginnings of words, to shortMax bytes.
func beginnings(words []string) []string {
	var out []string
	for _, w := range words {
		for n := 1; n <= min(shortMax, len(w)); n++ {
			if !slices.Contains(out, w[:n]) {
				out = append(out, w[:n])
			}
		}
	}
	return out
}

// beginning returns the documents with a word that begins with prefix. The caller only reads them.
func (t *terms) beginning(prefix string) *roaring.Bitmap {
	if len(prefix) <= shortMax && t.short != nil {
		return t.short[prefix].bitmap()
	}
	var found []*posting
	for _, list := range [...][]string{t.sorted, t.recent} {
		at, _ := slices.BinarySearch(list, prefix)
		for ; at < len(list) && strings.HasPrefix(list[at], prefix); at++ {
			if p := t.post[list[at]]; p != nil {
				found = append(found, p)
			}
		}
	}
	return union(found)
}

// near returns, for each number of typos up to limit, the documents with a word that begins with typed but for so
// many typos; a document is in the set of its fewest and may be in others too.
func (t *terms) near(typed string, limit int) []*roaring.Bitmap {
	sets := make([][]*posting, limit+1)
	wanted := mask(typed)
	for w, p := range t.post {
		if missing(wanted&^mask(w)) > limit {
			continue
		}
		if d := text.PrefixDistance(typed, w, limit); d <= limit {
			sets[d] = append(sets[d], p)
		}
	}
	out := make([]*roaring.Bitmap, len(sets))
	for i, s := range sets {
		out[i] = union(s)
	}
	return out
}

// mask has a bit for each letter that a word holds. Each typo takes at most one letter of what was typed away.
func mask(w string) (m uint32) {
	for i := range len(w) {
		m |= 1 << (w[i] & 31)
	}
	return m
}

func missing(m uint32) (n int) {
	for ; m != 0; m &= m - 1 {
		n++
	}
	return n
}
