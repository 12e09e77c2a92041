package host

import (
	"context"
	"crypto/subtle"
	"errors"
	"log/slog"
	"sync"
	"time"

	"ramal/actors"
	"ramal/channels/whatsapp"
	"ramal/internal/fault"
	"ramal/internal/id"
	"ramal/store"
)

var _ actors.Intake = (*Host)(nil)

// LineByPhoneNumberID implements actors.Intake.
func (h *Host) LineByPhoneNumberID(ctx context.Context, phoneNumberID string) (actors.LineAuth, error) {
	e, err := h.lineByNumber(ctx, phoneNumberID)
	if err != nil {
		return actors.LineAuth{}, err
	}
	return lineAuth(e.row), nil
}

// LinesByAccount finds the lines of a WhatsApp business account, for events about the whole account.
func (h *Host) LinesByAccount(ctx context.Context, waba string) ([]actors.LineAuth, error) {
	var out []actors.LineAuth
	err := h.eachLine(ctx, func(l store.LineRow) bool {
		if l.WABAID == waba {
			out = append(out, lineAuth(l))
		}
		return true
	})
	return out, err
}

// VerifyToken implements actors.Intake.
func (h *Host) VerifyToken(ctx context.Context, token string) (bool, error) {
	found := false
	err := h.eachLine(ctx, func(l store.LineRow) bool {
		want := l.Credentials.VerifyToken
		found = want != "" && subtle.ConstantTimeCompare([]byte(want), []byte(token)) == 1
		return !found
	})
	return found, err
}

// eachLine shows every line of every tenant until visit says enough.
func (h *Host) eachLine(ctx context.Context, visit func(store.LineRow) bool) error {
	tenants, err := h.store.ListTenants(ctx)
	if err != nil {
		return err
	}
	for _, t := range tenants {
		lines, err := h.store.ListLines(ctx, t.ID)
		if err != nil {
			return err
		}
		for _, l := range lines {
			if !visit(l) {
				return nil
			}
		}
	}
	return nil
}

func lineAuth(l store.LineRow) actors.LineAuth {
	return actors.LineAuth{Tenant: l.Tenant, Line: l.ID, AppSecret: l.Credentials.AppSecret, VerifyToken: l.Credentials.VerifyToken}
}

// Accept implements actors.Intake.
func (h *Host) Accept(ctx context.Context, items []actors.InboxItem) error {
	rows := make([]store.InboxRow, 0, len(items))
	byID := make(map[string]store.InboxRow, len(items))
	for _, item := range items {
		row := store.InboxRow{
			ID: id.New("in", h.now()), Tenant: item.Tenant, Line: item.Line, Dedupe: item.Dedupe,
			Bucket: id.Bucket(item.Tenant, "inbox", item.Dedupe), Body: item.Body, ReceivedAt: item.ReceivedAt,
		}
		rows = append(rows, row)
		byID[row.ID] = row
	}
	fresh, err := h.store.PutInbox(ctx, rows)
	if err != nil {
		return err
	}
	for _, inbox := range fresh {
		h.enqueue(byID[inbox])
	}
	return nil
}

// inHand are the inbox rows that lanes of this node deal with or will: none is begun again beside itself, or one failure
// would count several times. Guarded by mu.
type inHand struct {
	mu struct {
		sync.Mutex
		rows map[string]bool
	}
}

func newInHand() *inHand {
	i := &inHand{}
	i.mu.rows = map[string]bool{}
	return i
}

// take reports whether nobody has the row yet.
func (i *inHand) take(row string) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.mu.rows[row] {
		return false
	}
	i.mu.rows[row] = true
	return true
}

func (i *inHand) leave(row string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.mu.rows, row)
}

// enqueue processes an item behind the earlier ones of the same call or person.
func (h *Host) enqueue(row store.InboxRow) {
	if !h.inHand.take(row.ID) {
		return
	}
	ev, err := whatsapp.ParseItem(row.Body)
	key := row.ID
	if err == nil {
		key = string(row.Tenant) + "/" + laneKey(ev)
	}
	h.lanes.run("inbox/"+key, func(ctx context.Context) {
		defer h.inHand.leave(row.ID)
		if err != nil {
			h.inboxFailed(ctx, row, ev, err)
			return
		}
		h.process(ctx, row, ev)
	})
}

// laneKey keeps what belongs together in order, and nothing else.
func laneKey(ev whatsapp.Event) string {
	switch e := any(ev).(type) { // calls first; the rest belongs to a person
	case whatsapp.CallConnect:
		return e.CallID
	case whatsapp.CallStatus:
		return e.CallID
	case whatsapp.CallTerminate:
		return e.CallID
	}
	if p := ev.Header().Party; p.UserID != "" {
		return p.UserID
	}
	if p := ev.Header().Party; p.WaID != "" {
		return p.WaID
	}
	return ev.DedupeKey()
}

const (
	processWait = 10 * time.Second
	ringRetry   = 300 * time.Millisecond
)

// isRing reports whether somebody waits at the other end.
func isRing(ev whatsapp.Event) bool {
	connect, ok := any(ev).(whatsapp.CallConnect)
	return ok && connect.Direction != whatsapp.BusinessInitiated
}

func (h *Host) process(ctx context.Context, row store.InboxRow, ev whatsapp.Event) {
	ctx, cancel := context.WithTimeout(ctx, processWait)
	defer cancel()
	err := h.handle(ctx, row, ev)
	for isRing(ev) && err != nil && !errors.Is(err, errNotOurs) && ctx.Err() == nil { // while the phone rings, every second counts
		select {
		case <-ctx.Done():
		case <-time.After(ringRetry):
			err = h.handle(ctx, row, ev)
		}
	}
	dropped := errors.Is(err, errNotOurs)
	if err != nil && !dropped {
		h.inboxFailed(ctx, row, ev, err)
		return
	}
	result := "done"
	if dropped {
		result = "dropped"
	}
	h.observer.Webhook(eventName(ev), result)
	if err := h.store.MarkProcessed(ctx, []string{row.ID}, h.now()); err != nil {
		h.log.Warn("inbox item not marked; it will be processed again, which is harmless", slog.String("inbox", row.ID), slog.Any("error", err))
	}
}

func (h *Host) inboxFailed(ctx context.Context, row store.InboxRow, ev whatsapp.Event, err error) {
	result := "failed"
	parked, failErr := h.store.FailInbox(ctx, row.ID, err)
	if parked {
		result = "parked"
	}
	h.observer.Webhook(eventName(ev), result)
	h.log.Warn("webhook not processed", slog.String("inbox", row.ID), slog.String("event", eventName(ev)), slog.Bool("parked", parked), slog.Any("error", err))
	if failErr != nil && !fault.Is(failErr, fault.Unavailable) {
		h.log.Error("inbox failure not noted", slog.String("inbox", row.ID), slog.Any("error", failErr))
	}
}

// redriver processes again what was taken in but not finished: after a crash, or when something was away.
type redriver struct{ h *Host }

const (
	redriveEvery = 5 * time.Second
	redriveAfter = 15 * time.Second // older than any processing that is still going on
	redriveBatch = 100
	pruneEvery   = 10 * time.Minute
	pruneBatch   = 10_000
	keepInbox    = 8 * 24 * time.Hour
)

// loop runs until ctx ends.
func (r *redriver) loop(ctx context.Context) {
	tick, clean := time.NewTicker(redriveEvery), time.NewTicker(pruneEvery)
	defer tick.Stop()
	defer clean.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			r.once(ctx)
		case <-clean.C:
			r.prune(ctx)
		}
	}
}

// prune forgets what no late or repeated delivery can ask for any more: Meta delivers again for at most 7 days.
func (r *redriver) prune(ctx context.Context) {
	before := r.h.now().Add(-keepInbox)
	_, inboxErr := r.h.store.PruneInbox(ctx, before, pruneBatch)
	_, stoneErr := r.h.store.PruneTombstones(ctx, before, pruneBatch)
	if err := errors.Join(inboxErr, stoneErr); err != nil {
		r.h.log.Info("old inbox rows not removed; the next round tries again", slog.Any("error", err))
	}
}

func (r *redriver) once(ctx context.Context) {
	buckets := r.h.cluster.OwnedBuckets()
	if len(buckets) == 0 {
		return
	}
	rows, err := r.h.store.PendingInbox(ctx, buckets, r.h.now().Add(-redriveAfter), redriveBatch)
	if err != nil {
		return // the store is away: nothing is lost by waiting
	}
	for _, row := range rows {
		r.h.enqueue(row)
	}
}
