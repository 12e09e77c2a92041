// Package sdp reads, judges and writes the session descriptions of WhatsApp calls, as Meta's pages "Cloud API calling,
// reference" and "troubleshooting" demand them. Pure: text in, facts or a Problem out. It does not negotiate anything.
package sdp

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	psdp "github.com/pion/sdp/v3"
)

// maxLen bounds the text that is parsed, in bytes.
const maxLen = 64 << 10

// Description is what the phone needs to know of a business's SDP.
type Description struct {
	Setup          string // active, passive, actpass or empty
	Ufrag, Pwd     string
	Fingerprint    []byte // 32 bytes, SHA-256 of the certificate
	Mid            string
	Opus           uint8 // payload type
	TelephoneEvent uint8 // payload type at 8000 Hz, 0 when absent
	PCMA, PCMU     bool
	Extmaps        []string // values of a=extmap, to be copied into an answer
	Warnings       []string // legal, but not what Meta recommends
}

// Problem is why an SDP is refused. Fingerprint problems have their own error code.
type Problem struct {
	Details     string
	Fingerprint bool
}

func problem(format string, args ...any) *Problem {
	return &Problem{Details: fmt.Sprintf(format, args...)}
}

// CheckOffer judges the offer of a business-initiated call.
func CheckOffer(text string) (Description, *Problem) {
	d, p := check(text)
	if p != nil {
		return d, p
	}
	if d.Setup != "actpass" && d.Setup != "active" {
		return d, problem("setup must be actpass or active in an offer, it is %q", d.Setup)
	}
	return d, nil
}

// CheckAnswer judges the answer to the offer of a user-initiated call; mid is that of the offer.
// A passive answer is legal and leads to a call without audio, since the phone does not start DTLS.
func CheckAnswer(text, mid string) (Description, *Problem) {
	d, p := check(text)
	if p != nil {
		return d, p
	}
	switch {
	case d.Mid != mid:
		return d, problem("mid %q does not match the offer's %q", d.Mid, mid)
	case d.Setup != "active" && d.Setup != "passive":
		return d, problem("setup must be active in an answer, it is %q", d.Setup)
	}
	if d.Setup == "passive" {
		d.Warnings = append(d.Warnings, "setup:passive: neither side starts DTLS, there will be no audio")
	}
	return d, nil
}

func check(text string) (Description, *Problem) {
	var d Description
	switch {
	case strings.TrimSpace(text) == "":
		return d, problem("the SDP is empty")
	case len(text) > maxLen:
		return d, problem("the SDP is longer than %d bytes", maxLen)
	case strings.HasPrefix(strings.TrimSpace(text), "{"):
		return d, problem("the SDP is a JSON object, RFC 8866 text is expected")
	case strings.Count(text, "\n") != strings.Count(text, "\r\n"):
		return d, problem("lines must end in CRLF")
	}
	var s psdp.SessionDescription
	if err := s.UnmarshalString(text); err != nil {
		if errors.Is(err, io.EOF) {
			return d, problem("the SDP is cut off")
		}
		return d, problem("the SDP cannot be parsed: %v", err)
	}
	if len(s.MediaDescriptions) != 1 || s.MediaDescriptions[0].MediaName.Media != "audio" {
		return d, problem("exactly one audio section is expected, there are %d sections", len(s.MediaDescriptions))
	}
	m := s.MediaDescriptions[0]
	if proto := strings.Join(m.MediaName.Protos, "/"); proto != "UDP/TLS/RTP/SAVPF" {
		return d, problem("the transport must be UDP/TLS/RTP/SAVPF, it is %s", proto)
	}
	get := func(key string) string {
		if v, ok := m.Attribute(key); ok {
			return v
		}
		v, _ := s.Attribute(key)
		return v
	}
	d.Setup, d.Ufrag, d.Pwd, d.Mid = get("setup"), get("ice-ufrag"), get("ice-pwd"), get("mid")
	if p := readTransport(&s, m, &d); p != nil {
		return d, p
	}
	if p := readGroup(&s, d.Mid); p != nil {
		return d, p
	}
	return d, readCodecs(m, &d)
}

func readTransport(s *psdp.SessionDescription, m *psdp.MediaDescription, d *Description) *Problem {
	if _, ok := m.Attribute("rtcp-mux"); !ok {
		return problem("rtcp-mux is missing")
	}
	if len(d.Ufrag) < 4 || len(d.Pwd) < 22 { // RFC 8839 section 5.4
		return problem("ice-ufrag or ice-pwd is missing or too short")
	}
	var prints []string
	for _, list := range [][]psdp.Attribute{s.Attributes, m.Attributes} {
		for _, a := range list {
			if a.Key == "fingerprint" {
				prints = append(prints, a.Value)
			}
		}
	}
	if len(prints) == 0 {
		return &Problem{Details: "No fingerprint found in SDP", Fingerprint: true}
	}
	for _, fp := range prints {
		algo, value, _ := strings.Cut(fp, " ")
		if !strings.EqualFold(algo, "sha-256") {
			return &Problem{Details: "Fingerprint algo is not SHA256", Fingerprint: true}
		}
		raw, err := hex.DecodeString(strings.ReplaceAll(value, ":", ""))
		if err != nil || len(raw) != 32 {
			return &Problem{Details: "Fingerprint value is not valid", Fingerprint: true}
		}
		d.Fingerprint = raw
	}
	if len(prints) > 1 {
		return &Problem{Details: "More than one fingerprint found in SDP", Fingerprint: true}
	}
	return nil
}

func readGroup(s *psdp.SessionDescription, mid string) *Problem {
	if mid == "" {
		return problem("mid is missing")
	}
	group, ok := s.Attribute("group")
	if !ok {
		return nil // a single section needs no bundle
	}
	if fields := strings.Fields(group); len(fields) != 2 || fields[0] != "BUNDLE" || fields[1] != mid {
		return problem("group %q does not bundle mid %q", group, mid)
	}
	return nil
}

func readCodecs(m *psdp.MediaDescription, d *Description) *Problem {
	offered := map[string]bool{}
	for _, f := range m.MediaName.Formats {
		offered[f] = true
	}
	d.PCMU, d.PCMA = offered["0"], offered["8"]
	opus := false
	for _, a := range m.Attributes {
		switch a.Key {
		case "extmap":
			d.Extmaps = append(d.Extmaps, a.Value)
		case "rtpmap":
			format, codec, _ := strings.Cut(a.Value, " ")
			pt, err := strconv.ParseUint(format, 10, 7)
			if err != nil || !offered[format] {
				continue
			}
			switch strings.ToLower(codec) {
			case "opus/48000/2":
				if !opus {
					d.Opus, opus = uint8(pt), true
				}
			case "telephone-event/8000", "telephone-event/8000/1":
				d.TelephoneEvent = uint8(pt)
			case "telephone-event/48000":
				d.Warnings = append(d.Warnings, "telephone-event/48000 is not supported")
			case "pcmu/8000", "pcma/8000":
			default:
				d.Warnings = append(d.Warnings, "codec "+codec+" is ignored")
			}
		case "ptime":
			if a.Value != "20" {
				d.Warnings = append(d.Warnings, "ptime "+a.Value+": 20 is expected")
			}
		}
	}
	if !opus {
		return problem("opus/48000/2 is missing")
	}
	return nil
}
