package memory

import (
	"context"
	"maps"

	"ramal/indexer"
	"ramal/internal/fault"
	"ramal/internal/id"
)

// target is a generation that is being built: partitions that the engine does not know yet.
type target struct {
	engine *Engine
	scope  indexer.Scope
	parts  map[id.Tenant]*partition // guarded by the engine's lock; nil after the end
}

// Rebuild begins a generation.
func (e *Engine) Rebuild(_ context.Context, scope indexer.Scope) (indexer.Target, error) {
	if scope.Tenant != "" {
		if err := indexer.CheckTenant(scope.Tenant); err != nil {
			return nil, err
		}
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.closed {
		return nil, indexer.ErrClosed
	}
	return &target{engine: e, scope: scope, parts: map[id.Tenant]*partition{}}, nil
}

func (t *target) own() map[id.Tenant]*partition { return t.parts }

func (t *target) ended() bool {
	t.engine.mu.RLock()
	defer t.engine.mu.RUnlock()
	return t.parts == nil
}

// Upsert indexes documents in the generation.
func (t *target) Upsert(ctx context.Context, docs []indexer.Document) []indexer.ItemResult {
	out := make([]indexer.ItemResult, len(docs))
	for i := range docs {
		if err := t.takes(docs[i].Tenant); err != nil {
			out[i].Err = err
			continue
		}
		out[i] = t.engine.upsert(ctx, docs[i:i+1], t.own)[0]
	}
	return out
}

// Delete removes documents from the generation.
func (t *target) Delete(ctx context.Context, keys []indexer.Key) []indexer.ItemResult {
	out := make([]indexer.ItemResult, len(keys))
	for i, k := range keys {
		if err := t.takes(k.Tenant); err != nil {
			out[i].Err = err
			continue
		}
		out[i] = t.engine.remove(ctx, keys[i:i+1], t.own)[0]
	}
	return out
}

func (t *target) takes(tenant id.Tenant) error {
	if t.ended() {
		return indexer.ErrEnded
	}
	if t.scope.Tenant != "" && tenant != t.scope.Tenant {
		return fault.Newf(fault.Invalid, "indexer.target", "out_of_scope", "the target is of tenant %q, not of %q", t.scope.Tenant, tenant)
	}
	return nil
}

// Count returns the number of documents of the generation.
func (t *target) Count(context.Context) (int, error) {
	t.engine.mu.RLock()
	defer t.engine.mu.RUnlock()
	if t.parts == nil {
		return 0, indexer.ErrEnded
	}
	var n int64
	for _, p := range t.parts {
		n += p.count.Load()
	}
	return int(n), nil
}

// Swap puts the generation in place of the present one.
func (t *target) Swap(context.Context) error {
	parts, err := t.swap()
	for tenant, p := range parts { // attributes may have gone while the target was built
		t.engine.mu.RLock()
		fields := t.engine.fields[tenant]
		t.engine.mu.RUnlock()
		p.adopt(fields)
	}
	return err
}

func (t *target) swap() (map[id.Tenant]*partition, error) {
	e := t.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	parts := t.parts
	switch {
	case e.closed:
		return nil, indexer.ErrClosed
	case parts == nil:
		return nil, indexer.ErrEnded
	case t.scope.Tenant == "":
		e.parts = maps.Clone(parts) // the engine's own map from now on
	case parts[t.scope.Tenant] == nil:
		delete(e.parts, t.scope.Tenant)
	default:
		e.parts[t.scope.Tenant] = parts[t.scope.Tenant]
	}
	t.parts = nil
	return parts, nil
}

// Discard drops the generation.
func (t *target) Discard(context.Context) error {
	t.engine.mu.Lock()
	defer t.engine.mu.Unlock()
	t.parts = nil
	return nil
}
