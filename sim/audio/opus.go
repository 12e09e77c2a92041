// Package audio makes and measures the sound of simulated phones: shared pre-encoded tones and silence, WAV files, lazy
// decoding of what was heard, tone levels. It knows nothing of RTP sessions or calls. Frames are 20 ms of Opus, PCM is
// mono 16 kHz. Tone frames are cached for the life of the process and never modified; everything else is owned by its
// caller.
package audio

import (
	"fmt"
	"math"
	"sync"

	"github.com/thesyncim/gopus"
)

const (
	// Rate of PCM, in samples per second: a WhatsApp call is wideband.
	Rate = 16000
	// FrameSamples is one 20 ms frame at Rate.
	FrameSamples = Rate / 50
	bitrate      = 20000
	toneLevel    = 0.25 // amplitude of a tone, full scale = 1
)

// Encode turns PCM into 20 ms Opus frames; the last one is padded with silence.
func Encode(pcm []float32) ([][]byte, error) {
	enc, err := gopus.NewEncoder(gopus.EncoderConfig{SampleRate: Rate, Channels: 1, Application: gopus.ApplicationVoIP})
	if err != nil {
		return nil, fmt.Errorf("audio: encoder: %w", err)
	}
	if err := enc.SetFrameSize(FrameSamples); err != nil {
		return nil, fmt.Errorf("audio: frame size: %w", err)
	}
	if err := enc.SetBitrate(bitrate); err != nil {
		return nil, fmt.Errorf("audio: bit rate: %w", err)
	}
	if err := enc.SetComplexity(3); err != nil {
		return nil, fmt.Errorf("audio: complexity: %w", err)
	}
	var out [][]byte
	frame, packet := make([]float32, FrameSamples), make([]byte, 1500)
	for at := 0; at < len(pcm); at += FrameSamples {
		clear(frame)
		copy(frame, pcm[at:])
		n, err := enc.Encode(frame, packet)
		if err != nil {
			return nil, fmt.Errorf("audio: encode: %w", err)
		}
		out = append(out, append([]byte(nil), packet[:n]...))
	}
	return out, nil
}

// Sine returns PCM of a sine wave.
func Sine(hz float64, samples int) []float32 {
	pcm := make([]float32, samples)
	for i := range pcm {
		pcm[i] = float32(toneLevel * math.Sin(2*math.Pi*hz*float64(i)/Rate))
	}
	return pcm
}

// cache holds the encoded loops by frequency; 0 is silence. Owned by loopOf, guarded by mu.
var cache struct {
	mu    sync.Mutex
	loops map[int][][]byte
}

// loopOf returns one second of a tone, made once. hz is rounded to whole periods per second so that the loop closes.
func loopOf(hz int) [][]byte {
	cache.mu.Lock()
	defer cache.mu.Unlock()
	if l := cache.loops[hz]; l != nil {
		return l
	}
	// Encode three seconds and keep the last two: the encoder has settled by then.
	frames, err := Encode(Sine(float64(hz), 3*Rate))
	if err != nil {
		panic(err) // constant parameters: cannot fail
	}
	if cache.loops == nil {
		cache.loops = map[int][][]byte{}
	}
	cache.loops[hz] = frames[50:]
	return cache.loops[hz]
}

// Source gives the next 20 ms frame of a phone's voice. Next is called every 20 ms by one goroutine at a time;
// the frame is read-only and valid for ever; ok is false when the source has ended.
type Source interface {
	Next() (frame []byte, ok bool)
}

// Tone returns an endless tone of hz (50 to 7000), or silence for 0.
func Tone(hz int) Source { return &loop{frames: loopOf(hz)} }

// Silence returns one cached frame of silence.
func Silence() []byte { return loopOf(0)[0] }

type loop struct {
	frames [][]byte
	at     int
}

func (l *loop) Next() ([]byte, bool) {
	f := l.frames[l.at]
	l.at = (l.at + 1) % len(l.frames)
	return f, true
}

// Once returns a source that plays the frames once.
func Once(frames [][]byte) Source { return &once{frames: frames} }

type once struct{ frames [][]byte }

func (o *once) Next() ([]byte, bool) {
	if len(o.frames) == 0 {
		return nil, false
	}
	f := o.frames[0]
	o.frames = o.frames[1:]
	return f, true
}
