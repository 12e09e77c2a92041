package agent

import (
	"encoding/json"
	"testing"
	"time"

	"ramal/internal/id"
)

type namedState struct {
	name string
	s    State
}

type namedCommand struct {
	name string
	cmd  Command
}

// moment is one command at a time relative to t0.
type moment struct {
	at  time.Duration
	cmd Command
}

// tell folds a history that must go through.
func tell(t testing.TB, s State, history ...moment) State {
	t.Helper()
	for _, m := range history {
		events, err := Decide(s, m.cmd, t0.Add(m.at))
		if err != nil {
			t.Fatalf("%s at t%v: %v", CommandName(m.cmd), m.at, err)
		}
		s = fold(s, events)
	}
	return s
}

func fold(s State, events []Event) State {
	for _, ev := range events {
		s = Evolve(s, ev)
	}
	return s
}

const sec = time.Second

func luis() Enroll { return Enroll{Tenant: "farmacia", ID: "luis", Name: "Luis", Role: "agent"} }

func offer(o id.Offer, call id.Call) MakeOffer {
	return MakeOffer{Offer: o, Call: call, Kind: OfferInbound, ExpiresAt: t0.Add(10 * sec), View: json.RawMessage(`{"offer_id":"` + string(o) + `"}`)}
}

func notice(key string) Notify {
	return Notify{Notice{ID: key, Kind: "call_missed", View: json.RawMessage(`{"notice_id":"` + key + `"}`), At: t0}}
}

func states(t testing.TB) []namedState {
	enrolled := tell(t, State{}, moment{-time.Hour, luis()})
	available := tell(t, enrolled, moment{-15 * sec, OpenSession{Session: "tab_1", Node: "node_1"}})
	twoTabs := tell(t, available, moment{-10 * sec, OpenSession{Session: "tab_2", Node: "node_2"}})
	ringing := tell(t, available, moment{-sec, offer("of_1", "call_1")})
	claimed := tell(t, ringing, moment{-sec, Claim{Call: "call_1", Offer: "of_1"}})
	inCall := tell(t, claimed, moment{-sec, ConfirmCall{Call: "call_1"}})
	wrapping := inCall
	wrapping.Policy.WrapUp = time.Minute
	wrapping = tell(t, wrapping, moment{-sec, ReleaseCall{Call: "call_1"}})
	silent := available
	for _, o := range []id.Offer{"of_a", "of_b", "of_c"} {
		silent = tell(t, silent, moment{-sec, offer(o, "call_0")}, moment{-sec, Miss{Offer: o}})
	}
	twice := tell(t, available, moment{-sec, offer("of_a", "call_0")}, moment{-sec, Miss{Offer: "of_a"}},
		moment{-sec, offer("of_b", "call_0")}, moment{-sec, Miss{Offer: "of_b"}}, moment{-sec, offer("of_1", "call_1")})
	lapsing := tell(t, enrolled, moment{-46 * sec, OpenSession{Session: "tab_1", Node: "node_1"}},
		moment{-46 * sec, MakeOffer{Offer: "of_1", Call: "call_1", Kind: OfferInbound, ExpiresAt: t0.Add(-40 * sec)}},
		moment{-46 * sec, MakeOffer{Offer: "of_2", Call: "call_2", Kind: OfferInbound, ExpiresAt: t0.Add(40 * sec)}})
	gone := tell(t, enrolled, moment{-66 * sec, OpenSession{Session: "tab_1", Node: "node_1"}},
		moment{-66 * sec, MakeOffer{Offer: "of_1", Call: "call_1", Kind: OfferInbound, ExpiresAt: t0.Add(time.Hour)}})
	return []namedState{
		{"unborn", State{}},
		{"offline", enrolled},
		{"available", available},
		{"two tabs", twoTabs},
		{"within the grace", tell(t, available, moment{-sec, CloseSession{Session: "tab_1"}})},
		{"on a break", tell(t, available, moment{-sec, SetPresence{Presence: Break, BreakCode: "lunch"}})},
		{"ringing", ringing},
		{"ringing twice", tell(t, ringing, moment{-sec, offer("of_9", "call_9")})},
		{"ringing after two misses", twice},
		{"session and offer run out, not yet recorded", lapsing},
		{"grace over while ringing, not yet recorded", gone},
		{"claimed", claimed},
		{"claimed, ringing for another call", tell(t, claimed, moment{-sec, CloseOffer{Offer: "of_1", Reason: ClosedElsewhere}},
			moment{-sec, ReleaseCall{Call: "call_1"}}, moment{-sec, offer("of_9", "call_9")}, moment{-sec, Claim{Call: "call_1"}})},
		{"claim run out, not yet recorded", tell(t, available, moment{-9 * sec, Claim{Call: "call_1"}}).lease(t0)},
		{"in a call", inCall},
		{"released", tell(t, inCall, moment{0, ReleaseCall{Call: "call_1"}})},
		{"wrap-up", wrapping},
		{"wrap-up over, not yet recorded", tell(t, wrapping).wrapped(t0)},
		{"not responding", silent},
		{"with notices", tell(t, available, moment{0, notice("n_1")}, moment{0, notice("n_2")}, moment{0, notice("n_3")}, moment{0, AckNotices{[]string{"n_3"}}})},
	}
}

// lease and wrapped move one end of the state to a time, so that the matrix can look at it from t0.
func (s State) lease(until time.Time) State {
	c := *s.Call
	c.LeaseUntil = until
	s.Call = &c
	return s
}

func (s State) wrapped(until time.Time) State {
	s.WrapUpUntil = until
	return s
}

func commands() []namedCommand {
	return []namedCommand{
		{"enroll", luis()},
		{"enroll under another name", Enroll{Tenant: "farmacia", ID: "luis", Name: "Luis Silva", Role: "supervisor"}},
		{"enroll as another", Enroll{Tenant: "farmacia", ID: "rosa", Name: "Rosa", Role: "agent"}},
		{"enroll with unknown role", Enroll{Tenant: "farmacia", ID: "luis", Name: "Luis", Role: "god"}},
		{"open session", OpenSession{Session: "tab_3", Node: "node_1"}},
		{"open session again", OpenSession{Session: "tab_1", Node: "node_1"}},
		{"open session on another node", OpenSession{Session: "tab_1", Node: "node_2"}},
		{"renew session", RenewSession{Session: "tab_1"}},
		{"close session", CloseSession{Session: "tab_1"}},
		{"set available", SetPresence{Presence: Available}},
		{"set break", SetPresence{Presence: Break, BreakCode: "lunch"}},
		{"set busy", SetPresence{Presence: Busy}},
		{"make offer", offer("of_2", "call_2")},
		{"make offer again", offer("of_1", "call_1")},
		{"make invitation", MakeOffer{Offer: "of_3", Call: "call_3", Kind: OfferInvite, ExpiresAt: t0.Add(30 * sec)}},
		{"make offer too late", MakeOffer{Offer: "of_4", Call: "call_4", Kind: OfferInbound, ExpiresAt: t0}},
		{"close offer as declined", CloseOffer{Offer: "of_1", Reason: ClosedDeclined}},
		{"close offer as taken elsewhere", CloseOffer{Offer: "of_1", Reason: ClosedElsewhere, By: "Fernando"}},
		{"close offer as expired", CloseOffer{Offer: "of_1", Reason: ClosedExpired}},
		{"close offer for nonsense", CloseOffer{Offer: "of_1", Reason: "because"}},
		{"miss", Miss{Offer: "of_1"}},
		{"claim by offer", Claim{Call: "call_1", Offer: "of_1"}},
		{"claim by dialling", Claim{Call: "call_5"}},
		{"confirm call", ConfirmCall{Call: "call_1"}},
		{"confirm another call", ConfirmCall{Call: "call_5"}},
		{"renew call", RenewCall{Call: "call_1", Until: t0.Add(5 * time.Minute)}},
		{"renew call into the past", RenewCall{Call: "call_1", Until: t0}},
		{"release call", ReleaseCall{Call: "call_1"}},
		{"release another call", ReleaseCall{Call: "call_5"}},
		{"notify", notice("n_9")},
		{"notify again", notice("n_1")},
		{"notify what was acknowledged", notice("n_3")},
		{"acknowledge", AckNotices{[]string{"n_1", "n_7"}}},
		{"wake", Wake{}},
	}
}
