package system

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"ramal/benchmarks/agentclient"
	"ramal/sim/hooks"
)

// metric reads one series of an engine's /metrics, 0 when it is not there.
func (w *world) metric(engine, series string) float64 {
	w.t.Helper()
	resp := w.get(engine + "/metrics")
	defer func() { _ = resp.Body.Close() }()
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		if v, ok := strings.CutPrefix(lines.Text(), series+" "); ok {
			n, err := strconv.ParseFloat(v, 64)
			w.must(err)
			return n
		}
	}
	return 0
}

func (w *world) get(target string) *http.Response {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.ctx(), http.MethodGet, target, nil)
	w.must(err)
	resp, err := http.DefaultClient.Do(req)
	w.must(err)
	return resp
}

// ready waits until an engine says of itself what it must.
func (w *world) ready(engine, status string) {
	w.t.Helper()
	w.eventually("readyz "+status, func() (bool, string) {
		resp := w.get(engine + "/readyz")
		defer func() { _ = resp.Body.Close() }()
		var body struct{ Status string }
		w.must(json.NewDecoder(resp.Body).Decode(&body))
		return body.Status == status && resp.StatusCode == http.StatusOK, fmt.Sprintf("%d %s", resp.StatusCode, body.Status)
	})
}

// redrive is how long a webhook that was taken in may take to be processed: what fails the first time is tried again
// after 15 s, and a database that has just come back on a busy machine may fail it.
const redrive = time.Minute

// atOnce does something that must not wait for the database.
func (w *world) atOnce(what string, do func(ctx context.Context) error) {
	w.t.Helper()
	began := time.Now()
	if err := do(w.ctx()); err != nil {
		w.t.Errorf("%s without a database: %v", what, err)
	}
	if took := time.Since(began); took > promptly {
		w.t.Errorf("%s without a database took %v", what, took)
	}
}

// TestDatabaseCut and TestDatabaseStalls: the database breaks off, or swallows everything, in the middle of a call.
func TestDatabaseCut(t *testing.T) { outage(t, func(w *world) { w.breaker.Cut() }) }

func TestDatabaseStalls(t *testing.T) { outage(t, func(w *world) { w.breaker.Stall() }) }

func outage(t *testing.T, begin func(*world)) {
	w := newWorld(t, options{breaker: true, hooks: hooks.Config{Backoff: 300 * time.Millisecond, BackoffMax: time.Second}})
	luis, fernando, c := w.threesome()
	contact := c.ContactLeg()
	begin(w)
	w.ready(w.engine.URL(), "degraded")

	luis.hears(contact, toneCustomer) // audio does not care
	w.customerHears(maria, toneLuis)
	w.atOnce("mute", func(ctx context.Context) error { return luis.Mute(ctx, c.ID, true) })
	w.customerDeaf(maria, toneLuis)
	w.atOnce("unmute", func(ctx context.Context) error { return luis.Mute(ctx, c.ID, false) })
	w.customerHears(maria, toneLuis)
	w.atOnce("volume", func(ctx context.Context) error { return luis.Volume(ctx, c.ID, contact, 0) })
	luis.deaf(toneCustomer)
	w.atOnce("leave", func(ctx context.Context) error { return fernando.Leave(ctx, c.ID) })
	w.customerDeaf(maria, toneFernando)
	luis.until("fernando left", func(s agentclient.State) bool { return s.Call.AgentLeg("fernando") == "" })
	luis.until("shown as unsaved", func(s agentclient.State) bool { return s.Call.Unsaved })

	w.must(w.phone.Act(w.ctx(), joao, "text", map[string]any{"pnid": pnid, "text": "alguém aí?"}))
	var failed struct{ Status int }
	decode(t, w.webhook("webhook.failed", "text").Data, &failed)
	if failed.Status/100 != 5 {
		t.Errorf("a webhook without a database got %d", failed.Status)
	}
	w.atOnce("hang up", func(ctx context.Context) error { return luis.End(ctx, c.ID) })
	luis.ended("agent", "completed")
	w.simEnded(maria) // the provider is told without the database

	w.breaker.Restore()
	w.ready(w.engine.URL(), "ready")
	luis.available()
	fernando.available()
	w.webhook("webhook.sent", "text") // delivered in the end
	w.within(redrive, "the message is there", func() (bool, string) {
		p, err := w.rest("luis").Messages(w.ctx(), "joao", nil)
		w.must(err)
		return len(p.Items) == 1 && p.Items[0].Text == "alguém aí?", fmt.Sprintf("%+v", p.Items)
	})
	w.eventually("all of it is journaled", func() (bool, string) {
		got, err := w.rest("luis").Call(w.ctx(), c.ID)
		w.must(err)
		seen, last := map[string]int{}, int64(0)
		for _, e := range got.Events {
			seen[e.Type]++
			if e.Seq != last+1 {
				return false, fmt.Sprintf("event %d after %d", e.Seq, last)
			}
			last = e.Seq
		}
		return got.State == "ended" && got.EndReason == "completed" && !got.Unsaved && seen["Muted"] == 2 && seen["GainSet"] == 1, fmt.Sprintf("%s %v", describe(&got), seen)
	})
	w.customerCalls(joao) // and work goes on
	o := luis.offer()
	luis.accept(o)
	luis.inCall("contact", "luis")
	if calls := w.history(url.Values{"ongoing": {"true"}}); len(calls) != 1 || calls[0].ID != o.CallID {
		t.Errorf("ongoing: %s", describeAll(calls))
	}
}

// TestDatabaseSlow: a database slower than a call waits for it must not end the call: what was written late is its own.
func TestDatabaseSlow(t *testing.T) {
	w := newWorld(t, options{breaker: true})
	luis, c := w.talking()
	w.breaker.Slow(200 * time.Millisecond) // there and back is more than a call waits: written, but too late to be told
	muted := false
	mute := func() {
		muted = !muted
		w.atOnce("mute", func(ctx context.Context) error { return luis.Mute(ctx, c.ID, muted) })
	}
	mute()
	luis.until("shown as unsaved", func(s agentclient.State) bool { return s.Call.Unsaved })
	mute()
	w.breaker.Slow(90 * time.Millisecond) // one question is answered in time, a second one is not
	for range 10 {
		mute()
	}
	w.eventually("the database answers", func() (bool, string) {
		n := w.metric(w.engine.URL(), "ramal_store_up")
		return n == 1, fmt.Sprint(n)
	})
	for range 4 {
		mute()
	}
	w.breaker.Restore()
	w.ready(w.engine.URL(), "ready")
	luis.hears(c.ContactLeg(), toneCustomer)
	w.customerHears(maria, toneLuis)
	w.must(luis.Mute(w.ctx(), c.ID, true))
	w.customerDeaf(maria, toneLuis)
	w.must(luis.End(w.ctx(), c.ID))
	luis.ended("agent", "completed")
	w.eventually("all of it is journaled", func() (bool, string) {
		got, err := w.rest("luis").Call(w.ctx(), c.ID)
		w.must(err)
		n := 0
		for _, e := range got.Events {
			if e.Type == "Muted" {
				n++
			}
		}
		return got.State == "ended" && n == 17, fmt.Sprintf("%s, %d times muted", describe(&got), n)
	})
}
