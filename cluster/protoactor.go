package cluster

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	pcluster "github.com/asynkron/protoactor-go/cluster"
	"github.com/asynkron/protoactor-go/remote"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"

	"ramal/cluster/placement"
	"ramal/cluster/wire"
	"ramal/internal/fault"
)

// Limits of the transport. A batch is cut by number, not by size, so the largest message must hold batchSize bodies.
const (
	maxMessage = 64 << 20 // bytes in one gRPC message; more than batchSize * wire.MaxBody
	batchSize  = 200      // messages in one gRPC message
	queueSize  = 1024     // initial room for messages to one peer
	pingEvery  = 10 * time.Second
	pingWait   = 3 * time.Second
	never      = time.Duration(math.MaxInt64)
)

// portTries is how often a free port is looked for: another process may take it before we do.
const portTries = 5

// startTransport makes the actor system and starts protoactor's member on it, up to the point where the address is
// known and messages can be received. The node joins later, with its first beat.
func (n *Node) startTransport() error {
	var err error
	for range portTries {
		var port int
		if port, err = freePort(n.cfg.Host, n.cfg.Port); err != nil {
			return err
		}
		n.build(port)
		if err = n.startMember(); err == nil || n.cfg.Port != 0 {
			return err
		}
	}
	return err
}

// freePort reports whether port can be listened on, or which one can if it is 0. protoactor itself panics if not.
func freePort(host string, port int) (int, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return 0, err
	}
	port = l.Addr().(*net.TCPAddr).Port
	return port, l.Close()
}

// build makes the actor system and the cluster object, with all three of protoactor's exchangeable parts replaced.
// Its gossip, which would only exchange heartbeats and then block members on its own account, is put to sleep for ever.
func (n *Node) build(port int) {
	n.self = placement.Member{ID: n.cfg.NodeID, Host: n.cfg.AdvertiseHost, Port: port}
	for _, k := range n.cfg.Kinds {
		n.self.Kinds = append(n.self.Kinds, k.Name)
	}
	slices.Sort(n.self.Kinds)
	config := actor.Configure(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
		return slog.New(demoted{n.log.Handler()})
	}))
	config.DeadLetterRequestLogging = false
	n.system = actor.NewActorSystemWithConfig(config)
	n.system.ID = string(n.cfg.NodeID)
	// Numbers of actors and answers begin where no former process at this address has been: no late answer finds a taker.
	n.system.ProcessRegistry.SequenceID = uint64(time.Now().UnixNano())
	n.lookup = &lookup{n: n}
	pc := pcluster.Configure("ramal", &provider{n: n}, n.lookup, n.remoteConfig(port),
		pcluster.WithHeartbeatExpiration(never),
		pcluster.WithRequestTimeout(DefaultTimeout),
		pcluster.WithClusterContextProducer(func(*pcluster.Cluster) pcluster.Context { return &requester{n: n} }))
	pc.GossipInterval = never
	n.proto = pcluster.New(n.system, pc)
}

func (n *Node) remoteConfig(port int) *remote.Config {
	client, server := insecure.NewCredentials(), insecure.NewCredentials()
	if n.cfg.TLS != nil {
		client, server = credentials.NewTLS(n.cfg.TLS.Client), credentials.NewTLS(n.cfg.TLS.Server)
	}
	c := remote.Configure(n.cfg.Host, port,
		remote.WithAdvertisedHost(n.self.Addr()),
		remote.WithEndpointWriterBatchSize(batchSize),
		remote.WithEndpointWriterQueueSize(queueSize),
		remote.WithEndpointManagerBatchSize(batchSize),
		remote.WithEndpointManagerQueueSize(queueSize),
		remote.WithServerOptions(
			grpc.Creds(server),
			grpc.MaxRecvMsgSize(maxMessage),
			grpc.KeepaliveParams(keepalive.ServerParameters{Time: pingEvery, Timeout: pingWait}),
			grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: pingEvery / 2, PermitWithoutStream: true}),
		),
		remote.WithDialOptions(
			grpc.WithTransportCredentials(client),
			grpc.WithNoProxy(),
			grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage), grpc.MaxCallSendMsgSize(maxMessage)),
			grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: pingEvery, Timeout: pingWait, PermitWithoutStream: true}),
			grpc.WithConnectParams(grpc.ConnectParams{Backoff: backoff.DefaultConfig, MinConnectTimeout: 2 * time.Second}),
		))
	c.MaxRetryCount = 1
	return c
}

// startMember runs protoactor's start, which reports failure by panic and sleeps for a second after it is done.
func (n *Node) startMember() error {
	up := n.proto.Config.ClusterProvider.(*provider)
	up.up = make(chan error, 2)
	done := make(chan struct{})
	go func() { // ends by itself, a second after the start
		defer close(done)
		defer func() {
			if r := recover(); r != nil {
				up.up <- fmt.Errorf("transport: %v", r)
			}
		}()
		n.proto.StartMember()
	}()
	if err := <-up.up; err != nil {
		<-done
		return err
	}
	n.started = done
	return n.listenForPokes()
}

// stopTransport ends the connections of a node whose loops have ended. protoactor's own Shutdown is not used: it
// sleeps, and pulls its connection table away under those who still send.
func (n *Node) stopTransport() {
	<-n.started
	for _, pid := range n.lookup.shards {
		_ = n.system.Root.StopFuture(pid).Wait()
	}
	n.proto.Gossip.Shutdown()
	for _, p := range n.snap.Load().peers {
		if p.ID != n.cfg.NodeID {
			n.system.EventStream.Publish(&remote.EndpointTerminatedEvent{Address: p.addr})
		}
	}
	n.system.Shutdown()
	n.proto.Remote.Shutdown(false)
}

// provider is the pcluster.ClusterProvider. The beat loop does the work; protoactor is told what it saw.
type provider struct {
	n  *Node
	up chan error
}

var _ pcluster.ClusterProvider = (*provider)(nil)

// StartMember implements pcluster.ClusterProvider: it is called when the node can receive messages.
func (p *provider) StartMember(*pcluster.Cluster) error {
	p.up <- nil
	return nil
}

// StartClient implements pcluster.ClusterProvider. There are no clients: a node without kinds does the same.
func (p *provider) StartClient(*pcluster.Cluster) error {
	return fault.New(fault.Invalid, "cluster.start", "no_clients", "a node without kinds takes the part of a client")
}

// Shutdown implements pcluster.ClusterProvider. Close gives the lease back.
func (p *provider) Shutdown(bool) error { return nil }

// publishTopology tells protoactor who the members are and drops the connections to those who are gone. It publishes
// the events that MemberList.UpdateClusterTopology would, but not through it: that keeps everybody who ever left in a
// list of blocked members for ever, and writes the list while new connections read it. Called by the notifier only.
func (n *Node) publishTopology() {
	t := &pcluster.ClusterTopology{}
	now, used := map[string]*pcluster.Member{}, map[string]bool{}
	for _, m := range n.snap.Load().view.Members {
		member := &pcluster.Member{Id: string(m.ID), Host: m.Host, Port: int32(m.Port), Kinds: m.Kinds}
		now[member.Id], used[m.Addr()] = member, true
		t.Members = append(t.Members, member)
		if n.told[member.Id] == nil {
			t.Joined = append(t.Joined, member)
		}
	}
	for key, member := range n.told {
		if now[key] == nil {
			t.Left = append(t.Left, member)
		}
	}
	n.told = now
	if len(t.Joined) == 0 && len(t.Left) == 0 {
		return
	}
	for _, m := range t.Left {
		if used[m.Address()] {
			continue // by its next incarnation, to which messages may be on their way
		}
		n.system.EventStream.Publish(&remote.EndpointTerminatedEvent{Address: m.Address()})
	}
	t.TopologyHash = pcluster.TopologyHash(t.Members)
	n.system.EventStream.Publish(t)
}

// requester is the pcluster.Context: what uses protoactor's own request gets ours, which never sends twice.
type requester struct{ n *Node }

var _ pcluster.Context = (*requester)(nil)

// Request implements pcluster.Context for envelopes.
func (r *requester) Request(identity, kind string, message any, opts ...pcluster.GrainCallOption) (any, error) {
	env, to, err := r.envelope(identity, kind, message)
	if err != nil {
		return nil, err
	}
	call := pcluster.NewGrainCallOptions(r.n.proto)
	for _, o := range opts {
		o(call)
	}
	ctx, cancel := context.WithTimeout(context.Background(), call.Timeout)
	defer cancel()
	return r.n.Request(ctx, kind, to, env)
}

// RequestFuture implements pcluster.Context for envelopes: it sends once and does not try again.
func (r *requester) RequestFuture(identity, kind string, message any, opts ...pcluster.GrainCallOption) (actor.Future, error) {
	env, who, err := r.envelope(identity, kind, message)
	if err != nil {
		return nil, err
	}
	to, err := check("cluster.request", kind, who, env)
	if err != nil {
		return nil, err
	}
	owner := r.n.snap.Load().owner(to.bucket())
	if owner == nil {
		return nil, fault.New(fault.Unavailable, "cluster.request", CodeNoOwner, "nobody serves this actor now")
	}
	call := pcluster.NewGrainCallOptions(r.n.proto)
	for _, o := range opts {
		o(call)
	}
	future := actor.NewFuture(r.n.system, call.Timeout)
	r.n.send(owner, to, env, future.PID(), 0)
	return future, nil
}

func (r *requester) envelope(identity, kind string, message any) (*wire.Envelope, Identity, error) {
	t, ok := targetOf(pcluster.NewClusterIdentity(identity, kind))
	env, isEnvelope := message.(*wire.Envelope)
	if !ok || !isEnvelope {
		return nil, Identity{}, fault.Newf(fault.Invalid, "cluster.request", "bad_identity", "a %T for %.64q", message, identity)
	}
	return env, identityOf(t), nil
}
