package contact

import (
	"time"

	"ramal/internal/id"
)

// Effect is something the shell must do once the events are durable. Effects are derived, never stored.
//
//sumtype:decl
type Effect interface{ effectName() string }

// How a permission request goes out.
const (
	ViaInteractive = "interactive" // free-form, inside the service window
	ViaTemplate    = "template"    // outside of it
)

// What NotifyAgent tells.
const (
	NoticeGranted       = "permission_granted"
	NoticeDeclined      = "permission_declined"
	NoticeExpired       = "permission_expired"
	NoticeRevoked       = "permission_revoked"
	NoticeRequestFailed = "request_failed"
)

// Kinds of timeline entries.
const (
	EntryPermissionReply   = "permission_reply"
	EntryPermissionExpired = "permission_expired"
	EntryCall              = "call"
)

type (
	// SendPermissionRequest sends the request and reports RequestSent or RequestFailed.
	SendPermissionRequest struct {
		Line    id.Line    `json:"line"`
		Message id.Message `json:"message"`
		Agent   id.Agent   `json:"agent"`
		Via     string     `json:"via"`
		Text    string     `json:"text,omitempty"`
	}
	// NotifyAgent tells one agent, whatever they are doing. Key is the same whenever the same fact is
	// told again, and another one for every other fact of the tenant.
	NotifyAgent struct {
		Agent     id.Agent  `json:"agent"`
		Kind      string    `json:"kind"`
		Key       string    `json:"key"`
		Line      id.Line   `json:"line"`
		Until     time.Time `json:"until,omitzero"`
		Permanent bool      `json:"permanent,omitempty"`
		Detail    string    `json:"detail,omitempty"`
		At        time.Time `json:"at"`
	}
	// RecordSystemMessage puts an entry into the conversation. Key is unique within the contact: a second entry with it is the same one.
	RecordSystemMessage struct {
		Key        string           `json:"key"`
		Kind       string           `json:"kind"`
		Line       id.Line          `json:"line"`
		Permission PermissionStatus `json:"permission,omitempty"`
		Source     string           `json:"source,omitempty"`
		Until      time.Time        `json:"until,omitzero"`
		Call       id.Call          `json:"call,omitempty"`
		Direction  Direction        `json:"direction,omitempty"`
		Answered   bool             `json:"answered,omitempty"`
		Reason     string           `json:"reason,omitempty"`
		At         time.Time        `json:"at"`
	}
	// ReplaceCall tells a call that was not connected yet to end as "replaced".
	ReplaceCall struct {
		Call id.Call `json:"call"`
		By   id.Call `json:"by"`
	}
	// ContactChanged hints to the tenant's lists and cards.
	ContactChanged struct{}
)

func (SendPermissionRequest) effectName() string { return "send_permission_request" }
func (NotifyAgent) effectName() string           { return "notify_agent" }
func (RecordSystemMessage) effectName() string   { return "record_system_message" }
func (ReplaceCall) effectName() string           { return "replace_call" }
func (ContactChanged) effectName() string        { return "contact_changed" }
