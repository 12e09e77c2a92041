package system

import (
	"testing"

	"ramal/benchmarks/agentclient"
)

// talking brings luis into a call with maria.
func (w *world) talking() (*agent, agentclient.CallView) {
	w.t.Helper()
	w.customer(maria, "manual")
	luis := w.online("luis")
	w.customerCalls(maria)
	luis.accept(luis.offer())
	return luis, luis.inCall("contact", "luis")
}

// threesome brings luis and fernando into a call with maria.
func (w *world) threesome() (luis, fernando *agent, c agentclient.CallView) {
	w.t.Helper()
	fernando = w.online("fernando")
	luis, c = w.talking()
	_, err := luis.Invite(w.ctx(), c.ID, "fernando", "ajuda com a receita")
	w.must(err)
	o := fernando.offer()
	if o.Kind != "invite" || o.Reason != "invited" || o.InvitedBy == nil || o.InvitedBy.ID != "luis" || o.Note != "ajuda com a receita" {
		w.t.Errorf("invitation %+v", o)
	}
	fernando.accept(o)
	fernando.inCall("contact", "luis", "fernando")
	return luis, fernando, luis.inCall("contact", "luis", "fernando")
}

// TestThreeTalk: everybody hears everybody else; mute and volume act where they must and nowhere else.
func TestThreeTalk(t *testing.T) {
	w := newWorld(t, options{})
	luis, fernando, c := w.threesome()
	contact := c.ContactLeg()
	all := func() {
		t.Helper()
		luis.hears(contact, toneCustomer)
		luis.hears(c.AgentLeg("fernando"), toneFernando)
		fernando.hears(contact, toneCustomer)
		fernando.hears(c.AgentLeg("luis"), toneLuis)
		w.customerHears(maria, toneLuis)
		w.customerHears(maria, toneFernando)
	}
	all()
	luis.deaf(toneLuis) // nobody hears themselves
	w.customerDeaf(maria, toneCustomer)

	w.must(luis.Mute(w.ctx(), c.ID, true))
	w.customerDeaf(maria, toneLuis)
	fernando.deaf(toneLuis)
	w.customerHears(maria, toneFernando)
	fernando.until("luis shown as muted", func(s agentclient.State) bool {
		p, ok := s.Call.Leg(func(p agentclient.Participant) bool { return p.AgentID == "luis" })
		return ok && p.Muted
	})
	w.must(luis.Mute(w.ctx(), c.ID, false))
	all()

	w.must(luis.Volume(w.ctx(), c.ID, contact, 0))
	luis.deaf(toneCustomer)
	fernando.hears(contact, toneCustomer)
	luis.until("gain remembered", func(s agentclient.State) bool {
		g, ok := s.Call.Gains[contact]
		return ok && g == 0
	})
	if g := fernando.State().Call.Gains; len(g) != 0 {
		t.Errorf("fernando's gains changed: %v", g)
	}
	w.must(luis.Volume(w.ctx(), c.ID, contact, 2))
	all()

	w.must(w.phone.Act(w.ctx(), maria, "mute", map[string]any{"on": true}))
	luis.deaf(toneCustomer)
	fernando.deaf(toneCustomer)
	w.must(w.phone.Act(w.ctx(), maria, "mute", map[string]any{"on": false}))
	all()
}

// TestLeaveAndEndForAll: who leaves is out and free, the others go on; the last agent's leaving, or the end for all, ends it.
func TestLeaveAndEndForAll(t *testing.T) {
	w := newWorld(t, options{})
	luis, fernando, c := w.threesome()
	w.must(luis.Leave(w.ctx(), c.ID))
	luis.available()
	w.customerDeaf(maria, toneLuis)
	fernando.deaf(toneLuis)
	fernando.until("luis left", func(s agentclient.State) bool { return s.Call.AgentLeg("luis") == "" })
	fernando.hears(c.ContactLeg(), toneCustomer)
	w.customerHears(maria, toneFernando)
	if s := fernando.State().Call; s.State != "active" {
		t.Errorf("after luis left: %s", describe(s))
	}
	_, err := fernando.Invite(w.ctx(), c.ID, "luis", "") // and may come back
	w.must(err)
	luis.accept(luis.offer())
	c = luis.inCall("contact", "luis", "fernando")
	w.customerHears(maria, toneLuis)
	w.must(luis.End(w.ctx(), c.ID))
	luis.ended("agent", "completed")
	fernando.ended("agent", "completed")
	luis.available()
	fernando.available()
	if got := w.simEnded(maria); got.EndedBy != "business" {
		t.Errorf("provider: %+v", got)
	}
	full, err := w.rest("luis").Call(w.ctx(), c.ID)
	w.must(err)
	if len(full.Events) == 0 || full.TalkMS <= 0 {
		t.Errorf("record of the call: %d events, %d ms", len(full.Events), full.TalkMS)
	}
}

func TestLastAgentLeaves(t *testing.T) {
	w := newWorld(t, options{})
	luis, c := w.talking()
	w.must(luis.Leave(w.ctx(), c.ID))
	luis.ended("agent", "completed")
	w.simEnded(maria)
	luis.available()
}

func TestCustomerHangsUpOnTwo(t *testing.T) {
	w := newWorld(t, options{})
	luis, fernando, _ := w.threesome()
	w.must(w.phone.Act(w.ctx(), maria, "hangup", nil))
	luis.ended("customer", "completed")
	fernando.ended("customer", "completed")
	luis.available()
	fernando.available()
}

func TestInvitationDeclined(t *testing.T) {
	w := newWorld(t, options{})
	fernando := w.online("fernando")
	luis, c := w.talking()
	_, err := luis.Invite(w.ctx(), c.ID, "fernando", "")
	w.must(err)
	luis.until("fernando shown as invited", func(s agentclient.State) bool {
		p, ok := s.Call.Leg(func(p agentclient.Participant) bool { return p.AgentID == "fernando" })
		return ok && p.State == "invited"
	})
	w.must(fernando.Decline(w.ctx(), fernando.offer()))
	fernando.noOffer()
	if n := luis.notice("invite_declined"); n.AgentID != "fernando" || n.CallID != c.ID {
		t.Errorf("notice %+v", n)
	}
	luis.until("fernando is gone", func(s agentclient.State) bool { return s.Call.AgentLeg("fernando") == "" })
	w.customerHears(maria, toneLuis)
}

func TestInvitationCancelled(t *testing.T) {
	w := newWorld(t, options{})
	fernando := w.online("fernando")
	luis, c := w.talking()
	_, err := luis.Invite(w.ctx(), c.ID, "fernando", "")
	w.must(err)
	o := fernando.offer()
	if _, err := luis.Invite(w.ctx(), c.ID, "fernando", ""); agentclient.Code(err) != "already_in_call" {
		t.Errorf("second invitation: %v", err)
	}
	w.must(luis.CancelInvite(w.ctx(), c.ID, "fernando"))
	fernando.noOffer()
	if got := fernando.closedAs(o.ID); got.Reason != "cancelled" {
		t.Errorf("closed as %+v", got)
	}
	if _, err := fernando.Accept(w.ctx(), fernando.newLeg(), o); agentclient.Code(err) != "offer_closed" {
		t.Errorf("accept of a cancelled invitation: %v", err)
	}
	if err := luis.CancelInvite(w.ctx(), c.ID, "fernando"); agentclient.Code(err) != "not_invited" {
		t.Errorf("cancelled twice: %v", err)
	}
	fernando.available()
}

func TestInvitationExpires(t *testing.T) {
	w := newWorld(t, options{settings: []string{"RAMAL_CALL_INVITE_TIMEOUT=1s"}})
	fernando := w.online("fernando")
	luis, c := w.talking()
	_, err := luis.Invite(w.ctx(), c.ID, "fernando", "")
	w.must(err)
	o := fernando.offer()
	if got := fernando.closedAs(o.ID); got.Reason != "expired" {
		t.Errorf("closed as %+v", got)
	}
	luis.notice("invite_expired")
	w.customerHears(maria, toneLuis)
}

func TestWhoCannotBeInvited(t *testing.T) {
	w := newWorld(t, options{})
	fernando := w.online("fernando")
	luis, c := w.talking()
	if _, err := luis.Invite(w.ctx(), c.ID, "beatriz", ""); agentclient.Code(err) != "agent_offline" {
		t.Errorf("somebody offline: %v", err)
	}
	if _, err := luis.Invite(w.ctx(), c.ID, "luis", ""); agentclient.Code(err) == "" {
		t.Errorf("himself: %v", err)
	}
	if _, err := fernando.Invite(w.ctx(), c.ID, "fernando", ""); agentclient.Code(err) != "not_in_call" {
		t.Errorf("by somebody outside: %v", err)
	}
	list, err := w.rest("luis").Colleagues(w.ctx(), "maria", c.ID)
	w.must(err)
	if len(list) == 0 || list[0].ID != "luis" && list[0].ID != "fernando" {
		t.Errorf("colleagues %+v", list)
	}
}

// TestAgentReconnects: an agent whose page was reloaded takes the call up again with a new connection.
func TestAgentReconnects(t *testing.T) {
	w := newWorld(t, options{})
	luis, c := w.talking()
	luis.hears(c.ContactLeg(), toneCustomer)
	luis.gone()
	back := w.online("luis")
	snap := back.Hello().Snapshot
	if snap.Call == nil || snap.Call.ID != c.ID || snap.Call.MyLeg != c.MyLeg {
		t.Fatalf("snapshot's call: %s", describe(snap.Call))
	}
	m, err := back.Attach(w.ctx(), back.newLeg(), c.ID)
	w.must(err)
	if m.LegID != c.MyLeg {
		t.Errorf("attached as leg %s, was %s", m.LegID, c.MyLeg)
	}
	back.inCall("contact", "luis")
	back.hears(c.ContactLeg(), toneCustomer)
	w.customerHears(maria, toneLuis)
}

// TestAgentVanishes: when an agent's audio stays away beyond its grace, the call ends.
func TestAgentVanishes(t *testing.T) {
	w := newWorld(t, options{settings: []string{"RAMAL_CALL_AGENT_GRACE=4s", "RAMAL_AGENT_OFFLINE_GRACE=1s"}})
	luis, c := w.talking()
	luis.gone()
	w.simEnded(maria)
	w.eventually("in the history", func() (bool, string) {
		got, err := w.rest("fernando").Call(w.ctx(), c.ID)
		w.must(err)
		return got.State == "ended" && got.EndReason == "media_failed", describe(&got)
	})
}

// TestListenOnly: an agent without a microphone hears, and is silence to the others.
func TestListenOnly(t *testing.T) {
	w := newWorld(t, options{})
	w.customer(maria, "manual")
	luis := w.online("luis")
	w.customerCalls(maria)
	o := luis.offer()
	leg, err := w.media.NewLeg(true)
	w.must(err)
	luis.leg = leg
	_, err = luis.Accept(w.ctx(), leg, o)
	w.must(err)
	c := luis.inCall("contact", "luis")
	luis.hears(c.ContactLeg(), toneCustomer)
	w.customerDeaf(maria, toneLuis)
	if s := w.simCall(maria, func(c simCallT) bool { return c.PacketsReceived > 25 }); s.Phase != "accepted" {
		t.Errorf("provider: %+v", s)
	}
}
