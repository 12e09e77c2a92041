package store_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
	"time"

	"go.uber.org/goleak"

	"ramal/internal/fault"
	"ramal/internal/id"
	"ramal/store"
	"ramal/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m, func() error { return goleak.Find() }) }

// conformance is what every supported database must do. Each case gets a database of its own.
var conformance = []struct {
	name string
	run  func(*testing.T, *store.Store)
}{
	{"tenants", testTenants},
	{"agents", testAgents},
	{"agent saves are guarded", testAgentSaves},
	{"lines", testLines},
	{"line saves are guarded", testLineSaves},
	{"line credentials", testLineCredentials},
	{"contact round trip", testContactRoundTrip},
	{"contact saves are guarded", testContactSaves},
	{"contact batches are checked", testContactBatches},
	{"contact writers race", testContactRace},
	{"contact scan by bucket", testContactsOfBuckets},
	{"contact search", testSearch},
	{"contact search pages", testSearchPages},
	{"identifiers", testIdentifiers},
	{"resolve or create races", testCreateRace},
	{"calls", testCalls},
	{"provider call ids", testProviderCallID},
	{"journal", testJournal},
	{"journal writers race", testJournalRace},
	{"call history", testHistory},
	{"tombstones", testTombstones},
	{"inbox", testInbox},
	{"inbox parks", testInboxParks},
	{"messages", testMessages},
	{"message status advances", testMessageStatus},
	{"message outcomes", testMessageOutcome},
	{"text that no column takes", testDirtyText},
	{"audit", testAudit},
	{"transactions restart", testTxRestarts},
	{"transactions lose nothing", testTxContention},
}

func TestPostgreSQL(t *testing.T) {
	for _, c := range conformance {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(t, storetest.Open(t))
		})
	}
}

// TestCockroachDB runs where CRDB_DSN names a server.
func TestCockroachDB(t *testing.T) {
	for _, c := range conformance {
		t.Run(c.name, func(t *testing.T) {
			c.run(t, storetest.OpenURL(t, store.Config{URL: storetest.CockroachURL(t), Timeout: 20 * time.Second}))
		})
	}
}

const (
	pharmacy = id.Tenant("farmacia")
	rival    = id.Tenant("rival")
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 123456000, time.UTC)

// addTenants makes the two tenants of every case.
func addTenants(t *testing.T, s *store.Store) {
	t.Helper()
	for _, tenant := range []id.Tenant{pharmacy, rival} {
		ok(t, s.InsertTenant(t.Context(), store.TenantRow{ID: tenant, Name: string(tenant), CreatedAt: noon}))
	}
}

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

// same compares two rows; JSON columns, which come back equal but not byte for byte, by what they mean.
func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if g, w := plain(t, got), plain(t, want); !reflect.DeepEqual(g, w) {
		t.Errorf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}

// plain replaces every []byte that is JSON in a struct by its decoded value.
func plain(t *testing.T, row any) map[string]any {
	t.Helper()
	out := map[string]any{}
	v := reflect.ValueOf(row)
	for i := range v.NumField() {
		field := v.Field(i).Interface()
		if raw, isBytes := field.([]byte); isBytes {
			var decoded any
			if json.Unmarshal(raw, &decoded) == nil {
				field = decoded
			}
		}
		out[v.Type().Field(i).Name] = field
	}
	return out
}

func keys[T any, K any](rows []T, key func(T) K) string {
	out := make([]K, len(rows))
	for i, r := range rows {
		out[i] = key(r)
	}
	return fmt.Sprint(out)
}

// parallel runs fn n times at once and returns the results.
func parallel[T any](n int, fn func(i int) T) []T {
	out := make([]T, n)
	done := make(chan struct{})
	for i := range n {
		go func() {
			out[i] = fn(i)
			done <- struct{}{}
		}()
	}
	for range n {
		<-done
	}
	return out
}
