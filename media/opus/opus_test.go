package opus_test

import (
	"math"
	"testing"

	"ramal/media/codec"
	"ramal/media/mediatest"
	"ramal/media/opus"
)

func pair(t testing.TB) (*opus.Encoder, *opus.Decoder) {
	t.Helper()
	enc, err := opus.NewEncoder(5)
	if err != nil {
		t.Fatal(err)
	}
	dec, err := opus.NewDecoder()
	if err != nil {
		t.Fatal(err)
	}
	return enc, dec
}

func TestToneSurvives(t *testing.T) {
	enc, dec := pair(t)
	tone := mediatest.Tone{Hz: 500, Amplitude: 0.3}
	pcm, out := make([]int16, codec.FrameSamples), make([]int16, codec.MaxPCM)
	packet := make([]byte, codec.MaxFrameBytes)
	var heard []int16
	bytes := 0
	for range 50 {
		tone.Fill(pcm)
		n, err := enc.Encode(pcm, packet)
		if err != nil {
			t.Fatal(err)
		}
		bytes += n
		if ticks, ok := codec.Ticks(packet[:n]); !ok || ticks != codec.FrameTicks {
			t.Fatalf("a packet of %d ticks", ticks)
		}
		if n, err = dec.Decode(packet[:n], out); err != nil || n != codec.FrameSamples {
			t.Fatalf("%d samples, %v", n, err)
		}
		heard = append(heard, out[:n]...)
	}
	if level := mediatest.Level(heard[8000:], 500); math.Abs(level-0.3) > 0.06 {
		t.Errorf("the tone of 0.3 arrives as %.3f", level)
	}
	if rate := bytes * 8; rate > opus.Bitrate*3/2 {
		t.Errorf("%d bit/s, told to use %d", rate, opus.Bitrate)
	}
}

func TestLossIsRecoveredOrConcealed(t *testing.T) {
	enc, dec := pair(t)
	if err := enc.ExpectLoss(20); err != nil {
		t.Fatal(err)
	}
	tone := mediatest.Tone{Hz: 300, Amplitude: 0.3}
	pcm, out := make([]int16, codec.FrameSamples), make([]int16, codec.MaxPCM)
	packets := make([][]byte, 60)
	withFEC := 0
	for i := range packets {
		tone.Fill(pcm)
		if i%2 == 0 { // speech-like changes of level keep the encoder from calling it steady
			for j := range pcm {
				pcm[j] /= 2
			}
		}
		packets[i] = make([]byte, codec.MaxFrameBytes)
		n, err := enc.Encode(pcm, packets[i])
		if err != nil {
			t.Fatal(err)
		}
		packets[i] = packets[i][:n]
		if codec.HasFEC(packets[i]) {
			withFEC++
		}
	}
	if withFEC == 0 {
		t.Error("no packet carries FEC although loss is expected")
	}
	for i := range packets {
		if i == 30 {
			n, err := dec.Recover(packets[31], out)
			if err != nil || n != codec.FrameSamples || mediatest.RMS(out[:n]) < 0.02 {
				t.Errorf("recovered %d samples of level %.3f, %v", n, mediatest.RMS(out[:n]), err)
			}
			continue
		}
		if i == 40 {
			n, err := dec.Conceal(out)
			if err != nil || n != codec.FrameSamples || mediatest.RMS(out[:n]) < 0.02 {
				t.Errorf("concealed %d samples of level %.3f, %v", n, mediatest.RMS(out[:n]), err)
			}
			continue
		}
		if _, err := dec.Decode(packets[i], out); err != nil {
			t.Fatal(err)
		}
	}
	dec.Reset()
	if n, err := dec.Conceal(out); err != nil || mediatest.RMS(out[:n]) > 0.001 {
		t.Errorf("after Reset something of level %.3f is made up, %v", mediatest.RMS(out[:n]), err)
	}
}

func FuzzDecode(f *testing.F) {
	enc, _ := pair(f)
	packet := make([]byte, codec.MaxFrameBytes)
	n, err := enc.Encode(make([]int16, codec.FrameSamples), packet)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(packet[:n], []byte{0x4b, 3, 1, 2, 3})
	f.Add([]byte{0xff, 0xff, 0, 0}, []byte{})
	f.Fuzz(func(t *testing.T, first, second []byte) {
		_, dec := pair(t)
		out := make([]int16, codec.MaxPCM)
		for _, p := range [][]byte{first, second, packet[:n]} {
			if n, err := dec.Decode(p, out); err == nil && (n < 0 || n > len(out)) {
				t.Fatalf("%d samples", n)
			}
			_, _ = dec.Recover(p, out)
			_, _ = dec.Conceal(out)
		}
		if _, err := dec.Decode(packet[:n], out); err != nil {
			t.Fatalf("a sound packet after bad ones: %v", err)
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	enc, _ := pair(b)
	tone := mediatest.Tone{Hz: 300, Amplitude: 0.3}
	pcm, packet := make([]int16, codec.FrameSamples), make([]byte, codec.MaxFrameBytes)
	b.ReportAllocs()
	for b.Loop() {
		tone.Fill(pcm)
		if _, err := enc.Encode(pcm, packet); err != nil {
			b.Fatal(err)
		}
	}
}
