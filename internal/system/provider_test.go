package system

import (
	"encoding/json"
	"fmt"
	"net/url"
	"testing"
	"time"

	"ramal/benchmarks/agentclient"
	"ramal/benchmarks/simclient"
	"ramal/sim/cloud"
)

// TestUnrulyWebhooks: duplicated, delayed and reordered webhooks make neither ghost calls nor lost ones.
func TestUnrulyWebhooks(t *testing.T) {
	w := newWorld(t, options{})
	w.customer(maria, "accept")
	w.permit(maria, "maria")
	luis := w.online("luis")
	w.must(w.phone.Set(w.ctx(), "chaos", map[string]any{
		"seed": 7, "duplicate": 1, "delay": 0.5, "delay_min_ms": 1, "delay_max_ms": 150, "reorder": 0.5, "reorder_max_ms": 200,
	}))
	const rounds = 4
	for range rounds {
		call := w.customerCalls(maria)
		luis.accept(luis.offer())
		c := luis.inCall("contact", "luis")
		luis.hears(c.ContactLeg(), toneCustomer)
		w.must(w.phone.Act(w.ctx(), maria, "hangup", map[string]any{"call_id": call}))
		luis.ended("customer", "completed")
		luis.available()
		w.idle("maria")

		m := luis.dial("maria")
		luis.inCall("contact", "luis")
		w.must(luis.End(w.ctx(), m.CallID))
		luis.ended("agent", "completed")
		luis.available()
		w.simEnded(maria)
	}
	w.webhooksOver()
	calls := w.history(nil)
	if len(calls) != 2*rounds {
		t.Errorf("%d calls in the history after %d: %s", len(calls), 2*rounds, describeAll(calls))
	}
	offers := 0
	for _, e := range luis.Events() {
		if e.Type == "offer.created" {
			offers++
		}
	}
	if offers != rounds {
		t.Errorf("luis rang %d times for %d calls", offers, rounds)
	}
}

// webhooksOver waits until every webhook that was made has been delivered.
func (w *world) webhooksOver() {
	w.t.Helper()
	w.steadily("webhooks delivered", func() (bool, string) {
		made, err := w.phone.Events(w.ctx(), url.Values{"kind": {"webhook.made"}})
		w.must(err)
		sent, err := w.phone.Events(w.ctx(), url.Values{"kind": {"webhook.sent"}})
		w.must(err)
		return len(sent) >= len(made), fmt.Sprintf("%d of %d", len(sent), len(made))
	})
}

// webhook waits for the end of a delivery of a kind.
func (w *world) webhook(event, kind string) simclient.Event {
	w.t.Helper()
	var found simclient.Event
	w.eventually(event+" "+kind, func() (bool, string) {
		all, err := w.phone.Events(w.ctx(), url.Values{"kind": {event}})
		w.must(err)
		for _, e := range all {
			var data struct{ Kind string }
			if json.Unmarshal(e.Data, &data) == nil && data.Kind == kind {
				found = e
				return true, ""
			}
		}
		return false, fmt.Sprintf("%d of %s", len(all), event)
	})
	return found
}

// TestTerminateBeforeConnect: a call whose end comes before its beginning rings nobody.
func TestTerminateBeforeConnect(t *testing.T) {
	w := newWorld(t, options{flags: cloud.Flags{TerminateBeforeConnect: true}, timings: func(t *cloud.Timings) { t.TerminateFirst = 5000 }})
	w.customer(maria, "manual")
	luis := w.online("luis")
	call := w.customerCalls(maria)
	w.must(w.phone.Act(w.ctx(), maria, "hangup", map[string]any{"call_id": call}))
	w.webhook("webhook.sent", "terminate")
	w.webhook("webhook.sent", "connect")
	w.must(w.phone.Set(w.ctx(), "flags", map[string]any{"terminate_before_connect": false}))
	next := w.customerCalls(maria) // behind the dead call's events on the same person
	luis.accept(luis.offer())
	luis.inCall("contact", "luis")
	w.must(w.phone.Act(w.ctx(), maria, "hangup", map[string]any{"call_id": next}))
	luis.ended("customer", "completed")
	offers := 0
	for _, e := range luis.Events() {
		if e.Type == "offer.created" {
			offers++
		}
	}
	if offers != 1 {
		t.Errorf("luis rang %d times; the dead call must not ring", offers)
	}
}

// TestAcceptedComesLate: audio opens at pick-up, and an answered call is not cancelled although the provider says so late.
func TestAcceptedComesLate(t *testing.T) {
	w := newWorld(t, options{
		settings: []string{"RAMAL_CALL_RING_TIMEOUT=4s"}, timings: func(t *cloud.Timings) { t.AcceptedLate = 7000 },
	})
	w.customer(maria, "accept")
	w.permit(maria, "maria")
	luis := w.online("luis")
	m := luis.dial("maria")
	c := luis.inCall("contact", "luis")
	luis.hears(c.ContactLeg(), toneCustomer)
	w.customerHears(maria, toneLuis)
	w.webhook("webhook.sent", "ACCEPTED")
	if s := luis.State().Call; s.State != "active" {
		t.Fatalf("an answered call is %s", describe(s))
	}
	w.customerHears(maria, toneLuis)
	accepted := *w.simCall(maria, func(c simCallT) bool { return c.AcceptedAt != nil }).AcceptedAt
	luis.until("times corrected", func(s agentclient.State) bool {
		return s.Call.AnsweredAt != nil && s.Call.AnsweredAt.Sub(accepted).Abs() < 1500*time.Millisecond
	})
	w.must(luis.End(w.ctx(), m.CallID))
	luis.ended("agent", "completed")
}

// TestAcceptedComesFirst: ACCEPTED overtakes RINGING and the first packet.
func TestAcceptedComesFirst(t *testing.T) {
	w := newWorld(t, options{
		settings: []string{"RAMAL_CALL_RING_TIMEOUT=3s"},
		flags:    cloud.Flags{AcceptedBeforeRinging: true}, timings: func(t *cloud.Timings) { t.AudioLate = 4000 },
	})
	w.customer(maria, "accept")
	w.permit(maria, "maria")
	luis := w.online("luis")
	m := luis.dial("maria")
	luis.call("active")
	w.customerHears(maria, toneLuis)
	luis.hears(luis.State().Call.ContactLeg(), toneCustomer)
	if s := luis.State().Call; s.State != "active" {
		t.Errorf("after the ring timer: %s", describe(s))
	}
	w.must(luis.End(w.ctx(), m.CallID))
	luis.ended("agent", "completed")
}

// TestConnectBeforeResponse: the webhook with the answer comes before the response to the dial, and RINGING never.
func TestConnectBeforeResponse(t *testing.T) {
	w := newWorld(t, options{
		flags: cloud.Flags{ConnectBeforeResponse: true, NoRinging: true}, timings: func(t *cloud.Timings) { t.GraphAfter = 500 },
	})
	w.customer(maria, "accept")
	w.permit(maria, "maria")
	luis := w.online("luis")
	m := luis.dial("maria")
	c := luis.inCall("contact", "luis")
	luis.hears(c.ContactLeg(), toneCustomer)
	w.customerHears(maria, toneLuis)
	w.must(luis.End(w.ctx(), m.CallID))
	luis.ended("agent", "completed")
	w.simEnded(maria)
}

// promptly is how long an agent waits at most for what must happen at once, on a busy machine.
const promptly = 1500 * time.Millisecond

// TestSlowProviderHangUp: while the provider takes 10 s for an answer, hanging up frees the agent at once.
func TestSlowProviderHangUp(t *testing.T) {
	w := newWorld(t, options{})
	luis, c := w.talking()
	w.must(w.phone.Set(w.ctx(), "timings", map[string]any{"graph_before_ms": 10_000}))
	began := time.Now()
	w.must(luis.End(w.ctx(), c.ID))
	luis.ended("agent", "completed")
	luis.available()
	if took := time.Since(began); took > promptly {
		t.Errorf("hanging up took %v", took)
	}
	w.customerDeaf(maria, toneLuis)
	w.simEnded(maria) // told in the end
}

// TestSlowProviderGiveUp: a dial whose outcome is not known yet can be given up, and the phone does not go on ringing.
func TestSlowProviderGiveUp(t *testing.T) {
	w := newWorld(t, options{})
	w.customer(maria, "manual")
	w.permit(maria, "maria")
	luis := w.online("luis")
	w.must(w.phone.Set(w.ctx(), "timings", map[string]any{"graph_after_ms": 6_000}))
	dialled := make(chan error, 1)
	leg := luis.newLeg()
	go func() { // ends with the answer to the dial, which its context bounds
		_, err := luis.DialContact(w.ctx(), leg, "maria", "matriz")
		dialled <- err
	}()
	c := luis.until("dialling", func(s agentclient.State) bool { return s.Call != nil && s.Call.State != "ended" }).Call
	began := time.Now()
	w.must(luis.End(w.ctx(), c.ID))
	luis.ended("agent", "abandoned")
	luis.available()
	if took := time.Since(began); took > promptly {
		t.Errorf("giving up took %v", took)
	}
	<-dialled // accepted or refused, it has answered
	w.simEnded(maria)
}

// TestSlowProviderAccept: the agent's accept waits for the provider, and can be taken back meanwhile.
func TestSlowProviderAccept(t *testing.T) {
	w := newWorld(t, options{})
	w.customer(maria, "manual")
	luis := w.online("luis")
	w.customerCalls(maria)
	o := luis.offer()
	w.must(w.phone.Set(w.ctx(), "timings", map[string]any{"graph_before_ms": 5_000}))
	m := luis.accept(o)
	luis.call("connecting")
	w.must(luis.Leave(w.ctx(), m.CallID))
	began := time.Now()
	luis.call("ended")
	luis.available()
	if took := time.Since(began); took > promptly {
		t.Errorf("taking the accept back took %v", took)
	}
	w.simEnded(maria)
}

// TestProviderRefusesDial: a refusal of the provider ends the call with its words.
func TestProviderRefusesDial(t *testing.T) {
	w := newWorld(t, options{})
	w.customer(maria, "manual")
	w.permit(maria, "maria")
	luis := w.online("luis")
	w.must(w.phone.PatchUser(w.ctx(), maria, map[string]any{"uncallable": true}))
	_, err := luis.DialContact(w.ctx(), luis.newLeg(), "maria", "matriz")
	if err == nil {
		c := luis.call("ended")
		if c.EndedBy != "provider" || c.EndDetail == "" {
			t.Errorf("ended as %s", describe(&c))
		}
	}
	luis.available()
}

// TestPhoneFails: the provider ends a running call with an error.
func TestPhoneFails(t *testing.T) {
	w := newWorld(t, options{})
	luis, _ := w.talking()
	w.must(w.phone.Act(w.ctx(), maria, "fail", map[string]any{"code": 138019}))
	c := luis.call("ended")
	if c.EndedBy != "provider" || c.EndReason != "media_failed" {
		t.Errorf("ended as %s", describe(&c))
	}
	luis.available()
}

// TestForgedWebhook: what is not signed by the line's secret changes nothing.
func TestForgedWebhook(t *testing.T) {
	w := newWorld(t, options{})
	w.customer(maria, "manual")
	luis := w.online("luis")
	w.must(w.phone.PatchBusiness(w.ctx(), pnid, map[string]any{"app_secret": "wrong"}))
	w.customerCalls(maria)
	e := w.webhook("webhook.failed", "connect")
	var data struct{ Status int }
	if json.Unmarshal(e.Data, &data) != nil || data.Status != 401 {
		t.Errorf("forged webhook answered with %s", e.Data)
	}
	if n := len(luis.State().Offers); n != 0 {
		t.Errorf("a forged call rings: %d modals", n)
	}
	w.eventually("counted", func() (bool, string) {
		n := w.metric(w.engine.URL(), `ramal_webhooks_total{result="forged"}`)
		return n >= 1, fmt.Sprint(n)
	})
}
