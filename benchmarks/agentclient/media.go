package agentclient

import (
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/logging"
	"github.com/pion/webrtc/v4"
)

// Media is the audio side of a program: one UDP socket and one clock for any number of legs. Close ends it after its legs.
type Media struct {
	api  *webrtc.API
	mux  ice.UDPMux
	conn net.PacketConn
	quit chan struct{}
	done chan struct{}

	mu struct {
		sync.Mutex
		turns [phases][]*Leg // who speaks in which quarter of 20 ms: not all in one burst
		last  int
	}
}

const (
	phases = 4
	grid   = 20 * time.Millisecond / phases
	maxLag = 40 // steps of the clock that are caught up at most
)

// NewMedia opens the socket. listen is an address of this machine with port 0, "127.0.0.1:0" when empty.
func NewMedia(listen string) (*Media, error) {
	if listen == "" {
		listen = "127.0.0.1:0"
	}
	conn, err := net.ListenPacket("udp4", listen)
	if err != nil {
		return nil, fmt.Errorf("agentclient: %w", err)
	}
	quiet := &logging.DefaultLoggerFactory{Writer: io.Discard}
	mux := webrtc.NewICEUDPMux(quiet.NewLogger("ice"), conn)
	var s webrtc.SettingEngine
	s.LoggerFactory = quiet
	s.SetICEUDPMux(mux)
	s.SetIncludeLoopbackCandidate(true)
	s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	s.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	engine := &webrtc.MediaEngine{}
	if err := engine.RegisterCodec(webrtc.RTPCodecParameters{
		RTPCodecCapability: opus, PayloadType: 111,
	}, webrtc.RTPCodecTypeAudio); err != nil {
		return nil, errors.Join(fmt.Errorf("agentclient: %w", err), conn.Close())
	}
	m := &Media{
		mux: mux, conn: conn, quit: make(chan struct{}), done: make(chan struct{}),
		api: webrtc.NewAPI(webrtc.WithSettingEngine(s), webrtc.WithMediaEngine(engine), webrtc.WithInterceptorRegistry(&interceptor.Registry{})),
	}
	go m.pace() // until Close
	return m, nil
}

var opus = webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2, SDPFmtpLine: "minptime=20;useinbandfec=1"}

// Close ends the clock and the socket. The legs must be closed before.
func (m *Media) Close() error {
	select {
	case <-m.quit:
		return nil
	default:
	}
	close(m.quit)
	<-m.done
	return errors.Join(m.mux.Close(), ignoreClosed(m.conn.Close()))
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// pace lets every leg speak once in 20 ms.
func (m *Media) pace() {
	defer close(m.done)
	tick := time.NewTicker(grid)
	defer tick.Stop()
	begun, at := time.Now(), int64(0)
	var turn []*Leg
	for {
		select {
		case <-m.quit:
			return
		case <-tick.C:
		}
		due := int64(time.Since(begun) / grid)
		at = max(at, due-maxLag)
		for ; at < due; at++ {
			m.mu.Lock()
			turn = append(turn[:0], m.mu.turns[at%phases]...)
			m.mu.Unlock()
			for _, l := range turn {
				l.speak()
			}
		}
	}
}

func (m *Media) join(l *Leg) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mu.last = (m.mu.last + 1) % phases
	m.mu.turns[m.mu.last] = append(m.mu.turns[m.mu.last], l)
}

func (m *Media) part(l *Leg) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range m.mu.turns {
		m.mu.turns[i] = slices.DeleteFunc(m.mu.turns[i], func(other *Leg) bool { return other == l })
	}
}
