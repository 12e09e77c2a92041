package call

import (
	"slices"
	"time"

	"ramal/internal/fault"
	"ramal/internal/id"
)

// decideAgent judges what an agent asks of a running call.
func decideAgent(s State, cmd ofAgent, now time.Time) ([]Event, error) {
	switch c := cmd.(type) {
	case Accept:
		return decideAccept(s, c, now)
	case Decline:
		return decideDecline(s, c, now)
	case Invite:
		return decideInvite(s, c, now)
	case CancelInvite:
		return decideCancel(s, c, now)
	case Leave:
		return decideLeave(s, c, now)
	case End:
		if _, err := member(s, c.Agent); err != nil {
			return nil, err
		}
		return finish(s, ByAgent, outcome(s), "", hangup(s), now), nil
	case Attach:
		l, err := member(s, c.Agent)
		if err != nil {
			return nil, err
		}
		return []Event{Reattached{Leg: l.ID, Was: l.State, At: now, SDP: c.SDP}}, nil
	case SetMuted:
		l, err := member(s, c.Agent)
		if err != nil || l.Muted == c.Muted {
			return nil, err
		}
		return []Event{Muted{Leg: l.ID, Muted: c.Muted}}, nil
	case SetGain:
		return decideGain(s, c)
	}
	panic("call: not an agent's command")
}

// member finds the agent's leg, or refuses.
func member(s State, agent id.Agent) (Leg, error) {
	if l, ok := s.LegOf(agent); ok {
		return l, nil
	}
	return Leg{}, fault.New(fault.Denied, "call.command", "not_in_call", "this agent is not in the call")
}

// outcome is the reason of a call that an agent ends: talked, or given up before an answer.
func outcome(s State) EndReason {
	if s.AnsweredAt.IsZero() {
		return Abandoned
	}
	return Completed
}

func decideAccept(s State, c Accept, now time.Time) ([]Event, error) {
	o, ok := s.offer(c.Offer)
	if !ok || o.Agent != c.Agent {
		return nil, offerClosed()
	}
	evs := []Event{OfferClosed{Offer: o.ID, Reason: "accepted", By: o.Name, At: now}}
	if o.Kind == KindInbound {
		for _, other := range s.Offers {
			if other.ID != o.ID {
				evs = append(evs, OfferClosed{Offer: other.ID, Reason: "accepted_elsewhere", By: o.Name, At: now})
			}
		}
		evs = append(evs, Taken{Agent: o.Agent, At: now})
	}
	return append(evs, Joined{Leg: o.Leg, Agent: o.Agent, Name: o.Name, InvitedBy: o.By, At: now, SDP: c.SDP}), nil
}

func decideDecline(s State, c Decline, now time.Time) ([]Event, error) {
	o, ok := s.offer(c.Offer)
	if !ok || o.Agent != c.Agent {
		return nil, nil // closed already: the agent wanted silence, and has it
	}
	return closing(s, OfferClosed{Offer: o.ID, Reason: "declined", At: now}, now), nil
}

// closing adds to the end of an offer what follows when it was the last of the related agents: everyone is asked at once.
func closing(s State, ev OfferClosed, now time.Time) []Event {
	evs := []Event{ev}
	if s.Phase == Offering && s.Stage == Related && len(s.Offers) == 1 {
		evs = append(evs, StageEntered{Stage: Everyone, At: now})
	}
	return evs
}

func decideRefused(s State, c OfferRefused, now time.Time) []Event {
	if _, ok := s.offer(c.Offer); !ok {
		return nil
	}
	return closing(s, OfferClosed{Offer: c.Offer, Reason: "refused", Detail: c.Reason, At: now}, now)
}

// decideCandidates asks the agents that were found, leaving out whoever was asked, has declined or is in.
func decideCandidates(s State, c CandidatesFound, now time.Time) []Event {
	if s.Phase != Offering || c.Stage != s.Stage {
		return nil
	}
	var evs []Event
	asked := map[id.Agent]bool{}
	for _, a := range c.Agents {
		_, open := s.offerTo(a.Agent)
		if open || asked[a.Agent] || slices.Contains(s.Declined, a.Agent) {
			continue
		}
		asked[a.Agent] = true
		evs = append(evs, OfferMade{Offer: Offer{
			ID: a.Offer, Agent: a.Agent, Name: a.Name, Leg: a.Leg, Kind: KindInbound, Reason: a.Reason, Info: a.Info,
			ReasonAt: a.At, CreatedAt: now, ExpiresAt: s.RingUntil,
		}})
	}
	if len(evs) == 0 && s.Stage == Related && len(s.Offers) == 0 {
		return []Event{StageEntered{Stage: Everyone, At: now}}
	}
	return evs
}

func decideInvite(s State, c Invite, now time.Time) ([]Event, error) {
	by, err := member(s, c.By)
	if err != nil {
		return nil, err
	}
	const op = "call.invite"
	if s.Phase != Active {
		return nil, fault.New(fault.Conflict, op, "call_not_active", "colleagues can be invited once the customer is on the line")
	}
	if _, in := s.LegOf(c.Who.Agent); in {
		return nil, fault.New(fault.Conflict, op, "already_in_call", "this agent is in the call")
	}
	if _, asked := s.offerTo(c.Who.Agent); asked {
		return nil, fault.New(fault.Conflict, op, "already_in_call", "this agent is being asked")
	}
	if 1+s.AgentsIn()+len(s.Offers) >= s.Policy.MaxParticipants {
		return nil, fault.Newf(fault.Exhausted, op, "call_full", "a call holds at most %d participants", s.Policy.MaxParticipants)
	}
	return []Event{OfferMade{Offer: Offer{
		ID: c.Who.Offer, Agent: c.Who.Agent, Name: c.Who.Name, Leg: c.Who.Leg, Kind: KindInvite, Reason: "invited",
		By: by.Agent, Note: c.Note, CreatedAt: now, ExpiresAt: now.Add(s.Policy.InviteTimeout),
	}}}, nil
}

func decideCancel(s State, c CancelInvite, now time.Time) ([]Event, error) {
	if _, err := member(s, c.By); err != nil {
		return nil, err
	}
	o, ok := s.offerTo(c.Agent)
	if !ok || o.Kind != KindInvite {
		return nil, fault.New(fault.Conflict, "call.cancel_invite", "not_invited", "this agent is not being asked")
	}
	return []Event{OfferClosed{Offer: o.ID, Reason: "cancelled", At: now}}, nil
}

func decideLeave(s State, c Leave, now time.Time) ([]Event, error) {
	l, ok := s.LegOf(c.Agent)
	if !ok {
		return nil, nil // left already
	}
	if s.AgentsIn() == 1 {
		return finish(s, ByAgent, outcome(s), "", hangup(s), now), nil
	}
	return []Event{Left{Leg: l.ID, Reason: "left", At: now}}, nil
}

func decideGain(s State, c SetGain) ([]Event, error) {
	l, err := member(s, c.Agent)
	if err != nil {
		return nil, err
	}
	const op = "call.volume"
	if !(c.Gain >= 0 && c.Gain <= 2) { // also refuses NaN
		return nil, fault.New(fault.Invalid, op, "gain_out_of_range", "gain lies between 0 and 2")
	}
	if c.Leg == l.ID || !s.hears(c.Leg) {
		return nil, fault.New(fault.NotFound, op, "leg_unknown", "no such other participant")
	}
	if have, set := l.Gains[c.Leg]; set && have == c.Gain || !set && c.Gain == 1 {
		return nil, nil
	}
	return []Event{GainSet{Listener: l.ID, Speaker: c.Leg, Gain: c.Gain}}, nil
}
