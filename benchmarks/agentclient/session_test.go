package agentclient

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server is the other end of one session, as the protocol's page describes it; script runs after hello.
func server(t *testing.T, script func(s *scripted)) *Session {
	t.Helper()
	ended := make(chan struct{})
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(ended)
		ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{protocol}})
		if err != nil {
			t.Error(err)
			return
		}
		defer ws.CloseNow()
		s := &scripted{t: t, ws: ws, ctx: r.Context()}
		hello := s.next()
		s.say(`{"re":"` + hello.ID + `","ok":true,"data":{"session_id":"ses_1","heartbeat_ms":15000,"server_time":"2026-11-24T12:00:00Z","snapshot":{"seq":4,"agent":{"id":"luis"},"offers":[],"notices":[],"lines":[]}}}`)
		script(s)
	}))
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	t.Cleanup(cancel)
	s, err := Dial(ctx, Config{URL: h.URL, Token: "t"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Close()
		<-ended
		h.Close()
	})
	return s
}

type scripted struct {
	t   *testing.T
	ws  *websocket.Conn
	ctx context.Context
}

type asked struct {
	ID   string          `json:"id"`
	Type string          `json:"type"`
	Data json.RawMessage `json:"data"`
}

func (s *scripted) next() asked {
	var a asked
	_, raw, err := s.ws.Read(s.ctx)
	if err == nil {
		err = json.Unmarshal(raw, &a)
	}
	if err != nil && s.ctx.Err() == nil {
		s.t.Logf("server: %v", err)
	}
	return a
}

func (s *scripted) say(text string) { _ = s.ws.Write(s.ctx, websocket.MessageText, []byte(text)) }

func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestSnapshotThenDeltas(t *testing.T) {
	s := server(t, func(s *scripted) {
		s.say(`{"seq":4,"type":"agent.updated","at":"2026-11-24T12:00:01Z","data":{"id":"old news"}}`)
		s.say(`{"seq":5,"type":"offer.created","at":"2026-11-24T12:00:01Z","data":{"offer_id":"o1","call_id":"c1"}}`)
		s.say(`{"type":"contact.changed","at":"2026-11-24T12:00:01Z","data":{"id":"hint"}}`)
		s.say(`{"seq":6,"type":"not.known.yet","at":"2026-11-24T12:00:01Z","data":[1]}`)
		s.say(`{"seq":7,"type":"offer.closed","at":"2026-11-24T12:00:01Z","data":{"offer_id":"o1","call_id":"c1","reason":"accepted_elsewhere"}}`)
		s.say(`{"seq":8,"type":"call.updated","at":"2026-11-24T12:00:01Z","data":{"call_id":"c1","version":9,"state":"active"}}`)
		s.say(`{"seq":9,"type":"call.updated","at":"2026-11-24T12:00:01Z","data":{"call_id":"c1","version":8,"state":"offering"}}`)
		s.next()
	})
	got, err := s.Until(soon(t), func(s State) bool { return s.Seq == 9 })
	if err != nil {
		t.Fatal(err)
	}
	if got.Agent.ID != "luis" || len(got.Offers) != 0 || got.Call == nil || got.Call.State != "active" || s.Gaps() != 0 {
		t.Errorf("state %+v, call %+v, %d gaps", got, got.Call, s.Gaps())
	}
	if n := len(s.Events()); n != 5 {
		t.Errorf("%d numbered events after the snapshot", n)
	}
}

func TestGapAsksForSnapshot(t *testing.T) {
	s := server(t, func(s *scripted) {
		s.say(`{"seq":6,"type":"agent.updated","at":"2026-11-24T12:00:01Z","data":{"id":"luis","presence":"busy"}}`)
		a := s.next()
		if a.Type != "snapshot.get" {
			s.t.Errorf("after a gap the client asks for %q", a.Type)
		}
		s.say(`{"re":"` + a.ID + `","ok":true,"data":{"snapshot":{"seq":20,"agent":{"id":"luis","presence":"break"},"offers":[],"notices":[],"lines":[]}}}`)
		s.next()
	})
	got, err := s.Until(soon(t), func(s State) bool { return s.Seq == 20 })
	if err != nil {
		t.Fatal(err)
	}
	if got.Agent.Presence != "break" || s.Gaps() != 1 {
		t.Errorf("agent %+v, %d gaps", got.Agent, s.Gaps())
	}
}

func TestRefusal(t *testing.T) {
	s := server(t, func(s *scripted) {
		a := s.next()
		s.say(`{"re":"` + a.ID + `","ok":false,"error":{"kind":"exhausted","code":"daily_limit","detail":"enough","next_allowed_at":"2026-11-25T12:00:00Z"}}`)
		a = s.next()
		s.say(`{"re":"` + a.ID + `","ok":false,"error":{"kind":"internal"}}`)
		s.next()
	})
	err := s.Do(soon(t), "call.dial", map[string]any{"contact_id": "c"}, nil)
	if Code(err) != "daily_limit" {
		t.Errorf("refusal %v", err)
	}
	if err := s.Do(soon(t), "call.dial", nil, nil); Code(err) != "internal" {
		t.Errorf("refusal without a code: %v", err)
	}
}

func TestSlotsFollowTheWire(t *testing.T) {
	media, err := NewMedia("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(media.Close)
	leg, err := media.NewLeg(false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(leg.Close)
	s := server(t, func(s *scripted) {
		a := s.next()
		s.say(`{"re":"` + a.ID + `","ok":true,"data":{"call_id":"c1","leg_id":"me","sdp":"not one","slots":[{"mid":"0","leg_id":"x"}]}}`)
		s.say(`{"seq":5,"type":"call.slots","at":"2026-11-24T12:00:01Z","data":{"call_id":"c1","slots":[{"mid":"0","leg_id":""},{"mid":"1","leg_id":"y"}]}}`)
		s.next()
	})
	if _, err := s.Attach(soon(t), leg, "c1"); err == nil {
		t.Error("a description that is none was taken")
	}
	if _, err := s.Until(soon(t), func(s State) bool { return s.Seq == 5 }); err != nil {
		t.Fatal(err)
	}
	leg.mu.Lock()
	defer leg.mu.Unlock()
	if len(leg.mu.slots) != 1 || leg.mu.slots["y"] != "1" {
		t.Errorf("slots %v", leg.mu.slots)
	}
}

func TestEndIsTold(t *testing.T) {
	s := server(t, func(s *scripted) { _ = s.ws.Close(4003, "too slow") })
	<-s.Done()
	if s.CloseCode() != 4003 || s.Err() == nil {
		t.Errorf("closed with %d: %v", s.CloseCode(), s.Err())
	}
	if err := s.Do(soon(t), "ping", nil, nil); err == nil {
		t.Error("a request on an ended session succeeds")
	}
	if _, err := s.Until(soon(t), func(State) bool { return false }); err == nil {
		t.Error("waiting on an ended session succeeds")
	}
}

// FuzzFrame: whatever a server sends, the client neither panics nor hangs.
func FuzzFrame(f *testing.F) {
	for _, seed := range []string{
		`{"re":"1","ok":true,"data":{"snapshot":{"seq":1}}}`, `{"seq":2,"type":"call.updated","data":{"call_id":"c","version":1}}`,
		`{"seq":2,"type":"offer.created","data":null}`, `{"seq":9,"type":"call.slots","data":{"slots":[{}]}}`, `[]`, `{"re":1}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(_ *testing.T, raw []byte) {
		s := &Session{done: make(chan struct{})}
		s.mu.waiting, s.mu.legs, s.mu.changed = map[string]waiter{"1": {answer: make(chan frame, 1)}}, map[string]*Leg{}, make(chan struct{})
		s.mu.state.apply(Snapshot{})
		var e Event
		if json.Unmarshal(raw, &e) == nil && e.Seq > 1 {
			s.mu.state.Seq = e.Seq - 1 // no gap: it would be answered over the network
		}
		_ = s.arrived(context.Background(), raw, time.Now()) // an error ends the session, which is right
	})
}
