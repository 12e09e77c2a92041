// Package callflow is the pure life cycle of one call as Meta runs it: Decide judges a command against the state,
// Evolve records its events. No clock, no I/O, no chance: times and random windows are inputs. The caller owns the
// State and keeps one timer for State.Deadline, sending Wake when it fires (early or late wakes are harmless).
//
//	user-initiated (UIC)                             business-initiated (BIC)
//
//	Ringing --pre_accept--> PreAccepted              Dialing --answer ready--> Answered --ring--> Ringing
//	   |  \--accept----------> |                        |                         |                 |
//	   |                     accept                     |                         |            user accepts
//	   |                        v                       |                         |                 v
//	   +-- reject, hang-up,  Accepted                   +-- terminate, decline, --+             Accepted
//	   |   window over          |                       |   ring time over                        |
//	   +------- Ended <---------+                       +------------------ Ended <---------------+
//
//	Accepted ends by terminate, hang-up, missing media (138021) or a failing client.
//
// Once Ended, nothing changes any more.
package callflow

import "time"

// Direction says who placed the call, as webhooks spell it.
type Direction string

// The directions.
const (
	UserInitiated     Direction = "USER_INITIATED"
	BusinessInitiated Direction = "BUSINESS_INITIATED"
)

// Phase is a state of the machine.
type Phase string

// The phases of both directions.
const (
	Dialing     Phase = "dialing"      // BIC: the answer SDP is being made
	Answered    Phase = "answered"     // BIC: the answer SDP went out, the phone does not ring yet
	Ringing     Phase = "ringing"      // both
	PreAccepted Phase = "pre_accepted" // UIC
	Accepted    Phase = "accepted"     // both
	Ended       Phase = "ended"        // both
)

// Party is who ended a call.
type Party string

// The parties.
const (
	User     Party = "user"
	Business Party = "business"
	Service  Party = "service"
)

// Outcome is how a call ended, from a neutral point of view.
type Outcome string

// The outcomes.
const (
	Completed Outcome = "completed" // it was answered
	NoAnswer  Outcome = "no_answer"
	Declined  Outcome = "declined"  // the called side declined
	Cancelled Outcome = "cancelled" // the calling side gave up before an answer
	Failed    Outcome = "failed"
)

// Params are the times of one call, chosen by its creator. All must be positive except RingDelay and AnswerDelay.
type Params struct {
	AcceptWindow  time.Duration // UIC: from ringing to the end without accept
	AnswerDelay   time.Duration // BIC: from the dial to the answer SDP
	RingDelay     time.Duration // BIC: from the answer SDP to ringing
	RingTimeout   time.Duration // BIC: from ringing (or the answer, for an unreachable phone) to the end
	FirstMedia    time.Duration // from accept until media of the business must have come
	MidMedia      time.Duration // longest pause of the business's media later
	Unreachable   bool          // BIC: the phone never rings
	PickupOnMedia bool          // UIC: the client takes first media before accept as pick-up
}

// State of one call. The zero value is not a call: use NewUIC or NewBIC.
type State struct {
	Direction   Direction
	Params      Params
	Phase       Phase
	PreSDP      string // SDP of pre_accept
	CreatedAt   time.Time
	RangAt      time.Time
	MediaAt     time.Time // UIC: media before accept was taken as pick-up
	AcceptedAt  time.Time
	EndedAt     time.Time
	EndedBy     Party
	Outcome     Outcome
	Code        int // error code of a failed call
	Deadline    time.Time
	WindowIsOut bool // the accept window ran out: a later accept is "too late", not merely "over"
}

// NewUIC returns a call that a user has just placed.
func NewUIC(p Params, now time.Time) State {
	return State{Direction: UserInitiated, Params: p, Phase: Ringing, CreatedAt: now, RangAt: now, Deadline: now.Add(p.AcceptWindow)}
}

// NewBIC returns a call that a business has just placed.
func NewBIC(p Params, now time.Time) State {
	return State{Direction: BusinessInitiated, Params: p, Phase: Dialing, CreatedAt: now, Deadline: now.Add(p.AnswerDelay)}
}

// Live reports whether the call has not ended.
func (s State) Live() bool { return s.Phase != Ended }

// Command is what somebody wants of a call.
//
//sumtype:decl
type Command interface{ command() }

type (
	// PreAccept prepares the media of a user's call (business).
	PreAccept struct{ SDP string }
	// Accept answers a user's call (business).
	Accept struct{ SDP string }
	// Reject declines a user's call (business).
	Reject struct{}
	// Terminate ends an established call or cancels a dialled one (business).
	Terminate struct{}
	// UserAccept answers a business's call (user).
	UserAccept struct{}
	// UserEnd declines, cancels or hangs up (user).
	UserEnd struct{}
	// Fail ends the call with an error of the user's client.
	Fail struct{ Code int }
	// Media says that the first media of the business arrived.
	Media struct{}
	// Wake says that the deadline passed; LastMedia is when media of the business came last, zero if never.
	Wake struct{ LastMedia time.Time }
)

func (PreAccept) command()  {}
func (Accept) command()     {}
func (Reject) command()     {}
func (Terminate) command()  {}
func (UserAccept) command() {}
func (UserEnd) command()    {}
func (Fail) command()       {}
func (Media) command()      {}
func (Wake) command()       {}

// Event is what happened to a call.
//
//sumtype:decl
type Event interface{ event() }

type (
	// WasPreAccepted opens the media path of a user's call.
	WasPreAccepted struct{ SDP string }
	// WasAccepted is pick-up: by the business (with SDP) or by the user.
	WasAccepted struct {
		At  time.Time
		SDP string
	}
	// WasAnswered says that the answer SDP of a business's call is ready.
	WasAnswered struct{ At time.Time }
	// Rang says that the user's phone rings.
	Rang struct{ At time.Time }
	// PickedUp says that media before accept was taken as pick-up.
	PickedUp struct{ At time.Time }
	// MediaKept moves the media deadline.
	MediaKept struct{ Last time.Time }
	// HasEnded ends the call.
	HasEnded struct {
		At      time.Time
		By      Party
		Outcome Outcome
		Code    int
		Timeout bool
	}
)

func (WasPreAccepted) event() {}
func (WasAccepted) event()    {}
func (WasAnswered) event()    {}
func (Rang) event()           {}
func (PickedUp) event()       {}
func (MediaKept) event()      {}
func (HasEnded) event()       {}

// Reason is why a command is refused.
type Reason string

// The reasons.
const (
	Over           Reason = "over"            // the call has ended
	TooLate        Reason = "too_late"        // the accept window has run out
	InProgress     Reason = "in_progress"     // accepted already
	AlreadyPre     Reason = "pre_accepted"    // pre-accepted already
	AlreadyReject  Reason = "reject_progress" // rejected already
	Mismatch       Reason = "sdp_mismatch"    // accept differs from pre_accept
	WrongDirection Reason = "wrong_direction" // the action does not exist in this direction
	NotEstablished Reason = "not_established" // terminate of a user's call before accept
	NotRinging     Reason = "not_ringing"     // the phone does not ring (yet)
)

// RefusedError is the error of a command that the state does not allow.
type RefusedError struct{ Reason Reason }

func (r *RefusedError) Error() string { return "call: " + string(r.Reason) }

// Evolve records one event.
func Evolve(s State, ev Event) State {
	switch ev := ev.(type) {
	case WasPreAccepted:
		s.Phase, s.PreSDP = PreAccepted, ev.SDP
	case WasAccepted:
		s.Phase, s.AcceptedAt = Accepted, ev.At
		s.Deadline = ev.At.Add(s.Params.FirstMedia)
	case WasAnswered:
		s.Phase, s.Deadline = Answered, ev.At.Add(s.Params.RingDelay)
		if s.Params.Unreachable {
			s.Deadline = ev.At.Add(s.Params.RingTimeout)
		}
	case Rang:
		s.Phase, s.RangAt, s.Deadline = Ringing, ev.At, ev.At.Add(s.Params.RingTimeout)
	case PickedUp:
		s.MediaAt = ev.At
	case MediaKept:
		s.Deadline = s.mediaDeadline(ev.Last)
	case HasEnded:
		s.Phase, s.EndedAt, s.EndedBy, s.Outcome, s.Code = Ended, ev.At, ev.By, ev.Outcome, ev.Code
		s.WindowIsOut, s.Deadline = ev.Timeout, time.Time{}
	}
	return s
}

// mediaDeadline is when the call fails if no further media of the business comes.
func (s State) mediaDeadline(last time.Time) time.Time {
	first := s.AcceptedAt.Add(s.Params.FirstMedia)
	if last.IsZero() {
		return first
	}
	if next := last.Add(s.Params.MidMedia); next.After(first) {
		return next
	}
	return first
}
