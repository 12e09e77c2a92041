package calls

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// scrape is one reading of the engine's /metrics: by series name with its labels, as it is written there.
type scrape map[string]float64

func readMetrics(ctx context.Context, engine string) (scrape, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, engine+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("/metrics: HTTP %d", resp.StatusCode)
	}
	return parseMetrics(resp.Body)
}

// parseMetrics reads Prometheus's text format, as far as single samples go; lines it cannot read are left out.
func parseMetrics(r io.Reader) (scrape, error) {
	out := scrape{}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		at := strings.LastIndexByte(line, ' ')
		if at <= 0 || line[0] == '#' {
			continue
		}
		if v, err := strconv.ParseFloat(line[at+1:], 64); err == nil {
			out[line[:at]] = v
		}
	}
	return out, lines.Err()
}

// histogram is the difference of a histogram without labels between two readings, in milliseconds. A percentile is
// interpolated in its bucket; the last one that holds anything bounds the maximum.
func histogram(before, after scrape, name string) Spread {
	type bucket struct{ le, n float64 }
	var buckets []bucket
	prefix := name + `_bucket{le="`
	for series, v := range after {
		le, ok := strings.CutPrefix(series, prefix)
		if !ok {
			continue
		}
		if bound, err := strconv.ParseFloat(strings.TrimSuffix(le, `"}`), 64); err == nil {
			buckets = append(buckets, bucket{bound, v - before[series]})
		}
	}
	slices.SortFunc(buckets, func(a, b bucket) int {
		if a.le < b.le {
			return -1
		}
		return 1
	})
	count := after[name+"_count"] - before[name+"_count"]
	if count <= 0 {
		return Spread{}
	}
	quantile := func(p float64) float64 {
		low, seen := 0.0, 0.0
		for _, b := range buckets {
			if b.n >= p*count {
				if math.IsInf(b.le, 1) || b.n == seen {
					return round(low * 1000)
				}
				return round(1000 * (low + (b.le-low)*(p*count-seen)/(b.n-seen)))
			}
			low, seen = b.le, b.n
		}
		return round(low * 1000)
	}
	most := 0.0 // of the last bucket that holds anything; beyond the last bound it is not known
	for _, b := range buckets {
		if !math.IsInf(b.le, 1) {
			most = b.le
		}
		if b.n >= count {
			break
		}
	}
	sum := after[name+"_sum"] - before[name+"_sum"]
	return Spread{Count: int(count), Mean: round(1000 * sum / count), P50: quantile(.5), P90: quantile(.9), P99: quantile(.99), Max: round(1000 * most)}
}

// gauge watches the engine's process once a second, until stopped. Its readings are owned by its goroutine, and by
// whoever called stop after that.
type gauge struct {
	engine string
	cancel context.CancelFunc
	done   sync.WaitGroup

	first, last   scrape
	begun, ended  time.Time
	usage         Usage
	busyA, totalA float64
}

func startGauge(ctx context.Context, engine string) (*gauge, error) {
	first, err := readMetrics(ctx, engine)
	if err != nil {
		return nil, err
	}
	g := &gauge{engine: engine, first: first, last: first, begun: time.Now(), ended: time.Now()}
	g.busyA, g.totalA = machineTime()
	g.usage.RSSBefore = first["process_resident_memory_bytes"]
	g.note(first)
	ctx, g.cancel = context.WithCancel(ctx)
	g.done.Go(func() { // until stop
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				g.read(ctx)
			}
		}
	})
	return g, nil
}

func (g *gauge) read(ctx context.Context) {
	now := time.Now()
	m, err := readMetrics(ctx, g.engine)
	if err != nil {
		return // the next one comes in a second
	}
	const cpu = "process_cpu_seconds_total"
	if span := now.Sub(g.ended).Seconds(); span > 0.5 {
		g.usage.CoresMost = max(g.usage.CoresMost, round((m[cpu]-g.last[cpu])/span))
	}
	g.last, g.ended = m, now
	g.note(m)
	g.usage.CPUSeconds = round(m[cpu] - g.first[cpu])
	g.usage.CoresMean = round(g.usage.CPUSeconds / now.Sub(g.begun).Seconds())
}

func (g *gauge) note(m scrape) {
	g.usage.RSSMost = max(g.usage.RSSMost, m["process_resident_memory_bytes"])
	g.usage.Goroutines = max(g.usage.Goroutines, m["go_goroutines"])
}

// stop takes the last reading and returns the result.
func (g *gauge) stop(ctx context.Context) Usage {
	g.cancel()
	g.done.Wait()
	g.read(ctx)
	if busy, total := machineTime(); total > g.totalA {
		g.usage.MachineBusy = round((busy - g.busyA) / (total - g.totalA))
	}
	return g.usage
}

// machineTime returns the busy and the whole time of all cores so far, zeros where the system does not tell.
func machineTime() (busy, total float64) {
	raw, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, 0
	}
	line, _, _ := strings.Cut(string(raw), "\n")
	for i, f := range strings.Fields(line) {
		v, err := strconv.ParseFloat(f, 64)
		if err != nil || i > 8 {
			continue // the name, and guest time, which is in user time already
		}
		total += v
		if i != 4 && i != 5 { // idle, waiting
			busy += v
		}
	}
	return busy, total
}
