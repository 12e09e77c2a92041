package contact

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ramal/internal/fault"
	"ramal/internal/id"
)

// world is a contact with a random history, and what an onlooker counted of it.
type world struct {
	s     State
	now   time.Time
	n     int                       // for fresh ids
	out   map[id.Line][]time.Time   // outbound calls that connected, counted from the commands
	asked map[id.Line][]SentRequest // requests that went out since the last connected call
	calls map[id.Call]id.Line       // calls that connected
	past  map[string]State          // each state under the JSON it had when it was made
	dir   map[id.Call]CallConnected
}

// TestRandomHistories holds the invariants of doc.go over random commands at random times, webhooks duplicated and reordered.
func TestRandomHistories(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &world{
			now: t0, out: map[id.Line][]time.Time{}, asked: map[id.Line][]SentRequest{}, calls: map[id.Call]id.Line{},
			past: map[string]State{}, dir: map[id.Call]CallConnected{},
		}
		w.apply(t, ana())
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			w.now = w.now.Add(rapid.SampledFrom([]time.Duration{0, time.Second, time.Minute, time.Hour, 20 * time.Hour, day, 3 * day}).Draw(t, "pause"))
			w.apply(t, command(w).Draw(t, "command"))
			w.check(t)
		}
		for was, s := range w.past {
			if encode(t, s) != was {
				t.Fatalf("a later event changed an earlier state\nwas %s\nis  %s", was, encode(t, s))
			}
		}
	})
}

func (w *world) apply(t *rapid.T, cmd Command) {
	before := w.s
	events, err := Decide(before, cmd, w.now)
	if err != nil {
		if fault.CodeOf(err) == "" || fault.KindOf(err) == fault.Internal {
			t.Fatalf("%s: a rejection without code: %v", CommandName(cmd), err)
		}
		return
	}
	for _, ev := range events {
		after := Evolve(w.s, ev)
		Effects(w.s, ev, after)
		w.s = after
	}
	w.past[encode(t, w.s)] = w.s
	w.count(t, events, cmd)
	if _, ok := cmd.(MessageSent); ok {
		return
	}
	if again, _ := Decide(w.s, cmd, w.now); len(again) > 0 {
		t.Fatalf("%s twice: the second made %+v", CommandName(cmd), again)
	}
}

// count keeps the onlooker's books and holds the limits against them.
func (w *world) count(t *rapid.T, events []Event, cmd Command) {
	switch c := any(cmd).(type) {
	case ReserveCall:
		if !made[CallReserved](events) {
			return // repeated
		}
		if used := within(w.out[c.Line], w.now, day); used >= 5 {
			t.Fatalf("a call was reserved after %d connected ones in 24 h", used)
		}
	case CallConnected:
		if _, known := w.calls[c.Call]; known {
			return
		}
		w.calls[c.Call] = c.Line
		if c.Direction == Outbound {
			w.out[c.Line] = append(w.out[c.Line], at(c.At, w.now))
		}
		w.asked[c.Line] = slices.DeleteFunc(w.asked[c.Line], func(r SentRequest) bool { return !r.At.After(at(c.At, w.now)) })
	case RequestPermission:
		if !made[PermissionRequested](events) {
			return // repeated
		}
		var times []time.Time
		for _, r := range w.asked[c.Line] {
			times = append(times, r.At)
		}
		if within(times, w.now, day) >= 1 || within(times, w.now, week) >= 2 {
			t.Fatalf("a request went out after those at %v", times)
		}
		w.asked[c.Line] = append(w.asked[c.Line], SentRequest{Message: c.Message, At: w.now})
	case RequestFailed:
		kept := slices.ContainsFunc(w.s.Lines[c.Line].Requests, func(r SentRequest) bool { return r.Message == c.Message })
		if !kept {
			w.asked[c.Line] = slices.DeleteFunc(w.asked[c.Line], func(r SentRequest) bool { return r.Message == c.Message })
		}
	}
}

func (w *world) check(t *rapid.T) {
	w.checkEligibility(t)
	woken := w.s
	events, err := Decide(woken, Wake{}, w.now)
	if err != nil {
		t.Fatalf("Wake was refused: %v", err)
	}
	woken = fold(woken, events)
	if d := Deadline(woken); !d.IsZero() && !d.After(w.now) {
		t.Fatalf("after Wake the deadline %v is still due at %v", d, w.now)
	}
	if d := Deadline(w.s); len(events) > 0 == (d.IsZero() || d.After(w.now)) {
		t.Fatalf("the deadline is %v, and Wake at %v made %d events", d, w.now, len(events))
	}
	if a := woken.Active; a != nil && (!a.LeaseUntil.After(w.now) || slices.Contains(woken.Ended, a.Call)) {
		t.Fatalf("the active call %+v is over", a)
	}
	if len(w.s.Orders) > MaxOrders || len(w.s.Involved) > MaxInvolved || len(w.s.Identifiers) > MaxIdentifiers || len(w.s.Ended) > maxEnded {
		t.Fatal("a list grew beyond its bound")
	}
	var back State
	if err := json.Unmarshal([]byte(encode(t, w.s)), &back); err != nil || encode(t, back) != encode(t, w.s) {
		t.Fatalf("the state does not survive storage: %v", err)
	}
	for _, l := range w.s.Lines {
		p := l.Permission
		if p.Status == PermissionAsked && !p.Pending || p.Previous == PermissionAsked || p.Status == PermissionPermanent && p.Pending {
			t.Fatalf("the permission is out of shape: %+v", p)
		}
	}
}

// checkEligibility holds Assess against Decide, before any Wake.
func (w *world) checkEligibility(t *rapid.T) {
	for _, line := range []id.Line{lineA, "line_b"} {
		e := Assess(w.s, line, w.now)
		_, callErr := Decide(w.s, ReserveCall{Call: "probe", Line: line, Agent: luis}, w.now)
		_, askErr := Decide(w.s, RequestPermission{Line: line, Agent: luis, Message: "probe", HasTemplate: true}, w.now)
		if e.CanCall != (callErr == nil) || e.CanRequest != (askErr == nil) {
			t.Fatalf("eligibility %+v, but a call gave %v and a request gave %v", e, callErr, askErr)
		}
		if e.CanCall != (len(e.CallReasons) == 0) || callErr != nil && fault.CodeOf(callErr) != e.CallReasons[0].Code {
			t.Fatalf("the reasons %+v do not explain %v", e.CallReasons, callErr)
		}
		for _, r := range append(e.CallReasons, e.RequestReasons...) {
			if !r.NextAllowed.IsZero() && !r.NextAllowed.After(w.now) {
				t.Fatalf("%s holds until %v, which has passed", r.Code, r.NextAllowed)
			}
			if detailOf(r.Code) == "" {
				t.Fatalf("no words for %s", r.Code)
			}
		}
		p := w.s.Lines[line].Permission
		if e.CanCall && p.Status != PermissionPermanent && (p.Status != PermissionTemporary || !w.now.Before(p.Until)) {
			t.Fatalf("a call is allowed with the permission %+v", p)
		}
	}
}

// command draws a command. Ids come from small pools so that commands meet.
func command(w *world) *rapid.Generator[Command] {
	return rapid.Custom(func(t *rapid.T) Command {
		w.n++
		line := rapid.SampledFrom([]id.Line{lineA, lineA, lineA, "line_b"}).Draw(t, "line")
		agent := rapid.SampledFrom([]id.Agent{luis, rosa, "bia"}).Draw(t, "agent")
		call := rapid.SampledFrom([]id.Call{"c_1", "c_2", "c_3", id.Call("c_new" + itoa(w.n))}).Draw(t, "call")
		message := rapid.SampledFrom([]id.Message{"m_1", "m_2", id.Message("m_new" + itoa(w.n))}).Draw(t, "message")
		wamid := rapid.SampledFrom([]string{"", "w_1", "w_2"}).Draw(t, "wamid")
		when := w.now.Add(-rapid.SampledFrom([]time.Duration{0, 0, time.Second, time.Hour, 2 * day}).Draw(t, "late"))
		yes := rapid.Bool().Draw(t, "yes")
		dir := rapid.SampledFrom([]Direction{Inbound, Outbound}).Draw(t, "direction")
		switch rapid.IntRange(0, 17).Draw(t, "kind") {
		case 0:
			return Edit{Assigned: &agent, Status: new(string(message))}
		case 1:
			return AddIdentifiers{[]Identifier{{KindEmail, string(message)}}}
		case 2:
			return RecordOrder{Order{Number: string(message), Agent: agent, At: when}}
		case 3, 4:
			return RequestPermission{Line: line, Agent: agent, Message: message, HasTemplate: yes}
		case 5:
			return RequestSent{Line: line, Message: message, ProviderID: "w_" + string(message[2:])}
		case 6:
			return RequestFailed{Line: line, Message: message, MaybeSent: yes, Code: rapid.SampledFrom([]string{"", "undeliverable", codeRequestLimit, codePermanent}).Draw(t, "code")}
		case 7, 8:
			return PermissionReplied{Line: line, Accept: yes, Permanent: yes && rapid.Bool().Draw(t, "permanent"), Until: when.Add(week), ContextID: wamid, At: when, Source: rapid.SampledFrom([]string{SourceUser, SourceAutomatic}).Draw(t, "source")}
		case 9:
			limits := &MetaLimits{StartCall: []MetaLimit{{periodDay, 3, rapid.IntRange(0, 3).Draw(t, "used"), time.Time{}}}}
			return PermissionSynced{Line: line, Status: rapid.SampledFrom([]string{"", metaNone, metaTemporary, metaPermanent}).Draw(t, "status"), Limits: limits, At: when}
		case 10:
			return ReserveCall{Call: call, Line: line, Agent: agent}
		case 11:
			return ReleaseCall{Call: call}
		case 12:
			return CallArrived{Call: call, Line: line, At: when}
		case 13:
			known, ok := w.dir[call]
			if !ok { // of one call there is one truth, told again and again
				known = CallConnected{Call: call, Line: line, Direction: dir, Agent: agent, At: when}
				w.dir[call] = known
			}
			return known
		case 14:
			return CallEnded{Call: call, Line: line, Direction: dir, Answered: yes, Agents: []id.Agent{agent}, At: when, Reason: rapid.SampledFrom([]string{endNoAnswer, "completed"}).Draw(t, "reason")}
		case 15:
			return RenewCall{Call: call, Until: w.now.Add(time.Minute)}
		case 16:
			if yes {
				return MessageReceived{Line: line, At: when}
			}
			return MessageSent{Line: line, Agent: agent, At: when}
		}
		return Wake{}
	})
}

func made[T Event](events []Event) bool {
	return slices.ContainsFunc(events, func(ev Event) bool { _, ok := ev.(T); return ok })
}

func within(times []time.Time, now time.Time, span time.Duration) int {
	n := 0
	for _, t := range times {
		if t.After(now.Add(-span)) {
			n++
		}
	}
	return n
}

func encode(t *rapid.T, s State) string {
	data, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func itoa(n int) string {
	data, _ := json.Marshal(n)
	return string(data)
}
