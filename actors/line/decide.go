package line

import (
	"maps"
	"reflect"
	"slices"
	"time"

	"ramal/actors/core"
	"ramal/internal/fault"
	"ramal/internal/id"
)

// Decide judges a command at now and returns the events it makes, none if it changes nothing. Leases that ran out by now are
// settled first. Errors are *fault.Error; then nothing happens.
func Decide(s State, cmd Command, now time.Time) ([]Event, error) {
	now = core.Clean(now)
	if s.ID == "" {
		return decideUnknown(s, cmd, now)
	}
	settled := due(s, now)
	more, err := decide(fold(s, settled), cmd, now)
	if err != nil {
		return nil, err
	}
	return append(settled, more...), nil
}

func decideUnknown(s State, cmd Command, now time.Time) ([]Event, error) {
	if _, ok := cmd.(Wake); ok {
		return nil, nil
	}
	if c, ok := cmd.(Create); ok {
		if err := need(c, field{"tenant", string(c.Tenant)}, field{"id", string(c.ID)}); err != nil {
			return nil, err
		}
		if err := checkSettings(c, c.Settings, now); err != nil {
			return nil, err
		}
		created := Created{Tenant: c.Tenant, ID: c.ID, Settings: cloneSettings(c.Settings), At: now}
		return []Event{created, push(Evolve(s, created), now)}, nil
	}
	return nil, reject(fault.NotFound, cmd, "line_unknown", "there is no such line")
}

func decide(s State, cmd Command, now time.Time) ([]Event, error) {
	switch c := cmd.(type) {
	case Create:
		return nil, reject(fault.Conflict, c, "line_exists", "the line exists already")
	case SaveSettings:
		return saveSettings(s, c, now)
	case SettingsPushed:
		return pushed(s, c, now), nil
	case SettingsPushFailed:
		return pushFailed(s, c, now), nil
	case MetaReported:
		return metaReported(s, c, now), nil
	case AdmitCall:
		return admitCall(s, c, now)
	case RenewCall:
		return renewCall(s, c, now)
	case CallGone:
		if _, ok := s.Calls[c.Call]; !ok {
			return nil, nil
		}
		return []Event{CallReleased{Call: c.Call}}, nil
	case Wake: // leases are settled already
		if !s.RetryAt.IsZero() && !now.Before(s.RetryAt) {
			return []Event{push(s, now)}, nil
		}
		return nil, nil
	}
	panic("line: unknown command " + cmd.commandName())
}

func saveSettings(s State, c SaveSettings, now time.Time) ([]Event, error) {
	if c.Base != s.Version {
		return nil, reject(fault.Conflict, c, "etag_mismatch", "the settings were changed by somebody else; read them again")
	}
	settings := withoutPast(cloneSettings(c.Settings), s.Settings, now)
	if err := checkSettings(c, settings, now); err != nil {
		return nil, err
	}
	if reflect.DeepEqual(settings, withoutPast(cloneSettings(s.Settings), s.Settings, now)) {
		return nil, nil
	}
	saved := SettingsSaved{Settings: settings, Version: s.Version + 1, By: c.By, At: now}
	if s.Pushing != 0 {
		return []Event{saved}, nil // one push at a time, or the older could land last
	}
	return []Event{saved, push(Evolve(s, saved), now)}, nil
}

// push sends the newest settings, without holidays that have passed: the provider refuses those.
func push(s State, now time.Time) PushStarted {
	return PushStarted{
		Version: s.Version, Settings: withoutPast(cloneSettings(s.Settings), s.Settings, now),
		RetryAt: now.Add(s.Policy.withDefaults().PushTimeout),
	}
}

// pushed ends the push under way well, and starts the one of settings that were saved meanwhile.
func pushed(s State, c SettingsPushed, now time.Time) []Event {
	if s.Synced == s.Version || c.Version < 1 || c.Version != s.Pushing && c.Version != s.Version {
		return nil // of an older version, or a repetition
	}
	confirmed := PushConfirmed(c)
	if c.Version == s.Version {
		return []Event{confirmed}
	}
	return []Event{confirmed, push(Evolve(s, confirmed), now)}
}

func pushFailed(s State, c SettingsPushFailed, now time.Time) []Event {
	switch {
	case s.Pushing == 0 || c.Version != s.Pushing:
		return nil
	case c.Version != s.Version:
		return []Event{push(s, now)} // nobody misses the older version
	}
	ev := PushFailed{Version: c.Version, Error: c.Code}
	switch {
	case c.Code == "" && c.Detail == "":
		ev.Error = "unknown"
	case c.Detail != "" && c.Code != "":
		ev.Error = c.Code + ": " + c.Detail
	case c.Detail != "":
		ev.Error = c.Detail
	}
	if !c.Permanent {
		ev.RetryAt = now.Add(backOff(s))
	}
	return []Event{ev}
}

// backOff is the pause after one more failed push.
func backOff(s State) time.Duration {
	p := s.Policy.withDefaults()
	pause := p.RetryBase
	for range s.Attempts {
		if pause >= p.RetryMax {
			break
		}
		pause *= 2
	}
	return min(pause, p.RetryMax)
}

func metaReported(s State, c MetaReported, now time.Time) []Event {
	var out []Event
	if c.Restrictions != nil && !sameRestrictions(*c.Restrictions, s.Restrictions) {
		out = append(out, RestrictionsChanged{Restrictions: slices.Clone(*c.Restrictions), At: now})
	}
	if s.Synced != s.Version {
		return out // our own push is under way, and this may be the state before it
	}
	var drift []string
	for _, f := range []struct {
		name  string
		there *bool
		ours  bool
	}{
		{"calling", c.Calling, s.Settings.Calling},
		{"icon_visible", c.IconVisible, s.Settings.IconVisible},
		{"callback_permission", c.CallbackPermission, s.Settings.CallbackPermission},
	} {
		if f.there != nil && *f.there != f.ours {
			drift = append(drift, f.name)
		}
	}
	if len(drift) > 0 {
		found := DriftFound{Fields: drift, At: now}
		out = append(out, found, push(Evolve(s, found), now))
	}
	return out
}

func admitCall(s State, c AdmitCall, now time.Time) ([]Event, error) {
	if err := need(c, field{"call", string(c.Call)}); err != nil {
		return nil, err
	}
	if c.Direction != Inbound && c.Direction != Outbound {
		return nil, reject(fault.Invalid, c, "invalid_field", "direction: inbound or outbound")
	}
	if _, ok := s.Calls[c.Call]; ok {
		return nil, nil
	}
	if !s.Settings.Calling {
		return nil, reject(fault.Conflict, c, "calling_disabled", "calls are switched off for this line")
	}
	if !isOpen(s.Settings, now) {
		_, next := Open(s.Settings, now)
		return nil, rejectUntil(fault.Conflict, c, "out_of_hours", "the line is closed", next)
	}
	if until, ok := Restricted(s, now); ok && c.Direction == Outbound {
		return nil, rejectUntil(fault.Denied, c, "calling_restricted", "the provider has paused calls by this line", until)
	}
	p := s.Policy.withDefaults()
	if len(s.Calls) >= p.MaxConcurrent {
		return nil, reject(fault.Exhausted, c, "concurrency", "the line carries as many calls as it may")
	}
	return []Event{CallAdmitted{Call: c.Call, LeaseUntil: now.Add(p.CallLease)}}, nil
}

// Restricted reports whether the provider has paused calls of the company, and until when, where it said so. While it lasts the
// provider takes no permission requests either.
func Restricted(s State, now time.Time) (time.Time, bool) {
	for _, r := range s.Restrictions {
		if (r.Type == RestrictedOutbound || r.Type == RestrictedBoth) && (r.Until.IsZero() || now.Before(r.Until)) {
			return r.Until, true
		}
	}
	return time.Time{}, false
}

func renewCall(s State, c RenewCall, now time.Time) ([]Event, error) {
	if err := need(c, field{"call", string(c.Call)}); err != nil {
		return nil, err
	}
	until := core.Clean(c.Until)
	if !until.After(now) {
		return nil, reject(fault.Invalid, c, "invalid_field", "until: it has passed")
	}
	known, ok := s.Calls[c.Call]
	switch {
	case !ok:
		return []Event{CallAdmitted{Call: c.Call, LeaseUntil: until}}, nil
	case until.After(known):
		return []Event{CallRenewed{Call: c.Call, LeaseUntil: until}}, nil
	}
	return nil, nil
}

// due lists what has run out by now and was not recorded yet, in the order of ids.
func due(s State, now time.Time) []Event {
	var out []Event
	for _, call := range expired(s.Calls, now) {
		out = append(out, CallReleased{Call: call, Lapsed: true})
	}
	return out
}

func expired(calls map[id.Call]time.Time, now time.Time) []id.Call {
	var out []id.Call
	for call, until := range calls {
		if !now.Before(until) {
			out = append(out, call)
		}
	}
	slices.Sort(out)
	return out
}

// Deadline is when the shell must send Wake; zero if the line waits for nothing.
func Deadline(s State) time.Time {
	first := s.RetryAt
	for until := range maps.Values(s.Calls) {
		if first.IsZero() || until.Before(first) {
			first = until
		}
	}
	return first
}

func sameRestrictions(a, b []Restriction) bool {
	return slices.EqualFunc(a, b, func(a, b Restriction) bool {
		return a.Type == b.Type && a.Reason == b.Reason && a.Until.Equal(b.Until)
	})
}

type field struct{ name, value string }

// need rejects a command whose ids are empty or malformed.
func need(cmd Command, fields ...field) error {
	for _, f := range fields {
		if !id.Valid(f.value) {
			return reject(fault.Invalid, cmd, "invalid_field", f.name+": missing or not an id")
		}
	}
	return nil
}

func reject(kind fault.Kind, cmd Command, code, detail string) error {
	return fault.New(kind, "line."+cmd.commandName(), code, detail)
}

func rejectUntil(kind fault.Kind, cmd Command, code, detail string, next time.Time) error {
	return &fault.Error{Kind: kind, Op: "line." + cmd.commandName(), Code: code, Detail: detail, NextAllowed: next}
}
