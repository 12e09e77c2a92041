package gateway

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"go.uber.org/goleak"

	"ramal/actors"
	"ramal/gateway/auth"
	"ramal/internal/fault"
	"ramal/internal/id"
	"ramal/internal/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// engine is a hand-written stand-in for the ports: two tenants, farmacia and outra, each with ids that end in its name.
type engine struct {
	mu struct {
		sync.Mutex
		inbox    []actors.InboxItem
		seen     map[string]bool
		lookups  int
		accept   error
		lookup   error
		queries  []any // what the reader was asked
		settings actors.LineSettings
		etag     string
		panics   bool
		opened   []actors.Who
	}
	accounts map[string][]actors.LineAuth
}

func newEngine() *engine {
	e := &engine{accounts: map[string][]actors.LineAuth{}}
	e.mu.seen = map[string]bool{}
	e.mu.etag = "v1"
	return e
}

// owns is the rule of every port: another tenant's id is NotFound. An empty id belongs to everybody.
func owns(who actors.Who, ids ...string) error {
	for _, one := range ids {
		if one != "" && !strings.HasSuffix(one, "_"+string(who.Tenant)) {
			return fault.New(fault.NotFound, "engine", "not_found", "there is no such thing")
		}
	}
	return nil
}

func (e *engine) asked(q any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.mu.panics {
		panic("boom")
	}
	e.mu.queries = append(e.mu.queries, q)
}

func (e *engine) lastAsked() any {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.mu.queries) == 0 {
		return nil
	}
	return e.mu.queries[len(e.mu.queries)-1]
}

func (e *engine) Open(_ context.Context, who actors.Who, _ func(actors.Push) bool) (actors.Snapshot, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.mu.opened = append(e.mu.opened, who)
	return actors.Snapshot{Seq: 1, Agent: actors.AgentView{ID: who.Agent}}, owns(who, string(who.Agent))
}
func (e *engine) Snapshot(context.Context, actors.Who) (actors.Snapshot, error) {
	return actors.Snapshot{Seq: 1}, nil
}
func (e *engine) Close(actors.Who) {}

// Do refuses every request that names an id of another tenant, whatever its type: ids are all that its JSON holds.
func (e *engine) Do(_ context.Context, who actors.Who, req actors.Request) (any, error) {
	raw, err := json.Marshal(req)
	if err != nil {
		return nil, err
	}
	var fields map[string]any
	if err := json.Unmarshal(raw, &fields); err != nil {
		return nil, err
	}
	for name, v := range fields {
		if s, ok := v.(string); ok && strings.HasSuffix(name, "_id") {
			if err := owns(who, s); err != nil {
				return nil, err
			}
		}
	}
	e.asked(req)
	return nil, nil
}

func (e *engine) LineByPhoneNumberID(_ context.Context, number string) (actors.LineAuth, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.mu.lookups++
	if e.mu.lookup != nil {
		return actors.LineAuth{}, e.mu.lookup
	}
	line, ok := map[string]actors.LineAuth{
		"P1": {Tenant: "farmacia", Line: "ln_farmacia", AppSecret: "secret-1", VerifyToken: "T1"},
		"P2": {Tenant: "farmacia", Line: "ln2_farmacia", AppSecret: "secret-1", VerifyToken: "T1"},
		"P9": {Tenant: "outra", Line: "ln_outra", AppSecret: "secret-9", VerifyToken: "T9"},
	}[number]
	if !ok {
		return actors.LineAuth{}, fault.New(fault.NotFound, "engine", "line_unknown", "no such line")
	}
	return line, nil
}

func (e *engine) VerifyToken(_ context.Context, token string) (bool, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return token == "T1" || token == "T9", e.mu.lookup
}

func (e *engine) Accept(_ context.Context, items []actors.InboxItem) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.mu.accept != nil {
		return e.mu.accept
	}
	for _, it := range items {
		if key := string(it.Line) + "|" + it.Dedupe; !e.mu.seen[key] {
			e.mu.seen[key] = true
			e.mu.inbox = append(e.mu.inbox, it)
		}
	}
	return nil
}

func (e *engine) stored() []actors.InboxItem {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]actors.InboxItem(nil), e.mu.inbox...)
}

func (e *engine) Me(_ context.Context, who actors.Who) (actors.AgentView, error) {
	e.asked(who)
	return actors.AgentView{ID: who.Agent, Role: who.Role}, nil
}
func (e *engine) Agents(_ context.Context, who actors.Who) ([]actors.PersonView, error) {
	return []actors.PersonView{{ID: id.Agent("ag_" + who.Tenant)}}, nil
}
func (e *engine) Lines(context.Context, actors.Who) ([]actors.LineView, error) { return nil, nil }
func (e *engine) LineSettings(_ context.Context, who actors.Who, line id.Line) (actors.LineSettings, string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.mu.settings, e.mu.etag, owns(who, string(line))
}
func (e *engine) SaveLineSettings(_ context.Context, who actors.Who, line id.Line, etag string, s actors.LineSettings) (actors.LineSettings, string, error) {
	if err := owns(who, string(line)); err != nil {
		return s, "", err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case who.Role == auth.RoleAgent:
		return s, "", fault.New(fault.Denied, "engine", "role", "supervisors and admins may change settings")
	case etag != e.mu.etag:
		return s, "", fault.New(fault.Conflict, "engine", "etag_mismatch", "somebody else changed the settings")
	}
	e.mu.settings, e.mu.etag = s, e.mu.etag+"x"
	return s, e.mu.etag, nil
}
func (e *engine) Contacts(_ context.Context, who actors.Who, q actors.ContactQuery) (actors.Page[actors.ContactView], error) {
	e.asked(q)
	return actors.Page[actors.ContactView]{Next: "more"}, owns(who, string(q.Agent))
}
func (e *engine) Contact(_ context.Context, who actors.Who, c id.Contact) (actors.ContactView, error) {
	return actors.ContactView{ID: c}, owns(who, string(c))
}
func (e *engine) Eligibility(_ context.Context, who actors.Who, c id.Contact, l id.Line) (actors.EligibilityView, error) {
	return actors.EligibilityView{ContactID: c, LineID: l}, owns(who, string(c), string(l))
}
func (e *engine) Messages(_ context.Context, who actors.Who, c id.Contact, limit int, cursor string) (actors.Page[actors.MessageView], error) {
	e.asked([]any{limit, cursor})
	return actors.Page[actors.MessageView]{}, owns(who, string(c))
}
func (e *engine) Calls(_ context.Context, who actors.Who, q actors.CallQuery) (actors.Page[actors.CallView], error) {
	e.asked(q)
	return actors.Page[actors.CallView]{}, owns(who, string(q.Agent), string(q.Contact), string(q.Line))
}
func (e *engine) Call(_ context.Context, who actors.Who, c id.Call) (actors.CallTrace, error) {
	return actors.CallTrace{CallView: actors.CallView{ID: c}}, owns(who, string(c))
}
func (e *engine) Colleagues(_ context.Context, who actors.Who, c id.Contact, call id.Call) ([]actors.Colleague, error) {
	return nil, owns(who, string(c), string(call))
}

var issuer = auth.Issuer{Name: "test", Secret: []byte("0123456789abcdef0123456789abcdef")}

// world is a gateway on a loopback socket.
type world struct {
	*engine
	t       *testing.T
	g       *Gateway
	metrics *telemetry.Metrics
	url     string
	client  *http.Client
	ready   Readiness
}

func newWorld(t *testing.T, change ...func(*Config, *Deps)) *world {
	t.Helper()
	v, err := auth.New(issuer)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{engine: newEngine(), t: t, metrics: telemetry.New("test"), ready: Readiness{Ready: true}}
	cfg := Config{AllowedOrigins: []string{"https://desk.example.com"}}
	deps := Deps{Desk: w.engine, Intake: w.engine, Reader: w.engine, Auth: v, Metrics: w.metrics, Ready: func() Readiness { return w.ready },
		Console: Console(fstest.MapFS{"index.html": {Data: []byte("<html>console")}, "assets/app-1a2b.js": {Data: []byte("js")}, "icon.svg": {Data: []byte("<svg/>")}}),
		Logger:  slog.New(slog.DiscardHandler)}
	for _, f := range change {
		f(&cfg, &deps)
	}
	if w.g, err = New(cfg, deps); err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(w.g.Handler())
	w.url, w.client = h.URL, h.Client()
	w.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	t.Cleanup(func() { _ = w.g.Close(); h.Close(); v.Close() })
	return w
}

func (w *world) token(tenant, role string) string {
	w.t.Helper()
	now := time.Now()
	tok, err := auth.Issue(issuer, auth.Claims{Tenant: id.Tenant(tenant), Agent: id.Agent("ag_" + tenant), Role: role, Expires: now.Add(time.Hour)}, now)
	if err != nil {
		w.t.Fatal(err)
	}
	return tok
}

// response is an answer, read whole.
type response struct {
	*http.Response
	body string
}

// problem decodes the answer as a problem document, after checking that it is one.
func (r response) problem(t *testing.T) problem {
	t.Helper()
	var p problem
	if err := json.Unmarshal([]byte(r.body), &p); err != nil || r.Header.Get("Content-Type") != "application/problem+json" {
		t.Fatalf("%d %s is no problem document: %.200s", r.StatusCode, r.Header.Get("Content-Type"), r.body)
	}
	if p.Status != r.StatusCode || p.Title == "" || p.Type == "" || p.Kind == "" || p.Instance != r.Request.URL.Path || len(p.TraceID) != 32 {
		t.Errorf("incomplete problem: %s", r.body)
	}
	return p
}

func (w *world) do(method, path, body string, header ...string) response {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.url+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := w.client.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return response{resp, string(raw)}
}

// get asks as an agent of farmacia.
func (w *world) get(path string) response {
	return w.do(http.MethodGet, path, "", "Authorization", "Bearer "+w.token("farmacia", "agent"))
}

func sign(secret, body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// hook posts a webhook signed with secret.
func (w *world) hook(secret, body string) response {
	return w.do(http.MethodPost, "/webhooks/whatsapp", body, "X-Hub-Signature-256", sign(secret, body))
}

func (w *world) metric(sample string) string {
	rec := httptest.NewRecorder()
	w.metrics.Handler().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/", nil))
	for line := range strings.Lines(rec.Body.String()) {
		if rest, ok := strings.CutPrefix(line, sample+" "); ok {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}
