package cloud

import (
	"errors"
	"time"

	"ramal/sim/callflow"
	"ramal/sim/ledger"
	"ramal/sim/leg"
	"ramal/sim/metaerr"
	"ramal/sim/sdp"
)

// Act is POST /{pnid}/calls with an action other than connect.
func (c *Cloud) Act(t Token, pnid, callID, action, text, opaque string) *metaerr.Error {
	c.mu.Lock()
	defer c.mu.Unlock()
	l, e := c.lineFor(t, pnid, "post")
	if e != nil {
		return e
	}
	if e := c.lineMayCall(l); e != nil {
		return e
	}
	k := c.calls[callID]
	if k == nil || k.line != l {
		return metaerr.New(100, "call_id is not valid for this phone number")
	}
	var cmd callflow.Command
	switch action {
	case "reject":
		cmd = callflow.Reject{}
	case "terminate":
		cmd = callflow.Terminate{}
	default:
		desc, problem := sdp.CheckAnswer(text, "audio")
		if problem != nil {
			return c.sdpError(problem)
		}
		cmd = callflow.PreAccept{SDP: text}
		if action == "accept" {
			cmd = callflow.Accept{SDP: text}
		}
		return c.answerCall(k, cmd, desc, opaque)
	}
	return c.refused(c.do(k, cmd))
}

func (c *Cloud) answerCall(k *call, cmd callflow.Command, desc sdp.Description, opaque string) *metaerr.Error {
	if e := c.refused(c.do(k, cmd)); e != nil {
		return e
	}
	if opaque != "" {
		k.opaque = opaque
	}
	if k.leg != nil {
		role := leg.Server
		if desc.Setup == "passive" {
			role = leg.Nobody
		}
		k.leg.SetRemote(desc, role)
	}
	if len(desc.Warnings) > 0 {
		c.note("call.sdp_warnings", k.line, k.user, k.id, desc.Warnings)
	}
	return nil
}

// refused turns the machine's refusal into an error of the API.
func (c *Cloud) refused(err error) *metaerr.Error {
	if err == nil {
		return nil
	}
	var r *callflow.RefusedError
	if !errors.As(err, &r) {
		return metaerr.New(131000, "%v", err)
	}
	switch r.Reason {
	case callflow.TooLate:
		if !c.flags.LateAcceptAs100 {
			return metaerr.New(138007, "The call was not accepted in time")
		}
		return metaerr.New(100, "The call has already ended")
	case callflow.Over:
		return metaerr.New(100, "The call has already ended")
	case callflow.InProgress:
		return metaerr.New(100, "The call is already in progress")
	case callflow.AlreadyPre:
		return metaerr.New(100, "The call is already pre-accepted")
	case callflow.AlreadyReject:
		return metaerr.New(100, "Reject is already in progress")
	case callflow.Mismatch:
		return metaerr.New(100, "The SDP of accept does not match the SDP of pre_accept")
	case callflow.WrongDirection:
		return metaerr.New(100, "The action is not possible for this direction of call")
	case callflow.NotEstablished, callflow.NotRinging:
		return metaerr.New(100, "The call is not established; use reject")
	}
	return metaerr.New(100, "%v", err)
}

// do judges a command and carries out what follows; call with mu held.
func (c *Cloud) do(k *call, cmd callflow.Command) error {
	evs, err := callflow.Decide(k.state, cmd, c.now())
	if err != nil {
		return err
	}
	for _, ev := range evs {
		k.state = callflow.Evolve(k.state, ev)
		c.apply(k, ev)
	}
	if len(evs) > 0 {
		c.arm(k)
		k.user.wake()
	}
	return nil
}

// arm keeps the one timer of the call at its deadline; call with mu held.
func (c *Cloud) arm(k *call) {
	c.cancel(k.timer)
	k.timer = nil
	if k.state.Deadline.IsZero() {
		return
	}
	k.timer = c.after(k.state.Deadline.Sub(c.now()), func() {
		last := c.now() // without media there is nothing to watch
		if k.leg != nil {
			if last = k.leg.LastHeard(); !last.IsZero() {
				last = last.Add(c.offset)
			}
		}
		_ = c.do(k, callflow.Wake{LastMedia: last}) // a wake is never refused
		if k.timer == nil && k.state.Live() {
			c.arm(k) // fired a little early
		}
	})
}

// apply carries out one event; call with mu held.
func (c *Cloud) apply(k *call, ev callflow.Event) {
	switch ev := ev.(type) {
	case callflow.WasPreAccepted:
		c.note("call.pre_accepted", k.line, k.user, k.id, nil)
	case callflow.WasAnswered:
		c.note("call.answer_sent", k.line, k.user, k.id, nil)
		c.sendConnect(k)
	case callflow.Rang:
		c.rang(k, ev.At)
	case callflow.PickedUp:
		c.note("call.picked_up_by_media", k.line, k.user, k.id, nil)
		c.open(k)
	case callflow.WasAccepted:
		c.accepted(k, ev.At)
	case callflow.MediaKept:
	case callflow.HasEnded:
		c.ended(k, ev)
	}
}

func (c *Cloud) rang(k *call, at time.Time) {
	c.note("call.ringing", k.line, k.user, k.id, nil)
	send := func() { c.sendStatus(k, "RINGING", at, 0) }
	switch {
	case c.flags.NoRinging:
	case c.flags.AcceptedBeforeRinging:
		k.heldRinging = send
	default:
		send()
	}
	var cmd callflow.Command
	switch k.user.Answer.Mode {
	case "accept":
		cmd = callflow.UserAccept{}
	case "decline":
		cmd = callflow.UserEnd{}
	default:
		return
	}
	c.after(ms(k.user.Answer.AfterMS), func() { _ = c.do(k, cmd) }) // refused when somebody was faster
}

func (c *Cloud) open(k *call) {
	if k.leg == nil {
		return
	}
	if k.state.Direction == callflow.BusinessInitiated && c.timings.AudioLate > 0 {
		c.after(ms(c.timings.AudioLate), k.leg.Open)
		return
	}
	k.leg.Open()
}

func (c *Cloud) accepted(k *call, at time.Time) {
	c.note("call.accepted", k.line, k.user, k.id, nil)
	byBusiness := k.state.Direction == callflow.BusinessInitiated
	p := c.pairOf(k.line, k.user)
	p.ledger = p.ledger.CallConnected(k.line.limits, byBusiness, at)
	if byBusiness {
		c.sendStatus(k, "ACCEPTED", at, ms(c.timings.AcceptedLate))
		release(&k.heldRinging)
	}
	c.open(k)
	if k.user.HangupMS > 0 {
		c.after(ms(k.user.HangupMS), func() { _ = c.do(k, callflow.UserEnd{}) })
	}
}

func (c *Cloud) ended(k *call, ev callflow.HasEnded) {
	s := k.state
	c.note("call.ended", k.line, k.user, k.id, object{"outcome": ev.Outcome, "by": ev.By, "code": ev.Code})
	release(&k.heldRinging)
	if s.Direction == callflow.BusinessInitiated && ev.Outcome == callflow.Declined {
		c.sendStatus(k, "REJECTED", ev.At, 0)
	}
	c.sendTerminate(k)
	release(&k.heldConnect)
	if k.leg != nil {
		k.leg.Close(ev.By == callflow.User)
	}
	if b := k.bridge; b != nil && !c.closed {
		k.bridge = nil
		c.wg.Go(b.Close) // ends by itself
	}
	p := c.pairOf(k.line, k.user)
	c.missed(k, p, ev)
	m := &Message{ID: k.id, At: ev.At, From: "system", Kind: "call", CallID: k.id, Direction: direction(k), Outcome: string(ev.Outcome)}
	if !s.AcceptedAt.IsZero() {
		m.DurationS = int(ev.At.Sub(s.AcceptedAt).Seconds())
	}
	p.add(m)
	c.after(ringOver, func() { k.user.wake() })
}

// missed counts an unanswered call of the business.
func (c *Cloud) missed(k *call, p *pair, ev callflow.HasEnded) {
	s := k.state
	if s.Direction != callflow.BusinessInitiated || !s.AcceptedAt.IsZero() || ev.Outcome == callflow.Failed || s.RangAt.IsZero() {
		return
	}
	next, consequence := p.ledger.CallMissed(k.line.limits, ev.At)
	p.ledger = next
	switch consequence {
	case ledger.Suggest:
		p.system("permission_suggest", ev.At, time.Time{})
	case ledger.Revoke:
		p.system("permission_auto_revoked", ev.At, time.Time{})
		c.sendReply(p, false, true, "", ev.At)
	case ledger.Nothing:
	}
}

func direction(k *call) string {
	if k.state.Direction == callflow.UserInitiated {
		return "outgoing"
	}
	return "incoming"
}
