package agentws

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"ramal/actors"
	"ramal/gateway/auth"
	"ramal/internal/fault"
	"ramal/internal/id"
)

// end says why a session ends: its metric label, and what the client is told.
type end struct {
	label string
	code  websocket.StatusCode
	text  string
}

var (
	endToken    = end{"token", 4001, "token missing, wrong or expired"}
	endSilent   = end{"silent", 4002, "no heartbeat"}
	endSlow     = end{"slow", 4003, "this session reads too slowly"}
	endProtocol = end{"protocol", 4004, "not the ramal.v1 protocol"}
	endMoved    = end{"moved", 4005, "the agent is served elsewhere now"}
	endDraining = end{"draining", websocket.StatusGoingAway, "the node is draining"}
	endRefused  = end{"refused", websocket.StatusTryAgainLater, "the session cannot be opened now"}
	endClient   = end{"client", websocket.StatusNormalClosure, ""}
	endBroken   = end{"broken", 0, ""}
	endShutdown = end{"shutdown", 0, ""}
)

// session is one WebSocket. The reader goroutine owns claims and who; mu owns the rest.
type session struct {
	server *Server
	claims *auth.Claims // from the Authorization header, if any
	who    actors.Who
	conn   *websocket.Conn

	done     chan struct{} // closed when the session begins to end; the writer then stops
	requests sync.WaitGroup
	closing  sync.WaitGroup // the goroutine of the closing handshake
	snapshot sync.Mutex     // one snapshot at a time: only one may hold events back

	mu struct {
		sync.Mutex
		why    *end
		out    chan []byte
		held   []held // not nil: events wait for the snapshot's reply
		open   int    // requests not yet answered
		lanes  map[string][]func()
		cancel context.CancelFunc // cuts the connection
	}
}

// held is an event that waits for a snapshot.
type held struct {
	seq   int64
	bytes []byte
}

func newSession(s *Server, claims *auth.Claims) *session {
	ses := &session{server: s, claims: claims, done: make(chan struct{})}
	ses.mu.out = make(chan []byte, s.cfg.Queue)
	ses.mu.held = []held{}
	ses.mu.lanes = map[string][]func(){}
	return ses
}

// serve runs the session on conn and returns when everything of it has ended.
func (s *session) serve(parent context.Context, conn *websocket.Conn) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(parent))
	defer cancel()
	s.mu.Lock()
	s.conn, s.mu.cancel = conn, cancel
	why := s.mu.why
	s.mu.Unlock()
	if why != nil { // drained between add and here
		_ = conn.Close(why.code, why.text)
		s.server.metrics.SessionClosed(why.label, false)
		return
	}
	conn.SetReadLimit(-1) // read bounds frames itself, to close with 4004

	opened := s.greet(ctx)
	if opened {
		var writer sync.WaitGroup
		writer.Go(func() { s.write(ctx) }) // ends with done
		s.read(ctx)
		s.close(endBroken) // no effect where a better reason is known
		writer.Wait()
	}
	s.requests.Wait()
	if opened {
		s.server.desk.Close(s.who)
	}
	s.closing.Wait()
	_ = conn.CloseNow()
	s.mu.Lock()
	label := s.mu.why.label
	s.mu.Unlock()
	s.server.metrics.SessionClosed(label, opened)
	s.server.logger.InfoContext(parent, "agent session ended", "op", "agentws.end", "tenant", s.who.Tenant, "agent", s.who.Agent, "session", s.who.Session, "reason", label)
}

// close begins the end of the session. The first reason wins. It does not wait.
func (s *session) close(why end) {
	s.mu.Lock()
	if s.mu.why != nil {
		s.mu.Unlock()
		return
	}
	s.mu.why = &why
	close(s.done)
	conn := s.conn
	if conn == nil {
		s.mu.Unlock() // serve will see why
		return
	}
	s.closing.Add(1)
	s.mu.Unlock()
	go func() { // ends with the handshake, which the library bounds to 10 s
		defer s.closing.Done()
		if why.code != 0 {
			_ = conn.Close(why.code, why.text)
		} else {
			_ = conn.CloseNow()
		}
	}()
}

// cut ends the session without a handshake.
func (s *session) cut() {
	s.close(endShutdown)
	s.mu.Lock()
	cancel := s.mu.cancel
	s.mu.Unlock()
	if cancel != nil {
		cancel()
	}
}

// greet reads the first frame, opens the session at the desk and queues the first reply. It reports whether
// the session is open; if not, it has begun to end.
func (s *session) greet(ctx context.Context) bool {
	deadline := time.AfterFunc(s.server.cfg.HelloTimeout, func() { s.close(endProtocol) })
	raw, err := s.receive(ctx)
	if err != nil {
		deadline.Stop()
		return false
	}
	deadline.Stop()
	f, err := parseFrame(raw)
	if errors.Is(err, errNotJSON) {
		s.close(endProtocol)
		return false
	}
	var hello helloData
	if err == nil && f.Type != typeHello {
		err = fault.New(fault.Invalid, "agentws.hello", "hello_missing", "the first frame must be hello")
	}
	if err == nil {
		err = strict(f.Data, &hello)
	}
	if err != nil {
		return s.reject(ctx, f.ID, err, endProtocol)
	}
	claims, err := s.identify(hello.Token)
	if err != nil {
		return s.reject(ctx, f.ID, err, endToken)
	}
	s.who = actors.Who{Tenant: claims.Tenant, Agent: claims.Agent, Role: claims.Role, Lang: lang(hello.Lang), Session: id.Session(id.New("ses", time.Now()))}
	return s.openAtDesk(ctx, f.ID, hello.Client, claims)
}

// identify takes the token of the hello, or the one of the HTTP header.
func (s *session) identify(token string) (auth.Claims, error) {
	if token == "" && s.claims != nil {
		return *s.claims, nil
	}
	c, err := s.server.auth.Verify(token)
	if err == nil && s.claims != nil && (c.Tenant != s.claims.Tenant || c.Agent != s.claims.Agent) {
		return auth.Claims{}, fault.New(fault.Denied, "agentws.hello", "token_invalid", "the two tokens name different agents")
	}
	return c, err
}

func (s *session) openAtDesk(ctx context.Context, re, client string, claims auth.Claims) bool {
	started := time.Now()
	octx, cancel := context.WithTimeout(ctx, s.server.cfg.RequestTimeout)
	defer cancel()
	snap, err := s.server.desk.Open(octx, s.who, s.push)
	s.server.metrics.AgentRequest(typeHello, kindOf(err), time.Since(started))
	if err != nil {
		why := endRefused
		if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Denied) {
			why = endToken // the token names nobody who works here
		}
		return s.reject(ctx, re, err, why)
	}
	s.server.metrics.SessionOpened()
	s.server.logger.InfoContext(ctx, "agent session opened", "op", "agentws.open", "tenant", s.who.Tenant, "agent", s.who.Agent, "session", s.who.Session, "client", clip(client, 64))
	s.release(reply{Re: re, OK: true, Data: helloAnswer{string(s.who.Session), s.server.cfg.Heartbeat.Milliseconds(), serverTime(), full(snap)}}, &snap.Seq)
	expiry := time.AfterFunc(time.Until(claims.Expires), func() { s.close(endToken) })
	context.AfterFunc(ctx, func() { expiry.Stop() })
	return true
}

// reject answers the first frame with an error and ends the session.
func (s *session) reject(ctx context.Context, re string, err error, why end) bool {
	if fault.Is(err, fault.Internal) {
		s.server.logger.ErrorContext(ctx, "agent session cannot be opened", "op", "agentws.open", "error", err)
	}
	raw, merr := json.Marshal(reply{Re: re, Error: errorOf(err)})
	if merr == nil {
		wctx, cancel := context.WithTimeout(ctx, s.server.cfg.WriteTimeout)
		defer cancel()
		_ = s.conn.Write(wctx, websocket.MessageText, raw) // the close code tells the same
	}
	s.close(why)
	return false
}

// receive reads one frame; what is no text, or too large, ends the session.
func (s *session) receive(ctx context.Context) ([]byte, error) {
	kind, r, err := s.conn.Reader(ctx)
	if err != nil {
		s.close(endOf(err))
		return nil, err
	}
	raw, err := io.ReadAll(io.LimitReader(r, MaxFrame+1))
	switch {
	case err != nil:
		s.close(endOf(err))
	case kind != websocket.MessageText || len(raw) > MaxFrame:
		s.close(endProtocol)
		err = errNotJSON
	}
	return raw, err
}

// endOf tells a client that said goodbye from a connection that broke.
func endOf(err error) end {
	if code := websocket.CloseStatus(err); code == websocket.StatusNormalClosure || code == websocket.StatusGoingAway || code == websocket.StatusNoStatusRcvd {
		return endClient
	}
	return endBroken
}

// read takes frames until the session ends.
func (s *session) read(ctx context.Context) {
	silence := 2 * s.server.cfg.Heartbeat
	watch := time.AfterFunc(silence, func() { s.close(endSilent) })
	defer watch.Stop()
	for {
		raw, err := s.receive(ctx)
		if err != nil {
			return
		}
		watch.Reset(silence)
		f, err := parseFrame(raw)
		switch {
		case errors.Is(err, errNotJSON):
			s.close(endProtocol)
			return
		case err != nil:
			s.answer(ctx, f, nil, err, time.Now())
		default:
			s.dispatch(ctx, f)
		}
	}
}

// write sends what is queued until the session begins to end.
func (s *session) write(ctx context.Context) {
	for {
		select {
		case <-s.done:
			return
		case raw := <-s.mu.out: // the channel itself never changes
			wctx, cancel := context.WithTimeout(ctx, s.server.cfg.WriteTimeout)
			err := s.conn.Write(wctx, websocket.MessageText, raw)
			late := wctx.Err() != nil
			cancel()
			if err != nil {
				if late {
					s.close(endSlow)
				}
				s.close(endBroken)
				return
			}
			s.server.metrics.Pushed()
		}
	}
}

func serverTime() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

func kindOf(err error) string {
	if err == nil {
		return "ok"
	}
	return string(fault.KindOf(err))
}

func clip(s string, n int) string {
	if len(s) > n {
		s = s[:n]
	}
	return strings.ToValidUTF8(s, "")
}

func splitList(header string) []string {
	parts := strings.Split(header, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts
}
