package host

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"ramal/actors"
	"ramal/actors/agent"
	"ramal/actors/call"
	"ramal/actors/contact"
	"ramal/internal/fault"
	"ramal/internal/id"
)

// states lists the phases that a tab was shown, without repetitions.
func states(x *tab) (out []string) {
	for _, p := range x.got(actors.EventCallUpdated) {
		var v actors.CallView
		_ = unpack(p.Data, &v)
		if len(out) == 0 || out[len(out)-1] != v.State {
			out = append(out, v.State)
		}
	}
	return out
}

func gapless(t *testing.T, x *tab) {
	t.Helper()
	n := x.numbers()
	for i := 1; i < len(n); i++ {
		if n[i] != n[i-1]+1 {
			t.Errorf("%s of %s: event %d follows %d", x.who.Session, x.who.Agent, n[i], n[i-1])
		}
	}
}

func TestDialToTheEnd(t *testing.T) {
	r := newRig(t)
	luis, second := r.open("luis"), r.open("luis")
	r.allow()
	answer, err := r.dial(luis)
	ok(t, err)
	if answer.CallID == "" || answer.LegID == "" || answer.SDP == "" {
		t.Errorf("the answer is %+v", answer)
	}
	c, d := answer.CallID, r.dialled()
	if d.opaque != "tenant=acme;call="+string(c) {
		t.Errorf("what Meta carries for us is %q", d.opaque)
	}
	r.hook(outConnect(d, phoneAnswer(t, d.sdp)))
	r.hook(status(d, "RINGING"))
	r.state(c, call.Ringing)
	r.hook(status(d, "ACCEPTED"))
	r.state(c, call.Active)
	eventually(t, "the contact knows that it talks", func() bool {
		s, err := peekAt[contact.State](t.Context(), r.h, kindContact, contactID(acme, r.ana))
		return err == nil && s.Active != nil && s.Active.Connected && s.Active.Call == c
	})
	if got := r.h.Load(); got != 1 {
		t.Errorf("load %d, want 1", got)
	}
	r.hook(terminate(d.call, "BUSINESS_INITIATED", d.opaque))
	row := r.row(c, call.Ended)
	if row.EndReason != "completed" || row.EndedBy != "customer" || row.ProviderCallID != d.call || !slices.Equal(row.Agents, []id.Agent{"luis"}) {
		t.Errorf("the row is %+v", row)
	}
	r.free("luis")
	for _, x := range []*tab{luis, second} {
		eventually(t, "the tab sees the end", func() bool { s := states(x); return len(s) > 0 && s[len(s)-1] == "ended" })
		if got := states(x); !slices.Equal(got, []string{"dialing", "ringing", "active", "ended"}) {
			t.Errorf("a tab saw %q", got)
		}
		gapless(t, x)
	}
	events := r.journal(c)
	if events[0].Type != "Created" || count(events, "PickedUp") != 1 || count(events, "Finished") != 1 {
		t.Errorf("the journal is %v", events)
	}
	eventually(t, "operators hear of the end", func() bool {
		return slices.Equal(see(r.spy, func() []string { return slices.Clone(r.spy.ended) }), []string{"outbound completed customer"})
	})
	if got := see(r.spy, func() int { return r.spy.rang }); got != 1 {
		t.Errorf("the ring was measured %d times", got)
	}
	if got := r.meta.seen("terminate"); len(got) != 0 {
		t.Errorf("we hung up too: %v", got)
	}
}

// TestWebhookBeforeResponse: the answer to a dial comes before the provider's reply to the dial itself.
func TestWebhookBeforeResponse(t *testing.T) {
	r := newRig(t)
	luis := r.open("luis")
	reply := make(chan struct{})
	r.meta.when("connect", func(ctx context.Context) error {
		select {
		case <-reply:
		case <-ctx.Done():
		}
		return nil
	})
	r.allow()
	c := r.mustDial(luis)
	d := r.dialled()
	r.hook(outConnect(d, phoneAnswer(t, d.sdp)))
	r.hook(status(d, "RINGING"))
	r.state(c, call.Ringing)
	r.hook(status(d, "ACCEPTED"))
	r.state(c, call.Active)
	close(reply)
	_, err := r.h.Do(t.Context(), luis.who, actors.End{Call: c})
	ok(t, err)
	r.row(c, call.Ended)
	eventually(t, "the provider is told once", func() bool { return len(r.meta.seen("terminate")) == 1 })
	events := r.journal(c)
	for _, once := range []string{"Created", "Identified", "Connected", "PickedUp", "Finished"} {
		if count(events, once) != 1 {
			t.Errorf("%s stands %d times in the journal", once, count(events, once))
		}
	}
	if got := r.meta.seen("terminate")[0].call; got != d.call {
		t.Errorf("we hung up %s, want %s", got, d.call)
	}
}

// TestDuplicates: Meta delivers again, and other nodes may process again: nothing happens twice.
func TestDuplicates(t *testing.T) {
	r := newRig(t)
	luis := r.open("luis")
	r.allow()
	c := r.mustDial(luis)
	d := r.dialled()
	answer := phoneAnswer(t, d.sdp)
	hooks := []string{outConnect(d, answer), status(d, "RINGING"), status(d, "ACCEPTED")}
	for _, raw := range hooks {
		for range 3 {
			r.hook(raw)
		}
	}
	r.state(c, call.Active)
	r.processed("callconnect", "done", 1) // the inbox takes each once
	for _, raw := range hooks {           // a redriver that is too eager
		for _, item := range itemsOf(t, raw) {
			rows := r.inbox(item)
			r.h.enqueue(rows)
		}
	}
	r.processed("callconnect", "done", 2)
	r.processed("callstatus", "done", 4)
	r.hook(terminate(d.call, "BUSINESS_INITIATED", d.opaque))
	r.hook(terminate(d.call, "BUSINESS_INITIATED", d.opaque))
	r.row(c, call.Ended)
	r.h.enqueue(r.inbox(itemsOf(t, terminate(d.call, "BUSINESS_INITIATED", d.opaque))[0]))
	r.processed("callterminate", "done", 2)
	events := r.journal(c)
	for _, once := range []string{"Identified", "Connected", "PickedUp", "Finished"} {
		if count(events, once) != 1 {
			t.Errorf("%s stands %d times in the journal", once, count(events, once))
		}
	}
	if got := see(r.spy, func() int { return len(r.spy.ended) }); got != 1 {
		t.Errorf("the end was counted %d times", got)
	}
}

// TestDialFails: whatever the provider says, nobody stays taken.
func TestDialFails(t *testing.T) {
	r := newRig(t)
	luis := r.open("luis")
	r.allow()
	for name, c := range map[string]struct {
		err    error
		reason string
	}{
		"no permission":  {refused(fault.Denied, "permission_missing"), "permission_denied"},
		"limit":          {refused(fault.Exhausted, "daily_limit"), "limit_reached"},
		"provider away":  {refused(fault.Unavailable, "provider_error"), "provider_error"},
		"SDP refused":    {refused(fault.Invalid, "sdp_rejected"), "media_failed"},
		"something else": {errors.New("boom"), "provider_error"},
	} {
		t.Run(name, func(t *testing.T) {
			r := r.in(t)
			r.meta.when("connect", func(context.Context) error { return c.err })
			id := r.mustDial(luis)
			row := r.row(id, call.Ended)
			if row.EndReason != c.reason || row.EndedBy != "provider" {
				t.Errorf("it ended as %s by %s, want %s", row.EndReason, row.EndedBy, c.reason)
			}
			r.free("luis")
			if got := r.meta.seen("terminate"); len(got) != 0 {
				t.Errorf("a call that never was is hung up: %v", got)
			}
			r.journal(id)
		})
	}
	r.meta.when("connect", nil)
	r.mustDial(luis) // and can dial again at once
}

func TestDialWithoutProvider(t *testing.T) {
	r := newRig(t)
	luis := r.open("luis")
	r.allow()
	r.absent = errors.New("the line has no token")
	c := r.mustDial(luis)
	if row := r.row(c, call.Ended); row.EndReason != "provider_error" {
		t.Errorf("it ended as %s", row.EndReason)
	}
	r.free("luis")
}

// TestDialWithUnknownOutcome: nobody knows whether the phone rings, so nothing is reported; if it does, the provider's
// webhook says so however late, and then the call that nobody waits for is ended there.
func TestDialWithUnknownOutcome(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Call.DialTimeout = 400 * time.Millisecond })
	luis := r.open("luis")
	r.allow()
	r.meta.when("connect", func(context.Context) error { return refused(fault.Unknown, "unknown_outcome") })
	c := r.mustDial(luis)
	d := r.dialled()
	if row := r.row(c, call.Ended); row.EndReason != "provider_error" {
		t.Errorf("it ended as %s", row.EndReason)
	}
	r.free("luis")
	if got := r.meta.seen("terminate"); len(got) != 0 {
		t.Errorf("something without a name was hung up: %v", got)
	}
	r.hook(outConnect(d, phoneAnswer(t, d.sdp)))
	eventually(t, "the late call is hung up", func() bool { return len(r.meta.seen("terminate")) == 1 })
	if got := r.meta.seen("terminate")[0].call; got != d.call {
		t.Errorf("hung up %s, want %s", got, d.call)
	}
	r.journal(c)
}

// TestDialRefused: a refusal takes nothing.
func TestDialRefused(t *testing.T) {
	r := newRig(t)
	luis := r.open("luis")
	_, err := r.dial(luis) // no permission
	wantFault(t, "without permission", err, fault.Denied, contact.CodePermissionMissing)
	r.free("luis")
	r.allow()
	_, err = r.h.Do(t.Context(), luis.who, actors.Dial{Contact: r.ana, Line: "absent", SDP: browserOffer(t)})
	if !fault.Is(err, fault.NotFound) {
		t.Errorf("an unknown line: %v", err)
	}
	_, err = r.h.Do(t.Context(), luis.who, actors.Dial{Contact: "absent", Line: mainLine, SDP: browserOffer(t)})
	if !fault.Is(err, fault.NotFound) {
		t.Errorf("an unknown contact: %v", err)
	}
	r.free("luis")
	_, err = r.h.Do(t.Context(), luis.who, actors.Dial{Contact: r.ana, Line: mainLine, SDP: "v=0"})
	if !fault.Is(err, fault.Invalid) {
		t.Errorf("a broken offer: %v", err)
	}
	r.free("luis")
	if got := r.meta.seen("connect"); len(got) != 0 {
		t.Errorf("a customer's phone rang all the same: %v", got)
	}
	stranger := newTab("rival", "luis", "ws_x")
	if _, err := r.h.Do(t.Context(), stranger.who, actors.Dial{Contact: r.ana, Line: mainLine, SDP: browserOffer(t)}); !fault.Is(err, fault.NotFound) {
		t.Errorf("another tenant: %v", err)
	}
	r.mustDial(luis)
	fernando := r.open("fernando")
	_, err = r.dial(fernando)
	wantFault(t, "a contact in a call", err, fault.Conflict, contact.CodeContactBusy)
	_, err = r.dial(luis)
	wantFault(t, "an agent in a call", err, fault.Conflict, "agent_busy")
	eventually(t, "fernando is free", func() bool {
		s, err := peekAt[agent.State](t.Context(), r.h, kindAgent, agentID(acme, "fernando"))
		return err == nil && s.Call == nil
	})
}

// TestHangUpWhileTheProviderIsSlow: ten seconds an answer at Meta are nobody's ten seconds here.
func TestHangUpWhileTheProviderIsSlow(t *testing.T) {
	hold := func(r *rig, action string) (release func()) {
		wait := make(chan struct{})
		r.meta.when(action, func(ctx context.Context) error {
			select {
			case <-wait:
			case <-ctx.Done():
			}
			return ctx.Err()
		})
		return func() { close(wait) }
	}
	hangUp := func(r *rig, x *tab, c id.Call) {
		r.t.Helper()
		began := time.Now()
		_, err := r.h.Do(r.t.Context(), x.who, actors.End{Call: c})
		ok(r.t, err)
		if took := time.Since(began); took > patience {
			r.t.Errorf("hanging up took %v", took)
		}
		r.free(x.who.Agent)
	}
	t.Run("in the dial", func(t *testing.T) {
		r := newRig(t)
		luis := r.open("luis")
		r.allow()
		release := hold(r, "connect")
		c := r.mustDial(luis)
		d := r.dialled()
		hangUp(r, luis, c)
		release() // the phone rings at last
		eventually(t, "it is hung up", func() bool { return len(r.meta.seen("terminate")) == 1 })
		if got := r.meta.seen("terminate")[0].call; got != d.call {
			t.Errorf("hung up %s, want %s", got, d.call)
		}
		if row := r.row(c, call.Ended); row.EndReason != "abandoned" || row.EndedBy != "agent" {
			t.Errorf("it ended as %s by %s", row.EndReason, row.EndedBy)
		}
	})
	t.Run("in the hang-up", func(t *testing.T) {
		r := newRig(t)
		luis := r.open("luis")
		c, _ := r.talk(luis)
		release := hold(r, "terminate")
		hangUp(r, luis, c)
		r.row(c, call.Ended)
		release()
	})
}

// TestHangUpIsRepeated: a call left standing at the provider blocks the customer.
func TestHangUpIsRepeated(t *testing.T) {
	r := newRig(t)
	luis := r.open("luis")
	c, d := r.talk(luis)
	left := 3
	r.meta.when("terminate", func(context.Context) error {
		if left--; left > 0 {
			return refused([]fault.Kind{fault.Unavailable, fault.Unknown}[left%2], "provider_error")
		}
		return nil
	})
	_, err := r.h.Do(t.Context(), luis.who, actors.Leave{Call: c})
	ok(t, err)
	eventually(t, "three attempts", func() bool { return len(r.meta.seen("terminate")) == 3 })
	if got := r.meta.seen("terminate")[2].call; got != d.call {
		t.Errorf("hung up %s", got)
	}
	_, err = r.h.Do(t.Context(), luis.who, actors.Leave{Call: c}) // twice is fine
	ok(t, err)
	_, err = r.h.Do(t.Context(), luis.who, actors.End{Call: c})
	ok(t, err)
	_, err = r.h.Do(t.Context(), luis.who, actors.Mute{Call: c, Muted: true})
	wantFault(t, "a command to an ended call", err, fault.Conflict, "call_ended")
}
