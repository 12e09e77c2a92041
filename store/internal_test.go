package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"ramal/internal/fault"
)

func TestErrorsHaveKinds(t *testing.T) {
	server := func(code string) error { return fmt.Errorf("query: %w", &pgconn.PgError{Code: code}) }
	for _, c := range []struct {
		name string
		err  error
		kind fault.Kind
		code string
	}{
		{"nothing", nil, "", ""},
		{"no row", pgx.ErrNoRows, fault.NotFound, "no_row"},
		{"unique", server(uniqueViolation), fault.Conflict, CodeExists},
		{"check", server(checkViolation), fault.Invalid, ""},
		{"too long a value", server("22001"), fault.Invalid, "bad_value"},
		{"serialization", server(serializationFailure), fault.Unavailable, CodeNotSent},
		{"ambiguous", server(ambiguousResult), fault.Unavailable, CodeMaybeApplied},
		{"statement timeout", server(queryCanceled), fault.Unavailable, CodeMaybeApplied},
		{"shutdown", server("57P01"), fault.Unavailable, CodeMaybeApplied},
		{"too many connections", server("53300"), fault.Unavailable, CodeMaybeApplied},
		{"syntax", server("42601"), fault.Internal, ""},
		{"odd code", server("4"), fault.Internal, ""},
		{"deadline", context.DeadlineExceeded, fault.Unavailable, CodeMaybeApplied},
		{"broken pipe", io.ErrUnexpectedEOF, fault.Unavailable, CodeMaybeApplied},
		{"network", &net.OpError{Op: "read", Err: errors.New("reset")}, fault.Unavailable, CodeMaybeApplied},
		{"defect", errors.New("cannot scan"), fault.Internal, ""},
		{"kept", fault.New(fault.Denied, "x", "y", ""), fault.Denied, "y"},
	} {
		got := wrap("op", c.err)
		if fault.KindOf(got) != c.kind || fault.CodeOf(got) != c.code {
			t.Errorf("%s: %q %q", c.name, fault.KindOf(got), fault.CodeOf(got))
		}
		if c.err != nil && !errors.Is(got, c.err) {
			t.Errorf("%s: the cause is lost", c.name)
		}
	}
}

func TestMessageOrder(t *testing.T) {
	for i, status := range messageOrder {
		earlier, ok := status.before()
		if !ok || len(earlier) != i || slices.Contains(earlier, string(status)) {
			t.Errorf("%s may follow %v", status, earlier)
		}
	}
	if _, ok := MessageReceived.before(); ok {
		t.Error("an inbound message can be reported on")
	}
}

func TestBackoffIsBounded(t *testing.T) {
	for attempt := range 200 {
		if d := backoff(attempt); d <= 0 || d > 100*time.Millisecond {
			t.Fatalf("attempt %d waits %s", attempt, d)
		}
	}
}

func TestPage(t *testing.T) {
	at := time.UnixMicro(1_700_000_000_123_456).UTC()
	rows, next := page([]string{"a", "b", "c"}, 2, func(s string) (time.Time, string) { return at, s })
	if len(rows) != 2 {
		t.Fatalf("page has %d rows", len(rows))
	}
	gotAt, gotKey, err := next.position("op")
	if err != nil || !gotAt.Equal(at) || gotKey != "b" {
		t.Errorf("cursor leads to %s %q, %v", gotAt, gotKey, err)
	}
	if _, next := page([]string{"a", "b"}, 2, func(s string) (time.Time, string) { return at, s }); next != "" {
		t.Error("a full last page promises another")
	}
}

func FuzzCursor(f *testing.F) {
	f.Add("")
	f.Add(string(makeCursor(time.Unix(0, 0), "ct_1")))
	f.Add("AQAAAAAAAAAAYQ")
	f.Fuzz(func(t *testing.T, text string) {
		at, key, err := Cursor(text).position("op")
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		if text == "" {
			return
		}
		again, key2, err := makeCursor(at, key).position("op")
		if err != nil || !again.Equal(at) || key2 != key {
			t.Fatalf("%q leads to %s %q, and that to %s %q (%v)", text, at, key, again, key2, err)
		}
	})
}

func FuzzSearchText(f *testing.F) {
	for _, s := range []string{"", "joão", "+55 (62) 9", `%_\`, "a 1", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		w := &where{}
		matchText(w, text)
		holes := 0
		for _, r := range w.sql() {
			if r == '$' {
				holes++
			}
		}
		if holes != len(w.args) {
			t.Fatalf("%q: %d places for %d arguments in %s", text, holes, len(w.args), w.sql())
		}
	})
}

func TestLostAtCommit(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		want bool
	}{
		{"committed", nil, false},
		{"rolled back", pgx.ErrTxCommitRollback, false},
		{"serialization", &pgconn.PgError{Code: serializationFailure}, false},
		{"deferred constraint", &pgconn.PgError{Code: foreignKeyViolation}, false},
		{"statement timeout", &pgconn.PgError{Code: queryCanceled}, false},
		{"shutdown", &pgconn.PgError{Code: "57P01"}, true},
		{"broken", io.ErrUnexpectedEOF, true},
		{"too late", context.DeadlineExceeded, true},
	} {
		if got := lostAtCommit(c.err); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
