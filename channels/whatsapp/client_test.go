package whatsapp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"ramal/internal/fault"
)

// graph is a provider that answers from a script, one line a request, and keeps what it was asked.
type graph struct {
	*httptest.Server
	mu struct {
		sync.Mutex
		script []answer
		asked  []asked
	}
}

type answer struct {
	status int
	body   string
	header http.Header
	hijack bool          // break the connection instead of answering
	wait   chan struct{} // answer only after it is closed
}

type asked struct {
	method, target, auth, kind string
	body                       string
}

func newGraph(t *testing.T, script ...answer) *graph {
	t.Helper()
	g := &graph{}
	g.mu.script = script
	g.Server = httptest.NewServer(http.HandlerFunc(g.serve))
	t.Cleanup(g.Close)
	return g
}

func (g *graph) serve(w http.ResponseWriter, r *http.Request) {
	raw, _ := io.ReadAll(r.Body)
	g.mu.Lock()
	g.mu.asked = append(g.mu.asked, asked{r.Method, r.URL.RequestURI(), r.Header.Get("Authorization") + r.Header.Get("D360-Api-Key"), r.Header.Get("Content-Type"), string(raw)})
	a := answer{status: 200, body: `{"success":true}`}
	if len(g.mu.script) > 0 {
		a, g.mu.script = g.mu.script[0], g.mu.script[1:]
	}
	g.mu.Unlock()
	if a.wait != nil {
		<-a.wait
	}
	if a.hijack {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_ = conn.Close()
		}
		return
	}
	maps.Copy(w.Header(), a.header)
	w.WriteHeader(a.status)
	_, _ = io.WriteString(w, a.body)
}

func (g *graph) requests() []asked {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]asked(nil), g.mu.asked...)
}

func (g *graph) client(t *testing.T, change ...func(*Config)) *Client {
	t.Helper()
	cfg := Config{BaseURL: g.URL, Token: "EAAtoken", PhoneNumberID: "106540352242922", WABA: "102290129340398",
		Timeout: 5 * time.Second, Backoff: time.Millisecond, Logger: slog.New(slog.DiscardHandler)}
	for _, f := range change {
		f(&cfg)
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdle)
	return c
}

func graphError(code, status int) answer {
	return answer{status: status, body: fmt.Sprintf(`{"error":{"message":"Some text","type":"OAuthException","code":%d,
		"error_data":{"messaging_product":"whatsapp","details":"one sentence"},"error_subcode":77,"is_transient":false,"fbtrace_id":"A1b2"}}`, code)}
}

var ana = Recipient{Phone: "+55 11 98765-4321"}

const sdpText = "v=0\r\no=- 4211 2 IN IP4 127.0.0.1\r\n<&>"

// Each operation, the request it makes and what it makes of Meta's sample answer.
func TestRequestsAreMetasSamples(t *testing.T) {
	sent := `{"messaging_product":"whatsapp","contacts":[{"input":"+5511987654321","wa_id":"5511987654321","user_id":"BR.1"}],"messages":[{"id":"wamid.X","message_status":"accepted"}]}`
	message := func(s Sent, err error) (any, error) { return s, err }
	wantSent := Sent{"wamid.X", "5511987654321", "BR.1", "accepted"}
	cases := []struct {
		name, answer, target, body string
		do                         func(context.Context, *Client) (any, error)
		want                       any
	}{
		{"connect", `{"messaging_product":"whatsapp","calls":[{"id":"wacid.A="}]}`, "POST /v26.0/106540352242922/calls",
			`{"messaging_product":"whatsapp","to":"5511987654321","action":"connect","session":{"sdp_type":"offer","sdp":"v=0\r\no=- 4211 2 IN IP4 127.0.0.1\r\n<&>"},"biz_opaque_callback_data":"tenant=t;call=c"}`,
			func(ctx context.Context, c *Client) (any, error) {
				return c.Connect(ctx, ana, sdpText, Opaque{"t", "c"}.String())
			}, "wacid.A="},
		{"connect by user id", `{"success":true,"calls":[{"id":"wacid.A="}]}`, "POST /v26.0/106540352242922/calls",
			`{"messaging_product":"whatsapp","recipient":"BR.1","action":"connect","session":{"sdp_type":"offer","sdp":"x"}}`,
			func(ctx context.Context, c *Client) (any, error) {
				return c.Connect(ctx, Recipient{BSUID: "BR.1"}, "x", "")
			}, "wacid.A="},
		{"pre_accept", `{"success":true}`, "POST /v26.0/106540352242922/calls",
			`{"messaging_product":"whatsapp","call_id":"wacid.A","action":"pre_accept","session":{"sdp_type":"answer","sdp":"x"}}`,
			func(ctx context.Context, c *Client) (any, error) { return nil, c.PreAccept(ctx, "wacid.A", "x") }, nil},
		{"accept", `{"messaging_product":"whatsapp","success":true}`, "POST /v26.0/106540352242922/calls",
			`{"messaging_product":"whatsapp","call_id":"wacid.A","action":"accept","session":{"sdp_type":"answer","sdp":"x"},"biz_opaque_callback_data":"q"}`,
			func(ctx context.Context, c *Client) (any, error) { return nil, c.Accept(ctx, "wacid.A", "x", "q") }, nil},
		{"reject", `{"success":true}`, "POST /v26.0/106540352242922/calls", `{"messaging_product":"whatsapp","call_id":"wacid.A","action":"reject"}`,
			func(ctx context.Context, c *Client) (any, error) { return nil, c.Reject(ctx, "wacid.A") }, nil},
		{"terminate", `{"success":true}`, "POST /v26.0/106540352242922/calls", `{"messaging_product":"whatsapp","call_id":"wacid.A","action":"terminate"}`,
			func(ctx context.Context, c *Client) (any, error) { return nil, c.Terminate(ctx, "wacid.A") }, nil},
		{"text", sent, "POST /v26.0/106540352242922/messages",
			`{"messaging_product":"whatsapp","recipient_type":"individual","to":"5511987654321","type":"text","text":{"body":"Olá","preview_url":false},"context":{"message_id":"wamid.Q"},"biz_opaque_callback_data":"o"}`,
			func(ctx context.Context, c *Client) (any, error) {
				return message(c.SendText(ctx, ana, "Olá", Options{"wamid.Q", "o"}))
			}, wantSent},
		{"permission request", sent, "POST /v26.0/106540352242922/messages",
			`{"messaging_product":"whatsapp","recipient_type":"individual","to":"5511987654321","type":"interactive","interactive":{"type":"call_permission_request","action":{"name":"call_permission_request"},"body":{"text":"Podemos ligar?"}}}`,
			func(ctx context.Context, c *Client) (any, error) {
				return message(c.SendCallPermissionRequest(ctx, ana, "Podemos ligar?", Options{}))
			}, wantSent},
		{"permission template", sent, "POST /v26.0/106540352242922/messages",
			`{"messaging_product":"whatsapp","recipient_type":"individual","to":"5511987654321","type":"template","template":{"name":"pode_ligar_v1","language":{"code":"pt_BR"},"components":[{"type":"body","parameters":[{"type":"text","text":"Ana"},{"type":"text","text":"991"}]}]}}`,
			func(ctx context.Context, c *Client) (any, error) {
				return message(c.SendCallPermissionTemplate(ctx, ana, "pode_ligar_v1", "pt_BR", []string{"Ana", "991"}, Options{}))
			}, wantSent},
		{"call button", sent, "POST /v26.0/106540352242922/messages",
			`{"messaging_product":"whatsapp","recipient_type":"individual","to":"5511987654321","type":"interactive","interactive":{"type":"voice_call","body":{"text":"Fale com a gente"},"action":{"name":"voice_call","parameters":{"display_text":"Ligar agora","ttl_minutes":1440,"payload":"order-991"}}}}`,
			func(ctx context.Context, c *Client) (any, error) {
				return message(c.SendCallButton(ctx, ana, CallButton{"Fale com a gente", "Ligar agora", 1440, "order-991"}, Options{}))
			}, wantSent},
		{"reply buttons", sent, "POST /v26.0/106540352242922/messages",
			`{"messaging_product":"whatsapp","recipient_type":"individual","to":"5511987654321","type":"interactive","interactive":{"type":"button","body":{"text":"?"},"action":{"buttons":[{"type":"reply","reply":{"id":"y","title":"Sim"}}]}}}`,
			func(ctx context.Context, c *Client) (any, error) {
				return message(c.SendReplyButtons(ctx, ana, "?", []ReplyButton{{"y", "Sim"}}, Options{}))
			}, wantSent},
		{"template with button", sent, "POST /v26.0/106540352242922/messages",
			`{"messaging_product":"whatsapp","recipient_type":"individual","to":"5511987654321","type":"template","template":{"name":"n","language":{"code":"pt_BR"},"components":[{"type":"body","parameters":[{"type":"text","text":"Ana","parameter_name":"nome"}]},{"type":"button","sub_type":"voice_call","index":"0","parameters":[{"type":"ttl_minutes","ttl_minutes":2880},{"type":"payload","payload":"p"}]}]}}`,
			func(ctx context.Context, c *Client) (any, error) {
				return message(c.SendTemplate(ctx, ana, Template{"n", "pt_BR", []Param{{"nome", "Ana"}}, &TemplateCallButton{0, 2880, "p"}}, Options{}))
			}, wantSent},
		{"create template", `{"id":"594425479261596","status":"PENDING","category":"UTILITY"}`, "POST /v26.0/102290129340398/message_templates",
			`{"name":"pode_ligar_v1","language":"pt_BR","category":"UTILITY","components":[{"type":"BODY","text":"Olá {{1}}","example":{"body_text":[["Ana"]]}},{"type":"call_permission_request"}]}`,
			func(ctx context.Context, c *Client) (any, error) {
				return c.CreateTemplate(ctx, TemplateDefinition{Name: "pode_ligar_v1", Language: "pt_BR", Category: "utility", Body: "Olá {{1}}", Examples: []string{"Ana"}, PermissionRequest: true})
			}, CreatedTemplate{"594425479261596", "PENDING", "UTILITY"}},
		{"settings", `{"success":true}`, "POST /v26.0/106540352242922/settings",
			`{"calling":{"status":"ENABLED","call_icons":{"restrict_to_user_countries":[]},"call_hours":{"status":"ENABLED","timezone_id":"America/Sao_Paulo","weekly_operating_hours":[{"day_of_week":"MONDAY","open_time":"0800","close_time":"1200"}]}}}`,
			func(ctx context.Context, c *Client) (any, error) {
				return nil, c.UpdateSettings(ctx, CallingSettings{Status: "ENABLED", Icons: &CallIcons{},
					Hours: &CallHours{Status: "ENABLED", Timezone: "America/Sao_Paulo", Weekly: []WeeklyHours{{"MONDAY", "0800", "1200"}}}})
			}, nil},
		{"subscribe account", `{"success":true}`, "POST /v26.0/102290129340398/subscribed_apps", ``,
			func(ctx context.Context, c *Client) (any, error) { return nil, c.SubscribeWABA(ctx, "", "") }, nil},
		{"read", `{"success":true}`, "POST /v26.0/106540352242922/messages",
			`{"messaging_product":"whatsapp","status":"read","message_id":"wamid.X","typing_indicator":{"type":"text"}}`,
			func(ctx context.Context, c *Client) (any, error) { return nil, c.MarkRead(ctx, "wamid.X", true) }, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			g := newGraph(t, answer{status: 200, body: c.answer})
			got, err := c.do(t.Context(), g.client(t))
			if err != nil || got != c.want {
				t.Fatalf("got %+v, %v; want %+v", got, err, c.want)
			}
			r := g.requests()[0]
			if r.method+" "+r.target != c.target || r.auth != "Bearer EAAtoken" {
				t.Errorf("asked %s %s with %q", r.method, r.target, r.auth)
			}
			if !sameJSON(t, r.body, c.body) {
				t.Errorf("sent\n%s\nwant\n%s", r.body, c.body)
			}
		})
	}
}

func sameJSON(t *testing.T, a, b string) bool {
	t.Helper()
	if a == "" || b == "" {
		return a == b
	}
	var x, y any
	if err := errors.Join(json.Unmarshal([]byte(a), &x), json.Unmarshal([]byte(b), &y)); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(x) == fmt.Sprint(y)
}

func TestSubscribeAppIsAFormWithTheAppsToken(t *testing.T) {
	g := newGraph(t)
	err := g.client(t).SubscribeApp(t.Context(), AppSubscription{AppID: "77", AppToken: "77|secret", CallbackURL: "https://x/y", VerifyToken: "v"})
	r := g.requests()[0]
	if err != nil || r.auth != "Bearer 77|secret" || r.target != "/v26.0/77/subscriptions" || r.kind != "application/x-www-form-urlencoded" ||
		r.body != "callback_url=https%3A%2F%2Fx%2Fy&fields=calls%2Cmessages%2Caccount_update%2Caccount_settings_update&object=whatsapp_business_account&verify_token=v" {
		t.Errorf("%v %+v", err, r)
	}
}

func TestProviderStandsInMetasPlace(t *testing.T) {
	g := newGraph(t)
	c := g.client(t, func(c *Config) { c.BaseURL += "/whatsapp"; c.Version = NoVersion; c.AuthHeader = "D360-API-KEY" })
	if err := c.Terminate(t.Context(), "wacid.A"); err != nil {
		t.Fatal(err)
	}
	if r := g.requests()[0]; r.target != "/whatsapp/106540352242922/calls" || r.auth != "EAAtoken" {
		t.Errorf("%+v", r)
	}
}

func TestCallPermissions(t *testing.T) {
	until := time.Unix(1796042400, 0).UTC()
	for name, body := range map[string]string{
		"sample": `{"permission":{"status":"temporary","expiration_time":1796042400},"actions":[
			{"action_name":"send_call_permission_request","can_perform_action":true,"limits":[{"time_period":"PT24H","max_allowed":1,"current_usage":0},{"time_period":"P7D","max_allowed":2,"current_usage":1}]},
			{"action_name":"start_call","can_perform_action":false,"limits":[{"time_period":"PT24H","max_allowed":100,"current_usage":100,"limit_expiration_time":1795960000}]}]}`,
		"table, as text": `{"permission":{"status":"TEMPORARY","expiration":"1796042400"},"actions":[
			{"action_name":"send_call_permission_request","can_perform_action":"true","limits":[{"time_period":"PT24H","max_allowed":"1","current_usage":"0"},{"time_period":"P7D","max_allowed":2,"current_usage":1}]},
			{"action_name":"start_call","limits":[{"time_period":"PT24H","max_allowed":100,"current_usage":100,"limit_expiration_time":"1795960000"}]}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			g := newGraph(t, answer{status: 200, body: body})
			p, err := g.client(t).CallPermissions(t.Context(), ana)
			if err != nil || g.requests()[0].target != "/v26.0/106540352242922/call_permissions?user_wa_id=5511987654321" {
				t.Fatal(err, g.requests())
			}
			want := Permissions{PermissionTemporary, until, ActionAllowance{true, []Limit{{24 * time.Hour, 1, 0, time.Time{}}, {7 * 24 * time.Hour, 2, 1, time.Time{}}}},
				ActionAllowance{false, []Limit{{24 * time.Hour, 100, 100, time.Unix(1795960000, 0).UTC()}}}}
			if fmt.Sprint(p) != fmt.Sprint(want) {
				t.Errorf("got  %+v\nwant %+v", p, want)
			}
		})
	}
	g := newGraph(t, answer{status: 200, body: `{"permission":{"status":"no_permission"},"actions":[{"action_name":"start_call","can_perform_action":false}]}`})
	p, err := g.client(t).CallPermissions(t.Context(), Recipient{BSUID: "BR.1"})
	if err != nil || p.Status != PermissionNone || p.Call.Can || p.Call.Limits != nil || !p.ExpiresAt.IsZero() {
		t.Errorf("%+v %v", p, err)
	}
}

func TestGetSettingsReadsBothWrappersAndNotSet(t *testing.T) {
	calling := `{"status":"ENABLED","call_icon_visibility":"NOT_SET","call_icons":{"restrict_to_user_countries":["BR"]},"call_hours":"NOT_SET","audio":{"additional_codecs":["PCMA"]},
		"sip":{"status":"DISABLED","servers":[{"app_id":5}]},"video":{"status":"?"},"restrictions":{"restriction_list":[{"type":"RESTRICTED_BUSINESS_INITIATED_CALLING","reason":"low quality","expiration":"1796300000"}]}}`
	for _, body := range []string{`{"calling":` + calling + `,"storage_configuration":{}}`, `{"data":[{"calling":` + calling + `}]}`} {
		g := newGraph(t, answer{status: 200, body: body})
		s, err := g.client(t).GetSettings(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if s.Status != "ENABLED" || s.IconVisibility != "" || s.Hours != nil || s.Icons.Countries[0] != "BR" || s.Audio.AdditionalCodecs[0] != "PCMA" || s.SIP.Status != "DISABLED" {
			t.Errorf("%+v", s)
		}
		if len(s.Restrictions) != 1 || s.Restrictions[0].Until.Unix() != 1796300000 {
			t.Errorf("restrictions %+v", s.Restrictions)
		}
	}
}

func TestRetriesOnlyWhatMayBeRepeated(t *testing.T) {
	ok := answer{status: 200, body: `{"success":true,"calls":[{"id":"wacid.A"}],"messages":[{"id":"wamid.X"}]}`}
	connect := func(ctx context.Context, c *Client) error { _, err := c.Connect(ctx, ana, "x", ""); return err }
	text := func(ctx context.Context, c *Client) error { _, err := c.SendText(ctx, ana, "x", Options{}); return err }
	get := func(ctx context.Context, c *Client) error { _, err := c.GetSettings(ctx); return err }
	accept := func(ctx context.Context, c *Client) error { return c.Accept(ctx, "wacid.A", "x", "") }
	broken := answer{hijack: true}
	cases := []struct {
		name   string
		do     func(context.Context, *Client) error
		script []answer
		sends  int
		kind   fault.Kind // "" is success
		word   string
	}{
		{"connect, connection error twice", connect, []answer{graphError(138004, 500), graphError(138004, 500), ok}, 3, "", ""},
		{"connect, gives up", connect, []answer{graphError(131016, 500), graphError(131016, 500), graphError(131016, 500), ok}, 3, fault.Unavailable, "service_down"},
		{"connect, permission missing", connect, []answer{graphError(138006, 401), ok}, 1, fault.Denied, "permission_missing"},
		{"connect, daily limit", connect, []answer{graphError(138012, 400), ok}, 1, fault.Exhausted, "daily_limit"},
		{"connect, second attempt finds the first's call", connect, []answer{graphError(138004, 500), graphError(138003, 400)}, 2, fault.Unknown, "unknown_outcome"},
		{"connect, duplicate at once", connect, []answer{graphError(138003, 400)}, 1, fault.Conflict, "duplicate_call"},
		{"connect, connection broken", connect, []answer{broken, ok}, 1, fault.Unknown, "unknown_outcome"},
		{"connect, a gateway's 504", connect, []answer{{status: 504, body: "<html>"}, ok}, 1, fault.Unknown, "unknown_outcome"},
		{"connect, 200 without id", connect, []answer{{status: 200, body: `{"calls":[]}`}, ok}, 1, fault.Unknown, "unknown_outcome"},
		{"connect, 200 without JSON", connect, []answer{{status: 200, body: `<html>`}, ok}, 1, fault.Unknown, "unknown_outcome"},
		{"text, connection broken", text, []answer{broken, ok}, 1, fault.Unknown, "unknown_outcome"},
		{"text, window closed", text, []answer{graphError(131047, 400), ok}, 1, fault.Denied, "window_closed"},
		{"get, connection broken", get, []answer{broken, ok}, 2, "", ""},
		{"get, a gateway's 502", get, []answer{{status: 502, body: "bad"}, ok}, 2, "", ""},
		{"accept, too late", accept, []answer{graphError(138007, 500), ok}, 1, fault.Conflict, "call_gone"},
		{"accept, call over", accept, []answer{graphError(100, 400), ok}, 1, fault.Conflict, "call_gone"},
		{"accept, success false", accept, []answer{{status: 200, body: `{"success":false}`}}, 1, fault.Unavailable, "refused"},
		{"accept, success absent", accept, []answer{{status: 200, body: `{}`}}, 1, fault.Unknown, "unknown_outcome"},
		{"redirect is not followed", accept, []answer{{status: 307, header: http.Header{"Location": {"http://127.0.0.1:1/"}}}}, 1, fault.Unavailable, "provider_error"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			g := newGraph(t, c.script...)
			err := c.do(t.Context(), g.client(t))
			if fault.KindOf(err) != c.kind || fault.CodeOf(err) != c.word {
				t.Errorf("got %s %q: %v", fault.KindOf(err), fault.CodeOf(err), err)
			}
			if n := len(g.requests()); n != c.sends {
				t.Errorf("sent %d times, want %d", n, c.sends)
			}
			if err != nil && strings.Contains(err.Error(), "EAAtoken") {
				t.Error("the error holds the token")
			}
		})
	}
}

func TestTimeoutOfConnectIsUnknownAndNotRepeated(t *testing.T) {
	release := make(chan struct{})
	g := newGraph(t, answer{status: 200, body: `{"calls":[{"id":"wacid.A"}]}`, wait: release})
	defer close(release)
	_, err := g.client(t, func(c *Config) { c.Timeout = 50 * time.Millisecond }).Connect(t.Context(), ana, "x", "")
	if !fault.Is(err, fault.Unknown) || !errors.Is(err, context.DeadlineExceeded) || len(g.requests()) != 1 {
		t.Errorf("%v after %d requests", err, len(g.requests()))
	}
}

func TestNothingSentIsUnavailable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close()
	c, err := New(Config{BaseURL: "http://" + addr, Token: "x", PhoneNumberID: "1", Backoff: time.Millisecond, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Connect(t.Context(), ana, "x", ""); !fault.Is(err, fault.Unavailable) || fault.CodeOf(err) != WordNotSent {
		t.Errorf("got %v", err)
	}
}

func TestErrorBodyIsReadWhole(t *testing.T) {
	a := graphError(138013, 400)
	a.header = http.Header{"Retry-After": {"60"}}
	_, err := newGraph(t, a).client(t).CallPermissions(t.Context(), ana)
	e, ok := AsError(err)
	if !ok || *e != (Error{138013, 77, 400, "Some text", "one sentence", false, "A1b2"}) {
		t.Errorf("%+v", e)
	}
}

func TestBackoffKeepsWithinTheCallersTime(t *testing.T) {
	g := newGraph(t, answer{status: 503, body: graphError(2, 503).body, header: http.Header{"Retry-After": {"3600"}}})
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	started := time.Now()
	err := g.client(t).Terminate(ctx, "wacid.A")
	if !fault.Is(err, fault.Unavailable) || time.Since(started) > 4*time.Second {
		t.Errorf("%v after %s", err, time.Since(started))
	}
	if f, _ := errors.AsType[*fault.Error](err); f.NextAllowed.Before(started.Add(time.Hour)) {
		t.Errorf("the next allowed time is %s", f.NextAllowed)
	}
}

func TestBadArgumentsAreRefusedBeforeSending(t *testing.T) {
	g := newGraph(t)
	c := g.client(t)
	long := strings.Repeat("é", 4097)
	for name, do := range map[string]func() error{
		"nobody":         func() error { _, err := c.Connect(t.Context(), Recipient{}, "x", ""); return err },
		"opaque":         func() error { _, err := c.Connect(t.Context(), ana, "x", long); return err },
		"accept, no SDP": func() error { return c.Accept(t.Context(), "wacid.A", "", "") },
		"no call":        func() error { return c.Terminate(t.Context(), "") },
		"long text":      func() error { _, err := c.SendText(t.Context(), ana, long, Options{}); return err },
		"empty text":     func() error { _, err := c.SendText(t.Context(), ana, "", Options{}); return err },
		"button's text": func() error {
			_, err := c.SendCallButton(t.Context(), ana, CallButton{Body: "b", Text: long}, Options{})
			return err
		},
		"button's life": func() error {
			_, err := c.SendCallButton(t.Context(), ana, CallButton{Body: "b", TTL: 50_000}, Options{})
			return err
		},
		"no buttons": func() error { _, err := c.SendReplyButtons(t.Context(), ana, "b", nil, Options{}); return err },
		"template":   func() error { _, err := c.SendTemplate(t.Context(), ana, Template{}, Options{}); return err },
		"category": func() error {
			_, err := c.CreateTemplate(t.Context(), TemplateDefinition{Name: "n", Language: "pt_BR", Category: "AUTHENTICATION", Body: "b"})
			return err
		},
		"permissions":      func() error { _, err := c.CallPermissions(t.Context(), Recipient{Phone: "abc"}); return err },
		"app subscription": func() error { return c.SubscribeApp(t.Context(), AppSubscription{AppID: "../1"}) },
	} {
		if err := do(); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := len(g.requests()); n != 0 {
		t.Errorf("%d requests left", n)
	}
}

func TestConfig(t *testing.T) {
	good := Config{Token: "secret-token", PhoneNumberID: "1"}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	if s := fmt.Sprintf("%v %+v %#v %s", good, good, good, slog.AnyValue(good).Resolve()); strings.Contains(s, "secret") {
		t.Errorf("the token is printed: %s", s)
	}
	for name, cfg := range map[string]Config{
		"scheme": {Token: "t", PhoneNumberID: "1", BaseURL: "ftp://x"}, "credentials": {Token: "t", PhoneNumberID: "1", BaseURL: "https://a:b@x"},
		"version": {Token: "t", PhoneNumberID: "1", Version: "../v1"}, "token": {PhoneNumberID: "1"}, "number": {Token: "t", PhoneNumberID: "1/2"},
		"account": {Token: "t", PhoneNumberID: "1", WABA: "?"}, "timeout": {Token: "t", PhoneNumberID: "1", Timeout: -1},
	} {
		if _, err := New(cfg); !fault.Is(errors.Unwrap(err), fault.Invalid) && err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}
