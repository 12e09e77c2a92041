package whatsapp

import (
	"strings"
	"time"
)

// Meta says which account and number an event is about and when Meta says it happened.
type Meta struct {
	WABA          string
	PhoneNumberID string // empty in events about the whole account
	DisplayNumber string
	At            time.Time // UTC; zero when Meta gave no readable time
}

// Party is the consumer. WaID and UserID may each be absent, not both (a user with a username has no WaID).
type Party struct {
	WaID         string // digits, as WhatsApp writes them: see PhoneVariants for Brazilian numbers
	UserID       string // business-scoped user id, "BR.…"
	ParentUserID string // the same across linked portfolios
	Name         string
	Username     string
}

// Head is what all events have.
type Head struct { //nolint:recvcheck // events are values; the parser alone fills a head
	Meta  Meta
	Party Party
}

// Header returns the event's head.
func (h Head) Header() Head { return h }

func (Head) event() {}

// Event is one thing that happened, from one element of a webhook.
//
//sumtype:decl
type Event interface {
	Header() Head
	// DedupeKey is equal for two deliveries of the same happening and different otherwise. It begins with
	// the phone-number id (or the account), so a key can never collide with one of another line.
	DedupeKey() string
	event()
}

// Direction says who dialled.
type Direction string

// The directions, in Meta's words.
const (
	UserInitiated     Direction = "USER_INITIATED"
	BusinessInitiated Direction = "BUSINESS_INITIATED"
)

// CallConnect carries the other side's SDP: an offer when the user called, an answer when we did.
// For a call of ours it does not mean that anybody picked up.
type CallConnect struct {
	Head
	CallID          string
	Direction       Direction
	SDP             string
	SDPType         string // "offer" or "answer"
	CTAPayload      string // payload of the call button that was tapped
	DeeplinkPayload string // payload of the wa.me/call link that was opened
	Opaque          string
}

// CallState is a progress word of a call of ours.
type CallState string

// The states Meta documents; others pass through in upper case.
const (
	CallRinging  CallState = "RINGING"
	CallAccepted CallState = "ACCEPTED"
	CallRejected CallState = "REJECTED"
)

// CallStatus is progress of a call of ours. ACCEPTED is an audit signal: media may come before it.
type CallStatus struct {
	Head
	CallID string
	Status CallState
	Opaque string
}

// CallTerminate ends a call, whatever Status says.
type CallTerminate struct {
	Head
	CallID    string
	Direction Direction // empty when Meta does not say
	Status    string    // "COMPLETED", "FAILED", or what Meta wrote, in upper case
	// PickedUp reports whether Meta gave any of the next three: without them the call was missed, rejected
	// or cancelled, though its status is COMPLETED.
	PickedUp  bool
	StartedAt time.Time
	EndedAt   time.Time
	Duration  time.Duration // whole seconds
	Errors    []Error
	Opaque    string
}

// PermissionReply is the user's answer about calls, or Meta's own change of it.
type PermissionReply struct {
	Head
	MessageID string
	Accepted  bool
	Permanent bool
	ExpiresAt time.Time // zero when permanent, declined or absent
	Automatic bool      // by Meta: a call-back permission, or a revocation after unanswered calls
	// ContextID is the request's message id, or the call's id for a call-back permission; empty when the user
	// changed it in the business's profile or Meta revoked it.
	ContextID string
}

// Media names a file of an inbound message; it is fetched through the media API.
type Media struct {
	ID       string
	MIME     string
	SHA256   string
	Filename string
	Voice    bool
}

// InboundMessage is a message from the user. Kind is Meta's type, refined for interactive replies:
// text, button_reply, list_reply, button, audio, image, video, document, sticker, location, contacts,
// reaction, order, unsupported and whatever Meta adds.
type InboundMessage struct {
	Head
	MessageID   string
	Kind        string
	Text        string // body, caption, or the title of what was tapped
	ReplyID     string // id or payload of what was tapped
	Description string // second line of a list row
	Media       Media
	ContextID   string // the message or call this one answers
	Errors      []Error
}

// Voicemail reports whether the message is a recording left after an unanswered call: MessageID is the call's.
func (m InboundMessage) Voicemail() bool { return m.Kind == "audio" && isCallID(m.MessageID) }

// IdentityChanged says that the user has another number or user id. Party is the old identity.
type IdentityChanged struct {
	Head
	MessageID      string
	Kind           string // "user_changed_number" or "user_changed_user_id"
	NewWaID        string
	NewUserID      string
	PreviousUserID string
}

// Pricing says what Meta charges for a message.
type Pricing struct {
	Billable bool
	Model    string // "PMP"
	Category string // "marketing", "utility", "authentication", "service", …
	Type     string // "regular", "free_customer_service", "free_entry_point"
}

// MessageStatus is progress of a message of ours: sent, delivered, read, played, failed. "delivered" may be
// skipped before "read".
type MessageStatus struct {
	Head
	MessageID string
	Status    string // lower case
	Pricing   *Pricing
	Errors    []Error
	Opaque    string
}

// AccountSettingsUpdate says that a number's calling settings have changed, also by ourselves.
type AccountSettingsUpdate struct {
	Head
	Type    string // "phone_number_settings"
	Calling CallingSettings
	digest  string
}

// AccountUpdate is a warning, a restriction or a new price tier of the account.
type AccountUpdate struct {
	Head
	Event        string // "ACCOUNT_VIOLATION", "ACCOUNT_RESTRICTION", "VOLUME_BASED_PRICING_TIER_UPDATE", …
	Violation    string // such as "LOW_BUSINESS_INITIATED_CALLING_QUALITY"
	Remediation  string
	Restrictions []Restriction
	Tier         *VolumeTier
	digest       string
}

// Restriction is one thing Meta forbids for a while.
type Restriction struct {
	Type   string // such as "RESTRICTED_BUSINESS_INITIATED_CALLING"
	Reason string
	Until  time.Time // zero when Meta gave none
}

// VolumeTier is the monthly price tier of calls.
type VolumeTier struct {
	Category       string
	Tier           string
	EffectiveMonth string
	Region         string
	UpdatedAt      time.Time
}

// LineError is an error that belongs to no call or message, such as a call refused for want of a payment method.
type LineError struct {
	Head
	Field  string
	Errors []Error
	digest string
}

// Unknown is something this version does not understand. It is counted and dropped.
type Unknown struct {
	Head
	Field  string // the webhook field
	Name   string // the event, type or status within it, where there is one
	digest string
}

func isCallID(id string) bool { return len(id) > 6 && id[:6] == "wacid." }

func (h Head) key(parts ...string) string {
	k := h.Meta.PhoneNumberID
	if k == "" {
		k = "waba:" + h.Meta.WABA
	}
	return strings.Join(append([]string{k}, parts...), "|")
}

// DedupeKey implements Event.
func (e CallConnect) DedupeKey() string { return e.key(e.CallID, "connect") }

// DedupeKey implements Event.
func (e CallStatus) DedupeKey() string { return e.key(e.CallID, "status", string(e.Status)) }

// DedupeKey implements Event.
func (e CallTerminate) DedupeKey() string { return e.key(e.CallID, "terminate") }

// DedupeKey implements Event.
func (e PermissionReply) DedupeKey() string { return e.key(e.MessageID, "message") }

// DedupeKey implements Event.
func (e InboundMessage) DedupeKey() string { return e.key(e.MessageID, "message") }

// DedupeKey implements Event.
func (e IdentityChanged) DedupeKey() string { return e.key(e.MessageID, "message") }

// DedupeKey implements Event.
func (e MessageStatus) DedupeKey() string { return e.key(e.MessageID, "status", e.Status) }

// DedupeKey implements Event.
func (e AccountSettingsUpdate) DedupeKey() string { return e.key("account_settings_update", e.digest) }

// DedupeKey implements Event.
func (e AccountUpdate) DedupeKey() string { return e.key("account_update", e.digest) }

// DedupeKey implements Event.
func (e LineError) DedupeKey() string { return e.key("error", e.digest) }

// DedupeKey implements Event.
func (e Unknown) DedupeKey() string { return e.key("unknown", e.digest) }
