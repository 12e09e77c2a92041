// Package calls measures a running engine with real calls in both directions, through its public doors only: customers
// of the simulator on the provider's wire, agents over the WebSocket, real WebRTC audio on both sides.
//
// It is a client of the engine, not a part of it: it imports nothing of it, and takes its times where a person would
// notice them. Half of the calls are placed by customers, half by agents; half of each are hung up by either side. A
// call counts as good only if both ears hear the right voice at its end as well. A run owns everything it opens.
package calls

import (
	"errors"
	"fmt"
	"io"
	"time"
)

// Config of a run. The zero value of a field is its default.
type Config struct {
	EngineURL string // required
	SimURL    string // of the simulator that the engine's lines use; required
	Tenant    string // whose agents, contacts and lines are used; required
	Secret    string // HS256 secret of the engine, to make the agents' tokens; required
	Agent     string // any agent of the tenant, to look around; required
	Line      string // its line; the first one when empty

	Calls       int           // how many; 200
	Rate        float64       // started in a second; 5
	Talk        time.Duration // from both in the call to the hang-up; 8 s
	AnswerAfter time.Duration // a person's time from the modal, or from ringing, to the answer; 500 ms
	Patience    time.Duration // for each step of a call; 15 s
	Progress    io.Writer     // one line a second; nil: silent
	Note        string        // put into the report: what a reader must know of this run
}

func (c Config) withDefaults() Config {
	if c.Calls == 0 {
		c.Calls = 200
	}
	if c.Rate == 0 {
		c.Rate = 5
	}
	for _, f := range []struct {
		field *time.Duration
		value time.Duration
	}{{&c.Talk, 8 * time.Second}, {&c.AnswerAfter, 500 * time.Millisecond}, {&c.Patience, 15 * time.Second}} {
		if *f.field == 0 {
			*f.field = f.value
		}
	}
	if c.Progress == nil {
		c.Progress = io.Discard
	}
	return c
}

// Validate reports everything that is missing or impossible.
func (c Config) Validate() error {
	var faults []error
	for name, v := range map[string]string{"engine": c.EngineURL, "sim": c.SimURL, "tenant": c.Tenant, "secret": c.Secret, "agent": c.Agent} {
		if v == "" {
			faults = append(faults, fmt.Errorf("%s is missing", name))
		}
	}
	if c.Calls < 1 || c.Calls > 100_000 {
		faults = append(faults, fmt.Errorf("calls is %d, not 1 to 100000", c.Calls))
	}
	if c.Rate <= 0 || c.Rate > 1000 {
		faults = append(faults, fmt.Errorf("rate is %v, not above 0 and at most 1000", c.Rate))
	}
	if c.Talk < time.Second || c.Talk > 30*time.Second {
		faults = append(faults, fmt.Errorf("talk is %v, not 1 s to 30 s", c.Talk))
	}
	return errors.Join(faults...)
}

// AgentsFor is how many agents a run keeps busy at most, with some to spare.
func AgentsFor(rate float64, talk, answerAfter time.Duration) int {
	return int(rate*(talk+answerAfter+6*time.Second).Seconds()) + 8
}
