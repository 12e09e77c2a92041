package call

import (
	"slices"
	"time"

	"ramal/internal/id"
)

// Evolve records what has happened. It cannot fail, and returns a state that shares nothing mutable with s.
func Evolve(s State, ev Event) State {
	s = s.clone()
	switch e := ev.(type) {
	case Created:
		s.Tenant, s.Call, s.Line, s.Contact, s.ContactLeg = e.Tenant, e.Call, e.Line, e.Contact, e.ContactLeg
		s.Direction, s.ProviderID, s.Policy, s.CreatedAt = e.Direction, e.ProviderID, e.Policy, e.At
		if e.Direction == Outbound {
			s.Phase, s.RingUntil = Dialing, e.At.Add(e.Policy.DialTimeout)
		} else {
			s.Phase, s.RingUntil = Offering, e.At.Add(e.Policy.QueueTimeout)
		}
	case Identified:
		s.ProviderID = e.ProviderID
		if s.Phase == Dialing { // the provider has it: from now on the customer's time counts
			s.RingUntil = e.At.Add(s.Policy.RingTimeout)
		}
	case Connected:
		s.Connected = true
	case Rang:
		if s.Phase == Dialing || s.Phase == Ringing {
			s.Phase, s.RingUntil = Ringing, e.At.Add(s.Policy.RingTimeout)
		}
	case EarlyAnswered:
		s.PreAccepted = true
	case StageEntered:
		s.Stage = e.Stage
		s.StageUntil = e.At.Add(s.Policy.StageTimeout)
		if e.Stage == Everyone {
			s.StageUntil = e.At.Add(s.Policy.LookAgain)
		}
	case LookedAgain:
		s.StageUntil = e.At.Add(s.Policy.LookAgain)
	case OfferMade:
		s.Offers = append(s.Offers, e.Offer)
		if e.Offer.Kind == KindInvite {
			s.Legs = append(s.Legs, Leg{ID: e.Offer.Leg, Agent: e.Offer.Agent, Name: e.Offer.Name, State: LegInvited, InvitedBy: e.Offer.By})
		}
	case OfferClosed:
		s = evolveOfferClosed(s, e)
	case Taken:
		s.Phase, s.TakenAt = Connecting, e.At
	case PickedUp:
		s.Phase, s.AnsweredAt = Active, e.At
	case PickUpCorrected:
		s.AnsweredAt = e.At
	case SaidGoodbye:
		s.GoodbyeAt = e.At
	case HangupDue: // the history says already how it ended
	case legEvent:
		s = evolveLeg(s, e)
	case Finished:
		s.Phase, s.EndedAt, s.EndedBy, s.EndReason, s.EndDetail = Ended, e.At, e.By, e.Reason, e.Detail
	}
	return s
}

func evolveOfferClosed(s State, e OfferClosed) State {
	o, ok := s.offer(e.Offer)
	if !ok {
		return s
	}
	s.Offers = slices.DeleteFunc(s.Offers, func(x Offer) bool { return x.ID == e.Offer })
	if e.Reason == "declined" && o.Kind == KindInbound {
		s.Declined = append(s.Declined, o.Agent)
	}
	if o.Kind == KindInvite && e.Reason != "accepted" {
		s.Legs = slices.DeleteFunc(s.Legs, func(l Leg) bool { return l.ID == o.Leg })
	}
	return s
}

func evolveLeg(s State, ev legEvent) State {
	switch e := ev.(type) {
	case Joined:
		joined := Leg{ID: e.Leg, Agent: e.Agent, Name: e.Name, State: LegConnecting, InvitedBy: e.InvitedBy, JoinedAt: e.At, AwayAt: e.At}
		if i := s.legIndex(e.Leg); i >= 0 {
			s.Legs[i] = joined
		} else {
			s.Legs = append(s.Legs, joined)
		}
	case Reattached:
		s.change(e.Leg, func(l *Leg) { l.State, l.Before, l.AwayAt = LegReconnecting, e.Was, e.At })
	case AttachUndone:
		s.change(e.Leg, stand)
	case MediaUp:
		s.change(e.Leg, stand)
	case MediaAway:
		s.change(e.Leg, func(l *Leg) { l.State, l.Before, l.AwayAt = LegReconnecting, "", e.At })
	case Muted:
		s.change(e.Leg, func(l *Leg) { l.Muted = e.Muted })
	case GainSet:
		s.change(e.Listener, func(l *Leg) {
			if l.Gains == nil {
				l.Gains = map[id.Leg]float64{}
			}
			l.Gains[e.Speaker] = e.Gain
		})
	case Left:
		s.change(e.Leg, func(l *Leg) { l.State, l.LeftAt = LegLeft, e.At })
	}
	return s
}

// stand marks a leg whose media is there.
func stand(l *Leg) { l.State, l.Before, l.AwayAt = LegConnected, "", time.Time{} }

func (s State) legIndex(leg id.Leg) int {
	return slices.IndexFunc(s.Legs, func(l Leg) bool { return l.ID == leg })
}

// change edits one leg in place; s was cloned by Evolve.
func (s State) change(leg id.Leg, edit func(*Leg)) {
	if i := s.legIndex(leg); i >= 0 {
		edit(&s.Legs[i])
	}
}
