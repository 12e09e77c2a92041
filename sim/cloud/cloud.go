// Package cloud is the simulated world: business numbers, customers, permissions, messages and calls, as Meta would keep
// them. Its doors are the Graph API (package graph), the control API (package control) and the phone page (package
// phone); all of them call methods of Cloud. What leaves it are webhooks (package hooks) and media (package leg).
//
// One mutex owns everything; no method holds it while waiting for anybody. Decisions are made by the pure packages
// ledger, callflow, settings and sdp; this package carries out what they decide.
package cloud

import (
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/pion/ice/v4"

	"ramal/sim/bridge"
	"ramal/sim/callflow"
	"ramal/sim/events"
	"ramal/sim/hooks"
	"ramal/sim/ledger"
	"ramal/sim/leg"
	"ramal/sim/settings"
)

// Cloud is the world. Use New; Close ends its goroutines.
type Cloud struct {
	cfg     Config
	log     *slog.Logger
	media   *leg.Endpoint
	bridges *bridge.Maker
	mux     ice.UDPMux // of the bridges
	hooks   *hooks.Sender
	events  *events.Log
	wg      sync.WaitGroup // goroutines closing bridges

	mu        sync.Mutex
	closed    bool
	rng       *rand.Rand
	offset    time.Duration // how far the clock was moved
	flags     Flags
	timings   Timings
	apps      map[string]*app
	accounts  map[string]*account
	lines     map[string]*line // by PNID
	users     map[string]*user // by key
	pairs     map[pairKey]*pair
	calls     map[string]*call
	callOrder []string // oldest first
	timers    map[*time.Timer]struct{}
}

type app struct {
	id, secret, verifyToken, callback string
	fields                            []string
}

type account struct {
	id         string
	subscribed map[string]override // by app id
	templates  []*template
}

type override struct{ url, verifyToken string }

type line struct {
	LineConfig

	settings    settings.Calling
	limits      ledger.Limits
	override    override // of this number only
	initiations []time.Time
	perSecond   window // messages
	permissions window // call_permissions
}

type user struct {
	UserConfig

	key      string
	watchers map[chan struct{}]struct{}
}

type pairKey struct{ pnid, user string }

// pair is what one business and one user share.
type pair struct {
	line   *line
	user   *user
	ledger ledger.Pair
	chat   []*Message
	unread int
	burst  bucket
}

type call struct {
	id                        string
	line                      *line
	user                      *user
	state                     callflow.State
	leg                       *leg.Leg
	bridge                    *bridge.Bridge
	offer, answer             string
	opaque, cta, deeplink     string
	muted                     bool
	heldConnect, heldRinging  func() // webhooks that a flag holds back
	timer                     *time.Timer
	connectedMedia, firstHear time.Time
}

// New returns a world without businesses or users.
func New(cfg Config) (*Cloud, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Events == nil {
		cfg.Events = events.New(8000)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	timings := DefaultTimings()
	if cfg.Timings != nil {
		timings = *cfg.Timings
	}
	if err := timings.Validate(); err != nil {
		return nil, err
	}
	if err := cfg.Flags.Validate(); err != nil {
		return nil, err
	}
	seed := cfg.Seed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	c := &Cloud{
		cfg: cfg, log: cfg.Log, media: cfg.Media, events: cfg.Events, rng: rand.New(rand.NewPCG(seed, 7)),
		flags: cfg.Flags, timings: timings, apps: map[string]*app{}, accounts: map[string]*account{}, lines: map[string]*line{},
		users: map[string]*user{}, pairs: map[pairKey]*pair{}, calls: map[string]*call{}, timers: map[*time.Timer]struct{}{},
	}
	if c.media != nil {
		var err error
		c.mux = c.media.Mux()
		if c.bridges, err = bridge.NewMaker(c.mux); err != nil {
			return nil, err
		}
	}
	hc := cfg.Hooks
	hc.Log, hc.Notice = cfg.Log, c.noteAttempt
	c.hooks = hooks.New(hc)
	return c, nil
}

// Close ends all calls silently and returns when everything has stopped. The media endpoint is closed by its owner.
func (c *Cloud) Close() error {
	c.mu.Lock()
	c.closed = true
	for t := range c.timers {
		t.Stop()
	}
	var bridges []*bridge.Bridge
	for _, call := range c.calls {
		if call.leg != nil {
			call.leg.Close(false)
		}
		if call.bridge != nil {
			bridges = append(bridges, call.bridge)
		}
	}
	c.mu.Unlock()
	for _, b := range bridges {
		b.Close()
	}
	c.wg.Wait()
	if c.mux != nil {
		_ = c.mux.Close() // closed sockets are the aim
	}
	return c.hooks.Close()
}

// now is the simulator's clock; call with mu held.
func (c *Cloud) now() time.Time { return c.cfg.Now().Add(c.offset) }

// Now returns the simulator's clock.
func (c *Cloud) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now()
}

// Advance moves the clock of permissions, limits, windows and time stamps forward; running timers of calls do not move.
func (c *Cloud) Advance(d time.Duration) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset += d
	c.note("clock.advanced", nil, nil, "", map[string]any{"by_s": d.Seconds()})
	for _, u := range c.users {
		u.wake()
	}
	return c.now()
}

// ResetClock puts the clock back to real time.
func (c *Cloud) ResetClock() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset = 0
}

// Events returns the diary.
func (c *Cloud) Events() *events.Log { return c.events }

// Hooks returns the sender of webhooks, for its chaos.
func (c *Cloud) Hooks() *hooks.Sender { return c.hooks }

// Flags returns the variants in force.
func (c *Cloud) Flags() Flags {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.flags
}

// SetFlags changes the variants; calls already placed keep what they began with, except for webhooks.
func (c *Cloud) SetFlags(f Flags) error {
	if err := f.Validate(); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.flags = f
	return nil
}

// Timings returns the delays in force.
func (c *Cloud) Timings() Timings {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.timings
}

// SetTimings changes the delays of later calls and messages.
func (c *Cloud) SetTimings(t Timings) error {
	if err := t.Validate(); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.timings = t
	return nil
}

// after runs f with mu held after d of real time, unless the world has closed; call with mu held.
func (c *Cloud) after(d time.Duration, f func()) *time.Timer {
	var t *time.Timer
	t = time.AfterFunc(max(d, 0), func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.timers, t)
		if !c.closed {
			f()
		}
	})
	c.timers[t] = struct{}{}
	return t
}

func (c *Cloud) cancel(t *time.Timer) {
	if t != nil {
		t.Stop()
		delete(c.timers, t)
	}
}

func ms(n int) time.Duration { return time.Duration(n) * time.Millisecond }

// between draws a time from a window; call with mu held.
func (c *Cloud) between(lo, hi int) time.Duration {
	if hi <= lo {
		return ms(lo)
	}
	return ms(lo + c.rng.IntN(hi-lo+1))
}

func (c *Cloud) note(kind string, l *line, u *user, callID string, data any) {
	e := events.Event{Kind: kind, Call: callID, Data: data}
	if l != nil {
		e.PNID = l.PNID
	}
	if u != nil {
		e.User = u.key
	}
	c.events.Add(e)
}

func (c *Cloud) noteAttempt(a hooks.Attempt) {
	data := map[string]any{"app": a.App, "key": a.Key, "kind": a.Kind, "try": a.Try, "status": a.Status, "took_ms": a.Took.Milliseconds()}
	kind := "webhook.sent"
	switch {
	case a.Dropped:
		kind = "webhook.dropped"
	case a.Status < 200 || a.Status >= 300:
		kind = "webhook.failed"
	}
	if a.Err != nil {
		data["error"] = a.Err.Error()
	}
	c.events.Add(events.Event{Kind: kind, Data: data})
}

// pairOf returns what a business and a user share, made at need; call with mu held.
func (c *Cloud) pairOf(l *line, u *user) *pair {
	k := pairKey{l.PNID, u.key}
	p := c.pairs[k]
	if p == nil {
		p = &pair{line: l, user: u, burst: bucket{left: float64(l.PairBurst)}}
		c.pairs[k] = p
	}
	return p
}

// wake tells the phone pages of a user that something changed; call with mu held.
func (u *user) wake() {
	for ch := range u.watchers {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}

// window counts events of the last second.
type window struct{ marks []time.Time }

func (w *window) allow(limit int, span time.Duration, now time.Time) bool {
	keep := w.marks[:0]
	for _, t := range w.marks {
		if now.Sub(t) < span {
			keep = append(keep, t)
		}
	}
	w.marks = keep
	if len(w.marks) >= limit {
		return false
	}
	w.marks = append(w.marks, now)
	return true
}

// bucket is the pair rate of messages: a burst, then one in 6 s.
type bucket struct {
	left float64
	at   time.Time
}

func (b *bucket) take(burst int, now time.Time) bool {
	if !b.at.IsZero() {
		b.left = min(float64(burst), b.left+now.Sub(b.at).Seconds()/6)
	}
	b.at = now
	if b.left < 1 {
		return false
	}
	b.left--
	return true
}
