package cluster

import (
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	pcluster "github.com/asynkron/protoactor-go/cluster"

	"ramal/cluster/wire"
	"ramal/internal/fault"
	"ramal/internal/id"
)

// shardCount is the number of placement actors of a node: bucket modulo shardCount. It is part of the wire.
const shardCount = 16

// maxHops bounds how often a message is passed on before it is refused or, if nobody waits for an answer, dropped.
const maxHops = 3

// Codes of refusals: the message was certainly not handled, and may be sent again.
const (
	codeNotOwner = "not_owner" // the node does not serve the bucket, or its lease is not valid
	codeStopping = "stopping"  // the actor is on its way out
)

// target names a virtual actor.
type target struct{ kind, tenant, key string }

func identityOf(t target) Identity { return Identity{Tenant: id.Tenant(t.tenant), Key: t.key} }

func (t target) bucket() int { return id.Bucket(id.Tenant(t.tenant), t.kind, t.key) }

// targetOf reads the form in which protoactor names a virtual actor, "tenant/key". A tenant holds no slash.
func targetOf(ci *pcluster.ClusterIdentity) (target, bool) {
	tenant, key, ok := strings.Cut(ci.GetIdentity(), "/")
	return target{kind: ci.GetKind(), tenant: tenant, key: key}, ok
}

// lookup is the pcluster.IdentityLookup by bucket ownership. It holds no lock and asks nobody but the owner.
type lookup struct {
	n      *Node
	shards [shardCount]*actor.PID // set once by Setup
}

var _ pcluster.IdentityLookup = (*lookup)(nil)

// Setup implements pcluster.IdentityLookup: it spawns the placement actors.
func (l *lookup) Setup(*pcluster.Cluster, []string, bool) {
	for i := range l.shards {
		props := actor.PropsFromProducer(func() actor.Actor {
			return &shard{n: l.n, buckets: map[int]map[target]*entry{}, byPID: map[string]*entry{}, reporting: map[int]bool{}}
		})
		pid, err := l.n.system.Root.SpawnNamed(props, shardName(i))
		if err != nil {
			panic(err) // a fresh actor system: the name cannot be taken
		}
		l.shards[i] = pid
	}
}

// Get implements pcluster.IdentityLookup: it asks the owner for the actor, activating it if needed; nil if that fails
// within a second. Requests of this package do not need it: they go through the owner's shard, which knows best.
func (l *lookup) Get(ci *pcluster.ClusterIdentity) *actor.PID {
	t, ok := targetOf(ci)
	if !ok {
		return nil
	}
	owner := l.n.snap.Load().owner(t.bucket())
	if owner == nil {
		return nil
	}
	pid := owner.shards[t.bucket()%shardCount]
	res, err := l.n.system.Root.RequestFuture(pid, &pcluster.ActivationRequest{ClusterIdentity: ci}, time.Second).Result()
	if err != nil {
		return nil
	}
	r, _ := res.(*pcluster.ActivationResponse)
	return r.GetPid()
}

// RemovePid implements pcluster.IdentityLookup; there is no cache to remove it from.
func (l *lookup) RemovePid(*pcluster.ClusterIdentity, *actor.PID) {}

// Shutdown implements pcluster.IdentityLookup. The node stops the shards itself, in its own order.
func (l *lookup) Shutdown() {}

// stop tells the shards to stop all actors of the buckets; they report with bucketEmpty.
func (l *lookup) stop(buckets []int) {
	var each [shardCount][]int
	for _, b := range buckets {
		each[b%shardCount] = append(each[b%shardCount], b)
	}
	for i, bs := range each {
		if len(bs) > 0 {
			l.n.system.Root.Send(l.shards[i], &stopBuckets{buckets: bs})
		}
	}
}

// Messages to a shard from its own node.
type (
	// deliver carries an envelope to a virtual actor. Between nodes its fields travel in the message's header.
	deliver struct {
		to     target
		env    *wire.Envelope
		sender *actor.PID // nil: nobody waits for an answer
		hops   int
	}
	stopBuckets struct{ buckets []int }
	quiesce     struct{ done chan<- struct{} } // stop everything, then close
)

// entry is one activation. Owned by its shard.
type entry struct {
	to       target
	pid      *actor.PID
	stopping bool
}

// shard hosts the virtual actors of a sixteenth of the buckets: it is their parent, activates them at their first
// message and passes messages on, as long as this node serves their bucket. Its state is owned by its mailbox.
type shard struct {
	n         *Node
	buckets   map[int]map[target]*entry
	byPID     map[string]*entry
	reporting map[int]bool // told to stop, not yet reported empty
	quiet     []chan<- struct{}
}

// Receive implements actor.Actor.
func (s *shard) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *deliver:
		s.deliver(ctx, m)
	case *wire.Envelope:
		to, hops := targetOfHeader(ctx.MessageHeader())
		s.deliver(ctx, &deliver{to: to, env: m, sender: ctx.Sender(), hops: hops})
	case *pcluster.ActivationRequest:
		res := &pcluster.ActivationResponse{Failed: true}
		if t, ok := targetOf(m.GetClusterIdentity()); ok {
			if e, err := s.activate(ctx, t); err == nil {
				res = &pcluster.ActivationResponse{Pid: e.pid}
			}
		}
		if ctx.Sender() != nil {
			ctx.Respond(res)
		}
	case *actor.Terminated:
		s.terminated(m.Who)
	case *stopBuckets:
		for _, b := range m.buckets {
			s.reporting[b] = true
			s.stopBucket(ctx, b)
			s.report(b)
		}
	case *quiesce:
		s.quiet = append(s.quiet, m.done)
		for b := range s.buckets {
			s.stopBucket(ctx, b)
		}
		s.reportQuiet()
	}
}

func (s *shard) deliver(ctx actor.Context, m *deliver) {
	e, err := s.activate(ctx, m.to)
	if err == nil && m.hops > maxHops {
		err = fault.New(fault.Unavailable, "cluster.deliver", codeStopping, "") // it stops whenever it is spoken to
	}
	if err != nil {
		s.refuse(ctx, m, err)
		return
	}
	out := &actor.MessageEnvelope{Message: m.env, Sender: m.sender}
	if m.hops > 0 {
		out.Header = hopsHeader(m.hops)
	}
	ctx.Send(e.pid, out)
}

// activate returns the running activation of a virtual actor, or spawns it. A refusal tells why not.
func (s *shard) activate(ctx actor.Context, to target) (*entry, error) {
	bucket := to.bucket()
	kind, ok := s.n.kinds[to.kind]
	switch {
	case !ok:
		return nil, fault.Newf(fault.Invalid, "cluster.activate", wire.CodeUnknownKind, "no actors of kind %.64q here", to.kind)
	case !s.n.serves(bucket, kind.Soft && s.buckets[bucket][to] != nil):
		s.n.stats.refused.Add(1)
		return nil, fault.New(fault.Unavailable, "cluster.activate", codeNotOwner, "")
	}
	if e := s.buckets[bucket][to]; e != nil {
		if e.stopping {
			return nil, fault.New(fault.Unavailable, "cluster.activate", codeStopping, "")
		}
		return e, nil
	}
	pid, err := s.spawn(ctx, kind, to)
	if err != nil {
		s.n.log.Error("cannot activate", slog.String("kind", to.kind), slog.String("key", to.key), slog.Any("error", err))
		return nil, fault.Wrap(fault.Internal, "cluster.activate", err)
	}
	e := &entry{to: to, pid: pid}
	if s.buckets[bucket] == nil {
		s.buckets[bucket] = map[target]*entry{}
	}
	s.buckets[bucket][to] = e
	s.byPID[pid.Id] = e
	delete(s.reporting, bucket) // served again: what it was told to stop is history
	s.n.stats.active.Add(1)
	return e, nil
}

// spawn builds and starts the actor. A panic of its producer must not reach this shard, which would stop them all.
func (s *shard) spawn(ctx actor.Context, kind Kind, to target) (pid *actor.PID, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the constructor panics: %v", r)
		}
	}()
	props := kind.Props(identityOf(to))
	if props == nil {
		return nil, fmt.Errorf("kind %s has no props for %s", to.kind, to.key)
	}
	box := &leftovers{n: s.n, shard: ctx.Self(), to: to}
	props = props.Clone(
		actor.WithMailbox(actor.Unbounded(box)),
		actor.WithSupervisor(actor.DefaultSupervisorStrategy()),
		actor.WithReceiverMiddleware(s.n.fence(to, box), s.n.guard(kind.Accepts)),
		actor.WithSenderMiddleware(limitBody),
	)
	name := to.kind + "/" + to.tenant + "/" + to.key + s.n.system.ProcessRegistry.NextID()
	return ctx.SpawnNamed(props, name) // named by a number that no process ever used: a stale PID hits nobody
}

// refuse answers that nothing was handled. What nobody waits for is passed on to the owner, if there is another one.
func (s *shard) refuse(ctx actor.Context, m *deliver, err error) {
	if m.sender != nil {
		answer := wire.Fault(err)
		if code := fault.CodeOf(err); code == codeNotOwner || code == codeStopping {
			answer.Kind = kindRefused
		}
		ctx.Send(m.sender, answer)
		return
	}
	if owner := s.n.snap.Load().owner(m.to.bucket()); owner != nil && owner.ID != s.n.cfg.NodeID && m.hops < maxHops {
		s.n.send(owner, m.to, m.env, nil, m.hops+1)
		return
	}
	s.n.stats.dropped.Add(1)
}

func (s *shard) stopBucket(ctx actor.Context, bucket int) {
	for _, e := range s.buckets[bucket] {
		if !e.stopping {
			e.stopping = true
			ctx.Stop(e.pid) // not Poison: what is queued belongs to the new owner, leftovers refuses it
		}
	}
}

func (s *shard) terminated(who *actor.PID) {
	e := s.byPID[who.Id]
	if e == nil {
		return
	}
	bucket := e.to.bucket()
	delete(s.byPID, who.Id)
	delete(s.buckets[bucket], e.to)
	if len(s.buckets[bucket]) == 0 {
		delete(s.buckets, bucket)
	}
	s.n.stats.active.Add(-1)
	s.report(bucket)
	s.reportQuiet()
}

func (s *shard) report(bucket int) {
	if s.reporting[bucket] && len(s.buckets[bucket]) == 0 {
		delete(s.reporting, bucket)
		s.n.bucketEmpty(bucket)
	}
}

func (s *shard) reportQuiet() {
	if len(s.byPID) > 0 {
		return
	}
	for _, done := range s.quiet {
		close(done)
	}
	s.quiet = nil
}
