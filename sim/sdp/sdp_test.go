package sdp

import (
	"net/netip"
	"strings"
	"testing"
)

const print32 = "AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89"

// good is a business's description; each case changes one thing.
func good(setup string) string {
	return strings.Join([]string{
		"v=0", "o=- 1 2 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE audio",
		"m=audio 9 UDP/TLS/RTP/SAVPF 111 126", "c=IN IP4 0.0.0.0",
		"a=candidate:1 1 udp 2130706431 10.0.0.1 5000 typ host", "a=ice-ufrag:abcd", "a=ice-pwd:0123456789012345678901",
		"a=fingerprint:SHA-256 " + print32, "a=setup:" + setup, "a=mid:audio", "a=sendrecv", "a=rtcp-mux",
		"a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid",
		"a=rtpmap:111 opus/48000/2", "a=rtpmap:126 telephone-event/8000", "a=ptime:20", "",
	}, "\r\n")
}

func TestJudge(t *testing.T) {
	swap := func(was, is string) func(string) string {
		return func(s string) string {
			if !strings.Contains(s, was) {
				t.Fatalf("the sample lacks %q", was)
			}
			return strings.Replace(s, was, is, 1)
		}
	}
	cases := []struct {
		name   string
		change func(string) string
		want   string // part of the details, "" = accepted
		print  bool
	}{
		{"as captured", func(s string) string { return s }, "", false},
		{"empty", func(string) string { return "" }, "empty", false},
		{"not SDP", func(string) string { return "hello\r\n" }, "cannot be parsed", false},
		{"JSON blob", func(s string) string { return `{"sdp":"x","type":"answer"}` }, "JSON", false},
		{"LF line ends", func(s string) string { return strings.ReplaceAll(s, "\r\n", "\n") }, "CRLF", false},
		{"video too", func(s string) string { return s + "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n" }, "exactly one audio", false},
		{"video only", swap("m=audio", "m=video"), "exactly one audio", false},
		{"plain RTP", swap("UDP/TLS/RTP/SAVPF", "RTP/AVP"), "transport", false},
		{"no Opus", swap("opus/48000/2", "G722/8000"), "opus", false},
		{"no rtcp-mux", swap("a=rtcp-mux\r\n", ""), "rtcp-mux", false},
		{"no ufrag", swap("a=ice-ufrag:abcd\r\n", ""), "ice-ufrag", false},
		{"short password", swap("0123456789012345678901", "short"), "ice-ufrag", false},
		{"no fingerprint", swap("a=fingerprint:SHA-256 "+print32+"\r\n", ""), "No fingerprint", true},
		{"SHA-512 too", swap("a=setup", "a=fingerprint:sha-512 "+print32+"\r\na=setup"), "not SHA256", true},
		{"two fingerprints", swap("a=setup", "a=fingerprint:sha-256 "+print32+"\r\na=setup"), "More than one", true},
		{"broken fingerprint", swap(print32, "AB:CD"), "not valid", true},
		{"no mid", swap("a=mid:audio\r\n", ""), "mid", false},
		{"wrong group", swap("BUNDLE audio", "BUNDLE 0"), "group", false},
		{"no group", swap("a=group:BUNDLE audio\r\n", ""), "", false},
		{"extra codecs", swap("a=ptime", "a=rtpmap:9 G722/8000\r\na=ptime"), "", false},
	}
	for _, c := range cases {
		for side, p := range map[string]*Problem{"offer": second(CheckOffer(c.change(good("actpass")))), "answer": second(CheckAnswer(c.change(good("active")), "audio"))} {
			switch {
			case c.want == "" && p != nil:
				t.Errorf("%s, %s: %v", c.name, side, p)
			case c.want != "" && (p == nil || !strings.Contains(p.Details, c.want) || p.Fingerprint != c.print):
				t.Errorf("%s, %s: %+v, want %q", c.name, side, p, c.want)
			}
		}
	}
}

func second(_ Description, p *Problem) *Problem { return p }

func TestSetupRoles(t *testing.T) {
	for setup, want := range map[string][2]bool{"actpass": {true, false}, "active": {true, true}, "passive": {false, true}, "holdconn": {false, false}} {
		if _, p := CheckOffer(good(setup)); (p == nil) != want[0] {
			t.Errorf("offer %s: %v", setup, p)
		}
		if _, p := CheckAnswer(good(setup), "audio"); (p == nil) != want[1] {
			t.Errorf("answer %s: %v", setup, p)
		}
	}
	if _, p := CheckAnswer(strings.ReplaceAll(good("active"), "audio\r\n", "0\r\n"), "audio"); p == nil {
		t.Error("an answer with another mid was accepted")
	}
	if d, _ := CheckAnswer(good("passive"), "audio"); len(d.Warnings) == 0 {
		t.Error("a passive answer deserves a warning")
	}
}

func TestOwnDescriptions(t *testing.T) {
	l := Local{
		SessionID: 7, Addrs: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:3480"), netip.MustParseAddrPort("[2001:db8::1]:3480")},
		Ufrag: "Qw3rTy7uIoP9", Pwd: "q1w2e3r4t5y6u7i8o9p0AA==", Fingerprint: make([]byte, 32), SSRC: 9, StreamID: "s", PCMA: true, PCMU: true,
	}
	offer := Offer(l)
	d, p := CheckOffer(offer)
	if p != nil || d.Opus != OpusPT || d.TelephoneEvent != DTMFPT || !d.PCMA || !d.PCMU || d.Mid != "audio" || d.Setup != "actpass" {
		t.Errorf("own offer: %+v, %v", d, p)
	}
	if !strings.Contains(offer, "m=audio 3480 UDP/TLS/RTP/SAVPF 111 8 0 126\r\n") || !strings.Contains(offer, "udp 2122262783 2001:db8::1 3480") {
		t.Errorf("own offer:\n%s", offer)
	}
	business, p := CheckOffer(strings.NewReplacer("111", "96", "mid:audio", "mid:0", "BUNDLE audio", "BUNDLE 0").Replace(good("actpass")))
	if p != nil {
		t.Fatal(p)
	}
	answer := Answer(l, business, "active")
	a, p := CheckAnswer(answer, "0")
	if p != nil || a.Opus != 96 || a.Mid != "0" || len(a.Extmaps) != 1 || a.PCMA {
		t.Errorf("own answer: %+v, %v", a, p)
	}
}

func FuzzCheck(f *testing.F) {
	f.Add(good("actpass"))
	f.Add(good("active"))
	f.Add("v=0\r\no=- 0 0 IN IP4 0\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, check := range []func(string) (Description, *Problem){CheckOffer, func(s string) (Description, *Problem) { return CheckAnswer(s, "audio") }} {
			d, p := check(text)
			if p != nil {
				if p.Details == "" {
					t.Error("a problem without details")
				}
				continue
			}
			if len(d.Fingerprint) != 32 || d.Ufrag == "" || len(d.Pwd) < 22 || d.Mid == "" || d.Setup == "" {
				t.Errorf("accepted, but incomplete: %+v", d)
			}
			if strings.Contains(Answer(Local{}, d, "active"), "\n\n") {
				t.Error("the answer has an empty line")
			}
		}
	})
}
