package agent

import (
	"time"

	"ramal/internal/id"
)

// Event is a fact about an agent. Events carry all that Evolve needs: it looks nothing up and decides nothing.
//
//sumtype:decl
type Event interface{ eventName() string }

// ofCall is an event about the call the agent is in or claimed for.
//
//sumtype:decl
type ofCall interface {
	Event
	ofCall()
}

// Why a session ended.
const (
	SessionClosed = "closed"
	SessionLapsed = "lapsed" // its node stopped renewing it
	SessionMoved  = "moved"  // it was opened on another node
)

type (
	// Enrolled names the agent.
	Enrolled struct {
		Tenant id.Tenant `json:"tenant"`
		ID     id.Agent  `json:"id"`
		Name   string    `json:"name"`
		Role   string    `json:"role"`
		At     time.Time `json:"at"`
	}
	// SessionOpened begins a session's lease.
	SessionOpened struct {
		Session    id.Session `json:"session"`
		Node       id.Node    `json:"node"`
		LeaseUntil time.Time  `json:"lease_until"`
		At         time.Time  `json:"at"`
	}
	// SessionRenewed prolongs it.
	SessionRenewed struct {
		Session    id.Session `json:"session"`
		LeaseUntil time.Time  `json:"lease_until"`
		At         time.Time  `json:"at"`
	}
	// SessionEnded ends it. At is the end of the lease where it lapsed.
	SessionEnded struct {
		Session id.Session `json:"session"`
		Node    id.Node    `json:"node"`
		Reason  string     `json:"reason"`
		At      time.Time  `json:"at"`
	}
	// WishChanged records what the agent chose.
	WishChanged struct {
		Wish      Presence  `json:"wish"`
		BreakCode string    `json:"break_code,omitempty"`
		At        time.Time `json:"at"`
	}
	// OfferMade lets a modal ring.
	OfferMade struct {
		Offer id.Offer `json:"offer"`
		Made  Offer    `json:"made"`
	}
	// OfferClosed ends an offer. Own: this actor ended it and the call does not know yet.
	OfferClosed struct {
		Offer  id.Offer  `json:"offer"`
		Call   id.Call   `json:"call,omitempty"` // empty when the offer never came
		Reason string    `json:"reason"`
		By     string    `json:"by,omitempty"`
		Own    bool      `json:"own,omitempty"`
		Missed bool      `json:"missed,omitempty"`
		At     time.Time `json:"at"`
	}
	// FellSilent follows the miss that was one too many.
	FellSilent struct {
		Misses int       `json:"misses"`
		At     time.Time `json:"at"`
	}
	// Claimed takes the agent for a call.
	Claimed struct {
		Call       id.Call   `json:"call"`
		Offer      id.Offer  `json:"offer,omitempty"`
		LeaseUntil time.Time `json:"lease_until"`
		At         time.Time `json:"at"`
	}
	// CallConfirmed makes the claim a call.
	CallConfirmed struct {
		Call       id.Call   `json:"call"`
		LeaseUntil time.Time `json:"lease_until"`
		At         time.Time `json:"at"`
	}
	// CallRenewed prolongs the call's lease.
	CallRenewed struct {
		Call       id.Call   `json:"call"`
		LeaseUntil time.Time `json:"lease_until"`
	}
	// CallReleased lets the agent go.
	CallReleased struct {
		Call        id.Call   `json:"call"`
		WrapUpUntil time.Time `json:"wrap_up_until,omitzero"`
		At          time.Time `json:"at"`
	}
	// CallLapsed lets the agent go because nobody confirmed or renewed.
	CallLapsed struct {
		Call id.Call   `json:"call"`
		At   time.Time `json:"at"`
	}
	// NoticeAdded stores a notice.
	NoticeAdded struct {
		Notice Notice `json:"notice"`
	}
	// NoticesAcked removes notices that were there.
	NoticesAcked struct {
		IDs []string `json:"ids"`
	}
	// PresenceChanged closes every batch that changed what others see of the agent.
	PresenceChanged struct {
		Presence  Presence  `json:"presence"`
		BreakCode string    `json:"break_code,omitempty"`
		At        time.Time `json:"at"`
	}
)

func (Enrolled) eventName() string        { return "enrolled" }
func (SessionOpened) eventName() string   { return "session_opened" }
func (SessionRenewed) eventName() string  { return "session_renewed" }
func (SessionEnded) eventName() string    { return "session_ended" }
func (WishChanged) eventName() string     { return "wish_changed" }
func (OfferMade) eventName() string       { return "offer_made" }
func (OfferClosed) eventName() string     { return "offer_closed" }
func (FellSilent) eventName() string      { return "fell_silent" }
func (Claimed) eventName() string         { return "claimed" }
func (CallConfirmed) eventName() string   { return "call_confirmed" }
func (CallRenewed) eventName() string     { return "call_renewed" }
func (CallReleased) eventName() string    { return "call_released" }
func (CallLapsed) eventName() string      { return "call_lapsed" }
func (NoticeAdded) eventName() string     { return "notice_added" }
func (NoticesAcked) eventName() string    { return "notices_acked" }
func (PresenceChanged) eventName() string { return "presence_changed" }

func (Claimed) ofCall()       {}
func (CallConfirmed) ofCall() {}
func (CallRenewed) ofCall()   {}
func (CallReleased) ofCall()  {}
func (CallLapsed) ofCall()    {}

// EventName returns the stable name of an event, such as "offer_made".
func EventName(ev Event) string { return ev.eventName() }
