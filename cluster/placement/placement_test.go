package placement_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ramal/cluster/placement"
	"ramal/internal/fault"
	"ramal/internal/id"
)

func member(n string) placement.Member {
	return placement.Member{ID: id.Node(n), Host: "10.0.0.1", Port: 7000, Kinds: []string{"contact"}}
}

func members(n int) []placement.Member {
	var ms []placement.Member
	for i := range n {
		m := member(fmt.Sprintf("node_%02d", i))
		m.Port += i
		ms = append(ms, m)
	}
	return ms
}

func TestCandidates(t *testing.T) {
	a, b, front := member("a"), member("b"), member("f")
	front.Kinds = nil
	leaving := a
	leaving.Leaving = true
	for _, c := range []struct {
		name string
		in   []placement.Member
		want []id.Node
	}{
		{"nobody", nil, nil},
		{"all stay", []placement.Member{a, b}, []id.Node{"a", "b"}},
		{"leaving gives way", []placement.Member{leaving, b}, []id.Node{"b"}},
		{"the last one leaving serves on", []placement.Member{leaving, front}, []id.Node{"a"}},
		{"no kinds, no buckets", []placement.Member{front}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := placement.Candidates(c.in); !slices.Equal(got, c.want) {
				t.Fatalf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestDesiredIsBalanced(t *testing.T) {
	for n := 1; n <= 8; n++ {
		count := map[id.Node]int{}
		for _, o := range placement.Desired(members(n)) {
			count[o]++
		}
		if len(count) != n {
			t.Fatalf("%d nodes: only %d own buckets", n, len(count))
		}
		for node, c := range count {
			if mean := id.Buckets / n; c < mean/2 || c > mean*2 {
				t.Errorf("%d nodes: %s owns %d, mean %d", n, node, c, mean)
			}
		}
	}
}

func TestDesiredIgnoresOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ms := members(rapid.IntRange(1, 6).Draw(t, "n"))
		want := placement.Desired(ms)
		if got := placement.Desired(rapid.Permutation(ms).Draw(t, "order")); got != want {
			t.Fatal("the order of members changed the owners")
		}
	})
}

func TestDesiredMovesTheLeast(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ms := members(rapid.IntRange(2, 8).Draw(t, "n"))
		gone := rapid.IntRange(0, len(ms)-1).Draw(t, "gone")
		full := placement.Desired(ms)
		rest := placement.Desired(slices.Delete(slices.Clone(ms), gone, gone+1))
		for b := range full {
			if full[b] != ms[gone].ID && full[b] != rest[b] {
				t.Fatalf("bucket %d moved from %s to %s although %s left", b, full[b], rest[b], ms[gone].ID)
			}
			if rest[b] == ms[gone].ID {
				t.Fatalf("bucket %d belongs to the node that left", b)
			}
		}
	})
}

const lease = 3 * time.Second

var start = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

func beat(m placement.Member, join bool, release ...int) placement.Beat {
	return placement.Beat{Self: m, Lease: lease, Join: join, Release: release}
}

func advance(t *testing.T, r placement.Rows, b placement.Beat, at time.Duration) (placement.Rows, placement.Change) {
	t.Helper()
	r, ch, err := placement.Advance(r, b, start.Add(at))
	if err != nil {
		t.Fatal(err)
	}
	return r, ch
}

// keep lets m beat as often as a node does, from just after one time until just before another.
func keep(t *testing.T, r placement.Rows, m placement.Member, from, to time.Duration) placement.Rows {
	t.Helper()
	for at := from + lease/6; at < to; at += lease / 6 {
		r, _ = advance(t, r, beat(m, false), at)
	}
	return r
}

func TestAdvance(t *testing.T) {
	ms := members(2)
	a, b := ms[0], ms[1]

	t.Run("the first node takes everything", func(t *testing.T) {
		r, ch := advance(t, placement.Rows{}, beat(a, true), 0)
		v := r.View()
		if len(ch.Buckets) != id.Buckets || !ch.Epoch || r.Epoch != 1 || !placement.Share(a.ID, &v) {
			t.Fatalf("epoch %d, %d buckets", r.Epoch, len(ch.Buckets))
		}
	})
	t.Run("a quiet beat changes nothing", func(t *testing.T) {
		r, _ := advance(t, placement.Rows{}, beat(a, true), 0)
		busy := a
		busy.Load = 7
		r, ch := advance(t, r, beat(busy, false), time.Second)
		if ch.Epoch || r.Epoch != 1 || r.Members[0].Load != 7 {
			t.Fatalf("%+v, epoch %d, load %d", ch, r.Epoch, r.Members[0].Load)
		}
		if want := start.Add(time.Second + lease); !r.Members[0].Expires.Equal(want) {
			t.Fatalf("expires %v, want %v", r.Members[0].Expires, want)
		}
	})
	t.Run("an owner is not replaced, it releases", func(t *testing.T) {
		r, _ := advance(t, placement.Rows{}, beat(a, true), 0)
		r, ch := advance(t, r, beat(b, true), 0)
		if len(ch.Buckets) != 0 {
			t.Fatalf("the newcomer took %v", ch.Buckets)
		}
		v := r.View()
		steps := placement.Plan(a.ID, &v)
		if next := placement.Plan(b.ID, &v); !next.Settled() {
			t.Fatalf("the newcomer should take %v before it is released", next.Acquire)
		}
		r, _ = advance(t, r, beat(a, false, steps.Drain...), 0)
		v = r.View()
		if next := placement.Plan(b.ID, &v); !slices.Equal(next.Acquire, steps.Drain) || len(next.Drain) > 0 {
			t.Fatalf("released, but the newcomer plans %+v", next)
		}
		r, ch = advance(t, r, beat(b, false), 0)
		if !slices.Equal(ch.Buckets, steps.Drain) {
			t.Fatalf("took %v, want %v", ch.Buckets, steps.Drain)
		}
		for _, n := range ch.Buckets {
			if got := (r.Buckets[n]); got != (placement.Lease{Owner: b.ID, Epoch: 2}) {
				t.Fatalf("bucket %d: %+v", n, got)
			}
		}
	})
	t.Run("nobody releases what is not his", func(t *testing.T) {
		r, _ := advance(t, placement.Rows{}, beat(a, true), 0)
		_, ch := advance(t, r, beat(b, true, 0, 1, 2, 255, 256, -1), 0)
		if len(ch.Buckets) != 0 {
			t.Fatalf("changed %v", ch.Buckets)
		}
	})
	t.Run("the dead are removed and inherited", func(t *testing.T) {
		r, _ := advance(t, placement.Rows{}, beat(a, true), 0)
		r, _ = advance(t, r, beat(b, true), 0)
		r, ch := advance(t, keep(t, r, b, 0, lease), beat(b, false), lease)
		v := r.View()
		if !slices.Equal(ch.Removed, []id.Node{a.ID}) || !placement.Share(b.ID, &v) {
			t.Fatalf("removed %v", ch.Removed)
		}
	})
	t.Run("a lost lease is not revived", func(t *testing.T) {
		r, _ := advance(t, placement.Rows{}, beat(a, true), 0)
		r, _ = advance(t, r, beat(b, true), 0)
		r = keep(t, r, b, 0, lease)
		for _, join := range []bool{false, true} { // expired, still in the table
			if _, _, err := placement.Advance(r, beat(a, join), start.Add(lease)); fault.CodeOf(err) != placement.CodeLeaseLost {
				t.Fatalf("join %v: %v", join, err)
			}
		}
		r, _ = advance(t, r, beat(b, false), lease) // gone
		_, _, err := placement.Advance(r, beat(a, false), start.Add(lease))
		if fault.CodeOf(err) != placement.CodeLeaseLost || !fault.Is(err, fault.NotFound) {
			t.Fatal(err)
		}
	})
	for _, gap := range []time.Duration{lease / 3, lease - lease/6, lease, time.Minute, -time.Second, -time.Minute} {
		t.Run(fmt.Sprintf("a silence of %v evicts nobody", gap), func(t *testing.T) {
			r, _ := advance(t, placement.Rows{}, beat(a, true), 0)
			r, _ = advance(t, r, beat(b, true), lease/6)
			r, ch := advance(t, r, beat(b, false), lease/6+gap)
			if !ch.Extended || ch.Epoch || len(r.Members) != 2 {
				t.Fatalf("%+v", ch)
			}
			if left := r.Members[0].Expires.Sub(start.Add(lease/6 + gap)); left < lease/2 || left > lease {
				t.Fatalf("the other has %v left", left)
			}
			r, ch = advance(t, keep(t, r, b, lease/6+gap, 2*lease+gap), beat(b, false), 2*lease+gap)
			if len(r.Members) != 1 || len(ch.Removed) > 0 {
				t.Fatal("who stays silent is not dead a lease later")
			}
		})
	}
	t.Run("a slow database cannot keep the dead alive", func(t *testing.T) {
		r, _ := advance(t, placement.Rows{}, beat(a, true), 0)
		r, _ = advance(t, r, beat(b, true), 0)
		for now := lease - 1; now <= 5*(lease-1); now += lease - 1 {
			r, _ = advance(t, r, beat(b, false), now)
		}
		if len(r.Members) != 1 {
			t.Fatal("still a member")
		}
	})
	t.Run("a restart at the same address ends the former process", func(t *testing.T) {
		r, _ := advance(t, placement.Rows{}, beat(a, true), 0)
		again := a
		again.ID = "node_77"
		r, ch := advance(t, r, beat(again, true), time.Millisecond)
		v := r.View()
		if !slices.Equal(ch.Removed, []id.Node{a.ID}) || !placement.Share(again.ID, &v) {
			t.Fatalf("removed %v", ch.Removed)
		}
	})
	t.Run("leave frees at once", func(t *testing.T) {
		r, _ := advance(t, placement.Rows{}, beat(a, true), 0)
		r, _ = advance(t, r, beat(b, true), 0)
		r, ch := placement.Leave(r, a.ID)
		if len(ch.Buckets) != id.Buckets || len(r.Members) != 1 {
			t.Fatalf("%d freed, %d members", len(ch.Buckets), len(r.Members))
		}
		r, _ = advance(t, r, beat(b, false), 0)
		if v := r.View(); !placement.Share(b.ID, &v) {
			t.Fatal("not inherited")
		}
	})
}
