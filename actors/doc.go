// Package actors is the domain of Ramal as the outside reaches it: the ports of an agent's desk (Desk), of webhooks
// (Intake) and of lists (Reader), and the views they speak in. Their JSON is the wire; docs/agent-protocol.md describes it.
//
// It holds no state and decides nothing. Below it, four pure cores decide, and host carries them:
//
//	contact  one person: identifiers, permission ledger and limits per line, service windows, involvement, the active call
//	agent    one member of the staff: presence from session leases, modals, the one call, notices
//	line     one business number: settings and hours, concurrency, what the provider has confirmed
//	call     one call: legs, offers, timers, talk time, who ended it and why
//	host     the shells: load, decide, persist, evolve, run effects, re-arm, reply; and the facades behind the ports
//
// Contacts, agents and lines are virtual actors, placed by bucket; a call is pinned to the node that runs its media.
package actors
