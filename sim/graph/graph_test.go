package graph

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"ramal/sim/cloud"
	"ramal/sim/settings"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newHandler(t testing.TB, flags cloud.Flags) *Handler {
	c, err := cloud.New(cloud.Config{Flags: flags})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	yes := "ENABLED"
	for _, l := range []cloud.LineConfig{
		{PNID: "1", Display: "551140028922", Settings: &settings.Calling{Status: &yes}},
		{PNID: "2", Display: "12025550100", Settings: &settings.Calling{Status: &yes}}, // United States: no BIC
	} {
		if err := c.PutLine(l); err != nil {
			t.Fatal(err)
		}
	}
	for _, u := range []cloud.UserConfig{{WAID: "551187654321", Name: "Sem nono"}, {UserID: "BR.hidden", Name: "Oculta", Username: "oculta"}} {
		if _, err := c.PutUser(u); err != nil {
			t.Fatal(err)
		}
	}
	return New(c)
}

type answer struct {
	status int
	raw    string
	Error  struct {
		Message string `json:"message"`
		Type    string `json:"type"`
		Code    int    `json:"code"`
		Subcode int    `json:"error_subcode"`
		Trace   string `json:"fbtrace_id"`
		Title   string `json:"error_user_title"`
		Data    struct {
			Details string `json:"details"`
		} `json:"error_data"`
	} `json:"error"`
}

func call(t testing.TB, h http.Handler, method, path, token, body string) answer {
	req := httptest.NewRequest(method, path, strings.NewReader(body))
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, req)
	raw, _ := io.ReadAll(rec.Body)
	a := answer{status: rec.Code, raw: string(raw)}
	if err := json.Unmarshal(raw, &a); err != nil {
		t.Fatalf("%s %s: %v in %q", method, path, err, raw)
	}
	return a
}

func TestErrorEnvelope(t *testing.T) {
	h := newHandler(t, cloud.Flags{})
	const connect = `{"messaging_product":"whatsapp","to":"551187654321","action":"connect","session":{"sdp_type":"offer","sdp":"x"}}`
	for _, c := range []struct {
		name, method, path, token, body string
		status, code, subcode           int
	}{
		{"no token", "POST", "/v25.0/1/calls", "", connect, 401, 0, 0},
		{"wrong token", "POST", "/v25.0/1/calls", "nonsense", connect, 401, 190, 0},
		{"wrong app secret", "POST", "/v25.0/app-1/subscriptions", "app-1|nonsense", `{}`, 401, 190, 0},
		{"another number", "POST", "/v25.0/2/calls", "token-1", connect, 400, 100, 33},
		{"unknown number", "GET", "/v25.0/9/settings", "token-1", "", 400, 100, 33},
		{"another account", "GET", "/v25.0/waba-2/message_templates", "token-1", "", 400, 100, 33},
		{"unknown edge", "GET", "/v25.0/1/nothing", "token-1", "", 400, 100, 33},
		{"unknown path", "GET", "/v25.0/1/a/b", "token-1", "", 400, 2500, 0},
		{"not JSON", "POST", "/v25.0/1/calls", "token-1", `{`, 400, 100, 0},
		{"a JSON list", "POST", "/v25.0/1/calls", "token-1", `[]`, 400, 100, 0},
		{"null", "POST", "/v25.0/1/calls", "token-1", `null`, 400, 100, 0},
		{"no action", "POST", "/v25.0/1/calls", "token-1", `{"messaging_product":"whatsapp"}`, 400, 100, 0},
		{"no product", "POST", "/v25.0/1/calls", "token-1", `{"action":"reject","call_id":"x"}`, 400, 100, 0},
		{"unknown parameter of connect", "POST", "/v25.0/1/calls", "token-1", strings.Replace(connect, `"action"`, `"from":"1","action"`, 1), 400, 100, 0},
		{"unknown parameter of reject", "POST", "/v25.0/1/calls", "token-1", `{"messaging_product":"whatsapp","action":"reject","call_id":"x","reject_reason":"busy"}`, 400, 100, 0},
		{"plus sign", "POST", "/v25.0/1/calls", "token-1", strings.Replace(connect, `"551`, `"+551`, 1), 400, 100, 0},
		{"sdp_type", "POST", "/v25.0/1/calls", "token-1", strings.Replace(connect, "offer", "answer", 1), 400, 100, 0},
		{"SDP", "POST", "/v25.0/1/calls", "token-1", connect, 400, 138008, 0},
		{"long opaque data", "POST", "/v25.0/1/calls", "token-1", strings.Replace(connect, `"action"`, `"biz_opaque_callback_data":"`+strings.Repeat("x", 513)+`","action"`, 1), 400, 100, 0},
		{"no BIC in the US", "POST", "/v25.0/2/calls", "token-2", connect, 400, 138013, 2593139},
		{"no BIC in the US, permissions", "GET", "/v25.0/2/call_permissions?user_wa_id=551187654321", "token-2", "", 400, 138013, 2593139},
		{"permissions of nobody", "GET", "/v25.0/1/call_permissions", "token-1", "", 400, 131008, 0},
		{"no settings", "POST", "/v25.0/1/settings", "token-1", `{}`, 400, 100, 0},
		{"unknown settings", "POST", "/v25.0/1/settings", "token-1", `{"calling":{"colour":"red"}}`, 400, 100, 0},
		{"bad settings", "POST", "/v25.0/1/settings", "token-1", `{"calling":{"status":"ON"}}`, 400, 100, 0},
	} {
		a := call(t, h, c.method, c.path, c.token, c.body)
		if a.status != c.status || a.Error.Code != c.code || a.Error.Subcode != c.subcode || a.Error.Message == "" || a.Error.Trace == "" || a.Error.Type == "" {
			t.Errorf("%s: %d %s", c.name, a.status, a.raw)
		}
		if c.code == 138013 && (a.Error.Title == "" || strings.HasPrefix(a.Error.Message, "(#")) {
			t.Errorf("%s: %s", c.name, a.raw)
		}
	}
}

func TestLenientParametersAndFailures(t *testing.T) {
	h := newHandler(t, cloud.Flags{LenientParameters: true})
	a := call(t, h, "POST", "/v25.0/1/calls", "token-1", `{"messaging_product":"whatsapp","action":"reject","call_id":"x","reject_reason":"busy"}`)
	if !strings.Contains(a.Error.Data.Details, "call_id") {
		t.Errorf("the unknown parameter was not ignored: %s", a.raw)
	}
	h = newHandler(t, cloud.Flags{GraphFailCode: 131000, GraphFailRate: 1})
	if a := call(t, h, "GET", "/v25.0/1/settings", "token-1", ""); a.status != 500 || a.Error.Code != 131000 {
		t.Errorf("switched-on failure: %s", a.raw)
	}
}

func TestAddresses(t *testing.T) {
	h := newHandler(t, cloud.Flags{})
	send := func(field, to string) string {
		return call(t, h, "POST", "/v25.0/1/messages", "token-1", `{"messaging_product":"whatsapp","`+field+`":"`+to+`","type":"text","text":{"body":"oi"}}`).raw
	}
	for _, c := range []struct{ field, to, want string }{
		{"to", "5511987654321", `"input":"5511987654321","user_id":"BR.`},
		{"to", "+551187654321", `"input":"+551187654321","user_id":"BR.`},
		{"to", "5511987654321", `"wa_id":"551187654321"`},
		{"recipient", "BR.hidden", `{"input":"BR.hidden","user_id":"BR.hidden"}`},
		{"recipient", "BR.unknown", `"code":131009`},
	} {
		if got := send(c.field, c.to); !strings.Contains(got, c.want) {
			t.Errorf("%s %s: %s", c.field, c.to, got)
		}
	}
}

func TestSettingsRoundTrip(t *testing.T) {
	h := newHandler(t, cloud.Flags{SettingsNotSet: true})
	a := call(t, h, "GET", "/v25.0/1/settings", "token-1", "")
	if !strings.Contains(a.raw, `"call_icon_visibility":"NOT_SET"`) || strings.Contains(a.raw, "srtp_key") {
		t.Errorf("at first: %s", a.raw)
	}
	post := `{"calling":{"call_icon_visibility":"DISABLE_ALL","sip":{"status":"DISABLED","servers":[{"hostname":"sbc.example.com.br","port":5061}]}}}`
	if a := call(t, h, "POST", "/v25.0/1/settings", "token-1", post); a.raw != `{"success":true}` {
		t.Errorf("update: %s", a.raw)
	}
	a = call(t, h, "GET", "/v25.0/1/settings?include_sip_credentials=true", "token-1", "")
	for _, want := range []string{`"status":"ENABLED"`, `"DISABLE_ALL"`, `"app_id":"app-1"`, `"sip_user_password"`} {
		if !strings.Contains(a.raw, want) {
			t.Errorf("%s is missing in %s", want, a.raw)
		}
	}
	if a := call(t, h, "GET", "/v25.0/1/settings", "token-1", ""); strings.Contains(a.raw, "sip_user_password") {
		t.Errorf("the password was shown unasked: %s", a.raw)
	}
}

func FuzzIntake(f *testing.F) {
	h := newHandler(f, cloud.Flags{})
	f.Add("calls", `{"messaging_product":"whatsapp","to":"551187654321","action":"connect","session":{"sdp_type":"offer","sdp":"v=0\r\n"}}`)
	f.Add("calls", `{"messaging_product":"whatsapp","call_id":"x","action":"accept","session":{"sdp_type":"answer","sdp":""}}`)
	f.Add("messages", `{"messaging_product":"whatsapp","to":551187654321,"type":"interactive","interactive":{"type":"list","body":{"text":"x"},"action":{"button":"b","sections":[{"rows":[{"id":"1","title":"t"}]}]}}}`)
	f.Add("messages", `{"messaging_product":"whatsapp","to":"551187654321","type":"template","template":{"name":"a","language":{"code":"pt_BR"},"components":[{"type":"button","index":"0"}]}}`)
	f.Add("settings", `{"calling":{"call_hours":{"status":"ENABLED","timezone_id":"UTC","weekly_operating_hours":[{"day_of_week":"MONDAY","open_time":"0000","close_time":"2359"}],"holiday_schedule":[{"date":"2099-01-01","start_time":"0000","end_time":"2359"}]}}}`)
	f.Fuzz(func(t *testing.T, edge, body string) {
		switch edge {
		case "calls", "messages", "settings":
		default:
			edge = "calls"
		}
		a := call(t, h, "POST", "/v25.0/1/"+edge, "token-1", body)
		if (a.status == 200) != (a.Error.Trace == "") {
			t.Errorf("%d with %s", a.status, a.raw)
		}
		call(t, h, "GET", "/v25.0/1/settings", "token-1", "")
	})
}
