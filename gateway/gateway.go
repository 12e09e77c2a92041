package gateway

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"ramal/actors"
	"ramal/gateway/agentws"
	"ramal/gateway/auth"
	"ramal/internal/fault"
	"ramal/internal/telemetry"
)

// Config says where and how the gateway listens. The zero value of each field is its default.
type Config struct {
	Addr           string         // of Start, default ":8080"
	MetricsAddr    string         // /metrics on a listener of its own, and not on Addr; default "": on Addr
	AllowedOrigins []string       // web pages that may use the WebSocket and the REST calls beside our own, "https://desk.example.com"
	Sessions       agentws.Config // AllowedOrigins is taken from above
	DrainSpread    time.Duration  // over which sessions are closed at Drain; default 3 s
	MaxWebhooks    int            // bodies read at the same time, 3 MB each at most; default 64
}

func (c Config) withDefaults() Config {
	if c.Addr == "" {
		c.Addr = ":8080"
	}
	if c.DrainSpread == 0 {
		c.DrainSpread = 3 * time.Second
	}
	if c.MaxWebhooks == 0 {
		c.MaxWebhooks = 64
	}
	c.Sessions.AllowedOrigins = c.AllowedOrigins
	return c
}

// Validate returns all faults of c, joined.
func (c Config) Validate() error {
	var faults []error
	bad := func(format string, args ...any) {
		faults = append(faults, fault.Newf(fault.Invalid, "gateway.config", "config", format, args...))
	}
	for _, o := range c.AllowedOrigins {
		if !auth.OriginAllowed(o, "", []string{o}) {
			bad("the allowed origin %q is not like https://desk.example.com", o)
		}
	}
	if c.DrainSpread < 0 || c.MaxWebhooks < 0 {
		bad("the drain spread and the number of webhooks must not be negative")
	}
	if c.MetricsAddr != "" && c.MetricsAddr == c.Addr {
		bad("the metrics address is the main address")
	}
	return errors.Join(faults...)
}

// Deps are the ports that the gateway stands on. All but Console and Logger are required.
type Deps struct {
	Desk    actors.Desk
	Intake  actors.Intake
	Reader  actors.Reader
	Auth    agentws.Verifier
	Metrics *telemetry.Metrics
	Console http.Handler     // default: the text that the console is not built
	Ready   func() Readiness // called at each /readyz
	Logger  *slog.Logger     // default slog.Default()
}

// Gateway is the HTTP door of one node.
type Gateway struct {
	cfg      Config
	deps     Deps
	logger   *slog.Logger
	sessions *agentws.Server
	handler  http.Handler
	hooks    chan struct{} // one token for each webhook body in memory
	draining atomic.Bool

	mu struct {
		sync.Mutex
		servers []*http.Server
		addr    net.Addr
		serving sync.WaitGroup
	}
}

// New checks cfg and deps and returns a gateway that does not listen yet.
func New(cfg Config, deps Deps) (*Gateway, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if deps.Desk == nil || deps.Intake == nil || deps.Reader == nil || deps.Auth == nil || deps.Metrics == nil || deps.Ready == nil {
		return nil, fault.New(fault.Invalid, "gateway.new", "deps", "a port is missing")
	}
	cfg = cfg.withDefaults()
	if deps.Logger == nil {
		deps.Logger = slog.Default()
	}
	if deps.Console == nil {
		deps.Console = Console(emptyFS{})
	}
	g := &Gateway{cfg: cfg, deps: deps, logger: deps.Logger, hooks: make(chan struct{}, cfg.MaxWebhooks)}
	g.sessions = agentws.New(cfg.Sessions, deps.Desk, deps.Auth, deps.Metrics, deps.Logger, refuse)
	g.handler = g.wrap(g.mux())
	return g, nil
}

// Handler serves everything, for a listener of the caller's.
func (g *Gateway) Handler() http.Handler { return g.handler }

// Start listens on Addr, and on MetricsAddr if there is one. It returns when both listen; Close ends them.
func (g *Gateway) Start(ctx context.Context) error {
	addr, err := g.listen(ctx, g.cfg.Addr, g.handler)
	if err != nil {
		return err
	}
	g.mu.Lock()
	g.mu.addr = addr
	g.mu.Unlock()
	if g.cfg.MetricsAddr == "" {
		return nil
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", g.deps.Metrics.Handler())
	mux.HandleFunc("GET /livez", g.livez)
	mux.HandleFunc("GET /readyz", g.readyz)
	if _, err := g.listen(ctx, g.cfg.MetricsAddr, mux); err != nil {
		return errors.Join(err, g.Close())
	}
	return nil
}

func (g *Gateway) listen(ctx context.Context, addr string, h http.Handler) (net.Addr, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "gateway.listen", err)
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: 60 * time.Second,
		IdleTimeout: 120 * time.Second, MaxHeaderBytes: 32 << 10, ErrorLog: slog.NewLogLogger(g.logger.Handler(), slog.LevelDebug)}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.mu.servers = append(g.mu.servers, server)
	g.mu.serving.Go(func() { // ends at Close
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			g.logger.Error("the HTTP server stopped", "op", "gateway.serve", "error", err)
		}
	})
	return l.Addr(), nil
}

// Addr returns the address that Start listens on, nil before it.
func (g *Gateway) Addr() net.Addr {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.mu.addr
}

// Sessions returns how many agent sessions are open here.
func (g *Gateway) Sessions() int { return g.sessions.Sessions() }

// Drain makes /readyz answer 503, closes all agent sessions with 1001 over DrainSpread and refuses new ones. Webhooks
// and REST calls go on until Close, for the load balancer needs time to look away. It returns when all sessions have
// ended, or with ctx.
func (g *Gateway) Drain(ctx context.Context) error {
	g.draining.Store(true)
	return g.sessions.Drain(ctx, g.cfg.DrainSpread)
}

// closeWait bounds how long Close waits for requests that are being answered.
const closeWait = 5 * time.Second

// Close stops listening, waits a moment for open requests, ends all sessions and returns when nothing of it runs any
// more. It may be called more than once.
func (g *Gateway) Close() error {
	g.draining.Store(true)
	g.mu.Lock()
	servers := g.mu.servers
	g.mu.servers = nil
	g.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), closeWait)
	defer cancel()
	var errs []error
	for _, s := range servers {
		if err := s.Shutdown(ctx); err != nil {
			errs = append(errs, s.Close())
		}
	}
	g.sessions.Close()
	g.mu.serving.Wait()
	return errors.Join(errs...)
}
