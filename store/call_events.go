package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"ramal/internal/fault"
	"ramal/internal/id"
)

// CallEvent is one entry of a call's journal.
type CallEvent struct {
	Seq  int64 // 1, 2, 3, … without gaps within a call
	Type string
	Data []byte // JSON; empty is {}. Read back equal as JSON, not byte for byte
	At   time.Time
}

func scanCallEvent(r pgx.CollectableRow) (e CallEvent, err error) {
	err = r.Scan(&e.Seq, &e.Type, &e.Data, &e.At)
	e.At = e.At.UTC()
	return e, err
}

// The events go in only if the row moves, and the row moves only from the expected sequence: one statement, so one
// transaction. When it did not move, the last column tells a repetition of what is already there from a conflict: it
// counts the events that are stored exactly as given.
const appendCallEvents = `WITH given AS (
	SELECT seq, type, data::jsonb AS data, at FROM unnest($4::int8[], $5::text[], $6::text[], $7::timestamptz[])
	AS u (seq, type, data, at)
), moved AS (
	UPDATE calls SET state = $8, answered_at = $9, ended_at = $10, talk_ms = $11, end_reason = $12, ended_by = $13,
	agents = $14, seq = $15, fold = $16::jsonb, node = $17, provider_call_id = COALESCE($18, provider_call_id)
	WHERE tenant = $1 AND id = $2 AND seq = $3 RETURNING tenant, id
), logged AS (
	INSERT INTO call_events (tenant, call, seq, type, data, at)
	SELECT moved.tenant, moved.id, given.seq, given.type, given.data, given.at FROM moved, given RETURNING seq
)
SELECT n.moved, n.logged, CASE WHEN n.moved > 0 THEN 0 ELSE (
	SELECT count(*) FROM call_events AS e, given WHERE e.tenant = $1 AND e.call = $2 AND e.seq = given.seq
	AND e.type = given.type AND e.data = given.data AND e.at = given.at) END
FROM (SELECT (SELECT count(*) FROM moved) AS moved, (SELECT count(*) FROM logged) AS logged) AS n`

// AppendCallEvents adds events to a call's journal and replaces its row by their fold, both or neither, in one round
// trip. The journal must end at expected: events carry expected+1, expected+2, … and row.Seq is the last one's.
//
// Conflict with CodeStale: the journal has grown otherwise, this is not the call's writer any more (or there is no
// such call). Sending again exactly the events that are already there is success, so a repetition after
// Unavailable needs no care. Conflict with CodeExists: another call has row.ProviderCallID; an empty one leaves
// the stored id as it is. Tenant, ID, Line, Contact, Direction and CreatedAt are not changed.
func (s *Store) AppendCallEvents(ctx context.Context, expected int64, events []CallEvent, row CallRow) error {
	const op = "store.append_call_events"
	for i, e := range events {
		if e.Seq != expected+int64(i)+1 {
			return fault.Newf(fault.Invalid, op, "bad_seq", "event %d of %d has sequence %d after %d", i+1, len(events), e.Seq, expected)
		}
	}
	if len(events) == 0 || row.Seq != expected+int64(len(events)) {
		return fault.Newf(fault.Invalid, op, "bad_seq", "%d events after %d cannot lead to %d", len(events), expected, row.Seq)
	}
	var moved, logged, same int
	err := s.retryable(ctx, op, func(ctx context.Context, q querier) error {
		return q.QueryRow(ctx, appendCallEvents, row.Tenant, row.ID, expected,
			column(events, func(e CallEvent) int64 { return e.Seq }),
			column(events, func(e CallEvent) string { return e.Type }),
			column(events, func(e CallEvent) string { return orObject(e.Data) }),
			column(events, func(e CallEvent) time.Time { return micros(e.At) }),
			row.State, instant(row.AnsweredAt), instant(row.EndedAt), row.TalkTime.Milliseconds(), row.EndReason,
			row.EndedBy, texts(row.Agents), row.Seq, orObject(row.Fold), row.Node, textOrNull(row.ProviderCallID),
		).Scan(&moved, &logged, &same)
	})
	switch {
	case err != nil:
		return err
	case moved == 1 && logged == len(events):
		return nil
	case same == len(events):
		return nil // an earlier attempt of ours did it
	}
	return fault.Newf(fault.Conflict, op, CodeStale, "the journal of %s is not at %d", row.ID, expected)
}

// CallEvents reads the journal of a call after the given sequence (0 for all of it), in order.
func (s *Store) CallEvents(ctx context.Context, tenant id.Tenant, call id.Call, after int64) ([]CallEvent, error) {
	return many(ctx, s, "store.call_events", scanCallEvent,
		`SELECT seq, type, data, at FROM call_events WHERE tenant = $1 AND call = $2 AND seq > $3 ORDER BY seq`,
		tenant, call, after)
}
