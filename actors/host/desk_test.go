package host

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"ramal/actors"
	"ramal/actors/agent"
	"ramal/actors/call"
	"ramal/actors/contact"
	"ramal/actors/line"
	"ramal/cluster"
	"ramal/cluster/wire"
	"ramal/internal/fault"
	"ramal/internal/id"
	"ramal/store"
)

// tab is one session: what was pushed to it, and whether it still takes more.
type tab struct {
	who    actors.Who
	mu     sync.Mutex
	pushes []actors.Push
	slow   bool
}

func newTab(tenant id.Tenant, who id.Agent, session id.Session) *tab {
	return &tab{who: actors.Who{Tenant: tenant, Agent: who, Session: session, Role: "agent", Lang: "pt-BR"}}
}

func (t *tab) push(p actors.Push) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.slow {
		return false
	}
	t.pushes = append(t.pushes, p)
	return true
}

// got returns what has come so far, of the given types or of all.
func (t *tab) got(types ...string) (out []actors.Push) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, p := range t.pushes {
		if len(types) == 0 || slices.Contains(types, p.Type) {
			out = append(out, p)
		}
	}
	return out
}

// numbers are the Seq of the agent's own events.
func (t *tab) numbers() (out []int64) {
	for _, p := range t.got() {
		if p.Seq != 0 {
			out = append(out, p.Seq)
		}
	}
	return out
}

// lonely is a host with nothing but a node and sessions.
func lonely(t *testing.T) (*Host, *oneNode) {
	t.Helper()
	h := New(Config{}, Deps{Logger: discard()})
	node := newOneNode("node_1")
	h.attach(node)
	h.now = func() time.Time { return noon }
	t.Cleanup(func() { h.lanes.close(); node.close() })
	return h, node
}

func deskOf(h *Host, sessions map[id.Session]id.Node) *agentActor {
	v := &agentActor{h: h, who: cluster.Identity{Tenant: "acme", Key: "luis"}}
	v.s = agent.State{Tenant: "acme", ID: "luis", Name: "Luis", Sessions: map[id.Session]agent.SessionInfo{}}
	for s, n := range sessions {
		v.s.Sessions[s] = agent.SessionInfo{Node: n}
	}
	return v
}

// TestDeskNumbers: every session of an agent sees the same events under the same numbers, without a gap.
func TestDeskNumbers(t *testing.T) {
	h, node := lonely(t)
	one, two, colleague := newTab("acme", "luis", "s1"), newTab("acme", "luis", "s2"), newTab("acme", "fernando", "s3")
	for _, x := range []*tab{one, two, colleague} {
		h.sessions.add(x.who, x.push)
	}
	v := deskOf(h, map[id.Session]id.Node{"s1": "node_1", "s2": "node_1", "far": "node_2"})
	for i := range 5 {
		h.pushToAgent(v, "test", mustJSON(i))
	}
	first := h.desk(v).seq - 4
	want := []int64{first, first + 1, first + 2, first + 3, first + 4}
	if !slices.Equal(one.numbers(), want) || !slices.Equal(two.numbers(), want) {
		t.Errorf("numbers %v and %v, want %v", one.numbers(), two.numbers(), want)
	}
	for i, p := range one.got() {
		if string(p.Data) != string(mustJSON(i)) || !p.At.Equal(noon) || p.Type != "test" {
			t.Errorf("event %d is %+v", i, p)
		}
	}
	if len(colleague.got()) != 0 {
		t.Errorf("a colleague got %v", colleague.got())
	}
	if len(node.mu.told) != 5 {
		t.Fatalf("the other node was told %d times, want 5", len(node.mu.told))
	}
	for i, x := range node.mu.told {
		var m toSessions
		ok(t, unpack(x.msg.GetBody(), &m))
		if x.to != (cluster.Address{Node: "node_2", Name: sessionsName}) || x.msg.GetTenant() != "acme" || !slices.Equal(m.Sessions, []id.Session{"far"}) || m.Push.Seq != want[i] {
			t.Errorf("message %d: %+v to %+v", i, m, x.to)
		}
	}
	snap, handled, err := h.agentOther(v, wire.New(msgSnapshot, "acme", nil))
	ok(t, err)
	if d, is := snap.(deskSnapshot); !handled || !is || d.Seq != first+4 {
		t.Errorf("the snapshot is %+v, want number %d", snap, first+4)
	}
}

// TestDeskNumbersGoUpOverMoves: a desk that begins anew elsewhere counts from further on, so that no client takes new events for old.
func TestDeskNumbersGoUpOverMoves(t *testing.T) {
	h, _ := lonely(t)
	now := noon
	h.now = func() time.Time { return now }
	v := deskOf(h, nil)
	for range 100 {
		h.pushToAgent(v, "test", nil)
	}
	last := h.desk(v).seq
	now = noon.Add(time.Second)
	if next := h.desk(deskOf(h, nil)).seq; next <= last {
		t.Errorf("after %d events the next activation begins at %d, the last number was %d", 100, next, last)
	}
}

func update(c id.Call, version int64, state call.Phase) actors.Push {
	return actors.Push{Type: actors.EventCallUpdated, Data: mustJSON(actors.CallView{ID: c, Version: version, State: string(state)})}
}

func TestDeskKeepsTheCall(t *testing.T) {
	for name, c := range map[string]struct {
		pushes  []actors.Push
		call    id.Call // "": none
		version int64
	}{
		"none":                    {nil, "", 0},
		"the latest":              {[]actors.Push{update("a", 1, call.Dialing), update("a", 2, call.Ringing)}, "a", 2},
		"other events":            {[]actors.Push{update("a", 1, call.Active), {Type: actors.EventCallSlots, Data: mustJSON(actors.CallSlots{CallID: "b"})}}, "a", 1},
		"ended":                   {[]actors.Push{update("a", 1, call.Active), update("a", 2, call.Ended)}, "", 0},
		"another call":            {[]actors.Push{update("a", 9, call.Active), update("a", 10, call.Ended), update("b", 1, call.Dialing)}, "b", 1},
		"an older one comes late": {[]actors.Push{update("a", 3, call.Active), update("a", 2, call.Ringing)}, "a", 3},
		"the same version, saved": {[]actors.Push{update("a", 3, call.Active), update("a", 3, call.Connecting)}, "a", 3},
		"an unreadable one":       {[]actors.Push{update("a", 1, call.Active), {Type: actors.EventCallUpdated, Data: json.RawMessage(`7`)}}, "a", 1},
		"one that ended, again":   {[]actors.Push{update("a", 5, call.Ended), update("a", 4, call.Active)}, "", 0},
		"the end of another call": {[]actors.Push{update("b", 1, call.Active), update("a", 7, call.Ended)}, "b", 1},
	} {
		t.Run(name, func(t *testing.T) {
			d := &agentDesk{}
			for _, p := range c.pushes {
				d.keep(p)
			}
			var v actors.CallView
			if d.call != nil {
				ok(t, json.Unmarshal(d.call, &v))
			}
			if d.of != c.call || v.ID != c.call || v.Version != c.version {
				t.Errorf("kept call %q, view %q version %d; want %q version %d", d.of, v.ID, v.Version, c.call, c.version)
			}
		})
	}
}

// TestSnapshotCarriesItsOwnCall: the kept view goes into a snapshot only while the agent is in that call.
func TestSnapshotCarriesItsOwnCall(t *testing.T) {
	h, _ := lonely(t)
	v := deskOf(h, nil)
	h.desk(v).keep(update("a", 1, call.Active))
	for name, c := range map[string]struct {
		call *agent.Assignment
		has  bool
	}{"free": {nil, false}, "in it": {&agent.Assignment{Call: "a"}, true}, "in another": {&agent.Assignment{Call: "b"}, false}} {
		v.s.Call = c.call
		snap, _, err := h.agentOther(v, wire.New(msgSnapshot, "acme", nil))
		ok(t, err)
		if d, _ := snap.(deskSnapshot); (d.Call != nil) != c.has {
			t.Errorf("%s: the snapshot has the call %s", name, d.Call)
		}
	}
}

func TestDeskPush(t *testing.T) {
	h, _ := lonely(t)
	x := newTab("acme", "luis", "s1")
	h.sessions.add(x.who, x.push)
	v := deskOf(h, map[id.Session]id.Node{"s1": "node_1"})
	_, handled, err := h.agentOther(v, envelope("acme", msgPush, update("a", 1, call.Active)))
	if !handled || err != nil {
		t.Fatalf("handled %v, %v", handled, err)
	}
	got := x.got(actors.EventCallUpdated)
	if len(got) != 1 || got[0].Seq == 0 || h.desk(v).of != "a" {
		t.Errorf("pushed %+v, kept %q", got, h.desk(v).of)
	}
	if _, handled, err := h.agentOther(v, wire.New(msgPush, "acme", []byte("["))); !handled || !fault.Is(err, fault.Invalid) {
		t.Errorf("an unreadable push: handled %v, %v", handled, err)
	}
	if _, handled, _ := h.agentOther(v, wire.New("claim", "acme", nil)); handled {
		t.Error("a command of the core was taken for something else")
	}
}

func TestSessions(t *testing.T) {
	h, node := lonely(t)
	one, two, other, rival := newTab("acme", "luis", "s1"), newTab("acme", "luis", "s2"), newTab("acme", "fernando", "s3"), newTab("rival", "luis", "s4")
	all := []*tab{one, two, other, rival}
	for _, x := range all {
		h.sessions.add(x.who, x.push)
	}
	count := func() (out [4]int) {
		for i, x := range all {
			out[i] = len(x.got())
		}
		return out
	}
	h.hint("acme", actors.HintPresence, actors.PersonView{ID: "luis"})
	if got := count(); got != [4]int{1, 1, 1, 0} {
		t.Errorf("a hint reached %v", got)
	}
	if p := one.got()[0]; p.Seq != 0 || p.Type != actors.HintPresence {
		t.Errorf("the hint is %+v", p)
	}
	h.sessions.to([]id.Session{"s1", "s3", "unknown"}, actors.Push{Seq: 1, Type: "x"})
	if got := count(); got != [4]int{2, 1, 2, 0} {
		t.Errorf("sessions got %v", got)
	}
	two.slow = true
	h.hint("acme", "y", nil)
	two.slow = false
	h.hint("acme", "z", nil)
	if got := count(); got != [4]int{4, 1, 4, 0} {
		t.Errorf("after one was too slow they have %v: it is gone, the others are not", got)
	}
	h.sessions.cut("s1")
	h.sessions.cut("s1")
	h.hint("acme", "w", nil)
	if got := one.got(actors.EventSessionCut); len(got) != 1 || len(one.got()) != 5 {
		t.Errorf("a session that was cut has %v", one.got())
	}
	node.change(func(c *oneNode) { c.mu.members = append(c.mu.members, cluster.Member{ID: "node_2"}) })
	h.hint("acme", "v", map[string]int{"n": 1})
	if len(node.mu.told) != 1 || node.mu.told[0].to.Node != "node_2" || node.mu.told[0].msg.GetTenant() != "acme" {
		t.Errorf("the other node was told %+v", node.mu.told)
	}
	h.onSessionsMessage(node.mu.told[0].msg) // what the other node would do with it
	if got := len(other.got("v")); got != 2 {
		t.Errorf("the hint came %d times, want here and from the other node", got)
	}
	h.onSessionsMessage(wire.New("push", "acme", []byte("["))) // unreadable: noted, and nothing else
}

// statesOf is a cluster in which each virtual actor answers with a fixed state.
type statesOf struct {
	*oneNode
	contact contact.State
	err     error
}

func (s statesOf) Request(_ context.Context, kind string, _ cluster.Identity, _ *wire.Envelope) (*wire.Envelope, error) {
	if kind == kindLine && s.err == nil {
		return answer(line.State{ID: "main", Settings: line.Settings{Calling: true}}, nil), nil
	}
	if s.err != nil || kind != kindContact {
		return nil, s.err
	}
	return answer(s.contact, nil), nil
}

// TestEligibility: the view says what the contact's own core says, in the words of the wire.
func TestEligibility(t *testing.T) {
	h, node := lonely(t)
	h.lines.put(lineEntry{row: store.LineRow{Tenant: "acme", ID: "main"}, until: noon.Add(time.Hour)})
	limits := &contact.MetaLimits{CanCall: true, StartCall: []contact.MetaLimit{{Period: "PT24H", Max: 5, Used: 2}}, FetchedAt: noon} // fresh: nobody is asked
	granted := contact.State{Tenant: "acme", ID: "ct_1", Lines: map[id.Line]contact.LineState{"main": {
		Permission: contact.Permission{Status: contact.PermissionTemporary, Source: contact.SourceUser, Until: noon.Add(time.Hour)},
		Connected:  []contact.ConnectedCall{{Call: "c1", Direction: contact.Outbound, At: noon.Add(-time.Hour)}},
		Unanswered: 2, WindowUntil: noon.Add(2 * time.Hour), Meta: limits,
	}}}
	none := contact.State{Tenant: "acme", ID: "ct_1", Lines: map[id.Line]contact.LineState{"main": {
		Requests: []contact.SentRequest{{At: noon.Add(-time.Hour)}}, Meta: limits,
	}}}
	who := actors.Who{Tenant: "acme", Agent: "luis"}
	for name, c := range map[string]struct {
		s    contact.State
		want actors.EligibilityView
	}{
		"granted": {granted, actors.EligibilityView{
			ContactID: "ct_1", LineID: "main", Permission: "granted_temporary", PermissionSource: "user_action", PermissionUntil: new(noon.Add(time.Hour)),
			CanCall: true, CanRequest: true, UnansweredStreak: 2, WindowUntil: new(noon.Add(2 * time.Hour)),
			Limits: []actors.LimitView{
				{Name: "calls_connected", Period: "PT24H", Max: 5, Used: 1}, {Name: "permission_requests_day", Period: "PT24H", Max: 1},
				{Name: "permission_requests_week", Period: "P7D", Max: 2}, {Name: "meta_calls_connected", Period: "PT24H", Max: 5, Used: 2},
			},
		}},
		"neither call nor request": {none, actors.EligibilityView{
			ContactID: "ct_1", LineID: "main", Permission: "none", CallReasons: []actors.Reason{{Code: "permission_missing"}},
			RequestReasons: []actors.Reason{{Code: "request_limit_day", NextAllowedAt: new(noon.Add(23 * time.Hour))}},
			Limits: []actors.LimitView{
				{Name: "calls_connected", Period: "PT24H", Max: 5}, {Name: "permission_requests_day", Period: "PT24H", Max: 1, Used: 1},
				{Name: "permission_requests_week", Period: "P7D", Max: 2, Used: 1}, {Name: "meta_calls_connected", Period: "PT24H", Max: 5, Used: 2},
			},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			h.cluster = statesOf{oneNode: node, contact: c.s}
			got, err := h.Eligibility(t.Context(), who, "ct_1", "main")
			ok(t, err)
			same(t, "eligibility", got, c.want)
		})
	}
	h.cluster = statesOf{oneNode: node, err: fault.New(fault.NotFound, "x", "no_contact", "")}
	_, err := h.Eligibility(t.Context(), who, "ct_9", "main")
	wantFault(t, "an unknown contact", err, fault.NotFound, "no_contact")
}

// TestPersist: what must arrive is told again with growing pauses, for a bounded time, and not after the end.
func TestPersist(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &Host{log: discard()}
		tries := 0
		began := time.Now()
		h.persist(t.Context(), time.Minute, "test", func(context.Context) error {
			if tries++; tries < 5 {
				return away
			}
			return nil
		})
		if took := time.Since(began); tries != 5 || took != (50+100+200+400)*time.Millisecond {
			t.Errorf("%d tries in %v", tries, took)
		}
		tries, began = 0, time.Now()
		h.persist(t.Context(), time.Minute, "test", func(context.Context) error { tries++; return away })
		if took := time.Since(began); took != time.Minute || tries < 12 || tries > 25 {
			t.Errorf("without success %d tries in %v", tries, took)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		tries = 0
		h.persist(ctx, time.Minute, "test", func(context.Context) error { tries++; return away })
		if tries > 1 {
			t.Errorf("%d tries after the end", tries)
		}
	})
}
