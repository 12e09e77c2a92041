package placement_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ramal/cluster/placement"
	"ramal/internal/id"
)

// process models what a node believes: its last view, how long it trusts it, what it has stopped serving.
type process struct {
	self    placement.Member
	join    bool
	view    placement.View
	until   time.Time
	stopped map[int]bool // drained since the view said so, not yet known to be released
	crashed bool         // beats no more, but goes on believing: a frozen process
	lost    bool
}

func (p *process) believes(bucket int, now time.Time) bool {
	return !p.lost && now.Before(p.until) && p.view.Buckets[bucket].Owner == p.self.ID && !p.stopped[bucket]
}

// simulation is a cluster in virtual time: one table, any number of processes.
type simulation struct {
	rows  placement.Rows
	now   time.Time
	procs []*process
	epoch [id.Buckets]int64
}

func (s *simulation) start() {
	n := len(s.procs)
	m := member(fmt.Sprintf("node_%03d", n))
	m.Port += n
	s.procs = append(s.procs, &process{self: m, join: true, stopped: map[int]bool{}})
}

// beat lets p report; drained tells which part of what it must drain has stopped by then.
func (s *simulation) beat(p *process, drained func(bucket int) bool) {
	if p.crashed || p.lost {
		return
	}
	var release []int
	for b := range p.stopped {
		release = append(release, b)
	}
	rows, _, err := placement.Advance(s.rows, placement.Beat{Self: p.self, Lease: lease, Join: p.join, Release: release}, s.now)
	if err != nil {
		p.lost = true
		return
	}
	s.rows, p.join = rows, false
	p.view, p.until = rows.View(), placement.Trust(s.now, lease)
	clear(p.stopped)
	for _, b := range placement.Plan(p.self.ID, &p.view).Drain {
		if drained(b) {
			p.stopped[b] = true
		}
	}
}

func (s *simulation) check(t *rapid.T) {
	alive := map[id.Node]bool{}
	for _, m := range s.rows.Members {
		alive[m.ID] = true
	}
	for b, l := range s.rows.Buckets {
		if l.Owner != "" && !alive[l.Owner] {
			t.Fatalf("bucket %d belongs to %s, who is no member", b, l.Owner)
		}
		if l.Epoch < s.epoch[b] {
			t.Fatalf("bucket %d: epoch fell from %d to %d", b, s.epoch[b], l.Epoch)
		}
		s.epoch[b] = l.Epoch
		var who id.Node
		for _, p := range s.procs {
			if !p.believes(b, s.now) {
				continue
			}
			if who != "" {
				t.Fatalf("at %v both %s and %s serve bucket %d", s.now, who, p.self.ID, b)
			}
			who = p.self.ID
		}
	}
}

// TestOneOwnerAtATime runs random clusters: nodes join, leave, freeze, beat late, the table goes away; whatever
// happens, no two nodes serve one bucket, and once things are quiet everybody has exactly its share.
func TestOneOwnerAtATime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &simulation{now: start}
		s.start()
		pick := func(t *rapid.T) *process { return s.procs[rapid.IntRange(0, len(s.procs)-1).Draw(t, "node")] }
		all := func(int) bool { return true }
		t.Repeat(map[string]func(*rapid.T){
			"": s.check,
			"join": func(t *rapid.T) {
				if len(s.procs) > 6 {
					t.Skip("enough")
				}
				s.start()
			},
			"beat": func(t *rapid.T) { s.beat(pick(t), all) },
			"beat, drain slowly": func(t *rapid.T) {
				odd := rapid.IntRange(2, 5).Draw(t, "odd")
				s.beat(pick(t), func(b int) bool { return b%odd == 0 })
			},
			"everybody beats": func(*rapid.T) {
				for _, p := range s.procs {
					s.beat(p, all)
				}
			},
			"freeze": func(t *rapid.T) { pick(t).crashed = true },
			"leaving": func(t *rapid.T) {
				pick(t).self.Leaving = true
			},
			"leave": func(t *rapid.T) {
				p := pick(t)
				p.lost = true
				s.rows, _ = placement.Leave(s.rows, p.self.ID)
			},
			"time": func(t *rapid.T) {
				s.now = s.now.Add(time.Duration(rapid.IntRange(1, 2000).Draw(t, "ms")) * time.Millisecond)
			},
			"outage": func(*rapid.T) { s.now = s.now.Add(4 * lease) },
		})
		s.converge(t, all)
	})
}

func (s *simulation) converge(t *rapid.T, all func(int) bool) {
	s.start()
	for range 24 { // the outlived leases end, then two rounds hand over
		s.now = s.now.Add(lease / 6)
		for _, p := range s.procs {
			s.beat(p, all)
			s.check(t)
		}
	}
	epoch := s.rows.Epoch
	for _, p := range s.procs {
		s.beat(p, all)
	}
	if s.rows.Epoch != epoch {
		t.Fatal("quiet beats raise the epoch")
	}
	v := s.rows.View()
	for _, p := range s.procs {
		if _, ok := v.Find(p.self.ID); ok && !placement.Share(p.self.ID, &v) {
			t.Fatalf("%s does not own its share", p.self.ID)
		}
	}
	for b, l := range v.Buckets {
		if l.Owner == "" {
			t.Fatalf("nobody owns bucket %d", b)
		}
	}
}
