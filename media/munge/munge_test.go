package munge

import (
	"testing"
	"time"
)

const ms = time.Millisecond

func TestRewriter(t *testing.T) {
	type step struct {
		name string
		cut  bool
		in   Header
		at   time.Duration
		seq  uint16
		ts   uint32
		mark bool
		drop bool
	}
	for _, c := range []struct {
		name  string
		steps []step
	}{
		{"a stream keeps its distances, losses included", []step{
			{"first", false, Header{1, 500, 10000, false}, 0, 10, 1000, true, false},
			{"second", false, Header{1, 501, 10960, false}, 20 * ms, 11, 1960, false, false},
			{"one lost", false, Header{1, 503, 12880, false}, 60 * ms, 13, 3880, false, false},
			{"it comes late", false, Header{1, 502, 11920, false}, 61 * ms, 12, 2920, false, false},
		}},
		{"another speaker goes on where the first was, and when", []step{
			{"first", false, Header{1, 500, 10000, false}, 0, 10, 1000, true, false},
			{"other, 100 ms on", false, Header{2, 9, 77, false}, 100 * ms, 11, 5800, true, false},
			{"other goes on", false, Header{2, 10, 1037, false}, 120 * ms, 12, 6760, false, false},
			{"before other's first", false, Header{2, 8, 0, false}, 121 * ms, 0, 0, false, true},
		}},
		{"a cut hides what was not passed on", []step{
			{"first", false, Header{1, 500, 10000, false}, 0, 10, 1000, true, false},
			{"after a pause of 2 s", true, Header{1, 600, 106000, false}, 2000 * ms, 11, 97000, true, false},
		}},
		{"a change at once still moves on by a frame", []step{
			{"first", false, Header{1, 500, 10000, false}, 0, 10, 1000, true, false},
			{"other", false, Header{2, 9, 77, false}, 1 * ms, 11, 1960, true, false},
		}},
		{"numbers wrap", []step{
			{"last", false, Header{1, 65535, 0xffffffff - 959, false}, 0, 10, 1000, true, false},
			{"first", false, Header{1, 0, 0, false}, 20 * ms, 11, 1960, false, false},
		}},
		{"a sender that begins anew under its old name", []step{
			{"first", false, Header{1, 500, 10000, false}, 0, 10, 1000, true, false},
			{"anew", false, Header{1, 30000, 5, false}, 20 * ms, 11, 1960, true, false},
		}},
		{"far behind is stale", []step{
			{"first", false, Header{1, 500, 0, false}, 0, 10, 1000, true, false},
			{"ahead", false, Header{1, 600, 96000, false}, 2000 * ms, 110, 97000, false, false},
			{"behind", false, Header{1, 530, 28800, false}, 2001 * ms, 0, 0, false, true},
			{"a little behind", false, Header{1, 595, 91200, false}, 2002 * ms, 105, 92200, false, false},
		}},
	} {
		r := New(10, 1000)
		for _, s := range c.steps {
			if s.cut {
				r.Cut()
			}
			out, ok := r.Next(s.in, s.at)
			if ok == s.drop {
				t.Errorf("%s: %s: passed %v", c.name, s.name, ok)
				continue
			}
			if want := (Header{s.in.SSRC, s.seq, s.ts, s.mark}); ok && out != want {
				t.Errorf("%s: %s: %+v, want %+v", c.name, s.name, out, want)
			}
		}
	}
}

// However long one source goes on, its first number never comes to look like the future.
func TestLongStream(t *testing.T) {
	r := New(0, 0)
	for i := range 200000 {
		out, ok := r.Next(Header{SSRC: 1, Seq: uint16(i + 7), TS: uint32(i) * 960}, time.Duration(i)*20*ms)
		if !ok || out.Seq != uint16(i) || out.TS != uint32(i)*960 {
			t.Fatalf("packet %d: %+v, %v", i, out, ok)
		}
	}
}

func BenchmarkNext(b *testing.B) {
	r := New(0, 0)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		r.Next(Header{SSRC: 1, Seq: uint16(i), TS: uint32(i) * 960}, time.Duration(i)*20*ms)
		i++
	}
}
