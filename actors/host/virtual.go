package host

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"ramal/cluster"
	"ramal/cluster/wire"
	"ramal/internal/fault"
)

// core is what the shell needs to know of one kind of virtual actor: S is its state, C its commands, E its
// events, F its effects.
type core[S, C, E, F any] struct {
	kind     string
	decode   func(kind string, body []byte) (C, error)
	decide   func(S, C, time.Time) ([]E, error)
	evolve   func(S, E) S
	deadline func(S) time.Time
	effects  func(before S, ev E, after S) []F
	wake     C
	// load reads the stored state and its version, and names the commands that are due before any other.
	load func(ctx context.Context, who cluster.Identity) (S, int64, []C, error)
	save func(ctx context.Context, who cluster.Identity, s S, base int64) error
	// perform carries out one effect. It must not block: what waits goes onto a lane.
	perform func(v *virtual[S, C, E, F], eff F)
	// settled runs after a message has been dealt with and saved, as far as it could be.
	settled func(v *virtual[S, C, E, F])
	// other answers messages that are no commands; handled is false for unknown ones.
	other func(v *virtual[S, C, E, F], msg *wire.Envelope) (reply any, handled bool, err error)
	// soft actors act first and are saved at once after; a failed save is tried again.
	soft bool
	// volatile events need not be written; nil: all are.
	volatile func(E) bool
	idle     time.Duration // without messages for so long the actor leaves memory
}

// virtual is the shell of one contact, agent or line. Its fields belong to the mailbox.
type virtual[S, C, E, F any] struct {
	*core[S, C, E, F]
	h         *Host
	who       cluster.Identity
	self      *actor.PID
	s         S
	version   int64 // of the stored row that s, or what s began from, is
	loaded    bool
	dirty     bool // soft only: s is ahead of the store
	stale     bool // a write failed: s is read again before the next command, and soon if none comes, or its alarm were lost
	lastUse   time.Time
	wakeAt    time.Time
	notBefore time.Time // after an alarm that could not be obeyed
	alarm     *time.Timer
	extra     any // for other and perform: what is not state
}

// Messages that the shell sends itself.
type (
	alarmRang struct{}
	idleCheck struct{}
)

const (
	storeWait  = 2 * time.Second // a command waits at most this long for the store
	saveRetry  = time.Second
	minAlarm   = time.Millisecond
	idleJitter = 4 // idle checks come every idle/idleJitter
)

// Receive is the mailbox.
func (v *virtual[S, C, E, F]) Receive(ctx actor.Context) {
	switch msg := ctx.Message().(type) {
	case *actor.Started:
		<-v.h.ready
		v.self, v.lastUse = ctx.Self(), time.Now()
		v.later(v.idle/idleJitter, idleCheck{})
	case *actor.Stopping:
		_ = v.flush() // logged there; the next activation reads what is stored
		v.stopAlarm()
	case *wire.Envelope:
		reply, err := v.receive(msg)
		if ctx.Sender() != nil {
			ctx.Respond(answer(reply, err))
		}
		v.settle(ctx, err)
	case alarmRang:
		v.wakeAt = time.Time{}
		if !v.loaded && !v.stale {
			return
		}
		v.notBefore = time.Time{}
		err := v.ensure()
		if err == nil {
			_, err = v.command(v.wake)
		}
		if err != nil { // it stays overdue: not again at once
			v.notBefore = v.h.now().Add(saveRetry)
		}
		v.settle(ctx, err)
	case idleCheck:
		if at := v.deadline(v.s); time.Since(v.lastUse) > v.idle && !v.dirty && (at.IsZero() || time.Until(at) > v.idle) {
			ctx.Stop(v.self)
			return
		}
		v.later(v.idle/idleJitter, idleCheck{})
	}
}

// settle saves what is dirty, re-arms the alarm, and stops an actor that somebody else has overtaken.
func (v *virtual[S, C, E, F]) settle(ctx actor.Context, err error) {
	if v.dirty {
		if saveErr := v.flush(); fault.Is(saveErr, fault.Conflict) {
			err = saveErr
		}
	}
	if fault.Is(err, fault.Conflict) && fault.CodeOf(err) == codeOvertaken {
		v.h.log.Info("another activation writes this actor; stopping here", slog.String("kind", v.kind), slog.String("key", v.who.Key))
		ctx.Stop(v.self)
		return
	}
	if v.settled != nil {
		v.settled(v)
	}
	if v.loaded || v.stale {
		v.arm()
	}
}

// codeOvertaken marks a command that did not happen because another activation has written the row.
const codeOvertaken = "overtaken"

func (v *virtual[S, C, E, F]) receive(msg *wire.Envelope) (any, error) {
	v.lastUse = time.Now()
	if string(v.who.Tenant) != msg.GetTenant() {
		return nil, fault.New(fault.NotFound, "host."+v.kind, "not_found", "no such "+v.kind)
	}
	if err := v.ensure(); err != nil {
		return nil, err
	}
	if v.other != nil {
		if reply, handled, err := v.other(v, msg); handled {
			return reply, err
		}
	}
	if msg.GetKind() == peek {
		return v.s, nil
	}
	cmd, err := v.decode(msg.GetKind(), msg.GetBody())
	if err != nil {
		return nil, err
	}
	return v.command(cmd)
}

// peek asks for the state.
const peek = "peek"

func (v *virtual[S, C, E, F]) ensure() error {
	if v.loaded {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), storeWait)
	defer cancel()
	s, version, due, err := v.load(ctx, v.who)
	if err != nil {
		v.stale = v.stale && onlyTransient(err) != nil
		return err
	}
	v.s, v.version, v.loaded, v.stale = s, version, true, false
	for _, cmd := range due {
		if _, err := v.command(cmd); err != nil {
			v.loaded = false
			return err
		}
	}
	return nil
}

// command decides, persists, evolves, runs effects, and answers with the state after.
func (v *virtual[S, C, E, F]) command(cmd C) (any, error) {
	events, err := v.decide(v.s, cmd, v.h.now())
	if err != nil {
		return nil, err
	}
	states := make([]S, 0, len(events)+1)
	states = append(states, v.s)
	for _, ev := range events {
		states = append(states, v.evolve(states[len(states)-1], ev))
	}
	after := states[len(states)-1]
	if v.mustWrite(events) {
		if err := v.persist(after); err != nil {
			return nil, err
		}
	}
	v.s = after
	for i, ev := range events {
		for _, eff := range v.effects(states[i], ev, states[i+1]) {
			v.perform(v, eff)
		}
	}
	return v.s, nil
}

func (v *virtual[S, C, E, F]) mustWrite(events []E) bool {
	return slices.ContainsFunc(events, func(ev E) bool { return v.volatile == nil || !v.volatile(ev) })
}

// persist makes s durable, or for a soft actor notes that it must be.
func (v *virtual[S, C, E, F]) persist(s S) error {
	if v.soft {
		v.dirty = true
		return nil
	}
	return v.write(s)
}

func (v *virtual[S, C, E, F]) write(s S) error {
	ctx, cancel := context.WithTimeout(context.Background(), storeWait)
	defer cancel()
	err := v.save(ctx, v.who, s, v.version)
	if fault.Is(err, fault.Conflict) {
		return &fault.Error{Kind: fault.Conflict, Op: "host." + v.kind, Code: codeOvertaken, Cause: err}
	}
	if err == nil {
		v.version++
		return nil
	}
	if !v.soft { // the outcome is unknown: read it again before the next command
		v.loaded, v.stale = false, true
	}
	return err
}

func (v *virtual[S, C, E, F]) flush() error {
	if !v.dirty {
		return nil
	}
	err := v.write(v.s)
	if err == nil {
		v.dirty = false
		return nil
	}
	if !fault.Is(err, fault.Conflict) {
		v.h.log.Warn("state not saved yet", slog.String("kind", v.kind), slog.String("key", v.who.Key), slog.Any("error", err))
	}
	return err
}

// arm sets the one timer to the core's deadline, or to the next attempt to save.
func (v *virtual[S, C, E, F]) arm() {
	at := v.deadline(v.s)
	if retry := time.Now().Add(saveRetry); v.stale || v.dirty && (at.IsZero() || retry.Before(at)) {
		at = retry
	}
	if !at.IsZero() && at.Before(v.notBefore) {
		at = v.notBefore
	}
	if at.Equal(v.wakeAt) {
		return
	}
	v.stopAlarm()
	if at.IsZero() {
		return
	}
	v.wakeAt = at
	root, self := v.h.cluster.System().Root, v.self
	v.alarm = time.AfterFunc(max(at.Sub(v.h.now()), minAlarm), func() { root.Send(self, alarmRang{}) })
}

func (v *virtual[S, C, E, F]) stopAlarm() {
	if v.alarm != nil {
		v.alarm.Stop()
	}
	v.wakeAt = time.Time{}
}

func (v *virtual[S, C, E, F]) later(d time.Duration, msg any) {
	root, self := v.h.cluster.System().Root, v.self
	time.AfterFunc(d, func() { root.Send(self, msg) }) // to a stopped actor it is a dead letter, and harmless
}

// lane names a lane of this actor's own.
func (v *virtual[S, C, E, F]) lane(what string) string {
	return what + "/" + string(v.who.Tenant) + "/" + v.who.Key
}

// answer packs a reply or a fault for the sender of msg.
func answer(reply any, err error) *wire.Envelope {
	if err != nil {
		return wire.Fault(err)
	}
	if reply == nil {
		return wire.OK()
	}
	return envelope("", wire.KindOK, reply)
}

// ask sends a command to a virtual actor and reads the state it answers with. A command that did not happen because
// the actor moved is sent once more.
func ask[S any](ctx context.Context, h *Host, kind string, who cluster.Identity, msg *wire.Envelope) (S, error) {
	var s S
	for attempt := 0; ; attempt++ {
		reply, err := h.cluster.Request(ctx, kind, who, msg)
		if err == nil {
			err = wire.Err(reply)
		}
		if err == nil {
			if len(reply.GetBody()) == 0 {
				return s, nil
			}
			return s, unpack(reply.GetBody(), &s)
		}
		if attempt == 0 && fault.CodeOf(err) == codeOvertaken {
			continue
		}
		return s, err
	}
}
