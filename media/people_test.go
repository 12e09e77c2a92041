package media_test

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"ramal/internal/fault"
	"ramal/internal/id"
	"ramal/media"
	"ramal/media/mediatest"
)

func speakers(list []media.Slot) []id.Leg {
	var who []id.Leg
	for _, s := range list {
		who = append(who, s.Speaker)
	}
	return who
}

func TestSlotsFollowPeople(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.ring("contact")
	luis, answer := s.join("luis", 3)
	if got := speakers(answer.Slots); !slices.Equal(got, []id.Leg{"contact", "", ""}) {
		t.Errorf("luis joins and hears %v", got)
	}
	_, answer = s.join("fernando", 3)
	if got := speakers(answer.Slots); !slices.Equal(got, []id.Leg{"contact", "luis", ""}) {
		t.Errorf("fernando joins and hears %v", got)
	}
	changed := func(want ...id.Leg) {
		t.Helper()
		s.await("a change of luis's slots", func(f media.Fact) bool {
			c, ok := f.(media.SlotsChanged)
			return ok && c.Leg == "luis" && slices.Equal(speakers(c.Slots), want)
		})
		if got := speakers(s.conf.Slots("luis")); !slices.Equal(got, want) {
			t.Errorf("luis's slots are %v, told %v", got, want)
		}
	}
	changed("contact", "fernando", "")
	ana, _ := s.join("ana", 3)
	changed("contact", "fernando", "ana")
	s.conf.Remove("fernando")
	changed("contact", "", "ana")
	bia, _ := s.join("bia", 3)
	changed("contact", "bia", "ana")

	// The slot that was fernando's now carries bia, on the same m-line and without renegotiation.
	s.connected("luis")
	s.connected("bia")
	s.connected("ana")
	bia.Mic.Speak(fernandoHz, loud)
	ana.Mic.Speak(luisHz, loud)
	s.hears("luis, bia's slot", s.ear(luis, "1"), tones, fernandoHz)
	s.hears("luis, ana's slot", s.ear(luis, "2"), tones, luisHz)
}

// Two speakers after one another on one slot are one continuous stream to the browser.
func TestSlotIsOneStream(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	luis, _ := s.join("luis", 1)
	ana, _ := s.join("ana", 1)
	ana.Mic.Speak(luisHz, loud)
	s.hears("luis, from ana", s.ear(luis, "0"), tones, luisHz)
	s.conf.Remove("ana")
	bia, _ := s.join("bia", 1)
	bia.Mic.Speak(fernandoHz, loud)
	s.hears("luis, from bia", s.ear(luis, "0"), tones, fernandoHz)

	heard := s.ear(luis, "0").Packets()
	slices.SortFunc(heard, func(a, b mediatest.Heard) int { return int(int16(a.Seq - b.Seq)) })
	for i := 1; i < len(heard); i++ {
		if heard[i].SSRC != heard[0].SSRC {
			t.Fatalf("packet %d has another source", i)
		}
		if step := heard[i].Seq - heard[i-1].Seq; step > 5 { // a few may be lost on a busy machine
			t.Errorf("packet %d: sequence leaps by %d", i, step)
		}
		if step := int32(heard[i].TS - heard[i-1].TS); step <= 0 {
			t.Errorf("packet %d: timestamp goes back by %d", i, -step)
		}
	}
}

func TestReplacedBrowser(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	phone := s.ring("contact")
	fernando, _ := s.join("fernando", 3)
	first, _ := s.join("luis", 3)
	s.connected("contact")
	s.connected("fernando")
	s.connected("luis")
	s.speakBothWays(phone, first)
	s.must(s.conf.SetGain("contact", "luis", 0.5))

	second, _ := s.join("luis", 3) // a reload: the old page is still there
	second.Mic.Speak(fernandoHz, loud)
	s.hears("luis, on the new page", s.ear(second, s.midOf("luis", "contact")), tones, contactHz)
	s.hears("contact", s.ear(phone, ""), tones, fernandoHz)
	s.hears("fernando, luis's slot", s.ear(fernando, s.midOf("fernando", "luis")), tones, fernandoHz)
	if n := s.engine.Stats().Legs; n != 3 {
		t.Errorf("%d legs", n)
	}
	for _, f := range s.told() {
		if f, ok := f.(media.Failed); ok {
			t.Errorf("told %+v of a connection that was replaced", f)
		}
	}
}

func TestConferenceIsFull(t *testing.T) {
	t.Parallel()
	s := newStage(t, func(c *media.Config) { c.MaxParticipants = 2 })
	s.ring("contact")
	s.join("luis", 1)
	_, offer := s.browser(1, false)
	if _, err := s.conf.AnswerAgent(s.ctx, "fernando", offer); !fault.Is(err, fault.Exhausted) {
		t.Errorf("a third of two: %v", err)
	}
	if _, err := s.conf.AnswerAgent(s.ctx, "contact", offer); !fault.Is(err, fault.Conflict) {
		t.Errorf("a browser as the contact's leg: %v", err)
	}
	s.conf.Remove("luis")
	if _, err := s.conf.AnswerAgent(s.ctx, "fernando", offer); err != nil {
		t.Errorf("a second after one has left: %v", err)
	}
}

func TestDigits(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	phone := s.ring("contact")
	s.connected("contact")
	phone.Mic.Speak(contactHz, loud)
	s.must(s.conf.OpenAudio("contact"))
	s.await("speech", func(f media.Fact) bool { return f == media.FirstMedia{Leg: "contact", At: at(f)} })
	for _, key := range []byte("5#") {
		phone.Mic.Press(key)
		s.await("key "+string(key), func(f media.Fact) bool {
			return f == media.Digit{Leg: "contact", Digit: key, DurationMS: 100}
		})
	}
	digits := 0
	for _, f := range s.told() {
		if reflect.TypeOf(f) == reflect.TypeFor[media.Digit]() {
			digits++
		}
	}
	if digits != 2 {
		t.Errorf("%d keys were told, 2 pressed", digits)
	}
}

func at(f media.Fact) (t time.Time) {
	if m, ok := f.(media.FirstMedia); ok {
		return m.At
	}
	return t
}
