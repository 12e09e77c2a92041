// Package agent is the pure core of one member of the staff: where they can be reached, whether they may be asked, and the one
// call they may be in.
//
// It is not an account, a WebSocket or an actor: it does no I/O, has no clock, goroutine or chance, and it does not know what a
// call or an offer looks like: the shell brings views as JSON and Push carries them on. Decide judges a command and changes
// nothing, Evolve records an event and cannot fail, Effects says what a shell must do about it, Deadline when the shell must send
// Wake. The State has one owner: the mailbox of the shell that activated the agent. Leases are wall time of the node that granted
// them; a node that takes over with a clock some seconds off ends them that much early or late, and whoever holds one renews it.
//
// # Presence
//
// Presence is derived, never set. From the top, the first that holds:
//
//	no live session, and 20 s since the last   ─▶ offline
//	in a call, or claimed for one              ─▶ busy
//	3 offers in a row ran out                  ─▶ not_responding   until the agent answers, dials or chooses
//	just after a call                          ─▶ wrap_up          until its time is over or the agent chooses
//	the agent chose a break                    ─▶ break
//	                                           ─▶ available
//
// # An offer
//
//	           MakeOffer              ConfirmCall of its call      ─▶ accepted
//	nothing ─────────────▶ ringing ── CloseOffer (call, agent)     ─▶ declined, accepted_elsewhere, cancelled, call_ended
//	   │                     └─────── its time, or Miss            ─▶ expired, counted as a miss
//	   └─ CloseOffer first: remembered, the offer never rings      ─▶ cancelled: the agent is gone, or in another call
//
// # The call
//
//	      Claim               ConfirmCall
//	free ───────▶ claimed ───────────────▶ in the call ──┐ RenewCall
//	 ▲  15 s, then │                          │    ▲─────┘
//	 └─────────────┴── ReleaseCall, or ───────┘
//	                   nobody renewed for 90 s
//
// Invariants: at most one call or claim; every lease ends by itself, so a dead node leaves nobody busy; every offer that rang
// closes exactly once; offline holds exactly when no session lived for the grace; what ended does not come back by a late message.
package agent
