package sdpedit

import "testing"

func TestIntake(t *testing.T) {
	in := "v=0\na=fingerprint:sha-512 AA\r\na=fingerprint:SHA-256 BB\n\na=fingerprint:sha-384 CC\r\na=mid:audio\r\n"
	want := "v=0\r\na=fingerprint:SHA-256 BB\r\na=mid:audio\r\n"
	if got := Intake(in); got != want {
		t.Errorf("%q", got)
	}
}

func TestWithoutSources(t *testing.T) {
	in := "a=mid:audio\r\na=ssrc:1 cname:x\r\na=ssrc-group:FID 1 2\r\na=sendrecv\r\n"
	if got, want := WithoutSources(in), "a=mid:audio\r\na=sendrecv\r\n"; got != want {
		t.Errorf("%q", got)
	}
}

func TestOutgoing(t *testing.T) {
	in := "m=audio 9 UDP/TLS/RTP/SAVPF 111 126\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10\r\n" +
		"a=rtpmap:126 telephone-event/8000\r\na=fmtp:126 0-15\r\na=ptime:20\r\n" +
		"a=candidate:1 1 udp 5 10.0.0.1 9 typ host\r\na=candidate:1 2 udp 5 10.0.0.1 9 typ host\r\n"
	want := "m=audio 9 UDP/TLS/RTP/SAVPF 111 126\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 " + Profile +
		"\r\na=ptime:20\r\na=maxptime:20\r\na=rtpmap:126 telephone-event/8000\r\na=fmtp:126 0-15\r\n" +
		"a=candidate:1 1 udp 5 10.0.0.1 9 typ host\r\n"
	if got := Outgoing(in); got != want {
		t.Errorf("%q", got)
	}
	if got := Outgoing(want); got != want {
		t.Errorf("a second time changes it: %q", got)
	}
}
