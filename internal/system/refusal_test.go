package system

import (
	"fmt"
	"net/url"
	"testing"
	"time"

	"ramal/benchmarks/agentclient"
)

// ended says how a call must have ended.
func (a *agent) ended(by, reason string) agentclient.CallView {
	a.w.t.Helper()
	c := a.call("ended")
	if c.EndedBy != by || c.EndReason != reason {
		a.w.t.Errorf("%s: ended by %s as %s (%s), not by %s as %s", a.name, c.EndedBy, c.EndReason, c.EndDetail, by, reason)
	}
	return c
}

// available waits until the agent is free again.
func (a *agent) available() {
	a.w.t.Helper()
	a.until("available", func(s agentclient.State) bool { return s.Agent.Presence == "available" && s.Agent.CallID == "" })
}

// notice waits for a notice of a kind.
func (a *agent) notice(kind string) agentclient.NoticeView {
	a.w.t.Helper()
	var found agentclient.NoticeView
	a.until("notice "+kind, func(s agentclient.State) bool {
		for _, n := range s.Notices {
			if n.Kind == kind {
				found = n
				return true
			}
		}
		return false
	})
	return found
}

// closedAs waits until a modal was taken away and says why.
func (a *agent) closedAs(offer string) agentclient.OfferClosed {
	a.w.t.Helper()
	var c agentclient.OfferClosed
	_, err := a.UntilEvent(a.w.ctx(), func(e agentclient.Event) bool {
		return e.Type == "offer.closed" && decode(a.w.t, e.Data, &c) && c.OfferID == offer
	})
	a.w.must(err)
	return c
}

// history returns the company's newest call.
func (w *world) history(query url.Values) []agentclient.CallView {
	w.t.Helper()
	p, err := w.rest("luis").Calls(w.ctx(), query)
	w.must(err)
	return p.Items
}

func TestCustomerDeclines(t *testing.T) {
	w := newWorld(t, options{})
	w.customer(maria, "manual")
	w.permit(maria, "maria")
	luis := w.online("luis")
	luis.dial("maria")
	w.rings(maria)
	w.must(w.phone.Act(w.ctx(), maria, "decline", nil))
	if c := luis.ended("customer", "declined_by_customer"); c.TalkMS != 0 || c.AnsweredAt != nil {
		t.Errorf("talk %d ms, answered %v", c.TalkMS, c.AnsweredAt)
	}
	luis.available()
}

func TestAgentGivesUpRinging(t *testing.T) {
	w := newWorld(t, options{})
	w.customer(maria, "manual")
	w.permit(maria, "maria")
	luis := w.online("luis")
	m := luis.dial("maria")
	w.rings(maria)
	w.must(luis.End(w.ctx(), m.CallID))
	luis.ended("agent", "abandoned")
	if c := w.simEnded(maria); c.EndedBy != "business" {
		t.Errorf("provider: %+v", c)
	}
	luis.available()
}

func TestCustomerDoesNotAnswer(t *testing.T) {
	w := newWorld(t, options{settings: []string{"RAMAL_CALL_RING_TIMEOUT=1s"}})
	w.customer(maria, "ignore")
	w.permit(maria, "maria")
	luis := w.online("luis")
	luis.dial("maria")
	luis.ended("system", "no_answer")
	if c := w.simEnded(maria); c.EndedBy != "business" {
		t.Errorf("provider: %+v", c)
	}
	luis.available()
}

func TestNobodyAnswers(t *testing.T) {
	w := newWorld(t, options{settings: []string{"RAMAL_CALL_STAGE_TIMEOUT=1s", "RAMAL_CALL_QUEUE_TIMEOUT=2s"}})
	w.customer(joao, "manual")
	luis, fernando := w.online("luis"), w.online("fernando")
	w.customerCalls(joao)
	o := luis.offer()
	fernando.offer()
	if o.Reason != "anyone" {
		t.Errorf("reason %q for a customer nobody knows", o.Reason)
	}
	luis.noOffer()
	fernando.noOffer()
	for _, a := range []*agent{luis, fernando} {
		if n := a.notice("call_missed"); n.ContactID != "joao" || n.CallID != o.CallID || n.ContactName != "João" {
			t.Errorf("%s: notice %+v", a.name, n)
		}
	}
	if c := w.simEnded(joao); c.EndedBy != "business" {
		t.Errorf("provider: %+v", c)
	}
	calls := w.history(url.Values{"end_reason": {"no_answer"}})
	if len(calls) != 1 || calls[0].ID != o.CallID || calls[0].EndedBy != "system" {
		t.Errorf("history %+v", calls)
	}
	again := w.online("luis") // a notice stays until it is acknowledged, whatever session comes
	n := again.notice("call_missed")
	w.must(again.AckNotices(w.ctx(), n.ID))
	for _, a := range []*agent{luis, again} {
		a.until("no notice", func(s agentclient.State) bool { return len(s.Notices) == 0 })
	}
}

func TestNobodyIsOnline(t *testing.T) {
	w := newWorld(t, options{settings: []string{"RAMAL_CALL_STAGE_TIMEOUT=1s", "RAMAL_CALL_QUEUE_TIMEOUT=2s"}})
	w.customer(maria, "manual")
	w.customerCalls(maria)
	w.simEnded(maria)
	luis := w.online("luis") // related, so he is told when he comes
	if n := luis.notice("call_missed"); n.ContactID != "maria" {
		t.Errorf("notice %+v", n)
	}
}

func TestCustomerGivesUp(t *testing.T) {
	w := newWorld(t, options{})
	w.customer(maria, "manual")
	luis := w.online("luis")
	call := w.customerCalls(maria)
	o := luis.offer()
	w.must(w.phone.Act(w.ctx(), maria, "hangup", map[string]any{"call_id": call}))
	luis.noOffer()
	if c := luis.closedAs(o.ID); c.Reason != "call_ended" {
		t.Errorf("closed as %+v", c)
	}
	luis.notice("call_missed")
	w.eventually("in the history", func() (bool, string) {
		calls := w.history(url.Values{"end_reason": {"abandoned"}})
		return len(calls) == 1 && calls[0].EndedBy == "customer", ""
	})
	luis.available()
}

func TestDeclineSilencesOnlyThatAgent(t *testing.T) {
	w := newWorld(t, options{})
	w.customer(joao, "manual")
	luis, fernando := w.online("luis"), w.online("fernando")
	w.customerCalls(joao)
	mine, his := luis.offer(), fernando.offer()
	w.must(luis.Decline(w.ctx(), mine))
	luis.noOffer()
	if c := luis.closedAs(mine.ID); c.Reason != "declined" {
		t.Errorf("closed as %+v", c)
	}
	if n := len(fernando.State().Offers); n != 1 {
		t.Errorf("fernando has %d modals after luis declined", n)
	}
	fernando.accept(his)
	c := fernando.inCall("contact", "fernando")
	fernando.hears(c.ContactLeg(), toneCustomer)
	w.customerHears(joao, toneFernando)
	if n := len(luis.State().Offers); n != 0 {
		t.Errorf("luis rings again after he declined: %d modals", n)
	}
}

func TestEverybodyDeclines(t *testing.T) {
	w := newWorld(t, options{settings: []string{"RAMAL_CALL_STAGE_TIMEOUT=1s", "RAMAL_CALL_QUEUE_TIMEOUT=3s"}})
	w.customer(maria, "manual")
	luis, fernando := w.online("luis"), w.online("fernando")
	w.customerCalls(maria)
	w.must(luis.Decline(w.ctx(), luis.offer()))
	w.must(fernando.Decline(w.ctx(), fernando.offer())) // asked at once, since the only related agent said no
	w.simEnded(maria)
	w.eventually("in the history", func() (bool, string) {
		calls := w.history(nil)
		return len(calls) == 1 && calls[0].EndReason == "declined_by_agents", describeAll(calls)
	})
}

func describeAll(calls []agentclient.CallView) string {
	out := ""
	for _, c := range calls {
		out += describe(&c) + "; "
	}
	return out
}

func TestRelatedFirstThenEveryone(t *testing.T) {
	w := newWorld(t, options{settings: []string{"RAMAL_CALL_STAGE_TIMEOUT=1500ms"}})
	w.customer(maria, "manual")
	luis, fernando := w.online("luis"), w.online("fernando")
	w.customerCalls(maria)
	first := luis.offer()
	second := fernando.offer()
	if n := len(luis.State().Offers); n != 1 {
		t.Errorf("luis has %d modals in the second stage", n)
	}
	if first.Reason != "order_owner" || second.Reason != "anyone" {
		t.Errorf("reasons %q, %q", first.Reason, second.Reason)
	}
	fernando.accept(second)
	call := fernando.inCall("contact", "fernando")
	if wait := second.CreatedAt.Sub(call.CreatedAt); wait < 1500*time.Millisecond {
		t.Errorf("fernando rings %v after the call came, before the stage of the related is over", wait)
	}
	luis.noOffer()
	if c := luis.closedAs(first.ID); c.Reason != "accepted_elsewhere" || c.By != "Fernando" {
		t.Errorf("closed as %+v", c)
	}
	luis.available()
}

// TestOutOfHours: the provider lets a call through that our hours, changed a moment ago, do not allow.
func TestOutOfHours(t *testing.T) {
	w := newWorld(t, options{})
	w.customer(maria, "manual")
	luis := w.online("luis")
	camila := agentclient.REST{URL: w.engine.URL(), Token: w.token(tenant, "camila", "supervisor")}
	s, tag, err := camila.LineSettings(w.ctx(), "matriz")
	w.must(err)
	w.must(w.phone.Set(w.ctx(), "timings", map[string]any{"graph_before_ms": 5_000})) // it learns of the hours too late
	s.Hours = &agentclient.Hours{Timezone: "America/Sao_Paulo", Weekly: closedToday()}
	w.must(camila.SaveLineSettings(w.ctx(), "matriz", tag, s))
	w.customerCalls(maria)
	if c := w.simEnded(maria); c.EndedBy != "business" {
		t.Errorf("provider: %+v", c)
	}
	w.eventually("in the history", func() (bool, string) {
		calls := w.history(nil)
		return len(calls) == 1 && calls[0].EndReason == "out_of_hours" && calls[0].EndedBy == "system", describeAll(calls)
	})
	luis.notice("call_missed")
	for _, e := range luis.Events() {
		if e.Type == "offer.created" {
			t.Error("luis rang out of hours")
		}
	}
	w.must(w.phone.Set(w.ctx(), "timings", map[string]any{"graph_before_ms": 0}))
	w.must(w.phone.Act(w.ctx(), maria, "permission", map[string]any{"action": "grant_permanent", "pnid": pnid}))
	w.eventually("only the hours are in the way", func() (bool, string) {
		e, err := w.rest("luis").Eligibility(w.ctx(), "maria", "matriz")
		w.must(err)
		reasons := e.CallReasons
		return !e.CanCall && len(reasons) == 1 && reasons[0].Code == "out_of_hours" && reasons[0].NextAllowedAt != nil, fmt.Sprintf("%+v", e)
	})
	_, err = luis.DialContact(w.ctx(), luis.newLeg(), "maria", "matriz")
	if agentclient.Code(err) != "out_of_hours" {
		t.Errorf("dial out of hours: %v", err)
	}
	luis.available()
}

func TestNoPermission(t *testing.T) {
	w := newWorld(t, options{})
	w.customer(maria, "manual")
	luis := w.online("luis")
	_, err := luis.DialContact(w.ctx(), luis.newLeg(), "maria", "matriz")
	if agentclient.Code(err) != "permission_missing" {
		t.Errorf("dial without permission: %v", err)
	}
	luis.available()
	calls, err := w.phone.Calls(w.ctx(), url.Values{"user": {maria}})
	w.must(err)
	if len(calls) != 0 {
		t.Errorf("the provider was asked all the same: %+v", calls)
	}
}

// TestPermissionFlow: asked for, granted, told to every session, used, revoked.
func TestPermissionFlow(t *testing.T) {
	w := newWorld(t, options{})
	w.customer(maria, "accept")
	luis, tab := w.online("luis"), w.online("luis")
	w.must(w.phone.Act(w.ctx(), maria, "text", map[string]any{"pnid": pnid, "text": "oi"})) // opens the window
	w.eventually("window open", func() (bool, string) {
		e, err := w.rest("luis").Eligibility(w.ctx(), "maria", "matriz")
		w.must(err)
		return e.WindowUntil != nil, ""
	})
	r, err := luis.RequestPermission(w.ctx(), "maria", "matriz")
	w.must(err)
	if r.Via != "interactive" {
		t.Errorf("asked via %q inside the window", r.Via)
	}
	if _, err := luis.RequestPermission(w.ctx(), "maria", "matriz"); agentclient.Code(err) != "request_limit_day" {
		t.Errorf("second request on a day: %v", err)
	}
	w.eventually("request at the phone", func() (bool, string) {
		err := w.phone.Act(w.ctx(), maria, "answer", map[string]any{"answer": "accept_temporary", "pnid": pnid})
		return err == nil, errText(err)
	})
	for _, a := range []*agent{luis, tab} {
		if n := a.notice("permission_granted"); n.ContactID != "maria" || n.Until == nil || n.Permanent {
			t.Errorf("notice %+v", n)
		}
	}
	m := luis.dial("maria")
	c := luis.inCall("contact", "luis")
	w.must(luis.End(w.ctx(), m.CallID))
	luis.ended("agent", "completed")
	w.eventually("used", func() (bool, string) {
		e, err := w.rest("luis").Eligibility(w.ctx(), "maria", "matriz")
		w.must(err)
		for _, l := range e.Limits {
			if l.Name == "calls_connected" {
				return l.Used == 1 && l.Max == 5, ""
			}
		}
		return false, ""
	})
	_ = c
	w.must(w.phone.Act(w.ctx(), maria, "permission", map[string]any{"action": "revoke", "pnid": pnid}))
	luis.notice("permission_revoked")
	_, err = luis.DialContact(w.ctx(), luis.newLeg(), "maria", "matriz")
	if code := agentclient.Code(err); code != "permission_missing" && code != "permission_revoked" {
		t.Errorf("dial after revoke: %v", err)
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
