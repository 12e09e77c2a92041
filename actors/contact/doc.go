// Package contact is the pure core of one contact: who a person is, whether and when the company may call them, and the one
// call they may be in.
//
// It is not a store, a client of WhatsApp or an actor: it does no I/O, has no clock, goroutine or chance, and never sees a
// packet. Decide judges a command and changes nothing, Evolve records an event and cannot fail, Effects says what a shell must
// do about it, Deadline when the shell must send Wake. The State has one owner: the mailbox of the shell that activated the
// contact. Every time in it is wall time of the node that wrote it or of the provider; a skew of a few seconds between them
// makes a permission or a lease end that much early or late and breaks nothing.
//
// # Permission, per line
//
//	                 RequestPermission                          RequestFailed, or no reply in 7 d
//	      ┌──────────────────────────────────▶ requested ─────────────────────────────────────▶ what it was before
//	      │                                      │   │
//	none, declined,                     accept   │   │ reject
//	expired, revoked ◀── reject (unasked) ──┐    │   └────────────────▶ declined
//	      │                                 │    ▼
//	      └── accept (call-back, profile) ─▶ granted_temporary ── 7 d, silently ──▶ expired
//	                   or Meta says so     ▲ │ granted_permanent ─ Meta or the user ─▶ revoked
//	                                       └─┘ accept again
//
// A request made while a temporary permission runs keeps that permission until the reply. Replies are ordered by the
// provider's time: an older one than the newest known changes nothing.
//
// # The active call, per contact
//
//	       ReserveCall                    CallConnected
//	free ──────────────▶ reserved (out) ─────────────────▶ connected
//	 ▲ │                  │  │ CallArrived: the contact's        │
//	 │ │ CallArrived      │  ▼ own call replaces it              │
//	 │ └────────────────▶ arrived (in) ── CallConnected ────────▶│
//	 │                    │                                      │
//	 └────────────────────┴── ReleaseCall, CallEnded, lease over ┘
//
// # Limits, per line
//
// Connected outbound calls in any 24 h (the product's 5, and Meta's own number where it is known); permission requests, 1 in 24 h
// and 2 in 7 d, both counted anew after any connected call; unanswered outbound calls in a row, of which the fourth makes Meta
// revoke (Cloud API calling, user call permissions).
//
// Invariants: Decide accepts ReserveCall exactly when Eligibility says CanCall, and RequestPermission with a template exactly when
// it says CanRequest; there is at most one active call and its lease always ends; a permission that is over never allows a
// call, whether or not Wake came; no list grows without bound.
package contact
