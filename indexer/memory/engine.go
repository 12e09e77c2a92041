package memory

import (
	"context"
	"sync"

	"ramal/indexer"
	"ramal/internal/fault"
	"ramal/internal/id"
)

// Engine is the driver. New makes one; it starts no goroutine.
type Engine struct {
	mu     sync.RWMutex // guards what follows; held briefly, never while a shard is searched or written
	closed bool
	fields map[id.Tenant]declaration
	parts  map[id.Tenant]*partition
}

// declaration is a tenant's fields; a later one has a higher number.
type declaration struct {
	indexer.Fields
	number int
}

var _ indexer.Engine = (*Engine)(nil)

// New returns an empty engine.
func New() *Engine {
	return &Engine{fields: map[id.Tenant]declaration{}, parts: map[id.Tenant]*partition{}}
}

// Close drops everything.
func (e *Engine) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed, e.parts, e.fields = true, nil, nil
	return nil
}

// Declare replaces a tenant's attributes; columns of those that went are dropped at once.
func (e *Engine) Declare(_ context.Context, tenant id.Tenant, schema indexer.Schema) error {
	if err := indexer.CheckTenant(tenant); err != nil {
		return err
	}
	fields, err := schema.Fields()
	if err != nil {
		return err
	}
	next, p, err := e.declare(tenant, fields)
	if p != nil {
		p.adopt(next)
	}
	return err
}

func (e *Engine) declare(tenant id.Tenant, fields indexer.Fields) (declaration, *partition, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return declaration{}, nil, indexer.ErrClosed
	}
	before := e.fields[tenant]
	if err := fields.Supersede(before.Fields); err != nil {
		return before, nil, err
	}
	next := declaration{fields, before.number + 1}
	e.fields[tenant] = next
	return next, e.parts[tenant], nil
}

// tenant returns a tenant's fields and its documents, nil where there are none and create is not set.
func (e *Engine) tenant(t id.Tenant, parts func() map[id.Tenant]*partition, create bool) (declaration, *partition, error) {
	e.mu.RLock()
	fields, p, closed := e.fields[t], parts()[t], e.closed
	e.mu.RUnlock()
	if closed {
		return fields, nil, indexer.ErrClosed
	}
	if p != nil || !create {
		return fields, p, nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return fields, nil, indexer.ErrClosed
	}
	all := parts()
	if all == nil {
		return fields, nil, indexer.ErrEnded
	}
	if p = all[t]; p == nil {
		p = newPartition()
		all[t] = p
	}
	return e.fields[t], p, nil
}

func (e *Engine) present() map[id.Tenant]*partition { return e.parts }

// Upsert indexes documents; they can be found when it returns.
func (e *Engine) Upsert(ctx context.Context, docs []indexer.Document) []indexer.ItemResult {
	return e.upsert(ctx, docs, e.present)
}

// Delete removes documents; they cannot be found any more when it returns.
func (e *Engine) Delete(ctx context.Context, keys []indexer.Key) []indexer.ItemResult {
	return e.remove(ctx, keys, e.present)
}

func (e *Engine) upsert(ctx context.Context, docs []indexer.Document, parts func() map[id.Tenant]*partition) []indexer.ItemResult {
	out := make([]indexer.ItemResult, len(docs))
	for i := range docs {
		d := &docs[i]
		if out[i].Err = fault.Wrap(fault.Unavailable, "indexer.write", ctx.Err()); out[i].Err != nil {
			continue
		}
		err := indexer.CheckTenant(d.Tenant)
		var fields declaration
		var p *partition
		if err == nil {
			fields, p, err = e.tenant(d.Tenant, parts, true)
		}
		if err == nil {
			out[i].Outcome, err = p.upsert(d, fields)
		}
		out[i].Err = err
	}
	return out
}

func (e *Engine) remove(ctx context.Context, keys []indexer.Key, parts func() map[id.Tenant]*partition) []indexer.ItemResult {
	out := make([]indexer.ItemResult, len(keys))
	for i, k := range keys {
		if out[i].Err = fault.Wrap(fault.Unavailable, "indexer.write", ctx.Err()); out[i].Err != nil {
			continue
		}
		_, p, err := e.tenant(k.Tenant, parts, false)
		if err == nil {
			err = indexer.CheckTenant(k.Tenant)
		}
		if err != nil {
			out[i].Err = err
			continue
		}
		if p != nil {
			p.remove(k.Contact)
		}
		out[i].Outcome = indexer.Deleted
	}
	return out
}
