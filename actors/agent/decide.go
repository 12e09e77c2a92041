package agent

import (
	"maps"
	"slices"
	"time"

	"ramal/actors/core"
	"ramal/internal/fault"
	"ramal/internal/id"
)

// Decide judges a command at now and returns the events it makes, none if it changes nothing. Leases that ran out by now are
// settled first, and the presence that follows from it all comes last. Errors are *fault.Error; then nothing happens.
func Decide(s State, cmd Command, now time.Time) ([]Event, error) {
	now = core.Clean(now)
	if s.ID == "" {
		return decideUnknown(cmd, now)
	}
	b := &batch{s: s, now: now, policy: s.Policy.withDefaults()}
	b.settle()
	if err := b.apply(cmd); err != nil {
		return nil, err
	}
	b.derive(callOf(s))
	return b.events, nil
}

func decideUnknown(cmd Command, now time.Time) ([]Event, error) {
	if _, ok := cmd.(Wake); ok {
		return nil, nil
	}
	if c, ok := cmd.(Enroll); ok {
		if err := checkEnroll(c); err != nil {
			return nil, err
		}
		return []Event{Enrolled{Tenant: c.Tenant, ID: c.ID, Name: c.Name, Role: c.Role, At: now}}, nil
	}
	return nil, reject(fault.NotFound, cmd, "agent_unknown", "there is no such agent")
}

// batch collects the events of one command and the state they lead to.
type batch struct {
	s      State
	now    time.Time
	policy Policy
	events []Event
}

func (b *batch) emit(events ...Event) {
	for _, ev := range events {
		b.events = append(b.events, ev)
		b.s = Evolve(b.s, ev)
	}
}

func (b *batch) apply(cmd Command) error {
	switch c := cmd.(type) {
	case Enroll:
		return b.enroll(c)
	case ofSession:
		return b.session(c)
	case SetPresence:
		return b.setPresence(c)
	case MakeOffer:
		return b.makeOffer(c)
	case CloseOffer:
		return b.closeOffer(c)
	case Miss:
		return b.miss(c)
	case Claim:
		return b.claim(c)
	case ConfirmCall:
		return b.confirm(c)
	case RenewCall:
		return b.renew(c)
	case ReleaseCall:
		return b.release(c)
	case Notify:
		return b.notify(c)
	case AckNotices:
		b.ack(c)
		return nil
	case Wake:
		return nil // what was due is settled already
	}
	panic("agent: unknown command " + cmd.commandName())
}

// settle ends every lease that ran out, in the order of ids.
func (b *batch) settle() {
	for _, session := range slices.Sorted(maps.Keys(b.s.Sessions)) {
		if info := b.s.Sessions[session]; !b.now.Before(info.LeaseUntil) {
			b.emit(SessionEnded{Session: session, Node: info.Node, Reason: SessionLapsed, At: info.LeaseUntil})
		}
	}
	if c := b.s.Call; c != nil && !b.now.Before(c.LeaseUntil) {
		b.emit(CallLapsed{Call: c.Call, At: b.now})
	}
	for _, offer := range slices.Sorted(maps.Keys(b.s.Offers)) {
		if !b.now.Before(b.s.Offers[offer].ExpiresAt) {
			b.expire(offer, true)
		}
	}
	if away(b.s, b.policy, b.now) {
		b.cancelOffers()
	}
}

// expire closes an offer that nobody answered. Own: by our clock, and the call does not know. Whoever is busy joining another call
// has not missed it.
func (b *batch) expire(offer id.Offer, own bool) {
	b.emit(OfferClosed{
		Offer: offer, Call: b.s.Offers[offer].Call, Reason: ClosedExpired, Own: own, Missed: b.s.Call == nil, At: b.now,
	})
	if !b.s.Silent && b.s.Misses >= b.policy.MaxMisses {
		b.emit(FellSilent{Misses: b.s.Misses, At: b.now})
	}
}

// derive records the presence that follows from the state, if it or the call shown with it changed.
func (b *batch) derive(callBefore id.Call) {
	p, code := presence(b.s, b.policy, b.now), ""
	if p == Break {
		code = b.s.WishCode
	}
	old := b.s.Presence
	if old == "" {
		old = Offline
	}
	if p != old || code != b.s.BreakCode || callOf(b.s) != callBefore && p != Offline {
		b.emit(PresenceChanged{Presence: p, BreakCode: code, At: b.now})
	}
}

// presence derives what others see at now; see doc.go.
func presence(s State, p Policy, now time.Time) Presence {
	switch {
	case away(s, p, now):
		return Offline
	case s.Call != nil:
		return Busy
	case s.Silent:
		return NotResponding
	case now.Before(s.WrapUpUntil):
		return WrapUp
	case s.Wish == Break:
		return Break
	}
	return Available
}

// away reports whether no session is left and none was for the grace.
func away(s State, p Policy, now time.Time) bool {
	return len(s.Sessions) == 0 && (s.LastSeen.IsZero() || !now.Before(s.LastSeen.Add(p.OfflineGrace)))
}

// Deadline is when the shell must send Wake; zero if the agent waits for nothing.
func Deadline(s State) time.Time {
	var first time.Time
	take := func(t time.Time) {
		if first.IsZero() || t.Before(first) {
			first = t
		}
	}
	for _, info := range s.Sessions {
		take(info.LeaseUntil)
	}
	for _, o := range s.Offers {
		take(o.ExpiresAt)
	}
	if s.Call != nil {
		take(s.Call.LeaseUntil)
	}
	if s.Presence == WrapUp {
		take(s.WrapUpUntil)
	}
	if len(s.Sessions) == 0 && s.Presence != Offline && s.Presence != "" {
		take(s.LastSeen.Add(s.Policy.withDefaults().OfflineGrace))
	}
	return first
}

func callOf(s State) id.Call {
	if s.Call == nil {
		return ""
	}
	return s.Call.Call
}

type field struct{ name, value string }

// need rejects a command whose ids are empty or malformed.
func need(cmd Command, fields ...field) error {
	for _, f := range fields {
		if !id.Valid(f.value) {
			return invalid(cmd, f.name+": missing or not an id")
		}
	}
	return nil
}

func invalid(cmd Command, detail string) error {
	return reject(fault.Invalid, cmd, "invalid_field", detail)
}

func reject(kind fault.Kind, cmd Command, code, detail string) error {
	return fault.New(kind, "agent."+cmd.commandName(), code, detail)
}
