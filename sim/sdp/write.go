package sdp

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Local is the phone's side of a description.
type Local struct {
	SessionID   uint64
	Addrs       []netip.AddrPort // host candidates
	Ufrag, Pwd  string
	Fingerprint []byte // SHA-256
	SSRC        uint32
	StreamID    string
	PCMA, PCMU  bool // additional codecs of the line
}

// PTs of the phone's own offer.
const (
	OpusPT = 111
	DTMFPT = 126
	pcmuPT = 0
	pcmaPT = 8
)

const opusParams = "maxaveragebitrate=20000;maxplaybackrate=16000;minptime=20;sprop-maxcapturerate=16000;useinbandfec=1"

// Offer writes the offer of a user-initiated call. IPv6 candidates get the higher priority, as Meta's have.
func Offer(l Local) string {
	b := &strings.Builder{}
	head(b, l, "audio", formats(OpusPT, DTMFPT, l))
	for i, a := range l.Addrs {
		prio := 2122260223
		if a.Addr().Is6() {
			prio = 2122262783
		}
		linef(b, "a=candidate:%d 1 udp %d %s %d typ host generation 0 network-cost 50", 2110000001+i, prio, a.Addr(), a.Port())
	}
	body(b, l, "actpass", "audio", OpusPT, DTMFPT)
	return b.String()
}

// Answer writes the answer of a business-initiated call: mid and header extensions are copied from the offer,
// payload types are those of the offer, setup is as told ("active", "passive" or "actpass").
func Answer(l Local, offer Description, setup string) string {
	dtmf := offer.TelephoneEvent
	if dtmf == 0 {
		dtmf = DTMFPT
	}
	l.PCMA, l.PCMU = l.PCMA && offer.PCMA, l.PCMU && offer.PCMU
	b := &strings.Builder{}
	head(b, l, offer.Mid, formats(offer.Opus, dtmf, l))
	for i, a := range l.Addrs {
		prio := 2113937151
		if a.Addr().Is6() {
			prio = 2113939711
		}
		linef(b, "a=candidate:%d 1 udp %d %s %d typ host generation 0 network-cost 50", 2110000001+i, prio, a.Addr(), a.Port())
	}
	for _, e := range offer.Extmaps {
		linef(b, "a=extmap:%s", e)
	}
	body(b, l, setup, offer.Mid, offer.Opus, dtmf)
	return b.String()
}

func formats(opus, dtmf uint8, l Local) string {
	s := strconv.FormatUint(uint64(opus), 10)
	if l.PCMA {
		s += fmt.Sprintf(" %d", pcmaPT)
	}
	if l.PCMU {
		s += fmt.Sprintf(" %d", pcmuPT)
	}
	return s + fmt.Sprintf(" %d", dtmf)
}

func linef(b *strings.Builder, format string, args ...any) {
	fmt.Fprintf(b, format, args...)
	b.WriteString("\r\n")
}

func head(b *strings.Builder, l Local, mid, formats string) {
	first := netip.AddrPortFrom(netip.IPv4Unspecified(), 9)
	for _, a := range l.Addrs {
		if a.Addr().Is4() {
			first = a
			break
		}
	}
	linef(b, "v=0")
	linef(b, "o=- %d 2 IN IP4 127.0.0.1", l.SessionID)
	linef(b, "s=-")
	linef(b, "t=0 0")
	linef(b, "a=group:BUNDLE %s", mid)
	linef(b, "a=msid-semantic: WMS %s", l.StreamID)
	linef(b, "a=ice-lite")
	linef(b, "m=audio %d UDP/TLS/RTP/SAVPF %s", first.Port(), formats)
	linef(b, "c=IN IP4 %s", first.Addr())
	linef(b, "a=rtcp:9 IN IP4 0.0.0.0")
}

func body(b *strings.Builder, l Local, setup, mid string, opus, dtmf uint8) {
	linef(b, "a=ice-ufrag:%s", l.Ufrag)
	linef(b, "a=ice-pwd:%s", l.Pwd)
	linef(b, "a=fingerprint:sha-256 %s", FingerprintText(l.Fingerprint))
	linef(b, "a=setup:%s", setup)
	linef(b, "a=mid:%s", mid)
	linef(b, "a=sendrecv")
	linef(b, "a=msid:%s WhatsAppTrack1", l.StreamID)
	linef(b, "a=rtcp-mux")
	linef(b, "a=rtpmap:%d opus/48000/2", opus)
	linef(b, "a=rtcp-fb:%d transport-cc", opus)
	linef(b, "a=fmtp:%d %s", opus, opusParams)
	if l.PCMA {
		linef(b, "a=rtpmap:%d PCMA/8000", pcmaPT)
	}
	if l.PCMU {
		linef(b, "a=rtpmap:%d PCMU/8000", pcmuPT)
	}
	linef(b, "a=rtpmap:%d telephone-event/8000", dtmf)
	linef(b, "a=maxptime:20")
	linef(b, "a=ptime:20")
	linef(b, "a=ssrc:%d cname:WhatsAppAudioStream1", l.SSRC)
}

// FingerprintText writes a digest as colon-separated upper-case hex (RFC 8122 section 5).
func FingerprintText(raw []byte) string {
	parts := make([]string, len(raw))
	for i, b := range raw {
		parts[i] = fmt.Sprintf("%02X", b)
	}
	return strings.Join(parts, ":")
}
