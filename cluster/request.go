package cluster

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"ramal/cluster/wire"
	"ramal/internal/fault"
	"ramal/internal/id"
)

// DefaultTimeout bounds a request whose context has no deadline.
const DefaultTimeout = 5 * time.Second

// Codes of the faults a request ends with, where the receiver did not answer.
const (
	CodeNoOwner     = "no_owner"    // Unavailable: nobody took it until the deadline; it was not handled
	CodeNoAnswer    = "no_answer"   // Unknown: it was sent, and no answer came
	CodeNodeGone    = "node_gone"   // NotFound: there is no such member; Unknown: it vanished while it had the message
	CodeActorGone   = "actor_gone"  // NotFound: the member has no actor of that name
	CodeUnreachable = "unreachable" // Unavailable: the member cannot be connected to; it was not handled
	CodeClosed      = "closed"      // Unavailable: this node is closed
)

// Headers in which a message says for which virtual actor it is.
const (
	headerKind   = "k"
	headerTenant = "t"
	headerKey    = "i"
	headerHops   = "h"
)

// Waits between two tries of a request, and the time that must be left for another: one that could not be answered in
// time would turn what is certain into an unknown outcome.
const (
	firstPause = 5 * time.Millisecond
	lastPause  = 100 * time.Millisecond
	lastChance = 50 * time.Millisecond
)

// goneGrace is how long an answer may come after its sender has left the cluster.
const goneGrace = 100 * time.Millisecond

// errNotHandled reports that a message certainly did not reach its actor.
var errNotHandled = errors.New("not delivered")

// deadLetterError is an errNotHandled that came back for a target. The very same PID comes back where the message could not
// leave this node, a decoded copy where the target's node had no such actor.
type deadLetterError struct{ target *actor.PID }

func (*deadLetterError) Error() string        { return "dead letter" }
func (*deadLetterError) Is(target error) bool { return target == errNotHandled }

// Request sends msg to a virtual actor and waits for its answer, at most until ctx's deadline, or DefaultTimeout.
// An answer that carries a fault is returned as that error.
//
// A message is never sent again once it may have been handled: only a refusal or a dead letter, both of which say that
// it was not, lead to another try. So Unavailable (no_owner) means that nothing happened and Unknown (no_answer,
// node_gone) that nobody knows; make such requests repeatable by a key in the body. msg must not be changed any more.
func (n *Node) Request(ctx context.Context, kind string, who Identity, msg *wire.Envelope) (*wire.Envelope, error) {
	to, err := check("cluster.request", kind, who, msg)
	if err != nil {
		return nil, err
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	reason := errNotHandled
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		if n.closing.Load() {
			return nil, fault.New(fault.Unavailable, "cluster.request", CodeClosed, "the node is closed")
		}
		if owner := n.snap.Load().owner(to.bucket()); owner != nil {
			answer, err := n.ask(ctx, owner.gone, func(sender *actor.PID) { n.send(owner, to, msg, sender, 0) })
			switch {
			case err == nil && answer.Kind == kindRefused:
				reason = wire.Err(answer)
			case err == nil:
				return answer, wire.Err(answer)
			case !errors.Is(err, errNotHandled):
				n.stats.unknown.Add(1)
				return nil, err
			}
		}
		n.nudge() // the view may be old
		if !again(ctx, pause) {
			n.stats.unavailable.Add(1)
			return nil, &fault.Error{Kind: fault.Unavailable, Op: "cluster.request", Code: CodeNoOwner, Detail: "nobody serves this actor now", Cause: errors.Join(reason, ctx.Err())}
		}
	}
}

// again waits for the next try, and reports whether there is time for one.
func again(ctx context.Context, pause time.Duration) bool {
	deadline, _ := ctx.Deadline()
	if time.Until(deadline) < pause+lastChance {
		return false
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// Tell sends msg to a virtual actor and does not wait: it is delivered at most once, and lost without notice when the
// actor's owner dies or is just changing. Use Request for what must arrive. Unavailable means that it was not sent.
func (n *Node) Tell(kind string, who Identity, msg *wire.Envelope) error {
	to, err := check("cluster.tell", kind, who, msg)
	if err != nil {
		return err
	}
	owner := n.snap.Load().owner(to.bucket())
	if owner == nil || n.closing.Load() {
		n.nudge()
		return fault.New(fault.Unavailable, "cluster.tell", CodeNoOwner, "nobody serves this actor now")
	}
	n.send(owner, to, msg, nil, 0)
	return nil
}

func check(op, kind string, who Identity, msg *wire.Envelope) (target, error) {
	if err := wire.Check(msg); err != nil {
		return target{}, err
	}
	if !id.Valid(kind) || !id.Valid(string(who.Tenant)) || who.Key == "" || len(who.Key) > 128 {
		return target{}, fault.Newf(fault.Invalid, op, "bad_identity", "no virtual actor can be called %.64q %.64q", kind, who.Key)
	}
	return target{kind: kind, tenant: string(who.Tenant), key: who.Key}, nil
}

func bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, DefaultTimeout)
}

// send hands a message to the shard of its owner. On this node it stays what it is, and is not encoded.
func (n *Node) send(owner *peer, to target, msg *wire.Envelope, sender *actor.PID, hops int) {
	shard := to.bucket() % shardCount
	if owner.ID == n.cfg.NodeID {
		n.system.Root.Send(n.lookup.shards[shard], &deliver{to: to, env: msg, sender: sender, hops: hops})
		return
	}
	header := map[string]string{headerKind: to.kind, headerTenant: to.tenant, headerKey: to.key}
	if hops > 0 {
		header[headerHops] = strconv.Itoa(hops)
	}
	n.system.Root.Send(owner.shards[shard], &actor.MessageEnvelope{Header: header, Message: msg, Sender: sender})
}

func targetOfHeader(h actor.ReadonlyMessageHeader) (target, int) {
	if h == nil {
		return target{}, 0
	}
	return target{kind: h.Get(headerKind), tenant: h.Get(headerTenant), key: h.Get(headerKey)}, hopsOf(h)
}

func hopsHeader(hops int) map[string]string { return map[string]string{headerHops: strconv.Itoa(hops)} }

func hopsOf(h actor.ReadonlyMessageHeader) int {
	hops, _ := strconv.Atoi(h.Get(headerHops)) // none: 0
	return hops
}

// ask sends with a mailbox of its own as the sender, and waits for what arrives there. Its errors are errNotHandled,
// Unavailable where nothing was sent, and Unknown.
func (n *Node) ask(ctx context.Context, gone <-chan struct{}, send func(sender *actor.PID)) (*wire.Envelope, error) {
	if ctx.Err() != nil {
		return nil, errNotHandled
	}
	box := &answerBox{ch: make(chan any, 1)}
	registry := n.system.ProcessRegistry
	sender, ok := registry.Add(box, "answer"+registry.NextID())
	if !ok {
		return nil, errNotHandled // never: ids are numbered
	}
	defer registry.Remove(sender)
	send(sender)
	var answer any
	select {
	case answer = <-box.ch:
	case <-ctx.Done():
		return nil, &fault.Error{Kind: fault.Unknown, Op: "cluster.request", Code: CodeNoAnswer, Detail: "sent, but no answer came", Cause: ctx.Err()}
	case <-gone:
		grace := time.NewTimer(goneGrace) // a node that leaves in order still answers
		defer grace.Stop()
		select {
		case answer = <-box.ch:
		case <-grace.C:
			return nil, fault.New(fault.Unknown, "cluster.request", CodeNodeGone, "the receiver's node vanished before it answered")
		}
	case <-n.stop:
		return nil, fault.New(fault.Unknown, "cluster.request", CodeClosed, "this node was closed before the answer came")
	}
	switch a := answer.(type) {
	case *wire.Envelope:
		if err := wire.Check(a); err != nil {
			return nil, err
		}
		return a, nil
	case *actor.DeadLetterResponse:
		return nil, &deadLetterError{target: a.Target}
	}
	return nil, fault.Newf(fault.Internal, "cluster.request", "bad_answer", "the receiver answered with a %T", answer)
}

// answerBox receives the first answer to one request; later ones are dropped.
type answerBox struct{ ch chan any }

var _ actor.Process = (*answerBox)(nil)

// SendUserMessage implements actor.Process.
func (b *answerBox) SendUserMessage(_ *actor.PID, message any) {
	_, msg, _ := actor.UnwrapEnvelope(message)
	select {
	case b.ch <- msg:
	default:
	}
}

// SendSystemMessage implements actor.Process.
func (*answerBox) SendSystemMessage(*actor.PID, any) {}

// Stop implements actor.Process.
func (*answerBox) Stop(*actor.PID) {}
