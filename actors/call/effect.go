package call

import (
	"time"

	"ramal/internal/id"
)

// Effect is something the shell must do outside the mailbox. Its outcome comes back as a Command.
//
//sumtype:decl
type Effect interface{ effect() }

type (
	// PlaceCall makes our media offer and dials. Back: ProviderDialed, ProviderDialFailed or, when the outcome is unknown, nothing.
	PlaceCall struct{ Leg id.Leg }
	// AnswerEarly answers the provider's media offer and sends pre_accept. Back: PreAccepted.
	AnswerEarly struct {
		Leg id.Leg
		SDP string
	}
	// ApplyAnswer gives the media plane the provider's answer.
	ApplyAnswer struct {
		Leg id.Leg
		SDP string
	}
	// AcceptCall sends accept. Back: AcceptTaken or AcceptFailed.
	AcceptCall struct{ ProviderID string }
	// HangUp tells the provider: How is reject or terminate.
	HangUp struct{ ProviderID, How string }
	// FindCandidates looks for agents. Back: CandidatesFound.
	FindCandidates struct{ Stage Stage }
	// SendOffer asks an agent. Back: OfferRefused if it cannot be asked.
	SendOffer struct{ Offer Offer }
	// CloseOffer takes a modal away.
	CloseOffer struct {
		Offer  Offer
		Reason string
		By     string
	}
	// TellInviter says that an invitation came to nothing.
	TellInviter struct {
		Offer  Offer
		Reason string // declined, expired or refused
		Detail string
	}
	// AttachMedia connects an agent's browser and answers the agent's request with the outcome.
	AttachMedia struct {
		Leg id.Leg
		SDP string
	}
	// ConfirmAgent says that the agent's claim has become a call.
	ConfirmAgent struct{ Agent id.Agent }
	// ReleaseAgent frees the agent.
	ReleaseAgent struct{ Agent id.Agent }
	// OpenAudio starts media to and from the contact.
	OpenAudio struct{ Leg id.Leg }
	// MuteLeg silences or opens a leg's microphone.
	MuteLeg struct {
		Leg   id.Leg
		Muted bool
	}
	// SetLegGain changes one entry of the gain matrix.
	SetLegGain struct {
		Listener id.Leg
		Speaker  id.Leg
		Gain     float64
	}
	// RemoveLeg takes a leg out of the conference.
	RemoveLeg struct{ Leg id.Leg }
	// CloseMedia ends the conference.
	CloseMedia struct{}
	// TellContact reports to the contact: Answered at once when somebody picks up, the end with all agents.
	TellContact struct {
		Ended    bool
		Answered bool
		Agents   []id.Agent
		Reason   EndReason
		At       time.Time
	}
	// TellMissed reports an inbound call that nobody took.
	TellMissed struct{ At time.Time }
)

func (PlaceCall) effect()      {}
func (AnswerEarly) effect()    {}
func (ApplyAnswer) effect()    {}
func (AcceptCall) effect()     {}
func (HangUp) effect()         {}
func (FindCandidates) effect() {}
func (SendOffer) effect()      {}
func (CloseOffer) effect()     {}
func (TellInviter) effect()    {}
func (AttachMedia) effect()    {}
func (ConfirmAgent) effect()   {}
func (ReleaseAgent) effect()   {}
func (OpenAudio) effect()      {}
func (MuteLeg) effect()        {}
func (SetLegGain) effect()     {}
func (RemoveLeg) effect()      {}
func (CloseMedia) effect()     {}
func (TellContact) effect()    {}
func (TellMissed) effect()     {}

// Effects derives from one event what must be done. It is pure, and skipped when the journal is replayed.
func Effects(before State, ev Event, after State) []Effect {
	switch e := ev.(type) {
	case Created:
		if e.Direction == Outbound {
			return []Effect{PlaceCall{Leg: e.ContactLeg}}
		}
		if e.SDP != "" {
			return []Effect{AnswerEarly{Leg: e.ContactLeg, SDP: e.SDP}}
		}
	case Identified:
		if after.Phase == Ended {
			return []Effect{HangUp{ProviderID: e.ProviderID, How: "terminate"}}
		}
	case HangupDue:
		return []Effect{HangUp{ProviderID: after.ProviderID, How: e.How}}
	case Connected:
		return []Effect{ApplyAnswer{Leg: after.ContactLeg, SDP: e.SDP}}
	case EarlyAnswered:
		if after.Phase == Connecting {
			return []Effect{AcceptCall{ProviderID: after.ProviderID}}
		}
	case StageEntered:
		return []Effect{FindCandidates{Stage: e.Stage}}
	case LookedAgain:
		return []Effect{FindCandidates{Stage: after.Stage}}
	case OfferMade:
		return []Effect{SendOffer(e)}
	case OfferClosed:
		return offerEffects(before, e)
	case Taken:
		if after.PreAccepted {
			return []Effect{AcceptCall{ProviderID: after.ProviderID}}
		}
	case Joined:
		return []Effect{AttachMedia{Leg: e.Leg, SDP: e.SDP}, ConfirmAgent{Agent: e.Agent}}
	case Reattached:
		return []Effect{AttachMedia{Leg: e.Leg, SDP: e.SDP}}
	case PickedUp:
		return []Effect{OpenAudio{Leg: after.ContactLeg}, TellContact{Answered: true, Agents: after.Agents(), At: e.At}}
	case Muted:
		return []Effect{MuteLeg(e)}
	case GainSet:
		return []Effect{SetLegGain(e)}
	case Left:
		l, _ := legByID(before, e.Leg)
		return []Effect{RemoveLeg{Leg: e.Leg}, ReleaseAgent{Agent: l.Agent}}
	case Finished:
		return finishEffects(before, e, after)
	case Rang, PickUpCorrected, MediaUp, MediaAway, AttachUndone, SaidGoodbye:
	}
	return nil
}

func offerEffects(before State, e OfferClosed) []Effect {
	o, ok := before.offer(e.Offer)
	if !ok {
		return nil
	}
	if e.Reason == "refused" { // the agent never saw it
		if o.Kind == KindInvite {
			return []Effect{TellInviter{Offer: o, Reason: e.Reason, Detail: e.Detail}}
		}
		return nil
	}
	out := []Effect{CloseOffer{Offer: o, Reason: e.Reason, By: e.By}}
	if o.Kind == KindInvite && (e.Reason == "declined" || e.Reason == "expired") {
		out = append(out, TellInviter{Offer: o, Reason: e.Reason})
	}
	return out
}

func finishEffects(before State, e Finished, after State) []Effect {
	out := []Effect{CloseMedia{}}
	if e.Hangup != "" && after.ProviderID != "" {
		out = append(out, HangUp{ProviderID: after.ProviderID, How: e.Hangup})
	}
	answered := !after.AnsweredAt.IsZero()
	out = append(out, TellContact{Ended: true, Answered: answered, Agents: after.Agents(), Reason: e.Reason, At: e.At})
	if after.Direction == Inbound && before.TakenAt.IsZero() {
		out = append(out, TellMissed{At: e.At})
	}
	return out
}
