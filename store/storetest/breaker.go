package storetest

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"
)

// Breaker is a TCP proxy in front of a database: it stands for the network that fails between. It is owned by the
// test that made it; its goroutines end with the test.
type Breaker struct {
	url    string
	target string
	listen net.Listener
	ctx    context.Context
	cancel context.CancelFunc
	tasks  sync.WaitGroup

	mu struct {
		sync.Mutex
		mode  mode
		delay time.Duration
		wake  chan struct{} // closed when mode changes
		conns map[net.Conn]bool
	}
}

type mode int

const (
	flowing mode = iota
	cut
	stalled
)

// NewBreaker puts a proxy in front of the database at target, which a URL of this package names.
func NewBreaker(tb testing.TB, target string) *Breaker {
	tb.Helper()
	u, err := url.Parse(target)
	if err != nil {
		tb.Fatal("the URL of the database cannot be parsed") // it holds a password
	}
	var lc net.ListenConfig
	l, err := lc.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	b := &Breaker{target: u.Host, listen: l}
	b.ctx, b.cancel = context.WithCancel(context.Background())
	b.mu.conns = map[net.Conn]bool{}
	b.mu.wake = make(chan struct{})
	u.Host = l.Addr().String()
	b.url = u.String()
	b.tasks.Go(b.accept)
	tb.Cleanup(b.close)
	return b
}

// URL is the connection URL through the proxy.
func (b *Breaker) URL() string { return b.url }

// Cut breaks every connection and refuses new ones until Restore.
func (b *Breaker) Cut() {
	b.set(cut, 0)
	b.drop()
}

// Stall lets nothing through any more in either direction, and breaks nothing: the network that swallows packets.
// Restore delivers what was held back.
func (b *Breaker) Stall() { b.set(stalled, 0) }

// Slow delays everything that is sent in either direction by d, until Restore.
func (b *Breaker) Slow(d time.Duration) { b.set(flowing, d) }

// Restore lets everything through, at once.
func (b *Breaker) Restore() { b.set(flowing, 0) }

func (b *Breaker) set(m mode, delay time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.mu.mode, b.mu.delay = m, delay
	close(b.mu.wake)
	b.mu.wake = make(chan struct{})
}

func (b *Breaker) state() (mode, time.Duration, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.mu.mode, b.mu.delay, b.mu.wake
}

func (b *Breaker) drop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for c := range b.mu.conns {
		_ = c.Close()
	}
}

func (b *Breaker) close() {
	b.cancel()
	_ = b.listen.Close()
	b.drop()
	b.tasks.Wait()
}

// keep notes an open connection; it refuses one that comes when everything is cut or closed.
func (b *Breaker) keep(c net.Conn) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.mu.mode == cut || b.ctx.Err() != nil {
		return false
	}
	b.mu.conns[c] = true
	return true
}

func (b *Breaker) forget(c net.Conn) {
	_ = c.Close()
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.mu.conns, c)
}

func (b *Breaker) accept() {
	for {
		c, err := b.listen.Accept()
		if err != nil {
			return // closed
		}
		if !b.keep(c) {
			reset(c)
			continue
		}
		b.tasks.Go(func() { b.serve(c) })
	}
}

// reset closes a connection as a host without a listener does.
func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}

func (b *Breaker) serve(client net.Conn) {
	defer b.forget(client)
	var dialer net.Dialer
	server, err := dialer.DialContext(b.ctx, "tcp", b.target)
	if err != nil {
		return
	}
	if !b.keep(server) {
		_ = server.Close()
		return
	}
	defer b.forget(server)
	var both sync.WaitGroup
	both.Go(func() { b.carry(server, client) })
	both.Go(func() { b.carry(client, server) })
	both.Wait()
}

// carry moves bytes one way until either side closes, and then closes both.
func (b *Breaker) carry(to, from net.Conn) {
	defer to.Close()   //nolint:errcheck // closed twice by design
	defer from.Close() //nolint:errcheck // closed twice by design
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 && b.pass() {
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			if errors.Is(err, io.EOF) {
				b.pass() // an end is held back like anything else
			}
			return
		}
	}
}

// pass waits until traffic may go on; false when it never will.
func (b *Breaker) pass() bool {
	for {
		m, delay, wake := b.state()
		if m == cut {
			return false
		}
		if m == flowing && delay == 0 {
			return b.ctx.Err() == nil
		}
		var timeout <-chan time.Time
		if m == flowing {
			timer := time.NewTimer(delay)
			defer timer.Stop()
			timeout = timer.C
		}
		select {
		case <-b.ctx.Done():
			return false
		case <-wake:
		case <-timeout:
			return true
		}
	}
}
