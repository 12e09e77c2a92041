package media_test

import (
	"strings"
	"testing"
	"time"

	"ramal/internal/fault"
	"ramal/media"
)

func TestInterruptedIsNotFailed(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	phone := s.ring("contact")
	luis, _ := s.join("luis", 2)
	s.connected("contact")
	s.connected("luis")
	s.speakBothWays(phone, luis)

	luis.Unplug(true)
	s.await("luis interrupted", func(f media.Fact) bool { return f == media.Interrupted{Leg: "luis"} })
	s.hears("contact, meanwhile", s.ear(phone, ""), tones) // silence, but packets
	luis.Unplug(false)
	s.await("luis resumed", func(f media.Fact) bool { return f == media.Resumed{Leg: "luis"} })
	s.hears("contact, again", s.ear(phone, ""), tones, luisHz)

	luis.Unplug(true)
	s.await("luis failed", func(f media.Fact) bool { return f == media.Failed{Leg: "luis", Reason: media.PathLost} })
	s.must(s.ear(phone, "").AwaitPackets(s.ctx, 10))
	back, _ := s.join("luis", 2)
	back.Mic.Speak(luisHz, loud)
	s.hears("contact, from the new page", s.ear(phone, ""), tones, luisHz)
}

func TestPeerThatClosesIsTold(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	luis, _ := s.join("luis", 1)
	s.connected("luis")
	s.must(luis.AwaitConnected(s.ctx))
	luis.Close()
	s.await("luis closed", func(f media.Fact) bool { return f == media.Failed{Leg: "luis", Reason: media.ClosedByPeer} })
}

func TestSpeakingIsTold(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	luis, _ := s.join("luis", 1)
	s.connected("luis")
	luis.Mic.Speak(luisHz, loud)
	s.await("luis speaks", func(f media.Fact) bool { return f == media.Speaking{Leg: "luis", On: true} })
	luis.Mic.Hush()
	s.await("luis is silent", func(f media.Fact) bool { return f == media.Speaking{Leg: "luis", On: false} })
}

// A call that does not take its facts must not cost anybody a packet.
func TestSlowReceiverOfFacts(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	release := make(chan struct{})
	called := make(chan struct{}, 1)
	conf := s.engine.Open("call_2", func(media.Fact) {
		select {
		case called <- struct{}{}:
		default:
		}
		<-release
	})
	defer close(release)
	s.conf, conf = conf, s.conf
	defer conf.Close()
	phone := s.ring("contact")
	luis, _ := s.join("luis", 2)
	<-called // the receiver is stuck from here on
	luis.Mic.Speak(luisHz, loud)
	s.must(s.conf.OpenAudio("contact"))
	s.hears("contact", s.ear(phone, ""), tones, luisHz)
	for range 300 {
		s.conf.Remove("ghost")
		s.must(s.conf.SetMuted("luis", false))
	}
	s.must(s.ear(phone, "").AwaitPackets(s.ctx, 25))
}

func TestClosedIsClosed(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.ring("contact")
	s.connected("contact")
	stats := s.engine.Stats()
	if stats.Conferences != 1 || stats.Legs != 1 {
		t.Errorf("%d conferences with %d legs", stats.Conferences, stats.Legs)
	}
	s.conf.Close()
	s.conf.Close()
	told := len(s.told())
	if err := s.conf.OpenAudio("contact"); !fault.Is(err, fault.NotFound) {
		t.Errorf("opening a closed conference's leg: %v", err)
	}
	if _, err := s.conf.OfferContact(s.ctx, "contact"); !fault.Is(err, fault.Conflict) {
		t.Errorf("offering in a closed conference: %v", err)
	}
	if err := s.conf.SetGain("a", "b", 1); !fault.Is(err, fault.Conflict) {
		t.Errorf("a gain in a closed conference: %v", err)
	}
	s.conf.Remove("contact")
	if stats := s.engine.Stats(); stats.Conferences != 0 || stats.Legs != 0 {
		t.Errorf("%d conferences with %d legs are left", stats.Conferences, stats.Legs)
	}
	s.must(s.engine.Close())
	s.must(s.engine.Close())
	late := s.engine.Open("call_9", s.tell)
	if _, err := late.OfferContact(s.ctx, "contact"); !fault.Is(err, fault.Conflict) {
		t.Errorf("a conference of a closed engine: %v", err)
	}
	late.Close()
	if len(s.told()) != told {
		t.Errorf("told after Close: %+v", s.told()[told:])
	}
}

// Everything at once, from everywhere: nothing deadlocks, and Close still returns with nothing left (goleak).
func TestManyCommandsAtOnce(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.ring("contact")
	s.must(s.conf.OpenAudio("contact"))
	_, offer := s.browser(2, false)
	done := make(chan struct{})
	const rounds = 20
	for _, work := range []func(){
		func() { _, _ = s.conf.AnswerAgent(s.ctx, "luis", offer) },
		func() { s.conf.Remove("luis") },
		func() { _ = s.conf.SetMuted("luis", true) },
		func() { _ = s.conf.SetGain("contact", "luis", 0.5); s.conf.Slots("luis"); s.engine.Stats() },
	} {
		go func() {
			for range rounds {
				work()
			}
			done <- struct{}{}
		}()
	}
	for range 4 {
		select {
		case <-done:
		case <-time.After(15 * time.Second):
			t.Fatal("commands wait for each other")
		}
	}
	s.conf.Remove("luis")
	if n := s.engine.Stats().Legs; n != 1 {
		t.Errorf("%d legs are left", n)
	}
}

func TestConfigFaultsAreAllReported(t *testing.T) {
	t.Parallel()
	_, err := media.New(media.Config{UDPAddr: "nowhere", PublicIPs: []string{"300.1.1.1"}, AgentSlots: 99, Complexity: 11})
	if !fault.Is(err, fault.Invalid) {
		t.Fatalf("%v", err)
	}
	for _, word := range []string{"udp address", "public ip", "agent slots", "complexity"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q is not in %q", word, err)
		}
	}
}

func TestPublicAddressIsAdvertised(t *testing.T) {
	t.Parallel()
	s := newStage(t, func(c *media.Config) { c.PublicIPs = []string{"198.51.100.7"} })
	offer, err := s.conf.OfferContact(s.ctx, "contact")
	s.must(err)
	wantLines(t, offer, map[string]int{`a=candidate:.* 198\.51\.100\.7 \d+ typ host.*`: 1, `a=candidate:.*`: 1})
}
