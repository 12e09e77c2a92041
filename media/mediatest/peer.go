package mediatest

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/logging"
	"github.com/pion/webrtc/v4"

	"ramal/media/codec"
)

// Peer is the other end of a leg: a connection over loopback, a microphone and the ears for what comes back.
type Peer struct {
	PC  *webrtc.PeerConnection
	Mic *Mic

	wire *wire
	role string // setup of a phone's answer: "active", "passive", "actpass" or "" for none

	mu    sync.Mutex
	ears  map[string]*Ear // by mid
	grown chan struct{}   // closed and replaced at every new ear
	close sync.Once
	once  sync.Once
	up    chan struct{} // closed once it is connected
}

// Phone returns a peer that behaves as WhatsApp's: ICE lite, one audio line. role is the DTLS role its answer
// takes: "active", "passive", or "actpass" and "none", which leave the role open while the phone starts DTLS.
func Phone(role string) (*Peer, error) {
	var s webrtc.SettingEngine
	s.SetLite(true)
	s.SetHandleUndeclaredSSRCWithoutAnswer(true)
	dtls := webrtc.DTLSRoleClient
	if role == "passive" {
		dtls = webrtc.DTLSRoleServer
	}
	if err := s.SetAnsweringDTLSRole(dtls); err != nil {
		return nil, err
	}
	return newPeer(s, role, true)
}

// Browser returns a peer with a microphone and n receive slots in all, of which the microphone's line is the
// first. With mute it has no microphone and only receives.
func Browser(n int, mute bool) (*Peer, error) {
	p, err := newPeer(webrtc.SettingEngine{}, "", false)
	if err != nil {
		return nil, err
	}
	for i := range n {
		if i == 0 && !mute {
			_, err = p.PC.AddTransceiverFromTrack(p.Mic, webrtc.RTPTransceiverInit{
				Direction: webrtc.RTPTransceiverDirectionSendrecv,
			})
		} else {
			_, err = p.PC.AddTransceiverFromKind(webrtc.RTPCodecTypeAudio, webrtc.RTPTransceiverInit{
				Direction: webrtc.RTPTransceiverDirectionRecvonly,
			})
		}
		if err != nil {
			p.Close()
			return nil, err
		}
	}
	return p, nil
}

func newPeer(s webrtc.SettingEngine, role string, phone bool) (*Peer, error) {
	wire, err := newWire()
	if err != nil {
		return nil, err
	}
	quiet := &logging.DefaultLoggerFactory{Writer: io.Discard}
	s.LoggerFactory = quiet
	s.SetICEUDPMux(webrtc.NewICEUDPMux(quiet.NewLogger("ice"), wire))
	s.SetIncludeLoopbackCandidate(true)
	s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	s.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	m := &webrtc.MediaEngine{}
	codecs := []webrtc.RTPCodecParameters{{
		RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeOpus, ClockRate: codec.ClockRate, Channels: 2, SDPFmtpLine: "minptime=20;useinbandfec=1",
		}, PayloadType: 111,
	}}
	if phone {
		codecs = append(codecs, webrtc.RTPCodecParameters{
			RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: "audio/telephone-event", ClockRate: 8000},
			PayloadType:        eventPT,
		})
	}
	for _, c := range codecs {
		if err := m.RegisterCodec(c, webrtc.RTPCodecTypeAudio); err != nil {
			return nil, err
		}
	}
	api := webrtc.NewAPI(webrtc.WithSettingEngine(s), webrtc.WithMediaEngine(m),
		webrtc.WithInterceptorRegistry(&interceptor.Registry{}))
	pc, err := api.NewPeerConnection(webrtc.Configuration{BundlePolicy: webrtc.BundlePolicyMaxBundle})
	if err != nil {
		return nil, err
	}
	p := &Peer{PC: pc, Mic: newMic("mic"), wire: wire, role: role, ears: make(map[string]*Ear), grown: make(chan struct{}), up: make(chan struct{})}
	pc.OnConnectionStateChange(func(webrtc.PeerConnectionState) {
		if pc.ConnectionState() == webrtc.PeerConnectionStateConnected {
			p.once.Do(func() { close(p.up) })
		}
	})
	pc.OnTrack(func(t *webrtc.TrackRemote, r *webrtc.RTPReceiver) { p.ear(p.mid(r)).listen(t) })
	return p, nil
}

// Close ends the connection and the microphone.
func (p *Peer) Close() {
	p.close.Do(func() {
		p.Mic.stop()
		_ = p.PC.GracefulClose() // nothing is lost with it
		_ = p.wire.Close()
	})
}

// AwaitConnected waits until the peer itself considers its connection up.
func (p *Peer) AwaitConnected(ctx context.Context) error {
	select {
	case <-p.up:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("the peer is %s: %w", p.PC.ConnectionState(), ctx.Err())
	}
}

// Unplug cuts the peer's network off, silently and both ways, or plugs it in again.
func (p *Peer) Unplug(cut bool) { p.wire.cut.Store(cut) }

// Offer returns a complete offer, as a phone that calls or a browser that joins.
func (p *Peer) Offer(ctx context.Context) (string, error) {
	if len(p.PC.GetTransceivers()) == 0 {
		if err := p.addMic(); err != nil {
			return "", err
		}
	}
	d, err := p.PC.CreateOffer(nil)
	if err != nil {
		return "", err
	}
	return p.settle(ctx, d)
}

// Answered takes the answer to Offer.
func (p *Peer) Answered(sdp string) error {
	return p.PC.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: sdp})
}

// Answer takes an offer and returns a phone's complete answer in its role.
func (p *Peer) Answer(ctx context.Context, offer string) (string, error) {
	if err := p.addMic(); err != nil {
		return "", err
	}
	if err := p.PC.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}); err != nil {
		return "", err
	}
	d, err := p.PC.CreateAnswer(nil)
	if err != nil {
		return "", err
	}
	text, err := p.settle(ctx, d)
	switch p.role {
	case "actpass":
		text = strings.Replace(text, "a=setup:active", "a=setup:actpass", 1)
	case "none":
		text = strings.Replace(text, "a=setup:active\r\n", "", 1)
	}
	return text, err
}

func (p *Peer) addMic() error {
	_, err := p.PC.AddTransceiverFromTrack(p.Mic, webrtc.RTPTransceiverInit{
		Direction: webrtc.RTPTransceiverDirectionSendrecv,
	})
	return err
}

func (p *Peer) settle(ctx context.Context, d webrtc.SessionDescription) (string, error) {
	done := webrtc.GatheringCompletePromise(p.PC)
	if err := p.PC.SetLocalDescription(d); err != nil {
		return "", err
	}
	select {
	case <-done:
		return p.PC.LocalDescription().SDP, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// Ear waits for the stream of an m-line to begin; mid "" is whichever begins first.
func (p *Peer) Ear(ctx context.Context, mid string) (*Ear, error) {
	for {
		p.mu.Lock()
		ear, grown := p.ears[mid], p.grown
		if mid == "" {
			for _, ear = range p.ears {
			}
		}
		p.mu.Unlock()
		if ear != nil {
			return ear, nil
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return nil, fmt.Errorf("nothing came on m-line %q: %w", mid, ctx.Err())
		}
	}
}

// Hears reports whether any stream has begun.
func (p *Peer) Hears() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.ears) > 0
}

// ear returns the ear of an m-line. A stream that begins again is heard by the ear it had.
func (p *Peer) ear(mid string) *Ear {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e := p.ears[mid]; e != nil {
		return e
	}
	e, err := newEar()
	if err != nil {
		panic(err) // a constant configuration
	}
	p.ears[mid] = e
	close(p.grown)
	p.grown = make(chan struct{})
	return e
}

func (p *Peer) mid(r *webrtc.RTPReceiver) string {
	for _, t := range p.PC.GetTransceivers() {
		if t.Receiver() == r {
			return t.Mid()
		}
	}
	return ""
}
