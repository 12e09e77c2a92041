package agent

import (
	"encoding/json"
	"time"

	"ramal/internal/id"
)

// Effect is something the shell must do once the events are durable. Effects are derived, never stored.
//
//sumtype:decl
type Effect interface{ effectName() string }

// The types of Push.
const (
	PushAgentUpdated  = "agent.updated"
	PushOfferCreated  = "offer.created"
	PushOfferClosed   = "offer.closed"
	PushNoticeCreated = "notice.created"
	PushNoticeAcked   = "notice.acked"
)

type (
	// Push is one event of the agent protocol for every session of the agent; the shell numbers it.
	Push struct {
		Type string          `json:"type"`
		Data json.RawMessage `json:"data"`
	}
	// AnnouncePresence hints to the tenant's lists and to routing.
	AnnouncePresence struct {
		Presence Presence `json:"presence"`
	}
	// SessionGone tells the node that served a session to cut it, where that session did not close itself.
	SessionGone struct {
		Session id.Session `json:"session"`
		Node    id.Node    `json:"node"`
		Reason  string     `json:"reason"`
	}
	// OfferEnded tells the call that an offer ended on this side: expired, or cancelled because the agent is gone or in another call.
	OfferEnded struct {
		Offer  id.Offer `json:"offer"`
		Call   id.Call  `json:"call"`
		Reason string   `json:"reason"`
	}
)

func (Push) effectName() string             { return "push" }
func (AnnouncePresence) effectName() string { return "announce_presence" }
func (SessionGone) effectName() string      { return "session_gone" }
func (OfferEnded) effectName() string       { return "offer_ended" }

// View is the agent as its own sessions see it: the data of agent.updated.
type View struct {
	ID        id.Agent  `json:"id"`
	Name      string    `json:"name"`
	Role      string    `json:"role"`
	Presence  Presence  `json:"presence"`
	BreakCode string    `json:"break_code,omitempty"`
	Since     time.Time `json:"since"`
	CallID    id.Call   `json:"call_id,omitempty"`
}
