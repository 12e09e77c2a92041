package host

import (
	"context"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"ramal/actors/agent"
	"ramal/actors/call"
	"ramal/actors/contact"
	"ramal/actors/line"
	"ramal/cluster/wire"
	"ramal/store"
)

// Config says how the actors behave. The zero value of each field is its default.
type Config struct {
	Call          call.Policy    // times of a call; see call.DefaultPolicy
	Contact       contact.Policy // limits towards a contact; see contact.DefaultPolicy
	Agent         agent.Policy   // leases of an agent; see agent.DefaultPolicy
	Line          line.Policy    // concurrency of a line; see line.DefaultPolicy
	RelatedWithin time.Duration  // an agent counts as related for so long after dealing with a contact; default 90 days
	IdleAfter     time.Duration  // a virtual actor without work leaves memory; default 10 min
	InboxAttempts int            // then a webhook that cannot be processed is parked; default 10
	PermissionAge time.Duration  // Meta's own limits are asked for again after this; default 5 min
	Linger        time.Duration  // an ended call still answers late webhooks for so long; default 30 s
}

func (c Config) withDefaults() Config {
	if c.Call == (call.Policy{}) {
		c.Call = call.DefaultPolicy()
	}
	if c.Contact == (contact.Policy{}) {
		c.Contact = contact.DefaultPolicy()
	}
	if c.Agent == (agent.Policy{}) {
		c.Agent = agent.DefaultPolicy()
	}
	if c.Line == (line.Policy{}) {
		c.Line = line.DefaultPolicy()
	}
	orDefault(&c.RelatedWithin, 90*24*time.Hour)
	orDefault(&c.IdleAfter, 10*time.Minute)
	orDefault(&c.PermissionAge, 5*time.Minute)
	orDefault(&c.Linger, 30*time.Second)
	return c
}

func orDefault(d *time.Duration, def time.Duration) {
	if *d == 0 {
		*d = def
	}
}

// Deps are what the host works with. All are required.
type Deps struct {
	Store     *store.Store
	Media     Media
	Providers Providers
	Observer  Observer
	Logger    *slog.Logger
}

// Host runs the actors of one node. Make it with New, give its Kinds to the cluster, then Start.
type Host struct {
	cfg       Config
	store     shelf
	media     Media
	providers Providers
	observer  Observer
	log       *slog.Logger
	cluster   Cluster
	lanes     *lanes
	sessions  *sessions
	lines     *lineBook
	book      *nameBook
	calls     *directory
	inHand    *inHand
	redriving *redriver
	ready     chan struct{} // closed by Start: virtual actors are activated as soon as the cluster has buckets
	stop      context.CancelFunc
	loops     sync.WaitGroup
	now       func() time.Time
}

// New makes a host. Nothing runs before Start.
func New(cfg Config, d Deps) *Host {
	h := &Host{
		cfg: cfg.withDefaults(), store: shelf{d.Store}, media: d.Media, providers: d.Providers, observer: d.Observer, log: d.Logger,
		ready: make(chan struct{}), lanes: newLanes(), inHand: newInHand(), lines: newLineBook(), book: newNameBook(), calls: newDirectory(), now: time.Now,
	}
	h.sessions = newSessions(h)
	h.redriving = &redriver{h: h}
	return h
}

// Start joins the host to a running cluster node and starts its loops: session leases, the inbox, lost calls, ended permissions.
func (h *Host) Start(c Cluster) error {
	h.attach(c)
	ctx, cancel := context.WithCancel(context.Background())
	h.stop = cancel
	sessions := actor.PropsFromFunc(func(ctx actor.Context) {
		if msg, ok := ctx.Message().(*wire.Envelope); ok {
			h.onSessionsMessage(msg)
		}
	})
	for name, props := range map[string]*actor.Props{sessionsName: sessions, callsName: actor.PropsFromFunc(h.onBegin)} {
		if _, err := c.Spawn(name, props, nil); err != nil {
			cancel()
			return fmt.Errorf("host: %s: %w", name, err)
		}
	}
	for _, loop := range []func(context.Context){h.sessions.renewLoop, h.redriving.loop, h.reapLoop, h.sweepLoop} {
		h.loops.Go(func() { loop(ctx) }) // ends with ctx, which Stop cancels
	}
	return nil
}

// attach gives the actors their cluster; those that were activated before it wait until now.
func (h *Host) attach(c Cluster) {
	h.cluster = c
	close(h.ready)
}

// Stop ends the loops, the calls that still run here and the lanes. Call it after the gateway has stopped and before the cluster does.
func (h *Host) Stop() {
	if h.stop == nil {
		return
	}
	h.stop()
	h.loops.Wait()
	root := h.cluster.System().Root
	for _, pid := range h.calls.all() { // their media ends with this process: the customer is not left with a silent phone
		root.Send(pid, outcome{call.Lost{}})
		_ = root.PoisonFuture(pid).Wait()
	}
	h.lanes.close()
}

// Load counts the calls that run here, for placement.
func (h *Host) Load() int { return h.calls.running() }

// shelf is the store, with the one question the host asks more often than it may cost.
type shelf struct{ *store.Store }

// Healthy is the last known state of the database.
func (s shelf) Healthy() bool { return s.Health().Healthy() }

func itoa(n int) string { return strconv.Itoa(n) }

// hashOf makes a stable id of several parts.
func hashOf(parts ...string) string {
	h := fnv.New128a()
	for _, p := range parts {
		_, _ = h.Write([]byte(p))
		_, _ = h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil))
}
