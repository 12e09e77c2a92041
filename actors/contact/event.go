package contact

import (
	"time"

	"ramal/internal/id"
)

// Event is a fact about a contact. Events carry all that Evolve needs: it looks nothing up and decides nothing.
//
//sumtype:decl
type Event interface{ eventName() string }

// Two families of events, each sealed on its own so that each one's recorder is checked for completeness.
type (
	//sumtype:decl
	ofLine interface {
		Event
		ofLine()
	}
	//sumtype:decl
	ofCall interface {
		Event
		ofCall()
	}
)

type (
	// Created is the first event of a contact.
	Created struct {
		Tenant      id.Tenant    `json:"tenant"`
		ID          id.Contact   `json:"id"`
		Identifiers []Identifier `json:"identifiers,omitempty"`
		Profile     Profile      `json:"profile"`
		At          time.Time    `json:"at"`
	}
	// Edited carries the whole new profile.
	Edited struct {
		Profile Profile   `json:"profile"`
		By      id.Agent  `json:"by,omitempty"`
		At      time.Time `json:"at"`
	}
	// IdentifiersAdded carries only the new ones.
	IdentifiersAdded struct {
		Identifiers []Identifier `json:"identifiers"`
		Phone       string       `json:"phone,omitempty"` // set when the contact had none
	}
	// OrderRecorded adds or replaces one order.
	OrderRecorded struct {
		Order Order `json:"order"`
	}
	// PermissionRequested opens a request and uses up one slot of the limits.
	PermissionRequested struct {
		Line    id.Line    `json:"line"`
		Agent   id.Agent   `json:"agent"`
		Message id.Message `json:"message"`
		Via     string     `json:"via"` // ViaInteractive or ViaTemplate
		Text    string     `json:"text,omitempty"`
		At      time.Time  `json:"at"`
	}
	// RequestAcknowledged names the provider's id of the open request.
	RequestAcknowledged struct {
		Line       id.Line    `json:"line"`
		Message    id.Message `json:"message"`
		ProviderID string     `json:"provider_id"`
	}
	// RequestAbandoned ends a request that did not reach the contact.
	RequestAbandoned struct {
		Line     id.Line    `json:"line"`
		Message  id.Message `json:"message"`
		Agent    id.Agent   `json:"agent,omitempty"`
		Code     string     `json:"code,omitempty"`
		Detail   string     `json:"detail,omitempty"`
		SlotUsed bool       `json:"slot_used,omitempty"` // the slot stays used up
		At       time.Time  `json:"at"`
	}
	// RequestLapsed ends a request that nobody answered.
	RequestLapsed struct {
		Line id.Line   `json:"line"`
		At   time.Time `json:"at"`
	}
	// PermissionGranted allows calls.
	PermissionGranted struct {
		Line     id.Line          `json:"line"`
		Status   PermissionStatus `json:"status"` // PermissionTemporary or PermissionPermanent
		Source   string           `json:"source"`
		Until    time.Time        `json:"until,omitzero"`
		Evidence string           `json:"evidence,omitempty"`
		At       time.Time        `json:"at"`
	}
	// PermissionDeclined is a no to a request.
	PermissionDeclined struct {
		Line     id.Line   `json:"line"`
		Source   string    `json:"source"`
		Evidence string    `json:"evidence,omitempty"`
		At       time.Time `json:"at"`
	}
	// PermissionRevoked takes a permission back.
	PermissionRevoked struct {
		Line     id.Line   `json:"line"`
		Source   string    `json:"source"`
		Evidence string    `json:"evidence,omitempty"`
		At       time.Time `json:"at"`
	}
	// PermissionExpired ends a temporary permission; Meta sends no webhook for it.
	PermissionExpired struct {
		Line  id.Line   `json:"line"`
		Until time.Time `json:"until"`
		At    time.Time `json:"at"`
	}
	// LimitsLearned carries Meta's view of the limits.
	LimitsLearned struct {
		Line   id.Line    `json:"line"`
		Limits MetaLimits `json:"limits"`
	}
	// CallReserved makes an outbound call the active one. Warning: one more unanswered call and Meta warns the user, or revokes.
	CallReserved struct {
		Call       id.Call   `json:"call"`
		Line       id.Line   `json:"line"`
		Agent      id.Agent  `json:"agent"`
		LeaseUntil time.Time `json:"lease_until"`
		Unanswered int       `json:"unanswered,omitempty"`
		Warning    bool      `json:"warning,omitempty"`
		At         time.Time `json:"at"`
	}
	// CallOpened makes an inbound call the active one and opens the service window.
	CallOpened struct {
		Call        id.Call   `json:"call"`
		Line        id.Line   `json:"line"`
		LeaseUntil  time.Time `json:"lease_until"`
		WindowUntil time.Time `json:"window_until"`
		At          time.Time `json:"at"`
	}
	// CallReplaced takes a call that was not connected yet away, because the contact itself called.
	CallReplaced struct {
		Call id.Call   `json:"call"`
		By   id.Call   `json:"by"`
		At   time.Time `json:"at"`
	}
	// CallReleased undoes a reservation.
	CallReleased struct {
		Call id.Call `json:"call"`
	}
	// CallLapsed ends the lease of a call that nobody renewed.
	CallLapsed struct {
		Call id.Call   `json:"call"`
		Line id.Line   `json:"line"`
		At   time.Time `json:"at"`
	}
	// CallAnswered counts a connected call.
	CallAnswered struct {
		Call        id.Call   `json:"call"`
		Line        id.Line   `json:"line"`
		Direction   Direction `json:"direction"`
		Agent       id.Agent  `json:"agent,omitempty"`
		LeaseUntil  time.Time `json:"lease_until"`
		WindowUntil time.Time `json:"window_until,omitzero"` // outbound only: the user's pick-up opens the window
		At          time.Time `json:"at"`
	}
	// CallRenewed prolongs the lease.
	CallRenewed struct {
		Call       id.Call   `json:"call"`
		LeaseUntil time.Time `json:"lease_until"`
	}
	// CallClosed ends a call. Unanswered: it lengthens the streak that makes Meta revoke.
	CallClosed struct {
		Call       id.Call    `json:"call"`
		Line       id.Line    `json:"line"`
		Direction  Direction  `json:"direction"`
		Answered   bool       `json:"answered,omitempty"`
		Unanswered bool       `json:"unanswered,omitempty"`
		Agents     []id.Agent `json:"agents,omitempty"`
		Reason     string     `json:"reason"`
		At         time.Time  `json:"at"`
	}
	// WindowOpened opens or prolongs the service window.
	WindowOpened struct {
		Line  id.Line   `json:"line"`
		Until time.Time `json:"until"`
		At    time.Time `json:"at"`
	}
	// Conversed notes that an agent wrote to the contact.
	Conversed struct {
		Line  id.Line   `json:"line"`
		Agent id.Agent  `json:"agent,omitempty"`
		At    time.Time `json:"at"`
	}
)

func (Created) eventName() string             { return "created" }
func (Edited) eventName() string              { return "edited" }
func (IdentifiersAdded) eventName() string    { return "identifiers_added" }
func (OrderRecorded) eventName() string       { return "order_recorded" }
func (PermissionRequested) eventName() string { return "permission_requested" }
func (RequestAcknowledged) eventName() string { return "request_acknowledged" }
func (RequestAbandoned) eventName() string    { return "request_abandoned" }
func (RequestLapsed) eventName() string       { return "request_lapsed" }
func (PermissionGranted) eventName() string   { return "permission_granted" }
func (PermissionDeclined) eventName() string  { return "permission_declined" }
func (PermissionRevoked) eventName() string   { return "permission_revoked" }
func (PermissionExpired) eventName() string   { return "permission_expired" }
func (LimitsLearned) eventName() string       { return "limits_learned" }
func (CallReserved) eventName() string        { return "call_reserved" }
func (CallOpened) eventName() string          { return "call_opened" }
func (CallReplaced) eventName() string        { return "call_replaced" }
func (CallReleased) eventName() string        { return "call_released" }
func (CallLapsed) eventName() string          { return "call_lapsed" }
func (CallAnswered) eventName() string        { return "call_answered" }
func (CallRenewed) eventName() string         { return "call_renewed" }
func (CallClosed) eventName() string          { return "call_closed" }
func (WindowOpened) eventName() string        { return "window_opened" }
func (Conversed) eventName() string           { return "conversed" }

func (PermissionRequested) ofLine() {}
func (RequestAcknowledged) ofLine() {}
func (RequestAbandoned) ofLine()    {}
func (RequestLapsed) ofLine()       {}
func (PermissionGranted) ofLine()   {}
func (PermissionDeclined) ofLine()  {}
func (PermissionRevoked) ofLine()   {}
func (PermissionExpired) ofLine()   {}
func (LimitsLearned) ofLine()       {}
func (WindowOpened) ofLine()        {}

func (CallReserved) ofCall() {}
func (CallOpened) ofCall()   {}
func (CallReplaced) ofCall() {}
func (CallReleased) ofCall() {}
func (CallLapsed) ofCall()   {}
func (CallAnswered) ofCall() {}
func (CallRenewed) ofCall()  {}
func (CallClosed) ofCall()   {}

// EventName returns the stable name of an event, such as "permission_granted".
func EventName(ev Event) string { return ev.eventName() }
