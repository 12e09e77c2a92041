package media

import (
	"sync/atomic"

	"ramal/internal/id"
	"ramal/media/slots"
)

type legKind uint8

const (
	contact legKind = iota
	agent
)

// leg is one party of a conference. What is not atomic or final is guarded by Conference.mu.
type leg struct {
	id    id.Leg
	kind  legKind
	conf  *Conference
	in    *input
	route atomic.Pointer[route] // read by the reader goroutines
	gone  atomic.Bool           // removed: nothing is told of it any more

	peer    *peer // nil until the first connection
	pending int   // commands under way that will give it a connection
	muted   bool
	mixed   bool // its packets go into a mix

	// Of a contact.
	out      *output
	open     bool
	offered  string // our offer
	answered string // the answer to it
	foreign  string // the other side's offer
	reply    string // our answer to that

	// Of an agent.
	table *slots.Table
	mids  []string // of the slots
	sinks []*sink
}

func (l *leg) tell(f Fact) {
	if !l.gone.Load() {
		l.conf.facts.put(f)
	}
}

// dropped says why nobody may hear the leg, or "" if somebody may.
func (l *leg) dropped() Drop {
	switch {
	case l.kind == contact && !l.open:
		return DropNotOpen
	case l.muted:
		return DropMuted
	}
	return ""
}

// slotList is the public form of the leg's mapping.
func (l *leg) slotList() []Slot {
	if l.table == nil {
		return nil
	}
	list := make([]Slot, len(l.mids))
	for i, s := range l.table.Speakers() {
		list[i] = Slot{Mid: l.mids[i], Speaker: s}
	}
	return list
}
