// Package membership is the port through which a node takes part in the cluster: a table of members and bucket
// leases that all nodes share. The database is the authority; the decisions are those of package placement.
//
// It is not an implementation: store/membership holds the one over SQL, cluster/clustertest one in memory and the
// conformance suite that both pass. It owns no state.
package membership

import (
	"context"

	"ramal/cluster/placement"
	"ramal/internal/id"
)

// Result is what a beat brings back.
type Result struct {
	View placement.View
	// Changed reports that this very beat raised the epoch, so that the others should look before their next poll.
	Changed bool
}

// Table is the shared table. Implementations are safe for concurrent use by several nodes.
type Table interface {
	// Beat applies placement.Advance at the table's own clock, in one transaction serialised with all other beats, and
	// returns the view after it. A failed beat may have been applied all the same (a lost acknowledgement): the next
	// one tells, so the caller trusts nothing a failed beat would have granted.
	//
	// Errors: NotFound with code placement.CodeLeaseLost when the table says that the node's row is gone or has ended,
	// and only then; anything else, including an expired ctx, means that the table could not be asked (Unavailable).
	// A frozen or vanished caller blocks the others' beats for less than half of b.Lease.
	Beat(ctx context.Context, b placement.Beat) (Result, error)

	// Leave removes the node's row and frees its buckets, in one transaction. A row already gone is no error.
	Leave(ctx context.Context, node id.Node) error
}
