package memory

import (
	"context"

	"ramal/indexer"
	"ramal/indexer/text"
	"ramal/internal/fault"
	"ramal/internal/id"
)

// chunk is the number of documents that are tested, counted and ranked at a time.
const chunk = 1024

// Search answers from what is indexed at this moment, shard by shard.
func (e *Engine) Search(ctx context.Context, r indexer.Request) (indexer.Result, error) {
	fields, p, err := e.tenant(r.Tenant, e.present, false)
	if err != nil {
		return indexer.Result{}, err
	}
	prepared, err := fields.Prepare(r)
	if err != nil {
		return indexer.Result{}, err
	}
	if p == nil {
		p = newPartition()
	}
	typos := prepared.After != nil && prepared.After.Typos
	s := newSearch(prepared, typos)
	if err = s.run(ctx, p); err != nil {
		return indexer.Result{}, err
	}
	if s.found == 0 && prepared.After == nil && mayHoldTypos(prepared.Query) {
		s = newSearch(prepared, true)
		if err = s.run(ctx, p); err != nil {
			return indexer.Result{}, err
		}
		s.typos = s.found > 0
	}
	return s.result(r.Tenant), nil
}

func limitOf(word string) int { return text.MaxTypos(word) }

func mayHoldTypos(q text.Query) bool {
	for _, w := range q.Words {
		if limitOf(w) > 0 {
			return true
		}
	}
	return false
}

// search is one pass over a tenant's shards.
type search struct {
	request *indexer.Prepared
	typos   bool
	found   int
	ranking *ranking
	facets  []map[string]int // in the order of the request
}

func newSearch(r *indexer.Prepared, typos bool) *search {
	s := &search{request: r, typos: typos, ranking: newRanking(r)}
	for range r.Facets {
		s.facets = append(s.facets, map[string]int{})
	}
	return s
}

func (s *search) run(ctx context.Context, p *partition) error {
	docs := make([]uint32, chunk)
	for _, sh := range *p.shards.Load() {
		if err := ctx.Err(); err != nil {
			return fault.Wrap(fault.Unavailable, "indexer.search", err)
		}
		s.shard(sh, docs)
	}
	return nil
}

// shard tests, counts and ranks the documents of one shard.
func (s *search) shard(sh *shard, buf []uint32) {
	sh.mu.RLock()
	defer sh.mu.RUnlock()
	var p plan
	classes := p.match(sh, s.request, s.typos)
	p.add(sh, s.request.Filter)
	counters := make([]counter, len(s.facets))
	counts := make([][]int, len(s.facets))
	for i, f := range s.request.Facets {
		if c, ok := sh.columns[f].(counter); ok {
			counters[i], counts[i] = c, c.newCount()
		}
	}
	for it := p.candidates(sh).ManyIterator(); ; {
		n := it.NextMany(buf)
		if n == 0 {
			break
		}
		docs := p.keep(buf[:n])
		s.found += len(docs)
		for i, c := range counters {
			if c != nil {
				c.count(docs, counts[i])
			}
		}
		s.ranking.offer(sh, docs, classes)
	}
	for i, c := range counters {
		if c != nil {
			c.report(counts[i], s.facets[i])
		}
	}
}

func (s *search) result(tenant id.Tenant) indexer.Result {
	out := indexer.Result{Found: s.found, Typos: s.typos}
	for i, f := range s.request.Facets {
		out.Facets = append(out.Facets, indexer.CutFacet(f, s.facets[i], s.request.FacetValues))
	}
	best, more := s.ranking.page()
	if more {
		out.Next = s.request.Cursor(s.ranking.position(&best[len(best)-1], s.typos))
	}
	for i := range best {
		d, ok := best[i].document(tenant)
		if !ok {
			continue
		}
		h := indexer.Hit{Document: d}
		if s.request.Highlight && !s.request.Query.Empty() {
			h.Highlights = indexer.Highlights(&d, s.request.Query, s.typos)
		}
		out.Hits = append(out.Hits, h)
	}
	return out
}

// document reads a document that was found; false when it was deleted since.
func (r *ranked) document(tenant id.Tenant) (indexer.Document, bool) {
	r.shard.mu.RLock()
	defer r.shard.mu.RUnlock()
	if r.shard.ids[r.ord] != r.contact {
		return indexer.Document{}, false
	}
	return r.shard.document(tenant, r.ord), true
}
