package memory

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ramal/indexer"
	"ramal/indexer/filter"
	"ramal/indexer/indextest"
	"ramal/indexer/text"
)

func TestPostingIsASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var p posting
		model := map[uint32]bool{}
		for _, op := range rapid.SliceOfN(rapid.IntRange(-100, 100), 0, 200).Draw(t, "operations") {
			if ord := uint16(max(op, -op)); op > 0 {
				p.add(ord)
				model[uint32(ord)] = true
			} else {
				p.remove(ord)
				delete(model, uint32(ord))
			}
		}
		if got, want := p.bitmap().ToArray(), slices.Sorted(maps.Keys(model)); !slices.Equal(got, want) || p.empty() != (len(want) == 0) {
			t.Fatalf("%v, want %v", got, want)
		}
		if got := union([]*posting{&p, {few: []uint16{500}}}).ToArray(); !slices.Equal(got, append(slices.Sorted(maps.Keys(model)), 500)) {
			t.Fatalf("union %v", got)
		}
	})
}

// TestTermsAfterManyRenames gives and takes so many words that the lists are merged again and again.
func TestTermsAfterManyRenames(t *testing.T) {
	for _, sieved := range []bool{false, true} {
		ts := terms{post: map[string]*posting{}}
		if sieved {
			ts.short = map[string]*posting{}
		}
		g := indextest.NewGenerator(1, time.Unix(0, 0))
		names := make([][]string, 300)
		for n := range 20_000 {
			ord := n % len(names)
			next := []string{fmt.Sprintf("%c%x", 'a'+g.IntN(26), g.IntN(1<<20)), fmt.Sprintf("z%d", n%7)}
			ts.remove(names[ord], uint16(ord))
			ts.add(next, uint16(ord))
			names[ord] = next
		}
		if len(ts.post) > 307 || len(ts.sorted)+len(ts.recent) > 3*recentMax || len(ts.short) > 26*17*17 {
			t.Fatalf("%d words, %d and %d listed, %d beginnings", len(ts.post), len(ts.sorted), len(ts.recent), len(ts.short))
		}
		for _, typed := range []string{"a", "z", "z3", "b1", "c12", names[5][0], names[7][0][:3], "nada"} {
			var want []uint32
			for ord, name := range names {
				if slices.ContainsFunc(name, func(w string) bool { return strings.HasPrefix(w, typed) }) {
					want = append(want, uint32(ord))
				}
			}
			if got := ts.beginning(typed).ToArray(); !slices.Equal(got, want) {
				t.Errorf("words that begin with %q: %v, want %v", typed, got, want)
			}
		}
	}
}

func TestTheMaskNeverHidesAWord(t *testing.T) {
	word := rapid.StringOfN(rapid.RuneFrom([]rune("abcdeãç1")), 1, 9, -1)
	rapid.Check(t, func(t *rapid.T) {
		typed, w := word.Draw(t, "typed"), word.Draw(t, "word")
		for limit := 1; limit <= 2; limit++ {
			if text.PrefixDistance(text.Code(typed), text.Code(w), limit) <= limit && missing(mask(text.Code(typed))&^mask(text.Code(w))) > limit {
				t.Fatalf("%q is near %q, but the masks say no", typed, w)
			}
		}
	})
}

func TestPhonesArePackedInOrder(t *testing.T) {
	phones := []string{"", "0", "00", "01", "1", "11", "5511988887777", "55119888877771", "999999999999999"}
	var c phoneColumn
	c.extend(len(phones))
	for i, p := range phones {
		c.set(uint16(i), filter.TextOf(p))
		if got := c.value(uint32(i)).Text; got != p {
			t.Errorf("%q comes back as %q", p, got)
		}
	}
	if !slices.IsSorted(c.packed) {
		t.Errorf("%v", c.packed)
	}
}

// TestValuesThatNobodyHasAreForgotten changes texts and tags without end; the dictionaries must not grow.
func TestValuesThatNobodyHasAreForgotten(t *testing.T) {
	texts, tags := newTextColumn(), newTagsColumn()
	texts.extend(10)
	tags.extend(10)
	for n := range 5000 {
		v := fmt.Sprint("valor ", n)
		texts.set(uint16(n%10), filter.TextOf(v))
		tags.set(uint16(n%10), filter.TagsOf(v, "todos"))
	}
	if n := len(texts.dict.entries); n > 12 {
		t.Errorf("%d texts are kept for 10 documents", n)
	}
	if n := max(len(tags.dict.entries), len(tags.sets)); n > 14 {
		t.Errorf("%d tags and %d sets are kept for 10 documents", len(tags.dict.entries), len(tags.sets))
	}
	counts := tags.newCount()
	tags.count([]uint32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, counts)
	into := map[string]int{}
	if tags.report(counts, into); into["todos"] != 10 || len(into) != 11 {
		t.Errorf("counted %v", into)
	}
}

// TestATenantLargerThanAShard fills one shard and begins another, then frees and fills places.
func TestATenantLargerThanAShard(t *testing.T) {
	if testing.Short() {
		t.Skip("70,000 documents")
	}
	e := New()
	const docs = shardDocs + 4_000
	batch := make([]indexer.Document, 0, docs)
	for n := range docs {
		batch = append(batch, indexer.Document{
			Tenant: "t", Contact: indextest.Contact(n), Version: 1, Name: fmt.Sprintf("Nome %d", n%100), Phone: fmt.Sprint(5511900000000 + n), QuoteCents: int64(n),
			Tags: []string{[]string{"par", "impar"}[n%2]}, Attributes: map[string]filter.Value{},
		})
	}
	find := func(r indexer.Request) indexer.Result {
		t.Helper()
		r.Tenant = "t"
		res, err := e.Search(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		return res
	}
	e.Upsert(t.Context(), batch)
	p := e.parts["t"]
	if n := len(*p.shards.Load()); n != 2 || p.count.Load() != docs {
		t.Fatalf("%d shards of %d documents", n, p.count.Load())
	}
	res := find(indexer.Request{Sort: indexer.Sort{Field: "quote_cents", Desc: true}, Facets: []string{"tags"}, Limit: 3})
	if res.Found != docs || res.Hits[0].Document.QuoteCents != docs-1 || res.Facets[0].Values[0].Count != (docs+1)/2 {
		t.Fatalf("found %d, first %d, %v", res.Found, res.Hits[0].Document.QuoteCents, res.Facets)
	}
	if got := find(indexer.Request{Text: "1190006"}).Found; got != 9_535 { // 60,000 to 69,534
		t.Errorf("phones with 1190006: %d", got)
	}
	var gone []indexer.Key
	for n := range 10_000 {
		gone = append(gone, batch[n*6].Key())
	}
	e.Delete(t.Context(), gone)
	if got := find(indexer.Request{Filter: filter.In{Field: "tags", Values: []filter.Pattern{{Text: "par"}}}}).Found; got != (docs+1)/2-10_000 {
		t.Errorf("%d even ones are left", got)
	}
	for n := range 10_000 {
		batch[n].Contact = indextest.Contact(docs + n)
	}
	e.Upsert(t.Context(), batch[:10_000])
	if n := len(*p.shards.Load()); n != 2 || find(indexer.Request{}).Found != docs {
		t.Errorf("the places of the deleted are not used again: %d shards, %d found", n, find(indexer.Request{}).Found)
	}
}
