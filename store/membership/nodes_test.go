package membership_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"ramal/cluster"
	"ramal/cluster/wire"
	"ramal/internal/id"
	"ramal/internal/poll"
	"ramal/store/membership"
	"ramal/store/storetest"
)

// TestNodes runs two nodes over a real database: they share the buckets, survive an outage longer than a lease without
// losing anything, and what one of them leaves the other takes.
func TestNodes(t *testing.T) {
	breaker := storetest.NewBreaker(t, storetest.URL(t))
	pool := connect(t, breaker.URL())
	first := startNode(t, membership.New(pool), 1)
	second := startNode(t, membership.New(pool), 2)
	if a, b := len(first.OwnedBuckets()), len(second.OwnedBuckets()); a+b != id.Buckets || a < 64 || b < 64 {
		t.Fatalf("%d and %d buckets", a, b)
	}
	where := map[string]string{}
	for i := range 50 {
		key := fmt.Sprintf("k%d", i)
		where[key] = ask(t, first, key)
		if got := ask(t, second, key); got != where[key] {
			t.Fatalf("%s is at %s and at %s", key, where[key], got)
		}
	}
	breaker.Cut()
	poll.Until(t, 10*time.Second, "the leases to end", func() bool { return !first.LeaseValid() && !second.LeaseValid() })
	breaker.Restore()
	poll.Until(t, 10*time.Second, "the leases to be renewed", func() bool { return first.LeaseValid() && second.LeaseValid() })
	for key, at := range where {
		if got := ask(t, first, key); got != at {
			t.Fatalf("after the outage %s is at %s, not at %s", key, got, at)
		}
	}
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	for key := range where {
		if got := ask(t, first, key); got != string(first.ID()) {
			t.Fatalf("%s is at %s", key, got)
		}
	}
}

func startNode(t *testing.T, table *membership.Table, n int) *cluster.Node {
	t.Helper()
	node := id.Node(fmt.Sprintf("node_%d", n))
	here := actor.PropsFromFunc(func(ctx actor.Context) {
		if _, ok := ctx.Message().(*wire.Envelope); ok {
			ctx.Respond(wire.New("here", "farma", []byte(node)))
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	started, err := cluster.Start(ctx, cluster.Config{
		NodeID: node, Membership: table, Lease: time.Second, Poll: 100 * time.Millisecond,
		Kinds:  []cluster.Kind{{Name: "contact", Props: func(cluster.Identity) *actor.Props { return here }}},
		OnLost: func(err error) { t.Errorf("%s: %v", node, err) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = started.Close() })
	return started
}

func ask(t *testing.T, n *cluster.Node, key string) string {
	t.Helper()
	answer, err := n.Request(t.Context(), "contact", cluster.Identity{Tenant: "farma", Key: key}, wire.New("where", "farma", nil))
	if err != nil {
		t.Fatalf("%s: %v", key, err)
	}
	return string(answer.Body)
}
