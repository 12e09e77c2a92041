package call

import (
	"maps"
	"slices"
	"time"

	"ramal/internal/id"
)

// Phase is where a call stands. The zero value is a call that does not exist yet.
type Phase string

// The phases; see the drawing in doc.go.
const (
	Unborn     Phase = ""
	Dialing    Phase = "dialing"
	Ringing    Phase = "ringing"
	Offering   Phase = "offering"
	Connecting Phase = "connecting"
	Active     Phase = "active"
	Ended      Phase = "ended"
)

// Direction says who called.
type Direction string

// The directions.
const (
	Inbound  Direction = "inbound"
	Outbound Direction = "outbound"
)

// Stage is a round of inbound routing.
type Stage string

// The stages, in order.
const (
	Related  Stage = "related"  // agents involved with this contact
	Everyone Stage = "everyone" // all who are available
)

// LegState is how one agent takes part.
type LegState string

// The states of a leg.
const (
	LegInvited      LegState = "invited"
	LegConnecting   LegState = "connecting"
	LegConnected    LegState = "connected"
	LegReconnecting LegState = "reconnecting"
	LegLeft         LegState = "left"
)

// EndedBy is the closed list of who ends calls.
type EndedBy string

// Who ended the call.
const (
	ByCustomer EndedBy = "customer"
	ByAgent    EndedBy = "agent"
	BySystem   EndedBy = "system"
	ByProvider EndedBy = "provider"
)

// EndReason is the closed list of why calls end.
type EndReason string

// Why the call ended.
const (
	Completed          EndReason = "completed"            // talked and hung up
	DeclinedByCustomer EndReason = "declined_by_customer" // outbound
	DeclinedByAgents   EndReason = "declined_by_agents"   // inbound: everybody who was asked said no
	NoAnswer           EndReason = "no_answer"            // rang to the end
	Abandoned          EndReason = "abandoned"            // the caller hung up before an answer
	OutOfHours         EndReason = "out_of_hours"         // inbound: the line is closed, or calls are switched off
	Replaced           EndReason = "replaced"             // inbound: another call with this customer is under way
	PermissionDenied   EndReason = "permission_denied"    // the provider found no call permission
	LimitReached       EndReason = "limit_reached"        // a limit of the provider
	ProviderError      EndReason = "provider_error"
	MediaFailed        EndReason = "media_failed"
	NodeLost           EndReason = "node_lost"
)

// Policy holds the times and sizes a call obeys. It is fixed when the call begins.
type Policy struct {
	DialTimeout     time.Duration `json:"dial_timeout"`     // provider must take a dial within, default 20 s
	RingTimeout     time.Duration `json:"ring_timeout"`     // the customer must answer within, default 30 s
	StageTimeout    time.Duration `json:"stage_timeout"`    // related agents ring alone for, default 10 s
	LookAgain       time.Duration `json:"look_again"`       // between looks for newly available agents, default 3 s
	QueueTimeout    time.Duration `json:"queue_timeout"`    // inbound rings at most, default 25 s (Meta allows 30 to 60 s)
	ConnectTimeout  time.Duration `json:"connect_timeout"`  // provider must take an accept within, default 20 s
	InviteTimeout   time.Duration `json:"invite_timeout"`   // a colleague must answer within, default 30 s
	GoodbyeGrace    time.Duration `json:"goodbye_grace"`    // after the customer's media said goodbye the provider's word is waited for, default 3 s
	AgentGrace      time.Duration `json:"agent_grace"`      // an agent's media may be away for, default 30 s
	MaxParticipants int           `json:"max_participants"` // legs at the same time, the contact's included, default 8
}

// DefaultPolicy returns the defaults named at the fields.
func DefaultPolicy() Policy {
	return Policy{
		DialTimeout: 20 * time.Second, RingTimeout: 30 * time.Second, StageTimeout: 10 * time.Second,
		LookAgain: 3 * time.Second, QueueTimeout: 25 * time.Second, ConnectTimeout: 20 * time.Second,
		InviteTimeout: 30 * time.Second, GoodbyeGrace: 3 * time.Second, AgentGrace: 30 * time.Second, MaxParticipants: 8,
	}
}

// Leg is one agent's part in the call.
type Leg struct {
	ID        id.Leg             `json:"id"`
	Agent     id.Agent           `json:"agent"`
	Name      string             `json:"name"`
	State     LegState           `json:"state"`
	InvitedBy id.Agent           `json:"invited_by,omitempty"`
	JoinedAt  time.Time          `json:"joined_at,omitzero"`
	LeftAt    time.Time          `json:"left_at,omitzero"`
	AwayAt    time.Time          `json:"away_at,omitzero"` // media is away since; zero while it is there
	Before    LegState           `json:"before,omitempty"` // what it was when it was attached anew
	Muted     bool               `json:"muted,omitempty"`
	Gains     map[id.Leg]float64 `json:"gains,omitempty"` // what this leg hears of others, absent = 1
}

// In reports whether the leg takes part now.
func (l Leg) In() bool {
	return l.State == LegConnecting || l.State == LegConnected || l.State == LegReconnecting
}

// Offer is one open invitation.
type Offer struct {
	ID        id.Offer  `json:"id"`
	Agent     id.Agent  `json:"agent"`
	Name      string    `json:"name"`
	Leg       id.Leg    `json:"leg"`
	Kind      string    `json:"kind"` // inbound or invite
	Reason    string    `json:"reason"`
	Info      string    `json:"info,omitempty"`
	ReasonAt  time.Time `json:"reason_at,omitzero"`
	By        id.Agent  `json:"by,omitempty"` // inviter
	Note      string    `json:"note,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at"`
}

// The kinds of offers.
const (
	KindInbound = "inbound"
	KindInvite  = "invite"
)

// State is one call. It is a fold of its events.
type State struct {
	Tenant     id.Tenant  `json:"tenant"`
	Call       id.Call    `json:"call"`
	Line       id.Line    `json:"line"`
	Contact    id.Contact `json:"contact"`
	Direction  Direction  `json:"direction"`
	Policy     Policy     `json:"policy"`
	Phase      Phase      `json:"phase"`
	ContactLeg id.Leg     `json:"contact_leg"`

	ProviderID  string `json:"provider_id,omitempty"`
	PreAccepted bool   `json:"pre_accepted,omitempty"` // inbound: accept may be sent
	Connected   bool   `json:"connected,omitempty"`    // outbound: the provider's media answer is known

	Legs     []Leg      `json:"legs"`
	Offers   []Offer    `json:"offers,omitempty"`   // open ones
	Declined []id.Agent `json:"declined,omitempty"` // not to be asked again
	Stage    Stage      `json:"stage,omitempty"`

	CreatedAt  time.Time `json:"created_at"`
	StageUntil time.Time `json:"stage_until,omitzero"`
	RingUntil  time.Time `json:"ring_until,omitzero"` // server's deadline for an answer
	TakenAt    time.Time `json:"taken_at,omitzero"`   // inbound: an agent accepted
	AnsweredAt time.Time `json:"answered_at,omitzero"`
	GoodbyeAt  time.Time `json:"goodbye_at,omitzero"` // the customer's media said goodbye
	EndedAt    time.Time `json:"ended_at,omitzero"`
	EndedBy    EndedBy   `json:"ended_by,omitempty"`
	EndReason  EndReason `json:"end_reason,omitempty"`
	EndDetail  string    `json:"end_detail,omitempty"`
}

// TalkTime is the time between pick-up and end, or now for a running call; 0 if nobody picked up.
func (s State) TalkTime(now time.Time) time.Duration {
	if s.AnsweredAt.IsZero() {
		return 0
	}
	if !s.EndedAt.IsZero() {
		now = s.EndedAt
	}
	return max(0, now.Sub(s.AnsweredAt))
}

// LegOf returns the agent's current leg.
func (s State) LegOf(agent id.Agent) (Leg, bool) {
	for _, l := range s.Legs {
		if l.Agent == agent && l.In() {
			return l, true
		}
	}
	return Leg{}, false
}

// Agents lists all who ever took part, in order of joining.
func (s State) Agents() []id.Agent {
	var out []id.Agent
	for _, l := range s.Legs {
		if !l.JoinedAt.IsZero() && !slices.Contains(out, l.Agent) {
			out = append(out, l.Agent)
		}
	}
	return out
}

// AgentsIn counts the agents who take part now.
func (s State) AgentsIn() int {
	n := 0
	for _, l := range s.Legs {
		if l.In() {
			n++
		}
	}
	return n
}

func (s State) offer(offer id.Offer) (Offer, bool) {
	for _, o := range s.Offers {
		if o.ID == offer {
			return o, true
		}
	}
	return Offer{}, false
}

func (s State) offerTo(agent id.Agent) (Offer, bool) {
	for _, o := range s.Offers {
		if o.Agent == agent {
			return o, true
		}
	}
	return Offer{}, false
}

// hears reports whether leg is a voice in this call.
func (s State) hears(leg id.Leg) bool {
	return leg == s.ContactLeg || slices.ContainsFunc(s.Legs, func(l Leg) bool { return l.ID == leg && l.State != LegLeft })
}

// clone returns a copy that shares nothing mutable with s.
func (s State) clone() State {
	s.Legs = slices.Clone(s.Legs)
	for i := range s.Legs {
		s.Legs[i].Gains = maps.Clone(s.Legs[i].Gains)
	}
	s.Offers = slices.Clone(s.Offers)
	s.Declined = slices.Clone(s.Declined)
	return s
}

// Deadline is when the shell must send Wake; zero for never.
func Deadline(s State) time.Time {
	var first time.Time
	consider := func(t time.Time) {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	switch s.Phase {
	case Unborn, Ended:
		return time.Time{}
	case Dialing, Ringing:
		consider(s.RingUntil)
	case Offering:
		consider(s.RingUntil)
		consider(s.StageUntil)
	case Connecting:
		consider(s.TakenAt.Add(s.Policy.ConnectTimeout))
	case Active:
	}
	if !s.GoodbyeAt.IsZero() {
		consider(s.GoodbyeAt.Add(s.Policy.GoodbyeGrace))
	}
	for _, o := range s.Offers {
		consider(o.ExpiresAt)
	}
	for _, l := range s.Legs {
		if l.In() && !l.AwayAt.IsZero() {
			consider(l.AwayAt.Add(s.Policy.AgentGrace))
		}
	}
	return first
}
