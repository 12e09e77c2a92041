package gateway

import (
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"ramal/actors"
	"ramal/gateway/agentws"
	"ramal/internal/fault"
	"ramal/internal/telemetry"
)

func TestQueriesReachTheReader(t *testing.T) {
	w := newWorld(t)
	for path, want := range map[string]any{
		"/v1/contacts": actors.ContactQuery{Limit: 50},
		"/v1/contacts?q=Ana%20Souza&ongoing=true&may_call=true&window_open=false&status=novo&agent=ag_farmacia&tag=vip&limit=200&cursor=abc%3D": actors.ContactQuery{
			Text: "Ana Souza", Ongoing: true, MayCall: true, Status: "novo", Agent: "ag_farmacia", Tag: "vip", Limit: 200, Cursor: "abc="},
		"/v1/calls?contact=ct_farmacia&agent=ag_farmacia&line=ln_farmacia&direction=inbound&end_reason=no_answer&ongoing=true&from=2026-11-01T00:00:00-03:00&to=2026-12-01T00:00:00Z&limit=1": actors.CallQuery{
			Contact: "ct_farmacia", Agent: "ag_farmacia", Line: "ln_farmacia", Direction: "inbound", EndReason: "no_answer", Ongoing: true,
			From: time.Date(2026, 11, 1, 3, 0, 0, 0, time.UTC), To: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC), Limit: 1},
		"/v1/contacts/ct_farmacia/messages?limit=7&cursor=c": []any{7, "c"},
	} {
		if got := w.get(path); got.StatusCode != 200 || !reflect.DeepEqual(w.lastAsked(), want) {
			t.Errorf("%s: %d %s\ngot  %+v\nwant %+v", path, got.StatusCode, got.body, w.lastAsked(), want)
		}
	}
}

func TestBodies(t *testing.T) {
	w := newWorld(t)
	for path, want := range map[string]string{
		"/v1/contacts":                        `{"items":[],"next_cursor":"more"}`,
		"/v1/lines":                           `{"items":[]}`,
		"/v1/agents":                          `{"items":[{"id":"ag_farmacia","name":""}]}`,
		"/v1/contacts/ct_farmacia/colleagues": `{"items":[]}`,
		"/v1/contacts/ct_farmacia/messages":   `{"items":[]}`,
		"/v1/contacts/ct_farmacia/call-eligibility?line_id=ln_farmacia": `"limits":[]`,
		"/v1/calls/call_farmacia": `"participants":[]`,
		"/v1/me":                  `"id":"ag_farmacia"`,
	} {
		got := w.get(path)
		if got.StatusCode != 200 || !strings.Contains(got.body, want) || got.Header.Get("Content-Type") != "application/json" || got.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %s", path, got.StatusCode, got.body)
		}
	}
}

func TestStrictQueriesNameTheParameter(t *testing.T) {
	w := newWorld(t)
	for path, name := range map[string]string{
		"/v1/contacts?limt=5":                                         "limt",
		"/v1/contacts?limit=0":                                        "limit",
		"/v1/contacts?limit=201":                                      "limit",
		"/v1/contacts?limit=x":                                        "limit",
		"/v1/contacts?ongoing=yes":                                    "ongoing",
		"/v1/contacts?q=a&q=b":                                        "q",
		"/v1/contacts?agent=a/b":                                      "agent",
		"/v1/contacts?q=" + strings.Repeat("x", 201):                  "q",
		"/v1/contacts?tenant=outra":                                   "tenant",
		"/v1/calls?direction=up":                                      "direction",
		"/v1/calls?end_reason=bored":                                  "end_reason",
		"/v1/calls?from=yesterday":                                    "from",
		"/v1/calls?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z": "to",
		"/v1/contacts/ct_farmacia/call-eligibility":                   "line_id",
		"/v1/me?x=1":                                                  "x",
		"/v1/contacts/ct_farmacia?x=1":                                "x",
		"/v1/contacts?q=%zz":                                          "the query",
	} {
		got := w.get(path)
		if p := got.problem(t); got.StatusCode != 400 || !strings.Contains(p.Detail, name) || p.Kind != fault.Invalid {
			t.Errorf("%s: %d %s", path, got.StatusCode, got.body)
		}
	}
	if w.lastAsked() != nil {
		t.Error("a bad query reached the reader")
	}
}

func TestRESTNeedsAToken(t *testing.T) {
	w := newWorld(t)
	for _, header := range []string{"", "Bearer x", "Basic YTpi", "Bearer " + w.token("farmacia", "agent") + "x"} {
		got := w.do(http.MethodGet, "/v1/me", "", "Authorization", header)
		if got.StatusCode != 401 || got.Header.Get("WWW-Authenticate") == "" || !strings.HasPrefix(got.problem(t).Code, "token_") {
			t.Errorf("%.20q: %d %s", header, got.StatusCode, got.body)
		}
	}
	got := w.do(http.MethodGet, "/v1/me?access_token="+w.token("farmacia", "agent"), "")
	if got.StatusCode != 401 {
		t.Errorf("a token in the URL: %d", got.StatusCode)
	}
}

func TestSettings(t *testing.T) {
	w := newWorld(t)
	const path, body = "/v1/lines/ln_farmacia/settings", `{"calling":true,"icon_visible":true,"callback_permission":false,"pending":true,"hours":{"timezone":"America/Sao_Paulo","weekly":[{"day":"MONDAY","open":"0800","close":"1800"}]}}`
	boss := "Bearer " + w.token("farmacia", "supervisor")
	got := w.get(path)
	if got.StatusCode != 200 || got.Header.Get("ETag") != `"v1"` {
		t.Fatalf("%d %v", got.StatusCode, got.Header)
	}
	if got := w.do(http.MethodGet, path, "", "Authorization", boss, "If-None-Match", `W/"v1"`); got.StatusCode != 304 || got.body != "" {
		t.Errorf("unchanged: %d", got.StatusCode)
	}
	put := func(auth, match, kind, body string) response {
		return w.do(http.MethodPut, path, body, "Authorization", auth, "If-Match", match, "Content-Type", kind)
	}
	for name, c := range map[string]struct {
		got    response
		status int
		code   string
	}{
		"no If-Match":    {put(boss, "", "application/json", body), 428, "if_match_missing"},
		"weak ETag":      {put(boss, `W/"v1"`, "application/json", body), 400, "bad_header"},
		"star":           {put(boss, `*`, "application/json", body), 400, "bad_header"},
		"stale":          {put(boss, `"v0"`, "application/json", body), 412, "etag_mismatch"},
		"agent":          {put("Bearer "+w.token("farmacia", "agent"), `"v1"`, "application/json", body), 403, "role"},
		"no JSON type":   {put(boss, `"v1"`, "text/plain", body), 415, "not_json"},
		"not JSON":       {put(boss, `"v1"`, "application/json", "{"), 400, "bad_body"},
		"unknown field":  {put(boss, `"v1"`, "application/json", `{"calls":true}`), 400, "bad_body"},
		"wrong type":     {put(boss, `"v1"`, "application/json", `{"calling":"yes"}`), 400, "bad_body"},
		"two objects":    {put(boss, `"v1"`, "application/json", `{} {}`), 400, "bad_body"},
		"too large":      {put(boss, `"v1"`, "application/json", `{"sync_error":"`+strings.Repeat("x", maxSettings)+`"}`), 413, "too_large"},
		"another's line": {w.do(http.MethodPut, "/v1/lines/ln_outra/settings", body, "Authorization", boss, "If-Match", `"v1"`, "Content-Type", "application/json"), 404, "not_found"},
	} {
		if p := c.got.problem(t); c.got.StatusCode != c.status || p.Code != c.code {
			t.Errorf("%s: %d %s", name, c.got.StatusCode, c.got.body)
		}
	}
	got = put(boss, `"v1"`, "application/json; charset=utf-8", body)
	if got.StatusCode != 200 || got.Header.Get("ETag") != `"v1x"` || strings.Contains(got.body, "pending") {
		t.Errorf("%d %v %s", got.StatusCode, got.Header, got.body)
	}
}

// The probe: every route and every message of one tenant with the credentials of the other. The rows are derived from the
// tables, so a new route or message without a row fails here.
func TestTenancy(t *testing.T) {
	w := newWorld(t)
	foreign := map[string]string{
		"GET /v1/me": "", "GET /v1/agents": "", "GET /v1/lines": "", // name nothing: the answer must be one's own
		"GET /v1/contacts": "/v1/contacts?agent=ag_outra", "GET /v1/calls": "/v1/calls?contact=ct_outra",
		"GET /v1/lines/{id}/settings": "/v1/lines/ln_outra/settings", "PUT /v1/lines/{id}/settings": "/v1/lines/ln_outra/settings",
		"GET /v1/contacts/{id}": "/v1/contacts/ct_outra", "GET /v1/contacts/{id}/call-eligibility": "/v1/contacts/ct_farmacia/call-eligibility?line_id=ln_outra",
		"GET /v1/contacts/{id}/messages": "/v1/contacts/ct_outra/messages", "GET /v1/contacts/{id}/colleagues": "/v1/contacts/ct_farmacia/colleagues?call_id=call_outra",
		"GET /v1/calls/{id}": "/v1/calls/call_outra",
	}
	bearer := "Bearer " + w.token("farmacia", "admin")
	for _, route := range Routes() {
		if route.Access != AccessAgent {
			continue
		}
		path, ok := foreign[route.Method+" "+route.Pattern]
		switch {
		case !ok:
			t.Errorf("%s %s has no row", route.Method, route.Pattern)
		case path == "":
			if got := w.get(route.Pattern); strings.Contains(got.body, "outra") || got.StatusCode != 200 {
				t.Errorf("%s: %d %s", route.Pattern, got.StatusCode, got.body)
			}
		default:
			got := w.do(route.Method, path, `{}`, "Authorization", bearer, "If-Match", `"v1"`, "Content-Type", "application/json")
			if got.StatusCode != 404 || got.problem(t).Kind != fault.NotFound {
				t.Errorf("%s %s: %d %s", route.Method, path, got.StatusCode, got.body)
			}
		}
	}
	w.probeMessages(t)
}

func (w *world) probeMessages(t *testing.T) {
	t.Helper()
	messages := map[string]string{
		"call.dial": `"contact_id":"ct_outra","line_id":"ln_farmacia","sdp":"v=0"`, "offer.accept": `"offer_id":"of_farmacia","call_id":"call_outra","sdp":"v=0"`,
		"offer.decline": `"offer_id":"of_outra","call_id":"call_farmacia"`, "call.attach": `"call_id":"call_outra","sdp":"v=0"`,
		"call.invite": `"call_id":"call_farmacia","agent_id":"ag_outra"`, "call.cancel_invite": `"call_id":"call_outra","agent_id":"ag_farmacia"`,
		"call.leave": `"call_id":"call_outra"`, "call.end": `"call_id":"call_outra"`, "call.mute": `"call_id":"call_outra","muted":true`,
		"call.volume": `"call_id":"call_farmacia","leg_id":"leg_outra","gain":1`, "permission.request": `"contact_id":"ct_farmacia","line_id":"ln_outra"`,
		"message.send": `"contact_id":"ct_outra","line_id":"ln_farmacia","text":"x"`, "message.call_button": `"contact_id":"ct_outra","line_id":"ln_farmacia"`,
		// These name nothing of another tenant's: the session's own tenant and agent are all they touch.
		"hello": "", "ping": "", "snapshot.get": "", "agent.set_presence": "", "notice.ack": "",
	}
	s := w.session(t)
	for _, kind := range agentws.Types() {
		data, ok := messages[kind]
		if !ok {
			t.Errorf("message %s has no row", kind)
		}
		if data == "" {
			continue
		}
		if got := s.ask(`{"id":"1","type":"` + kind + `","data":{` + data + `}}`); !strings.Contains(got, `"kind":"not_found"`) {
			t.Errorf("%s: %s", kind, got)
		}
		if got := s.ask(`{"id":"1","type":"` + kind + `","data":{"tenant":"outra",` + data + `}}`); !strings.Contains(got, `"kind":"invalid"`) {
			t.Errorf("%s with a tenant of its own: %s", kind, got)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if who := w.mu.opened[0]; who.Tenant != "farmacia" || who.Agent != "ag_farmacia" {
		t.Errorf("the session is %+v", who)
	}
}

// wsSession is an open session of farmacia's agent, through the whole gateway.
type wsSession struct {
	t    *testing.T
	conn *websocket.Conn
}

func (w *world) session(t *testing.T) wsSession {
	t.Helper()
	conn, _, err := websocket.Dial(t.Context(), w.url+"/v1/agent/ws", &websocket.DialOptions{Subprotocols: []string{agentws.Protocol}, HTTPClient: w.client})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
	s := wsSession{t, conn}
	if got := s.ask(`{"id":"h","type":"hello","data":{"token":"` + w.token("farmacia", "agent") + `"}}`); !strings.Contains(got, `"ok":true`) {
		t.Fatalf("hello: %s", got)
	}
	return s
}

func (s wsSession) ask(frame string) string {
	s.t.Helper()
	if err := s.conn.Write(s.t.Context(), websocket.MessageText, []byte(frame)); err != nil {
		s.t.Fatal(err)
	}
	_, raw, err := s.conn.Read(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return string(raw)
}

func TestEveryRouteIsDocumented(t *testing.T) {
	doc, err := os.ReadFile("../docs/agent-protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range Routes() {
		if (r.Access == AccessAgent || r.Access == AccessSession) && !strings.Contains(string(doc), r.Pattern) {
			t.Errorf("docs/agent-protocol.md does not name %s", r.Pattern)
		}
	}
	for _, reason := range endReasons {
		if !strings.Contains(string(doc), reason) || !telemetry.Known(telemetry.LabelEndReason, reason) {
			t.Errorf("the end reason %s is not in the document or not in the metric", reason)
		}
	}
	if slices.Contains(endReasons, "") {
		t.Error("an empty end reason")
	}
}
