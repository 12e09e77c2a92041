// Package opus adapts the pure-Go library gopus to the codec port. It is the only package that knows the
// library. An Encoder or Decoder owns its state and belongs to one goroutine at a time; none of them lets a
// panic of the library out, since packets come from outside.
package opus

import (
	"fmt"

	"github.com/thesyncim/gopus"

	"ramal/internal/fault"
	"ramal/media/codec"
)

// Bitrate is what WhatsApp asks for, in bits per second (maxaveragebitrate in its session descriptions).
const Bitrate = 20000

// Encoder implements codec.Encoder.
type Encoder struct {
	enc  *gopus.Encoder
	loss int
}

var (
	_ codec.Encoder = (*Encoder)(nil)
	_ codec.Decoder = (*Decoder)(nil)
)

// NewEncoder returns a wideband voice encoder at Bitrate; complexity is 1 (cheap) to 10 (best).
func NewEncoder(complexity int) (*Encoder, error) {
	const op = "opus.new_encoder"
	enc, err := gopus.NewEncoder(gopus.EncoderConfig{
		SampleRate: codec.SampleRate, Channels: 1, Application: gopus.ApplicationVoIP,
	})
	if err != nil {
		return nil, fault.Wrap(fault.Internal, op, err)
	}
	if err := enc.SetBitrate(Bitrate); err != nil {
		return nil, fault.Wrap(fault.Internal, op, err)
	}
	if err := enc.SetComplexity(complexity); err != nil {
		return nil, fault.Wrap(fault.Invalid, op, err)
	}
	enc.SetDTX(false)
	return &Encoder{enc: enc}, nil
}

// Encode implements codec.Encoder.
func (e *Encoder) Encode(pcm []int16, packet []byte) (n int, err error) {
	defer contain("opus.encode", &err)
	n, err = e.enc.EncodeInt16(pcm, packet)
	return n, fault.Wrap(fault.Internal, "opus.encode", err)
}

// ExpectLoss implements codec.Encoder.
func (e *Encoder) ExpectLoss(percent int) error {
	const op = "opus.expect_loss"
	if percent == e.loss {
		return nil
	}
	mode := gopus.InBandFECDisabled
	if percent > 0 {
		mode = gopus.InBandFECEnabled
	}
	if err := e.enc.SetInBandFEC(mode); err != nil {
		return fault.Wrap(fault.Invalid, op, err)
	}
	if err := e.enc.SetPacketLoss(percent); err != nil {
		return fault.Wrap(fault.Invalid, op, err)
	}
	e.loss = percent
	return nil
}

// Decoder implements codec.Decoder.
type Decoder struct {
	dec     *gopus.Decoder
	scratch [codec.FrameSamples]float32
}

// NewDecoder returns a decoder to the media plane's PCM format.
func NewDecoder() (*Decoder, error) {
	dec, err := gopus.NewDecoder(gopus.DefaultDecoderConfig(codec.SampleRate, 1))
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "opus.new_decoder", err)
	}
	return &Decoder{dec: dec}, nil
}

// Decode implements codec.Decoder.
func (d *Decoder) Decode(packet []byte, pcm []int16) (n int, err error) {
	defer d.survive("opus.decode", &err)
	if len(packet) == 0 {
		return 0, fault.New(fault.Invalid, "opus.decode", "empty", "an empty packet")
	}
	n, err = d.dec.DecodeInt16(packet, pcm)
	return n, fault.Wrap(fault.Invalid, "opus.decode", err)
}

// Recover implements codec.Decoder.
func (d *Decoder) Recover(next []byte, pcm []int16) (n int, err error) {
	defer d.survive("opus.recover", &err)
	n, err = d.dec.DecodeWithFEC(next, d.scratch[:], true)
	if err != nil {
		return 0, fault.Wrap(fault.Invalid, "opus.recover", err)
	}
	for i, v := range d.scratch[:n] {
		pcm[i] = int16(max(-32768, min(32767, v*32768)))
	}
	return n, nil
}

// Conceal implements codec.Decoder.
func (d *Decoder) Conceal(pcm []int16) (n int, err error) {
	defer d.survive("opus.conceal", &err)
	n, err = d.dec.DecodeInt16(nil, pcm[:codec.FrameSamples])
	return n, fault.Wrap(fault.Invalid, "opus.conceal", err)
}

// Reset implements codec.Decoder.
func (d *Decoder) Reset() { d.dec.Reset() }

// survive turns a panic into an error and puts the decoder back into its first state.
func (d *Decoder) survive(op string, err *error) {
	if r := recover(); r != nil {
		*err = fault.Wrap(fault.Internal, op, fmt.Errorf("decoder: %v", r))
		d.dec.Reset()
	}
}

func contain(op string, err *error) {
	if r := recover(); r != nil {
		*err = fault.Wrap(fault.Internal, op, fmt.Errorf("encoder: %v", r))
	}
}
