package cluster_test

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	pcluster "github.com/asynkron/protoactor-go/cluster"

	"ramal/cluster"
	"ramal/cluster/wire"
	"ramal/internal/fault"
	"ramal/internal/id"
	"ramal/internal/poll"
)

func TestOneNode(t *testing.T) {
	w := newWorld(t)
	n := w.start(1)

	t.Run("it is ready", func(t *testing.T) {
		if got := len(n.OwnedBuckets()); got != id.Buckets || !n.LeaseValid() || n.Epoch(7) != 1 || !n.Owns(255) {
			t.Fatalf("%d buckets, lease %v, epoch %d", got, n.LeaseValid(), n.Epoch(7))
		}
		if n.Owns(-1) || n.Owns(256) || n.Epoch(256) != 0 {
			t.Fatal("buckets out of range")
		}
		ms := n.Members()
		if len(ms) != 1 || !ms[0].Self || ms[0].ID != n.ID() {
			t.Fatalf("members %+v", ms)
		}
	})
	t.Run("an actor keeps its state", func(t *testing.T) {
		for want := 1; want <= 3; want++ {
			if r := mustRequest(t, n, "ana", "count"); r.count != want || r.incarnation != 1 {
				t.Fatalf("got %+v, want count %d", r, want)
			}
		}
	})
	t.Run("tell arrives", func(t *testing.T) {
		e := wire.New("tell", farma, nil)
		e.Correlation = "told"
		if err := n.Tell("counter", who("told"), e); err != nil {
			t.Fatal(err)
		}
		poll.Until(t, time.Second, "the message", func() bool { return w.log.times("told") == 1 })
	})
	t.Run("a fault is an error", func(t *testing.T) {
		_, err := request(n, "ana", "fail", time.Second)
		wantFault(t, err, fault.Conflict, "taken")
	})
	t.Run("unknown things are answered", func(t *testing.T) {
		_, err := request(n, "ana", "riddle", time.Second)
		wantFault(t, err, fault.Invalid, wire.CodeUnknownKind)
		_, err = n.Request(t.Context(), "nonsense", who("ana"), wire.New("count", farma, nil))
		wantFault(t, err, fault.Invalid, wire.CodeUnknownKind)
		future := wire.New("count", farma, nil)
		future.Version = wire.Version + 1
		_, err = n.Request(t.Context(), "counter", who("ana"), future)
		wantFault(t, err, fault.Invalid, wire.CodeUnknownVersion)
	})
	t.Run("identities are checked", func(t *testing.T) {
		for _, i := range []cluster.Identity{{Tenant: "a/b", Key: "x"}, {Tenant: farma}, {Key: "x"}, {Tenant: farma, Key: string(make([]byte, 129))}} {
			_, err := n.Request(t.Context(), "counter", i, wire.New("count", farma, nil))
			wantFault(t, err, fault.Invalid, "bad_identity")
			wantFault(t, n.Tell("counter", i, wire.New("count", farma, nil)), fault.Invalid, "bad_identity")
		}
	})
	t.Run("a panic is answered and restarts the actor", func(t *testing.T) {
		before := mustRequest(t, n, "eva", "count")
		_, err := request(n, "eva", "panic", time.Second)
		wantFault(t, err, fault.Internal, cluster.CodePanic)
		after := mustRequest(t, n, "eva", "count")
		if after.count != 1 || after.incarnation == before.incarnation || n.Stats().Panics != 1 {
			t.Fatalf("before %+v, after %+v", before, after)
		}
	})
	t.Run("a panicking constructor harms nobody else", func(t *testing.T) {
		before := mustRequest(t, n, "ana", "count")
		_, err := request(n, "broken", "count", time.Second)
		wantFault(t, err, fault.Internal, "")
		if after := mustRequest(t, n, "ana", "count"); after.incarnation != before.incarnation {
			t.Fatal("the neighbours were restarted")
		}
	})
	t.Run("too large is refused in both directions", func(t *testing.T) {
		_, err := n.Request(t.Context(), "counter", who("ana"), wire.New("count", farma, make([]byte, wire.MaxBody+1)))
		wantFault(t, err, fault.Invalid, wire.CodeTooLarge)
		_, err = request(n, "ana", "large", time.Second)
		wantFault(t, err, fault.Internal, wire.CodeTooLarge)
	})
	t.Run("no answer is an unknown outcome, and is not sent again", func(t *testing.T) {
		_, err := correlated(n, "mute", "silent", "once", 300*time.Millisecond)
		wantFault(t, err, fault.Unknown, cluster.CodeNoAnswer)
		if got := w.log.times("once"); got != 1 {
			t.Fatalf("handled %d times", got)
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(50*time.Millisecond, cancel)
		began := time.Now()
		_, err = n.Request(ctx, "counter", who("mute"), wire.New("silent", farma, nil))
		if wantFault(t, err, fault.Unknown, cluster.CodeNoAnswer); time.Since(began) > time.Second || !errors.Is(err, context.Canceled) {
			t.Fatalf("%v after %v", err, time.Since(began))
		}
	})
}

// TestActorsThatStop sends bursts to actors that stop themselves in the middle: what was queued is handled by the next
// activation, not lost.
func TestActorsThatStop(t *testing.T) {
	w := newWorld(t)
	n := w.start(1)
	var wg sync.WaitGroup
	for i := range 400 {
		kind := "count"
		if i%10 == 0 {
			kind = "quit"
		}
		wg.Go(func() {
			if _, err := request(n, "restless", kind, 5*time.Second); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	poll.Until(t, time.Second, "all but the last activation to end", func() bool { return n.Stats().Active <= 1 })
	if got := w.log.overlaps(); len(got) > 0 {
		t.Fatal(got)
	}
	if w.made.Load() < 2 {
		t.Fatal("the actor never stopped: the test shows nothing")
	}
}

// TestProtoactorsOwnInterfaces uses the library's cluster: its request, its future and its lookup are ours.
func TestProtoactorsOwnInterfaces(t *testing.T) {
	w := newWorld(t)
	n := w.start(1)
	c := n.Proto()
	got, err := c.Request("farma/ana", "counter", wire.New("count", farma, nil), pcluster.WithTimeout(time.Second))
	if err != nil || !bytes.HasSuffix(got.(*wire.Envelope).Body, []byte(" 1")) {
		t.Fatal(got, err)
	}
	f, err := c.RequestFuture("farma/ana", "counter", wire.New("count", farma, nil))
	if err != nil {
		t.Fatal(err)
	}
	if res, err := f.Result(); err != nil || !bytes.HasSuffix(res.(*wire.Envelope).Body, []byte(" 2")) {
		t.Fatal(res, err)
	}
	if pid := c.Get("farma/ana", "counter"); pid == nil {
		t.Fatal("no pid")
	}
	for _, name := range [][2]string{{"farma/ana", "nonsense"}, {"ana", "counter"}} {
		if pid := c.Get(name[0], name[1]); pid != nil {
			t.Fatalf("%v: %v", name, pid)
		}
	}
	_, err = c.Request("farma/ana", "counter", "not an envelope")
	wantFault(t, err, fault.Invalid, "bad_identity")
}

func TestStartFails(t *testing.T) {
	w := newWorld(t)
	t.Run("when the table is away", func(t *testing.T) {
		w.table.Fail(errors.New("away"))
		defer w.table.Heal()
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		_, err := cluster.Start(ctx, w.config(1))
		if !fault.Is(err, fault.Unavailable) || !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
	})
	t.Run("when the port is taken", func(t *testing.T) {
		n := w.start(2)
		cfg := w.config(3)
		cfg.Port = n.Port()
		if _, err := cluster.Start(t.Context(), cfg); !fault.Is(err, fault.Unavailable) {
			t.Fatal(err)
		}
	})
	t.Run("when the configuration is wrong", func(t *testing.T) {
		if _, err := cluster.Start(t.Context(), cluster.Config{}); !fault.Is(err, fault.Invalid) {
			t.Fatal(err)
		}
	})
}

func TestStartCloseStress(t *testing.T) {
	w := newWorld(t)
	for i := range 5 {
		n := w.start(i)
		mustRequest(t, n, "ana", "count")
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() { _ = n.Close() })
		}
		wg.Wait()
		_, err := request(n, "ana", "count", time.Second)
		wantFault(t, err, fault.Unavailable, cluster.CodeClosed)
		_, err = n.RequestPID(t.Context(), cluster.Address{Node: n.ID(), Name: "x"}, wire.New("count", farma, nil))
		wantFault(t, err, fault.Unavailable, cluster.CodeClosed)
		if n.LeaseValid() || len(w.table.View().Members) != 0 {
			t.Fatal("still a member")
		}
	}
}

func TestConfig(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		name   string
		change func(*cluster.Config)
		ok     bool
	}{
		{"complete", func(*cluster.Config) {}, true},
		{"defaults", func(c *cluster.Config) { c.Lease, c.Poll, c.DrainTimeout, c.Logger, c.Kinds = 0, 0, 0, nil, nil }, true},
		{"no id", func(c *cluster.Config) { c.NodeID = "" }, false},
		{"bad id", func(c *cluster.Config) { c.NodeID = "a/b" }, false},
		{"nobody can connect to anywhere", func(c *cluster.Config) { c.Host = "0.0.0.0" }, false},
		{"listens anywhere", func(c *cluster.Config) { c.Host, c.AdvertiseHost = "0.0.0.0", "10.0.0.1" }, true},
		{"bad port", func(c *cluster.Config) { c.Port = 70000 }, false},
		{"no table", func(c *cluster.Config) { c.Membership = nil }, false},
		{"short lease", func(c *cluster.Config) { c.Lease = 100 * time.Millisecond }, false},
		{"slow poll", func(c *cluster.Config) { c.Poll = c.Lease / 5 }, false},
		{"negative drain", func(c *cluster.Config) { c.DrainTimeout = -1 }, false},
		{"half a TLS", func(c *cluster.Config) { c.TLS = &cluster.TLS{} }, false},
		{"kind twice", func(c *cluster.Config) { c.Kinds = append(c.Kinds, c.Kinds[0]) }, false},
		{"kind without props", func(c *cluster.Config) { c.Kinds = []cluster.Kind{{Name: "x"}} }, false},
	} {
		cfg := w.config(1)
		c.change(&cfg)
		if err := cfg.Validate(); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
