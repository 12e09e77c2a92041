// Package matrix says who hears whom, and how loud: gain[listener][speaker], 0 to 2, 1 unless set, 0 for oneself.
// Mute, volume, hold, whisper and monitoring are all entries of it. It is plain data without locks; its owner is
// the conference, under its mutex.
package matrix

import (
	"ramal/internal/fault"
	"ramal/internal/id"
)

// The bounds of a gain, and what it is unless set.
const (
	Min     = 0.0
	Default = 1.0
	Max     = 2.0
)

type pair struct{ listener, speaker id.Leg }

// Matrix holds the entries that differ from the default. The zero value is ready.
type Matrix struct {
	set map[pair]float64
}

// Set makes listener hear speaker at gain. It refuses a gain outside 0 to 2 and an ear for oneself.
func (m *Matrix) Set(listener, speaker id.Leg, gain float64) error {
	const op = "matrix.set"
	switch {
	case !(gain >= Min && gain <= Max): // also not a number
		return fault.Newf(fault.Invalid, op, "gain_range", "gain %v is not between %v and %v", gain, Min, Max)
	case listener == speaker:
		return fault.New(fault.Invalid, op, "gain_self", "nobody hears themselves")
	}
	if gain == Default {
		delete(m.set, pair{listener, speaker})
		return nil
	}
	if m.set == nil {
		m.set = make(map[pair]float64)
	}
	m.set[pair{listener, speaker}] = gain
	return nil
}

// Gain returns how loud listener hears speaker.
func (m *Matrix) Gain(listener, speaker id.Leg) float64 {
	if listener == speaker {
		return 0
	}
	if g, ok := m.set[pair{listener, speaker}]; ok {
		return g
	}
	return Default
}

// Forget drops every entry about a leg, so that one of the same name begins anew.
func (m *Matrix) Forget(leg id.Leg) {
	for p := range m.set {
		if p.listener == leg || p.speaker == leg {
			delete(m.set, p)
		}
	}
}
