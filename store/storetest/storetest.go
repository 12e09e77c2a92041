// Package storetest gives each test a database of its own: fresh, migrated, on a real server. It is for tests only.
//
// A package that uses it calls Main in its TestMain. The first test that asks for a database starts a private server
// for the whole test binary; it ends with the binary, however that ends. RAMAL_TEST_DATABASE_URL names a server to
// use instead, as a user that may create databases; there each database has a random name and is dropped again.
// With -short, tests that need a database are skipped: the server's binaries may have to be fetched.
package storetest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"ramal/internal/secret"
	"ramal/store"
	"ramal/store/embedded"
)

const (
	serverEnv    = "RAMAL_TEST_DATABASE_URL"
	cockroachEnv = "CRDB_DSN"
)

// maxConnections is enough for many stores at once: each test has its own pools.
const maxConnections = "300"

// server is where this test binary's databases are. It is started once, by whoever needs it first, and ended by Main.
type server struct {
	mu struct {
		sync.Mutex
		started  bool
		err      error
		url      string // of a database from which others can be made
		template string // a migrated database, for a server that can copy it; "" otherwise
		owned    *embedded.Server
		folder   string
	}
	wanted func() string // a configured server, "" to start one
}

var (
	shared    = &server{wanted: func() string { return os.Getenv(serverEnv) }}
	cockroach = &server{wanted: func() string { return os.Getenv(cockroachEnv) }}
)

// Main runs the tests of a package and ends the server. TestMain calls it before anything else, with checks to be made
// when all tests and the server are gone, such as goleak.Find; their error fails the run. It does not return.
func Main(m *testing.M, checks ...func() error) {
	embedded.MaybeSupervise()
	code := m.Run()
	err := errors.Join(shared.stop(), cockroach.stop())
	for _, check := range checks {
		err = errors.Join(err, check())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "storetest:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// URL makes a database for this test, migrated and empty, and returns its connection URL. It is dropped afterwards.
func URL(tb testing.TB) string {
	tb.Helper()
	if testing.Short() {
		tb.Skip("needs a database server")
	}
	return shared.database(tb)
}

// CockroachURL is URL on the CockroachDB server that CRDB_DSN names; the test is skipped when it names none.
func CockroachURL(tb testing.TB) string {
	tb.Helper()
	if os.Getenv(cockroachEnv) == "" {
		tb.Skip(cockroachEnv + " names no CockroachDB server")
	}
	return cockroach.database(tb)
}

// Pool makes a database as URL does and returns a pool of connections to it, closed after the test.
func Pool(tb testing.TB) *pgxpool.Pool {
	tb.Helper()
	pool, err := pgxpool.New(context.Background(), URL(tb))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(pool.Close)
	return pool
}

// Open makes a database as URL does and opens a Store on it, with a random key, closed after the test.
func Open(tb testing.TB) *store.Store {
	tb.Helper()
	return OpenURL(tb, store.Config{URL: URL(tb)})
}

// OpenURL opens a Store as cfg says, with a random key if it has none, and closes it after the test.
func OpenURL(tb testing.TB, cfg store.Config) *store.Store {
	tb.Helper()
	if cfg.Keys == nil {
		cfg.Keys = Keys(tb)
	}
	s, err := store.Open(context.Background(), cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.Close)
	return s
}

// Keys returns a ring with one random key.
func Keys(tb testing.TB) *secret.Keyring {
	tb.Helper()
	spec, err := secret.Generate("test")
	if err != nil {
		tb.Fatal(err)
	}
	keys, err := secret.ParseKeys(spec)
	if err != nil {
		tb.Fatal(err)
	}
	return keys
}

// patience bounds everything done to a server here, the first fetch of its binaries excepted.
const patience = 60 * time.Second

func (s *server) database(tb testing.TB) string {
	tb.Helper()
	base, template, err := s.start()
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	name := randomName()
	if err := create(ctx, base, name, template); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := drop(ctx, base, name); err != nil {
			tb.Error(err)
		}
	})
	target := withDatabase(base, name)
	if template == "" {
		if err := store.Migrate(ctx, target, nil); err != nil {
			tb.Fatal(err)
		}
	}
	return target
}

// start brings up the server and its template at the first call.
func (s *server) start() (base, template string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.mu.started {
		s.mu.started = true
		s.mu.err = s.startLocked()
	}
	return s.mu.url, s.mu.template, s.mu.err
}

func (s *server) startLocked() error {
	s.mu.url = s.wanted()
	if s.mu.url == "" {
		if err := s.startOwnLocked(); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var version string
	if err := onServer(ctx, s.mu.url, func(c *pgx.Conn) error {
		return c.QueryRow(ctx, "SELECT version()").Scan(&version)
	}); err != nil {
		return err
	}
	if strings.Contains(version, "CockroachDB") {
		return nil // it cannot copy a database: each is migrated
	}
	template := randomName()
	if err := create(ctx, s.mu.url, template, ""); err != nil {
		return err
	}
	s.mu.template = template
	return store.Migrate(ctx, withDatabase(s.mu.url, template), nil)
}

func (s *server) startOwnLocked() error {
	folder, err := os.MkdirTemp("", "ramal-storetest-")
	if err != nil {
		return err
	}
	s.mu.folder = folder
	if err := os.Chmod(folder, 0o711); err != nil {
		return err
	}
	s.mu.owned, err = embedded.Start(context.Background(), embedded.Config{DataDir: folder, Ephemeral: true,
		Settings: map[string]string{"max_connections": maxConnections, "shared_buffers": "64MB", "autovacuum": "off"},
		Progress: func(step string) { fmt.Fprintln(os.Stderr, "storetest:", step) }})
	if err == nil {
		s.mu.url = s.mu.owned.URL()
	}
	return err
}

// stop ends a server of ours, and takes our template from one that is not.
func (s *server) stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	switch {
	case s.mu.owned != nil:
		err = s.mu.owned.Stop()
	case s.mu.template != "":
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		err = drop(ctx, s.mu.url, s.mu.template)
	}
	if s.mu.folder != "" {
		err = errors.Join(err, os.RemoveAll(s.mu.folder))
	}
	return err
}

func create(ctx context.Context, base, name, template string) error {
	sql := "CREATE DATABASE " + name
	if template != "" {
		sql += " TEMPLATE " + template
	}
	return onServer(ctx, base, func(c *pgx.Conn) error {
		_, err := c.Exec(ctx, sql)
		return err
	})
}

// drop removes a database. On PostgreSQL the sessions that a test left there are ended first.
func drop(ctx context.Context, base, name string) error {
	return onServer(ctx, base, func(c *pgx.Conn) error {
		if _, err := c.Exec(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)"); err == nil {
			return nil
		}
		_, err := c.Exec(ctx, "DROP DATABASE IF EXISTS "+name+" CASCADE")
		return err
	})
}

func onServer(ctx context.Context, target string, fn func(*pgx.Conn) error) error {
	conn, err := pgx.Connect(ctx, target)
	if err != nil {
		return err
	}
	return errors.Join(fn(conn), conn.Close(ctx))
}

func randomName() string {
	var raw [8]byte
	if _, err := rand.Read(raw[:]); err != nil {
		panic(err) // the system has no randomness
	}
	return "ramal_test_" + hex.EncodeToString(raw[:])
}

// withDatabase changes the database of a URL that embedded or the configuration gave.
func withDatabase(base, name string) string {
	u, err := url.Parse(base)
	if err != nil {
		return base // the caller's connection attempt says what is wrong with it
	}
	u.Path = "/" + name
	return u.String()
}
