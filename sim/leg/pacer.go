package leg

import (
	"slices"
	"sync"
	"time"
)

const (
	phases   = 4
	grid     = 20 * time.Millisecond / phases
	maxLag   = 40 // grid steps; beyond it time is skipped instead of caught up
	framesTS = 960
)

// pacer calls tick of every leg once in 20 ms, legs spread over four phases so that they do not send in one burst.
type pacer struct {
	mu     sync.Mutex
	legs   [phases][]*Leg
	latest int // phase that the last leg was put in
}

func newPacer() *pacer { return &pacer{} }

func (p *pacer) add(l *Leg) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.latest = (p.latest + 1) % phases
	p.legs[p.latest] = append(p.legs[p.latest], l)
}

func (p *pacer) remove(l *Leg) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.legs {
		if at := slices.Index(p.legs[i], l); at >= 0 {
			p.legs[i] = slices.Delete(p.legs[i], at, at+1)
			return
		}
	}
}

func (p *pacer) run(stop <-chan struct{}) {
	ticker := time.NewTicker(grid)
	defer ticker.Stop()
	start, done := time.Now(), int64(0)
	var turn []*Leg
	for {
		select {
		case <-stop:
			return
		case <-ticker.C:
		}
		due := int64(time.Since(start) / grid)
		if due-done > maxLag {
			done = due - 1
		}
		for ; done < due; done++ {
			p.mu.Lock()
			turn = append(turn[:0], p.legs[done%phases]...)
			p.mu.Unlock()
			for _, l := range turn {
				l.tick(time.Now())
			}
		}
	}
}
