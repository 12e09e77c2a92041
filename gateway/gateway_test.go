package gateway

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/coder/websocket"

	"ramal/gateway/agentws"
	"ramal/internal/fault"
)

func TestWhatIsNoRoute(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"GET", "/v1/nothing", 404, ""}, {"POST", "/v1/", 404, ""}, {"GET", "/webhooks/telegram", 404, ""},
		{"POST", "/v1/me", 405, "GET, HEAD"}, {"DELETE", "/v1/lines/ln_1/settings", 405, "GET, HEAD, PUT"}, {"PUT", "/webhooks/whatsapp", 405, "GET, HEAD, POST"},
		{"POST", "/livez", 405, "GET, HEAD"}, {"POST", "/metrics", 405, "GET, HEAD"}, {"POST", "/", 405, "GET, HEAD"}, {"DELETE", "/contacts/x", 405, "GET, HEAD"},
	} {
		got := w.do(c.method, c.path, "")
		got.problem(t)
		if got.StatusCode != c.status || got.Header.Get("Allow") != c.allow {
			t.Errorf("%s %s: %d, Allow %q", c.method, c.path, got.StatusCode, got.Header.Get("Allow"))
		}
	}
}

func TestHealth(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		state  Readiness
		status int
		body   string
	}{
		{Readiness{Ready: true}, 200, `{"status":"ready"}`},
		{Readiness{Ready: true, Degraded: true, Reasons: []string{"store_away"}}, 200, `{"status":"degraded","reasons":["store_away"]}`},
		{Readiness{Reasons: []string{"not_in_cluster"}}, 503, `{"status":"unready","reasons":["not_in_cluster"]}`},
	} {
		w.ready = c.state
		if got := w.do("GET", "/readyz", ""); got.StatusCode != c.status || strings.TrimSpace(got.body) != c.body {
			t.Errorf("%+v: %d %s", c.state, got.StatusCode, got.body)
		}
	}
	if got := w.do("GET", "/livez", ""); got.StatusCode != 200 || !strings.Contains(got.body, "alive") {
		t.Errorf("%d %s", got.StatusCode, got.body)
	}
	w.ready = Readiness{Ready: true}
	if err := w.g.Drain(t.Context()); err != nil {
		t.Error(err)
	}
	if got := w.do("GET", "/readyz", ""); got.StatusCode != 503 || !strings.Contains(got.body, "draining") {
		t.Errorf("%d %s", got.StatusCode, got.body)
	}
	if got := w.get("/v1/me"); got.StatusCode != 200 {
		t.Errorf("REST calls end with the drain: %d", got.StatusCode)
	}
}

func TestMetricsAreServedAndCountRoutesNotPaths(t *testing.T) {
	w := newWorld(t)
	w.get("/v1/contacts/ct_farmacia")
	w.get("/v1/nothing")
	got := w.do("GET", "/metrics", "")
	for _, want := range []string{`ramal_http_requests_total{route="/v1/contacts/{id}",status="2xx"} 1`, `ramal_http_requests_total{route="unmatched",status="4xx"} 1`, "go_goroutines"} {
		if !strings.Contains(got.body, want) {
			t.Errorf("no %s", want)
		}
	}
	if strings.Contains(got.body, "ct_farmacia") {
		t.Error("an id became a label")
	}
}

func TestConsole(t *testing.T) {
	w := newWorld(t)
	for path, want := range map[string]struct {
		status           int
		body, cache, csp string
	}{
		"/":                   {200, "<html>console", "no-cache", "script-src 'self'"},
		"/index.html":         {200, "<html>console", "no-cache", "script-src 'self'"},
		"/contacts/ct_1":      {404, "", "no-store", "default-src 'none'"},
		"/webhook/whatsapp":   {404, "", "no-store", "default-src 'none'"},
		"/assets":             {404, "", "no-store", "default-src 'none'"},
		"/assets/app-1a2b.js": {200, "js", "public, max-age=31536000, immutable", "script-src 'self'"},
		"/icon.svg":           {200, "<svg/>", "no-cache", "script-src 'self'"},
		"/assets/app-old.js":  {404, "", "no-store", "default-src 'none'"},
		"/../etc/passwd.txt":  {404, "", "no-store", "default-src 'none'"},
	} {
		got := w.do("GET", path, "")
		for got.StatusCode == http.StatusTemporaryRedirect || got.StatusCode == http.StatusMovedPermanently { // the mux cleans paths
			got = w.do("GET", got.Header.Get("Location"), "")
		}
		if got.StatusCode != want.status || (want.body != "" && got.body != want.body) || got.Header.Get("Cache-Control") != want.cache || !strings.Contains(got.Header.Get("Content-Security-Policy"), want.csp) {
			t.Errorf("%s: %d %q %v", path, got.StatusCode, got.body, got.Header)
		}
		if got.StatusCode == http.StatusNotFound {
			got.problem(t)
		}
		if strings.Contains(got.Header.Get("Content-Security-Policy"), "unsafe") {
			t.Errorf("%s: an unsafe policy", path)
		}
	}
	got := w.do("GET", "/", "")
	if again := w.do("GET", "/", "", "If-None-Match", got.Header.Get("ETag")); again.StatusCode != 304 {
		t.Errorf("an unchanged page is answered %d", again.StatusCode)
	}
	if got.Header.Get("Permissions-Policy") == "" || !strings.HasPrefix(got.Header.Get("Content-Type"), "text/html") {
		t.Errorf("%v", got.Header)
	}
	for _, d := range []http.Handler{nil, Console(fstest.MapFS{".gitkeep": {}})} {
		w := newWorld(t, func(_ *Config, deps *Deps) { deps.Console = d })
		if got := w.do("GET", "/", ""); got.StatusCode != 503 || !strings.Contains(got.body, "make web") {
			t.Errorf("not built: %d %q", got.StatusCode, got.body)
		}
	}
}

func TestPanicBecomesAProblem(t *testing.T) {
	w := newWorld(t)
	w.mu.Lock()
	w.mu.panics = true
	w.mu.Unlock()
	got := w.get("/v1/me")
	if p := got.problem(t); got.StatusCode != 500 || strings.Contains(got.body, "boom") || p.Code != "internal" {
		t.Errorf("%d %s", got.StatusCode, got.body)
	}
	if got := w.get("/v1/lines"); got.StatusCode != 200 {
		t.Errorf("the gateway did not survive: %d", got.StatusCode)
	}
}

func TestTraces(t *testing.T) {
	w := newWorld(t)
	const trace = "4bf92f3577b34da6a3ce929d0e0e4736"
	got := w.do("GET", "/v1/nothing", "", "Traceparent", "00-"+trace+"-00f067aa0ba902b7-01")
	if p := got.problem(t); p.TraceID != trace || !strings.HasPrefix(got.Header.Get("Traceparent"), "00-"+trace+"-") || strings.Contains(got.Header.Get("Traceparent"), "00f067aa0ba902b7") {
		t.Errorf("%v %s", got.Header, got.body)
	}
	for _, bad := range []string{"", "x", "00-" + strings.Repeat("0", 32) + "-00f067aa0ba902b7-01", "ff-" + trace + "-00f067aa0ba902b7-01", "00-" + strings.ToUpper(trace) + "-00f067aa0ba902b7-01", "00-" + trace + "-00f067aa0ba902b7-01-extra"} {
		if got := w.do("GET", "/v1/nothing", "", "Traceparent", bad); got.problem(t).TraceID == trace {
			t.Errorf("%q is taken for a trace", bad)
		}
	}
}

func TestOtherOrigins(t *testing.T) {
	w := newWorld(t)
	got := w.do("OPTIONS", "/v1/me", "", "Origin", "https://desk.example.com", "Access-Control-Request-Method", "GET")
	if got.StatusCode != 204 || got.Header.Get("Access-Control-Allow-Origin") != "https://desk.example.com" || !strings.Contains(got.Header.Get("Access-Control-Allow-Headers"), "Authorization") {
		t.Errorf("%d %v", got.StatusCode, got.Header)
	}
	for _, origin := range []string{"https://evil.example", "null"} {
		got := w.do("OPTIONS", "/v1/me", "", "Origin", origin, "Access-Control-Request-Method", "GET")
		if got.Header.Get("Access-Control-Allow-Origin") != "" || got.StatusCode != 405 {
			t.Errorf("%s: %d %v", origin, got.StatusCode, got.Header)
		}
	}
	_, resp, err := websocket.Dial(t.Context(), w.url+"/v1/agent/ws", &websocket.DialOptions{Subprotocols: []string{agentws.Protocol}, HTTPClient: w.client, HTTPHeader: http.Header{"Origin": {"https://evil.example"}}})
	if err == nil || resp.StatusCode != 403 || resp.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("a foreign page opens a session: %v", err)
	}
}

func TestEveryAnswerIsGuarded(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/", "/v1/me", "/v1/nothing", "/livez"} {
		h := w.get(path).Header
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("X-Frame-Options") != "DENY" || h.Get("Referrer-Policy") != "no-referrer" || !strings.Contains(h.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%s: %v", path, h)
		}
	}
}

func TestFaultsBecomeStatuses(t *testing.T) {
	for kind, status := range map[fault.Kind]int{fault.Invalid: 400, fault.Denied: 403, fault.NotFound: 404, fault.Conflict: 409, fault.Unavailable: 503, fault.Exhausted: 429, fault.Unknown: 504, fault.Internal: 500, "": 500} {
		if got := statusOf(kind); got != status {
			t.Errorf("%s: %d", kind, got)
		}
	}
	next := time.Now().Add(90 * time.Second)
	f := fault.New(fault.Exhausted, "x", "daily_limit", "5 of 5")
	f.NextAllowed = next
	p := describe(fault.Wrap(fault.Exhausted, "y", f))
	if p.Detail != "5 of 5" || p.Code != "daily_limit" || !p.NextAllowedAt.Equal(next) || retryAfter(p.NextAllowedAt) != "90" {
		t.Errorf("%+v, Retry-After %s", p, retryAfter(p.NextAllowedAt))
	}
}

func TestStartDrainClose(t *testing.T) {
	w := newWorld(t, func(c *Config, _ *Deps) {
		c.Addr, c.MetricsAddr, c.DrainSpread = "127.0.0.1:0", "localhost:0", time.Millisecond
	})
	if w.g.Addr() != nil {
		t.Error("an address before Start")
	}
	if err := w.g.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	url := "http://" + w.g.Addr().String()
	get := func(path string) (int, string) {
		resp, err := w.client.Get(url + path)
		if err != nil {
			return 0, err.Error()
		}
		defer func() { _ = resp.Body.Close() }()
		body, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(body)
	}
	if status, body := get("/livez"); status != 200 {
		t.Errorf("%d %s", status, body)
	}
	if status, _ := get("/metrics"); status != 404 {
		t.Errorf("metrics with an address of their own are on the main one: %d", status)
	}
	s := w.session(t)
	ended := make(chan websocket.StatusCode, 1)
	go func() {
		_, _, err := s.conn.Read(context.Background())
		ended <- websocket.CloseStatus(err)
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := w.g.Drain(ctx); err != nil {
		t.Error(err)
	}
	if code := <-ended; code != websocket.StatusGoingAway || w.g.Sessions() != 0 {
		t.Errorf("closed with %d", code)
	}
	for range 2 {
		if err := w.g.Close(); err != nil {
			t.Error(err)
		}
	}
	if status, _ := get("/livez"); status != 0 {
		t.Error("it listens after Close")
	}
}

func TestConfig(t *testing.T) {
	for name, c := range map[string]Config{"origin": {AllowedOrigins: []string{"desk.example.com"}}, "path": {AllowedOrigins: []string{"https://desk.example.com/x"}},
		"drain": {DrainSpread: -1}, "metrics": {Addr: ":1", MetricsAddr: ":1"}} {
		if _, err := New(c, Deps{}); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	if _, err := New(Config{}, Deps{}); fault.CodeOf(err) != "deps" {
		t.Errorf("missing ports: %v", err)
	}
}

func FuzzTraceparent(f *testing.F) {
	f.Add("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	f.Fuzz(func(t *testing.T, header string) {
		if trace, flags, ok := parseTraceparent(header); ok && (!lowerHex(trace, 32) || !lowerHex(flags, 2)) {
			t.Fatalf("%q gives %q %q", header, trace, flags)
		}
	})
}
