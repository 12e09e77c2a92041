package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"ramal/internal/fault"
	"ramal/store"
	"ramal/store/storetest"
)

// emptyURL makes a database without a schema.
func emptyURL(t *testing.T) string {
	t.Helper()
	target := storetest.URL(t)
	conn, err := pgx.Connect(t.Context(), target)
	ok(t, err)
	defer conn.Close(context.Background())
	_, err = conn.Exec(t.Context(), "DROP SCHEMA public CASCADE")
	ok(t, err)
	_, err = conn.Exec(t.Context(), "CREATE SCHEMA public")
	ok(t, err)
	return target
}

func TestMigrate(t *testing.T) {
	target := emptyURL(t)
	files, err := filepath.Glob("migrations/*.sql")
	ok(t, err)
	current, wanted, err := store.SchemaVersion(t.Context(), target)
	if err != nil || current != 0 || wanted < 1 {
		t.Fatalf("before: at %d of %d, %v", current, wanted, err)
	}
	var steps []string
	note := func(step string) { steps = append(steps, step) }
	ok(t, store.Migrate(t.Context(), target, note))
	if len(steps) != len(files) {
		t.Errorf("%d migrations, told %q", len(files), steps)
	}
	ok(t, store.Migrate(t.Context(), target, note))
	if len(steps) != len(files) {
		t.Errorf("migrated again: %q", steps)
	}
	current, wanted, err = store.SchemaVersion(t.Context(), target)
	if err != nil || current != wanted {
		t.Errorf("after: at %d of %d, %v", current, wanted, err)
	}
}

func TestMigrateTogether(t *testing.T) {
	target := emptyURL(t)
	errs := parallel(3, func(int) error { return store.Migrate(t.Context(), target, nil) })
	ok(t, errors.Join(errs...))
}

// TestMigrateAfterInterruption finds tables that an earlier attempt made without recording it.
func TestMigrateAfterInterruption(t *testing.T) {
	target := storetest.URL(t)
	conn, err := pgx.Connect(t.Context(), target)
	ok(t, err)
	defer conn.Close(context.Background())
	_, err = conn.Exec(t.Context(), "DELETE FROM goose_db_version WHERE version_id > 0")
	ok(t, err)
	_, err = conn.Exec(t.Context(), "DROP TABLE audit")
	ok(t, err)
	ok(t, store.Migrate(t.Context(), target, nil))
	_, err = conn.Exec(t.Context(), "SELECT id FROM audit")
	ok(t, err)
}

func TestMigrateWithoutDatabase(t *testing.T) {
	if err := store.Migrate(t.Context(), "postgres://127.0.0.1:1/x?sslmode=disable", nil); !fault.Is(err, fault.Unavailable) {
		t.Errorf("nobody there: %v", err)
	}
	if err := store.Migrate(t.Context(), "postgres://%zz", nil); !fault.Is(err, fault.Invalid) {
		t.Errorf("no url: %v", err)
	}
}

// notPortable is what one of the two databases does not have, or silently does otherwise.
var notPortable = map[string]string{
	`(big|small)?serial\d?`:               "numbers without order on CockroachDB, a hot range",
	`generated\s+(always|by)`:             "the same",
	`pg_(try_)?advisory\w*|advisory`:      "no lock at all on CockroachDB",
	`listen|notify`:                       "not on CockroachDB",
	`create\s+(temp|temporary|unlogged)`:  "not on CockroachDB",
	`truncate`:                            "a schema change on CockroachDB",
	`merge\s+into`:                        "not on CockroachDB",
	`upsert`:                              "not on PostgreSQL",
	`(int4|int8|num|ts|tstz|date)range`:   "not on CockroachDB",
	`create\s+(domain|extension|trigger)`: "not on every supported version",
	`lock\s+table`:                        "not on CockroachDB",
	`concurrently`:                        "has no effect on CockroachDB",
	`using\s+hash`:                        "another thing on each",
	`collate`:                             "another type on CockroachDB",
	`exclude\s+using`:                     "not on CockroachDB",
	`partition\s+by`:                      "another thing on each",
	`do\s+\$\$`:                           "not on every supported version",
	`begin|commit`:                        "one statement at a time",
}

func TestMigrationsArePortable(t *testing.T) {
	files, err := filepath.Glob("migrations/*.sql")
	ok(t, err)
	if len(files) == 0 {
		t.Fatal("no migrations")
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		ok(t, err)
		for _, complaint := range lint(string(raw)) {
			t.Errorf("%s: %s", file, complaint)
		}
	}
}

var (
	sqlComment = regexp.MustCompile(`--[^\n]*`)
	create     = regexp.MustCompile(`(?i)\bcreate\s+(unique\s+)?(table|index)\b(\s+if\s+not\s+exists\b)?`)
)

func lint(file string) (complaints []string) {
	if !strings.Contains(file, "-- +goose NO TRANSACTION") {
		complaints = append(complaints, "lacks +goose NO TRANSACTION: CockroachDB has no transactional DDL")
	}
	code := sqlComment.ReplaceAllString(file, "")
	for pattern, why := range notPortable {
		if found := regexp.MustCompile(`(?i)\b(` + pattern + `)`).FindString(code); found != "" {
			complaints = append(complaints, fmt.Sprintf("%q: %s", found, why))
		}
	}
	for _, m := range create.FindAllStringSubmatch(code, -1) {
		if m[3] == "" {
			complaints = append(complaints, fmt.Sprintf("%q without IF NOT EXISTS cannot be repeated", m[0]))
		}
	}
	return complaints
}

func TestLintFindsWhatIsNotPortable(t *testing.T) {
	const head = "-- +goose NO TRANSACTION\n-- +goose Up\n"
	for sql, want := range map[string]bool{
		"CREATE TABLE IF NOT EXISTS a (id text PRIMARY KEY) -- no serial here": false,
		"CREATE TABLE IF NOT EXISTS a (id bigserial)":                          true,
		"CREATE TABLE a (id text)":                                             true,
		"CREATE TEMP TABLE IF NOT EXISTS a (id text)":                          true,
		"SELECT pg_advisory_lock(1)":                                           true,
		"TRUNCATE a":                                                           true,
		"CREATE TABLE IF NOT EXISTS a (r int8range)":                           true,
		"CREATE INDEX CONCURRENTLY IF NOT EXISTS a ON b (c)":                   true,
	} {
		if got := lint(head + sql); (len(got) > 0) != want {
			t.Errorf("%s: %v", sql, got)
		}
	}
	if got := lint("CREATE TABLE IF NOT EXISTS a (id text)"); len(got) != 1 {
		t.Errorf("without NO TRANSACTION: %v", got)
	}
}
