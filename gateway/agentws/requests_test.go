package agentws

import (
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"ramal/actors"
	"ramal/gateway/auth"
	"ramal/internal/fault"
	"ramal/internal/telemetry"
)

// tokenAt issues a token that was made at some moment.
func tokenAt(t *testing.T, at time.Time, life time.Duration) string {
	t.Helper()
	tok, err := auth.Issue(issuer, auth.Claims{Tenant: "farmacia", Agent: "ag_luis", Expires: at.Add(life)}, at)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// One good body for each request, what it means, and bodies that must be refused with the field named.
var bodies = map[string]struct {
	good string
	want actors.Request
	bad  map[string]string // data -> start of the detail
}{
	"agent.set_presence": {`{"presence":"break","break_code":"lunch"}`, actors.SetPresence{Presence: "break", BreakCode: "lunch"},
		map[string]string{`{}`: "presence", `{"presence":"busy"}`: "presence", `{"presence":"break","break_code":"` + strings.Repeat("x", 65) + `"}`: "break_code"}},
	"call.dial": {`{"contact_id":"ct_1","line_id":"ln_1","sdp":"v=0"}`, actors.Dial{Contact: "ct_1", Line: "ln_1", SDP: "v=0"},
		map[string]string{`{"line_id":"ln_1","sdp":"v=0"}`: "contact_id", `{"contact_id":"../x","line_id":"ln_1","sdp":"v=0"}`: "contact_id", `{"contact_id":"ct_1","line_id":"ln_1"}`: "sdp",
			`{"contact_id":"ct_1","line_id":"ln_1","sdp":"v=0","tenant":"outra"}`: "tenant", `{"contact_id":5,"line_id":"ln_1","sdp":"v=0"}`: "contact_id",
			`{"contact_id":"ct_1","line_id":"ln_1","sdp":"` + strings.Repeat("v", maxSDP+1) + `"}`: "sdp"}},
	"offer.accept": {`{"offer_id":"of_1","call_id":"call_1","sdp":"v=0"}`, actors.AcceptOffer{Offer: "of_1", Call: "call_1", SDP: "v=0"},
		map[string]string{`{"call_id":"call_1","sdp":"v=0"}`: "offer_id", `{"offer_id":"of_1","sdp":"v=0"}`: "call_id", `{"offer_id":"of_1","call_id":"call_1"}`: "sdp"}},
	"offer.decline": {`{"offer_id":"of_1","call_id":"call_1"}`, actors.DeclineOffer{Offer: "of_1", Call: "call_1"}, map[string]string{`{"call_id":"call_1"}`: "offer_id"}},
	"call.attach":   {`{"call_id":"call_1","sdp":"v=0"}`, actors.AttachMedia{Call: "call_1", SDP: "v=0"}, map[string]string{`{"call_id":"call_1"}`: "sdp"}},
	"call.invite": {`{"call_id":"call_1","agent_id":"ag_2","note":"n"}`, actors.Invite{Call: "call_1", Agent: "ag_2", Note: "n"},
		map[string]string{`{"call_id":"call_1"}`: "agent_id", `{"call_id":"call_1","agent_id":"ag_2","note":"` + strings.Repeat("é", 281) + `"}`: "note"}},
	"call.cancel_invite": {`{"call_id":"call_1","agent_id":"ag_2"}`, actors.CancelInvite{Call: "call_1", Agent: "ag_2"}, map[string]string{`{"call_id":"call_1"}`: "agent_id"}},
	"call.leave":         {`{"call_id":"call_1"}`, actors.Leave{Call: "call_1"}, map[string]string{`{}`: "call_id", `null`: "call_id", `[]`: "the data", `{"call_id":"a"} {}`: "something", `{"call_id"`: "the data"}},
	"call.end":           {`{"call_id":"call_1"}`, actors.End{Call: "call_1"}, map[string]string{`{"call_id":""}`: "call_id"}},
	"call.mute":          {`{"call_id":"call_1","muted":false}`, actors.Mute{Call: "call_1"}, map[string]string{`{"call_id":"call_1"}`: "muted", `{"call_id":"call_1","muted":null}`: "muted", `{"call_id":"call_1","muted":"yes"}`: "muted"}},
	"call.volume": {`{"call_id":"call_1","leg_id":"leg_2","gain":1.5}`, actors.SetVolume{Call: "call_1", Leg: "leg_2", Gain: 1.5},
		map[string]string{`{"call_id":"call_1","leg_id":"leg_2"}`: "gain", `{"call_id":"call_1","leg_id":"leg_2","gain":2.1}`: "gain", `{"call_id":"call_1","leg_id":"leg_2","gain":-0.1}`: "gain", `{"call_id":"call_1","gain":1}`: "leg_id"}},
	"permission.request":  {`{"contact_id":"ct_1","line_id":"ln_1","text":"Podemos ligar?"}`, actors.RequestPermission{Contact: "ct_1", Line: "ln_1", Text: "Podemos ligar?"}, map[string]string{`{"contact_id":"ct_1"}`: "line_id"}},
	"message.send":        {`{"contact_id":"ct_1","line_id":"ln_1","text":"Olá"}`, actors.SendText{Contact: "ct_1", Line: "ln_1", Text: "Olá"}, map[string]string{`{"contact_id":"ct_1","line_id":"ln_1"}`: "text", `{"contact_id":"ct_1","line_id":"ln_1","text":"` + strings.Repeat("x", 4097) + `"}`: "text"}},
	"message.call_button": {`{"contact_id":"ct_1","line_id":"ln_1"}`, actors.SendCallButton{Contact: "ct_1", Line: "ln_1"}, map[string]string{`{"line_id":"ln_1"}`: "contact_id"}},
	"notice.ack":          {`{"notice_ids":["nt_1","nt_2"]}`, actors.AckNotices{IDs: []string{"nt_1", "nt_2"}}, map[string]string{`{}`: "notice_ids", `{"notice_ids":["a b"]}`: "notice_ids", `{"notice_ids":"x"}`: "notice_ids"}},
}

func TestControlCharactersAreRefused(t *testing.T) {
	for kind, data := range map[string]string{
		"agent.set_presence":  `{"presence":"break","break_code":"%s"}`,
		"call.invite":         `{"call_id":"call_1","agent_id":"ag_2","note":"%s"}`,
		"permission.request":  `{"contact_id":"ct_1","line_id":"ln_1","text":"%s"}`,
		"message.send":        `{"contact_id":"ct_1","line_id":"ln_1","text":"%s"}`,
		"message.call_button": `{"contact_id":"ct_1","line_id":"ln_1","text":"%s"}`,
	} {
		for _, bad := range []string{`a\u0000b`, `a\u001b[0m`, `\u007f`, `\u0085`} {
			if _, err := Decode(kind, json.RawMessage(strings.Replace(data, "%s", bad, 1))); fault.CodeOf(err) != "bad_data" || !strings.Contains(err.Error(), "control character") {
				t.Errorf("%s takes %s: %v", kind, bad, err)
			}
		}
		if _, err := Decode(kind, json.RawMessage(strings.Replace(data, "%s", `Olá,\r\n\tç \ud83d\ude00`, 1))); err != nil {
			t.Errorf("%s refuses an ordinary text: %v", kind, err)
		}
	}
}

func TestDecode(t *testing.T) {
	for kind := range specs {
		b, ok := bodies[kind]
		if !ok {
			t.Errorf("request %s has no row here", kind)
			continue
		}
		got, err := Decode(kind, json.RawMessage(b.good))
		if err != nil || !reflect.DeepEqual(got, b.want) {
			t.Errorf("%s: got %+v, %v", kind, got, err)
		}
		for data, detail := range b.bad {
			_, err := Decode(kind, json.RawMessage(data))
			if f := errorOf(err); !fault.Is(err, fault.Invalid) || f.Code != "bad_data" || !strings.HasPrefix(f.Detail, detail) {
				t.Errorf("%s %.80s: got %v, want the detail to begin with %q", kind, data, err, detail)
			}
		}
	}
	if _, err := Decode("nothing", nil); fault.CodeOf(err) != "unknown_type" {
		t.Errorf("got %v", err)
	}
}

func TestEveryTypeIsDocumentedAndCounted(t *testing.T) {
	doc, err := os.ReadFile("../../docs/agent-protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range Types() {
		if !strings.Contains(string(doc), "`"+kind+"`") {
			t.Errorf("docs/agent-protocol.md does not name %s", kind)
		}
		if !telemetry.Known(telemetry.LabelAgentRequest, kind) {
			t.Errorf("the metric of requests does not know %s", kind)
		}
	}
	if len(Types()) != len(specs)+3 {
		t.Errorf("%d types", len(Types()))
	}
	for _, e := range []end{endToken, endSilent, endSlow, endProtocol, endDraining, endRefused, endClient, endBroken, endShutdown} {
		if !telemetry.Known(telemetry.LabelSessionEnd, e.label) {
			t.Errorf("the metric of ends does not know %s", e.label)
		}
	}
	for _, k := range []fault.Kind{fault.Invalid, fault.Denied, fault.NotFound, fault.Conflict, fault.Unavailable, fault.Exhausted, fault.Internal, fault.Unknown, "ok"} {
		if !telemetry.Known(telemetry.LabelFaultKind, string(k)) {
			t.Errorf("the metrics do not know the kind %s", k)
		}
	}
}

func TestLang(t *testing.T) {
	for in, want := range map[string]string{"": "pt-BR", "en": "en", "en-US": "en-US", "<x>": "pt-BR", strings.Repeat("a", 36): "pt-BR"} {
		if got := lang(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}

// Whatever a client sends: a frame, an answerable error or the end of the session, never a panic; what is decoded obeys the limits.
func FuzzFrame(f *testing.F) {
	for kind, b := range bodies {
		f.Add([]byte(`{"id":"1","type":"` + kind + `","data":` + b.good + `}`))
		for data := range b.bad {
			f.Add([]byte(`{"id":"1","type":"` + kind + `","data":` + data + `}`))
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		fr, err := parseFrame(raw)
		if len(fr.ID) > maxFrameID {
			t.Fatalf("an id of %d bytes", len(fr.ID))
		}
		if err != nil {
			return
		}
		req, err := Decode(fr.Type, fr.Data)
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Fatalf("%s: %v", raw, err)
			}
			return
		}
		encoded, err := json.Marshal(req)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := Decode(fr.Type, encoded); err != nil || !reflect.DeepEqual(again, req) {
			t.Fatalf("%s decodes to %+v, then to %+v (%v)", raw, req, again, err)
		}
	})
}
