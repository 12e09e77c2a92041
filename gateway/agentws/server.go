package agentws

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/coder/websocket"

	"ramal/actors"
	"ramal/gateway/auth"
	"ramal/internal/telemetry"
)

// Protocol is the WebSocket subprotocol that a client must offer.
const Protocol = "ramal.v1"

// Config bounds sessions. The zero value of each field is its default.
type Config struct {
	HelloTimeout   time.Duration // for the first frame; default 5 s
	Heartbeat      time.Duration // a client sends something at least this often; closed after twice that. Default 15 s
	RequestTimeout time.Duration // of one request; default 12 s
	WriteTimeout   time.Duration // of one frame; default 10 s
	Queue          int           // events and replies that may wait for a slow reader; default 256
	MaxRequests    int           // open requests of one session; default 32
	MaxSessions    int           // sessions on this node; default 20000
	AllowedOrigins []string      // beside the server's own, "https://desk.example.com"
}

func (c Config) withDefaults() Config {
	def := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	def(&c.HelloTimeout, 5*time.Second)
	def(&c.Heartbeat, 15*time.Second)
	def(&c.RequestTimeout, 12*time.Second)
	def(&c.WriteTimeout, 10*time.Second)
	for p, v := range map[*int]int{&c.Queue: 256, &c.MaxRequests: 32, &c.MaxSessions: 20_000} {
		if *p <= 0 {
			*p = v
		}
	}
	return c
}

// Verifier judges tokens; auth.Verifier is one.
type Verifier interface {
	Verify(token string) (auth.Claims, error)
}

// Refuse answers a request that cannot become a WebSocket; the gateway writes a problem document.
type Refuse func(w http.ResponseWriter, r *http.Request, status int, code, detail string)

// Server opens sessions. Its set of sessions is owned by mu.
type Server struct {
	cfg     Config
	desk    actors.Desk
	auth    Verifier
	metrics *telemetry.Metrics
	logger  *slog.Logger
	refuse  Refuse
	stop    context.CancelFunc // ends all requests at Close
	base    context.Context    //nolint:containedctx // the life of the server, parent of every request's context

	mu struct {
		sync.Mutex
		sessions map[*session]struct{}
		draining bool
		running  sync.WaitGroup // one for each session; Add only under mu and before draining
	}
}

// New returns a server. It starts no goroutine.
func New(cfg Config, desk actors.Desk, verifier Verifier, metrics *telemetry.Metrics, logger *slog.Logger, refuse Refuse) *Server {
	base, stop := context.WithCancel(context.Background())
	s := &Server{cfg: cfg.withDefaults(), desk: desk, auth: verifier, metrics: metrics, logger: logger, refuse: refuse, base: base, stop: stop}
	s.mu.sessions = map[*session]struct{}{}
	return s
}

// ServeHTTP upgrades the request and serves its session until it ends.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !auth.OriginAllowed(r.Header.Get("Origin"), r.Host, s.cfg.AllowedOrigins) {
		s.refuse(w, r, http.StatusForbidden, "origin_refused", "pages of this origin may not connect here")
		return
	}
	var claims *auth.Claims
	if token := auth.Bearer(r.Header.Get("Authorization")); token != "" {
		c, err := s.auth.Verify(token)
		if err != nil {
			e := errorOf(err)
			s.refuse(w, r, http.StatusUnauthorized, e.Code, e.Detail)
			return
		}
		claims = &c
	}
	ses := newSession(s, claims)
	if !s.add(ses) {
		w.Header().Set("Retry-After", "1")
		s.refuse(w, r, http.StatusServiceUnavailable, "draining", "this node takes no more sessions")
		return
	}
	defer s.remove(ses)
	if !offers(r, Protocol) {
		s.refuse(w, r, http.StatusBadRequest, "subprotocol_missing", "offer the WebSocket subprotocol "+Protocol)
		return
	}
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		Subprotocols:       []string{Protocol},
		InsecureSkipVerify: true, // the origin was judged above, by our own rule
		CompressionMode:    websocket.CompressionDisabled,
	})
	if err != nil {
		s.logger.DebugContext(r.Context(), "websocket upgrade failed", "op", "agentws.accept", "error", err)
		return // Accept has answered
	}
	ses.serve(r.Context(), conn)
}

// offers reports whether the client offers the subprotocol.
func offers(r *http.Request, protocol string) bool {
	for _, header := range r.Header.Values("Sec-WebSocket-Protocol") {
		if slices.Contains(splitList(header), protocol) {
			return true
		}
	}
	return false
}

func (s *Server) add(ses *session) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.draining || len(s.mu.sessions) >= s.cfg.MaxSessions {
		return false
	}
	s.mu.sessions[ses] = struct{}{}
	s.mu.running.Add(1)
	return true
}

func (s *Server) remove(ses *session) {
	s.mu.Lock()
	delete(s.mu.sessions, ses)
	s.mu.Unlock()
	s.mu.running.Done()
}

// Sessions returns how many sessions there are, those that are not open yet included.
func (s *Server) Sessions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.mu.sessions)
}

// refuseNew makes the server refuse sessions from now on, and returns those there are.
func (s *Server) refuseNew() []*session {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.draining = true
	all := make([]*session, 0, len(s.mu.sessions))
	for ses := range s.mu.sessions {
		all = append(all, ses)
	}
	return all
}

// Drain refuses new sessions and closes the others with 1001, spread evenly over the given time so that they do not
// all knock at one other node at once. It returns when all have ended, or with ctx.
func (s *Server) Drain(ctx context.Context, over time.Duration) error {
	all := s.refuseNew()
	for i, ses := range all {
		ses.close(endDraining)
		if i == len(all)-1 {
			break
		}
		select {
		case <-time.After(over / time.Duration(len(all))):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	ended := make(chan struct{})
	go func() { // ends when all sessions have: at the latest with Close
		s.mu.running.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close ends all sessions and requests now and returns when they have. It may be called more than once.
func (s *Server) Close() {
	s.stop()
	for _, ses := range s.refuseNew() {
		ses.cut()
	}
	s.mu.running.Wait()
}
