package host

import (
	"context"
	"strings"
	"time"

	"ramal/actors"
	"ramal/actors/agent"
	"ramal/actors/call"
	"ramal/actors/contact"
	"ramal/cluster"
	"ramal/internal/fault"
	"ramal/internal/id"
)

const (
	providerWait = 20 * time.Second // one action at Meta, its own retries included
	tellFor      = 2 * time.Minute  // how long others are told again and again of what must arrive
)

// perform carries out one effect. Media operations run here and now, and may have an answer for the agent
// who asked; everything that waits goes onto a lane.
func (a *callActor) perform(eff call.Effect) (reply any, err error) {
	switch e := eff.(type) {
	case call.PlaceCall:
		a.placeCall(e)
	case call.AnswerEarly:
		a.answerEarly(e)
	case call.ApplyAnswer:
		a.applyAnswer(e)
	case call.AttachMedia:
		return a.attachMedia(e)
	case call.OpenAudio:
		a.openAudio(e.Leg)
	case call.MuteLeg:
		a.mediaDone("mute", a.conf.SetMuted(e.Leg, e.Muted))
	case call.SetLegGain:
		a.mediaDone("volume", a.conf.SetGain(e.Listener, e.Speaker, e.Gain))
	case call.RemoveLeg:
		a.conf.Remove(e.Leg)
	case call.CloseMedia:
		a.conf.Close()
	case call.AcceptCall:
		a.acceptCall(e)
	case call.HangUp:
		a.hangUp(e)
	case call.FindCandidates:
		a.findCandidates(e.Stage)
	case call.SendOffer:
		a.sendOffer(e.Offer)
	case call.CloseOffer:
		a.tellAgent(e.Offer.Agent, agent.CloseOffer{Offer: e.Offer.ID, Reason: e.Reason, By: e.By})
	case call.TellInviter:
		a.tellInviter(e)
	case call.ConfirmAgent:
		a.tellAgent(e.Agent, agent.ConfirmCall{Call: a.call})
	case call.ReleaseAgent:
		a.tellAgent(e.Agent, agent.ReleaseCall{Call: a.call})
	case call.TellContact:
		a.tellContact(e)
	case call.TellMissed:
		a.tellMissed()
	}
	return nil, nil
}

func (a *callActor) agentID(who id.Agent) cluster.Identity {
	return cluster.Identity{Tenant: a.tenant(), Key: string(who)}
}

// tellAgent carries a command to an agent, in order with everything else this call tells it, until it arrives.
func (a *callActor) tellAgent(who id.Agent, cmd agent.Command) {
	to := a.agentID(who)
	a.h.lanes.run(a.laneOf(who), func(ctx context.Context) {
		a.h.persist(ctx, tellFor, agent.CommandName(cmd), func(ctx context.Context) error {
			_, err := askAgent(ctx, a.h, to, cmd)
			return onlyTransient(err)
		})
	})
}

func (a *callActor) laneOf(who id.Agent) string { return "call/" + string(a.call) + "/" + string(who) }

// onlyTransient drops what repeating cannot change.
func onlyTransient(err error) error {
	if worthRepeating(err) {
		return err
	}
	return nil
}

// sendOffer asks an agent; one who cannot be asked is reported back at once.
func (a *callActor) sendOffer(o call.Offer) {
	view := a.offerView(o)
	to := a.agentID(o.Agent)
	webhook, shown := a.marks.webhook, &a.shown
	a.asked = append(a.asked, o.Agent)
	a.h.lanes.run(a.laneOf(o.Agent), func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		_, err := askAgent(ctx, a.h, to, agent.MakeOffer{
			Offer: o.ID, Call: a.call, Kind: o.Kind, ExpiresAt: o.ExpiresAt, View: mustJSON(view),
		})
		if err != nil {
			reason := fault.CodeOf(err)
			if !strings.HasPrefix(reason, "agent_") {
				reason = "agent_unreachable"
			}
			if fault.Is(err, fault.Unknown) { // it may ring: a modal that nobody answers for must go
				a.tellAgent(o.Agent, agent.CloseOffer{Offer: o.ID, Reason: agent.ClosedCancelled})
			}
			a.result(call.OfferRefused{Offer: o.ID, Reason: reason})
			return
		}
		if o.Kind == call.KindInbound && !webhook.IsZero() && shown.CompareAndSwap(false, true) {
			a.h.observer.ModalShown(time.Since(webhook))
		}
	})
}

func (a *callActor) tellInviter(e call.TellInviter) {
	kind := "invite_declined"
	if e.Reason == "expired" {
		kind = "invite_expired"
	}
	view := actors.NoticeView{
		ID: id.New("nt", a.h.now()), Kind: kind, ContactID: a.about.Contact.ID, Contact: a.about.Contact.Name, LineID: a.about.Line.ID,
		CallID: a.call, AgentID: e.Offer.Agent, Agent: e.Offer.Name, Detail: e.Detail, At: a.h.now(),
	}
	a.tellAgent(e.Offer.By, agent.Notify{Notice: agent.Notice{ID: view.ID, Kind: kind, View: mustJSON(view), At: view.At}})
}

// tellContact reports pick-up and end. It must arrive: limits, streaks and the next call depend on it.
func (a *callActor) tellContact(e call.TellContact) {
	s := a.s
	var cmd contact.Command = contact.CallConnected{
		Call: a.call, Line: s.Line, Direction: contact.Direction(s.Direction), Agent: first(e.Agents), At: e.At,
	}
	if e.Ended {
		cmd = contact.CallEnded{
			Call: a.call, Line: s.Line, Direction: contact.Direction(s.Direction), Answered: e.Answered, Agents: e.Agents, Reason: string(e.Reason), At: e.At,
		}
		a.h.observer.CallEnded(string(s.Direction), string(e.Reason), string(s.EndedBy), s.TalkTime(e.At))
		a.h.endOnLine(s.Tenant, s.Line, a.call)
	}
	to := cluster.Identity{Tenant: s.Tenant, Key: string(s.Contact)}
	a.h.lanes.run("call/"+string(a.call)+"/contact", func(ctx context.Context) {
		a.h.persist(ctx, 10*tellFor, contact.CommandName(cmd), func(ctx context.Context) error {
			_, err := askContact(ctx, a.h, to, cmd)
			return onlyTransient(err)
		})
	})
}

func first(agents []id.Agent) id.Agent {
	if len(agents) == 0 {
		return ""
	}
	return agents[0]
}

// tellMissed leaves a notice with everyone who was asked, or else with the agents this contact is related to.
func (a *callActor) tellMissed() {
	s, who, line := a.s, a.about.Contact, a.about.Line
	asked := a.asked
	a.h.lanes.run("call/"+string(a.call)+"/missed", func(ctx context.Context) {
		if len(asked) == 0 {
			asked = a.h.relatedAgents(ctx, s.Tenant, s.Contact)
		}
		for _, to := range asked {
			view := actors.NoticeView{
				ID: "missed_" + string(a.call), Kind: "call_missed", ContactID: who.ID, Contact: who.Name, LineID: line.ID, CallID: a.call,
				Detail: string(s.EndReason), At: s.EndedAt,
			}
			a.tellAgent(to, agent.Notify{Notice: agent.Notice{ID: view.ID, Kind: view.Kind, View: mustJSON(view), At: view.At}})
		}
	})
}

// renew prolongs everything that this call keeps busy.
func (a *callActor) renew() {
	if a.s.Phase == call.Unborn || a.s.Phase == call.Ended {
		return
	}
	until := a.h.now().Add(leaseOf)
	for _, l := range a.s.Legs {
		if l.In() {
			a.tellAgent(l.Agent, agent.RenewCall{Call: a.call, Until: until})
		}
	}
	a.h.renewCall(a.s, until)
}
