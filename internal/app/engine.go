// Package app joins ports to adapters: it is the wiring of the programs in cmd/ramal, and decides nothing. It owns
// what it starts, and ends it in the reverse order.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync/atomic"
	"time"

	"ramal/actors/agent"
	"ramal/actors/call"
	"ramal/actors/contact"
	"ramal/actors/host"
	"ramal/actors/line"
	"ramal/channels/whatsapp"
	"ramal/cluster"
	"ramal/gateway"
	"ramal/gateway/auth"
	"ramal/internal/config"
	"ramal/internal/id"
	"ramal/internal/secret"
	"ramal/internal/telemetry"
	"ramal/media"
	"ramal/store"
	"ramal/store/membership"
	"ramal/web"
)

// Version is what /metrics and logs call this build.
const Version = "0.1.0"

// Engine is one running node.
type Engine struct {
	cfg      config.Config
	log      *slog.Logger
	store    *store.Store
	media    *media.Engine
	host     *host.Host
	members  *membership.Table
	node     *cluster.Node
	auth     *auth.Verifier
	gateway  *gateway.Gateway
	lost     chan error
	draining atomic.Bool
}

// Start brings a node up: store, media, actors, cluster, gateway. It returns when the node serves. A nil logger logs to
// standard error as the configuration says.
func Start(ctx context.Context, cfg config.Config, log *slog.Logger) (*Engine, error) {
	if log == nil {
		log = cfg.Logger(os.Stderr)
	}
	nodeID := id.Node(id.New("node", time.Now()))
	e := &Engine{cfg: cfg, log: log.With(slog.String("node", string(nodeID))), lost: make(chan error, 1)}
	for _, step := range []func(context.Context, id.Node) error{e.probeAddress, e.openStore, e.openMedia, e.startActors, e.startGateway} {
		if err := step(ctx, nodeID); err != nil {
			e.Close()
			return nil, err
		}
	}
	return e, nil
}

// probeAddress fails early where another program has the address: a node that cannot serve must not take buckets.
func (e *Engine) probeAddress(ctx context.Context, _ id.Node) error {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", e.cfg.HTTP.Listen)
	if err != nil {
		return fmt.Errorf("http.listen: %w", err)
	}
	return ln.Close()
}

func (e *Engine) openStore(ctx context.Context, _ id.Node) error {
	st, err := OpenStore(ctx, e.cfg, e.log)
	e.store = st
	return err
}

// OpenStore opens the database that cfg names and checks that its schema is the one this version needs.
func OpenStore(ctx context.Context, cfg config.Config, log *slog.Logger) (*store.Store, error) {
	keys, err := secret.ParseKeys(cfg.Keys)
	if err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	st, err := store.Open(ctx, store.Config{
		URL: cfg.Database.URL, CallMaxConns: cfg.Database.Conns, MaxConns: cfg.Database.Bulk, Timeout: cfg.Database.Timeout, Keys: keys, Logger: log,
	})
	if err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	have, want, err := store.SchemaVersion(ctx, cfg.Database.URL)
	if err == nil && have < want {
		err = fmt.Errorf("the schema is at version %d, this program needs %d: run `ramal migrate`", have, want)
	}
	if err != nil {
		st.Close()
		return nil, fmt.Errorf("database: %w", err)
	}
	return st, nil
}

func (e *Engine) openMedia(context.Context, id.Node) error {
	ports, err := portRange(e.cfg.Media.Contacts)
	if err != nil {
		return err
	}
	m, err := media.New(media.Config{
		UDPAddr: e.cfg.Media.UDP, ContactPorts: ports, PublicIPs: e.cfg.Media.PublicIPs, IncludeLoopback: e.cfg.Media.Loopback,
		MaxParticipants: e.cfg.Call.MaxParties, AgentSlots: e.cfg.Call.MaxParties - 1, Logger: e.log,
	})
	if err != nil {
		return fmt.Errorf("media: %w", err)
	}
	e.media = m
	return nil
}

// portRange reads "first-last"; empty is none.
func portRange(s string) (ports [2]uint16, err error) {
	if s == "" {
		return ports, nil
	}
	if n, err := fmt.Sscanf(s, "%d-%d", &ports[0], &ports[1]); n != 2 || err != nil || fmt.Sprintf("%d-%d", ports[0], ports[1]) != s {
		return ports, fmt.Errorf("media.contact_ports: %q is not like 40100-42099", s)
	}
	return ports, nil
}

func (e *Engine) startActors(ctx context.Context, nodeID id.Node) error {
	metrics := telemetry.New(Version)
	client := whatsapp.NewHTTPClient()
	e.host = host.New(hostConfig(e.cfg), host.Deps{
		Store: e.store, Media: e.media, Observer: observer{metrics}, Logger: e.log,
		Providers: func(l store.LineRow) (host.Provider, error) {
			return whatsapp.New(whatsapp.Config{
				BaseURL: l.GraphURL, Version: l.APIVersion, Token: l.Credentials.Token, PhoneNumberID: l.PhoneNumberID, WABA: l.WABAID,
				HTTPClient: client, Logger: e.log, Observe: observer{metrics}.provider,
			})
		},
	})
	secured, err := clusterTLS(e.cfg)
	if err != nil {
		return err
	}
	members, err := membership.Open(ctx, e.cfg.Database.URL)
	if err != nil {
		return fmt.Errorf("cluster: %w", err)
	}
	e.members = members
	node, err := cluster.Start(ctx, cluster.Config{
		NodeID: nodeID, Host: e.cfg.Cluster.Host, Port: e.cfg.Cluster.Port, AdvertiseHost: e.cfg.Cluster.Advertise, Lease: e.cfg.Cluster.Lease,
		Membership: members, TLS: secured, Kinds: e.host.Kinds(), Logger: e.log, Load: e.host.Load,
		OnLost: func(err error) { e.lost <- err },
	})
	if err != nil {
		return fmt.Errorf("cluster: %w", err)
	}
	e.node = node
	if err := e.host.Start(node); err != nil {
		return err
	}
	metrics.Media(func() telemetry.MediaStats { return mediaStats(e.media.Stats()) })
	metrics.Store(e.store.Health().Healthy)
	metrics.Cluster(func() telemetry.ClusterStats { return clusterStats(node, e.host.Load) })
	return e.prepareGateway(metrics)
}

func hostConfig(c config.Config) host.Config {
	calls := call.DefaultPolicy()
	calls.RingTimeout, calls.StageTimeout, calls.QueueTimeout = c.Call.RingTimeout, c.Call.StageTimeout, c.Call.QueueTimeout
	calls.InviteTimeout, calls.AgentGrace, calls.MaxParticipants = c.Call.InviteWait, c.Call.AgentGrace, c.Call.MaxParties
	contacts := contact.DefaultPolicy()
	contacts.MaxConnectedPerDay, contacts.RequestsPerDay, contacts.RequestsPerWeek = c.Limits.CallsPerDay, c.Limits.RequestsPerDay, c.Limits.RequestsPerWeek
	agents := agent.DefaultPolicy()
	agents.OfflineGrace, agents.WrapUp, agents.MaxMisses = c.Agent.OfflineGrace, c.Agent.WrapUp, c.Agent.MaxMisses
	lines := line.DefaultPolicy()
	lines.MaxConcurrent = c.Limits.LineCalls
	return host.Config{Call: calls, Contact: contacts, Agent: agents, Line: lines, RelatedWithin: c.RelatedWithin, PermissionAge: c.Limits.PermissionAge}
}

// Verifier judges agents' tokens as cfg says.
func Verifier(cfg config.Config) (*auth.Verifier, error) {
	return auth.New(auth.Issuer{
		Name: cfg.Auth.Issuer, Audience: cfg.Auth.Audience, Secret: []byte(cfg.Auth.Secret), JWKSURL: cfg.Auth.JWKSURL, Algorithm: cfg.Auth.Algorithm,
	})
}

func (e *Engine) prepareGateway(metrics *telemetry.Metrics) error {
	v, err := Verifier(e.cfg)
	if err != nil {
		return err
	}
	e.auth = v
	g, err := gateway.New(gateway.Config{
		Addr: e.cfg.HTTP.Listen, MetricsAddr: e.cfg.HTTP.Metrics, AllowedOrigins: e.cfg.HTTP.Origins,
	}, gateway.Deps{
		Desk: e.host, Intake: e.host, Reader: e.host, Auth: v, Metrics: metrics, Console: gateway.Console(web.FS()), Ready: e.readiness, Logger: e.log,
	})
	if err != nil {
		return fmt.Errorf("gateway: %w", err)
	}
	e.gateway = g
	return nil
}

func (e *Engine) startGateway(ctx context.Context, _ id.Node) error {
	if err := e.gateway.Start(ctx); err != nil {
		return fmt.Errorf("gateway: %w", err)
	}
	return nil
}

// readiness: an outage that all nodes share must not empty the load balancer, so a store that is away is degraded, not unready.
func (e *Engine) readiness() gateway.Readiness {
	if e.draining.Load() {
		return gateway.Readiness{Reasons: []string{"draining"}}
	}
	if e.store.Health().Healthy() {
		return gateway.Readiness{Ready: true}
	}
	return gateway.Readiness{Ready: true, Degraded: true, Reasons: []string{"store_away"}}
}

// URL is where the gateway listens.
func (e *Engine) URL() string { return "http://" + e.gateway.Addr().String() }

// Store is the node's store, for programs that hold the engine in their own process.
func (e *Engine) Store() *store.Store { return e.store }

// Lost tells when the cluster has given this node up: the process must end, and be started anew.
func (e *Engine) Lost() <-chan error { return e.lost }

// Drain takes the node out gently: no new work, running calls finish, until ctx ends.
func (e *Engine) Drain(ctx context.Context) error {
	e.draining.Store(true)
	select { // the load balancer sees that this node is not ready, and sends nothing new
	case <-ctx.Done():
	case <-time.After(e.cfg.DrainPause):
	}
	gone := e.node.Drain(ctx)
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for e.host.Load() > 0 {
		select {
		case <-ctx.Done():
			return errors.Join(gone, e.gateway.Drain(context.WithoutCancel(ctx)), ctx.Err())
		case <-tick.C:
		}
	}
	return errors.Join(gone, e.gateway.Drain(ctx))
}

// Close ends everything at once, in the reverse order of Start.
func (e *Engine) Close() {
	if e.gateway != nil {
		_ = e.gateway.Close()
	}
	if e.auth != nil {
		e.auth.Close()
	}
	if e.host != nil {
		e.host.Stop()
	}
	if e.node != nil {
		_ = e.node.Close()
	}
	if e.members != nil {
		e.members.Close()
	}
	if e.media != nil {
		_ = e.media.Close()
	}
	if e.store != nil {
		e.store.Close()
	}
}
