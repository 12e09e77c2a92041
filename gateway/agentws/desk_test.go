package agentws

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"

	"ramal/actors"
	"ramal/gateway/auth"
	"ramal/internal/fault"
	"ramal/internal/id"
	"ramal/internal/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// desk is a hand-written actors.Desk: it knows two agents of two tenants and does what the test tells it.
type desk struct {
	do       func(ctx context.Context, who actors.Who, req actors.Request) (any, error)
	open     func(who actors.Who, push func(actors.Push) bool) (actors.Snapshot, error)
	snapshot func(who actors.Who) (actors.Snapshot, error)

	mu struct {
		sync.Mutex
		push   map[string]func(actors.Push) bool // by agent, of the latest session
		closed []actors.Who
		opened []actors.Who
	}
}

func (d *desk) Open(_ context.Context, who actors.Who, push func(actors.Push) bool) (actors.Snapshot, error) {
	if d.open != nil {
		return d.open(who, push)
	}
	if who.Tenant != "farmacia" && who.Tenant != "outra" {
		return actors.Snapshot{}, fault.New(fault.NotFound, "desk.open", "agent_unknown", "no such agent")
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.mu.push == nil {
		d.mu.push = map[string]func(actors.Push) bool{}
	}
	d.mu.push[string(who.Agent)] = push
	d.mu.opened = append(d.mu.opened, who)
	return actors.Snapshot{Seq: 10, Agent: actors.AgentView{ID: who.Agent}}, nil
}

func (d *desk) Snapshot(_ context.Context, who actors.Who) (actors.Snapshot, error) {
	if d.snapshot != nil {
		return d.snapshot(who)
	}
	return actors.Snapshot{Seq: 20}, nil
}

func (d *desk) Close(who actors.Who) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.mu.closed = append(d.mu.closed, who)
}

func (d *desk) Do(ctx context.Context, who actors.Who, req actors.Request) (any, error) {
	if d.do == nil {
		return nil, nil
	}
	return d.do(ctx, who, req)
}

func (d *desk) pusher(agent string) func(actors.Push) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.mu.push[agent]
}

func (d *desk) closedSessions() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.mu.closed)
}

var issuer = auth.Issuer{Name: "test", Secret: []byte("0123456789abcdef0123456789abcdef")}

func token(t *testing.T, tenant, agent string, life time.Duration) string {
	t.Helper()
	now := time.Now()
	tok, err := auth.Issue(issuer, auth.Claims{Tenant: id.Tenant(tenant), Agent: id.Agent(agent), Expires: now.Add(life)}, now)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// world is a server on a loopback socket.
type world struct {
	*desk
	server  *Server
	metrics *telemetry.Metrics
	url     string
}

func newWorld(t *testing.T, cfg Config, d *desk) *world {
	t.Helper()
	v, err := auth.New(issuer)
	if err != nil {
		t.Fatal(err)
	}
	m := telemetry.New("test")
	s := New(cfg, d, v, m, slog.New(slog.DiscardHandler), func(w http.ResponseWriter, _ *http.Request, status int, code, _ string) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, code)
	})
	h := httptest.NewServer(s)
	t.Cleanup(func() { s.Close(); h.Close(); v.Close() })
	return &world{d, s, m, "ws" + strings.TrimPrefix(h.URL, "http")}
}

// client is the other end of a session.
type client struct {
	t    *testing.T
	conn *websocket.Conn
}

func (w *world) dial(t *testing.T, header http.Header) *client {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, w.url, &websocket.DialOptions{Subprotocols: []string{Protocol}, HTTPHeader: header})
	if err != nil {
		t.Fatal(err)
	}
	conn.SetReadLimit(1 << 20)
	t.Cleanup(func() { _ = conn.CloseNow() })
	return &client{t, conn}
}

// hello dials and opens a session for an agent of farmacia.
func (w *world) hello(t *testing.T, agent string) *client {
	t.Helper()
	c := w.dial(t, nil)
	c.send(`{"id":"h","type":"hello","data":{"token":"` + token(t, "farmacia", agent, time.Hour) + `","client":"test/1","lang":"en"}}`)
	if m := c.next(); m["ok"] != true || m["re"] != "h" {
		t.Fatalf("hello got %v", m)
	}
	return c
}

func (c *client) send(frame string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := c.conn.Write(ctx, websocket.MessageText, []byte(frame)); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) read() (map[string]any, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_, raw, err := c.conn.Read(ctx)
	if err != nil {
		return nil, err
	}
	var m map[string]any
	return m, json.Unmarshal(raw, &m)
}

func (c *client) next() map[string]any {
	c.t.Helper()
	m, err := c.read()
	if err != nil {
		c.t.Fatal(err)
	}
	return m
}

// ends reads until the connection closes and returns the close code.
func (c *client) ends() websocket.StatusCode {
	c.t.Helper()
	for {
		if _, err := c.read(); err != nil {
			code := websocket.CloseStatus(err)
			if code == -1 {
				c.t.Fatalf("no close code: %v", err)
			}
			return code
		}
	}
}

// errorCode returns kind/code of a refusal.
func errorCode(m map[string]any) string {
	e, _ := m["error"].(map[string]any)
	if e == nil {
		return ""
	}
	code, _ := e["code"].(string)
	return e["kind"].(string) + "/" + code
}

func metric(t *testing.T, m *telemetry.Metrics, sample string) string {
	t.Helper()
	rec := httptest.NewRecorder()
	m.Handler().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/", nil))
	for line := range strings.Lines(rec.Body.String()) {
		if rest, ok := strings.CutPrefix(line, sample+" "); ok {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}
