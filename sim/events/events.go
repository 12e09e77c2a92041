// Package events is the simulator's diary: a bounded, numbered list of everything that happened, for tests and demos.
// It is written by everybody and owned by its Log; entries are never changed.
package events

import (
	"sync"
	"time"
)

// Event is one entry. Data is any JSON value.
type Event struct {
	Seq  int64     `json:"seq"` // 1, 2, 3 ...
	At   time.Time `json:"at"`  // real time, not the simulator's moved clock
	Kind string    `json:"kind"`
	PNID string    `json:"pnid,omitempty"`
	User string    `json:"user,omitempty"`
	Call string    `json:"call_id,omitempty"`
	Data any       `json:"data,omitempty"`
}

// Filter selects entries; empty fields match all.
type Filter struct {
	Kind, PNID, User, Call string
	After                  int64 // Seq greater than this
}

// Match reports whether the filter selects the event. A Kind that ends in "." or "*" matches as a prefix.
func (f Filter) Match(e Event) bool {
	return e.Seq > f.After && matchKind(f.Kind, e.Kind) && (f.PNID == "" || f.PNID == e.PNID) &&
		(f.User == "" || f.User == e.User) && (f.Call == "" || f.Call == e.Call)
}

func matchKind(want, kind string) bool {
	if n := len(want); n > 0 && (want[n-1] == '.' || want[n-1] == '*') {
		prefix := want
		if want[n-1] == '*' {
			prefix = want[:n-1]
		}
		return len(kind) >= len(prefix) && kind[:len(prefix)] == prefix
	}
	return want == "" || want == kind
}

// Log is the diary; safe for concurrent use.
type Log struct {
	mu    sync.Mutex
	size  int
	seq   int64
	ring  []Event
	woken chan struct{} // closed and replaced at each entry
}

// New returns a log that keeps the last size entries.
func New(size int) *Log { return &Log{size: size, woken: make(chan struct{})} }

// Add appends an entry, filling Seq and At.
func (l *Log) Add(e Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seq++
	e.Seq, e.At = l.seq, time.Now()
	if len(l.ring) < l.size {
		l.ring = append(l.ring, e)
	} else {
		l.ring[(l.seq-1)%int64(l.size)] = e
	}
	close(l.woken)
	l.woken = make(chan struct{})
}

// Find returns the kept entries that match, oldest first, the number of the latest entry of all, and a channel that
// closes at the next entry.
func (l *Log) Find(f Filter) (found []Event, latest int64, next <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	first := max(l.seq-int64(len(l.ring)), f.After)
	for seq := first + 1; seq <= l.seq; seq++ {
		if e := l.ring[(seq-1)%int64(l.size)]; f.Match(e) {
			found = append(found, e)
		}
	}
	return found, l.seq, l.woken
}
