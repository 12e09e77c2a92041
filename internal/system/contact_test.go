package system

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"ramal/benchmarks/agentclient"
	"ramal/benchmarks/simclient"
	"ramal/internal/app"
)

// TestTwoCallsAtOnce: two conversations beside each other do not leak into one another.
func TestTwoCallsAtOnce(t *testing.T) {
	w := newWorld(t, options{})
	const other = 570
	w.customer(maria, "manual")
	w.must(w.phone.PatchUser(w.ctx(), joao, map[string]any{"voice": simclient.Tone(other), "answer": simclient.Policy{Mode: "accept"}}))
	w.permit(joao, "joao")
	luis, fernando := w.online("luis"), w.online("fernando")
	w.customerCalls(maria)
	luis.accept(luis.offer())
	a := luis.inCall("contact", "luis")
	fernando.dial("joao")
	b := fernando.inCall("contact", "fernando")
	luis.hears(a.ContactLeg(), toneCustomer)
	fernando.hears(b.ContactLeg(), other)
	w.customerHears(maria, toneLuis)
	w.customerHears(joao, toneFernando)
	luis.deaf(other)
	fernando.deaf(toneCustomer)
	w.customerDeaf(maria, toneFernando)
	w.customerDeaf(joao, toneLuis)
	w.must(luis.End(w.ctx(), a.ID))
	luis.available()
	fernando.hears(b.ContactLeg(), other)
	w.customerHears(joao, toneFernando)
	if s := fernando.State().Call; s.State != "active" {
		t.Errorf("the other call: %s", describe(s))
	}
}

// TestRungWhenFree: who is in a call is not rung, and is asked as soon as he is free.
func TestRungWhenFree(t *testing.T) {
	w := newWorld(t, options{settings: []string{"RAMAL_CALL_STAGE_TIMEOUT=1s"}})
	luis, c := w.talking()
	w.customer(joao, "manual")
	w.customerCalls(joao)
	w.simCall(joao, func(c simCallT) bool { return c.Phase == "pre_accepted" })
	if n := len(luis.State().Offers); n != 0 {
		t.Errorf("luis rings in a call: %d modals", n)
	}
	w.must(luis.End(w.ctx(), c.ID))
	o := luis.offer()
	if o.Contact.ID != "joao" {
		t.Errorf("rung for %s", o.Contact.ID)
	}
	luis.accept(o)
	luis.hears(luis.inCall("contact", "luis").ContactLeg(), toneCustomer)
}

// TestStrangerCalls: a caller nobody knows becomes a contact under the name that the provider tells.
func TestStrangerCalls(t *testing.T) {
	w := newWorld(t, options{})
	const stranger = "5511987650099"
	w.must(w.phone.PutUsers(w.ctx(), []simclient.User{{WAID: stranger, Name: "Zeca", Voice: simclient.Tone(toneCustomer)}}))
	luis := w.online("luis")
	w.customerCalls(stranger)
	o := luis.offer()
	if o.Contact.Name != "Zeca" || o.Contact.Phone != "+"+stranger {
		t.Errorf("the modal shows %+v", o.Contact)
	}
	luis.accept(o)
	luis.hears(luis.inCall("contact", "luis").ContactLeg(), toneCustomer)
	page, err := w.rest("luis").Contacts(w.ctx(), url.Values{"q": {"Zeca"}})
	w.must(err)
	if len(page.Items) != 1 || page.Items[0].ID != o.Contact.ID || page.Items[0].OngoingCall != o.CallID {
		t.Errorf("contacts named Zeca: %+v", page.Items)
	}
}

// TestCallAgainKnowsTheAgent: after a conversation its agent is related, and is rung alone.
func TestCallAgainKnowsTheAgent(t *testing.T) {
	w := newWorld(t, options{})
	w.customer(joao, "manual")
	luis, fernando := w.online("luis"), w.online("fernando")
	w.customerCalls(joao)
	fernando.accept(fernando.offer())
	c := fernando.inCall("contact", "fernando")
	w.must(fernando.End(w.ctx(), c.ID))
	fernando.available()
	luis.noOffer()
	w.simEnded(joao)
	var o agentclient.OfferView
	w.eventually("the call is remembered", func() (bool, string) {
		list, err := w.rest("luis").Colleagues(w.ctx(), "joao", c.ID)
		w.must(err)
		return len(list) > 0 && list[0].ID == "fernando" && list[0].Involved == "recent_call", fmt.Sprintf("%+v", list)
	})
	w.customerCalls(joao)
	o = fernando.offer()
	if o.Reason != "recent_call" || o.ReasonAt == nil {
		t.Errorf("rung because of %q", o.Reason)
	}
	if n := len(luis.State().Offers); n != 0 {
		t.Errorf("luis, who has not dealt with joao, has %d modals", n)
	}
}

// TestCallButton: an agent sends a button, the customer presses it, and is put through.
func TestCallButton(t *testing.T) {
	w := newWorld(t, options{})
	w.customer(joao, "manual")
	luis := w.online("luis")
	var sent agentclient.Requested
	button := func() error {
		return luis.Do(w.ctx(), "message.call_button", map[string]any{"contact_id": "joao", "line_id": "matriz", "text": "Ligue para nós"}, &sent)
	}
	if err := button(); agentclient.Code(err) != "window_closed" {
		t.Errorf("a button outside the window: %v", err)
	}
	w.must(w.phone.Act(w.ctx(), joao, "text", map[string]any{"pnid": pnid, "text": "oi"}))
	w.eventually("the window is open", func() (bool, string) {
		err := button()
		return err == nil, errText(err)
	})
	var call string
	w.eventually("the button is pressed", func() (bool, string) {
		var state struct {
			Chats []struct {
				Messages []struct{ ID, Kind string }
			}
		}
		w.must(w.phone.Do(w.ctx(), http.MethodGet, "/control/users/"+joao+"/phone", nil, &state))
		for _, chat := range state.Chats {
			for _, m := range chat.Messages {
				if m.Kind == "voice_call" {
					var out struct {
						CallID string `json:"call_id"`
					}
					err := w.phone.Do(w.ctx(), http.MethodPost, "/control/users/"+joao+"/call", map[string]any{"message_id": m.ID}, &out)
					call = out.CallID
					return err == nil, errText(err)
				}
			}
		}
		return false, fmt.Sprintf("%+v", state)
	})
	luis.accept(luis.offer())
	luis.inCall("contact", "luis")
	w.customerHears(joao, toneLuis)
	w.must(w.phone.Act(w.ctx(), joao, "hangup", map[string]any{"call_id": call}))
	luis.ended("customer", "completed")
}

// TestPermissionByTemplate: outside the service window the line's template asks.
func TestPermissionByTemplate(t *testing.T) {
	w := newWorld(t, options{seed: func(s *app.Seed) {
		s.Tenants[0].Settings = map[string]any{"permission_template": "pode_ligar", "permission_template_language": "pt_BR", "permission_template_with_name": true}
	}})
	luis := w.online("luis")
	body := `{"name":"pode_ligar","language":"pt_BR","category":"UTILITY","components":[{"type":"BODY","text":"Olá {{1}}, podemos ligar?"},{"type":"call_permission_request"}]}`
	w.graph("/v25.0/waba-1/message_templates", "tok-1", body)
	r, err := luis.RequestPermission(w.ctx(), "maria", "matriz")
	w.must(err)
	if r.Via != "template" {
		t.Errorf("asked via %q outside the window", r.Via)
	}
	w.eventually("answered", func() (bool, string) {
		err := w.phone.Act(w.ctx(), maria, "answer", map[string]any{"answer": "decline", "pnid": pnid})
		return err == nil, errText(err)
	})
	if n := luis.notice("permission_declined"); n.ContactID != "maria" {
		t.Errorf("notice %+v", n)
	}
	if _, err := w.online("fernando").RequestPermission(w.ctx(), "joao", "matriz"); err != nil {
		t.Errorf("another customer: %v", err)
	}
}

// TestDailyLimit: the company's own limit of connected calls names the time from which the next is allowed.
func TestDailyLimit(t *testing.T) {
	w := newWorld(t, options{settings: []string{"RAMAL_LIMITS_CALLS_PER_DAY=1"}})
	w.customer(maria, "accept")
	w.permit(maria, "maria")
	luis := w.online("luis")
	m := luis.dial("maria")
	luis.inCall("contact", "luis")
	w.must(luis.End(w.ctx(), m.CallID))
	luis.available()
	w.simEnded(maria)
	w.eventually("only the limit is in the way", func() (bool, string) {
		e, err := w.rest("luis").Eligibility(w.ctx(), "maria", "matriz")
		w.must(err)
		reasons := e.CallReasons
		return !e.CanCall && len(reasons) == 1 && reasons[0].Code == "daily_limit" && reasons[0].NextAllowedAt != nil, fmt.Sprintf("%+v", e)
	})
	_, err := luis.DialContact(w.ctx(), luis.newLeg(), "maria", "matriz")
	if agentclient.Code(err) != "daily_limit" {
		t.Errorf("second call on a day: %v", err)
	}
	luis.available()
}

// TestContactBusy: a customer who is being called cannot be called by another agent.
func TestContactBusy(t *testing.T) {
	w := newWorld(t, options{})
	w.customer(maria, "manual")
	w.permit(maria, "maria")
	luis, fernando := w.online("luis"), w.online("fernando")
	m := luis.dial("maria")
	w.rings(maria)
	_, err := fernando.DialContact(w.ctx(), fernando.newLeg(), "maria", "matriz")
	if agentclient.Code(err) != "contact_busy" {
		t.Errorf("a second call to her: %v", err)
	}
	fernando.available()
	_, err = luis.DialContact(w.ctx(), luis.leg, "joao", "matriz")
	if code := agentclient.Code(err); code != "agent_busy" {
		t.Errorf("a second call by him: %v", err)
	}
	w.must(luis.End(w.ctx(), m.CallID))
	luis.available()
}
