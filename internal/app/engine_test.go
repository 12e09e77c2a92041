package app

import (
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"ramal/actors/agent"
	"ramal/actors/call"
	"ramal/actors/contact"
	"ramal/actors/line"
	"ramal/internal/config"
	"ramal/media"
	"ramal/store"
	"ramal/store/storetest"
)

func TestHostConfig(t *testing.T) {
	got := hostConfig(testConfig(t,
		"RAMAL_CALL_RING_TIMEOUT=11s", "RAMAL_CALL_STAGE_TIMEOUT=12s", "RAMAL_CALL_QUEUE_TIMEOUT=13s", "RAMAL_CALL_INVITE_TIMEOUT=14s",
		"RAMAL_CALL_AGENT_GRACE=15s", "RAMAL_CALL_MAX_PARTICIPANTS=6", "RAMAL_LIMITS_CALLS_PER_DAY=7", "RAMAL_LIMITS_REQUESTS_PER_DAY=3",
		"RAMAL_LIMITS_REQUESTS_PER_WEEK=4", "RAMAL_LIMITS_LINE_CALLS=77", "RAMAL_AGENT_OFFLINE_GRACE=16s", "RAMAL_AGENT_WRAP_UP=17s",
		"RAMAL_AGENT_MAX_MISSES=9", "RAMAL_RELATED_WITHIN=18h"))
	calls := call.DefaultPolicy()
	calls.RingTimeout, calls.StageTimeout, calls.QueueTimeout = 11*time.Second, 12*time.Second, 13*time.Second
	calls.InviteTimeout, calls.AgentGrace, calls.MaxParticipants = 14*time.Second, 15*time.Second, 6
	contacts := contact.DefaultPolicy()
	contacts.MaxConnectedPerDay, contacts.RequestsPerDay, contacts.RequestsPerWeek = 7, 3, 4
	agents := agent.DefaultPolicy()
	agents.OfflineGrace, agents.WrapUp, agents.MaxMisses = 16*time.Second, 17*time.Second, 9
	lines := line.DefaultPolicy()
	lines.MaxConcurrent = 77
	for name, c := range map[string][2]any{
		"call": {got.Call, calls}, "contact": {got.Contact, contacts}, "agent": {got.Agent, agents}, "line": {got.Line, lines},
		"related_within": {got.RelatedWithin, 18 * time.Hour},
	} {
		if !reflect.DeepEqual(c[0], c[1]) {
			t.Errorf("%s: got %+v, want %+v", name, c[0], c[1])
		}
	}
}

// TestMediaStats: every number of the media plane arrives under its own name.
func TestMediaStats(t *testing.T) {
	in := media.Stats{Dropped: map[media.Drop]uint64{media.DropLate: 1001, media.DropMuted: 1002}}
	v := reflect.ValueOf(&in).Elem()
	want := map[string]uint64{}
	for i := range v.NumField() {
		n := uint64(i) + 1
		switch f := v.Field(i); f.Kind() {
		case reflect.Int:
			f.SetInt(int64(n))
			want[v.Type().Field(i).Name] = n
		case reflect.Uint64:
			f.SetUint(n)
			want[v.Type().Field(i).Name] = n
		}
	}
	out := mediaStats(in)
	got := reflect.ValueOf(out)
	for i := range got.NumField() {
		name := got.Type().Field(i).Name
		if name == "Dropped" {
			continue
		}
		n := got.Field(i)
		var have uint64
		if n.CanInt() {
			have = uint64(n.Int())
		} else {
			have = n.Uint()
		}
		if have == 0 || have != want[name] {
			t.Errorf("%s: got %d, want %d", name, have, want[name])
		}
	}
	if !maps.Equal(out.Dropped, map[string]uint64{"late": 1001, "muted": 1002}) {
		t.Errorf("dropped: %v", out.Dropped)
	}
}

// discard is a logger that says nothing.
func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

func start(t *testing.T, cfg config.Config) *Engine {
	t.Helper()
	e, err := Start(t.Context(), cfg, discard())
	ok(t, err)
	t.Cleanup(e.Close)
	return e
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}
	resp, err := client.Get(url)
	ok(t, err)
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	ok(t, err)
	return resp.StatusCode, string(body)
}

func TestEngineServesAndEnds(t *testing.T) {
	t.Parallel()
	e := start(t, testConfig(t, "RAMAL_DATABASE_URL="+storetest.URL(t)))
	if code, body := get(t, e.URL()+"/livez"); code != http.StatusOK {
		t.Errorf("livez: %d %s", code, body)
	}
	if code, body := get(t, e.URL()+"/readyz"); code != http.StatusOK {
		t.Errorf("readyz: %d %s", code, body)
	}
	_, metrics := get(t, e.URL()+"/metrics")
	for _, want := range []string{"ramal_", Version} {
		if !strings.Contains(metrics, want) {
			t.Errorf("metrics lack %q", want)
		}
	}
	ok(t, e.Drain(t.Context()))
	e.Close()
	e.Close() // again does nothing
	if _, err := net.DialTimeout("tcp", strings.TrimPrefix(e.URL(), "http://"), time.Second); err == nil {
		t.Error("it listens after Close")
	}
}

// TestDegradedIsReady: an outage that all nodes share must not take all of them out of the load balancer.
func TestDegradedIsReady(t *testing.T) {
	t.Parallel()
	b := storetest.NewBreaker(t, storetest.URL(t))
	e := start(t, testConfig(t, "RAMAL_DATABASE_URL="+b.URL()))
	b.Cut()
	deadline := time.Now().Add(15 * time.Second)
	for e.store.Health().Healthy() {
		if time.Now().After(deadline) {
			t.Fatal("the store does not notice that its database is away")
		}
		<-time.After(20 * time.Millisecond)
	}
	code, body := get(t, e.URL()+"/readyz")
	var said struct {
		Status  string   `json:"status"`
		Reasons []string `json:"reasons"`
	}
	if err := json.Unmarshal([]byte(body), &said); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	if code != http.StatusOK || said.Status != "degraded" || !slices.Contains(said.Reasons, "store_away") {
		t.Errorf("readyz: %d %s, want 200 and degraded because of store_away", code, body)
	}
	b.Restore()
}

func TestStartRefuses(t *testing.T) {
	t.Run("no database", func(t *testing.T) {
		_, err := Start(t.Context(), testConfig(t, "RAMAL_DATABASE_URL=postgres://ramal:hunter2hunter2@127.0.0.1:1/none"), discard())
		if err == nil || !strings.Contains(err.Error(), "database") {
			t.Errorf("got %v, want an error about the database", err)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error shows the password: %v", err)
		}
	})
	t.Run("broken keys", func(t *testing.T) {
		cfg := testConfig(t)
		cfg.Keys = "k1:notbase64!"
		_, err := Start(t.Context(), cfg, discard())
		if err == nil || !strings.Contains(err.Error(), "keys") {
			t.Errorf("got %v, want an error about the keys", err)
		}
	})
	t.Run("empty schema", func(t *testing.T) {
		pool := storetest.Pool(t)
		if _, err := pool.Exec(t.Context(), "DROP SCHEMA public CASCADE; CREATE SCHEMA public"); err != nil {
			t.Fatal(err)
		}
		_, err := Start(t.Context(), testConfig(t, "RAMAL_DATABASE_URL="+pool.Config().ConnString()), discard())
		if err == nil || !strings.Contains(err.Error(), "ramal migrate") {
			t.Errorf("got %v, want to be told of `ramal migrate`", err)
		}
	})
	t.Run("address in use", func(t *testing.T) { // everything started before it must end: see TestMain
		l, err := net.Listen("tcp", "127.0.0.1:0")
		ok(t, err)
		defer func() { _ = l.Close() }()
		_, err = Start(t.Context(), testConfig(t, "RAMAL_DATABASE_URL="+storetest.URL(t), "RAMAL_HTTP_LISTEN="+l.Addr().String()), discard())
		if err == nil || !strings.Contains(err.Error(), "http.listen") {
			t.Errorf("got %v, want to be told of http.listen", err)
		}
	})
}

// TestSeedPointsLinesAtTheSimulator: a second start with another address changes the lines and nothing else.
func TestSeedPointsLinesAtTheSimulator(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	cfg := testConfig(t, "RAMAL_DATABASE_URL="+url)
	d := Dev{Out: io.Discard}
	ok(t, d.seed(t.Context(), cfg, "http://127.0.0.1:1111", discard(), func(string) {}))
	st, err := OpenStore(t.Context(), cfg, discard())
	ok(t, err)
	defer st.Close()
	s, err := ParseSeed(demo)
	ok(t, err)
	graph := func() (out []string) {
		for _, tenant := range s.Tenants {
			rows, err := st.ListLines(t.Context(), tenant.ID)
			ok(t, err)
			out = append(out, rowsOf(rows)...)
		}
		return out
	}
	for _, row := range graph() {
		if !strings.HasPrefix(row, "http://127.0.0.1:1111 ") {
			t.Errorf("first start: %s", row)
		}
	}
	contacts := strings.Count(census(t, st, s), "contact ")
	ok(t, d.seed(t.Context(), cfg, "http://127.0.0.1:2222", discard(), func(string) {}))
	for _, row := range graph() {
		if !strings.HasPrefix(row, "http://127.0.0.1:2222 demo-token-") {
			t.Errorf("second start: %s", row)
		}
	}
	if now := strings.Count(census(t, st, s), "contact "); now != contacts {
		t.Errorf("%d contacts became %d", contacts, now)
	}
}

func rowsOf(rows []store.LineRow) (out []string) {
	for _, r := range rows {
		out = append(out, r.GraphURL+" "+r.Credentials.Token)
	}
	return out
}

func TestPortRange(t *testing.T) {
	for text, want := range map[string][2]uint16{"": {}, "40100-42099": {40100, 42099}, "5-5": {5, 5}} {
		if got, err := portRange(text); err != nil || got != want {
			t.Errorf("%q: got %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"40100", "40100-", "-42099", "a-b", "40100:42099", "40100-70000", "-1-5"} {
		if _, err := portRange(text); err == nil || !strings.Contains(err.Error(), "media.contact_ports") {
			t.Errorf("%q: got %v, want an error that names the setting", text, err)
		}
	}
}
