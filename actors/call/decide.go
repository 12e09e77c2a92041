package call

import (
	"time"

	"ramal/internal/fault"
	"ramal/internal/id"
)

// Decide judges a command against the call as it is and returns what happens, or why not. It changes
// nothing. No events and no error means that the command is a repetition or comes too late, and harmless.
func Decide(s State, cmd Command, now time.Time) ([]Event, error) {
	if s.Phase == Unborn {
		if birth, ok := cmd.(ofBirth); ok {
			return decideBirth(birth, now), nil
		}
		return nil, fault.New(fault.NotFound, "call.command", "call_unknown", "there is no such call")
	}
	switch c := cmd.(type) {
	case ofBirth:
		return nil, fault.New(fault.Conflict, "call.begin", "call_exists", "the call has begun already")
	case ProviderDialed:
		return identified(s, c.ProviderID, now), nil
	case ProviderConnected:
		return decideConnected(s, c, now), nil
	case ofProvider:
		if s.Phase == Ended {
			return decideAfterEnd(s, c, now), nil
		}
		return decideProvider(s, c, now), nil
	case CandidatesFound:
		return decideCandidates(s, c, now), nil
	case OfferRefused:
		return decideRefused(s, c, now), nil
	case ofMedia:
		if s.Phase == Ended {
			return nil, nil
		}
		return decideMedia(s, c, now), nil
	case Replace:
		if s.Phase == Active || s.Phase == Connecting {
			return nil, fault.New(fault.Conflict, "call.replace", "call_connected", "somebody has answered")
		}
		return finish(s, BySystem, Replaced, "", hangup(s), now), nil
	case Lost:
		return finish(s, BySystem, NodeLost, "", hangup(s), now), nil
	case Wake:
		return decideWake(s, now), nil
	case ofAgent:
		if s.Phase == Ended {
			return decideTooLate(c)
		}
		return decideAgent(s, c, now)
	}
	panic("call: command outside the sealed set")
}

func decideBirth(cmd ofBirth, now time.Time) []Event {
	switch c := cmd.(type) {
	case Dial:
		return []Event{
			Created{
				Tenant: c.Tenant, Call: c.Call, Line: c.Line, Contact: c.Contact, ContactLeg: c.ContactLeg,
				Direction: Outbound, Policy: c.Policy, At: now,
			},
			Joined{Leg: c.Leg, Agent: c.Agent, Name: c.Name, At: now, SDP: c.SDP},
		}
	case Incoming:
		created := Created{
			Tenant: c.Tenant, Call: c.Call, Line: c.Line, Contact: c.Contact, ContactLeg: c.ContactLeg,
			Direction: Inbound, ProviderID: c.ProviderID, Policy: c.Policy, At: now, SDP: c.SDP,
		}
		if c.Refuse != "" {
			created.SDP = ""
			return []Event{created, Finished{By: BySystem, Reason: c.Refuse, Hangup: "reject", At: now}}
		}
		return []Event{created, StageEntered{Stage: Related, At: now}}
	}
	panic("call: command outside the sealed set")
}

// decideAfterEnd: we hung up while our accept was under way, so the provider may have refused the hang-up. Now it is
// known how the call stands there, and it is ended again the way that fits.
func decideAfterEnd(s State, cmd ofProvider, now time.Time) []Event {
	if s.Direction != Inbound || s.TakenAt.IsZero() || !s.AnsweredAt.IsZero() {
		return nil
	}
	switch c := any(cmd).(type) {
	case AcceptTaken:
		return []Event{HangupDue{How: "terminate", At: now}}
	case AcceptFailed:
		if !c.Gone {
			return []Event{HangupDue{How: "reject", At: now}}
		}
	}
	return nil
}

// decideTooLate answers what an agent asks of an ended call: hanging up again is fine, the rest is refused.
func decideTooLate(cmd ofAgent) ([]Event, error) {
	switch cmd.(type) {
	case Leave, End, Decline, CancelInvite:
		return nil, nil
	case Accept:
		return nil, offerClosed()
	case Attach, Invite, SetMuted, SetGain:
	}
	return nil, fault.New(fault.Conflict, "call.command", "call_ended", "the call has ended")
}

func offerClosed() error {
	return fault.New(fault.Conflict, "call.accept", "offer_closed", "the offer is no longer open")
}

// finish ends the call: every open offer closes, every leg leaves, the provider is told what it does not know.
func finish(s State, by EndedBy, reason EndReason, detail, hangup string, now time.Time) []Event {
	if s.Phase == Ended {
		return nil
	}
	var evs []Event
	for _, o := range s.Offers {
		evs = append(evs, OfferClosed{Offer: o.ID, Reason: "call_ended", At: now})
	}
	for _, l := range s.Legs {
		if l.In() {
			evs = append(evs, Left{Leg: l.ID, Reason: "call_ended", At: now})
		}
	}
	return append(evs, Finished{By: by, Reason: reason, Detail: detail, Hangup: hangup, At: now})
}

// hangup is how the provider is told that we end the call now: an inbound call is rejected until our accept has gone out.
// While the accept is under way terminate follows it, and once more if the provider takes the accept after all.
func hangup(s State) string {
	if s.Direction == Inbound && (s.TakenAt.IsZero() || s.Phase == Connecting && !s.PreAccepted) {
		return "reject"
	}
	return "terminate"
}

// decideWake ends whatever is overdue, earliest meaning first: an expired call needs no expired offers.
func decideWake(s State, now time.Time) []Event {
	due := func(t time.Time) bool { return !t.IsZero() && !now.Before(t) }
	if s.Phase != Unborn && s.Phase != Ended && !s.GoodbyeAt.IsZero() && due(s.GoodbyeAt.Add(s.Policy.GoodbyeGrace)) {
		return finish(s, ByCustomer, leftBy(s), "", hangup(s), now)
	}
	switch s.Phase {
	case Unborn, Ended:
		return nil
	case Dialing, Ringing:
		if due(s.RingUntil) && s.ProviderID == "" {
			return finish(s, ByProvider, ProviderError, "no outcome of the dial", hangup(s), now)
		}
		if due(s.RingUntil) {
			return finish(s, BySystem, NoAnswer, "", hangup(s), now)
		}
	case Offering:
		if due(s.RingUntil) {
			return finish(s, BySystem, silence(s), "", hangup(s), now)
		}
	case Connecting:
		if due(s.TakenAt.Add(s.Policy.ConnectTimeout)) {
			return finish(s, ByProvider, ProviderError, "no outcome of the accept", hangup(s), now)
		}
	case Active:
	}
	var evs []Event
	for _, o := range s.Offers {
		if due(o.ExpiresAt) {
			evs = append(evs, OfferClosed{Offer: o.ID, Reason: "expired", At: now})
		}
	}
	lost := 0
	for _, l := range s.Legs {
		if l.In() && !l.AwayAt.IsZero() && due(l.AwayAt.Add(s.Policy.AgentGrace)) {
			evs = append(evs, Left{Leg: l.ID, Reason: "media_lost", At: now})
			lost++
		}
	}
	if lost > 0 && lost == s.AgentsIn() {
		return append(evs, finish(fold(s, evs), BySystem, MediaFailed, "the agent's connection did not come back", hangup(s), now)...)
	}
	if s.Phase == Offering && due(s.StageUntil) {
		if s.Stage == Related {
			evs = append(evs, StageEntered{Stage: Everyone, At: now})
		} else {
			evs = append(evs, LookedAgain{At: now})
		}
	}
	return evs
}

// silence is why an inbound call that nobody took ends: everybody asked said no, or nobody answered.
func silence(s State) EndReason {
	if len(s.Declined) > 0 && len(s.Offers) == 0 {
		return DeclinedByAgents
	}
	return NoAnswer
}

func fold(s State, evs []Event) State {
	for _, ev := range evs {
		s = Evolve(s, ev)
	}
	return s
}

// identified records the provider's id; after the end this is what makes the hang-up possible.
func identified(s State, providerID string, now time.Time) []Event {
	if providerID == "" || s.ProviderID == providerID {
		return nil
	}
	return []Event{Identified{ProviderID: providerID, At: now}}
}

func legByID(s State, leg id.Leg) (Leg, bool) {
	for _, l := range s.Legs {
		if l.ID == leg {
			return l, true
		}
	}
	return Leg{}, false
}
