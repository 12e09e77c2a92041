package contact

import (
	"testing"
	"time"

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

const (
	lineA = id.Line("line_a")
	luis  = id.Agent("luis")
	rosa  = id.Agent("rosa")
	month = 30 * day
)

func ana() Create {
	return Create{
		Tenant: "farmacia", ID: "ct_ana", Identifiers: []Identifier{{KindPhone, "5511987654321"}},
		Profile: Profile{Name: "Ana", Tags: []string{"vip"}, Assigned: rosa, AssignedAt: t0.Add(-month)},
	}
}

func ask(message id.Message) RequestPermission {
	return RequestPermission{Line: lineA, Agent: luis, Message: message, HasTemplate: true}
}

func accept(context string) PermissionReplied {
	return PermissionReplied{Line: lineA, Accept: true, Source: SourceUser, ContextID: context}
}

func talked(call id.Call, ago time.Duration) []moment {
	return []moment{
		{-ago, ReserveCall{Call: call, Line: lineA, Agent: luis}},
		{-ago, CallConnected{Call: call, Line: lineA, Direction: Outbound, Agent: luis}},
		{-ago + time.Minute, CallEnded{Call: call, Line: lineA, Direction: Outbound, Answered: true, Agents: []id.Agent{luis}, Reason: "completed"}},
	}
}

func ignored(call id.Call, ago time.Duration) []moment {
	return []moment{
		{-ago, ReserveCall{Call: call, Line: lineA, Agent: luis}},
		{-ago + time.Minute, CallEnded{Call: call, Line: lineA, Direction: Outbound, Agents: []id.Agent{luis}, Reason: endNoAnswer}},
	}
}

func states(t testing.TB) []namedState {
	fresh := tell(t, State{}, moment{-month, ana()})
	asked := tell(t, fresh, moment{-time.Hour, ask("m_1")})
	acked := tell(t, asked, moment{-time.Hour, RequestSent{Line: lineA, Message: "m_1", ProviderID: "wamid.1"}})
	temporary := tell(t, fresh, moment{-day, ask("m_1")}, moment{-day, RequestSent{Line: lineA, Message: "m_1", ProviderID: "wamid.1"}},
		moment{-time.Hour, accept("wamid.1")})
	permanent := tell(t, acked, moment{-time.Minute, PermissionReplied{Line: lineA, Accept: true, Permanent: true, Source: SourceUser, ContextID: "wamid.1"}})
	reserved := tell(t, temporary, moment{-10 * time.Second, ReserveCall{Call: "call_1", Line: lineA, Agent: luis}})
	arrived := tell(t, temporary, moment{-10 * time.Second, CallArrived{Call: "call_1", Line: lineA}})
	connected := tell(t, reserved, moment{0, CallConnected{Call: "call_1", Line: lineA, Direction: Outbound, Agent: luis}})
	busyDay, streak := temporary, temporary
	for i, call := range []id.Call{"c_1", "c_2", "c_3", "c_4", "c_5"} {
		busyDay = tell(t, busyDay, talked(call, time.Duration(50-i)*time.Minute)...)
	}
	for i, call := range []id.Call{"c_1", "c_2", "c_3"} {
		streak = tell(t, streak, ignored(call, time.Duration(50-i)*time.Minute)...)
	}
	return []namedState{
		{"unborn", State{}},
		{"fresh", fresh},
		{"window open", tell(t, fresh, moment{-time.Hour, MessageReceived{Line: lineA}})},
		{"requested", asked},
		{"requested, acknowledged", acked},
		{"requested, unanswered for a week", tell(t, fresh, moment{-week, ask("m_1")})},
		{"temporary", temporary},
		{"temporary, asked again", tell(t, temporary, moment{0, ask("m_1b")})},
		{"permanent", permanent},
		{"declined", tell(t, acked, moment{-time.Minute, PermissionReplied{Line: lineA, Source: SourceUser, ContextID: "wamid.1"}})},
		{"run out, not yet recorded", tell(t, fresh, moment{-8 * day, accept("")})},
		{"expired", tell(t, fresh, moment{-8 * day, accept("")}, moment{-time.Hour, Wake{}})},
		{"revoked", tell(t, permanent, moment{0, PermissionReplied{Line: lineA, Source: SourceAutomatic}})},
		{"requests used up", tell(t, fresh, moment{-6 * day, ask("m_0")}, moment{-2 * day, ask("m_1")})},
		{"daily limit", busyDay},
		{"Meta's limits", tell(t, temporary, moment{-time.Minute, PermissionSynced{Line: lineA, Limits: &MetaLimits{
			StartCall: []MetaLimit{{periodDay, 100, 100, t0.Add(time.Hour)}}, Request: []MetaLimit{{periodWeek, 2, 2, t0.Add(2 * time.Hour)}},
		}}})},
		{"three unanswered", streak},
		{"reserved", reserved},
		{"reserved, lease over", tell(t, temporary, moment{-time.Hour, ReserveCall{Call: "call_1", Line: lineA, Agent: luis}})},
		{"arrived", arrived},
		{"connected", connected},
		{"ended", tell(t, connected, moment{0, CallEnded{Call: "call_1", Line: lineA, Direction: Outbound, Answered: true, Reason: "completed"}})},
	}
}

func commands() []namedCommand {
	return []namedCommand{
		{"create", ana()},
		{"edit nothing", Edit{By: luis, Name: new("Ana")}},
		{"edit", Edit{By: luis, Name: new("Ana Souza"), Status: new("cliente"), Tags: new([]string{"vip", "diabetes"}), OrderNo: new("991"), QuoteCents: new(int64(5990)), Assigned: new(luis)}},
		{"edit badly", Edit{QuoteCents: new(int64(-1))}},
		{"add known identifier", AddIdentifiers{[]Identifier{{KindPhone, "5511987654321"}}}},
		{"add identifier", AddIdentifiers{[]Identifier{{KindBSUID, "BR.8kJ2"}}}},
		{"add unknown kind", AddIdentifiers{[]Identifier{{"fax", "1"}}}},
		{"record order", RecordOrder{Order{Number: "991", Agent: luis, Status: "aberto", Cents: 5990, At: t0.Add(-time.Hour)}}},
		{"request permission", RequestPermission{Line: lineA, Agent: luis, Message: "m_2", Text: "Podemos ligar?", HasTemplate: true}},
		{"request permission without template", RequestPermission{Line: lineA, Agent: luis, Message: "m_2"}},
		{"request permission again", ask("m_1")},
		{"request sent", RequestSent{Line: lineA, Message: "m_1", ProviderID: "wamid.1"}},
		{"request failed", RequestFailed{Line: lineA, Message: "m_1", Code: "undeliverable", Detail: "old client"}},
		{"request failed at Meta's limit", RequestFailed{Line: lineA, Message: "m_1", Code: codeRequestLimit}},
		{"request failed as permanent", RequestFailed{Line: lineA, Message: "m_1", Code: codePermanent}},
		{"request maybe sent", RequestFailed{Line: lineA, Message: "m_1", MaybeSent: true}},
		{"reply accept", PermissionReplied{Line: lineA, Accept: true, Source: SourceUser, ContextID: "wamid.1", Until: t0.Add(week), At: t0}},
		{"reply accept permanently", PermissionReplied{Line: lineA, Accept: true, Permanent: true, Source: SourceUser, ContextID: "wamid.1", At: t0}},
		{"reply accept in the profile", PermissionReplied{Line: lineA, Accept: true, Permanent: true, Source: SourceUser, At: t0}},
		{"reply accept by calling", PermissionReplied{Line: lineA, Accept: true, Source: SourceAutomatic, ContextID: "wacid.1", Until: t0.Add(week), At: t0}},
		{"reply accept long ago", PermissionReplied{Line: lineA, Accept: true, Source: SourceUser, ContextID: "wamid.0", At: t0.Add(-month)}},
		{"reply reject", PermissionReplied{Line: lineA, Source: SourceUser, ContextID: "wamid.1", At: t0}},
		{"reply reject in the profile", PermissionReplied{Line: lineA, Source: SourceUser, At: t0}},
		{"reply reject by Meta", PermissionReplied{Line: lineA, Source: SourceAutomatic, At: t0}},
		{"sync none", PermissionSynced{Line: lineA, Status: metaNone, At: t0}},
		{"sync temporary", PermissionSynced{Line: lineA, Status: metaTemporary, Until: t0.Add(day), At: t0}},
		{"sync temporary without end", PermissionSynced{Line: lineA, Status: metaTemporary, At: t0}},
		{"sync permanent", PermissionSynced{Line: lineA, Status: metaPermanent, At: t0}},
		{"sync limits", PermissionSynced{Line: lineA, Limits: &MetaLimits{CanCall: true, StartCall: []MetaLimit{{periodDay, 100, 7, time.Time{}}}}, At: t0}},
		{"sync long ago", PermissionSynced{Line: lineA, Status: metaNone, At: t0.Add(-month)}},
		{"sync nonsense", PermissionSynced{Line: lineA, Status: "maybe"}},
		{"reserve call", ReserveCall{Call: "call_2", Line: lineA, Agent: rosa}},
		{"reserve the same call", ReserveCall{Call: "call_1", Line: lineA, Agent: luis}},
		{"reserve on another line", ReserveCall{Call: "call_2", Line: "line_b", Agent: rosa}},
		{"reserve without ids", ReserveCall{}},
		{"release call", ReleaseCall{Call: "call_1"}},
		{"call arrived", CallArrived{Call: "call_2", Line: lineA, At: t0}},
		{"the same call arrived", CallArrived{Call: "call_1", Line: lineA, At: t0}},
		{"an older call arrived", CallArrived{Call: "call_0", Line: lineA, At: t0.Add(-time.Minute)}},
		{"call connected", CallConnected{Call: "call_1", Line: lineA, Direction: Outbound, Agent: luis, At: t0}},
		{"inbound call connected", CallConnected{Call: "call_1", Line: lineA, Direction: Inbound, Agent: rosa, At: t0}},
		{"call ended unanswered", CallEnded{Call: "call_1", Line: lineA, Direction: Outbound, Agents: []id.Agent{luis}, Reason: endNoAnswer, At: t0}},
		{"call ended refused", CallEnded{Call: "call_1", Line: lineA, Direction: Outbound, Reason: endDeclined, At: t0}},
		{"call ended answered", CallEnded{Call: "call_1", Line: lineA, Direction: Outbound, Answered: true, Agents: []id.Agent{luis, rosa}, Reason: "completed", At: t0}},
		{"inbound call ended abandoned", CallEnded{Call: "call_1", Line: lineA, Direction: Inbound, Reason: "abandoned", At: t0}},
		{"another call ended", CallEnded{Call: "call_9", Line: lineA, Direction: Inbound, Reason: "abandoned", At: t0}},
		{"renew call", RenewCall{Call: "call_1", Until: t0.Add(time.Hour)}},
		{"renew another call", RenewCall{Call: "call_9", Until: t0.Add(time.Hour)}},
		{"message received", MessageReceived{Line: lineA, At: t0.Add(-time.Second)}},
		{"message sent", MessageSent{Line: lineA, Agent: rosa, At: t0}},
		{"wake", Wake{}},
	}
}
