package hooks

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// Endpoint is where an app takes its webhooks.
type Endpoint struct {
	App    string
	URL    string
	Secret string
}

// Config of a Sender. Zero values are the defaults.
type Config struct {
	Timeout    time.Duration // until a receiver counts as timed out; 20 s
	Backoff    time.Duration // before the first repetition, doubling; 1 s
	BackoffMax time.Duration // largest pause; 10 min
	GiveUp     time.Duration // after which nothing is repeated; 7 d
	Queue      int           // deliveries under way at most; more are dropped and counted; 20000
	Log        *slog.Logger
	// Notice, if set, is told the end of every attempt. It must not block.
	Notice func(Attempt)
}

// Attempt is one HTTP request of a delivery.
type Attempt struct {
	App, Key, Kind string
	Try            int // 1 is the first
	Status         int // 0 when there was no answer
	Took           time.Duration
	Err            error
	Dropped        bool // lost by chaos, a full queue, or given up
}

func (c Config) withDefaults() Config {
	for _, f := range []struct {
		field *time.Duration
		value time.Duration
	}{{&c.Timeout, 20 * time.Second}, {&c.Backoff, time.Second}, {&c.BackoffMax, 10 * time.Minute}, {&c.GiveUp, 7 * 24 * time.Hour}} {
		if *f.field == 0 {
			*f.field = f.value
		}
	}
	if c.Queue == 0 {
		c.Queue = 20000
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// orderWait is how long a delivery waits for the one before it of the same key: Meta does not order, but what happened
// first is normally sent first.
const orderWait = 500 * time.Millisecond

// Sender delivers webhooks.
type Sender struct {
	cfg    Config
	client *http.Client
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu      sync.Mutex
	chaos   Chaos
	rng     *rand.Rand
	tails   map[string]chan struct{} // key -> end of the latest first attempt
	held    map[string]chan struct{} // key -> release of a reordered delivery
	batches map[Endpoint]*batch
	busy    int
	dropped int
}

type batch struct {
	changes []Change
	key     string
}

// New returns a Sender; Close ends it.
func New(cfg Config) *Sender {
	s := &Sender{cfg: cfg.withDefaults(), tails: map[string]chan struct{}{}, held: map[string]chan struct{}{}, batches: map[Endpoint]*batch{}}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 128, IdleConnTimeout: 30 * time.Second}}
	s.SetChaos(Chaos{})
	return s
}

// Close drops what is under way and returns when all goroutines have ended.
func (s *Sender) Close() error {
	s.cancel()
	s.wg.Wait()
	s.client.CloseIdleConnections()
	return nil
}

// SetChaos changes the behaviour from the next delivery on.
func (s *Sender) SetChaos(c Chaos) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rng == nil || c.Seed != s.chaos.Seed {
		s.rng = rand.New(rand.NewPCG(c.Seed, 0x72616d616c))
	}
	s.chaos = c
}

// Chaos returns the present behaviour.
func (s *Sender) Chaos() Chaos {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.chaos
}

// Send queues one change; key orders it (a call id, a user), kind names it in notices. It never blocks.
func (s *Sender) Send(to Endpoint, key, kind string, c Change) {
	s.SendAfter(to, key, kind, c, 0)
}

// SendAfter is Send with a delay that is not chaos: the change is held for that long, later ones may overtake it.
//
//nolint:contextcheck,nolintlint // read by contextcheck as a mark on the function: a delivery outlives the request that caused it
func (s *Sender) SendAfter(to Endpoint, key, kind string, c Change, after time.Duration) {
	if to.URL == "" || s.ctx.Err() != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.chaos.decide(s.rng)
	if f.drop || s.busy >= s.cfg.Queue {
		s.dropped++
		s.notice(Attempt{App: to.App, Key: key, Kind: kind, Dropped: true})
		return
	}
	if s.chaos.BatchMax > 1 && after == 0 {
		s.collect(to, key, kind, c, f)
		return
	}
	s.launch(to, key, kind, []Change{c}, f, after)
	if f.duplicate {
		s.launch(to, key, kind+" (duplicate)", []Change{c}, fate{}, after)
	}
}

// collect adds to the endpoint's batch and launches it when full or after the window; call with mu held.
func (s *Sender) collect(to Endpoint, key, kind string, c Change, f fate) {
	b := s.batches[to]
	if b == nil {
		b = &batch{key: key}
		s.batches[to] = b
		window := ms(s.chaos.BatchWindowMS)
		if window == 0 {
			window = 50 * time.Millisecond
		}
		s.wg.Go(func() { // ends after the window, or with Close
			if s.sleep(window) {
				s.mu.Lock()
				defer s.mu.Unlock()
				s.flush(to, b, f)
			}
		})
	}
	b.changes = append(b.changes, c)
	if f.duplicate {
		b.changes = append(b.changes, c)
	}
	_ = kind // a batch has no single kind
	if len(b.changes) >= s.chaos.BatchMax {
		s.flush(to, b, f)
	}
}

func (s *Sender) flush(to Endpoint, b *batch, f fate) {
	if s.batches[to] != b {
		return // gone out already
	}
	delete(s.batches, to)
	f.reorder = false
	s.launch(to, b.key, fmt.Sprintf("batch of %d", len(b.changes)), b.changes, f, 0)
}

// launch starts the goroutine of one delivery; call with mu held. It ends when delivered, given up, or closed.
func (s *Sender) launch(to Endpoint, key, kind string, changes []Change, f fate, after time.Duration) {
	order := to.App + " " + key
	prev := s.tails[order]
	mine := make(chan struct{})
	var hold chan struct{}
	switch {
	case f.reorder:
		hold = make(chan struct{})
		s.held[order] = hold
	case after == 0:
		s.tails[order] = mine
	}
	var release chan struct{}
	if !f.reorder {
		release = s.held[order]
		delete(s.held, order)
	}
	body, err := Body(changes, s.chaos.EscapeSlashes, !s.chaos.PlainUnicode)
	if err != nil {
		s.cfg.Log.Error("webhook payload", "kind", kind, "error", err)
		return
	}
	limit := ms(s.chaos.ReorderMaxMS)
	if limit == 0 {
		limit = time.Second
	}
	s.busy++
	s.wg.Go(func() {
		defer s.finish(order, mine)
		if !s.sleep(after+f.delay) || !s.await(hold, limit) || (hold == nil && !s.await(prev, orderWait)) {
			return
		}
		s.deliver(to, key, kind, body, f.slow, func() {
			close(mine)
			if release != nil {
				close(release)
			}
		})
	})
}

func (s *Sender) finish(order string, mine chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy--
	if s.tails[order] == mine {
		delete(s.tails, order)
	}
}

// await waits for a channel to close, at most for limit; nil does not wait. False when the Sender is closing.
func (s *Sender) await(ch <-chan struct{}, limit time.Duration) bool {
	if ch == nil {
		return s.ctx.Err() == nil
	}
	t := time.NewTimer(limit)
	defer t.Stop()
	select {
	case <-ch:
	case <-t.C:
	case <-s.ctx.Done():
		return false
	}
	return true
}

func (s *Sender) sleep(d time.Duration) bool {
	if d <= 0 {
		return s.ctx.Err() == nil
	}
	return s.await(make(chan struct{}), d)
}

// deliver tries until the receiver says 2xx. first is called once, when the first attempt has ended.
func (s *Sender) deliver(to Endpoint, key, kind string, body []byte, slow time.Duration, first func()) {
	begun, pause := time.Now(), s.cfg.Backoff
	for try := 1; ; try++ {
		a := s.attempt(to, body, slow)
		a.App, a.Key, a.Kind, a.Try = to.App, key, kind, try
		if try == 1 {
			first()
		}
		if s.ctx.Err() != nil {
			return
		}
		ok := a.Status >= 200 && a.Status < 300
		a.Dropped = !ok && time.Since(begun)+pause > s.cfg.GiveUp
		s.notice(a)
		if ok || a.Dropped || !s.sleep(pause) {
			return
		}
		pause = min(2*pause, s.cfg.BackoffMax)
		slow = 0
	}
}

func (s *Sender) attempt(to Endpoint, body []byte, slow time.Duration) Attempt {
	ctx, cancel := context.WithTimeout(s.ctx, s.cfg.Timeout+slow)
	defer cancel()
	begun := time.Now()
	var reader io.Reader = bytes.NewReader(body)
	if slow > 0 {
		reader = &trickle{s: s, rest: body, pause: slow / 10, size: len(body)/10 + 1}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to.URL, reader)
	if err != nil {
		return Attempt{Err: err}
	}
	req.ContentLength = int64(len(body))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "facebookexternalua")
	req.Header.Set("X-Hub-Signature-256", Sign(to.Secret, body))
	resp, err := s.client.Do(req)
	if err != nil {
		return Attempt{Err: err, Took: time.Since(begun)}
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	_ = resp.Body.Close()
	return Attempt{Status: resp.StatusCode, Took: time.Since(begun)}
}

func (s *Sender) notice(a Attempt) {
	if s.cfg.Notice != nil {
		s.cfg.Notice(a)
	}
}

// trickle gives a body in ten pieces with pauses.
type trickle struct {
	s     *Sender
	rest  []byte
	pause time.Duration
	size  int
}

func (t *trickle) Read(p []byte) (int, error) {
	if len(t.rest) == 0 {
		return 0, io.EOF
	}
	if !t.s.sleep(t.pause) {
		return 0, errors.New("hooks: closing")
	}
	n := copy(p[:min(len(p), t.size)], t.rest)
	t.rest = t.rest[n:]
	return n, nil
}

// Verify does the subscription handshake: GET with a challenge, the raw challenge is expected back.
func (s *Sender) Verify(ctx context.Context, callback, token, challenge string) error {
	u, err := url.Parse(callback)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return fmt.Errorf("hooks: %q is not an HTTP address", callback)
	}
	q := u.Query()
	q.Set("hub.mode", "subscribe")
	q.Set("hub.challenge", challenge)
	q.Set("hub.verify_token", token)
	u.RawQuery = q.Encode()
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return fmt.Errorf("hooks: %w", err)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return fmt.Errorf("hooks: verification: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	got, err := io.ReadAll(io.LimitReader(resp.Body, 4096))
	switch {
	case err != nil:
		return fmt.Errorf("hooks: verification: %w", err)
	case resp.StatusCode != http.StatusOK:
		return fmt.Errorf("hooks: verification: HTTP %d", resp.StatusCode)
	case string(got) != challenge:
		return errors.New("hooks: verification: the answer is not the challenge")
	}
	return nil
}
