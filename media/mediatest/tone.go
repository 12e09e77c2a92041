// Package mediatest is what tests and benchmarks need to speak to the media plane and to hear it: tones and
// their level, a phone that behaves like WhatsApp's (ICE lite, one audio line) and a browser with a microphone
// and receive slots. It is not the simulator: it knows no signalling beyond session descriptions. Each type owns
// its goroutines and ends them in Close.
package mediatest

import (
	"math"

	"ramal/media/codec"
)

// Tone is a continuous sine at 16 kHz. Its owner is one goroutine.
type Tone struct {
	Hz, Amplitude float64 // amplitude from 0 to 1 of full scale
	phase         float64
}

// Fill writes the tone's next samples.
func (t *Tone) Fill(pcm []int16) {
	step := 2 * math.Pi * t.Hz / codec.SampleRate
	for i := range pcm {
		pcm[i] = int16(t.Amplitude * 32767 * math.Sin(t.phase))
		t.phase = math.Mod(t.phase+step, 2*math.Pi)
	}
}

// Level returns the amplitude, 0 to 1 of full scale, of one frequency in 16 kHz samples (Goertzel's algorithm).
// It is exact where the samples hold whole periods, as 200 ms do of multiples of 5 Hz.
func Level(pcm []int16, hz float64) float64 {
	if len(pcm) == 0 {
		return 0
	}
	w := 2 * math.Pi * hz / codec.SampleRate
	coefficient := 2 * math.Cos(w)
	var s1, s2 float64
	for _, v := range pcm {
		s1, s2 = float64(v)/32767+coefficient*s1-s2, s1
	}
	power := s1*s1 + s2*s2 - coefficient*s1*s2
	return 2 * math.Sqrt(math.Max(0, power)) / float64(len(pcm))
}

// RMS returns the root mean square of samples, 0 to 1.
func RMS(pcm []int16) float64 {
	if len(pcm) == 0 {
		return 0
	}
	sum := 0.0
	for _, v := range pcm {
		sum += float64(v) * float64(v) / (32767 * 32767)
	}
	return math.Sqrt(sum / float64(len(pcm)))
}
