package indextest

import (
	"strings"
	"testing"
	"time"

	"ramal/indexer"
	"ramal/indexer/filter"
	"ramal/internal/id"
)

func testWholeDocuments(t *testing.T, e indexer.Engine) {
	declare(t, e, tenant, Attributes)
	at := time.Date(2026, 2, 3, 4, 5, 6, 789_999_999, time.FixedZone("BRT", -3*3600))
	full := indexer.Document{
		Tenant: tenant, Contact: "c0", Version: 1<<53 + 1, Name: "Ána `Ção` && (x)", Phone: "551198888777712"[:15], OrderNo: "PED-1", Status: "Á, b", QuoteStatus: "q", QuoteCents: 1<<53 + 1,
		AssignedAgent: "ag_1", CallState: "active", Ongoing: true, MayCallUntil: at, WindowUntil: at.Add(1), ERPSyncedAt: at.AddDate(-200, 0, 0), LastActivityAt: at.AddDate(100, 0, 0), CreatedAt: at,
		Tags: []string{"Ção", "a,b", "`", strings.Repeat("x", 200)},
		Attributes: map[string]filter.Value{
			"cor": filter.TextOf("azul"), "peso": filter.NumberOf(-1_500_000), "limite": filter.MoneyOf(1 << 53), "nascimento": filter.DateOf(at),
			"ativo": filter.BooleanOf(false), "rotulos": filter.TagsOf("x", "y"),
		},
	}
	o := oracle{}
	put(t, e, o, full)
	check(t, e, o, indexer.Request{Tenant: tenant})
	// the next version replaces all of it
	put(t, e, o, indexer.Document{Tenant: tenant, Contact: "c0", Version: full.Version + 1})
	check(t, e, o, indexer.Request{Tenant: tenant})
	for _, text := range []string{"status:*", "tags:*", "attr.cor:*", "attr.peso:*", "attr.ativo:*", "attr.rotulos:*", "attr.nascimento:*", "window_until:*", "name:*", "phone:*", "ongoing:=true", "quote_cents:>0"} {
		expect(t, e, indexer.Request{Filter: parse(t, text)})
	}
	for _, text := range []string{"ana", "98888", "ped1"} {
		expect(t, e, indexer.Request{Text: text})
	}
	// the caller's slices are the caller's
	full.Version += 2
	put(t, e, nil, full)
	full.Tags[0], full.Attributes["cor"] = "outra", filter.TextOf("outra")
	expect(t, e, indexer.Request{Filter: parse(t, "tags:=Ção && attr.cor:=azul")}, "c0")
}

func testVersions(t *testing.T, e indexer.Engine) {
	docs := named("Ana")
	docs[0].Version = 5
	put(t, e, nil, docs...)
	old := docs[0]
	old.Version, old.Name = 3, "Bia"
	switch r := e.Upsert(t.Context(), []indexer.Document{old})[0]; r.Outcome {
	case indexer.Stale:
		expect(t, e, indexer.Request{Text: "ana"}, "c0")
		expect(t, e, indexer.Request{Text: "bia"})
	case indexer.Indexed:
		expect(t, e, indexer.Request{Text: "bia"}, "c0")
	default:
		t.Errorf("an older version: outcome %d, %v", r.Outcome, r.Err)
	}
	same := docs[0]
	same.Name = "Caio" // the same version again: the last one counts
	put(t, e, nil, same)
	expect(t, e, indexer.Request{Text: "caio"}, "c0")
	twice := []indexer.Document{same, same}
	twice[0].Version, twice[0].Name, twice[1].Version, twice[1].Name = 6, "Davi", 7, "Eva"
	put(t, e, nil, twice...)
	expect(t, e, indexer.Request{Text: "eva"}, "c0")
	expect(t, e, indexer.Request{Text: "davi"})
	if n := len(e.Upsert(t.Context(), nil)) + len(e.Delete(t.Context(), nil)); n != 0 {
		t.Errorf("no items have %d results", n)
	}
}

func testRenames(t *testing.T, e indexer.Engine) {
	docs := named("Maria Marta Souza", "Maria")
	docs[0].Phone, docs[0].OrderNo = "5511988887777", "PED-1234"
	put(t, e, nil, docs...)
	docs[0].Version, docs[0].Name, docs[0].Phone, docs[0].OrderNo = 2, "Marta Lima", "5521977776666", "X-1230"
	put(t, e, nil, docs[0])
	for query, want := range map[string][]id.Contact{
		"maria": {"c1"}, "souza": nil, "mar": {"c0", "c1"}, "mart": {"c0"}, "lima": {"c0"}, "98888": nil, "6666": {"c0"}, "ped": nil, "x123": {"c0"}, "123": {"c0"}, "1234": nil,
	} {
		expect(t, e, indexer.Request{Text: query}, want...)
	}
}

func testDeletes(t *testing.T, e indexer.Engine) {
	o := oracle{}
	docs := named("Ana", "Bia", "Caio")
	docs[1].Tags, docs[1].Status = []string{"vip"}, "novo"
	put(t, e, o, docs...)
	drop(t, e, o, indexer.Key{Tenant: tenant, Contact: "c1"}, indexer.Key{Tenant: tenant, Contact: "nobody"}, indexer.Key{Tenant: "elsewhere", Contact: "c0"})
	expect(t, e, indexer.Request{}, "c0", "c2")
	expect(t, e, indexer.Request{Text: "bia"})
	if _, res := search(t, e, indexer.Request{Facets: []string{"tags", "status"}}); len(res.Facets[0].Values)+len(res.Facets[1].Values) != 0 {
		t.Errorf("values of the deleted are counted: %v", res.Facets)
	}
	// others take its place; it may come back, even with a lower version
	put(t, e, o, indexer.Document{Tenant: tenant, Contact: "new", Version: 1, Name: "Davi"}, docs[1])
	expect(t, e, indexer.Request{Text: "davi"}, "new")
	expect(t, e, indexer.Request{Text: "bia", Filter: parse(t, "tags:=vip")}, "c1")
	check(t, e, o, indexer.Request{Tenant: tenant, Facets: []string{"tags", "status"}, FacetValues: 10})
	for _, r := range e.Delete(t.Context(), []indexer.Key{{Tenant: tenant, Contact: "c0"}, {Contact: "c2"}}) {
		if r.Outcome == indexer.Failed {
			refused(t, r.Err, "invalid", "bad_tenant")
		}
	}
	expect(t, e, indexer.Request{}, "c1", "c2", "new")
}

func testTenants(t *testing.T, e indexer.Engine) {
	mine, other := named("Ana", "Bia"), named("Ana", "Carla", "Davi")
	for i := range other {
		other[i].Tenant, other[i].Status, other[i].Tags, other[i].Phone = "outra", "segredo", []string{"segredo"}, "5511999990000"
	}
	put(t, e, nil, append(mine, other...)...)
	expect(t, e, indexer.Request{Text: "ana"}, "c0")
	expect(t, e, indexer.Request{Text: "carla"})
	expect(t, e, indexer.Request{Text: "99999"})
	expect(t, e, indexer.Request{Tenant: "outra"}, "c0", "c1", "c2")
	for _, text := range []string{"id:[c0,c1,c2]", "status:=segredo || id:*", "!(status:=segredo && id:*)", "status:!=segredo || tags:=segredo"} {
		r := indexer.Request{Tenant: tenant, Filter: parse(t, text), Facets: []string{"status", "tags"}}
		_, res := search(t, e, r)
		for _, h := range res.Hits {
			if h.Document.Tenant != tenant || h.Document.Status == "segredo" {
				t.Errorf("%s shows %s of %s", text, h.Document.Contact, h.Document.Tenant)
			}
		}
		if res.Found != 2 || len(res.Facets[0].Values)+len(res.Facets[1].Values) != 0 {
			t.Errorf("%s: found %d, %v", text, res.Found, res.Facets)
		}
	}
	expect(t, e, indexer.Request{Tenant: "nobody"})
	drop(t, e, nil, other[0].Key())
	expect(t, e, indexer.Request{Text: "ana"}, "c0")
	_, err := e.Search(t.Context(), indexer.Request{})
	refused(t, err, "invalid", "bad_tenant")
	_, res := search(t, e, indexer.Request{Limit: 1})
	_, err = e.Search(t.Context(), indexer.Request{Tenant: "outra", Limit: 1, Cursor: res.Next})
	refused(t, err, "invalid", "bad_cursor")
}
