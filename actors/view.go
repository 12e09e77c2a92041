package actors

import (
	"time"

	"ramal/internal/id"
)

// Who is an authenticated agent session. Tenant comes from the token, never from a message.
type Who struct {
	Tenant  id.Tenant
	Agent   id.Agent
	Session id.Session
	Role    string // "agent", "supervisor" or "admin"
	Lang    string // BCP 47, "pt-BR" where unset
}

// PersonView names an agent to another agent.
type PersonView struct {
	ID       id.Agent `json:"id"`
	Name     string   `json:"name"`
	Presence string   `json:"presence,omitempty"` // offline available busy wrap_up break not_responding
}

// AgentView is the agent's own state.
type AgentView struct {
	ID        id.Agent  `json:"id"`
	Name      string    `json:"name"`
	Role      string    `json:"role"`
	Presence  string    `json:"presence"`
	BreakCode string    `json:"break_code,omitempty"`
	Since     time.Time `json:"since"`
	CallID    id.Call   `json:"call_id,omitempty"`
}

// LineView is a business number as agents see it.
type LineView struct {
	ID      id.Line `json:"id"`
	Name    string  `json:"name"`
	Display string  `json:"display_number"`
	Calling bool    `json:"calling"` // calls are switched on for this line
}

// ContactView is a contact as lists and cards show it.
type ContactView struct {
	ID             id.Contact `json:"id"`
	Version        int64      `json:"version,omitempty"` // a higher one is newer; absent where it is not known
	Name           string     `json:"name"`
	Phone          string     `json:"phone,omitempty"` // E.164 with "+", absent for a user known by username only
	Status         string     `json:"status,omitempty"`
	Tags           []string   `json:"tags,omitempty"`
	OrderNo        string     `json:"order_no,omitempty"`
	QuoteCents     int64      `json:"quote_cents,omitempty"`
	AssignedAgent  id.Agent   `json:"assigned_agent,omitempty"`
	AssignedName   string     `json:"assigned_name,omitempty"`
	OngoingCall    id.Call    `json:"ongoing_call,omitempty"`
	LastActivityAt time.Time  `json:"last_activity_at"`
}

// EligibilityView answers "may we call this contact on this line, and if not, why and when".
type EligibilityView struct {
	ContactID        id.Contact  `json:"contact_id"`
	LineID           id.Line     `json:"line_id"`
	Permission       string      `json:"permission"` // none requested granted_temporary granted_permanent declined expired revoked
	PermissionSource string      `json:"permission_source,omitempty"`
	PermissionUntil  *time.Time  `json:"permission_until,omitempty"`
	CanCall          bool        `json:"can_call"`
	CanRequest       bool        `json:"can_request"`
	CallReasons      []Reason    `json:"call_reasons,omitempty"`    // why not, when CanCall is false
	RequestReasons   []Reason    `json:"request_reasons,omitempty"` // why not, when CanRequest is false
	Limits           []LimitView `json:"limits"`
	UnansweredStreak int         `json:"unanswered_streak"`
	WindowUntil      *time.Time  `json:"window_until,omitempty"` // end of the customer service window
}

// Reason is one refusal: a stable code and the time from which it no longer holds, where known.
type Reason struct {
	Code          string     `json:"code"`
	NextAllowedAt *time.Time `json:"next_allowed_at,omitempty"`
}

// LimitView is one sliding-window limit and what is used of it.
type LimitView struct {
	Name   string `json:"name"`   // calls_connected, meta_calls_connected, permission_requests_day, permission_requests_week
	Period string `json:"period"` // ISO 8601, such as PT24H
	Max    int    `json:"max"`
	Used   int    `json:"used"`
}

// ParticipantView is one leg of a call.
type ParticipantView struct {
	LegID    id.Leg     `json:"leg_id"`
	Kind     string     `json:"kind"` // contact or agent
	AgentID  id.Agent   `json:"agent_id,omitempty"`
	Name     string     `json:"name"`
	State    string     `json:"state"` // invited connecting connected reconnecting left
	Muted    bool       `json:"muted"`
	JoinedAt *time.Time `json:"joined_at,omitempty"`
	LeftAt   *time.Time `json:"left_at,omitempty"`
}

// CallView is the whole of one call; a later Version replaces an earlier one.
type CallView struct {
	ID           id.Call            `json:"call_id"`
	Version      int64              `json:"version"`
	Direction    string             `json:"direction"` // inbound or outbound
	State        string             `json:"state"`     // dialing ringing offering connecting active ended
	Contact      ContactView        `json:"contact"`
	Line         LineView           `json:"line"`
	Participants []ParticipantView  `json:"participants"`
	MyLeg        id.Leg             `json:"my_leg_id,omitempty"`
	Gains        map[id.Leg]float64 `json:"gains,omitempty"` // what I hear of each other leg, 0 to 2, absent = 1
	CreatedAt    time.Time          `json:"created_at"`
	RingDeadline *time.Time         `json:"ring_deadline,omitempty"`
	AnsweredAt   *time.Time         `json:"answered_at,omitempty"`
	EndedAt      *time.Time         `json:"ended_at,omitempty"`
	TalkMS       int64              `json:"talk_ms"`
	EndedBy      string             `json:"ended_by,omitempty"`   // customer agent supervisor system provider
	EndReason    string             `json:"end_reason,omitempty"` // closed list, see actors/call
	EndDetail    string             `json:"end_detail,omitempty"` // provider's own words, for support
	Unsaved      bool               `json:"unsaved,omitempty"`    // the store is away: the call goes on, its record follows
}

// OfferView is a ringing modal.
type OfferView struct {
	ID         id.Offer    `json:"offer_id"`
	CallID     id.Call     `json:"call_id"`
	Kind       string      `json:"kind"`                  // inbound or invite
	Reason     string      `json:"reason"`                // order_owner assigned recent_call recent_conversation anyone invited
	ReasonInfo string      `json:"reason_info,omitempty"` // such as the order number
	ReasonAt   *time.Time  `json:"reason_at,omitempty"`
	InvitedBy  *PersonView `json:"invited_by,omitempty"`
	Note       string      `json:"note,omitempty"`
	Contact    ContactView `json:"contact"`
	Line       LineView    `json:"line"`
	CreatedAt  time.Time   `json:"created_at"`
	ExpiresAt  time.Time   `json:"expires_at"` // server's deadline: the modal counts down to it
}

// NoticeView is something the agent must be told wherever they are; it stays until acknowledged.
type NoticeView struct {
	ID        string     `json:"notice_id"`
	Kind      string     `json:"kind"` // permission_granted permission_declined permission_expired permission_revoked call_missed invite_declined invite_expired request_failed
	ContactID id.Contact `json:"contact_id,omitempty"`
	Contact   string     `json:"contact_name,omitempty"`
	LineID    id.Line    `json:"line_id,omitempty"`
	CallID    id.Call    `json:"call_id,omitempty"`
	AgentID   id.Agent   `json:"agent_id,omitempty"`
	Agent     string     `json:"agent_name,omitempty"`
	Until     *time.Time `json:"until,omitempty"` // end of a temporary permission
	Permanent bool       `json:"permanent,omitempty"`
	Detail    string     `json:"detail,omitempty"`
	At        time.Time  `json:"at"`
}

// MessageView is one entry of a contact's conversation.
type MessageView struct {
	ID        id.Message     `json:"message_id"`
	ContactID id.Contact     `json:"contact_id"`
	LineID    id.Line        `json:"line_id"`
	Direction string         `json:"direction"` // in, out or system
	Kind      string         `json:"kind"`      // text permission_request permission_reply call_button call voice unsupported
	Text      string         `json:"text,omitempty"`
	Data      map[string]any `json:"data,omitempty"`
	Status    string         `json:"status,omitempty"` // pending sent delivered read failed
	Error     string         `json:"error,omitempty"`
	AgentID   id.Agent       `json:"agent_id,omitempty"`
	AgentName string         `json:"agent_name,omitempty"`
	At        time.Time      `json:"at"`
}

// SlotView says which participant a receiving track carries now.
type SlotView struct {
	Mid   string `json:"mid"`
	LegID id.Leg `json:"leg_id"` // empty: the track is free
}

// Snapshot is all that a session needs to draw itself; deltas with a higher Seq follow.
type Snapshot struct {
	Seq     int64        `json:"seq"`
	Agent   AgentView    `json:"agent"`
	Offers  []OfferView  `json:"offers"`
	Call    *CallView    `json:"call,omitempty"`
	Notices []NoticeView `json:"notices"`
	Lines   []LineView   `json:"lines"`
}

// Page is one page of a list; an empty Next means the end.
type Page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next_cursor,omitempty"`
}
