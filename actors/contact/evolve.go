package contact

import (
	"slices"
	"time"

	"ramal/actors/core"
	"ramal/internal/id"
)

// Evolve records an event. It cannot fail and shares no map or slice with s.
func Evolve(s State, ev Event) State {
	s = clone(s)
	switch e := ev.(type) {
	case Created:
		s.Tenant, s.ID, s.LastActivity = e.Tenant, e.ID, e.At
		s.Identifiers, s.Profile = slices.Clone(e.Identifiers), cloneProfile(e.Profile)
	case Edited:
		s.Profile = cloneProfile(e.Profile)
	case IdentifiersAdded:
		s.Identifiers = append(s.Identifiers, e.Identifiers...)
		if e.Phone != "" {
			s.Phone = e.Phone
		}
	case OrderRecorded:
		evolveOrder(&s, e.Order)
	case Conversed:
		involve(&s, e.Agent, Involvement{Reason: ReasonRecentConversation, At: e.At})
		active(&s, e.At)
	case ofLine:
		evolveLine(&s, e)
	case ofCall:
		evolveCall(&s, e)
	default:
		panic("contact: unknown event " + ev.eventName())
	}
	return s
}

func fold(s State, events []Event) State {
	for _, ev := range events {
		s = Evolve(s, ev)
	}
	return s
}

func evolveOrder(s *State, o Order) {
	s.Orders = slices.DeleteFunc(s.Orders, func(k Order) bool { return k.Number == o.Number })
	i, _ := slices.BinarySearchFunc(s.Orders, o, func(k, o Order) int { return o.At.Compare(k.At) })
	s.Orders = slices.Insert(s.Orders, i, o)
	if len(s.Orders) > MaxOrders {
		s.Orders = s.Orders[:MaxOrders]
	}
	if s.Orders[0].Number == o.Number {
		s.OrderNo = o.Number
	}
}

// evolveLine records what happens between the contact and one line.
func evolveLine(s *State, ev ofLine) {
	switch e := ev.(type) {
	case PermissionRequested:
		l := s.Lines[e.Line]
		p := &l.Permission
		if p.Status != PermissionTemporary { // a running permission is kept until the reply
			if !p.Pending {
				p.Previous = p.Status
			}
			p.Status, p.ChangedAt = PermissionAsked, e.At
		}
		p.Pending, p.RequestedBy, p.RequestedAt, p.RequestMessage, p.RequestProviderID = true, e.Agent, e.At, e.Message, ""
		l.Requests = append(pruneRequests(l.Requests, e.At.Add(-week)), SentRequest{Message: e.Message, At: e.At})
		putLine(s, e.Line, l, e.At)
	case RequestAcknowledged:
		l := s.Lines[e.Line]
		l.Permission.RequestProviderID = e.ProviderID
		putLine(s, e.Line, l, time.Time{})
	case RequestAbandoned:
		l := s.Lines[e.Line]
		if l.Permission.RequestMessage == e.Message {
			withdraw(&l.Permission, e.At)
		}
		if !e.SlotUsed {
			l.Requests = slices.DeleteFunc(l.Requests, func(r SentRequest) bool { return r.Message == e.Message })
		}
		putLine(s, e.Line, l, time.Time{})
	case RequestLapsed:
		l := s.Lines[e.Line]
		withdraw(&l.Permission, e.At)
		putLine(s, e.Line, l, time.Time{})
	case LimitsLearned:
		l := s.Lines[e.Line]
		limits := cloneLimits(e.Limits)
		l.Meta = &limits
		putLine(s, e.Line, l, time.Time{})
	case WindowOpened:
		l := s.Lines[e.Line]
		l.WindowUntil = core.Later(l.WindowUntil, e.Until)
		putLine(s, e.Line, l, e.At)
	case PermissionGranted:
		settle(s, e.Line, e.Status, e.Source, e.Evidence, e.Until, e.At)
	case PermissionDeclined:
		settle(s, e.Line, PermissionRefused, e.Source, e.Evidence, time.Time{}, e.At)
	case PermissionRevoked:
		settle(s, e.Line, PermissionWithdrawn, e.Source, e.Evidence, time.Time{}, e.At)
	case PermissionExpired:
		l := s.Lines[e.Line]
		l.Permission.Status, l.Permission.ChangedAt = PermissionOver, e.At
		if l.Permission.Pending { // a request was made while it ran, and still waits
			l.Permission.Status, l.Permission.Previous = PermissionAsked, PermissionOver
		}
		putLine(s, e.Line, l, time.Time{})
	}
}

// settle records a word on calling. What Meta answered when asked is no reply: it neither closes a request nor orders replies,
// except that a request has nothing to wait for once a permission is permanent.
func settle(s *State, line id.Line, status PermissionStatus, source, evidence string, until, when time.Time) {
	l := s.Lines[line]
	p := &l.Permission
	p.Status, p.Source, p.Until, p.ChangedAt = status, source, until, core.Later(p.ChangedAt, when)
	if source != SourceSync {
		p.Evidence, p.RepliedAt, p.Accepted = evidence, when, status == PermissionTemporary || status == PermissionPermanent
	}
	if source != SourceSync || status == PermissionPermanent {
		p.Pending, p.Previous = false, ""
	}
	if p.Pending && status == PermissionWithdrawn {
		p.Status, p.Previous = PermissionAsked, PermissionWithdrawn
	}
	if status == PermissionWithdrawn && source == SourceAutomatic {
		l.Unanswered = 0 // the streak has had its effect
	}
	putLine(s, line, l, when)
}

// withdraw ends an open request: the permission is what it was before.
func withdraw(p *Permission, when time.Time) {
	if p.Pending && p.Status == PermissionAsked {
		p.Status, p.ChangedAt = p.Previous, when
	}
	p.Pending, p.Previous = false, ""
}

// evolveCall records what happens to calls.
func evolveCall(s *State, ev ofCall) {
	switch e := ev.(type) {
	case CallReserved:
		s.Active = &ActiveCall{Call: e.Call, Line: e.Line, Direction: Outbound, Agent: e.Agent, Since: e.At, LeaseUntil: e.LeaseUntil}
		active(s, e.At)
	case CallOpened:
		s.Active = &ActiveCall{Call: e.Call, Line: e.Line, Direction: Inbound, Since: e.At, LeaseUntil: e.LeaseUntil}
		l := s.Lines[e.Line]
		l.WindowUntil = core.Later(l.WindowUntil, e.WindowUntil)
		putLine(s, e.Line, l, e.At)
	case CallReplaced, CallReleased, CallLapsed:
		s.Active = nil
	case CallAnswered:
		evolveAnswered(s, e)
	case CallRenewed:
		if s.Active != nil && s.Active.Call == e.Call {
			s.Active.LeaseUntil = e.LeaseUntil
		}
	case CallClosed:
		if s.Active != nil && s.Active.Call == e.Call {
			s.Active = nil
		}
		s.Ended = core.KeepLast(append(s.Ended, e.Call), maxEnded)
		for _, agent := range e.Agents {
			involve(s, agent, Involvement{Reason: ReasonRecentCall, Info: string(e.Call), At: e.At})
		}
		l := s.Lines[e.Line]
		if e.Unanswered {
			l.Unanswered++
		}
		putLine(s, e.Line, l, e.At)
	}
}

func evolveAnswered(s *State, e CallAnswered) {
	switch {
	case s.Active == nil && !slices.Contains(s.Ended, e.Call):
		s.Active = &ActiveCall{Call: e.Call, Line: e.Line, Direction: e.Direction, Agent: e.Agent, Since: e.At, Connected: true, LeaseUntil: e.LeaseUntil}
	case s.Active != nil && s.Active.Call == e.Call:
		s.Active.Connected, s.Active.LeaseUntil = true, core.Later(s.Active.LeaseUntil, e.LeaseUntil)
		if e.Agent != "" {
			s.Active.Agent = e.Agent
		}
	}
	if e.Agent != "" {
		involve(s, e.Agent, Involvement{Reason: ReasonRecentCall, Info: string(e.Call), At: e.At})
	}
	l := s.Lines[e.Line]
	l.WindowUntil = core.Later(l.WindowUntil, e.WindowUntil)
	if connected(l, e.Call) { // known: only the active call was lost in between
		putLine(s, e.Line, l, e.At)
		return
	}
	l.Connected = slices.DeleteFunc(l.Connected, func(c ConnectedCall) bool { return !c.At.After(e.At.Add(-day)) })
	l.Connected = core.KeepLast(append(l.Connected, ConnectedCall{Call: e.Call, Direction: e.Direction, At: e.At}), maxConnected)
	slices.SortStableFunc(l.Connected, func(a, b ConnectedCall) int { return a.At.Compare(b.At) })
	l.Requests = pruneRequests(l.Requests, e.At) // any connected call starts the count of requests anew
	l.Unanswered = 0
	if l.Meta != nil {
		countAtMeta(l.Meta, e.Direction)
	}
	putLine(s, e.Line, l, e.At)
}

// countAtMeta does to our copy of Meta's counters what a connected call does to Meta's.
func countAtMeta(m *MetaLimits, d Direction) {
	for i := range m.Request {
		m.Request[i].Used, m.Request[i].ResetAt = 0, time.Time{}
	}
	if d == Outbound {
		for i := range m.StartCall {
			m.StartCall[i].Used++
		}
	}
}

// pruneRequests keeps the requests after a time.
func pruneRequests(in []SentRequest, after time.Time) []SentRequest {
	return slices.DeleteFunc(in, func(r SentRequest) bool { return !r.At.After(after) })
}

func involve(s *State, agent id.Agent, i Involvement) {
	if agent == "" || s.Involved[agent].At.After(i.At) {
		return
	}
	if s.Involved == nil {
		s.Involved = map[id.Agent]Involvement{}
	}
	s.Involved[agent] = i
	for len(s.Involved) > MaxInvolved {
		oldest := agent
		for a, k := range s.Involved {
			if o := s.Involved[oldest]; k.At.Before(o.At) || k.At.Equal(o.At) && a < oldest {
				oldest = a
			}
		}
		delete(s.Involved, oldest)
	}
}

func putLine(s *State, line id.Line, l LineState, when time.Time) {
	if s.Lines == nil {
		s.Lines = map[id.Line]LineState{}
	}
	s.Lines[line] = l
	active(s, when)
}

func active(s *State, when time.Time) { s.LastActivity = core.Later(s.LastActivity, when) }
