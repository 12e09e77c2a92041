package mediatest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"ramal/media/codec"
	"ramal/media/opus"
)

// Heard is one packet as it arrived.
type Heard struct {
	At     time.Time
	Seq    uint16
	TS     uint32
	SSRC   uint32
	Marker bool
}

// Ear decodes one incoming stream and remembers all of it.
type Ear struct {
	decoder *opus.Decoder

	mu      sync.Mutex
	pcm     []int16
	packets []Heard
	changed chan struct{} // closed and replaced at every packet
}

func newEar() (*Ear, error) {
	dec, err := opus.NewDecoder()
	if err != nil {
		return nil, err
	}
	return &Ear{decoder: dec, changed: make(chan struct{})}, nil
}

// listen reads a track until its connection is closed.
func (e *Ear) listen(t *webrtc.TrackRemote) {
	buf := make([]byte, 1500)
	pcm := make([]int16, codec.MaxPCM)
	for {
		n, _, err := t.Read(buf)
		if err != nil {
			return
		}
		var p rtp.Packet
		if p.Unmarshal(buf[:n]) != nil {
			continue
		}
		m, err := e.decoder.Decode(p.Payload, pcm)
		if err != nil {
			continue
		}
		e.mu.Lock()
		e.pcm = append(e.pcm, pcm[:m]...)
		e.packets = append(e.packets, Heard{time.Now(), p.SequenceNumber, p.Timestamp, p.SSRC, p.Marker})
		close(e.changed)
		e.changed = make(chan struct{})
		e.mu.Unlock()
	}
}

// Packets returns every packet so far.
func (e *Ear) Packets() []Heard {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.packets)
}

// Count returns how many packets have come so far.
func (e *Ear) Count() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.packets)
}

// AwaitPackets waits until n more packets have come.
func (e *Ear) AwaitPackets(ctx context.Context, n int) error {
	want := e.Count() + n
	for {
		e.mu.Lock()
		have, changed := len(e.packets), e.changed
		e.mu.Unlock()
		if have >= want {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("heard %d of %d packets: %w", n-want+have, n, ctx.Err())
		}
	}
}

// Await listens from now on until ok approves of the last span of what was heard, and returns that span. Nothing
// heard before the call counts.
func (e *Ear) Await(ctx context.Context, span time.Duration, ok func(pcm []int16) bool) ([]int16, error) {
	samples := int(span.Milliseconds()) * codec.SampleRate / 1000
	e.mu.Lock()
	start := len(e.pcm)
	e.mu.Unlock()
	for {
		e.mu.Lock()
		var last []int16
		if len(e.pcm)-start >= samples {
			last = slices.Clone(e.pcm[len(e.pcm)-samples:])
		}
		changed := e.changed
		e.mu.Unlock()
		if last != nil && ok(last) {
			return last, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return last, ctx.Err()
		}
	}
}
