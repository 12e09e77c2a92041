package telemetry

import (
	"strconv"
	"time"
)

// HTTP counts one answered request. route is the pattern of the route, never the path; status is the HTTP status.
func (m *Metrics) HTTP(route string, status int, d time.Duration) {
	m.httpRequests.WithLabelValues(route, statusClasses.of(strconv.Itoa(status/100)+"xx")).Inc()
	m.httpSeconds.WithLabelValues(route).Observe(d.Seconds())
}

// Webhook counts one request to the webhook address.
func (m *Metrics) Webhook(result string, d time.Duration) {
	m.webhooks.WithLabelValues(webhookResults.of(result)).Inc()
	m.webhookSeconds.Observe(d.Seconds())
}

// WebhookEvents counts n events of webhooks with a right signature: accepted, malformed, unknown_line.
func (m *Metrics) WebhookEvents(result string, n int) {
	m.webhookEvents.WithLabelValues(eventResults.of(result)).Add(float64(n))
}

// SessionOpened counts an agent's session that has its snapshot.
func (m *Metrics) SessionOpened() { m.sessions.Inc() }

// SessionClosed counts the end of a session; opened says whether SessionOpened was called for it.
func (m *Metrics) SessionClosed(reason string, opened bool) {
	if opened {
		m.sessions.Dec()
	}
	m.sessionsClosed.WithLabelValues(sessionEnds.of(reason)).Inc()
}

// AgentRequest counts an answered request of a session; kind is a fault.Kind, or "ok".
func (m *Metrics) AgentRequest(kind, outcome string, d time.Duration) {
	kind = agentRequests.of(kind)
	m.agentRequests.WithLabelValues(kind, faultKinds.of(outcome)).Inc()
	m.agentSeconds.WithLabelValues(kind).Observe(d.Seconds())
}

// Pushed counts one event written to a session.
func (m *Metrics) Pushed() { m.pushes.Inc() }

// CallModal observes the time from the arrival of the webhook of an incoming call to its first modal.
func (m *Metrics) CallModal(d time.Duration) { m.callModal.Observe(d.Seconds()) }

// CallAudio observes the time from an agent's accept to audio both ways.
func (m *Metrics) CallAudio(d time.Duration) { m.callAudio.Observe(d.Seconds()) }

// CallRing observes the time from a dial to RINGING.
func (m *Metrics) CallRing(d time.Duration) { m.callRing.Observe(d.Seconds()) }

// CallEnded counts the end of a call; talk is 0 for one that was never answered.
func (m *Metrics) CallEnded(direction, reason string, talk time.Duration) {
	m.callsEnded.WithLabelValues(directions.of(direction), endReasons.of(reason)).Inc()
	if talk > 0 {
		m.callTalk.Observe(talk.Seconds())
	}
}

// Provider counts one request to the messaging provider; kind is a fault.Kind, or "ok".
func (m *Metrics) Provider(op, kind string, d time.Duration) {
	op = providerOps.of(op)
	m.providerRequests.WithLabelValues(op, faultKinds.of(kind)).Inc()
	m.providerSeconds.WithLabelValues(op).Observe(d.Seconds())
}

// Inbox counts one processed event of a webhook: result is done, dropped, failed or parked.
func (m *Metrics) Inbox(event, result string) {
	m.inbox.WithLabelValues(inboxEvents.of(event), inboxResults.of(result)).Inc()
}

// CallsUnsaved counts calls that go on without their journal; delta is 1 or -1.
func (m *Metrics) CallsUnsaved(delta int) { m.callsUnsaved.Add(float64(delta)) }
