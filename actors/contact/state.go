package contact

import (
	"time"

	"ramal/internal/id"
)

// State is everything the engine knows about one person. The zero value is a contact that does not exist yet.
// It is stored as JSON, except Policy, which the shell sets after loading.
type State struct {
	Policy Policy `json:"-"`

	Tenant      id.Tenant    `json:"tenant"`
	ID          id.Contact   `json:"id"`
	Identifiers []Identifier `json:"identifiers,omitempty"` // at most MaxIdentifiers
	Profile                  // what people edit

	Orders       []Order                  `json:"orders,omitempty"`   // newest first, at most MaxOrders
	Involved     map[id.Agent]Involvement `json:"involved,omitempty"` // the latest call or conversation of each agent, at most MaxInvolved
	Lines        map[id.Line]LineState    `json:"lines,omitempty"`
	Active       *ActiveCall              `json:"active,omitempty"`
	Ended        []id.Call                `json:"ended,omitempty"` // the last calls that ended, newest last: their late webhooks change nothing
	LastActivity time.Time                `json:"last_activity,omitzero"`
}

// Bounds of what one contact remembers; the oldest goes first.
const (
	MaxIdentifiers = 32
	MaxOrders      = 50
	MaxInvolved    = 32
	maxEnded       = 16
	maxConnected   = 256
)

// Profile is the part of a contact that people and systems of the tenant edit.
type Profile struct {
	Name       string    `json:"name"`
	Phone      string    `json:"phone,omitempty"` // E.164 with "+", empty for a user known by username only
	Status     string    `json:"status,omitempty"`
	Tags       []string  `json:"tags,omitempty"`
	OrderNo    string    `json:"order_no,omitempty"`
	QuoteCents int64     `json:"quote_cents,omitempty"`
	Assigned   id.Agent  `json:"assigned,omitempty"`
	AssignedAt time.Time `json:"assigned_at,omitzero"`
}

// IdentifierKind says in which world an identifier is unique.
type IdentifierKind string

// The kinds of identifiers.
const (
	KindPhone    IdentifierKind = "phone" // digits as WhatsApp writes them, without "+"
	KindBSUID    IdentifierKind = "bsuid" // business-scoped user id, "BR.…"
	KindEmail    IdentifierKind = "email"
	KindTelegram IdentifierKind = "telegram"
	KindManiback IdentifierKind = "maniback"
)

// Identifier is one name under which another system knows the contact.
type Identifier struct {
	Kind  IdentifierKind `json:"kind"`
	Value string         `json:"value"`
}

// Order is one order of the contact and the agent who took it.
type Order struct {
	Number string    `json:"number"`
	Agent  id.Agent  `json:"agent,omitempty"`
	Status string    `json:"status,omitempty"`
	Cents  int64     `json:"cents,omitempty"`
	At     time.Time `json:"at"`
}

// Reasons why an agent is related to a contact, best first.
const (
	ReasonOrderOwner         = "order_owner"
	ReasonAssigned           = "assigned"
	ReasonRecentCall         = "recent_call"
	ReasonRecentConversation = "recent_conversation"
)

// Involvement is the latest contact of one agent with this person: ReasonRecentCall or ReasonRecentConversation.
type Involvement struct {
	Reason string    `json:"reason"`
	Info   string    `json:"info,omitempty"` // the call id
	At     time.Time `json:"at"`
}

// LineState is what holds between this contact and one of the tenant's numbers: Meta counts per pair.
type LineState struct {
	Permission  Permission      `json:"permission"`
	Requests    []SentRequest   `json:"requests,omitempty"`  // of the last 7 days, since the last connected call; oldest first
	Connected   []ConnectedCall `json:"connected,omitempty"` // of the last 24 h, oldest first
	Unanswered  int             `json:"unanswered,omitempty"`
	WindowUntil time.Time       `json:"window_until,omitzero"` // end of the customer service window
	Meta        *MetaLimits     `json:"meta,omitempty"`
}

// SentRequest is one permission request that counts towards the limits.
type SentRequest struct {
	Message id.Message `json:"message"`
	At      time.Time  `json:"at"`
}

// ConnectedCall is one call that was picked up. Only outbound ones count towards the limits.
type ConnectedCall struct {
	Call      id.Call   `json:"call"`
	Direction Direction `json:"direction"`
	At        time.Time `json:"at"`
}

// Direction of a call.
type Direction string

// The directions.
const (
	Inbound  Direction = "inbound"  // the contact calls the company
	Outbound Direction = "outbound" // the company calls the contact
)

// PermissionStatus is where the leave to call stands.
type PermissionStatus string

// The statuses. The zero value reads as PermissionNone.
const (
	PermissionNone      PermissionStatus = "none"
	PermissionAsked     PermissionStatus = "requested"
	PermissionTemporary PermissionStatus = "granted_temporary"
	PermissionPermanent PermissionStatus = "granted_permanent"
	PermissionRefused   PermissionStatus = "declined"
	PermissionOver      PermissionStatus = "expired"
	PermissionWithdrawn PermissionStatus = "revoked"
)

// Where a permission came from.
const (
	SourceUser      = "user_action" // the user tapped a button of a request
	SourceAutomatic = "automatic"   // granted because the user called, or revoked by Meta after unanswered calls
	SourceProfile   = "profile"     // the user changed it in the company's profile
	SourceSync      = "meta_sync"   // found by asking Meta
)

// Permission is the leave to call this contact from one line, and the request that is open, if any.
type Permission struct {
	Status    PermissionStatus `json:"status,omitempty"`
	Source    string           `json:"source,omitempty"`
	Until     time.Time        `json:"until,omitzero"`      // end of a temporary permission
	Evidence  string           `json:"evidence,omitempty"`  // the provider's id of the message or call that the reply answers
	ChangedAt time.Time        `json:"changed_at,omitzero"` // when Status last changed
	RepliedAt time.Time        `json:"replied_at,omitzero"` // provider's time of the newest reply: an older one is stale
	Accepted  bool             `json:"accepted,omitempty"`  // the newest reply granted

	Pending           bool             `json:"pending,omitempty"` // a request is waiting for its reply
	Previous          PermissionStatus `json:"previous,omitempty"`
	RequestedBy       id.Agent         `json:"requested_by,omitempty"` // kept after the reply: who asked last
	RequestedAt       time.Time        `json:"requested_at,omitzero"`
	RequestMessage    id.Message       `json:"request_message,omitempty"`
	RequestProviderID string           `json:"request_provider_id,omitempty"`
}

// MetaLimits is Meta's own view of the limits, as call_permissions last told it.
type MetaLimits struct {
	StartCall  []MetaLimit `json:"start_call,omitempty"`
	Request    []MetaLimit `json:"request,omitempty"`
	CanCall    bool        `json:"can_call"`
	CanRequest bool        `json:"can_request"`
	FetchedAt  time.Time   `json:"fetched_at"`
}

// MetaLimit is one sliding window of Meta's. ResetAt is set only while the limit is reached.
type MetaLimit struct {
	Period  string    `json:"period"` // ISO 8601: PT24H or P7D
	Max     int       `json:"max"`
	Used    int       `json:"used"`
	ResetAt time.Time `json:"reset_at,omitzero"`
}

// ActiveCall is the one call a contact may have. It is a lease: unless renewed it ends at LeaseUntil.
type ActiveCall struct {
	Call       id.Call   `json:"call"`
	Line       id.Line   `json:"line"`
	Direction  Direction `json:"direction"`
	Agent      id.Agent  `json:"agent,omitempty"` // who dialled, or picked up
	Since      time.Time `json:"since"`
	Connected  bool      `json:"connected,omitempty"`
	LeaseUntil time.Time `json:"lease_until"`
}

// Policy holds the limits. Zero fields take the value of DefaultPolicy.
type Policy struct {
	MaxConnectedPerDay  int           // connected outbound calls per line in 24 h; default 5
	RequestsPerDay      int           // permission requests per line in 24 h; default 1 (Meta's limit)
	RequestsPerWeek     int           // permission requests per line in 7 d; default 2 (Meta's limit)
	Window              time.Duration // customer service window; default 24 h
	TemporaryPermission time.Duration // used where Meta names no end; default 7 d
	RequestLife         time.Duration // an unanswered request dies after this; default 7 d
	ActiveLease         time.Duration // life of an active call without renewal; default 2 min
	UnansweredWarning   int           // unanswered calls in a row from which Meta warns the user; default 2
	UnansweredRevoke    int           // unanswered calls in a row after which Meta revokes; default 4
}

// DefaultPolicy is the product's rule and Meta's published limits.
func DefaultPolicy() Policy {
	return Policy{
		MaxConnectedPerDay: 5, RequestsPerDay: 1, RequestsPerWeek: 2, Window: day, TemporaryPermission: week,
		RequestLife: week, ActiveLease: 2 * time.Minute, UnansweredWarning: 2, UnansweredRevoke: 4,
	}
}

const (
	day  = 24 * time.Hour
	week = 7 * day
)

func (p Policy) withDefaults() Policy {
	d := DefaultPolicy()
	return Policy{
		MaxConnectedPerDay:  or(p.MaxConnectedPerDay, d.MaxConnectedPerDay),
		RequestsPerDay:      or(p.RequestsPerDay, d.RequestsPerDay),
		RequestsPerWeek:     or(p.RequestsPerWeek, d.RequestsPerWeek),
		Window:              or(p.Window, d.Window),
		TemporaryPermission: or(p.TemporaryPermission, d.TemporaryPermission),
		RequestLife:         or(p.RequestLife, d.RequestLife),
		ActiveLease:         or(p.ActiveLease, d.ActiveLease),
		UnansweredWarning:   or(p.UnansweredWarning, d.UnansweredWarning),
		UnansweredRevoke:    or(p.UnansweredRevoke, d.UnansweredRevoke),
	}
}

func or[T int | time.Duration](v, def T) T {
	if v > 0 {
		return v
	}
	return def
}
