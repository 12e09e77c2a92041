// Package munge rewrites the RTP headers of packets that are passed on, so that one outgoing stream stays
// continuous while the people heard on it change (RFC 3550 section 5.1). It knows no sockets and no clock;
// payloads pass through untouched. A Rewriter belongs to whoever holds its stream's lock.
//
// Invariant: within one source the distance between two packets' numbers is kept, so a receiver sees the
// sender's losses as losses; between sources the sequence goes on by one and the timestamp by the time passed.
package munge

import "time"

// Header is what is rewritten of an RTP header.
type Header struct {
	SSRC   uint32
	Seq    uint16
	TS     uint32
	Marker bool
}

// Rewriter continues one outgoing stream. Make it with New.
type Rewriter struct {
	source uint32 // SSRC now passed on
	bound  bool   // a source is passed on
	fresh  bool   // its first packet is still to come
	first  uint16 // its oldest number that may be passed on; moves along so that it never wraps
	newest uint16 // its highest number so far
	seqGap uint16 // out = in + gap
	tsGap  uint32

	began   bool   // at least one packet was ever passed on
	lastSeq uint16 // highest sent
	lastTS  uint32
	lastAt  time.Duration
}

const (
	clock   = 48000 // RTP clock of Opus (RFC 7587 section 4.1)
	frame   = clock / 50
	reorder = 64   // packets this far behind the newest belong to the past
	restart = 1024 // and this far from it, either way, to a sender that began anew
)

// New returns a rewriter whose first packet gets the given sequence number and timestamp.
func New(seq uint16, ts uint32) *Rewriter {
	return &Rewriter{lastSeq: seq - 1, lastTS: ts - frame}
}

// Cut ends the present source: the next packet, whoever sends it, begins a new one.
func (r *Rewriter) Cut() { r.bound = false }

// Next returns the header to send for a packet that arrived at now (time since any fixed moment), and false if
// the packet is older than what its source may still have passed on.
func (r *Rewriter) Next(in Header, now time.Duration) (Header, bool) {
	ahead := int16(in.Seq - r.newest)
	if !r.bound || in.SSRC != r.source || ahead > restart || ahead < -restart {
		r.join(in, now)
		ahead = 0
	}
	if ahead <= -reorder || int16(in.Seq-r.first) < 0 {
		return Header{}, false
	}
	out := Header{SSRC: in.SSRC, Seq: in.Seq + r.seqGap, TS: in.TS + r.tsGap, Marker: in.Marker || r.fresh}
	if ahead > 0 || r.fresh {
		r.newest, r.lastSeq, r.lastTS, r.lastAt = in.Seq, out.Seq, out.TS, now
		if int16(in.Seq-r.first) > reorder {
			r.first = in.Seq - reorder
		}
	}
	r.fresh, r.began = false, true
	return out, true
}

// join makes in the first packet of a new source: the sequence goes on by one, the timestamp by the time passed.
func (r *Rewriter) join(in Header, now time.Duration) {
	step := uint32(frame)
	if r.began && now > r.lastAt {
		step = max(frame, uint32((now-r.lastAt)*clock/time.Second)/frame*frame)
	}
	r.source, r.bound, r.fresh = in.SSRC, true, true
	r.first, r.newest = in.Seq, in.Seq
	r.seqGap = r.lastSeq + 1 - in.Seq
	r.tsGap = r.lastTS + step - in.TS
}
