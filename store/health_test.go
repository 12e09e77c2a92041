package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"ramal/internal/fault"
	"ramal/internal/poll"
	"ramal/store"
	"ramal/store/storetest"
)

func TestOutage(t *testing.T) {
	for name, away := range map[string]func(*storetest.Breaker){
		"cut": (*storetest.Breaker).Cut, "stalled": (*storetest.Breaker).Stall,
	} {
		t.Run(name, func(t *testing.T) {
			breaker := storetest.NewBreaker(t, storetest.URL(t))
			const limit = 300 * time.Millisecond
			s := storetest.OpenURL(t, store.Config{URL: breaker.URL(), Timeout: limit, PingEvery: 100 * time.Millisecond})
			addTenants(t, s)
			changes := make(chan bool, 16)
			cancel := s.Health().Subscribe(func(healthy bool) { changes <- healthy })
			if !s.Health().Healthy() {
				t.Fatal("unhealthy from the beginning")
			}
			away(breaker)
			begin := time.Now()
			_, err := s.GetTenant(t.Context(), pharmacy)
			if !fault.Is(err, fault.Unavailable) {
				t.Errorf("a statement without a database: %v", err)
			}
			if took := time.Since(begin); took > 5*limit {
				t.Errorf("it took %s to say so", took)
			}
			waitChange(t, changes, false)
			if s.Health().Healthy() {
				t.Error("Healthy contradicts what was told")
			}
			breaker.Restore()
			waitChange(t, changes, true)
			poll.Until(t, 10*time.Second, "statements work again", func() bool { _, err := s.GetTenant(t.Context(), pharmacy); return err == nil })
			cancel()
			breaker.Cut()
			poll.Until(t, 10*time.Second, "the second outage is seen", func() bool { return !s.Health().Healthy() })
			s.Close()
			s.Close() // again: nothing happens
			select {
			case <-changes:
				t.Error("told after cancel")
			default:
			}
		})
	}
}

func waitChange(t *testing.T, changes <-chan bool, want bool) {
	t.Helper()
	select {
	case got := <-changes:
		if got != want {
			t.Fatalf("told %v, want %v", got, want)
		}
	case <-time.After(10 * time.Second):
		t.Fatalf("never told %v", want)
	}
}

// TestLostAnswers repeats a journal entry whose acknowledgement never came: it must be there once.
func TestLostAnswers(t *testing.T) {
	breaker := storetest.NewBreaker(t, storetest.URL(t))
	s := storetest.OpenURL(t, store.Config{URL: breaker.URL(), Timeout: 300 * time.Millisecond})
	ctx := t.Context()
	row := call(pharmacy, "call_1")
	ok(t, s.InsertCall(ctx, row))
	row.Seq = 1
	breaker.Slow(200 * time.Millisecond) // the statement gets there, the answer comes too late
	err := s.AppendCallEvents(ctx, 0, events(1, "created"), row)
	wantFault(t, "without an answer", err, fault.Unavailable, store.CodeMaybeApplied)
	breaker.Restore()
	poll.Until(t, 10*time.Second, "the repetition succeeds", func() bool { return s.AppendCallEvents(ctx, 0, events(1, "created"), row) == nil })
	journal, err := s.CallEvents(ctx, pharmacy, "call_1", 0)
	if err != nil || len(journal) != 1 {
		t.Errorf("the journal is %v, %v", journal, err)
	}
}

func TestCallersOwnDeadlineIsNoOutage(t *testing.T) {
	s := storetest.Open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.ListTenants(ctx); !fault.Is(err, fault.Unavailable) {
		t.Errorf("a cancelled caller: %v", err)
	}
	if !s.Health().Healthy() {
		t.Error("a caller that gave up made the database unhealthy")
	}
}

func TestBulkWorkDoesNotStarveCalls(t *testing.T) {
	s := storetest.OpenURL(t, store.Config{URL: storetest.URL(t), CallMaxConns: 2, MaxConns: 2, Timeout: 5 * time.Second})
	addTenants(t, s)
	block, release := context.WithCancel(t.Context())
	defer release()
	held := make(chan struct{}, 2)
	done := make(chan struct{}, 2)
	for range 2 { // take every bulk connection
		go func() {
			_ = s.InTx(store.Bulk(block), holdUntil(block, held))
			done <- struct{}{}
		}()
		<-held
	}
	begin := time.Now()
	if _, err := s.GetTenant(t.Context(), pharmacy); err != nil || time.Since(begin) > time.Second {
		t.Errorf("a command waited %s behind bulk work: %v", time.Since(begin), err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := s.ListTenants(store.Bulk(ctx)); !fault.Is(err, fault.Unavailable) {
		t.Errorf("bulk work found a connection: %v", err)
	}
	release()
	<-done
	<-done
}

func TestOpenRefuses(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	for what, c := range map[string]struct {
		cfg  store.Config
		kind fault.Kind
	}{
		"no url":        {store.Config{}, fault.Invalid},
		"no url at all": {store.Config{URL: "postgres://%zz"}, fault.Invalid},
		"negative":      {store.Config{URL: "postgres://127.0.0.1:1/x", MaxConns: -1}, fault.Invalid},
		"nobody there":  {store.Config{URL: "postgres://127.0.0.1:1/x?sslmode=disable"}, fault.Unavailable},
	} {
		s, err := store.Open(ctx, c.cfg)
		if s != nil || !fault.Is(err, c.kind) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// holdUntil keeps a transaction, and so its connection, open until ctx ends.
func holdUntil(ctx context.Context, held chan<- struct{}) func(context.Context, pgx.Tx) error {
	return func(context.Context, pgx.Tx) error {
		held <- struct{}{}
		<-ctx.Done()
		return ctx.Err()
	}
}
