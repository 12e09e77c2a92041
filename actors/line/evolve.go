package line

import (
	"maps"
	"slices"
	"time"

	"ramal/internal/id"
)

// Evolve records an event. It cannot fail and shares no map or slice with s.
func Evolve(s State, ev Event) State {
	s = clone(s)
	switch e := ev.(type) {
	case Created:
		s.Tenant, s.ID, s.Settings, s.Version = e.Tenant, e.ID, cloneSettings(e.Settings), 1
	case SettingsSaved:
		s.Settings, s.Version = cloneSettings(e.Settings), e.Version
		s.SyncError, s.Attempts = "", 0
		if s.Pushing == 0 {
			s.RetryAt = time.Time{}
		}
	case PushStarted:
		s.Pushing, s.RetryAt = e.Version, e.RetryAt
	case PushConfirmed:
		s.Synced, s.Pushing, s.SyncError, s.Attempts, s.RetryAt = e.Version, 0, "", 0, time.Time{}
	case PushFailed:
		s.Pushing, s.SyncError, s.RetryAt = 0, e.Error, e.RetryAt
		s.Attempts++
	case DriftFound:
		s.Synced = 0
	case RestrictionsChanged:
		s.Restrictions = slices.Clone(e.Restrictions)
	case CallAdmitted:
		s.putCall(e.Call, e.LeaseUntil)
	case CallRenewed:
		s.putCall(e.Call, e.LeaseUntil)
	case CallReleased:
		delete(s.Calls, e.Call)
	default:
		panic("line: unknown event " + ev.eventName())
	}
	return s
}

func (s *State) putCall(call id.Call, until time.Time) {
	if s.Calls == nil {
		s.Calls = map[id.Call]time.Time{}
	}
	s.Calls[call] = until
}

func fold(s State, events []Event) State {
	for _, ev := range events {
		s = Evolve(s, ev)
	}
	return s
}

func clone(s State) State {
	s.Settings, s.Restrictions, s.Calls = cloneSettings(s.Settings), slices.Clone(s.Restrictions), maps.Clone(s.Calls)
	return s
}
