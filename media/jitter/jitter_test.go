package jitter

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func packet(seq int) Packet {
	return Packet{Seq: uint16(seq), TS: uint32(seq) * Frame, Ticks: Frame, Payload: []byte{byte(seq), byte(seq >> 8)}}
}

func seqOf(p Packet) int { return int(p.Payload[0]) | int(p.Payload[1])<<8 }

// play runs a script of words: a number pushes that packet (with f: it carries FEC), "-" pops. It returns what was
// popped: the packet's number, "c" concealed, "r9" recovered from 9, "." nothing.
func play(b *Buffer, script string) string {
	var out []string
	for word := range strings.FieldsSeq(script) {
		if word == "-" {
			switch n := b.Pop(); n.Kind {
			case Idle:
				out = append(out, ".")
			case Play:
				out = append(out, fmt.Sprint(seqOf(n.Packet)))
			case Recover:
				out = append(out, fmt.Sprint("r", seqOf(n.Packet)))
			case Conceal:
				out = append(out, "c")
			}
			continue
		}
		digits, fec := strings.CutSuffix(word, "f")
		var seq int
		if _, err := fmt.Sscan(digits, &seq); err != nil {
			panic(err)
		}
		p := packet(seq)
		p.FEC = fec
		b.Push(p)
	}
	return strings.Join(out, " ")
}

func TestScripts(t *testing.T) {
	for _, c := range []struct{ name, script, want string }{
		{"nothing comes", "- -", ". ."},
		{"in order, at once", "1 - 2 - 3 -", "1 2 3"},
		{"reordered within what is held", "1 3 2 - - -", "1 2 3"},
		{"reordered at the very beginning", "2 1 - -", "1 2"},
		{"one lost", "1 2 - 4 - - -", "1 2 c 4"},
		{"one lost, the next has a copy", "1 2 - 4f - - -", "1 2 r4 4"},
		{"two lost, the copy is of the second", "1 2 - 5f - - - -", "1 2 c r5 5"},
		{"a stall, then all of it late: it deepens and nothing is lost", "1 - 2 - - - 3 4 - -", "1 2 c c 3 4"},
		{"a source that ceases is made up for five times", "1 - - - - - - - -", "1 c c c c c . ."},
		{"and begins anew", "1 - - - - - - - 9 - 10 -", "1 c c c c c . 9 10"},
		{"twice the same", "1 1 - 2 2 - 1 -", "1 2 c"},
		{"late beyond use", "1 2 - - 4 - 3 - 5 -", "1 2 c 4 5"},
		{"numbers wrap", "65535 65536 - - ", "65535 0"},
	} {
		if got := play(New(), c.script); got != c.want {
			t.Errorf("%s: %s gives %s, want %s", c.name, c.script, got, c.want)
		}
	}
}

func TestPushOutcomes(t *testing.T) {
	b := New()
	want := func(p Packet, o Outcome, what string) {
		t.Helper()
		if got := b.Push(p); got != o {
			t.Errorf("%s: outcome %d, want %d", what, got, o)
		}
	}
	want(packet(10), Stored, "the first")
	want(packet(10), Duplicate, "the first again")
	b.Pop()
	want(packet(10), Duplicate, "one that was played")
	want(packet(12), Stored, "one ahead")
	b.Pop() // 11 is given up
	want(packet(11), Late, "one that was given up")
	want(packet(12+Slots), Stored, "far ahead: a new beginning")
	if c := b.Take(); c.Overflowed != 1 {
		t.Errorf("%d thrown away at the leap", c.Overflowed)
	}
}

func TestCeiling(t *testing.T) {
	b := New()
	for i := range 11 { // 220 ms at once
		b.Push(packet(i))
	}
	if b.Depth() > Frame {
		t.Errorf("%d ms lie ready after the ceiling", b.Depth()/48)
	}
	if c := b.Take(); c.Overflowed != 10 {
		t.Errorf("%d thrown away", c.Overflowed)
	}
	if got := play(b, "-"); got != "10" {
		t.Errorf("then %s is played", got)
	}
}

func TestLongPackets(t *testing.T) {
	b := New()
	for i := range 3 {
		b.Push(Packet{Seq: uint16(i), TS: uint32(i) * 3 * Frame, Ticks: 3 * Frame, Payload: []byte{byte(i), 0}})
		if n := b.Pop(); n.Kind != Play || seqOf(n.Packet) != i { // the caller pops again after 60 ms
			t.Errorf("packet %d of 60 ms: %+v", i, n)
		}
	}
}

// A sender that pauses without packets (DTX) is silent for as long as it was silent.
func TestPause(t *testing.T) {
	b := New()
	if got := play(b, "1 - 2 -"); got != "1 2" {
		t.Fatal(got)
	}
	p := packet(3)
	p.TS += 3 * Frame
	b.Push(p)
	var got []Kind
	for range 4 {
		got = append(got, b.Pop().Kind)
	}
	if want := []Kind{Idle, Idle, Idle, Play}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// network sends one packet per 20 ms through delay and loss and returns what a listener gets: frames of it played,
// made up and skipped, and the depth in ms after a while.
type network struct {
	delay func(seq int) float64 // ms; below 0 loses the packet
	drift float64               // sender's clock against ours, 1 is none
	turns int
}

type result struct {
	played, made, idle int
	out                int // packets not played although they arrived
	depths             []float64
	counts             Counts
}

func (n network) run(t *testing.T) result {
	t.Helper()
	type arrival struct {
		at  float64
		seq int
	}
	drift := n.drift
	if drift == 0 {
		drift = 1
	}
	var arrivals []arrival
	for seq := range n.turns {
		if d := n.delay(seq); d >= 0 {
			arrivals = append(arrivals, arrival{float64(seq)*20*drift + d, seq})
		}
	}
	slices.SortFunc(arrivals, func(a, b arrival) int { return int(1000 * (a.at - b.at)) })
	b := New()
	var r result
	last := -1
	for turn := range n.turns {
		now := float64(turn)*20 + 10
		for len(arrivals) > 0 && arrivals[0].at <= now {
			p := packet(arrivals[0].seq)
			p.Quiet = arrivals[0].seq%10 == 0
			if b.Push(p) != Stored {
				r.out++
			}
			arrivals = arrivals[1:]
		}
		if b.Depth() > Ceiling {
			t.Fatalf("turn %d: %d ms lie ready", turn, b.Depth()/48)
		}
		if turn > n.turns/2 {
			r.depths = append(r.depths, float64(b.Depth())/48)
		}
		switch next := b.Pop(); next.Kind {
		case Play:
			if seq := seqOf(next.Packet); seq <= last {
				t.Fatalf("turn %d: %d is played after %d", turn, seq, last)
			} else {
				last = seq
			}
			r.played++
		case Recover, Conceal:
			r.made++
		case Idle:
			r.idle++
		}
	}
	r.counts = b.Take()
	return r
}

func (r result) depth() float64 {
	sum := 0.0
	for _, d := range r.depths {
		sum += d
	}
	return sum / float64(len(r.depths))
}

func TestNetworks(t *testing.T) {
	const turns = 60 * 50 // a minute
	random := func(seed uint64, f func(r *rand.Rand) float64) func(int) float64 {
		r := rand.New(rand.NewPCG(seed, 1))
		return func(int) float64 { return f(r) }
	}
	for _, c := range []struct {
		name     string
		net      network
		made     int     // frames made up at most
		depth    float64 // ms ready on average at most, over the second half
		trimmed  bool
		underrun bool
	}{
		{"perfect", network{delay: func(int) float64 { return 5 }}, 0, 20, false, false},
		{"jitter within a frame", network{delay: random(1, func(r *rand.Rand) float64 { return 5 + 8*r.Float64() })}, 60, 45, false, false},
		{"jitter of 60 ms", network{delay: random(2, func(r *rand.Rand) float64 { return 60 * r.Float64() })}, 250, 110, false, true},
		{"loss of 5 %", network{delay: random(3, func(r *rand.Rand) float64 {
			if r.Float64() < 0.05 {
				return -1
			}
			return 5
		})}, 400, 80, false, true},
		{"one stall of 150 ms", network{delay: func(seq int) float64 {
			if seq >= 100 && seq < 108 {
				return float64(108-seq)*20 + 5
			}
			return 5
		}}, 10, 41, true, true},
		{"a sender faster by 0.1 %", network{delay: func(int) float64 { return 5 }, drift: 0.999}, 5, 65, true, false},
		{"a sender slower by 0.1 %", network{delay: func(int) float64 { return 5 }, drift: 1.001}, 8, 45, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.net.turns = turns
			r := c.net.run(t)
			if r.made > c.made {
				t.Errorf("%d frames of %d are made up, at most %d", r.made, turns, c.made)
			}
			if r.idle > 20 {
				t.Errorf("%d frames of silence", r.idle)
			}
			if d := r.depth(); d > c.depth {
				t.Errorf("%.0f ms lie ready, at most %.0f", d, c.depth)
			}
			if got := r.counts.Trimmed > 0; c.trimmed && !got {
				t.Error("nothing was ever left out")
			}
			if got := r.counts.Underruns > 0; c.underrun && !got {
				t.Error("it never ran dry")
			}
			t.Logf("played %d made %d idle %d unused %d depth %.0f ms %+v", r.played, r.made, r.idle, r.out, r.depth(), r.counts)
		})
	}
}

func TestNothingIsAllocated(t *testing.T) {
	b := New()
	p := packet(0)
	for range 2 * Slots { // the slots take their size
		p.Seq++
		p.TS += Frame
		b.Push(p)
		b.Pop()
	}
	if n := testing.AllocsPerRun(200, func() {
		p.Seq++
		p.TS += Frame
		b.Push(p)
		b.Pop()
	}); n != 0 {
		t.Errorf("%v allocations a packet", n)
	}
}

func FuzzBuffer(f *testing.F) {
	f.Add([]byte{0, 1, 2, 255, 3, 255, 255, 9})
	f.Fuzz(func(t *testing.T, script []byte) {
		b := New()
		seq, ts := uint16(65530), uint32(1<<32-3000)
		for i, op := range script {
			switch {
			case op >= 200:
				b.Pop()
			case op >= 190:
				b.Reset()
			default:
				seq += uint16(op%16) - 4
				ts += uint32(op%16)*Frame - 4*Frame
				if op >= 160 {
					ts += uint32(op) * 4000
				}
				b.Push(Packet{Seq: seq, TS: ts, Ticks: uint32(op%7) * 480, Payload: []byte{op}, FEC: op%2 == 0, Quiet: op%3 == 0})
			}
			if b.Depth() > Ceiling+6*Frame || b.held < 0 || b.held > Slots {
				t.Fatalf("step %d: depth %d, %d held", i, b.Depth(), b.held)
			}
		}
		for range 1000 {
			b.Pop()
		}
		if b.held > 0 && b.target == 1 && b.Pop().Kind == Idle && b.Depth() >= Frame {
			t.Fatalf("%d packets are never played", b.held)
		}
	})
}
