package store

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Health is the last known answer to "does the database answer?". Statements that fail to reach it turn the
// answer to no at once; a ping, made regularly and after any doubtful statement, turns it back.
//
// Callers that have something else to do (a hang-up acts first and is journaled later) ask Healthy before they
// wait for a timeout. It is a hint: the truth is the outcome of the next statement.
type Health struct {
	every, limit time.Duration
	ping         func(context.Context) error
	logger       *slog.Logger
	cancel       context.CancelFunc
	done         chan struct{}
	doubt        chan struct{} // capacity 1: "look now"

	mu struct {
		sync.Mutex
		healthy bool
		told    bool // what subscribers were told last
		next    int
		subs    map[int]func(bool)
	}
}

// startHealth starts the watching goroutine; stop ends it.
func startHealth(cfg Config, ping func(context.Context) error) *Health {
	ctx, cancel := context.WithCancel(context.Background())
	h := &Health{every: cfg.PingEvery, limit: cfg.Timeout, ping: ping, logger: cfg.Logger, cancel: cancel,
		done: make(chan struct{}), doubt: make(chan struct{}, 1)}
	h.mu.healthy, h.mu.told = true, true
	h.mu.subs = map[int]func(bool){}
	go h.watch(ctx)
	return h
}

// Healthy is the last known state: true when the database answered the latest question.
func (h *Health) Healthy() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.mu.healthy
}

// Subscribe calls fn after each change, one call at a time and in order, on a goroutine of Health: fn must return
// quickly. Short changes may be merged, but the last call always tells the current state. Cancel ends it; a call
// under way may still finish after cancel returns.
func (h *Health) Subscribe(fn func(healthy bool)) (cancel func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	key := h.mu.next
	h.mu.next++
	h.mu.subs[key] = fn
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.mu.subs, key)
	}
}

func (h *Health) stop() {
	h.cancel()
	<-h.done
}

// observe learns from the outcome of a statement. ctx is the caller's: what the caller gave up says nothing.
func (h *Health) observe(ctx context.Context, err error) {
	switch {
	case err == nil:
		return // while unhealthy the next ping, at most a quarter of every away, says so for all
	case ctx.Err() != nil:
		return
	case serverGone(err):
		h.set(false)
		h.look()
	case unreachable(err):
		h.look() // slow, or all connections in use: the ping decides
	}
}

// serverGone reports whether err proves that the database is away, not merely that one statement was slow.
func serverGone(err error) bool {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.Code != queryCanceled && (pg.Code[:min(2, len(pg.Code))] == "57" || pg.Code[:min(2, len(pg.Code))] == "08")
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, pgx.ErrNoRows) || pgconn.Timeout(err) {
		return false
	}
	return isConnectError(err)
}

func (h *Health) set(healthy bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.mu.healthy = healthy
}

func (h *Health) look() {
	select {
	case h.doubt <- struct{}{}:
	default: // a look is due already
	}
}

func (h *Health) watch(ctx context.Context) {
	defer close(h.done)
	timer := time.NewTimer(h.every)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-h.doubt:
		}
		h.tell() // a statement may have found out before us
		h.probe(ctx)
		h.tell()
		wait := h.every
		if !h.Healthy() {
			wait /= 4
		}
		timer.Reset(wait)
	}
}

func (h *Health) probe(ctx context.Context) {
	bounded, cancel := context.WithTimeout(ctx, min(h.limit, h.every))
	defer cancel()
	err := h.ping(bounded)
	if ctx.Err() == nil {
		h.set(err == nil)
	}
}

// tell calls the subscribers if the state is not what they were told last.
func (h *Health) tell() {
	h.mu.Lock()
	healthy := h.mu.healthy
	changed := healthy != h.mu.told
	h.mu.told = healthy
	subs := make([]func(bool), 0, len(h.mu.subs))
	for _, fn := range h.mu.subs {
		subs = append(subs, fn)
	}
	h.mu.Unlock()
	if !changed {
		return
	}
	if healthy {
		h.logger.Info("database answers again")
	} else {
		h.logger.Warn("database does not answer")
	}
	for _, fn := range subs {
		fn(healthy)
	}
}
