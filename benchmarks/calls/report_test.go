package calls

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestSpreadTakesRealSamples(t *testing.T) {
	var samples []time.Duration
	for i := 200; i >= 1; i-- {
		samples = append(samples, time.Duration(i)*time.Millisecond)
	}
	got := spread(samples)
	want := Spread{Count: 200, Mean: 100.5, P50: 100, P90: 180, P99: 198, Max: 200}
	if got != want {
		t.Errorf("%+v, not %+v", got, want)
	}
	if got := spread(samples[:1]); got.P50 != 200 || got.P99 != 200 || got.Max != 200 {
		t.Errorf("one sample: %+v", got)
	}
	if got := spread(nil); got != (Spread{}) {
		t.Errorf("none: %+v", got)
	}
}

const before = `# HELP x y
x_bucket{le="0.01"} 5
x_bucket{le="0.1"} 5
x_bucket{le="+Inf"} 5
x_sum 0.01
x_count 5
`

const after = `x_bucket{le="0.01"} 55
x_bucket{le="0.1"} 104
x_bucket{le="+Inf"} 105
x_sum 3.01
x_count 105
process_cpu_seconds_total 1.5e+01
broken line here
`

func TestHistogramIsTheDifference(t *testing.T) {
	a, err := parseMetrics(strings.NewReader(before))
	if err != nil {
		t.Fatal(err)
	}
	b, err := parseMetrics(strings.NewReader(after))
	if err != nil {
		t.Fatal(err)
	}
	got := histogram(a, b, "x")
	if got.Count != 100 || got.Mean != 30 || got.P50 != 10 || got.P90 < 82 || got.P90 > 84 || got.P99 != 100 || got.Max != 100 {
		t.Errorf("%+v", got)
	}
	if b["process_cpu_seconds_total"] != 15 {
		t.Errorf("a plain series: %v", b["process_cpu_seconds_total"])
	}
	if got := histogram(a, a, "x"); got != (Spread{}) {
		t.Errorf("nothing happened: %+v", got)
	}
	if got := histogram(a, b, "y"); got != (Spread{}) {
		t.Errorf("no such histogram: %+v", got)
	}
}

func TestGoals(t *testing.T) {
	for name, c := range map[string]struct {
		report Report
		met    map[string]bool
	}{
		"good":     {Report{Times: map[string]Spread{TimeModal: {Count: 1, P99: 49}, TimeAudio: {Count: 1, P99: 299}}}, map[string]bool{"failures": true, TimeModal + "_p99": true, TimeAudio + "_p99": true}},
		"slow":     {Report{Times: map[string]Spread{TimeModal: {Count: 1, P99: 51}, TimeAudio: {Count: 1, P99: 301}}}, map[string]bool{"failures": true, TimeModal + "_p99": false, TimeAudio + "_p99": false}},
		"failed":   {Report{Calls: Outcome{Failed: 1}, Times: map[string]Spread{TimeModal: {Count: 1}, TimeAudio: {Count: 1}}}, map[string]bool{"failures": false, TimeModal + "_p99": true, TimeAudio + "_p99": true}},
		"no calls": {Report{}, map[string]bool{"failures": true, TimeModal + "_p99": false, TimeAudio + "_p99": false}},
	} {
		c.report.judge()
		for goal, met := range c.met {
			if c.report.Goals[goal].Met != met {
				t.Errorf("%s: goal %s: %+v", name, goal, c.report.Goals[goal])
			}
		}
	}
}

func TestReportIsWritten(t *testing.T) {
	r := Report{Benchmark: "calls", Times: map[string]Spread{TimeModal: {Count: 3, P50: 1.5}}, Calls: Outcome{Failed: 1, Failures: map[string]int{"inbound: no modal": 1}}}
	r.judge()
	var raw, words bytes.Buffer
	if err := r.Write(&raw); err != nil {
		t.Fatal(err)
	}
	var back Report
	if err := json.Unmarshal(raw.Bytes(), &back); err != nil || back.Times[TimeModal].P50 != 1.5 {
		t.Errorf("%v: %s", err, raw.String())
	}
	if err := r.Print(&words); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"inbound: no modal", TimeModal, "MISSED"} {
		if !strings.Contains(words.String(), want) {
			t.Errorf("the words lack %q:\n%s", want, words.String())
		}
	}
}

func TestConfig(t *testing.T) {
	err := Config{}.withDefaults().Validate()
	for _, field := range []string{"engine", "sim", "tenant", "secret", "agent"} {
		if err == nil || !strings.Contains(err.Error(), field+" is missing") {
			t.Errorf("%s may be missing: %v", field, err)
		}
	}
	full := Config{EngineURL: "e", SimURL: "s", Tenant: "t", Secret: "x", Agent: "a"}.withDefaults()
	if err := full.Validate(); err != nil {
		t.Error(err)
	}
	for name, c := range map[string]func(*Config){
		"calls": func(c *Config) { c.Calls = -1 }, "rate": func(c *Config) { c.Rate = 2000 }, "talk": func(c *Config) { c.Talk = time.Minute },
	} {
		bad := full
		c(&bad)
		if err := bad.Validate(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("a wrong %s: %v", name, err)
		}
	}
	if n := AgentsFor(5, 8*time.Second, 500*time.Millisecond); n < 60 || n > 120 {
		t.Errorf("%d agents for 5 calls/s of 8 s", n)
	}
}

// FuzzMetrics: whatever stands in /metrics, reading it does not panic.
func FuzzMetrics(f *testing.F) {
	f.Add([]byte(after))
	f.Add([]byte("x_bucket{le=\"+Inf\"} 1\nx_count 1\n"))
	f.Add([]byte("x_bucket{le=\"\"} NaN\nx_count +Inf\n"))
	f.Fuzz(func(_ *testing.T, raw []byte) {
		m, err := parseMetrics(bytes.NewReader(raw))
		if err == nil {
			_ = histogram(scrape{}, m, "x")
		}
	})
}
