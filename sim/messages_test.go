package sim

import (
	"fmt"
	"strings"
	"testing"

	"ramal/sim/cloud"
)

// send posts a message to Ana and returns its id.
func (b *business) send(body obj) string {
	b.t.Helper()
	code, out := b.trySend(body)
	if code != 0 {
		b.t.Fatalf("send: %v", out)
	}
	return out["messages"].([]any)[0].(obj)["id"].(string)
}

func (b *business) trySend(body obj) (int, obj) {
	b.t.Helper()
	if body["to"] == nil && body["recipient"] == nil {
		body["to"] = ana
	}
	body["messaging_product"], body["recipient_type"] = "whatsapp", "individual"
	_, out := b.do("POST", b.graph(pnid+"/messages"), body)
	return errorCode(out), out
}

func request() obj {
	return obj{"type": "interactive", "interactive": obj{"type": "call_permission_request", "body": obj{"text": "Podemos ligar?"},
		"action": obj{"name": "call_permission_request"}}}
}

func (b *business) ask(t *testing.T) string { t.Helper(); return b.send(request()) }

func (b *business) permissions() obj {
	b.t.Helper()
	return b.ok("GET", b.graph(pnid+"/call_permissions?user_wa_id="+ana), nil)
}

func status(p obj) any { return p["permission"].(obj)["status"] }

func limit(p obj, action, limit int) obj {
	return p["actions"].([]any)[action].(obj)["limits"].([]any)[limit].(obj)
}

// Row 7: permissions.

func TestPermissionByRequest(t *testing.T) {
	b := world(t, nil)
	p := b.permissions()
	if status(p) != "no_permission" || fmt.Sprint(p["actions"].([]any)[1].(obj)["limits"]) != "[]" {
		t.Errorf("at first: %v", p)
	}
	b.user("window", obj{"open": true})
	id := b.ask(t)
	b.waitKind("delivered")
	b.user("answer", obj{"answer": "accept_temporary"})
	h := b.waitKind("call_permission_reply")
	m := h.item("messages")
	reply := m["interactive"].(obj)["call_permission_reply"].(obj)
	if reply["response"] != "accept" || reply["is_permanent"] != false || reply["response_source"] != "user_action" || m["context"].(obj)["id"] != id {
		t.Errorf("reply: %v", m)
	}
	if h.field != "messages" {
		t.Errorf("field %s", h.field)
	}
	if _, ok := reply["expiration_timestamp"].(string); !ok {
		t.Errorf("expiration_timestamp is %T", reply["expiration_timestamp"])
	}
	p = b.permissions()
	if status(p) != "temporary" || atoi(p["permission"].(obj)["expiration_time"]) != atoi(reply["expiration_timestamp"]) {
		t.Errorf("after accepting: %v", p)
	}
	if l := limit(p, 0, 0); l["current_usage"] != 1.0 || l["max_allowed"] != 1.0 || l["limit_expiration_time"] == nil {
		t.Errorf("request limit: %v", l)
	}
	if l := limit(p, 1, 0); l["max_allowed"] != 100.0 || l["current_usage"] != 0.0 || l["limit_expiration_time"] != nil {
		t.Errorf("call limit: %v", l)
	}
	if code, _ := b.trySend(request()); code != 138009 {
		t.Errorf("second request in a day: %d", code)
	}
	before := len(b.all())
	b.ok("POST", "/control/clock", obj{"advance": "168h1s"})
	if status(b.permissions()) != "no_permission" {
		t.Error("the permission did not expire")
	}
	if len(b.all()) != before {
		t.Error("expiry must be silent")
	}
}

func TestPermissionAnswersAndGrants(t *testing.T) {
	b := world(t, func(c *Config) { c.Flags.IntegerExpiration = true })
	b.user("window", obj{"open": true})
	replies := func() int {
		n := 0
		for _, h := range b.all() {
			if h.kind() == "call_permission_reply" {
				n++
			}
		}
		return n
	}
	last := func() obj {
		var m obj
		eventually(t, "a reply", func() bool { return replies() > 0 })
		for _, h := range b.all() {
			if h.kind() == "call_permission_reply" {
				m = h.item("messages")
			}
		}
		return m
	}
	for n, c := range []struct {
		name      string
		do        func()
		response  string
		permanent any
		context   bool
	}{
		{"profile, temporary", func() { b.user("permission", obj{"action": "grant_temporary"}) }, "accept", false, false},
		{"decline", func() { b.ask(t); b.waitKind("delivered"); b.user("answer", obj{"answer": "decline"}) }, "reject", false, true},
		{"permanent afterwards", func() { b.user("answer", obj{"answer": "accept_permanent"}) }, "accept", true, true},
		{"revoke", func() { b.user("permission", obj{"action": "revoke"}) }, "reject", nil, false},
	} {
		c.do()
		eventually(t, c.name, func() bool { return replies() == n+1 })
		m := last()
		r := m["interactive"].(obj)["call_permission_reply"].(obj)
		if r["response"] != c.response || r["is_permanent"] != c.permanent || (m["context"] != nil) != c.context {
			t.Errorf("%s: %v", c.name, m)
		}
		if c.name == "profile, temporary" {
			if _, ok := r["expiration_timestamp"].(float64); !ok {
				t.Errorf("integer_expiration: %v", r)
			}
		}
	}
	b.ok("PATCH", "/control/flags", obj{"silent_revoke": true})
	b.grant()
	b.user("permission", obj{"action": "revoke"})
	if code, _ := b.calls(obj{"to": ana, "action": "connect", "session": obj{"sdp_type": "offer", "sdp": newMedia(t, false).offer()}}); code != 138006 {
		t.Errorf("a call after a silent revoke: %d", code)
	}
	if replies() != 4 {
		t.Error("a silent revoke sent a webhook")
	}
	b.grant()
	if code, _ := b.trySend(request()); code != 138017 {
		t.Errorf("a request beside a permanent permission: %d", code)
	}
}

func TestCallbackPermission(t *testing.T) {
	b := world(t, nil)
	id := b.ring(nil).id()
	m := b.waitKind("call_permission_reply").item("messages")
	r := m["interactive"].(obj)["call_permission_reply"].(obj)
	if r["response_source"] != "automatic" || r["response"] != "accept" || m["context"].(obj)["id"] != id {
		t.Errorf("automatic permission: %v", m)
	}
	if status(b.permissions()) != "temporary" {
		t.Error("no permission after a call")
	}
	companion := world(t, func(c *Config) { c.Users[0].Companion = true })
	companion.ring(nil)
	if status(companion.permissions()) != "no_permission" {
		t.Error("a companion phone gave an automatic permission")
	}
}

func TestUnansweredCallsRevokeThePermission(t *testing.T) {
	b := world(t, func(c *Config) { c.Users[0].Answer = cloud.Policy{Mode: "decline"} })
	b.grant()
	offer := newMedia(t, false).offer()
	for n := range 4 {
		code, out := b.calls(obj{"to": ana, "action": "connect", "session": obj{"sdp_type": "offer", "sdp": offer}})
		if code != 0 {
			t.Fatalf("call %d: %v", n+1, out)
		}
		id := out["calls"].([]any)[0].(obj)["id"].(string)
		end := b.waitCall("terminate", id).item("calls")
		all := b.all()
		if i, j := index(all, "REJECTED", id), index(all, "terminate", id); i < 0 || i > j {
			t.Errorf("REJECTED must come before terminate: %s", b.kinds())
		}
		if end["status"] != "COMPLETED" || end["duration"] != nil {
			t.Errorf("declined: %v", end)
		}
	}
	r := b.waitKind("call_permission_reply").item("messages")
	reply := r["interactive"].(obj)["call_permission_reply"].(obj)
	if reply["response"] != "reject" || reply["response_source"] != "automatic" || r["context"] != nil {
		t.Errorf("automatic revoke: %v", r)
	}
	phone := b.ok("GET", "/control/users/"+ana+"/phone", nil)
	if text := fmt.Sprint(phone); !strings.Contains(text, "permission_suggest") || !strings.Contains(text, "permission_auto_revoked") {
		t.Errorf("system lines: %v", text)
	}
}

// Row 4: the order of refusals of connect.

func TestConnectRefusals(t *testing.T) {
	b := world(t, nil)
	offer := newMedia(t, false).offer()
	connect := func() int {
		code, _ := b.calls(obj{"to": ana, "action": "connect", "session": obj{"sdp_type": "offer", "sdp": offer}})
		return code
	}
	line := func(o obj) { b.ok("PATCH", "/control/businesses/"+pnid, o) }
	calling := func(o obj) { b.ok("POST", b.graph(pnid+"/settings"), obj{"calling": o}) }
	good := offer
	// Everything is wrong; each step mends one thing, so the codes come in the order of the checks.
	line(obj{"unregistered": true, "bic_unavailable": true, "no_payment": true, "limits": obj{"calls_per_day": 1}})
	calling(obj{"status": "DISABLED", "sip": obj{"status": "ENABLED"}})
	b.ok("POST", "/control/businesses/"+pnid+"/restrict", obj{"restrictions": []any{obj{"type": "RESTRICTED_BUSINESS_INITIATED_CALLING"}}})
	b.ok("PATCH", "/control/users/"+ana, obj{"uncallable": true})
	offer = strings.Replace(good, "a=rtcp-mux", "a=x", 1)
	for _, step := range []struct {
		code int
		mend func()
	}{
		{133010, func() { line(obj{"unregistered": false}) }},
		{131055, func() { calling(obj{"sip": obj{"status": "DISABLED"}}) }},
		{138000, func() { calling(obj{"status": "ENABLED"}) }},
		{138013, func() { line(obj{"bic_unavailable": false}) }},
		{138014, func() {
			b.ok("POST", "/control/businesses/"+pnid+"/restrict", obj{"restrictions": []any{}})
		}},
		{131044, func() { line(obj{"no_payment": false}) }},
		{138008, func() { b.ok("PATCH", "/control/flags", obj{"sdp_as_code_100": true}) }},
		{100, func() { offer = good }},
		{138001, func() { b.ok("PATCH", "/control/users/"+ana, obj{"uncallable": false}) }},
		{138006, b.grant},
	} {
		if got := connect(); got != step.code {
			t.Errorf("code %d, want %d", got, step.code)
		}
		step.mend()
	}
	if got := connect(); got != 0 {
		t.Fatalf("nothing is wrong any more, code %d", got)
	}
	if got := connect(); got != 138003 {
		t.Errorf("second call to the same user: %d", got)
	}
	line(obj{"max_concurrent": 1})
	if got := connect(); got != 138002 {
		t.Errorf("above concurrency: %d", got)
	}
	line(obj{"max_initiations": 1})
	if got := connect(); got != 138005 {
		t.Errorf("initiation rate: %d", got)
	}
	eventually(t, "ringing", func() bool { s, _ := b.do("POST", "/control/users/"+ana+"/accept", nil); return s == 204 })
	b.user("hangup", nil)
	_, out := b.calls(obj{"to": ana, "action": "connect", "session": obj{"sdp_type": "offer", "sdp": good}})
	if errorCode(out) != 138012 || !strings.Contains(fmt.Sprint(out), "next allowed at") {
		t.Errorf("daily limit: %v", out)
	}
}

func TestBusinessCallEndsWithoutAnswer(t *testing.T) {
	b := world(t, func(c *Config) { c.Timings.RingTimeout = 200 })
	b.grant()
	id := b.dial(newMedia(t, false)) // nobody answers
	if end := b.waitCall("terminate", id).item("calls"); end["status"] != "COMPLETED" || end["duration"] != nil {
		t.Errorf("no answer: %v", end)
	}
	b.ok("PATCH", "/control/timings", obj{"ring_timeout_ms": 5000})
	id = b.dial(newMedia(t, false))
	b.waitCall("RINGING", id)
	if code, out := b.calls(obj{"call_id": id, "action": "terminate"}); code != 0 {
		t.Errorf("cancelling: %v", out)
	}
	b.waitCall("terminate", id)
	b.ok("PATCH", "/control/users/"+ana, obj{"answer": obj{"mode": "unreachable"}})
	b.ok("PATCH", "/control/timings", obj{"ring_timeout_ms": 200})
	id = b.dial(newMedia(t, false))
	b.waitCall("terminate", id)
	if index(b.all(), "RINGING", id) >= 0 {
		t.Error("an unreachable phone rang")
	}
}

// Row 8: messages.

func TestServiceWindow(t *testing.T) {
	b := world(t, nil)
	b.send(obj{"type": "text", "text": obj{"body": "fora da janela"}})
	h := b.waitKind("failed")
	if e := h.item("statuses")["errors"].([]any)[0].(obj); e["code"] != 131047.0 || e["href"] == nil {
		t.Errorf("outside the window: %v", h.value)
	}
	b.ring(nil) // a call opens the window, answered or not
	b.user("hangup", nil)
	id := b.send(obj{"type": "text", "text": obj{"body": "dentro"}, "biz_opaque_callback_data": "x"})
	h = b.wait("delivered "+id, func(h hook) bool { return h.kind() == "delivered" && h.first("statuses", "id") == id })
	s := h.item("statuses")
	if s["biz_opaque_callback_data"] != "x" || s["pricing"].(obj)["type"] != "free_customer_service" || s["conversation"] != nil {
		t.Errorf("delivered: %v", s)
	}
	b.user("read", nil)
	h = b.waitKind("read")
	if h.item("statuses")["pricing"] != nil {
		t.Error("pricing comes with one of delivered and read only")
	}
	b.ok("POST", "/control/clock", obj{"advance": "25h"})
	b.send(request())
	b.wait("failed request", func(h hook) bool { return h.kind() == "failed" && h.first("statuses", "id") != id })
	b.user("text", obj{"text": "oi"})
	b.send(obj{"type": "text", "text": obj{"body": "de novo"}})
}

func TestSkippedDeliveredAndOldVersion(t *testing.T) {
	b := world(t, func(c *Config) { c.Flags.SkipDelivered = true; c.Users[0].AutoRead = true })
	b.user("window", obj{"open": true})
	b.vers = "v23.0"
	b.send(obj{"type": "text", "text": obj{"body": "a"}})
	h := b.waitKind("read")
	if s := h.item("statuses"); s["pricing"] == nil || s["conversation"] == nil {
		t.Errorf("read: %v", s)
	}
	if index(b.all(), "delivered", "") >= 0 {
		t.Error("delivered was sent")
	}
}

func TestTemplates(t *testing.T) {
	b := world(t, func(c *Config) { c.Users[0].Permission = cloud.Policy{Mode: "accept_permanent"} })
	path := b.graph("waba-" + pnid + "/message_templates")
	body := obj{"type": "BODY", "text": "Olá {{1}}, podemos ligar sobre o pedido {{2}}?"}
	out := b.ok("POST", path, obj{"name": "pode_ligar_v1", "language": "pt_BR", "category": "UTILITY", "components": []any{body, obj{"type": "call_permission_request"}}})
	if out["status"] != "PENDING" || out["id"] == nil {
		t.Errorf("created: %v", out)
	}
	b.ok("POST", path, obj{"name": "ligue", "language": "pt_BR", "category": "MARKETING", "components": []any{obj{"type": "BODY", "text": "Ligue"},
		obj{"type": "BUTTONS", "buttons": []any{obj{"type": "voice_call", "text": "Ligar agora", "ttl_minutes": 1440}, obj{"type": "QUICK_REPLY", "text": "Depois"}}}}})
	for name, bad := range map[string]obj{
		"authentication": {"name": "x", "language": "pt_BR", "category": "AUTHENTICATION", "components": []any{body, obj{"type": "call_permission_request"}}},
		"with buttons":   {"name": "x", "language": "pt_BR", "category": "UTILITY", "components": []any{body, obj{"type": "call_permission_request"}, obj{"type": "BUTTONS", "buttons": []any{}}}},
		"no body":        {"name": "x", "language": "pt_BR", "category": "UTILITY", "components": []any{obj{"type": "call_permission_request"}}},
		"twice":          {"name": "ligue", "language": "pt_BR", "category": "UTILITY", "components": []any{body}},
	} {
		if _, out := b.do("POST", path, bad); errorCode(out) != 100 {
			t.Errorf("%s: %v", name, out)
		}
	}
	use := func(name string, components ...any) obj {
		return obj{"type": "template", "template": obj{"name": name, "language": obj{"code": "pt_BR"}, "components": components}}
	}
	params := obj{"type": "body", "parameters": []any{obj{"type": "text", "text": "Ana"}, obj{"type": "text", "text": "991"}}}
	if code, _ := b.trySend(use("pode_ligar_v1")); code != 132000 {
		t.Errorf("without parameters: %d", code)
	}
	if code, _ := b.trySend(use("unknown", params)); code != 132001 {
		t.Errorf("unknown template: %d", code)
	}
	code, sent := b.trySend(use("pode_ligar_v1", params)) // outside the window
	if code != 0 || sent["messages"].([]any)[0].(obj)["message_status"] != "accepted" {
		t.Fatalf("template: %v", sent)
	}
	b.waitKind("call_permission_reply")
	if status(b.permissions()) != "permanent" {
		t.Error("the template's request was not answered")
	}
	if s := b.waitKind("delivered").item("statuses")["pricing"].(obj); s["billable"] != true || s["category"] != "utility" || s["type"] != "regular" {
		t.Errorf("pricing: %v", s)
	}
	b.send(use("ligue", obj{"type": "button", "sub_type": "voice_call", "index": "0", "parameters": []any{obj{"type": "ttl_minutes", "ttl_minutes": 2880}, obj{"type": "payload", "payload": "order-5"}}}))
	var id string
	eventually(t, "the call template in the chat", func() bool {
		for _, m := range b.chat() {
			if m["name"] == "ligue" {
				id = m["id"].(string)
			}
		}
		return id != ""
	})
	b.user("press", obj{"message_id": id, "button_id": "Depois"})
	if m := b.waitKind("button").item("messages"); m["button"].(obj)["text"] != "Depois" || m["context"].(obj)["id"] != id {
		t.Errorf("quick reply: %v", m)
	}
	call := b.user("call", obj{"message_id": id})["call_id"].(string)
	if h := b.waitCall("connect", call); h.first("calls", "cta_payload") != "order-5" {
		t.Errorf("call from a template: %v", h.item("calls"))
	}
	b.ok("POST", "/control/businesses/"+pnid+"/template-status", obj{"name": "ligue", "status": "PAUSED"})
	if code, _ := b.trySend(use("ligue")); code != 132015 {
		t.Errorf("paused: %d", code)
	}
}

// chat returns Ana's messages.
func (b *business) chat() []obj {
	b.t.Helper()
	var out []obj
	phone := b.ok("GET", "/control/users/"+ana+"/phone", nil)
	for _, m := range phone["chats"].([]any)[0].(obj)["messages"].([]any) {
		out = append(out, m.(obj))
	}
	return out
}

func TestInteractiveMessages(t *testing.T) {
	b := world(t, nil)
	b.user("window", obj{"open": true})
	buttons := b.send(obj{"type": "interactive", "interactive": obj{"type": "button", "body": obj{"text": "?"},
		"action": obj{"buttons": []any{obj{"type": "reply", "reply": obj{"id": "y", "title": "Sim"}}}}}})
	list := b.send(obj{"type": "interactive", "interactive": obj{"type": "list", "body": obj{"text": "?"},
		"action": obj{"button": "Ver", "sections": []any{obj{"title": "A", "rows": []any{obj{"id": "r1", "title": "Um", "description": "d"}}}}}}})
	b.send(obj{"type": "interactive", "interactive": obj{"type": "cta_url", "body": obj{"text": "?"},
		"action": obj{"name": "cta_url", "parameters": obj{"display_text": "Abrir", "url": "https://example.com/x"}}}})
	eventually(t, "three messages", func() bool { return len(b.chat()) == 3 })
	b.user("press", obj{"message_id": buttons, "button_id": "y"})
	b.user("press", obj{"message_id": list, "button_id": "r1"})
	b.wait("list reply", func(h hook) bool {
		i, _ := h.item("messages")["interactive"].(obj)
		r, _ := i["list_reply"].(obj)
		return r["id"] == "r1" && r["description"] == "d"
	})
	if status, out := b.do("POST", "/control/users/"+ana+"/press", obj{"message_id": buttons, "button_id": "z"}); status != 400 {
		t.Errorf("unknown button: %v", out)
	}
	long := strings.Repeat("x", 21)
	for name, c := range map[string]struct {
		code int
		body obj
	}{
		"long button":     {131009, obj{"type": "interactive", "interactive": obj{"type": "button", "body": obj{"text": "?"}, "action": obj{"buttons": []any{obj{"type": "reply", "reply": obj{"id": "y", "title": long}}}}}}},
		"CPR with footer": {131009, obj{"type": "interactive", "interactive": obj{"type": "call_permission_request", "footer": obj{"text": "f"}, "action": obj{"name": "call_permission_request"}}}},
		"ttl":             {131009, obj{"type": "interactive", "interactive": obj{"type": "voice_call", "body": obj{"text": "?"}, "action": obj{"name": "voice_call", "parameters": obj{"ttl_minutes": 43201}}}}},
		"empty text":      {131008, obj{"type": "text", "text": obj{"body": ""}}},
		"kind":            {131051, obj{"type": "sticker"}},
		"unknown field":   {100, obj{"type": "text", "text": obj{"body": "x"}, "from": "1"}},
		"unknown inner":   {100, obj{"type": "text", "text": obj{"body": "x", "colour": "red"}}},
		"bad number":      {131009, obj{"to": "abc", "type": "text", "text": obj{"body": "x"}}},
	} {
		if code, out := b.trySend(c.body); code != c.code {
			t.Errorf("%s: %v", name, out)
		}
	}
	b.user("text", obj{"text": "pergunta"})
	id := b.waitKind("text").first("messages", "id")
	b.ok("POST", b.graph(pnid+"/messages"), obj{"messaging_product": "whatsapp", "status": "read", "message_id": id, "typing_indicator": obj{"type": "text"}})
}

func TestUndeliverable(t *testing.T) {
	b := world(t, func(c *Config) { c.Users[0].OldClient = true })
	b.trySend(obj{"to": "5511900000001", "type": "text", "text": obj{"body": "ninguém"}})
	h := b.waitKind("failed")
	if h.item("statuses")["errors"].([]any)[0].(obj)["code"] != 131026.0 || h.value["contacts"] != nil {
		t.Errorf("unknown number: %v", h.value)
	}
	b.user("window", obj{"open": true})
	id := b.ask(t)
	b.wait("failed request", func(h hook) bool { return h.kind() == "failed" && h.first("statuses", "id") == id })
	p := b.ok("GET", b.graph(pnid+"/call_permissions?user_wa_id=5511900000001"), nil)
	if status(p) != "no_permission" {
		t.Errorf("unknown number: %v", p)
	}
}

// Row 11: rate limits.

func TestRateLimits(t *testing.T) {
	b := world(t, func(c *Config) {
		l := &c.Businesses[0]
		l.PermissionPerSec, l.MessagesPerSec, l.PairBurst = 3, 5, 2
	})
	last := 0
	for range 4 {
		_, out := b.do("GET", b.graph(pnid+"/call_permissions?user_wa_id="+ana), nil)
		last = errorCode(out)
	}
	if last != 613 {
		t.Errorf("fourth question in a second: %d", last)
	}
	b.user("window", obj{"open": true})
	var codes []int
	for range 6 {
		code, _ := b.trySend(obj{"type": "text", "text": obj{"body": "x"}})
		codes = append(codes, code)
	}
	if fmt.Sprint(codes) != "[0 0 131056 131056 131056 130429]" {
		t.Errorf("codes %v", codes)
	}
	b.ok("POST", "/control/clock", obj{"advance": "7s"})
	eventually(t, "the next second", func() bool {
		code, _ := b.trySend(obj{"type": "text", "text": obj{"body": "x"}})
		return code == 0
	})
}
