package agentws

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"ramal/actors"
	"ramal/internal/fault"
	"ramal/internal/poll"
)

func TestHelloCarriesTheSnapshot(t *testing.T) {
	w := newWorld(t, Config{}, &desk{})
	c := w.dial(t, nil)
	c.send(`{"id":"1","type":"hello","data":{"token":"` + token(t, "farmacia", "ag_luis", time.Hour) + `"}}`)
	m := c.next()
	data := m["data"].(map[string]any)
	snap := data["snapshot"].(map[string]any)
	if m["ok"] != true || snap["seq"] != 10.0 || data["heartbeat_ms"] != 15000.0 || !strings.HasPrefix(data["session_id"].(string), "ses_") {
		t.Errorf("hello got %v", m)
	}
	if offers, ok := snap["offers"].([]any); !ok || len(offers) != 0 {
		t.Errorf("no offers read %v, not []", snap["offers"])
	}
	if at, err := time.Parse(time.RFC3339, data["server_time"].(string)); err != nil || time.Since(at).Abs() > time.Minute {
		t.Errorf("server_time is %v", data["server_time"])
	}
	w.mu.Lock()
	who := w.mu.opened[0]
	w.mu.Unlock()
	if who.Tenant != "farmacia" || who.Agent != "ag_luis" || who.Role != "agent" || who.Lang != "pt-BR" {
		t.Errorf("the desk sees %+v", who)
	}
	if err := c.conn.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Error(err)
	}
	poll.Until(t, 5*time.Second, "the desk hears of the end", func() bool { return w.closedSessions() == 1 })
	poll.Until(t, 5*time.Second, "the end is counted", func() bool {
		return metric(t, w.metrics, `ramal_agent_sessions_closed_total{reason="client"}`) == "1" && metric(t, w.metrics, "ramal_agent_sessions") == "0"
	})
}

func TestTokenInTheHeader(t *testing.T) {
	w := newWorld(t, Config{}, &desk{})
	c := w.dial(t, http.Header{"Authorization": {"Bearer " + token(t, "farmacia", "ag_luis", time.Hour)}})
	c.send(`{"id":"1","type":"hello"}`)
	if m := c.next(); m["ok"] != true {
		t.Errorf("got %v", m)
	}
	c = w.dial(t, http.Header{"Authorization": {"Bearer " + token(t, "farmacia", "ag_luis", time.Hour)}})
	c.send(`{"id":"1","type":"hello","data":{"token":"` + token(t, "farmacia", "ag_other", time.Hour) + `"}}`)
	if m := c.next(); errorCode(m) != "denied/token_invalid" {
		t.Errorf("two agents in one session: %v", m)
	}
}

func TestUpgradeRefusals(t *testing.T) {
	w := newWorld(t, Config{AllowedOrigins: []string{"https://desk.example.com"}}, &desk{})
	for name, c := range map[string]struct {
		header    http.Header
		protocols []string
		status    int
	}{
		"foreign page":   {http.Header{"Origin": {"https://evil.example"}}, []string{Protocol}, 403},
		"bad token":      {http.Header{"Authorization": {"Bearer x"}}, []string{Protocol}, 401},
		"no subprotocol": {nil, nil, 400},
		"other protocol": {nil, []string{"ramal.v2"}, 400},
	} {
		conn, resp, err := websocket.Dial(t.Context(), w.url, &websocket.DialOptions{Subprotocols: c.protocols, HTTPHeader: c.header})
		if err == nil {
			_ = conn.CloseNow()
		}
		if err == nil || resp == nil || resp.StatusCode != c.status {
			t.Errorf("%s: %v", name, err)
		}
	}
	if w.dial(t, http.Header{"Origin": {"https://desk.example.com"}}) == nil {
		t.Error("an allowed page is refused")
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestFirstFrame(t *testing.T) {
	good := token(t, "farmacia", "ag_luis", time.Hour)
	d := &desk{}
	w := newWorld(t, Config{HelloTimeout: 100 * time.Millisecond}, d)
	for name, c := range map[string]struct {
		frame, reply string
		code         websocket.StatusCode
	}{
		"silence":       {"", "", 4004},
		"not JSON":      {"hi", "", 4004},
		"an array":      {"[]", "", 4004},
		"other type":    {`{"id":"1","type":"ping"}`, "invalid/hello_missing", 4004},
		"unknown field": {`{"id":"1","type":"hello","data":{"token":"x","admin":true}}`, "invalid/bad_data", 4004},
		"no id":         {`{"type":"hello","data":{}}`, "invalid/bad_data", 4004},
		"no token":      {`{"id":"1","type":"hello"}`, "denied/token_missing", 4001},
		"bad token":     {`{"id":"1","type":"hello","data":{"token":"` + good[:len(good)-4] + `AAAA"}}`, "denied/token_invalid", 4001},
		"expired":       {`{"id":"1","type":"hello","data":{"token":"` + expired(t) + `"}}`, "denied/token_expired", 4001},
		"unknown agent": {`{"id":"1","type":"hello","data":{"token":"` + token(t, "nowhere", "ag_luis", time.Hour) + `"}}`, "not_found/agent_unknown", 4001},
		"too large":     {`{"id":"1","type":"hello","data":{"token":"` + strings.Repeat("x", MaxFrame) + `"}}`, "", 4004},
	} {
		t.Run(name, func(t *testing.T) {
			conn := w.dial(t, nil)
			if c.frame != "" {
				conn.send(c.frame)
			}
			if c.reply != "" {
				if m := conn.next(); errorCode(m) != c.reply {
					t.Errorf("got %v, want %s", m, c.reply)
				}
			}
			if code := conn.ends(); code != c.code {
				t.Errorf("closed with %d, want %d", code, c.code)
			}
		})
	}
	if n := d.closedSessions(); n != 0 {
		t.Errorf("%d sessions were closed that were never open", n)
	}
}

// expired returns a token whose end is past, beyond the leeway.
func expired(t *testing.T) string {
	t.Helper()
	return tokenAt(t, time.Now().Add(-time.Hour), time.Minute)
}

func TestDeskUnavailableAtHello(t *testing.T) {
	w := newWorld(t, Config{}, &desk{open: func(actors.Who, func(actors.Push) bool) (actors.Snapshot, error) {
		return actors.Snapshot{}, fault.New(fault.Unavailable, "desk.open", "store_away", "the database does not answer")
	}})
	c := w.dial(t, nil)
	c.send(`{"id":"1","type":"hello","data":{"token":"` + token(t, "farmacia", "ag_luis", time.Hour) + `"}}`)
	if m := c.next(); errorCode(m) != "unavailable/store_away" {
		t.Errorf("got %v", m)
	}
	if code := c.ends(); code != websocket.StatusTryAgainLater {
		t.Errorf("closed with %d", code)
	}
}

func TestSilenceIsClosedAndAnyFrameCounts(t *testing.T) {
	w := newWorld(t, Config{Heartbeat: 150 * time.Millisecond}, &desk{})
	c := w.hello(t, "ag_luis")
	started := time.Now()
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for i := range 5 { // half a second: longer than the silence allowed
		<-ticker.C
		c.send(fmt.Sprintf(`{"id":"%d","type":"ping"}`, i))
		if m := c.next(); m["ok"] != true || m["data"].(map[string]any)["server_time"] == nil {
			t.Fatalf("ping got %v", m)
		}
	}
	if code := c.ends(); code != 4002 || time.Since(started) < 700*time.Millisecond {
		t.Errorf("closed with %d after %s", code, time.Since(started))
	}
}

func TestSessionEndsWithItsToken(t *testing.T) {
	w := newWorld(t, Config{}, &desk{})
	c := w.dial(t, nil)
	c.send(`{"id":"1","type":"hello","data":{"token":"` + token(t, "farmacia", "ag_luis", 1500*time.Millisecond) + `"}}`)
	if m := c.next(); m["ok"] != true {
		t.Fatal(m)
	}
	if code := c.ends(); code != 4001 {
		t.Errorf("closed with %d", code)
	}
}

func TestEventsFollowTheSnapshotWithoutGapOrRepeat(t *testing.T) {
	d := &desk{}
	event := func(seq int64) actors.Push {
		return actors.Push{Seq: seq, Type: "call.updated", At: time.Unix(1, 0).UTC(), Data: json.RawMessage(`{}`)}
	}
	d.open = func(_ actors.Who, push func(actors.Push) bool) (actors.Snapshot, error) {
		d.mu.Lock()
		d.mu.push = map[string]func(actors.Push) bool{"ag_luis": push}
		d.mu.Unlock()
		for _, seq := range []int64{9, 10, 0, 11} { // while the snapshot of 10 is drawn
			push(event(seq))
		}
		return actors.Snapshot{Seq: 10}, nil
	}
	d.snapshot = func(actors.Who) (actors.Snapshot, error) {
		push := d.pusher("ag_luis")
		push(event(13))
		push(event(14))
		return actors.Snapshot{Seq: 13}, nil
	}
	c := newWorld(t, Config{}, d).hello(t, "ag_luis")
	seq := func() any { return c.next()["seq"] }
	if a, b := seq(), seq(); a != nil || b != 11.0 {
		t.Errorf("after hello: %v %v, want a hint and 11", a, b)
	}
	d.pusher("ag_luis")(event(12))
	if a := seq(); a != 12.0 {
		t.Errorf("got %v", a)
	}
	c.send(`{"id":"s","type":"snapshot.get"}`)
	if m := c.next(); m["re"] != "s" || m["data"].(map[string]any)["snapshot"].(map[string]any)["seq"] != 13.0 {
		t.Errorf("snapshot.get got %v", m)
	}
	if a := seq(); a != 14.0 {
		t.Errorf("after the snapshot of 13 comes %v", a)
	}
}

func TestFailedSnapshotLosesNoEvent(t *testing.T) {
	d := &desk{}
	d.snapshot = func(actors.Who) (actors.Snapshot, error) {
		d.pusher("ag_luis")(actors.Push{Seq: 11, Type: "agent.updated", Data: json.RawMessage(`{}`)})
		return actors.Snapshot{}, fault.New(fault.Unavailable, "desk.snapshot", "store_away", "")
	}
	c := newWorld(t, Config{}, d).hello(t, "ag_luis")
	c.send(`{"id":"s","type":"snapshot.get"}`)
	if m := c.next(); errorCode(m) != "unavailable/store_away" {
		t.Errorf("got %v", m)
	}
	if m := c.next(); m["seq"] != 11.0 {
		t.Errorf("got %v", m)
	}
}

func TestSlowReaderIsClosed(t *testing.T) {
	d := &desk{}
	w := newWorld(t, Config{Queue: 8}, d)
	c := w.hello(t, "ag_luis")
	push := d.pusher("ag_luis")
	big := json.RawMessage(`"` + strings.Repeat("x", 256<<10) + `"`)
	pushed := 0
	for push(actors.Push{Seq: int64(11 + pushed), Type: "call.updated", Data: big}) {
		if pushed++; pushed > 10_000 {
			t.Fatal("a reader that reads nothing is never closed")
		}
	}
	if push(actors.Push{Seq: 1, Type: "call.updated", Data: big}) {
		t.Error("a closed session takes events")
	}
	other := w.hello(t, "ag_fernando") // others do not notice
	d.pusher("ag_fernando")(actors.Push{Seq: 11, Type: "agent.updated", Data: json.RawMessage(`{}`)})
	if m := other.next(); m["seq"] != 11.0 {
		t.Errorf("got %v", m)
	}
	if code := c.ends(); code != 4003 {
		t.Errorf("closed with %d", code)
	}
	poll.Until(t, 5*time.Second, "the slow close is counted", func() bool {
		return metric(t, w.metrics, `ramal_agent_sessions_closed_total{reason="slow"}`) == "1"
	})
}

func TestRequestsAndFaults(t *testing.T) {
	next := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	var answer any
	var refusal error
	w := newWorld(t, Config{}, &desk{do: func(context.Context, actors.Who, actors.Request) (any, error) { return answer, refusal }})
	c := w.hello(t, "ag_luis")
	ask := func(frame string) map[string]any { c.send(frame); return c.next() }
	leave := `{"id":"7","type":"call.leave","data":{"call_id":"call_1"}}`

	if m := ask(leave); m["re"] != "7" || m["ok"] != true {
		t.Errorf("got %v", m)
	}
	answer = actors.MediaAnswer{CallID: "call_1", LegID: "leg_1", SDP: "v=0"}
	if m := ask(`{"id":"8","type":"call.dial","data":{"contact_id":"ct_1","line_id":"ln_1","sdp":"v=0"}}`); fmt.Sprint(m["data"]) != "map[call_id:call_1 leg_id:leg_1 sdp:v=0 slots:[]]" {
		t.Errorf("got %v", m)
	}
	inner := fault.New(fault.Exhausted, "contact.reserve", "daily_limit", "5 of 5 calls are used")
	inner.NextAllowed = next
	refusal = fault.Wrap(fault.Exhausted, "host.dial", inner)
	e := ask(leave)["error"].(map[string]any)
	if e["kind"] != "exhausted" || e["code"] != "daily_limit" || e["detail"] != "5 of 5 calls are used" || e["next_allowed_at"] != "2026-11-24T12:00:00Z" {
		t.Errorf("got %v", e)
	}
	refusal = fault.Wrap(fault.Internal, "sql", errors.New("password=hunter2"))
	if m := ask(leave); errorCode(m) != "internal/" || strings.Contains(fmt.Sprint(m), "hunter2") {
		t.Errorf("got %v", m)
	}
	for frame, want := range map[string]string{
		`{"id":"9","type":"call.explode","data":{}}`:                "invalid/unknown_type",
		`{"id":"9","type":"hello","data":{}}`:                       "invalid/hello_repeated",
		`{"id":"9","type":"ping","data":{"x":1}}`:                   "invalid/bad_data",
		`{"id":"9","type":"call.leave","data":{},"tenant":"outra"}`: "invalid/bad_data",
		`{"id":"9"}`:          "invalid/bad_data",
		`{"id":"9","type":5}`: "invalid/bad_data",
	} {
		if m := ask(frame); errorCode(m) != want || m["re"] != "9" {
			t.Errorf("%s: got %v, want %s", frame, m, want)
		}
	}
	if m := ask(`{"id":"10","type":"ping"}`); m["ok"] != true {
		t.Errorf("the session did not survive bad requests: %v", m)
	}
	c.send("no JSON")
	if code := c.ends(); code != 4004 {
		t.Errorf("closed with %d", code)
	}
}

func TestPanicEndsOneRequestOnly(t *testing.T) {
	w := newWorld(t, Config{}, &desk{do: func(_ context.Context, _ actors.Who, r actors.Request) (any, error) {
		if _, ok := r.(actors.End); ok {
			panic("boom")
		}
		return nil, nil
	}})
	c := w.hello(t, "ag_luis")
	c.send(`{"id":"1","type":"call.end","data":{"call_id":"call_1"}}`)
	if m := c.next(); errorCode(m) != "internal/" {
		t.Errorf("got %v", m)
	}
	c.send(`{"id":"2","type":"call.leave","data":{"call_id":"call_1"}}`)
	if m := c.next(); m["ok"] != true {
		t.Errorf("got %v", m)
	}
}

func TestOpenRequestsAreBoundedAndDialDelaysNoLeave(t *testing.T) {
	release := make(chan struct{})
	w := newWorld(t, Config{MaxRequests: 4}, &desk{do: func(ctx context.Context, _ actors.Who, r actors.Request) (any, error) {
		if _, ok := r.(actors.Dial); ok {
			select {
			case <-release:
			case <-ctx.Done():
			}
		}
		return nil, nil
	}})
	c := w.hello(t, "ag_luis")
	for i := range 3 {
		c.send(fmt.Sprintf(`{"id":"d%d","type":"call.dial","data":{"contact_id":"ct_1","line_id":"ln_1","sdp":"v=0"}}`, i))
	}
	c.send(`{"id":"l","type":"call.leave","data":{"call_id":"call_1"}}`)
	if m := c.next(); m["re"] != "l" || m["ok"] != true {
		t.Errorf("leave waits behind dials: %v", m)
	}
	c.send(`{"id":"d3","type":"call.dial","data":{"contact_id":"ct_1","line_id":"ln_1","sdp":"v=0"}}`)
	c.send(`{"id":"d4","type":"call.dial","data":{"contact_id":"ct_1","line_id":"ln_1","sdp":"v=0"}}`)
	if m := c.next(); m["re"] != "d4" || errorCode(m) != "exhausted/too_many_requests" {
		t.Errorf("got %v", m)
	}
	close(release)
	for range 4 {
		if m := c.next(); m["ok"] != true {
			t.Errorf("got %v", m)
		}
	}
}

func TestOneLaneKeepsItsOrder(t *testing.T) {
	var mu sync.Mutex
	var order []bool
	w := newWorld(t, Config{MaxRequests: 64}, &desk{do: func(_ context.Context, _ actors.Who, r actors.Request) (any, error) {
		mu.Lock()
		defer mu.Unlock()
		order = append(order, r.(actors.Mute).Muted)
		return nil, nil
	}})
	c := w.hello(t, "ag_luis")
	const n = 50
	for i := range n {
		c.send(fmt.Sprintf(`{"id":"%d","type":"call.mute","data":{"call_id":"call_1","muted":%t}}`, i, i%2 == 0))
	}
	for i := range n {
		if m := c.next(); m["re"] != fmt.Sprint(i) || m["ok"] != true {
			t.Fatalf("answer %d is %v", i, m)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	for i, muted := range order {
		if muted != (i%2 == 0) {
			t.Fatalf("request %d ran out of order", i)
		}
	}
}

func TestLeaveOfAClosingTabIsCarriedOut(t *testing.T) {
	started, release, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	d := &desk{do: func(ctx context.Context, _ actors.Who, _ actors.Request) (any, error) {
		close(started)
		<-release
		done <- ctx.Err()
		return nil, nil
	}}
	w := newWorld(t, Config{}, d)
	c := w.hello(t, "ag_luis")
	c.send(`{"id":"1","type":"call.leave","data":{"call_id":"call_1"}}`)
	<-started
	_ = c.conn.CloseNow()
	close(release)
	if err := <-done; err != nil {
		t.Errorf("the request was cut short: %v", err)
	}
	poll.Until(t, 5*time.Second, "the desk hears of the end after the request", func() bool { return d.closedSessions() == 1 })
}

func TestDrainClosesAllAndRefusesNew(t *testing.T) {
	w := newWorld(t, Config{}, &desk{})
	a, b := w.hello(t, "ag_luis"), w.hello(t, "ag_fernando")
	codes := make(chan websocket.StatusCode, 2)
	for _, c := range []*client{a, b} {
		go func() { codes <- c.ends() }()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := w.server.Drain(ctx, 50*time.Millisecond); err != nil {
		t.Error(err)
	}
	for range 2 {
		if code := <-codes; code != websocket.StatusGoingAway {
			t.Errorf("closed with %d", code)
		}
	}
	if _, resp, err := websocket.Dial(t.Context(), w.url, &websocket.DialOptions{Subprotocols: []string{Protocol}}); err == nil || resp == nil || resp.StatusCode != 503 {
		t.Errorf("a draining node takes sessions: %v", err)
	}
	if n := w.closedSessions(); n != 2 || w.server.Sessions() != 0 {
		t.Errorf("%d of 2 sessions closed at the desk, %d left", n, w.server.Sessions())
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestCloseDoesNotWaitForClients(t *testing.T) {
	w := newWorld(t, Config{}, &desk{do: func(ctx context.Context, _ actors.Who, _ actors.Request) (any, error) {
		<-ctx.Done()
		return nil, fault.Wrap(fault.Unavailable, "desk.do", ctx.Err())
	}})
	c := w.hello(t, "ag_luis")
	c.send(`{"id":"1","type":"call.end","data":{"call_id":"call_1"}}`)
	started := time.Now()
	w.server.Close()
	w.server.Close()
	if d := time.Since(started); d > 3*time.Second {
		t.Errorf("Close took %s", d)
	}
}
