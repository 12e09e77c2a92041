package callflow

import "time"

// NoMedia is the error code of a call that ends because the business sent no media.
const NoMedia = 138021

// Decide returns what the command leads to, or a *RefusedError. It changes nothing.
func Decide(s State, cmd Command, now time.Time) ([]Event, error) {
	switch cmd := cmd.(type) {
	case PreAccept:
		return decidePreAccept(s, cmd)
	case Accept:
		return decideAccept(s, cmd, now)
	case Reject:
		return decideReject(s, now)
	case Terminate:
		return decideTerminate(s, now)
	case UserAccept:
		return decideUserAccept(s, now)
	case UserEnd:
		return decideUserEnd(s, now)
	case Fail:
		if !s.Live() {
			return nil, &RefusedError{Over}
		}
		return []Event{HasEnded{At: now, By: Service, Outcome: Failed, Code: cmd.Code}}, nil
	case Media:
		if s.Phase == PreAccepted && s.Params.PickupOnMedia && s.MediaAt.IsZero() {
			return []Event{PickedUp{At: now}}, nil
		}
		return nil, nil
	case Wake:
		return decideWake(s, cmd, now), nil
	}
	panic("callflow: a command without a rule")
}

func decidePreAccept(s State, cmd PreAccept) ([]Event, error) {
	if err := s.wantUIC(); err != nil {
		return nil, err
	}
	switch s.Phase {
	case Ringing:
		return []Event{WasPreAccepted(cmd)}, nil
	case PreAccepted:
		return nil, &RefusedError{AlreadyPre}
	case Dialing, Answered, Accepted, Ended:
	}
	return nil, s.refuseLate()
}

func decideAccept(s State, cmd Accept, now time.Time) ([]Event, error) {
	if err := s.wantUIC(); err != nil {
		return nil, err
	}
	switch {
	case s.Phase == PreAccepted && cmd.SDP != s.PreSDP:
		return nil, &RefusedError{Mismatch}
	case s.Phase == PreAccepted, s.Phase == Ringing:
		return []Event{WasAccepted{At: now, SDP: cmd.SDP}}, nil
	}
	return nil, s.refuseLate()
}

func decideReject(s State, now time.Time) ([]Event, error) {
	if err := s.wantUIC(); err != nil {
		return nil, err
	}
	if s.Phase == Ringing || s.Phase == PreAccepted {
		return []Event{HasEnded{At: now, By: Business, Outcome: Declined}}, nil
	}
	if s.Phase == Ended && s.EndedBy == Business && s.Outcome == Declined {
		return nil, &RefusedError{AlreadyReject}
	}
	return nil, s.refuseLate()
}

func decideTerminate(s State, now time.Time) ([]Event, error) {
	switch {
	case s.Phase == Ended:
		return nil, &RefusedError{Over}
	case s.Phase == Accepted:
		return []Event{HasEnded{At: now, By: Business, Outcome: Completed}}, nil
	case s.Direction == BusinessInitiated:
		return []Event{HasEnded{At: now, By: Business, Outcome: Cancelled}}, nil
	}
	return nil, &RefusedError{NotEstablished}
}

func decideUserAccept(s State, now time.Time) ([]Event, error) {
	if s.Direction != BusinessInitiated {
		return nil, &RefusedError{WrongDirection}
	}
	switch s.Phase {
	case Ringing:
		return []Event{WasAccepted{At: now}}, nil
	case Accepted:
		return nil, &RefusedError{InProgress}
	case Ended:
		return nil, &RefusedError{Over}
	case Dialing, Answered, PreAccepted:
	}
	return nil, &RefusedError{NotRinging}
}

func decideUserEnd(s State, now time.Time) ([]Event, error) {
	end := HasEnded{At: now, By: User}
	switch {
	case s.Phase == Ended:
		return nil, &RefusedError{Over}
	case s.Phase == Accepted:
		end.Outcome = Completed
	case s.Direction == UserInitiated:
		end.Outcome = Cancelled
	case s.Phase == Ringing:
		end.Outcome = Declined
	default:
		return nil, &RefusedError{NotRinging}
	}
	return []Event{end}, nil
}

func decideWake(s State, cmd Wake, now time.Time) []Event {
	if s.Deadline.IsZero() || now.Before(s.Deadline) {
		return nil // stale: harmless
	}
	switch s.Phase {
	case Dialing:
		return []Event{WasAnswered{At: now}}
	case Answered:
		if !s.Params.Unreachable {
			return []Event{Rang{At: now}}
		}
		return []Event{HasEnded{At: now, By: Service, Outcome: NoAnswer, Timeout: true}}
	case Ringing, PreAccepted:
		return []Event{HasEnded{At: now, By: Service, Outcome: NoAnswer, Timeout: true}}
	case Accepted:
		if now.Before(s.mediaDeadline(cmd.LastMedia)) {
			return []Event{MediaKept{Last: cmd.LastMedia}}
		}
		return []Event{HasEnded{At: now, By: Service, Outcome: Failed, Code: NoMedia}}
	case Ended:
		return nil
	}
	return nil
}

func (s State) wantUIC() error {
	if s.Direction != UserInitiated {
		return &RefusedError{WrongDirection}
	}
	return nil
}

// refuseLate explains why an accepted or ended call takes no further answer.
func (s State) refuseLate() error {
	switch {
	case s.Phase == Accepted:
		return &RefusedError{InProgress}
	case s.WindowIsOut:
		return &RefusedError{TooLate}
	}
	return &RefusedError{Over}
}
