package media

import (
	"time"

	"ramal/internal/id"
)

// Fact is something that happened to a leg and that its call should know. Facts are rare (never one per
// packet), values, and told in order per conference.
//
//sumtype:decl
type Fact interface {
	isFact()
	// Of returns the leg the fact is about.
	Of() id.Leg
}

// Connected says that media can flow both ways: ICE has a path and DTLS has keys. It is told once per
// connection, so again after an agent's connection was replaced.
type Connected struct{ Leg id.Leg }

// FirstMedia says that the first RTP packet of a connection arrived, whether or not it may be heard yet.
type FirstMedia struct {
	Leg id.Leg
	At  time.Time
}

// Interrupted says that nothing has come over the leg's path for Config.DisconnectedAfter. It is often
// transient: the leg stays, Resumed or Failed follows.
type Interrupted struct{ Leg id.Leg }

// Resumed says that an interrupted path works again.
type Resumed struct{ Leg id.Leg }

// Failed says that the leg's connection is gone for good. The leg itself stays until Remove, and an agent's
// leg may be given a new connection with AnswerAgent.
type Failed struct {
	Leg    id.Leg
	Reason FailReason
}

// SlotsChanged carries the whole new mapping of a browser's receive slots after somebody came or went.
type SlotsChanged struct {
	Leg   id.Leg
	Slots []Slot
}

// Digit is a key the leg's party pressed (RFC 4733), told once, at its end or after 500 ms without one.
type Digit struct {
	Leg        id.Leg
	Digit      byte // one of 0123456789*#ABCD
	DurationMS int
}

// Speaking says that the leg's party began or ended to speak; pauses under 400 ms are no end.
type Speaking struct {
	Leg id.Leg
	On  bool
}

// FailReason says why a connection is gone. The list is closed: it is a metric label.
type FailReason string

// The reasons of Failed.
const (
	PathLost     FailReason = "path_lost"      // no connectivity check was answered any more, or ever
	KeysFailed   FailReason = "keys_failed"    // the DTLS handshake failed
	ClosedByPeer FailReason = "closed_by_peer" // the other side closed the connection
)

// Slot is one receive track of a browser and who is heard on it.
type Slot struct {
	Mid     string // identification tag of the m-line in the browser's own offer
	Speaker id.Leg // "" while nobody is
}

func (Connected) isFact()    {}
func (FirstMedia) isFact()   {}
func (Interrupted) isFact()  {}
func (Resumed) isFact()      {}
func (Failed) isFact()       {}
func (SlotsChanged) isFact() {}
func (Digit) isFact()        {}
func (Speaking) isFact()     {}

// Of implements Fact.
func (f Connected) Of() id.Leg { return f.Leg }

// Of implements Fact.
func (f FirstMedia) Of() id.Leg { return f.Leg }

// Of implements Fact.
func (f Interrupted) Of() id.Leg { return f.Leg }

// Of implements Fact.
func (f Resumed) Of() id.Leg { return f.Leg }

// Of implements Fact.
func (f Failed) Of() id.Leg { return f.Leg }

// Of implements Fact.
func (f SlotsChanged) Of() id.Leg { return f.Leg }

// Of implements Fact.
func (f Digit) Of() id.Leg { return f.Leg }

// Of implements Fact.
func (f Speaking) Of() id.Leg { return f.Leg }
