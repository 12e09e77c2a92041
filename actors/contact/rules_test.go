package contact

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"ramal/internal/fault"
	"ramal/internal/id"
)

// try judges one command at t0+at and returns the state after it, or the refusal.
func try(t *testing.T, s State, at time.Duration, cmd Command) (State, *fault.Error) {
	t.Helper()
	events, err := Decide(s, cmd, t0.Add(at))
	if err == nil {
		return fold(s, events), nil
	}
	e, ok := errors.AsType[*fault.Error](err)
	if !ok {
		t.Fatalf("%v is not a *fault.Error", err)
	}
	return s, e
}

func refused(t *testing.T, s State, at time.Duration, cmd Command, code string, next time.Duration) {
	t.Helper()
	_, err := try(t, s, at, cmd)
	if err == nil || err.Code != code {
		t.Fatalf("t%v %s: want refusal %s, got %v", at, CommandName(cmd), code, err)
	}
	if want := t0.Add(next); next != 0 && !err.NextAllowed.Equal(want) {
		t.Fatalf("t%v %s: next allowed at %v, want %v", at, CommandName(cmd), err.NextAllowed, want)
	}
}

func TestRequestsAreOneADayAndTwoAWeek(t *testing.T) {
	s := tell(t, State{}, moment{0, ana()}, moment{0, ask("m_1")})
	refused(t, s, day-1, ask("m_2"), CodeRequestLimitDay, day)
	s = tell(t, s, moment{day, ask("m_2")})
	refused(t, s, 2*day-1, ask("m_3"), CodeRequestLimitDay, 2*day)
	refused(t, s, 3*day, ask("m_3"), CodeRequestLimitWeek, week)
	tell(t, s, moment{week, ask("m_3")})
}

func TestAConnectedCallStartsRequestsAnew(t *testing.T) {
	for _, d := range []Direction{Inbound, Outbound} {
		s := tell(t, State{}, moment{0, ana()}, moment{0, ask("m_1")},
			moment{time.Hour, CallConnected{Call: "call_1", Line: lineA, Direction: d, Agent: luis}})
		s = tell(t, s, moment{2 * time.Hour, ask("m_2")})
		refused(t, s, 3*time.Hour, ask("m_3"), CodeRequestLimitDay, 26*time.Hour)

		late := tell(t, s, moment{3 * time.Hour, CallConnected{Call: "call_1", Line: lineA, Direction: d, At: t0.Add(time.Hour)}})
		refused(t, late, 3*time.Hour, ask("m_3"), CodeRequestLimitDay, 26*time.Hour) // a duplicate frees nothing
		late = tell(t, s, moment{3 * time.Hour, CallConnected{Call: "call_2", Line: lineA, Direction: d, At: t0.Add(90 * time.Minute)}})
		refused(t, late, 3*time.Hour, ask("m_3"), CodeRequestLimitDay, 26*time.Hour) // nor does a call before the request
	}
}

func TestAFailedRequestGivesItsSlotBack(t *testing.T) {
	s := tell(t, State{}, moment{0, ana()}, moment{0, ask("m_1")}, moment{0, RequestSent{Line: lineA, Message: "m_1", ProviderID: "wamid.1"}})
	failed := tell(t, s, moment{1, RequestFailed{Line: lineA, Message: "m_1", Code: "undeliverable"}})
	if p := failed.Lines[lineA].Permission; p.Status != "" || p.Pending {
		t.Errorf("after a failed request the permission is %+v", p)
	}
	tell(t, failed, moment{2, ask("m_2")})
	refused(t, tell(t, s, moment{1, RequestFailed{Line: lineA, Message: "m_1", Code: codeRequestLimit}}), 2, ask("m_2"), CodeRequestLimitDay, day)
	refused(t, tell(t, s, moment{1, RequestFailed{Line: lineA, Message: "m_1", MaybeSent: true}}), 2, ask("m_2"), CodeRequestLimitDay, day)

	replied := tell(t, s, moment{1, accept("wamid.1")}) // a failure reported after the reply is a contradiction: the reply is the truth
	refused(t, tell(t, replied, moment{2, RequestFailed{Line: lineA, Message: "m_1"}}), 3, ask("m_2"), CodeRequestLimitDay, day)
}

func TestARequestGoesOutAsTheWindowAllows(t *testing.T) {
	s := tell(t, State{}, moment{0, ana()}, moment{0, MessageReceived{Line: lineA}})
	for _, c := range []struct {
		at   time.Duration
		via  string
		text string
	}{{day - 1, ViaInteractive, "Posso ligar?"}, {day, ViaTemplate, ""}} {
		events, err := Decide(s, RequestPermission{Line: lineA, Agent: luis, Message: "m", Text: "Posso ligar?", HasTemplate: true}, t0.Add(c.at))
		if err != nil {
			t.Fatal(err)
		}
		want := []Effect{SendPermissionRequest{Line: lineA, Message: "m", Agent: luis, Via: c.via, Text: c.text}, ContactChanged{}}
		if got := Effects(s, events[0], fold(s, events)); !reflect.DeepEqual(got, want) {
			t.Errorf("t+%v: %+v, want %+v", c.at, got, want)
		}
	}
	refused(t, s, day, RequestPermission{Line: lineA, Agent: luis, Message: "m"}, "no_template", 0)
}

func TestAReplyMayOvertakeTheAcknowledgement(t *testing.T) {
	s := tell(t, State{}, moment{0, ana()}, moment{0, ask("m_1")},
		moment{1, PermissionReplied{Line: lineA, Source: SourceUser, ContextID: "wamid.1"}},
		moment{2, RequestSent{Line: lineA, Message: "m_1", ProviderID: "wamid.1"}})
	if p := s.Lines[lineA].Permission; p.Status != PermissionRefused || p.Pending || p.RequestProviderID != "wamid.1" {
		t.Errorf("the permission is %+v", p)
	}
}

func TestRepliesAreOrderedByTheProvidersTime(t *testing.T) {
	s := tell(t, State{}, moment{0, ana()}, moment{time.Minute, PermissionReplied{Line: lineA, Source: SourceAutomatic, At: t0.Add(50 * time.Second)}})
	late := tell(t, s, moment{2 * time.Minute, PermissionReplied{Line: lineA, Accept: true, Permanent: true, Source: SourceUser, At: t0.Add(40 * time.Second)}})
	if got := late.Lines[lineA].Permission.Status; got != PermissionWithdrawn {
		t.Errorf("a late accept undid the newer revocation: %s", got)
	}
	same := tell(t, s, moment{2 * time.Minute, PermissionReplied{Line: lineA, Accept: true, Permanent: true, Source: SourceUser, At: t0.Add(50 * time.Second)}})
	if got := same.Lines[lineA].Permission.Status; got != PermissionPermanent {
		t.Errorf("of two replies in one second the later to arrive holds, got %s", got)
	}
}

func TestATemporaryPermissionEndsWithoutAWord(t *testing.T) {
	s := tell(t, State{}, moment{0, ana()}, moment{0, ask("m_1")}, moment{time.Hour, accept("wamid.1")})
	end := time.Hour + week
	if got := Deadline(s); !got.Equal(t0.Add(end)) {
		t.Fatalf("the deadline is %v, want the end of the permission", got)
	}
	tell(t, s, moment{end - 1, ReserveCall{Call: "c", Line: lineA, Agent: luis}})
	refused(t, s, end, ReserveCall{Call: "c", Line: lineA, Agent: luis}, CodePermissionExpired, 0)
	if e := Assess(s, lineA, t0.Add(end)); e.CanCall || e.Permission != PermissionOver || e.CallReasons[0].Code != CodePermissionExpired {
		t.Errorf("without Wake the eligibility is %+v", e)
	}
	events, _ := Decide(s, Wake{}, t0.Add(end))
	if len(events) != 1 {
		t.Fatalf("Wake gave %+v", events)
	}
	var told []id.Agent
	for _, ef := range Effects(s, events[0], fold(s, events)) {
		if n, ok := ef.(NotifyAgent); ok && n.Kind == NoticeExpired {
			told = append(told, n.Agent)
		}
	}
	if want := []id.Agent{luis, rosa}; !reflect.DeepEqual(told, want) {
		t.Errorf("told %v, want the one who asked and the one assigned %v", told, want)
	}
}

func TestCallsAreLimitedPerDayAndLine(t *testing.T) {
	s := tell(t, State{}, moment{0, ana()}, moment{0, PermissionReplied{Line: lineA, Accept: true, Permanent: true, Source: SourceUser}},
		moment{0, PermissionReplied{Line: "line_b", Accept: true, Permanent: true, Source: SourceUser}})
	for i, call := range []id.Call{"c_1", "c_2", "c_3", "c_4", "c_5"} {
		s = tell(t, s, talked(call, -time.Duration(i+1)*time.Hour)...)
	}
	refused(t, s, 6*time.Hour, ReserveCall{Call: "c_6", Line: lineA, Agent: luis}, CodeDailyLimit, 25*time.Hour)
	tell(t, s, moment{6 * time.Hour, ReserveCall{Call: "c_6", Line: "line_b", Agent: luis}})
	tell(t, s, moment{25 * time.Hour, ReserveCall{Call: "c_6", Line: lineA, Agent: luis}})

	s.Policy.MaxConnectedPerDay = 6
	tell(t, s, moment{6 * time.Hour, ReserveCall{Call: "c_6", Line: lineA, Agent: luis}})
}

func TestMetasOwnLimits(t *testing.T) {
	s := tell(t, State{}, moment{0, ana()}, moment{0, PermissionReplied{Line: lineA, Accept: true, Source: SourceUser}},
		moment{0, PermissionSynced{Line: lineA, Limits: &MetaLimits{
			StartCall: []MetaLimit{{periodDay, 2, 1, time.Time{}}}, Request: []MetaLimit{{periodDay, 1, 1, t0.Add(time.Hour)}},
		}}})
	refused(t, s, 1, ask("m_1"), CodeRequestLimitDay, time.Hour)
	s = tell(t, s, talked("c_1", -time.Minute)...)
	refused(t, s, 3*time.Minute, ReserveCall{Call: "c_2", Line: lineA, Agent: luis}, CodeMetaDailyLimit, day)
	tell(t, s, moment{3 * time.Minute, ask("m_1")}) // the connected call reset Meta's count of requests too
}

func TestTheUnansweredStreak(t *testing.T) {
	s := tell(t, State{}, moment{0, ana()}, moment{0, PermissionReplied{Line: lineA, Accept: true, Permanent: true, Source: SourceUser}})
	for i, want := range []bool{false, true, false, true} { // before the second Meta warns the user, before the fourth it revokes
		if got := Assess(s, lineA, t0.Add(time.Duration(i)*time.Hour)).Warning; got != want {
			t.Errorf("after %d unanswered calls the warning is %v", i, got)
		}
		s = tell(t, s, ignored(id.Call("c_"+string(rune('1'+i))), -time.Duration(i+1)*time.Hour)...)
	}
	if got := s.Lines[lineA].Unanswered; got != 4 {
		t.Fatalf("the streak is %d", got)
	}
	again := tell(t, s, moment{5 * time.Hour, CallEnded{Call: "c_4", Line: lineA, Direction: Outbound, Reason: endNoAnswer}})
	if got := again.Lines[lineA].Unanswered; got != 4 {
		t.Errorf("a duplicate made the streak %d", got)
	}
	for name, cmd := range map[string]Command{
		"a connected call": CallConnected{Call: "c_9", Line: lineA, Direction: Inbound},
		"the revocation":   PermissionReplied{Line: lineA, Source: SourceAutomatic},
	} {
		if got := tell(t, s, moment{5 * time.Hour, cmd}).Lines[lineA].Unanswered; got != 0 {
			t.Errorf("after %s the streak is %d", name, got)
		}
	}
	for _, reason := range []string{"provider_error", "media_failed", "abandoned"} {
		other := tell(t, s, moment{5 * time.Hour, CallEnded{Call: "c_9", Line: lineA, Direction: Outbound, Reason: reason}})
		if got := other.Lines[lineA].Unanswered; got != 4 {
			t.Errorf("%s, which is not the customer's doing, made the streak %d", reason, got)
		}
	}
}

func TestTheContactsOwnCallWinsOverARingingOne(t *testing.T) {
	s := tell(t, State{}, moment{0, ana()}, moment{0, PermissionReplied{Line: lineA, Accept: true, Source: SourceUser}},
		moment{time.Minute, ReserveCall{Call: "out", Line: lineA, Agent: luis}})
	in := tell(t, s, moment{time.Minute + time.Second, CallArrived{Call: "in", Line: lineA}})
	if in.Active == nil || in.Active.Call != "in" || in.Active.Direction != Inbound {
		t.Fatalf("the active call is %+v", in.Active)
	}
	in = tell(t, in, moment{time.Minute + 2*time.Second, CallEnded{Call: "out", Line: lineA, Direction: Outbound, Reason: "replaced"}})
	if in.Active == nil || in.Active.Call != "in" || in.Lines[lineA].Unanswered != 0 {
		t.Errorf("the end of the replaced call disturbed the other: %+v", in)
	}
	connected := tell(t, s, moment{time.Minute, CallConnected{Call: "out", Line: lineA, Direction: Outbound, Agent: luis}})
	refused(t, connected, 2*time.Minute, CallArrived{Call: "in", Line: lineA}, CodeContactBusy, 0)
}

func TestAnEndMayOvertakeItsBeginning(t *testing.T) {
	s := tell(t, State{}, moment{0, ana()}, moment{0, CallEnded{Call: "in", Line: lineA, Direction: Inbound, Reason: "abandoned"}})
	refused(t, s, 1, CallArrived{Call: "in", Line: lineA}, "call_ended", 0)
	s = tell(t, s, moment{2, CallConnected{Call: "in", Line: lineA, Direction: Inbound}})
	if s.Active != nil {
		t.Errorf("a late pick-up revived the call: %+v", s.Active)
	}
}

func TestTheServiceWindow(t *testing.T) {
	base := tell(t, State{}, moment{0, ana()})
	for name, c := range map[string]struct {
		cmd  Command
		want time.Time
	}{
		"a message":                      {MessageReceived{Line: lineA, At: t0}, t0.Add(day)},
		"a call, answered or not":        {CallArrived{Call: "in", Line: lineA, At: t0}, t0.Add(day)},
		"the user's pick-up":             {CallConnected{Call: "out", Line: lineA, Direction: Outbound, At: t0}, t0.Add(day)},
		"our pick-up":                    {CallConnected{Call: "in", Line: lineA, Direction: Inbound, At: t0}, time.Time{}},
		"a message of ours":              {MessageSent{Line: lineA, Agent: luis, At: t0}, time.Time{}},
		"a message with a time to come":  {MessageReceived{Line: lineA, At: t0.Add(month)}, t0.Add(day + time.Hour)},
		"a message that took a day":      {MessageReceived{Line: lineA, At: t0.Add(-day)}, t0},
		"an unanswered call by us, only": {CallEnded{Call: "out", Line: lineA, Direction: Outbound, Reason: endNoAnswer, At: t0}, time.Time{}},
	} {
		if got := tell(t, base, moment{time.Hour, c.cmd}).Lines[lineA].WindowUntil; !got.Equal(c.want) {
			t.Errorf("%s: the window ends at %v, want %v", name, got, c.want)
		}
	}
}

func TestALeaseFreesTheContact(t *testing.T) {
	s := tell(t, State{}, moment{0, ana()}, moment{0, PermissionReplied{Line: lineA, Accept: true, Permanent: true, Source: SourceUser}},
		moment{0, ReserveCall{Call: "c_1", Line: lineA, Agent: luis}}, moment{time.Minute, RenewCall{Call: "c_1", Until: t0.Add(3 * time.Minute)}})
	refused(t, s, 3*time.Minute-1, ReserveCall{Call: "c_2", Line: lineA, Agent: luis}, CodeContactBusy, 3*time.Minute)
	tell(t, s, moment{3 * time.Minute, ReserveCall{Call: "c_2", Line: lineA, Agent: luis}})
	refused(t, s, 3*time.Minute, RenewCall{Call: "c_1", Until: t0.Add(time.Hour)}, "call_unknown", 0)
	back := tell(t, s, moment{3 * time.Minute, CallConnected{Call: "c_1", Line: lineA, Direction: Outbound, Agent: luis}})
	if back.Active == nil || !back.Active.Connected || back.Active.Call != "c_1" {
		t.Errorf("a call that goes on did not take its place again: %+v", back.Active)
	}
}

func TestRelatedAgents(t *testing.T) {
	s := tell(t, State{}, moment{-month, ana()},
		moment{-9 * day, RecordOrder{Order{Number: "1", Agent: luis, At: t0.Add(-9 * day)}}},
		moment{-8 * day, RecordOrder{Order{Number: "2", Agent: "fernando", At: t0.Add(-8 * day)}}},
		moment{-3 * day, Edit{Assigned: new(id.Agent(""))}}, moment{-2 * day, Edit{Assigned: new(rosa)}},
		moment{-time.Hour, MessageSent{Line: lineA, Agent: "bia"}},
		moment{-time.Hour, MessageSent{Line: lineA, Agent: rosa}},
		moment{-time.Minute, CallEnded{Call: "c", Line: lineA, Direction: Inbound, Answered: true, Agents: []id.Agent{"caio", luis}, Reason: "completed"}})
	want := []Related{
		{"fernando", ReasonOrderOwner, "2", t0.Add(-8 * day)},
		{luis, ReasonOrderOwner, "1", t0.Add(-9 * day)},
		{rosa, ReasonAssigned, "", t0.Add(-2 * day)},
		{"caio", ReasonRecentCall, "c", t0.Add(-time.Minute)},
		{"bia", ReasonRecentConversation, "", t0.Add(-time.Hour)},
	}
	if got := RelatedAgents(s, t0, month); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got := RelatedAgents(s, t0, time.Hour-1); len(got) != 2 || got[0].Agent != "caio" || got[1] != (Related{luis, ReasonRecentCall, "c", t0.Add(-time.Minute)}) {
		t.Errorf("within the last hour: %+v", got)
	}
}

func TestAnOlderOrderDoesNotReplaceTheNewest(t *testing.T) {
	s := tell(t, State{}, moment{0, ana()}, moment{1, RecordOrder{Order{Number: "2", At: t0.Add(-time.Hour)}}},
		moment{2, RecordOrder{Order{Number: "1", At: t0.Add(-2 * time.Hour)}}}, moment{3, RecordOrder{Order{Number: "2", Status: "old", At: t0.Add(-3 * time.Hour)}}})
	if s.OrderNo != "2" || len(s.Orders) != 2 || s.Orders[0].Number != "2" || s.Orders[0].Status != "" {
		t.Errorf("order %q, orders %+v", s.OrderNo, s.Orders)
	}
}

func TestNoticesOfTwoContactsAreTwo(t *testing.T) { // an agent may hear from both in the same millisecond
	keys := map[string]bool{}
	for _, who := range []id.Contact{"ct_ana", "ct_bruno"} {
		c := ana()
		c.ID = who
		s := tell(t, State{}, moment{0, c}, moment{0, ask("m_1")})
		events, err := Decide(s, PermissionReplied{Line: lineA, Accept: true, Source: SourceUser, ContextID: "wamid.1"}, t0)
		if err != nil {
			t.Fatal(err)
		}
		for _, ef := range Effects(s, events[0], fold(s, events)) {
			if n, ok := ef.(NotifyAgent); ok {
				keys[n.Key] = true
			}
		}
	}
	if len(keys) != 2 {
		t.Errorf("the keys are %v", keys)
	}
}
