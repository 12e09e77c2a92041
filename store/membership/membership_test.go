package membership_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"ramal/cluster/clustertest"
	"ramal/cluster/placement"
	"ramal/internal/fault"
	"ramal/internal/id"
	"ramal/store/embedded"
	"ramal/store/membership"
	"ramal/store/storetest"
)

func TestMain(m *testing.M) {
	embedded.MaybeSupervise()
	clustertest.ExemptRace()
	storetest.Main(m, clustertest.Leaks)
}

func fixture(t *testing.T, pool *pgxpool.Pool) clustertest.Fixture {
	return clustertest.Fixture{Table: membership.New(pool), Evict: func(node id.Node) {
		if _, err := pool.Exec(t.Context(), "DELETE FROM members WHERE id = $1", node); err != nil {
			t.Fatal(err)
		}
	}}
}

func TestPostgreSQL(t *testing.T) {
	clustertest.Run(t, func(t *testing.T) clustertest.Fixture { return fixture(t, storetest.Pool(t)) })
}

// TestCockroachDB runs where CRDB_DSN names a server.
func TestCockroachDB(t *testing.T) {
	clustertest.Run(t, func(t *testing.T) clustertest.Fixture { return fixture(t, connect(t, storetest.CockroachURL(t))) })
}

func connect(t *testing.T, url string) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

const lease = 2 * time.Second

func join(t *testing.T, table *membership.Table, n int) {
	t.Helper()
	if _, err := table.Beat(t.Context(), placement.Beat{Self: clustertest.Member(n), Lease: lease, Join: true}); err != nil {
		t.Fatal(err)
	}
}

// TestFrozenCaller stops a caller in the middle of its beat, with the lock in its hands.
func TestFrozenCaller(t *testing.T) {
	pool := storetest.Pool(t)
	table := membership.New(pool)
	join(t, table, 1)
	join(t, table, 2)
	thaw := membership.Freeze(t, pool, lease)
	began := time.Now()
	for {
		if _, err := table.Beat(t.Context(), placement.Beat{Self: clustertest.Member(2), Lease: lease}); err == nil {
			break
		} else if !fault.Is(err, fault.Unavailable) || fault.CodeOf(err) == placement.CodeLeaseLost {
			t.Fatal(err)
		}
		if time.Since(began) > lease/2 {
			t.Fatalf("still blocked after %v", time.Since(began))
		}
	}
	if time.Since(began) < lease/4 {
		t.Fatal("never blocked: the test shows nothing")
	}
	if err := thaw(); err == nil {
		t.Fatal("the frozen transaction could be committed")
	}
}

// TestDatabaseAway cuts and stalls the connection: an outage is never a lost lease.
func TestDatabaseAway(t *testing.T) {
	breaker := storetest.NewBreaker(t, storetest.URL(t))
	table := membership.New(connect(t, breaker.URL()))
	join(t, table, 1)
	for name, away := range map[string]func(){"cut": breaker.Cut, "stalled": breaker.Stall} {
		away()
		for range 3 {
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			_, err := table.Beat(ctx, placement.Beat{Self: clustertest.Member(1), Lease: lease})
			cancel()
			if !fault.Is(err, fault.Unavailable) || fault.CodeOf(err) == placement.CodeLeaseLost {
				t.Fatalf("%s: %v", name, err)
			}
		}
		breaker.Restore()
		if _, err := table.Beat(t.Context(), placement.Beat{Self: clustertest.Member(1), Lease: lease}); err != nil {
			t.Fatalf("after %s: %v", name, err)
		}
	}
}
