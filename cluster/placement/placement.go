package placement

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"

	"ramal/internal/id"
)

// Member is one process of the cluster as the others see it.
type Member struct {
	ID      id.Node
	Host    string   // host name or address other nodes connect to
	Port    int      // TCP port, 1 to 65535
	Kinds   []string // virtual actors it can host, sorted; empty: it owns no buckets
	Load    int      // calls in progress; informative, a change of it alone is no new epoch
	Leaving bool     // drains: owns no bucket as long as anybody else can
}

// Addr returns "host:port".
func (m Member) Addr() string {
	host := m.Host
	if strings.Contains(host, ":") { // an IPv6 address
		host = "[" + host + "]"
	}
	return host + ":" + strconv.Itoa(m.Port)
}

// sameIdentity reports whether everything but the load is equal.
func (m Member) sameIdentity(o Member) bool {
	return m.ID == o.ID && m.Host == o.Host && m.Port == o.Port && m.Leaving == o.Leaving && slices.Equal(m.Kinds, o.Kinds)
}

// Lease says who owns a bucket. It has no clock of its own: it lasts as long as the membership of its owner.
type Lease struct {
	Owner id.Node // "" while nobody owns it
	Epoch int64   // number of times the bucket was acquired; 0 before the first
}

// View is the cluster at one epoch. Views of equal epoch differ in nothing but loads.
type View struct {
	Epoch   int64    // grows with each change of membership or ownership
	Members []Member // ordered by ID, leaving ones included
	Buckets [id.Buckets]Lease
}

// Find returns the member with the given id.
func (v *View) Find(node id.Node) (Member, bool) {
	i, ok := slices.BinarySearchFunc(v.Members, node, func(m Member, n id.Node) int { return compare(m.ID, n) })
	if !ok {
		return Member{}, false
	}
	return v.Members[i], true
}

// Candidates returns the members that may own buckets: those that host actors and stay. When all who host actors
// are leaving they remain candidates, so that a cluster's last node serves until it ends.
func Candidates(members []Member) []id.Node {
	var stay, leave []id.Node
	for _, m := range members {
		switch {
		case len(m.Kinds) == 0:
		case m.Leaving:
			leave = append(leave, m.ID)
		default:
			stay = append(stay, m.ID)
		}
	}
	if len(stay) == 0 {
		return leave
	}
	return stay
}

// Desired returns the owner each bucket should have: the candidate with the highest hash of itself and the bucket
// (rendezvous hashing, equal weights), "" when there is no candidate.
func Desired(members []Member) [id.Buckets]id.Node {
	var owners [id.Buckets]id.Node
	var best [id.Buckets]uint64
	for _, node := range Candidates(members) {
		for b := range owners {
			s := score(node, b)
			if owners[b] == "" || s > best[b] || (s == best[b] && node < owners[b]) {
				owners[b], best[b] = node, s
			}
		}
	}
	return owners
}

func score(node id.Node, bucket int) uint64 {
	// The bucket is hashed after the id, and the sum mixed once more: ids of nodes started together differ in few bytes.
	h := xxhash.New()
	_, _ = h.WriteString(string(node))
	_, _ = h.Write([]byte{0, byte(bucket), byte(bucket >> 8)})
	s := h.Sum64()
	s ^= s >> 33
	s *= 0xff51afd7ed558ccd // finaliser of MurmurHash3
	return s ^ s>>33
}

// Steps is what one node has to do about its buckets. Both lists are ascending.
type Steps struct {
	Drain   []int // owns them, another should: stop their actors, then release them
	Acquire []int // should own them and nobody does: the next beat takes them
}

// Settled reports whether nothing is left to do.
func (s Steps) Settled() bool { return len(s.Drain) == 0 && len(s.Acquire) == 0 }

// Plan returns the steps of the node self at view v.
func Plan(self id.Node, v *View) Steps {
	desired := Desired(v.Members)
	var s Steps
	for b, l := range v.Buckets {
		switch {
		case l.Owner == self && desired[b] != self && desired[b] != "":
			s.Drain = append(s.Drain, b)
		case l.Owner == "" && desired[b] == self:
			s.Acquire = append(s.Acquire, b)
		}
	}
	return s
}

// Share reports whether self owns all buckets it should own at v, and no other.
func Share(self id.Node, v *View) bool {
	desired := Desired(v.Members)
	for b, l := range v.Buckets {
		if (l.Owner == self) != (desired[b] == self) {
			return false
		}
	}
	return true
}

// Trust returns until when a node may rely on a lease of the given length that it asked for at the moment asked, by
// its own clock: a tenth less than granted, for clocks that run at different speeds.
func Trust(asked time.Time, lease time.Duration) time.Time { return asked.Add(lease - lease/10) }

func compare(a, b id.Node) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
