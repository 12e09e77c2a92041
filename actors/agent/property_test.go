package agent

import (
	"encoding/json"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ramal/internal/fault"
	"ramal/internal/id"
)

// world is an agent with a random history, and what an onlooker saw of it.
type world struct {
	s     State
	now   time.Time
	n     int
	rang  map[id.Offer]int // 1: rings, 2: closed
	shown View             // what the sessions last drew
	past  map[string]State
}

// TestRandomHistories holds the invariants of doc.go over random commands at random times, repeated and reordered.
func TestRandomHistories(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &world{now: t0, rang: map[id.Offer]int{}, past: map[string]State{}}
		w.s.Policy = Policy{WrapUp: rapid.SampledFrom([]time.Duration{0, 30 * sec}).Draw(t, "wrap-up")}
		w.apply(t, luis())
		for range rapid.IntRange(1, 80).Draw(t, "steps") {
			w.now = w.now.Add(rapid.SampledFrom([]time.Duration{0, 0, sec, 5 * sec, 15 * sec, time.Minute, time.Hour}).Draw(t, "pause"))
			w.apply(t, command(w).Draw(t, "command"))
			w.check(t)
		}
		w.now = w.now.Add(24 * time.Hour)
		w.apply(t, Wake{})
		if w.s.Call != nil || len(w.s.Sessions) > 0 || len(w.s.Offers) > 0 || w.s.Presence != Offline || !Deadline(w.s).IsZero() {
			t.Fatalf("a day after everybody went silent the agent holds %s", encode(t, w.s))
		}
		for offer, state := range w.rang {
			if state != 2 {
				t.Fatalf("offer %s never closed", offer)
			}
		}
		for was, s := range w.past {
			if encode(t, s) != was {
				t.Fatalf("a later event changed an earlier state\nwas %s\nis  %s", was, encode(t, s))
			}
		}
	})
}

func (w *world) apply(t *rapid.T, cmd Command) {
	before := w.s
	events, err := Decide(before, cmd, w.now)
	if err != nil {
		if fault.CodeOf(err) == "" || fault.KindOf(err) == fault.Internal {
			t.Fatalf("%s: a rejection without code: %v", CommandName(cmd), err)
		}
		return
	}
	for _, ev := range events {
		if c, ok := ev.(Claimed); ok && w.s.Call != nil {
			t.Fatalf("%s was claimed over %s", c.Call, w.s.Call.Call)
		}
		after := Evolve(w.s, ev)
		w.see(t, Effects(w.s, ev, after))
		w.s = after
	}
	w.past[encode(t, w.s)] = w.s
	if w.s.Presence != Offline && w.shown != Show(w.s) {
		t.Fatalf("after %s the sessions draw %+v, the agent is %+v", CommandName(cmd), w.shown, Show(w.s))
	}
	if again, _ := Decide(w.s, cmd, w.now); len(again) > 0 {
		t.Fatalf("%s twice: the second made %+v", CommandName(cmd), again)
	}
}

// see keeps the onlooker's books from the pushes alone.
func (w *world) see(t *rapid.T, effects []Effect) {
	for _, ef := range effects {
		p, ok := ef.(Push)
		if !ok {
			continue
		}
		var data struct {
			Offer id.Offer `json:"offer_id"`
		}
		if err := json.Unmarshal(p.Data, &data); err != nil {
			t.Fatalf("%s carries %s", p.Type, p.Data)
		}
		switch p.Type {
		case PushAgentUpdated:
			w.shown = View{}
			if err := json.Unmarshal(p.Data, &w.shown); err != nil {
				t.Fatal(err)
			}
		case PushOfferCreated:
			if w.rang[data.Offer] != 0 {
				t.Fatalf("offer %s rang twice", data.Offer)
			}
			w.rang[data.Offer] = 1
		case PushOfferClosed:
			if w.rang[data.Offer] != 1 {
				t.Fatalf("offer %s closed in state %d", data.Offer, w.rang[data.Offer])
			}
			w.rang[data.Offer] = 2
		}
	}
}

func (w *world) check(t *rapid.T) {
	events, err := Decide(w.s, Wake{}, w.now)
	if err != nil {
		t.Fatalf("Wake was refused: %v", err)
	}
	d := Deadline(w.s)
	if len(events) > 0 == (d.IsZero() || d.After(w.now)) {
		t.Fatalf("the deadline is %v, and Wake at %v made %+v", d, w.now, events)
	}
	s := fold(w.s, events)
	if d := Deadline(s); !d.IsZero() && !d.After(w.now) {
		t.Fatalf("after Wake the deadline %v is still due at %v", d, w.now)
	}
	p := s.Policy.withDefaults()
	lived := !s.LastSeen.IsZero() && w.now.Before(s.LastSeen.Add(p.OfflineGrace))
	if (s.Presence == Offline) != (len(s.Sessions) == 0 && !lived) {
		t.Fatalf("presence %s with %d sessions, last seen %v before", s.Presence, len(s.Sessions), w.now.Sub(s.LastSeen))
	}
	if s.Presence == Busy && (s.Call == nil || !w.now.Before(s.Call.LeaseUntil)) {
		t.Fatalf("busy with %+v at %v", s.Call, w.now)
	}
	if s.Call != nil && slices.Contains(s.Released, s.Call.Call) {
		t.Fatalf("in the call %s that let go", s.Call.Call)
	}
	for offer, o := range s.Offers {
		if slices.Contains(s.Closed, offer) || !o.ExpiresAt.After(w.now) {
			t.Fatalf("offer %s rings and is over: %+v", offer, o)
		}
	}
	if len(s.Closed) > maxClosed || len(s.Released) > maxReleased || len(s.Acked) > maxAcked || len(s.Notices) > MaxNotices {
		t.Fatal("a list grew beyond its bound")
	}
	var back State
	if err := json.Unmarshal([]byte(encode(t, w.s)), &back); err != nil || encode(t, back) != encode(t, w.s) {
		t.Fatalf("the state does not survive storage: %v", err)
	}
}

// command draws a command. Ids come from small pools so that commands meet; offers are used once, as their makers promise.
func command(w *world) *rapid.Generator[Command] {
	return rapid.Custom(func(t *rapid.T) Command {
		w.n++
		session := rapid.SampledFrom([]id.Session{"s_1", "s_2"}).Draw(t, "session")
		call := rapid.SampledFrom([]id.Call{"c_1", "c_2", "c_3"}).Draw(t, "call")
		fresh := id.Offer("o_" + strconv.Itoa(w.n))
		known := id.Offer("o_" + strconv.Itoa(max(1, w.n-rapid.IntRange(0, 8).Draw(t, "back"))))
		life := rapid.SampledFrom([]time.Duration{sec, 10 * sec, time.Minute}).Draw(t, "life")
		note := "n_" + strconv.Itoa(rapid.IntRange(1, 4).Draw(t, "notice"))
		switch rapid.IntRange(0, 16).Draw(t, "kind") {
		case 0, 1:
			return OpenSession{Session: session, Node: rapid.SampledFrom([]id.Node{"n_1", "n_2"}).Draw(t, "node")}
		case 2:
			return RenewSession{Session: session}
		case 3:
			return CloseSession{Session: session}
		case 4:
			return SetPresence{Presence: rapid.SampledFrom([]Presence{Available, Available, Break}).Draw(t, "presence")}
		case 5, 6, 7:
			kind := rapid.SampledFrom([]string{OfferInbound, OfferInvite}).Draw(t, "offer kind")
			return MakeOffer{Offer: fresh, Call: call, Kind: kind, ExpiresAt: w.now.Add(life), View: json.RawMessage(`{"offer_id":"` + string(fresh) + `"}`)}
		case 8:
			return CloseOffer{Offer: known, Reason: rapid.SampledFrom([]string{ClosedAccepted, ClosedElsewhere, ClosedDeclined, ClosedExpired, ClosedCallEnded}).Draw(t, "reason")}
		case 9:
			return Miss{Offer: known}
		case 10:
			return Claim{Call: call, Offer: rapid.SampledFrom([]id.Offer{"", known}).Draw(t, "by")}
		case 11:
			return ConfirmCall{Call: call}
		case 12:
			return RenewCall{Call: call, Until: w.now.Add(life)}
		case 13:
			return ReleaseCall{Call: call}
		case 14:
			return Notify{Notice{ID: note, Kind: "k", View: json.RawMessage(`{}`)}}
		case 15:
			return AckNotices{[]string{note}}
		}
		return Wake{}
	})
}

func encode(t *rapid.T, s State) string {
	data, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
