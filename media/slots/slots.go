// Package slots maps the speakers of a conference to the receive tracks of one browser. Slots are negotiated
// once; people come and go without renegotiation. It is plain data without locks; its owner is the conference,
// under its mutex.
//
// Invariant: a speaker keeps its slot for as long as it stays, no speaker has two slots, and no slot is free
// while somebody waits for one.
package slots

import (
	"slices"

	"ramal/internal/id"
)

// Table is the mapping of one listener.
type Table struct {
	speakers []id.Leg // by slot; "" is free
	freed    []int    // order in which slots were freed: the longest-free is used first, so that ears settle
	turn     int
}

// New returns a table of n free slots.
func New(n int) *Table {
	return &Table{speakers: make([]id.Leg, n), freed: make([]int, n)}
}

// Sync makes the table hold exactly the present speakers, as far as there are slots. present is in the order of
// arrival, without the listener itself; those beyond the slots wait until one is freed. It reports any change.
func (t *Table) Sync(present []id.Leg) (changed bool) {
	for i, s := range t.speakers {
		if s != "" && !slices.Contains(present, s) {
			t.turn++
			t.speakers[i], t.freed[i] = "", t.turn
			changed = true
		}
	}
	for _, s := range present {
		if slices.Contains(t.speakers, s) {
			continue
		}
		i := t.free()
		if i < 0 {
			break
		}
		t.speakers[i] = s
		changed = true
	}
	return changed
}

// Speakers returns who is on each slot. It is valid until the next Sync.
func (t *Table) Speakers() []id.Leg { return t.speakers }

func (t *Table) free() int {
	best := -1
	for i, s := range t.speakers {
		if s == "" && (best < 0 || t.freed[i] < t.freed[best]) {
			best = i
		}
	}
	return best
}
