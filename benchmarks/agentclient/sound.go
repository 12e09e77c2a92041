package agentclient

import (
	"fmt"
	"math"
	"sync"

	"github.com/thesyncim/gopus"
)

// Sound is mono PCM at Rate, full scale 1, in frames of 20 ms.
const (
	Rate         = 16000
	frameSamples = Rate / 50
	toneLevel    = 0.25              // amplitude of a voice's tone
	audible      = 0.01              // RMS above it is sound: -40 dBFS
	maxDecode    = 120 * Rate / 1000 // the longest Opus packet, in samples
)

// loops are the encoded voices by frequency, made once per process; 0 is silence.
var loops struct {
	sync.Mutex
	of map[int][][]byte
}

// loop returns one second of a tone as Opus packets. hz is whole, so the second closes upon itself.
func loop(hz int) ([][]byte, error) {
	loops.Lock()
	defer loops.Unlock()
	if l := loops.of[hz]; l != nil {
		return l, nil
	}
	enc, err := gopus.NewEncoder(gopus.EncoderConfig{SampleRate: Rate, Channels: 1, Application: gopus.ApplicationVoIP})
	if err != nil {
		return nil, fmt.Errorf("agentclient: encoder: %w", err)
	}
	if err := enc.SetFrameSize(frameSamples); err != nil {
		return nil, fmt.Errorf("agentclient: encoder: %w", err)
	}
	if err := enc.SetBitrate(24000); err != nil {
		return nil, fmt.Errorf("agentclient: encoder: %w", err)
	}
	pcm, packet := make([]float32, frameSamples), make([]byte, 1500)
	var frames [][]byte
	for n := range 100 { // two seconds: the encoder has settled by the second
		for i := range pcm {
			pcm[i] = float32(toneLevel * math.Sin(2*math.Pi*float64(hz)*float64(n*frameSamples+i)/Rate))
		}
		size, err := enc.Encode(pcm, packet)
		if err != nil {
			return nil, fmt.Errorf("agentclient: encode: %w", err)
		}
		frames = append(frames, append([]byte(nil), packet[:size]...))
	}
	if loops.of == nil {
		loops.of = map[int][][]byte{}
	}
	loops.of[hz] = frames[50:]
	return loops.of[hz], nil
}

// Level returns the amplitude of one frequency in dBFS (Goertzel's algorithm over a Hann window). A voice's tone
// is about -12, what is not there below -50.
func Level(pcm []float32, hz float64) float64 {
	if len(pcm) == 0 {
		return decibels(0)
	}
	w := 2 * math.Pi * hz / Rate
	coefficient := 2 * math.Cos(w)
	var s1, s2 float64
	for i, v := range pcm {
		hann := 0.5 - 0.5*math.Cos(2*math.Pi*float64(i)/float64(len(pcm)))
		s1, s2 = float64(v)*hann+coefficient*s1-s2, s1
	}
	power := s1*s1 + s2*s2 - coefficient*s1*s2
	return decibels(2 * math.Sqrt(math.Max(power, 0)) / (float64(len(pcm)) * 0.5))
}

// Loudness returns the root mean square in dBFS.
func Loudness(pcm []float32) float64 { return decibels(rms(pcm)) }

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

// decibels are floored at -120.
func decibels(amplitude float64) float64 {
	return 20 * math.Log10(math.Max(amplitude, 1e-6))
}
