package leg

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"

	"ramal/sim/audio"
)

const (
	digits       = "0123456789*#ABCD"
	digitFrames  = 5                      // packets of a digit before its end: 100 ms
	digitEnds    = 3                      // repetitions of the end packet
	digitPause   = 4                      // frames between digits
	reportEvery  = 250                    // frames: 5 s
	forwardGap   = 60 * time.Millisecond  // without a forwarded packet for so long, the phone's own source speaks
	forwardJump  = 5 * 48000              // a jump of the forwarded clock beyond this re-anchors it
	toneUnits    = 160                    // 20 ms at 8000 Hz
	digitVolume  = 10                     // -dBm0
	ntpEpochDiff = 2208988800             // seconds from 1900 to 1970
	cname        = "WhatsAppAudioStream1" // that of the SDP
)

// sender is the state of the phone's own stream; mu guards all of it.
type sender struct {
	mu       sync.Mutex
	ctx      *srtp.Context
	speaking bool // the call is connected: speaking is allowed
	waiting  bool // for the first media of the business
	stopped  bool
	muted    bool
	lost     bool // the one ClientHello was dropped
	opus     uint8
	dtmf     uint8
	ssrc     uint32
	seq      uint16
	ts       uint32
	lastTS   uint32
	packets  uint64
	octets   uint32
	frames   int
	started  time.Time
	switched bool
	base     audio.Source // endless voice, nil = send nothing
	say      audio.Source // speaks before base, once
	digits   []dtmfStep
	digitTS  uint32 // RTP time of the running digit
	fwd      struct {
		at     time.Time
		in     uint32
		out    uint32
		active bool
	}
	plain, cipher []byte
}

type dtmfStep struct {
	pause bool
	code  byte
	end   bool
	first bool
	units uint16
}

func (s *sender) init(ssrc uint32) {
	s.ssrc, s.seq, s.ts = ssrc, uint16(randomUint32()), randomUint32()
	s.plain, s.cipher = make([]byte, 0, mtu), make([]byte, 0, mtu)
	s.base = audio.Tone(0)
}

func (s *sender) open(ctx *srtp.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ctx = ctx
}

func (s *sender) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = true
}

func (s *sender) heard() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = false
}

func (s *sender) loseOnce() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lost {
		return false
	}
	s.lost = true
	return true
}

// Open lets the phone speak: the call is connected.
func (l *Leg) Open() {
	l.tx.mu.Lock()
	defer l.tx.mu.Unlock()
	if !l.tx.speaking {
		l.tx.speaking = true
		l.tx.waiting = l.opt.WaitBusiness && l.rx.first.Load() == 0
	}
}

// SetVoice sets what the phone says all the time; nil sends nothing at all.
func (l *Leg) SetVoice(src audio.Source) {
	l.tx.mu.Lock()
	defer l.tx.mu.Unlock()
	l.tx.base = src
}

// Say speaks a source that ends, once, in place of the voice.
func (l *Leg) Say(src audio.Source) {
	l.tx.mu.Lock()
	defer l.tx.mu.Unlock()
	l.tx.say = src
}

// Mute replaces the phone's voice by silence.
func (l *Leg) Mute(on bool) {
	l.tx.mu.Lock()
	defer l.tx.mu.Unlock()
	l.tx.muted = on
}

// Dial sends DTMF digits (0-9 * # A-D) inline, as RFC 4733 events on the audio stream's own sequence.
func (l *Leg) Dial(text string) error {
	l.tx.mu.Lock()
	defer l.tx.mu.Unlock()
	for _, r := range strings.ToUpper(text) {
		code := strings.IndexRune(digits, r)
		if code < 0 {
			return fmt.Errorf("leg: %q is not a DTMF digit", r)
		}
		for i := range digitFrames {
			l.tx.digits = append(l.tx.digits, dtmfStep{code: byte(code), first: i == 0, units: uint16((i + 1) * toneUnits)})
		}
		for range digitEnds {
			l.tx.digits = append(l.tx.digits, dtmfStep{code: byte(code), end: true, units: digitFrames * toneUnits})
		}
		for range digitPause {
			l.tx.digits = append(l.tx.digits, dtmfStep{pause: true})
		}
	}
	return nil
}

// tick sends what is due in this 20 ms frame. Called by the pacer only.
func (l *Leg) tick(now time.Time) {
	s := &l.tx
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped || s.ctx == nil {
		return
	}
	s.frames++
	s.ts += framesTS
	if s.frames%reportEvery == 0 {
		s.report(l, now)
	}
	if !s.speaking || s.waiting {
		return
	}
	if l.opt.ChangeSSRC > 0 && !s.switched && !s.started.IsZero() && now.Sub(s.started) >= l.opt.ChangeSSRC {
		s.switched, s.ssrc, s.seq, s.ts = true, randomUint32(), uint16(randomUint32()), randomUint32()
		s.lastTS, s.fwd.active = s.ts-framesTS, false
	}
	if len(s.digits) > 0 && s.dial(l, now) {
		return
	}
	if s.fwd.active && now.Sub(s.fwd.at) < forwardGap && !s.muted {
		return // the browser speaks
	}
	s.fwd.active = false
	frame := s.next()
	if frame == nil {
		return
	}
	if int32(s.ts-s.lastTS) < framesTS && s.packets > 0 {
		s.ts = s.lastTS + framesTS
	}
	s.send(l, now, s.opus, s.ts, false, frame)
}

// next chooses the frame of the phone's own voice; nil when it says nothing.
func (s *sender) next() []byte {
	if s.say != nil {
		if f, ok := s.say.Next(); ok {
			return s.orSilence(f)
		}
		s.say = nil
	}
	if s.base == nil {
		return nil
	}
	f, ok := s.base.Next()
	if !ok {
		return nil
	}
	return s.orSilence(f)
}

func (s *sender) orSilence(f []byte) []byte {
	if s.muted {
		return audio.Silence()
	}
	return f
}

// dial sends the next step of a digit; false when the step is a pause and audio goes on.
func (s *sender) dial(l *Leg, now time.Time) bool {
	step := s.digits[0]
	s.digits = s.digits[1:]
	if step.pause || s.dtmf == 0 {
		return false
	}
	if step.first {
		s.digitTS, s.fwd.active = s.ts, false
	}
	end := byte(0)
	if step.end {
		end = 0x80
	}
	payload := []byte{step.code, end | digitVolume, byte(step.units >> 8), byte(step.units)}
	s.send(l, now, s.dtmf, s.digitTS, step.first, payload)
	return true
}

// ForwardIn sends one Opus packet of a browser at once; ts is the browser's RTP time.
func (l *Leg) ForwardIn(now time.Time, ts uint32, payload []byte) {
	s := &l.tx
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped || s.ctx == nil || !s.speaking || s.waiting || s.muted || len(s.digits) > 0 {
		return
	}
	jump := int32(ts - s.fwd.in)
	if !s.fwd.active || jump > forwardJump || jump < -forwardJump {
		s.fwd.in, s.fwd.out, s.fwd.active = ts, s.ts, true
		if int32(s.fwd.out-s.lastTS) < framesTS && s.packets > 0 {
			s.fwd.out = s.lastTS + framesTS
		}
		jump = 0
	}
	s.fwd.at = now
	s.send(l, now, s.opus, s.fwd.out+uint32(jump), false, payload)
}

// send encrypts and writes one packet; call with mu held.
func (s *sender) send(l *Leg, now time.Time, pt uint8, ts uint32, marker bool, payload []byte) {
	h := rtp.Header{Version: 2, Marker: marker || s.packets == 0, PayloadType: pt, SequenceNumber: s.seq, Timestamp: ts, SSRC: s.ssrc}
	size := h.MarshalSize()
	if size+len(payload) > mtu-32 {
		return
	}
	s.plain = s.plain[:size+len(payload)]
	if _, err := h.MarshalTo(s.plain); err != nil {
		return
	}
	copy(s.plain[size:], payload)
	out, err := s.ctx.EncryptRTP(s.cipher[:0], s.plain, &h)
	if err != nil {
		return
	}
	if s.started.IsZero() {
		s.started = now
	}
	s.seq++
	s.packets++
	s.octets += uint32(len(payload))
	s.lastTS = ts
	l.write(out)
}

// report sends SR (or RR) with SDES; call with mu held.
func (s *sender) report(l *Leg, now time.Time) {
	l.rx.mu.Lock()
	blocks := l.rx.report()
	l.rx.mu.Unlock()
	var first rtcp.Packet = &rtcp.ReceiverReport{SSRC: s.ssrc, Reports: blocks}
	if s.packets > 0 {
		first = &rtcp.SenderReport{
			SSRC: s.ssrc, NTPTime: ntp(now), RTPTime: s.ts, PacketCount: uint32(s.packets), OctetCount: s.octets, Reports: blocks,
		}
	}
	s.sendRTCP(l, first, s.sdes())
}

func (s *sender) sdes() rtcp.Packet {
	return &rtcp.SourceDescription{Chunks: []rtcp.SourceDescriptionChunk{{
		Source: s.ssrc, Items: []rtcp.SourceDescriptionItem{{Type: rtcp.SDESCNAME, Text: cname}},
	}}}
}

// bye tells the business that the user hung up.
func (s *sender) bye(l *Leg) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx == nil {
		return
	}
	s.sendRTCP(l, &rtcp.ReceiverReport{SSRC: s.ssrc}, s.sdes(), &rtcp.Goodbye{Sources: []uint32{s.ssrc}})
}

func (s *sender) sendRTCP(l *Leg, packets ...rtcp.Packet) {
	raw, err := rtcp.Marshal(packets)
	if err != nil {
		return
	}
	if out, err := s.ctx.EncryptRTCP(nil, raw, nil); err == nil {
		l.write(out)
	}
}

// ntp converts to the 64-bit NTP format (RFC 3550 section 4).
func ntp(t time.Time) uint64 {
	return uint64(t.Unix()+ntpEpochDiff)<<32 | uint64(t.Nanosecond())<<32/1e9
}
