package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"ramal/internal/fault"
	"ramal/internal/secret"
)

// Config says which database to use and how. The zero value of every field but URL is its default.
type Config struct {
	// URL is a postgres:// connection URL, of PostgreSQL 14 or newer or of CockroachDB. Required.
	URL string
	// CallMaxConns bounds the connections for calls and commands. Default 8.
	CallMaxConns int
	// MaxConns bounds the connections for bulk work: searches, histories, imports (see Bulk). Default 8.
	MaxConns int
	// Timeout bounds every statement, waiting for a connection included. Default 2 s.
	Timeout time.Duration
	// PingEvery is the rhythm of the health check; it is four times as fast while the database is away. Default 1 s.
	PingEvery time.Duration
	// InboxAttempts is the number of failures after which an inbox row is parked. Default 10.
	InboxAttempts int
	// Keys encrypt the credentials of lines. Without them the methods that read or write lines answer Internal.
	Keys *secret.Keyring
	// Logger gets changes of health. Default slog.Default().
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	orInt := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	orInt(&c.CallMaxConns, 8)
	orInt(&c.MaxConns, 8)
	orInt(&c.InboxAttempts, 10)
	if c.Timeout == 0 {
		c.Timeout = 2 * time.Second
	}
	if c.PingEvery == 0 {
		c.PingEvery = time.Second
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}

// Validate reports everything that is wrong with c, joined.
func (c Config) Validate() error {
	var errs []error
	if c.URL == "" {
		errs = append(errs, errors.New("store: url is missing"))
	}
	if c.CallMaxConns < 0 || c.MaxConns < 0 || c.InboxAttempts < 0 {
		errs = append(errs, errors.New("store: connections and attempts cannot be negative"))
	}
	if c.Timeout < 0 || c.PingEvery < 0 {
		errs = append(errs, errors.New("store: timeouts cannot be negative"))
	}
	return errors.Join(errs...)
}

// dialect is what the server at the other end is.
type dialect int

const (
	postgres dialect = iota
	cockroach
)

// String names the dialect as logs and metrics do.
func (d dialect) String() string {
	if d == cockroach {
		return "cockroachdb"
	}
	return "postgresql"
}

// Store is one process's access to the database. It is safe for concurrent use.
type Store struct {
	cfg     Config
	dialect dialect
	calls   *pgxpool.Pool
	bulk    *pgxpool.Pool
	health  *Health
	close   sync.Once
}

// statementGrace is how much longer than Timeout the server may work on a statement nobody waits for any more.
// A new owner of a bucket must wait Timeout + statementGrace after the lease before it may trust what it reads.
const statementGrace = 3 * time.Second

// Open connects and finds out what the server is. It fails with Unavailable when the server cannot be reached
// before ctx ends, at most Timeout; the schema is Migrate's business.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	const op = "store.open"
	if err := cfg.Validate(); err != nil {
		return nil, fault.Wrap(fault.Invalid, op, err)
	}
	cfg = cfg.withDefaults()
	s := &Store{cfg: cfg}
	var err error
	if s.calls, err = newPool(ctx, cfg, cfg.CallMaxConns, "ramal calls"); err != nil {
		return nil, fault.Wrap(fault.Invalid, op, err)
	}
	if s.bulk, err = newPool(ctx, cfg, cfg.MaxConns, "ramal bulk"); err != nil {
		s.calls.Close()
		return nil, fault.Wrap(fault.Invalid, op, err)
	}
	probe, cancel := context.WithTimeout(ctx, cfg.Timeout)
	defer cancel()
	var version string
	if err := s.calls.QueryRow(probe, "SELECT version()").Scan(&version); err != nil {
		s.calls.Close()
		s.bulk.Close()
		return nil, wrap(op, err)
	}
	if strings.Contains(version, "CockroachDB") {
		s.dialect = cockroach
	}
	s.health = startHealth(cfg, func(ctx context.Context) error { return ping(ctx, s.calls) })
	return s, nil
}

func newPool(ctx context.Context, cfg Config, conns int, name string) (*pgxpool.Pool, error) {
	pc, err := pgxpool.ParseConfig(cfg.URL)
	if err != nil {
		return nil, fmt.Errorf("parse the database url: %w", err)
	}
	if conns > 1<<15 {
		return nil, fmt.Errorf("%d connections are too many", conns)
	}
	pc.MaxConns = int32(conns)
	pc.MaxConnIdleTime = 5 * time.Minute
	pc.HealthCheckPeriod = 15 * time.Second
	pc.ConnConfig.ConnectTimeout = cfg.Timeout
	if pc.ConnConfig.RuntimeParams["application_name"] == "" {
		pc.ConnConfig.RuntimeParams["application_name"] = name
	}
	limit := (cfg.Timeout + statementGrace).Milliseconds()
	pc.ConnConfig.RuntimeParams["statement_timeout"] = strconv.FormatInt(limit, 10)
	return pgxpool.NewWithConfig(ctx, pc)
}

// Pool is the pool for calls and commands, for adapters that bring their own statements (store/membership).
// It belongs to the Store: do not close it.
func (s *Store) Pool() *pgxpool.Pool { return s.calls }

// Dialect is "postgresql" or "cockroachdb".
func (s *Store) Dialect() string { return s.dialect.String() }

// Health tells whether the database answers.
func (s *Store) Health() *Health { return s.health }

// Close ends the health watch and closes every connection, waiting for statements under way. It may be called twice.
func (s *Store) Close() {
	s.close.Do(func() {
		s.health.stop()
		s.calls.Close()
		s.bulk.Close()
	})
}

type bulkKey struct{}

// Bulk marks ctx so that statements made with it use the bulk connections: imports and back-fills call it, so
// that no command of a call ever waits for a connection behind them.
func Bulk(ctx context.Context) context.Context { return context.WithValue(ctx, bulkKey{}, true) }

func (s *Store) pool(ctx context.Context) *pgxpool.Pool {
	if ctx.Value(bulkKey{}) != nil {
		return s.bulk
	}
	return s.calls
}
