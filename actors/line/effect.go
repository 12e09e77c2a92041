package line

// Effect is something the shell must do once the events are durable. Effects are derived, never stored.
//
//sumtype:decl
type Effect interface{ effectName() string }

type (
	// PushSettings sends the settings to the provider and reports SettingsPushed or SettingsPushFailed. It may be repeated.
	PushSettings struct {
		Version  int64    `json:"version"`
		Settings Settings `json:"settings"`
	}
	// SettingsChanged hints that settings, their state at the provider or restrictions changed.
	SettingsChanged struct {
		Version int64    `json:"version"`
		Pending bool     `json:"pending,omitempty"` // not yet confirmed by the provider
		Drift   []string `json:"drift,omitempty"`   // fields that somebody changed at the provider
	}
	// ConcurrencyWarning says that the line fills up. It comes once each time the threshold is crossed.
	ConcurrencyWarning struct {
		Calls int `json:"calls"`
		Max   int `json:"max"`
	}
)

func (PushSettings) effectName() string       { return "push_settings" }
func (SettingsChanged) effectName() string    { return "settings_changed" }
func (ConcurrencyWarning) effectName() string { return "concurrency_warning" }
