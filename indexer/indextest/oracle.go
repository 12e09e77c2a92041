package indextest

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"ramal/indexer"
	"ramal/indexer/filter"
	"ramal/indexer/text"
	"ramal/internal/id"
)

// oracle holds documents in a map and answers requests by looking at each: slow, and plainly right.
type oracle map[indexer.Key]indexer.Document

// answer is what a request may be answered with.
type answer struct {
	certain []indexer.Document // must be found, in order
	allowed map[id.Contact]int // may be found: the least number of typos with which each matches
	typos   bool               // nothing matches without
	facets  []indexer.Facet    // over the certain
	exact   bool               // nothing else is allowed than what is certain
}

func (o oracle) search(r indexer.Request) answer {
	q := text.Parse(r.Text)
	a := answer{allowed: map[id.Contact]int{}}
	var wide []indexer.Document
	for key, d := range o {
		if key.Tenant == r.Tenant && filter.Match(r.Filter, d.Value) && matches(q, &d, false) {
			wide = append(wide, d)
		}
	}
	for _, d := range wide {
		a.allowed[d.Contact] = 0
		if matches(q, &d, true) {
			a.certain = append(a.certain, d)
		}
	}
	if len(wide) == 0 {
		o.withTypos(r, q, &a)
	}
	a.exact = len(a.certain) == len(a.allowed)
	o.order(r, a.certain)
	for _, f := range r.Facets {
		a.facets = append(a.facets, facet(a.certain, f, r.FacetValues))
	}
	return a
}

func (o oracle) withTypos(r indexer.Request, q text.Query, a *answer) {
	least := -1
	for key, d := range o {
		if key.Tenant != r.Tenant || !filter.Match(r.Filter, d.Value) {
			continue
		}
		if n, ok := typos(q, &d); ok {
			a.allowed[d.Contact] = n
			if least < 0 || n < least {
				least = n
			}
		}
	}
	a.typos = len(a.allowed) > 0
	for c, n := range a.allowed {
		if n == least && len(q.Words) == 1 && len(q.Codes) == 0 { // of several words, engines count what is least in ways of their own
			a.certain = append(a.certain, o[indexer.Key{Tenant: r.Tenant, Contact: c}])
		}
	}
}

func (o oracle) order(r indexer.Request, docs []indexer.Document) {
	s := r.Sort
	if s.Field == "" {
		s = indexer.Sort{Field: indexer.FieldLastActivity, Desc: true}
	}
	at := make(map[id.Contact]indexer.Position, len(docs))
	for i := range docs {
		at[docs[i].Contact] = indexer.PositionOf(&docs[i], s.Field)
	}
	slices.SortFunc(docs, func(a, b indexer.Document) int { return at[a.Contact].Compare(at[b.Contact], s.Desc) })
}

// matches reports whether a document matches as typed; strictly, only so that every engine finds it.
func matches(q text.Query, d *indexer.Document, strictly bool) bool {
	name := text.Words(d.Name)
	begins := func(typed string) bool {
		return slices.ContainsFunc(name, func(w string) bool { return strings.HasPrefix(w, typed) })
	}
	for i, w := range q.Words {
		last := i == len(q.Words)-1 && len(q.Codes) == 0
		if !begins(w) || strictly && !last && !slices.Contains(name, w) {
			return false
		}
	}
	for _, c := range q.Codes {
		if !holds(d, c) && !begins(c) || strictly && (len(q.Codes) > 1 || len(c) < 3) {
			return false
		}
	}
	return true
}

func holds(d *indexer.Document, code string) bool {
	return strings.Contains(d.Phone, code) || strings.Contains(text.Code(d.OrderNo), code)
}

// typos returns the least number of typos with which a document matches, false where that is too many.
func typos(q text.Query, d *indexer.Document) (sum int, ok bool) {
	if !matches(text.Query{Codes: q.Codes}, d, false) {
		return 0, false
	}
	for _, typed := range q.Words {
		limit := text.MaxTypos(typed)
		least := limit + 1
		for _, w := range text.Words(d.Name) {
			least = min(least, text.PrefixDistance(typed, w, limit))
		}
		if least > limit {
			return 0, false
		}
		sum += least
	}
	return sum, true
}

func facet(docs []indexer.Document, field string, most int) indexer.Facet {
	counts := map[string]int{}
	for _, d := range docs {
		switch v := d.Value(field); v.Kind {
		case filter.Text:
			counts[v.Text]++
		case filter.Boolean:
			counts[strconv.FormatBool(v.Int == 1)]++
		case filter.Tags:
			for _, tag := range v.Tags {
				counts[tag]++
			}
		default:
		}
	}
	keys := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		if counts[a] != counts[b] {
			return counts[b] - counts[a]
		}
		return strings.Compare(a, b)
	})
	f := indexer.Facet{Field: field, More: len(keys) > most}
	for _, k := range keys[:min(most, len(keys))] {
		f.Values = append(f.Values, indexer.FacetValue{Value: k, Count: counts[k]})
	}
	return f
}
