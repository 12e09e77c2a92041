package agent

import (
	"iter"
	"testing"

	"ramal/actors/coretest"
)

// t0 is the present of every table test.
var t0 = coretest.T0

var drawn = coretest.Core[State, Command, Event, Effect]{
	Decide: Decide, Evolve: Evolve, Effects: Effects,
	CommandName: CommandName, EventName: EventName, EffectName: Effect.effectName,
	Catalogue: catalogue.All(), ByName: CommandByName, Decode: DecodeCommand,
	States: func(t testing.TB) iter.Seq2[string, State] {
		return coretest.Pairs(states(t), func(n namedState) (string, State) { return n.name, n.s })
	},
	Commands: func() iter.Seq2[string, Command] {
		return coretest.Pairs(commands(), func(n namedCommand) (string, Command) { return n.name, n.cmd })
	},
}

func TestTransitions(t *testing.T)          { drawn.Transitions(t) }
func TestMatrixIsComplete(t *testing.T)     { drawn.Complete(t) }
func TestCommandsTravelAsJSON(t *testing.T) { drawn.CommandsTravel(t) }
