package media

import (
	"math/rand/v2"
	"sync/atomic"

	"github.com/pion/rtp"

	"ramal/internal/fault"
	"ramal/media/codec"
	"ramal/media/mix"
	"ramal/media/opus"
)

// tail is how many frames of silence are still encoded before the cached packet takes over, so that the last
// word ends as the encoder lets it end.
const tail = 5

// output is the one stream of a contact: a mix, or silence, every 20 ms. It belongs to the shard's goroutine,
// except for loss, which the reader of receiver reports sets.
type output struct {
	track   *track
	count   *counters
	silence []byte
	loss    atomic.Int32 // percent of packets the listener reports lost

	encoder codec.Encoder
	bus     mix.Bus
	pcm     [codec.FrameSamples]int16
	packet  [codec.MaxFrameBytes]byte
	header  rtp.Header
	quiet   int // frames without any source
}

func newOutput(t *track, e *Engine) (*output, error) {
	enc, err := opus.NewEncoder(e.cfg.Complexity)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "media.output", err)
	}
	o := &output{track: t, count: &e.count, silence: e.silence, encoder: enc, quiet: tail}
	o.header.SequenceNumber, o.header.Timestamp = uint16(rand.Uint32()), rand.Uint32()
	o.header.Marker = true // the first packet begins a talk spurt (RFC 3551 section 4.1)
	return o, nil
}

// begin starts the next frame; skipped is how many turns the clock has missed since the last.
func (o *output) begin(skipped int) {
	o.bus.Start(codec.FrameSamples)
	o.header.Timestamp += uint32(skipped) * codec.FrameTicks
}

// send renders and sends what was added to the bus since begin: exactly one packet while there is a connection.
func (o *output) send() {
	payload, mixed := o.frame()
	sent, err := o.track.write(&o.header, payload)
	if err != nil {
		o.count.drop(DropSend)
	}
	if !sent && err == nil {
		return // not connected yet: the stream has not begun
	}
	o.header.SequenceNumber++
	o.header.Timestamp += codec.FrameTicks
	o.header.Marker = false
	if !sent {
		return
	}
	o.count.out.Add(1)
	if mixed {
		o.count.mixed.Add(1)
	} else {
		o.count.silent.Add(1)
	}
}

// frame returns the packet to send, and whether it was encoded from a mix.
func (o *output) frame() (payload []byte, mixed bool) {
	if o.bus.Sources() > 0 {
		o.quiet = 0
	} else {
		o.quiet = min(o.quiet+1, tail+1)
	}
	if o.quiet > tail {
		return o.silence, false
	}
	o.bus.Render(o.pcm[:])
	if err := o.encoder.ExpectLoss(int(o.loss.Load())); err != nil {
		return o.silence, false
	}
	n, err := o.encoder.Encode(o.pcm[:], o.packet[:])
	if err != nil {
		return o.silence, false
	}
	return o.packet[:n], true
}

// reported takes a receiver report's fraction lost (RFC 3550 section 6.4.1). In-band FEC pays from 1 % on; the
// encoder is told at most 30 %, above which it would spend more on FEC than on the voice.
func (o *output) reported(fraction uint8) {
	percent := int32(fraction) * 100 / 256
	o.loss.Store(min(percent, 30))
}
