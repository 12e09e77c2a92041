package indextest

import (
	"context"
	"strings"
	"testing"
	"time"

	"ramal/indexer"
	"ramal/indexer/filter"
	"ramal/internal/fault"
	"ramal/internal/id"
)

func testAttributes(t *testing.T, e indexer.Engine) {
	cor := map[string]filter.Value{"cor": filter.TextOf("azul")}
	docs := named("Ana", "Bia")
	docs[0].Attributes = cor
	r := e.Upsert(t.Context(), docs)
	refused(t, r[0].Err, fault.Invalid, "bad_document")
	if r[1].Outcome != indexer.Indexed {
		t.Errorf("the good document: %v", r[1].Err)
	}
	declare(t, e, tenant, Attributes)
	put(t, e, nil, docs...)
	azul := parse(t, "attr.cor:=azul")
	expect(t, e, indexer.Request{Filter: azul}, "c0")
	if _, res := search(t, e, indexer.Request{Facets: []string{"attr.cor"}}); showFacets(res.Facets) != "attr.cor [{azul 1}] false\n" {
		t.Errorf("counted %v", res.Facets)
	}
	// other tenants have attributes of their own
	_, err := e.Search(t.Context(), indexer.Request{Tenant: "outra", Filter: azul})
	refused(t, err, fault.Invalid, "bad_filter")
	declare(t, e, "outra", indexer.Schema{Attributes: []indexer.Attribute{{Name: "cor", Kind: filter.Number}}})
	put(t, e, nil, indexer.Document{Tenant: "outra", Contact: "c0", Version: 1, Attributes: map[string]filter.Value{"cor": filter.NumberOf(5)}})
	expect(t, e, indexer.Request{Filter: azul}, "c0")
	// a kind stays, others may come and go
	refused(t, e.Declare(t.Context(), "outra", Attributes), fault.Conflict, "attribute_kind_changed")
	refused(t, e.Declare(t.Context(), tenant, indexer.Schema{Attributes: []indexer.Attribute{{Name: "A", Kind: filter.Text}}}), fault.Invalid, "bad_schema")
	refused(t, e.Declare(t.Context(), "", Attributes), fault.Invalid, "bad_tenant")
	declare(t, e, tenant, indexer.Schema{})
	_, err = e.Search(t.Context(), indexer.Request{Tenant: tenant, Filter: azul})
	refused(t, err, fault.Invalid, "bad_filter")
	if _, res := search(t, e, indexer.Request{Text: "ana"}); len(res.Hits) != 1 || len(res.Hits[0].Document.Attributes) != 0 {
		t.Errorf("what is not declared is shown: %v", res.Hits)
	}
	// declared again, and of another kind: only what is written from now on has it
	declare(t, e, tenant, indexer.Schema{Attributes: []indexer.Attribute{{Name: "cor", Kind: filter.Number}}})
	docs[1].Version, docs[1].Attributes = 2, map[string]filter.Value{"cor": filter.NumberOf(7_000_000)}
	put(t, e, nil, docs[1])
	seven := filter.Within{Field: "attr.cor", Kind: filter.Number, Ranges: []filter.Range{{Lo: 7_000_000, Hi: 7_000_000}}}
	expect(t, e, indexer.Request{Filter: seven}, "c1")
	got, _ := search(t, e, indexer.Request{Sort: indexer.Sort{Field: "attr.cor"}})
	if len(got) != 2 || got[0] != "c1" {
		t.Errorf("sorted by the attribute: %v", got)
	}
}

func testBadDocuments(t *testing.T, e indexer.Engine) {
	declare(t, e, tenant, Attributes)
	good := named("Ana")[0]
	bad := map[string]func(*indexer.Document){
		"tenant":         func(d *indexer.Document) { d.Tenant = "a b" },
		"contact":        func(d *indexer.Document) { d.Contact = "" },
		"version":        func(d *indexer.Document) { d.Version = 0 },
		"long name":      func(d *indexer.Document) { d.Name = strings.Repeat("a", indexer.MaxName+1) },
		"broken name":    func(d *indexer.Document) { d.Name = "\xff" },
		"control":        func(d *indexer.Document) { d.Status = "a\nb" },
		"phone":          func(d *indexer.Document) { d.Phone = "+5511" },
		"long phone":     func(d *indexer.Document) { d.Phone = "1234567890123456" },
		"long status":    func(d *indexer.Document) { d.Status = strings.Repeat("a", filter.MaxText+1) },
		"amount":         func(d *indexer.Document) { d.QuoteCents = 1<<62 + 1 },
		"date":           func(d *indexer.Document) { d.CreatedAt = time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC) },
		"empty tag":      func(d *indexer.Document) { d.Tags = []string{""} },
		"tag twice":      func(d *indexer.Document) { d.Tags = []string{"a", "a"} },
		"many tags":      func(d *indexer.Document) { d.Tags = strings.Split(strings.Repeat("a,", indexer.MaxTags)+"b", ",") },
		"attribute":      func(d *indexer.Document) { d.Attributes = map[string]filter.Value{"nada": filter.NumberOf(1)} },
		"attribute kind": func(d *indexer.Document) { d.Attributes = map[string]filter.Value{"cor": filter.NumberOf(1)} },
		"boolean": func(d *indexer.Document) {
			d.Attributes = map[string]filter.Value{"ativo": {Kind: filter.Boolean, Int: 2}}
		},
	}
	var docs []indexer.Document
	var whys []string
	for why, spoil := range bad {
		d := good
		spoil(&d)
		fine := good
		fine.Contact = id.Contact("ok_" + strings.ReplaceAll(why, " ", "_"))
		docs, whys = append(docs, d, fine), append(whys, why, "")
	}
	for i, r := range e.Upsert(t.Context(), docs) {
		if whys[i] == "" && (r.Outcome != indexer.Indexed || r.Err != nil) {
			t.Errorf("a good document among bad ones: outcome %d, %v", r.Outcome, r.Err)
		}
		if whys[i] != "" && (r.Outcome != indexer.Failed || !fault.Is(r.Err, fault.Invalid)) {
			t.Errorf("%s: outcome %d, %v", whys[i], r.Outcome, r.Err)
		}
	}
	if _, res := search(t, e, indexer.Request{}); res.Found != len(bad) {
		t.Errorf("%d documents, want the %d good ones", res.Found, len(bad))
	}
}

func testBadRequests(t *testing.T, e indexer.Engine) {
	put(t, e, nil, named("Ana", "Bia")...)
	_, res := search(t, e, indexer.Request{Limit: 1})
	for code, r := range map[string]indexer.Request{
		"bad_text":   {Text: strings.Repeat("a", indexer.MaxText+1)},
		"bad_filter": {Filter: filter.In{Field: "nada", Values: []filter.Pattern{{Text: "x"}}}},
		"bad_sort":   {Sort: indexer.Sort{Field: "tags"}},
		"bad_facet":  {Facets: []string{"quote_cents"}},
		"bad_limit":  {Limit: 251},
		"bad_cursor": {Cursor: res.Next, Sort: indexer.Sort{Field: "name"}},
	} {
		r.Tenant = tenant
		_, err := e.Search(t.Context(), r)
		refused(t, err, fault.Invalid, code)
	}
	_, err := e.Search(t.Context(), indexer.Request{Tenant: tenant, Filter: filter.And{}})
	refused(t, err, fault.Invalid, "bad_filter")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.Search(ctx, indexer.Request{Tenant: tenant}); err == nil {
		t.Error("a search that was given up is answered")
	}
	for _, r := range e.Upsert(ctx, named("Caio")) {
		if r.Err == nil {
			t.Error("a write that was given up is done")
		}
	}
	expect(t, e, indexer.Request{}, "c0", "c1")
}

func testClose(t *testing.T, e indexer.Engine) {
	put(t, e, nil, named("Ana")...)
	target, err := e.Rebuild(t.Context(), indexer.Scope{})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := e.Close(); err != nil {
			t.Fatalf("close: %v", err)
		}
	}
	_, err = e.Search(t.Context(), indexer.Request{Tenant: tenant})
	refused(t, err, fault.Unavailable, "closed")
	refused(t, e.Upsert(t.Context(), named("Ana"))[0].Err, fault.Unavailable, "closed")
	refused(t, e.Delete(t.Context(), []indexer.Key{{Tenant: tenant, Contact: "c0"}})[0].Err, fault.Unavailable, "closed")
	refused(t, e.Declare(t.Context(), tenant, Attributes), fault.Unavailable, "closed")
	refused(t, target.Swap(t.Context()), fault.Unavailable, "closed")
	_, err = e.Rebuild(t.Context(), indexer.Scope{})
	refused(t, err, fault.Unavailable, "closed")
}
