package hooks

import (
	"errors"
	"math/rand/v2"
	"time"
)

// Chaos is how unruly delivery is. The zero value is a well-behaved network: in order per key, once, at once.
// Probabilities are 0 to 1, times are milliseconds.
type Chaos struct {
	Seed          uint64  `json:"seed"`            // of all choices; setting it starts the sequence again
	Duplicate     float64 `json:"duplicate"`       // deliver twice
	Drop          float64 `json:"drop"`            // never deliver
	Delay         float64 `json:"delay"`           // deliver late ...
	DelayMinMS    int     `json:"delay_min_ms"`    // ... by at least
	DelayMaxMS    int     `json:"delay_max_ms"`    // ... and at most
	Reorder       float64 `json:"reorder"`         // hold back until the next delivery of the same key has gone out
	ReorderMaxMS  int     `json:"reorder_max_ms"`  // ... but not longer than this; 0 = 1000
	Slow          float64 `json:"slow"`            // send the body in small pieces ...
	SlowMS        int     `json:"slow_ms"`         // ... over this time
	BatchMax      int     `json:"batch_max"`       // put up to so many changes in one request; below 2 = off
	BatchWindowMS int     `json:"batch_window_ms"` // how long a batch collects; 0 = 50
	EscapeSlashes bool    `json:"escape_slashes"`  // "/" as "\/"
	PlainUnicode  bool    `json:"plain_unicode"`   // leave non-ASCII as UTF-8 instead of \uxxxx
}

// fate is what will happen to one delivery.
type fate struct {
	drop, duplicate, reorder bool
	delay, slow              time.Duration
}

// decide draws a fate. Always the same number of draws, so that switching one disorder on does not shift the others.
func (c Chaos) decide(r *rand.Rand) fate {
	var f fate
	f.drop = r.Float64() < c.Drop
	f.duplicate = r.Float64() < c.Duplicate
	f.reorder = r.Float64() < c.Reorder
	late, span := r.Float64() < c.Delay, r.Float64()
	if late {
		f.delay = ms(c.DelayMinMS) + time.Duration(span*float64(ms(max(0, c.DelayMaxMS-c.DelayMinMS))))
	}
	if r.Float64() < c.Slow {
		f.slow = ms(c.SlowMS)
	}
	return f
}

func ms(n int) time.Duration { return time.Duration(n) * time.Millisecond }

// Validate refuses probabilities outside 0 to 1 and negative times.
func (c Chaos) Validate() error {
	for _, p := range []float64{c.Duplicate, c.Drop, c.Delay, c.Reorder, c.Slow} {
		if p < 0 || p > 1 {
			return errors.New("probabilities must be 0 to 1")
		}
	}
	for _, n := range []int{c.DelayMinMS, c.DelayMaxMS, c.ReorderMaxMS, c.SlowMS, c.BatchMax, c.BatchWindowMS} {
		if n < 0 {
			return errors.New("times and counts must not be negative")
		}
	}
	return nil
}
