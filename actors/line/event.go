package line

import (
	"time"

	"ramal/internal/id"
)

// Event is a fact about a line. Events carry all that Evolve needs: it looks nothing up and decides nothing.
//
//sumtype:decl
type Event interface{ eventName() string }

type (
	// Created is the first event of a line.
	Created struct {
		Tenant   id.Tenant `json:"tenant"`
		ID       id.Line   `json:"id"`
		Settings Settings  `json:"settings"`
		At       time.Time `json:"at"`
	}
	// SettingsSaved carries the whole new settings.
	SettingsSaved struct {
		Settings Settings  `json:"settings"`
		Version  int64     `json:"version"`
		By       id.Agent  `json:"by,omitempty"`
		At       time.Time `json:"at"`
	}
	// PushStarted sends a version to the provider. Settings are without holidays that have passed: the provider refuses those.
	PushStarted struct {
		Version  int64     `json:"version"`
		Settings Settings  `json:"settings"`
		RetryAt  time.Time `json:"retry_at"` // when to try again if no outcome comes
	}
	// PushConfirmed ends a push well.
	PushConfirmed struct {
		Version int64 `json:"version"`
	}
	// PushFailed ends a push badly. RetryAt is zero where trying again is useless.
	PushFailed struct {
		Version int64     `json:"version"`
		Error   string    `json:"error"`
		RetryAt time.Time `json:"retry_at,omitzero"`
	}
	// DriftFound says that the provider has other settings than the ones it had confirmed.
	DriftFound struct {
		Fields []string  `json:"fields"`
		At     time.Time `json:"at"`
	}
	// RestrictionsChanged carries the whole new list.
	RestrictionsChanged struct {
		Restrictions []Restriction `json:"restrictions"`
		At           time.Time     `json:"at"`
	}
	// CallAdmitted takes a place. Volatile.
	CallAdmitted struct {
		Call       id.Call   `json:"call"`
		LeaseUntil time.Time `json:"lease_until"`
	}
	// CallRenewed keeps it. Volatile.
	CallRenewed struct {
		Call       id.Call   `json:"call"`
		LeaseUntil time.Time `json:"lease_until"`
	}
	// CallReleased frees it. Volatile.
	CallReleased struct {
		Call   id.Call `json:"call"`
		Lapsed bool    `json:"lapsed,omitempty"`
	}
)

func (Created) eventName() string             { return "created" }
func (SettingsSaved) eventName() string       { return "settings_saved" }
func (PushStarted) eventName() string         { return "push_started" }
func (PushConfirmed) eventName() string       { return "push_confirmed" }
func (PushFailed) eventName() string          { return "push_failed" }
func (DriftFound) eventName() string          { return "drift_found" }
func (RestrictionsChanged) eventName() string { return "restrictions_changed" }
func (CallAdmitted) eventName() string        { return "call_admitted" }
func (CallRenewed) eventName() string         { return "call_renewed" }
func (CallReleased) eventName() string        { return "call_released" }

// EventName returns the stable name of an event, such as "settings_saved".
func EventName(ev Event) string { return ev.eventName() }

// Volatile reports whether an event may stay unwritten: concurrency is a count of leases that running calls
// renew, so a line that lost it knows the truth again within one lease. Writing the row for every call would cost more than it saves.
func Volatile(ev Event) bool {
	switch ev.(type) {
	case CallAdmitted, CallRenewed, CallReleased:
		return true
	case Created, SettingsSaved, PushStarted, PushConfirmed, PushFailed, DriftFound, RestrictionsChanged:
		return false
	}
	panic("line: unknown event " + ev.eventName())
}
