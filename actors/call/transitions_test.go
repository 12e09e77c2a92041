package call

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"ramal/actors/coretest"
	"ramal/internal/fault"
	"ramal/internal/id"
)

// t0 is the present of every table test.
var t0 = coretest.T0

func dial() Dial {
	return Dial{
		Tenant: "farmacia", Call: "call_1", Line: "line_1", Contact: "ct_ana", ContactLeg: "leg_c",
		Agent: "luis", Name: "Luis", Leg: "leg_luis", SDP: "offer", Policy: DefaultPolicy(),
	}
}

func incoming() Incoming {
	return Incoming{
		Tenant: "farmacia", Call: "call_1", Line: "line_1", Contact: "ct_ana", ContactLeg: "leg_c",
		ProviderID: "wacid.1", SDP: "offer", Policy: DefaultPolicy(),
	}
}

func refused() Incoming {
	in := incoming()
	in.Refuse = OutOfHours
	return in
}

func candidate(name string) Candidate {
	return Candidate{Agent: id.Agent(name), Name: name, Reason: "order_owner", Offer: id.Offer("of_" + name), Leg: id.Leg("leg_" + name)}
}

func invite(name string) Invite { return Invite{By: "luis", Who: candidate(name)} }

// at is a command that arrives some seconds after t0.
type at struct {
	s   int
	cmd Command
}

// given folds a history that must be free of refusals.
func given(t testing.TB, history ...at) State {
	t.Helper()
	var s State
	for _, h := range history {
		evs, err := Decide(s, h.cmd, t0.Add(time.Duration(h.s)*time.Second))
		if err != nil {
			t.Fatalf("%s at %d s: %v", CommandName(h.cmd), h.s, err)
		}
		s = fold(s, evs)
	}
	return s
}

type named struct {
	name string
	s    State
}

// states are the situations the matrix enumerates: every phase, and every variety of offers and legs within it.
func states(t testing.TB) []named {
	found := func(stage Stage, names ...string) CandidatesFound {
		c := CandidatesFound{Stage: stage}
		for _, n := range names {
			c.Agents = append(c.Agents, candidate(n))
		}
		return c
	}
	outbound := []at{{0, dial()}}
	dialed := append(outbound, at{1, ProviderDialed{"wacid.1"}})
	ringing := append(dialed, at{1, ProviderConnected{"wacid.1", "answer"}}, at{2, ProviderRang{t0}})
	active := append(slices.Clip(ringing), at{5, ProviderAnswered{t0.Add(5 * time.Second)}}, at{5, LegUp{"leg_luis"}})
	inbound := []at{{0, incoming()}}
	offering := append(inbound, at{0, PreAccepted{}}, at{0, found(Related, "luis", "fernando")})
	taken := append(slices.Clip(offering), at{4, Accept{"luis", "of_luis", "offer"}})
	inActive := append(slices.Clip(taken), at{5, AcceptTaken{}}, at{5, LegUp{"leg_luis"}})
	ask := at{6, invite("fernando")}
	three := append(slices.Clip(inActive), ask, at{7, Accept{"fernando", "of_fernando", "offer"}})
	list := []struct {
		name    string
		history []at
	}{
		{"unborn", nil},
		{"dialing", outbound},
		{"dialing, provider took it", dialed},
		{"ringing", ringing},
		{"active outbound", active},
		{"active outbound, agent's media away", append(slices.Clip(active), at{6, LegAway{Leg: "leg_luis"}})},
		{"active outbound, the customer's media said goodbye", append(slices.Clip(active), at{8, LegAway{Leg: "leg_c", Failed: true, Closed: true}})},
		{"ended outbound", append(slices.Clip(active), at{9, End{"luis"}})},
		{"ended before the dial's outcome", append(outbound[:1:1], at{1, Leave{"luis"}})},
		{"offering, nobody asked yet", inbound},
		{"offering to related", offering},
		{"offering to everyone, one declined", append(slices.Clip(offering), at{2, Decline{"luis", "of_luis"}}, at{3, Decline{"fernando", "of_fernando"}})},
		{"connecting, early answer known", taken},
		{"connecting, early answer in flight", append(inbound[:1:1], at{0, found(Related, "luis")}, at{4, Accept{"luis", "of_luis", "offer"}})},
		{"active inbound", inActive},
		{"active, colleague asked", append(slices.Clip(inActive), ask)},
		{"active with colleague", three},
		{"ended inbound", append(slices.Clip(three), at{9, ProviderEnded{At: t0.Add(9 * time.Second)}})},
		{"missed inbound", append(slices.Clip(offering), at{25, Wake{}})},
	}
	out := make([]named, 0, len(list))
	for _, l := range list {
		out = append(out, named{l.name, given(t, l.history...)})
	}
	return out
}

// inputs hold every command at least once, most also in the form that does not fit.
func inputs() []Command {
	return []Command{
		dial(), incoming(), refused(), ProviderDialed{"wacid.1"}, ProviderDialFailed{PermissionDenied, "138006"}, ProviderConnected{"wacid.1", "answer"},
		ProviderRang{t0}, ProviderAnswered{t0.Add(8 * time.Second)}, ProviderRejected{}, ProviderEnded{At: t0}, ProviderEnded{At: t0, Failed: true, Detail: "138021"},
		PreAccepted{}, AcceptTaken{}, AcceptFailed{Gone: true}, AcceptFailed{Detail: "138007"},
		CandidatesFound{Stage: Related, Agents: []Candidate{candidate("luis"), candidate("bia")}}, CandidatesFound{Stage: Everyone, Agents: []Candidate{candidate("luis"), candidate("bia")}},
		CandidatesFound{Stage: Related}, OfferRefused{"of_luis", "agent_busy"}, OfferRefused{"of_fernando", "agent_offline"}, Accept{"luis", "of_luis", "offer"}, Accept{"fernando", "of_fernando", "offer"},
		Decline{"luis", "of_luis"}, Decline{"fernando", "of_fernando"}, Attach{"luis", "offer"}, Attach{"bia", "offer"}, invite("fernando"), invite("bia"),
		CancelInvite{"luis", "fernando"}, Leave{"luis"}, Leave{"fernando"}, Leave{"bia"}, End{"luis"}, End{"bia"}, SetMuted{"luis", true}, SetMuted{"luis", false}, SetMuted{"bia", true},
		SetGain{"luis", "leg_c", 0.5}, SetGain{"luis", "leg_c", 1}, SetGain{"luis", "leg_c", 2.1}, SetGain{"luis", "leg_luis", 1}, SetGain{"bia", "leg_c", 1},
		AttachFailed{"luis", "leg_luis"}, LegUp{"leg_luis"}, LegUp{"leg_c"}, LegAway{Leg: "leg_luis"}, LegAway{Leg: "leg_c"}, LegAway{Leg: "leg_c", Failed: true}, LegAway{Leg: "leg_c", Failed: true, Closed: true}, FirstMedia{"leg_c", t0.Add(7 * time.Second)}, FirstMedia{"leg_luis", t0},
		Replace{"call_2"}, Lost{}, Wake{},
	}
}

func TestTransitions(t *testing.T) {
	seen := map[string]bool{}
	var b strings.Builder
	for _, st := range states(t) {
		fmt.Fprintf(&b, "## %s\n", st.name)
		for _, cmd := range inputs() {
			seen[CommandName(cmd)] = true
			fmt.Fprintf(&b, "%-60s -> %s\n", short(cmd), outcomeOf(st.s, cmd, t0.Add(10*time.Second)))
		}
		if d := Deadline(st.s); !d.IsZero() {
			fmt.Fprintf(&b, "%-60s -> %s\n", fmt.Sprintf("Wake at the deadline, %v", d.Sub(t0)), outcomeOf(st.s, Wake{}, d))
		}
		b.WriteByte('\n')
	}
	for _, zero := range catalogue.All() {
		if name := CommandName(zero); !seen[name] {
			t.Errorf("the matrix does not try %s", name)
		}
	}
	coretest.Golden(t, "testdata/transitions.golden", b.String())
}

func outcomeOf(s State, cmd Command, now time.Time) string {
	evs, err := Decide(s, cmd, now)
	if err != nil {
		return fmt.Sprintf("refused: %s (%s)", fault.CodeOf(err), fault.KindOf(err))
	}
	if len(evs) == 0 {
		return "nothing"
	}
	var parts []string
	before := s
	for _, ev := range evs {
		after := Evolve(before, ev)
		part := short(ev)
		var effs []string
		for _, eff := range Effects(before, ev, after) {
			effs = append(effs, strings.TrimPrefix(fmt.Sprintf("%T", eff), "call."))
		}
		if len(effs) > 0 {
			part += " ⇒ " + strings.Join(effs, " ")
		}
		parts = append(parts, part)
		before = after
	}
	return strings.Join(parts, "; ") + " | " + string(before.Phase)
}

// short prints a value without what does not matter to the reader of a golden: times and policies.
func short(v any) string {
	raw, _ := json.Marshal(v)
	var m map[string]any
	_ = json.Unmarshal(raw, &m)
	name := strings.TrimPrefix(fmt.Sprintf("%T", v), "call.")
	var words []string
	for _, key := range []string{"stage", "agent", "offer", "who", "agents", "leg", "listener", "speaker", "gain", "muted", "reason", "refuse", "detail", "by", "failed", "closed", "gone", "hangup", "source", "provider_id"} {
		switch x := m[key].(type) {
		case nil:
		case map[string]any:
			words = append(words, fmt.Sprint(x["agent"]))
		case []any:
			for _, e := range x {
				words = append(words, fmt.Sprint(e.(map[string]any)["agent"]))
			}
		default:
			if s := fmt.Sprint(x); s != "" && s != "<nil>" {
				words = append(words, s)
			}
		}
	}
	if len(words) == 0 {
		return name
	}
	return name + "(" + strings.Join(words, " ") + ")"
}
