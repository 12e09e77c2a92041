// Package bridge connects a browser to a simulated phone: an ordinary WebRTC peer whose Opus packets are passed to and
// from the phone's leg as they are. A Bridge owns its peer connection; the leg belongs to the call.
package bridge

import (
	"errors"
	"fmt"
	"regexp"
	"sync"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/report"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"ramal/sim/leg"
)

const (
	opusPT     = 111
	opusParams = "maxaveragebitrate=20000;maxplaybackrate=16000;minptime=20;stereo=0;usedtx=0;useinbandfec=1"
	gatherIn   = 2 * time.Second
	readSize   = 1500
)

// Maker makes bridges over one shared ICE mux.
type Maker struct{ api *webrtc.API }

// NewMaker returns a Maker; the mux belongs to the caller.
func NewMaker(mux ice.UDPMux) (*Maker, error) {
	media := &webrtc.MediaEngine{}
	err := media.RegisterCodec(webrtc.RTPCodecParameters{
		RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2,
			SDPFmtpLine: opusParams,
		},
		PayloadType: opusPT,
	}, webrtc.RTPCodecTypeAudio)
	if err != nil {
		return nil, fmt.Errorf("bridge: codec: %w", err)
	}
	chain := &interceptor.Registry{}
	sender, err := report.NewSenderInterceptor()
	if err != nil {
		return nil, fmt.Errorf("bridge: reports: %w", err)
	}
	receiver, err := report.NewReceiverInterceptor()
	if err != nil {
		return nil, fmt.Errorf("bridge: reports: %w", err)
	}
	chain.Add(sender)
	chain.Add(receiver)
	engine := webrtc.SettingEngine{}
	engine.SetICEUDPMux(mux)
	engine.SetIncludeLoopbackCandidate(true)
	engine.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6})
	engine.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	return &Maker{webrtc.NewAPI(webrtc.WithMediaEngine(media), webrtc.WithInterceptorRegistry(chain), webrtc.WithSettingEngine(engine))}, nil
}

// Bridge is one browser's connection.
type Bridge struct {
	pc   *webrtc.PeerConnection
	leg  *leg.Leg
	out  *webrtc.TrackLocalStaticRTP
	once sync.Once
	wg   sync.WaitGroup

	seq uint16 // owned by the leg's reader
}

// Open answers a browser's offer and starts passing packets; Close ends it.
func (m *Maker) Open(l *leg.Leg, offer string) (*Bridge, string, error) {
	pc, err := m.api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return nil, "", fmt.Errorf("bridge: %w", err)
	}
	b := &Bridge{pc: pc, leg: l}
	answer, err := b.negotiate(offer)
	if err != nil {
		_ = pc.Close()
		b.wg.Wait()
		return nil, "", err
	}
	l.Forward(b.toBrowser)
	return b, answer, nil
}

func (b *Bridge) negotiate(offer string) (string, error) {
	var err error
	b.out, err = webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2}, "business", "business")
	if err != nil {
		return "", fmt.Errorf("bridge: track: %w", err)
	}
	b.pc.OnTrack(func(t *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		b.wg.Add(1)
		defer b.wg.Done()
		b.fromBrowser(t) // ends when the peer connection closes
	})
	if err := b.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}); err != nil {
		return "", fmt.Errorf("bridge: offer: %w", err)
	}
	sender, err := b.pc.AddTrack(b.out)
	if err != nil {
		return "", fmt.Errorf("bridge: track: %w", err)
	}
	b.wg.Go(func() { // ends when the peer connection closes
		buf := make([]byte, readSize)
		for {
			if _, _, err := sender.Read(buf); err != nil {
				return
			}
		}
	})
	done := webrtc.GatheringCompletePromise(b.pc)
	answer, err := b.pc.CreateAnswer(nil)
	if err != nil {
		return "", fmt.Errorf("bridge: answer: %w", err)
	}
	if err := b.pc.SetLocalDescription(answer); err != nil {
		return "", fmt.Errorf("bridge: answer: %w", err)
	}
	select {
	case <-done:
	case <-time.After(gatherIn):
		return "", errors.New("bridge: gathering candidates took too long")
	}
	return asPhone(b.pc.LocalDescription().SDP), nil
}

var opusFormat = regexp.MustCompile(`(?m)^a=fmtp:111 .*\r$`)

// asPhone asks the browser for the Opus profile of a WhatsApp call, since its packets are passed on as they are.
func asPhone(answer string) string {
	return opusFormat.ReplaceAllString(answer, "a=fmtp:111 "+opusParams+"\r\na=ptime:20\r")
}

func (b *Bridge) fromBrowser(t *webrtc.TrackRemote) {
	buf := make([]byte, readSize)
	var h rtp.Header
	for {
		n, _, err := t.Read(buf)
		if err != nil {
			return
		}
		at, err := h.Unmarshal(buf[:n])
		if err != nil || at >= n || h.PayloadType != uint8(t.PayloadType()) {
			continue
		}
		b.leg.ForwardIn(time.Now(), h.Timestamp, buf[at:n])
	}
}

// toBrowser is called by the leg's reader for each packet of the business.
func (b *Bridge) toBrowser(payload []byte, ts uint32) {
	b.seq++
	_ = b.out.WriteRTP(&rtp.Packet{ // not connected yet, or closed: the packet is lost
		Header:  rtp.Header{Version: 2, SequenceNumber: b.seq, Timestamp: ts, PayloadType: opusPT},
		Payload: payload,
	})
}

// Close ends the connection and returns when its goroutines have ended. It may be called more than once.
func (b *Bridge) Close() {
	b.once.Do(func() {
		b.leg.Forward(nil)
		_ = b.pc.Close()
	})
	b.wg.Wait()
}
