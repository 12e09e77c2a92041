package cluster

import (
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"ramal/cluster/wire"
	"ramal/internal/fault"
)

// kindRefused is the kind of an answer that says: not handled, try again. It never reaches a caller of this package.
const kindRefused = "cluster.refused"

// CodePanic is the code of the Internal fault that answers a request whose handler panicked.
const CodePanic = "panic"

// serves reports whether this node may handle messages for a bucket now: for a soft actor that runs, as long as nobody
// has taken the bucket; for others only while the lease holds.
func (n *Node) serves(bucket int, soft bool) bool {
	return n.snap.Load().serving[bucket] && (soft && !n.lost.Load() || n.LeaseValid()) && !n.closing.Load()
}

// fence lets a message through to a virtual actor only while this node may serve it. Envelopes are refused, and the
// sender tries elsewhere. A message the actor sent to itself, such as an alarm, is dropped when the bucket has moved,
// but comes back after one lease when it is only the lease that could not be renewed.
func (n *Node) fence(to target, box *leftovers) actor.ReceiverMiddleware {
	bucket, soft := to.bucket(), n.kinds[to.kind].Soft
	return func(next actor.ReceiverFunc) actor.ReceiverFunc {
		return func(ctx actor.ReceiverContext, m *actor.MessageEnvelope) {
			switch m.Message.(type) {
			case *actor.Stopped:
				next(ctx, m)
				box.stopped = true
			case actor.SystemMessage, actor.AutoReceiveMessage: // its life, not its work
				next(ctx, m)
			default:
				if n.serves(bucket, soft) {
					next(ctx, m)
					return
				}
				n.stats.fenced.Add(1)
				_, envelope := m.Message.(*wire.Envelope)
				switch {
				case envelope:
					n.system.Root.Send(box.shard, box.again(m)) // the shard refuses it or passes it on
				case n.snap.Load().serving[bucket]:
					self, system, msg := ctx.Self(), ctx.ActorSystem(), m.Message
					time.AfterFunc(n.cfg.Lease, func() { system.Root.Send(self, msg) }) // a dead letter if self is gone by then
				}
			}
		}
	}
}

// guard answers what an actor must not see, and answers for a handler that panics: its caller would otherwise wait
// for nothing. The panic goes on to the supervisor, which restarts the actor.
func (n *Node) guard(accepts func(kind string) bool) actor.ReceiverMiddleware {
	return func(next actor.ReceiverFunc) actor.ReceiverFunc {
		return func(ctx actor.ReceiverContext, m *actor.MessageEnvelope) {
			e, ok := m.Message.(*wire.Envelope)
			if !ok {
				next(ctx, m)
				return
			}
			answer := func(a *wire.Envelope) {
				if m.Sender != nil {
					ctx.ActorSystem().Root.Send(m.Sender, a)
				}
			}
			if err := wire.Check(e); err != nil {
				answer(wire.Fault(err))
				return
			}
			if accepts != nil && !accepts(e.Kind) {
				answer(wire.UnknownKind(e))
				return
			}
			defer func() {
				if r := recover(); r != nil {
					n.stats.panics.Add(1)
					n.log.Error("an actor panics", slog.String("actor", ctx.Self().GetId()), slog.String("message", e.Kind),
						slog.Any("panic", r), slog.String("stack", string(debug.Stack())))
					answer(wire.Fault(fault.New(fault.Internal, e.Kind, CodePanic, "the receiver panicked")))
					panic(r)
				}
			}()
			next(ctx, m)
		}
	}
}

// limitBody replaces an answer that is too large for the wire by a fault, wherever it goes: one oversize message would
// break the connection and lose its neighbours with it.
func limitBody(next actor.SenderFunc) actor.SenderFunc {
	return func(ctx actor.SenderContext, to *actor.PID, m *actor.MessageEnvelope) {
		if e, ok := m.Message.(*wire.Envelope); ok && len(e.Body) > wire.MaxBody {
			m.Message = wire.Fault(fault.Newf(fault.Internal, e.Kind, wire.CodeTooLarge, "an answer of %d bytes exceeds %d", len(e.Body), wire.MaxBody))
		}
		next(ctx, to, m)
	}
}

// leftovers sends what is still queued when an actor stops back to its shard: protoactor discards it silently, and
// callers would wait for an answer until their deadline. It is used by the actor's mailbox only.
type leftovers struct {
	n       *Node
	shard   *actor.PID
	to      target
	stopped bool
}

var _ actor.MailboxMiddleware = (*leftovers)(nil)

// MailboxStarted implements actor.MailboxMiddleware.
func (*leftovers) MailboxStarted() {}

// MessagePosted implements actor.MailboxMiddleware.
func (*leftovers) MessagePosted(any) {}

// MailboxEmpty implements actor.MailboxMiddleware.
func (*leftovers) MailboxEmpty() {}

// MessageReceived implements actor.MailboxMiddleware: it is called after the actor had its chance to handle msg, which
// a stopped one does not take.
func (l *leftovers) MessageReceived(msg any) {
	if !l.stopped {
		return
	}
	switch m := msg.(type) {
	case *actor.MessageEnvelope:
		if _, ok := m.Message.(*wire.Envelope); ok {
			l.n.system.Root.Send(l.shard, l.again(m))
		}
	case *wire.Envelope:
		l.n.system.Root.Send(l.shard, l.again(&actor.MessageEnvelope{Message: m}))
	}
}

// again returns the message for another try. After maxHops it goes nowhere but to a refusal.
func (l *leftovers) again(m *actor.MessageEnvelope) *deliver {
	env, _ := m.Message.(*wire.Envelope)
	d := &deliver{to: l.to, env: env, sender: m.Sender, hops: hopsOf(m.Header) + 1}
	return d
}
