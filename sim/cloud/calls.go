package cloud

import (
	"errors"
	"time"

	"ramal/sim/audio"
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
	var r *callflow.Refused
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

// The facts of the leg.

func (c *Cloud) mediaConnected(id string, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k := c.calls[id]; k != nil && !c.closed {
		k.connectedMedia = at
		c.note("media.connected", k.line, k.user, id, nil)
		k.user.wake()
	}
}

func (c *Cloud) mediaHeard(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k := c.calls[id]; k != nil && !c.closed {
		k.firstHear = time.Now()
		c.note("media.first_packet", k.line, k.user, id, nil)
		_ = c.do(k, callflow.Media{}) // never refused
		k.user.wake()
	}
}

func (c *Cloud) mediaDigit(id string, digit byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k := c.calls[id]; k != nil {
		c.note("media.digit", k.line, k.user, id, object{"digit": string(digit)})
	}
}

func (c *Cloud) mediaClosed(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k := c.calls[id]; k != nil && !c.closed {
		c.note("media.closed", k.line, k.user, id, nil)
	}
}

// What the user does in a call.

// callOf finds a call of the user: by id, or with an empty id the newest live one; call with mu held.
func (c *Cloud) callOf(key, id string) (*call, error) {
	u := c.find(key)
	if u == nil {
		return nil, errNoUser
	}
	if id == "" {
		for i := len(c.callOrder) - 1; i >= 0; i-- {
			if k := c.calls[c.callOrder[i]]; k.user == u && k.state.Live() {
				return k, nil
			}
		}
		return nil, errNoCall
	}
	if k := c.calls[id]; k != nil && k.user == u {
		return k, nil
	}
	return nil, errNoCall
}

func over(err error) error {
	if err != nil {
		return errOver
	}
	return nil
}

// AcceptCall is the user answering an incoming call.
func (c *Cloud) AcceptCall(key, id string) error {
	return c.withCall(key, id, func(k *call) error { return over(c.do(k, callflow.UserAccept{})) })
}

// EndCall is the user declining, cancelling or hanging up.
func (c *Cloud) EndCall(key, id string) error {
	return c.withCall(key, id, func(k *call) error { return c.endByUser(k) })
}

// DeclineCall is EndCall for an incoming call that still rings.
func (c *Cloud) DeclineCall(key, id string) error {
	return c.withCall(key, id, func(k *call) error {
		if k.state.Phase == callflow.Accepted || k.state.Direction != callflow.BusinessInitiated {
			return errOver
		}
		return c.endByUser(k)
	})
}

func (c *Cloud) endByUser(k *call) error { return over(c.do(k, callflow.UserEnd{})) }

// FailCall ends a call with an error code of the user's client, such as 138019.
func (c *Cloud) FailCall(key, id string, code int) error {
	if !metaerr.Known(code) {
		return badValue("code is not in the table")
	}
	return c.withCall(key, id, func(k *call) error { return over(c.do(k, callflow.Fail{Code: code})) })
}

func (c *Cloud) withCall(key, id string, f func(*call) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	k, err := c.callOf(key, id)
	if err != nil {
		return err
	}
	return f(k)
}

func (c *Cloud) withLeg(key, id string, f func(*leg.Leg) error) error {
	return c.withCall(key, id, func(k *call) error {
		if k.leg == nil {
			return errAudio
		}
		return f(k.leg)
	})
}

// MuteCall silences the phone's microphone.
func (c *Cloud) MuteCall(key, id string, on bool) error {
	return c.withCall(key, id, func(k *call) error {
		if !k.state.Live() {
			return errOver
		}
		k.muted = on
		if k.leg != nil {
			k.leg.Mute(on)
		}
		k.user.wake()
		return nil
	})
}

// DialDigits sends DTMF.
func (c *Cloud) DialDigits(key, id, digits string) error {
	if digits == "" || len(digits) > 32 {
		return badValue("digits must be 1 to 32 of 0-9 * # A-D")
	}
	return c.withLeg(key, id, func(l *leg.Leg) error {
		if err := l.Dial(digits); err != nil {
			return badValue(err.Error())
		}
		return nil
	})
}

// Speak plays encoded frames once.
func (c *Cloud) Speak(key, id string, frames [][]byte) error {
	return c.withLeg(key, id, func(l *leg.Leg) error { l.Say(audio.Once(frames)); return nil })
}

// SetVoice changes the endless voice of a call.
func (c *Cloud) SetVoice(key, id string, v VoiceSpec) error {
	if err := v.validate(); err != nil {
		return badValue(err.Error())
	}
	return c.withLeg(key, id, func(l *leg.Leg) error { l.SetVoice(voice(v)); return nil })
}

// Ear gives access to what was heard in a call; with an empty id in the newest one, live or not.
func (c *Cloud) Ear(key, id string) (*audio.Ear, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k, err := c.callOf(key, id)
	if err != nil && id == "" {
		if u := c.find(key); u != nil {
			for i := len(c.callOrder) - 1; i >= 0 && k == nil; i-- {
				if old := c.calls[c.callOrder[i]]; old.user == u {
					k, err = old, nil
				}
			}
		}
	}
	if err != nil {
		return nil, err
	}
	if k.leg == nil {
		return nil, errAudio
	}
	return k.leg.Ear, nil
}

// BridgeCall connects a browser to the phone of a call and returns the SDP answer.
func (c *Cloud) BridgeCall(key, id, offer string) (string, error) {
	c.mu.Lock()
	k, err := c.callOf(key, id)
	switch {
	case err != nil:
		c.mu.Unlock()
		return "", err
	case k.leg == nil || !k.state.Live() || c.closed:
		c.mu.Unlock()
		return "", errAudio
	}
	old := k.bridge
	k.bridge = nil
	l := k.leg
	c.mu.Unlock()
	if old != nil {
		old.Close()
	}
	b, answer, err := c.bridges.Open(l, offer)
	if err != nil {
		return "", &Error{Status: 409, Code: "audio_unavailable", Detail: err.Error()}
	}
	c.mu.Lock()
	if !k.state.Live() || c.closed || k.bridge != nil {
		c.mu.Unlock()
		b.Close()
		return "", errAudio
	}
	k.bridge = b
	c.note("media.bridged", k.line, k.user, k.id, nil)
	k.user.wake()
	c.mu.Unlock()
	return answer, nil
}
