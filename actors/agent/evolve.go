package agent

import (
	"maps"
	"slices"
	"time"

	"ramal/actors/core"
	"ramal/internal/id"
)

// Evolve records an event. It cannot fail and shares no map or slice with s.
func Evolve(s State, ev Event) State {
	s = clone(s)
	switch e := ev.(type) {
	case Enrolled:
		s.Tenant, s.ID, s.Name, s.Role = e.Tenant, e.ID, e.Name, e.Role
		if s.Presence == "" {
			s.Presence, s.Since, s.Wish = Offline, e.At, Available
		}
	case SessionOpened:
		put(&s.Sessions, e.Session, SessionInfo{Node: e.Node, LeaseUntil: e.LeaseUntil})
		s.LastSeen = core.Later(s.LastSeen, e.At)
	case SessionRenewed:
		put(&s.Sessions, e.Session, SessionInfo{Node: s.Sessions[e.Session].Node, LeaseUntil: e.LeaseUntil})
		s.LastSeen = core.Later(s.LastSeen, e.At)
	case SessionEnded:
		delete(s.Sessions, e.Session)
		s.LastSeen = core.Later(s.LastSeen, e.At)
	case WishChanged:
		s.Wish, s.WishCode = e.Wish, e.BreakCode
		acted(&s)
		s.WrapUpUntil = time.Time{}
	case OfferMade:
		o := e.Made
		o.View = slices.Clone(o.View)
		put(&s.Offers, e.Offer, o)
	case OfferClosed:
		evolveClosed(&s, e)
	case FellSilent:
		s.Silent = true
	case ofCall:
		evolveCall(&s, e)
	case NoticeAdded:
		n := e.Notice
		n.View = slices.Clone(n.View)
		s.Notices = core.KeepLast(append(s.Notices, n), MaxNotices)
	case NoticesAcked:
		s.Notices = slices.DeleteFunc(s.Notices, func(n Notice) bool { return slices.Contains(e.IDs, n.ID) })
		s.Acked = core.KeepLast(append(s.Acked, e.IDs...), maxAcked)
	case PresenceChanged:
		if e.Presence != s.Presence || e.BreakCode != s.BreakCode {
			s.Since = e.At
		}
		s.Presence, s.BreakCode = e.Presence, e.BreakCode
		if e.Presence == Offline { // whoever comes back starts afresh
			acted(&s)
		}
	default:
		panic("agent: unknown event " + ev.eventName())
	}
	return s
}

func evolveClosed(s *State, e OfferClosed) {
	delete(s.Offers, e.Offer)
	s.Closed = core.KeepLast(append(s.Closed, e.Offer), maxClosed)
	switch {
	case e.Missed:
		s.Misses++
	case e.Reason == ClosedDeclined || e.Reason == ClosedAccepted:
		acted(s)
	}
}

func evolveCall(s *State, ev ofCall) {
	switch e := ev.(type) {
	case Claimed:
		s.Call = &Assignment{Call: e.Call, Offer: e.Offer, LeaseUntil: e.LeaseUntil}
		s.Released = slices.DeleteFunc(s.Released, func(c id.Call) bool { return c == e.Call })
		s.WrapUpUntil = time.Time{}
		acted(s)
	case CallConfirmed:
		a := Assignment{Call: e.Call, Confirmed: true, LeaseUntil: e.LeaseUntil}
		if s.Call != nil && s.Call.Call == e.Call {
			a.Offer = s.Call.Offer
		}
		s.Call, s.WrapUpUntil = &a, time.Time{}
	case CallRenewed:
		if s.Call != nil && s.Call.Call == e.Call {
			s.Call.LeaseUntil = e.LeaseUntil
		}
	case CallReleased:
		if s.Call != nil && s.Call.Call == e.Call {
			s.Call, s.WrapUpUntil = nil, e.WrapUpUntil
		}
		s.Released = slices.DeleteFunc(s.Released, func(c id.Call) bool { return c == e.Call })
		s.Released = core.KeepLast(append(s.Released, e.Call), maxReleased)
	case CallLapsed:
		if s.Call != nil && s.Call.Call == e.Call {
			s.Call = nil
		}
	}
}

// acted notes that the agent did something: they respond.
func acted(s *State) { s.Misses, s.Silent = 0, false }

func put[K comparable, V any](into *map[K]V, key K, value V) {
	if *into == nil {
		*into = map[K]V{}
	}
	(*into)[key] = value
}

// clone copies a state so that no map or slice is shared.
func clone(s State) State {
	s.Sessions, s.Offers = maps.Clone(s.Sessions), maps.Clone(s.Offers)
	for k, o := range s.Offers {
		o.View = slices.Clone(o.View)
		s.Offers[k] = o
	}
	if s.Call != nil {
		a := *s.Call
		s.Call = &a
	}
	s.Notices = slices.Clone(s.Notices)
	for i := range s.Notices {
		s.Notices[i].View = slices.Clone(s.Notices[i].View)
	}
	s.Closed, s.Released, s.Acked = slices.Clone(s.Closed), slices.Clone(s.Released), slices.Clone(s.Acked)
	return s
}
