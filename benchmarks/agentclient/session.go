package agentclient

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
)

const (
	protocol   = "ramal.v1"
	maxMessage = 4 << 20 // of the server: a snapshot may be large
	maxKept    = 20000   // events a session remembers
)

// Config of a Session.
type Config struct {
	URL    string // of the engine, such as http://127.0.0.1:8080
	Token  string // the agent's JWT
	Client string // for the engine's logs; "agentclient/1"
	Lang   string // BCP 47; the server's default when empty
	// OnEvent, if set, is told every event and hint in order, by the goroutine that reads: it must not block.
	OnEvent func(Event)
}

// RequestError is a refusal of the server.
type RequestError struct {
	Type          string     `json:"-"`
	Kind          string     `json:"kind"`
	Code          string     `json:"code"`
	Detail        string     `json:"detail"`
	NextAllowedAt *time.Time `json:"next_allowed_at"`
}

// Error implements error.
func (e *RequestError) Error() string {
	return fmt.Sprintf("%s: %s %s: %s", e.Type, e.Kind, e.Code, e.Detail)
}

// Code returns the code of a refusal, its kind if it has no code, and "" for an error that is no refusal.
func Code(err error) string {
	var r *RequestError
	if !errors.As(err, &r) {
		return ""
	}
	if r.Code == "" {
		return r.Kind
	}
	return r.Code
}

// Hello is the answer to the first frame.
type Hello struct {
	SessionID   string    `json:"session_id"`
	HeartbeatMS int       `json:"heartbeat_ms"`
	ServerTime  time.Time `json:"server_time"`
	Snapshot    Snapshot  `json:"snapshot"`
}

// Session is one WebSocket of an agent. Dial opens it.
type Session struct {
	cfg    Config
	hello  Hello
	offset time.Duration
	ws     *websocket.Conn
	cancel context.CancelFunc
	tasks  sync.WaitGroup
	done   chan struct{}

	mu struct {
		sync.Mutex
		next    int64
		waiting map[string]waiter
		legs    map[string]*Leg // by call: who is told of its slots
		state   State
		events  []Event // with a sequence number
		gaps    int
		changed chan struct{} // closed and replaced at each event
		err     error         // why it ended
	}
}

// frame is anything that the server sends.
type frame struct {
	Re    string          `json:"re"`
	OK    bool            `json:"ok"`
	Error *RequestError   `json:"error"`
	Seq   int64           `json:"seq"`
	Type  string          `json:"type"`
	At    time.Time       `json:"at"`
	Data  json.RawMessage `json:"data"`
}

// Dial opens a session and says hello. ctx bounds both, not the session.
func Dial(ctx context.Context, cfg Config) (*Session, error) {
	if cfg.Client == "" {
		cfg.Client = "agentclient/1"
	}
	ws, resp, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(cfg.URL, "http")+"/v1/agent/ws", &websocket.DialOptions{Subprotocols: []string{protocol}})
	if resp != nil && resp.Body != nil && resp.StatusCode != http.StatusSwitchingProtocols {
		_ = resp.Body.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("agentclient: connect: %w", err)
	}
	ws.SetReadLimit(maxMessage)
	life, cancel := context.WithCancel(context.Background())
	s := &Session{cfg: cfg, ws: ws, cancel: cancel, done: make(chan struct{})}
	s.mu.waiting, s.mu.legs, s.mu.changed = map[string]waiter{}, map[string]*Leg{}, make(chan struct{})
	s.mu.state.Offers, s.mu.state.Notices = map[string]OfferView{}, map[string]NoticeView{}
	s.tasks.Go(func() { s.read(life) }) // until the connection ends, by Close at the latest
	data := map[string]string{"token": cfg.Token, "client": cfg.Client}
	if cfg.Lang != "" {
		data["lang"] = cfg.Lang
	}
	if err := s.Do(ctx, "hello", data, &s.hello); err != nil {
		s.Close()
		return nil, fmt.Errorf("agentclient: %w", err)
	}
	s.offset = time.Until(s.hello.ServerTime)
	beat := time.Duration(s.hello.HeartbeatMS) * time.Millisecond
	if beat <= 0 {
		s.Close()
		return nil, errors.New("agentclient: hello has no heartbeat_ms")
	}
	s.tasks.Go(func() { s.beat(life, beat*2/3) }) // until Close
	return s, nil
}

// Hello returns the server's greeting, with the first snapshot.
func (s *Session) Hello() Hello { return s.hello }

// Offset is the server's clock minus ours, as far as the greeting tells.
func (s *Session) Offset() time.Duration { return s.offset }

// Close ends the session and returns when its goroutines have.
func (s *Session) Close() {
	s.cancel()
	_ = s.ws.CloseNow() // a lost closing handshake loses nothing
	s.tasks.Wait()
}

// Done is closed when the session has ended; Err says why.
func (s *Session) Done() <-chan struct{} { return s.done }

// Err returns why the session ended, nil while it lives.
func (s *Session) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mu.err
}

// CloseCode returns the WebSocket code with which the server ended the session, 0 if it has not.
func (s *Session) CloseCode() int {
	if code := websocket.CloseStatus(s.Err()); code >= 0 {
		return int(code)
	}
	return 0
}

// State returns the present state. Call is shared and never changed.
func (s *Session) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mu.state.clone()
}

// Gaps counts the gaps in the numbers of events; each was closed by a snapshot.
func (s *Session) Gaps() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mu.gaps
}

// Events returns the numbered events so far, oldest first.
func (s *Session) Events() []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Event(nil), s.mu.events...)
}

// Until waits until the state satisfies ok, and returns that state.
func (s *Session) Until(ctx context.Context, ok func(State) bool) (State, error) {
	for {
		s.mu.Lock()
		state, changed := s.mu.state.clone(), s.mu.changed
		s.mu.Unlock()
		if ok(state) {
			return state, nil
		}
		select {
		case <-changed:
		case <-s.done:
			return state, fmt.Errorf("agentclient: the session has ended: %w", s.Err())
		case <-ctx.Done():
			return state, ctx.Err()
		}
	}
}

// UntilEvent waits for the first numbered event, of those already received too, that satisfies ok.
func (s *Session) UntilEvent(ctx context.Context, ok func(Event) bool) (Event, error) {
	for seen := 0; ; {
		s.mu.Lock()
		events, changed := s.mu.events[min(seen, len(s.mu.events)):], s.mu.changed
		seen = len(s.mu.events)
		s.mu.Unlock()
		for _, e := range events {
			if ok(e) {
				return e, nil
			}
		}
		select {
		case <-changed:
		case <-s.done:
			return Event{}, fmt.Errorf("agentclient: the session has ended: %w", s.Err())
		case <-ctx.Done():
			return Event{}, ctx.Err()
		}
	}
}

// waiter is who waits for one answer.
type waiter struct {
	answer chan frame
	leg    *Leg // that the answer completes, or nil
}

// Do sends one request and decodes its answer into out, which may be nil. Refusals are *RequestError.
func (s *Session) Do(ctx context.Context, kind string, data, out any) error {
	return s.request(ctx, kind, data, out, nil)
}

func (s *Session) request(ctx context.Context, kind string, data, out any, leg *Leg) error {
	answer := make(chan frame, 1)
	s.mu.Lock()
	s.mu.next++
	id := strconv.FormatInt(s.mu.next, 10)
	s.mu.waiting[id] = waiter{answer, leg}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.mu.waiting, id)
	}()
	req := map[string]any{"id": id, "type": kind}
	if data != nil {
		req["data"] = data
	}
	raw, err := json.Marshal(req)
	if err != nil {
		return fmt.Errorf("%s: %w", kind, err)
	}
	if err := s.ws.Write(ctx, websocket.MessageText, raw); err != nil {
		return fmt.Errorf("%s: %w", kind, errors.Join(err, s.Err()))
	}
	select {
	case f := <-answer:
		return finish(kind, f, out)
	case <-s.done:
		select {
		case f := <-answer: // it came just before the end
			return finish(kind, f, out)
		default:
		}
		return fmt.Errorf("%s: the session has ended: %w", kind, s.Err())
	case <-ctx.Done():
		return fmt.Errorf("%s: no answer: %w", kind, ctx.Err())
	}
}

func finish(kind string, f frame, out any) error {
	if !f.OK {
		if f.Error == nil {
			return fmt.Errorf("%s: refused without an error", kind)
		}
		f.Error.Type = kind
		return f.Error
	}
	if out == nil || len(f.Data) == 0 {
		return nil
	}
	if err := json.Unmarshal(f.Data, out); err != nil {
		return fmt.Errorf("%s: answer: %w", kind, err)
	}
	return nil
}

// SendRaw writes a text message as it is: for tests of what a client must not send.
func (s *Session) SendRaw(ctx context.Context, raw []byte) error {
	return s.ws.Write(ctx, websocket.MessageText, raw)
}

func (s *Session) beat(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			_ = s.Do(ctx, "ping", nil, nil) // a session that is gone is noticed by the reader
		case <-s.done:
			return
		case <-ctx.Done():
			return
		}
	}
}
