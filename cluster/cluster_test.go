package cluster_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	pcluster "github.com/asynkron/protoactor-go/cluster"

	"ramal/cluster"
	"ramal/cluster/wire"
	"ramal/internal/fault"
	"ramal/internal/id"
	"ramal/internal/poll"
)

func TestTwoNodes(t *testing.T) {
	w := newWorld(t)
	a, b := w.start(1), w.start(2)
	poll.Until(t, 2*time.Second, "both to see both", func() bool { return len(a.Members()) == 2 && len(b.Members()) == 2 })

	t.Run("each bucket has one owner", func(t *testing.T) {
		all := slices.Concat(a.OwnedBuckets(), b.OwnedBuckets())
		slices.Sort(all)
		if len(slices.Compact(all)) != id.Buckets || len(a.OwnedBuckets()) < 64 || len(b.OwnedBuckets()) < 64 {
			t.Fatalf("%d and %d buckets", len(a.OwnedBuckets()), len(b.OwnedBuckets()))
		}
	})
	t.Run("requests find the owner from everywhere", func(t *testing.T) {
		for _, owner := range []*cluster.Node{a, b} {
			for _, key := range keysOf(t, owner, 20) {
				first, second := mustRequest(t, a, key, "count"), mustRequest(t, b, key, "count")
				if first.node != owner.ID() || second.node != owner.ID() || second.count != 2 || second.incarnation != first.incarnation {
					t.Fatalf("%s of %s: %+v, %+v", key, owner.ID(), first, second)
				}
			}
		}
	})
	remote := keysOf(t, b, 1)[0]
	t.Run("what goes wrong there is told here", func(t *testing.T) {
		_, err := request(a, remote, "fail", time.Second)
		wantFault(t, err, fault.Conflict, "taken")
		_, err = request(a, remote, "riddle", time.Second)
		wantFault(t, err, fault.Invalid, wire.CodeUnknownKind)
		_, err = request(a, remote, "panic", time.Second)
		wantFault(t, err, fault.Internal, cluster.CodePanic)
		_, err = request(a, remote, "large", time.Second)
		wantFault(t, err, fault.Internal, wire.CodeTooLarge)
		_, err = correlated(a, remote, "silent", "once there", 300*time.Millisecond)
		wantFault(t, err, fault.Unknown, cluster.CodeNoAnswer)
		if got := w.log.times("once there"); got != 1 {
			t.Fatalf("handled %d times", got)
		}
	})
	t.Run("who is not the owner activates nothing", func(t *testing.T) {
		foreign := keysOf(t, b, 50)[49] // not activated yet, nor to be here
		shard := actor.NewPID(a.Members()[0].Addr, fmt.Sprintf("place/%d", id.Bucket(farma, "counter", foreign)%16))
		ask := &pcluster.ActivationRequest{ClusterIdentity: pcluster.NewClusterIdentity(string(farma)+"/"+foreign, "counter")}
		before := a.Stats()
		for _, from := range []*cluster.Node{a, b} {
			res, err := from.System().Root.RequestFuture(shard, ask, time.Second).Result()
			if r, ok := res.(*pcluster.ActivationResponse); err != nil || !ok || !r.Failed || r.Pid != nil {
				t.Fatalf("%v, %v", res, err)
			}
		}
		if after := a.Stats(); after.Refused != before.Refused+2 || after.Active != before.Active {
			t.Fatalf("before %+v, after %+v", before, after)
		}
	})
	t.Run("tell crosses", func(t *testing.T) {
		e := wire.New("tell", farma, nil)
		e.Correlation = "told there"
		if err := a.Tell("counter", who(remote), e); err != nil {
			t.Fatal(err)
		}
		poll.Until(t, time.Second, "the message", func() bool { return w.log.times("told there") == 1 })
	})
	t.Run("a burst of large messages arrives", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var wg sync.WaitGroup
		for range 300 {
			wg.Go(func() {
				if _, err := a.Request(ctx, "counter", who(remote), wire.New("count", farma, make([]byte, wire.MaxBody))); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	})
	t.Run("kinds a node does not host are unknown there", func(t *testing.T) {
		_, err := a.Request(t.Context(), "nonsense", who("x"), wire.New("count", farma, nil))
		wantFault(t, err, fault.Invalid, wire.CodeUnknownKind)
	})
}

func TestPinnedActors(t *testing.T) {
	w := newWorld(t)
	a, b := w.start(1), w.start(2)
	props := actor.PropsFromProducer(func() actor.Actor { return &counter{w: w, key: "call", node: b.ID()} })
	addr, err := b.Spawn("call/1", props, known)
	if err != nil || addr != (cluster.Address{Node: b.ID(), Name: "call/1"}) {
		t.Fatal(addr, err)
	}
	if _, err := b.Spawn("call/1", props, nil); !fault.Is(err, fault.Conflict) {
		t.Fatal(err)
	}
	for _, from := range []*cluster.Node{a, b} {
		if _, err := from.RequestPID(t.Context(), addr, wire.New("count", farma, nil)); err != nil {
			t.Fatal(err)
		}
		_, err := from.RequestPID(t.Context(), addr, wire.New("riddle", farma, nil))
		wantFault(t, err, fault.Invalid, wire.CodeUnknownKind)
		_, err = from.RequestPID(t.Context(), addr, wire.New("fail", farma, nil))
		wantFault(t, err, fault.Conflict, "taken")
		_, err = from.RequestPID(t.Context(), addr, wire.New("panic", farma, nil))
		wantFault(t, err, fault.Internal, cluster.CodePanic)
		_, err = from.RequestPID(t.Context(), cluster.Address{Node: b.ID(), Name: "call/2"}, wire.New("count", farma, nil))
		wantFault(t, err, fault.NotFound, cluster.CodeActorGone)
		_, err = from.RequestPID(t.Context(), cluster.Address{Node: "node_99", Name: "call/1"}, wire.New("count", farma, nil))
		wantFault(t, err, fault.NotFound, cluster.CodeNodeGone)
		wantFault(t, from.TellPID(cluster.Address{Node: "node_99", Name: "x"}, wire.New("count", farma, nil)), fault.NotFound, cluster.CodeNodeGone)
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		_, err = from.RequestPID(ctx, addr, wire.New("silent", farma, nil))
		cancel()
		wantFault(t, err, fault.Unknown, cluster.CodeNoAnswer)
		e := wire.New("tell", farma, nil)
		e.Correlation = "pinned from " + string(from.ID())
		if err := from.TellPID(addr, e); err != nil {
			t.Fatal(err)
		}
		poll.Until(t, time.Second, "the message", func() bool { return w.log.times(e.Correlation) == 1 })
	}
	t.Run("a vanished node ends the wait", func(t *testing.T) {
		began := time.Now()
		got := make(chan error, 1)
		go func() { // ends with the answer
			_, err := a.RequestPID(t.Context(), addr, wire.New("silent", farma, nil))
			got <- err
		}()
		poll.Until(t, time.Second, "the request to be there", func() bool { return w.log.times("") >= 5 })
		b.Kill()
		wantFault(t, <-got, fault.Unknown, cluster.CodeNodeGone)
		if took := time.Since(began); took > lease+time.Second {
			t.Fatalf("after %v", took)
		}
		_, err := a.RequestPID(t.Context(), addr, wire.New("count", farma, nil))
		wantFault(t, err, fault.NotFound, cluster.CodeNodeGone)
	})
}

// load is a closed loop of callers on several nodes, each request with a name of its own.
type load struct {
	sync.Mutex
	stop    chan struct{}
	wg      sync.WaitGroup
	errs    map[string]error // by correlation
	done    int
	slowest time.Duration
}

func (w *world) load(keys int, nodes ...*cluster.Node) *load {
	l := &load{stop: make(chan struct{}), errs: map[string]error{}}
	for i, n := range nodes {
		for j := range 4 {
			l.wg.Go(func() { // ends with finish
				for seq := 0; ; seq++ {
					select {
					case <-l.stop:
						return
					case <-time.After(2 * time.Millisecond):
					}
					name := fmt.Sprintf("load %d %d %d", i, j, seq)
					began := time.Now()
					_, err := correlated(n, fmt.Sprintf("k%d", (seq*7+j)%keys), "count", name, 5*time.Second)
					l.Lock()
					l.done++
					l.slowest = max(l.slowest, time.Since(began))
					if err != nil {
						l.errs[name] = err
					}
					l.Unlock()
				}
			})
		}
	}
	return l
}

func (l *load) count() int {
	l.Lock()
	defer l.Unlock()
	return l.done
}

// more waits until the load has gone on for a while.
func (l *load) more(t *testing.T, requests int) {
	t.Helper()
	want := l.count() + requests
	poll.Until(t, 20*time.Second, "the load to go on", func() bool { return l.count() >= want })
}

// finish ends the load and checks what must hold however it went: nothing handled twice, nothing unsent handled.
func (l *load) finish(t *testing.T, w *world) {
	t.Helper()
	close(l.stop)
	l.wg.Wait()
	if got := w.log.overlaps(); len(got) > 0 {
		t.Errorf("two activations at once: %v", got)
	}
	w.log.Lock()
	defer w.log.Unlock()
	for name, times := range w.log.count {
		if times > 1 && name != "" {
			t.Errorf("%s: handled %d times", name, times)
		}
	}
	for name, err := range l.errs {
		if fault.Is(err, fault.Unavailable) && w.log.count[name] > 0 {
			t.Errorf("%s: said not to be sent, but was handled: %v", name, err)
		}
	}
	t.Logf("%d requests, %d failed, slowest %v", l.done, len(l.errs), l.slowest)
}

func TestJoinUnderLoad(t *testing.T) {
	w := newWorld(t)
	a := w.start(1)
	l := w.load(60, a)
	l.more(t, 300)
	b := w.start(2)
	l.more(t, 300)
	c := w.start(3)
	l.more(t, 300)
	l.finish(t, w)
	for name, err := range l.errs {
		t.Errorf("%s: %v", name, err)
	}
	if l.slowest > 2*time.Second {
		t.Errorf("a hand-over took %v", l.slowest)
	}
	for _, n := range []*cluster.Node{a, b, c} {
		if got := len(n.OwnedBuckets()); got < 40 {
			t.Errorf("%s owns %d buckets", n.ID(), got)
		}
	}
}

func TestLeaveUnderLoad(t *testing.T) {
	w := newWorld(t)
	a, b, c := w.start(1), w.start(2), w.start(3)
	l := w.load(60, a, b)
	l.more(t, 400)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := c.Drain(ctx); err != nil {
		t.Fatal(err)
	}
	if got := c.OwnedBuckets(); len(got) > 0 {
		t.Fatalf("drained, but owns %v", got)
	}
	if m, ok := c.LeastLoaded(); !ok || m.Self {
		t.Fatalf("new calls would go to %+v", m)
	}
	l.more(t, 200)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	l.more(t, 200)
	if err := b.Close(); err != nil { // without a drain, and while it asks
		t.Fatal(err)
	}
	l.more(t, 200)
	l.finish(t, w)
	for name, err := range l.errs {
		if name[:6] == "load 0" { // asked by the node that stays
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := len(a.OwnedBuckets()); got != id.Buckets {
		t.Fatalf("the last node owns %d buckets", got)
	}
	if err := a.Drain(ctx); err != nil {
		t.Fatal(err)
	}
	mustRequest(t, a, "k1", "count") // nobody else could
}

// TestKill ends a node as a crash does. What it owned is served by another within a lease and a second.
func TestKill(t *testing.T) {
	w := newWorld(t)
	a, b, c := w.start(1), w.start(2), w.start(3)
	key := keysOf(t, b, 1)[0]
	l := w.load(60, a, c)
	l.more(t, 400)
	b.Kill()
	took := poll.Until(t, 10*time.Second, "another node to serve", func() bool {
		r, err := request(a, key, "count", 300*time.Millisecond)
		return err == nil && r.node != b.ID()
	})
	if took > lease+time.Second {
		t.Errorf("served again after %v", took)
	}
	l.more(t, 300)
	l.finish(t, w)
	for name, err := range l.errs {
		if !fault.Is(err, fault.Unknown) && !fault.Is(err, fault.Unavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if a.View().Has(b.ID()) {
		t.Error("the dead node is still a member")
	}
}
