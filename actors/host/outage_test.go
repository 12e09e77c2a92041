package host

import (
	"context"
	"testing"
	"time"

	"ramal/actors"
	"ramal/actors/agent"
	"ramal/actors/call"
	"ramal/actors/contact"
	"ramal/internal/fault"
	"ramal/internal/id"
	"ramal/store"
	"ramal/store/storetest"
)

// patience is more than anything takes that waits for nobody, on a busy machine, and far less than what waits for a timeout.
const patience = 5 * time.Second

// quickly does something for an agent, and demands that it takes no longer than people wait.
func (r *rig) quickly(x *tab, req actors.Request) {
	r.t.Helper()
	began := time.Now()
	_, err := r.h.Do(r.t.Context(), x.who, req)
	if err != nil {
		r.t.Errorf("%T: %v", req, err)
	}
	if took := time.Since(began); took > patience {
		r.t.Errorf("%T took %v", req, took)
	}
}

// TestCallOutlivesTheStore: mute, volume and hanging up work at once while the database is away, and are in the journal afterwards.
func TestCallOutlivesTheStore(t *testing.T) {
	for name, outage := range map[string]func(*storetest.Breaker){
		"connections break":     (*storetest.Breaker).Cut,
		"packets are swallowed": (*storetest.Breaker).Stall,
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			luis := r.open("luis")
			c, d := r.talk(luis)
			r.free0(c)
			before := len(r.journal(c))
			outage(r.breaker)
			r.quickly(luis, actors.Mute{Call: c, Muted: true})
			var contactLeg id.Leg
			for _, p := range r.view(c).Participants {
				if p.Kind == "contact" {
					contactLeg = p.LegID
				}
			}
			r.quickly(luis, actors.SetVolume{Call: c, Leg: contactLeg, Gain: 1.5})
			if v := r.view(c); !v.Unsaved || v.State != "active" {
				t.Errorf("without a store the call is %s, unsaved %v", v.State, v.Unsaved)
			}
			eventually(t, "the tab is told that the record follows", func() bool {
				for _, p := range luis.got(actors.EventCallUpdated) {
					var v actors.CallView
					if unpack(p.Data, &v) == nil && v.Unsaved {
						return true
					}
				}
				return false
			})
			if got := see(r.spy, func() int { return r.spy.unsaved }); got != 1 {
				t.Errorf("%d calls count as unsaved, want 1", got)
			}
			r.quickly(luis, actors.Mute{Call: c, Muted: false})
			r.quickly(luis, actors.End{Call: c})
			eventually(t, "the provider is told at once", func() bool { return len(r.meta.seen("terminate")) == 1 })
			if got := r.meta.seen("terminate")[0].call; got != d.call {
				t.Errorf("hung up %s", got)
			}
			if row, err := r.st.GetCall(t.Context(), acme, c); err != nil || row.State != "active" || row.Seq != int64(before) {
				t.Errorf("meanwhile the row is %+v, %v", row, err)
			}
			r.breaker.Restore()
			row := r.row(c, call.Ended)
			if row.EndReason != "completed" || row.EndedBy != "agent" {
				t.Errorf("it ended as %s by %s", row.EndReason, row.EndedBy)
			}
			events := r.journal(c)
			if count(events, "Muted") != 2 || count(events, "GainSet") != 1 || count(events, "Finished") != 1 {
				t.Errorf("the journal is %v", events)
			}
			eventually(t, "no call is unsaved", func() bool { return see(r.spy, func() int { return r.spy.unsaved }) == 0 })
			r.free("luis")
		})
	}
}

// free0 waits until the contact knows that the call is connected: what is told then must not meet the outage of the test.
func (r *rig) free0(c id.Call) {
	r.t.Helper()
	eventually(r.t, "the contact knows", func() bool {
		s, err := peekAt[contact.State](context.Background(), r.h, kindContact, contactID(acme, r.ana))
		return err == nil && s.Active != nil && s.Active.Call == c && s.Active.Connected
	})
	eventually(r.t, "the agent is confirmed", func() bool {
		s, err := peekAt[agent.State](context.Background(), r.h, kindAgent, agentID(acme, "luis"))
		return err == nil && s.Call != nil && s.Call.Confirmed
	})
}

// TestWebhooksWithoutStore: nothing is taken that could be lost.
func TestWebhooksWithoutStore(t *testing.T) {
	r := newRig(t)
	r.breaker.Cut()
	items := itemsOf(t, inConnect("wacid.1", phoneOffer(t)))
	if err := r.h.Accept(t.Context(), items); !fault.Is(err, fault.Unavailable) {
		t.Errorf("got %v, want Unavailable: the sender must deliver again", err)
	}
	r.breaker.Restore()
	eventually(t, "the store is back", func() bool { return r.h.Accept(context.Background(), items) == nil })
	eventually(t, "the call rings", func() bool { return len(r.meta.seen("pre_accept")) == 1 })
}

// journaled makes a call with a journal, and an actor of it that nobody runs: what its append does can be watched.
func (r *rig) journaled(c id.Call) (*callActor, call.State) {
	r.t.Helper()
	begun := created(call.Outbound)
	begun.Call = c
	s := foldCall(begun, luisJoins)
	a := &callActor{h: r.h, node: "node_1", call: c, s: s, about: begin{Dial: &call.Dial{Tenant: acme}}}
	ok(r.t, r.st.InsertCall(r.t.Context(), store.CallRow{
		Tenant: acme, ID: c, Line: s.Line, Contact: s.Contact, Direction: store.Outbound, Node: "node_1", CreatedAt: at(0),
	}))
	return a, s
}

func event(n int64, kind string) store.CallEvent {
	return store.CallEvent{Seq: n, Type: kind, Data: []byte(`{"leg":"leg_l","muted":true}`), At: noon.Add(time.Duration(n)*time.Second + 123456789)}
}

// TestAppendWithUnknownOutcome: an attempt whose answer was lost is recognised by what the journal holds.
func TestAppendWithUnknownOutcome(t *testing.T) {
	r := newRig(t)
	ours := []store.CallEvent{event(1, "Muted"), event(2, "GainSet"), event(3, "Muted")}
	later := ours[1]
	later.At = later.At.Add(time.Second)
	for name, c := range map[string]struct {
		have     []store.CallEvent // in the journal before
		conflict bool
		want     []string
	}{
		"nothing was written":         {nil, false, []string{"Muted", "GainSet", "Muted"}},
		"all was":                     {ours, false, []string{"Muted", "GainSet", "Muted"}},
		"the first part was":          {ours[:1], false, []string{"Muted", "GainSet", "Muted"}},
		"all but the last was":        {ours[:2], false, []string{"Muted", "GainSet", "Muted"}},
		"another event was":           {[]store.CallEvent{event(1, "Finished")}, true, []string{"Finished"}},
		"another second event was":    {[]store.CallEvent{event(1, "Muted"), event(2, "Finished")}, true, []string{"Muted", "Finished"}},
		"another time was":            {[]store.CallEvent{event(1, "Muted"), later}, true, []string{"Muted", "GainSet"}},
		"ours and more than ours was": {append(ours[:3:3], event(4, "Finished")), false, []string{"Muted", "GainSet", "Muted", "Finished"}}, // the next finds out
	} {
		t.Run(name, func(t *testing.T) {
			r := r.in(t)
			a, s := r.journaled(id.Call(id.New("call", time.Now())))
			if len(c.have) > 0 {
				row := a.row(s)
				row.Seq = int64(len(c.have))
				ok(t, r.st.AppendCallEvents(t.Context(), 0, c.have, row))
			}
			a.unsaved = append([]store.CallEvent(nil), ours...)
			a.seq = 3
			var err error
			eventually(t, "the store answers in time", func() bool { err = a.append(s); return !fault.Is(err, fault.Unavailable) })
			if c.conflict != fault.Is(err, fault.Conflict) || !c.conflict && err != nil {
				t.Errorf("append: %v, want a conflict: %v", err, c.conflict)
			}
			if err == nil && len(a.unsaved) != 0 {
				t.Errorf("%d events count as unsaved", len(a.unsaved))
			}
			events, err := r.st.CallEvents(t.Context(), acme, a.call, 0)
			ok(t, err)
			var got []string
			for _, ev := range events {
				got = append(got, ev.Type)
			}
			same(t, "journal", got, c.want)
			a.seq, a.unsaved = 4, []store.CallEvent{event(4, "Left")}
			if len(c.want) > 3 && !fault.Is(a.append(s), fault.Conflict) {
				t.Error("after the journal has grown otherwise, the next event is no conflict")
			}
			if row, err := r.st.GetCall(t.Context(), acme, a.call); err != nil || row.Seq != int64(len(c.want)) {
				t.Errorf("the row is at %d, %v; want %d", row.Seq, err, len(c.want))
			}
		})
	}
}

// overtake ends a call as another node would that takes this one for dead.
func (r *rig) overtake(c id.Call) {
	r.t.Helper()
	row, err := r.st.GetCall(r.t.Context(), acme, c)
	ok(r.t, err)
	r.h.buryCall(r.t.Context(), row)
	r.row(c, call.Ended)
}

// TestOvertakenCallStops: two writers of one journal would tell two stories; the one that comes second stops.
func TestOvertakenCallStops(t *testing.T) {
	r := newRig(t)
	luis := r.open("luis")
	c, _ := r.talk(luis)
	r.overtake(c)
	events := len(r.journal(c))
	_, err := r.h.Do(t.Context(), luis.who, actors.Mute{Call: c, Muted: true})
	wantFault(t, "a command to it", err, fault.Conflict, codeOvertaken)
	eventually(t, "its actor is gone", func() bool { return r.h.Load() == 0 && !r.node.lives(callName("node_1", c)) })
	_, err = r.h.Do(t.Context(), luis.who, actors.Mute{Call: c, Muted: true})
	wantFault(t, "the next command", err, fault.Conflict, "call_ended")
	if got := len(r.journal(c)); got != events {
		t.Errorf("the journal has %d events, had %d", got, events)
	}
	r.free("luis")
}
