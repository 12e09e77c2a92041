package host

import (
	"context"
	"log/slog"
	"time"

	"ramal/actors/contact"
)

const (
	sweepEvery = 30 * time.Second
	sweepBatch = 200
)

// sweepLoop wakes contacts whose permission has ended while they were out of memory, until ctx ends: Meta sends no
// webhook for that, and the agent who asked is to be told. Loading a contact is enough, its overdue alarm rings at once.
func (h *Host) sweepLoop(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			h.sweep(ctx)
		}
	}
}

func (h *Host) sweep(ctx context.Context) {
	buckets := h.cluster.OwnedBuckets()
	if len(buckets) == 0 {
		return
	}
	keys, err := h.store.ExpiredPermissions(ctx, buckets, sweepBatch)
	if err != nil {
		return // the store is away: the next round asks again
	}
	for _, k := range keys {
		if _, err := peekAt[contact.State](ctx, h, kindContact, contactID(k.Tenant, k.ID)); err != nil {
			h.log.Info("contact with an ended permission not woken", slog.String("contact", string(k.ID)), slog.Any("error", err))
		}
	}
}
