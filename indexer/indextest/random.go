package indextest

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"ramal/indexer"
	"ramal/indexer/filter"
	"ramal/indexer/text"
	"ramal/internal/fault"
	"ramal/internal/id"
)

// testRandom compares an engine with the oracle over random documents, requests and changes.
func testRandom(t *testing.T, e indexer.Engine) {
	const seed = 20261124
	g := NewGenerator(seed, noon)
	o := oracle{}
	tenants := []id.Tenant{"grande", "media", "pequena"}
	sizes := map[id.Tenant]int{"grande": 1500, "media": 150, "pequena": 7}
	for _, tenant := range tenants {
		declare(t, e, tenant, Attributes)
		var docs []indexer.Document
		for n := range sizes[tenant] {
			docs = append(docs, g.random(tenant, n, 1))
		}
		put(t, e, o, docs...)
	}
	rounds := 30
	if testing.Short() {
		rounds = 12
	}
	for round := range rounds {
		for range 15 {
			check(t, e, o, g.request(pick(g, tenants)))
			if t.Failed() {
				t.Fatalf("round %d of seed %d", round, seed)
			}
		}
		g.disturb(t, e, o, pick(g, tenants), int64(round)+2, sizes)
	}
}

func (g *Generator) random(tenant id.Tenant, n int, version int64) indexer.Document {
	d := g.Document(tenant, Contact(n), version)
	g.Attribute(&d)
	if g.IntN(20) == 0 {
		d.Phone = ""
	}
	if g.IntN(10) == 0 {
		d.LastActivityAt = noon // many are equal
	}
	return d
}

// disturb changes, renames, deletes and adds documents, some of them twice in one call.
func (g *Generator) disturb(t *testing.T, e indexer.Engine, o oracle, tenant id.Tenant, version int64, sizes map[id.Tenant]int) {
	var docs []indexer.Document
	var gone []indexer.Key
	for range 40 {
		n := g.IntN(sizes[tenant] + sizes[tenant]/10 + 1)
		key := indexer.Key{Tenant: tenant, Contact: Contact(n)}
		switch old, ok := o[key]; {
		case !ok || g.IntN(3) == 0:
			docs = append(docs, g.random(tenant, n, version))
		case g.IntN(3) == 0 && !slices.ContainsFunc(docs, func(d indexer.Document) bool { return d.Key() == key }):
			gone = append(gone, key)
		default:
			g.Change(&old)
			old.Version = version
			docs = append(docs, old)
		}
	}
	put(t, e, o, docs...)
	drop(t, e, o, gone...)
}

// request makes a request with random parts.
func (g *Generator) request(tenant id.Tenant) indexer.Request {
	r := indexer.Request{Tenant: tenant, Limit: 1 + g.IntN(indexer.MaxLimit), FacetValues: 1 + g.IntN(30), Highlight: g.IntN(2) == 0}
	if g.IntN(3) > 0 {
		r.Filter = g.filter(2)
	}
	if g.IntN(4) > 0 {
		r.Sort = indexer.Sort{Field: pick(g, sortable), Desc: g.IntN(2) == 0}
	}
	for _, i := range g.Perm(len(facetable))[:g.IntN(4)] {
		r.Facets = append(r.Facets, facetable[i])
	}
	word := text.Words(g.Name())[0]
	switch g.IntN(8) {
	case 0:
		r.Text = strings.ToUpper(word)
	case 1:
		r.Text = word[:1+g.IntN(len(word))]
	case 2:
		r.Text = pick(g, firsts) + " " + text.Words(pick(g, lasts))[0][:1]
	case 3:
		at := g.IntN(10)
		r.Text = g.Document(tenant, "c", 1).Phone[at : at+3]
	case 4:
		at := 1 + g.IntN(len(word)-1)
		r.Text = word[:at] + "x" + word[at:]
	default:
	}
	return r
}

var (
	sortable, facetable []string
	kinds               = fieldsOfKinds()
)

// fieldsOfKinds sorts the fields by their kinds and by what may be done with them.
func fieldsOfKinds() map[filter.Kind][]string {
	byKind := map[filter.Kind][]string{}
	fields, err := Attributes.Fields()
	if err != nil {
		panic(err) // the declaration of Attributes is wrong
	}
	for _, f := range fields.Filter().Names() {
		kind, _ := fields.Kind(f)
		byKind[kind] = append(byKind[kind], f)
		if fields.Sortable(f) {
			sortable = append(sortable, f)
		}
		if fields.Facetable(f) {
			facetable = append(facetable, f)
		}
	}
	return byKind
}

// filter makes a random tree whose conditions often hold.
func (g *Generator) filter(depth int) filter.Node {
	if depth > 0 {
		switch g.IntN(6) {
		case 0, 1:
			return filter.All(g.filter(depth-1), g.filter(depth-1))
		case 2:
			return filter.Any(g.filter(depth-1), g.filter(depth-1), g.filter(0))
		case 3:
			return filter.Not{Node: g.filter(depth - 1)}
		default:
		}
	}
	like := g.random("t", g.IntN(1500), 1)
	kind := pick(g, []filter.Kind{filter.Text, filter.Text, filter.Tags, filter.Number, filter.Money, filter.Date, filter.Date, filter.Boolean})
	field := pick(g, kinds[kind])
	v := like.Value(field)
	if g.IntN(8) == 0 || !v.Present() {
		return filter.Has{Field: field}
	}
	switch kind {
	case filter.Text:
		return filter.In{Field: field, Values: g.patterns(v.Text)}
	case filter.Tags:
		return filter.In{Field: field, Values: g.patterns(v.Tags...)}
	case filter.Boolean:
		return filter.Is{Field: field, Value: v.Int == 1}
	default:
		other := g.random("t", 0, 1)
		w := other.Value(field)
		ranges := [][]filter.Range{
			{{Lo: v.Int, Hi: v.Int}}, {{Lo: filter.Lowest, Hi: v.Int}}, {{Lo: v.Int, Hi: filter.Highest}},
			{{Lo: min(v.Int, w.Int), Hi: max(v.Int, w.Int)}}, {{Lo: v.Int, Hi: v.Int}, {Lo: min(v.Int, w.Int), Hi: max(v.Int, w.Int)}},
		}
		return filter.Within{Field: field, Kind: kind, Ranges: pick(g, ranges)}
	}
}

func (g *Generator) patterns(texts ...string) []filter.Pattern {
	var out []filter.Pattern
	for _, s := range append(texts, pick(g, statuses)) {
		p := filter.Pattern{Text: s}
		if g.IntN(4) == 0 {
			p = filter.Pattern{Text: string([]rune(s)[:1]), Prefix: true}
		}
		out = append(out, p)
	}
	return out
}

// check compares all pages of one request with the oracle.
func check(t *testing.T, e indexer.Engine, o oracle, r indexer.Request) {
	t.Helper()
	want := o.search(r)
	pages, err := collect(t.Context(), e, r)
	if fault.CodeOf(err) == "filter_unsupported" && strings.Contains(filter.Emit(r.Filter), "*") {
		return
	}
	if err != nil {
		t.Errorf("%s: %v", show(r), err)
		return
	}
	if wrong := want.compare(o, r, pages); wrong != nil {
		t.Errorf("%s: %v", show(r), wrong)
	}
}

// compare says where pages differ from what the answer allows.
func (a answer) compare(o oracle, r indexer.Request, p pages) error {
	ids := make([]id.Contact, 0, len(p.hits))
	for i, h := range p.hits {
		if _, ok := a.allowed[h.Document.Contact]; !ok {
			return errors.New("found " + string(h.Document.Contact) + ", which does not match")
		}
		if want := o[h.Document.Key()]; (i < 10 || i%16 == 0) && !same(h.Document, want) { // not all: rendering is slow
			return errors.New("found\n" + showDocument(h.Document) + "\ninstead of\n" + showDocument(want))
		}
		ids = append(ids, h.Document.Contact)
	}
	wanted := contacts(a.certain)
	if a.exact && !slices.Equal(ids, wanted) {
		return errors.New("found " + showContacts(ids) + "\ninstead of " + showContacts(wanted))
	}
	for _, c := range wanted {
		if !slices.Contains(ids, c) {
			return errors.New("did not find " + string(c))
		}
	}
	sorted := make([]indexer.Document, 0, len(p.hits))
	for _, h := range p.hits {
		sorted = append(sorted, h.Document)
	}
	o.order(r, sorted)
	if !slices.Equal(ids, contacts(sorted)) {
		return errors.New("found in the wrong order: " + showContacts(ids))
	}
	if p.found != len(ids) || p.typos != a.typos && a.exact {
		return errors.New("found another number than told, or typos wrongly told")
	}
	if a.exact && showFacets(p.facets) != showFacets(a.facets) {
		return errors.New("counted " + showFacets(p.facets) + "\ninstead of " + showFacets(a.facets))
	}
	return nil
}

func contacts(docs []indexer.Document) []id.Contact {
	out := make([]id.Contact, 0, len(docs))
	for _, d := range docs {
		out = append(out, d.Contact)
	}
	return out
}
