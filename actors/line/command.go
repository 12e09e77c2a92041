package line

import (
	"time"

	"ramal/internal/id"
)

// Command asks a line to do or to take note of something. Commands travel between nodes as JSON.
//
//sumtype:decl
type Command interface{ commandName() string }

type (
	// Create makes the line with its first settings and pushes them. Faults: Conflict "line_exists", Invalid "invalid_settings".
	Create struct {
		Tenant   id.Tenant `json:"tenant"`
		ID       id.Line   `json:"id"`
		Settings Settings  `json:"settings"`
	}
	// SaveSettings replaces the settings whole. Faults: Conflict "etag_mismatch" when Base is not the current version, Invalid
	// "invalid_settings" whose detail begins with the field. Equal settings change nothing. Holidays that have passed since
	// they were saved are dropped.
	SaveSettings struct {
		Settings Settings `json:"settings"`
		By       id.Agent `json:"by,omitempty"`
		Base     int64    `json:"base"`
	}
	// SettingsPushed reports that the provider took a version.
	SettingsPushed struct {
		Version int64 `json:"version"`
	}
	// SettingsPushFailed reports that it did not. Permanent: trying again is useless until the settings change.
	SettingsPushFailed struct {
		Version   int64  `json:"version"`
		Code      string `json:"code,omitempty"`
		Detail    string `json:"detail,omitempty"`
		Permanent bool   `json:"permanent,omitempty"`
	}
	// MetaReported is what the provider says of the line by itself (account_settings_update, account_update). What is nil was
	// not said. Other settings than ours are overwritten by a new push: our settings are the source.
	MetaReported struct {
		Calling            *bool          `json:"calling,omitempty"`
		IconVisible        *bool          `json:"icon_visible,omitempty"`
		CallbackPermission *bool          `json:"callback_permission,omitempty"`
		Restrictions       *[]Restriction `json:"restrictions,omitempty"` // the whole list
	}
	// AdmitCall takes one place of the line's concurrency. Faults: Conflict "calling_disabled" or "out_of_hours" (with the next
	// opening), Denied "calling_restricted", Exhausted "concurrency". The same call again changes nothing.
	AdmitCall struct {
		Call      id.Call   `json:"call"`
		Direction Direction `json:"direction"`
	}
	// RenewCall prolongs a call's lease; an unknown call takes its place again, whatever the limit: it is there.
	RenewCall struct {
		Call  id.Call   `json:"call"`
		Until time.Time `json:"until"`
	}
	// CallGone frees a call's place; an unknown call changes nothing.
	CallGone struct {
		Call id.Call `json:"call"`
	}
	// Wake is the shell's alarm at Deadline. Too early it changes nothing.
	Wake struct{}
)

func (Create) commandName() string             { return "create" }
func (SaveSettings) commandName() string       { return "save_settings" }
func (SettingsPushed) commandName() string     { return "settings_pushed" }
func (SettingsPushFailed) commandName() string { return "settings_push_failed" }
func (MetaReported) commandName() string       { return "meta_reported" }
func (AdmitCall) commandName() string          { return "admit_call" }
func (RenewCall) commandName() string          { return "renew_call" }
func (CallGone) commandName() string           { return "call_gone" }
func (Wake) commandName() string               { return "wake" }
