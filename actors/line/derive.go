package line

import "math"

// Effects derives what a shell must do about an event that is durable. It is pure, and skipped when state is loaded.
func Effects(before State, ev Event, after State) []Effect {
	changed := SettingsChanged{Version: after.Version, Pending: after.Synced != after.Version}
	switch e := ev.(type) {
	case PushStarted:
		return []Effect{PushSettings{Version: e.Version, Settings: cloneSettings(e.Settings)}}
	case DriftFound:
		changed.Drift = e.Fields
		return []Effect{changed}
	case Created, SettingsSaved, PushConfirmed, PushFailed, RestrictionsChanged:
		return []Effect{changed}
	case CallAdmitted:
		p := after.Policy.withDefaults()
		if warn := int(math.Ceil(p.WarnAt * float64(p.MaxConcurrent))); len(before.Calls) < warn && len(after.Calls) >= warn {
			return []Effect{ConcurrencyWarning{Calls: len(after.Calls), Max: p.MaxConcurrent}}
		}
		return nil
	case CallRenewed, CallReleased:
		return nil
	}
	panic("line: unknown event " + ev.eventName())
}
