package agentclient

import (
	"fmt"
	"sync"
	"time"

	"github.com/thesyncim/gopus"
)

const (
	ring    = 256 // packets an Ear keeps: about 5 s
	warm    = 5   // packets decoded before a window, so that the decoder has settled
	settled = 3 * frameSamples
)

type heard struct {
	at      time.Time
	ts      uint32
	payload []byte
}

// Ear keeps what came on one receiving track as packets, and decodes only what is asked for. It is safe for concurrent
// use; the goroutine that reads the track writes it.
type Ear struct {
	mu struct {
		sync.Mutex
		ring    [ring]heard
		count   int
		first   time.Time
		sound   time.Time
		watch   *gopus.Decoder // until the first sound
		scratch []float32
	}
}

func newEar() (*Ear, error) {
	dec, err := newDecoder()
	if err != nil {
		return nil, err
	}
	e := &Ear{}
	e.mu.watch, e.mu.scratch = dec, make([]float32, maxDecode)
	return e, nil
}

func newDecoder() (*gopus.Decoder, error) {
	dec, err := gopus.NewDecoder(gopus.DecoderConfig{SampleRate: Rate, Channels: 1, MaxPacketSamples: maxDecode})
	if err != nil {
		return nil, fmt.Errorf("agentclient: decoder: %w", err)
	}
	return dec, nil
}

func (e *Ear) hear(at time.Time, ts uint32, payload []byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	slot := &e.mu.ring[e.mu.count%ring]
	slot.at, slot.ts, slot.payload = at, ts, append(slot.payload[:0], payload...)
	e.mu.count++
	if e.mu.first.IsZero() {
		e.mu.first = at
	}
	if e.mu.watch == nil {
		return
	}
	if n, err := e.mu.watch.Decode(payload, e.mu.scratch); err == nil && rms(e.mu.scratch[:n]) > audible {
		e.mu.sound, e.mu.watch, e.mu.scratch = at, nil, nil
	}
}

// Packets returns how many packets have come.
func (e *Ear) Packets() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.mu.count
}

// First returns when the first packet came, zero if none did.
func (e *Ear) First() time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.mu.first
}

// FirstSound returns when the first packet louder than silence came, zero if none did.
func (e *Ear) FirstSound() time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.mu.sound
}

// Window returns what was heard in the span before now, at most 4 s; where nothing came it is silent.
func (e *Ear) Window(span time.Duration) ([]float32, error) {
	now := time.Now()
	from := now.Add(-span)
	packets := e.since(from.Add(-warm * 20 * time.Millisecond))
	out := make([]float32, int(span.Seconds()*Rate))
	if len(packets) == 0 {
		return out, nil
	}
	dec, err := newDecoder()
	if err != nil {
		return nil, err
	}
	pcm := make([]float32, maxDecode)
	place, anchor := 0, uint32(0)
	for i, p := range packets {
		n, err := dec.Decode(p.payload, pcm)
		if err != nil {
			continue // a broken packet is a gap
		}
		arrived := int(p.at.Sub(from).Seconds() * Rate)
		at := place + int(int32(p.ts-anchor))/(48000/Rate)
		if off := at - arrived; i == 0 || off > settled || off < -settled { // a jump of the time line
			place, anchor, at = arrived, p.ts, arrived
		}
		for j, v := range pcm[:n] {
			if k := at + j; k >= 0 && k < len(out) {
				out[k] = v
			}
		}
	}
	return out, nil
}

// since returns copies of the kept packets that came after t, oldest first.
func (e *Ear) since(t time.Time) []heard {
	e.mu.Lock()
	defer e.mu.Unlock()
	var out []heard
	for i := max(0, e.mu.count-ring); i < e.mu.count; i++ {
		if h := e.mu.ring[i%ring]; h.at.After(t) {
			h.payload = append([]byte(nil), h.payload...)
			out = append(out, h)
		}
	}
	return out
}
