package placement

import (
	"slices"
	"time"

	"ramal/internal/fault"
	"ramal/internal/id"
)

// CodeLeaseLost is the fault code of a node whose row is gone: it was declared dead and must stop.
const CodeLeaseLost = "lease_lost"

// Beat is one node's periodic report: it renews its lease, and gives up buckets it has drained.
type Beat struct {
	Self    Member
	Lease   time.Duration // how long the lease lasts from now on, more than zero
	Join    bool          // insert the row if it is not there; only until the first success
	Release []int         // buckets of Self whose actors have stopped
}

// Row is a member and the end of its lease by the database's clock.
type Row struct {
	Member
	Expires time.Time
}

// Rows is everything the database knows about the cluster.
type Rows struct {
	Epoch    int64
	LastTick time.Time // time of the last beat of anybody; zero before the first
	Members  []Row     // ordered by ID
	Buckets  [id.Buckets]Lease
}

// Change lists what Advance did, for an adapter to store.
type Change struct {
	Extended bool      // all members' leases were shifted
	Removed  []id.Node // members whose rows go
	Buckets  []int     // buckets whose lease differs, ascending
	Epoch    bool      // the epoch was raised
}

// Advance returns the rows after beat b arrives at the time now of the database's clock.
//
// Members whose lease has ended are removed and their buckets freed. Time in which nobody beats does not count against
// anybody, but for a quarter of a lease: then it was the database that was away. Nor does a clock that is set back.
// A row that has ended or is gone is never revived: the beat fails with NotFound and CodeLeaseLost and nothing changes.
// A joining node removes other rows of its own address, which can only be former processes.
func Advance(r Rows, b Beat, now time.Time) (Rows, Change, error) {
	var ch Change
	expires := now.Add(b.Lease)
	r.Members = slices.Clone(r.Members)
	if shift := silence(r.LastTick, now, b.Lease); shift != 0 {
		ch.Extended = true
		for i := range r.Members {
			r.Members[i].Expires = r.Members[i].Expires.Add(shift)
		}
	}

	own := slices.IndexFunc(r.Members, func(m Row) bool { return m.ID == b.Self.ID })
	switch {
	case own >= 0 && r.Members[own].Expires.After(now):
		ch.Epoch = !r.Members[own].sameIdentity(b.Self)
		r.Members[own] = Row{Member: b.Self, Expires: expires}
	case own < 0 && b.Join:
		ch.Epoch = true
		r.Members = append(r.Members, Row{Member: b.Self, Expires: expires})
		slices.SortFunc(r.Members, func(x, y Row) int { return compare(x.ID, y.ID) })
	default:
		return Rows{}, Change{}, fault.New(fault.NotFound, "placement.advance", CodeLeaseLost, "the node's lease has ended")
	}

	r.Members = slices.DeleteFunc(r.Members, func(m Row) bool {
		former := b.Join && m.ID != b.Self.ID && m.Host == b.Self.Host && m.Port == b.Self.Port
		if m.Expires.After(now) && !former {
			return false
		}
		ch.Removed = append(ch.Removed, m.ID)
		return true
	})
	ch.Buckets = r.settle(b)
	r.LastTick = now
	if ch.Epoch = ch.Epoch || len(ch.Removed) > 0 || len(ch.Buckets) > 0; ch.Epoch {
		r.Epoch++
	}
	return r, ch, nil
}

// silence returns the part of the time since the last beat of anybody that does not count. Nodes beat at least every
// sixth of a lease, so a member that lives has more than half a lease left after any silence; and as a quarter always
// counts, a dead one is removed however slow the database.
func silence(last, now time.Time, lease time.Duration) time.Duration {
	if last.IsZero() {
		return 0
	}
	gap := now.Sub(last)
	if gap < 0 {
		return gap
	}
	return max(0, gap-lease/4)
}

// settle frees the buckets of those who are gone, applies the releases, and gives Self the free ones it should own.
func (r *Rows) settle(b Beat) []int {
	members := make([]Member, len(r.Members))
	alive := make(map[id.Node]bool, len(members))
	for i, m := range r.Members {
		members[i] = m.Member
		alive[m.ID] = true
	}
	before := r.Buckets
	for i, l := range r.Buckets {
		if l.Owner != "" && !alive[l.Owner] {
			r.Buckets[i].Owner = ""
		}
	}
	for _, i := range b.Release {
		if i >= 0 && i < id.Buckets && r.Buckets[i].Owner == b.Self.ID {
			r.Buckets[i].Owner = ""
		}
	}
	desired := Desired(members)
	var changed []int
	for i, l := range r.Buckets {
		if l.Owner == "" && desired[i] == b.Self.ID {
			r.Buckets[i] = Lease{Owner: b.Self.ID, Epoch: l.Epoch + 1}
		}
		if r.Buckets[i] != before[i] {
			changed = append(changed, i)
		}
	}
	return changed
}

// Leave returns the rows after the node has gone of its own will: its buckets are free at once.
func Leave(r Rows, node id.Node) (Rows, Change) {
	var ch Change
	r.Members = slices.Clone(r.Members)
	r.Members = slices.DeleteFunc(r.Members, func(m Row) bool { return m.ID == node })
	ch.Removed = []id.Node{node}
	for i, l := range r.Buckets {
		if l.Owner == node {
			r.Buckets[i].Owner = ""
			ch.Buckets = append(ch.Buckets, i)
		}
	}
	ch.Epoch = true
	r.Epoch++
	return r, ch
}

// View returns what the nodes are told about the rows.
func (r *Rows) View() View {
	v := View{Epoch: r.Epoch, Members: make([]Member, len(r.Members)), Buckets: r.Buckets}
	for i, m := range r.Members {
		v.Members[i] = m.Member
	}
	return v
}
