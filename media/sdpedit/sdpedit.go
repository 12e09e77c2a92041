// Package sdpedit makes the few changes to session descriptions that stand between what other parties write and
// what the WebRTC library understands, and between what the library writes and what those parties want. It is
// pure text work on lines; it holds no state, and judging a description is package sdpcheck's.
package sdpedit

import "strings"

// Profile is the Opus profile of every leg, so that packets of one suit the other (Cloud API calling: wideband,
// 20 ms, 20 kb/s, in-band FEC).
const Profile = "maxaveragebitrate=20000;maxplaybackrate=16000;minptime=20;ptime=20;sprop-maxcapturerate=16000;" +
	"stereo=0;useinbandfec=1;usedtx=0"

// Intake prepares a foreign description for the library: fingerprints other than SHA-256 are taken out, since
// several contradict each other to it, and line ends become CRLF.
func Intake(text string) string {
	return rewrite(text, func(line string) (string, bool) {
		if strings.HasPrefix(line, "a=fingerprint:") {
			return line, hasPrefixFold(line, "a=fingerprint:sha-256 ")
		}
		return line, true
	})
}

// WithoutSources takes out the declared sources (a=ssrc). WhatsApp's relay rewrites them, and to the library a
// declared source excludes any other; an undeclared one is taken by its payload type.
func WithoutSources(text string) string {
	return rewrite(text, func(line string) (string, bool) {
		return line, !strings.HasPrefix(line, "a=ssrc:") && !strings.HasPrefix(line, "a=ssrc-group:")
	})
}

// Outgoing finishes a description of ours: it asks for Profile and frames of 20 ms on every Opus line, and leaves
// out the candidates of component 2, which the library repeats although RTCP is multiplexed (RFC 8839 section 5.1).
func Outgoing(text string) string {
	opus := make(map[string]bool)
	for line := range strings.Lines(text) {
		if pt, name, ok := strings.Cut(strings.TrimSpace(line), " "); ok && strings.EqualFold(name, "opus/48000/2") {
			if pt, ok := strings.CutPrefix(pt, "a=rtpmap:"); ok {
				opus[pt] = true
			}
		}
	}
	return rewrite(text, func(line string) (string, bool) {
		if rest, ok := strings.CutPrefix(line, "a=fmtp:"); ok {
			pt, _, _ := strings.Cut(rest, " ")
			return line, !opus[pt]
		}
		if rest, ok := strings.CutPrefix(line, "a=rtpmap:"); ok {
			if pt, _, _ := strings.Cut(rest, " "); opus[pt] {
				return line + "\r\na=fmtp:" + pt + " " + Profile + "\r\na=ptime:20\r\na=maxptime:20", true
			}
		}
		if rest, ok := strings.CutPrefix(line, "a=candidate:"); ok {
			fields := strings.Fields(rest)
			return line, len(fields) > 1 && fields[1] == "1"
		}
		return line, line != "a=ptime:20" && line != "a=maxptime:20"
	})
}

// rewrite maps every line, without its end; false leaves it out.
func rewrite(text string, edit func(line string) (string, bool)) string {
	var b strings.Builder
	b.Grow(len(text) + 512)
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if line == "" {
			continue
		}
		if line, keep := edit(line); keep {
			b.WriteString(line)
			b.WriteString("\r\n")
		}
	}
	return b.String()
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}
