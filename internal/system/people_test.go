package system

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"ramal/benchmarks/agentclient"
	"ramal/benchmarks/simclient"
)

// Everybody's tone, in Hz: far apart, and none a harmonic of another.
const (
	toneCustomer = 440
	toneLuis     = 700
	toneFernando = 1010
	toneBeatriz  = 1490
)

var tones = map[string]int{"luis": toneLuis, "fernando": toneFernando, "beatriz": toneBeatriz}

const (
	loud  = -24 // dBFS: a tone that is there is about -12, at half volume -18
	quiet = -45 // dBFS: a tone that is not there
	span  = 300 * time.Millisecond
)

// agent is one person at one session, with the audio of the call it is in.
type agent struct {
	w    *world
	name string
	*agentclient.Session
	leg *agentclient.Leg
}

// online opens a session of an agent of the tenant on the first engine.
func (w *world) online(name string) *agent {
	w.t.Helper()
	return w.onlineAt(w.engine.URL(), name)
}

func (w *world) onlineAt(engine, name string) *agent {
	w.t.Helper()
	s, err := agentclient.Dial(w.ctx(), agentclient.Config{URL: engine, Token: w.token(tenant, name, "")})
	w.must(err)
	a := &agent{w: w, name: name, Session: s}
	w.t.Cleanup(a.gone)
	return a
}

func (a *agent) gone() {
	if a.leg != nil {
		a.leg.Close()
	}
	a.Close()
}

// newLeg makes the agent's audio, speaking its tone.
func (a *agent) newLeg() *agentclient.Leg {
	a.w.t.Helper()
	if a.leg != nil {
		a.leg.Close()
	}
	l, err := a.w.media.NewLeg(false)
	a.w.must(err)
	a.w.must(l.Say(tones[a.name]))
	a.leg = l
	return l
}

// until waits for a state of the agent.
func (a *agent) until(what string, ok func(agentclient.State) bool) agentclient.State {
	a.w.t.Helper()
	s, err := a.Until(a.w.ctx(), ok)
	if err != nil {
		a.w.t.Fatalf("%s: %s: %v; offers %v, presence %s, call %s", a.name, what, err, s.Offers, s.Agent.Presence, describe(s.Call))
	}
	return s
}

func describe(c *agentclient.CallView) string {
	if c == nil {
		return "none"
	}
	out := fmt.Sprintf("%s v%d %s %s/%s %q", c.ID, c.Version, c.State, c.EndedBy, c.EndReason, c.EndDetail)
	for _, p := range c.Participants {
		out += fmt.Sprintf(" [%s %s %s muted=%v]", p.Kind, p.AgentID, p.State, p.Muted)
	}
	return out
}

// offer waits for a modal.
func (a *agent) offer() agentclient.OfferView {
	a.w.t.Helper()
	s := a.until("a modal", func(s agentclient.State) bool { return len(s.Offers) > 0 })
	for _, o := range s.Offers {
		return o
	}
	panic("unreachable")
}

// noOffer waits until no modal is left.
func (a *agent) noOffer() {
	a.w.t.Helper()
	a.until("no modal", func(s agentclient.State) bool { return len(s.Offers) == 0 })
}

// accept answers a modal with audio.
func (a *agent) accept(o agentclient.OfferView) agentclient.MediaAnswer {
	a.w.t.Helper()
	m, err := a.Accept(a.w.ctx(), a.newLeg(), o)
	a.w.must(err)
	return m
}

// dial calls a contact.
func (a *agent) dial(contact string) agentclient.MediaAnswer {
	a.w.t.Helper()
	m, err := a.DialContact(a.w.ctx(), a.newLeg(), contact, "matriz")
	a.w.must(err)
	return m
}

// call waits until the agent's call is in a state.
func (a *agent) call(state string) agentclient.CallView {
	a.w.t.Helper()
	s := a.until("call "+state, func(s agentclient.State) bool { return s.Call != nil && s.Call.State == state })
	return *s.Call
}

// inCall waits until the agent's call has everybody named connected: "contact" or an agent.
func (a *agent) inCall(everybody ...string) agentclient.CallView {
	a.w.t.Helper()
	s := a.until(fmt.Sprintf("in a call with %v", everybody), func(s agentclient.State) bool {
		if s.Call == nil {
			return false
		}
		n := 0
		for _, who := range everybody {
			if p, ok := s.Call.Leg(func(p agentclient.Participant) bool { return p.AgentID == who || p.Kind == who }); ok && p.State == "connected" {
				n++
			}
		}
		return n == len(everybody)
	})
	return *s.Call
}

// hears waits until the agent hears a tone on a leg.
func (a *agent) hears(leg string, hz int) {
	a.w.t.Helper()
	a.w.eventually(fmt.Sprintf("%s hears %d Hz", a.name, hz), func() (bool, string) {
		level, heard := a.level(leg, hz)
		return heard && level > loud, fmt.Sprintf("%.0f dB, anything %v", level, heard)
	})
}

func (a *agent) level(leg string, hz int) (float64, bool) {
	ear := a.leg.Ear(leg)
	if ear == nil {
		return -120, false
	}
	pcm, err := ear.Window(span)
	a.w.must(err)
	return agentclient.Level(pcm, float64(hz)), true
}

// deaf waits until the agent no longer hears a tone on any track, for a while on end.
func (a *agent) deaf(hz int) {
	a.w.t.Helper()
	a.w.steadily(fmt.Sprintf("%s does not hear %d Hz", a.name, hz), func() (bool, string) {
		worst := -120.0
		for _, ear := range a.leg.Ears() {
			pcm, err := ear.Window(span)
			a.w.must(err)
			worst = max(worst, agentclient.Level(pcm, float64(hz)))
		}
		return worst < quiet, fmt.Sprintf("%.0f dB", worst)
	})
}

// customerHears waits until a customer hears a tone.
func (w *world) customerHears(key string, hz int) {
	w.t.Helper()
	w.eventually(fmt.Sprintf("customer hears %d Hz", hz), func() (bool, string) {
		l, err := w.phone.Levels(w.ctx(), key, "", span, hz)
		w.must(err)
		level := l.Tones[fmt.Sprint(hz)]
		return level > loud, fmt.Sprintf("%.0f dB", level)
	})
}

// customerDeaf waits until a customer no longer hears a tone, for a while on end.
func (w *world) customerDeaf(key string, hz int) {
	w.t.Helper()
	w.steadily(fmt.Sprintf("customer does not hear %d Hz", hz), func() (bool, string) {
		l, err := w.phone.Levels(w.ctx(), key, "", span, hz)
		w.must(err)
		level := l.Tones[fmt.Sprint(hz)]
		return level < quiet, fmt.Sprintf("%.0f dB", level)
	})
}

// steadily waits until ok has held for span without a break.
func (w *world) steadily(what string, ok func() (bool, string)) {
	w.t.Helper()
	var since time.Time
	w.eventually(what, func() (bool, string) {
		yes, seen := ok()
		switch {
		case !yes:
			since = time.Time{}
		case since.IsZero():
			since = time.Now()
		}
		return yes && time.Since(since) > span, seen
	})
}

// customer prepares a customer: it speaks its tone and does what answer says to calls.
func (w *world) customer(key, answer string) {
	w.t.Helper()
	w.must(w.phone.PatchUser(w.ctx(), key, map[string]any{
		"voice": simclient.Tone(toneCustomer), "answer": simclient.Policy{Mode: answer},
	}))
}

// customerCalls places a call and returns its id at the provider.
func (w *world) customerCalls(key string) string {
	w.t.Helper()
	call, err := w.phone.PlaceCall(w.ctx(), key, pnid)
	w.must(err)
	return call
}

// permit lets the business call a customer, and waits until the engine knows.
func (w *world) permit(key, contact string) {
	w.t.Helper()
	w.must(w.phone.Act(w.ctx(), key, "permission", map[string]any{"action": "grant_permanent", "pnid": pnid}))
	w.eventually("permission known", func() (bool, string) {
		e, err := w.rest("luis").Eligibility(w.ctx(), contact, "matriz")
		w.must(err)
		return e.CanCall, fmt.Sprintf("%+v", e)
	})
}

// idle waits until a contact's last call is over for the contact too: the agents are told a moment before.
func (w *world) idle(contact string) {
	w.t.Helper()
	w.eventually(contact+" is in no call", func() (bool, string) {
		c, err := w.rest("luis").Contact(w.ctx(), contact)
		w.must(err)
		return c.OngoingCall == "", c.OngoingCall
	})
}

// simCall waits for a state of the newest call of a customer at the provider.
func (w *world) simCall(key string, ok func(simclient.Call) bool) simclient.Call {
	w.t.Helper()
	var found simclient.Call
	w.eventually("call at the provider", func() (bool, string) {
		calls, err := w.phone.Calls(w.ctx(), url.Values{"user": {key}})
		w.must(err)
		if len(calls) == 0 {
			return false, "no call"
		}
		found = calls[0]
		return ok(found), fmt.Sprintf("%+v", found)
	})
	return found
}

// picksUp waits until a customer's phone rings, and answers.
func (w *world) picksUp(key string) {
	w.t.Helper()
	w.rings(key)
	w.must(w.phone.Act(w.ctx(), key, "accept", nil))
}

// rings waits until a customer's phone rings.
func (w *world) rings(key string) {
	w.t.Helper()
	w.simCall(key, func(c simclient.Call) bool { return c.Phase == "ringing" })
}

// simEnded waits until the customer's newest call has ended at the provider, and returns it.
func (w *world) simEnded(key string) simclient.Call {
	w.t.Helper()
	return w.simCall(key, func(c simclient.Call) bool { return c.Phase == "ended" })
}

// simCallT is a call as the provider sees it.
type simCallT = simclient.Call

// decode reads what an event carries.
func decode(t testing.TB, raw json.RawMessage, into any) bool {
	t.Helper()
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatal(err)
	}
	return true
}

// closedToday are hours in which only another day is open, whatever zone the test runs in.
func closedToday() []agentclient.Open {
	day := time.Now().In(time.FixedZone("BRT", -3*3600)).AddDate(0, 0, 3).Weekday()
	return []agentclient.Open{{Day: strings.ToUpper(day.String()), Open: "0900", Close: "1000"}}
}
