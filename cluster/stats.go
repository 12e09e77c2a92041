package cluster

import (
	"context"
	"log/slog"
	"sync/atomic"
)

// Stats counts since the start of the node, but for Active, Epoch and Members, which are of now.
type Stats struct {
	Epoch       int64
	Members     int
	Active      int64 // virtual actors on this node
	Fenced      int64 // messages an actor did not get because the node might not serve it any more
	Refused     int64 // activations refused for the same reason
	Unknown     int64 // requests from here whose outcome is not known
	Unavailable int64 // requests from here that nobody took
	Dropped     int64 // one-way messages that found no owner
	Panics      int64 // handlers that panicked
	FailedBeats int64 // beats without an answer from the membership table
	LateDrains  int64 // buckets handed over before their actors had stopped
}

type counters struct {
	active, fenced, refused, unknown, unavailable, dropped, panics, failedBeats, lateDrains atomic.Int64
}

// Stats returns the node's counters, for metrics.
func (n *Node) Stats() Stats {
	s, c := n.snap.Load(), &n.stats
	return Stats{
		Epoch: s.view.Epoch, Members: len(s.view.Members), Active: c.active.Load(), Fenced: c.fenced.Load(),
		Refused: c.refused.Load(), Unknown: c.unknown.Load(), Unavailable: c.unavailable.Load(), Dropped: c.dropped.Load(),
		Panics: c.panics.Load(), FailedBeats: c.failedBeats.Load(), LateDrains: c.lateDrains.Load(),
	}
}

// demoted passes protoactor's records on one level lower: what it calls an error, such as a peer that is not there, is
// daily life here, and is reported by this package where it matters.
type demoted struct{ slog.Handler }

// Enabled implements slog.Handler.
func (d demoted) Enabled(ctx context.Context, level slog.Level) bool {
	return d.Handler.Enabled(ctx, level-4)
}

// Handle implements slog.Handler.
func (d demoted) Handle(ctx context.Context, r slog.Record) error {
	r.Level -= 4
	return d.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (d demoted) WithAttrs(attrs []slog.Attr) slog.Handler {
	return demoted{d.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (d demoted) WithGroup(name string) slog.Handler { return demoted{d.Handler.WithGroup(name)} }
