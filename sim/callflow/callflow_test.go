package callflow

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "rewrite the golden file")

var (
	start  = time.Unix(1795950000, 0).UTC()
	params = Params{
		AcceptWindow: 30 * time.Second, AnswerDelay: time.Second, RingDelay: time.Second, RingTimeout: 45 * time.Second,
		FirstMedia: 20 * time.Second, MidMedia: 30 * time.Second, PickupOnMedia: true,
	}
)

type named struct {
	name string
	s    State
}

func run(t *testing.T, s State, steps ...any) State {
	t.Helper()
	now := start
	for _, step := range steps {
		switch v := step.(type) {
		case time.Duration:
			now = now.Add(v)
		case Command:
			evs, err := Decide(s, v, now)
			if err != nil {
				t.Fatalf("%T: %v", v, err)
			}
			for _, ev := range evs {
				s = Evolve(s, ev)
			}
		}
	}
	return s
}

// states lists every distinguishable state.
func states(t *testing.T) []named {
	uic, bic := NewUIC(params, start), NewBIC(params, start)
	return []named{
		{"uic ringing", uic},
		{"uic pre_accepted", run(t, uic, PreAccept{"sdp"})},
		{"uic picked up by media", run(t, uic, PreAccept{"sdp"}, Media{})},
		{"uic accepted", run(t, uic, PreAccept{"sdp"}, Accept{"sdp"})},
		{"uic completed", run(t, uic, Accept{"sdp"}, UserEnd{})},
		{"uic cancelled", run(t, uic, UserEnd{})},
		{"uic rejected", run(t, uic, Reject{})},
		{"uic timed out", run(t, uic, 30*time.Second, Wake{})},
		{"bic dialing", bic},
		{"bic answered", run(t, bic, time.Second, Wake{})},
		{"bic ringing", run(t, bic, time.Second, Wake{}, time.Second, Wake{})},
		{"bic accepted", run(t, bic, time.Second, Wake{}, time.Second, Wake{}, UserAccept{})},
		{"bic completed", run(t, bic, time.Second, Wake{}, time.Second, Wake{}, UserAccept{}, Terminate{})},
		{"bic declined", run(t, bic, time.Second, Wake{}, time.Second, Wake{}, UserEnd{})},
		{"bic cancelled", run(t, bic, Terminate{})},
	}
}

func commands() []Command {
	return []Command{PreAccept{"sdp"}, Accept{"sdp"}, Accept{"other"}, Reject{}, Terminate{}, UserAccept{}, UserEnd{}, Fail{138019}, Media{}, Wake{}}
}

func label(cmd Command) string {
	name := strings.TrimPrefix(fmt.Sprintf("%T", cmd), "callflow.")
	if a, ok := cmd.(Accept); ok {
		return name + " " + a.SDP
	}
	return name
}

func describe(evs []Event, err error) string {
	if r, ok := errors.AsType[*RefusedError](err); ok {
		return "refused: " + string(r.Reason)
	}
	var out []string
	for _, ev := range evs {
		text := strings.TrimPrefix(fmt.Sprintf("%T", ev), "callflow.")
		if e, ok := ev.(HasEnded); ok {
			text += fmt.Sprintf("(%s by %s", e.Outcome, e.By)
			if e.Code != 0 {
				text += fmt.Sprintf(", %d", e.Code)
			}
			text += ")"
		}
		out = append(out, text)
	}
	if len(out) == 0 {
		return "-"
	}
	return strings.Join(out, ", ")
}

func TestTransitions(t *testing.T) {
	var b strings.Builder
	for _, st := range states(t) {
		fmt.Fprintf(&b, "%s\n", st.name)
		late := start.Add(time.Hour) // every deadline has passed
		for _, cmd := range commands() {
			evs, err := Decide(st.s, cmd, late)
			fmt.Fprintf(&b, "  %-14s %s\n", label(cmd), describe(evs, err))
		}
	}
	const golden = "testdata/transitions.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != b.String() {
		t.Errorf("transitions changed; run with -update and review the difference\n%s", b.String())
	}
}

func TestMediaWatchdog(t *testing.T) {
	s := run(t, NewUIC(params, start), Accept{"sdp"})
	for _, c := range []struct {
		name string
		now  time.Duration
		last time.Duration // since start, 0 = never
		want string
	}{
		{"nothing yet, early", 19 * time.Second, 0, "-"},
		{"nothing for 20 s", 20 * time.Second, 0, "HasEnded(failed by service, 138021)"},
		{"came in time", 20 * time.Second, 15 * time.Second, "MediaKept"},
		{"paused 29 s", 44 * time.Second, 15 * time.Second, "MediaKept"},
		{"paused 30 s", 45 * time.Second, 15 * time.Second, "HasEnded(failed by service, 138021)"},
	} {
		w := Wake{}
		if c.last > 0 {
			w.LastMedia = start.Add(c.last)
		}
		if got := describe(Decide(s, w, start.Add(c.now))); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// Whatever is commanded: a call ends once, nothing follows the end, accept happens at most once, times do not go back.
func TestInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := NewUIC(params, start)
		if rapid.Bool().Draw(t, "bic") {
			p := params
			p.Unreachable = rapid.Bool().Draw(t, "unreachable")
			s = NewBIC(p, start)
		}
		now, accepts, ends := start, 0, 0
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 20000).Draw(t, "gap")) * time.Millisecond)
			cmd := rapid.SampledFrom(commands()).Draw(t, "command")
			evs, err := Decide(s, cmd, now)
			if ends > 0 && len(evs) > 0 {
				t.Fatalf("%v after the end", evs)
			}
			if err != nil && len(evs) > 0 {
				t.Fatal("events beside a refusal")
			}
			for _, ev := range evs {
				s = Evolve(s, ev)
				switch ev.(type) {
				case WasAccepted:
					accepts++
				case HasEnded:
					ends++
				case WasPreAccepted, WasAnswered, Rang, PickedUp, MediaKept:
				}
			}
			if s.Live() == s.Deadline.IsZero() {
				t.Fatalf("phase %s with deadline %v", s.Phase, s.Deadline)
			}
		}
		if accepts > 1 || ends > 1 {
			t.Fatalf("%d accepts, %d ends", accepts, ends)
		}
		if !s.EndedAt.IsZero() && s.EndedAt.Before(s.AcceptedAt) {
			t.Fatal("ended before it was accepted")
		}
	})
}
