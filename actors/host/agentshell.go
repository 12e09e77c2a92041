package host

import (
	"context"
	"encoding/json"

	"ramal/actors"
	"ramal/actors/agent"
	"ramal/actors/call"
	"ramal/cluster/wire"
	"ramal/internal/id"
)

// agentDesk is what an agent's actor holds beside its state: the number of the last event, and its call as the
// sessions last saw it. It begins anew when the actor moves: the numbers then jump, and the sessions ask for a snapshot.
type agentDesk struct {
	presence *actors.PersonView // changed, to be announced once it is stored
	seq      int64
	call     json.RawMessage
	of       id.Call
	version  int64   // of call
	over     id.Call // the last that ended: its late views are not drawn
}

// Messages to an agent that are no commands of its core.
const (
	msgPush     = "desk.push"     // an event of the agent's call, to be numbered and sent on
	msgSnapshot = "desk.snapshot" // draws the session anew
)

// deskSnapshot answers open_session and desk.snapshot.
type deskSnapshot struct {
	Seq   int64           `json:"seq"`
	State agent.State     `json:"state"`
	Call  json.RawMessage `json:"call,omitempty"`
}

func (h *Host) desk(v *agentActor) *agentDesk {
	d, ok := v.extra.(*agentDesk)
	if !ok {
		d = &agentDesk{seq: h.now().UnixMilli()}
		v.extra = d
	}
	return d
}

// agentOther answers what is not a command. Opening a session is one, but its answer is a snapshot.
func (h *Host) agentOther(v *agentActor, msg *wire.Envelope) (any, bool, error) {
	d := h.desk(v)
	switch msg.GetKind() {
	case msgPush:
		var p actors.Push
		if err := unpack(msg.GetBody(), &p); err != nil {
			return nil, true, err
		}
		d.keep(p)
		h.pushToAgent(v, p.Type, p.Data)
		return nil, true, nil
	case msgSnapshot:
	case agent.CommandName(agent.OpenSession{}):
		cmd, err := agent.DecodeCommand(msg.GetKind(), msg.GetBody())
		if err != nil {
			return nil, true, err
		}
		if _, err := v.command(cmd); err != nil {
			return nil, true, err
		}
	default:
		return nil, false, nil
	}
	snap := deskSnapshot{Seq: d.seq, State: v.s}
	if v.s.Call != nil && d.of == v.s.Call.Call {
		snap.Call = d.call
	}
	return snap, true, nil
}

// keep remembers the call's latest view; an older one, or one of an ended call, is not drawn again.
func (d *agentDesk) keep(p actors.Push) {
	if p.Type != actors.EventCallUpdated {
		return
	}
	var view struct {
		ID      id.Call `json:"call_id"`
		Version int64   `json:"version"`
		State   string  `json:"state"`
	}
	if json.Unmarshal(p.Data, &view) != nil {
		return
	}
	switch {
	case view.ID == d.over || view.ID == d.of && view.Version < d.version:
	case view.State != string(call.Ended):
		d.of, d.call, d.version = view.ID, p.Data, view.Version
	default:
		d.over = view.ID
		if d.of == view.ID {
			d.of, d.call, d.version = "", nil, 0
		}
	}
}

// pushToAgent numbers an event and sends it to every session of the agent.
func (h *Host) pushToAgent(v *agentActor, kind string, data json.RawMessage) {
	d := h.desk(v)
	d.seq++
	byNode := map[id.Node][]id.Session{}
	for session, info := range v.s.Sessions {
		byNode[info.Node] = append(byNode[info.Node], session)
	}
	p := actors.Push{Seq: d.seq, Type: kind, At: h.now(), Data: data}
	for node, ids := range byNode {
		h.sessions.send(v.who.Tenant, node, toSessions{Sessions: ids, Push: p})
	}
}

// announce hints a change of presence once it is stored, since whoever hears of it reads it there.
func (h *Host) announce(v *agentActor) {
	d := h.desk(v)
	if d.presence != nil {
		h.hint(v.who.Tenant, actors.HintPresence, *d.presence)
		d.presence = nil
	}
}

func (h *Host) performAgent(v *agentActor, eff agent.Effect) {
	switch e := eff.(type) {
	case agent.Push:
		h.pushToAgent(v, e.Type, e.Data)
	case agent.AnnouncePresence:
		h.desk(v).presence = &actors.PersonView{ID: v.s.ID, Name: v.s.Name, Presence: string(e.Presence)}
	case agent.SessionGone:
		h.sessions.send(v.who.Tenant, e.Node, toSessions{Sessions: []id.Session{e.Session}, Cut: true})
	case agent.OfferEnded:
		if e.Reason == agent.ClosedExpired {
			return // the call's own clock ends it there
		}
		tenant := v.who.Tenant
		h.lanes.run("offer/"+string(e.Offer), func(ctx context.Context) {
			_, _ = h.askCall(ctx, tenant, e.Call, call.OfferRefused{Offer: e.Offer, Reason: "agent_unavailable"})
		})
	}
}
