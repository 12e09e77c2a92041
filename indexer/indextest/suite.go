// Package indextest says, in tests, what every driver of the search port does: Run is the suite that each driver
// calls with a way to open an empty engine. It compares engines with an oracle that looks at every document, over
// examples and over random documents, requests and changes. Where engines may differ (package indexer says where),
// it tests the weaker promise. Generator makes the contacts, for benchmarks too. It is for tests only and owns no
// state beyond one test.
package indextest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"ramal/indexer"
	"ramal/indexer/filter"
	"ramal/internal/fault"
	"ramal/internal/id"
)

// noon is the time at which the suite's contacts live.
var noon = time.Date(2026, 11, 3, 12, 0, 0, 123_000_000, time.UTC)

// Run tests an engine. Each part opens one of its own, empty, and closes it.
func Run(t *testing.T, open func(t *testing.T) indexer.Engine) {
	for _, part := range []struct {
		name string
		test func(*testing.T, indexer.Engine)
	}{
		{"names", testNames}, {"codes", testCodes}, {"typos", testTypos}, {"relevance", testRelevance}, {"highlights", testHighlights},
		{"filters", testFilters}, {"long filters", testLongFilters}, {"sorts", testSorts}, {"facets", testFacets},
		{"pages", testPages}, {"cursor while records change", testCursorStability},
		{"whole documents", testWholeDocuments}, {"versions", testVersions}, {"renames", testRenames}, {"deletes", testDeletes},
		{"tenants", testTenants}, {"attributes", testAttributes}, {"bad documents", testBadDocuments}, {"bad requests", testBadRequests},
		{"rebuild one tenant", testRebuildTenant}, {"rebuild all", testRebuildAll}, {"discard", testDiscard},
		{"random", testRandom}, {"readers and writers", testConcurrency}, {"close", testClose},
	} {
		t.Run(part.name, func(t *testing.T) {
			e := open(t)
			part.test(t, e)
			if err := e.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		})
	}
}

const tenant = id.Tenant("farmacia")

func declare(t *testing.T, e indexer.Engine, tenant id.Tenant, s indexer.Schema) {
	t.Helper()
	if err := e.Declare(t.Context(), tenant, s); err != nil {
		t.Fatalf("declare: %v", err)
	}
}

// put indexes documents, all of which must be taken, and tells the oracle.
func put(t *testing.T, w indexer.Writer, o oracle, docs ...indexer.Document) {
	t.Helper()
	rs := results(t, w.Upsert(t.Context(), docs), len(docs))
	for i, d := range docs {
		if r := rs[i]; r.Outcome != indexer.Indexed || r.Err != nil {
			t.Fatalf("document %s: outcome %d, %v", d.Contact, r.Outcome, r.Err)
		}
		if o != nil {
			o[d.Key()] = d
		}
	}
}

func drop(t *testing.T, w indexer.Writer, o oracle, keys ...indexer.Key) {
	t.Helper()
	rs := results(t, w.Delete(t.Context(), keys), len(keys))
	for i, k := range keys {
		if r := rs[i]; r.Outcome != indexer.Deleted || r.Err != nil {
			t.Fatalf("deletion of %s: outcome %d, %v", k.Contact, r.Outcome, r.Err)
		}
		if o != nil {
			delete(o, k)
		}
	}
}

func results(t *testing.T, rs []indexer.ItemResult, want int) []indexer.ItemResult {
	t.Helper()
	if len(rs) != want {
		t.Fatalf("%d results for %d items", len(rs), want)
	}
	return rs
}

// pages are all pages of one request together; facets and counts are of the first.
type pages struct {
	hits   []indexer.Hit
	found  int
	facets []indexer.Facet
	typos  bool
}

func collect(ctx context.Context, s indexer.Searcher, r indexer.Request) (p pages, err error) {
	for first := true; ; first = false {
		res, err := s.Search(ctx, r)
		if err != nil {
			return p, err
		}
		if first {
			p.found, p.facets, p.typos = res.Found, res.Facets, res.Typos
		}
		if len(res.Hits) > r.Limit && r.Limit > 0 {
			return p, fmt.Errorf("%d hits on a page of %d", len(res.Hits), r.Limit)
		}
		p.hits = append(p.hits, res.Hits...)
		if res.Next == "" {
			return p, nil
		}
		if len(p.hits) > p.found {
			return p, fmt.Errorf("%d hits of %d found, and there is a next page", len(p.hits), p.found)
		}
		if len(res.Hits) == 0 {
			return p, errors.New("an empty page with a next one")
		}
		r.Cursor = res.Next
	}
}

// search returns the first page's ids, which must be found without an error.
func search(t *testing.T, s indexer.Searcher, r indexer.Request) ([]id.Contact, indexer.Result) {
	t.Helper()
	if r.Tenant == "" {
		r.Tenant = tenant
	}
	res, err := s.Search(t.Context(), r)
	if err != nil {
		t.Fatalf("%s: %v", show(r), err)
	}
	var ids []id.Contact
	for _, h := range res.Hits {
		ids = append(ids, h.Document.Contact)
	}
	return ids, res
}

// expect compares the contacts of one page, in any order.
func expect(t *testing.T, s indexer.Searcher, r indexer.Request, want ...id.Contact) {
	t.Helper()
	got, res := search(t, s, r)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) || res.Found != len(want) {
		t.Errorf("%s: found %d, %v, want %v", show(r), res.Found, got, want)
	}
}

// named makes documents with these names, as contacts c0, c1 and so on, the latest activity first.
func named(names ...string) []indexer.Document {
	var docs []indexer.Document
	for i, n := range names {
		docs = append(docs, indexer.Document{
			Tenant: tenant, Contact: id.Contact(fmt.Sprintf("c%d", i)), Version: 1, Name: n, LastActivityAt: noon.Add(-time.Duration(i) * time.Minute), CreatedAt: noon,
		})
	}
	return docs
}

// parse reads a filter of the tenant's standard fields and the suite's attributes.
func parse(t *testing.T, text string) filter.Node {
	t.Helper()
	fields, err := Attributes.Fields()
	if err != nil {
		t.Fatal(err)
	}
	n, err := filter.Parse(fields.Filter(), text, filter.Limits{})
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return n
}

func refused(t *testing.T, err error, kind fault.Kind, code string) {
	t.Helper()
	if !fault.Is(err, kind) || fault.CodeOf(err) != code {
		t.Errorf("answered %v, want %s %s", err, kind, code)
	}
}

func same(a, b indexer.Document) bool { return showDocument(a) == showDocument(b) }

// showDocument renders all that an index keeps of a document.
func showDocument(d indexer.Document) string {
	for _, at := range []*time.Time{&d.MayCallUntil, &d.WindowUntil, &d.ERPSyncedAt, &d.LastActivityAt, &d.CreatedAt} {
		*at = at.UTC().Truncate(time.Millisecond)
	}
	d.Tags = slices.Sorted(slices.Values(d.Tags)) // the order of tags may be lost
	own := map[string]filter.Value{}
	for name, v := range d.Attributes {
		if v.Present() {
			v.Tags = slices.Sorted(slices.Values(v.Tags))
			own[name] = v
		}
	}
	d.Attributes = own
	return fmt.Sprintf("%+v", d)
}

func show(r indexer.Request) string {
	s := fmt.Sprintf("tenant %s, text %q, filter %q, sorted by %s", r.Tenant, r.Text, filter.Emit(r.Filter), r.Sort.Field)
	if r.Sort.Desc {
		s += " descending"
	}
	return s
}

func showContacts(ids []id.Contact) string {
	const most = 12
	return fmt.Sprintf("%d, %v", len(ids), ids[:min(most, len(ids))])
}

func showFacets(fs []indexer.Facet) string {
	var b strings.Builder
	for _, f := range fs {
		fmt.Fprintf(&b, "%s %v %v\n", f.Field, f.Values, f.More)
	}
	return b.String()
}
