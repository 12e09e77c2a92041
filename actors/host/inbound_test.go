package host

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"ramal/actors"
	"ramal/actors/agent"
	"ramal/actors/call"
	"ramal/actors/line"
	"ramal/internal/fault"
	"ramal/internal/id"
	"ramal/media/mediatest"
)

// offer waits for the tab's n-th modal.
func (x *tab) offer(t *testing.T, n int) (v actors.OfferView) {
	t.Helper()
	eventually(t, fmt.Sprintf("%s gets offer %d", x.who.Agent, n), func() bool { return len(x.got(actors.EventOfferCreated)) >= n })
	ok(t, unpack(x.got(actors.EventOfferCreated)[n-1].Data, &v))
	return v
}

// closed waits until a modal is taken away, and says why.
func (x *tab) closed(t *testing.T, o id.Offer) (v actors.OfferClosed) {
	t.Helper()
	eventually(t, fmt.Sprintf("the modal of %s closes", x.who.Agent), func() bool {
		for _, p := range x.got(actors.EventOfferClosed) {
			if unpack(p.Data, &v) == nil && v.OfferID == o {
				return true
			}
		}
		return false
	})
	return v
}

// notice waits for a notice of a kind.
func (x *tab) notice(t *testing.T, kind string) (v actors.NoticeView) {
	t.Helper()
	eventually(t, fmt.Sprintf("%s is told %s", x.who.Agent, kind), func() bool {
		for _, p := range x.got(actors.EventNoticeCreated) {
			if unpack(p.Data, &v) == nil && v.Kind == kind {
				return true
			}
		}
		return false
	})
	return v
}

func (r *rig) accept(x *tab, o actors.OfferView) (actors.MediaAnswer, error) {
	r.t.Helper()
	got, err := r.h.Do(r.t.Context(), x.who, actors.AcceptOffer{Offer: o.ID, Call: o.CallID, SDP: browserOffer(r.t)})
	if err != nil {
		return actors.MediaAnswer{}, err
	}
	return got.(actors.MediaAnswer), nil
}

// rejected waits until the provider has been told that we do not take a call.
func (r *rig) rejected(callID string) {
	r.t.Helper()
	eventually(r.t, "the provider is told", func() bool {
		return slices.ContainsFunc(r.meta.seen("reject"), func(q request) bool { return q.call == callID })
	})
}

// inbound is the id of the call that a webhook's call becomes.
func inbound(callID string) id.Call {
	return id.Call("call_" + hashOf(string(acme), string(mainLine), callID)[:26])
}

// hears waits until an ear hears a tone.
func hears(t *testing.T, who string, e *mediatest.Ear, hz float64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if _, err := e.Await(ctx, 200*time.Millisecond, func(pcm []int16) bool { return mediatest.Level(pcm, hz) > 0.05 }); err != nil {
		t.Errorf("%s does not hear %v Hz: %v", who, hz, err)
	}
}

// TestCustomerCalls is a whole inbound call with voices: pre_accept, one modal, accept with the same text, no sound before it.
func TestCustomerCalls(t *testing.T) {
	r := newRig(t)
	luis := r.open("luis")
	phone, err := mediatest.Phone("actpass")
	ok(t, err)
	t.Cleanup(phone.Close)
	offer, err := phone.Offer(t.Context())
	ok(t, err)
	r.hook(inConnect("wacid.1", offer))
	eventually(t, "pre_accept", func() bool { return len(r.meta.seen("pre_accept")) == 1 })
	early := r.meta.seen("pre_accept")[0]
	if early.call != "wacid.1" {
		t.Errorf("pre_accept of %q", early.call)
	}
	ok(t, phone.Answered(early.sdp))
	o := luis.offer(t, 1)
	if o.CallID != inbound("wacid.1") || o.Kind != "inbound" || o.Reason != "assigned" || o.Contact.Name != "Ana Souza" || o.Line.Name != "Matriz" || !o.ExpiresAt.After(time.Now()) {
		t.Errorf("the modal is %+v", o)
	}
	wait, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	ok(t, phone.AwaitConnected(wait))
	phone.Mic.Speak(600, 0.4)
	if len(r.meta.seen("accept")) != 0 || phone.Hears() {
		t.Error("before an agent took the call something went to the customer")
	}

	browser, err := mediatest.Browser(4, false)
	ok(t, err)
	t.Cleanup(browser.Close)
	offer, err = browser.Offer(t.Context())
	ok(t, err)
	got, err := r.h.Do(t.Context(), luis.who, actors.AcceptOffer{Offer: o.ID, Call: o.CallID, SDP: offer})
	ok(t, err)
	answer := got.(actors.MediaAnswer)
	ok(t, browser.Answered(answer.SDP))
	browser.Mic.Speak(1000, 0.4)
	r.state(o.CallID, call.Active)
	if a := r.meta.seen("accept"); len(a) != 1 || a[0].sdp != early.sdp || a[0].call != "wacid.1" || a[0].opaque != "tenant=acme;call="+string(o.CallID) {
		t.Errorf("accept was %+v, want the text of pre_accept", a)
	}
	var slot string
	for _, s := range answer.Slots {
		if s.LegID != "" {
			slot = s.Mid
		}
	}
	ear, err := browser.Ear(wait, slot)
	ok(t, err)
	hears(t, "Luis", ear, 600)
	ear, err = phone.Ear(wait, "")
	ok(t, err)
	hears(t, "Ana", ear, 1000)
	eventually(t, "operators see modal and audio", func() bool { return see(r.spy, func() int { return 10*r.spy.modals + r.spy.audio }) == 11 })
	if c := luis.closed(t, o.ID); c.Reason != agent.ClosedAccepted {
		t.Errorf("the own modal closes as %q", c.Reason)
	}

	r.quickly(luis, actors.Leave{Call: o.CallID})
	row := r.row(o.CallID, call.Ended)
	if row.EndReason != "completed" || row.EndedBy != "agent" || row.ProviderCallID != "wacid.1" || row.TalkTime <= 0 {
		t.Errorf("the row is %+v", row)
	}
	eventually(t, "the provider is told", func() bool { return len(r.meta.seen("terminate")) == 1 })
	r.free("luis")
	r.journal(o.CallID)
	gapless(t, luis)
	if got := states(luis); !slices.Equal(got, []string{"connecting", "active", "ended"}) {
		t.Errorf("the tab saw %q", got)
	}
}

// TestRelatedRingFirst: who knows the customer is asked alone, everyone else when that comes to nothing.
func TestRelatedRingFirst(t *testing.T) {
	t.Run("after a while", func(t *testing.T) {
		r := newRig(t, func(c *Config) { c.Call.StageTimeout = time.Second })
		luis, fernando := r.open("luis"), r.open("fernando")
		r.hook(inConnect("wacid.1", phoneOffer(t)))
		first, then := luis.offer(t, 1), fernando.offer(t, 1)
		if then.Reason != "anyone" {
			t.Errorf("Fernando's modal is %+v", then)
		}
		if waited := then.CreatedAt.Sub(first.CreatedAt); waited < 500*time.Millisecond { // the stage began some moments before
			t.Errorf("Fernando was asked %v after Luis", waited)
		}
		if n := len(luis.got(actors.EventOfferCreated)); n != 1 {
			t.Errorf("Luis was asked %d times", n)
		}
	})
	t.Run("at once when they decline", func(t *testing.T) {
		r := newRig(t, func(c *Config) { c.Call.StageTimeout = time.Minute })
		luis, fernando := r.open("luis"), r.open("fernando")
		r.hook(inConnect("wacid.1", phoneOffer(t)))
		o := luis.offer(t, 1)
		_, err := r.h.Do(t.Context(), luis.who, actors.DeclineOffer{Offer: o.ID, Call: o.CallID})
		ok(t, err)
		if c := luis.closed(t, o.ID); c.Reason != agent.ClosedDeclined {
			t.Errorf("the modal closes as %q", c.Reason)
		}
		other := fernando.offer(t, 1)
		_, err = r.accept(fernando, other)
		ok(t, err)
		if n := len(luis.got(actors.EventOfferCreated)); n != 1 {
			t.Errorf("who declined was asked %d times", n)
		}
		_, err = r.h.Do(t.Context(), luis.who, actors.DeclineOffer{Offer: o.ID, Call: o.CallID}) // twice is fine
		ok(t, err)
	})
	t.Run("at once when none of them is there", func(t *testing.T) {
		r := newRig(t, func(c *Config) { c.Call.StageTimeout = time.Minute })
		fernando := r.open("fernando")
		r.hook(inConnect("wacid.1", phoneOffer(t)))
		fernando.offer(t, 1)
	})
	t.Run("who comes in while it rings", func(t *testing.T) {
		r := newRig(t)
		r.hook(inConnect("wacid.1", phoneOffer(t)))
		eventually(t, "it rings", func() bool { return len(r.meta.seen("pre_accept")) == 1 })
		r.open("beatriz").offer(t, 1)
	})
}

// TestExactlyOneAccepts: two agents take a call in the same moment; one has it, and the other is told and free.
func TestExactlyOneAccepts(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Call.StageTimeout = 100 * time.Millisecond }) // who had the last call is asked first
	tabs := []*tab{r.open("fernando"), r.open("beatriz")}
	for round := 1; round <= 3; round++ {
		provider := fmt.Sprintf("wacid.%d", round)
		r.hook(inConnect(provider, phoneOffer(t)))
		offers := []actors.OfferView{tabs[0].offer(t, round), tabs[1].offer(t, round)}
		errs := make([]error, 2)
		var both sync.WaitGroup
		for i, x := range tabs {
			both.Go(func() { _, errs[i] = r.accept(x, offers[i]) })
		}
		both.Wait()
		won := slices.Index(errs, nil)
		if won < 0 || errs[1-won] == nil {
			t.Fatalf("round %d: %v", round, errs)
		}
		wantFault(t, "the other", errs[1-won], fault.Conflict, "offer_closed")
		if c := tabs[1-won].closed(t, offers[1-won].ID); c.Reason != agent.ClosedElsewhere || c.By == "" {
			t.Errorf("the other's modal closes as %+v", c)
		}
		eventually(t, "the other is free", func() bool {
			s, err := peekAt[agent.State](t.Context(), r.h, kindAgent, agentID(acme, tabs[1-won].who.Agent))
			return err == nil && s.Call == nil && s.Presence == agent.Available
		})
		r.quickly(tabs[won], actors.Leave{Call: offers[0].CallID})
		r.row(offers[0].CallID, call.Ended)
		r.free("fernando", "beatriz")
		if n := count(r.journal(offers[0].CallID), "Joined"); n != 1 {
			t.Errorf("round %d: %d agents joined", round, n)
		}
	}
}

// TestNobodyTakesIt: every way in which an inbound call comes to nothing is polite to the customer and tells those concerned.
func TestNobodyTakesIt(t *testing.T) {
	short := func(c *Config) { c.Call.QueueTimeout = 3 * time.Second }
	t.Run("nobody answers", func(t *testing.T) {
		r := newRig(t, short)
		luis := r.open("luis")
		r.hook(inConnect("wacid.1", phoneOffer(t)))
		o := luis.offer(t, 1)
		r.rejected("wacid.1")
		if c := luis.closed(t, o.ID); c.Reason != agent.ClosedExpired && c.Reason != agent.ClosedCallEnded {
			t.Errorf("the modal closes as %q", c.Reason)
		}
		if n := luis.notice(t, "call_missed"); n.CallID != o.CallID || n.ContactID != r.ana || n.Contact != "Ana Souza" || n.Detail != "no_answer" {
			t.Errorf("the notice is %+v", n)
		}
		if row := r.row(o.CallID, call.Ended); row.EndReason != "no_answer" || row.EndedBy != "system" {
			t.Errorf("it ended as %s by %s", row.EndReason, row.EndedBy)
		}
		r.free("luis")
	})
	t.Run("nobody is there", func(t *testing.T) {
		r := newRig(t, short)
		r.hook(inConnect("wacid.1", phoneOffer(t)))
		r.rejected("wacid.1")
		r.row(inbound("wacid.1"), call.Ended)
		r.free()
		x := newTab(acme, "luis", "ws_later")
		eventually(t, "who knows the customer finds the missed call later", func() bool {
			snap, err := r.h.Open(context.Background(), x.who, x.push)
			return err == nil && len(snap.Notices) == 1 && snap.Notices[0].Kind == "call_missed"
		})
	})
	t.Run("all decline", func(t *testing.T) {
		r := newRig(t, short)
		luis := r.open("luis")
		r.hook(inConnect("wacid.1", phoneOffer(t)))
		o := luis.offer(t, 1)
		_, err := r.h.Do(t.Context(), luis.who, actors.DeclineOffer{Offer: o.ID, Call: o.CallID})
		ok(t, err)
		r.rejected("wacid.1")
		if row := r.row(o.CallID, call.Ended); row.EndReason != "declined_by_agents" {
			t.Errorf("it ended as %s", row.EndReason)
		}
	})
	t.Run("the caller gives up", func(t *testing.T) {
		r := newRig(t)
		luis := r.open("luis")
		r.hook(inConnect("wacid.1", phoneOffer(t)))
		o := luis.offer(t, 1)
		r.hook(terminate("wacid.1", "USER_INITIATED", ""))
		if c := luis.closed(t, o.ID); c.Reason != agent.ClosedCallEnded {
			t.Errorf("the modal closes as %q", c.Reason)
		}
		luis.notice(t, "call_missed")
		if row := r.row(o.CallID, call.Ended); row.EndReason != "abandoned" || row.EndedBy != "customer" {
			t.Errorf("it ended as %s by %s", row.EndReason, row.EndedBy)
		}
		r.free("luis")
		if got := len(r.meta.seen("reject")) + len(r.meta.seen("terminate")); got != 0 {
			t.Errorf("we hung up what was over: %d times", got)
		}
		_, err := r.accept(luis, o)
		wantFault(t, "accepting it now", err, fault.Conflict, "offer_closed")
		r.free("luis")
	})
	t.Run("its offer cannot be answered", func(t *testing.T) {
		r := newRig(t)
		r.hook(inConnect("wacid.1", "v=0\r\n"))
		if row := r.row(inbound("wacid.1"), call.Ended); row.EndReason != "media_failed" {
			t.Errorf("it ended as %s", row.EndReason)
		}
		r.rejected("wacid.1")
		r.free()
	})
}

// TestTurnedAway: a call that cannot be taken is rejected at once, rings nowhere, and is in the history.
func TestTurnedAway(t *testing.T) {
	away := func(r *rig, callID, reason string) {
		r.t.Helper()
		r.rejected(callID)
		row := r.row(inbound(callID), call.Ended)
		if row.EndReason != reason || row.EndedBy != "system" {
			r.t.Errorf("it ended as %s by %s, want %s", row.EndReason, row.EndedBy, reason)
		}
		if len(r.meta.seen("pre_accept")) != 0 {
			r.t.Error("it was answered early")
		}
		r.free()
	}
	t.Run("calls are switched off", func(t *testing.T) {
		r := newRig(t)
		luis := r.open("luis")
		_, err := askLine(t.Context(), r.h, lineID(acme, mainLine), line.SaveSettings{Settings: line.Settings{}, Base: 1})
		ok(t, err)
		r.hook(inConnect("wacid.1", phoneOffer(t)))
		away(r, "wacid.1", "out_of_hours")
		if len(luis.got(actors.EventOfferCreated)) != 0 {
			t.Error("a modal was shown")
		}
	})
	t.Run("the line is full", func(t *testing.T) {
		r := newRig(t, func(c *Config) { c.Line = line.DefaultPolicy(); c.Line.MaxConcurrent = 1 })
		_, err := askLine(t.Context(), r.h, lineID(acme, mainLine), line.AdmitCall{Call: "call_other", Direction: line.Inbound})
		ok(t, err)
		r.hook(inConnect("wacid.1", phoneOffer(t)))
		r.rejected("wacid.1")
		if row := r.row(inbound("wacid.1"), call.Ended); row.EndReason != "limit_reached" {
			t.Errorf("it ended as %s", row.EndReason)
		}
	})
	t.Run("the customer is in a call", func(t *testing.T) {
		r := newRig(t)
		luis := r.open("luis")
		c, _ := r.talk(luis)
		r.free0(c)
		r.hook(inConnect("wacid.1", phoneOffer(t)))
		r.rejected("wacid.1")
		if row := r.row(inbound("wacid.1"), call.Ended); row.EndReason != "replaced" {
			t.Errorf("it ended as %s", row.EndReason)
		}
		if v := r.view(c); v.State != "active" {
			t.Errorf("the call under way is %s", v.State)
		}
	})
}

// TestCustomersOwnCallWins: while we ring, the customer calls: their call rings, ours ends.
func TestCustomersOwnCallWins(t *testing.T) {
	r := newRig(t)
	luis, fernando := r.open("luis"), r.open("fernando")
	r.allow()
	c := r.mustDial(luis)
	d := r.dialled()
	r.hook(outConnect(d, phoneAnswer(t, d.sdp)))
	r.hook(inConnect("wacid.1", phoneOffer(t)))
	if row := r.row(c, call.Ended); row.EndReason != "replaced" {
		t.Errorf("our call ended as %s", row.EndReason)
	}
	eventually(t, "ours is hung up", func() bool { return len(r.meta.seen("terminate")) == 1 })
	eventually(t, "theirs rings at somebody", func() bool {
		return len(luis.got(actors.EventOfferCreated))+len(fernando.got(actors.EventOfferCreated)) > 0
	})
	if v := r.view(inbound("wacid.1")); v.State != "offering" {
		t.Errorf("their call is %s", v.State)
	}
}

// TestTerminateBeforeConnect: the end overtakes the beginning, and leaves a stone over which the beginning does not come.
func TestTerminateBeforeConnect(t *testing.T) {
	r := newRig(t)
	luis := r.open("luis")
	r.hook(terminate("wacid.1", "USER_INITIATED", ""))
	r.processed("callterminate", "dropped", 1)
	if dead, err := r.st.HasTombstone(t.Context(), acme, mainLine, "wacid.1"); err != nil || !dead {
		t.Fatalf("no tombstone: %v", err)
	}
	r.hook(inConnect("wacid.1", phoneOffer(t)))
	r.processed("callconnect", "dropped", 1)
	if _, err := r.st.GetCall(t.Context(), acme, inbound("wacid.1")); !fault.Is(err, fault.NotFound) {
		t.Errorf("a call has begun all the same: %v", err)
	}
	if len(luis.got(actors.EventOfferCreated)) != 0 || len(r.meta.seen("pre_accept")) != 0 {
		t.Error("it rang")
	}
	r.free()
	r.hook(terminate("wacid.2", "BUSINESS_INITIATED", "")) // a call of ours that we do not know: nothing to keep out
	r.processed("callterminate", "dropped", 2)
	if dead, _ := r.st.HasTombstone(t.Context(), acme, mainLine, "wacid.2"); dead {
		t.Error("a stone for a call of ours")
	}
}

// TestOldRing: a webhook that was long on its way must not make phones ring for nobody.
func TestOldRing(t *testing.T) {
	r := newRig(t)
	r.open("luis")
	r.hook(inConnectAt("wacid.1", phoneOffer(t), time.Now().Add(-ringFor-5*time.Second)))
	r.processed("callconnect", "dropped", 1)
	if _, err := r.st.GetCall(t.Context(), acme, inbound("wacid.1")); !fault.Is(err, fault.NotFound) {
		t.Errorf("a call has begun: %v", err)
	}
}

// TestAcceptAtTheProvider: what becomes of a call that an agent took, by the provider's answer.
func TestAcceptAtTheProvider(t *testing.T) {
	for name, c := range map[string]struct {
		err        error
		state      call.Phase
		reason, by string
	}{
		"taken":           {nil, call.Active, "", ""},
		"unknown outcome": {refused(fault.Unknown, "unknown_outcome"), call.Active, "", ""},
		"the caller left": {refused(fault.Conflict, "call_gone"), call.Ended, "abandoned", "customer"},
		"refused":         {refused(fault.Invalid, "bad_parameter"), call.Ended, "provider_error", "provider"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			luis := r.open("luis")
			r.meta.when("accept", func(context.Context) error { return c.err })
			r.hook(inConnect("wacid.1", phoneOffer(t)))
			o := luis.offer(t, 1)
			_, err := r.accept(luis, o)
			ok(t, err)
			r.state(o.CallID, c.state)
			if c.state == call.Ended {
				if row := r.row(o.CallID, call.Ended); row.EndReason != c.reason || row.EndedBy != c.by {
					t.Errorf("it ended as %s by %s, want %s by %s", row.EndReason, row.EndedBy, c.reason, c.by)
				}
				r.free("luis")
			}
		})
	}
}

// TestPreAcceptFails: it is a courtesy; accept is what counts.
func TestPreAcceptFails(t *testing.T) {
	r := newRig(t)
	luis := r.open("luis")
	r.meta.when("pre_accept", func(context.Context) error { return refused(fault.Invalid, "bad_parameter") })
	r.hook(inConnect("wacid.1", phoneOffer(t)))
	o := luis.offer(t, 1)
	_, err := r.accept(luis, o)
	ok(t, err)
	r.state(o.CallID, call.Active)
}

// TestUnknownCaller: somebody new calls, is met once, and is the same person with and without the ninth digit.
func TestUnknownCaller(t *testing.T) {
	r := newRig(t)
	luis := r.open("luis")
	from := func(callID, number string) string {
		return webhookOf("calls", fmt.Sprintf(`"contacts":[{"profile":{"name":"Davi"},"wa_id":%q}],"calls":[{"id":%q,"from":%q,"to":"551140028922","event":"connect","timestamp":"%d","direction":"USER_INITIATED","session":{"sdp_type":"offer","sdp":%s}}]`,
			number, callID, number, stamp(time.Now()), quoted(phoneOffer(t))))
	}
	r.hook(from("wacid.1", "5521998761234"))
	o := luis.offer(t, 1)
	if o.Contact.Name != "Davi" || o.Contact.Phone != "+5521998761234" || o.Reason != "anyone" {
		t.Errorf("the modal is %+v", o)
	}
	r.hook(terminate("wacid.1", "USER_INITIATED", ""))
	r.row(o.CallID, call.Ended)
	eventually(t, "Luis is free again", func() bool {
		rows, err := r.st.OnlineAgents(t.Context(), acme)
		return err == nil && len(rows) == 1
	})
	r.hook(from("wacid.2", "552198761234"))
	again := luis.offer(t, 2)
	if again.Contact.ID != o.Contact.ID {
		t.Errorf("the same person is %s and %s", o.Contact.ID, again.Contact.ID)
	}
	page, err := r.h.Contacts(t.Context(), luis.who, actors.ContactQuery{Text: "Davi"})
	ok(t, err)
	if len(page.Items) != 1 {
		t.Errorf("%d contacts of one person", len(page.Items))
	}
}
