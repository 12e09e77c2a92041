package calls

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"
)

// Report is the result of a run. Times are milliseconds.
type Report struct {
	Benchmark string            `json:"benchmark"`
	At        time.Time         `json:"at"`
	Commit    string            `json:"commit"` // "+" behind it: with changes that are not in it
	Machine   Machine           `json:"machine"`
	Note      string            `json:"note,omitempty"`
	Config    map[string]any    `json:"config"`
	Calls     Outcome           `json:"calls"`
	Times     map[string]Spread `json:"times_ms"`
	Goals     map[string]Goal   `json:"goals"`
	Engine    Usage             `json:"engine"`
	Metrics   map[string]Spread `json:"engine_histograms_ms"` // what the engine says itself, to the width of its buckets
	Meaning   map[string]string `json:"meaning"`
	Not       []string          `json:"not_measured"`
}

// Machine is where everything ran.
type Machine struct {
	CPU    string `json:"cpu"`
	Cores  int    `json:"cores"`
	OS     string `json:"os"`
	Go     string `json:"go"`
	Memory int64  `json:"memory_bytes,omitempty"`
}

// Outcome counts calls. Failures names each reason; Examples holds some of the words behind them.
type Outcome struct {
	Inbound         int            `json:"inbound"`
	Outbound        int            `json:"outbound"`
	Good            int            `json:"good"`
	Failed          int            `json:"failed"`
	Failures        map[string]int `json:"failures"`
	Examples        []string       `json:"examples,omitempty"`
	WaitedForAgent  int            `json:"waited_for_agent"` // started late, since nobody was free
	MostAtOnce      int            `json:"most_at_once"`
	Seconds         float64        `json:"seconds"`
	PacketsToAgents uint64         `json:"packets_to_agents"`
	PacketsToPhones uint64         `json:"packets_to_phones"`
	PacketsLost     uint64         `json:"packets_lost_to_phones"`
}

// Usage is what the engine's process used between the first and the last call.
type Usage struct {
	CPUSeconds  float64 `json:"cpu_seconds"`
	CoresMean   float64 `json:"cores_mean"`
	CoresMost   float64 `json:"cores_most"` // in the busiest second
	RSSBefore   float64 `json:"rss_bytes_before"`
	RSSMost     float64 `json:"rss_bytes_most"`
	Goroutines  float64 `json:"goroutines_most"`
	MachineBusy float64 `json:"machine_busy_ratio,omitempty"` // of all cores, with database, simulator and agents
}

// Goal is a limit on one percentile.
type Goal struct {
	Limit float64 `json:"limit"`
	Got   float64 `json:"got"`
	Met   bool    `json:"met"`
}

// Spread is a distribution.
type Spread struct {
	Count int     `json:"count"`
	Mean  float64 `json:"mean"`
	P50   float64 `json:"p50"`
	P90   float64 `json:"p90"`
	P99   float64 `json:"p99"`
	Max   float64 `json:"max"`
}

// spread sums samples up. Percentiles are the nearest rank: real samples, never interpolated.
func spread(samples []time.Duration) Spread {
	if len(samples) == 0 {
		return Spread{}
	}
	sorted := slices.Sorted(slices.Values(samples))
	rank := func(p float64) float64 {
		return ms(sorted[max(0, int(math.Ceil(p*float64(len(sorted))))-1)])
	}
	var sum time.Duration
	for _, s := range sorted {
		sum += s
	}
	return Spread{
		Count: len(sorted), Mean: round(ms(sum) / float64(len(sorted))), P50: rank(.5), P90: rank(.9), P99: rank(.99), Max: ms(sorted[len(sorted)-1]),
	}
}

func ms(d time.Duration) float64 { return round(float64(d) / float64(time.Millisecond)) }

func round(v float64) float64 { return math.Round(v*1000) / 1000 }

// The names of what is measured.
const (
	TimeModal  = "webhook_to_modal"
	TimeAudio  = "accept_to_audio"
	TimeRing   = "dial_to_ring"
	TimeRings  = "dial_to_ring_own"
	TimeDial   = "dial_to_provider"
	TimePickUp = "pickup_to_audio"
	TimeEnd    = "hangup_to_ended"
)

var meaning = map[string]string{
	TimeModal:  "the connect webhook leaves the provider until the first agent's client has the modal",
	TimeAudio:  "the agent decides to accept until each of the two has heard the other's voice: connection and handshake of the agent's audio are in it",
	TimeRing:   "the agent decides to call until its client says that the phone rings; the simulated provider's own delay is in it",
	TimeRings:  "the same without the provider's delay",
	TimeDial:   "the agent decides to call until the provider has the dial",
	TimePickUp: "the customer picks up until each of the two has heard the other's voice",
	TimeEnd:    "one side hangs up until the agent's client says that the call has ended",
}

var notMeasured = []string{
	"networks: everything is on loopback, without delay, loss or jitter",
	"the real provider: the simulator stands in its place, and its relays add their own delay",
	"browsers: agents are a Go client; microphone, jitter buffer and loudspeaker of a browser add theirs",
	"a database on its own machine: database, simulator and agents take their share of the same cores",
	"several nodes",
}

// goals are the limits that a run is judged by.
func (r *Report) judge() {
	audio := r.Times[TimeAudio].P99
	modal := r.Times[TimeModal].P99
	r.Goals = map[string]Goal{
		"failures":         {Limit: 0, Got: float64(r.Calls.Failed), Met: r.Calls.Failed == 0},
		TimeModal + "_p99": {Limit: 50, Got: modal, Met: r.Times[TimeModal].Count > 0 && modal < 50},
		TimeAudio + "_p99": {Limit: 300, Got: audio, Met: r.Times[TimeAudio].Count > 0 && audio < 300},
	}
}

// Write puts the report as JSON.
func (r *Report) Write(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(r)
}

// Print puts the report in words.
func (r *Report) Print(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%d calls (%d in, %d out), %d good, %d failed, up to %d at once, %.0f s\n",
		r.Calls.Good+r.Calls.Failed, r.Calls.Inbound, r.Calls.Outbound, r.Calls.Good, r.Calls.Failed, r.Calls.MostAtOnce, r.Calls.Seconds)
	for reason, n := range r.Calls.Failures {
		fmt.Fprintf(&b, "  failed %4d  %s\n", n, reason)
	}
	for _, e := range r.Calls.Examples {
		fmt.Fprintf(&b, "    %s\n", e)
	}
	table := func(title string, times map[string]Spread) {
		fmt.Fprintf(&b, "\n%-32s %6s %9s %9s %9s %9s\n", title, "n", "p50 ms", "p90 ms", "p99 ms", "max ms")
		for _, name := range sortedKeys(times) {
			s := times[name]
			fmt.Fprintf(&b, "%-32s %6d %9.1f %9.1f %9.1f %9.1f\n", name, s.Count, s.P50, s.P90, s.P99, s.Max)
		}
	}
	table("at the clients", r.Times)
	table("the engine's own histograms", r.Metrics)
	fmt.Fprintf(&b, "\nengine: %.2f cores (at most %.2f), %.0f MB (before %.0f MB), %.0f goroutines; machine %.0f %% busy\n\n",
		r.Engine.CoresMean, r.Engine.CoresMost, r.Engine.RSSMost/1e6, r.Engine.RSSBefore/1e6, r.Engine.Goroutines, 100*r.Engine.MachineBusy)
	for _, name := range sortedKeys(r.Goals) {
		g := r.Goals[name]
		fmt.Fprintf(&b, "goal %-24s %8.1f of at most %g: %s\n", name, g.Got, g.Limit, map[bool]string{true: "met", false: "MISSED"}[g.Met])
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
