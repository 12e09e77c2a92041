package host

import (
	"context"

	"github.com/asynkron/protoactor-go/actor"

	"ramal/actors/agent"
	"ramal/actors/contact"
	"ramal/actors/line"
	"ramal/cluster"
	"ramal/cluster/wire"
	"ramal/internal/id"
)

type (
	contactActor = virtual[contact.State, contact.Command, contact.Event, contact.Effect]
	agentActor   = virtual[agent.State, agent.Command, agent.Event, agent.Effect]
	lineActor    = virtual[line.State, line.Command, line.Event, line.Effect]
)

// Kinds are the virtual actors of this host, for the cluster to place. Call it before the cluster starts; the actors
// wait for Start.
func (h *Host) Kinds() []cluster.Kind {
	contacts := &core[contact.State, contact.Command, contact.Event, contact.Effect]{
		kind: kindContact, decode: contact.DecodeCommand, decide: contact.Decide, evolve: contact.Evolve, deadline: contact.Deadline,
		effects: contact.Effects, wake: contact.Wake{}, load: h.loadContact, save: h.saveContact, perform: h.performContact,
		idle: h.cfg.IdleAfter,
	}
	agents := &core[agent.State, agent.Command, agent.Event, agent.Effect]{
		kind: kindAgent, decode: agent.DecodeCommand, decide: agent.Decide, evolve: agent.Evolve, deadline: agent.Deadline,
		effects: agent.Effects, wake: agent.Wake{}, load: h.loadAgent, save: h.saveAgent, perform: h.performAgent,
		other: h.agentOther, settled: h.announce, soft: true, idle: h.cfg.IdleAfter,
	}
	lines := &core[line.State, line.Command, line.Event, line.Effect]{
		kind: kindLine, decode: line.DecodeCommand, decide: line.Decide, evolve: line.Evolve, deadline: line.Deadline,
		effects: line.Effects, wake: line.Wake{}, load: h.loadLine, save: h.saveLine, perform: h.performLine,
		volatile: line.Volatile,
		idle:     h.cfg.IdleAfter,
	}
	return []cluster.Kind{kindOf(h, contacts), kindOf(h, agents), kindOf(h, lines)}
}

func kindOf[S, C, E, F any](h *Host, c *core[S, C, E, F]) cluster.Kind {
	return cluster.Kind{Name: c.kind, Soft: c.soft, Props: func(who cluster.Identity) *actor.Props {
		return actor.PropsFromProducer(func() actor.Actor { return &virtual[S, C, E, F]{core: c, h: h, who: who} })
	}}
}

func askContact(ctx context.Context, h *Host, who cluster.Identity, cmd contact.Command) (contact.State, error) {
	s, err := ask[contact.State](ctx, h, kindContact, who, envelope(who.Tenant, contact.CommandName(cmd), cmd))
	s.Policy = h.cfg.Contact
	return s, err
}

func askAgent(ctx context.Context, h *Host, who cluster.Identity, cmd agent.Command) (agent.State, error) {
	return ask[agent.State](ctx, h, kindAgent, who, envelope(who.Tenant, agent.CommandName(cmd), cmd))
}

func askLine(ctx context.Context, h *Host, who cluster.Identity, cmd line.Command) (line.State, error) {
	s, err := ask[line.State](ctx, h, kindLine, who, envelope(who.Tenant, line.CommandName(cmd), cmd))
	s.Policy = h.cfg.Line
	return s, err
}

func peekAt[S any](ctx context.Context, h *Host, kind string, who cluster.Identity) (S, error) {
	return ask[S](ctx, h, kind, who, wire.New(peek, who.Tenant, nil))
}

func contactID(t id.Tenant, c id.Contact) cluster.Identity {
	return cluster.Identity{Tenant: t, Key: string(c)}
}
func agentID(t id.Tenant, a id.Agent) cluster.Identity {
	return cluster.Identity{Tenant: t, Key: string(a)}
}
func lineID(t id.Tenant, l id.Line) cluster.Identity {
	return cluster.Identity{Tenant: t, Key: string(l)}
}
