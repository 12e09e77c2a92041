package audio

import (
	"math"
	"sync"
	"time"

	"github.com/thesyncim/gopus"
)

// Codec is how a packet's payload is encoded.
type Codec uint8

// The codecs of a call.
const (
	Opus Codec = iota
	PCMU
	PCMA
)

const (
	ringPackets = 512                // about 10 s, kept always
	maxRecorded = 50 * 60 * 30       // 30 min: a recording stops there
	reanchor    = 3 * FrameSamples   // arrival and RTP time may differ by this many samples before time is re-anchored
	loudEnough  = 0.01               // RMS above this is sound (-40 dBFS)
	warmUp      = 5                  // packets decoded before a window so that the decoder has settled
	maxDecode   = 120 * Rate / 1000  // longest Opus packet, in samples
	maxGap      = 10 * time.Second   // longest silence inserted for missing packets
	g711Step    = FrameSamples / 160 // samples of PCM per G.711 sample at 8 kHz
)

type heard struct {
	at      time.Time
	ts      uint32
	ssrc    uint32
	codec   Codec
	payload []byte
}

// Ear keeps what a phone heard as packets and decodes them only when somebody asks. It is safe for concurrent use.
type Ear struct {
	mu        sync.Mutex
	ring      [ringPackets]heard
	count     int
	recording bool
	record    []heard
	watch     *gopus.Decoder // non-nil while waiting for the first sound
	scratch   []float32
	soundAt   time.Time
}

// WatchSound makes the ear decode packets until the first one that is louder than silence; see FirstSound.
func (e *Ear) WatchSound() error {
	dec, err := newDecoder()
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.soundAt.IsZero() {
		e.watch, e.scratch = dec, make([]float32, maxDecode)
	}
	return nil
}

// FirstSound returns when the first packet with sound came, zero if none did (or nobody watched).
func (e *Ear) FirstSound() time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.soundAt
}

// Hear takes one packet. The payload is copied.
func (e *Ear) Hear(at time.Time, ssrc, ts uint32, codec Codec, payload []byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	slot := &e.ring[e.count%ringPackets]
	slot.at, slot.ts, slot.ssrc, slot.codec = at, ts, ssrc, codec
	slot.payload = append(slot.payload[:0], payload...)
	e.count++
	if e.recording && len(e.record) < maxRecorded {
		e.record = append(e.record, heard{at, ts, ssrc, codec, append([]byte(nil), payload...)})
	}
	if e.watch != nil {
		if n, err := decodeOne(e.watch, *slot, e.scratch); err == nil && rms(e.scratch[:n]) > loudEnough {
			e.soundAt, e.watch, e.scratch = at, nil, nil
		}
	}
}

// Record switches recording on or off. Switching on starts a new recording.
func (e *Ear) Record(on bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if on && !e.recording {
		e.record = nil
	}
	e.recording = on
}

// Recording returns the recorded PCM; without a recording, what the last seconds hold.
func (e *Ear) Recording() ([]float32, error) {
	e.mu.Lock()
	packets := append([]heard(nil), e.record...)
	e.mu.Unlock()
	if packets == nil {
		packets = e.since(time.Time{})
	}
	pcm, _, err := decodeAll(packets)
	return pcm, err
}

// since returns copies of the ring's packets that came after t, oldest first.
func (e *Ear) since(t time.Time) []heard {
	e.mu.Lock()
	defer e.mu.Unlock()
	var out []heard
	for i := max(0, e.count-ringPackets); i < e.count; i++ {
		h := e.ring[i%ringPackets]
		if h.at.After(t) {
			h.payload = append([]byte(nil), h.payload...)
			out = append(out, h)
		}
	}
	return out
}

// Window returns exactly the last span of PCM before now; where nothing was heard it is silent.
func (e *Ear) Window(now time.Time, span time.Duration) ([]float32, error) {
	want := make([]float32, int(span.Seconds()*Rate))
	from := now.Add(-span)
	pcm, start, err := decodeAll(e.since(from.Add(-warmUp * 20 * time.Millisecond)))
	if err != nil || len(pcm) == 0 {
		return want, err
	}
	offset := int(start.Sub(from).Seconds() * Rate) // place of pcm[0] in want, negative for the warm-up
	for i, v := range pcm {
		if at := offset + i; at >= 0 && at < len(want) {
			want[at] = v
		}
	}
	return want, nil
}

func newDecoder() (*gopus.Decoder, error) {
	return gopus.NewDecoder(gopus.DecoderConfig{SampleRate: Rate, Channels: 1, MaxPacketSamples: maxDecode})
}

func decodeOne(dec *gopus.Decoder, h heard, pcm []float32) (int, error) {
	switch h.codec {
	case PCMU, PCMA:
		n := min(len(h.payload), len(pcm)/g711Step)
		for i, b := range h.payload[:n] {
			v := g711(b, h.codec)
			pcm[2*i], pcm[2*i+1] = v, v
		}
		return n * g711Step, nil
	case Opus:
	}
	return dec.Decode(h.payload, pcm)
}

// decodeAll lays packets out on one time line by their RTP time, re-anchored by arrival when they drift apart (a new
// source, a clock jump). start is the time of the first sample.
func decodeAll(packets []heard) (pcm []float32, start time.Time, err error) {
	if len(packets) == 0 {
		return nil, time.Time{}, nil
	}
	dec, err := newDecoder()
	if err != nil {
		return nil, time.Time{}, err
	}
	start = packets[0].at
	frame := make([]float32, maxDecode)
	anchor, anchorTS, ssrc := 0, packets[0].ts, packets[0].ssrc
	for _, p := range packets {
		n, err := decodeOne(dec, p, frame)
		if err != nil {
			continue // a broken packet is a gap
		}
		perSample := uint32(48000 / Rate)
		delta := int32(p.ts - anchorTS)
		at := anchor + int(delta)/int(perSample)
		if p.codec != Opus {
			at = anchor + int(delta)*g711Step
		}
		byArrival := int(p.at.Sub(start).Seconds() * Rate)
		if p.ssrc != ssrc || at < 0 || at-byArrival > reanchor || byArrival-at > 10*reanchor {
			at, anchor, anchorTS, ssrc = byArrival, byArrival, p.ts, p.ssrc
		}
		if at > len(pcm)+int(maxGap.Seconds()*Rate) {
			at = len(pcm) + int(maxGap.Seconds()*Rate)
		}
		if grow := at + n - len(pcm); grow > 0 {
			pcm = append(pcm, make([]float32, grow)...)
		}
		copy(pcm[at:], frame[:n])
	}
	return pcm, start, nil
}

func rms(pcm []float32) float64 {
	if len(pcm) == 0 {
		return 0
	}
	sum := 0.0
	for _, v := range pcm {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum / float64(len(pcm)))
}

// DB converts an amplitude to decibels below full scale, floored at -120.
func DB(amplitude float64) float64 {
	if amplitude < 1e-6 {
		return -120
	}
	return 20 * math.Log10(amplitude)
}

// RMS returns the level of PCM in dBFS.
func RMS(pcm []float32) float64 { return DB(rms(pcm)) }

// Level returns the amplitude of one frequency in PCM, in dBFS (Goertzel).
func Level(pcm []float32, hz float64) float64 {
	if len(pcm) == 0 {
		return DB(0)
	}
	w := 2 * math.Pi * hz / Rate
	coeff := 2 * math.Cos(w)
	var s1, s2 float64
	for i, v := range pcm {
		hann := 0.5 - 0.5*math.Cos(2*math.Pi*float64(i)/float64(len(pcm)))
		s1, s2 = float64(v)*hann+coeff*s1-s2, s1
	}
	power := s1*s1 + s2*s2 - coeff*s1*s2
	return DB(2 * math.Sqrt(math.Max(power, 0)) / (float64(len(pcm)) * 0.5))
}

// g711 expands one µ-law or A-law byte (ITU-T G.711).
func g711(b byte, codec Codec) float32 {
	if codec == PCMU {
		b = ^b
		v := (int(b&0x0f)<<3 + 0x84) << (b & 0x70 >> 4)
		v -= 0x84
		if b&0x80 != 0 {
			v = -v
		}
		return float32(v) / 32768
	}
	b ^= 0x55
	v := int(b&0x0f) << 4
	switch seg := b & 0x70 >> 4; seg {
	case 0:
		v += 8
	default:
		v = (v + 0x108) << (seg - 1)
	}
	if b&0x80 == 0 {
		v = -v
	}
	return float32(v) / 32768
}
