package store

import (
	"context"
	"time"

	"ramal/internal/id"
)

// MaxHistory is the largest page of ListCalls, ListMessages and ListAudit.
const MaxHistory = 200

// CallFilter says which calls of a tenant are wanted. Zero fields do not restrict.
type CallFilter struct {
	Contact   id.Contact
	Agent     id.Agent // took part
	Line      id.Line
	Direction Direction
	EndReason string    // the outcome
	From      time.Time // created at this time or later
	To        time.Time // created before this time
	Ongoing   bool      // only calls that have not ended
}

// ListCalls returns one page (default 50 rows, at most MaxHistory) of the calls that match, newest first, and where
// the next page begins ("" at the end). A call's place never changes, so pages neither miss nor repeat one.
// It uses the bulk connections. Invalid for a cursor that was not made here.
func (s *Store) ListCalls(ctx context.Context, tenant id.Tenant, f CallFilter, limit int, cursor Cursor) ([]CallRow, Cursor, error) {
	const op = "store.list_calls"
	at, key, err := cursor.position(op)
	if err != nil {
		return nil, "", err
	}
	limit = bounded(limit, MaxHistory)
	w := &where{}
	w.and("tenant = ?", tenant)
	w.and("(created_at, id) < (?, ?)", at, key)
	w.andIf(f.Contact != "", "contact = ?", f.Contact)
	w.andIf(f.Agent != "", "? = ANY(agents)", f.Agent)
	w.andIf(f.Line != "", "line = ?", f.Line)
	w.andIf(f.Direction != "", "direction = ?", f.Direction)
	w.andIf(f.EndReason != "", "end_reason = ?", f.EndReason)
	w.andIf(!f.From.IsZero(), "created_at >= ?", micros(f.From))
	w.andIf(!f.To.IsZero(), "created_at < ?", micros(f.To))
	w.andIf(f.Ongoing, "ended_at IS NULL")
	rows, err := many(Bulk(ctx), s, op, scanCall, `SELECT `+callColumns+` FROM calls WHERE `+w.sql()+
		` ORDER BY created_at DESC, id DESC LIMIT `+w.arg(limit+1), w.args...)
	if err != nil {
		return nil, "", err
	}
	rows, next := page(rows, limit, func(c CallRow) (time.Time, string) { return c.CreatedAt, string(c.ID) })
	return rows, next, nil
}
