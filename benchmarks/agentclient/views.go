package agentclient

import (
	"encoding/json"
	"time"
)

// AgentView is the agent's own state.
type AgentView struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Role      string    `json:"role"`
	Presence  string    `json:"presence"`
	BreakCode string    `json:"break_code"`
	Since     time.Time `json:"since"`
	CallID    string    `json:"call_id"`
}

// PersonView names another agent.
type PersonView struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Presence string `json:"presence"`
}

// Colleague is a person who may be invited.
type Colleague struct {
	PersonView
	Involved   string     `json:"involved"`
	InvolvedAt *time.Time `json:"involved_at"`
	InCall     bool       `json:"in_call"`
}

// LineView is one of the company's numbers.
type LineView struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Display string `json:"display_number"`
	Calling bool   `json:"calling"`
}

// ContactView is one customer.
type ContactView struct {
	ID             string    `json:"id"`
	Version        int64     `json:"version"`
	Name           string    `json:"name"`
	Phone          string    `json:"phone"`
	Status         string    `json:"status"`
	Tags           []string  `json:"tags"`
	OrderNo        string    `json:"order_no"`
	QuoteCents     int64     `json:"quote_cents"`
	AssignedAgent  string    `json:"assigned_agent"`
	AssignedName   string    `json:"assigned_name"`
	OngoingCall    string    `json:"ongoing_call"`
	LastActivityAt time.Time `json:"last_activity_at"`
}

// Participant is one leg of a call.
type Participant struct {
	LegID    string     `json:"leg_id"`
	Kind     string     `json:"kind"` // contact or agent
	AgentID  string     `json:"agent_id"`
	Name     string     `json:"name"`
	State    string     `json:"state"` // invited connecting connected reconnecting left
	Muted    bool       `json:"muted"`
	JoinedAt *time.Time `json:"joined_at"`
	LeftAt   *time.Time `json:"left_at"`
}

// CallView is the whole of one call.
type CallView struct {
	ID           string             `json:"call_id"`
	Version      int64              `json:"version"`
	Direction    string             `json:"direction"`
	State        string             `json:"state"` // dialing ringing offering connecting active ended
	Contact      ContactView        `json:"contact"`
	Line         LineView           `json:"line"`
	Participants []Participant      `json:"participants"`
	MyLeg        string             `json:"my_leg_id"`
	Gains        map[string]float64 `json:"gains"`
	CreatedAt    time.Time          `json:"created_at"`
	RingDeadline *time.Time         `json:"ring_deadline"`
	AnsweredAt   *time.Time         `json:"answered_at"`
	EndedAt      *time.Time         `json:"ended_at"`
	TalkMS       int64              `json:"talk_ms"`
	EndedBy      string             `json:"ended_by"`
	EndReason    string             `json:"end_reason"`
	EndDetail    string             `json:"end_detail"`
	Unsaved      bool               `json:"unsaved"`
	Events       []CallEvent        `json:"events"` // only of GET /v1/calls/{id}
}

// CallEvent is one entry of a call's journal.
type CallEvent struct {
	Seq  int64           `json:"seq"`
	Type string          `json:"type"`
	At   time.Time       `json:"at"`
	Data json.RawMessage `json:"data"`
}

// Leg finds the first participant that has not left and matches.
func (c CallView) Leg(match func(Participant) bool) (Participant, bool) {
	for _, p := range c.Participants {
		if p.State != "left" && match(p) {
			return p, true
		}
	}
	return Participant{}, false
}

// ContactLeg is the customer's leg, "" when it is not there.
func (c CallView) ContactLeg() string {
	p, _ := c.Leg(func(p Participant) bool { return p.Kind == "contact" })
	return p.LegID
}

// AgentLeg is the leg of an agent, "" when it is not there.
func (c CallView) AgentLeg(agent string) string {
	p, _ := c.Leg(func(p Participant) bool { return p.AgentID == agent })
	return p.LegID
}

// OfferView is a ringing modal.
type OfferView struct {
	ID         string      `json:"offer_id"`
	CallID     string      `json:"call_id"`
	Kind       string      `json:"kind"` // inbound or invite
	Reason     string      `json:"reason"`
	ReasonInfo string      `json:"reason_info"`
	ReasonAt   *time.Time  `json:"reason_at"`
	InvitedBy  *PersonView `json:"invited_by"`
	Note       string      `json:"note"`
	Contact    ContactView `json:"contact"`
	Line       LineView    `json:"line"`
	CreatedAt  time.Time   `json:"created_at"`
	ExpiresAt  time.Time   `json:"expires_at"`
}

// OfferClosed takes a modal away.
type OfferClosed struct {
	OfferID string `json:"offer_id"`
	CallID  string `json:"call_id"`
	Reason  string `json:"reason"`
	By      string `json:"by"`
}

// NoticeView is something the agent must be told in any case.
type NoticeView struct {
	ID          string     `json:"notice_id"`
	Kind        string     `json:"kind"`
	ContactID   string     `json:"contact_id"`
	ContactName string     `json:"contact_name"`
	LineID      string     `json:"line_id"`
	CallID      string     `json:"call_id"`
	AgentID     string     `json:"agent_id"`
	AgentName   string     `json:"agent_name"`
	Until       *time.Time `json:"until"`
	Permanent   bool       `json:"permanent"`
	Detail      string     `json:"detail"`
	At          time.Time  `json:"at"`
}

// Slot says which participant a receiving track carries; LegID "" is none.
type Slot struct {
	Mid   string `json:"mid"`
	LegID string `json:"leg_id"`
}

// MediaAnswer answers a request that carried a description of the agent's own leg.
type MediaAnswer struct {
	CallID string `json:"call_id"`
	LegID  string `json:"leg_id"`
	SDP    string `json:"sdp"`
	Slots  []Slot `json:"slots"`
}

// Invited answers call.invite.
type Invited struct {
	OfferID string `json:"offer_id"`
	LegID   string `json:"leg_id"`
}

// Requested answers what sends a message to a customer.
type Requested struct {
	MessageID string `json:"message_id"`
	Via       string `json:"via"`
}

// MessageView is one entry of a conversation.
type MessageView struct {
	ID        string         `json:"message_id"`
	ContactID string         `json:"contact_id"`
	LineID    string         `json:"line_id"`
	Direction string         `json:"direction"`
	Kind      string         `json:"kind"`
	Text      string         `json:"text"`
	Data      map[string]any `json:"data"`
	Status    string         `json:"status"`
	Error     string         `json:"error"`
	AgentID   string         `json:"agent_id"`
	AgentName string         `json:"agent_name"`
	At        time.Time      `json:"at"`
}

// Reason is why something may not be done, and from when it may.
type Reason struct {
	Code          string     `json:"code"`
	NextAllowedAt *time.Time `json:"next_allowed_at"`
}

// Limit is a limit and what is used of it.
type Limit struct {
	Name   string `json:"name"`
	Period string `json:"period"`
	Max    int    `json:"max"`
	Used   int    `json:"used"`
}

// Eligibility answers whether a contact may be called or asked on a line.
type Eligibility struct {
	ContactID        string     `json:"contact_id"`
	LineID           string     `json:"line_id"`
	Permission       string     `json:"permission"`
	PermissionSource string     `json:"permission_source"`
	PermissionUntil  *time.Time `json:"permission_until"`
	CanCall          bool       `json:"can_call"`
	CanRequest       bool       `json:"can_request"`
	CallReasons      []Reason   `json:"call_reasons"`
	RequestReasons   []Reason   `json:"request_reasons"`
	Limits           []Limit    `json:"limits"`
	UnansweredStreak int        `json:"unanswered_streak"`
	WindowUntil      *time.Time `json:"window_until"`
}

// Page is one page of a list; Next "" is the end.
type Page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next_cursor"`
}

// LineSettings is what a supervisor may change of a line.
type LineSettings struct {
	Calling            bool            `json:"calling"`
	IconVisible        bool            `json:"icon_visible"`
	CallbackPermission bool            `json:"callback_permission"`
	Hours              *Hours          `json:"hours,omitempty"`
	Pending            json.RawMessage `json:"pending,omitempty"`
	SyncError          string          `json:"sync_error,omitempty"`
}

// Hours are a line's business hours.
type Hours struct {
	Timezone string    `json:"timezone"`
	Weekly   []Open    `json:"weekly"`
	Holidays []Holiday `json:"holidays,omitempty"`
}

// Open is a span of a weekday, as HHMM.
type Open struct {
	Day   string `json:"day"`
	Open  string `json:"open"`
	Close string `json:"close"`
}

// Holiday is a date with other hours, or none.
type Holiday struct {
	Date  string `json:"date"`
	Open  string `json:"open,omitempty"`
	Close string `json:"close,omitempty"`
}
