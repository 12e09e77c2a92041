package host

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"ramal/cluster"
	"ramal/cluster/wire"
	"ramal/internal/fault"
	"ramal/internal/id"
)

// oneNode is a cluster of one over a real actor system, without network, table or leases: virtual actors are activated
// when a message comes, panics are answered and restarted, what was queued at an actor that stops is sent again. Tests
// change what it says of the cluster. Its map is guarded by mu.
type oneNode struct {
	node  id.Node
	sys   *actor.ActorSystem
	kinds map[string]cluster.Kind
	mu    struct {
		sync.Mutex
		live    map[string]*activation
		births  map[string]int // activations so far
		members []cluster.Member
		owned   []int
		told    []told // messages to other nodes
		subs    []func(cluster.View)
		hold    chan struct{} // while open, requests to virtual actors wait
	}
}

type activation struct {
	pid  *actor.PID
	gone chan struct{} // closed when the actor has stopped
}

// told is one message to an actor of another node.
type told struct {
	to  cluster.Address
	msg *wire.Envelope
}

var _ Cluster = (*oneNode)(nil)

func newOneNode(node id.Node, kinds ...cluster.Kind) *oneNode {
	c := &oneNode{node: node, kinds: map[string]cluster.Kind{}}
	c.sys = actor.NewActorSystem(
		actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return discard() }),
		actor.WithDeadLetterThrottleInterval(time.Millisecond), // the library's goroutine per dead letter lives so long
	)
	for _, k := range kinds {
		c.kinds[k.Name] = k
	}
	c.mu.live, c.mu.births = map[string]*activation{}, map[string]int{}
	c.mu.members = []cluster.Member{{ID: node, Addr: "test", Self: true}}
	for b := range id.Buckets {
		c.mu.owned = append(c.mu.owned, b)
	}
	return c
}

// close stops every actor and waits for it.
func (c *oneNode) close() {
	c.mu.Lock()
	var all []*activation
	for _, a := range c.mu.live {
		all = append(all, a)
	}
	c.mu.Unlock()
	for _, a := range all {
		c.sys.Root.Stop(a.pid)
		<-a.gone
	}
	if !c.sys.IsStopped() {
		c.sys.Shutdown()
	}
}

func (c *oneNode) ID() id.Node                { return c.node }
func (c *oneNode) System() *actor.ActorSystem { return c.sys }

func (c *oneNode) Members() []cluster.Member {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.mu.members)
}

func (c *oneNode) OwnedBuckets() []int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.mu.owned)
}

func (c *oneNode) LeastLoaded() (cluster.Member, bool) {
	for _, m := range c.Members() {
		if !m.Leaving {
			return m, true
		}
	}
	return cluster.Member{}, false
}

func (c *oneNode) Subscribe(fn func(cluster.View)) (cancel func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mu.subs = append(c.mu.subs, fn)
	return func() {}
}

// change edits what the node says of the cluster, and tells the subscribers.
func (c *oneNode) change(edit func(c *oneNode)) {
	c.mu.Lock()
	edit(c)
	subs := slices.Clone(c.mu.subs)
	c.mu.Unlock()
	for _, fn := range subs {
		fn(cluster.View{Members: c.Members()})
	}
}

func keyOf(kind string, who cluster.Identity) string {
	return kind + "/" + string(who.Tenant) + "/" + who.Key
}

// births counts the activations of one virtual actor.
func (c *oneNode) births(kind string, who cluster.Identity) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.mu.births[keyOf(kind, who)]
}

// lives reports whether an actor is in memory: a pinned one by its name, a virtual one by keyOf.
func (c *oneNode) lives(name string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.mu.live[name] != nil
}

// spawnLocked starts an actor that answers for its panics and says when it has stopped; key finds it until then.
func (c *oneNode) spawnLocked(key, name string, props *actor.Props) (*activation, error) {
	a := &activation{gone: make(chan struct{})}
	guard := func(next actor.ReceiverFunc) actor.ReceiverFunc {
		return func(ctx actor.ReceiverContext, m *actor.MessageEnvelope) {
			defer func() {
				if r := recover(); r != nil {
					if _, isRequest := m.Message.(*wire.Envelope); isRequest && m.Sender != nil {
						c.sys.Root.Send(m.Sender, wire.Fault(fault.New(fault.Internal, "test", cluster.CodePanic, fmt.Sprint(r))))
					}
					panic(r)
				}
			}()
			next(ctx, m)
			if _, stopped := m.Message.(*actor.Stopped); stopped {
				c.mu.Lock()
				delete(c.mu.live, key)
				c.mu.Unlock()
				close(a.gone)
			}
		}
	}
	pid, err := c.sys.Root.SpawnNamed(props.Clone(actor.WithReceiverMiddleware(guard)), name)
	if err != nil {
		return nil, err
	}
	a.pid = pid
	c.mu.live[key] = a
	return a, nil
}

// Spawn implements Cluster.
func (c *oneNode) Spawn(name string, props *actor.Props, _ func(string) bool) (cluster.Address, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, err := c.spawnLocked(name, name, props); err != nil {
		return cluster.Address{}, fault.Wrap(fault.Conflict, "cluster.spawn", err)
	}
	return cluster.Address{Node: c.node, Name: name}, nil
}

// Request implements Cluster.
func (c *oneNode) Request(ctx context.Context, kind string, who cluster.Identity, msg *wire.Envelope) (*wire.Envelope, error) {
	k, known := c.kinds[kind]
	if !known {
		return nil, fault.Newf(fault.Unavailable, "cluster.request", cluster.CodeNoOwner, "no kind %q", kind)
	}
	for {
		if err := c.wait(ctx); err != nil {
			return nil, err
		}
		c.mu.Lock()
		name := keyOf(kind, who)
		a := c.mu.live[name]
		if a == nil {
			c.mu.births[name]++
			var err error
			if a, err = c.spawnLocked(name, fmt.Sprintf("%s#%d", name, c.mu.births[name]), k.Props(who)); err != nil {
				c.mu.Unlock()
				return nil, err
			}
		}
		c.mu.Unlock()
		answer, handled, err := c.ask(ctx, a, msg)
		if handled || err != nil {
			return answer, answerErr(err, answer)
		}
	}
}

// wait keeps a request back while the test says so.
func (c *oneNode) wait(ctx context.Context) error {
	c.mu.Lock()
	hold := c.mu.hold
	c.mu.Unlock()
	if hold == nil {
		return nil
	}
	select {
	case <-hold:
		return nil
	case <-ctx.Done():
		return fault.Wrap(fault.Unavailable, "cluster.request", ctx.Err())
	}
}

func answerErr(err error, answer *wire.Envelope) error {
	if err != nil {
		return err
	}
	return wire.Err(answer)
}

// ask waits for the answer; handled is false when the actor stopped before it came to the message.
func (c *oneNode) ask(ctx context.Context, a *activation, msg *wire.Envelope) (answer *wire.Envelope, handled bool, err error) {
	if _, bounded := ctx.Deadline(); !bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
	}
	box := &letterBox{ch: make(chan any, 1)}
	sender, _ := c.sys.ProcessRegistry.Add(box, "answer"+c.sys.ProcessRegistry.NextID())
	defer c.sys.ProcessRegistry.Remove(sender)
	c.sys.Root.RequestWithCustomSender(a.pid, msg, sender)
	var got any
	select {
	case got = <-box.ch:
	case <-a.gone:
		select {
		case got = <-box.ch: // answered, and then stopped
		default:
			return nil, false, nil
		}
	case <-ctx.Done():
		return nil, true, &fault.Error{Kind: fault.Unknown, Op: "cluster.request", Code: cluster.CodeNoAnswer, Cause: ctx.Err()}
	}
	if e, ok := got.(*wire.Envelope); ok {
		return e, true, nil
	}
	<-a.gone // a dead letter: it has just stopped
	return nil, false, nil
}

// RequestPID implements Cluster.
func (c *oneNode) RequestPID(ctx context.Context, to cluster.Address, msg *wire.Envelope) (*wire.Envelope, error) {
	if to.Node != c.node {
		return nil, fault.Newf(fault.NotFound, "cluster.request_pid", cluster.CodeNodeGone, "no member %q", to.Node)
	}
	c.mu.Lock()
	a := c.mu.live[to.Name]
	c.mu.Unlock()
	gone := fault.Newf(fault.NotFound, "cluster.request_pid", cluster.CodeActorGone, "no actor %q", to.Name)
	if a == nil {
		return nil, gone
	}
	answer, handled, err := c.ask(ctx, a, msg)
	if !handled && err == nil {
		return nil, gone
	}
	return answer, answerErr(err, answer)
}

// TellPID implements Cluster.
func (c *oneNode) TellPID(to cluster.Address, msg *wire.Envelope) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if to.Node != c.node {
		c.mu.told = append(c.mu.told, told{to, msg})
		return nil
	}
	if a := c.mu.live[to.Name]; a != nil {
		c.sys.Root.Send(a.pid, msg)
	}
	return nil
}

// letterBox takes the first answer.
type letterBox struct{ ch chan any }

var _ actor.Process = (*letterBox)(nil)

func (b *letterBox) SendUserMessage(_ *actor.PID, message any) {
	_, msg, _ := actor.UnwrapEnvelope(message)
	select {
	case b.ch <- msg:
	default:
	}
}
func (*letterBox) SendSystemMessage(*actor.PID, any) {}
func (*letterBox) Stop(*actor.PID)                   {}
