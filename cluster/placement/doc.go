// Package placement decides who is a member of the cluster, who owns which bucket, and what a node must do next.
//
// It is pure: no clock, no database, no goroutine. Advance is the body of the one transaction through which every
// node renews its lease, as a function from rows to rows; an adapter loads the rows, calls it and stores what changed.
// Desired and Plan say where buckets should live and which of them a node has to give up. It is not a failure
// detector and never talks to a node: a member lives exactly as long as its lease.
//
// It owns no state. The rows belong to the database, a View to whoever received it (and is never changed).
//
// Invariants, held by property tests:
//
//   - a bucket has at most one owner, the owner is a member, and its epoch grows with every change of hands;
//   - an owner is never replaced: it releases a bucket, or loses its membership;
//   - the desired owners are the same whatever the order of members, and one member more or less moves only the
//     buckets it gains or loses;
//   - members that go on beating reach the desired ownership and then nothing changes any more.
package placement
