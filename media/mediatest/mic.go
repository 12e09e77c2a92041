package mediatest

import (
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"ramal/media/codec"
	"ramal/media/opus"
)

// eventPT is the payload type of telephone events on a phone.
const eventPT = 126

// Mic sends 50 packets/s of a tone, or of silence, or nothing, on one track. Its goroutine is ended by stop.
type Mic struct {
	id     string
	quit   chan struct{}
	done   chan struct{}
	writer struct {
		sync.Mutex
		w    webrtc.TrackLocalWriter
		ssrc uint32
		pt   uint8
	}

	mu struct {
		sync.Mutex
		on   bool
		tone Tone
		keys []byte
		ssrc uint32 // sent as another source, 0: as negotiated
	}
}

func newMic(id string) *Mic {
	m := &Mic{id: id, quit: make(chan struct{}), done: make(chan struct{})}
	go m.run() // until stop
	return m
}

// Speak sends a tone from now on; amplitude 0 is silence, sent.
func (m *Mic) Speak(hz, amplitude float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mu.on = true
	m.mu.tone.Hz, m.mu.tone.Amplitude = hz, amplitude
}

// Hush sends nothing from now on.
func (m *Mic) Hush() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mu.on = false
}

// Press sends a key as telephone events, inline with the voice (RFC 4733): 100 ms, and its end three times.
func (m *Mic) Press(key byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mu.keys = append(m.mu.keys, key)
}

// Relay sends as another source from now on, as WhatsApp's relay may.
func (m *Mic) Relay(ssrc uint32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mu.ssrc = ssrc
}

func (m *Mic) stop() {
	close(m.quit)
	<-m.done
}

func (m *Mic) run() {
	defer close(m.done)
	enc, err := opus.NewEncoder(3)
	if err != nil {
		panic(err) // a constant configuration
	}
	h := rtp.Header{Version: 2, SequenceNumber: uint16(rand.Uint32()), Timestamp: rand.Uint32()}
	pcm := make([]int16, codec.FrameSamples)
	packet := make([]byte, codec.MaxFrameBytes)
	ticker := time.NewTicker(codec.FrameMillis * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-m.quit:
			return
		case <-ticker.C:
		}
		on, key := m.next(pcm)
		if key != 0 {
			m.press(&h, key)
			continue
		}
		if on {
			n, err := enc.Encode(pcm, packet)
			if err != nil {
				panic(err) // a full frame and a full buffer
			}
			m.send(&h, 0, packet[:n])
		}
		h.Timestamp += codec.FrameTicks
	}
}

func (m *Mic) next(pcm []int16) (on bool, key byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.mu.keys) > 0 {
		key = m.mu.keys[0]
		m.mu.keys = m.mu.keys[1:]
		return m.mu.on, key
	}
	m.mu.tone.Fill(pcm)
	return m.mu.on, 0
}

func (m *Mic) press(h *rtp.Header, key byte) {
	event := byte(strings.IndexByte("0123456789*#ABCD", key))
	const step = 160 // 20 ms of 1/8000 s
	for i := 1; i <= 7; i++ {
		units, end := uint16(min(i, 5)*step), byte(0)
		if i >= 5 {
			end = 0x80
		}
		m.send(h, eventPT, []byte{event, end | 10, byte(units >> 8), byte(units)})
	}
	h.Timestamp += 7 * codec.FrameTicks
}

func (m *Mic) send(h *rtp.Header, pt uint8, payload []byte) {
	m.mu.Lock()
	relayed := m.mu.ssrc
	m.mu.Unlock()
	m.writer.Lock()
	defer m.writer.Unlock()
	if m.writer.w == nil {
		return
	}
	h.SSRC, h.PayloadType = m.writer.ssrc, m.writer.pt
	if pt != 0 {
		h.PayloadType = pt
	}
	if relayed != 0 {
		h.SSRC = relayed
	}
	_, _ = m.writer.w.WriteRTP(h, payload) // a connection that is gone is the test's own doing
	h.SequenceNumber++
}

// Bind implements webrtc.TrackLocal.
func (m *Mic) Bind(ctx webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
	for _, c := range ctx.CodecParameters() {
		if c.MimeType == webrtc.MimeTypeOpus {
			m.writer.Lock()
			defer m.writer.Unlock()
			m.writer.w, m.writer.ssrc, m.writer.pt = ctx.WriteStream(), uint32(ctx.SSRC()), uint8(c.PayloadType)
			return c, nil
		}
	}
	return webrtc.RTPCodecParameters{}, webrtc.ErrUnsupportedCodec
}

// Unbind implements webrtc.TrackLocal.
func (m *Mic) Unbind(webrtc.TrackLocalContext) error {
	m.writer.Lock()
	defer m.writer.Unlock()
	m.writer.w = nil
	return nil
}

// ID implements webrtc.TrackLocal.
func (m *Mic) ID() string { return m.id }

// RID implements webrtc.TrackLocal.
func (m *Mic) RID() string { return "" }

// StreamID implements webrtc.TrackLocal.
func (m *Mic) StreamID() string { return "mic" }

// Kind implements webrtc.TrackLocal.
func (m *Mic) Kind() webrtc.RTPCodecType { return webrtc.RTPCodecTypeAudio }
