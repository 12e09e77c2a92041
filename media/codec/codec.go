// Package codec is the port between the media plane and an Opus implementation, and what can be read from an
// Opus packet without decoding it (RFC 6716). It is not a codec: package opus is. It owns no state.
//
// Everything is mono at 16 kHz in frames of 20 ms, whatever the sender chose: Opus decodes to any rate, and
// WhatsApp's leg is wideband (Cloud API calling, reference: maxplaybackrate=16000).
package codec

// The one PCM format of the media plane, and the RTP clock of Opus (RFC 7587 section 4.1).
const (
	SampleRate    = 16000
	FrameMillis   = 20
	FrameSamples  = SampleRate * FrameMillis / 1000
	ClockRate     = 48000
	FrameTicks    = ClockRate * FrameMillis / 1000
	MaxFrameBytes = 1275                    // RFC 6716 section 3.4: one Opus frame
	MaxPCM        = SampleRate * 120 / 1000 // longest packet: 120 ms
)

// Encoder turns frames of a continuous signal into packets. It belongs to one goroutine at a time.
type Encoder interface {
	// Encode encodes FrameSamples samples into packet, which must hold MaxFrameBytes, and returns the bytes used.
	Encode(pcm []int16, packet []byte) (int, error)
	// ExpectLoss tells the share of packets the receiver loses, 0 to 100 percent; above 0 in-band FEC is added.
	ExpectLoss(percent int) error
}

// Decoder turns the packets of one source back into a signal. It belongs to one goroutine at a time, survives
// any bytes, and after an error goes on with the next packet.
type Decoder interface {
	// Decode decodes packet into pcm, which must hold MaxPCM samples, and returns the samples written.
	Decode(packet []byte, pcm []int16) (int, error)
	// Recover writes FrameSamples samples for the lost packet before next, from next's in-band FEC, or conceals.
	Recover(next []byte, pcm []int16) (int, error)
	// Reset forgets the source, as for a new one.
	Reset()
	// Conceal writes FrameSamples samples in place of a lost packet.
	Conceal(pcm []int16) (int, error)
}
