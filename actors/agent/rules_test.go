package agent

import (
	"encoding/json"
	"reflect"
	"strconv"
	"testing"
	"time"

	"ramal/actors/coretest"
	"ramal/internal/fault"
	"ramal/internal/id"
)

func online(t testing.TB) State {
	return tell(t, State{}, moment{0, luis()}, moment{0, OpenSession{Session: "tab_1", Node: "node_1"}})
}

func refused(t *testing.T, s State, at time.Duration, cmd Command, code string) {
	t.Helper()
	if _, err := Decide(s, cmd, t0.Add(at)); fault.CodeOf(err) != code {
		t.Errorf("t%v %s: want refusal %q, got %v", at, CommandName(cmd), code, err)
	}
}

func shows(t *testing.T, s State, at time.Duration, want Presence) State {
	t.Helper()
	s = tell(t, s, moment{at, Wake{}})
	if s.Presence != want {
		t.Errorf("t%v: the presence is %s, want %s", at, s.Presence, want)
	}
	return s
}

// ring makes an offer that expires after ten seconds.
func ring(o id.Offer, call id.Call, at time.Duration) moment {
	return moment{at, MakeOffer{Offer: o, Call: call, Kind: OfferInbound, ExpiresAt: t0.Add(at + 10*sec)}}
}

func effects(t *testing.T, s State, at time.Duration, cmd Command) []Effect {
	t.Helper()
	events, err := Decide(s, cmd, t0.Add(at))
	if err != nil {
		t.Fatal(err)
	}
	var out []Effect
	for _, ev := range events {
		after := Evolve(s, ev)
		out = append(out, Effects(s, ev, after)...)
		s = after
	}
	return out
}

func TestAReloadIsNotAnAbsence(t *testing.T) {
	s := tell(t, online(t), moment{10 * sec, CloseSession{Session: "tab_1"}})
	s = shows(t, s, 30*sec-1, Available)
	back := tell(t, s, moment{30*sec - 1, OpenSession{Session: "tab_2", Node: "node_1"}})
	shows(t, back, 31*sec, Available)
	shows(t, s, 30*sec, Offline)
}

func TestADeadNodeTakesTheAgentOffline(t *testing.T) {
	s := online(t)
	for _, want := range []time.Duration{45 * sec, 65 * sec} { // the lease, then the grace
		d := Deadline(s)
		if !d.Equal(t0.Add(want)) {
			t.Fatalf("the deadline is t+%v, want t+%v", d.Sub(t0), want)
		}
		s = tell(t, s, moment{want, Wake{}})
	}
	if s.Presence != Offline || !Deadline(s).IsZero() {
		t.Errorf("the agent is %s and waits for %v", s.Presence, Deadline(s))
	}
	refused(t, s, 70*sec, RenewSession{Session: "tab_1"}, "session_unknown")
	refused(t, s, 70*sec, MakeOffer{Offer: "o", Call: "c", Kind: OfferInbound, ExpiresAt: t0.Add(time.Hour)}, "agent_offline")
	refused(t, s, 70*sec, Claim{Call: "c"}, "agent_offline")
}

func TestOfTwoCallsOneIsFirst(t *testing.T) {
	s := tell(t, online(t), ring("o_1", "c_1", 0), ring("o_2", "c_2", 0), moment{sec, Claim{Call: "c_1", Offer: "o_1"}})
	refused(t, s, sec, Claim{Call: "c_2", Offer: "o_2"}, "agent_busy")
	refused(t, s, sec, ConfirmCall{Call: "c_2"}, "agent_busy")
	refused(t, s, sec, RenewCall{Call: "c_2", Until: t0.Add(time.Hour)}, "agent_busy")
	refused(t, s, sec, MakeOffer{Offer: "o_3", Call: "c_3", Kind: OfferInvite, ExpiresAt: t0.Add(time.Hour)}, "agent_busy")
	refused(t, s, sec, SetPresence{Presence: Break}, "in_call")
}

func TestJoiningOneCallSilencesTheOthers(t *testing.T) {
	s := tell(t, online(t), moment{0, OpenSession{Session: "tab_2", Node: "node_2"}}, ring("o_1", "c_1", 0), ring("o_2", "c_2", 0),
		moment{sec, Claim{Call: "c_1", Offer: "o_1"}})
	got := effects(t, s, 2*sec, ConfirmCall{Call: "c_1"})
	want := []Effect{
		Push{PushOfferClosed, json.RawMessage(`{"offer_id":"o_1","call_id":"c_1","reason":"accepted"}`)},
		Push{PushOfferClosed, json.RawMessage(`{"offer_id":"o_2","call_id":"c_2","reason":"cancelled"}`)},
		OfferEnded{Offer: "o_2", Call: "c_2", Reason: ClosedCancelled},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %s\nwant %s", coretest.Show(t, got), coretest.Show(t, want))
	}
}

func TestALeaseFreesTheAgent(t *testing.T) {
	s := tell(t, online(t), moment{40 * sec, RenewSession{Session: "tab_1"}}, moment{40 * sec, Claim{Call: "c_1"}})
	refused(t, s, 55*sec-1, Claim{Call: "c_2"}, "agent_busy")
	tell(t, s, moment{55 * sec, Claim{Call: "c_2"}})

	in := tell(t, s, moment{41 * sec, ConfirmCall{Call: "c_1"}}, moment{80 * sec, RenewSession{Session: "tab_1"}},
		moment{100 * sec, RenewCall{Call: "c_1", Until: t0.Add(160 * sec)}}, moment{120 * sec, RenewSession{Session: "tab_1"}})
	shows(t, in, 160*sec-1, Busy)
	free := shows(t, in, 160*sec, Available)
	back := tell(t, free, moment{161 * sec, RenewCall{Call: "c_1", Until: t0.Add(250 * sec)}}) // the call was only slow
	if back.Call == nil || back.Call.Call != "c_1" || back.Presence != Busy {
		t.Errorf("the call did not take its place again: %+v", back.Call)
	}
}

func TestWhatEndedStaysEnded(t *testing.T) {
	s := tell(t, online(t), moment{0, CloseOffer{Offer: "o_1", Reason: ClosedCancelled}}) // overtakes its MakeOffer
	refused(t, s, 0, MakeOffer{Offer: "o_1", Call: "c_1", Kind: OfferInbound, ExpiresAt: t0.Add(time.Hour)}, "offer_closed")
	refused(t, s, 0, Claim{Call: "c_1", Offer: "o_1"}, "offer_closed")

	s = tell(t, s, moment{0, ReleaseCall{Call: "c_2"}}) // overtakes its ConfirmCall
	refused(t, s, 0, ConfirmCall{Call: "c_2"}, "call_released")
	refused(t, s, 0, RenewCall{Call: "c_2", Until: t0.Add(time.Hour)}, "call_released")
	again := tell(t, s, moment{0, Claim{Call: "c_2"}}, moment{0, ConfirmCall{Call: "c_2"}}) // invited anew
	if again.Call == nil || !again.Call.Confirmed {
		t.Errorf("a new claim did not help: %+v", again.Call)
	}

	s = tell(t, s, moment{0, notice("n_1")}, moment{0, AckNotices{[]string{"n_1"}}}, moment{0, notice("n_1")})
	if len(s.Notices) != 0 {
		t.Errorf("an acknowledged notice came back: %+v", s.Notices)
	}
}

func TestMissesInARowSilenceTheAgent(t *testing.T) {
	s := tell(t, online(t), ring("o_1", "c_1", 0), ring("o_2", "c_2", 0), ring("o_3", "c_3", 0), moment{1, Miss{Offer: "o_1"}})
	s = shows(t, s, 10*sec-1, Available)
	s = shows(t, s, 10*sec, NotResponding)
	refused(t, s, 11*sec, MakeOffer{Offer: "o_4", Call: "c_4", Kind: OfferInbound, ExpiresAt: t0.Add(time.Hour)}, "agent_unavailable")
	for name, history := range map[string][]moment{
		"choosing":              {{11 * sec, SetPresence{Presence: Available}}},
		"dialling":              {{11 * sec, Claim{Call: "c_9"}}, {12 * sec, ReleaseCall{Call: "c_9"}}},
		"declining a colleague": {{11 * sec, MakeOffer{Offer: "o_5", Call: "c_5", Kind: OfferInvite, ExpiresAt: t0.Add(time.Hour)}}, {12 * sec, CloseOffer{Offer: "o_5", Reason: ClosedDeclined}}},
	} {
		if got := tell(t, s, history...); got.Presence != Available || got.Misses != 0 {
			t.Errorf("after %s the agent is %s with %d misses", name, got.Presence, got.Misses)
		}
	}
	taken := tell(t, online(t), ring("o_1", "c_1", 0), moment{1, Miss{Offer: "o_1"}}, ring("o_2", "c_2", 0), moment{1, Miss{Offer: "o_2"}},
		ring("o_3", "c_3", 1), moment{2, CloseOffer{Offer: "o_3", Reason: ClosedDeclined}}, ring("o_4", "c_4", 3))
	shows(t, taken, 20*sec, Available) // not in a row
}

func TestABreakCancelsWhatRings(t *testing.T) {
	s := tell(t, online(t), ring("o_1", "c_1", 0), moment{sec, SetPresence{Presence: Break, BreakCode: "lunch"}})
	if len(s.Offers) != 0 || s.Presence != Break || s.BreakCode != "lunch" || s.Misses != 0 {
		t.Errorf("on a break: %+v", s)
	}
	refused(t, s, 2*sec, MakeOffer{Offer: "o_2", Call: "c", Kind: OfferInvite, ExpiresAt: t0.Add(time.Hour)}, "agent_unavailable")
	s = tell(t, s, moment{2 * sec, Claim{Call: "c_9"}}, moment{3 * sec, ReleaseCall{Call: "c_9"}}) // dialling is allowed, and the break goes on
	if s.Presence != Break {
		t.Errorf("after a dial in the break the agent is %s", s.Presence)
	}
}

func TestWrapUp(t *testing.T) {
	s := online(t)
	s.Policy.WrapUp = 30 * sec
	dialled := tell(t, s, moment{0, Claim{Call: "c_1"}}, moment{sec, ReleaseCall{Call: "c_1"}})
	if dialled.Presence != Available {
		t.Errorf("after a call that never came the agent is %s", dialled.Presence)
	}
	s = tell(t, s, moment{0, Claim{Call: "c_1"}}, moment{0, ConfirmCall{Call: "c_1"}}, moment{sec, ReleaseCall{Call: "c_1"}})
	if d := Deadline(s); s.Presence != WrapUp || !d.Equal(t0.Add(31*sec)) {
		t.Fatalf("after a call the agent is %s until %v", s.Presence, d)
	}
	refused(t, s, 2*sec, MakeOffer{Offer: "o", Call: "c", Kind: OfferInbound, ExpiresAt: t0.Add(time.Hour)}, "agent_unavailable")
	shows(t, s, 31*sec, Available)
	if early := tell(t, s, moment{2 * sec, SetPresence{Presence: Available}}); early.Presence != Available {
		t.Errorf("wrap-up cannot be cut short: %s", early.Presence)
	}
}

func TestBounds(t *testing.T) {
	s := online(t)
	for i := range 60 {
		s = tell(t, s, moment{0, notice("n_" + strconv.Itoa(i))})
	}
	if len(s.Notices) != MaxNotices || s.Notices[0].ID != "n_10" {
		t.Errorf("%d notices from %s", len(s.Notices), s.Notices[0].ID)
	}
	for i := range MaxSessions - 1 {
		s = tell(t, s, moment{0, OpenSession{Session: id.Session("more_" + strconv.Itoa(i)), Node: "n"}})
	}
	refused(t, s, 0, OpenSession{Session: "one_too_many", Node: "n"}, "too_many_sessions")
	for i := range MaxOffers {
		s = tell(t, s, ring(id.Offer("o_"+strconv.Itoa(i)), "c", 0))
	}
	refused(t, s, 0, MakeOffer{Offer: "one_too_many", Call: "c", Kind: OfferInbound, ExpiresAt: t0.Add(sec)}, "agent_unavailable")
}

func TestBrokenViewsAreRefused(t *testing.T) { // they would make the stored state unreadable
	bad := json.RawMessage(`{`)
	refused(t, online(t), 0, MakeOffer{Offer: "o", Call: "c", Kind: OfferInbound, ExpiresAt: t0.Add(sec), View: bad}, "invalid_field")
	refused(t, online(t), 0, Notify{Notice{ID: "n", Kind: "k", View: bad}}, "invalid_field")
}
