package media

import (
	"sync"
	"time"

	"github.com/pion/rtp"

	"ramal/internal/fault"
	"ramal/media/codec"
	"ramal/media/dtmf"
	"ramal/media/jitter"
	"ramal/media/munge"
	"ramal/media/opus"
	"ramal/media/voice"
)

// route says what becomes of a speaker's packets. It is an immutable snapshot, replaced at every change.
type route struct {
	drop  Drop // "" unless nobody may hear the speaker at all
	sinks []*sink
	mixed bool // some mix needs the speaker
}

// input is where a leg's packets arrive. It lives as long as its leg, whatever connections come and go.
type input struct {
	count *counters

	mu struct { // the reader goroutine against the shard's
		sync.Mutex
		buffer *jitter.Buffer
		stream uint64 // the newest inbound track; packets of older ones are stale
		ssrc   uint32
		fresh  bool // the source changed: the decoder must forget
		voice  voice.Gate
		keys   dtmf.Detector
	}

	// Owned by the shard's goroutine.
	decoder codec.Decoder
	pcm     [codec.MaxPCM + codec.FrameSamples]int16
	have    int // samples of pcm decoded and not yet played
	packet  [codec.MaxFrameBytes]byte
}

func newInput(count *counters) (*input, error) {
	dec, err := opus.NewDecoder()
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "media.input", err)
	}
	in := &input{count: count, decoder: dec}
	in.mu.buffer = jitter.New()
	return in, nil
}

// inbound is one received RTP packet; payload belongs to the caller again after receive.
type inbound struct {
	stream  uint64 // which inbound track, later ones higher
	header  *rtp.Header
	payload []byte
	event   bool // a telephone event, else Opus
	now     time.Duration
}

// receive takes one packet of the leg, on its reader's goroutine.
func (l *leg) receive(p inbound) {
	in := l.in
	r := l.route.Load()
	if r.drop != "" {
		in.count.drop(r.drop)
		return
	}
	if p.event {
		in.mu.Lock()
		presses := in.mu.keys.Push(nil, p.header.Timestamp, p.payload, p.now)
		in.mu.Unlock()
		l.tellPresses(presses)
		return
	}
	ticks, ok := codec.Ticks(p.payload)
	if !ok {
		in.count.drop(DropMalformed)
		return
	}
	voiced := codec.Voiced(p.payload)
	if in.accept(p, ticks, voiced, r.mixed) {
		l.tell(Speaking{Leg: l.id, On: true})
	}
	h := munge.Header{
		SSRC: p.header.SSRC, Seq: p.header.SequenceNumber, TS: p.header.Timestamp, Marker: p.header.Marker,
	}
	for _, s := range r.sinks {
		s.forward(l, h, p.payload, p.now)
	}
}

// accept stores a packet for the mix, and reports whether somebody began to speak in it.
func (in *input) accept(p inbound, ticks int, voiced, mixed bool) (began bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	began = in.mu.voice.Push(voiced, p.now)
	if !mixed {
		return began
	}
	if p.stream < in.mu.stream {
		in.count.drop(DropStale)
		return began
	}
	if p.stream > in.mu.stream || p.header.SSRC != in.mu.ssrc {
		in.mu.stream, in.mu.ssrc, in.mu.fresh = p.stream, p.header.SSRC, true
		in.mu.buffer.Reset()
	}
	switch in.mu.buffer.Push(jitter.Packet{
		Seq: p.header.SequenceNumber, TS: p.header.Timestamp, Ticks: uint32(ticks), Payload: p.payload,
		Quiet: !voiced, FEC: codec.HasFEC(p.payload),
	}) {
	case jitter.Stored:
	case jitter.Late:
		in.count.drop(DropLate)
	case jitter.Duplicate:
		in.count.drop(DropDuplicate)
	}
	return began
}

// expire ends turns of speech and key presses that have lasted too long without a packet. Any goroutine may
// call it.
func (l *leg) expire(now time.Duration) {
	in := l.in
	in.mu.Lock()
	ended := in.mu.voice.Expire(now)
	presses := in.mu.keys.Expire(nil, now)
	in.mu.Unlock()
	if ended {
		l.tell(Speaking{Leg: l.id, On: false})
	}
	l.tellPresses(presses)
}

func (l *leg) tellPresses(presses []dtmf.Press) {
	for _, p := range presses {
		l.tell(Digit{Leg: l.id, Digit: p.Digit, DurationMS: int(p.Duration.Milliseconds())})
	}
}

// next returns the source's next 20 ms, valid until the following call, or nil while it is silent. Only the
// shard's goroutine calls it.
func (in *input) next() []int16 {
	if in.renewed() {
		in.decoder.Reset()
		in.have = 0
	} else if in.have > 0 {
		in.have = copy(in.pcm[:], in.pcm[codec.FrameSamples:in.have])
	}
	for in.have < codec.FrameSamples {
		n := in.decode(in.pcm[in.have:])
		if n == 0 {
			break
		}
		in.have += n
	}
	if in.have == 0 {
		return nil
	}
	if in.have < codec.FrameSamples { // a packet that was no multiple of 20 ms, and nothing after it
		clear(in.pcm[in.have:codec.FrameSamples])
		in.have = codec.FrameSamples
	}
	return in.pcm[:codec.FrameSamples]
}

// decode plays one decision of the jitter buffer into pcm and returns the samples written, 0 for silence.
func (in *input) decode(pcm []int16) int {
	todo, payload := in.pop()
	var n int
	var err error
	switch todo {
	case jitter.Idle:
		return 0
	case jitter.Play:
		n, err = in.decoder.Decode(payload, pcm)
	case jitter.Recover:
		in.count.concealed.Add(1)
		n, err = in.decoder.Recover(payload, pcm)
	case jitter.Conceal:
		in.count.concealed.Add(1)
		n, err = in.decoder.Conceal(pcm)
	}
	if err != nil {
		in.count.drop(DropMalformed)
		clear(pcm[:codec.FrameSamples])
		return codec.FrameSamples
	}
	return n
}

// renewed reports whether the source changed since the last call.
func (in *input) renewed() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	fresh := in.mu.fresh
	in.mu.fresh = false
	return fresh
}

// restart forgets what is buffered: the leg begins to be mixed again after a pause.
func (in *input) restart() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.mu.buffer.Reset()
	in.mu.fresh = true
}

// pop takes the jitter buffer's decision; the payload is a copy in in.packet.
func (in *input) pop() (jitter.Kind, []byte) {
	in.mu.Lock()
	defer in.mu.Unlock()
	next := in.mu.buffer.Pop()
	counts := in.mu.buffer.Take()
	if counts.Underruns > 0 {
		in.count.underruns.Add(counts.Underruns)
	}
	if counts.Overflowed > 0 {
		in.count.dropN(DropOverflow, counts.Overflowed)
	}
	if counts.Trimmed > 0 {
		in.count.dropN(DropTrimmed, counts.Trimmed)
	}
	n := copy(in.packet[:], next.Packet.Payload)
	return next.Kind, in.packet[:n]
}
