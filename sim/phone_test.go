package sim

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"ramal/sim/audio"
	"ramal/sim/cloud"
)

// page is a page's event stream.
type page struct {
	t      *testing.T
	states chan obj
}

func (b *business) page(key string) *page {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, b.sim.URL()+"/phone-api/"+key+"/events", nil)
	if err != nil {
		b.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	p := &page{b.t, make(chan obj, 1000)}
	done := make(chan struct{})
	go func() { // ends when the body is closed
		defer close(done)
		lines := bufio.NewScanner(resp.Body)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				s := obj{}
				if json.Unmarshal([]byte(data), &s) == nil {
					p.states <- s
				}
			}
		}
	}()
	b.t.Cleanup(func() { _ = resp.Body.Close(); <-done })
	return p
}

// until waits for a state.
func (p *page) until(what string, match func(obj) bool) obj {
	p.t.Helper()
	limit := time.NewTimer(patient)
	defer limit.Stop()
	for {
		select {
		case s := <-p.states:
			if match(s) {
				return s
			}
		case <-limit.C:
			p.t.Fatalf("the page never showed: %s", what)
		}
	}
}

func firstChat(s obj) obj { return s["chats"].([]any)[0].(obj) }

func firstCall(s obj) obj {
	if l := s["calls"].([]any); len(l) > 0 {
		return l[0].(obj)
	}
	return obj{}
}

func lastMessage(s obj) obj {
	l := firstChat(s)["messages"].([]any)
	if len(l) == 0 {
		return obj{}
	}
	return l[len(l)-1].(obj)
}

func (b *business) phone(path string, body any) obj {
	b.t.Helper()
	return b.ok("POST", "/phone-api/"+ana+path, body)
}

func TestPageShowsChatAndPermission(t *testing.T) {
	b := world(t, nil)
	p := b.page(ana)
	s := p.until("the first state", func(obj) bool { return true })
	if firstChat(s)["access"].(obj)["icon"] != true || firstChat(s)["permission"].(obj)["status"] != "no_permission" {
		t.Errorf("at first: %v", s)
	}
	if id := b.phone("/messages", obj{"pnid": pnid, "text": "oi"})["id"]; id == nil {
		t.Error("no message id")
	}
	p.until("own message", func(s obj) bool { return lastMessage(s)["text"] == "oi" })
	id := b.ask(t)
	s = p.until("the card", func(s obj) bool { return lastMessage(s)["kind"] == "permission_request" })
	if m := lastMessage(s); m["answerable"] != true || m["id"] != id || firstChat(s)["unread"] != 1.0 {
		t.Errorf("card: %v", m)
	}
	b.phone("/read", obj{"pnid": pnid})
	b.waitKind("read")
	b.phone("/messages/"+url.PathEscape(id)+"/answer", obj{"answer": "accept_temporary"})
	s = p.until("permission", func(s obj) bool { return firstChat(s)["permission"].(obj)["status"] == "temporary" })
	if firstChat(s)["permission"].(obj)["expires_at"] == nil {
		t.Error("no end of the permission")
	}
	b.phone("/permission", obj{"pnid": pnid, "action": "revoke"})
	p.until("revoked", func(s obj) bool {
		return firstChat(s)["permission"].(obj)["status"] == "no_permission" && lastMessage(s)["code"] == "permission_revoked"
	})
	b.ok("POST", b.graph(pnid+"/settings"), obj{"calling": obj{"call_icon_visibility": "DISABLE_ALL"}})
	s = p.until("hidden icon", func(s obj) bool { return firstChat(s)["access"].(obj)["icon"] == false })
	if firstChat(s)["access"].(obj)["reason"] != "hidden" {
		t.Errorf("access: %v", firstChat(s)["access"])
	}
	for _, c := range []struct {
		path   string
		body   obj
		status int
		code   string
	}{
		{"/phone-api/0000/messages", obj{"text": "x"}, 404, "no_user"},
		{"/phone-api/" + ana + "/messages", obj{"pnid": "9", "text": "x"}, 404, "no_business"},
		{"/phone-api/" + ana + "/messages", obj{"pnid": pnid, "text": ""}, 400, "bad_value"},
		{"/phone-api/" + ana + "/messages", obj{"colour": 1}, 400, "bad_json"},
		{"/phone-api/" + ana + "/messages/x/answer", obj{"answer": "decline"}, 404, "no_message"},
		{"/phone-api/" + ana + "/messages/" + url.PathEscape(id) + "/answer", obj{"answer": "maybe"}, 400, "bad_value"},
		{"/phone-api/" + ana + "/calls", obj{"pnid": pnid}, 409, "calls_unavailable"},
		{"/phone-api/" + ana + "/calls/x/accept", obj{}, 404, "no_call"},
	} {
		if status, out := b.do("POST", c.path, c.body); status != c.status || out["code"] != c.code || out["title"] == nil {
			t.Errorf("%s %v: %d %v", c.path, c.body, status, out)
		}
	}
	b.ok("POST", "/control/clock", obj{"advance": "169h"})
	if status, out := b.do("POST", "/phone-api/"+ana+"/messages/"+url.PathEscape(id)+"/answer", obj{"answer": "decline"}); status != 409 || out["code"] != "request_dead" {
		t.Errorf("dead request: %d %v", status, out)
	}
}

func TestPageHoldsCalls(t *testing.T) {
	b := world(t, nil)
	b.grant()
	p := b.page(ana)
	m := newMedia(t, false)
	id := b.dial(m)
	m.accept(b.waitCall("connect", id).sdp())
	s := p.until("ringing", func(s obj) bool { return firstCall(s)["phase"] == "ringing" })
	if c := firstCall(s); c["direction"] != "incoming" || c["id"] != id || c["name"] != "Farmácia Boa" {
		t.Errorf("ringing: %v", c)
	}
	browser := newMedia(t, false)
	path := "/calls/" + url.PathEscape(id)
	answer, _ := b.phone(path+"/audio", obj{"sdp": browser.offer()})["sdp"].(string)
	browser.accept(answer)
	browser.connected()
	b.phone(path+"/accept", nil)
	p.until("connected", func(s obj) bool {
		c := firstCall(s)
		return c["phase"] == "connected" && c["audio"] == "bridged" && c["connected_at"] != nil
	})
	browser.speak(880)
	m.hears(880)
	m.speak(440)
	browser.hears(440)
	p.until("audio of the business", func(s obj) bool { return firstCall(s)["business_audio"] == true })
	b.phone(path+"/mute", obj{"muted": true})
	eventually(t, "silence after mute", func() bool {
		pcm, err := m.ear.Window(time.Now(), 200*time.Millisecond)
		return err == nil && audio.RMS(pcm) < -50
	})
	b.phone(path+"/mute", obj{"muted": false})
	m.hears(880)
	b.phone(path+"/dtmf", obj{"digits": "7"})
	eventually(t, "a digit", func() bool { m.mu.Lock(); defer m.mu.Unlock(); return string(m.digits) == "7" })
	m.hears(880)
	second := newMedia(t, false) // the page was reloaded
	answer, _ = b.phone(path+"/audio", obj{"sdp": second.offer()})["sdp"].(string)
	second.accept(answer)
	second.connected()
	second.speak(1500)
	m.hears(1500)
	b.phone(path+"/hangup", nil)
	s = p.until("ended", func(s obj) bool { return firstCall(s)["phase"] == "ended" })
	if c := firstCall(s); c["outcome"] != "completed" || c["ended_at"] == nil {
		t.Errorf("ended: %v", c)
	}
	if l := lastMessage(s); l["kind"] != "call" || l["call_id"] != id {
		t.Errorf("chat line: %v", l)
	}
	if status, out := b.do("POST", "/phone-api/"+ana+path+"/audio", obj{"sdp": "v=0"}); status != 409 || out["code"] != "audio_unavailable" {
		t.Errorf("audio after the end: %d %v", status, out)
	}
	if status, out := b.do("POST", "/phone-api/"+ana+path+"/hangup", obj{}); status != 409 || out["code"] != "call_over" {
		t.Errorf("hang-up after the end: %d %v", status, out)
	}
}

func TestPagePlacesCalls(t *testing.T) {
	b := world(t, nil)
	p := b.page(ana)
	id, _ := b.phone("/calls", obj{"pnid": pnid})["call_id"].(string)
	s := p.until("ring-back", func(s obj) bool { return firstCall(s)["phase"] == "ringing" })
	if firstCall(s)["direction"] != "outgoing" {
		t.Errorf("outgoing: %v", firstCall(s))
	}
	if status, out := b.do("POST", "/phone-api/"+ana+"/calls", obj{"pnid": pnid}); status != 409 || out["code"] != "busy" {
		t.Errorf("second call: %d %v", status, out)
	}
	h := b.waitCall("connect", id)
	m := newMedia(t, true)
	b.answerUIC(h, m)
	p.until("connected", func(s obj) bool { return firstCall(s)["phase"] == "connected" })
	if code, out := b.calls(obj{"call_id": id, "action": "terminate"}); code != 0 {
		t.Fatal(out)
	}
	s = p.until("ended", func(s obj) bool { return firstCall(s)["phase"] == "ended" })
	if firstCall(s)["outcome"] != "completed" {
		t.Errorf("ended: %v", firstCall(s))
	}
	b.user("window", obj{"open": true})
	button := b.send(obj{"type": "interactive", "interactive": obj{"type": "voice_call", "body": obj{"text": "Fale"}, "action": obj{"name": "voice_call"}}})
	s = p.until("the call button", func(s obj) bool { return lastMessage(s)["kind"] == "voice_call" })
	if m := lastMessage(s); m["expired"] != false || m["expires"] == nil || m["button"] != "Call Now" {
		t.Errorf("button: %v", m)
	}
	id, _ = b.phone("/messages/"+url.PathEscape(button)+"/call", nil)["call_id"].(string)
	b.waitCall("connect", id)
	b.calls(obj{"call_id": id, "action": "reject"})
	s = p.until("declined", func(s obj) bool { return firstCall(s)["id"] == id && firstCall(s)["phase"] == "ended" })
	if firstCall(s)["outcome"] != "declined" {
		t.Errorf("rejected: %v", firstCall(s))
	}
}

func TestPageFiles(t *testing.T) {
	b := world(t, nil)
	status, out := b.do("GET", "/phone/"+ana, nil)
	raw, _ := out["raw"].(string)
	if built := strings.Contains(raw, "<"); !built && (status != 404 || !strings.Contains(raw, "make web")) {
		t.Errorf("page: %d %q", status, raw)
	}
	if status, _ := b.do("GET", "/phone/.gitkeep", nil); status == 200 && strings.TrimSpace(raw) == "" {
		t.Error("hidden files are served")
	}
	users := b.ok("GET", "/phone-api/users", nil)["users"].([]any)
	if len(users) != 1 || users[0].(obj)["key"] != ana {
		t.Errorf("users: %v", users)
	}
}

// Row 10: users without a phone number, Brazilian numbers, contacts.

func TestUserKnownByBSUIDOnly(t *testing.T) {
	b := world(t, func(c *Config) {
		c.Users = append(c.Users, cloud.UserConfig{UserID: "BR.1A2b3C", ParentID: "BR.ENT.9", Name: "Sem Número", Username: "semnumero", Answer: cloud.Policy{Mode: "accept"}})
	})
	id, _ := b.ok("POST", "/control/users/BR.1A2b3C/call", nil)["call_id"].(string)
	h := b.waitCall("connect", id)
	c, contact := h.item("calls"), h.item("contacts")
	for name, bad := range map[string]any{"from": c["from"], "wa_id": contact["wa_id"]} {
		if bad != nil {
			t.Errorf("%s is present: %v", name, bad)
		}
	}
	if c["from_user_id"] != "BR.1A2b3C" || c["from_parent_user_id"] != "BR.ENT.9" || contact["user_id"] != "BR.1A2b3C" || contact["profile"].(obj)["username"] != "semnumero" {
		t.Errorf("connect: %v", h.value)
	}
	b.ok("POST", "/control/users/BR.1A2b3C/hangup", nil)
	if got := b.ok("GET", b.graph(pnid+"/call_permissions?recipient=BR.1A2b3C"), nil); status(got) != "temporary" {
		t.Errorf("permission by recipient: %v", got)
	}
	m := newMedia(t, false)
	code, out := b.calls(obj{"recipient": "BR.1A2b3C", "action": "connect", "session": obj{"sdp_type": "offer", "sdp": m.offer()}})
	if code != 0 {
		t.Fatal(out)
	}
	id = out["calls"].([]any)[0].(obj)["id"].(string)
	h = b.waitCall("connect", id)
	if c := h.item("calls"); c["to"] != nil || c["to_user_id"] != "BR.1A2b3C" {
		t.Errorf("connect: %v", c)
	}
	s := b.waitCall("ACCEPTED", id).item("statuses")
	if s["recipient_id"] != nil || s["recipient_user_id"] != "BR.1A2b3C" || s["recipient_parent_user_id"] != "BR.ENT.9" {
		t.Errorf("ACCEPTED: %v", s)
	}
	for _, h := range b.all() {
		if strings.Contains(h.raw, `"wa_id"`) {
			t.Errorf("a phone number leaked: %s", h.raw)
		}
	}
}

func TestNinthDigitAndOldShapes(t *testing.T) {
	b := world(t, func(c *Config) {
		c.Users = []cloud.UserConfig{{WAID: "551187654321", Name: "Antiga"}}
		c.Flags.NoContactsInConnect, c.Flags.NoBSUID, c.Flags.LegacyConnection = true, true, true
	})
	b.ok("POST", "/control/users/5511987654321/permission", obj{"action": "grant_permanent"}) // found with the ninth digit too
	m := newMedia(t, false)
	id := b.dial(m) // dials 5511987654321
	h := b.waitCall("connect", id)
	if h.value["contacts"] != nil || h.item("calls")["to"] != "551187654321" || h.item("calls")["to_user_id"] != nil || h.item("calls")["connection"] == nil {
		t.Errorf("connect: %v", h.value)
	}
}

// Row 9: settings.

func TestSettingsUpdateIsAnnounced(t *testing.T) {
	b := world(t, nil)
	b.ok("POST", b.graph(pnid+"/settings"), obj{"calling": obj{"audio": obj{"additional_codecs": []any{"PCMA"}}}}) // not watched
	b.ok("POST", b.graph(pnid+"/settings"), obj{"calling": obj{"callback_permission_status": "DISABLED"}})
	h := b.waitKind("account_settings_update")
	v := h.value["phone_number_settings"].(obj)
	if h.value["type"] != "phone_number_settings" || v["phone_number_id"] != pnid || v["calling"].(obj)["callback_permission_status"] != "DISABLED" || v["calling"].(obj)["audio"] == nil {
		t.Errorf("update: %v", h.value)
	}
	if !strings.Contains(h.raw, `"time":`) {
		t.Error("account-level entries carry a time")
	}
	b.ok("PATCH", "/control/businesses/"+pnid, obj{"messaging_limit": 250})
	b.ok("POST", b.graph(pnid+"/settings"), obj{"calling": obj{"status": "DISABLED"}})
	if _, out := b.do("POST", b.graph(pnid+"/settings"), obj{"calling": obj{"status": "ENABLED"}}); errorCode(out) != 138015 {
		t.Errorf("messaging limit: %v", out)
	}
	b.ok("POST", "/control/businesses/"+pnid+"/restrict", obj{"restrictions": []any{obj{"type": "RESTRICTED_BUSINESS_INITIATED_CALLING", "reason": "low quality", "expiration": 1796300000}}})
	if h := b.waitKind("account_update"); h.value["event"] != "ACCOUNT_RESTRICTION" {
		t.Errorf("restriction: %v", h.value)
	}
	got := b.ok("GET", b.graph(pnid+"/settings"), nil)["calling"].(obj)
	if got["restrictions"].(obj)["restrictions_list"] == nil {
		t.Errorf("settings: %v", got)
	}
}
