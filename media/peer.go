package media

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"ramal/internal/fault"
)

const (
	packetBytes   = 1500 // largest UDP payload read
	reportBytes   = 1500
	gatherTimeout = 2 * time.Second // local candidates come at once; this bounds a defect
)

// peer is one connection of one leg. A leg may have several after one another; only the one that is live counts.
type peer struct {
	engine  *Engine
	leg     *leg
	pc      *webrtc.PeerConnection
	live    atomic.Bool // set when it becomes the leg's connection, cleared when it no longer is
	heard   atomic.Bool // its first RTP packet has come
	opus    atomic.Uint32
	event   atomic.Uint32 // payload type of telephone events, 0 for none
	unkeyed atomic.Bool   // the DTLS handshake failed
	number  uint64        // counts connections of the engine: later ones are higher

	mu struct {
		sync.Mutex
		connected, interrupted, failed bool
	}
}

// newPeer makes a connection for l that is not live yet. Its goroutines end when it is retired.
func (e *Engine) newPeer(api *webrtc.API, l *leg) (*peer, error) {
	pc, err := api.NewPeerConnection(webrtc.Configuration{
		Certificates: []webrtc.Certificate{e.cert}, BundlePolicy: webrtc.BundlePolicyMaxBundle,
	})
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "media.connection", err)
	}
	p := &peer{engine: e, leg: l, pc: pc, number: e.peers.Add(1)}
	p.opus.Store(opusPT)
	streams := new(atomic.Uint64)
	pc.OnTrack(func(t *webrtc.TrackRemote, _ *webrtc.RTPReceiver) { // in a goroutine of the library's
		if !e.begin() {
			return
		}
		defer e.wg.Done()
		p.read(t, p.number<<32|streams.Add(1))
	})
	pc.SCTP().Transport().OnStateChange(func(state webrtc.DTLSTransportState) { // with the library's lock held
		if state == webrtc.DTLSTransportStateFailed {
			p.unkeyed.Store(true)
		}
	})
	pc.OnConnectionStateChange(func(webrtc.PeerConnectionState) { p.stateChanged() })
	return p, nil
}

// activate makes p the connection whose packets and states count. What happened before is told now.
func (p *peer) activate() {
	p.live.Store(true)
	p.stateChanged()
}

// retire ends the connection in the background.
func (e *Engine) retire(p *peer) {
	p.live.Store(false)
	closing := func() {
		if err := p.pc.GracefulClose(); err != nil {
			e.log.Debug("media: closing a connection", "call", p.leg.conf.call, "leg", p.leg.id, "err", err)
		}
	}
	if !e.spawn(closing) {
		closing()
	}
}

// stateChanged tells what the connection's state means. The library calls handlers in goroutines of their own, so
// their order says nothing: the state itself is read.
func (p *peer) stateChanged() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.live.Load() || p.mu.failed {
		return
	}
	leg := p.leg.id
	switch p.pc.ConnectionState() {
	case webrtc.PeerConnectionStateConnected:
		if !p.mu.connected {
			p.mu.connected = true
			p.leg.tell(Connected{Leg: leg})
		} else if p.mu.interrupted {
			p.mu.interrupted = false
			p.leg.tell(Resumed{Leg: leg})
		}
	case webrtc.PeerConnectionStateDisconnected: // often transient: the leg stays
		if p.mu.connected && !p.mu.interrupted {
			p.mu.interrupted = true
			p.leg.tell(Interrupted{Leg: leg})
		}
	case webrtc.PeerConnectionStateFailed:
		p.mu.failed = true
		p.leg.tell(Failed{Leg: leg, Reason: p.reason(PathLost)})
	case webrtc.PeerConnectionStateClosed: // not by us, or it would not be live
		p.mu.failed = true
		p.leg.tell(Failed{Leg: leg, Reason: p.reason(ClosedByPeer)})
	case webrtc.PeerConnectionStateNew, webrtc.PeerConnectionStateConnecting, webrtc.PeerConnectionStateUnknown:
	}
}

// reason says why the connection is gone: without keys it never was one, unless the path itself was lost.
func (p *peer) reason(otherwise FailReason) FailReason {
	if p.unkeyed.Load() && p.pc.ICEConnectionState() != webrtc.ICEConnectionStateFailed {
		return KeysFailed
	}
	return otherwise
}

// read is the life of one inbound track: it ends when the connection is closed.
func (p *peer) read(t *webrtc.TrackRemote, stream uint64) {
	buf := make([]byte, packetBytes)
	var header rtp.Header
	for {
		n, _, err := t.Read(buf)
		if n == 0 && err != nil {
			if errors.Is(err, io.ErrShortBuffer) {
				continue
			}
			return
		}
		// With n > 0 an error only says that the payload type was not negotiated; WhatsApp may send telephone events
		// regardless.
		if !p.live.Load() {
			continue
		}
		p.receive(buf[:n], &header, stream)
	}
}

func (p *peer) receive(packet []byte, h *rtp.Header, stream uint64) {
	count := &p.engine.count
	count.in.Add(1)
	offset, err := h.Unmarshal(packet)
	if err != nil {
		count.drop(DropMalformed)
		return
	}
	payload := packet[offset:]
	if h.Padding && len(payload) > 0 {
		payload = payload[:max(0, len(payload)-int(payload[len(payload)-1]))]
	}
	if p.heard.CompareAndSwap(false, true) {
		p.leg.tell(FirstMedia{Leg: p.leg.id, At: time.Now()})
	}
	pt := uint32(h.PayloadType)
	event := pt != 0 && pt == p.event.Load()
	if !event && pt != p.opus.Load() {
		count.drop(DropCodec)
		return
	}
	p.leg.receive(inbound{stream: stream, header: h, payload: payload, event: event, now: p.engine.now()})
}

// drain reads the reports about an outgoing stream until the connection is closed, so that they do not pile up.
// onLoss, if any, gets each report's fraction lost.
func (p *peer) drain(sender *webrtc.RTPSender, onLoss func(fraction uint8)) {
	p.engine.spawn(func() {
		buf := make([]byte, reportBytes)
		for {
			n, _, err := sender.Read(buf)
			if err != nil {
				if errors.Is(err, io.ErrShortBuffer) {
					continue
				}
				return
			}
			if onLoss == nil {
				continue
			}
			packets, err := rtcp.Unmarshal(buf[:n])
			if err != nil {
				continue
			}
			for _, report := range receptions(packets) {
				onLoss(report.FractionLost)
			}
		}
	})
}

func receptions(packets []rtcp.Packet) (all []rtcp.ReceptionReport) {
	for _, packet := range packets {
		switch r := packet.(type) {
		case *rtcp.ReceiverReport:
			all = append(all, r.Reports...)
		case *rtcp.SenderReport:
			all = append(all, r.Reports...)
		}
	}
	return all
}

// settle applies our own description and returns its text with all candidates in it.
func (p *peer) settle(ctx context.Context, d webrtc.SessionDescription) (string, error) {
	const op = "media.gather"
	done := webrtc.GatheringCompletePromise(p.pc)
	if err := p.pc.SetLocalDescription(d); err != nil {
		return "", fault.Wrap(fault.Internal, op, err)
	}
	ctx, cancel := context.WithTimeout(ctx, gatherTimeout)
	defer cancel()
	select {
	case <-done:
		return p.pc.LocalDescription().SDP, nil
	case <-ctx.Done():
		return "", fault.Wrap(fault.Unavailable, op, ctx.Err())
	}
}
