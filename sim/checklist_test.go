package sim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"ramal/sim/cloud"
)

// Row 1: handshake, signature, escapes, one change a request.

func TestVerificationAndSignature(t *testing.T) {
	b := world(t, nil)
	b.ok("PATCH", "/control/chaos", obj{"escape_slashes": true})
	if out := b.ok("POST", "/control/businesses/"+pnid+"/verify", nil); out["verified"] != true {
		t.Errorf("verify: %v", out)
	}
	b.user("text", obj{"text": "Olá / até"})
	h := b.waitKind("text")
	if !signed("s3cret", h) || signed("other", h) {
		t.Error("the signature is not that of the raw bytes")
	}
	if !strings.Contains(h.raw, `Ol\u00e1 \/ at\u00e9`) || !strings.Contains(h.raw, `\ud83d\ude00`) {
		t.Errorf("escapes: %s", h.raw)
	}
	b.verify = "other"
	if status, out := b.do("POST", "/control/businesses/"+pnid+"/verify", nil); status != 502 || out["code"] != "verification_failed" {
		t.Errorf("refused verification: %d %v", status, out)
	}
	b.token = "app-" + pnid + "|s3cret"
	sub := obj{"object": "whatsapp_business_account", "callback_url": b.srv.URL, "verify_token": "other", "fields": "calls,messages"}
	b.ok("POST", b.graph("app-"+pnid+"/subscriptions"), sub)
	sub["verify_token"] = "wrong"
	if _, out := b.do("POST", b.graph("app-"+pnid+"/subscriptions"), sub); errorCode(out) != 2200 {
		t.Errorf("subscription with a wrong token: %v", out)
	}
	data := b.ok("GET", b.graph("app-"+pnid+"/subscriptions"), nil)["data"].([]any)
	if got := data[0].(obj)["callback_url"]; got != b.srv.URL {
		t.Errorf("callback %v", got)
	}
}

func TestAccountOverride(t *testing.T) {
	b := world(t, nil)
	other := world(t, nil) // only its receiver is used
	b.ok("POST", b.graph("waba-"+pnid+"/subscribed_apps"), obj{"override_callback_uri": other.srv.URL, "verify_token": "tok"})
	b.user("text", obj{"text": "oi"})
	other.waitKind("text")
	if len(b.all()) != 0 {
		t.Error("the app's own callback was called too")
	}
	data := b.ok("GET", b.graph("waba-"+pnid+"/subscribed_apps"), nil)["data"].([]any)
	if len(data) != 1 || data[0].(obj)["override_callback_uri"] != other.srv.URL {
		t.Errorf("subscribed_apps: %v", data)
	}
	b.ok("DELETE", b.graph("waba-"+pnid+"/subscribed_apps"), nil)
	yes := obj{"calling": obj{"status": "ENABLED"}}
	if _, out := b.do("POST", b.graph(pnid+"/settings"), yes); errorCode(out) != 138018 {
		t.Errorf("enabling without subscribers: %v", out)
	}
}

// Row 2: disorder.

func TestBatchedChanges(t *testing.T) {
	b := world(t, nil)
	b.ok("PATCH", "/control/chaos", obj{"batch_max": 3, "batch_window_ms": 1000})
	for i := range 3 {
		b.user("text", obj{"text": fmt.Sprint("m", i)})
	}
	h := b.wait("third text", func(h hook) bool {
		body, _ := h.item("messages")["text"].(obj)
		return body["body"] == "m2"
	})
	if h.n != 1 {
		t.Errorf("three changes came in more than one request: %d", h.n)
	}
}

func TestDuplicateAndDroppedWebhooks(t *testing.T) {
	b := world(t, nil)
	b.ok("PATCH", "/control/chaos", obj{"duplicate": 1})
	h := b.ring(nil)
	eventually(t, "two connects", func() bool {
		n := 0
		for _, x := range b.all() {
			if x.kind() == "connect" && x.id() == h.id() {
				n++
			}
		}
		return n == 2
	})
	b.ok("PATCH", "/control/chaos", obj{"duplicate": 0, "drop": 1})
	b.user("hangup", nil)
	ev := b.ok("GET", "/control/events?kind=webhook.dropped&wait_ms=3000", nil)["events"].([]any)
	if len(ev) == 0 {
		t.Error("no dropped webhook in the diary")
	}
	if status, out := b.do("PATCH", "/control/chaos", obj{"drop": 2}); status != 400 {
		t.Errorf("a probability of 2: %v", out)
	}
}

func index(hooks []hook, kind, id string) int {
	for i, h := range hooks {
		if h.kind() == kind && h.id() == id {
			return i
		}
	}
	return -1
}

func TestTerminateBeforeConnect(t *testing.T) {
	b := world(t, func(c *Config) { c.Flags.TerminateBeforeConnect = true })
	id := b.user("call", nil)["call_id"].(string)
	b.user("hangup", nil)
	b.waitCall("connect", id)
	if all := b.all(); index(all, "terminate", id) > index(all, "connect", id) {
		t.Errorf("order: %s", b.kinds())
	}
	late := b.user("call", nil)["call_id"].(string) // not hung up: the connect comes by itself
	b.waitCall("connect", late)
}

func TestConnectWebhookBeforeHTTPResponse(t *testing.T) {
	b := world(t, func(c *Config) { c.Flags.ConnectBeforeResponse = true })
	b.grant()
	id := b.dial(newMedia(t, false))
	if index(b.all(), "connect", id) < 0 {
		t.Error("the answer to connect came before the webhook")
	}
}

func TestAcceptedBeforeRingingAndMissingRinging(t *testing.T) {
	b := world(t, func(c *Config) {
		c.Flags.AcceptedBeforeRinging = true
		c.Users[0].Answer = cloud.Policy{Mode: "accept", AfterMS: 30}
	})
	b.grant()
	id := b.dial(newMedia(t, false))
	b.waitCall("RINGING", id)
	if all := b.all(); index(all, "ACCEPTED", id) > index(all, "RINGING", id) {
		t.Errorf("order: %s", b.kinds())
	}
	b.user("hangup", nil)
	b.ok("PATCH", "/control/flags", obj{"no_ringing": true})
	id = b.dial(newMedia(t, false))
	b.waitCall("ACCEPTED", id)
	if index(b.all(), "RINGING", id) >= 0 {
		t.Error("RINGING was sent")
	}
}

func TestPermissionReplyBeforeHTTPResponse(t *testing.T) {
	b := world(t, func(c *Config) {
		c.Flags.ReplyBeforeResponse = true
		c.Users[0].Permission = cloud.Policy{Mode: "accept_temporary"}
	})
	b.user("window", obj{"open": true})
	b.ask(t)
	if index(b.all(), "call_permission_reply", "") < 0 {
		t.Errorf("the answer came before the reply: %s", b.kinds())
	}
}

func TestAudioBeforeAcceptedAndAfterIt(t *testing.T) {
	b := world(t, func(c *Config) {
		c.Timings.AcceptedLate = 700
		c.Users[0].Answer = cloud.Policy{Mode: "accept", AfterMS: 10}
		c.Users[0].Voice = cloud.VoiceSpec{Kind: "tone", Hz: 700}
	})
	b.grant()
	m := newMedia(t, false)
	id := b.dial(m)
	m.accept(b.waitCall("connect", id).sdp())
	m.hears(700)
	if index(b.all(), "ACCEPTED", id) >= 0 {
		t.Error("ACCEPTED came before the audio")
	}
	b.waitCall("ACCEPTED", id)
	b.user("hangup", nil)
	b.ok("PATCH", "/control/timings", obj{"accepted_late_ms": 0, "audio_late_ms": 500})
	m = newMedia(t, false)
	id = b.dial(m)
	m.accept(b.waitCall("connect", id).sdp())
	b.waitCall("ACCEPTED", id)
	m.mu.Lock()
	early := !m.first.IsZero()
	m.mu.Unlock()
	if early {
		t.Error("audio came before ACCEPTED")
	}
	m.hears(700)
}

func TestRedeliveryAfterFailure(t *testing.T) {
	b := world(t, func(c *Config) { c.Hooks.Backoff = 20 * time.Millisecond })
	b.answerWith(503)
	id := b.user("call", nil)["call_id"].(string)
	b.wait("second delivery", func(h hook) bool { return h.id() == id && h.n >= 2 })
	b.answerWith(200)
	ev := b.ok("GET", "/control/events?kind=webhook.sent&wait_ms=3000", nil)["events"].([]any)
	if len(ev) == 0 {
		t.Error("the webhook never arrived")
	}
}

func TestEveryAppSeesEveryCall(t *testing.T) {
	b := world(t, nil)
	second := httptest.NewServer(nil)
	defer second.Close()
	got := make(chan string, 10)
	second.Config.Handler = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got <- r.Header.Get("X-Hub-Signature-256")
	})
	b.ok("POST", "/control/businesses", obj{"pnid": "2", "display_phone_number": "551140028923", "waba_id": "waba-" + pnid, "app_id": "second", "callback_url": second.URL})
	b.user("call", obj{"pnid": pnid})
	b.waitKind("connect")
	select {
	case <-got:
	case <-time.After(patient):
		t.Error("the second app of the account did not get the webhook")
	}
	b.ok("POST", "/control/businesses/"+pnid+"/webhooks", obj{"field": "calls", "value": obj{"calls": []any{obj{"id": "wacid.foreign", "event": "terminate"}}}})
	b.waitCall("terminate", "wacid.foreign")
}

// Row 3: user-initiated calls.

func TestAcceptWindow(t *testing.T) {
	b := world(t, func(c *Config) { c.Timings.AcceptWindowMin, c.Timings.AcceptWindowMax = 200, 200 })
	h := b.ring(nil)
	answer := newMedia(t, true).answer(h.sdp())
	end := b.waitCall("terminate", h.id()).item("calls")
	if end["status"] != "COMPLETED" || end["duration"] != nil || end["start_time"] != nil {
		t.Errorf("an unanswered call: %v", end)
	}
	accept := obj{"call_id": h.id(), "action": "accept", "session": obj{"sdp_type": "answer", "sdp": answer}}
	if code, _ := b.calls(accept); code != 138007 {
		t.Errorf("late accept: %d", code)
	}
	b.ok("PATCH", "/control/flags", obj{"late_accept_as_100": true})
	if code, _ := b.calls(accept); code != 100 {
		t.Errorf("late accept as 100: %d", code)
	}
}

func TestRefusedActionsOfUserCalls(t *testing.T) {
	b := world(t, nil)
	h := b.ring(nil)
	m := newMedia(t, true)
	answer := m.answer(h.sdp())
	act := func(action, sdp string) int {
		body := obj{"call_id": h.id(), "action": action}
		if sdp != "" {
			body["session"] = obj{"sdp_type": "answer", "sdp": sdp}
		}
		code, _ := b.calls(body)
		return code
	}
	changed := strings.Replace(answer, "s=-", "s=x", 1)
	for _, c := range []struct {
		name, action, sdp string
		code              int
	}{
		{"accept without session", "accept", "", 100},
		{"terminate before accept", "terminate", "", 100},
		{"pre_accept", "pre_accept", answer, 0},
		{"pre_accept again", "pre_accept", answer, 100},
		{"accept with another SDP", "accept", changed, 100},
		{"accept", "accept", answer, 0},
		{"accept again", "accept", answer, 100},
		{"reject an accepted call", "reject", "", 100},
		{"terminate", "terminate", "", 0},
		{"terminate again", "terminate", "", 100},
		{"accept after the end", "accept", answer, 100},
	} {
		if got := act(c.action, c.sdp); got != c.code {
			t.Errorf("%s: code %d, want %d", c.name, got, c.code)
		}
	}
	h = b.ring(nil)
	if act("reject", "") != 0 || act("reject", "") != 100 {
		t.Error("reject must work once")
	}
	if end := b.waitCall("terminate", h.id()).item("calls"); end["status"] != "COMPLETED" || end["duration"] != nil {
		t.Errorf("terminate of a rejected call: %v", end)
	}
	h = b.ring(nil)
	b.user("hangup", nil)
	b.waitCall("terminate", h.id())
	if got := act("accept", answer); got != 100 {
		t.Errorf("accept after the user hung up: %d", got)
	}
	if code, _ := b.calls(obj{"call_id": "wacid.unknown", "action": "reject"}); code != 100 {
		t.Errorf("unknown call: %d", code)
	}
}

func TestCallsThatNeverReachTheBusiness(t *testing.T) {
	closed := obj{"call_hours": obj{"status": "ENABLED", "timezone_id": "UTC", "weekly_operating_hours": []any{
		obj{"day_of_week": time.Now().UTC().AddDate(0, 0, 3).Format("Monday"), "open_time": "0000", "close_time": "0001"}}}}
	closed["call_hours"].(obj)["weekly_operating_hours"].([]any)[0].(obj)["day_of_week"] = strings.ToUpper(time.Now().UTC().AddDate(0, 0, 3).Format("Monday"))
	for _, c := range []struct {
		name     string
		settings obj
		line     obj
		reason   string
		webhook  bool // an error webhook, but no connect
	}{
		{"disabled", obj{"status": "DISABLED"}, nil, "disabled", false},
		{"hidden icon", obj{"call_icon_visibility": "DISABLE_ALL"}, nil, "hidden", false},
		{"other country", obj{"call_icons": obj{"restrict_to_user_countries": []any{"PT"}}}, nil, "country", false},
		{"outside hours", closed, nil, "closed", false},
		{"above concurrency", nil, obj{"max_concurrent": 1}, "failed", false},
		{"SIP", obj{"sip": obj{"status": "ENABLED"}}, nil, "failed", false},
		{"no payment method", nil, obj{"no_payment": true}, "failed", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := world(t, nil)
			if c.settings != nil {
				b.ok("POST", b.graph(pnid+"/settings"), obj{"calling": c.settings})
			}
			if c.line != nil {
				b.ok("PATCH", "/control/businesses/"+pnid, c.line)
			}
			if c.name == "above concurrency" {
				b.ok("POST", "/control/users", obj{"wa_id": "5511900000000"})
				b.ok("POST", "/control/users/5511900000000/call", nil)
				b.waitKind("connect")
			}
			status, out := b.do("POST", "/control/users/"+ana+"/call", nil)
			if status != 409 || out["code"] != "calls_unavailable" || out["reason"] != c.reason {
				t.Errorf("%d %v", status, out)
			}
			b.user("text", obj{"text": "depois"}) // whatever came before it has arrived by now
			b.waitKind("text")
			for _, h := range b.all() {
				if h.kind() == "connect" && h.first("calls", "from") == ana {
					t.Error("a connect webhook was sent")
				}
			}
			if c.webhook {
				h := b.wait("error 131044", func(h hook) bool { return h.value["errors"] != nil })
				if h.item("errors")["code"] != 131044.0 {
					t.Errorf("%v", h.value)
				}
			}
		})
	}
}

func TestButtonWorksAlthoughTheIconIsHidden(t *testing.T) {
	b := world(t, nil)
	b.ok("POST", b.graph(pnid+"/settings"), obj{"calling": obj{"call_icon_visibility": "DISABLE_ALL"}})
	b.user("window", obj{"open": true})
	id := b.send(obj{"type": "interactive", "interactive": obj{"type": "voice_call", "body": obj{"text": "Fale"},
		"action": obj{"name": "voice_call", "parameters": obj{"display_text": "Ligar", "ttl_minutes": 60, "payload": "order-991"}}}})
	b.waitKind("delivered")
	call := b.user("call", obj{"message_id": id})["call_id"].(string)
	if h := b.waitCall("connect", call); h.first("calls", "cta_payload") != "order-991" {
		t.Errorf("cta_payload: %v", h.item("calls"))
	}
	b.user("hangup", nil)
	link := b.user("call", obj{"deeplink_payload": "campaign-7"})["call_id"].(string)
	if h := b.waitCall("connect", link); h.first("calls", "deeplink_payload") != "campaign-7" {
		t.Errorf("deeplink_payload: %v", h.item("calls"))
	}
	b.user("hangup", nil)
	b.ok("POST", "/control/clock", obj{"advance": "61m"})
	if status, out := b.do("POST", "/control/users/"+ana+"/call", obj{"message_id": id}); status != 409 || out["code"] != "button_expired" {
		t.Errorf("expired button: %d %v", status, out)
	}
}

func TestPickupByMediaBeforeAccept(t *testing.T) {
	b := world(t, nil)
	h := b.ring(nil)
	m := newMedia(t, true)
	answer := m.answer(h.sdp())
	if code, out := b.calls(obj{"call_id": h.id(), "action": "pre_accept", "session": obj{"sdp_type": "answer", "sdp": answer}}); code != 0 {
		t.Fatal(out)
	}
	m.connected()
	m.speak(440)
	ev := b.ok("GET", "/control/events?kind=call.picked_up_by_media&wait_ms=3000", nil)["events"].([]any)
	if len(ev) != 1 {
		t.Error("media before accept was not taken as pick-up")
	}
}

func TestPassiveAnswerHasNoAudio(t *testing.T) {
	b := world(t, func(c *Config) { c.Timings.FirstMedia = 600 })
	h := b.ring(nil)
	m := newMedia(t, true)
	answer := strings.Replace(m.answer(h.sdp()), "a=setup:active", "a=setup:passive", 1)
	if code, out := b.calls(obj{"call_id": h.id(), "action": "accept", "session": obj{"sdp_type": "answer", "sdp": answer}}); code != 0 {
		t.Fatal(out)
	}
	m.speak(440)
	if end := b.waitCall("terminate", h.id()); end.item("errors")["code"] != 138021.0 {
		t.Errorf("%v", end.value)
	}
}

func TestCallIDs(t *testing.T) {
	b := world(t, nil)
	id := b.ring(nil).id()
	if !regexp.MustCompile(`^wacid\.HBgN[A-Za-z0-9+/]+={0,2}$`).MatchString(id) {
		t.Errorf("call id %s", id)
	}
}

// Row 5: terminate variants.

func TestTerminateVariants(t *testing.T) {
	b := world(t, func(c *Config) {
		c.Flags.MixedCaseStatus, c.Flags.RejectIsFailed, c.Flags.ContactsInStatuses = true, true, true
	})
	h := b.ring(nil)
	b.calls(obj{"call_id": h.id(), "action": "reject"})
	end := b.waitCall("terminate", h.id())
	if end.first("calls", "status") != "Failed" || end.value["contacts"] == nil {
		t.Errorf("terminate: %v", end.value)
	}
	h = b.ring(nil)
	b.user("fail", obj{"code": 138019})
	if end := b.waitCall("terminate", h.id()); end.item("errors")["code"] != 138019.0 {
		t.Errorf("failed client: %v", end.value)
	}
	if _, err := json.Marshal(end.value); err != nil {
		t.Error(err)
	}
}

// Row 6: media variants.

func TestMediaVariants(t *testing.T) {
	b := world(t, func(c *Config) {
		c.Flags.LoseClientHello, c.Flags.UnreachableIPv6, c.Flags.ChangeSSRCMS = true, true, 400
		c.Flags.PhoneSpeaksFirst, c.Flags.WatchSound = true, true
		c.Users[0].Voice = cloud.VoiceSpec{Kind: "tone", Hz: 700}
	})
	b.ok("POST", b.graph(pnid+"/settings"), obj{"calling": obj{"audio": obj{"additional_codecs": []any{"PCMA", "PCMU"}}}})
	h := b.ring(nil)
	if !strings.Contains(h.sdp(), "2001:db8:") || !strings.Contains(h.sdp(), "a=rtpmap:8 PCMA/8000") {
		t.Errorf("offer:\n%s", h.sdp())
	}
	m := newMedia(t, true)
	begun := time.Now()
	b.answerUIC(h, m)
	m.connected()
	if took := time.Since(begun); took < 900*time.Millisecond {
		t.Errorf("connected after %v although the first ClientHello was lost", took)
	}
	m.hears(700) // the phone speaks first
	eventually(t, "two sources", func() bool { m.mu.Lock(); defer m.mu.Unlock(); return len(m.ssrcs) == 2 })
	m.hears(700)
	m.speak(440)
	eventually(t, "first sound", func() bool {
		c := b.ok("GET", "/control/calls?live=1", nil)["calls"].([]any)[0].(obj)
		return c["first_sound_at"] != nil && c["first_packet_at"] != nil && c["packets_lost"] == 0.0
	})
}

func TestPhoneThatSendsNothing(t *testing.T) {
	b := world(t, func(c *Config) { c.Users[0].Voice = cloud.VoiceSpec{Kind: "none"} })
	h := b.ring(nil)
	m := newMedia(t, true)
	b.answerUIC(h, m)
	m.speak(440)
	b.phoneHears(440)
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.first.IsZero() {
		t.Error("the phone sent packets")
	}
}

func atoi(v any) int64 {
	switch v := v.(type) {
	case string:
		n, _ := strconv.ParseInt(v, 10, 64)
		return n
	case float64:
		return int64(v)
	}
	return 0
}
