package host

import (
	"context"
	"log/slog"

	"ramal/actors"
	"ramal/actors/call"
	"ramal/internal/id"
	"ramal/media"
)

func (a *callActor) applyAnswer(e call.ApplyAnswer) {
	if err := a.conf.AnswerOfContact(context.Background(), e.Leg, e.SDP); err != nil {
		a.result(call.LegAway{Leg: e.Leg, Failed: true, Detail: err.Error()})
	}
}

// attachMedia connects an agent's browser and restores what the agent had set.
func (a *callActor) attachMedia(e call.AttachMedia) (any, error) {
	answer, err := a.conf.AnswerAgent(context.Background(), e.Leg, e.SDP)
	if err != nil {
		a.attachFailed(e.Leg)
		return nil, err
	}
	for _, l := range a.s.Legs {
		if l.ID != e.Leg {
			continue
		}
		a.mediaDone("mute", a.conf.SetMuted(l.ID, l.Muted))
		for speaker, gain := range l.Gains {
			a.mediaDone("volume", a.conf.SetGain(l.ID, speaker, gain))
		}
	}
	return actors.MediaAnswer{CallID: a.call, LegID: e.Leg, SDP: answer.SDP, Slots: slotViews(answer.Slots)}, nil
}

func slotViews(slots []media.Slot) []actors.SlotView {
	out := make([]actors.SlotView, 0, len(slots))
	for _, s := range slots {
		out = append(out, actors.SlotView{Mid: s.Mid, LegID: s.Speaker})
	}
	return out
}

func (a *callActor) openAudio(leg id.Leg) {
	a.mediaDone("open", a.conf.OpenAudio(leg))
	a.marks.contactOpened = true
	a.observeAudio()
}

func (a *callActor) mediaDone(what string, err error) {
	if err != nil {
		a.h.log.Warn("media operation failed", slog.String("op", what), slog.String("call", string(a.call)), slog.Any("error", err))
	}
}

// attachFailed takes back what the call has decided: one who was to join leaves again, one who was there stays.
func (a *callActor) attachFailed(leg id.Leg) {
	for _, l := range a.s.Legs {
		switch {
		case l.ID != leg:
		case l.State == call.LegConnecting:
			a.result(call.Leave{Agent: l.Agent})
		default:
			a.result(call.AttachFailed{Agent: l.Agent, Leg: leg})
		}
	}
}
