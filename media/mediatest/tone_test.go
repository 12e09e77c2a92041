package mediatest_test

import (
	"math"
	"testing"

	"ramal/media/mediatest"
)

func TestLevelMeasuresOneTone(t *testing.T) {
	pcm, other := make([]int16, 3200), make([]int16, 3200)
	a, b := mediatest.Tone{Hz: 400, Amplitude: 0.25}, mediatest.Tone{Hz: 700, Amplitude: 0.5}
	a.Fill(pcm[:1000]) // in pieces: the phase goes on
	a.Fill(pcm[1000:])
	b.Fill(other)
	for i := range pcm {
		pcm[i] += other[i]
	}
	for hz, want := range map[float64]float64{400: 0.25, 700: 0.5, 1100: 0} {
		if got := mediatest.Level(pcm, hz); math.Abs(got-want) > 0.002 {
			t.Errorf("%v Hz: %.4f, want %v", hz, got, want)
		}
	}
	if got, want := mediatest.RMS(pcm), math.Sqrt((0.25*0.25+0.5*0.5)/2); math.Abs(got-want) > 0.002 {
		t.Errorf("RMS %.4f, want %.4f", got, want)
	}
}
