package media_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"ramal/media"
	"ramal/media/codec"
	"ramal/media/mediatest"
)

// Every party speaks its own tone.
const (
	contactHz, luisHz, fernandoHz = 400.0, 700.0, 1100.0
	loud                          = 0.2
)

var tones = []float64{contactHz, luisHz, fernandoHz}

func TestEachHearsTheOthersAndNotItself(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	phone := s.ring("contact")
	luis, _ := s.join("luis", 7)
	fernando, _ := s.join("fernando", 7)
	s.connected("contact")
	s.connected("luis")
	s.connected("fernando")
	phone.Mic.Speak(contactHz, loud)
	luis.Mic.Speak(luisHz, loud)
	fernando.Mic.Speak(fernandoHz, loud)
	s.must(s.conf.OpenAudio("contact"))

	s.hears("contact", s.ear(phone, ""), tones, luisHz, fernandoHz)
	s.hears("luis, contact's slot", s.ear(luis, s.midOf("luis", "contact")), tones, contactHz)
	s.hears("luis, fernando's slot", s.ear(luis, s.midOf("luis", "fernando")), tones, fernandoHz)
	s.hears("fernando, contact's slot", s.ear(fernando, s.midOf("fernando", "contact")), tones, contactHz)
	s.hears("fernando, luis's slot", s.ear(fernando, s.midOf("fernando", "luis")), tones, luisHz)

	t.Run("a muted microphone is heard by nobody", func(t *testing.T) {
		s.t = t
		s.must(s.conf.SetMuted("fernando", true))
		s.hears("contact", s.ear(phone, ""), tones, luisHz)
		s.still(s.ear(luis, s.midOf("luis", "fernando")), s.ear(phone, ""))
		s.must(s.conf.SetMuted("fernando", false))
		s.hears("contact", s.ear(phone, ""), tones, luisHz, fernandoHz)
		s.hears("luis", s.ear(luis, s.midOf("luis", "fernando")), tones, fernandoHz)
	})
	t.Run("gain 0 stops one pair only", func(t *testing.T) {
		s.t = t
		s.must(s.conf.SetGain("luis", "contact", 0))
		s.still(s.ear(luis, s.midOf("luis", "contact")), s.ear(phone, ""))
		s.hears("fernando", s.ear(fernando, s.midOf("fernando", "contact")), tones, contactHz)
		s.must(s.conf.SetGain("luis", "contact", 1))
		s.hears("luis", s.ear(luis, s.midOf("luis", "contact")), tones, contactHz)
		s.must(s.conf.SetGain("contact", "fernando", 0))
		s.hears("contact", s.ear(phone, ""), tones, luisHz)
	})
	t.Run("the contact's gains are applied in the mix", func(t *testing.T) {
		s.t = t
		full := s.level(s.ear(phone, ""), luisHz)
		for _, gain := range []float64{0.5, 1.5} {
			s.must(s.conf.SetGain("contact", "luis", gain))
			got := s.level(s.ear(phone, ""), luisHz) / full
			if math.Abs(got-gain) > gain*0.1 {
				t.Errorf("gain %v arrives as %.3f", gain, got)
			}
		}
	})
}

// level returns the level of a tone once it is steady: the median of twelve blocks of 50 ms of which eight agree
// with it. On a busy machine a few may be made up by concealment.
func (s *stage) level(ear *mediatest.Ear, hz float64) (level float64) {
	s.t.Helper()
	const block = codec.SampleRate / 20
	s.must(ear.AwaitPackets(s.ctx, 30)) // more than can be under way from before a change
	_, err := ear.Await(s.ctx, 600*time.Millisecond, func(pcm []int16) bool {
		var blocks []float64
		for b := range slices.Chunk(pcm, block) {
			blocks = append(blocks, mediatest.Level(b, hz))
		}
		slices.Sort(blocks)
		level = blocks[len(blocks)/2]
		agree := 0
		for _, l := range blocks {
			if math.Abs(l-level) < 0.05*level {
				agree++
			}
		}
		return level > 0 && agree >= 8
	})
	s.must(err)
	return level
}

// still checks that nothing comes to an ear while another hears a quarter of a second.
func (s *stage) still(quiet, clock *mediatest.Ear) {
	s.t.Helper()
	s.must(clock.AwaitPackets(s.ctx, 5)) // what was under way has arrived
	before := quiet.Count()
	s.must(clock.AwaitPackets(s.ctx, 12))
	if after := quiet.Count(); after != before {
		s.t.Errorf("%d packets came where nothing should", after-before)
	}
}

func TestNothingLeaksBeforeOpenAudio(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	phone := s.ring("contact")
	luis, _ := s.join("luis", 7)
	fernando, _ := s.join("fernando", 2)
	s.connected("contact")
	s.connected("luis")
	s.connected("fernando")
	luis.Mic.Speak(luisHz, loud)
	phone.Mic.Speak(contactHz, loud)
	s.await("first media of the contact", func(f media.Fact) bool {
		m, ok := f.(media.FirstMedia)
		return ok && m.Leg == "contact" && !m.At.IsZero()
	})
	clock := s.ear(fernando, s.midOf("fernando", "luis"))
	s.must(clock.AwaitPackets(s.ctx, 50)) // a second of call
	if phone.Hears() {
		t.Error("the contact got RTP before OpenAudio")
	}
	if luis.Hears() {
		t.Error("an agent heard the contact before OpenAudio")
	}
	if n := s.engine.Stats().Dropped[media.DropNotOpen]; n < 40 {
		t.Errorf("%d packets of the contact were counted as not open", n)
	}
	s.must(s.conf.OpenAudio("contact"))
	s.hears("contact", s.ear(phone, ""), tones, luisHz)
	s.hears("luis", s.ear(luis, s.midOf("luis", "contact")), tones, contactHz)
}

func TestContactGetsFiftyPacketsASecond(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	phone := s.ring("contact")
	s.connected("contact")
	s.must(s.conf.OpenAudio("contact"))
	ear := s.ear(phone, "")
	luis, _ := s.join("luis", 2)
	s.must(ear.AwaitPackets(s.ctx, 50)) // silence alone
	luis.Mic.Speak(luisHz, loud)
	s.hears("contact", ear, tones, luisHz)
	luis.Mic.Hush() // the browser's media stops altogether
	s.must(ear.AwaitPackets(s.ctx, 60))
	luis.Close()
	s.must(ear.AwaitPackets(s.ctx, 100))

	heard := ear.Packets()
	lost := 0
	for i := 1; i < len(heard); i++ {
		if step := heard[i].Seq - heard[i-1].Seq; step != 1 {
			t.Errorf("packet %d: sequence leaps by %d", i, step)
		}
		step := heard[i].TS - heard[i-1].TS
		if step%960 != 0 || step == 0 {
			t.Errorf("packet %d: timestamp leaps by %d", i, step)
		}
		lost += int(step/960) - 1
		if heard[i].SSRC != heard[0].SSRC {
			t.Errorf("packet %d: another source", i)
		}
	}
	took := heard[len(heard)-1].At.Sub(heard[0].At)
	if took < 3*time.Second {
		t.Fatalf("measured over %v only", took)
	}
	rate := float64(len(heard)-1+lost) / took.Seconds()
	if math.Abs(rate-50) > 1 {
		t.Errorf("%.2f turns a second", rate)
	}
	if skipped := s.engine.Stats().TicksSkipped; lost > int(skipped) { // on a machine that stalls some may be
		t.Errorf("%d of %d turns made no packet, %d were skipped by the clock", lost, len(heard), skipped)
	}
	if pcm, err := ear.Await(s.ctx, span, func(pcm []int16) bool { return mediatest.RMS(pcm) < absent }); err != nil {
		t.Errorf("no silence after the browser has gone: %v", mediatest.RMS(pcm))
	}
}
