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

// Media is the audio side of a program: what its legs have in common, and one clock for all of them. Close ends it after
// its legs.
type Media struct {
	ip    string
	codec *webrtc.MediaEngine
	quit  chan struct{}
	done  chan struct{}

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

// NewMedia returns the audio side of a program whose legs use ip, an address of this machine; 127.0.0.1 when empty.
func NewMedia(ip string) (*Media, error) {
	if ip == "" {
		ip = "127.0.0.1"
	}
	m := &Media{ip: ip, codec: &webrtc.MediaEngine{}, quit: make(chan struct{}), done: make(chan struct{})}
	if err := m.codec.RegisterCodec(webrtc.RTPCodecParameters{RTPCodecCapability: opus, PayloadType: 111}, webrtc.RTPCodecTypeAudio); err != nil {
		return nil, fmt.Errorf("agentclient: %w", err)
	}
	go m.pace() // until Close
	return m, nil
}

// connection makes a connection on a UDP socket of its own, as a browser's is: legs that shared one could not be told
// apart by a server with one port.
func (m *Media) connection() (*webrtc.PeerConnection, io.Closer, error) {
	conn, err := net.ListenPacket("udp4", net.JoinHostPort(m.ip, "0"))
	if err != nil {
		return nil, nil, err
	}
	quiet := &logging.DefaultLoggerFactory{Writer: io.Discard}
	mux := webrtc.NewICEUDPMux(quiet.NewLogger("ice"), conn)
	var s webrtc.SettingEngine
	s.LoggerFactory = quiet
	s.SetICEUDPMux(mux)
	s.SetIncludeLoopbackCandidate(true)
	s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	s.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	api := webrtc.NewAPI(webrtc.WithSettingEngine(s), webrtc.WithMediaEngine(m.codec), webrtc.WithInterceptorRegistry(&interceptor.Registry{}))
	pc, err := api.NewPeerConnection(webrtc.Configuration{BundlePolicy: webrtc.BundlePolicyMaxBundle})
	if err != nil {
		return nil, nil, errors.Join(err, mux.Close())
	}
	return pc, mux, nil
}

var opus = webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2, SDPFmtpLine: "minptime=20;useinbandfec=1"}

// Close ends the clock. The legs must be closed before.
func (m *Media) Close() {
	select {
	case <-m.quit:
	default:
		close(m.quit)
	}
	<-m.done
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
