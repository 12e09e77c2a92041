package media

import (
	"sync"
	"time"

	"ramal/media/codec"
)

const (
	turn   = codec.FrameMillis * time.Millisecond
	phases = 4 // a shard's conferences take turns every 5 ms, so that their packets do not leave in one burst
	grid   = turn / phases
	// patience is how late turns may be and still be made up for, two at most: after a short stall of the machine
	// the listener's jitter buffer fills again; after a longer one making up would only add delay.
	patience = 2 * turn
)

// shard is one mixing goroutine: the 20 ms clock of a share of the conferences. Deadlines are absolute; those
// missed by more than patience are skipped.
type shard struct {
	count *counters
	now   func() time.Duration
	quit  chan struct{} // closed by Engine.Close
	wake  chan struct{} // capacity 1: the first conference came

	mu struct {
		sync.Mutex
		phase [phases][]*Conference
	}
}

func newShard(e *Engine) *shard {
	return &shard{count: &e.count, now: e.now, quit: make(chan struct{}), wake: make(chan struct{}, 1)}
}

// add gives a conference its turn in the emptiest phase.
func (s *shard) add(c *Conference) {
	s.mu.Lock()
	defer s.mu.Unlock()
	best := 0
	for i := range s.mu.phase {
		if len(s.mu.phase[i]) < len(s.mu.phase[best]) {
			best = i
		}
	}
	s.mu.phase[best] = append(s.mu.phase[best], c)
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *shard) remove(c *Conference) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, list := range s.mu.phase {
		for j, other := range list {
			if other == c {
				last := len(list) - 1
				list[j], list[last] = list[last], nil
				s.mu.phase[i] = list[:last]
				return
			}
		}
	}
}

// run is the clock. It ends when quit is closed.
func (s *shard) run() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	var (
		due  []*Conference
		base = time.Now()
		slot int64 // number of the next deadline, in grids since base
	)
	for {
		if s.idle() {
			select {
			case <-s.quit:
				return
			case <-s.wake:
			}
			base, slot = time.Now(), slot/phases*phases // conferences count turns, so the number goes on
			base = base.Add(-time.Duration(slot) * grid)
		}
		timer.Reset(time.Until(base.Add(time.Duration(slot) * grid)))
		select {
		case <-s.quit:
			return
		case <-timer.C:
		}
		late := time.Since(base.Add(time.Duration(slot) * grid))
		if late > patience {
			slot += int64(late / grid)
		}
		due = s.due(due[:0], int(slot%phases))
		if len(due) > 0 && late > grid {
			s.count.ticksLate.Add(1)
		}
		now := s.now()
		for _, c := range due {
			c.tick(slot/phases, now)
		}
		clear(due)
		slot++
	}
}

func (s *shard) idle() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, list := range s.mu.phase {
		if len(list) > 0 {
			return false
		}
	}
	return true
}

func (s *shard) due(dst []*Conference, phase int) []*Conference {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append(dst, s.mu.phase[phase]...)
}
