package line

import (
	"testing"
	"time"
	_ "time/tzdata" // the zones that the program carries

	"ramal/internal/id"
)

type namedState struct {
	name string
	s    State
}

type namedCommand struct {
	name string
	cmd  Command
}

// moment is one command at a time relative to t0.
type moment struct {
	at  time.Duration
	cmd Command
}

// tell folds a history that must go through.
func tell(t testing.TB, s State, history ...moment) State {
	t.Helper()
	for _, m := range history {
		events, err := Decide(s, m.cmd, t0.Add(m.at))
		if err != nil {
			t.Fatalf("%s at t%v: %v", CommandName(m.cmd), m.at, err)
		}
		s = fold(s, events)
	}
	return s
}

// weekdays is 08:00 to 12:00 and 13:00 to 18:00 in São Paulo, Monday to Friday. t0, 12:00 UTC on a Tuesday, is 09:00 there.
func weekdays() *Hours {
	h := Hours{TimeZone: "America/Sao_Paulo"}
	for _, day := range days[1:6] {
		h.Weekly = append(h.Weekly, Opening{day, "0800", "1200"}, Opening{day, "1300", "1800"})
	}
	return &h
}

func settings() Settings {
	return Settings{Calling: true, IconVisible: true, CallbackPermission: true, Hours: weekdays()}
}

func create() Create { return Create{Tenant: "farmacia", ID: "line_a", Settings: settings()} }

func states(t testing.TB) []namedState {
	pushing := tell(t, State{}, moment{-10 * time.Second, create()})
	synced := tell(t, pushing, moment{-9 * time.Second, SettingsPushed{Version: 1}})
	waiting := tell(t, pushing, moment{-time.Second, SettingsPushFailed{Version: 1, Code: "service_down", Detail: "try later"}})
	off := settings()
	off.Calling = false
	closed := settings()
	closed.Hours.Holidays = []Holiday{{Date: "2026-11-24"}}
	small := synced
	small.Policy.MaxConcurrent = 2
	withPast := settings()
	withPast.Hours.Holidays = []Holiday{{Date: "2026-11-20", Open: "0900", Close: "1000"}, {Date: "2026-12-25"}}
	admit := func(s State, call id.Call, at time.Duration) State {
		return tell(t, s, moment{at, AdmitCall{Call: call, Direction: Inbound}})
	}
	return []namedState{
		{"unborn", State{}},
		{"pushing", pushing},
		{"synced", synced},
		{"waiting to retry", waiting},
		{"retry due, not yet recorded", tell(t, pushing, moment{-10 * time.Second, SettingsPushFailed{Version: 1, Code: "service_down"}})},
		{"stuck", tell(t, pushing, moment{0, SettingsPushFailed{Version: 1, Code: "messaging_limit_too_low", Permanent: true}})},
		{"pushing, version 2 saved", tell(t, pushing, moment{-time.Second, SaveSettings{Settings: off, By: "rosa", Base: 1}})},
		{"version 2", tell(t, synced, moment{-time.Second, SaveSettings{Settings: off, By: "rosa", Base: 1}})},
		{"closed for a holiday", tell(t, State{}, moment{0, Create{Tenant: "farmacia", ID: "line_a", Settings: closed}}, moment{0, SettingsPushed{Version: 1}})},
		{"with a holiday that has passed", tell(t, State{}, moment{-7 * 24 * time.Hour, Create{Tenant: "farmacia", ID: "line_a", Settings: withPast}},
			moment{-7 * 24 * time.Hour, SettingsPushed{Version: 1}})},
		{"restricted", tell(t, synced, moment{0, MetaReported{Restrictions: &[]Restriction{{RestrictedOutbound, "low quality", t0.Add(time.Hour)}}}})},
		{"restriction over", tell(t, synced, moment{0, MetaReported{Restrictions: &[]Restriction{{RestrictedOutbound, "low quality", t0}}}})},
		{"one call", admit(small, "call_1", 0)},
		{"full", admit(admit(small, "call_1", 0), "call_9", 0)},
		{"full, leases over, not yet recorded", admit(admit(small, "call_1", -2*time.Minute), "call_9", -2*time.Minute)},
	}
}

func commands() []namedCommand {
	off, nights, bad := settings(), settings(), settings()
	off.Calling = false
	nights.Hours.Weekly[0] = Opening{"MONDAY", "2200", "2359"}
	bad.Hours.Weekly[0].Open = "1300"
	past := settings()
	past.Hours.Holidays = []Holiday{{Date: "2026-11-20", Open: "0900", Close: "1000"}, {Date: "2026-12-25"}}
	return []namedCommand{
		{"create", create()},
		{"create badly", Create{Tenant: "farmacia", ID: "line_a", Settings: bad}},
		{"save the same settings", SaveSettings{Settings: settings(), By: "rosa", Base: 1}},
		{"save settings", SaveSettings{Settings: off, By: "rosa", Base: 1}},
		{"save settings on version 2", SaveSettings{Settings: nights, By: "rosa", Base: 2}},
		{"save settings badly", SaveSettings{Settings: bad, By: "rosa", Base: 1}},
		{"save settings with a holiday that has passed", SaveSettings{Settings: past, By: "rosa", Base: 1}},
		{"settings pushed", SettingsPushed{Version: 1}},
		{"settings of version 2 pushed", SettingsPushed{Version: 2}},
		{"settings push failed", SettingsPushFailed{Version: 1, Code: "service_down", Detail: "try later"}},
		{"settings push failed for good", SettingsPushFailed{Version: 1, Detail: "invalid schedule", Permanent: true}},
		{"settings push failed without a word", SettingsPushFailed{Version: 1}},
		{"Meta reports the same", MetaReported{Calling: new(true), IconVisible: new(true), CallbackPermission: new(true)}},
		{"Meta reports other settings", MetaReported{Calling: new(false), IconVisible: new(false)}},
		{"Meta reports a restriction", MetaReported{Restrictions: &[]Restriction{{RestrictedBoth, "feedback", t0.Add(7 * 24 * time.Hour)}}}},
		{"Meta reports no restriction", MetaReported{Restrictions: &[]Restriction{}}},
		{"admit inbound call", AdmitCall{Call: "call_2", Direction: Inbound}},
		{"admit outbound call", AdmitCall{Call: "call_2", Direction: Outbound}},
		{"admit the same call", AdmitCall{Call: "call_1", Direction: Inbound}},
		{"admit a call to nowhere", AdmitCall{Call: "call_2"}},
		{"renew call", RenewCall{Call: "call_1", Until: t0.Add(time.Hour)}},
		{"renew call less", RenewCall{Call: "call_1", Until: t0.Add(time.Second)}},
		{"renew call into the past", RenewCall{Call: "call_1", Until: t0}},
		{"call gone", CallGone{Call: "call_1"}},
		{"wake", Wake{}},
	}
}
