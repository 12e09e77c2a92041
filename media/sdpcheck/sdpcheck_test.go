package sdpcheck

import (
	"strings"
	"testing"

	"ramal/internal/fault"
	"ramal/media/sdpedit"
)

const fingerprint = "5A:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE"

const session = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE audio\r\na=ice-lite\r\n"

const line = "m=audio 3480 UDP/TLS/RTP/SAVPF 111 126\r\nc=IN IP4 57.144.10.20\r\na=ice-ufrag:Qw3rTy7uIoP9aSdF\r\n" +
	"a=ice-pwd:q1w2e3r4t5y6u7i8o9p0AA==\r\na=fingerprint:sha-256 " + fingerprint + "\r\na=setup:actpass\r\na=mid:audio\r\n" +
	"a=sendrecv\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\na=rtpmap:126 telephone-event/8000\r\n"

const sound = session + line

func TestSoundDescription(t *testing.T) {
	for _, kind := range []Kind{Offer, Answer} {
		s, err := Read(sound, kind)
		if err != nil {
			t.Fatal(err)
		}
		want := Line{Mid: "audio", Direction: "sendrecv", Opus: 111, Event: 126}
		if !s.Lite || len(s.Lines) != 1 || s.Lines[0] != want {
			t.Errorf("%+v", s)
		}
		if err := CheckSingle(sound, kind); err != nil {
			t.Error(err)
		}
	}
	two := sound + strings.NewReplacer("mid:audio", "mid:1", "sendrecv", "recvonly", "111", "96", "telephone-event", "x").Replace(line)
	s, err := Read(two, Offer)
	if err != nil {
		t.Fatal(err)
	}
	if want := (Line{Mid: "1", Direction: "recvonly", Opus: 96}); len(s.Lines) != 2 || s.Lines[1] != want {
		t.Errorf("%+v", s)
	}
	if err := CheckSingle(two, Offer); fault.CodeOf(err) != "one_line" {
		t.Errorf("two lines where one is allowed: %v", err)
	}
}

func TestChecks(t *testing.T) {
	swap := func(was, is string) string { return strings.ReplaceAll(sound, was, is) }
	for _, c := range []struct {
		name, sdp string
		expect    Kind
		code      string // "" is sound
	}{
		{"empty", "", Offer, "empty"},
		{"too long", sound + strings.Repeat("a=x\r\n", MaxBytes/5), Offer, "too_long"},
		{"JSON", `{"type":"offer"}`, Offer, "not_sdp"},
		{"cut off in a line", session + "m=audio", Offer, "not_sdp"},
		{"no media", session, Offer, "lines"},
		{"too many lines", session + strings.Repeat("m=audio 9 RTP/AVP 0\r\n", MaxLines+1), Offer, "lines"},
		{"video", swap("m=audio", "m=video"), Offer, "not_audio"},
		{"two lines of one name", sound + line, Offer, "mid"},
		{"no mid", swap("a=mid:audio\r\n", ""), Offer, "mid"},
		{"plain RTP", swap("UDP/TLS/RTP/SAVPF", "RTP/AVP"), Offer, "transport"},
		{"no Opus", swap("opus/48000/2", "PCMA/8000"), Offer, "no_opus"},
		{"Opus not in the list", swap("SAVPF 111 126", "SAVPF 126"), Offer, "no_opus"},
		{"no rtcp-mux", swap("a=rtcp-mux\r\n", ""), Offer, "no_rtcp_mux"},
		{"no ufrag", swap("a=ice-ufrag:Qw3rTy7uIoP9aSdF\r\n", ""), Offer, "ice"},
		{"short password", swap("q1w2e3r4t5y6u7i8o9p0AA==", "short"), Offer, "ice"},
		{"no fingerprint", swap("a=fingerprint:sha-256 "+fingerprint+"\r\n", ""), Offer, "no_fingerprint"},
		{"SHA-384 only", swap("sha-256", "sha-384"), Offer, "no_fingerprint"},
		{"a fingerprint cut short", swap(fingerprint, fingerprint[:47]), Offer, "no_fingerprint"},
		{"SHA-256 in capitals, SHA-512 beside it", swap("a=fingerprint:sha-256", "a=fingerprint:sha-512 AA\r\na=fingerprint:SHA-256"), Offer, ""},
		{"fingerprint of the session", strings.Replace(strings.Replace(sound, "a=fingerprint:sha-256 "+fingerprint+"\r\n", "", 1), "a=ice-lite", "a=fingerprint:sha-256 "+fingerprint+"\r\na=ice-lite", 1), Offer, ""},
		{"an offer without a role", swap("a=setup:actpass\r\n", ""), Offer, "setup"},
		{"an answer without a role", swap("a=setup:actpass\r\n", ""), Answer, ""},
		{"an active answer", swap("actpass", "active"), Answer, ""},
		{"a passive answer", swap("actpass", "passive"), Answer, ""},
		{"an unknown role", swap("actpass", "holdconn"), Answer, "setup"},
		{"line ends of one character", swap("\r\n", "\n"), Offer, ""},
	} {
		err := Check(c.sdp, c.expect)
		if c.code == "" && err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if c.code != "" && (!fault.Is(err, fault.Invalid) || fault.CodeOf(err) != c.code) {
			t.Errorf("%s: %v, want code %s", c.name, err, c.code)
		}
	}
	if err := CheckSingle(swap("m=audio 3480", "m=audio 0"), Answer); fault.CodeOf(err) != "rejected" {
		t.Errorf("a refused line: %v", err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(sound)
	f.Add(session + "m=audio 9 RTP/AVP 0\r\n")
	f.Add("v=0\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Read(text, Offer)
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Errorf("refused with %v", err)
			}
			return
		}
		if len(s.Lines) == 0 {
			t.Error("sound without a line")
		}
		// Editing what is let in is harmless: no source, no second fingerprint and no broken line comes out of it.
		edited := sdpedit.WithoutSources(sdpedit.Intake(text))
		if _, err := Read(edited, Offer); err != nil && !fault.Is(err, fault.Invalid) {
			t.Errorf("edited and refused with %v", err)
		}
		if strings.Contains(edited, "\r\na=ssrc:") || len(edited) > 2*len(text) {
			t.Errorf("edited to %q", edited)
		}
	})
}
