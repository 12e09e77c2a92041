package store_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"ramal/internal/fault"
	"ramal/internal/poll"
	"ramal/store"
	"ramal/store/storetest"
)

func readQuote(ctx context.Context, tx pgx.Tx, key string) (n int64, err error) {
	err = tx.QueryRow(ctx, "SELECT quote_cents FROM contacts WHERE tenant = $1 AND id = $2", pharmacy, key).Scan(&n)
	return n, err
}

func writeQuote(ctx context.Context, tx pgx.Tx, key string, n int64) error {
	_, err := tx.Exec(ctx, "UPDATE contacts SET quote_cents = $3 WHERE tenant = $1 AND id = $2", pharmacy, key, n)
	return err
}

// testTxRestarts makes two transactions each read what the other writes: one must start anew, and see the other.
func testTxRestarts(t *testing.T, s *store.Store) {
	addTenants(t, s)
	save(t, s, contact(pharmacy, "a"), contact(pharmacy, "b"))
	var runs atomic.Int64
	both := make(chan struct{})
	var waiting atomic.Int64
	errs := parallel(2, func(i int) error {
		mine, other := []string{"a", "b"}[i], []string{"b", "a"}[i]
		first := true
		return s.InTx(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
			runs.Add(1)
			n, err := readQuote(ctx, tx, other)
			if err != nil {
				return err
			}
			if first { // let the other one read too, once
				first = false
				if waiting.Add(1) == 2 {
					close(both)
				}
				select {
				case <-both:
				case <-ctx.Done():
				}
			}
			return writeQuote(ctx, tx, mine, n+1)
		})
	})
	ok(t, errors.Join(errs...))
	a, err := s.GetContact(t.Context(), pharmacy, "a")
	ok(t, err)
	b, err := s.GetContact(t.Context(), pharmacy, "b")
	ok(t, err)
	if a.QuoteCents+b.QuoteCents != 3 || runs.Load() < 3 { // one after the other: 1 and 2, in either order
		t.Errorf("a is %d, b is %d after %d runs", a.QuoteCents, b.QuoteCents, runs.Load())
	}
	sentinel := fault.New(fault.Denied, "test", "stop", "")
	err = s.InTx(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
		if err := writeQuote(ctx, tx, "a", 999); err != nil {
			return err
		}
		return sentinel
	})
	wantFault(t, "an error of the function", err, fault.Denied, "stop")
	again, err := s.GetContact(t.Context(), pharmacy, "a")
	ok(t, err)
	if again.QuoteCents == 999 {
		t.Error("a refused transaction left something")
	}
}

func testTxContention(t *testing.T, s *store.Store) {
	addTenants(t, s)
	save(t, s, contact(pharmacy, "a"))
	const writers, rounds = 6, 10
	acked := parallel(writers, func(int) (n int64) {
		for range rounds {
			err := s.InTx(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
				v, err := readQuote(ctx, tx, "a")
				if err != nil {
					return err
				}
				return writeQuote(ctx, tx, "a", v+1)
			})
			switch {
			case err == nil:
				n++
			case !fault.Is(err, fault.Unavailable): // out of time: an honest answer
				t.Error(err)
			}
		}
		return n
	})
	var told int64
	for _, n := range acked {
		told += n
	}
	c, err := s.GetContact(t.Context(), pharmacy, "a")
	ok(t, err)
	if c.QuoteCents != told || told == 0 {
		t.Errorf("%d increments are stored, %d were acknowledged", c.QuoteCents, told)
	}
}

// TestCommitIsUnknown cuts the connection when everything but the commit is done.
func TestCommitIsUnknown(t *testing.T) {
	breaker := storetest.NewBreaker(t, storetest.URL(t))
	s := storetest.OpenURL(t, store.Config{URL: breaker.URL(), Timeout: 500 * time.Millisecond})
	for what, fail := range map[string]func(){"cut": breaker.Cut, "stalled": breaker.Stall} {
		breaker.Restore()
		poll.Until(t, 10*time.Second, "the database answers", func() bool { _, err := s.ListTenants(t.Context()); return err == nil })
		err := s.InTx(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
			_, err := tx.Exec(ctx, "INSERT INTO tenants (id, name, created_at) VALUES ($1, '', now())", what)
			fail()
			return err
		})
		wantFault(t, what, err, fault.Unknown, "commit_unknown")
		begin := s.InTx(t.Context(), func(context.Context, pgx.Tx) error { return errors.New("unreachable") })
		if !fault.Is(begin, fault.Unavailable) {
			t.Errorf("%s: begin is %v", what, begin)
		}
	}
	breaker.Restore()
}
