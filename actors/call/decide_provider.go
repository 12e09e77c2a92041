package call

import "time"

// decideConnected takes the provider's answer to a dial. It may overtake the reply to the dial itself, or
// come after the end: then only the id matters, since the provider must be told to hang up.
func decideConnected(s State, c ProviderConnected, now time.Time) []Event {
	if s.Direction != Outbound {
		return nil
	}
	evs := identified(s, c.ProviderID, now)
	if s.Phase != Ended && !s.Connected {
		evs = append(evs, Connected{SDP: c.SDP})
	}
	return evs
}

// decideProvider judges what the provider says of a call that has not ended.
func decideProvider(s State, cmd ofProvider, now time.Time) []Event {
	switch c := cmd.(type) {
	case ProviderDialFailed:
		if s.Phase != Dialing { // a webhook has shown that the dial did happen
			return nil
		}
		return finish(s, ByProvider, c.Reason, c.Detail, "", now)
	case ProviderRang:
		if s.Phase != Dialing && s.Phase != Ringing {
			return nil
		}
		return []Event{Rang{At: now}}
	case ProviderAnswered:
		return decidePickUp(s, clamp(c.At, s.CreatedAt, now), "provider")
	case ProviderRejected:
		if s.Direction != Outbound || !s.AnsweredAt.IsZero() {
			return nil
		}
		return finish(s, ByCustomer, DeclinedByCustomer, "", "", now)
	case ProviderEnded:
		return decideProviderEnded(s, c, now)
	case PreAccepted:
		if s.Direction != Inbound || s.PreAccepted {
			return nil
		}
		return []Event{EarlyAnswered{}}
	case AcceptTaken:
		if s.Phase != Connecting {
			return nil
		}
		return []Event{PickedUp{At: now, Source: "accept"}}
	case AcceptFailed:
		if s.Phase != Connecting {
			return nil
		}
		if c.Gone {
			return finish(s, ByCustomer, Abandoned, c.Detail, "", now)
		}
		return finish(s, ByProvider, ProviderError, c.Detail, hangup(s), now)
	}
	panic("call: not a provider's command")
}

// decidePickUp opens talk time once; the provider's word, which counts whole seconds, corrects what media showed.
func decidePickUp(s State, at time.Time, source string) []Event {
	switch {
	case s.Direction != Outbound:
		return nil
	case s.Phase == Dialing || s.Phase == Ringing:
		return []Event{PickedUp{At: at, Source: source}}
	case s.Phase == Active && source == "provider" && !s.AnsweredAt.Truncate(time.Second).Equal(at.Truncate(time.Second)):
		return []Event{PickUpCorrected{At: at}}
	}
	return nil
}

func decideProviderEnded(s State, c ProviderEnded, now time.Time) []Event {
	switch {
	case !s.AnsweredAt.IsZero() && c.Failed:
		return finish(s, ByProvider, MediaFailed, c.Detail, "", now)
	case c.Failed:
		return finish(s, ByProvider, ProviderError, c.Detail, "", now)
	}
	return finish(s, ByCustomer, leftBy(s), c.Detail, "", now)
}

func saidGoodbye(s State, now time.Time) []Event {
	if !s.GoodbyeAt.IsZero() {
		return nil
	}
	return []Event{SaidGoodbye{At: now}}
}

// leftBy is the reason of a call that the customer ends.
func leftBy(s State) EndReason {
	switch {
	case !s.AnsweredAt.IsZero():
		return Completed
	case s.Direction == Inbound:
		return Abandoned
	}
	return NoAnswer
}

// decideMedia judges facts of the media plane about a call that has not ended.
func decideMedia(s State, cmd ofMedia, now time.Time) []Event {
	switch c := cmd.(type) {
	case AttachFailed:
		if l, ok := legByID(s, c.Leg); ok && l.State == LegReconnecting && l.Before == LegConnected {
			return []Event{AttachUndone{Leg: l.ID, At: now}}
		}
	case LegUp:
		if l, ok := legByID(s, c.Leg); ok && l.In() && l.State != LegConnected {
			return []Event{MediaUp{Leg: l.ID, At: now}}
		}
	case LegAway:
		if c.Leg == s.ContactLeg {
			if !c.Failed {
				return nil // interrupted only: the provider's side may come back, and tells us if it does not
			}
			if c.Closed { // the customer hung up, or the phone failed: the provider's word, on its way, tells which
				return saidGoodbye(s, now)
			}
			return finish(s, ByProvider, MediaFailed, c.Detail, hangup(s), now)
		}
		if l, ok := legByID(s, c.Leg); ok && l.State == LegConnected {
			return []Event{MediaAway{Leg: l.ID, Detail: c.Detail, At: now}}
		}
	case FirstMedia:
		if c.Leg == s.ContactLeg {
			return decidePickUp(s, clamp(c.At, s.CreatedAt, now), "media")
		}
	}
	return nil
}

func clamp(t, lo, hi time.Time) time.Time {
	switch {
	case t.IsZero() || t.After(hi):
		return hi
	case t.Before(lo):
		return lo
	}
	return t
}
