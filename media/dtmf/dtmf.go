// Package dtmf finds the keys somebody presses in a stream of telephone events (RFC 4733 section 2.3). It knows
// no sockets and no clock. A Detector belongs to one goroutine; the invariant is that each press is told exactly
// once, whichever of its packets are lost, repeated or reordered.
package dtmf

import "time"

// Press is one key held down.
type Press struct {
	Digit    byte // one of 0123456789*#ABCD
	Duration time.Duration
}

const (
	keys = "0123456789*#ABCD"
	// Patience is how long a press whose end packets were all lost waits for another packet.
	Patience = 500 * time.Millisecond
)

// Detector follows one stream. The zero value is ready.
type Detector struct {
	ts      uint32 // RTP timestamp of the event: its identity
	known   bool   // ts is set
	open    bool   // begun and not told yet
	digit   byte
	units   uint16 // duration so far, in 1/8000 s
	touched time.Duration
}

// Push takes one packet of the telephone-event payload type and appends what it completes to dst: nothing, the
// press it ends, or the press before whose end was lost. Bytes that are no DTMF event are ignored.
func (d *Detector) Push(dst []Press, ts uint32, payload []byte, now time.Duration) []Press {
	if len(payload) < 4 || int(payload[0]) >= len(keys) {
		return dst
	}
	if d.known && int32(ts-d.ts) < 0 {
		return dst // a late packet of a press that is over
	}
	if !d.known || ts != d.ts {
		dst = d.close(dst)
		*d = Detector{ts: ts, known: true, open: true, digit: keys[payload[0]]}
	}
	if !d.open {
		return dst // the end is sent three times
	}
	d.units = max(d.units, uint16(payload[2])<<8|uint16(payload[3]))
	d.touched = now
	if payload[1]&0x80 != 0 {
		dst = d.close(dst)
	}
	return dst
}

// Expire appends a press that has waited for its end longer than Patience.
func (d *Detector) Expire(dst []Press, now time.Duration) []Press {
	if d.open && now-d.touched > Patience {
		return d.close(dst)
	}
	return dst
}

func (d *Detector) close(dst []Press) []Press {
	if !d.open {
		return dst
	}
	d.open = false
	return append(dst, Press{Digit: d.digit, Duration: time.Duration(d.units) * time.Second / 8000})
}
