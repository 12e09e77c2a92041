package whatsapp

import (
	"encoding/json"
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"ramal/internal/fault"
)

// The vector was made with another implementation of HMAC.
func TestVerifySignature(t *testing.T) {
	body := []byte(`{"object":"whatsapp_business_account","entry":[]}`)
	good := "sha256=dec6a680679a968e7e0319355b23599cbfc54502c0784668e9618baa0c633756"
	if !VerifySignature("test_app_secret", body, good) || !VerifySignature("test_app_secret", body, " sha256="+strings.ToUpper(good[7:])) {
		t.Error("the vector is refused")
	}
	for name, ok := range map[string]bool{
		"other secret": VerifySignature("test_app_secreT", body, good),
		"other body":   VerifySignature("test_app_secret", append([]byte(" "), body...), good),
		"no secret":    VerifySignature("", body, good),
		"no header":    VerifySignature("test_app_secret", body, ""),
		"no scheme":    VerifySignature("test_app_secret", body, good[7:]),
		"short":        VerifySignature("test_app_secret", body, good[:60]),
		"not hex":      VerifySignature("test_app_secret", body, "sha256=zz"),
		"sha1":         VerifySignature("test_app_secret", body, "sha1="+good[7:]),
	} {
		if ok {
			t.Errorf("%s is accepted", name)
		}
	}
}

func TestVerifyChallenge(t *testing.T) {
	q := func(mode, token string) url.Values {
		return url.Values{"hub.mode": {mode}, "hub.verify_token": {token}, "hub.challenge": {"117"}}
	}
	if c, ok := VerifyChallenge(q("subscribe", "T"), "T"); !ok || c != "117" {
		t.Error("the right token is refused")
	}
	for _, bad := range []url.Values{q("subscribe", "t"), q("unsubscribe", "T"), q("subscribe", ""), {}} {
		if _, ok := VerifyChallenge(bad, "T"); ok {
			t.Errorf("%v is accepted", bad)
		}
	}
	if _, ok := VerifyChallenge(q("subscribe", ""), ""); ok {
		t.Error("an empty token verifies")
	}
}

// value wraps the inside of a value object of the given field into a webhook.
func value(field, inside string) string {
	return `{"object":"whatsapp_business_account","entry":[{"id":"W1","changes":[{"field":"` + field + `","value":{
		"messaging_product":"whatsapp","metadata":{"display_phone_number":"551140028922","phone_number_id":"P1"},` + inside + `}}]}]}`
}

func at(unix int64) time.Time { return time.Unix(unix, 0).UTC() }

func head(unix int64, p Party) Head { return Head{Meta{"W1", "P1", "551140028922", at(unix)}, p} }

var (
	anaParty  = Party{WaID: "5511987654321", UserID: "BR.8kJ2", Name: "Ana Souza"}
	anaNumber = Party{WaID: "5511987654321"}
	media21   = Error{Code: 138021, Message: "m", Details: "no media received from business"}
)

const anaContact = `"contacts":[{"profile":{"name":"Ana Souza"},"wa_id":"5511987654321","user_id":"BR.8kJ2"}],`

// Meta's bodies, the captured ones and their known variants, each with what they mean.
var bodies = []struct {
	name, body, key string
	want            Event
}{
	{"UIC connect", value("calls", anaContact+`"calls":[{"id":"wacid.A","from":"5511987654321","from_user_id":"BR.8kJ2","to":"551140028922","event":"connect","timestamp":"1795950000","direction":"USER_INITIATED","deeplink_payload":"campaign-7","cta_payload":"order-991","session":{"sdp_type":"offer","sdp":"v=0\r\n"}}]`),
		"P1|wacid.A|connect", CallConnect{head(1795950000, anaParty), "wacid.A", UserInitiated, "v=0\r\n", "offer", "order-991", "campaign-7", ""}},
	{"UIC connect without direction, user with a username", value("calls", `"contacts":[{"profile":{"name":"Ana","username":"ana.s"},"user_id":"BR.8kJ2","parent_user_id":"US.ENT.1"}],"calls":[{"id":"wacid.A","from_user_id":"BR.8kJ2","from_parent_user_id":"US.ENT.1","to":"551140028922","event":"CONNECT","timestamp":1795950000,"session":{"sdp_type":"offer","sdp":"v=0"}}]`),
		"P1|wacid.A|connect", CallConnect{head(1795950000, Party{"", "BR.8kJ2", "US.ENT.1", "Ana", "ana.s"}), "wacid.A", UserInitiated, "v=0", "offer", "", "", ""}},
	{"BIC connect, before contacts", value("calls", `"calls":[{"id":"wacid.A","from":"551140028922","to":"5511987654321","event":"connect","timestamp":"1795950002","direction":"BUSINESS_INITIATED","biz_opaque_callback_data":"tenant=t;call=c","session":{"sdp_type":"answer","sdp":"v=0"},"connection":{"webrtc":{"sdp":"{}"}}}]`),
		"P1|wacid.A|connect", CallConnect{head(1795950002, anaNumber), "wacid.A", BusinessInitiated, "v=0", "answer", "", "", "tenant=t;call=c"}},
	{"BIC connect to a username", value("calls", `"contacts":[{"user_id":"BR.8kJ2"}],"calls":[{"id":"wacid.A","from":"551140028922","to_user_id":"BR.8kJ2","event":"connect","timestamp":"1795950002","session":{"sdp_type":"answer","sdp":"v=0"}}]`),
		"P1|wacid.A|connect", CallConnect{head(1795950002, Party{UserID: "BR.8kJ2"}), "wacid.A", BusinessInitiated, "v=0", "answer", "", "", ""}},
	{"ringing", value("calls", `"statuses":[{"id":"wacid.A","type":"call","status":"RINGING","timestamp":"1795950003","recipient_id":"5511987654321","recipient_user_id":"BR.8kJ2","biz_opaque_callback_data":"o"}]`),
		"P1|wacid.A|status|RINGING", CallStatus{head(1795950003, Party{WaID: "5511987654321", UserID: "BR.8kJ2"}), "wacid.A", CallRinging, "o"}},
	{"accepted, another case", value("calls", anaContact+`"statuses":[{"id":"wacid.A","type":"CALL","status":"Accepted","timestamp":"1795950003"}]`),
		"P1|wacid.A|status|ACCEPTED", CallStatus{head(1795950003, anaParty), "wacid.A", CallAccepted, ""}},
	{"terminate, answered", value("calls", `"calls":[{"id":"wacid.A","from":"5511987654321","to":"551140028922","event":"terminate","direction":"USER_INITIATED","timestamp":"1795950100","status":"COMPLETED","start_time":"1795950010","end_time":"1795950099","duration":89,"biz_opaque_callback_data":"q"}]`),
		"P1|wacid.A|terminate", CallTerminate{head(1795950100, anaNumber), "wacid.A", UserInitiated, "COMPLETED", true, at(1795950010), at(1795950099), 89 * time.Second, nil, "q"}},
	{"terminate, missed, mixed case and list", value("calls", `"calls":[{"id":"wacid.A","to":"5511987654321","from":"551140028922","event":"terminate","timestamp":"1795950100","status":["Completed"]}]`),
		"P1|wacid.A|terminate", CallTerminate{Head: head(1795950100, anaNumber), CallID: "wacid.A", Status: "COMPLETED"}},
	{"terminate, failed, both error places", value("calls", `"calls":[{"id":"wacid.A","event":"terminate","direction":"USER_INITIATED","status":"FAILED","from":"5511987654321","to":"551140028922","timestamp":"1795950032","start_time":"1795950010","end_time":"1795950030","duration":"20","errors":[{"code":138021,"title":"t","message":"m","error_data":{"details":"no media received from business"}}]}],"errors":[{"code":1,"message":"other"}]`),
		"P1|wacid.A|terminate", CallTerminate{head(1795950032, anaNumber), "wacid.A", UserInitiated, "FAILED", true, at(1795950010), at(1795950030), 20 * time.Second, []Error{media21}, ""}},
	{"terminate, failed, errors beside the call", value("calls", `"calls":[{"id":"wacid.A","event":"terminate","direction":"USER_INITIATED","status":"Failed","from":"5511987654321","timestamp":"1795950032"}],"errors":[{"code":"138021","message":"m","href":"https://x","error_data":{"details":"no media received from business"}}]`),
		"P1|wacid.A|terminate", CallTerminate{Head: head(1795950032, anaNumber), CallID: "wacid.A", Direction: UserInitiated, Status: "FAILED", Errors: []Error{media21}}},
	{"call_created of SIP", value("calls", `"calls":[{"id":"wacid.A","event":"call_created","timestamp":"1795950000","from":"5511987654321"}]`),
		"P1|unknown|wacid.A|call_created", Unknown{head(1795950000, anaNumber), "calls", "call_created", "wacid.A|call_created"}},
	{"temporary permission", value("messages", anaContact+`"messages":[{"from":"5511987654321","id":"wamid.R","timestamp":"1795950500","type":"interactive","context":{"from":"551140028922","id":"wamid.Q"},"interactive":{"type":"call_permission_reply","call_permission_reply":{"response":"accept","is_permanent":false,"expiration_timestamp":"1796555300","response_source":"user_action"}}}]`),
		"P1|wamid.R|message", PermissionReply{head(1795950500, anaParty), "wamid.R", true, false, at(1796555300), false, "wamid.Q"}},
	{"temporary permission, integer", value("messages", `"messages":[{"from":"5511987654321","id":"wamid.R","timestamp":"1795950500","type":"interactive","context":{"id":"wacid.A"},"interactive":{"type":"call_permission_reply","call_permission_reply":{"response":"accept","expiration_timestamp":1796555300,"response_source":"automatic"}}}]`),
		"P1|wamid.R|message", PermissionReply{head(1795950500, anaNumber), "wamid.R", true, false, at(1796555300), true, "wacid.A"}},
	{"permanent permission from the profile", value("messages", `"messages":[{"from_user_id":"BR.8kJ2","id":"wamid.R","timestamp":"1795950500","type":"interactive","interactive":{"type":"call_permission_reply","call_permission_reply":{"response":"accept","is_permanent":true,"response_source":"user_action"}}}]`),
		"P1|wamid.R|message", PermissionReply{Head: head(1795950500, Party{UserID: "BR.8kJ2"}), MessageID: "wamid.R", Accepted: true, Permanent: true}},
	{"permission declined", value("messages", `"messages":[{"from":"5511987654321","id":"wamid.R","timestamp":"1795950500","type":"interactive","context":{"id":"wamid.Q"},"interactive":{"type":"call_permission_reply","call_permission_reply":{"response":"reject","response_source":"user_action"}}}]`),
		"P1|wamid.R|message", PermissionReply{Head: head(1795950500, anaNumber), MessageID: "wamid.R", ContextID: "wamid.Q"}},
	{"permission revoked by Meta", value("messages", `"messages":[{"from":"5511987654321","id":"wamid.R","timestamp":"1795950500","type":"interactive","interactive":{"type":"call_permission_reply","call_permission_reply":{"response":"reject","response_source":"automatic"}}}]`),
		"P1|wamid.R|message", PermissionReply{Head: head(1795950500, anaNumber), MessageID: "wamid.R", Automatic: true}},
	{"text", value("messages", `"messages":[{"from":"5511987654321","id":"wamid.T","timestamp":"1795950500","type":"text","text":{"body":"Ol\u00e1 \/"},"context":{"id":"wamid.Q"}}]`),
		"P1|wamid.T|message", InboundMessage{Head: head(1795950500, anaNumber), MessageID: "wamid.T", Kind: "text", Text: "Olá /", ContextID: "wamid.Q"}},
	{"button reply", value("messages", `"messages":[{"from":"5511987654321","id":"wamid.T","timestamp":"1795950500","type":"interactive","interactive":{"type":"button_reply","button_reply":{"id":"y","title":"Sim"}}}]`),
		"P1|wamid.T|message", InboundMessage{Head: head(1795950500, anaNumber), MessageID: "wamid.T", Kind: "button_reply", Text: "Sim", ReplyID: "y"}},
	{"list reply", value("messages", `"messages":[{"from":"5511987654321","id":"wamid.T","timestamp":"1795950500","type":"interactive","interactive":{"type":"list_reply","list_reply":{"id":"y","title":"Sim","description":"d"}}}]`),
		"P1|wamid.T|message", InboundMessage{Head: head(1795950500, anaNumber), MessageID: "wamid.T", Kind: "list_reply", Text: "Sim", ReplyID: "y", Description: "d"}},
	{"template button", value("messages", `"messages":[{"from":"5511987654321","id":"wamid.T","timestamp":"1795950500","type":"button","button":{"payload":"p","text":"Sim"}}]`),
		"P1|wamid.T|message", InboundMessage{Head: head(1795950500, anaNumber), MessageID: "wamid.T", Kind: "button", Text: "Sim", ReplyID: "p"}},
	{"voicemail", value("messages", `"messages":[{"from":"5511987654321","id":"wacid.A","timestamp":"1795950500","type":"audio","audio":{"id":138,"mime_type":"audio/ogg","sha256":"s","voice":true}}]`),
		"P1|wacid.A|message", InboundMessage{Head: head(1795950500, anaNumber), MessageID: "wacid.A", Kind: "audio", Media: Media{"138", "audio/ogg", "s", "", true}}},
	{"unsupported", value("messages", `"messages":[{"from":"5511987654321","id":"wamid.T","timestamp":"1795950500","type":"unsupported","errors":[{"code":131051,"title":"Unsupported"}]}]`),
		"P1|wamid.T|message", InboundMessage{Head: head(1795950500, anaNumber), MessageID: "wamid.T", Kind: "unsupported", Errors: []Error{{Code: 131051, Message: "Unsupported"}}}},
	{"number changed", value("messages", `"messages":[{"from":"5511987654321","id":"wamid.T","timestamp":"1795950500","type":"system","system":{"body":"b","type":"user_changed_number","wa_id":"5511911112222"}}]`),
		"P1|wamid.T|message", IdentityChanged{head(1795950500, anaNumber), "wamid.T", "user_changed_number", "5511911112222", "", ""}},
	{"delivered", value("messages", `"statuses":[{"id":"wamid.T","status":"delivered","timestamp":"1795950600","recipient_id":"5511987654321","biz_opaque_callback_data":"o","pricing":{"billable":true,"pricing_model":"PMP","category":"marketing","type":"regular"}}]`),
		"P1|wamid.T|status|delivered", MessageStatus{head(1795950600, anaNumber), "wamid.T", "delivered", &Pricing{true, "PMP", "marketing", "regular"}, nil, "o"}},
	{"failed", value("messages", `"statuses":[{"id":"wamid.T","status":"failed","timestamp":"1795950600","errors":[{"code":131047,"title":"Re-engagement message","error_data":{"details":"d"},"href":"h"}]}]`),
		"P1|wamid.T|status|failed", MessageStatus{Head: head(1795950600, Party{}), MessageID: "wamid.T", Status: "failed", Errors: []Error{{Code: 131047, Message: "Re-engagement message", Details: "d"}}}},
	{"no payment method", value("calls", `"errors":[{"code":131044,"title":"t","message":"m"}]`), "", LineError{Head: head(0, Party{}), Field: "calls", Errors: []Error{{Code: 131044, Message: "m"}}}},
	{"settings", `{"object":"whatsapp_business_account","entry":[{"id":"W1","time":1795950000,"changes":[{"field":"account_settings_update","value":{"messaging_product":"whatsapp","timestamp":"1795950001","type":"PHONE_NUMBER_SETTINGS","PHONE_NUMBER_SETTINGS":{"phone_number_id":"P1","calling":{"status":"enabled","srtp_key_exchange_protocol":"NOT_SET"}}}}]}]}`,
		"", AccountSettingsUpdate{Head: Head{Meta: Meta{WABA: "W1", PhoneNumberID: "P1", At: at(1795950001)}}, Type: "phone_number_settings", Calling: CallingSettings{Status: "ENABLED"}}},
	{"restriction", `{"object":"whatsapp_business_account","entry":[{"id":"W1","time":1795950000,"changes":[{"field":"account_update","value":{"event":"ACCOUNT_RESTRICTION","restriction_info":[{"restriction_type":"RESTRICTED_BUSINESS_INITIATED_CALLING","expiration":1796554800}]}}]}]}`,
		"", AccountUpdate{Head: Head{Meta: Meta{WABA: "W1", At: at(1795950000)}}, Event: "ACCOUNT_RESTRICTION", Restrictions: []Restriction{{"RESTRICTED_BUSINESS_INITIATED_CALLING", "", at(1796554800)}}}},
	{"violation and tier", `{"object":"whatsapp_business_account","entry":[{"id":"W1","time":1795950000,"changes":[{"field":"account_update","value":{"event":"ACCOUNT_VIOLATION","violation_info":{"violation_type":"LOW_USER_INITIATED_CALLING_QUALITY","remediation":"r"},"volume_tier_info":{"tier_update_time":1795940000,"pricing_category":"CALLING","tier":"0:50000","effective_month":"2026-11","region":"BR"}}}]}]}`,
		"", AccountUpdate{Head: Head{Meta: Meta{WABA: "W1", At: at(1795950000)}}, Event: "ACCOUNT_VIOLATION", Violation: "LOW_USER_INITIATED_CALLING_QUALITY", Remediation: "r", Tier: &VolumeTier{"CALLING", "0:50000", "2026-11", "BR", at(1795940000)}}},
	{"a field of tomorrow", `{"object":"whatsapp_business_account","entry":[{"id":"W1","changes":[{"field":"call_recording_available","value":[1,"<"]}]}]}`,
		"", Unknown{Head: Head{Meta: Meta{WABA: "W1"}}, Field: "call_recording_available"}},
}

// withoutDigest clears what stands for an id where Meta gives none.
func withoutDigest(e Event) Event {
	switch v := e.(type) {
	case LineError:
		v.digest = ""
		v.Meta.At = at(0)
		return v
	case AccountSettingsUpdate:
		v.digest = ""
		return v
	case AccountUpdate:
		v.digest = ""
		return v
	case Unknown:
		if v.Name == "" {
			v.digest = ""
		}
		return v
	case CallConnect, CallStatus, CallTerminate, PermissionReply, InboundMessage, IdentityChanged, MessageStatus:
		return v
	}
	panic(fmt.Sprintf("no case for %T", e))
}

func TestBodies(t *testing.T) {
	kinds := map[string]bool{}
	for _, c := range bodies {
		t.Run(c.name, func(t *testing.T) {
			events, err := ParseWebhook([]byte(c.body))
			if err != nil || len(events) != 1 {
				t.Fatalf("%d events, %v", len(events), err)
			}
			if got := withoutDigest(events[0]); !reflect.DeepEqual(got, c.want) {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
			if key := events[0].DedupeKey(); c.key != "" && key != c.key {
				t.Errorf("the key is %q, want %q", key, c.key)
			}
			items, err := SplitWebhook([]byte(c.body))
			if err != nil || len(items) != 1 {
				t.Fatalf("%d items, %v", len(items), err)
			}
			again, err := ParseItem(items[0].Body)
			if err != nil || !reflect.DeepEqual(again, events[0]) || again.DedupeKey() != items[0].DedupeKey {
				t.Errorf("the item reads %+v, %v", again, err)
			}
			if items[0].PhoneNumberID != events[0].Header().Meta.PhoneNumberID || items[0].WABA != "W1" {
				t.Errorf("the item is addressed to %+v", items[0])
			}
			kinds[fmt.Sprintf("%T", events[0])] = true
		})
	}
	if len(kinds) != 11 {
		t.Errorf("%d of 11 kinds of event are covered: %v", len(kinds), kinds)
	}
}

func TestVoicemail(t *testing.T) {
	if !(InboundMessage{Kind: "audio", MessageID: "wacid.A"}).Voicemail() || (InboundMessage{Kind: "audio", MessageID: "wamid.A"}).Voicemail() {
		t.Error("a voicemail is an audio message with a call's id, and nothing else is")
	}
}

func TestBatchKeepsTheGoodAndNamesTheBad(t *testing.T) {
	body := `{"object":"whatsapp_business_account","entry":[
	 {"id":"W1","changes":[
	  {"field":"calls","value":{"metadata":{"phone_number_id":"P1","display_phone_number":"551140028922"},
	   "contacts":[{"wa_id":"5511","profile":{"name":"Um"}},{"wa_id":"5522","user_id":"BR.2","profile":{"name":"Dois"}},"bad"],
	   "calls":[{"id":"wacid.1","from":"5511","event":"terminate","status":"FAILED","direction":"USER_INITIATED"},
	            7, {"event":"connect"}, {"id":"wacid.3","event":"connect","from":"5511"},
	            {"id":"wacid.2","from_user_id":"BR.2","event":"terminate","status":"COMPLETED","direction":"USER_INITIATED"}],
	   "statuses":[{"id":"wacid.9","type":"call","status":"RINGING"},{"id":"wacid.9","type":"call"},null],
	   "errors":[{"code":138021},{"code":"none"}]}},
	  "no change",
	  {"field":"messages","value":"no value"},
	  {"field":"messages","value":{"metadata":{"phone_number_id":"P2"},"messages":[{"id":"wamid.1","type":"text","text":{"body":"x"},"from":"5533"},{"id":"wamid.2","type":"text","text":"bad"}]}}]},
	 5,
	 {"id":"W2","changes":[{"field":"messages","value":{"metadata":{"phone_number_id":"P3"},"statuses":[{"id":"wamid.3","status":"READ"}]}}]}]}`
	events, err := ParseWebhook([]byte(body))
	var keys []string
	for _, e := range events {
		keys = append(keys, e.DedupeKey())
	}
	want := []string{"P1|wacid.1|terminate", "P1|wacid.2|terminate", "P1|wacid.9|status|RINGING", "P2|wamid.1|message", "P3|wamid.3|status|read"}
	if !reflect.DeepEqual(keys, want) {
		t.Errorf("got  %q\nwant %q", keys, want)
	}
	if !fault.Is(err.(interface{ Unwrap() []error }).Unwrap()[0], fault.Invalid) || len(err.(interface{ Unwrap() []error }).Unwrap()) != 9 {
		t.Errorf("errors: %v", err)
	}
	failed, good := events[0].(CallTerminate), events[1].(CallTerminate)
	if len(failed.Errors) != 1 || failed.Party.Name != "Um" || len(good.Errors) != 0 || good.Party.Name != "Dois" || good.Party.WaID != "5522" {
		t.Errorf("errors and contacts are mixed up: %+v %+v", failed, good)
	}
	items, err := SplitWebhook([]byte(body))
	if len(items) != len(want) || err == nil {
		t.Errorf("%d items, %v", len(items), err)
	}
	for i, it := range items {
		ev, err := ParseItem(it.Body)
		if err != nil || !reflect.DeepEqual(ev, events[i]) {
			t.Errorf("item %d: %+v, %v", i, ev, err)
		}
	}
}

func TestNotAWebhook(t *testing.T) {
	for _, body := range []string{"", "null", "[]", `{}`, `{"object":"page","entry":[]}`, `{"object":"whatsapp_business_account","entry":{}}`, `{"object":"whatsapp_business_account"`} {
		if events, err := ParseWebhook([]byte(body)); !fault.Is(err, fault.Invalid) || len(events) != 0 {
			t.Errorf("%q: %v, %v", body, events, err)
		}
	}
	if events, err := ParseWebhook([]byte(`{"object":"whatsapp_business_account","entry":[]}`)); err != nil || len(events) != 0 {
		t.Errorf("an empty webhook: %v, %v", events, err)
	}
	if _, err := ParseItem([]byte(`{"object":"whatsapp_business_account","entry":[]}`)); !fault.Is(err, fault.Invalid) {
		t.Errorf("an empty item: %v", err)
	}
}

func TestABatchIsNotQuadratic(t *testing.T) {
	const n = 1000
	calls, contacts, errs := make([]string, n), make([]string, n), make([]string, n)
	for i := range n {
		calls[i] = fmt.Sprintf(`{"id":"wacid.%d","from":"%d","event":"terminate","status":"FAILED"}`, i, 100_000+i)
		contacts[i] = fmt.Sprintf(`{"wa_id":"%d","profile":{"name":"N%d"}}`, 100_000+i, i)
		errs[i] = `{"code":138021,"message":"` + strings.Repeat("m", 1000) + `"}`
	}
	body := value("calls", `"contacts":[`+strings.Join(contacts, ",")+`],"calls":[`+strings.Join(calls, ",")+`],"errors":[`+strings.Join(errs, ",")+`]`)
	items, err := SplitWebhook([]byte(body))
	total := 0
	for _, it := range items {
		total += len(it.Body)
	}
	if err != nil || len(items) != n || total > 8*len(body) {
		t.Errorf("%d items of %d bytes in all from %d bytes, %v", len(items), total, len(body), err)
	}
}

func TestOpaque(t *testing.T) {
	in := Opaque{"farmacia", "call_01j"}
	if out, ok := ParseOpaque(in.String()); !ok || out != in {
		t.Errorf("%q reads %+v %v", in.String(), out, ok)
	}
	if out, ok := ParseOpaque("v=2;call=c;tenant=t"); !ok || out != (Opaque{"t", "c"}) {
		t.Errorf("order and new keys: %+v %v", out, ok)
	}
	for _, bad := range []string{"", "tenant=t", "call=c", "tenant=;call=c", "tenant=t;call=a b", "x", "tenant=t;call=c;" + strings.Repeat("x=y;", 200)} {
		if out, ok := ParseOpaque(bad); ok || out != (Opaque{}) {
			t.Errorf("%q reads %+v", bad, out)
		}
	}
	longest := Opaque{"t", "c"}
	longest.Tenant += "x"
	if len(longest.String()) > MaxOpaque {
		t.Error("too long for Meta")
	}
}

func TestPhoneVariants(t *testing.T) {
	for in, want := range map[string]string{
		"5511987654321":       "5511987654321 551187654321",
		"551187654321":        "551187654321 5511987654321",
		"+55 (41) 9 8888-777": "554198888777 5541998888777",
		"551140028922":        "551140028922",  // a landline
		"5511940028922":       "5511940028922", // without its ninth digit it would be a landline
		"14155550123":         "14155550123",
		"55119":               "55119",
		"":                    "",
	} {
		if got := strings.Join(PhoneVariants(in), " "); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestPeriodsAndTimes(t *testing.T) {
	for in, want := range map[string]time.Duration{"PT24H": 24 * time.Hour, "P7D": 168 * time.Hour, "p1dt1h30m5s": 25*time.Hour + 30*time.Minute + 5*time.Second,
		"P1W": 168 * time.Hour, "": 0, "P1M": 0, "24H": 0, "PT": 0, "P1D2": 24 * time.Hour, "PT99999999999H": 0} {
		if got := isoPeriod(in); got != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
	}
	for in, want := range map[string]int64{"1795950000": 1795950000, `"1795950000"`: 1795950000, "1795950000.0": 1795950000, "1795950000000": 1795950000,
		"-5": 0, "null": 0, `"x"`: 0, "1e300": 0, "{}": 0, `["1795950000"]`: 1795950000} {
		var f flexInt
		if err := json.Unmarshal([]byte(in), &f); err != nil || (want == 0) != f.time().IsZero() || want != 0 && f.time().Unix() != want {
			t.Errorf("%s: %v %v", in, f.time(), err)
		}
	}
}

// Whatever comes in: no panic, and what is read survives the inbox unchanged.
func FuzzWebhook(f *testing.F) {
	for _, c := range bodies {
		f.Add([]byte(c.body))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		events, _ := ParseWebhook(raw)
		items, _ := SplitWebhook(raw)
		if len(items) != len(events) {
			t.Fatalf("%d events but %d items", len(events), len(items))
		}
		for i, it := range items {
			ev, err := ParseItem(it.Body)
			if err != nil {
				t.Fatalf("item %s: %v", it.Body, err)
			}
			if ev.DedupeKey() != it.DedupeKey || events[i].DedupeKey() != it.DedupeKey || fmt.Sprintf("%T", ev) != fmt.Sprintf("%T", events[i]) {
				t.Fatalf("the item %s reads %+v, was %+v", it.Body, ev, events[i])
			}
		}
	})
}

func FuzzOpaque(f *testing.F) {
	f.Add("tenant=t;call=c")
	f.Fuzz(func(t *testing.T, s string) {
		if o, ok := ParseOpaque(s); ok {
			if again, ok := ParseOpaque(o.String()); !ok || again != o {
				t.Fatalf("%q reads %+v, then %+v", s, o, again)
			}
		}
	})
}
