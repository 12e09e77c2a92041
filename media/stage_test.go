package media_test

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"ramal/internal/id"
	"ramal/media"
	"ramal/media/mediatest"
)

// stage is an engine, one conference and what it tells.
type stage struct {
	t      *testing.T
	ctx    context.Context
	engine *media.Engine
	conf   *media.Conference

	mu      sync.Mutex
	facts   []media.Fact
	changed chan struct{}
}

func newStage(t *testing.T, adjust ...func(*media.Config)) *stage {
	t.Helper()
	cfg := media.Config{
		UDPAddr: "127.0.0.1:0", Logger: slog.New(slog.DiscardHandler), KeepAlive: 200 * time.Millisecond,
		DisconnectedAfter: 600 * time.Millisecond, FailedAfter: 2 * time.Second,
	}
	for _, f := range adjust {
		f(&cfg)
	}
	engine, err := media.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	s := &stage{t: t, ctx: ctx, engine: engine, changed: make(chan struct{})}
	t.Cleanup(func() {
		cancel()
		if err := engine.Close(); err != nil {
			t.Errorf("closing the engine: %v", err)
		}
	})
	s.conf = engine.Open("call_1", s.tell)
	return s
}

func (s *stage) tell(f media.Fact) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.facts = append(s.facts, f)
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *stage) told() []media.Fact {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.facts)
}

// await waits for a fact that ok approves of, past ones included.
func (s *stage) await(what string, ok func(media.Fact) bool) media.Fact {
	s.t.Helper()
	for {
		s.mu.Lock()
		i := slices.IndexFunc(s.facts, ok)
		changed := s.changed
		var f media.Fact
		if i >= 0 {
			f = s.facts[i]
		}
		s.mu.Unlock()
		if f != nil {
			return f
		}
		select {
		case <-changed:
		case <-s.ctx.Done():
			s.t.Fatalf("never told: %s; told: %+v", what, s.told())
		}
	}
}

func (s *stage) connected(leg id.Leg) {
	s.t.Helper()
	s.await("connected "+string(leg), func(f media.Fact) bool { return f == media.Connected{Leg: leg} })
}

func (s *stage) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// dial connects a phone to an offer of ours.
func (s *stage) dial(leg id.Leg, role string) *mediatest.Peer {
	s.t.Helper()
	phone := s.phone(role)
	offer, err := s.conf.OfferContact(s.ctx, leg)
	s.must(err)
	answer, err := phone.Answer(s.ctx, offer)
	s.must(err)
	s.must(s.conf.AnswerOfContact(s.ctx, leg, answer))
	return phone
}

// ring connects a phone by an offer of its own.
func (s *stage) ring(leg id.Leg) *mediatest.Peer {
	s.t.Helper()
	phone := s.phone("active")
	offer, err := phone.Offer(s.ctx)
	s.must(err)
	answer, err := s.conf.AnswerContact(s.ctx, leg, offer)
	s.must(err)
	s.must(phone.Answered(answer))
	return phone
}

func (s *stage) phone(role string) *mediatest.Peer {
	s.t.Helper()
	phone, err := mediatest.Phone(role)
	s.must(err)
	s.t.Cleanup(phone.Close)
	return phone
}

// browser makes a browser with the given number of slots, and its offer.
func (s *stage) browser(slots int, listens bool) (*mediatest.Peer, string) {
	s.t.Helper()
	browser, err := mediatest.Browser(slots, listens)
	s.must(err)
	s.t.Cleanup(browser.Close)
	offer, err := browser.Offer(s.ctx)
	s.must(err)
	return browser, offer
}

// join connects a browser with the given number of slots.
func (s *stage) join(leg id.Leg, slots int) (*mediatest.Peer, media.AgentAnswer) {
	s.t.Helper()
	browser, offer := s.browser(slots, false)
	answer, err := s.conf.AnswerAgent(s.ctx, leg, offer)
	s.must(err)
	s.must(browser.Answered(answer.SDP))
	return browser, answer
}

func (s *stage) ear(p *mediatest.Peer, mid string) *mediatest.Ear {
	s.t.Helper()
	ear, err := p.Ear(s.ctx, mid)
	s.must(err)
	return ear
}

// midOf returns the m-line on which listener hears speaker.
func (s *stage) midOf(listener, speaker id.Leg) string {
	s.t.Helper()
	for _, slot := range s.conf.Slots(listener) {
		if slot.Speaker == speaker {
			return slot.Mid
		}
	}
	s.t.Fatalf("%s has no slot for %s: %+v", listener, speaker, s.conf.Slots(listener))
	return ""
}

const (
	present = 0.05  // a tone spoken at 0.2 that arrives
	absent  = 0.004 // one that does not
	span    = 200 * time.Millisecond
)

// hears waits until exactly the wanted of all tones are in what comes.
func (s *stage) hears(what string, ear *mediatest.Ear, all []float64, wanted ...float64) []int16 {
	s.t.Helper()
	pcm, err := ear.Await(s.ctx, span, func(pcm []int16) bool {
		for _, hz := range all {
			level := mediatest.Level(pcm, hz)
			if want := slices.Contains(wanted, hz); want && level < present || !want && level > absent {
				return false
			}
		}
		return true
	})
	if err != nil {
		levels := map[float64]float64{}
		for _, hz := range all {
			levels[hz] = mediatest.Level(pcm, hz)
		}
		s.t.Fatalf("%s: wanted %v, heard %v in %d samples: %v", what, wanted, levels, len(pcm), err)
	}
	return pcm
}
