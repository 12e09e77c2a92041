package contact

import (
	"slices"
	"time"

	"ramal/actors/core"
	"ramal/internal/fault"
	"ramal/internal/id"
)

// Ends of outbound calls that lengthen the unanswered streak: the customer let it ring or refused it.
const (
	endNoAnswer = "no_answer"
	endDeclined = "declined_by_customer"
)

func reserveCall(s State, c ReserveCall, now time.Time) ([]Event, error) {
	if err := need(c, field{"call", string(c.Call)}, field{"line", string(c.Line)}, field{"agent", string(c.Agent)}); err != nil {
		return nil, err
	}
	if s.Active != nil && s.Active.Call == c.Call {
		return nil, nil
	}
	if slices.Contains(s.Ended, c.Call) {
		return nil, reject(fault.Conflict, c, "call_ended", "that call has ended")
	}
	e := Assess(s, c.Line, now)
	if !e.CanCall {
		r := e.CallReasons[0]
		return nil, rejectUntil(kindOf(r.Code), c, r.Code, detailOf(r.Code), r.NextAllowed)
	}
	p := s.Policy.withDefaults()
	return []Event{CallReserved{
		Call: c.Call, Line: c.Line, Agent: c.Agent, LeaseUntil: now.Add(p.ActiveLease),
		Unanswered: e.Unanswered, Warning: e.Warning, At: now,
	}}, nil
}

func releaseCall(s State, c ReleaseCall) ([]Event, error) {
	switch {
	case s.Active == nil || s.Active.Call != c.Call:
		return nil, nil
	case s.Active.Connected:
		return nil, reject(fault.Conflict, c, "call_connected", "a connected call ends, it is not undone")
	}
	return []Event{CallReleased(c)}, nil
}

func callArrived(s State, c CallArrived, now time.Time) ([]Event, error) {
	if err := need(c, field{"call", string(c.Call)}, field{"line", string(c.Line)}); err != nil {
		return nil, err
	}
	when := at(c.At, now)
	if slices.Contains(s.Ended, c.Call) {
		return nil, reject(fault.Conflict, c, "call_ended", "that call has ended: its end overtook its beginning")
	}
	var out []Event
	if a := s.Active; a != nil {
		switch {
		case a.Call == c.Call:
			return nil, nil
		case a.Connected || a.Direction == Inbound && when.Before(a.Since):
			return nil, rejectUntil(fault.Conflict, c, CodeContactBusy, detailOf(CodeContactBusy), time.Time{})
		}
		// Nobody can be called and call at once: what still rings has lost to the contact's own, newer call.
		out = append(out, CallReplaced{Call: a.Call, By: c.Call, At: now})
	}
	p := s.Policy.withDefaults()
	return append(out, CallOpened{
		Call: c.Call, Line: c.Line, LeaseUntil: now.Add(p.ActiveLease), WindowUntil: when.Add(p.Window), At: when,
	}), nil
}

func callConnected(s State, c CallConnected, now time.Time) ([]Event, error) {
	if err := checkCall(c, c.Call, c.Line, c.Direction); err != nil {
		return nil, err
	}
	counted := connected(s.Lines[c.Line], c.Call)
	free := s.Active == nil && !slices.Contains(s.Ended, c.Call)
	waiting := s.Active != nil && s.Active.Call == c.Call && !s.Active.Connected
	if counted && !free && !waiting {
		return nil, nil
	}
	p, when := s.Policy.withDefaults(), at(c.At, now)
	ev := CallAnswered{Call: c.Call, Line: c.Line, Direction: c.Direction, Agent: c.Agent, LeaseUntil: now.Add(p.ActiveLease), At: when}
	if c.Direction == Outbound {
		ev.WindowUntil = when.Add(p.Window) // a user who accepts a business call opens the window; an inbound call did so when it arrived
	}
	return []Event{ev}, nil
}

func callEnded(s State, c CallEnded, now time.Time) ([]Event, error) {
	if err := checkCall(c, c.Call, c.Line, c.Direction); err != nil {
		return nil, err
	}
	if slices.Contains(s.Ended, c.Call) {
		return nil, nil
	}
	answered := c.Answered || connected(s.Lines[c.Line], c.Call)
	return []Event{CallClosed{
		Call: c.Call, Line: c.Line, Direction: c.Direction, Answered: answered, Agents: slices.Clone(c.Agents), Reason: c.Reason,
		Unanswered: !answered && c.Direction == Outbound && (c.Reason == endNoAnswer || c.Reason == endDeclined),
		At:         at(c.At, now),
	}}, nil
}

func renewCall(s State, c RenewCall) ([]Event, error) {
	if s.Active == nil || s.Active.Call != c.Call {
		return nil, reject(fault.NotFound, c, "call_unknown", "this is not the active call")
	}
	if until := core.Clean(c.Until); until.After(s.Active.LeaseUntil) {
		return []Event{CallRenewed{Call: c.Call, LeaseUntil: until}}, nil
	}
	return nil, nil
}

func checkCall(cmd Command, call id.Call, line id.Line, d Direction) error {
	if err := need(cmd, field{"call", string(call)}, field{"line", string(line)}); err != nil {
		return err
	}
	if d != Inbound && d != Outbound {
		return reject(fault.Invalid, cmd, "invalid_field", "direction: inbound or outbound")
	}
	return nil
}

// connected reports whether a call was counted as picked up.
func connected(l LineState, call id.Call) bool {
	return slices.ContainsFunc(l.Connected, func(c ConnectedCall) bool { return c.Call == call })
}
