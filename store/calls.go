package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"ramal/internal/fault"
	"ramal/internal/id"
)

// Direction says who began a call or wrote a message.
type Direction string

// The two directions.
const (
	Inbound  Direction = "inbound"  // the contact did
	Outbound Direction = "outbound" // the company did
)

// CallRow is the fold of a call's journal: what histories filter by in columns, the rest in Fold.
type CallRow struct {
	Tenant         id.Tenant
	ID             id.Call
	Line           id.Line
	Contact        id.Contact
	Direction      Direction
	Node           id.Node // runs its media
	ProviderCallID string  // Meta's id of the call; "" until known, then never another
	State          string
	CreatedAt      time.Time
	AnsweredAt     time.Time     // zero: not answered
	EndedAt        time.Time     // zero: going on
	TalkTime       time.Duration // stored in milliseconds
	EndReason      string        // a word of the closed list of end reasons; "" while going on
	EndedBy        string        // who ended it; "" while going on
	Agents         []id.Agent    // all who took part, in the order of joining
	Seq            int64         // of the last event in the journal; 0 for none
	Fold           []byte        // JSON object; empty is {}
}

const callColumns = `tenant, id, line, contact, direction, node, provider_call_id, state, created_at, answered_at,
	ended_at, talk_ms, end_reason, ended_by, agents, seq, fold`

func scanCall(r pgx.CollectableRow) (c CallRow, err error) {
	var provider *string
	var answered, ended *time.Time
	var talk int64
	var agents []string
	err = r.Scan(&c.Tenant, &c.ID, &c.Line, &c.Contact, &c.Direction, &c.Node, &provider, &c.State, &c.CreatedAt,
		&answered, &ended, &talk, &c.EndReason, &c.EndedBy, &agents, &c.Seq, &c.Fold)
	c.ProviderCallID, c.Agents, c.TalkTime = deref(provider), named[id.Agent](agents), time.Duration(talk)*time.Millisecond
	c.CreatedAt, c.AnsweredAt, c.EndedAt = c.CreatedAt.UTC(), utc(answered), utc(ended)
	return c, err
}

// InsertCall adds a call whose journal is still empty (Seq 0) or whose first events follow by AppendCallEvents.
// Conflict with CodeExists when the call's id, or the provider's id on that line, is known already.
func (s *Store) InsertCall(ctx context.Context, c CallRow) error {
	_, err := s.write(ctx, "store.insert_call", `INSERT INTO calls (`+callColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17::jsonb)`,
		c.Tenant, c.ID, c.Line, c.Contact, c.Direction, c.Node, orNull(c.ProviderCallID), c.State, micros(c.CreatedAt),
		instant(c.AnsweredAt), instant(c.EndedAt), c.TalkTime.Milliseconds(), c.EndReason, c.EndedBy, texts(c.Agents),
		c.Seq, orObject(c.Fold))
	return err
}

// GetCall reads one call; NotFound when the tenant has none of that id.
func (s *Store) GetCall(ctx context.Context, tenant id.Tenant, call id.Call) (CallRow, error) {
	return one(ctx, s, "store.get_call", "no_call", scanCall,
		`SELECT `+callColumns+` FROM calls WHERE tenant = $1 AND id = $2`, tenant, call)
}

// FindCallByProviderID finds the call that a webhook names; NotFound when it is not known (yet) on that line.
func (s *Store) FindCallByProviderID(ctx context.Context, tenant id.Tenant, line id.Line, providerCallID string) (CallRow, error) {
	return one(ctx, s, "store.find_call_by_provider_id", "no_call", scanCall,
		`SELECT `+callColumns+` FROM calls WHERE tenant = $1 AND line = $2 AND provider_call_id = $3`,
		tenant, line, providerCallID)
}

// SetProviderCallID records Meta's id of an outgoing call as soon as it is known; the same id again is no error.
// Conflict with CodeExists when another call of that line has the id, with CodeStale when this call has another one;
// NotFound when there is no such call.
func (s *Store) SetProviderCallID(ctx context.Context, tenant id.Tenant, call id.Call, providerCallID string) error {
	const op = "store.set_provider_call_id"
	n, err := s.write(ctx, op, `UPDATE calls SET provider_call_id = $3
		WHERE tenant = $1 AND id = $2 AND (provider_call_id IS NULL OR provider_call_id = $3)`, tenant, call, providerCallID)
	if err != nil || n > 0 {
		return err
	}
	if _, err := s.GetCall(ctx, tenant, call); err != nil {
		return err
	}
	return fault.New(fault.Conflict, op, CodeStale, "the call has another provider id")
}

// CallsOfNode reads the calls, of all tenants, that node runs and that have not ended, oldest first: what a new
// incarnation, or whoever saw the node die, has to end.
func (s *Store) CallsOfNode(ctx context.Context, node id.Node) ([]CallRow, error) {
	return many(ctx, s, "store.calls_of_node", scanCall,
		`SELECT `+callColumns+` FROM calls WHERE node = $1 AND ended_at IS NULL ORDER BY created_at, id`, node)
}

// NodesWithCalls reads which nodes have calls that have not ended, in the order of their ids: compared with the
// members of the cluster, it shows the calls of nodes that died while nobody watched.
func (s *Store) NodesWithCalls(ctx context.Context) ([]id.Node, error) {
	return many(ctx, s, "store.nodes_with_calls", pgx.RowTo[id.Node],
		`SELECT DISTINCT node FROM calls WHERE ended_at IS NULL ORDER BY node`)
}

// PutTombstone remembers that a call ended before it was known here: terminate may overtake connect.
// Putting it again is no error, and keeps the first time.
func (s *Store) PutTombstone(ctx context.Context, tenant id.Tenant, line id.Line, providerCallID string, at time.Time) error {
	_, err := s.write(ctx, "store.put_tombstone",
		`INSERT INTO call_tombstones (tenant, line, provider_call_id, at) VALUES ($1, $2, $3, $4)
		 ON CONFLICT (tenant, line, provider_call_id) DO NOTHING`, tenant, line, providerCallID, micros(at))
	return err
}

// HasTombstone reports whether PutTombstone was called for this call.
func (s *Store) HasTombstone(ctx context.Context, tenant id.Tenant, line id.Line, providerCallID string) (bool, error) {
	return one(ctx, s, "store.has_tombstone", "", pgx.RowTo[bool],
		`SELECT EXISTS (SELECT 1 FROM call_tombstones WHERE tenant = $1 AND line = $2 AND provider_call_id = $3)`,
		tenant, line, providerCallID)
}

// PruneTombstones deletes at most limit (default 50, at most MaxBatch) tombstones older than before and returns how
// many it deleted.
func (s *Store) PruneTombstones(ctx context.Context, before time.Time, limit int) (int64, error) {
	return s.write(Bulk(ctx), "store.prune_tombstones",
		`DELETE FROM call_tombstones WHERE (tenant, line, provider_call_id) IN
		 (SELECT tenant, line, provider_call_id FROM call_tombstones WHERE at < $1 LIMIT $2)`,
		micros(before), bounded(limit, MaxBatch))
}
