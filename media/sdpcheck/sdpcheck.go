// Package sdpcheck judges session descriptions that come from outside before anything else touches them, and
// says in words what is wrong. It is pure: it holds no state and changes nothing (package sdpedit edits).
//
// A description that passes has at least one audio line over DTLS-SRTP with Opus, multiplexed RTCP, ICE
// credentials and a SHA-256 fingerprint; nothing in it is longer than it may be.
package sdpcheck

import (
	"slices"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"

	"ramal/internal/fault"
)

// Kind is what a description is meant to be.
type Kind string

// The two kinds.
const (
	Offer  Kind = "offer"
	Answer Kind = "answer"
)

// The bounds of what is read at all.
const (
	MaxBytes = 64 << 10 // a browser's offer with eight lines is about 16 KiB
	MaxLines = 32       // media lines
)

// Line is one audio line of a description.
type Line struct {
	Mid       string
	Direction string // sendrecv, sendonly, recvonly or inactive
	Rejected  bool   // its port is 0
	Opus      uint8  // payload type of opus/48000/2
	Event     uint8  // payload type of telephone-event/8000, 0 where none is offered
}

// Session is what the media plane needs to know of a description.
type Session struct {
	Lite  bool // the other side does ICE lite
	Lines []Line
}

// Check reports what is wrong with a description, as a fault of kind Invalid.
func Check(text string, expect Kind) error {
	_, err := Read(text, expect)
	return err
}

// CheckSingle is Check for a party that has exactly one stream each way, as WhatsApp's.
func CheckSingle(text string, expect Kind) error {
	s, err := Read(text, expect)
	if err != nil {
		return err
	}
	if len(s.Lines) != 1 {
		return invalid("one_line", "%d media lines where exactly one is allowed", len(s.Lines))
	}
	if s.Lines[0].Rejected {
		return invalid("rejected", "the audio line is refused (port 0)")
	}
	return nil
}

// Read checks a description and summarises it.
func Read(text string, expect Kind) (Session, error) {
	switch {
	case text == "":
		return Session{}, invalid("empty", "the session description is empty")
	case len(text) > MaxBytes:
		return Session{}, invalid("too_long", "%d bytes, at most %d are read", len(text), MaxBytes)
	case !strings.HasPrefix(text, "v=0"):
		return Session{}, invalid("not_sdp", "it does not begin with v=0")
	}
	var d sdp.SessionDescription
	if err := d.UnmarshalString(text); err != nil {
		e := invalid("not_sdp", "it cannot be parsed")
		e.Cause = err
		return Session{}, e
	}
	if n := len(d.MediaDescriptions); n == 0 || n > MaxLines {
		return Session{}, invalid("lines", "%d media lines, 1 to %d are allowed", n, MaxLines)
	}
	_, lite := d.Attribute("ice-lite")
	s := Session{Lite: lite}
	seen := make(map[string]bool)
	for i, m := range d.MediaDescriptions {
		line, err := readLine(&d, m, expect)
		if err != nil {
			err.Detail = "media line " + strconv.Itoa(i) + ": " + err.Detail
			return Session{}, err
		}
		if seen[line.Mid] {
			return Session{}, invalid("mid", "two media lines are called %q", line.Mid)
		}
		seen[line.Mid] = true
		s.Lines = append(s.Lines, line)
	}
	return s, nil
}

func readLine(d *sdp.SessionDescription, m *sdp.MediaDescription, expect Kind) (Line, *fault.Error) {
	if m.MediaName.Media != "audio" {
		return Line{}, invalid("not_audio", "%q, only audio is spoken here", clip(m.MediaName.Media))
	}
	mid, ok := m.Attribute("mid")
	if !ok || mid == "" || len(mid) > 64 {
		return Line{}, invalid("mid", "no a=mid of 1 to 64 characters")
	}
	line := Line{Mid: mid, Direction: direction(d, m), Rejected: m.MediaName.Port.Value == 0}
	if line.Rejected {
		return line, nil
	}
	if proto := strings.Join(m.MediaName.Protos, "/"); proto != "UDP/TLS/RTP/SAVPF" && proto != "UDP/TLS/RTP/SAVP" {
		return Line{}, invalid("transport", "transport %q, UDP/TLS/RTP/SAVPF is needed", clip(proto))
	}
	if line.Opus, ok = payloadType(m, "opus/48000/2"); !ok {
		return Line{}, invalid("no_opus", "opus/48000/2 is not among its codecs")
	}
	line.Event, _ = payloadType(m, "telephone-event/8000")
	if _, ok := m.Attribute("rtcp-mux"); !ok {
		return Line{}, invalid("no_rtcp_mux", "a=rtcp-mux is missing")
	}
	if err := checkICE(d, m); err != nil {
		return Line{}, err
	}
	return line, checkDTLS(d, m, expect)
}

// checkICE wants credentials of RFC 8839 section 5.4: ufrag 4 to 256, pwd 22 to 256 characters. The characters
// themselves are not judged: WhatsApp's password ends in "==".
func checkICE(d *sdp.SessionDescription, m *sdp.MediaDescription) *fault.Error {
	if v := either(d, m, "ice-ufrag"); len(v) < 4 || len(v) > 256 {
		return invalid("ice", "a=ice-ufrag is missing or not of 4 to 256 characters")
	}
	if v := either(d, m, "ice-pwd"); len(v) < 22 || len(v) > 256 {
		return invalid("ice", "a=ice-pwd is missing or not of 22 to 256 characters")
	}
	return nil
}

// checkDTLS wants a SHA-256 fingerprint and a role that leaves one for us. An answer without a role, or with
// actpass, is against RFC 8842 but seen in the wild, and is taken.
func checkDTLS(d *sdp.SessionDescription, m *sdp.MediaDescription, expect Kind) *fault.Error {
	if !hasFingerprint(d.Attributes) && !hasFingerprint(m.Attributes) {
		return invalid("no_fingerprint", "no SHA-256 fingerprint")
	}
	switch setup := either(d, m, "setup"); setup {
	case "active", "passive", "actpass":
	case "":
		if expect == Offer {
			return invalid("setup", "an offer without a=setup leaves no role for the answer")
		}
	default:
		return invalid("setup", "a=setup:%s is no role", clip(setup))
	}
	return nil
}

// payloadType returns the first payload type of the line's list that stands for the encoding.
func payloadType(m *sdp.MediaDescription, encoding string) (uint8, bool) {
	for _, a := range m.Attributes {
		if a.Key != "rtpmap" {
			continue
		}
		pt, name, ok := strings.Cut(a.Value, " ")
		if !ok || !strings.EqualFold(strings.TrimSpace(name), encoding) || !slices.Contains(m.MediaName.Formats, pt) {
			continue
		}
		if n, err := strconv.ParseUint(pt, 10, 7); err == nil {
			return uint8(n), true
		}
	}
	return 0, false
}

func hasFingerprint(attributes []sdp.Attribute) bool {
	for _, a := range attributes {
		algorithm, value, ok := strings.Cut(a.Value, " ")
		if a.Key == "fingerprint" && ok && strings.EqualFold(algorithm, "sha-256") && len(value) == 32*3-1 {
			return true
		}
	}
	return false
}

func direction(d *sdp.SessionDescription, m *sdp.MediaDescription) string {
	words := []string{"sendrecv", "sendonly", "recvonly", "inactive"}
	for _, attributes := range [][]sdp.Attribute{m.Attributes, d.Attributes} {
		for _, a := range attributes {
			if slices.Contains(words, a.Key) {
				return a.Key
			}
		}
	}
	return "sendrecv" // RFC 8866 section 6.7
}

func either(d *sdp.SessionDescription, m *sdp.MediaDescription, key string) string {
	if v, ok := m.Attribute(key); ok {
		return v
	}
	v, _ := d.Attribute(key)
	return v
}

func invalid(code, format string, args ...any) *fault.Error {
	return fault.Newf(fault.Invalid, "media.sdp", code, format, args...)
}

func clip(s string) string {
	if len(s) > 32 {
		return s[:32] + "…"
	}
	return s
}
