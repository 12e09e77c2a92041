package indextest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"ramal/indexer"
	"ramal/indexer/filter"
	"ramal/internal/id"
)

func testSorts(t *testing.T, e indexer.Engine) {
	declare(t, e, tenant, Attributes)
	names := named("bia", "Ana Souza", "ána silva", "Zé", "ção", "", "Ana-Souza", "ana souza e um nome muito mais longo", "ana souza e um nome muito mais curto")
	for i := range names {
		names[i].QuoteCents = int64(i%3) - 1
		if i%2 == 0 {
			names[i].WindowUntil = noon.Add(time.Duration(-i) * time.Millisecond)
			names[i].Attributes = map[string]filter.Value{"peso": filter.NumberOf(int64(i - 4)), "ativo": filter.BooleanOf(i > 4), "cor": filter.TextOf(fmt.Sprintf("C%d", 9-i))}
		}
	}
	names[3].WindowUntil = time.Date(1905, 1, 1, 0, 0, 0, 0, time.UTC) // before 1970
	o := oracle{}
	put(t, e, o, names...)
	got, _ := search(t, e, indexer.Request{Sort: indexer.Sort{Field: "name"}})
	if len(got) != 9 || got[0] != "c2" || got[8] != "c5" || got[7] != "c3" || got[3] != "c8" || got[4] != "c7" || got[5] != "c0" || got[6] != "c4" {
		t.Errorf("by name: %v", got)
	}
	got, _ = search(t, e, indexer.Request{Sort: indexer.Sort{Field: "name", Desc: true}})
	if len(got) != 9 || got[0] != "c3" || got[8] != "c5" || got[7] != "c2" {
		t.Errorf("by name, descending: %v", got)
	}
	got, _ = search(t, e, indexer.Request{})
	if !slices.Equal(got, contacts(names)) {
		t.Errorf("by default: %v", got)
	}
	for _, f := range sortable {
		for _, desc := range []bool{false, true} {
			for _, limit := range []int{2, 250} {
				check(t, e, o, indexer.Request{Tenant: tenant, Sort: indexer.Sort{Field: f, Desc: desc}, Limit: limit})
			}
		}
	}
}

func testFacets(t *testing.T, e indexer.Engine) {
	docs := named("Ana", "Ana", "Ana", "Bia")
	for i, status := range []string{"a", "b", "b", "c"} {
		docs[i].Status, docs[i].Tags, docs[i].Ongoing = status, []string{"x", "y", "z"}[:i], i > 1
	}
	put(t, e, nil, docs...)
	fields := []string{"status", "tags", "ongoing", "assigned_agent"}
	_, res := search(t, e, indexer.Request{Facets: fields, FacetValues: 2, Limit: 1})
	if got, want := showFacets(res.Facets), "status [{b 2} {a 1}] true\ntags [{x 3} {y 2}] true\nongoing [{false 2} {true 2}] false\nassigned_agent [] false\n"; got != want {
		t.Errorf("of all:\n%swant\n%s", got, want)
	}
	_, res = search(t, e, indexer.Request{Facets: fields, Text: "ana", Filter: parse(t, "status:=b")})
	if got, want := showFacets(res.Facets), "status [{b 2}] false\ntags [{x 2} {y 1}] false\nongoing [{false 1} {true 1}] false\nassigned_agent [] false\n"; got != want {
		t.Errorf("of some:\n%swant\n%s", got, want)
	}
	if _, res = search(t, e, indexer.Request{Text: "xyz", Facets: fields}); len(res.Facets) != 4 || len(res.Facets[0].Values) != 0 {
		t.Errorf("of none: %v", res.Facets)
	}
}

func testPages(t *testing.T, e indexer.Engine) {
	g := NewGenerator(7, noon)
	var docs []indexer.Document
	for n := range 520 {
		docs = append(docs, g.random(tenant, n, 1))
		docs[n].Attributes = nil
	}
	o := oracle{}
	put(t, e, o, docs...)
	for _, f := range []string{"last_activity_at", "name", "quote_cents", "order_no", "status", "ongoing", "phone"} {
		for _, limit := range []int{7, 130, 250} {
			check(t, e, o, indexer.Request{Tenant: tenant, Sort: indexer.Sort{Field: f, Desc: limit == 130}, Limit: limit})
		}
	}
	got, res := search(t, e, indexer.Request{})
	if len(got) != 25 || res.Found != 520 || res.Next == "" {
		t.Errorf("default page of %d, %d found, next %q", len(got), res.Found, res.Next)
	}
	got, res = search(t, e, indexer.Request{Limit: 250, Filter: parse(t, "id:["+string(Contact(1))+","+string(Contact(2))+"]")})
	if len(got) != 2 || res.Next != "" {
		t.Errorf("the only page of %d, next %q", len(got), res.Next)
	}
}

func testCursorStability(t *testing.T, e indexer.Engine) {
	for _, sorted := range []indexer.Sort{{Field: "last_activity_at", Desc: true}, {Field: "name"}} {
		o := oracle{}
		var docs []indexer.Document
		for n := range 60 {
			docs = append(docs, indexer.Document{
				Tenant: tenant, Contact: Contact(n), Version: 1, Name: fmt.Sprintf("nome igual no comeco %03d", n%40), LastActivityAt: noon.Add(time.Duration(n%40) * time.Second),
			})
		}
		put(t, e, o, docs...)
		seen := map[id.Contact]int{}
		r := indexer.Request{Tenant: tenant, Sort: sorted, Limit: 9}
		for page := 0; ; page++ {
			ids, res := search(t, e, r)
			for _, c := range ids {
				seen[c]++
			}
			if res.Next == "" || page > 60 {
				break
			}
			r.Cursor = res.Next
			// the last one of the page goes away, another moves to the front, and what is not sorted by changes everywhere
			drop(t, e, o, indexer.Key{Tenant: tenant, Contact: ids[len(ids)-1]})
			moved := docs[(page*7)%60]
			moved.Version, moved.Name, moved.LastActivityAt = 2, "aa", noon.Add(time.Hour)
			changed := docs[(page*7+3)%60]
			changed.Version, changed.Status = 2, "mudou"
			if _, there := o[moved.Key()]; there {
				put(t, e, o, moved)
			}
			if _, there := o[changed.Key()]; there && o[changed.Key()].Name != "aa" {
				put(t, e, o, changed)
			}
		}
		for key, d := range o {
			if d.Name != "aa" && seen[key.Contact] != 1 {
				t.Errorf("sorted by %s, %s stayed in its place and was on %d pages", sorted.Field, key.Contact, seen[key.Contact])
			}
		}
		for key := range o {
			drop(t, e, nil, key)
		}
	}
}
