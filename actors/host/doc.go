// Package host is the shell around the pure cores of package actors: it loads and saves them, gives them time
// and identity, runs their effects and carries their messages, over protoactor. It decides nothing.
//
// Four kinds of actors live here. Contacts, agents and lines are virtual: the cluster places each by its bucket,
// one shell (virtual.go) drives all three. A call is pinned to the node that runs its media (callactor.go).
//
// Every command goes the same way: decide, persist, evolve, publish, run effects, re-arm, reply. Two deviations
// are deliberate and bounded. An agent's state is soft (presence and modals are leases), so it acts first and is
// saved at once after. A call whose journal cannot be written goes on from memory, marks itself unsaved and writes
// in order as soon as the store is back: nobody may be unable to hang up because a database is away (ADR 0001).
//
// Effects that wait for somebody else (Meta, other actors, the store) run outside the mailbox on lanes: work of
// one lane is in order, lanes do not wait for one another, and the outcome comes back as a command. Media
// operations wait for nobody and run inline.
//
// The rest are facades: Desk for agents' sessions, Intake for webhooks, Reader for lists.
package host
