package telemetry

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics is one registry with all observers. Make one per process (or per test) with New.
type Metrics struct {
	registry *prometheus.Registry

	httpRequests *prometheus.CounterVec
	httpSeconds  *prometheus.HistogramVec

	webhooks       *prometheus.CounterVec
	webhookSeconds prometheus.Histogram
	webhookEvents  *prometheus.CounterVec

	inbox        *prometheus.CounterVec
	callsUnsaved prometheus.Gauge

	sessions       prometheus.Gauge
	sessionsClosed *prometheus.CounterVec
	agentRequests  *prometheus.CounterVec
	agentSeconds   *prometheus.HistogramVec
	pushes         prometheus.Counter

	callModal  prometheus.Histogram
	callAudio  prometheus.Histogram
	callRing   prometheus.Histogram
	callsEnded *prometheus.CounterVec
	callTalk   prometheus.Histogram

	providerRequests *prometheus.CounterVec
	providerSeconds  *prometheus.HistogramVec
}

// Buckets in seconds. Quick ones for what a person waits for; fine around the goals of 50 and 300 ms.
var (
	quick = []float64{.001, .0025, .005, .01, .02, .03, .05, .075, .1, .15, .2, .3, .5, .75, 1, 2, 5, 10, 30}
	talk  = []float64{5, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200}
)

// New returns a registry with every metric at zero, the Go runtime's and the process's own. version labels the build.
func New(version string) *Metrics {
	r := prometheus.NewRegistry()
	m := &Metrics{registry: r}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
		r.MustRegister(v)
		return v
	}
	histograms := func(name, help string, labels ...string) *prometheus.HistogramVec {
		v := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: quick}, labels)
		r.MustRegister(v)
		return v
	}
	histogram := func(name, help string, buckets []float64) prometheus.Histogram {
		v := prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets})
		r.MustRegister(v)
		return v
	}
	m.httpRequests = counter(nameHTTPRequests, "HTTP requests by route and class of status.", "route", "status")
	m.httpSeconds = histograms(nameHTTPSeconds, "Time to answer an HTTP request; WebSockets are not in it.", "route")

	m.webhooks = counter(nameWebhooks, "Webhook requests of the provider by what became of them; forged ones had a wrong or no signature.", "result")
	m.webhookSeconds = histogram(nameWebhookSeconds, "Time from a webhook's arrival to its answer.", quick)
	m.webhookEvents = counter(nameWebhookEvents, "Events inside webhooks whose signature was right.", "result")

	m.inbox = counter(nameInbox, "Events of webhooks after processing: dropped ones were none of ours, parked ones wait for a person.", "event", "result")
	m.callsUnsaved = prometheus.NewGauge(prometheus.GaugeOpts{Name: nameCallsUnsaved, Help: "Calls in progress whose journal cannot be written now."})
	r.MustRegister(m.callsUnsaved)

	m.sessions = prometheus.NewGauge(prometheus.GaugeOpts{Name: nameSessions, Help: "Agent sessions open on this node."})
	m.pushes = prometheus.NewCounter(prometheus.CounterOpts{Name: namePushes, Help: "Events written to agent sessions."})
	r.MustRegister(m.sessions, m.pushes)
	m.sessionsClosed = counter(nameSessionsClosed, "Agent sessions that ended, by why.", "reason")
	m.agentRequests = counter(nameAgentRequests, "Requests of agent sessions by type and outcome.", "type", "kind")
	m.agentSeconds = histograms(nameAgentSeconds, "Time to answer a request of an agent session.", "type")

	m.callModal = histogram(nameCallModal, "From the arrival of the webhook of an incoming call to its modal's push to the first agent.", quick)
	m.callAudio = histogram(nameCallAudio, "From an agent's accept to audio both ways.", quick)
	m.callRing = histogram(nameCallRing, "From an agent's dial to the ringing of the contact's phone.", quick)
	m.callsEnded = counter(nameCallsEnded, "Calls that ended on this node.", "direction", "reason")
	m.callTalk = histogram(nameCallTalk, "Talk time of answered calls.", talk)

	m.providerRequests = counter(nameProviderRequests, "Requests to the messaging provider by operation and outcome.", "op", "kind")
	m.providerSeconds = histograms(nameProviderSeconds, "Time until the messaging provider had answered.", "op")

	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: nameBuildInfo, Help: "Always 1; the label holds the version."}, []string{"version"})
	build.WithLabelValues(version).Set(1)
	r.MustRegister(build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.zero()
	return m
}

// zero makes the small label sets visible before their first event, so that a rate over them has a start.
func (m *Metrics) zero() {
	for w := range webhookResults {
		m.webhooks.WithLabelValues(w)
	}
	for w := range eventResults {
		m.webhookEvents.WithLabelValues(w)
	}
	for e := range inboxEvents {
		for w := range inboxResults {
			m.inbox.WithLabelValues(e, w)
		}
	}
	for w := range sessionEnds {
		m.sessionsClosed.WithLabelValues(w)
	}
	for d := range directions {
		for w := range endReasons {
			m.callsEnded.WithLabelValues(d, w)
		}
	}
}

// Handler serves the metrics in Prometheus's text format.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry})
}
