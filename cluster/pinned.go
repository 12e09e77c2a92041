package cluster

import (
	"context"
	"errors"

	"github.com/asynkron/protoactor-go/actor"

	"ramal/cluster/wire"
	"ramal/internal/fault"
	"ramal/internal/id"
)

// Address names an actor that stays on one node for its whole life, such as a call. It can be stored: Node is one
// incarnation of a process, so that an address never reaches another actor after a restart.
type Address struct {
	Node id.Node
	Name string // unique on its node for ever, such as "call/" and the call's id
}

// ID returns this node's id.
func (n *Node) ID() id.Node { return n.cfg.NodeID }

// Port returns the TCP port this node listens on.
func (n *Node) Port() int { return n.self.Port }

// System returns the actor system, for actors that are neither virtual nor spoken to from outside, and for timers.
func (n *Node) System() *actor.ActorSystem { return n.system }

// Spawn starts an actor under a name of this node, and returns its address. Envelopes are checked before they reach
// it as for virtual actors, see Kind.Accepts, but it is never fenced: it lives until it stops itself, or the node ends.
// Conflict means that the name is taken.
func (n *Node) Spawn(name string, props *actor.Props, accepts func(kind string) bool) (Address, error) {
	guarded := props.Clone(actor.WithReceiverMiddleware(n.guard(accepts)), actor.WithSenderMiddleware(limitBody))
	if _, err := n.system.Root.SpawnNamed(guarded, name); err != nil {
		return Address{}, fault.Wrap(fault.Conflict, "cluster.spawn", err)
	}
	return Address{Node: n.cfg.NodeID, Name: name}, nil
}

// RequestPID sends msg to the actor at addr and waits for its answer, at most until ctx's deadline, or DefaultTimeout.
// It is sent once. NotFound (node_gone, actor_gone) means that it was not handled and never will be, Unavailable that
// it was not sent, Unknown that nobody knows. An answer that carries a fault is returned as that error.
func (n *Node) RequestPID(ctx context.Context, addr Address, msg *wire.Envelope) (*wire.Envelope, error) {
	p, pid, err := n.resolve("cluster.request_pid", addr, msg)
	if err != nil {
		return nil, err
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	if ctx.Err() != nil {
		return nil, fault.Wrap(fault.Unavailable, "cluster.request_pid", ctx.Err())
	}
	answer, err := n.ask(ctx, p.gone, func(sender *actor.PID) { n.system.Root.RequestWithCustomSender(pid, msg, sender) })
	var dead *deadLetterError
	switch {
	case errors.Is(err, errNotHandled) && n.snap.Load().peers[addr.Node] == nil:
		return nil, nodeGone("cluster.request_pid", addr)
	case errors.As(err, &dead) && dead.target == pid && addr.Node != n.cfg.NodeID:
		return nil, fault.Newf(fault.Unavailable, "cluster.request_pid", CodeUnreachable, "no connection to %s", addr.Node)
	case errors.Is(err, errNotHandled):
		return nil, fault.Newf(fault.NotFound, "cluster.request_pid", CodeActorGone, "no actor %.128q at %s", addr.Name, addr.Node)
	case err != nil:
		n.stats.unknown.Add(1)
		return nil, err
	}
	return answer, wire.Err(answer)
}

// TellPID sends msg to the actor at addr and does not wait: it is delivered at most once. NotFound (node_gone) means
// that there is no such member.
func (n *Node) TellPID(addr Address, msg *wire.Envelope) error {
	_, pid, err := n.resolve("cluster.tell_pid", addr, msg)
	if err != nil {
		return err
	}
	n.system.Root.Send(pid, msg)
	return nil
}

func (n *Node) resolve(op string, addr Address, msg *wire.Envelope) (*peer, *actor.PID, error) {
	if err := wire.Check(msg); err != nil {
		return nil, nil, err
	}
	if n.stopped() {
		return nil, nil, fault.New(fault.Unavailable, op, CodeClosed, "the node is closed")
	}
	p := n.snap.Load().peers[addr.Node]
	if p == nil {
		return nil, nil, nodeGone(op, addr)
	}
	return p, actor.NewPID(p.addr, addr.Name), nil
}

func nodeGone(op string, addr Address) error {
	return fault.Newf(fault.NotFound, op, CodeNodeGone, "no member %.64q", addr.Node)
}
