package cluster_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"ramal/cluster"
	"ramal/cluster/placement"
	"ramal/cluster/wire"
	"ramal/internal/fault"
	"ramal/internal/id"
	"ramal/internal/poll"
)

// TestTableAway takes the membership table away for longer than a lease. Nobody dies; virtual actors pause, pinned
// ones work on, and afterwards everything is as it was.
func TestTableAway(t *testing.T) {
	for name, cut := range map[string]func(w *world){
		"it fails": func(w *world) { w.table.Fail(errors.New("connection refused")) },
		"it hangs": func(w *world) { w.table.Hang() },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			lost := func(c *cluster.Config) { c.OnLost = func(err error) { t.Error("lost:", err) } }
			a, b := w.start(1, lost), w.start(2, lost)
			key := keysOf(t, a, 1)[0]
			before := mustRequest(t, b, key, "count")
			mustRequest(t, b, key, "alarm")
			props := actor.PropsFromProducer(func() actor.Actor { return &counter{w: w, key: "call", node: a.ID()} })
			call, err := a.Spawn("call/1", props, nil)
			if err != nil {
				t.Fatal(err)
			}

			cut(w)
			took := poll.Until(t, 3*lease, "the leases to end", func() bool { return !a.LeaseValid() && !b.LeaseValid() })
			if took < lease/2 {
				t.Errorf("the lease ended after %v", took)
			}
			if a.Owns(a.View().Owned[0]) || len(a.OwnedBuckets()) > 0 || len(a.Members()) != 2 {
				t.Error("an owner without a lease, or a forgotten view")
			}
			_, err = correlated(b, key, "count", "during", 300*time.Millisecond)
			wantFault(t, err, fault.Unavailable, cluster.CodeNoOwner)
			if w.log.times("during") > 0 {
				t.Error("handled without a lease")
			}
			if _, err := b.RequestPID(t.Context(), call, wire.New("count", farma, nil)); err != nil {
				t.Errorf("the call stopped working: %v", err)
			}
			rung := make(alarm)
			w.rings(rung)
			select {
			case <-rung:
				t.Error("an alarm was handled without a lease")
			case <-time.After(pollEvery):
			}

			w.table.Heal()
			poll.Until(t, 2*lease, "the leases to be renewed", func() bool { return a.LeaseValid() && b.LeaseValid() })
			after := mustRequest(t, b, key, "count")
			if after.incarnation != before.incarnation {
				t.Error("the actor was lost")
			}
			select {
			case <-rung:
			case <-time.After(3 * lease):
				t.Error("the alarm was lost")
			}
		})
	}
}

func TestSoftActorsGoOn(t *testing.T) {
	w := newWorld(t)
	a := w.start(1, func(c *cluster.Config) {
		soft := c.Kinds[0]
		soft.Name, soft.Soft = "soft", true
		c.Kinds = append(c.Kinds, soft)
	})
	who := cluster.Identity{Tenant: farma, Key: "running"}
	if _, err := a.Request(t.Context(), "soft", who, wire.New("count", farma, nil)); err != nil {
		t.Fatal(err)
	}
	w.table.Fail(errors.New("connection refused"))
	poll.Until(t, 3*lease, "the lease to end", func() bool { return !a.LeaseValid() })
	if _, err := a.Request(t.Context(), "soft", who, wire.New("count", farma, nil)); err != nil {
		t.Errorf("a running soft actor stopped working: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err := a.Request(ctx, "soft", cluster.Identity{Tenant: farma, Key: "new"}, wire.New("count", farma, nil))
	wantFault(t, err, fault.Unavailable, cluster.CodeNoOwner)
}

func TestEvicted(t *testing.T) {
	w := newWorld(t)
	lost := make(chan error, 2)
	a := w.start(1)
	b := w.start(2, func(c *cluster.Config) { c.OnLost = func(err error) { lost <- err } })
	key := keysOf(t, b, 1)[0]
	mustRequest(t, b, key, "count")
	w.table.Evict(b.ID())
	select {
	case err := <-lost:
		wantFault(t, err, fault.NotFound, placement.CodeLeaseLost)
	case <-time.After(lease):
		t.Fatal("not told")
	}
	if b.LeaseValid() || len(b.OwnedBuckets()) > 0 {
		t.Fatal("a lost node believes in its lease")
	}
	poll.Until(t, lease+time.Second, "the other to serve", func() bool {
		r, err := request(a, key, "count", 200*time.Millisecond)
		return err == nil && r.node == a.ID()
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	wantFault(t, b.Drain(ctx), fault.Unavailable, cluster.CodeClosed)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if a.View().Has(b.ID()) || len(lost) > 0 {
		t.Fatal("told twice, or still a member")
	}
}

func TestRestartAtTheSameAddress(t *testing.T) {
	w := newWorld(t)
	a, b := w.start(1), w.start(2)
	key := keysOf(t, b, 1)[0]
	mustRequest(t, a, key, "count")
	port := b.Port()
	b.Kill()
	c := w.start(3, func(c *cluster.Config) { c.Port = port })
	if c.View().Has(b.ID()) {
		t.Fatal("the former process is still a member")
	}
	for _, key := range keysOf(t, c, 10) {
		if r := mustRequest(t, a, key, "count"); r.node != c.ID() {
			t.Fatalf("%s served by %s", key, r.node)
		}
	}
}

// TestSlowActor hands a bucket over although an actor in it does not stop: others must not wait for ever.
func TestSlowActor(t *testing.T) {
	w := newWorld(t)
	a := w.start(1, func(c *cluster.Config) { c.DrainTimeout = 500 * time.Millisecond })
	stuck := make(chan error, 256)
	var keys []string
	for i := range 40 {
		keys = append(keys, keysOf(t, a, i+1)[i])
	}
	for _, key := range keys {
		go func() { // ends when block is closed, or with its deadline
			_, err := request(a, key, "hold", 3*time.Second)
			stuck <- err
		}()
	}
	poll.Until(t, time.Second, "all to be held", func() bool { return w.log.times("") == len(keys) })
	b := w.start(2)
	if a.Stats().LateDrains == 0 {
		t.Error("no drain was late: the test shows nothing")
	}
	moved := ""
	for _, key := range keys {
		if b.Owns(id.Bucket(farma, "counter", key)) {
			moved = key
		}
	}
	if r := mustRequest(t, a, moved, "count"); r.node != b.ID() {
		t.Errorf("served by %s", r.node)
	}
	close(w.block)
	for range keys {
		if err := <-stuck; err != nil { // the held message itself was handled before
			t.Error(err)
		}
	}
	if r := mustRequest(t, a, moved, "count"); r.node != b.ID() || r.count != 2 {
		t.Errorf("%+v", r)
	}
}

func TestSubscribe(t *testing.T) {
	w := newWorld(t)
	a := w.start(1)
	views := make(chan cluster.View, 100)
	cancel := a.Subscribe(func(v cluster.View) { views <- v })
	next := func(what string, ok func(cluster.View) bool) {
		t.Helper()
		for {
			select {
			case v := <-views:
				if ok(v) {
					return
				}
			case <-time.After(3 * lease):
				t.Fatalf("no view with %s", what)
			}
		}
	}
	next("itself", func(v cluster.View) bool { return len(v.Members) == 1 && len(v.Owned) == id.Buckets && v.LeaseValid })
	b := w.start(2)
	next("the other, and fewer buckets", func(v cluster.View) bool { return v.Has(b.ID()) && len(v.Owned) < id.Buckets })
	b.Kill()
	next("the other gone", func(v cluster.View) bool { return !v.Has(b.ID()) })
	w.table.Fail(errors.New("away"))
	next("an ended lease", func(v cluster.View) bool { return !v.LeaseValid })
	w.table.Heal()
	next("a lease again", func(v cluster.View) bool { return v.LeaseValid && len(v.Owned) == id.Buckets })
	cancel()
	w.start(3)
	for len(views) > 0 {
		if v := <-views; v.Has("node_03") && len(v.Owned) < 128 {
			t.Fatal("told after the end of the subscription")
		}
	}
}

func TestLeastLoaded(t *testing.T) {
	w := newWorld(t)
	var loadA, loadB atomic.Int64
	loadA.Store(5)
	loadB.Store(3)
	a := w.start(1, func(c *cluster.Config) { c.Load = func() int { return int(loadA.Load()) } })
	b := w.start(2, func(c *cluster.Config) { c.Load = func() int { return int(loadB.Load()) } })
	w.start(3, func(c *cluster.Config) { c.Kinds = nil }) // a front end takes no calls
	poll.Until(t, 2*lease, "the loads to be known", func() bool {
		ms := a.Members()
		return len(ms) == 3 && ms[0].Load == 5 && ms[1].Load == 3
	})
	// a burst between two reports spreads: b, b, then a as well
	got := map[id.Node]int{}
	for range 6 {
		m, ok := a.LeastLoaded()
		if !ok {
			t.Fatal("nobody")
		}
		got[m.ID]++
	}
	if got[b.ID()] < 3 || got[a.ID()] < 1 || got[a.ID()]+got[b.ID()] != 6 {
		t.Fatalf("%v", got)
	}
}

// TestFrontEnd runs a node without kinds: it owns nothing and reaches everything.
func TestFrontEnd(t *testing.T) {
	w := newWorld(t)
	a := w.start(1)
	front := w.start(2, func(c *cluster.Config) { c.Kinds = nil })
	if len(front.OwnedBuckets()) > 0 {
		t.Fatal("a front end owns buckets")
	}
	if r := mustRequest(t, front, "ana", "count"); r.node != a.ID() {
		t.Fatalf("%+v", r)
	}
}

func TestMutualTLS(t *testing.T) {
	w := newWorld(t)
	secure := certificates(t)
	a := w.start(1, func(c *cluster.Config) { c.TLS = secure })
	b := w.start(2, func(c *cluster.Config) { c.TLS = secure })
	for _, key := range keysOf(t, b, 5) {
		if r := mustRequest(t, a, key, "count"); r.node != b.ID() {
			t.Fatalf("%+v", r)
		}
	}
	conn, err := tls.Dial("tcp", net.JoinHostPort("127.0.0.1", itoa(a.Port())), &tls.Config{RootCAs: secure.Client.RootCAs})
	if err == nil {
		_ = conn.SetReadDeadline(time.Now().Add(2 * time.Second))
		_, err = conn.Read(make([]byte, 1)) // TLS 1.3 tells of a missing certificate only now
		_ = conn.Close()
	}
	var alert *net.OpError
	if err == nil || !errors.As(err, &alert) {
		t.Fatalf("a client without a certificate got in: %v", err)
	}
}

func itoa(port int) string { return big.NewInt(int64(port)).String() }

// certificates returns one self-signed certificate for both sides of both nodes.
func certificates(t *testing.T) *cluster.TLS {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	pair := []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}
	return &cluster.TLS{
		Server: &tls.Config{Certificates: pair, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert},
		Client: &tls.Config{Certificates: pair, RootCAs: pool},
	}
}

// TestChurn lets nodes come and go in every way while callers go on, and looks for double work.
func TestChurn(t *testing.T) {
	w := newWorld(t)
	a := w.start(0)
	l := w.load(40, a)
	var last *cluster.Node
	for i := 1; i <= 4; i++ {
		n := w.start(i)
		l.more(t, 150)
		if last != nil {
			if i%2 == 0 {
				last.Kill()
			} else {
				var wg sync.WaitGroup
				wg.Go(func() { _ = last.Close() })
				wg.Wait()
			}
		}
		last = n
		l.more(t, 150)
	}
	l.finish(t, w)
	for name, err := range l.errs {
		if !fault.Is(err, fault.Unknown) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
