package store

import (
	"context"
	"errors"
	"io"
	"net"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"ramal/internal/fault"
)

// querier is what a statement needs; a pool and a transaction both are one.
type querier interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

// do runs fn once with a bounded ctx, tells Health how it went and gives the error its kind.
func (s *Store) do(ctx context.Context, op string, fn func(ctx context.Context, q querier) error) error {
	bounded, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	err := fn(bounded, cleaned{s.pool(ctx)})
	s.health.observe(ctx, err)
	return wrap(op, err)
}

// retryable is do for a statement that CockroachDB may ask to be repeated, or that may be chosen as the victim of
// a deadlock: it was rolled back whole then, and is run again until the time is up.
func (s *Store) retryable(ctx context.Context, op string, fn func(ctx context.Context, q querier) error) error {
	return s.do(ctx, op, func(ctx context.Context, q querier) error {
		for attempt := 0; ; attempt++ {
			err := fn(ctx, q)
			if !rolledBack(err) || pause(ctx, backoff(attempt)) != nil {
				return err
			}
		}
	})
}

// rolledBack reports whether the server undid the whole transaction and would accept it again.
func rolledBack(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (pg.Code == serializationFailure || pg.Code == deadlockDetected)
}

// one reads a single row into T by scan; no row is NotFound with the given code.
func one[T any](ctx context.Context, s *Store, op, missing string, scan func(pgx.CollectableRow) (T, error), sql string, args ...any) (T, error) {
	var out T
	err := s.do(ctx, op, func(ctx context.Context, q querier) error {
		rows, err := q.Query(ctx, sql, args...)
		if err != nil {
			return err
		}
		out, err = pgx.CollectExactlyOneRow(rows, scan)
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return out, fault.New(fault.NotFound, op, missing, "there is none for this tenant")
	}
	return out, err
}

// many reads all rows into a slice of T by scan; no rows is an empty slice.
func many[T any](ctx context.Context, s *Store, op string, scan func(pgx.CollectableRow) (T, error), sql string, args ...any) ([]T, error) {
	var out []T
	err := s.do(ctx, op, func(ctx context.Context, q querier) error {
		rows, err := q.Query(ctx, sql, args...)
		if err != nil {
			return err
		}
		out, err = pgx.CollectRows(rows, scan)
		return err
	})
	return out, err
}

// write runs one statement and returns how many rows it touched.
func (s *Store) write(ctx context.Context, op, sql string, args ...any) (int64, error) {
	var touched int64
	err := s.retryable(ctx, op, func(ctx context.Context, q querier) error {
		tag, err := q.Exec(ctx, sql, args...)
		touched = tag.RowsAffected()
		return err
	})
	return touched, err
}

// ping asks for a connection and an answer.
func ping(ctx context.Context, pool *pgxpool.Pool) error { return pool.Ping(ctx) }

func isNetwork(err error) bool {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) {
		return true
	}
	_, ok := errors.AsType[net.Error](err)
	return ok
}

// orNull turns a zero value into SQL NULL.
func orNull[T comparable](v T) any {
	var zero T
	if v == zero {
		return nil
	}
	return v
}

// instant turns a zero time into SQL NULL and any other into what the column can hold: UTC, in microseconds.
func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	u := micros(t)
	return &u
}

func micros(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// deref turns a nullable column back into its zero value.
func deref[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// utc turns a nullable timestamp back into a time in UTC, zero for NULL.
func utc(p *time.Time) time.Time {
	if p == nil {
		return time.Time{}
	}
	return p.UTC()
}

// orObject makes an empty state the empty JSON object, since a jsonb column takes no empty bytes, and takes out what
// JSON may hold and jsonb may not.
func orObject(b []byte) string {
	if len(b) == 0 {
		return "{}"
	}
	return cleanJSON(string(b))
}

// texts turns a slice of any string type into one the driver knows; never nil, since the columns are NOT NULL.
func texts[T ~string](in []T) []string {
	out := make([]string, len(in))
	for i, v := range in {
		out[i] = string(v)
	}
	return out
}

// named is the inverse of texts; an empty slice becomes nil.
func named[T ~string](in []string) []T {
	if len(in) == 0 {
		return nil
	}
	out := make([]T, len(in))
	for i, v := range in {
		out[i] = T(v)
	}
	return out
}
