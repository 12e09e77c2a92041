// Package gateway is the one HTTP door of a node: the provider's webhooks, the agents' WebSocket (agentws) and REST
// calls, the console's files, health and metrics.
//
// It translates and guards; it decides nothing about calls or contacts. Behind it stand the ports of package
// actors (Desk, Intake, Reader); it reaches nothing else of the engine.
//
//	request ──▶ trace ▶ recover ▶ log+count ▶ security headers ▶ CORS ──▶ mux
//	  mux: /webhooks/whatsapp ─ signature on raw bytes ─▶ Intake
//	       /v1/agent/ws ─ agentws ─▶ Desk
//	       /v1/... ─ token ─ strict query ─▶ Reader
//	       /livez /readyz /metrics ; everything else: the console
//
// State: the listeners and their servers, owned by Start and Close; sessions, owned by agentws.Server.
//
// Invariants: the tenant of every request comes from its token (or, for a webhook, from the line whose secret signed it),
// never from the request's own words; every error leaves as application/problem+json; no body, token or secret is logged.
package gateway
