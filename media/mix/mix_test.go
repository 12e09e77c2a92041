package mix

import (
	"math"
	"testing"
)

const frame = 320

func constant(v int16) []int16 {
	pcm := make([]int16, frame)
	for i := range pcm {
		pcm[i] = v
	}
	return pcm
}

func TestSumIsExactBelowTheThreshold(t *testing.T) {
	for _, c := range []struct {
		name  string
		pcm   []int16
		gains []float64
		want  int16
	}{
		{"nothing", nil, nil, 0},
		{"one", []int16{1000}, []float64{1}, 1000},
		{"three", []int16{1000, -300, 7}, []float64{1, 1, 1}, 707},
		{"halved", []int16{1000}, []float64{0.5}, 500},
		{"doubled", []int16{1000}, []float64{2}, 2000},
		{"clamped to 2", []int16{1000}, []float64{5}, 2000},
		{"silenced", []int16{1000, 500}, []float64{0, 1}, 500},
		{"at the threshold", []int16{threshold}, []float64{1}, threshold},
	} {
		var b Bus
		b.Start(frame)
		for i, v := range c.pcm {
			b.Add(constant(v), Gain(c.gains[i]))
		}
		if b.Sources() != len(c.pcm) {
			t.Errorf("%s: %d sources", c.name, b.Sources())
		}
		out := make([]int16, frame)
		b.Render(out)
		for i, v := range out {
			if v != c.want {
				t.Fatalf("%s: sample %d is %d, want %d", c.name, i, v, c.want)
			}
		}
	}
}

func TestLimiterNeverWrapsAndRecovers(t *testing.T) {
	var b Bus
	out := make([]int16, frame)
	render := func(sources ...int16) {
		b.Start(frame)
		for _, v := range sources {
			b.Add(constant(v), MaxGain)
		}
		b.Render(out)
	}
	render(32767, 32767, 32767)
	for i, v := range out {
		if v <= 0 {
			t.Fatalf("sample %d of a loud frame is %d: it wrapped", i, v)
		}
		if i >= block && v > threshold+1 {
			t.Fatalf("sample %d is %d, above the threshold of %d", i, v, threshold)
		}
	}
	render(-32768, -32768)
	for i, v := range out {
		if v >= 0 || v < -threshold-1 {
			t.Fatalf("sample %d of a loud negative frame is %d", i, v)
		}
	}
	last := int16(0)
	for range 5 { // the gain comes back, within 100 ms and without a step
		render(5000)
		for i, v := range out {
			if v < last-1 {
				t.Fatalf("sample %d falls from %d to %d while the gain recovers", i, last, v)
			}
			last = v
		}
	}
	if last != 10000 {
		t.Errorf("after 100 ms a sum of 10000 comes out as %d", last)
	}
}

// A peak late in a frame is foreseen: the gain is down before it, so nothing is clipped.
func TestLimiterLooksAhead(t *testing.T) {
	var b Bus
	pcm := make([]int16, frame)
	for i := range pcm {
		pcm[i] = int16(3000 * math.Sin(float64(i)/5))
		if i >= 200 {
			pcm[i] = int16(30000 * math.Sin(float64(i)/5))
		}
	}
	b.Start(frame)
	b.Add(pcm, MaxGain)
	out := make([]int16, frame)
	b.Render(out)
	for i, v := range out {
		if v > threshold+1 || v < -threshold-1 {
			t.Errorf("sample %d is %d", i, v)
		}
		if i < 160-block && v != pcm[i]*2 {
			t.Errorf("sample %d, long before the peak, is %d instead of %d", i, v, pcm[i]*2)
		}
	}
}

func TestRenderAllocatesNothing(t *testing.T) {
	var b Bus
	pcm, out := constant(9000), make([]int16, frame)
	b.Start(frame)
	if n := testing.AllocsPerRun(100, func() {
		b.Start(frame)
		b.Add(pcm, Unity)
		b.Add(pcm, Gain(1.5))
		b.Render(out)
	}); n != 0 {
		t.Errorf("%v allocations a frame", n)
	}
}
