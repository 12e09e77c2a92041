package sim

import (
	"strings"
	"testing"
	"time"

	"ramal/sim/audio"
	"ramal/sim/cloud"
)

// ring lets Ana call and returns the connect webhook.
func (b *business) ring(body obj) hook {
	b.t.Helper()
	if body == nil {
		body = obj{}
	}
	id, _ := b.user("call", body)["call_id"].(string)
	return b.waitCall("connect", id)
}

// dial places a call of the business to Ana and returns its id.
func (b *business) dial(m *media) string {
	b.t.Helper()
	code, out := b.calls(obj{"to": ana, "action": "connect", "session": obj{"sdp_type": "offer", "sdp": m.offer()}, "biz_opaque_callback_data": "leg=1"})
	if code != 0 {
		b.t.Fatalf("connect: %v", out)
	}
	id, _ := out["calls"].([]any)[0].(obj)["id"].(string)
	return id
}

func (b *business) answerUIC(h hook, m *media) string {
	b.t.Helper()
	answer := m.answer(h.sdp())
	for _, action := range []string{"pre_accept", "accept"} {
		if code, out := b.calls(obj{"call_id": h.id(), "action": action, "session": obj{"sdp_type": "answer", "sdp": answer}}); code != 0 {
			b.t.Fatalf("%s: %v", action, out)
		}
	}
	return answer
}

func TestUserCallsBusiness(t *testing.T) {
	b := world(t, func(c *Config) { c.Users[0].Voice = cloud.VoiceSpec{Kind: "tone", Hz: 700} })
	h := b.ring(nil)
	if got := h.first("calls", "direction"); got != "USER_INITIATED" {
		t.Errorf("direction %q", got)
	}
	if h.first("calls", "from") != ana || h.first("calls", "to") != display {
		t.Errorf("addresses: %v", h.item("calls"))
	}
	offer := h.sdp()
	for _, want := range []string{"a=ice-lite", "a=setup:actpass", "a=mid:audio", "a=rtpmap:126 telephone-event/8000", "m=audio "} {
		if !strings.Contains(offer, want) {
			t.Errorf("the offer lacks %q:\n%s", want, offer)
		}
	}
	m := newMedia(t, true)
	answer := m.answer(offer)
	if code, out := b.calls(obj{"call_id": h.id(), "action": "pre_accept", "session": obj{"sdp_type": "answer", "sdp": answer}}); code != 0 {
		t.Fatalf("pre_accept: %v", out)
	}
	m.connected()
	if code, out := b.calls(obj{"call_id": h.id(), "action": "accept", "session": obj{"sdp_type": "answer", "sdp": answer}, "biz_opaque_callback_data": "q=1"}); code != 0 {
		t.Fatalf("accept: %v", out)
	}
	m.speak(440)
	b.phoneHears(440)
	m.hears(700)
	b.user("dtmf", obj{"digits": "15#"})
	eventually(t, "three digits", func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		return string(m.digits) == "15#"
	})
	if l := b.level(1300); l > -40 {
		t.Errorf("a tone nobody sends has %.1f dB at the phone", l)
	}
	b.user("hangup", nil)
	end := b.waitCall("terminate", h.id())
	c := end.item("calls")
	if c["status"] != "COMPLETED" || c["duration"] == nil || c["start_time"] == nil || c["biz_opaque_callback_data"] != "q=1" {
		t.Errorf("terminate: %v", c)
	}
	eventually(t, "RTCP BYE", func() bool { m.mu.Lock(); defer m.mu.Unlock(); return m.bye })
}

func TestBusinessCallsUser(t *testing.T) {
	for _, setup := range []string{"active", "passive", "actpass"} {
		t.Run(setup, func(t *testing.T) {
			b := world(t, func(c *Config) {
				c.Flags.BICSetup = setup
				c.Users[0].Voice = cloud.VoiceSpec{Kind: "tone", Hz: 900}
				c.Users[0].Answer = cloud.Policy{Mode: "accept", AfterMS: 50}
			})
			b.grant()
			m := newMedia(t, false)
			id := b.dial(m)
			h := b.waitCall("connect", id)
			if h.first("calls", "direction") != "BUSINESS_INITIATED" || h.first("calls", "biz_opaque_callback_data") != "leg=1" {
				t.Errorf("connect: %v", h.item("calls"))
			}
			m.accept(h.sdp())
			if r := b.waitCall("RINGING", id); r.first("statuses", "type") != "call" || r.first("statuses", "recipient_id") != ana {
				t.Errorf("RINGING: %v", r.item("statuses"))
			}
			b.waitCall("ACCEPTED", id)
			m.hears(900)
			m.speak(500)
			b.phoneHears(500)
			if code, out := b.calls(obj{"call_id": id, "action": "terminate"}); code != 0 {
				t.Fatalf("terminate: %v", out)
			}
			accepted, end := b.waitCall("ACCEPTED", id), b.waitCall("terminate", id).item("calls")
			if end["status"] != "COMPLETED" || end["start_time"] != accepted.first("statuses", "timestamp") {
				t.Errorf("terminate: %v, ACCEPTED at %s", end, accepted.first("statuses", "timestamp"))
			}
		})
	}
}

func TestNoMediaEndsTheCall(t *testing.T) {
	b := world(t, func(c *Config) { c.Timings.FirstMedia = 600 })
	h := b.ring(nil)
	b.answerUIC(h, newMedia(t, true)) // connects, but never speaks
	end := b.waitCall("terminate", h.id())
	c := end.item("calls")
	if c["status"] != "FAILED" || c["duration"] == nil {
		t.Errorf("terminate: %v", c)
	}
	for name, list := range map[string]any{"calls[0].errors": c["errors"], "value.errors": end.value["errors"]} {
		l, _ := list.([]any)
		if len(l) != 1 || l[0].(obj)["code"] != 138021.0 {
			t.Errorf("%s: %v", name, list)
		}
	}
}

func TestPhoneIsSilentUntilTheBusinessSpeaks(t *testing.T) {
	b := world(t, func(c *Config) { c.Users[0].Voice = cloud.VoiceSpec{Kind: "tone", Hz: 700} })
	h := b.ring(nil)
	m := newMedia(t, true)
	b.answerUIC(h, m)
	m.connected()
	quiet := time.NewTimer(300 * time.Millisecond)
	<-quiet.C
	m.mu.Lock()
	first := m.first
	m.mu.Unlock()
	if !first.IsZero() {
		t.Error("the phone spoke first")
	}
	m.speak(440)
	m.hears(700)
}

func TestSpeakingRecordingAndMute(t *testing.T) {
	b := world(t, func(c *Config) { c.Users[0].Record = true })
	h := b.ring(nil)
	m := newMedia(t, true)
	b.answerUIC(h, m)
	m.speak(440)
	b.phoneHears(440)
	b.ok("POST", "/control/users/"+ana+"/speak", audio.WriteWAV(audio.Sine(1200, audio.Rate*2)))
	m.hears(1200)
	b.user("tone", obj{"hz": 600, "ms": 2000})
	m.hears(600)
	b.user("mute", obj{"on": true})
	eventually(t, "silence after mute", func() bool {
		pcm, err := m.ear.Window(time.Now(), 200*time.Millisecond)
		return err == nil && audio.RMS(pcm) < -50
	})
	b.user("hangup", nil)
	_, raw := b.do("GET", "/control/users/"+ana+"/heard.wav", nil)
	pcm, err := audio.ReadWAV([]byte(raw["raw"].(string)))
	if err != nil || audio.Level(pcm, 440) > -8 || audio.Level(pcm, 440) < -25 {
		t.Errorf("recording: %v, %.1f dB at 440 Hz", err, audio.Level(pcm, 440))
	}
}

func TestMediaThatStopsEndsTheCall(t *testing.T) {
	b := world(t, func(c *Config) { c.Timings.FirstMedia, c.Timings.MidMedia = 5000, 600 })
	b.ok("PATCH", "/control/timings", obj{"first_media_ms": 300})
	h := b.ring(nil)
	m := newMedia(t, true)
	answer := m.answer(h.sdp())
	b.calls(obj{"call_id": h.id(), "action": "pre_accept", "session": obj{"sdp_type": "answer", "sdp": answer}})
	m.connected()
	m.speak(440)
	b.calls(obj{"call_id": h.id(), "action": "accept", "session": obj{"sdp_type": "answer", "sdp": answer}})
	b.phoneHears(440)
	m.close() // the business vanishes without terminate
	if end := b.waitCall("terminate", h.id()); end.item("errors")["code"] != 138021.0 {
		t.Errorf("%v", end.value)
	}
}
