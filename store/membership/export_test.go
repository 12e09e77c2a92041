package membership

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Freeze begins a beat and stops after it has read the rows. The returned function goes on and commits.
func Freeze(t *testing.T, pool *pgxpool.Pool, lease time.Duration) (thaw func() error) {
	t.Helper()
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tx.Rollback(context.Background()) })
	if _, _, err := load(t.Context(), tx, lease); err != nil {
		t.Fatal(err)
	}
	return func() error { return tx.Commit(t.Context()) }
}
