package host

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"ramal/actors"
	"ramal/actors/call"
	"ramal/cluster"
	"ramal/cluster/wire"
	"ramal/internal/fault"
	"ramal/internal/id"
	"ramal/media"
	"ramal/store"
)

// begin starts a call on the node that will run its media.
type begin struct {
	Dial       *call.Dial         `json:"dial,omitempty"`
	Incoming   *call.Incoming     `json:"incoming,omitempty"`
	Contact    actors.ContactView `json:"contact"`
	Line       actors.LineView    `json:"line"`
	To         providerAddress    `json:"to"`
	ReceivedAt time.Time          `json:"received_at,omitzero"` // inbound: when the webhook came in
}

// providerAddress is how the provider knows the contact.
type providerAddress struct {
	Phone string `json:"phone,omitempty"`
	BSUID string `json:"bsuid,omitempty"`
}

// callKept is what the calls table keeps beside the columns: the fold and what a card shows.
type callKept struct {
	State   call.State         `json:"state"`
	Contact actors.ContactView `json:"contact"`
	Line    actors.LineView    `json:"line"`
}

// callActor hosts one call. Its fields belong to the mailbox.
type callActor struct {
	h         *Host
	node      id.Node
	call      id.Call
	about     begin
	self      *actor.PID
	s         call.State
	seq       int64             // of the last event decided
	unsaved   []store.CallEvent // decided, not in the journal yet
	flushing  bool              // the store was away; a retry is due
	conf      *media.Conference
	alarm     *time.Timer
	wakeAt    time.Time
	notBefore time.Time // after an alarm that could not be obeyed
	marks     marks
	departing bool
	sdp       string      // inbound: our answer, the same for pre_accept and accept
	asked     []id.Agent  // whoever got an offer
	shown     atomic.Bool // the first modal was measured; set on lanes
}

// marks are the moments from which an observer's durations are counted.
type marks struct {
	webhook, dialed, accepted            time.Time
	rang, opened                         bool
	contactHeard, agentUp, contactOpened bool
}

// Messages that a call sends itself. A fact is something the media plane saw.
type (
	fact      struct{ media.Fact }
	flushCall struct{}
	renewCall struct{}
	outcome   struct{ call.Command }
)

const (
	journalWait  = 250 * time.Millisecond // beyond this the call goes on unsaved
	journalRetry = 500 * time.Millisecond
	renewEvery   = 20 * time.Second
	leaseOf      = 90 * time.Second // of everything a call keeps busy
)

func callName(node id.Node, c id.Call) string { return "call-" + string(node) + "-" + string(c) }

// Receive is the mailbox.
func (a *callActor) Receive(ctx actor.Context) {
	switch msg := ctx.Message().(type) {
	case *actor.Started:
		a.self = ctx.Self()
		a.conf = a.h.media.Open(a.call, a.fact)
		a.later(renewEvery, renewCall{})
	case *actor.Stopping:
		a.stopAlarm()
		a.conf.Close()
		a.h.calls.forget(a.call)
		if a.flushing { // stopped with events unsaved: it does not count as unsaved any more
			a.h.observer.Unsaved(-1)
		}
	case *wire.Envelope:
		reply, err := a.receive(msg)
		if ctx.Sender() != nil {
			ctx.Respond(answer(reply, err))
		}
		a.settle(ctx, err)
	case outcome:
		_, err := a.command(msg.Command)
		a.settle(ctx, err)
	case fact:
		a.settle(ctx, a.onFact(msg.Fact))
	case alarmRang:
		a.wakeAt, a.notBefore = time.Time{}, time.Time{}
		_, err := a.command(call.Wake{})
		if err != nil { // it stays overdue: not again at once
			a.notBefore = a.h.now().Add(saveRetry)
		}
		a.settle(ctx, err)
	case flushCall:
		a.settle(ctx, a.flush())
	case renewCall:
		a.renew()
		a.later(renewEvery, renewCall{})
	case goAway:
		ctx.Stop(a.self)
	}
}

type goAway struct{}

// fact runs on the media plane's goroutines.
func (a *callActor) fact(f media.Fact) { a.h.cluster.System().Root.Send(a.h.callPID(a.call), fact{f}) }

func (a *callActor) receive(msg *wire.Envelope) (any, error) {
	if a.s.Phase != call.Unborn && string(a.s.Tenant) != msg.GetTenant() {
		return nil, fault.New(fault.NotFound, "host.call", "call_unknown", "no such call")
	}
	switch msg.GetKind() {
	case "begin":
		if a.s.Phase != call.Unborn {
			return nil, fault.New(fault.Conflict, "host.begin", "call_exists", "the call has begun already")
		}
		if err := unpack(msg.GetBody(), &a.about); err != nil {
			return nil, err
		}
		return a.begin()
	case "view":
		var q struct {
			Agent id.Agent `json:"agent"`
		}
		if err := unpack(msg.GetBody(), &q); err != nil {
			return nil, err
		}
		return a.viewFor(q.Agent), nil
	}
	cmd, err := decodeCall(msg.GetKind(), msg.GetBody())
	if err != nil {
		return nil, err
	}
	return a.command(cmd)
}

// begin makes the call known before anything else, so that webhooks and agents find it.
func (a *callActor) begin() (any, error) {
	a.marks.webhook = a.about.ReceivedAt
	var cmd call.Command
	row := store.CallRow{ID: a.call, Node: a.node, State: string(call.Unborn), CreatedAt: a.h.now()}
	switch {
	case a.about.Dial != nil:
		d := *a.about.Dial
		cmd, row.Tenant, row.Line, row.Contact, row.Direction = d, d.Tenant, d.Line, d.Contact, store.Outbound
		row.State = string(call.Dialing)
		a.marks.dialed = a.h.now()
	case a.about.Incoming != nil:
		in := *a.about.Incoming
		cmd, row.Tenant, row.Line, row.Contact, row.Direction = in, in.Tenant, in.Line, in.Contact, store.Inbound
		row.ProviderCallID, row.State = in.ProviderID, string(call.Offering)
	default:
		return nil, fault.New(fault.Invalid, "host.begin", "unknown_kind", "a call begins with a dial or a ring")
	}
	row.Fold = a.kept(a.s)
	ctx, cancel := context.WithTimeout(context.Background(), storeWait)
	defer cancel()
	if err := a.h.store.InsertCall(ctx, row); err != nil && !a.insertedBefore(ctx, row, err) {
		return nil, err
	}
	return a.command(cmd)
}

// insertedBefore recognises the row that an earlier attempt wrote without learning of it: nothing has happened to that call yet,
// and it belongs to this node, whose only actor of the call this is.
func (a *callActor) insertedBefore(ctx context.Context, row store.CallRow, err error) bool {
	if !fault.Is(err, fault.Conflict) {
		return false
	}
	have, err := a.h.store.GetCall(ctx, row.Tenant, row.ID)
	return err == nil && have.Seq == 0 && have.Node == a.node && have.EndedAt.IsZero()
}

// command decides, journals, evolves, runs effects and publishes. The reply is that of the last effect that has one.
func (a *callActor) command(cmd call.Command) (any, error) {
	now := a.h.now()
	events, err := call.Decide(a.s, cmd, now)
	if err != nil || len(events) == 0 {
		return nil, err
	}
	states := []call.State{a.s}
	for _, ev := range events {
		states = append(states, call.Evolve(states[len(states)-1], ev))
		name, data, err := call.EncodeEvent(ev)
		if err != nil {
			return nil, fault.Wrap(fault.Internal, "host.call", err)
		}
		a.seq++
		a.unsaved = append(a.unsaved, store.CallEvent{Seq: a.seq, Type: name, Data: data, At: now})
	}
	if err := a.journal(states[len(states)-1]); err != nil {
		return nil, err
	}
	a.note(cmd, now)
	a.s = states[len(states)-1]
	var reply any
	for i, ev := range events {
		for _, eff := range call.Effects(states[i], ev, states[i+1]) {
			r, failed := a.perform(eff)
			if r != nil {
				reply = r
			}
			if failed != nil {
				err = failed
			}
		}
	}
	a.publish(states[0])
	return reply, err
}

// settle re-arms the timers and ends the actor when its work is over, or when it was overtaken.
func (a *callActor) settle(ctx actor.Context, err error) {
	if fault.CodeOf(err) == codeOvertaken {
		a.h.log.Error("somebody else writes this call's journal; stopping here", slog.String("call", string(a.call)), slog.Any("error", err))
		ctx.Stop(a.self)
		return
	}
	if a.s.Phase == call.Unborn { // it could not even begin
		ctx.Stop(a.self)
		return
	}
	a.depart()
	a.arm()
}

func (a *callActor) arm() {
	at := call.Deadline(a.s)
	if !at.IsZero() && at.Before(a.notBefore) {
		at = a.notBefore
	}
	if at.Equal(a.wakeAt) {
		return
	}
	a.stopAlarm()
	if at.IsZero() {
		return
	}
	a.wakeAt = at
	root, self := a.h.cluster.System().Root, a.self
	a.alarm = time.AfterFunc(max(at.Sub(a.h.now()), minAlarm), func() { root.Send(self, alarmRang{}) })
}

func (a *callActor) stopAlarm() {
	if a.alarm != nil {
		a.alarm.Stop()
	}
	a.wakeAt = time.Time{}
}

func (a *callActor) later(d time.Duration, msg any) {
	root, self := a.h.cluster.System().Root, a.self
	time.AfterFunc(d, func() { root.Send(self, msg) })
}

// result sends the outcome of an effect back to the call's mailbox, from a lane.
func (a *callActor) result(cmd call.Command) { a.h.cluster.System().Root.Send(a.self, outcome{cmd}) }

// callAddress is where a call that lives on node is found.
func callAddress(node id.Node, c id.Call) cluster.Address {
	return cluster.Address{Node: node, Name: callName(node, c)}
}
