// Package membership is the cluster's shared table over SQL: members, bucket leases and their epoch.
//
// It loads the rows, lets placement.Advance decide and stores what changed, in one transaction that begins by locking
// the one row of cluster_epoch: beats are therefore serial, and the database's clock, read after the lock was had, is
// the only one that counts. It is not a decision maker and keeps no state of its own: a Table is a pool.
//
// Runs on PostgreSQL and CockroachDB. A conflict (40001, 40P01) restarts the whole transaction; any other failure is
// reported as Unavailable and the next beat finds out what came of it. A caller that freezes within the transaction
// loses its session after a third of its lease, so that it cannot hold the others up.
package membership

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"ramal/cluster/membership"
	"ramal/cluster/placement"
	"ramal/internal/fault"
	"ramal/internal/id"
)

// attempts bounds the restarts of a transaction that met another one. On PostgreSQL the lock makes that impossible.
const attempts = 4

// leaveLease stands in for the lease where a node leaves: it only bounds how long a frozen caller may hold the lock.
const leaveLease = 3 * time.Second

// Table implements membership.Table over the tables of migration 00002. It is safe for concurrent use.
type Table struct {
	pool *pgxpool.Pool // the caller's of New, our own after Open
}

var _ membership.Table = (*Table)(nil)

// New returns the table in the database of pool, whose schema is migrated already.
func New(pool *pgxpool.Pool) *Table { return &Table{pool: pool} }

// ownConns are enough for the beats, and for a leave beside one.
const ownConns = 2

// Open returns the table with connections of its own, so that no slow query delays a beat. Close ends them.
func Open(ctx context.Context, url string) (*Table, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "membership.open", err)
	}
	cfg.MaxConns = ownConns
	cfg.ConnConfig.RuntimeParams["application_name"] = "ramal-membership"
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "membership.open", err)
	}
	return New(pool), nil
}

// Close ends the connections of a table made by Open.
func (t *Table) Close() { t.pool.Close() }

// Beat implements the port.
func (t *Table) Beat(ctx context.Context, b placement.Beat) (membership.Result, error) {
	var result membership.Result
	err := t.tx(ctx, "membership.beat", b.Lease, func(tx pgx.Tx, rows placement.Rows, now time.Time) error {
		after, ch, err := placement.Advance(rows, b, now)
		if err != nil {
			return err
		}
		result = membership.Result{View: after.View(), Changed: ch.Epoch}
		return save(ctx, tx, after, ch, b.Self.ID)
	})
	if err != nil {
		return membership.Result{}, err
	}
	return result, nil
}

// Leave implements the port.
func (t *Table) Leave(ctx context.Context, node id.Node) error {
	return t.tx(ctx, "membership.leave", leaveLease, func(tx pgx.Tx, rows placement.Rows, _ time.Time) error {
		after, ch := placement.Leave(rows, node)
		return save(ctx, tx, after, ch, "")
	})
}

// tx runs one locked transaction, several times when it meets a conflict. A fault that fn returns passes unchanged.
func (t *Table) tx(ctx context.Context, op string, lease time.Duration, fn func(pgx.Tx, placement.Rows, time.Time) error) error {
	var err error
	for range attempts {
		err = pgx.BeginTxFunc(ctx, t.pool, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
			rows, now, err := load(ctx, tx, lease)
			if err != nil {
				return err
			}
			return fn(tx, rows, now)
		})
		var own *fault.Error
		if err == nil || errors.As(err, &own) {
			return err
		}
		var pg *pgconn.PgError
		if !errors.As(err, &pg) || (pg.Code != "40001" && pg.Code != "40P01") {
			break
		}
	}
	return fault.Wrap(fault.Unavailable, op, err)
}

// load locks the epoch and reads everything. The order of statements matters: the clock and the rows are read by
// statements that begin after the lock was granted, and so see all that the former holder committed.
func load(ctx context.Context, tx pgx.Tx, lease time.Duration) (placement.Rows, time.Time, error) {
	var r placement.Rows
	var now time.Time
	limit := max(lease/3, 100*time.Millisecond).Milliseconds()
	batch := &pgx.Batch{}
	batch.Queue(fmt.Sprintf("SET LOCAL idle_in_transaction_session_timeout = %d", limit))
	batch.Queue(fmt.Sprintf("SET LOCAL statement_timeout = %d", limit))
	batch.Queue("SELECT epoch, last_tick FROM cluster_epoch WHERE one FOR UPDATE").QueryRow(func(row pgx.Row) error {
		var tick *time.Time
		if err := row.Scan(&r.Epoch, &tick); err != nil {
			return err
		}
		if tick != nil {
			r.LastTick = *tick
		}
		return nil
	})
	batch.Queue("SELECT clock_timestamp()").QueryRow(func(row pgx.Row) error { return row.Scan(&now) })
	batch.Queue("SELECT id, host, port, kinds, load, leaving, expires FROM members").Query(func(rows pgx.Rows) error {
		var m placement.Row
		_, err := pgx.ForEachRow(rows, []any{&m.ID, &m.Host, &m.Port, &m.Kinds, &m.Load, &m.Leaving, &m.Expires}, func() error {
			c := m
			c.Kinds = slices.Clone(m.Kinds)
			r.Members = append(r.Members, c)
			return nil
		})
		return err
	})
	batch.Queue("SELECT bucket, node, epoch FROM buckets").Query(func(rows pgx.Rows) error {
		var bucket int
		var l placement.Lease
		_, err := pgx.ForEachRow(rows, []any{&bucket, &l.Owner, &l.Epoch}, func() error {
			r.Buckets[bucket] = l // the column's CHECK keeps it within 0 to 255
			return nil
		})
		return err
	})
	err := tx.SendBatch(ctx, batch).Close()
	// By bytes, whatever the database's collation: all nodes must see one order.
	slices.SortFunc(r.Members, func(a, b placement.Row) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return r, now, err
}

// save stores what changed. self is the member that beat, "" for none.
func save(ctx context.Context, tx pgx.Tx, r placement.Rows, ch placement.Change, self id.Node) error {
	batch := &pgx.Batch{}
	if len(ch.Removed) > 0 {
		batch.Queue("DELETE FROM members WHERE id = ANY($1)", ch.Removed)
	}
	for _, m := range r.Members {
		switch {
		case m.ID == self:
			batch.Queue(`INSERT INTO members (id, host, port, kinds, load, leaving, expires) VALUES ($1, $2, $3, $4, $5, $6, $7)
				ON CONFLICT (id) DO UPDATE SET host = excluded.host, port = excluded.port, kinds = excluded.kinds,
				load = excluded.load, leaving = excluded.leaving, expires = excluded.expires`,
				m.ID, m.Host, m.Port, append([]string{}, m.Kinds...), m.Load, m.Leaving, m.Expires)
		case ch.Extended:
			batch.Queue("UPDATE members SET expires = $2 WHERE id = $1", m.ID, m.Expires)
		}
	}
	if len(ch.Buckets) > 0 {
		var numbers []int16
		var nodes []string
		var epochs []int64
		for _, b := range ch.Buckets {
			numbers = append(numbers, int16(b))
			nodes = append(nodes, string(r.Buckets[b].Owner))
			epochs = append(epochs, r.Buckets[b].Epoch)
		}
		batch.Queue(`INSERT INTO buckets (bucket, node, epoch) SELECT bucket, node, epoch
			FROM unnest($1::int2[], $2::text[], $3::int8[]) AS changed (bucket, node, epoch)
			ON CONFLICT (bucket) DO UPDATE SET node = excluded.node, epoch = excluded.epoch`, numbers, nodes, epochs)
	}
	var tick *time.Time
	if !r.LastTick.IsZero() {
		tick = &r.LastTick
	}
	batch.Queue("UPDATE cluster_epoch SET epoch = $1, last_tick = $2 WHERE one", r.Epoch, tick)
	return tx.SendBatch(ctx, batch).Close()
}
