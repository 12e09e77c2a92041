package host

import (
	"encoding/json"
	"flag"
	"log/slog"
	"testing"
	"time"

	"go.uber.org/goleak"

	"ramal/internal/fault"
	"ramal/store/storetest"
)

// TestMain runs more tests side by side than there are processors: those with a database wait most of their time.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", "6"); err != nil {
		panic(err)
	}
	storetest.Main(m, func() error { return goleak.Find() })
}

// noon is the moment of tests that need none in particular.
var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantFault(t *testing.T, what string, err error, kind fault.Kind, code string) {
	t.Helper()
	if !fault.Is(err, kind) || fault.CodeOf(err) != code {
		t.Errorf("%s: got %q %q (%v), want %q %q", what, fault.KindOf(err), fault.CodeOf(err), err, kind, code)
	}
}

// asJSON renders a value for comparison and for messages.
func asJSON(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if g, w := asJSON(t, got), asJSON(t, want); g != w {
		t.Errorf("%s:\n got %s\nwant %s", what, g, w)
	}
}

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

// eventually polls until done, for at most 20 s: for what other goroutines bring about in their own time.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-deadline:
			t.Fatalf("in 20 s it did not happen: %s", what)
		case <-tick.C:
		}
	}
}
