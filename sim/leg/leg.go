package leg

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/stun/v3"
	"github.com/pion/transport/v4/packetio"

	"ramal/sim/audio"
	"ramal/sim/sdp"
)

// Role is who starts DTLS.
type Role int

// The roles of the phone.
const (
	Nobody Role = iota // both sides wait: a call without audio
	Server
	Client
)

// Handlers receive the rare facts of a leg. They are called from the endpoint's goroutines without any lock held, may be
// nil and must not block.
type Handlers struct {
	Connected func(at time.Time)             // DTLS is up
	FirstRTP  func(at time.Time)             // first media packet of the business
	Digit     func(at time.Time, digit byte) // the business sent a DTMF digit
	Closed    func(at time.Time)             // the business closed DTLS, or the handshake failed
}

// Options of one leg.
type Options struct {
	Handlers     Handlers
	LoseHello    bool          // the first ClientHello gets lost
	WaitBusiness bool          // say nothing until the first media of the business
	ChangeSSRC   time.Duration // change the source once, this long after the first packet sent; 0 = never
	WatchSound   bool          // decode until the first sound, see audio.Ear
	DTLSGiveUp   time.Duration // how long a handshake may take; 30 s
}

// Leg is one phone's media connection.
type Leg struct {
	ep     *Endpoint
	opt    Options
	ufrag  string
	pwd    string
	ssrc   uint32
	stream string
	Ear    *audio.Ear

	remote  atomic.Pointer[peer]
	dtls    *packetio.Buffer
	ctx     context.Context
	cancel  context.CancelFunc
	ready   chan struct{} // closed when a remote address is known
	linger  atomic.Bool   // a BYE went out: keep DTLS a moment longer
	once    struct{ ready, close, start sync.Once }
	forward atomic.Pointer[func(payload []byte, ts uint32)]

	rx receiver
	tx sender
}

type peer struct {
	sock *socket
	addr netip.AddrPort
}

// NewLeg makes a leg that answers STUN at once; Close ends it.
func (ep *Endpoint) NewLeg(opt Options) *Leg {
	if opt.DTLSGiveUp == 0 {
		opt.DTLSGiveUp = 30 * time.Second
	}
	l := &Leg{
		ep: ep, opt: opt, ufrag: randomText(12), pwd: randomBase64(18) + "==", ssrc: randomUint32(),
		stream: randomText(16), Ear: &audio.Ear{}, dtls: packetio.NewBuffer(), ready: make(chan struct{}),
	}
	l.dtls.SetLimitCount(64)
	l.ctx, l.cancel = context.WithCancel(context.Background())
	l.tx.init(l.ssrc)
	if opt.WatchSound {
		if err := l.Ear.WatchSound(); err != nil {
			ep.log.Error("watching for sound", "error", err)
		}
	}
	ep.mu.Lock()
	ep.byUfrag[l.ufrag] = l
	ep.mu.Unlock()
	return l
}

// Local returns what the leg's SDP says.
func (l *Leg) Local() sdp.Local {
	return sdp.Local{
		SessionID: uint64(time.Now().UnixMilli()), Addrs: l.ep.Addrs(), Ufrag: l.ufrag, Pwd: l.pwd,
		Fingerprint: l.ep.fingerprint, SSRC: l.ssrc, StreamID: l.stream,
	}
}

// SetRemote gives the leg the business's description and starts DTLS in the given role. Only the first call counts.
//
//nolint:contextcheck,nolintlint // read by contextcheck as a mark on the function: a leg outlives the request
func (l *Leg) SetRemote(d sdp.Description, role Role) {
	l.once.start.Do(func() {
		l.rx.mu.Lock()
		l.rx.opus, l.rx.dtmf = d.Opus, d.TelephoneEvent
		l.rx.mu.Unlock()
		l.tx.mu.Lock()
		l.tx.opus, l.tx.dtmf = d.Opus, d.TelephoneEvent
		l.tx.mu.Unlock()
		if role == Nobody {
			return
		}
		l.ep.wg.Go(func() { l.runDTLS(d.Fingerprint, role) }) // ends when Close cancels ctx
	})
}

// Close ends the leg, with an RTCP BYE if bye is set. It may be called more than once; it does not wait.
func (l *Leg) Close(bye bool) {
	l.once.close.Do(func() {
		if bye {
			l.linger.Store(true)
			l.tx.bye(l)
		}
		l.tx.stop()
		l.ep.pace.remove(l)
		l.ep.mu.Lock()
		delete(l.ep.byUfrag, l.ufrag)
		for addr, owner := range l.ep.byAddr {
			if owner == l {
				delete(l.ep.byAddr, addr)
			}
		}
		l.ep.mu.Unlock()
		l.cancel()
		_ = l.dtls.Close()
	})
}

// check answers one STUN binding request and learns the peer from it (RFC 8445, lite implementation).
func (l *Leg) check(s *socket, data []byte, from netip.AddrPort) {
	m := &stun.Message{Raw: append([]byte(nil), data...)}
	if m.Decode() != nil || stun.NewShortTermIntegrity(l.pwd).Check(m) != nil {
		return
	}
	if m.Contains(stun.AttrICEControlled) { // lite is always controlled: both sides would wait
		l.respond(s, from, m, stun.BindingError, stun.CodeRoleConflict)
		return
	}
	l.respond(s, from, m, stun.BindingSuccess, &stun.XORMappedAddress{IP: from.Addr().AsSlice(), Port: int(from.Port())})
	l.ep.mu.Lock()
	l.ep.byAddr[from] = l
	l.ep.mu.Unlock()
	if current := l.remote.Load(); current == nil || (m.Contains(stun.AttrUseCandidate) && current.addr != from) {
		l.remote.Store(&peer{s, from})
		l.once.ready.Do(func() { close(l.ready) })
	}
}

func (l *Leg) respond(s *socket, to netip.AddrPort, req *stun.Message, kind stun.MessageType, attr stun.Setter) {
	out, err := stun.Build(stun.NewTransactionIDSetter(req.TransactionID), kind, attr,
		stun.NewShortTermIntegrity(l.pwd), stun.Fingerprint)
	if err != nil {
		l.ep.log.Error("building a STUN answer", "error", err)
		return
	}
	_, _ = s.WriteToUDPAddrPort(out.Raw, to) // the peer repeats its check
}

// write sends one datagram to the peer, if it is known.
func (l *Leg) write(b []byte) {
	if p := l.remote.Load(); p != nil {
		_, _ = p.sock.WriteToUDPAddrPort(b, p.addr) // UDP: loss is normal
	}
}

// LastHeard returns when the last media or RTCP packet of the business came, zero if none did.
func (l *Leg) LastHeard() time.Time {
	if ns := l.rx.last.Load(); ns != 0 {
		return time.Unix(0, ns)
	}
	return time.Time{}
}

// FirstHeard returns when the first media packet of the business came, zero if none did.
func (l *Leg) FirstHeard() time.Time {
	if ns := l.rx.first.Load(); ns != 0 {
		return time.Unix(0, ns)
	}
	return time.Time{}
}

// Forward sends a copy of every Opus packet heard to f (payload valid during the call only); nil stops it.
func (l *Leg) Forward(f func(payload []byte, ts uint32)) {
	if f == nil {
		l.forward.Store(nil)
		return
	}
	l.forward.Store(&f)
}

// Stats of a leg.
type Stats struct {
	Received, Sent, Lost uint64
	SSRC                 uint32
}

// Stats returns the packet counters.
func (l *Leg) Stats() Stats {
	l.rx.mu.Lock()
	received, lost := l.rx.count, l.rx.lost()
	l.rx.mu.Unlock()
	l.tx.mu.Lock()
	defer l.tx.mu.Unlock()
	return Stats{Received: received, Sent: l.tx.packets, Lost: lost, SSRC: l.tx.ssrc}
}

// dtlsConn is the datagram transport of the DTLS library: reads come from the endpoint, writes go to the peer.
type dtlsConn struct{ l *Leg }

func (c dtlsConn) ReadFrom(p []byte) (int, net.Addr, error) {
	n, err := c.l.dtls.Read(p)
	return n, c.RemoteAddr(), err
}

func (c dtlsConn) WriteTo(p []byte, _ net.Addr) (int, error) {
	if c.l.opt.LoseHello && len(p) > 13 && p[0] == 22 && p[13] == 1 && c.l.tx.loseOnce() {
		return len(p), nil
	}
	c.l.write(p)
	return len(p), nil
}

func (c dtlsConn) RemoteAddr() net.Addr {
	if p := c.l.remote.Load(); p != nil {
		return net.UDPAddrFromAddrPort(p.addr)
	}
	return &net.UDPAddr{}
}

func (c dtlsConn) Close() error                       { return nil }
func (c dtlsConn) LocalAddr() net.Addr                { return c.l.ep.socks[0].LocalAddr() }
func (c dtlsConn) SetDeadline(t time.Time) error      { return c.l.dtls.SetReadDeadline(t) }
func (c dtlsConn) SetReadDeadline(t time.Time) error  { return c.l.dtls.SetReadDeadline(t) }
func (c dtlsConn) SetWriteDeadline(_ time.Time) error { return nil }

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

func randomText(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	for i := range b {
		b[i] = letters[int(b[i])%len(letters)]
	}
	return string(b)
}

func randomBase64(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return base64.StdEncoding.EncodeToString(b)
}

func randomUint32() uint32 {
	var b [4]byte
	_, _ = rand.Read(b[:])
	return binary.BigEndian.Uint32(b[:])
}
