// Package agentws carries docs/agent-protocol.md: the WebSocket of an agent's client, over the port actors.Desk.
//
// It is a shell without decisions: it decodes a frame strictly, hands it to the desk, and writes what comes
// back. It knows no rule about calls.
//
//	               hello within HelloTimeout
//	upgrade ──▶ greeting ──────────────────────▶ open ──▶ closing ──▶ ended
//	   │            │ token wrong: 4001            │ 4001 token ended   ▲
//	   │            │ silent, not JSON: 4004       │ 4002 silent        │
//	   ▼            ▼                              │ 4003 slow          │
//	4xx problem   closing                          │ 4004 not JSON ─────┘
//	                                               │ 1001 drain
//
// Who owns what: the reader goroutine (the HTTP handler itself) owns the frames and starts requests; the writer
// goroutine alone writes data; both end with the session, and ServeHTTP returns when they and all requests have.
// What they share is session.mu. The queue of a session is bounded: a reader that does not keep up is closed, never waited for.
//
// The invariant: after a snapshot leaves in a reply, the next event of the agent on this session is snapshot.seq + 1.
package agentws
