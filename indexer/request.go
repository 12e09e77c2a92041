package indexer

import (
	"slices"
	"strings"
	"time"

	"ramal/indexer/filter"
	"ramal/indexer/text"
	"ramal/internal/fault"
	"ramal/internal/id"
)

// The limits of a request.
const (
	MaxLimit  = 250 // documents a page, and values a facet
	MaxText   = 200 // bytes of search text
	MaxTerms  = 16  // words and codes of it
	MaxFacets = 20

	defaultLimit  = 25
	defaultValues = 10
)

// Request asks for one page of a tenant's documents. Only Tenant is needed: the rest of the zero value asks for all,
// latest activity first.
type Request struct {
	Tenant      id.Tenant   // set from the session, never from what a client sent
	Text        string      // what somebody typed
	Filter      filter.Node // nil: all
	Sort        Sort
	Facets      []string // fields whose values are counted over all that matches
	FacetValues int      // most frequent values a facet; 1 to MaxLimit, default 10
	Limit       int      // documents a page; 1 to MaxLimit, default 25
	Cursor      string   // Result.Next of the page before; empty: the first
	Highlight   bool     // say what of each hit matched the text
}

// Relevance sorts by how well the text matches; only a request with a text can be sorted so, and Desc is not set.
const Relevance = "relevance"

// Sort is the field to sort by. The zero Sort is last_activity_at, descending.
type Sort struct {
	Field string
	Desc  bool
}

// Hit is one document that matches. It is at least as new as what matched.
type Hit struct {
	Document   Document
	Highlights []Highlight // of name, phone and order number, where asked for
}

// Highlight says which bytes of a field's text matched.
type Highlight struct {
	Field string
	Spans []text.Span
}

// Facet counts the values of one field over all documents that match, the page aside.
type Facet struct {
	Field  string
	Values []FacetValue // most frequent first, then in the order of their bytes
	More   bool         // there are further values
}

// FacetValue is one value, "true" or "false" for booleans, and the number of documents that have it.
type FacetValue struct {
	Value string
	Count int
}

// Result is one page.
type Result struct {
	Found    int // documents that match in all
	Hits     []Hit
	Facets   []Facet // in the order of the request
	Next     string  // cursor of the next page; empty: this is the last
	Typos    bool    // nothing matched as typed; these match with typos
	IndexLag time.Duration
}

// Prepared is a request that was checked, with defaults in place and its parts parsed: what a driver works from.
type Prepared struct {
	Request
	Query    text.Query
	SortKind filter.Kind // of the field sorted by; 0 for Relevance
	After    *Position   // nil: the first page
	print    uint64
}

// Prepare checks a request against the tenant's fields. Errors are Invalid: "bad_tenant", "bad_text", "bad_filter",
// "bad_sort", "bad_facet", "bad_limit" or "bad_cursor".
func (f Fields) Prepare(r Request) (*Prepared, error) {
	if err := CheckTenant(r.Tenant); err != nil {
		return nil, err
	}
	if wrong := badText("text", r.Text, MaxText); wrong != "" {
		return nil, fault.New(fault.Invalid, "indexer.search", "bad_text", wrong)
	}
	p := &Prepared{Request: r, Query: text.Parse(r.Text)}
	if n := len(p.Query.Words) + len(p.Query.Codes); n > MaxTerms {
		return nil, fault.Newf(fault.Invalid, "indexer.search", "bad_text", "the text has %d words, more than %d", n, MaxTerms)
	}
	if err := filter.Check(f.Filter(), r.Filter, filter.Limits{}); err != nil {
		return nil, err
	}
	if err := p.sort(f); err != nil {
		return nil, err
	}
	if err := p.sizes(f); err != nil {
		return nil, err
	}
	p.print = fingerprint(p)
	return p, p.after()
}

func (p *Prepared) sort(f Fields) error {
	if p.Sort.Field == "" {
		if p.Sort.Desc {
			return fault.New(fault.Invalid, "indexer.search", "bad_sort", "a direction without a field")
		}
		p.Sort = Sort{FieldLastActivity, true}
	}
	if p.Sort.Field == Relevance {
		if p.Query.Empty() || p.Sort.Desc {
			return fault.New(fault.Invalid, "indexer.search", "bad_sort", "relevance needs a text and has no direction")
		}
		return nil
	}
	if !f.Sortable(p.Sort.Field) {
		return fault.Newf(fault.Invalid, "indexer.search", "bad_sort", "documents cannot be sorted by %q", p.Sort.Field)
	}
	p.SortKind, _ = f.Kind(p.Sort.Field)
	return nil
}

func (p *Prepared) sizes(f Fields) error {
	if len(p.Facets) > MaxFacets {
		return fault.Newf(fault.Invalid, "indexer.search", "bad_facet", "%d facets, more than %d", len(p.Facets), MaxFacets)
	}
	for i, field := range p.Facets {
		if !f.Facetable(field) || slices.Contains(p.Facets[:i], field) {
			return fault.Newf(fault.Invalid, "indexer.search", "bad_facet", "values of %q cannot be counted, or are asked for twice", field)
		}
	}
	for _, n := range []struct {
		value *int
		or    int
	}{{&p.Limit, defaultLimit}, {&p.FacetValues, defaultValues}} {
		if *n.value < 0 || *n.value > MaxLimit {
			return fault.Newf(fault.Invalid, "indexer.search", "bad_limit", "a limit is 1 to %d", MaxLimit)
		}
		if *n.value == 0 {
			*n.value = n.or
		}
	}
	return nil
}

// Highlights returns what of a document the query matches.
func Highlights(d *Document, q text.Query, typos bool) []Highlight {
	var out []Highlight
	for _, h := range [...]Highlight{
		{FieldName, q.InName(d.Name, typos)}, {FieldPhone, q.InCode(d.Phone)}, {FieldOrderNo, q.InCode(d.OrderNo)},
	} {
		if len(h.Spans) > 0 {
			out = append(out, h)
		}
	}
	return out
}

// CutFacet orders the counted values of a facet and keeps the most frequent.
func CutFacet(field string, counts map[string]int, most int) Facet {
	values := make([]FacetValue, 0, len(counts))
	for v, n := range counts {
		if n > 0 {
			values = append(values, FacetValue{v, n})
		}
	}
	slices.SortFunc(values, func(a, b FacetValue) int {
		if a.Count != b.Count {
			return b.Count - a.Count
		}
		return strings.Compare(a.Value, b.Value)
	})
	f := Facet{Field: field, Values: values, More: len(values) > most}
	f.Values = f.Values[:min(most, len(values))]
	return f
}
