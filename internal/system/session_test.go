package system

import (
	"reflect"
	"testing"
	"time"

	"ramal/benchmarks/agentclient"
)

// TestResumeLosesNothing: a session that breaks in the middle of everything comes back to the state of one that stayed.
func TestResumeLosesNothing(t *testing.T) {
	w := newWorld(t, options{})
	stays, breaks := w.online("luis"), w.online("luis")
	fernando := w.online("fernando")
	w.customer(maria, "manual")
	w.customerCalls(maria)
	stays.accept(stays.offer())
	c := stays.inCall("contact", "luis")
	breaks.inCall("contact", "luis")

	breaks.Close() // in the call, without a word
	_, err := stays.Invite(w.ctx(), c.ID, "fernando", "")
	w.must(err)
	w.must(fernando.Decline(w.ctx(), fernando.offer()))
	stays.notice("invite_declined")
	w.must(stays.Mute(w.ctx(), c.ID, true))
	stays.until("muted", func(s agentclient.State) bool {
		p, ok := s.Call.Leg(func(p agentclient.Participant) bool { return p.AgentID == "luis" })
		return ok && p.Muted
	})

	back := w.online("luis")
	w.must(stays.Mute(w.ctx(), c.ID, false)) // and on with deltas
	w.must(stays.Volume(w.ctx(), c.ID, c.ContactLeg(), 0.5))
	stays.until("volume", func(s agentclient.State) bool { return s.Call.Gains[c.ContactLeg()] == 0.5 })
	back.until("volume", func(s agentclient.State) bool { return s.Call != nil && s.Call.Gains[c.ContactLeg()] == 0.5 })
	w.same(stays, back)
	w.must(stays.End(w.ctx(), c.ID))
	stays.available()
	back.available()
	w.same(stays, back)
	for _, a := range []*agent{stays, back} {
		if a.Gaps() != 0 {
			t.Errorf("%d gaps in the numbers of events", a.Gaps())
		}
	}
}

// same waits until two sessions of an agent show the same.
func (w *world) same(a, b *agent) {
	w.t.Helper()
	strip := func(s agentclient.State) agentclient.State {
		s.Slots = nil // only events tell them: the answer to an attach does for a new session
		return s
	}
	w.eventually("two sessions show the same", func() (bool, string) {
		x, y := strip(a.State()), strip(b.State())
		return reflect.DeepEqual(x, y), describe(x.Call) + " / " + describe(y.Call)
	})
}

// TestBreakWhileRinging: a modal that ended while the session was away is not in the snapshot, one that rings is.
func TestBreakWhileRinging(t *testing.T) {
	w := newWorld(t, options{})
	w.customer(maria, "manual")
	luis := w.online("luis")
	call := w.customerCalls(maria)
	o := luis.offer()
	luis.gone()
	luis = w.online("luis")
	if offers := luis.Hello().Snapshot.Offers; len(offers) != 1 || offers[0].ID != o.ID {
		t.Fatalf("the ringing modal is not in the snapshot: %+v", offers)
	}
	luis.gone()
	w.must(w.phone.Act(w.ctx(), maria, "hangup", map[string]any{"call_id": call}))
	w.simEnded(maria)
	w.eventually("no dead modal in a snapshot", func() (bool, string) {
		fresh := w.online("luis")
		defer fresh.gone()
		return len(fresh.Hello().Snapshot.Offers) == 0, ""
	})
}

// TestSeveralTabs: every session of an agent shows the same modal and the same call; the audio goes where it is attached.
func TestSeveralTabs(t *testing.T) {
	w := newWorld(t, options{})
	w.customer(maria, "manual")
	one, two := w.online("luis"), w.online("luis")
	w.customerCalls(maria)
	o, o2 := one.offer(), two.offer()
	if o.ID != o2.ID {
		t.Errorf("modals %s and %s", o.ID, o2.ID)
	}
	one.accept(o)
	two.noOffer()
	c := two.inCall("contact", "luis")
	one.hears(c.ContactLeg(), toneCustomer)
	w.must(two.Mute(w.ctx(), c.ID, true)) // a tab without the audio may mute
	w.customerDeaf(maria, toneLuis)
	w.must(two.Mute(w.ctx(), c.ID, false))
	_, err := two.Attach(w.ctx(), two.newLeg(), c.ID) // and take the audio over
	w.must(err)
	two.hears(c.ContactLeg(), toneCustomer)
	w.customerHears(maria, toneLuis)
	one.gone()
	w.customerHears(maria, toneLuis)
	if s := two.State(); s.Agent.Presence != "busy" {
		t.Errorf("presence %s after one of two tabs closed", s.Agent.Presence)
	}
	w.must(two.End(w.ctx(), c.ID))
	two.available()
}

// TestPresence: a session makes an agent available, a break keeps calls away, the last session's end makes it offline.
func TestPresence(t *testing.T) {
	w := newWorld(t, options{settings: []string{"RAMAL_AGENT_OFFLINE_GRACE=1s", "RAMAL_CALL_STAGE_TIMEOUT=1s"}})
	w.customer(joao, "manual")
	luis, fernando := w.online("luis"), w.online("fernando")
	w.must(luis.SetPresence(w.ctx(), "break", "almoço"))
	luis.until("on a break", func(s agentclient.State) bool { return s.Agent.Presence == "break" && s.Agent.BreakCode == "almoço" })
	w.customerCalls(joao)
	fernando.accept(fernando.offer())
	c := fernando.inCall("contact", "fernando")
	if n := len(luis.State().Offers); n != 0 {
		t.Errorf("luis rings on his break: %d modals", n)
	}
	fernando.until("busy", func(s agentclient.State) bool { return s.Agent.Presence == "busy" })
	if err := fernando.SetPresence(w.ctx(), "break", ""); agentclient.Code(err) != "in_call" {
		t.Errorf("break in a call: %v", err)
	}
	w.must(fernando.End(w.ctx(), c.ID))
	w.must(luis.SetPresence(w.ctx(), "available", ""))
	luis.available()
	luis.gone()
	w.eventually("luis is offline", func() (bool, string) {
		people, err := w.rest("fernando").Agents(w.ctx())
		w.must(err)
		for _, p := range people {
			if p.ID == "luis" {
				return p.Presence == "offline", p.Presence
			}
		}
		return false, "not in the list"
	})
}

// TestBadFrames: what a session must not send is refused to that session only, and what cannot be read ends it.
func TestBadFrames(t *testing.T) {
	w := newWorld(t, options{})
	luis, other := w.online("luis"), w.online("luis")
	if err := luis.Do(w.ctx(), "call.teleport", nil, nil); agentclient.Code(err) != "unknown_type" {
		t.Errorf("unknown type: %v", err)
	}
	if err := luis.Do(w.ctx(), "call.mute", map[string]any{"call_id": "c"}, nil); agentclient.Code(err) != "bad_data" {
		t.Errorf("missing field: %v", err)
	}
	if err := luis.Do(w.ctx(), "ping", nil, nil); err != nil {
		t.Errorf("the session does not live on: %v", err)
	}
	w.must(luis.SendRaw(w.ctx(), []byte("not JSON")))
	select {
	case <-luis.Done():
	case <-w.ctx().Done():
		t.Fatal("a session that does not speak JSON goes on")
	}
	if code := luis.CloseCode(); code != 4004 {
		t.Errorf("closed with %d", code)
	}
	if err := other.Do(w.ctx(), "ping", nil, nil); err != nil {
		t.Errorf("the other session: %v", err)
	}
}

// TestBadToken: no session without a good token of an agent that exists.
func TestBadToken(t *testing.T) {
	w := newWorld(t, options{})
	for name, token := range map[string]string{
		"none": "", "garbage": "x.y.z", "nobody": w.token(tenant, "ninguem", ""), "other secret": agentclient.Token("another-secret-of-at-least-32-bytes!!", agentclient.Claims{Tenant: tenant, Agent: "luis"}),
		"expired":      agentclient.Token(tokenSecret, agentclient.Claims{Tenant: tenant, Agent: "luis", Expires: time.Now().Add(-time.Hour)}),
		"other tenant": w.token(otherTenant, "luis", ""),
	} {
		s, err := agentclient.Dial(w.ctx(), agentclient.Config{URL: w.engine.URL(), Token: token})
		if err == nil {
			s.Close()
			t.Errorf("%s: a session opens", name)
		}
	}
}
