package store

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/cockroachdb/cockroach-go/v2/crdb"
	"github.com/cockroachdb/cockroach-go/v2/crdb/crdbpgxv5"
	"github.com/jackc/pgx/v5"

	"ramal/internal/fault"
)

// InTx runs fn in one serializable transaction, so fn may run more than once: it must have no effect outside tx.
//
// CockroachDB asks for a restart at a savepoint, which crdbpgx.ExecuteTx does. On PostgreSQL that protocol loses
// acknowledged commits (a failure at COMMIT is dropped), so there the whole transaction is run again after
// 40001 and 40P01. A connection lost at COMMIT is Unknown: look whether the effect is there before repeating.
func (s *Store) InTx(ctx context.Context, fn func(ctx context.Context, tx pgx.Tx) error) error {
	bounded, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	var err error
	if s.dialect == cockroach {
		err = s.executeTx(bounded, fn)
	} else {
		err = s.restartTx(bounded, fn)
	}
	s.health.observe(ctx, err)
	return wrap("store.tx", err)
}

func (s *Store) executeTx(ctx context.Context, fn func(context.Context, pgx.Tx) error) error {
	opts := pgx.TxOptions{IsoLevel: pgx.Serializable}
	err := crdbpgx.ExecuteTx(ctx, s.pool(ctx), opts, func(tx pgx.Tx) error { return fn(ctx, tx) })
	if ambiguous, ok := errors.AsType[*crdb.AmbiguousCommitError](err); ok {
		return commitUnknown(ambiguous)
	}
	return err
}

func (s *Store) restartTx(ctx context.Context, fn func(context.Context, pgx.Tx) error) error {
	for attempt := 0; ; attempt++ {
		err := s.tryTx(ctx, fn)
		if !rolledBack(err) {
			return err
		}
		if pause(ctx, backoff(attempt)) != nil {
			return err
		}
	}
}

func (s *Store) tryTx(ctx context.Context, fn func(context.Context, pgx.Tx) error) error {
	tx, err := s.pool(ctx).BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.Serializable})
	if err != nil {
		return err
	}
	defer func() { // after Commit this does nothing; after a failure the connection must not go back half-way
		undo, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = tx.Rollback(undo)
	}()
	if err := fn(ctx, tx); err != nil {
		return err
	}
	if err = tx.Commit(ctx); lostAtCommit(err) {
		return commitUnknown(err)
	}
	return err
}

// lostAtCommit reports whether err leaves open what became of the transaction: no answer came, or the server went
// down instead of giving one.
func lostAtCommit(err error) bool {
	if err == nil || errors.Is(err, pgx.ErrTxCommitRollback) {
		return false
	}
	return unreachable(err) || serverGone(err)
}

func commitUnknown(err error) error {
	return &fault.Error{Kind: fault.Unknown, Op: "store.tx", Code: "commit_unknown",
		Detail: "the connection was lost at COMMIT", Cause: err}
}

// backoff is a random wait below 2^attempt milliseconds, at most 100 ms.
func backoff(attempt int) time.Duration {
	ceiling := min(time.Millisecond<<min(attempt+1, 10), 100*time.Millisecond)
	return time.Duration(rand.Int64N(int64(ceiling))) + 1
}

// pause waits for d or until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
