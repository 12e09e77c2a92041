// Package store is the engine's memory that outlives a process: rows and journals in one SQL database,
// PostgreSQL or CockroachDB. It is not a domain: states are JSON bytes that it never opens, and it decides
// nothing but who was first.
//
// Three rules hold everywhere.
//
//   - Every row belongs to a tenant and every statement names it. The exceptions are routes from the outside
//     world, where the tenant is what is being looked for: LineByPhoneNumberID, CallsOfNode and the inbox.
//   - A row has one writer by placement, but placement is never trusted: each write of an agent, line, contact
//     or call says which version it was computed from and is refused when that is no longer the stored one.
//   - A write is one statement, so one implicit transaction and one round trip. InTx exists for the rest.
//
// Errors are fault kinds. NotFound, Conflict and Invalid are answers of the database. Unavailable means that it
// could not be asked in time; its code says whether the statement was never sent ("not_sent") or may have been
// carried out ("maybe_applied"). Every write here may be repeated after either: it is applied once, or the
// repetition is told Conflict (FailInbox alone may count one failure twice). Only InTx answers Unknown, because its
// function may do anything.
//
// The Store owns its two connection pools and the goroutine that watches the database's health; Close ends both.
package store
