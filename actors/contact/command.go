package contact

import (
	"time"

	"ramal/internal/id"
)

// Command asks a contact to do or to take note of something. Commands travel between nodes as JSON.
//
//sumtype:decl
type Command interface{ commandName() string }

// Times named At are the provider's or caller's; a zero At means now.
type (
	// Create makes the contact. Fault: Conflict "contact_exists".
	Create struct {
		Tenant      id.Tenant    `json:"tenant"`
		ID          id.Contact   `json:"id"`
		Identifiers []Identifier `json:"identifiers,omitempty"`
		Profile
	}
	// Edit changes the fields that are not nil. Fault: Invalid "invalid_field".
	Edit struct {
		By         id.Agent  `json:"by,omitempty"`
		Name       *string   `json:"name,omitempty"`
		Status     *string   `json:"status,omitempty"`
		Tags       *[]string `json:"tags,omitempty"`
		OrderNo    *string   `json:"order_no,omitempty"`
		QuoteCents *int64    `json:"quote_cents,omitempty"`
		Assigned   *id.Agent `json:"assigned,omitempty"`
	}
	// AddIdentifiers adds names of the contact; known ones change nothing.
	AddIdentifiers struct {
		Identifiers []Identifier `json:"identifiers"`
	}
	// RecordOrder adds an order or updates the one of that number; an older At than the known one changes nothing.
	RecordOrder struct {
		Order Order `json:"order"`
	}
	// RequestPermission asks for leave to call. Faults: Conflict "permission_permanent" or "no_template", Exhausted
	// "request_limit_day" or "request_limit_week", Invalid. The same Message again changes nothing.
	RequestPermission struct {
		Line        id.Line    `json:"line"`
		Agent       id.Agent   `json:"agent"`
		Message     id.Message `json:"message"`
		Text        string     `json:"text,omitempty"` // at most 1024 characters; inside the window only
		HasTemplate bool       `json:"has_template,omitempty"`
	}
	// RequestSent reports that the provider took the request.
	RequestSent struct {
		Line       id.Line    `json:"line"`
		Message    id.Message `json:"message"`
		ProviderID string     `json:"provider_id"`
	}
	// RequestFailed reports that the request did not reach the contact. The slot is free again, unless Code says that Meta's
	// limit is reached ("request_limit") or MaybeSent says that the outcome is not known: then the reply may still come.
	// Code "permission_permanent" brings that permission.
	RequestFailed struct {
		Line      id.Line    `json:"line"`
		Message   id.Message `json:"message"`
		Code      string     `json:"code,omitempty"` // a word: the WhatsApp channel's or ours
		Detail    string     `json:"detail,omitempty"`
		MaybeSent bool       `json:"maybe_sent,omitempty"`
	}
	// PermissionReplied is the user's or Meta's word on calling (Cloud API calling, user call permissions).
	PermissionReplied struct {
		Line      id.Line   `json:"line"`
		Accept    bool      `json:"accept"`
		Permanent bool      `json:"permanent,omitempty"`
		Until     time.Time `json:"until,omitzero"`
		Source    string    `json:"source,omitempty"`     // SourceUser or SourceAutomatic, as Meta says it
		ContextID string    `json:"context_id,omitempty"` // the request's message id, the call's id, or empty when made in the profile
		At        time.Time `json:"at,omitzero"`
	}
	// PermissionSynced is what Meta answered when asked. An empty Status brings limits only.
	PermissionSynced struct {
		Line   id.Line     `json:"line"`
		Status string      `json:"status,omitempty"` // no_permission, temporary or permanent
		Until  time.Time   `json:"until,omitzero"`
		Limits *MetaLimits `json:"limits,omitempty"`
		At     time.Time   `json:"at,omitzero"` // when Meta was asked
	}
	// ReserveCall claims the contact for a call of the company. Faults: Conflict "contact_busy" or "call_ended", Denied
	// "permission_missing" or "permission_expired", Exhausted "daily_limit" or "meta_daily_limit". The same Call again changes nothing.
	ReserveCall struct {
		Call  id.Call  `json:"call"`
		Line  id.Line  `json:"line"`
		Agent id.Agent `json:"agent"`
	}
	// ReleaseCall undoes a reservation whose call was never placed. Fault: Conflict "call_connected".
	ReleaseCall struct {
		Call id.Call `json:"call"`
	}
	// CallArrived takes a call of the contact. It opens the service window. A call that is not connected yet gives way to it
	// (effect ReplaceCall). Faults: Conflict "contact_busy" (then report MessageReceived, so that the window opens all the same) or "call_ended".
	CallArrived struct {
		Call id.Call   `json:"call"`
		Line id.Line   `json:"line"`
		At   time.Time `json:"at,omitzero"`
	}
	// CallConnected reports that both sides talk. It resets the limits of requests and the unanswered streak.
	CallConnected struct {
		Call      id.Call   `json:"call"`
		Line      id.Line   `json:"line"`
		Direction Direction `json:"direction"`
		Agent     id.Agent  `json:"agent,omitempty"`
		At        time.Time `json:"at,omitzero"`
	}
	// CallEnded reports the end of a call. Agents are those who took part, or who dialled.
	CallEnded struct {
		Call      id.Call    `json:"call"`
		Line      id.Line    `json:"line"`
		Direction Direction  `json:"direction"`
		Answered  bool       `json:"answered,omitempty"`
		Agents    []id.Agent `json:"agents,omitempty"`
		Reason    string     `json:"reason"`
		At        time.Time  `json:"at,omitzero"`
	}
	// RenewCall prolongs the lease of the active call. Fault: NotFound "call_unknown": report CallConnected again.
	RenewCall struct {
		Call  id.Call   `json:"call"`
		Until time.Time `json:"until"`
	}
	// MessageReceived reports a message of the contact; it opens the service window.
	MessageReceived struct {
		Line id.Line   `json:"line"`
		At   time.Time `json:"at,omitzero"`
	}
	// MessageSent reports a message that an agent sent.
	MessageSent struct {
		Line  id.Line   `json:"line"`
		Agent id.Agent  `json:"agent,omitempty"`
		At    time.Time `json:"at,omitzero"`
	}
	// Wake is the shell's alarm at Deadline. Too early it changes nothing.
	Wake struct{}
)

func (Create) commandName() string            { return "create" }
func (Edit) commandName() string              { return "edit" }
func (AddIdentifiers) commandName() string    { return "add_identifiers" }
func (RecordOrder) commandName() string       { return "record_order" }
func (RequestPermission) commandName() string { return "request_permission" }
func (RequestSent) commandName() string       { return "request_sent" }
func (RequestFailed) commandName() string     { return "request_failed" }
func (PermissionReplied) commandName() string { return "permission_replied" }
func (PermissionSynced) commandName() string  { return "permission_synced" }
func (ReserveCall) commandName() string       { return "reserve_call" }
func (ReleaseCall) commandName() string       { return "release_call" }
func (CallArrived) commandName() string       { return "call_arrived" }
func (CallConnected) commandName() string     { return "call_connected" }
func (CallEnded) commandName() string         { return "call_ended" }
func (RenewCall) commandName() string         { return "renew_call" }
func (MessageReceived) commandName() string   { return "message_received" }
func (MessageSent) commandName() string       { return "message_sent" }
func (Wake) commandName() string              { return "wake" }
