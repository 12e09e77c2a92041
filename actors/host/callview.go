package host

import (
	"context"
	"time"

	"ramal/actors"
	"ramal/actors/call"
	"ramal/actors/contact"
	"ramal/internal/id"
	"ramal/media"
)

// onFact turns what the media plane saw into the call's commands.
func (a *callActor) onFact(f media.Fact) error {
	var cmd call.Command
	switch x := f.(type) {
	case media.Connected:
		if x.Leg != a.s.ContactLeg {
			a.marks.agentUp = true
			a.observeAudio()
		}
		cmd = call.LegUp{Leg: x.Leg}
	case media.Resumed:
		cmd = call.LegUp{Leg: x.Leg}
	case media.Interrupted:
		cmd = call.LegAway{Leg: x.Leg}
	case media.Failed:
		cmd = call.LegAway{Leg: x.Leg, Failed: true, Closed: x.Reason == media.ClosedByPeer, Detail: string(x.Reason)}
	case media.FirstMedia:
		if x.Leg == a.s.ContactLeg {
			a.marks.contactHeard = true
			a.observeAudio()
		}
		cmd = call.FirstMedia{Leg: x.Leg, At: x.At}
	case media.SlotsChanged:
		a.pushSlots(x)
		return nil
	case media.Digit, media.Speaking:
		return nil
	}
	_, err := a.command(cmd)
	return err
}

func (a *callActor) pushSlots(x media.SlotsChanged) {
	for _, l := range a.s.Legs {
		if l.ID == x.Leg && l.In() {
			a.push(l.Agent, actors.EventCallSlots, actors.CallSlots{CallID: a.call, Slots: slotViews(x.Slots)})
		}
	}
}

// note marks the moments that observers measure from.
func (a *callActor) note(cmd call.Command, now time.Time) {
	switch any(cmd).(type) { // only what begins or ends a measure
	case call.Accept:
		if a.marks.accepted.IsZero() {
			a.marks.accepted, a.marks.agentUp = now, false
		}
	case call.ProviderRang:
		if !a.marks.rang && !a.marks.dialed.IsZero() {
			a.marks.rang = true
			a.h.observer.CustomerRang(now.Sub(a.marks.dialed))
		}
	}
}

// observeAudio measures from the accept until audio can flow both ways: the contact is heard, the agent is connected
// and the way to the contact is open.
func (a *callActor) observeAudio() {
	m := &a.marks
	if m.opened || m.accepted.IsZero() || !m.contactHeard || !m.agentUp || !m.contactOpened {
		return
	}
	m.opened = true
	a.h.observer.AudioOpened(time.Since(m.accepted))
}

// publish shows the call as it is now to everyone in it, and hints to lists what lists show.
func (a *callActor) publish(before call.State) {
	told := map[id.Agent]bool{}
	for _, l := range append(append([]call.Leg(nil), a.s.Legs...), before.Legs...) {
		was, _ := before.LegOf(l.Agent)
		if told[l.Agent] || l.State == call.LegInvited || (!l.In() && !was.In()) {
			continue
		}
		told[l.Agent] = true
		a.push(l.Agent, actors.EventCallUpdated, a.viewFor(l.Agent))
	}
	if before.Phase != a.s.Phase || before.AgentsIn() != a.s.AgentsIn() {
		view, tenant := a.viewFor(""), a.s.Tenant
		a.h.lanes.run("call/"+string(a.call)+"/hint", func(context.Context) { a.h.hint(tenant, actors.HintCall, view) })
	}
}

// push sends an event to an agent, in order with the commands that this call tells it.
func (a *callActor) push(who id.Agent, kind string, data any) {
	to := a.agentID(who)
	msg := envelope(to.Tenant, msgPush, actors.Push{Type: kind, At: a.h.now(), Data: mustJSON(data)})
	a.h.lanes.run(a.laneOf(who), func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		_, _ = ask[struct{}](ctx, a.h, kindAgent, to, msg) // lost: the agent's next snapshot asks the call itself
	})
}

// viewFor draws the call for one agent, or for lists if who is empty.
func (a *callActor) viewFor(who id.Agent) actors.CallView {
	v := drawCall(a.s, a.about.Contact, a.about.Line, who)
	v.Version, v.Unsaved = a.seq, a.flushing
	return v
}

// drawCall is pure: the same state gives the same view, live or from the history.
func drawCall(s call.State, who actors.ContactView, line actors.LineView, viewer id.Agent) actors.CallView {
	v := actors.CallView{
		ID: s.Call, Direction: string(s.Direction), State: string(s.Phase), Contact: who, Line: line, CreatedAt: s.CreatedAt,
		RingDeadline: timeOrNil(s.RingUntil), AnsweredAt: timeOrNil(s.AnsweredAt), EndedAt: timeOrNil(s.EndedAt),
		EndedBy: string(s.EndedBy), EndReason: string(s.EndReason), EndDetail: s.EndDetail,
	}
	if s.Phase == call.Ended {
		v.TalkMS = s.TalkTime(s.EndedAt).Milliseconds()
	}
	if s.Phase == call.Active || s.Phase == call.Ended || s.Phase == call.Connecting {
		v.RingDeadline = nil
	}
	v.Participants = append(v.Participants, drawContactLeg(s, who))
	for _, l := range s.Legs {
		v.Participants = append(v.Participants, actors.ParticipantView{
			LegID: l.ID, Kind: "agent", AgentID: l.Agent, Name: l.Name, State: string(l.State), Muted: l.Muted,
			JoinedAt: timeOrNil(l.JoinedAt), LeftAt: timeOrNil(l.LeftAt),
		})
		if viewer != "" && l.Agent == viewer && l.State != call.LegInvited { // the newest, also once it has left
			v.MyLeg, v.Gains = l.ID, nil
			if l.In() {
				v.Gains = l.Gains
			}
		}
	}
	return v
}

func drawContactLeg(s call.State, who actors.ContactView) actors.ParticipantView {
	p := actors.ParticipantView{LegID: s.ContactLeg, Kind: "contact", Name: who.Name, State: "connecting", JoinedAt: timeOrNil(s.AnsweredAt), LeftAt: timeOrNil(s.EndedAt)}
	switch s.Phase {
	case call.Active:
		p.State = "connected"
	case call.Ended:
		p.State = "left"
	case call.Unborn, call.Dialing, call.Ringing, call.Offering, call.Connecting:
	}
	return p
}

func (a *callActor) offerView(o call.Offer) actors.OfferView {
	v := actors.OfferView{
		ID: o.ID, CallID: a.call, Kind: o.Kind, Reason: o.Reason, ReasonInfo: o.Info, ReasonAt: timeOrNil(o.ReasonAt), Note: o.Note,
		Contact: a.about.Contact, Line: a.about.Line, CreatedAt: o.CreatedAt, ExpiresAt: o.ExpiresAt,
	}
	if o.By != "" {
		v.InvitedBy = &actors.PersonView{ID: o.By, Name: a.nameOf(o.By)}
	}
	return v
}

func (a *callActor) nameOf(who id.Agent) string {
	for _, l := range a.s.Legs {
		if l.Agent == who {
			return l.Name
		}
	}
	return string(who)
}

// findCandidates looks for agents to ask: those related to the contact, or everyone who is available.
func (a *callActor) findCandidates(stage call.Stage) {
	s := a.s
	a.h.lanes.run("call/"+string(a.call)+"/candidates", func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, storeWait)
		defer cancel()
		found, err := a.h.candidates(ctx, s.Tenant, s.Contact, stage)
		if err != nil {
			a.h.log.Warn("no candidates found for a call", "call", string(s.Call), "stage", string(stage), "error", err)
		}
		a.result(call.CandidatesFound{Stage: stage, Agents: found})
	})
}

// candidates prepares offers: related agents in the order of how recently they dealt with the contact, whoever is
// available of them; or everyone available.
func (h *Host) candidates(ctx context.Context, tenant id.Tenant, who id.Contact, stage call.Stage) ([]call.Candidate, error) {
	online, err := h.store.OnlineAgents(ctx, tenant)
	if err != nil {
		return nil, err
	}
	names := map[id.Agent]string{}
	var out []call.Candidate
	for _, row := range online {
		names[row.ID] = row.Name
		if stage == call.Everyone {
			out = append(out, h.candidate(row.ID, row.Name, "anyone", "", time.Time{}))
		}
	}
	if stage == call.Everyone {
		return out, nil
	}
	s, err := peekAt[contact.State](ctx, h, kindContact, contactID(tenant, who))
	if err != nil {
		return nil, err
	}
	for _, r := range contact.RelatedAgents(s, h.now(), h.cfg.RelatedWithin) {
		if name, ok := names[r.Agent]; ok {
			out = append(out, h.candidate(r.Agent, name, r.Reason, r.Info, r.At))
		}
	}
	return out, nil
}

func (h *Host) candidate(who id.Agent, name, reason, info string, at time.Time) call.Candidate {
	now := h.now()
	return call.Candidate{
		Agent: who, Name: name, Reason: reason, Info: info, At: at, Offer: id.Offer(id.New("of", now)), Leg: id.Leg(id.New("leg", now)),
	}
}
