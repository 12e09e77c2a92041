package cluster

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"ramal/cluster/placement"
	"ramal/internal/fault"
	"ramal/internal/id"
)

// drain is a bucket on its way to another node. Owned by the beat loop.
type drain struct {
	since   time.Time
	stopped bool // no actor of it is left here (or the time for it is over)
	late    bool // it took longer than DrainTimeout
}

// beater is the state of the beat loop; nobody else touches it.
type beater struct {
	joined   bool
	failing  bool // the last beat failed
	valid    bool // LeaseValid as last announced
	draining map[int]*drain
}

// run beats until Close, or until the node is lost. It is the only writer of the snapshot.
func (n *Node) run(ctx context.Context) {
	defer close(n.ran)
	ticker := time.NewTicker(n.cfg.Poll)
	defer ticker.Stop()
	b := &beater{draining: map[int]*drain{}}
	for {
		n.beat(ctx, b)
		if n.lost.Load() || ctx.Err() != nil {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-n.nudged:
			// requests that meet an old view nudge too: never more than ten beats where one is due
			pause := time.NewTimer(n.cfg.Poll / 10)
			select {
			case <-ctx.Done():
				pause.Stop()
				return
			case <-pause.C:
			}
		}
	}
}

// nudge makes the next beat come soon.
func (n *Node) nudge() {
	select {
	case n.nudged <- struct{}{}:
	default:
	}
}

func (n *Node) beat(ctx context.Context, b *beater) {
	n.collectDrained(b)
	self := n.self
	self.Load, self.Leaving = n.cfg.Load(), n.leaving.Load()
	pokers := n.takePokers()
	asked := time.Now()
	bounded, cancel := context.WithTimeout(ctx, n.cfg.Lease/3)
	result, err := n.cfg.Membership.Beat(bounded, placement.Beat{
		Self: self, Lease: n.cfg.Lease, Join: !b.joined, Release: n.releasable(b),
	})
	cancel()
	if err != nil {
		n.stats.failedBeats.Add(1)
		n.failed(ctx, b, err)
		return
	}
	if b.failing {
		n.log.Info("membership table is back")
	}
	b.joined, b.failing = true, false
	n.trusted.Store(int64(placement.Trust(asked, n.cfg.Lease).Sub(n.origin)))
	n.apply(b, result.View)
	b.valid = n.LeaseValid()
	n.answerPokes(pokers)
	if result.Changed {
		n.pokeOthers()
	}
}

// failed handles a beat without result: the table said that the node is lost, or could not be asked.
func (n *Node) failed(ctx context.Context, b *beater, err error) {
	if fault.CodeOf(err) == placement.CodeLeaseLost {
		n.lost.Store(true)
		n.log.Error("lost the lease: this process must end", slog.Any("error", err))
		n.wakeNotifier()
		go n.cfg.OnLost(err) // ends by itself; it may call Close, which waits for this loop
		return
	}
	if ctx.Err() != nil {
		return // closing
	}
	if !b.failing {
		n.log.Warn("membership table cannot be reached", slog.Any("error", err))
		b.failing = true
	}
	if b.valid && !n.LeaseValid() {
		b.valid = false
		n.log.Error("lease not renewed: serving nothing but running calls until the membership table is back")
		n.wakeNotifier()
	}
}

// collectDrained notes which buckets the shards have reported empty, and gives up waiting for those that take too long.
func (n *Node) collectDrained(b *beater) {
	n.emptied.Lock()
	empty := n.emptied.buckets
	n.emptied.buckets = nil
	n.emptied.Unlock()
	for _, bucket := range empty {
		if d := b.draining[bucket]; d != nil {
			d.stopped = true
		}
	}
	for bucket, d := range b.draining {
		if !d.stopped && time.Since(d.since) > n.cfg.DrainTimeout {
			d.stopped, d.late = true, true
			n.stats.lateDrains.Add(1)
			n.log.Error("actors do not stop: handing their bucket over without them", slog.Int("bucket", bucket))
		}
	}
}

// releasable returns the drained buckets that another node should still have.
func (n *Node) releasable(b *beater) []int {
	if len(b.draining) == 0 {
		return nil
	}
	var release []int
	for _, bucket := range placement.Plan(n.cfg.NodeID, &n.snap.Load().view).Drain {
		if d := b.draining[bucket]; d != nil && d.stopped {
			release = append(release, bucket)
		}
	}
	return release
}

// apply makes a view the current one: it closes the channels of the gone, and starts to drain what others should own.
func (n *Node) apply(b *beater, v placement.View) {
	before := n.snap.Load()
	next := &snapshot{view: v, peers: make(map[id.Node]*peer, len(v.Members))}
	for _, m := range v.Members {
		next.peers[m.ID] = newPeer(m, before.peers[m.ID])
	}
	steps := placement.Plan(n.cfg.NodeID, &v)
	var stop []int
	for bucket, lease := range v.Buckets {
		owned := lease.Owner == n.cfg.NodeID
		d := b.draining[bucket]
		leave := owned && slices.Contains(steps.Drain, bucket)
		switch {
		case leave && d == nil:
			b.draining[bucket] = &drain{since: time.Now()}
			stop = append(stop, bucket)
		case !owned && d != nil: // released
			delete(b.draining, bucket)
		case owned && !leave && d != nil && d.stopped: // ours again before it was released
			delete(b.draining, bucket)
		case !owned && before.serving[bucket]: // taken from us
			stop = append(stop, bucket)
		}
		next.serving[bucket] = owned && b.draining[bucket] == nil
	}
	n.snap.Store(next)
	for node, p := range before.peers {
		if q := next.peers[node]; q == nil || q.gone != p.gone {
			close(p.gone)
		}
	}
	if len(stop) > 0 {
		n.lookup.stop(stop)
	}
	if placement.Share(n.cfg.NodeID, &v) && len(b.draining) == 0 {
		n.readyOnce.Do(func() { close(n.ready) })
	}
	if before.view.Epoch != v.Epoch || before.serving != next.serving || !b.valid {
		n.wakeNotifier()
	}
}

// bucketEmpty is called by a shard when the last actor of a bucket that it was told to stop is gone.
func (n *Node) bucketEmpty(buckets ...int) {
	n.emptied.Lock()
	n.emptied.buckets = append(n.emptied.buckets, buckets...)
	n.emptied.Unlock()
	n.nudge()
}
