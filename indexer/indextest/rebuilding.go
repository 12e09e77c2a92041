package indextest

import (
	"fmt"
	"sync"
	"testing"

	"ramal/indexer"
	"ramal/internal/fault"
	"ramal/internal/id"
)

func rebuild(t *testing.T, e indexer.Engine, scope indexer.Scope) indexer.Target {
	t.Helper()
	target, err := e.Rebuild(t.Context(), scope)
	if err != nil {
		t.Fatalf("rebuild: %v", err)
	}
	return target
}

func counted(t *testing.T, target indexer.Target, want int) {
	t.Helper()
	if n, err := target.Count(t.Context()); err != nil || n != want {
		t.Errorf("the target holds %d, %v, want %d", n, err, want)
	}
}

func testRebuildTenant(t *testing.T, e indexer.Engine) {
	docs := named("Ana", "Bia", "Caio")
	other := docs[0]
	other.Tenant = "outra"
	put(t, e, nil, append(docs, other)...)
	target := rebuild(t, e, indexer.Scope{Tenant: tenant})
	counted(t, target, 0)
	docs[0].Name = "Nova"
	put(t, target, nil, docs[:2]...)
	refused(t, target.Upsert(t.Context(), []indexer.Document{other})[0].Err, fault.Invalid, "out_of_scope")
	counted(t, target, 2)
	drop(t, target, nil, docs[1].Key())
	counted(t, target, 1)
	expect(t, e, indexer.Request{}, "c0", "c1", "c2") // nothing of it is seen
	expect(t, e, indexer.Request{Text: "nova"})
	late := named("", "", "", "Davi")[3]
	put(t, e, nil, late)
	put(t, target, nil, late) // who feeds both misses none
	if err := target.Swap(t.Context()); err != nil {
		t.Fatalf("swap: %v", err)
	}
	expect(t, e, indexer.Request{}, "c0", "c3")
	expect(t, e, indexer.Request{Text: "nova"}, "c0")
	expect(t, e, indexer.Request{Tenant: "outra"}, "c0")
	put(t, e, nil, docs[2])
	expect(t, e, indexer.Request{}, "c0", "c2", "c3")
	refused(t, target.Swap(t.Context()), fault.Conflict, "target_ended")
	refused(t, target.Upsert(t.Context(), docs)[0].Err, fault.Conflict, "target_ended")
	refused(t, target.Delete(t.Context(), []indexer.Key{late.Key()})[0].Err, fault.Conflict, "target_ended")
	if _, err := target.Count(t.Context()); err == nil {
		t.Error("a target that was swapped in is counted")
	}
	if err := target.Discard(t.Context()); err != nil {
		t.Errorf("discard after swap: %v", err)
	}
	expect(t, e, indexer.Request{}, "c0", "c2", "c3")
	empty := rebuild(t, e, indexer.Scope{Tenant: tenant})
	if err := empty.Swap(t.Context()); err != nil {
		t.Fatalf("swap of nothing: %v", err)
	}
	expect(t, e, indexer.Request{})
	expect(t, e, indexer.Request{Tenant: "outra"}, "c0")
}

func testRebuildAll(t *testing.T, e indexer.Engine) {
	declare(t, e, tenant, Attributes)
	g := NewGenerator(3, noon)
	o := oracle{}
	old := g.random("velha", 1, 1)
	old.Attributes = nil
	put(t, e, o, g.random(tenant, 1, 1), old)
	target := rebuild(t, e, indexer.Scope{})
	next := oracle{}
	for n := range 20 {
		put(t, target, next, g.random(tenant, n, 1))
	}
	counted(t, target, 20)
	check(t, e, o, indexer.Request{Tenant: tenant})
	if err := target.Swap(t.Context()); err != nil {
		t.Fatalf("swap: %v", err)
	}
	check(t, e, next, indexer.Request{Tenant: tenant, Limit: 7, Filter: parse(t, "attr.ativo:=true")})
	check(t, e, next, indexer.Request{Tenant: "velha"})
	put(t, e, next, g.random(tenant, 30, 1))
	check(t, e, next, indexer.Request{Tenant: tenant})
}

func testDiscard(t *testing.T, e indexer.Engine) {
	put(t, e, nil, named("Ana")...)
	target := rebuild(t, e, indexer.Scope{})
	put(t, target, nil, named("Bia", "Caio")...)
	for range 2 {
		if err := target.Discard(t.Context()); err != nil {
			t.Fatalf("discard: %v", err)
		}
	}
	refused(t, target.Swap(t.Context()), fault.Conflict, "target_ended")
	expect(t, e, indexer.Request{}, "c0")
	if _, err := e.Rebuild(t.Context(), indexer.Scope{Tenant: "a b"}); !fault.Is(err, fault.Invalid) {
		t.Errorf("rebuild of no tenant: %v", err)
	}
}

// testConcurrency writes and searches at the same time. Half of the documents never change and are found by every
// search; the others come, change and go.
func testConcurrency(t *testing.T, e indexer.Engine) {
	const still, rounds = 100, 60
	tenants := []id.Tenant{"um", "dois"}
	for _, tn := range tenants {
		g := NewGenerator(9, noon)
		var docs []indexer.Document
		for n := range 2 * still {
			d := g.Document(tn, Contact(n), 1)
			d.Attributes, d.Status = nil, "outro"
			if n < still {
				d.Status, d.Name = "parado", "Imovel "+d.Name
			}
			docs = append(docs, d)
		}
		put(t, e, nil, docs...)
	}
	failed := make(chan error, 100)
	fail := func(err error) {
		select {
		case failed <- err:
		default: // enough is told
		}
	}
	var writers, readers sync.WaitGroup
	stop := make(chan struct{})
	for w, tn := range tenants { // each ends after its rounds
		writers.Go(func() {
			g := NewGenerator(uint64(w), noon)
			for round := range rounds {
				var docs []indexer.Document
				for range 10 {
					docs = append(docs, g.Document(tn, Contact(still+g.IntN(still)), int64(round+2)))
				}
				for _, r := range e.Upsert(t.Context(), docs) {
					if r.Err != nil {
						fail(r.Err)
					}
				}
				e.Delete(t.Context(), []indexer.Key{{Tenant: tn, Contact: Contact(still + g.IntN(still))}})
			}
		})
	}
	parado := parse(t, "status:=parado")
	for i := range 4 { // each ends when stop is closed, after the writers
		readers.Go(func() {
			tn := tenants[i%2]
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				r := indexer.Request{Tenant: tn, Filter: parado, Facets: []string{"status"}, Limit: 250, Highlight: true}
				if n%2 == 0 {
					r.Filter, r.Text = nil, "imovel"
				}
				res, err := e.Search(t.Context(), r)
				if err != nil || res.Found != still || len(res.Hits) != still || res.Facets[0].Values[0].Count != still {
					fail(fmt.Errorf("found %d with %d hits: %w", res.Found, len(res.Hits), err))
				}
				if all, err := e.Search(t.Context(), indexer.Request{Tenant: tn, Limit: 250}); err != nil || all.Found < still || all.Found > 2*still {
					fail(fmt.Errorf("found %d of all: %w", all.Found, err))
				} else {
					for _, h := range all.Hits {
						if h.Document.Tenant != tn {
							fail(fmt.Errorf("found one of %s for %s", h.Document.Tenant, tn))
						}
					}
				}
			}
		})
	}
	writers.Wait()
	close(stop)
	readers.Wait()
	close(failed)
	for err := range failed {
		t.Error(err)
	}
}
