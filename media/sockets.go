package media

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strconv"

	"github.com/pion/ice/v4"
	"github.com/pion/webrtc/v4"
)

const (
	socketBuffer = 4 << 20 // bytes asked of the kernel each way; it may grant less
	portTries    = 16
)

// sockets are the node's UDP sockets: one port, and one socket per local address, so that an answer leaves from
// the address that was asked. All connections share them (ICE tells them apart by the ufrag in each check).
type sockets struct {
	mux   ice.UDPMux
	addrs []net.Addr
}

func listen(cfg Config, log *slog.Logger) (*sockets, error) {
	addr, err := net.ResolveUDPAddr("udp", cfg.UDPAddr)
	if err != nil {
		return nil, err
	}
	ips := []net.IP{addr.IP}
	if addr.IP == nil || addr.IP.IsUnspecified() {
		if ips, err = localIPs(cfg.IncludeLoopback); err != nil {
			return nil, err
		}
	}
	var conns []net.PacketConn
	for range portTries {
		if conns, err = bind(ips, addr.Port); err == nil || addr.Port != 0 {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	return newSockets(conns, log), nil
}

func newSockets(conns []net.PacketConn, log *slog.Logger) *sockets {
	s := &sockets{}
	var muxes []ice.UDPMux
	logger := pionLoggers{log}.NewLogger("udpmux")
	for _, conn := range conns {
		s.addrs = append(s.addrs, conn.LocalAddr())
		muxes = append(muxes, webrtc.NewICEUDPMux(logger, conn))
	}
	s.mux = ice.NewMultiUDPMuxDefault(muxes...)
	return s
}

// bind opens one socket per address, all on one port; port 0 lets the first choose for all. An IPv6 address that
// cannot be bound (still tentative, say) is left out as long as another remains.
func bind(ips []net.IP, port int) (conns []net.PacketConn, err error) {
	defer func() {
		if err != nil {
			for _, c := range conns {
				err = errors.Join(err, c.Close())
			}
			conns = nil
		}
	}()
	for _, ip := range ips {
		conn, err := net.ListenPacket("udp", net.JoinHostPort(ip.String(), strconv.Itoa(port)))
		if err != nil {
			if ip.To4() == nil && len(ips) > 1 {
				continue
			}
			return conns, err
		}
		if udp, ok := conn.(*net.UDPConn); ok { // a smaller buffer than asked for is no fault
			_, _ = udp.SetReadBuffer(socketBuffer), udp.SetWriteBuffer(socketBuffer)
		}
		conns = append(conns, conn)
		port = conn.LocalAddr().(*net.UDPAddr).Port
	}
	if len(conns) == 0 {
		return nil, errors.New("no local address could be bound")
	}
	return conns, nil
}

// localIPs returns the addresses worth offering, IPv4 first: not link-local, and loopback only on demand or
// where there is nothing else.
func localIPs(loopback bool) ([]net.IP, error) {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("local addresses: %w", err)
	}
	var v4, v6, loop []net.IP
	for _, a := range addrs {
		n, ok := a.(*net.IPNet)
		switch {
		case !ok || n.IP.IsLinkLocalUnicast() || n.IP.IsMulticast():
		case n.IP.IsLoopback():
			if n.IP.To4() != nil {
				loop = append(loop, n.IP)
			}
		case n.IP.To4() != nil:
			v4 = append(v4, n.IP)
		default:
			v6 = append(v6, n.IP)
		}
	}
	ips := slices.Concat(v4, v6)
	if loopback || len(ips) == 0 {
		ips = append(ips, loop...)
	}
	if len(ips) == 0 {
		return nil, errors.New("this machine has no usable address")
	}
	return ips, nil
}

func (s *sockets) close() error { return s.mux.Close() }
