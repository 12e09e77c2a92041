package agent

import (
	"encoding/json"
	"maps"
	"slices"

	"ramal/actors/core"
	"ramal/internal/fault"
	"ramal/internal/id"
)

func (b *batch) makeOffer(c MakeOffer) error {
	if err := need(c, field{"offer", string(c.Offer)}, field{"call", string(c.Call)}); err != nil {
		return err
	}
	switch {
	case c.Kind != OfferInbound && c.Kind != OfferInvite:
		return invalid(c, "kind: inbound or invite")
	case !c.ExpiresAt.After(b.now):
		return invalid(c, "expires_at: it has passed")
	case len(c.View) > 0 && !json.Valid(c.View):
		return invalid(c, "view: not JSON")
	case slices.Contains(b.s.Closed, c.Offer):
		return reject(fault.Conflict, c, "offer_closed", "the offer has ended already")
	}
	if _, ok := b.s.Offers[c.Offer]; ok {
		return nil
	}
	if err := b.reachable(c); err != nil {
		return err
	}
	b.emit(OfferMade{Offer: c.Offer, Made: Offer{Call: c.Call, Kind: c.Kind, ExpiresAt: core.Clean(c.ExpiresAt), View: slices.Clone(c.View)}})
	return nil
}

// reachable says why an agent is not asked. A colleague's invitation reaches all but those in a call, away or on a break.
func (b *batch) reachable(c MakeOffer) error {
	unavailable := func(why string) error { return reject(fault.Conflict, c, "agent_unavailable", why) }
	switch presence(b.s, b.policy, b.now) {
	case Offline:
		return reject(fault.Conflict, c, "agent_offline", "the agent has no session")
	case Busy:
		return reject(fault.Conflict, c, "agent_busy", "the agent is in a call")
	case Break:
		return unavailable("the agent is on a break")
	case NotResponding:
		if c.Kind != OfferInvite {
			return unavailable("the agent does not respond")
		}
	case WrapUp:
		if c.Kind != OfferInvite {
			return unavailable("the agent is in wrap-up")
		}
	case Available:
	}
	if len(b.s.Offers) >= MaxOffers {
		return unavailable("too many offers ring at this agent")
	}
	return nil
}

func (b *batch) closeOffer(c CloseOffer) error {
	if err := need(c, field{"offer", string(c.Offer)}); err != nil {
		return err
	}
	switch c.Reason {
	case ClosedAccepted, ClosedElsewhere, ClosedDeclined, ClosedCancelled, ClosedCallEnded:
	case ClosedExpired:
		return b.miss(Miss{Offer: c.Offer})
	default:
		return invalid(c, "reason: unknown word")
	}
	if !slices.Contains(b.s.Closed, c.Offer) { // an unknown one is remembered: its MakeOffer is late
		b.emit(OfferClosed{Offer: c.Offer, Call: b.s.Offers[c.Offer].Call, Reason: c.Reason, By: c.By, At: b.now})
	}
	return nil
}

func (b *batch) miss(c Miss) error {
	if err := need(c, field{"offer", string(c.Offer)}); err != nil {
		return err
	}
	if _, ok := b.s.Offers[c.Offer]; ok {
		b.expire(c.Offer, false)
	} else if !slices.Contains(b.s.Closed, c.Offer) {
		b.emit(OfferClosed{Offer: c.Offer, Reason: ClosedExpired, At: b.now}) // it never rang: not the agent's miss
	}
	return nil
}

func (b *batch) claim(c Claim) error {
	if err := need(c, field{"call", string(c.Call)}); err != nil {
		return err
	}
	if b.s.Call != nil && b.s.Call.Call != c.Call {
		return reject(fault.Conflict, c, "agent_busy", "the agent is in another call")
	}
	if b.s.Call != nil { // nothing to undo for whoever comes second: the first has it
		return reject(fault.Conflict, c, "offer_closed", "another session of this agent has taken the call")
	}
	until := b.now.Add(b.policy.ClaimLease)
	if away(b.s, b.policy, b.now) {
		return reject(fault.Conflict, c, "agent_offline", "the agent has no session")
	}
	if c.Offer != "" && slices.Contains(b.s.Closed, c.Offer) {
		return reject(fault.Conflict, c, "offer_closed", "the offer has ended")
	}
	b.emit(Claimed{Call: c.Call, Offer: c.Offer, LeaseUntil: until, At: b.now})
	return nil
}

func (b *batch) confirm(c ConfirmCall) error {
	if err := b.mine(c, c.Call); err != nil {
		return err
	}
	until := b.now.Add(b.policy.CallLease)
	if b.s.Call == nil || !b.s.Call.Confirmed {
		b.emit(CallConfirmed{Call: c.Call, LeaseUntil: until, At: b.now})
	} else if until.After(b.s.Call.LeaseUntil) {
		b.emit(CallRenewed{Call: c.Call, LeaseUntil: until})
	}
	for _, offer := range slices.Sorted(maps.Keys(b.s.Offers)) {
		if o := b.s.Offers[offer]; o.Call == c.Call {
			b.emit(OfferClosed{Offer: offer, Call: o.Call, Reason: ClosedAccepted, At: b.now})
		}
	}
	b.cancelOffers() // the others would ring into the call; theirs ask somebody else at once
	return nil
}

// cancelOffers ends every offer on this side, and each call is told.
func (b *batch) cancelOffers() {
	for _, offer := range slices.Sorted(maps.Keys(b.s.Offers)) {
		b.emit(OfferClosed{Offer: offer, Call: b.s.Offers[offer].Call, Reason: ClosedCancelled, Own: true, At: b.now})
	}
}

func (b *batch) renew(c RenewCall) error {
	if err := b.mine(c, c.Call); err != nil {
		return err
	}
	until := core.Clean(c.Until)
	switch {
	case !until.After(b.now):
		return invalid(c, "until: it has passed")
	case b.s.Call == nil:
		b.emit(CallConfirmed{Call: c.Call, LeaseUntil: until, At: b.now})
	case until.After(b.s.Call.LeaseUntil):
		b.emit(CallRenewed{Call: c.Call, LeaseUntil: until})
	}
	return nil
}

// mine reports why the agent cannot be in a call: another one is first, or this one was let go.
func (b *batch) mine(cmd Command, call id.Call) error {
	if err := need(cmd, field{"call", string(call)}); err != nil {
		return err
	}
	switch {
	case b.s.Call != nil && b.s.Call.Call != call:
		return reject(fault.Conflict, cmd, "agent_busy", "the agent is in another call")
	case b.s.Call == nil && slices.Contains(b.s.Released, call):
		return reject(fault.Conflict, cmd, "call_released", "the agent left that call")
	}
	return nil
}

func (b *batch) release(c ReleaseCall) error {
	if err := need(c, field{"call", string(c.Call)}); err != nil {
		return err
	}
	current := b.s.Call != nil && b.s.Call.Call == c.Call
	if !current && slices.Contains(b.s.Released, c.Call) {
		return nil
	}
	ev := CallReleased{Call: c.Call, At: b.now} // not the current one: remembered, its confirmation is late
	if current && b.s.Call.Confirmed && b.policy.WrapUp > 0 {
		ev.WrapUpUntil = b.now.Add(b.policy.WrapUp)
	}
	b.emit(ev)
	return nil
}
