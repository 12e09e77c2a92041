package host

import (
	"context"
	"slices"
	"time"
	"unicode/utf8"

	"ramal/actors"
	"ramal/actors/agent"
	"ramal/actors/call"
	"ramal/actors/contact"
	"ramal/actors/line"
	"ramal/cluster/wire"
	"ramal/internal/fault"
	"ramal/internal/id"
	"ramal/media/sdpcheck"
)

var _ actors.Desk = (*Host)(nil)

// Open implements actors.Desk.
func (h *Host) Open(ctx context.Context, who actors.Who, push func(actors.Push) bool) (actors.Snapshot, error) {
	h.sessions.add(who, push)
	cmd := agent.OpenSession{Session: who.Session, Node: h.cluster.ID()}
	snap, err := h.snapshot(ctx, who, envelope(who.Tenant, agent.CommandName(cmd), cmd))
	if err != nil {
		h.sessions.remove(who.Session)
		return actors.Snapshot{}, err
	}
	return snap, nil
}

// Snapshot implements actors.Desk.
func (h *Host) Snapshot(ctx context.Context, who actors.Who) (actors.Snapshot, error) {
	return h.snapshot(ctx, who, wire.New(msgSnapshot, who.Tenant, nil))
}

func (h *Host) snapshot(ctx context.Context, who actors.Who, msg *wire.Envelope) (actors.Snapshot, error) {
	d, err := ask[deskSnapshot](ctx, h, kindAgent, agentID(who.Tenant, who.Agent), msg)
	if err != nil {
		return actors.Snapshot{}, err
	}
	snap := actors.Snapshot{
		Seq: d.Seq, Agent: agentView(d.State), Offers: []actors.OfferView{}, Notices: []actors.NoticeView{},
	}
	for _, o := range d.State.Offers {
		var v actors.OfferView
		if err := unpack(o.View, &v); err != nil {
			return snap, err
		}
		snap.Offers = append(snap.Offers, v)
	}
	slices.SortFunc(snap.Offers, func(a, b actors.OfferView) int { return a.CreatedAt.Compare(b.CreatedAt) })
	for _, n := range d.State.Notices {
		var v actors.NoticeView
		if err := unpack(n.View, &v); err != nil {
			return snap, err
		}
		snap.Notices = append(snap.Notices, v)
	}
	if snap.Lines, err = h.Lines(ctx, who); err != nil && !fault.Is(err, fault.Unavailable) {
		return snap, err
	}
	snap.Call, err = h.callOf(ctx, who, d)
	return snap, err
}

// callOf draws the agent's call from what the desk holds, or from the call itself.
func (h *Host) callOf(ctx context.Context, who actors.Who, d deskSnapshot) (*actors.CallView, error) {
	if d.State.Call == nil {
		return nil, nil
	}
	raw := []byte(d.Call)
	if raw == nil {
		q := envelope(who.Tenant, "view", map[string]id.Agent{"agent": who.Agent})
		reply, err := h.sendCall(ctx, who.Tenant, d.State.Call.Call, q)
		if err != nil {
			return nil, nil //nolint:nilerr // a call that cannot be reached is drawn when it speaks again
		}
		raw = reply.GetBody()
	}
	var v actors.CallView
	if err := unpack(raw, &v); err != nil {
		return nil, err
	}
	if v.State == string(call.Ended) {
		return nil, nil
	}
	return &v, nil
}

func agentView(s agent.State) actors.AgentView {
	v := agent.Show(s)
	return actors.AgentView{
		ID: v.ID, Name: v.Name, Role: v.Role, Presence: string(v.Presence), BreakCode: v.BreakCode, Since: v.Since, CallID: v.CallID,
	}
}

// Close implements actors.Desk.
func (h *Host) Close(who actors.Who) {
	h.sessions.remove(who.Session)
	h.lanes.run("session/"+string(who.Session), func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		_, _ = askAgent(ctx, h, agentID(who.Tenant, who.Agent), agent.CloseSession{Session: who.Session}) // else its lease ends
	})
}

// Do implements actors.Desk.
func (h *Host) Do(ctx context.Context, who actors.Who, req actors.Request) (any, error) {
	switch r := req.(type) {
	case actors.SetPresence:
		_, err := askAgent(ctx, h, agentID(who.Tenant, who.Agent), agent.SetPresence{Presence: agent.Presence(r.Presence), BreakCode: r.BreakCode})
		return nil, err
	case actors.AckNotices:
		_, err := askAgent(ctx, h, agentID(who.Tenant, who.Agent), agent.AckNotices{IDs: r.IDs})
		return nil, err
	case actors.Dial:
		return h.dial(ctx, who, r)
	case actors.AcceptOffer:
		return h.accept(ctx, who, r)
	case actors.DeclineOffer:
		return h.decline(ctx, who, r)
	case actors.AttachMedia:
		if err := sdpcheck.Check(r.SDP, sdpcheck.Offer); err != nil {
			return nil, err
		}
		return h.mediaAnswer(h.askCall(ctx, who.Tenant, r.Call, call.Attach{Agent: who.Agent, SDP: r.SDP}))
	case actors.Invite:
		return h.invite(ctx, who, r)
	case actors.CancelInvite:
		return h.done(h.askCall(ctx, who.Tenant, r.Call, call.CancelInvite{By: who.Agent, Agent: r.Agent}))
	case actors.Leave:
		return h.hangUp(h.askCall(ctx, who.Tenant, r.Call, call.Leave{Agent: who.Agent}))
	case actors.End:
		return h.hangUp(h.askCall(ctx, who.Tenant, r.Call, call.End{Agent: who.Agent}))
	case actors.Mute:
		return h.done(h.askCall(ctx, who.Tenant, r.Call, call.SetMuted{Agent: who.Agent, Muted: r.Muted}))
	case actors.SetVolume:
		return h.done(h.askCall(ctx, who.Tenant, r.Call, call.SetGain{Agent: who.Agent, Leg: r.Leg, Gain: r.Gain}))
	case actors.RequestPermission:
		return h.requestPermission(ctx, who, r)
	case actors.SendText:
		return h.sendText(ctx, who, r)
	case actors.SendCallButton:
		return h.sendCallButton(ctx, who, r)
	}
	return nil, fault.New(fault.Invalid, "host.do", "unknown_type", "this version knows no such request")
}

func (h *Host) done(_ *wire.Envelope, err error) (any, error) { return nil, err }

// hangUp: hanging up what has ended is fine.
func (h *Host) hangUp(_ *wire.Envelope, err error) (any, error) {
	if fault.CodeOf(err) == "call_ended" {
		err = nil
	}
	return nil, err
}

func (h *Host) mediaAnswer(reply *wire.Envelope, err error) (any, error) {
	if err == nil {
		err = wire.Err(reply)
	}
	if err != nil {
		return nil, err
	}
	var m actors.MediaAnswer
	if err := unpack(reply.GetBody(), &m); err != nil {
		return nil, err
	}
	return m, nil
}

// dial takes the line, the agent and the contact, in this order, and lets go of all of them if the call cannot begin.
func (h *Host) dial(ctx context.Context, who actors.Who, r actors.Dial) (any, error) {
	if err := sdpcheck.Check(r.SDP, sdpcheck.Offer); err != nil {
		return nil, err
	}
	now := h.now()
	c := id.Call(id.New("call", now))
	entry, err := h.lineEntry(ctx, who.Tenant, r.Line)
	if err != nil {
		return nil, err
	}
	me, err := h.store.GetAgent(ctx, who.Tenant, who.Agent)
	if err != nil {
		return nil, err
	}
	h.syncPermission(ctx, who.Tenant, r.Contact, r.Line)
	var undo []func(context.Context)
	back := func(err error) (any, error) {
		h.lanes.run("call/"+string(c)+"/undo", func(ctx context.Context) {
			for _, f := range undo {
				f(ctx)
			}
		})
		return nil, err
	}
	// Each undo is ready before its command goes out: an unknown outcome is undone too, and undoing nothing does no harm.
	undo = append(undo, func(context.Context) { h.endOnLine(who.Tenant, r.Line, c) })
	if _, err := askLine(ctx, h, lineID(who.Tenant, r.Line), line.AdmitCall{Call: c, Direction: line.Outbound}); err != nil {
		return back(err)
	}
	undo = append(undo, func(ctx context.Context) {
		_, _ = askAgent(ctx, h, agentID(who.Tenant, who.Agent), agent.ReleaseCall{Call: c})
	})
	if _, err := askAgent(ctx, h, agentID(who.Tenant, who.Agent), agent.Claim{Call: c}); err != nil {
		return back(err)
	}
	undo = append(undo, func(ctx context.Context) {
		_, _ = askContact(ctx, h, contactID(who.Tenant, r.Contact), contact.ReleaseCall{Call: c})
	})
	s, err := h.reserve(ctx, who.Tenant, r.Contact, contact.ReserveCall{Call: c, Line: r.Line, Agent: who.Agent})
	if err != nil {
		return back(err)
	}
	to := recipientOf(s)
	b := begin{
		Dial: &call.Dial{
			Tenant: who.Tenant, Call: c, Line: r.Line, Contact: r.Contact, ContactLeg: id.Leg(id.New("leg", now)),
			Agent: who.Agent, Name: me.Name, Leg: id.Leg(id.New("leg", now)), SDP: r.SDP, Policy: h.cfg.Call,
		},
		Contact: h.contactView(ctx, s, 0), Line: lineView(entry.row), To: providerAddress{Phone: to.Phone, BSUID: to.BSUID},
	}
	answer, err := h.mediaAnswer(h.beginCall(ctx, who.Tenant, c, b))
	if err != nil {
		_, _ = h.askCall(ctx, who.Tenant, c, call.End{Agent: who.Agent}) // if it did begin, it ends and tells everybody
		return back(err)
	}
	return answer, nil
}

const (
	settlePause = 100 * time.Millisecond
	settleTries = 30
)

// reserve takes the contact for a call. One whose last call has just ended may not have heard of it yet: it is asked again.
func (h *Host) reserve(ctx context.Context, tenant id.Tenant, who id.Contact, cmd contact.ReserveCall) (contact.State, error) {
	for try := 0; ; try++ {
		s, err := askContact(ctx, h, contactID(tenant, who), cmd)
		if fault.CodeOf(err) != "contact_busy" || try == settleTries || !h.staleCall(ctx, tenant, who) {
			return s, err
		}
		select {
		case <-ctx.Done():
			return s, err
		case <-time.After(settlePause):
		}
	}
}

// accept claims the agent first: one who takes two calls in the same moment gets one of them.
func (h *Host) accept(ctx context.Context, who actors.Who, r actors.AcceptOffer) (any, error) {
	if err := sdpcheck.Check(r.SDP, sdpcheck.Offer); err != nil { // before anything is taken: a broken client must not lose a caller
		return nil, err
	}
	me := agentID(who.Tenant, who.Agent)
	if _, err := askAgent(ctx, h, me, agent.Claim{Call: r.Call, Offer: r.Offer}); err != nil {
		return nil, err
	}
	answer, err := h.mediaAnswer(h.askCall(ctx, who.Tenant, r.Call, call.Accept{Agent: who.Agent, Offer: r.Offer, SDP: r.SDP}))
	if err == nil || fault.Is(err, fault.Unknown) { // not known: if it did happen the call confirms the claim, if not the claim ends by itself
		return answer, err
	}
	h.lanes.run("call/"+string(r.Call)+"/unclaim/"+string(who.Agent), func(ctx context.Context) {
		_, _ = askAgent(ctx, h, me, agent.ReleaseCall{Call: r.Call})
	})
	if fault.CodeOf(err) == "call_ended" {
		err = fault.New(fault.Conflict, "call.accept", "offer_closed", "the call has ended")
	}
	return nil, err
}

func (h *Host) decline(ctx context.Context, who actors.Who, r actors.DeclineOffer) (any, error) {
	_, err := askAgent(ctx, h, agentID(who.Tenant, who.Agent), agent.CloseOffer{Offer: r.Offer, Reason: agent.ClosedDeclined})
	if err != nil {
		return nil, err
	}
	return h.hangUp(h.askCall(ctx, who.Tenant, r.Call, call.Decline{Agent: who.Agent, Offer: r.Offer}))
}

func (h *Host) invite(ctx context.Context, who actors.Who, r actors.Invite) (any, error) {
	const op = "host.invite"
	if utf8.RuneCountInString(r.Note) > 280 {
		return nil, fault.New(fault.Invalid, op, "invalid_field", "note: at most 280 characters")
	}
	s, err := peekAt[agent.State](ctx, h, kindAgent, agentID(who.Tenant, r.Agent))
	if err != nil {
		return nil, err
	}
	switch s.Presence { //nolint:exhaustive // the others can be asked
	case agent.Offline:
		return nil, fault.New(fault.Conflict, op, "agent_offline", "this colleague is offline")
	case agent.Busy:
		return nil, fault.New(fault.Conflict, op, "agent_busy", "this colleague is in another call")
	case agent.Break:
		return nil, fault.New(fault.Conflict, op, "agent_unavailable", "this colleague is on a break")
	}
	guest := h.candidate(r.Agent, s.Name, "invited", "", time.Time{})
	if _, err := h.askCall(ctx, who.Tenant, r.Call, call.Invite{By: who.Agent, Who: guest, Note: r.Note}); err != nil {
		return nil, err
	}
	return actors.Invited{OfferID: guest.Offer, LegID: guest.Leg}, nil
}
