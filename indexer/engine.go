package indexer

import (
	"context"
	"time"

	"ramal/internal/fault"
	"ramal/internal/id"
)

// Writer changes what can be found. Every call is answered item by item, in the order of the items; an item's
// change can be found when the call returns.
type Writer interface {
	// Upsert puts whole documents in place of what there is of their contacts. Any number of items, of any tenants;
	// of several with one key the last one counts.
	Upsert(ctx context.Context, docs []Document) []ItemResult
	// Delete removes documents. One that is not there is no error.
	Delete(ctx context.Context, keys []Key) []ItemResult
}

// Searcher finds.
type Searcher interface {
	// Search answers with one page. Errors: Invalid as Fields.Prepare, or with the code "filter_unsupported";
	// Unavailable when the engine is away or closed. A tenant without documents has an empty result.
	Search(ctx context.Context, r Request) (Result, error)
}

// Engine is one search engine. All methods may be called at the same time.
type Engine interface {
	Writer
	Searcher
	// Declare replaces the tenant's attributes. Values of attributes that are no longer declared cannot be found any
	// more. Invalid as Schema.Fields, Conflict as Fields.Supersede. An engine forgets declarations when it ends.
	Declare(ctx context.Context, tenant id.Tenant, schema Schema) error
	// Rebuild begins a new, empty generation of one tenant's documents or of all, which nobody can find yet. Writes
	// to the engine go to the present generation only: who feeds both sees to it that the new one misses none.
	Rebuild(ctx context.Context, scope Scope) (Target, error)
	// Close gives everything back and is idempotent. Later calls answer Unavailable with the code "closed".
	Close() error
}

// Scope is what is built anew: one tenant, or all where Tenant is empty.
type Scope struct {
	Tenant id.Tenant
}

// Target is a generation that is being built. It ends with Swap or Discard; afterwards its methods answer Conflict
// with the code "target_ended".
type Target interface {
	Writer
	// Count returns the number of documents in the target.
	Count(ctx context.Context) (int, error)
	// Swap makes the target's documents the ones that are found, at once and in place of all others of its scope.
	Swap(ctx context.Context) error
	// Discard drops the target. After Swap it does nothing.
	Discard(ctx context.Context) error
}

// Outcome says what became of an item.
type Outcome uint8

// The outcomes. The zero value is Failed: Err says why.
const (
	Failed  Outcome = iota
	Indexed         // the document can be found
	Stale           // a newer version is indexed and stays; engines may leave this to who feeds them
	Deleted         // the document, if there was one, is gone
)

// ItemResult is the outcome of one item. Err is Invalid for an item that will never be taken, Unavailable for one
// that may be sent again, Unknown when it may or may not have been indexed.
type ItemResult struct {
	Outcome Outcome
	Err     error
}

// ErrClosed is the answer of an engine after Close.
var ErrClosed error = fault.New(fault.Unavailable, "indexer.engine", "closed", "the search engine is closed")

// ErrEnded is the answer of a target after Swap or Discard.
var ErrEnded error = fault.New(fault.Conflict, "indexer.target", "target_ended", "the target was swapped in or discarded")

// WithLag returns a searcher whose results say how far the index trails, as lag tells for a tenant.
func WithLag(s Searcher, lag func(id.Tenant) time.Duration) Searcher { return lagging{s, lag} }

type lagging struct {
	Searcher
	lag func(id.Tenant) time.Duration
}

// Search answers as the searcher below does; the lag is read before, so that it is never told too small.
func (l lagging) Search(ctx context.Context, r Request) (Result, error) {
	lag := l.lag(r.Tenant)
	res, err := l.Searcher.Search(ctx, r)
	if err == nil {
		res.IndexLag = lag
	}
	return res, err
}
