package line

import (
	"encoding/json"
	"errors"
	"reflect"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ramal/internal/fault"
	"ramal/internal/id"
)

func pushes(s State, events []Event) []PushSettings {
	var out []PushSettings
	for _, ev := range events {
		after := Evolve(s, ev)
		for _, ef := range Effects(s, ev, after) {
			if p, ok := ef.(PushSettings); ok {
				out = append(out, p)
			}
		}
		s = after
	}
	return out
}

func TestAFailedPushBacksOff(t *testing.T) {
	s, now := tell(t, State{}, moment{0, create()}), t0
	for i, seconds := range []int{5, 10, 20, 40, 80, 160, 320, 600, 600} {
		want := time.Duration(seconds) * time.Second
		events, err := Decide(s, SettingsPushFailed{Version: 1, Code: "service_down"}, now)
		if err != nil {
			t.Fatal(err)
		}
		s = fold(s, events)
		if got := Deadline(s).Sub(now); got != want {
			t.Fatalf("after failure %d the pause is %v, want %v", i+1, got, want)
		}
		now = Deadline(s)
		events, _ = Decide(s, Wake{}, now)
		if got := pushes(s, events); len(got) != 1 || got[0].Version != 1 {
			t.Fatalf("at the retry %+v was pushed", got)
		}
		s = fold(s, events)
	}
	s = fold(s, must(t, s, SettingsPushed{Version: 1}, now))
	if s.Synced != 1 || s.SyncError != "" || s.Attempts != 0 || !Deadline(s).IsZero() {
		t.Errorf("after success: %+v", s)
	}
}

func must(t *testing.T, s State, cmd Command, now time.Time) []Event {
	t.Helper()
	events, err := Decide(s, cmd, now)
	if err != nil {
		t.Fatal(err)
	}
	return events
}

func TestAPushWithoutOutcomeIsRepeated(t *testing.T) {
	s := tell(t, State{}, moment{0, create()})
	if got := pushes(s, must(t, s, Wake{}, t0.Add(time.Minute-1))); len(got) != 0 {
		t.Errorf("too early: %+v", got)
	}
	if got := pushes(s, must(t, s, Wake{}, t0.Add(time.Minute))); len(got) != 1 {
		t.Errorf("nothing was pushed again")
	}
}

func TestOnlyTheNewestVersionCounts(t *testing.T) {
	off := settings()
	off.Calling = false
	s := tell(t, State{}, moment{0, create()})
	events := must(t, s, SaveSettings{Settings: off, Base: 1}, t0)
	if got := pushes(s, events); len(got) != 0 {
		t.Errorf("two pushes are under way and may overtake one another: %+v", got)
	}
	s = fold(s, events)
	for _, outcome := range []Command{SettingsPushed{Version: 1}, SettingsPushFailed{Version: 1, Code: "service_down", Permanent: true}} {
		events := must(t, s, outcome, t0)
		if got := pushes(s, events); len(got) != 1 || got[0].Version != 2 || got[0].Settings.Calling {
			t.Errorf("after %+v was pushed %+v", outcome, got)
		}
		after := tell(t, fold(s, events), moment{3, outcome})
		if after.Synced == after.Version || after.SyncError != "" || after.Pushing != 2 {
			t.Errorf("an outcome of version 1 counted for version 2: %+v", after)
		}
	}
	if _, err := Decide(s, SaveSettings{Settings: settings(), Base: 1}, t0); fault.CodeOf(err) != "etag_mismatch" {
		t.Errorf("a save on an old version gave %v", err)
	}
}

func TestStuckSettingsWaitForNewOnes(t *testing.T) {
	s := tell(t, State{}, moment{0, create()}, moment{1, SettingsPushFailed{Version: 1, Code: "messaging_limit_too_low", Permanent: true}})
	if s.SyncError != "messaging_limit_too_low" || !Deadline(s).IsZero() {
		t.Errorf("stuck: %+v", s)
	}
	off := settings()
	off.Calling = false
	if got := pushes(s, must(t, s, SaveSettings{Settings: off, Base: 1}, t0)); len(got) != 1 || got[0].Version != 2 {
		t.Errorf("the new settings were not pushed: %+v", got)
	}
}

func TestDriftIsOverwrittenAndEndsThere(t *testing.T) {
	s := tell(t, State{}, moment{0, create()})
	other := MetaReported{Calling: new(false)}
	if got := must(t, s, other, t0); len(got) != 0 {
		t.Errorf("while our push is under way the report is its past: %+v", got)
	}
	s = tell(t, s, moment{1, SettingsPushed{Version: 1}})
	events := must(t, s, other, t0)
	if got := pushes(s, events); len(got) != 1 || !got[0].Settings.Calling {
		t.Errorf("pushed %+v", got)
	}
	s = tell(t, fold(s, events), moment{2, SettingsPushed{Version: 1}})
	if got := must(t, s, MetaReported{Calling: new(true)}, t0); len(got) != 0 || s.Synced != s.Version {
		t.Errorf("it does not come to rest: %+v", got)
	}
}

func TestHolidaysThatPassedAreNoObstacle(t *testing.T) {
	feast := settings()
	feast.Hours.Holidays = []Holiday{{Date: "2026-11-25"}, {Date: "2026-12-25"}}
	s := tell(t, State{}, moment{0, Create{Tenant: "t", ID: "l", Settings: feast}})
	later := t0.Add(48 * time.Hour)
	got := pushes(s, must(t, s, Wake{}, later))
	if len(got) != 1 || !reflect.DeepEqual(got[0].Settings.Hours.Holidays, []Holiday{{Date: "2026-12-25"}}) {
		t.Errorf("pushed %+v", got)
	}
	feast.IconVisible = false
	s = fold(s, must(t, s, SaveSettings{Settings: feast, Base: 1}, later))
	if !reflect.DeepEqual(s.Settings.Hours.Holidays, []Holiday{{Date: "2026-12-25"}}) {
		t.Errorf("saved %+v", s.Settings.Hours.Holidays)
	}
	feast.Hours.Holidays = []Holiday{{Date: "2026-11-26", Open: "0800", Close: "0900"}, {Date: "2026-11-25", Open: "0800", Close: "0900"}}
	if _, err := Decide(s, SaveSettings{Settings: feast, Base: 2}, later); fault.CodeOf(err) != "invalid_settings" {
		t.Errorf("a new holiday in the past gave %v", err)
	}
}

func TestAdmission(t *testing.T) {
	s := tell(t, State{}, moment{0, create()})
	evening := t0.Add(12 * time.Hour) // 21:00 in São Paulo
	_, err := Decide(s, AdmitCall{Call: "c", Direction: Outbound}, evening)
	e, ok := errors.AsType[*fault.Error](err)
	if !ok || e.Code != "out_of_hours" || !e.NextAllowed.Equal(time.Date(2026, 11, 25, 11, 0, 0, 0, time.UTC)) {
		t.Errorf("in the evening: %+v", err)
	}
	s = tell(t, s, moment{0, MetaReported{Restrictions: &[]Restriction{{Type: RestrictedBoth}, {Type: "SOMETHING_NEW"}}}})
	if _, err := Decide(s, AdmitCall{Call: "c", Direction: Outbound}, t0); fault.CodeOf(err) != "calling_restricted" {
		t.Errorf("restricted without end: %v", err)
	}
	if _, err := Decide(s, AdmitCall{Call: "c", Direction: Inbound}, t0); err != nil {
		t.Errorf("a call that Meta lets through is taken: %v", err)
	}
}

func TestTheWarningComesOncePerCrossing(t *testing.T) {
	s := tell(t, State{}, moment{0, create()})
	s.Policy.MaxConcurrent = 5
	var warned []int
	admit := func(i int) {
		events := must(t, s, AdmitCall{Call: id.Call("c_" + strconv.Itoa(i)), Direction: Inbound}, t0)
		after := fold(s, events)
		for _, ef := range Effects(s, events[0], after) {
			warned = append(warned, ef.(ConcurrencyWarning).Calls)
		}
		s = after
	}
	for i := range 5 {
		admit(i)
	}
	s = tell(t, s, moment{0, CallGone{Call: "c_0"}}, moment{0, CallGone{Call: "c_1"}})
	admit(6)
	if want := []int{4, 4}; !reflect.DeepEqual(warned, want) {
		t.Errorf("warned at %v calls, want %v", warned, want)
	}
}

func TestOnlyCallsAreVolatile(t *testing.T) {
	for _, ev := range []Event{CallAdmitted{}, CallRenewed{}, CallReleased{}} {
		if !Volatile(ev) {
			t.Errorf("%s must be written", EventName(ev))
		}
	}
	for _, ev := range []Event{Created{}, SettingsSaved{}, PushStarted{}, PushConfirmed{}, PushFailed{}, DriftFound{}, RestrictionsChanged{}} {
		if Volatile(ev) {
			t.Errorf("%s is not written", EventName(ev))
		}
	}
}

// TestRandomHistories holds the invariants of doc.go over random commands at random times.
func TestRandomHistories(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, now := State{Policy: Policy{MaxConcurrent: 3}}, t0
		past := map[string]State{}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now = now.Add(rapid.SampledFrom([]time.Duration{0, time.Second, 30 * time.Second, time.Minute, 5 * time.Hour}).Draw(t, "pause"))
			cmd := drawCommand(s, now).Draw(t, "command")
			events, err := Decide(s, cmd, now)
			if err != nil && (fault.CodeOf(err) == "" || len(events) > 0) {
				t.Fatalf("%s: %v with %+v", CommandName(cmd), err, events)
			}
			_, admit := cmd.(AdmitCall)
			for _, ev := range events {
				after := Evolve(s, ev)
				Effects(s, ev, after)
				if _, ok := ev.(PushStarted); ok && s.Pushing != 0 && now.Before(s.RetryAt) {
					if c, ok := cmd.(SettingsPushFailed); !ok || c.Version != s.Pushing {
						t.Fatalf("%s started a push while one is under way", CommandName(cmd))
					}
				}
				if _, ok := ev.(CallAdmitted); ok && admit && len(after.Calls) > 3 {
					t.Fatalf("%d calls were admitted", len(after.Calls))
				}
				s = after
			}
			past[encode(t, s)] = s
			checkState(t, s, now)
		}
		for was, s := range past {
			if encode(t, s) != was {
				t.Fatalf("a later event changed an earlier state\nwas %s\nis  %s", was, encode(t, s))
			}
		}
	})
}

func checkState(t *rapid.T, s State, now time.Time) {
	events, err := Decide(s, Wake{}, now)
	if err != nil {
		t.Fatalf("Wake was refused: %v", err)
	}
	if d := Deadline(s); len(events) > 0 == (d.IsZero() || d.After(now)) {
		t.Fatalf("the deadline is %v, and Wake at %v made %+v", d, now, events)
	}
	woken := fold(s, events)
	if d := Deadline(woken); !d.IsZero() && !d.After(now) {
		t.Fatalf("after Wake the deadline %v is still due at %v", d, now)
	}
	if s.ID != "" && (s.Synced == s.Version) == (!s.RetryAt.IsZero() || s.SyncError != "") {
		t.Fatalf("version %d, synced %d, retry %v, error %q", s.Version, s.Synced, s.RetryAt, s.SyncError)
	}
	if s.Settings.Hours != nil {
		if path, rule := checkHours(*withoutPast(cloneSettings(s.Settings), s.Settings, now).Hours, now); path != "" {
			t.Fatalf("the saved settings break a rule: %s %s", path, rule)
		}
	}
	var back State
	if err := json.Unmarshal([]byte(encode(t, s)), &back); err != nil || encode(t, back) != encode(t, s) {
		t.Fatalf("the state does not survive storage: %v", err)
	}
}

func drawCommand(s State, now time.Time) *rapid.Generator[Command] {
	return rapid.Custom(func(t *rapid.T) Command {
		call := id.Call("c_" + strconv.Itoa(rapid.IntRange(1, 5).Draw(t, "call")))
		yes := rapid.Bool().Draw(t, "yes")
		version := s.Version - int64(rapid.SampledFrom([]int{0, 0, 0, 1}).Draw(t, "behind"))
		set := settings()
		set.IconVisible, set.CallbackPermission = yes, rapid.Bool().Draw(t, "callback")
		if rapid.Bool().Draw(t, "hours") {
			set.Hours = nil
		} else {
			set.Hours.Holidays = []Holiday{{Date: now.AddDate(0, 0, rapid.IntRange(-1, 3).Draw(t, "day")).Format(time.DateOnly)}}
		}
		switch rapid.IntRange(0, 10).Draw(t, "kind") {
		case 0:
			return Create{Tenant: "t", ID: "l", Settings: set}
		case 1, 2:
			return SaveSettings{Settings: set, Base: version}
		case 3:
			return SettingsPushed{Version: version}
		case 4:
			return SettingsPushFailed{Version: version, Code: "service_down", Permanent: yes}
		case 5:
			return MetaReported{Calling: &yes, IconVisible: &yes, Restrictions: &[]Restriction{{Type: RestrictedOutbound, Until: now.Add(time.Minute)}}}
		case 6, 7:
			return AdmitCall{Call: call, Direction: rapid.SampledFrom([]Direction{Inbound, Outbound}).Draw(t, "direction")}
		case 8:
			return RenewCall{Call: call, Until: now.Add(time.Minute)}
		case 9:
			return CallGone{Call: call}
		}
		return Wake{}
	})
}

func encode(t *rapid.T, s State) string {
	data, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
