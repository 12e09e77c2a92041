package host

import (
	"context"
	"log/slog"
	"time"

	"ramal/actors/call"
	"ramal/internal/fault"
	"ramal/store"
)

func (a *callActor) kept(s call.State) []byte {
	return mustJSON(callKept{State: s, Contact: a.about.Contact, Line: a.about.Line})
}

// journal writes what is unsaved. A store that is away does not stop the call, and is asked again by flush alone; a
// journal that somebody else has written does stop it.
func (a *callActor) journal(after call.State) error {
	if a.flushing {
		return nil
	}
	err := errStoreAway
	if a.h.store.Healthy() {
		err = a.append(after)
	}
	switch {
	case err == nil:
	case fault.Is(err, fault.Conflict):
		return &fault.Error{Kind: fault.Conflict, Op: "host.call", Code: codeOvertaken, Cause: err}
	case fault.Is(err, fault.Invalid), fault.Is(err, fault.Internal):
		return a.journalBare(after, err)
	default:
		a.flushing = true
		a.h.observer.Unsaved(1)
		a.later(journalRetry, flushCall{})
		a.h.log.Warn("call goes on unsaved", slog.String("call", string(a.call)), slog.Any("error", err))
	}
	return nil
}

// journalBare writes events that the store refuses as they are without their data: waiting would not help, and the call
// must stay savable.
func (a *callActor) journalBare(after call.State, cause error) error {
	a.h.log.Error("events of a call refused by the store; kept without their data", slog.String("call", string(a.call)), slog.Any("error", cause))
	for i := range a.unsaved {
		a.unsaved[i].Data = nil
	}
	if err := a.send(after); err != nil {
		a.h.log.Error("events of a call lost", slog.String("call", string(a.call)), slog.Any("error", err))
		return fault.Wrap(fault.Internal, "host.journal", err)
	}
	return nil
}

var errStoreAway = error(fault.New(fault.Unavailable, "host.journal", "store_away", "the store is known to be away"))

// append writes what is unsaved. Conflict means that the journal holds what this call has not written, and only that:
// an earlier attempt whose outcome was unknown is recognised by its own entries, and not being able to look is Unavailable.
func (a *callActor) append(after call.State) error {
	err := a.send(after)
	if !fault.Is(err, fault.Conflict) {
		return err
	}
	if err := a.dropWritten(after); err != nil || len(a.unsaved) == 0 {
		return err
	}
	return a.send(after)
}

func (a *callActor) send(after call.State) error {
	ctx, cancel := context.WithTimeout(context.Background(), journalWait)
	defer cancel()
	err := a.h.store.AppendCallEvents(ctx, a.unsaved[0].Seq-1, a.unsaved, a.row(after))
	if err == nil {
		a.unsaved = nil
	}
	return err
}

// dropWritten forgets what an earlier attempt has written of the unsaved events.
func (a *callActor) dropWritten(after call.State) error {
	ctx, cancel := context.WithTimeout(context.Background(), journalWait)
	defer cancel()
	have, err := a.h.store.CallEvents(ctx, after.Tenant, a.call, a.unsaved[0].Seq-1)
	if err != nil {
		return fault.Wrap(fault.Unavailable, "host.journal", err)
	}
	for i, ev := range have {
		if i >= len(a.unsaved) || ev.Seq != a.unsaved[i].Seq || ev.Type != a.unsaved[i].Type || !ev.At.Equal(a.unsaved[i].At.Truncate(time.Microsecond)) {
			return fault.Newf(fault.Conflict, "host.journal", store.CodeStale, "event %d is not this call's", ev.Seq)
		}
	}
	a.unsaved = a.unsaved[len(have):]
	return nil
}

func (a *callActor) row(s call.State) store.CallRow {
	return store.CallRow{
		Tenant: s.Tenant, ID: s.Call, Line: s.Line, Contact: s.Contact, Direction: store.Direction(s.Direction), Node: a.node,
		ProviderCallID: s.ProviderID, State: string(s.Phase), CreatedAt: s.CreatedAt, AnsweredAt: s.AnsweredAt, EndedAt: s.EndedAt,
		TalkTime: s.TalkTime(s.EndedAt), EndReason: string(s.EndReason), EndedBy: string(s.EndedBy), Agents: s.Agents(), Seq: a.seq, Fold: a.kept(s),
	}
}

func (a *callActor) flush() error {
	err := a.append(a.s)
	if fault.Is(err, fault.Conflict) {
		return &fault.Error{Kind: fault.Conflict, Op: "host.call", Code: codeOvertaken, Cause: err}
	}
	if err != nil {
		a.later(journalRetry, flushCall{})
		return nil //nolint:nilerr // the next attempt is due
	}
	a.flushing = false
	a.h.observer.Unsaved(-1)
	a.h.log.Info("call saved again", slog.String("call", string(a.call)))
	a.publish(a.s)
	a.depart()
	return nil
}

// depart ends the actor of an ended call once its journal is safe, some time later: late webhooks still find it.
func (a *callActor) depart() {
	if a.s.Phase == call.Ended && !a.flushing && !a.departing {
		a.departing = true
		a.h.calls.ended(a.call)
		a.later(a.h.cfg.Linger, goAway{})
	}
}
