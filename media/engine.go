package media

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/webrtc/v4"

	"ramal/internal/fault"
	"ramal/internal/id"
	"ramal/media/codec"
	"ramal/media/opus"
)

// Engine is the media plane of one node. It owns the UDP socket, the mixing goroutines and every conference.
type Engine struct {
	cfg     Config
	log     *slog.Logger
	sockets *sockets
	cert    webrtc.Certificate
	apis    apis
	shards  []*shard
	silence []byte    // one packet of silence, shared, never written to
	epoch   time.Time // moment 0 of the packet cores' clock
	count   counters
	peers   atomic.Uint64 // connections ever made
	wg      sync.WaitGroup

	mu struct {
		sync.Mutex
		conferences map[*Conference]struct{}
		next        int  // shard of the next conference
		closed      bool // no new conferences
		sealed      bool // no new goroutines
	}
}

// New opens the socket and starts the mixing goroutines. Its errors are of kind Invalid (the configuration) or
// Unavailable (the socket).
func New(cfg Config) (*Engine, error) {
	const op = "media.new"
	if err := cfg.Validate(); err != nil {
		return nil, fault.Wrap(fault.Invalid, op, err)
	}
	cfg = cfg.withDefaults()
	silence, err := silentPacket()
	if err != nil {
		return nil, fault.Wrap(fault.Internal, op, err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, op, err)
	}
	cert, err := webrtc.GenerateCertificate(key)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, op, err)
	}
	e := &Engine{cfg: cfg, log: cfg.Logger, cert: *cert, silence: silence, epoch: time.Now()}
	e.mu.conferences = make(map[*Conference]struct{})
	if e.sockets, err = listen(cfg, e.log); err != nil {
		return nil, fault.Wrap(fault.Unavailable, op, err)
	}
	if e.apis, err = newAPIs(cfg, e.sockets, e.log); err != nil {
		return nil, errors.Join(fault.Wrap(fault.Internal, op, err), e.sockets.close())
	}
	for range cfg.Shards {
		s := newShard(e)
		e.shards = append(e.shards, s)
		e.spawn(s.run) // until Close closes s.quit
	}
	return e, nil
}

// Close ends every conference, waits for all goroutines and closes the socket. Further calls do nothing.
func (e *Engine) Close() error {
	e.mu.Lock()
	if e.mu.closed {
		e.mu.Unlock()
		e.wg.Wait()
		return nil
	}
	e.mu.closed = true
	open := make([]*Conference, 0, len(e.mu.conferences))
	for c := range e.mu.conferences {
		open = append(open, c)
	}
	e.mu.Unlock()
	for _, c := range open {
		c.Close()
	}
	for _, s := range e.shards {
		close(s.quit)
	}
	e.mu.Lock()
	e.mu.sealed = true
	e.mu.Unlock()
	e.wg.Wait()
	return fault.Wrap(fault.Unavailable, "media.close", e.sockets.close())
}

// LocalAddr returns the address of the node's media socket (the first, if it listens on several local
// addresses; the port is the same).
func (e *Engine) LocalAddr() net.Addr { return e.sockets.addrs[0] }

// Stats returns a snapshot of the engine's numbers.
func (e *Engine) Stats() Stats {
	s := e.count.snapshot()
	e.mu.Lock()
	open := make([]*Conference, 0, len(e.mu.conferences))
	for c := range e.mu.conferences {
		open = append(open, c)
	}
	e.mu.Unlock()
	s.Conferences = len(open)
	for _, c := range open {
		s.Legs += c.size()
	}
	return s
}

// Open begins a conference. facts is called from one goroutine of the conference, in order; while it blocks,
// facts queue up to a bound and are then dropped and counted, and no voice is delayed. It is not called again
// once Close has returned, except for a call already running. On a closed engine the conference is closed.
func (e *Engine) Open(call id.Call, facts func(Fact)) *Conference {
	c := newConference(e, call, facts)
	e.mu.Lock()
	closed := e.mu.closed
	if !closed {
		e.mu.conferences[c] = struct{}{}
		c.shard = e.shards[e.mu.next%len(e.shards)]
		e.mu.next++
	}
	e.mu.Unlock()
	if closed || !e.spawn(c.facts.run) { // until Close closes the queue
		c.mu.closed = true
		return c
	}
	c.shard.add(c)
	return c
}

// spawn runs f in a goroutine Close waits for, and reports false once Close is past starting any.
func (e *Engine) spawn(f func()) bool {
	if !e.begin() {
		return false
	}
	go func() {
		defer e.wg.Done()
		f()
	}()
	return true
}

// begin announces work that Close must wait for; the caller ends it with wg.Done.
func (e *Engine) begin() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.mu.sealed {
		return false
	}
	e.wg.Add(1)
	return true
}

func (e *Engine) forget(c *Conference) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.mu.conferences, c)
}

// now is the packet cores' clock.
func (e *Engine) now() time.Duration { return time.Since(e.epoch) }

// silentPacket encodes silence until the encoder has settled on it.
func silentPacket() ([]byte, error) {
	enc, err := opus.NewEncoder(1)
	if err != nil {
		return nil, err
	}
	var pcm [codec.FrameSamples]int16
	packet := make([]byte, codec.MaxFrameBytes)
	n := 0
	for range 10 {
		if n, err = enc.Encode(pcm[:], packet); err != nil {
			return nil, err
		}
	}
	return packet[:n:n], nil
}
