package cluster

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	pcluster "github.com/asynkron/protoactor-go/cluster"

	"ramal/cluster/placement"
	"ramal/internal/fault"
	"ramal/internal/id"
)

// leaveTimeout bounds how long Close tries to tell the membership table that the node is gone.
const leaveTimeout = 2 * time.Second

// Node is this process's part in the cluster. Its methods are safe for concurrent use.
type Node struct {
	cfg    Config
	log    *slog.Logger
	kinds  map[string]Kind
	self   placement.Member // without load and leaving
	system *actor.ActorSystem
	proto  *pcluster.Cluster
	lookup *lookup
	origin time.Time // of the monotonic clock

	snap    atomic.Pointer[snapshot] // written by the beat loop only
	trusted atomic.Int64             // until when the lease is trusted, in nanoseconds since origin; beat loop only
	lost    atomic.Bool              // the table said so; beat loop only
	leaving atomic.Bool              // Drain was called
	closing atomic.Bool              // Close was called

	told map[string]*pcluster.Member // members protoactor knows; notifier only

	nudged chan struct{} // capacity 1: beat soon
	wake   chan struct{} // capacity 1: something changed for the subscribers
	ready  chan struct{} // closed by the beat loop when the node owns its share for the first time
	stop   chan struct{} // closed by Close

	cancelRun context.CancelFunc
	ran       chan struct{} // closed when the beat loop has ended
	notified  chan struct{} // closed when the notifier has ended
	started   chan struct{} // closed when protoactor's start, which dawdles for a second, has ended

	readyOnce sync.Once
	closeOnce sync.Once
	stats     counters

	emptied struct {
		sync.Mutex
		buckets []int
	}
	pokers struct {
		sync.Mutex
		waiting []*actor.PID // want to know when this node has looked
	}
	picks struct {
		sync.Mutex
		of    *snapshot
		count map[id.Node]int
	}
	subs struct {
		sync.Mutex
		next int
		fns  map[int]*subscriber
	}
}

// Start joins the cluster and returns when this node is a member and owns its share of the buckets, which takes as
// long as the others need to hand them over. Virtual actors may be activated before it returns. Whatever goes wrong
// until ctx ends, such as a membership table that cannot be reached, is Unavailable; then nothing is left running.
func Start(ctx context.Context, cfg Config) (*Node, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fault.Wrap(fault.Invalid, "cluster.start", err)
	}
	n := newNode(cfg.withDefaults())
	if err := n.startTransport(); err != nil {
		return nil, fault.Wrap(fault.Unavailable, "cluster.start", err)
	}
	run, cancel := context.WithCancel(context.Background())
	n.cancelRun = cancel
	go n.run(run)   // ended by Close, or by itself when the node is lost
	go n.notify()   // ended by Close
	failed := n.ran // before ready: lost at once
	select {
	case <-n.ready:
		n.log.Info("joined the cluster", slog.Int64("epoch", n.snap.Load().view.Epoch), slog.Int("buckets", len(n.OwnedBuckets())))
		return n, nil
	case <-failed:
		_ = n.Close()
		return nil, fault.New(fault.Unavailable, "cluster.start", placement.CodeLeaseLost, "removed from the cluster while joining it")
	case <-ctx.Done():
		_ = n.Close()
		return nil, fault.Wrap(fault.Unavailable, "cluster.start", ctx.Err())
	}
}

func newNode(cfg Config) *Node {
	n := &Node{
		cfg:      cfg,
		log:      cfg.Logger.With(slog.String("node", string(cfg.NodeID))),
		kinds:    map[string]Kind{},
		origin:   time.Now(),
		nudged:   make(chan struct{}, 1),
		wake:     make(chan struct{}, 1),
		ready:    make(chan struct{}),
		stop:     make(chan struct{}),
		ran:      make(chan struct{}),
		notified: make(chan struct{}),
		started:  make(chan struct{}),
	}
	for _, k := range cfg.Kinds {
		n.kinds[k.Name] = k
	}
	n.snap.Store(&snapshot{})
	n.subs.fns = map[int]*subscriber{}
	return n
}

// LeaseValid reports whether this node may act as a member: its lease was renewed recently enough that nobody can have
// declared it dead. False for good once it is lost or closed; false for the time being while the table is away.
func (n *Node) LeaseValid() bool {
	return !n.lost.Load() && !n.stopped() && int64(time.Since(n.origin)) < n.trusted.Load()
}

func (n *Node) stopped() bool {
	select {
	case <-n.stop:
		return true
	default:
		return false
	}
}

// Drain tells the others that this node is leaving, hands its buckets over and returns when it owns none any more, or
// when nobody else could have them; it then goes on serving those. Calls and other pinned actors stay where they are.
// It cannot be taken back. Unavailable means that ctx ended first, or that the node was lost or closed.
func (n *Node) Drain(ctx context.Context) error {
	n.leaving.Store(true)
	n.nudge()
	changed := make(chan struct{}, 1)
	defer n.Subscribe(func(View) {
		select {
		case changed <- struct{}{}:
		default:
		}
	})()
	for {
		s := n.snap.Load()
		if self := s.peers[n.cfg.NodeID]; self != nil && self.Leaving && placement.Share(n.cfg.NodeID, &s.view) {
			return nil
		}
		select {
		case <-changed:
		case <-n.ran:
			return fault.New(fault.Unavailable, "cluster.drain", CodeClosed, "the node is no member any more")
		case <-ctx.Done():
			return fault.Wrap(fault.Unavailable, "cluster.drain", ctx.Err())
		}
	}
}

// Close stops all virtual actors, gives the lease back, tells the others and ends every goroutine of the node. Pinned
// actors are cut off, they should have ended before. Idempotent; the error is that of giving the lease back, without
// which the others wait until it ends by itself.
func (n *Node) Close() error {
	var err error
	n.closeOnce.Do(func() {
		n.closing.Store(true) // from here on every message to a virtual actor is refused
		n.quiesce()
		n.cancelRun()
		<-n.ran
		if !n.lost.Load() {
			ctx, cancel := context.WithTimeout(context.Background(), leaveTimeout)
			err = n.cfg.Membership.Leave(ctx, n.cfg.NodeID)
			cancel()
			n.sayGoodbye()
		}
		n.teardown()
	})
	return err
}

// quiesce stops all virtual actors and waits until they are gone, at most DrainTimeout.
func (n *Node) quiesce() {
	limit := time.NewTimer(n.cfg.DrainTimeout)
	defer limit.Stop()
	var waits []chan struct{}
	for _, pid := range n.lookup.shards {
		done := make(chan struct{})
		n.system.Root.Send(pid, &quiesce{done: done})
		waits = append(waits, done)
	}
	for _, done := range waits {
		select {
		case <-done:
		case <-limit.C:
			n.log.Error("actors do not stop: leaving without them", slog.Int64("actors", n.stats.active.Load()))
			return
		}
	}
}

// teardown ends what Start began, but for the beat loop and the membership.
func (n *Node) teardown() {
	n.cancelRun()
	<-n.ran
	close(n.stop)
	<-n.notified
	n.stopTransport()
}
