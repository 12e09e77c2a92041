package audio

import (
	"math"
	"testing"
	"time"
)

func hearAll(e *Ear, start time.Time, frames [][]byte, ssrc, ts uint32) {
	for i, f := range frames {
		e.Hear(start.Add(time.Duration(i)*20*time.Millisecond), ssrc, ts+uint32(i)*960, Opus, f)
	}
}

func TestToneIsHeardAndSilenceIsNot(t *testing.T) {
	start := time.Unix(1000, 0)
	e := &Ear{}
	if err := e.WatchSound(); err != nil {
		t.Fatal(err)
	}
	silence, tone := Tone(0), Tone(700)
	var frames [][]byte
	for range 50 {
		f, _ := silence.Next()
		frames = append(frames, f)
	}
	for range 75 {
		f, _ := tone.Next()
		frames = append(frames, f)
	}
	hearAll(e, start, frames, 7, math.MaxUint32-5000)
	end := start.Add(125 * 20 * time.Millisecond)
	pcm, err := e.Window(end, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if l := Level(pcm, 700); l < -18 || l > -8 {
		t.Errorf("level of the tone = %.1f dBFS, want about -12", l)
	}
	if l := Level(pcm, 1300); l > -40 {
		t.Errorf("level of another frequency = %.1f dBFS", l)
	}
	quiet, err := e.Window(start.Add(time.Second), 800*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if l := RMS(quiet); l > -60 {
		t.Errorf("silence has %.1f dBFS", l)
	}
	if got := e.FirstSound().Sub(start); got < 980*time.Millisecond || got > 1100*time.Millisecond {
		t.Errorf("first sound after %v, want about 1 s", got)
	}
	empty, err := e.Window(end.Add(10*time.Second), time.Second)
	if err != nil || RMS(empty) != -120 {
		t.Errorf("after the last packet there must be silence, got %.1f dBFS, %v", RMS(empty), err)
	}
}

func TestRecordingKeepsTheTimeLine(t *testing.T) {
	start := time.Unix(1000, 0)
	e := &Ear{}
	e.Record(true)
	tone := Tone(440)
	var frames [][]byte
	for range 25 {
		f, _ := tone.Next()
		frames = append(frames, f)
	}
	hearAll(e, start, frames, 1, 0)
	hearAll(e, start.Add(1500*time.Millisecond), frames, 2, 77777) // a new source after a pause
	e.Record(false)
	pcm, err := e.Recording()
	if err != nil {
		t.Fatal(err)
	}
	if got := float64(len(pcm)) / Rate; math.Abs(got-2) > 0.05 {
		t.Errorf("recording of %.2f s, want 2 s", got)
	}
	if l := RMS(pcm[Rate*7/10 : Rate*14/10]); l > -60 {
		t.Errorf("the pause has %.1f dBFS", l)
	}
	if l := Level(pcm[Rate*16/10:Rate*19/10], 440); l < -18 {
		t.Errorf("the second source has %.1f dBFS at 440 Hz", l)
	}
}

func TestWAVRoundTripAndRates(t *testing.T) {
	pcm := Sine(1000, Rate)
	back, err := ReadWAV(WriteWAV(pcm))
	if err != nil || len(back) != len(pcm) {
		t.Fatalf("%d samples, %v", len(back), err)
	}
	if l := Level(back, 1000); math.Abs(l-Level(pcm, 1000)) > 0.1 {
		t.Errorf("level changed to %.1f", l)
	}
	for _, rate := range []int{8000, 24000, 44100, 48000} {
		in := make([]float32, rate)
		for i := range in {
			in[i] = float32(0.25 * math.Sin(2*math.Pi*500*float64(i)/float64(rate)))
		}
		out, err := resample(in, rate)
		if err != nil || len(out) != Rate {
			t.Fatalf("%d Hz: %d samples, %v", rate, len(out), err)
		}
		if l := Level(out, 500); l < -13.5 || l > -11 {
			t.Errorf("%d Hz: level %.1f", rate, l)
		}
	}
	for _, bad := range [][]byte{nil, []byte("RIFFxxxxWAVE"), []byte("RIFF0000WAVEdata\x10\x00\x00\x00abcd")} {
		if _, err := ReadWAV(bad); err == nil {
			t.Errorf("%q is no WAV file", bad)
		}
	}
}

func TestG711(t *testing.T) {
	// The extremes and the smallest steps of both laws, from the tables of ITU-T G.711 (16-bit scale).
	for _, c := range []struct {
		b     byte
		codec Codec
		want  int
	}{
		{0x00, PCMU, -32124}, {0x80, PCMU, 32124}, {0xff, PCMU, 0}, {0xfe, PCMU, 8},
		{0x2a, PCMA, -32256}, {0xaa, PCMA, 32256}, {0xd5, PCMA, 8}, {0x55, PCMA, -8},
	} {
		if got := int(math.Round(float64(g711(c.b, c.codec)) * 32768)); got != c.want {
			t.Errorf("g711(%#x, %d) = %d, want %d", c.b, c.codec, got, c.want)
		}
	}
}

func FuzzReadWAV(f *testing.F) {
	f.Add(WriteWAV(Sine(100, 50)))
	f.Fuzz(func(t *testing.T, data []byte) {
		pcm, err := ReadWAV(data)
		if err == nil && len(pcm) > maxWAV {
			t.Errorf("%d samples", len(pcm))
		}
	})
}
