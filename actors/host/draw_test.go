package host

import (
	"testing"
	"time"

	"ramal/actors"
	"ramal/actors/agent"
	"ramal/actors/call"
	"ramal/actors/contact"
	"ramal/internal/id"
	"ramal/store"
)

func at(seconds int) time.Time { return noon.Add(time.Duration(seconds) * time.Second) }

var (
	anaView  = actors.ContactView{ID: "ct_ana", Name: "Ana Souza", Phone: "+5511987654321"}
	mainView = actors.LineView{ID: "main", Name: "Matriz", Display: "+55 11 4002-8922", Calling: true}
)

// fold plays events, each of which may be an error of the test only.
func foldCall(events ...call.Event) call.State {
	var s call.State
	for _, ev := range events {
		s = call.Evolve(s, ev)
	}
	return s
}

func created(d call.Direction) call.Created {
	return call.Created{
		Tenant: "acme", Call: "call_1", Line: "main", Contact: "ct_ana", ContactLeg: "leg_c", Direction: d, Policy: call.DefaultPolicy(), At: at(0),
	}
}

var (
	luisJoins     = call.Joined{Leg: "leg_l", Agent: "luis", Name: "Luis", At: at(1)}
	fernandoAsked = call.OfferMade{Offer: call.Offer{
		ID: "of_f", Agent: "fernando", Name: "Fernando", Leg: "leg_f", Kind: call.KindInvite, By: "luis", CreatedAt: at(12), ExpiresAt: at(42),
	}}
	fernandoJoins = call.Joined{Leg: "leg_f", Agent: "fernando", Name: "Fernando", InvitedBy: "luis", At: at(14)}
)

// part is what TestDrawCall says of each participant.
type part struct {
	leg    id.Leg
	state  string
	joined *time.Time
	left   *time.Time
}

func TestDrawCall(t *testing.T) {
	talking := []call.Event{created(call.Outbound), luisJoins, call.MediaUp{Leg: "leg_l", At: at(2)}, call.PickedUp{At: at(10), Source: "provider"}}
	ring := call.DefaultPolicy()
	for name, c := range map[string]struct {
		events []call.Event
		viewer id.Agent
		want   actors.CallView // without what is always the same
		parts  []part
	}{
		"dialing": {
			events: []call.Event{created(call.Outbound), luisJoins}, viewer: "luis",
			want:  actors.CallView{Direction: "outbound", State: "dialing", RingDeadline: new(at(0).Add(ring.DialTimeout)), MyLeg: "leg_l"},
			parts: []part{{"leg_c", "connecting", nil, nil}, {"leg_l", "connecting", new(at(1)), nil}},
		},
		"ringing, for somebody else": {
			events: []call.Event{created(call.Outbound), luisJoins, call.Rang{At: at(5)}}, viewer: "fernando",
			want:  actors.CallView{Direction: "outbound", State: "ringing", RingDeadline: new(at(5).Add(ring.RingTimeout))},
			parts: []part{{"leg_c", "connecting", nil, nil}, {"leg_l", "connecting", new(at(1)), nil}},
		},
		"the customer calls": {
			events: []call.Event{created(call.Inbound)},
			want:   actors.CallView{Direction: "inbound", State: "offering", RingDeadline: new(at(0).Add(ring.QueueTimeout))},
			parts:  []part{{"leg_c", "connecting", nil, nil}},
		},
		"taken": {
			events: []call.Event{created(call.Inbound), call.Taken{Agent: "luis", At: at(3)}, luisJoins}, viewer: "luis",
			want:  actors.CallView{Direction: "inbound", State: "connecting", MyLeg: "leg_l"},
			parts: []part{{"leg_c", "connecting", nil, nil}, {"leg_l", "connecting", new(at(1)), nil}},
		},
		"talking, a colleague is asked": {
			events: append(talking[:4:4], call.GainSet{Listener: "leg_l", Speaker: "leg_c", Gain: 1.5}, fernandoAsked), viewer: "luis",
			want: actors.CallView{
				Direction: "outbound", State: "active", AnsweredAt: new(at(10)), MyLeg: "leg_l", Gains: map[id.Leg]float64{"leg_c": 1.5},
			},
			parts: []part{{"leg_c", "connected", new(at(10)), nil}, {"leg_l", "connected", new(at(1)), nil}, {"leg_f", "invited", nil, nil}},
		},
		"whoever is only asked has no leg": {
			events: append(talking[:4:4], fernandoAsked), viewer: "fernando",
			want:  actors.CallView{Direction: "outbound", State: "active", AnsweredAt: new(at(10))},
			parts: []part{{"leg_c", "connected", new(at(10)), nil}, {"leg_l", "connected", new(at(1)), nil}, {"leg_f", "invited", nil, nil}},
		},
		"gains are the viewer's alone": {
			events: append(talking[:4:4], call.GainSet{Listener: "leg_l", Speaker: "leg_c", Gain: 0}, fernandoAsked,
				call.OfferClosed{Offer: "of_f", Reason: "accepted", At: at(14)}, fernandoJoins), viewer: "fernando",
			want:  actors.CallView{Direction: "outbound", State: "active", AnsweredAt: new(at(10)), MyLeg: "leg_f"},
			parts: []part{{"leg_c", "connected", new(at(10)), nil}, {"leg_l", "connected", new(at(1)), nil}, {"leg_f", "connecting", new(at(14)), nil}},
		},
		"ended": {
			events: append(talking[:4:4], call.Left{Leg: "leg_l", Reason: "call_ended", At: at(70)},
				call.Finished{By: call.ByCustomer, Reason: call.Completed, Detail: "bye", At: at(70)}),
			want: actors.CallView{
				Direction: "outbound", State: "ended", AnsweredAt: new(at(10)), EndedAt: new(at(70)), TalkMS: 60_000, EndedBy: "customer",
				EndReason: "completed", EndDetail: "bye",
			},
			parts: []part{{"leg_c", "left", new(at(10)), new(at(70))}, {"leg_l", "left", new(at(1)), new(at(70))}},
		},
		"missed": {
			events: []call.Event{created(call.Inbound), call.Finished{By: call.BySystem, Reason: call.NoAnswer, At: at(25)}},
			want:   actors.CallView{Direction: "inbound", State: "ended", EndedAt: new(at(25)), EndedBy: "system", EndReason: "no_answer"},
			parts:  []part{{"leg_c", "left", nil, new(at(25))}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := drawCall(foldCall(c.events...), anaView, mainView, c.viewer)
			var parts []part
			for _, p := range got.Participants {
				parts = append(parts, part{p.LegID, p.State, p.JoinedAt, p.LeftAt})
				switch {
				case p.LegID == "leg_c" && (p.Kind != "contact" || p.Name != "Ana Souza" || p.AgentID != ""):
					t.Errorf("the contact's leg is %+v", p)
				case p.LegID != "leg_c" && (p.Kind != "agent" || p.Name == "" || p.AgentID == ""):
					t.Errorf("an agent's leg is %+v", p)
				}
			}
			if len(parts) != len(c.parts) {
				t.Fatalf("%d participants, want %d", len(parts), len(c.parts))
			}
			for i, p := range parts {
				w := c.parts[i]
				if p.leg != w.leg || p.state != w.state || !sameTime(p.joined, w.joined) || !sameTime(p.left, w.left) {
					t.Errorf("participant %d: got %+v, want %+v", i, p, w)
				}
			}
			c.want.ID, c.want.Contact, c.want.Line, c.want.CreatedAt, got.Participants = "call_1", anaView, mainView, at(0), nil
			same(t, "call", got, c.want)
		})
	}
}

func sameTime(a, b *time.Time) bool { return (a == nil) == (b == nil) && (a == nil || a.Equal(*b)) }

// TestDrawCallToWhoHasLeft: a page that comes back after its agent left must be able to say so.
func TestDrawCallToWhoHasLeft(t *testing.T) {
	s := foldCall(created(call.Outbound), luisJoins, call.PickedUp{At: at(10)}, fernandoAsked,
		call.OfferClosed{Offer: "of_f", Reason: "accepted", At: at(14)}, fernandoJoins, call.Left{Leg: "leg_l", Reason: "left", At: at(20)})
	v := drawCall(s, anaView, mainView, "luis")
	if v.State != "active" || len(v.Gains) != 0 {
		t.Errorf("got %+v", v)
	}
	for _, p := range v.Participants {
		if p.AgentID == "luis" && (p.State != "left" || !sameTime(p.LeftAt, new(at(20)))) {
			t.Errorf("the leg of who has left: %+v", p)
		}
	}
	s = foldCall(created(call.Outbound), luisJoins, call.PickedUp{At: at(10)}, call.Left{Leg: "leg_l", Reason: "left", At: at(20)},
		call.Joined{Leg: "leg_l2", Agent: "luis", Name: "Luis", At: at(30)})
	if v := drawCall(s, anaView, mainView, "luis"); v.MyLeg != "leg_l2" {
		t.Errorf("who came back has the leg %q, want the new one", v.MyLeg)
	}
}

func TestCallRowView(t *testing.T) {
	s := foldCall(created(call.Outbound), luisJoins, call.PickedUp{At: at(10)}, call.Left{Leg: "leg_l", Reason: "call_ended", At: at(70)},
		call.Finished{By: call.ByAgent, Reason: call.Completed, At: at(70)})
	fold := mustJSON(callKept{State: s, Contact: anaView, Line: mainView})
	t.Run("history and life show the same", func(t *testing.T) {
		got := callRowView(store.CallRow{Tenant: "acme", ID: "call_1", Seq: 5, Fold: fold})
		want := drawCall(s, anaView, mainView, "")
		want.Version = 5
		same(t, "call", got, want)
	})
	for name, fold := range map[string][]byte{"no fold": nil, "empty fold": []byte("{}"), "unreadable fold": []byte("[")} {
		t.Run(name, func(t *testing.T) {
			row := store.CallRow{
				Tenant: "acme", ID: "call_1", Line: "main", Contact: "ct_ana", Direction: store.Inbound, State: "offering", CreatedAt: at(0), Fold: fold,
			}
			got := callRowView(row)
			if got.ID != "call_1" || got.State != "offering" || got.Direction != "inbound" || !got.CreatedAt.Equal(at(0)) || got.Version != 0 {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// TestAgentViewsAgree: the core's own push and the facade's snapshot are the same JSON, or clients see an agent flicker.
func TestAgentViewsAgree(t *testing.T) {
	for name, s := range map[string]agent.State{
		"fresh":     {ID: "luis", Name: "Luis", Role: "agent"},
		"offline":   {ID: "luis", Name: "Luis", Role: "agent", Presence: agent.Offline, Since: at(0)},
		"available": {ID: "luis", Name: "Luis", Role: "supervisor", Presence: agent.Available, Since: at(1)},
		"break":     {ID: "luis", Name: "Luis", Role: "agent", Presence: agent.Break, BreakCode: "lunch", Since: at(2)},
		"busy":      {ID: "luis", Name: "Luis", Role: "agent", Presence: agent.Busy, Since: at(3), Call: &agent.Assignment{Call: "call_1", Confirmed: true}},
		"claimed":   {ID: "luis", Name: "Luis", Role: "agent", Presence: agent.Busy, Since: at(4), Call: &agent.Assignment{Call: "call_2"}},
	} {
		t.Run(name, func(t *testing.T) { same(t, "agent", agentView(s), agent.Show(s)) })
	}
}

func TestMessageView(t *testing.T) {
	h := &Host{}
	for name, c := range map[string]struct {
		row  store.MessageRow
		want actors.MessageView
	}{
		"from the contact": {
			store.MessageRow{
				Tenant: "acme", Contact: "ct_ana", ID: "in_1", Line: "main", Direction: store.Inbound, Kind: "text", Body: []byte(`{"text":"oi","type":"text"}`),
				Status: store.MessageReceived, At: at(1),
			},
			actors.MessageView{
				ID: "in_1", ContactID: "ct_ana", LineID: "main", Direction: "in", Kind: "text", Text: "oi", Data: map[string]any{"type": "text"},
				Status: "received", At: at(1),
			},
		},
		"from an agent, failed": {
			store.MessageRow{
				ID: "msg_1", Direction: store.Outbound, Kind: "permission_request", Body: []byte(`{"text":"posso?","via":"template"}`), Agent: "luis",
				Status: store.MessageFailed, StatusDetail: "undeliverable: no such user", At: at(2),
			},
			actors.MessageView{
				ID: "msg_1", Direction: "out", Kind: "permission_request", Text: "posso?", Data: map[string]any{"via": "template"}, AgentID: "luis",
				Status: "failed", Error: "undeliverable: no such user", At: at(2),
			},
		},
		"of the system": {
			store.MessageRow{ID: "sys_1", Direction: store.Inbound, Kind: "call", Body: []byte(`{"answered":true,"call_id":"call_1"}`), At: at(3)},
			actors.MessageView{ID: "sys_1", Direction: "system", Kind: "call", Data: map[string]any{"answered": true, "call_id": "call_1"}, At: at(3)},
		},
		"no body":         {store.MessageRow{ID: "in_2", Direction: store.Inbound, At: at(4)}, actors.MessageView{ID: "in_2", Direction: "in", At: at(4)}},
		"null body":       {store.MessageRow{ID: "in_3", Direction: store.Inbound, Body: []byte("null"), At: at(5)}, actors.MessageView{ID: "in_3", Direction: "in", At: at(5)}},
		"text is no text": {store.MessageRow{ID: "in_4", Direction: store.Inbound, Body: []byte(`{"text":7}`), At: at(6)}, actors.MessageView{ID: "in_4", Direction: "in", At: at(6)}},
	} {
		t.Run(name, func(t *testing.T) { same(t, "message", h.messageView(c.row), c.want) })
	}
}

func TestRowView(t *testing.T) {
	names := map[id.Agent]string{"luis": "Luis Andrade"}
	row := store.ContactRow{
		Tenant: "acme", ID: "ct_ana", Version: 7, Name: "Ana", Phone: "5511987654321", Status: "new", Tags: []string{"a"}, OrderNo: "991", QuoteCents: 100,
		AssignedAgent: "luis", OngoingCall: "call_1", LastActivity: at(1),
	}
	same(t, "contact", rowView(row, names), actors.ContactView{
		ID: "ct_ana", Version: 7, Name: "Ana", Phone: "+5511987654321", Status: "new", Tags: []string{"a"}, OrderNo: "991", QuoteCents: 100,
		AssignedAgent: "luis", AssignedName: "Luis Andrade", OngoingCall: "call_1", LastActivityAt: at(1),
	})
	row.Phone, row.AssignedAgent = "", "gone"
	if v := rowView(row, nil); v.Phone != "" || v.AssignedName != "" {
		t.Errorf("a contact without a number, of an agent who is gone: %+v", v)
	}
}

func TestPersonView(t *testing.T) {
	h := &Host{now: func() time.Time { return at(10) }}
	for name, c := range map[string]struct {
		until time.Time
		want  string
	}{"lease runs": {at(11), "available"}, "lease over": {at(9), "offline"}, "never there": {time.Time{}, "offline"}} {
		got := h.personView(store.AgentRow{ID: "luis", Name: "Luis", Presence: "available", PresenceUntil: c.until})
		if want := (actors.PersonView{ID: "luis", Name: "Luis", Presence: c.want}); got != want {
			t.Errorf("%s: got %+v, want %+v", name, got, want)
		}
	}
}

func TestLineView(t *testing.T) {
	for settings, calling := range map[string]bool{"": true, "{}": true, `{"calling":true}`: true, `{"calling":false}`: false, "[": true} {
		v := lineView(store.LineRow{ID: "main", Name: "Matriz", DisplayNumber: "+55", Settings: []byte(settings)})
		if v.ID != "main" || v.Name != "Matriz" || v.Display != "+55" || v.Calling != calling {
			t.Errorf("settings %q: got %+v, want calling %v", settings, v, calling)
		}
	}
}

func TestPresenceRank(t *testing.T) {
	order := []agent.Presence{agent.Available, agent.WrapUp, agent.NotResponding, agent.Busy, agent.Break, agent.Offline, "something else"}
	for i, p := range order[1:] {
		if presenceRank(string(order[i])) >= presenceRank(string(p)) {
			t.Errorf("%s does not come before %s", order[i], p)
		}
	}
}

func TestReasons(t *testing.T) {
	got := reasons([]contact.Reason{{Code: "daily_limit", NextAllowed: at(5)}, {Code: "permission_missing"}})
	same(t, "reasons", got, []actors.Reason{{Code: "daily_limit", NextAllowedAt: new(at(5))}, {Code: "permission_missing"}})
	if reasons(nil) != nil {
		t.Error("no reasons are some")
	}
}
