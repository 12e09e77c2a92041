// Package id holds the typed identifiers every other package speaks in, and the two
// functions derived from them: a time-ordered generator and the placement bucket.
// It holds no state of its own and imports nothing of ours.
package id

import (
	"crypto/rand"
	"encoding/binary"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/oklog/ulid/v2"
)

// Identifiers are distinct types so that a contact can never be passed where an agent is meant.
// All are opaque, non-empty, at most 64 bytes of [A-Za-z0-9_-] and unique within their tenant.
type (
	// Tenant is one customer company (a pharmacy). Every key, row and topic carries it.
	Tenant string
	// Contact is a person the tenant talks with.
	Contact string
	// Agent is a member of the tenant's staff (atendente).
	Agent string
	// Line is one business phone number of the tenant.
	Line string
	// Call is a whole conversation by voice, from dial or ring to its end.
	Call string
	// Leg is one party's media connection within a call.
	Leg string
	// Offer is one invitation of one agent to one call; it is a lease and ends by itself.
	Offer string
	// Session is one WebSocket of one agent (a tab, a device).
	Session string
	// Node is one incarnation of one process of the cluster.
	Node string
	// Message is one entry of a contact's conversation.
	Message string
)

// Buckets is the fixed number of placement buckets. It is stored beside contacts, so it never changes.
const Buckets = 256

// New returns a lower-case ULID with the given prefix, such as "call_01j…". Ids made later sort later,
// to the millisecond. Chance is an input of the pure cores: only shells call New.
func New(prefix string, now time.Time) string {
	u := ulid.MustNew(ulid.Timestamp(now), rand.Reader)
	return prefix + "_" + strings.ToLower(u.String())
}

// Bucket returns the placement bucket, 0 to Buckets-1, of one virtual actor.
func Bucket(tenant Tenant, kind, key string) int {
	h := xxhash.New()
	var size [4]byte
	for _, part := range [...]string{string(tenant), kind, key} {
		binary.LittleEndian.PutUint32(size[:], uint32(len(part))) // length-prefixed: ("a","bc") and ("ab","c") differ
		_, _ = h.Write(size[:])
		_, _ = h.WriteString(part)
	}
	return int(h.Sum64() % Buckets)
}

// Valid reports whether s may be used as an identifier.
func Valid(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for _, r := range s {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_', r == '-':
		default:
			return false
		}
	}
	return true
}
