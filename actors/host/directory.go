package host

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/asynkron/protoactor-go/actor"

	"ramal/actors/call"
	"ramal/cluster"
	"ramal/cluster/wire"
	"ramal/internal/fault"
	"ramal/internal/id"
)

// directory knows where calls live: those of this node, and for a while those of others. The calls table is the
// truth; this is a cache, guarded by mu.
type directory struct {
	mu struct {
		sync.Mutex
		here  map[id.Call]*actor.PID
		over  map[id.Call]bool // of here: ended, and about to leave
		nodes map[id.Call]id.Node
	}
}

const directorySize = 20_000

func newDirectory() *directory {
	d := &directory{}
	d.mu.here, d.mu.over, d.mu.nodes = map[id.Call]*actor.PID{}, map[id.Call]bool{}, map[id.Call]id.Node{}
	return d
}

func (d *directory) put(c id.Call, node id.Node, pid *actor.PID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.mu.nodes) >= directorySize {
		clear(d.mu.nodes)
	}
	d.mu.nodes[c] = node
	if pid != nil {
		d.mu.here[c] = pid
	}
}

func (d *directory) forget(c id.Call) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.mu.here, c)
	delete(d.mu.over, c)
	delete(d.mu.nodes, c)
}

func (d *directory) find(c id.Call) (id.Node, *actor.PID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.mu.nodes[c], d.mu.here[c]
}

// all are the calls whose actors live here.
func (d *directory) all() []*actor.PID {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Collect(maps.Values(d.mu.here))
}

// ended says that a call is over, though it still answers late webhooks.
func (d *directory) ended(c id.Call) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.mu.here[c] != nil {
		d.mu.over[c] = true
	}
}

func (d *directory) running() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.mu.here) - len(d.mu.over)
}

func (h *Host) callPID(c id.Call) *actor.PID {
	if _, pid := h.calls.find(c); pid != nil {
		return pid
	}
	return actor.NewPID(h.cluster.System().Address(), callName(h.cluster.ID(), c))
}

const callsName = "calls" // the actor of each node that begins calls there

// beginCall starts a call on the least loaded node and answers with the first reply of the call.
func (h *Host) beginCall(ctx context.Context, tenant id.Tenant, c id.Call, b begin) (*wire.Envelope, error) {
	msg := envelope(tenant, "begin", b)
	msg.Correlation = string(c)
	node, ok := h.cluster.LeastLoaded()
	if !ok {
		return nil, fault.New(fault.Unavailable, "host.begin_call", "no_node", "no node takes calls now")
	}
	if node.ID == h.cluster.ID() {
		return h.beginHere(ctx, msg)
	}
	reply, err := h.cluster.RequestPID(ctx, cluster.Address{Node: node.ID, Name: callsName}, msg)
	if err == nil {
		h.calls.put(c, node.ID, nil)
	}
	return reply, err
}

// beginHere spawns the call's actor and hands it the beginning.
func (h *Host) beginHere(ctx context.Context, msg *wire.Envelope) (*wire.Envelope, error) {
	c, node := id.Call(msg.GetCorrelation()), h.cluster.ID()
	props := actor.PropsFromProducer(func() actor.Actor { return &callActor{h: h, node: node, call: c} },
		actor.WithSupervisor(actor.NewOneForOneStrategy(0, 0, actor.DefaultDecider))) // its media is gone with it: never restart in place
	if _, err := h.cluster.Spawn(callName(node, c), props, nil); err != nil && !fault.Is(err, fault.Conflict) {
		return nil, err
	}
	h.calls.put(c, node, actor.NewPID(h.cluster.System().Address(), callName(node, c)))
	return h.cluster.RequestPID(ctx, callAddress(node, c), msg)
}

// onBegin serves other nodes. It does not wait in the mailbox: calls begin side by side.
func (h *Host) onBegin(ctx actor.Context) {
	msg, ok := ctx.Message().(*wire.Envelope)
	if !ok || ctx.Sender() == nil {
		return
	}
	sender, root := ctx.Sender(), h.cluster.System().Root
	h.lanes.run("begin/"+msg.GetCorrelation(), func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, providerWait)
		defer cancel()
		reply, err := h.beginHere(ctx, msg)
		if err != nil {
			reply = wire.Fault(err)
		}
		root.Send(sender, reply)
	})
}

// where finds the node of a call. Faults: NotFound "call_unknown", Conflict "call_ended".
func (h *Host) where(ctx context.Context, tenant id.Tenant, c id.Call) (id.Node, error) {
	if node, _ := h.calls.find(c); node != "" {
		return node, nil
	}
	row, err := h.store.GetCall(ctx, tenant, c)
	if fault.Is(err, fault.NotFound) {
		return "", fault.New(fault.NotFound, "host.call", "call_unknown", "no such call")
	}
	if err != nil {
		return "", err
	}
	if !row.EndedAt.IsZero() {
		return "", fault.New(fault.Conflict, "host.call", "call_ended", "the call has ended")
	}
	h.calls.put(c, row.Node, nil)
	return row.Node, nil
}

// askCall sends a command to a call, wherever it lives.
func (h *Host) askCall(ctx context.Context, tenant id.Tenant, c id.Call, cmd call.Command) (*wire.Envelope, error) {
	return h.sendCall(ctx, tenant, c, envelope(tenant, call.CommandName(cmd), cmd))
}

func (h *Host) sendCall(ctx context.Context, tenant id.Tenant, c id.Call, msg *wire.Envelope) (*wire.Envelope, error) {
	node, err := h.where(ctx, tenant, c)
	if err != nil {
		return nil, err
	}
	reply, err := h.cluster.RequestPID(ctx, callAddress(node, c), msg)
	if err == nil {
		err = wire.Err(reply)
	}
	if fault.Is(err, fault.NotFound) && fault.CodeOf(err) != "call_unknown" && fault.CodeOf(err) != "leg_unknown" {
		h.calls.forget(c) // the actor is gone: the call has ended, or its node has
		return nil, &fault.Error{Kind: fault.Conflict, Op: "host.call", Code: "call_ended", Detail: "the call is over", Cause: err}
	}
	return reply, err
}
