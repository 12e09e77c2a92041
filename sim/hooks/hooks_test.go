package hooks

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestSignatureVector(t *testing.T) {
	got := Sign("test_app_secret", []byte(`{"object":"whatsapp_business_account","entry":[]}`))
	if want := "sha256=dec6a680679a968e7e0319355b23599cbfc54502c0784668e9618baa0c633756"; got != want {
		t.Errorf("got %s", got)
	}
}

func TestEscapes(t *testing.T) {
	in := Change{Account: "1", Field: "messages", Value: map[string]string{"a": "Ação <b> 😀 a/b \"q\" \\"}}
	for _, c := range []struct {
		slashes, unicode bool
		want             string
	}{
		{true, true, `A\u00e7\u00e3o <b> \ud83d\ude00 a\/b \"q\" \\`},
		{false, true, `A\u00e7\u00e3o <b> \ud83d\ude00 a/b \"q\" \\`},
		{false, false, `Ação <b> 😀 a/b \"q\" \\`},
	} {
		got, err := Body([]Change{in}, c.slashes, c.unicode)
		if err != nil || !strings.Contains(string(got), c.want) {
			t.Errorf("%v: %s, %v", c, got, err)
		}
	}
}

func FuzzEscape(f *testing.F) {
	f.Add("a/b ção 😀", true, true)
	f.Add("\u2028\x00\xff", false, true)
	f.Fuzz(func(t *testing.T, text string, slashes, unicode bool) {
		raw, err := marshal(map[string]string{"v": text})
		if err != nil {
			t.Fatal(err)
		}
		var a, b any
		if json.Unmarshal(raw, &a) != nil || json.Unmarshal(Escape(raw, slashes, unicode), &b) != nil || !reflect.DeepEqual(a, b) {
			t.Errorf("%q became another value", text)
		}
	})
}

// receiver collects deliveries; status gives the answer of the n-th request, starting with 0.
type receiver struct {
	srv    *httptest.Server
	mu     sync.Mutex
	bodies []string
	status func(n int) int
	woken  chan struct{}
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{status: func(int) int { return 200 }, woken: make(chan struct{}, 1000)}
	r.srv = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		raw, _ := io.ReadAll(req.Body)
		if req.Header.Get("X-Hub-Signature-256") != Sign("s", raw) {
			t.Error("the signature does not fit the bytes")
		}
		r.mu.Lock()
		n := len(r.bodies)
		r.bodies = append(r.bodies, string(raw))
		status := r.status(n)
		r.mu.Unlock()
		w.WriteHeader(status)
		r.woken <- struct{}{}
	}))
	t.Cleanup(r.srv.Close)
	return r
}

// wait returns the tags of the first n deliveries.
func (r *receiver) wait(t *testing.T, n int) []string {
	t.Helper()
	for range n {
		select {
		case <-r.woken:
		case <-time.After(5 * time.Second):
			t.Fatalf("%d deliveries did not come, got %v", n, r.bodies)
		}
	}
	return r.tags()
}

func (r *receiver) tags() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for _, b := range r.bodies {
		for _, tag := range []string{"one", "two", "three", "four"} {
			if strings.Contains(b, `"`+tag+`"`) {
				out = append(out, tag)
			}
		}
	}
	return out
}

func newSender(t *testing.T, cfg Config, c Chaos) *Sender {
	s := New(cfg)
	s.SetChaos(c)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func (r *receiver) ep() Endpoint { return Endpoint{App: "a", URL: r.srv.URL, Secret: "s"} }

func (s *Sender) tag(r *receiver, key, tag string) {
	s.Send(r.ep(), key, tag, Change{Account: "w", Field: "calls", Value: map[string]string{"tag": tag}})
}

func same(got []string, want ...string) bool { return reflect.DeepEqual(got, want) }

func TestInOrderOfOneKey(t *testing.T) {
	r := newReceiver(t)
	s := newSender(t, Config{}, Chaos{})
	for _, tag := range []string{"one", "two", "three", "four"} {
		s.tag(r, "k", tag)
	}
	if got := r.wait(t, 4); !same(got, "one", "two", "three", "four") {
		t.Errorf("got %v", got)
	}
}

func TestRetriesUntil2xx(t *testing.T) {
	r := newReceiver(t)
	r.status = func(n int) int { return []int{500, 404, 200}[n] }
	var mu sync.Mutex
	var tries []int
	s := newSender(t, Config{Backoff: 10 * time.Millisecond, Notice: func(a Attempt) {
		mu.Lock()
		defer mu.Unlock()
		tries = append(tries, a.Status)
	}}, Chaos{})
	s.tag(r, "k", "one")
	r.wait(t, 3)
	_ = s.Close()
	mu.Lock()
	defer mu.Unlock()
	if !reflect.DeepEqual(tries[:2], []int{500, 404}) {
		t.Errorf("attempts: %v", tries)
	}
}

func TestTimeoutLeadsToAnotherDelivery(t *testing.T) {
	r := newReceiver(t)
	hang := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		_, _ = io.Copy(io.Discard, req.Body)
		r.woken <- struct{}{}
		<-hang
	}))
	defer slow.Close()
	defer close(hang)
	s := newSender(t, Config{Timeout: 50 * time.Millisecond, Backoff: 10 * time.Millisecond}, Chaos{})
	s.Send(Endpoint{App: "a", URL: slow.URL}, "k", "x", Change{Account: "w", Field: "calls", Value: 1})
	for range 2 {
		select {
		case <-r.woken:
		case <-time.After(5 * time.Second):
			t.Fatal("no repetition after a time-out")
		}
	}
	_ = s.Close()
}

func TestGivesUp(t *testing.T) {
	r := newReceiver(t)
	r.status = func(int) int { return 500 }
	gone := make(chan struct{}, 1)
	s := newSender(t, Config{Backoff: time.Millisecond, GiveUp: 20 * time.Millisecond, Notice: func(a Attempt) {
		if a.Dropped {
			gone <- struct{}{}
		}
	}}, Chaos{})
	s.tag(r, "k", "one")
	select {
	case <-gone:
	case <-time.After(5 * time.Second):
		t.Fatal("it never gives up")
	}
}

func TestChaos(t *testing.T) {
	for _, c := range []struct {
		name  string
		chaos Chaos
		n     int
		want  []string
	}{
		{"duplicates", Chaos{Duplicate: 1}, 4, []string{"one", "one", "two", "two"}},
		{"drops", Chaos{Drop: 1}, 0, nil},
		{"batches", Chaos{BatchMax: 2, BatchWindowMS: 2000}, 1, []string{"one", "two"}},
		{"batch window", Chaos{BatchMax: 10, BatchWindowMS: 20}, 1, []string{"one", "two"}},
		{"slow body", Chaos{Slow: 1, SlowMS: 100}, 2, []string{"one", "two"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newReceiver(t)
			s := newSender(t, Config{}, c.chaos)
			s.tag(r, "k", "one")
			s.tag(r, "k", "two")
			got := r.wait(t, c.n)
			if c.n == 0 {
				_ = s.Close()
				got = r.tags()
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestReorderLetsTheNextOvertake(t *testing.T) {
	r := newReceiver(t)
	s := newSender(t, Config{}, Chaos{Reorder: 1, ReorderMaxMS: 3000})
	s.tag(r, "k", "one")
	s.SetChaos(Chaos{})
	s.tag(r, "k", "two")
	if got := r.wait(t, 2); !same(got, "two", "one") {
		t.Errorf("got %v", got)
	}
}

func TestDelayLetsTheNextOvertake(t *testing.T) {
	r := newReceiver(t)
	s := newSender(t, Config{}, Chaos{Delay: 1, DelayMinMS: 900, DelayMaxMS: 900})
	s.tag(r, "k", "one")
	s.SetChaos(Chaos{})
	s.tag(r, "k", "two") // waits for the first at most 500 ms
	if got := r.wait(t, 2); !same(got, "two", "one") {
		t.Errorf("got %v", got)
	}
}

func TestChoicesFollowTheSeed(t *testing.T) {
	draw := func(seed uint64) []fate {
		s := New(Config{})
		defer func() { _ = s.Close() }()
		s.SetChaos(Chaos{Seed: seed, Duplicate: 0.5, Drop: 0.5})
		var out []fate
		for range 50 {
			out = append(out, s.chaos.decide(s.rng))
		}
		return out
	}
	if !reflect.DeepEqual(draw(3), draw(3)) || reflect.DeepEqual(draw(3), draw(4)) {
		t.Error("the same seed must give the same choices, another seed others")
	}
}

func TestVerifyHandshake(t *testing.T) {
	for _, c := range []struct {
		name  string
		write func(http.ResponseWriter, *http.Request)
		fails string
	}{
		{"raw challenge", func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("hub.verify_token") == "tok" && r.URL.Query().Get("hub.mode") == "subscribe" && r.URL.Query().Get("keep") == "1" {
				_, _ = io.WriteString(w, r.URL.Query().Get("hub.challenge"))
			}
		}, ""},
		{"quoted challenge", func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, `"`+r.URL.Query().Get("hub.challenge")+`"`)
		}, "not the challenge"},
		{"refused", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }, "403"},
	} {
		srv := httptest.NewServer(http.HandlerFunc(c.write))
		s := New(Config{})
		err := s.Verify(t.Context(), srv.URL+"/hook?keep=1", "tok", "117")
		if (err == nil) != (c.fails == "") || (err != nil && !strings.Contains(err.Error(), c.fails)) {
			t.Errorf("%s: %v", c.name, err)
		}
		_ = s.Close()
		srv.Close()
	}
	s := New(Config{})
	defer func() { _ = s.Close() }()
	if s.Verify(t.Context(), "ftp://x", "", "") == nil {
		t.Error("an address that is not HTTP was accepted")
	}
}

func TestEntryTimeOnlyWhereGiven(t *testing.T) {
	raw, err := Body([]Change{{Account: "w", Field: "calls", Value: 1}, {Account: "w", Field: "account_update", Value: 2, Time: 5}}, false, true)
	if err != nil || !bytes.Contains(raw, []byte(`"entry":[{"id":"w","changes"`)) || !bytes.Contains(raw, []byte(`{"id":"w","time":5,`)) {
		t.Errorf("%s, %v", raw, err)
	}
}
