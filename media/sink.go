package media

import (
	"math/rand/v2"
	"sync"
	"time"

	"github.com/pion/rtp"

	"ramal/media/munge"
)

// sink is one receive slot of a browser: the packets of the speaker it is given to, one at a time, as one
// continuous stream. Any speaker's reader goroutine may call forward; the lock serialises them.
type sink struct {
	track *track
	count *counters

	mu struct {
		sync.Mutex
		speaker *leg
		rewrite *munge.Rewriter
		header  rtp.Header
	}
}

func newSink(t *track, count *counters) *sink {
	s := &sink{track: t, count: count}
	s.mu.rewrite = munge.New(uint16(rand.Uint32()), rand.Uint32()) // RFC 3550 section 5.1: random beginnings
	return s
}

// assign gives the slot to a speaker, or to nobody. A change of speaker, also from nobody, begins a new source.
func (s *sink) assign(speaker *leg) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.speaker != speaker {
		s.mu.speaker = speaker
		s.mu.rewrite.Cut()
	}
}

// forward passes a packet of from on, if the slot is still its.
func (s *sink) forward(from *leg, in munge.Header, payload []byte, now time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.speaker != from {
		s.count.drop(DropStale)
		return
	}
	out, ok := s.mu.rewrite.Next(in, now)
	if !ok {
		s.count.drop(DropStale)
		return
	}
	h := &s.mu.header
	h.SequenceNumber, h.Timestamp, h.Marker = out.Seq, out.TS, out.Marker
	sent, err := s.track.write(h, payload)
	if err != nil {
		s.count.drop(DropSend)
	}
	if sent {
		s.count.out.Add(1)
		s.count.forwarded.Add(1)
	}
}
