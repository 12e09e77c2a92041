package call

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ramal/internal/id"
)

// ledger watches a history from outside and knows what must hold after every step.
type ledger struct {
	open     map[id.Offer]bool // offers made and not closed
	accepted map[id.Agent]int
	events   []Event
}

func (l *ledger) take(t *rapid.T, evs []Event) {
	for _, ev := range evs {
		switch e := any(ev).(type) { // only what the ledger watches
		case OfferMade:
			if l.open[e.Offer.ID] {
				t.Fatalf("offer %s was made twice", e.Offer.ID)
			}
			l.open[e.Offer.ID] = true
		case OfferClosed:
			if !l.open[e.Offer] {
				t.Fatalf("offer %s closed twice, or never made", e.Offer)
			}
			delete(l.open, e.Offer)
		case Taken:
			l.accepted["first"]++
		}
		l.events = append(l.events, ev)
	}
}

func (l *ledger) check(t *rapid.T, before, s State, now time.Time) {
	if l.accepted["first"] > 1 {
		t.Fatal("an inbound call was taken twice")
	}
	if len(l.open) != len(s.Offers) {
		t.Fatalf("%d offers are open, the state holds %d", len(l.open), len(s.Offers))
	}
	if s.Phase == Ended {
		if len(s.Offers) > 0 || s.AgentsIn() > 0 {
			t.Fatalf("an ended call holds %d offers and %d agents", len(s.Offers), s.AgentsIn())
		}
		if s.EndReason == "" || s.EndedBy == "" || s.EndedAt.IsZero() {
			t.Fatalf("the call ended without saying why, by whom or when: %+v", s)
		}
		if !Deadline(s).IsZero() {
			t.Fatal("an ended call waits for something")
		}
	}
	if s.Phase == Active && s.AgentsIn() == 0 {
		t.Fatal("a call goes on with no agent in it")
	}
	if (s.Phase == Active) && s.AnsweredAt.IsZero() {
		t.Fatal("an active call has no time of pick-up")
	}
	if talk := s.TalkTime(now); talk < 0 || talk > now.Sub(s.CreatedAt) {
		t.Fatalf("talk time %v in a call of %v", talk, now.Sub(s.CreatedAt))
	}
	if before.Phase == Ended {
		was, is := before, s
		was.ProviderID, is.ProviderID = "", ""
		if !reflect.DeepEqual(was, is) {
			t.Fatalf("an ended call changed:\n%+v\n%+v", was, is)
		}
	}
	agents := map[id.Agent]bool{}
	for _, leg := range s.Legs {
		if leg.In() && agents[leg.Agent] {
			t.Fatalf("%s is in the call twice", leg.Agent)
		}
		agents[leg.Agent] = agents[leg.Agent] || leg.In()
	}
}

func TestHistoriesKeepTheInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s State
		now := t0
		l := &ledger{open: map[id.Offer]bool{}, accepted: map[id.Agent]int{}}
		names := []string{"luis", "fernando", "bia", "caio"}
		serial := 0
		fresh := func(name string) Candidate {
			serial++
			c := candidate(name)
			c.Offer, c.Leg = c.Offer+id.Offer(rune('a'+serial%26))+id.Offer(now.Format("150405.000")), c.Leg+id.Leg(now.Format("150405.000"))+id.Leg(rune('a'+serial%26))
			return c
		}
		for step := range rapid.IntRange(1, 60).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 4000).Draw(t, "ms")) * time.Millisecond)
			var cmd Command
			switch {
			case step == 0 && rapid.Bool().Draw(t, "outbound"):
				cmd = dial()
			case step == 0:
				cmd = incoming()
			default:
				cmd = draw(t, s, fresh, names)
			}
			frozen, _ := json.Marshal(s)
			before := s
			evs, err := Decide(s, cmd, now)
			if err != nil && len(evs) > 0 {
				t.Fatalf("%s was refused and yet happened", CommandName(cmd))
			}
			for _, ev := range evs {
				next := Evolve(s, ev)
				Effects(s, ev, next) // total: must not panic
				s = next
			}
			if again, _ := json.Marshal(before); string(again) != string(frozen) {
				t.Fatalf("%s changed the state it judged", CommandName(cmd))
			}
			l.take(t, evs)
			l.check(t, before, s, now)
		}
		for s.Phase != Ended { // left alone, every call that rings ends by itself; a talk ends by a hang-up
			if d := Deadline(s); !d.IsZero() {
				now = d
			}
			evs, _ := Decide(s, Wake{}, now)
			if len(evs) == 0 {
				evs, _ = Decide(s, ProviderEnded{At: now}, now)
			}
			before := s
			s = fold(s, evs)
			l.take(t, evs)
			l.check(t, before, s, now)
		}
		replay(t, l.events, s)
	})
}

// replay folds the journal form of a history and demands the same state.
func replay(t *rapid.T, events []Event, want State) {
	var s State
	for _, ev := range events {
		name, data, err := EncodeEvent(ev)
		if err != nil {
			t.Fatal(err)
		}
		back, err := DecodeEvent(name, data)
		if err != nil {
			t.Fatal(err)
		}
		s = Evolve(s, back)
	}
	got, _ := json.Marshal(s)
	exp, _ := json.Marshal(want)
	if string(got) != string(exp) {
		t.Fatalf("the journal folds to another state:\n%s\n%s", got, exp)
	}
}

func draw(t *rapid.T, s State, fresh func(string) Candidate, names []string) Command {
	name := rapid.SampledFrom(names).Draw(t, "agent")
	agent := id.Agent(name)
	offer := id.Offer("of_none")
	if o, ok := s.offerTo(agent); ok {
		offer = o.ID
	}
	leg := s.ContactLeg
	if l, ok := s.LegOf(agent); ok && rapid.Bool().Draw(t, "agent leg") {
		leg = l.ID
	}
	inviter := rapid.SampledFrom(names).Draw(t, "inviter")
	inv := Invite{By: id.Agent(inviter), Who: fresh(name)}
	return rapid.SampledFrom([]Command{
		ProviderDialed{"wacid.1"}, ProviderDialFailed{ProviderError, ""}, ProviderConnected{"wacid.1", "answer"}, ProviderRang{s.CreatedAt},
		ProviderAnswered{s.CreatedAt.Add(2 * time.Second)}, ProviderRejected{}, ProviderEnded{}, ProviderEnded{Failed: true}, PreAccepted{}, AcceptTaken{}, AcceptTaken{},
		AcceptFailed{Gone: true}, CandidatesFound{Stage: Related, Agents: []Candidate{fresh("luis"), fresh("bia")}}, CandidatesFound{Stage: Everyone, Agents: []Candidate{fresh("caio"), fresh("luis")}},
		OfferRefused{Offer: offer, Reason: "agent_busy"}, Accept{agent, offer, "sdp"}, Accept{agent, offer, "sdp"}, Decline{agent, offer}, Attach{agent, "sdp"}, inv, inv,
		CancelInvite{id.Agent(inviter), agent}, Leave{agent}, End{agent}, SetMuted{agent, true}, SetGain{agent, leg, 0.5}, LegUp{leg}, LegUp{leg}, LegAway{Leg: leg}, LegAway{Leg: leg, Failed: true, Closed: true},
		FirstMedia{leg, s.CreatedAt.Add(time.Second)}, Wake{}, Wake{},
	}).Draw(t, "command")
}

func TestCommandsTravel(t *testing.T) {
	for _, cmd := range inputs() {
		data, err := json.Marshal(cmd)
		if err != nil {
			t.Fatal(err)
		}
		zero, ok := CommandByName(CommandName(cmd))
		if !ok {
			t.Fatalf("%s cannot be found by its name", CommandName(cmd))
		}
		p := reflect.New(reflect.TypeOf(zero))
		if err := json.Unmarshal(data, p.Interface()); err != nil {
			t.Fatal(err)
		}
		if back := p.Elem().Interface(); !reflect.DeepEqual(back, cmd) {
			t.Errorf("%s arrives as %+v", CommandName(cmd), back)
		}
	}
	if _, ok := CommandByName("Nonsense"); ok {
		t.Error("an unknown command has a form")
	}
}

func TestLateAcceptedNeverCancelsAnAnsweredCall(t *testing.T) {
	ring := []at{{0, dial()}, {1, ProviderDialed{"wacid.1"}}, {1, ProviderConnected{"wacid.1", "answer"}}, {2, LegUp{"leg_luis"}}}
	mediaFirst := given(t, append(ring, at{10, FirstMedia{"leg_c", t0.Add(10 * time.Second)}})...)
	evs, _ := Decide(mediaFirst, Wake{}, t0.Add(40*time.Second))
	for _, ev := range evs {
		if f, ended := ev.(Finished); ended {
			t.Fatalf("a call answered by media was ended: %+v", f)
		}
	}
	evs, _ = Decide(mediaFirst, ProviderAnswered{t0.Add(8 * time.Second)}, t0.Add(45*time.Second))
	corrected := fold(mediaFirst, evs)
	if !corrected.AnsweredAt.Equal(t0.Add(8 * time.Second)) {
		t.Errorf("ACCEPTED did not correct the pick-up: %v", corrected.AnsweredAt.Sub(t0))
	}
	statusFirst := given(t, append(ring, at{10, ProviderAnswered{t0.Add(9 * time.Second)}})...)
	if evs, _ := Decide(statusFirst, FirstMedia{"leg_c", t0.Add(11 * time.Second)}, t0.Add(11*time.Second)); len(evs) != 0 {
		t.Errorf("media after ACCEPTED changed the call: %v", evs)
	}
}

// TestGoodbyeWaitsForTheProvider: media that end in order tell nothing of why; the provider does, and silence means a hang-up.
func TestGoodbyeWaitsForTheProvider(t *testing.T) {
	talking := given(t, []at{{0, dial()}, {1, ProviderDialed{"wacid.1"}}, {2, LegUp{"leg_luis"}}, {3, ProviderAnswered{t0.Add(3 * time.Second)}}}...)
	goodbye := at{8, LegAway{Leg: "leg_c", Failed: true, Closed: true}}
	for name, c := range map[string]struct {
		next at
		by   EndedBy
		why  EndReason
	}{
		"the phone failed":      {at{9, ProviderEnded{Failed: true, Detail: "138021"}}, ByProvider, MediaFailed},
		"the customer hung up":  {at{9, ProviderEnded{}}, ByCustomer, Completed},
		"the provider is quiet": {at{11, Wake{}}, ByCustomer, Completed},
	} {
		s := talking
		for _, step := range []at{goodbye, c.next} {
			if s.Phase != Active {
				t.Fatalf("%s: ended before the provider's word", name)
			}
			evs, err := Decide(s, step.cmd, t0.Add(time.Duration(step.s)*time.Second))
			if err != nil {
				t.Fatal(err)
			}
			s = fold(s, evs)
		}
		if s.Phase != Ended || s.EndedBy != c.by || s.EndReason != c.why {
			t.Errorf("%s: %s by %s, %s", name, s.Phase, s.EndedBy, s.EndReason)
		}
	}
}
