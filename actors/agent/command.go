package agent

import (
	"encoding/json"
	"time"

	"ramal/internal/id"
)

// Command asks an agent to do or to take note of something. Commands travel between nodes as JSON.
//
//sumtype:decl
type Command interface{ commandName() string }

// ofSession is a command about one session.
//
//sumtype:decl
type ofSession interface {
	Command
	ofSession()
}

// Reasons for which an offer ends.
const (
	ClosedAccepted  = "accepted"           // by this agent, in one of the sessions
	ClosedElsewhere = "accepted_elsewhere" // by somebody else
	ClosedDeclined  = "declined"           // by this agent
	ClosedExpired   = "expired"            // by time: a miss
	ClosedCancelled = "cancelled"          // by who made it, or because the agent is in another call or gone
	ClosedCallEnded = "call_ended"
)

type (
	// Enroll makes the agent, or renames them.
	Enroll struct {
		Tenant id.Tenant `json:"tenant"`
		ID     id.Agent  `json:"id"`
		Name   string    `json:"name"`
		Role   string    `json:"role"`
	}
	// OpenSession registers a WebSocket, or moves it to another node. Fault: Exhausted "too_many_sessions".
	OpenSession struct {
		Session id.Session `json:"session"`
		Node    id.Node    `json:"node"`
	}
	// RenewSession prolongs a session's lease. Fault: NotFound "session_unknown": open it again.
	RenewSession struct {
		Session id.Session `json:"session"`
	}
	// CloseSession ends a session; an unknown one changes nothing.
	CloseSession struct {
		Session id.Session `json:"session"`
	}
	// SetPresence chooses Available or Break; a break cancels what rings. Faults: Conflict "in_call", Invalid "invalid_field".
	SetPresence struct {
		Presence  Presence `json:"presence"`
		BreakCode string   `json:"break_code,omitempty"` // at most 64 bytes, with Break only
	}
	// MakeOffer lets a modal ring. Faults: Conflict "agent_offline", "agent_busy", "agent_unavailable" (on break, in
	// wrap-up, not responding or holding too many offers; an invitation reaches all but those on break) or "offer_closed",
	// Invalid "invalid_field". The same offer again changes nothing.
	MakeOffer struct {
		Offer     id.Offer        `json:"offer"`
		Call      id.Call         `json:"call"`
		Kind      string          `json:"kind"`
		ExpiresAt time.Time       `json:"expires_at"`
		View      json.RawMessage `json:"view,omitempty"`
	}
	// CloseOffer takes a modal away. It may overtake its MakeOffer. Fault: Invalid "invalid_field".
	CloseOffer struct {
		Offer  id.Offer `json:"offer"`
		Reason string   `json:"reason"`
		By     string   `json:"by,omitempty"` // the name of who accepted elsewhere
	}
	// Claim takes the agent for a call, for as long as it takes to join it. With Offer it accepts that offer, without it the
	// agent dials. Faults: Conflict "agent_busy", "agent_offline" or "offer_closed", also when another session has claimed the same call.
	Claim struct {
		Call  id.Call  `json:"call"`
		Offer id.Offer `json:"offer,omitempty"`
	}
	// ConfirmCall says that the agent is in the call. Offers of other calls end, the own offer ends as accepted in every session.
	// Faults: Conflict "agent_busy" or "call_released".
	ConfirmCall struct {
		Call id.Call `json:"call"`
	}
	// RenewCall prolongs the lease of a confirmed call, and takes it up again if it had run out. Faults as ConfirmCall's.
	RenewCall struct {
		Call  id.Call   `json:"call"`
		Until time.Time `json:"until"`
	}
	// ReleaseCall lets the agent go, into wrap-up if the call was confirmed. Again, or for another call, it changes nothing.
	ReleaseCall struct {
		Call id.Call `json:"call"`
	}
	// Miss says that an offer ran out by the call's clock.
	Miss struct {
		Offer id.Offer `json:"offer"`
	}
	// Notify adds a notice; the same id again changes nothing, even after it was acknowledged.
	Notify struct {
		Notice Notice `json:"notice"`
	}
	// AckNotices removes notices; unknown ids change nothing.
	AckNotices struct {
		IDs []string `json:"ids"`
	}
	// Wake is the shell's alarm at Deadline. Too early it changes nothing.
	Wake struct{}
)

func (Enroll) commandName() string       { return "enroll" }
func (OpenSession) commandName() string  { return "open_session" }
func (RenewSession) commandName() string { return "renew_session" }
func (CloseSession) commandName() string { return "close_session" }
func (SetPresence) commandName() string  { return "set_presence" }
func (MakeOffer) commandName() string    { return "make_offer" }
func (CloseOffer) commandName() string   { return "close_offer" }
func (Claim) commandName() string        { return "claim" }
func (ConfirmCall) commandName() string  { return "confirm_call" }
func (RenewCall) commandName() string    { return "renew_call" }
func (ReleaseCall) commandName() string  { return "release_call" }
func (Miss) commandName() string         { return "miss" }
func (Notify) commandName() string       { return "notify" }
func (AckNotices) commandName() string   { return "ack_notices" }
func (Wake) commandName() string         { return "wake" }

func (OpenSession) ofSession()  {}
func (RenewSession) ofSession() {}
func (CloseSession) ofSession() {}
