package agent

import (
	"encoding/json"
	"time"

	"ramal/internal/id"
)

// State is everything the engine knows about one member of the staff. The zero value is an agent that does not exist yet.
// It is stored as JSON, except Policy, which the shell sets after loading.
type State struct {
	Policy Policy `json:"-"`

	Tenant id.Tenant `json:"tenant"`
	ID     id.Agent  `json:"id"`
	Name   string    `json:"name"`
	Role   string    `json:"role"` // agent, supervisor or admin

	Presence  Presence  `json:"presence"`             // derived, and true at the last command; see Decide
	BreakCode string    `json:"break_code,omitempty"` // of the break that Presence shows
	Since     time.Time `json:"since,omitzero"`       // when Presence last changed

	Wish        Presence  `json:"wish,omitempty"` // Available or Break: what the agent chose
	WishCode    string    `json:"wish_code,omitempty"`
	WrapUpUntil time.Time `json:"wrap_up_until,omitzero"`
	Misses      int       `json:"misses,omitempty"` // offers in a row that ran out
	Silent      bool      `json:"silent,omitempty"` // too many misses: not asked until the agent does something
	LastSeen    time.Time `json:"last_seen,omitzero"`

	Sessions map[id.Session]SessionInfo `json:"sessions,omitempty"`
	Offers   map[id.Offer]Offer         `json:"offers,omitempty"`
	Call     *Assignment                `json:"call,omitempty"`
	Notices  []Notice                   `json:"notices,omitempty"` // oldest first, at most MaxNotices

	Closed   []id.Offer `json:"closed,omitempty"`   // the last offers that ended, newest last: a late MakeOffer does not revive them
	Released []id.Call  `json:"released,omitempty"` // the last calls that let go: a late ConfirmCall or RenewCall does not revive them
	Acked    []string   `json:"acked,omitempty"`    // the last notices that were acknowledged: a repeated Notify does not revive them
}

// Bounds of what one agent holds.
const (
	MaxSessions = 32
	MaxOffers   = 32
	MaxNotices  = 50
	maxClosed   = 64
	maxReleased = 8
	maxAcked    = 64
)

// Presence is what colleagues and routing see.
type Presence string

// The presences. The zero value reads as Offline.
const (
	Offline       Presence = "offline"
	Available     Presence = "available"
	Busy          Presence = "busy"
	WrapUp        Presence = "wrap_up"
	Break         Presence = "break"
	NotResponding Presence = "not_responding"
)

// SessionInfo is one WebSocket of the agent: a lease that the node serving it renews.
type SessionInfo struct {
	Node       id.Node   `json:"node"`
	LeaseUntil time.Time `json:"lease_until"`
}

// Kinds of offers.
const (
	OfferInbound = "inbound"
	OfferInvite  = "invite"
)

// Offer is one modal that rings. It is a lease: it ends at ExpiresAt by itself.
type Offer struct {
	Call      id.Call         `json:"call"`
	Kind      string          `json:"kind"`
	ExpiresAt time.Time       `json:"expires_at"`
	View      json.RawMessage `json:"view,omitempty"` // what sessions draw, as the shell made it
}

// Assignment is the agent's one call. Until confirmed it is a claim that ends soon; after that the call renews it.
type Assignment struct {
	Call       id.Call   `json:"call"`
	Offer      id.Offer  `json:"offer,omitempty"` // the one that was accepted
	Confirmed  bool      `json:"confirmed,omitempty"`
	LeaseUntil time.Time `json:"lease_until"`
}

// Notice is something that the agent must be told until a session acknowledges it.
type Notice struct {
	ID   string          `json:"id"`
	Kind string          `json:"kind"`
	View json.RawMessage `json:"view,omitempty"` // what sessions draw, as the shell made it
	At   time.Time       `json:"at"`
}

// Policy holds the times. Zero fields take the value of DefaultPolicy.
type Policy struct {
	SessionLease time.Duration // life of a session without renewal; default 45 s
	OfflineGrace time.Duration // from the end of the last session to offline; default 20 s
	ClaimLease   time.Duration // life of a claim that is not confirmed; default 15 s
	CallLease    time.Duration // life of a confirmed call that nobody renews; default 90 s
	MaxMisses    int           // offers missed in a row until not_responding; default 3
	WrapUp       time.Duration // after a call; default 0: none
}

// DefaultPolicy is used where nothing is configured.
func DefaultPolicy() Policy {
	return Policy{
		SessionLease: 45 * time.Second, OfflineGrace: 20 * time.Second, ClaimLease: 15 * time.Second,
		CallLease: 90 * time.Second, MaxMisses: 3,
	}
}

func (p Policy) withDefaults() Policy {
	d := DefaultPolicy()
	p.SessionLease = or(p.SessionLease, d.SessionLease)
	p.OfflineGrace = or(p.OfflineGrace, d.OfflineGrace)
	p.ClaimLease = or(p.ClaimLease, d.ClaimLease)
	p.CallLease = or(p.CallLease, d.CallLease)
	p.MaxMisses = or(p.MaxMisses, d.MaxMisses)
	return p
}

func or[T int | time.Duration](v, def T) T {
	if v > 0 {
		return v
	}
	return def
}
