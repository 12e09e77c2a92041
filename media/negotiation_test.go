package media_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"ramal/internal/fault"
	"ramal/media"
	"ramal/media/mediatest"
)

// A description as WhatsApp's, with everything that has tripped others: ICE lite, a password that ends in "==", a
// mid that is a word, an IPv6 candidate before the IPv4 one, a declared source.
const foreignOffer = "v=0\r\no=- 1795950000123 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE audio\r\n" +
	"a=msid-semantic: WMS 1f0e8c1a\r\na=ice-lite\r\nm=audio 3480 UDP/TLS/RTP/SAVPF 111 126\r\nc=IN IP4 127.0.0.9\r\n" +
	"a=rtcp:9 IN IP4 0.0.0.0\r\n" +
	"a=candidate:2110000002 1 udp 2122262783 2001:db8::699c 3480 typ host generation 0 network-cost 50\r\n" +
	"a=candidate:2110000001 1 udp 2122260223 127.0.0.9 3480 typ host generation 0 network-cost 50\r\n" +
	"a=ice-ufrag:Qw3rTy7uIoP9aSdF\r\na=ice-pwd:q1w2e3r4t5y6u7i8o9p0AA==\r\n" +
	"a=fingerprint:sha-256 5A:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE\r\n" +
	"a=setup:actpass\r\na=mid:audio\r\na=sendrecv\r\na=msid:1f0e8c1a WhatsAppTrack1\r\na=rtcp-mux\r\n" +
	"a=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 transport-cc\r\n" +
	"a=fmtp:111 maxaveragebitrate=20000;maxplaybackrate=16000;minptime=20;sprop-maxcapturerate=16000;useinbandfec=1\r\n" +
	"a=rtpmap:126 telephone-event/8000\r\na=maxptime:20\r\na=ptime:20\r\na=ssrc:3141592653 cname:WhatsAppAudioStream1\r\n"

// count says how many lines of a description match a pattern.
func count(sdp, pattern string) int {
	return len(regexp.MustCompile(`(?m)^`+pattern+`\r$`).FindAllString(sdp, -1))
}

func wantLines(t *testing.T, sdp string, want map[string]int) {
	t.Helper()
	for pattern, n := range want {
		if got := count(sdp, pattern); got != n {
			t.Errorf("%d lines match %q, want %d", got, pattern, n)
		}
	}
	if t.Failed() {
		t.Log(sdp)
	}
}

// plain is what every description we give WhatsApp has and has not.
var plain = map[string]int{
	`m=.*`:                                  1,
	`m=audio \d+ UDP/TLS/RTP/SAVPF 111 126`: 1,
	`a=rtpmap:111 opus/48000/2`:             1,
	`a=rtpmap:126 telephone-event/8000`:     1,
	`a=rtpmap:.*`:                           2,
	`a=fingerprint:.*`:                      1,
	`a=fingerprint:sha-256 .*`:              1,
	`a=fmtp:111 .*maxplaybackrate=16000.*`:  1,
	`a=fmtp:111 .*`:                         1,
	`a=ptime:20`:                            1,
	`a=rtcp-mux`:                            1,
	`a=sendrecv`:                            1,
	`a=ice-lite`:                            0,
	`a=extmap:.*`:                           0,
	`a=ssrc:\d+ cname:.*`:                   1,
	`a=candidate:.* udp .* 127\.0\.0\.1 .*`: 1,
	`a=candidate:.*`:                        1,
}

func TestOfferToContact(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	offer, err := s.conf.OfferContact(s.ctx, "contact")
	s.must(err)
	wantLines(t, offer, plain)
	wantLines(t, offer, map[string]int{`a=setup:actpass`: 1, `a=setup:.*`: 1})
	again, err := s.conf.OfferContact(s.ctx, "contact")
	s.must(err)
	if again != offer {
		t.Error("a second offer for the same leg is another text")
	}
}

func TestAnswerToContact(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	answer, err := s.conf.AnswerContact(s.ctx, "contact", foreignOffer)
	s.must(err)
	wantLines(t, answer, plain)
	wantLines(t, answer, map[string]int{`a=setup:active`: 1, `a=setup:.*`: 1, `a=mid:audio`: 1, `a=group:BUNDLE audio`: 1})
	again, err := s.conf.AnswerContact(s.ctx, "contact", foreignOffer)
	s.must(err)
	if again != answer {
		t.Error("pre_accept and accept would get different texts")
	}
	other := strings.Replace(foreignOffer, "Qw3rTy7uIoP9aSdF", "Qw3rTy7uIoP9aSdG", 1)
	if _, err := s.conf.AnswerContact(s.ctx, "contact", other); !fault.Is(err, fault.Conflict) {
		t.Errorf("another offer for a connected leg: %v", err)
	}
}

// speakBothWays checks that contact and agent hear each other.
func (s *stage) speakBothWays(phone, luis *mediatest.Peer) {
	s.t.Helper()
	phone.Mic.Speak(contactHz, loud)
	luis.Mic.Speak(luisHz, loud)
	s.must(s.conf.OpenAudio("contact"))
	s.hears("contact", s.ear(phone, ""), tones, luisHz)
	s.hears("luis", s.ear(luis, s.midOf("luis", "contact")), tones, contactHz)
}

func TestContactAnswersInEveryRole(t *testing.T) {
	t.Parallel()
	for _, role := range []string{"active", "passive", "actpass", "none"} {
		t.Run(role, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			phone := s.dial("contact", role)
			luis, _ := s.join("luis", 2)
			s.connected("contact")
			s.speakBothWays(phone, luis)
		})
	}
}

// An IPv6 candidate of higher priority that leads nowhere must not delay the IPv4 one.
func TestUnreachableCandidateDoesNotStall(t *testing.T) {
	t.Parallel()
	s := newStage(t, func(c *media.Config) { c.UDPAddr = ":0"; c.IncludeLoopback = true })
	phone := s.phone("active")
	offer, err := s.conf.OfferContact(s.ctx, "contact")
	s.must(err)
	answer, err := phone.Answer(s.ctx, offer)
	s.must(err)
	answer = strings.Replace(answer, "a=candidate:", "a=candidate:2110000002 1 udp 2130706432 2001:db8::699c 3480 typ host\r\na=candidate:", 1)
	began := time.Now()
	s.must(s.conf.AnswerOfContact(s.ctx, "contact", answer))
	s.connected("contact")
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("connected after %v", took)
	}
}

// WhatsApp's relay sends from a source its description did not declare, and may change it during the call.
func TestForeignSources(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{"dial", "ring"} {
		t.Run(dir, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			var phone *mediatest.Peer
			if dir == "dial" {
				phone = s.dial("contact", "active")
			} else {
				phone = s.ring("contact")
			}
			phone.Mic.Relay(0x01020304)
			luis, _ := s.join("luis", 2)
			s.connected("contact")
			s.speakBothWays(phone, luis)
			phone.Mic.Relay(0x05060708)
			phone.Mic.Speak(fernandoHz, loud)
			s.hears("luis, after the change of source", s.ear(luis, s.midOf("luis", "contact")), tones, fernandoHz)
		})
	}
}

func TestBrowserWithHiddenAddresses(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	phone := s.ring("contact")
	browser, offer := s.browser(2, false)
	hidden := strings.ReplaceAll(offer, " 127.0.0.1 ", " 5d1c0f3e-53a1-4a0e-9f0a-0d3a5f1c2b7e.local ")
	if !strings.Contains(hidden, ".local ") {
		t.Fatalf("no candidate to hide in %s", offer)
	}
	answer, err := s.conf.AnswerAgent(s.ctx, "luis", hidden)
	s.must(err)
	s.must(browser.Answered(answer.SDP))
	s.connected("luis")
	s.connected("contact")
	s.speakBothWays(phone, browser)
}

func TestBrowserWithoutMicrophoneListens(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	phone := s.ring("contact")
	s.connected("contact")
	phone.Mic.Speak(contactHz, loud)
	s.must(s.conf.OpenAudio("contact"))
	browser, offer := s.browser(3, true)
	answer, err := s.conf.AnswerAgent(s.ctx, "luis", offer)
	s.must(err)
	s.must(browser.Answered(answer.SDP))
	s.hears("luis", s.ear(browser, s.midOf("luis", "contact")), tones, contactHz)
}

func TestAnswerToBrowser(t *testing.T) {
	t.Parallel()
	s := newStage(t, func(c *media.Config) { c.AgentSlots = 3 })
	_, answer := s.join("luis", 5)
	wantLines(t, answer.SDP, map[string]int{
		`m=audio .*`:                              5,
		`a=rtpmap:\d+ opus/48000/2`:               5,
		`a=fmtp:\d+ .*stereo=0.*`:                 5,
		`a=fmtp:\d+ .*maxaveragebitrate=20000.*`:  5,
		`a=fmtp:\d+ .*maxplaybackrate=16000.*`:    5,
		`a=fmtp:\d+ .*useinbandfec=1.*usedtx=0.*`: 5,
		`a=fmtp:\d+ .*`:                           5,
		`a=sendrecv`:                              1,
		`a=ice-lite`:                              0,
	})
	if len(answer.Slots) != 3 || answer.Slots[0].Mid != "0" || answer.Slots[2].Mid != "2" {
		t.Errorf("slots %+v, want three, the first on the microphone's line", answer.Slots)
	}
}

func TestRefusedDescriptions(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	_, browserOffer := s.browser(2, false)
	for _, c := range []struct {
		name string
		call func() error
		kind fault.Kind
	}{
		{"garbage from a contact", func() error { _, err := s.conf.AnswerContact(s.ctx, "a", "hello"); return err }, fault.Invalid},
		{"two lines from a contact", func() error { _, err := s.conf.AnswerContact(s.ctx, "a", browserOffer); return err }, fault.Invalid},
		{"garbage from a browser", func() error { _, err := s.conf.AnswerAgent(s.ctx, "a", "v=0\r\n"); return err }, fault.Invalid},
		{"a browser that only sends", func() error {
			_, err := s.conf.AnswerAgent(s.ctx, "a", strings.Replace(browserOffer, "a=sendrecv", "a=sendonly", 1))
			return err
		}, fault.Invalid},
		{"a bad leg", func() error { _, err := s.conf.AnswerAgent(s.ctx, "", browserOffer); return err }, fault.Invalid},
		{"an answer to no offer", func() error { return s.conf.AnswerOfContact(s.ctx, "a", foreignOffer) }, fault.NotFound},
		{"open nobody", func() error { return s.conf.OpenAudio("a") }, fault.NotFound},
		{"mute nobody", func() error { return s.conf.SetMuted("a", true) }, fault.NotFound},
		{"too loud", func() error { return s.conf.SetGain("a", "b", 2.1) }, fault.Invalid},
	} {
		if err := c.call(); !fault.Is(err, c.kind) {
			t.Errorf("%s: %v, want a fault of kind %s", c.name, err, c.kind)
		}
	}
	if n := s.engine.Stats().Legs; n != 0 {
		t.Errorf("%d legs are left of refused descriptions", n)
	}
}

// Whoever has the path but not the key is refused.
func TestWrongFingerprintFails(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	phone := s.phone("active")
	offer, err := s.conf.OfferContact(s.ctx, "contact")
	s.must(err)
	answer, err := phone.Answer(s.ctx, offer)
	s.must(err)
	forged := regexp.MustCompile(`a=fingerprint:sha-256 ..:..`).ReplaceAllString(answer, "a=fingerprint:sha-256 00:00")
	s.must(s.conf.AnswerOfContact(s.ctx, "contact", forged))
	f := s.await("the contact failed", func(f media.Fact) bool { _, ok := f.(media.Failed); return ok })
	if f != (media.Failed{Leg: "contact", Reason: media.KeysFailed}) {
		t.Errorf("told %+v", f)
	}
	for _, f := range s.told() {
		if f == (media.Connected{Leg: "contact"}) {
			t.Error("told connected")
		}
	}
}

// WhatsApp sends keys as payload type 126 even where its answer did not take telephone events.
func TestKeysWithoutNegotiation(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	phone := s.phone("active")
	offer, err := s.conf.OfferContact(s.ctx, "contact")
	s.must(err)
	answer, err := phone.Answer(s.ctx, offer)
	s.must(err)
	bare := strings.NewReplacer("SAVPF 111 126", "SAVPF 111", "a=rtpmap:126 telephone-event/8000\r\n", "").Replace(answer)
	if strings.Contains(bare, "126 ") {
		t.Fatalf("telephone events are still in %s", bare)
	}
	s.must(s.conf.AnswerOfContact(s.ctx, "contact", bare))
	s.connected("contact")
	phone.Mic.Speak(contactHz, loud)
	s.must(s.conf.OpenAudio("contact"))
	luis, _ := s.join("luis", 2)
	s.hears("luis", s.ear(luis, s.midOf("luis", "contact")), tones, contactHz)
	phone.Mic.Press('7')
	s.await("key 7", func(f media.Fact) bool { return f == media.Digit{Leg: "contact", Digit: '7', DurationMS: 100} })
	s.hears("luis, after the key", s.ear(luis, s.midOf("luis", "contact")), tones, contactHz)
}
