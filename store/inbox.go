package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"ramal/internal/fault"
	"ramal/internal/id"
)

// InboxRow is one thing that came from outside and was promised to be dealt with.
type InboxRow struct {
	ID          string // unique, such as id.New("in", now)
	Tenant      id.Tenant
	Line        id.Line
	Dedupe      string // what makes two deliveries the same, such as call id and event; unique within a line
	Bucket      int    // whose owner deals with it, 0 to id.Buckets-1
	Body        []byte
	ReceivedAt  time.Time
	ProcessedAt time.Time // zero: not yet
	Attempts    int       // failures so far
	Error       string    // the latest failure
	Parked      bool      // failed too often: waits for a person
}

const inboxColumns = `id, tenant, line, dedupe, bucket, body, received_at, processed_at, attempts, error, parked`

func scanInbox(r pgx.CollectableRow) (i InboxRow, err error) {
	var processed *time.Time
	err = r.Scan(&i.ID, &i.Tenant, &i.Line, &i.Dedupe, &i.Bucket, &i.Body, &i.ReceivedAt, &processed, &i.Attempts,
		&i.Error, &i.Parked)
	i.ReceivedAt, i.ProcessedAt = i.ReceivedAt.UTC(), utc(processed)
	return i, err
}

// PutInbox stores what came in, at most MaxBatch rows in one statement, and returns the ids of those that are new:
// the others were delivered before, whatever became of them. Only then may the sender be told that all is well.
func (s *Store) PutInbox(ctx context.Context, rows []InboxRow) (fresh []string, err error) {
	const op = "store.put_inbox"
	if len(rows) > MaxBatch {
		return nil, fault.Newf(fault.Invalid, op, "batch_too_large", "%d rows, at most %d", len(rows), MaxBatch)
	}
	if len(rows) == 0 {
		return nil, nil
	}
	for _, r := range rows {
		if r.Bucket < 0 || r.Bucket >= id.Buckets {
			return nil, fault.Newf(fault.Invalid, op, "bad_bucket", "bucket %d", r.Bucket)
		}
	}
	err = s.retryable(ctx, op, func(ctx context.Context, q querier) error {
		got, err := q.Query(ctx, `INSERT INTO inbox (id, tenant, line, dedupe, bucket, body, received_at)
			SELECT id, tenant, line, dedupe, bucket::int2, body, received_at
			FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::int8[], $6::bytea[], $7::timestamptz[])
			AS u (id, tenant, line, dedupe, bucket, body, received_at)
			ORDER BY tenant, line, dedupe, id
			ON CONFLICT (tenant, line, dedupe) DO NOTHING RETURNING id`,
			column(rows, func(r InboxRow) string { return r.ID }),
			column(rows, func(r InboxRow) string { return string(r.Tenant) }),
			column(rows, func(r InboxRow) string { return string(r.Line) }),
			column(rows, func(r InboxRow) string { return r.Dedupe }),
			column(rows, func(r InboxRow) int64 { return int64(r.Bucket) }),
			column(rows, func(r InboxRow) []byte { return append([]byte{}, r.Body...) }),
			column(rows, func(r InboxRow) time.Time { return micros(r.ReceivedAt) }))
		if err != nil {
			return err
		}
		fresh, err = pgx.CollectRows(got, pgx.RowTo[string])
		return err
	})
	return fresh, err
}

// MarkProcessed records that rows were dealt with; ids that are unknown or were marked before are passed over.
func (s *Store) MarkProcessed(ctx context.Context, ids []string, at time.Time) error {
	_, err := s.write(ctx, "store.mark_processed",
		`UPDATE inbox SET processed_at = $2 WHERE id = ANY($1) AND processed_at IS NULL`, ids, micros(at))
	return err
}

// maxInboxError bounds the stored text of a failure, in bytes.
const maxInboxError = 1000

// FailInbox counts a failure of one row and keeps its reason; after Config.InboxAttempts failures the row is parked:
// it is not pending any more, but stays to be looked at. NotFound when it is unknown or was dealt with.
func (s *Store) FailInbox(ctx context.Context, inbox string, reason error) (parked bool, err error) {
	text := cleanText(fmt.Sprint(reason))
	if len(text) > maxInboxError {
		text = strings.ToValidUTF8(text[:maxInboxError], "")
	}
	return one(ctx, s, "store.fail_inbox", "no_inbox", pgx.RowTo[bool],
		`UPDATE inbox SET attempts = attempts + 1, error = $2, parked = attempts + 1 >= $3
		 WHERE id = $1 AND processed_at IS NULL RETURNING parked`, inbox, text, s.cfg.InboxAttempts)
}

// PendingInbox reads rows of the given buckets that nobody dealt with although they came before olderThan, oldest
// first, at most limit (default 50, at most MaxBatch).
func (s *Store) PendingInbox(ctx context.Context, buckets []int, olderThan time.Time, limit int) ([]InboxRow, error) {
	return many(ctx, s, "store.pending_inbox", scanInbox,
		`SELECT `+inboxColumns+` FROM inbox WHERE bucket = ANY($1) AND processed_at IS NULL AND NOT parked
		 AND received_at < $2 ORDER BY received_at, id LIMIT $3`,
		buckets, micros(olderThan), bounded(limit, MaxBatch))
}

// PruneInbox deletes at most limit (default 50, at most MaxBatch) rows that were dealt with before the given time and
// returns how many. Keep them for longer than a sender repeats itself (Meta: seven days), since the dedupe key goes too.
func (s *Store) PruneInbox(ctx context.Context, processedBefore time.Time, limit int) (int64, error) {
	return s.write(Bulk(ctx), "store.prune_inbox",
		`DELETE FROM inbox WHERE id IN (SELECT id FROM inbox WHERE processed_at < $1 LIMIT $2)`,
		micros(processedBefore), bounded(limit, MaxBatch))
}
