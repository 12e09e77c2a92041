package leg

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"

	"ramal/sim/audio"
)

// receiver is the state of the business's stream, owned by the endpoint's reader; mu guards it against Stats.
type receiver struct {
	first, last atomic.Int64 // unix nanoseconds

	mu        sync.Mutex
	ctx       *srtp.Context
	opus      uint8
	dtmf      uint8
	count     uint64
	ssrc      uint32
	base, max uint16
	cycles    uint32
	lastDigit uint32 // RTP time of the last digit reported
	sources   int    // how many SSRCs were seen
	prior     struct{ expected, received uint64 }
}

func (r *receiver) open(ctx *srtp.Context) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ctx = ctx
}

// lost is expected minus received packets of the present source; call with mu held.
func (r *receiver) lost() uint64 {
	expected := r.expected()
	if r.count == 0 || expected < r.count {
		return 0
	}
	return expected - r.count
}

func (r *receiver) expected() uint64 {
	if r.count == 0 {
		return 0
	}
	return uint64(r.cycles) + uint64(r.max) - uint64(r.base) + 1
}

// rtpIn takes one SRTP or SRTCP packet.
func (l *Leg) rtpIn(now time.Time, data, plain []byte) {
	r := &l.rx
	r.mu.Lock()
	if r.ctx == nil {
		r.mu.Unlock()
		return
	}
	if len(data) > 1 && data[1] >= 192 && data[1] <= 223 { // RFC 5761 section 4
		_, err := r.ctx.DecryptRTCP(plain[:0], data, nil)
		r.mu.Unlock()
		if err == nil {
			r.last.Store(now.UnixNano())
		}
		return
	}
	var h rtp.Header
	n, err := h.Unmarshal(data)
	if err != nil {
		r.mu.Unlock()
		return
	}
	out, err := r.ctx.DecryptRTP(plain[:0], data, &h)
	if err != nil || n > len(out) {
		r.mu.Unlock()
		return
	}
	r.track(h)
	opus, dtmf := r.opus, r.dtmf
	digit := r.digit(h, out[n:], dtmf)
	r.mu.Unlock()
	r.last.Store(now.UnixNano())
	if r.first.CompareAndSwap(0, now.UnixNano()) {
		l.tx.heard()
		l.tell(l.opt.Handlers.FirstRTP)
	}
	l.hear(now, h, out[n:], opus)
	if digit != 0 && l.opt.Handlers.Digit != nil {
		l.opt.Handlers.Digit(now, digit)
	}
}

func (l *Leg) hear(now time.Time, h rtp.Header, payload []byte, opus uint8) {
	switch h.PayloadType {
	case opus:
		l.Ear.Hear(now, h.SSRC, h.Timestamp, audio.Opus, payload)
		if f := l.forward.Load(); f != nil {
			(*f)(payload, h.Timestamp)
		}
	case 0:
		l.Ear.Hear(now, h.SSRC, h.Timestamp, audio.PCMU, payload)
	case 8:
		l.Ear.Hear(now, h.SSRC, h.Timestamp, audio.PCMA, payload)
	}
}

// track counts packets per RFC 3550 appendix A.1, without probation; call with mu held.
func (r *receiver) track(h rtp.Header) {
	if r.count == 0 || h.SSRC != r.ssrc {
		r.sources++
		r.ssrc, r.base, r.max, r.cycles, r.count = h.SSRC, h.SequenceNumber, h.SequenceNumber, 0, 1
		r.prior.expected, r.prior.received = 0, 0
		return
	}
	r.count++
	if ahead := h.SequenceNumber - r.max; ahead != 0 && ahead < 1<<15 {
		if h.SequenceNumber < r.max {
			r.cycles += 1 << 16
		}
		r.max = h.SequenceNumber
	}
}

// digit returns a DTMF digit once, at its first end packet (RFC 4733 section 2.3); call with mu held.
func (r *receiver) digit(h rtp.Header, payload []byte, dtmf uint8) byte {
	if dtmf == 0 || h.PayloadType != dtmf || len(payload) < 4 || payload[1]&0x80 == 0 || h.Timestamp == r.lastDigit {
		return 0
	}
	r.lastDigit = h.Timestamp
	if int(payload[0]) < len(digits) {
		return digits[payload[0]]
	}
	return 0
}

// report makes the reception report of the present source; call with mu held.
func (r *receiver) report() []rtcp.ReceptionReport {
	if r.count == 0 {
		return nil
	}
	expected := r.expected()
	dExpected, dReceived := expected-r.prior.expected, r.count-r.prior.received
	r.prior.expected, r.prior.received = expected, r.count
	var fraction uint8
	if dExpected > dReceived && dExpected > 0 {
		fraction = uint8(min((dExpected-dReceived)*256/dExpected, 255))
	}
	return []rtcp.ReceptionReport{{
		SSRC: r.ssrc, FractionLost: fraction, TotalLost: uint32(min(r.lost(), 1<<23-1)),
		LastSequenceNumber: r.cycles + uint32(r.max),
	}}
}
