// Package call is the pure state machine of one call: no I/O, clock, goroutine or randomness.
//
// It decides who rings, who joins, when ringing stops, when talk time runs and who ended the call and why.
// It does not know Meta, WebRTC, agents' presence or limits: those are asked for through Effects and come
// back as Commands. Its State is owned by the mailbox of the one actor that hosts the call.
//
// Outbound (the company calls):
//
//	                                            PickedUp (ACCEPTED or first
//	 Dial          ProviderRang                 inbound RTP, whichever is first)
//	──────▶ dialing ─────────▶ ringing ───────────────────────────────▶ active
//	         │ │                  │ ring timeout, reject, cancel          ▲ │ hang-up, last agent gone
//	         │ └──────────────────┼───────────── picked up ───────────────┘ │
//	         └────────────────────┴──────────────▶ ended ◀──────────────────┘
//
// The customer's time runs from the moment the provider has the call, and anew from RINGING, which may never come.
//
// Inbound (the customer calls):
//
//	 Incoming            Accept (first wins)       provider took accept
//	──────▶ offering ─────────────▶ connecting ────────────▶ active
//	         │ ▲ stage: related,        │ caller gone           │ hang-up, last agent gone
//	         │ └ then everyone          │                       │
//	         └──────────▶ ended ◀───────┴───────────────────────┘
//	           queue timeout, abandoned
//
// An offer lives inside any phase but ended, and ends exactly once: accepted, accepted_elsewhere,
// declined, refused, expired, cancelled or call_ended. An agent's leg is invited, connecting, connected,
// reconnecting (its media is away, it has a grace period) or left.
//
// Invariants, held by a property test over random histories: an ended call never changes but for the provider's
// late identification; at most one offer of a call is accepted per agent; every offer has ended once the call has; talk time
// lies between pick-up and end; a call with no agent left is ended.
package call
