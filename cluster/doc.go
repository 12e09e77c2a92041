// Package cluster makes one process a node of the cluster: it finds virtual actors wherever they live, reaches pinned
// actors on other nodes, and tells who is a member. It is a small API over protoactor-go, three parts of which it
// replaces through their interfaces: the provider (membership comes from a table), the identity lookup (placement is
// by bucket) and the request context (nothing is ever sent twice).
//
// It is not a place for what actors do, knows no SQL (package membership is the port), and has no publish and
// subscribe: an event for many goes through the store. It does not make activations unique, nothing could: every
// write must be a compare-and-set on the version it was computed from. What it does is to make a double activation
// rare, short and unable to answer.
//
// # Authority
//
// The membership table is authoritative for
//
//   - who is a member: a row whose lease has not ended, by the database's clock;
//   - who owns a bucket, and how often it has changed hands (its epoch);
//   - whether this node is lost.
//
// A node is authoritative for nothing but its own distrust: it stops by its own clock before the table can give its
// buckets to somebody else. Connections are no evidence of anything; a broken one is only retried.
//
// # The life of a node
//
//	(no row)
//	   | Start
//	   v
//	joining --- owns its share ---> serving --- Drain ---> leaving --- Close ---> (no row)
//	                                 |   ^
//	      beats fail until the trust |   | a beat succeeds
//	                 window has ended v   |
//	                                degraded
//
//	any of them --- the table says that the row is gone ---> lost: OnLost, the process exits, a supervisor
//	                                                         starts it anew with another NodeID
//
// Degraded is not lost. While the table cannot be reached, the node activates nothing and refuses messages to virtual
// actors, whose writes would fail anyway; pinned actors (calls) go on, and so do requests to them. The time in which
// nobody beat does not count against anybody's lease, so an outage of the table of any length evicts no node that lives.
//
// # Buckets
//
// A virtual actor is placed by bucket = xxhash(tenant, kind, key) mod 256. Who should own a bucket follows from the
// members alone (rendezvous hashing, package placement), so all nodes agree without talking. An owner is never
// replaced; it hands over:
//
//	old owner                         table                        new owner
//	sees the new member  <----------- epoch 7 -------------------  joins
//	stops serving the bucket
//	stops its actors, waits for them
//	releases it          ------------> owner "", epoch 8
//	                     ............ poke ....................>   looks at once
//	                                   owner new, epoch 9  <-----  acquires it, bucket epoch + 1
//
// In between, requests are refused and tried again by their sender; a hand-over takes a few tens of milliseconds. An
// actor that does not stop within DrainTimeout is left behind: it gets no message any more, and its bucket moves on.
//
// Each node has 16 placement actors (shards). A request goes to the owner's shard, which checks that the node owns the
// bucket in its own view, activates the actor if needed and passes the message on. There is no cache of addresses, so
// none can be stale or grow. Actors are stopped, not poisoned: what is queued is sent back to the shard and refused,
// or handled by the next activation where the actor stopped by itself.
//
// # Trust window
//
// A beat asks for a lease of Lease, by the table's clock, at the moment asked of the node's monotonic clock. The table
// grants it later than that, so the node may trust it until
//
//	trustedUntil = asked + Lease - Lease/10
//
// and nobody else acquires its buckets before asked + Lease. Every message to a virtual actor is checked against
// trustedUntil and the buckets served (the fence), after queueing, right before the handler. What the fence cannot
// cover is a handler that runs across the end of the window; there the compare-and-set of its write decides.
//
// Accepted clock skew. Wall clocks of nodes do not matter, the table's clock alone does. The margin of a tenth covers
// monotonic clocks that differ in rate by 10 %. The table's clock may jump, at a failover for instance: a jump counts as
// a silence, of which no more than a quarter of a lease is charged to anybody. By so much can a node be evicted before
// it stops trusting itself; then the compare-and-set decides. A monotonic
// clock runs on while a process is stopped (SIGSTOP), but not while its virtual machine is suspended: such a node
// trusts a dead lease until its next beat, at most Lease; again the compare-and-set decides.
//
// # Failures
//
//	what happens                        what follows
//	a node dies                         its buckets are free one lease after its last beat, acquired by the next beat of
//	                                    their new owners: served again within Lease plus Poll
//	a node is frozen or cut off from    the same; it refuses everything before that, and is lost when it comes back
//	  the table
//	two nodes cannot reach each other   requests between them fail as Unknown or are retried; membership is unaffected
//	the table is away                   degraded, see above; Start waits until its context ends
//	a request's receiver dies           Unknown as soon as the view shows it, not only at the deadline
//	a request is refused                it was not handled: tried again until the deadline, then Unavailable
//	a handler panics                    its caller gets Internal, the actor is restarted, ten times in ten seconds
//	                                    at most, then stopped; the next message activates it anew
//	a message of an unknown kind or     answered with Invalid (unknown_kind, unknown_version)
//	  a newer version
//
// Ownership of state: the beat loop alone writes the snapshot that all others read; each shard owns its activations;
// whatever else is mutable sits beside the mutex that guards it in Node.
package cluster
