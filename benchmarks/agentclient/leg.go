package agentclient

import (
	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

const (
	receivers  = 7 // tracks to hear with: one for each other participant of a call
	frameTicks = 960
)

// Leg is the agent's own audio connection to one call: the browser's side of section "Audio" of the protocol.
type Leg struct {
	media *Media
	pc    *webrtc.PeerConnection
	sock  io.Closer                   // the UDP socket under pc
	mic   *webrtc.TrackLocalStaticRTP // nil: listens only
	tasks sync.WaitGroup
	once  sync.Once

	mu struct {
		sync.Mutex
		voice     [][]byte // the loop that is spoken; nil: nothing is sent
		header    rtp.Header
		at        int
		ears      map[string]*Ear   // by mid
		slots     map[string]string // leg id -> mid
		connected time.Time
		changed   chan struct{} // closed and replaced when ears, slots or the connection change
	}
}

// NewLeg makes a connection with a microphone that sends silence, or, with listen, without one.
func (m *Media) NewLeg(listen bool) (*Leg, error) {
	silence, err := loop(0)
	if err != nil {
		return nil, err
	}
	pc, sock, err := m.connection()
	if err != nil {
		return nil, fmt.Errorf("agentclient: %w", err)
	}
	l := &Leg{media: m, pc: pc, sock: sock}
	l.mu.voice, l.mu.ears, l.mu.slots, l.mu.changed = silence, map[string]*Ear{}, map[string]string{}, make(chan struct{})
	l.mu.header = rtp.Header{Version: 2, SequenceNumber: uint16(rand.Uint32()), Timestamp: rand.Uint32()}
	if err := l.transceivers(listen); err != nil {
		l.Close()
		return nil, fmt.Errorf("agentclient: %w", err)
	}
	pc.OnTrack(func(t *webrtc.TrackRemote, r *webrtc.RTPReceiver) { l.listen(t, r) })
	pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		l.mu.Lock()
		defer l.mu.Unlock()
		if s == webrtc.PeerConnectionStateConnected && l.mu.connected.IsZero() {
			l.mu.connected = time.Now()
			l.wake()
		}
	})
	if l.mic != nil {
		m.join(l)
	}
	return l, nil
}

func (l *Leg) transceivers(listen bool) error {
	if listen {
		if _, err := l.pc.AddTransceiverFromKind(webrtc.RTPCodecTypeAudio, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
			return err
		}
	} else {
		mic, err := webrtc.NewTrackLocalStaticRTP(opus, "mic", "agent")
		if err != nil {
			return err
		}
		l.mic = mic
		if _, err := l.pc.AddTransceiverFromTrack(mic, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendrecv}); err != nil {
			return err
		}
	}
	for range receivers - 1 {
		if _, err := l.pc.AddTransceiverFromKind(webrtc.RTPCodecTypeAudio, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
			return err
		}
	}
	return nil
}

// Offer returns the description to send. It does not wait for candidates: the server learns the address by itself.
func (l *Leg) Offer() (string, error) {
	d, err := l.pc.CreateOffer(nil)
	if err != nil {
		return "", fmt.Errorf("agentclient: offer: %w", err)
	}
	if err := l.pc.SetLocalDescription(d); err != nil {
		return "", fmt.Errorf("agentclient: offer: %w", err)
	}
	return d.SDP, nil
}

// answered takes the server's answer.
func (l *Leg) answered(sdp string) error {
	if err := l.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: sdp}); err != nil {
		return fmt.Errorf("agentclient: answer: %w", err)
	}
	return nil
}

// SetSlots takes the mapping of tracks to participants, whole.
func (l *Leg) SetSlots(slots []Slot) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.slots = map[string]string{}
	for _, s := range slots {
		if s.LegID != "" {
			l.mu.slots[s.LegID] = s.Mid
		}
	}
	l.wake()
}

// Say speaks an endless tone of hz (50 to 7000) from now on, 0 is silence, sent.
func (l *Leg) Say(hz int) error {
	voice, err := loop(hz)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.voice = voice
	return nil
}

// Hush sends nothing at all from now on.
func (l *Leg) Hush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.voice = nil
}

// speak sends the next 20 ms.
func (l *Leg) speak() {
	l.mu.Lock()
	l.mu.header.Timestamp += frameTicks
	if l.mu.voice == nil || l.mu.connected.IsZero() {
		l.mu.Unlock()
		return
	}
	l.mu.header.SequenceNumber++
	l.mu.at = (l.mu.at + 1) % len(l.mu.voice)
	p := &rtp.Packet{Header: l.mu.header, Payload: l.mu.voice[l.mu.at]}
	l.mu.Unlock()
	_ = l.mic.WriteRTP(p) // a connection that is gone is noticed elsewhere
}

// listen reads one track until the connection ends.
func (l *Leg) listen(t *webrtc.TrackRemote, r *webrtc.RTPReceiver) {
	ear := l.ear(l.midOf(r))
	l.tasks.Add(1)
	defer l.tasks.Done()
	buf := make([]byte, 1600)
	for {
		n, _, err := t.Read(buf)
		if err != nil {
			return
		}
		at := time.Now()
		var h rtp.Header
		size, err := h.Unmarshal(buf[:n])
		if err != nil || h.Padding || size == n {
			continue
		}
		ear.hear(at, h.Timestamp, buf[size:n])
	}
}

func (l *Leg) midOf(r *webrtc.RTPReceiver) string {
	for _, t := range l.pc.GetTransceivers() {
		if t.Receiver() == r {
			return t.Mid()
		}
	}
	return ""
}

func (l *Leg) ear(mid string) *Ear {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e := l.mu.ears[mid]; e != nil {
		return e
	}
	e, err := newEar()
	if err != nil {
		panic(err) // a constant configuration
	}
	l.mu.ears[mid] = e
	l.wake()
	return e
}

// wake tells everybody who waits; call with mu held.
func (l *Leg) wake() {
	close(l.mu.changed)
	l.mu.changed = make(chan struct{})
}

// Connected returns when the connection was up, zero while it is not.
func (l *Leg) Connected() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mu.connected
}

// Ear returns the ear for one participant, nil while nothing of it has come.
func (l *Leg) Ear(leg string) *Ear {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.earOf(leg)
}

// earOf is called with mu held.
func (l *Leg) earOf(leg string) *Ear {
	mid, ok := l.mu.slots[leg]
	if !ok {
		return nil
	}
	return l.mu.ears[mid]
}

// AwaitEar waits for the first packet of a participant.
func (l *Leg) AwaitEar(ctx context.Context, leg string) (*Ear, error) {
	for {
		l.mu.Lock()
		e, changed := l.earOf(leg), l.mu.changed
		l.mu.Unlock()
		if e != nil {
			return e, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, fmt.Errorf("agentclient: nothing came of leg %q: %w", leg, ctx.Err())
		}
	}
}

// Ears returns the ears of all tracks on which something has come, by mid.
func (l *Leg) Ears() map[string]*Ear {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.mu.ears)
}

// Close hangs the connection up and returns when its goroutines have ended.
func (l *Leg) Close() {
	l.once.Do(func() {
		l.media.part(l)
		_ = l.pc.GracefulClose() // nothing is lost with it
		_ = l.sock.Close()       // nor with this
		l.tasks.Wait()
	})
}
