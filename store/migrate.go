package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"ramal/internal/fault"
)

//go:embed migrations/*.sql
var migrations embed.FS

// How long a migrating process may be silent before another takes over, how often that one looks, and for how long.
const (
	migrationLease    = 15 * time.Second
	migrationBeat     = 3 * time.Second
	migrationLook     = 250 * time.Millisecond
	migrationPatience = 5 * time.Minute
)

// Migrate brings the database at url to the newest schema and tells progress, one line for each migration applied.
// Several processes may call it at once: a row in a table makes them take turns, which works on PostgreSQL and on
// CockroachDB (advisory locks do not). Unavailable when the database does not answer.
func Migrate(ctx context.Context, url string, progress func(string)) error {
	const op = "store.migrate"
	db, provider, err := migrator(url)
	if err != nil {
		return fault.Wrap(fault.Invalid, op, err)
	}
	defer db.Close() //nolint:errcheck // nothing is lost with a connection that does not close
	if err := db.PingContext(ctx); err != nil {
		return wrap(op, err)
	}
	for {
		result, err := provider.UpByOne(ctx)
		switch {
		case isNoMigration(err):
			return nil
		case err != nil:
			return wrap(op, err)
		}
		if progress != nil {
			progress(fmt.Sprintf("%s (%d ms)", path.Base(result.Source.Path), result.Duration.Milliseconds()))
		}
	}
}

// SchemaVersion tells which migration the database at url is at and which one this program needs.
func SchemaVersion(ctx context.Context, url string) (current, wanted int64, err error) {
	const op = "store.schema_version"
	db, provider, err := migrator(url)
	if err != nil {
		return 0, 0, fault.Wrap(fault.Invalid, op, err)
	}
	defer db.Close() //nolint:errcheck // nothing is lost with a connection that does not close
	if err := db.PingContext(ctx); err != nil {
		return 0, 0, wrap(op, err)
	}
	current, wanted, err = provider.GetVersions(ctx)
	return current, wanted, wrap(op, err)
}

func migrator(url string) (*sql.DB, *goose.Provider, error) {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, nil, fmt.Errorf("parse the database url: %w", err)
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, nil, err
	}
	locker, err := lock.NewPostgresTableLocker(
		lock.WithTableLeaseDuration(migrationLease),
		lock.WithTableHeartbeatInterval(migrationBeat),
		lock.WithTableLockTimeout(migrationLook, uint64(migrationPatience/migrationLook)),
	)
	if err != nil {
		return nil, nil, err
	}
	db := stdlib.OpenDB(*cfg)
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files, goose.WithLocker(locker),
		goose.WithDisableGlobalRegistry(true))
	if err != nil {
		_ = db.Close()
		return nil, nil, err
	}
	return db, provider, nil
}

func isNoMigration(err error) bool { return errors.Is(err, goose.ErrNoNextVersion) }
