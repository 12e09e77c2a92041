package indexer

import (
	"context"
	"reflect"
	"strings"
	"testing"
	"time"

	"ramal/indexer/filter"
	"ramal/internal/fault"
	"ramal/internal/id"
)

func TestSchema(t *testing.T) {
	fields, err := Schema{[]Attribute{{"cor", filter.Text}, {"peso", filter.Number}}}.Fields()
	if err != nil {
		t.Fatal(err)
	}
	if k, ok := fields.Kind("attr.peso"); !ok || k != filter.Number {
		t.Errorf("attr.peso is %v, %v", k, ok)
	}
	if _, ok := fields.Kind("peso"); ok {
		t.Error("an attribute is named without its prefix")
	}
	if !fields.Sortable("attr.cor") || fields.Sortable("tags") || fields.Sortable("id") || fields.Sortable("x") || !fields.Sortable("name") {
		t.Error("sortable fields")
	}
	if !fields.Facetable("attr.cor") || !fields.Facetable("tags") || !fields.Facetable("ongoing") || fields.Facetable("name") || fields.Facetable("quote_cents") || fields.Facetable("x") {
		t.Error("facetable fields")
	}
	for _, bad := range [][]Attribute{
		{{"", filter.Text}}, {{"Cor", filter.Text}}, {{"a.b", filter.Text}}, {{"cor", 0}}, {{"cor", filter.Text}, {"cor", filter.Text}},
		{{strings.Repeat("a", 41), filter.Text}}, make([]Attribute, MaxAttributes+1),
	} {
		if _, err := (Schema{bad}).Fields(); fault.CodeOf(err) != "bad_schema" || !fault.Is(err, fault.Invalid) {
			t.Errorf("%v: %v", bad, err)
		}
	}
	other, _ := Schema{[]Attribute{{"cor", filter.Tags}}}.Fields()
	if err := other.Supersede(fields); !fault.Is(err, fault.Conflict) {
		t.Errorf("a text became tags: %v", err)
	}
	if err := (Fields{}).Supersede(fields); err != nil {
		t.Errorf("attributes cannot go: %v", err)
	}
	if len((Fields{}).Filter().Names()) != len(standard) {
		t.Error("the zero Fields lacks standard fields")
	}
}

func TestEveryStandardFieldHasAValueOfItsKind(t *testing.T) {
	at := time.Date(2026, 11, 3, 0, 0, 0, 0, time.UTC)
	d := Document{
		Tenant: "t", Contact: "c", Version: 1, Name: "n", Phone: "1", OrderNo: "o", Status: "s", QuoteStatus: "q", QuoteCents: 1,
		AssignedAgent: "a", CallState: "c", Ongoing: true, MayCallUntil: at, WindowUntil: at, ERPSyncedAt: at, LastActivityAt: at, CreatedAt: at,
		Tags: []string{"t"}, Attributes: map[string]filter.Value{"x": filter.TextOf("y")},
	}
	for name, kind := range standard {
		if v := d.Value(name); v.Kind != kind {
			t.Errorf("%s is a %v, declared a %v", name, v.Kind, kind)
		}
	}
	if d.Value("attr.x").Text != "y" || d.Value("attr.").Present() || d.Value("x").Present() || d.Value("attr.z").Present() {
		t.Error("values of attributes")
	}
}

func TestPrepareRefuses(t *testing.T) {
	for code, r := range map[string]Request{
		"bad_tenant": {},
		"bad_text":   {Text: strings.Repeat("a", MaxText+1)},
		"bad_filter": {Filter: filter.Is{Field: "status", Value: true}},
		"bad_sort":   {Sort: Sort{Field: "tags"}},
		"bad_facet":  {Facets: []string{"name"}},
		"bad_limit":  {Limit: MaxLimit + 1},
		"bad_cursor": {Cursor: "x"},
	} {
		if code != "bad_tenant" {
			r.Tenant = "t"
		}
		if _, err := (Fields{}).Prepare(r); fault.CodeOf(err) != code || !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", code, err)
		}
	}
	for _, r := range []Request{
		{Sort: Sort{Desc: true}}, {Sort: Sort{Field: Relevance}}, {Text: "a", Sort: Sort{Relevance, true}}, {Text: "\x01"}, {Limit: -1}, {FacetValues: 251},
		{Text: strings.Repeat("a ", MaxTerms+1) + "b"}, {Facets: []string{"tags", "tags"}}, {Facets: make([]string, MaxFacets+1)},
	} {
		r.Tenant = "t"
		if _, err := (Fields{}).Prepare(r); !fault.Is(err, fault.Invalid) {
			t.Errorf("%+v: %v", r, err)
		}
	}
}

func TestCursor(t *testing.T) {
	first := Request{Tenant: "t", Text: "ana", Sort: Sort{Field: "name"}}
	p, err := Fields{}.Prepare(first)
	if err != nil || p.Limit != defaultLimit || p.FacetValues != defaultValues {
		t.Fatalf("%+v, %v", p, err)
	}
	at := Position{Text: "ana", Contact: "c1", Int: -5, Typos: true}
	next := first
	next.Cursor, next.Limit, next.Facets = p.Cursor(at), 100, []string{"tags"}
	if q, err := (Fields{}).Prepare(next); err != nil || !reflect.DeepEqual(*q.After, at) {
		t.Fatalf("%+v, %v", q, err)
	}
	for _, change := range []func(*Request){
		func(r *Request) { r.Tenant = "u" }, func(r *Request) { r.Text = "bia" }, func(r *Request) { r.Sort.Desc = true },
		func(r *Request) { r.Sort.Field = "status" }, func(r *Request) { r.Filter = filter.Has{Field: "tags"} }, func(r *Request) { r.Cursor = r.Cursor[1:] },
	} {
		r := next
		change(&r)
		if _, err := (Fields{}).Prepare(r); fault.CodeOf(err) != "bad_cursor" {
			t.Errorf("%+v takes a cursor of another search: %v", r, err)
		}
	}
}

func TestPositionsAreOrdered(t *testing.T) {
	low, high, absent := Position{Int: 1, Contact: "a"}, Position{Int: 2, Contact: "b"}, Position{Absent: true, Contact: "c"}
	if low.Compare(high, false) >= 0 || low.Compare(high, true) <= 0 || absent.Compare(high, false) <= 0 || absent.Compare(high, true) <= 0 || low.Compare(low, true) != 0 {
		t.Error("values")
	}
	a, b := Position{Contact: "a"}, Position{Contact: "b"}
	if sign := CompareTies("a", "b"); sign == 0 || a.Compare(b, false) != sign || a.Compare(b, true) != sign {
		t.Error("ties are not in the same order in both directions")
	}
	if got := PositionOf(&Document{Contact: "c", Name: "  Ção "}, FieldName); got.Text != "cao" || got.Absent {
		t.Errorf("%+v", got)
	}
	if got := PositionOf(&Document{Contact: "c"}, FieldWindowUntil); !got.Absent {
		t.Errorf("%+v", got)
	}
	if Tie("ct_01k0") < 0 {
		t.Error("a tie is negative")
	}
}

func FuzzCursor(f *testing.F) {
	r := Request{Tenant: "t"}
	p, err := Fields{}.Prepare(r)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(p.Cursor(Position{Int: 1, Contact: "c"}))
	f.Add("eyJmIjoxfQ")
	f.Fuzz(func(t *testing.T, c string) {
		r := r
		r.Cursor = c
		q, err := Fields{}.Prepare(r)
		if (err == nil) != (c == "" || q != nil && q.After != nil) || err != nil && fault.CodeOf(err) != "bad_cursor" {
			t.Fatalf("%q: %+v, %v", c, q, err)
		}
	})
}

type found struct{ err error }

func (f found) Search(context.Context, Request) (Result, error) { return Result{Found: 1}, f.err }

func TestWithLag(t *testing.T) {
	lag := func(tenant id.Tenant) time.Duration { return time.Duration(len(tenant)) * time.Second }
	if res, err := WithLag(found{}, lag).Search(context.Background(), Request{Tenant: "abc"}); err != nil || res.IndexLag != 3*time.Second || res.Found != 1 {
		t.Errorf("%+v, %v", res, err)
	}
	if _, err := WithLag(found{ErrClosed}, lag).Search(context.Background(), Request{}); !fault.Is(err, fault.Unavailable) {
		t.Errorf("%v", err)
	}
}

func TestCutFacet(t *testing.T) {
	got := CutFacet("tags", map[string]int{"a": 1, "b": 2, "c": 1, "d": 0}, 2)
	if want := (Facet{"tags", []FacetValue{{"b", 2}, {"a", 1}}, true}); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
}
