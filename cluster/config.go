package cluster

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"ramal/cluster/membership"
	"ramal/internal/id"
)

// Identity names one virtual actor of a kind.
type Identity struct {
	Tenant id.Tenant
	Key    string // unique within tenant and kind, 1 to 128 bytes
}

// Kind is a sort of virtual actors this node can host. All nodes that host actors should host the same kinds.
type Kind struct {
	// Name identifies the kind in the whole cluster, such as "contact". It is part of the placement hash.
	Name string

	// Props describes the actor of one identity. It is called at each activation, must do nothing but build, and so must
	// the producer in it: whatever takes time or may fail belongs into the handling of *actor.Started.
	//
	// The actor receives *wire.Envelope and answers with ctx.Respond(*wire.Envelope). Messages it sends to itself may be
	// anything. Mailbox and supervision are set by this package.
	Props func(who Identity) *actor.Props

	// Soft actors go on from memory while the membership table cannot be asked: their state is made of leases that end by
	// themselves, and a rival activation is settled by the guard of their writes. Nothing new is activated meanwhile.
	Soft bool

	// Accepts tells which kinds of envelopes the actor knows; others are answered with Invalid, code unknown_kind,
	// without reaching it. nil: all.
	Accepts func(envelope string) bool
}

// TLS secures the connections between nodes in both directions. Both are needed: Server should demand and verify
// client certificates, Client should present one.
type TLS struct {
	Server *tls.Config
	Client *tls.Config
}

// Config says how a node takes part. The zero value of a field is its default, where it has one.
type Config struct {
	NodeID        id.Node          // required; new for each start of a process, never used again
	Host          string           // address to listen on; default "127.0.0.1"
	Port          int              // TCP port to listen on; 0: any free one
	AdvertiseHost string           // host others connect to; default Host, required if Host is unspecified ("0.0.0.0", "::")
	Membership    membership.Table // required
	Lease         time.Duration    // how long the others wait for a silent node; default 3 s, at least 300 ms
	Poll          time.Duration    // time between two beats; default 500 ms, at most a sixth of Lease
	DrainTimeout  time.Duration    // how long a bucket's actors may take to stop before it is handed over anyway; default 10 s
	TLS           *TLS             // nil: plain TCP, for development
	Kinds         []Kind           // none: the node owns no buckets
	Logger        *slog.Logger     // default slog.Default()

	// OnLost is called once, on its own goroutine, when the membership table says that this node is no member any more.
	// The process must exit: a supervisor starts it anew with another NodeID. nil: only logged.
	OnLost func(error)

	// Load returns the number of calls in progress, for LeastLoaded. nil: always 0. Called at each beat.
	Load func() int
}

func (c Config) withDefaults() Config {
	if c.Host == "" {
		c.Host = "127.0.0.1"
	}
	if c.AdvertiseHost == "" {
		c.AdvertiseHost = c.Host
	}
	if c.Lease == 0 {
		c.Lease = 3 * time.Second
	}
	if c.Poll == 0 {
		c.Poll = min(500*time.Millisecond, c.Lease/6)
	}
	if c.DrainTimeout == 0 {
		c.DrainTimeout = 10 * time.Second
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.OnLost == nil {
		c.OnLost = func(error) {}
	}
	if c.Load == nil {
		c.Load = func() int { return 0 }
	}
	return c
}

// Validate returns all faults of the configuration, nil if there is none.
func (c Config) Validate() error {
	c = c.withDefaults()
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf("cluster: "+format, args...)) }
	if !id.Valid(string(c.NodeID)) {
		bad("node id %q is not valid", c.NodeID)
	}
	if ip := net.ParseIP(c.AdvertiseHost); ip != nil && ip.IsUnspecified() {
		bad("advertise_host is needed to listen on %s", c.Host)
	}
	if c.Port < 0 || c.Port > 65535 {
		bad("port %d is not within 0 and 65535", c.Port)
	}
	if c.Membership == nil {
		bad("membership is missing")
	}
	if c.Lease < 300*time.Millisecond {
		bad("lease %v is shorter than 300ms", c.Lease)
	}
	if c.Poll <= 0 || c.Poll > c.Lease/6 {
		bad("poll %v is not within 0 and a sixth of the lease %v", c.Poll, c.Lease)
	}
	if c.DrainTimeout < 0 {
		bad("drain_timeout %v is negative", c.DrainTimeout)
	}
	if c.TLS != nil && (c.TLS.Server == nil || c.TLS.Client == nil) {
		bad("tls needs both a server's and a client's side")
	}
	seen := map[string]bool{}
	for _, k := range c.Kinds {
		if !id.Valid(k.Name) || k.Props == nil || seen[k.Name] {
			bad("kind %q needs a valid name of its own and props", k.Name)
		}
		seen[k.Name] = true
	}
	return errors.Join(errs...)
}
