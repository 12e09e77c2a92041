//go:build unix

package memory

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"ramal/indexer"
	"ramal/indexer/filter"
	"ramal/indexer/indextest"
	"ramal/internal/id"
)

// The benchmarks share one index of a million contacts of 200 tenants, the largest of which has a fifth. It is built
// once, by the first benchmark that runs: go test -run '^$' -bench . -benchtime 2s ./indexer/memory

const (
	million = 1_000_000
	largest = id.Tenant("t000")
	medium  = id.Tenant("t010")
)

var benchNow = time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC)

// world is the index of the benchmarks and what building it took.
type world struct {
	engine  *Engine
	built   time.Duration // of the calls that index
	used    time.Duration // computed by them
	bytes   uint64        // heap
	tenants []id.Tenant   // of each contact: contact n is the n-th
}

// sizes gives 200,000 contacts to the first tenant and shares the rest out in a falling row.
func sizes() []id.Tenant {
	const tenants = 200
	var out []id.Tenant
	left, weight := million-million/5, 0.0
	for i := 1; i < tenants; i++ {
		weight += 1 / float64(i+3)
	}
	for i := range tenants {
		n := million / 5
		if i > 0 {
			n = int(float64(million-million/5) / float64(i+3) / weight)
			left -= n
		}
		for range n {
			out = append(out, id.Tenant(fmt.Sprintf("t%03d", i)))
		}
	}
	for range left {
		out = append(out, "t199")
	}
	return out
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

var bench = sync.OnceValue(func() world {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	w := world{engine: New(), tenants: sizes()}
	before := heap()
	g := indextest.NewGenerator(1, benchNow)
	const batch = 10_000
	docs := make([]indexer.Document, 0, batch)
	for _, tenant := range slices.Compact(slices.Clone(w.tenants)) {
		if err := w.engine.Declare(context.Background(), tenant, colour); err != nil {
			panic(err)
		}
	}
	for n, tenant := range w.tenants {
		docs = append(docs, document(g, tenant, n, 1))
		if len(docs) == batch || n == len(w.tenants)-1 {
			start, before := time.Now(), cpu()
			for _, r := range w.engine.Upsert(context.Background(), docs) {
				if r.Err != nil {
					panic(r.Err)
				}
			}
			w.built, w.used = w.built+time.Since(start), w.used+cpu()-before
			docs = docs[:0]
		}
	}
	w.bytes = heap() - before
	return w
})

// colour is the one attribute of the benchmarks' tenants.
var colour = indexer.Schema{Attributes: []indexer.Attribute{{Name: "cor", Kind: filter.Text}}}

func document(g *indextest.Generator, tenant id.Tenant, n int, version int64) indexer.Document {
	d := g.Document(tenant, indextest.Contact(n), version)
	d.Attributes = map[string]filter.Value{"cor": filter.TextOf([]string{"azul", "verde", "branco"}[g.IntN(3)])}
	return d
}

func BenchmarkBuild(b *testing.B) {
	w := bench()
	for b.Loop() {
		_ = w // the index is built once, and told about here
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(w.built.Seconds(), "s/million")
	b.ReportMetric(w.used.Seconds(), "cpu-s/million")
	b.ReportMetric(float64(w.bytes)/million, "bytes/document")
}

// changes makes updates of contacts that are there, as the company's systems send them.
func (w *world) changes(n int) []indexer.Document {
	g := indextest.NewGenerator(2, benchNow)
	out := make([]indexer.Document, 0, n)
	for range n {
		at := g.IntN(million)
		d := document(g, w.tenants[at], at, 2)
		p := w.engine.parts[d.Tenant]
		slot := p.slots[d.Contact]
		old := (*p.shards.Load())[slot.shard].document(d.Tenant, uint32(slot.ord))
		if d.Phone, d.OrderNo = old.Phone, old.OrderNo; g.IntN(50) > 0 { // names and codes stay, but for a rename in fifty
			d.Name = old.Name
		}
		out = append(out, d)
	}
	return out
}

func BenchmarkUpdate(b *testing.B) {
	w := bench()
	changes := w.changes(100_000)
	for _, batch := range []int{1, 200} {
		b.Run(fmt.Sprintf("batch=%d", batch), func(b *testing.B) {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			done, before := 0, cpu()
			for b.Loop() {
				at := done % (len(changes) - batch)
				w.engine.Upsert(b.Context(), changes[at:at+batch])
				done += batch
			}
			b.ReportMetric(float64(done)/b.Elapsed().Seconds(), "updates/s")
			b.ReportMetric((cpu()-before).Seconds()*1e6/float64(done), "cpu-us/update")
		})
	}
}

// queryClass is one kind of query; all count seven facets and return 25 documents, the latest activity first.
type queryClass struct {
	name string
	r    indexer.Request
}

func queryClasses() []queryClass {
	fields, _ := colour.Fields()
	parse := func(s string) filter.Node {
		n, err := filter.Parse(fields.Filter(), s, filter.Limits{})
		if err != nil {
			panic(err)
		}
		return n
	}
	three := parse("status:[novo,em atendimento,fechado] && quote_cents:[1000..90000] && erp_synced_at:>2026-10-15T00:00:00Z")
	all := []queryClass{
		{"A_name_3_letters_3_filters", indexer.Request{Tenant: largest, Text: "mar", Filter: three}},
		{"B_phone_digits_3_filters", indexer.Request{Tenant: largest, Text: "98877", Filter: three}},
		{"C_name_2_letters_3_filters", indexer.Request{Tenant: largest, Text: "ma", Filter: three}},
		{"D_one_tenant", indexer.Request{Tenant: medium}},
		{"E_all_of_the_largest", indexer.Request{Tenant: largest}},
		{"F_typo", indexer.Request{Tenant: largest, Text: "conseisao fereira"}},
		{"G_all_by_name", indexer.Request{Tenant: largest, Sort: indexer.Sort{Field: "name"}}},
	}
	for i := range all {
		all[i].r.Limit, all[i].r.FacetValues, all[i].r.Highlight = 25, 20, true
		all[i].r.Facets = []string{"status", "quote_status", "call_state", "assigned_agent", "ongoing", "tags", "attr.cor"}
	}
	return all
}

func BenchmarkSearch(b *testing.B) {
	w := bench()
	for _, c := range queryClasses() {
		b.Run(c.name, func(b *testing.B) { searches(b, w.engine, c.r, 0) })
	}
}

// BenchmarkSearchUnderUpdates searches while 10,000 updates a second arrive.
func BenchmarkSearchUnderUpdates(b *testing.B) {
	w := bench()
	changes := w.changes(200_000)
	stop, ended := make(chan struct{}), make(chan int)
	start := time.Now()
	go func() { // ends when stop is closed, below
		done := 0
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				ended <- done
				return
			case <-tick.C:
			}
			for due := int(time.Since(start).Seconds() * 10_000); done < due; done++ {
				at := done % len(changes)
				w.engine.Upsert(context.Background(), changes[at:at+1])
			}
		}
	}()
	for _, c := range queryClasses() {
		b.Run(c.name, func(b *testing.B) { searches(b, w.engine, c.r, 5*time.Millisecond) })
	}
	close(stop)
	b.Logf("%.0f updates a second", float64(<-ended)/time.Since(start).Seconds())
}

// searches repeats one search and reports its percentiles.
func searches(b *testing.B, e *Engine, r indexer.Request, pause time.Duration) {
	runtime.LockOSThread() // cpu counts this thread
	defer runtime.UnlockOSThread()
	var took []time.Duration
	found, before := 0, cpu()
	for b.Loop() {
		start := time.Now()
		res, err := e.Search(b.Context(), r)
		if err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(start))
		found = res.Found
		time.Sleep(pause)
	}
	b.ReportMetric((cpu()-before).Seconds()*1000/float64(len(took)), "cpu-ms/op") // whatever else the machine does
	slices.Sort(took)
	b.ReportMetric(took[len(took)/2].Seconds()*1000, "p50-ms")
	b.ReportMetric(took[(len(took)-1)*99/100].Seconds()*1000, "p99-ms")
	b.ReportMetric(float64(found), "found")
}

// cpu returns the time this thread has computed, 0 where the system does not tell.
func cpu() time.Duration {
	const thisThread = 1 // RUSAGE_THREAD
	var u syscall.Rusage
	if err := syscall.Getrusage(thisThread, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
