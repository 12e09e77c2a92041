package calls

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"sync"
	"time"

	"ramal/benchmarks/agentclient"
	"ramal/benchmarks/simclient"
)

// run is one benchmark. Its results are guarded by mu.
type run struct {
	cfg       Config
	sim       simclient.Client
	media     *agentclient.Media
	line      agentclient.LineView
	pnid      string
	customers []*customer
	dealt     map[string][]*customer // by agent
	desks     []*desk
	free      chan *desk

	mu struct {
		sync.Mutex
		outcome Outcome
		times   map[string][]time.Duration
		started int
		going   int
		spent   int // agents without a contact left
	}
}

const examplesKept = 10

// Run makes the calls and measures. An error means that there is no result; failed calls are in the report.
func Run(ctx context.Context, cfg Config) (Report, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return Report{}, err
	}
	client := httpClient()
	defer client.CloseIdleConnections()
	r := &run{cfg: cfg, sim: simclient.Client{URL: cfg.SimURL, HTTP: client}, dealt: map[string][]*customer{}}
	r.mu.times, r.mu.outcome.Failures = map[string][]time.Duration{}, map[string]int{}
	media, err := agentclient.NewMedia("")
	if err != nil {
		return Report{}, err
	}
	r.media = media
	defer media.Close()
	defer http.DefaultClient.CloseIdleConnections()
	defer r.closeDesks()
	if err := r.prepare(ctx); err != nil {
		return Report{}, fmt.Errorf("preparing: %w", err)
	}
	return r.measure(ctx)
}

func (r *run) closeDesks() {
	for _, d := range r.desks {
		d.Close()
	}
}

func (r *run) sayf(format string, args ...any) {
	_, _ = fmt.Fprintf(r.cfg.Progress, "  "+format+"\n", args...)
}

// measure starts calls at the rate, whatever becomes of the earlier ones, and waits for all.
func (r *run) measure(ctx context.Context) (Report, error) {
	g, err := startGauge(ctx, r.cfg.EngineURL)
	if err != nil {
		return Report{}, err
	}
	r.free = make(chan *desk, len(r.desks))
	for _, d := range r.desks {
		r.free <- d
	}
	shown, hide := context.WithCancel(ctx)
	var show, all sync.WaitGroup
	show.Go(func() { r.show(shown) }) // until hide
	began := time.Now()
	err = r.start(ctx, began, &all)
	all.Wait()
	seconds := time.Since(began).Seconds()
	hide()
	show.Wait()
	usage := g.stop(ctx)
	if err = errors.Join(err, ctx.Err()); err != nil {
		return Report{}, err
	}
	return r.report(ctx, g, usage, seconds), nil
}

func (r *run) start(ctx context.Context, began time.Time, all *sync.WaitGroup) error {
	for i := range r.cfg.Calls {
		due := time.NewTimer(time.Until(began.Add(time.Duration(float64(i) / r.cfg.Rate * float64(time.Second)))))
		select {
		case <-due.C:
		case <-ctx.Done():
			due.Stop()
			return ctx.Err()
		}
		d, err := r.takeDesk(ctx)
		if err != nil {
			return err
		}
		c := d.mine[0]
		d.mine = d.mine[1:]
		all.Go(func() { // ends with the call, which patience bounds
			r.one(ctx, i, d, c)
			r.giveBack(d)
		})
	}
	return nil
}

// takeDesk takes the agent that has been free for longest.
func (r *run) takeDesk(ctx context.Context) (*desk, error) {
	select {
	case d, ok := <-r.free:
		if ok {
			return d, nil
		}
	default:
	}
	r.mu.Lock()
	r.mu.outcome.WaitedForAgent++
	r.mu.Unlock()
	select {
	case d, ok := <-r.free:
		if !ok {
			return nil, errors.New("no contact is left: each call needs one of its own")
		}
		return d, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// giveBack makes an agent free for another call, if it has a contact left for one. The last one that has not closes
// the queue.
func (r *run) giveBack(d *desk) {
	if len(d.mine) > 0 {
		r.free <- d
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mu.spent++
	if r.mu.spent == len(r.desks) {
		close(r.free)
	}
}

// one makes one call and writes down what became of it.
func (r *run) one(ctx context.Context, i int, d *desk, c *customer) {
	k := &oneCall{run: r, desk: d, customer: c, hz: agentVoice(i), byAgent: i/2%2 == 0, times: map[string]time.Duration{}}
	inbound := i%2 == 0
	r.mu.Lock()
	r.mu.started++
	r.mu.going++
	r.mu.outcome.MostAtOnce = max(r.mu.outcome.MostAtOnce, r.mu.going)
	r.mu.Unlock()
	err := k.make(ctx, inbound)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mu.going--
	o := &r.mu.outcome
	if inbound {
		o.Inbound++
	} else {
		o.Outbound++
	}
	o.PacketsToAgents += k.toAgent
	o.PacketsToPhones += k.toPhone
	o.PacketsLost += k.lost
	for name, d := range k.times { // also of a call that failed later
		r.mu.times[name] = append(r.mu.times[name], d)
	}
	if err == nil {
		o.Good++
		return
	}
	o.Failed++
	direction := map[bool]string{true: "inbound", false: "outbound"}[inbound]
	reason := direction + ": " + err.Error()
	if f, ok := errors.AsType[*failure](err); ok {
		reason = direction + ": " + f.reason
		if len(o.Examples) < examplesKept {
			o.Examples = append(o.Examples, fmt.Sprintf("call %d %s: %s: %v", i, direction, f.reason, f.cause))
		}
	}
	o.Failures[reason]++
}

// show writes the progress once a second until ctx ends.
func (r *run) show(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		r.mu.Lock()
		started, going, good, failed := r.mu.started, r.mu.going, r.mu.outcome.Good, r.mu.outcome.Failed
		r.mu.Unlock()
		r.sayf("%d of %d started, %d going on, %d good, %d failed", started, r.cfg.Calls, going, good, failed)
	}
}

func (r *run) report(ctx context.Context, g *gauge, usage Usage, seconds float64) Report {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mu.outcome.Seconds = round(seconds)
	out := Report{
		Benchmark: "calls", At: time.Now().UTC().Truncate(time.Second), Commit: commit(ctx), Machine: thisMachine(), Note: r.cfg.Note,
		Config: map[string]any{
			"calls": r.cfg.Calls, "rate_per_second": r.cfg.Rate, "talk": r.cfg.Talk.String(), "answer_after": r.cfg.AnswerAfter.String(),
			"agents": len(r.desks), "contacts": len(r.customers),
		},
		Calls: r.mu.outcome, Times: map[string]Spread{}, Engine: usage, Metrics: map[string]Spread{}, Meaning: maps.Clone(meaning), Not: notMeasured,
	}
	for name := range meaning {
		if samples := r.mu.times[name]; len(samples) > 0 {
			out.Times[name] = spread(samples)
		}
	}
	for _, name := range []string{"ramal_call_modal_seconds", "ramal_call_audio_seconds", "ramal_call_ring_seconds", "ramal_webhook_seconds"} {
		out.Metrics[name] = histogram(g.first, g.last, name)
	}
	out.judge()
	return out
}
