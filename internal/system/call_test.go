package system

import (
	"testing"
)

// TestCustomerCallsCompany: the agent who owns the customer's order is rung, answers, and both hear each other.
func TestCustomerCallsCompany(t *testing.T) {
	w := newWorld(t, options{})
	w.customer(maria, "manual")
	luis, fernando := w.online("luis"), w.online("fernando")
	provider := w.customerCalls(maria)
	o := luis.offer()
	if o.Reason != "order_owner" || o.ReasonInfo != "991" || o.Kind != "inbound" || o.Contact.ID != "maria" {
		t.Errorf("offer %+v", o)
	}
	if n := len(fernando.State().Offers); n != 0 {
		t.Errorf("fernando rings %d times while luis, the related one, has not answered", n)
	}
	w.customerDeaf(maria, toneLuis) // nothing leaks before accept
	m := luis.accept(o)
	c := luis.inCall("contact", "luis")
	if c.ID != m.CallID || c.MyLeg != m.LegID || c.Direction != "inbound" {
		t.Errorf("call %s, answer %+v", describe(&c), m)
	}
	luis.hears(c.ContactLeg(), toneCustomer)
	w.customerHears(maria, toneLuis)
	w.must(w.phone.Act(w.ctx(), maria, "hangup", map[string]any{"call_id": provider}))
	c = luis.call("ended")
	if c.EndReason != "completed" || c.EndedBy != "customer" || c.TalkMS <= 0 || c.AnsweredAt == nil {
		t.Errorf("ended as %s talk %d ms", describe(&c), c.TalkMS)
	}
	if got := w.simEnded(maria); got.Outcome != "completed" || got.EndedBy != "user" {
		t.Errorf("provider: %+v", got)
	}
}

// TestCompanyCallsCustomer: a permitted call rings, is picked up, and both hear each other; the agent hangs up.
func TestCompanyCallsCustomer(t *testing.T) {
	w := newWorld(t, options{})
	w.customer(maria, "manual")
	w.permit(maria, "maria")
	luis := w.online("luis")
	m := luis.dial("maria")
	luis.call("ringing")
	w.picksUp(maria)
	c := luis.inCall("contact", "luis")
	if c.ID != m.CallID || c.Direction != "outbound" || c.State != "active" {
		t.Errorf("call %s, answer %+v", describe(&c), m)
	}
	luis.hears(c.ContactLeg(), toneCustomer)
	w.customerHears(maria, toneLuis)
	w.must(luis.End(w.ctx(), c.ID))
	c = luis.call("ended")
	if c.EndReason != "completed" || c.EndedBy != "agent" || c.TalkMS <= 0 {
		t.Errorf("ended as %s talk %d ms", describe(&c), c.TalkMS)
	}
	if got := w.simEnded(maria); got.Outcome != "completed" || got.EndedBy != "business" {
		t.Errorf("provider: %+v", got)
	}
}
