package cluster

import (
	"slices"
	"strconv"

	"github.com/asynkron/protoactor-go/actor"

	"ramal/cluster/placement"
	"ramal/internal/id"
)

// Member is a node of the cluster.
type Member struct {
	ID      id.Node
	Addr    string // "host:port"
	Load    int    // calls in progress at its last beat
	Leaving bool   // drains: no new calls there
	Self    bool
}

// View is what this node knows of the cluster at one moment. It is a copy: the receiver owns it.
type View struct {
	Epoch      int64    // equal epochs: equal members and owners
	Members    []Member // ordered by ID
	Owned      []int    // buckets this node serves, ascending
	LeaseValid bool     // false: the membership table cannot be reached, or this node is lost
}

// Has reports whether node is a member.
func (v View) Has(node id.Node) bool {
	return slices.ContainsFunc(v.Members, func(m Member) bool { return m.ID == node })
}

// peer is a member and the addresses of what we talk to there. Immutable but for the channel, which the beat loop
// closes when the member is gone; a peer that only changed its load hands the channel on.
type peer struct {
	placement.Member
	addr   string
	shards [shardCount]*actor.PID
	poke   *actor.PID
	gone   chan struct{}
}

func newPeer(m placement.Member, former *peer) *peer {
	p := &peer{Member: m, addr: m.Addr()}
	if former != nil && former.addr == p.addr {
		p.shards, p.poke, p.gone = former.shards, former.poke, former.gone
		return p
	}
	p.gone = make(chan struct{})
	p.poke = actor.NewPID(p.addr, pokeName)
	for i := range p.shards {
		p.shards[i] = actor.NewPID(p.addr, shardName(i))
	}
	return p
}

func shardName(i int) string { return "place/" + strconv.Itoa(i) }

// snapshot is the state every other goroutine reads: made by the beat loop, immutable.
type snapshot struct {
	view    placement.View
	peers   map[id.Node]*peer
	serving [id.Buckets]bool // owned, and not being drained
}

// owner returns the peer that owns a bucket, nil if there is none.
func (s *snapshot) owner(bucket int) *peer { return s.peers[s.view.Buckets[bucket].Owner] }

// Members returns all members, ordered by ID, as of the last beat that succeeded.
func (n *Node) Members() []Member { return n.View().Members }

// View returns the current view.
func (n *Node) View() View {
	s := n.snap.Load()
	v := View{Epoch: s.view.Epoch, LeaseValid: n.LeaseValid()}
	for _, m := range s.view.Members {
		v.Members = append(v.Members, n.member(m))
	}
	for b, ok := range s.serving {
		if ok {
			v.Owned = append(v.Owned, b)
		}
	}
	return v
}

func (n *Node) member(m placement.Member) Member {
	return Member{ID: m.ID, Addr: m.Addr(), Load: m.Load, Leaving: m.Leaving, Self: m.ID == n.cfg.NodeID}
}

// OwnedBuckets returns the buckets this node serves, ascending; none while its lease is not valid.
func (n *Node) OwnedBuckets() []int {
	if !n.LeaseValid() {
		return nil
	}
	return n.View().Owned
}

// Owns reports whether this node may act for a bucket right now: it owns it, is not handing it over, and its lease is
// valid. It is the fence to check before work that only the owner should do; a write needs its own guard all the same.
func (n *Node) Owns(bucket int) bool {
	return bucket >= 0 && bucket < id.Buckets && n.snap.Load().serving[bucket] && n.LeaseValid()
}

// Epoch returns how often the bucket was acquired by anybody, as far as this node knows; 0 for no such bucket.
func (n *Node) Epoch(bucket int) int64 {
	if bucket < 0 || bucket >= id.Buckets {
		return 0
	}
	return n.snap.Load().view.Buckets[bucket].Epoch
}

// LeastLoaded returns the member to place the next call on: of those that host actors and are not leaving, the one
// with the least load, this node among equals. Each answer counts as one call until the member's next report, so that
// a burst spreads. It is false if there is no such member.
func (n *Node) LeastLoaded() (Member, bool) {
	s := n.snap.Load()
	n.picks.Lock()
	defer n.picks.Unlock()
	if n.picks.of != s {
		n.picks.of = s
		n.picks.count = map[id.Node]int{}
	}
	var best placement.Member
	for _, m := range s.view.Members {
		if m.Leaving || len(m.Kinds) == 0 {
			continue
		}
		m.Load += n.picks.count[m.ID]
		if best.ID == "" || m.Load < best.Load || (m.Load == best.Load && m.ID == n.cfg.NodeID) {
			best = m
		}
	}
	if best.ID == "" {
		return Member{}, false
	}
	n.picks.count[best.ID]++
	return n.member(best), true
}

// Subscribe calls fn with the current view, and then with each new one: a change of members, of owned buckets or of
// LeaseValid. Calls come one at a time from one goroutine, which the slowest subscriber delays; views in between may
// be left out, never the last one. The returned function ends the subscription; a call may be under way when it returns.
func (n *Node) Subscribe(fn func(View)) (cancel func()) {
	n.subs.Lock()
	defer n.subs.Unlock()
	key := n.subs.next
	n.subs.next++
	n.subs.fns[key] = &subscriber{fn: fn}
	n.wakeNotifier()
	return func() {
		n.subs.Lock()
		defer n.subs.Unlock()
		delete(n.subs.fns, key)
	}
}

// subscriber is owned by the notifier, but for its place in the map.
type subscriber struct {
	fn   func(View)
	told bool
	last View
}

// notify runs until Close and tells protoactor and the subscribers about changes.
func (n *Node) notify() {
	defer close(n.notified)
	for {
		select {
		case <-n.stop:
			return
		case <-n.wake:
		}
		n.publishTopology()
		n.subs.Lock()
		subs := make([]*subscriber, 0, len(n.subs.fns))
		for _, s := range n.subs.fns {
			subs = append(subs, s)
		}
		n.subs.Unlock()
		for _, s := range subs {
			v := n.View()
			if s.told && v.Epoch == s.last.Epoch && v.LeaseValid == s.last.LeaseValid && slices.Equal(v.Owned, s.last.Owned) {
				continue
			}
			s.told, s.last = true, v
			v.Members, v.Owned = slices.Clone(v.Members), slices.Clone(v.Owned)
			s.fn(v)
		}
	}
}

func (n *Node) wakeNotifier() {
	select {
	case n.wake <- struct{}{}:
	default:
	}
}
