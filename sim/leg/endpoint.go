// Package leg is the media side of simulated phones: ice-lite endpoints on one shared UDP port, DTLS-SRTP in either
// role, Opus at 50 packets a second, inline DTMF, RTCP reports and BYE. It learns the peer's address from STUN and never
// sends checks itself, as Meta's relays do. It knows nothing of calls or signalling; it reports rare facts through
// Handlers. Each Leg's state is owned by the Leg (two locks: receive and send); the Endpoint owns the sockets, the
// routing tables and the pacer.
//
// Invariant: nothing is sent to an address that has not proved knowledge of the leg's ICE password.
package leg

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/pion/dtls/v3/pkg/crypto/selfsign"
	"github.com/pion/ice/v4"
	"github.com/pion/stun/v3"
)

// Config of an Endpoint. The zero value listens on an ephemeral port of 127.0.0.1.
type Config struct {
	IPs  []netip.Addr // addresses to listen on and to offer as candidates; 127.0.0.1
	Port uint16       // UDP port, the same on every address; 0 = any
	Log  *slog.Logger
}

func (c Config) withDefaults() Config {
	if len(c.IPs) == 0 {
		c.IPs = []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

const (
	mtu         = 1500
	overflowLen = 256     // datagrams queued for the browsers' ICE agents; more are dropped
	readBuffer  = 4 << 20 // bytes, of each socket
)

// Endpoint is one UDP port shared by all phones and by the browsers bridged to them.
type Endpoint struct {
	cfg         Config
	log         *slog.Logger
	cert        tls.Certificate
	fingerprint []byte
	socks       []*socket
	pace        *pacer
	stop        chan struct{}
	closing     sync.Once
	wg          sync.WaitGroup

	mu      sync.RWMutex
	byUfrag map[string]*Leg
	byAddr  map[netip.AddrPort]*Leg
}

type socket struct {
	*net.UDPConn

	local    netip.AddrPort
	overflow *overflowConn
}

// Listen opens the sockets and starts the readers and the pacer; Close stops them.
func Listen(cfg Config) (*Endpoint, error) {
	cfg = cfg.withDefaults()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("leg: key: %w", err)
	}
	cert, err := selfsign.SelfSign(key)
	if err != nil {
		return nil, fmt.Errorf("leg: certificate: %w", err)
	}
	sum := sha256.Sum256(cert.Certificate[0])
	ep := &Endpoint{
		cfg: cfg, log: cfg.Log, cert: cert, fingerprint: sum[:], stop: make(chan struct{}),
		byUfrag: map[string]*Leg{}, byAddr: map[netip.AddrPort]*Leg{},
	}
	port := cfg.Port
	for _, ip := range cfg.IPs {
		conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(ip, port)))
		if err != nil {
			ep.closeSockets()
			return nil, fmt.Errorf("leg: UDP port %d on %s: %w", port, ip, err)
		}
		_ = conn.SetReadBuffer(readBuffer) // best effort: the kernel may cap it
		local := conn.LocalAddr().(*net.UDPAddr).AddrPort()
		port = local.Port()
		s := &socket{UDPConn: conn, local: netip.AddrPortFrom(local.Addr().Unmap(), port)}
		s.overflow = newOverflow(s)
		ep.socks = append(ep.socks, s)
	}
	ep.pace = newPacer()
	ep.wg.Add(1 + len(ep.socks))
	go func() { defer ep.wg.Done(); ep.pace.run(ep.stop) }() // ends when Close closes stop
	for _, s := range ep.socks {
		go func() { defer ep.wg.Done(); ep.read(s) }() // ends when Close closes the socket
	}
	return ep, nil
}

// Addrs returns the candidates' addresses.
func (ep *Endpoint) Addrs() []netip.AddrPort {
	out := make([]netip.AddrPort, len(ep.socks))
	for i, s := range ep.socks {
		out[i] = s.local
	}
	return out
}

// Mux returns an ICE mux over the same port for ordinary (full ICE) peers. The caller closes it before Close.
func (ep *Endpoint) Mux() ice.UDPMux {
	muxes := make([]ice.UDPMux, len(ep.socks))
	for i, s := range ep.socks {
		muxes[i] = ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: s.overflow})
	}
	if len(muxes) == 1 {
		return muxes[0]
	}
	return ice.NewMultiUDPMuxDefault(muxes...)
}

// Close ends every leg without BYE and returns when all goroutines have ended. It may be called more than once.
func (ep *Endpoint) Close() error {
	ep.closing.Do(func() {
		close(ep.stop)
		ep.mu.RLock()
		legs := make([]*Leg, 0, len(ep.byUfrag))
		for _, l := range ep.byUfrag {
			legs = append(legs, l)
		}
		ep.mu.RUnlock()
		for _, l := range legs {
			l.Close(false)
		}
		ep.closeSockets()
	})
	ep.wg.Wait()
	return nil
}

func (ep *Endpoint) closeSockets() {
	for _, s := range ep.socks {
		_ = s.Close()
		s.overflow.shut()
	}
}

// read routes every datagram of one socket: STUN by its user name, everything else by its sender.
func (ep *Endpoint) read(s *socket) {
	buf, plain := make([]byte, mtu), make([]byte, mtu)
	for {
		n, from, err := s.ReadFromUDPAddrPort(buf)
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			continue // ICMP errors of peers that went away
		}
		from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
		data := buf[:n]
		switch {
		case n == 0:
		case stun.IsMessage(data):
			if l := ep.legOfCheck(data); l != nil {
				l.check(s, data, from)
			} else {
				s.overflow.push(data, from)
			}
		default:
			ep.mu.RLock()
			l := ep.byAddr[from]
			ep.mu.RUnlock()
			switch {
			case l == nil:
				s.overflow.push(data, from)
			case data[0] >= 20 && data[0] <= 63: // RFC 7983
				l.dtlsIn(data)
			case data[0] >= 128 && data[0] <= 191:
				l.rtpIn(time.Now(), data, plain)
			}
		}
	}
}

// legOfCheck finds the leg a STUN request is addressed to.
func (ep *Endpoint) legOfCheck(data []byte) *Leg {
	m := stun.Message{Raw: data}
	if m.Decode() != nil || m.Type != stun.BindingRequest {
		return nil
	}
	var user stun.Username
	if user.GetFrom(&m) != nil {
		return nil
	}
	local, _, _ := strings.Cut(user.String(), ":")
	ep.mu.RLock()
	defer ep.mu.RUnlock()
	return ep.byUfrag[local]
}

// overflowConn hands the datagrams that belong to no leg to the browsers' ICE agents.
type overflowConn struct {
	sock  *socket
	in    chan datagram
	done  chan struct{}
	close sync.Once
}

type datagram struct {
	data []byte
	from *net.UDPAddr
}

func newOverflow(s *socket) *overflowConn {
	return &overflowConn{sock: s, in: make(chan datagram, overflowLen), done: make(chan struct{})}
}

func (o *overflowConn) push(data []byte, from netip.AddrPort) {
	select {
	case o.in <- datagram{append([]byte(nil), data...), net.UDPAddrFromAddrPort(from)}:
	default: // full: UDP may lose packets
	}
}

func (o *overflowConn) shut() { o.close.Do(func() { close(o.done) }) }

// ReadFrom implements net.PacketConn.
func (o *overflowConn) ReadFrom(p []byte) (int, net.Addr, error) {
	select {
	case d := <-o.in:
		return copy(p, d.data), d.from, nil
	case <-o.done:
		return 0, nil, net.ErrClosed
	}
}

// WriteTo implements net.PacketConn.
func (o *overflowConn) WriteTo(p []byte, addr net.Addr) (int, error) { return o.sock.WriteTo(p, addr) }

// Close implements net.PacketConn; the socket stays open, it belongs to the Endpoint.
func (o *overflowConn) Close() error { o.shut(); return nil }

// LocalAddr implements net.PacketConn.
func (o *overflowConn) LocalAddr() net.Addr { return o.sock.LocalAddr() }

// SetDeadline implements net.PacketConn; the ICE mux sets none that matter.
func (o *overflowConn) SetDeadline(time.Time) error { return nil }

// SetReadDeadline implements net.PacketConn.
func (o *overflowConn) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline implements net.PacketConn.
func (o *overflowConn) SetWriteDeadline(time.Time) error { return nil }
