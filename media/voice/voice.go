// Package voice decides from a stream of "somebody speaks in this packet" whether somebody is speaking: a short
// attack against clicks, a long hangover against pauses between words. It knows no packets and no clock. A Gate
// belongs to whoever holds its leg's lock.
package voice

import "time"

const (
	// Attack is how many active packets in a row begin a turn.
	Attack = 2
	// Hangover is how long silence must last to end it.
	Hangover = 400 * time.Millisecond
)

// Gate follows one speaker. The zero value is ready and silent.
type Gate struct {
	on   bool
	run  int
	last time.Duration
}

// Push takes the next packet's activity and reports whether it began a turn.
func (g *Gate) Push(active bool, now time.Duration) (began bool) {
	if !active {
		g.run = 0
		return false
	}
	g.run++
	g.last = now
	if g.on || g.run < Attack {
		return false
	}
	g.on = true
	return true
}

// Expire reports whether a turn ended by silence, of packets or of sound.
func (g *Gate) Expire(now time.Duration) (ended bool) {
	if !g.on || now-g.last < Hangover {
		return false
	}
	*g = Gate{}
	return true
}

// On reports whether somebody is speaking.
func (g *Gate) On() bool { return g.on }
