package cluster_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"ramal/cluster"
	"ramal/cluster/clustertest"
	"ramal/cluster/wire"
	"ramal/internal/fault"
	"ramal/internal/id"
)

func TestMain(m *testing.M) { os.Exit(clustertest.Main(m)) }

const (
	lease     = 900 * time.Millisecond
	pollEvery = 100 * time.Millisecond
	farma     = id.Tenant("farma")
)

// world is a cluster in one process: a table and what the actors of all its nodes did.
type world struct {
	t     *testing.T
	table *clustertest.Memory
	made  atomic.Int64
	log   handled
	block chan struct{} // "hold" waits for it
	ring  func(alarm)   // sends an alarm to the actor that was last told to "alarm"; guarded by log
}

func newWorld(t *testing.T) *world {
	return &world{t: t, table: &clustertest.Memory{}, block: make(chan struct{})}
}

// span is one activation's work on one identity.
type span struct {
	key         string
	incarnation int64
	first, last time.Time
}

// handled records which activation handled messages of which identity, and when.
type handled struct {
	sync.Mutex
	spans map[int64]*span
	count map[string]int // by correlation
}

func (h *handled) note(key string, incarnation int64, e *wire.Envelope) {
	h.Lock()
	defer h.Unlock()
	if h.spans == nil {
		h.spans, h.count = map[int64]*span{}, map[string]int{}
	}
	now := time.Now()
	s := h.spans[incarnation]
	if s == nil {
		s = &span{key: key, incarnation: incarnation, first: now}
		h.spans[incarnation] = s
	}
	s.last = now
	h.count[e.Correlation]++
}

func (h *handled) times(correlation string) int {
	h.Lock()
	defer h.Unlock()
	return h.count[correlation]
}

// overlaps returns the pairs of activations of one identity that worked at the same time.
func (h *handled) overlaps() (pairs []string) {
	h.Lock()
	defer h.Unlock()
	for _, a := range h.spans {
		for _, b := range h.spans {
			if a.key == b.key && a.incarnation < b.incarnation && a.first.Before(b.last) && b.first.Before(a.last) {
				pairs = append(pairs, fmt.Sprintf("%s: %d and %d, %v", a.key, a.incarnation, b.incarnation, a.last.Sub(b.first)))
			}
		}
	}
	return pairs
}

// counter is the actor of the tests: it counts its messages and answers "node incarnation count".
type counter struct {
	w           *world
	key         string
	node        id.Node
	incarnation int64
	count       int
}

func (c *counter) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		c.incarnation = c.w.made.Add(1)
	case *wire.Envelope:
		c.count++
		c.w.log.note(c.key, c.incarnation, m)
		c.handle(ctx, m)
	case alarm:
		close(m)
	}
}

// alarm is what an actor sends to itself later. It closes when the actor gets it.
type alarm chan struct{}

func (c *counter) handle(ctx actor.Context, m *wire.Envelope) {
	answer := wire.New("counted", farma, fmt.Appendf(nil, "%s %d %d", c.node, c.incarnation, c.count))
	switch m.Kind {
	case "count", "tell":
	case "fail":
		answer = wire.Fault(fault.New(fault.Conflict, "test", "taken", "somebody else"))
	case "panic":
		panic("as asked")
	case "silent":
		return
	case "large":
		answer = wire.New("large", farma, make([]byte, wire.MaxBody+1))
	case "hold":
		<-c.w.block
	case "quit":
		ctx.Stop(ctx.Self())
	case "alarm":
		self, system := ctx.Self(), ctx.ActorSystem()
		c.w.log.Lock()
		c.w.ring = func(a alarm) { system.Root.Send(self, a) }
		c.w.log.Unlock()
	}
	if ctx.Sender() != nil {
		ctx.Respond(answer)
	}
}

// rings returns the ring the last actor told to "alarm" has left.
func (w *world) rings(a alarm) {
	w.log.Lock()
	defer w.log.Unlock()
	w.ring(a)
}

func known(kind string) bool { return kind != "riddle" }

func (w *world) config(n int) cluster.Config {
	node := id.Node(fmt.Sprintf("node_%02d", n))
	props := func(who cluster.Identity) *actor.Props {
		if who.Key == "broken" {
			panic("constructor")
		}
		return actor.PropsFromProducer(func() actor.Actor { return &counter{w: w, key: who.Key, node: node} })
	}
	return cluster.Config{
		NodeID: node, Membership: w.table, Lease: lease, Poll: pollEvery, DrainTimeout: 3 * time.Second,
		Kinds:  []cluster.Kind{{Name: "counter", Props: props, Accepts: known}},
		Logger: slog.New(slog.NewTextHandler(testWriter{w.t}, &slog.HandlerOptions{Level: slog.LevelInfo})),
	}
}

// testWriter shows the nodes' log lines when a test fails.
type testWriter struct{ t *testing.T }

func (w testWriter) Write(b []byte) (int, error) {
	w.t.Log(strings.TrimSuffix(string(b), "\n"))
	return len(b), nil
}

func (w *world) start(n int, change ...func(*cluster.Config)) *cluster.Node {
	w.t.Helper()
	cfg := w.config(n)
	for _, c := range change {
		c(&cfg)
	}
	ctx, cancel := context.WithTimeout(w.t.Context(), 15*time.Second)
	defer cancel()
	node, err := cluster.Start(ctx, cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		if err := node.Close(); err != nil {
			w.t.Log(err)
		}
	})
	return node
}

// reply is the parsed answer of a counter.
type reply struct {
	node        id.Node
	incarnation int64
	count       int
}

func request(n *cluster.Node, key, kind string, timeout time.Duration) (reply, error) {
	return correlated(n, key, kind, "", timeout)
}

func correlated(n *cluster.Node, key, kind, correlation string, timeout time.Duration) (reply, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	e := wire.New(kind, farma, nil)
	e.Correlation = correlation
	a, err := n.Request(ctx, "counter", who(key), e)
	if err != nil {
		return reply{}, err
	}
	f := strings.Fields(string(a.Body))
	incarnation, _ := strconv.ParseInt(f[1], 10, 64)
	count, _ := strconv.Atoi(f[2])
	return reply{id.Node(f[0]), incarnation, count}, nil
}

func who(key string) cluster.Identity { return cluster.Identity{Tenant: farma, Key: key} }

func mustRequest(t *testing.T, n *cluster.Node, key, kind string) reply {
	t.Helper()
	r, err := request(n, key, kind, 5*time.Second)
	if err != nil {
		t.Fatalf("%s %s from %s: %v", key, kind, n.ID(), err)
	}
	return r
}

func wantFault(t *testing.T, err error, kind fault.Kind, code string) {
	t.Helper()
	if !fault.Is(err, kind) || fault.CodeOf(err) != code {
		t.Fatalf("got %v (%s, %s), want %s, %s", err, fault.KindOf(err), fault.CodeOf(err), kind, code)
	}
}

// keysOf returns n keys of virtual actors in buckets that node owns by its own view.
func keysOf(t testing.TB, node *cluster.Node, n int) (keys []string) {
	t.Helper()
	for i := 0; len(keys) < n; i++ {
		key := fmt.Sprintf("k%d", i)
		if node.Owns(id.Bucket(farma, "counter", key)) {
			keys = append(keys, key)
		}
		if i > 100_000 {
			t.Fatalf("%s owns nothing", node.ID())
		}
	}
	return keys
}
