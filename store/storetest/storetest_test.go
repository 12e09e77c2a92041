package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { Main(m, func() error { return goleak.Find() }) }

func TestEachTestHasItsOwnDatabase(t *testing.T) {
	a, b := Pool(t), Pool(t)
	if _, err := a.Exec(t.Context(), "INSERT INTO tenants (id, name, created_at) VALUES ('a', 'A', now())"); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		pool *pgxpool.Pool
		want int
	}{"own": {a, 1}, "other": {b, 0}} {
		var n int
		if err := c.pool.QueryRow(t.Context(), "SELECT count(*) FROM tenants").Scan(&n); err != nil || n != c.want {
			t.Errorf("%s database has %d tenants, %v", name, n, err)
		}
	}
}

func TestDatabaseIsDropped(t *testing.T) {
	var target string
	t.Run("inner", func(t *testing.T) {
		target = URL(t)
		conn, err := pgx.Connect(t.Context(), target) // left open: must not keep the database alive
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close(context.Background()) })
	})
	if conn, err := pgx.Connect(t.Context(), target); err == nil {
		_ = conn.Close(t.Context())
		t.Error("the database is still there")
	}
}

func TestBreaker(t *testing.T) {
	b := NewBreaker(t, URL(t))
	ask := func(patience time.Duration) (time.Duration, error) {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		begin := time.Now()
		conn, err := pgx.Connect(ctx, b.URL())
		if err == nil {
			_, err = conn.Exec(ctx, "SELECT 1")
			_ = conn.Close(ctx)
		}
		return time.Since(begin), err
	}
	if _, err := ask(5 * time.Second); err != nil {
		t.Fatal("open: ", err)
	}
	b.Cut()
	if took, err := ask(5 * time.Second); err == nil || took > 2*time.Second {
		t.Errorf("cut: %v after %s", err, took)
	}
	b.Stall()
	if took, err := ask(300 * time.Millisecond); err == nil || took < 250*time.Millisecond {
		t.Errorf("stalled: %v after %s", err, took)
	}
	b.Slow(50 * time.Millisecond)
	if took, err := ask(5 * time.Second); err != nil || took < 100*time.Millisecond {
		t.Errorf("slow: %v after %s", err, took)
	}
	b.Restore()
	if _, err := ask(5 * time.Second); err != nil {
		t.Error("restored: ", err)
	}
}
