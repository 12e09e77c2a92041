package cloud

import (
	"net/netip"
	"slices"
	"time"

	"ramal/sim/audio"
	"ramal/sim/callflow"
	"ramal/sim/ledger"
	"ramal/sim/leg"
	"ramal/sim/metaerr"
	"ramal/sim/sdp"
	"ramal/sim/settings"
)

const (
	keptCalls = 2000 // ended calls that can still be looked at
	keptEars  = 300  // of those, how many keep what was heard
	day       = 24 * time.Hour
)

// Dial is what a business gives to place a call.
type Dial struct {
	To, Recipient, SDP, Opaque string
}

// Connect is POST /{pnid}/calls with action connect. The checks run in a fixed order; the real one is not known.
func (c *Cloud) Connect(t Token, pnid string, d Dial) (string, *metaerr.Error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	l, e := c.lineFor(t, pnid, "post")
	if e != nil {
		return "", e
	}
	if e := c.lineMayCall(l); e != nil {
		return "", e
	}
	if l.BICUnavailable || noBIC[l.Country] {
		return "", metaerr.New(138013, "Business-initiated calling is not available for this phone number")
	}
	now := c.now()
	if l.settings.Restricted(now, settings.RestrictBIC) {
		return "", metaerr.New(138014, "Business-initiated calling is paused because of low quality")
	}
	if l.NoPayment {
		return "", metaerr.New(131044, "The account has no valid payment method")
	}
	desc, problem := sdp.CheckOffer(d.SDP)
	if problem != nil {
		return "", c.sdpError(problem)
	}
	u := c.address(d.To, d.Recipient)
	if u == nil || u.Uncallable {
		return "", metaerr.New(138001, "The receiver is not on WhatsApp, has not accepted the terms, or uses an unsupported client")
	}
	if e := c.mayDial(l, u, now); e != nil {
		return "", e
	}
	k := c.newCall(l, u, callflow.NewBIC(c.params(u), now))
	k.opaque = d.Opaque
	setup := c.flags.BICSetup
	if setup == "" {
		setup = "active"
	}
	if desc.Setup == "active" {
		setup = "passive"
	}
	k.answer = sdp.Answer(c.localOf(k), desc, setup)
	if k.leg != nil {
		role := leg.Client // active, or the open actpass that the business reads as "the other side starts"
		if setup == "passive" {
			role = leg.Server
		}
		k.leg.SetRemote(desc, role)
	}
	l.initiations = append(l.initiations, now)
	c.note("call.dialled", l, u, k.id, object{"warnings": desc.Warnings})
	c.arm(k)
	u.wake()
	return k.id, nil
}

// lineMayCall is the part of the checks that every action on /calls shares.
func (c *Cloud) lineMayCall(l *line) *metaerr.Error {
	switch {
	case l.Unregistered:
		return metaerr.New(133010, "The phone number is not registered")
	case l.settings.SIPOn():
		return metaerr.New(131055, "SIP is enabled for this phone number, the calls endpoint cannot be used")
	case !l.settings.Enabled():
		return metaerr.New(138000, "Calling is not enabled for this phone number")
	}
	return nil
}

// mayDial checks permission and limits.
func (c *Cloud) mayDial(l *line, u *user, now time.Time) *metaerr.Error {
	p := c.pairOf(l, u)
	if r := p.ledger.CheckCall(l.limits, now); r != nil {
		return refusal(r)
	}
	l.initiations = slices.DeleteFunc(l.initiations, func(at time.Time) bool { return now.Sub(at) >= day })
	switch {
	case len(l.initiations) >= l.MaxInitiations:
		return metaerr.New(138005, "more than %d calls were initiated in 24 hours", l.MaxInitiations)
	case c.liveCalls(l, nil) >= l.MaxConcurrent:
		return metaerr.New(138002, "more than %d calls at a time", l.MaxConcurrent)
	case c.liveCalls(l, u) > 0:
		return metaerr.New(138003, "A call with this user is already in progress")
	}
	return nil
}

func refusal(r *ledger.Refusal) *metaerr.Error {
	if r.Until.IsZero() {
		return metaerr.New(r.Code, "%s", r.Text())
	}
	return metaerr.New(r.Code, "%s; next allowed at %s", r.Text(), r.Until.UTC().Format(time.RFC3339))
}

func (c *Cloud) sdpError(p *sdp.Problem) *metaerr.Error {
	if p.Fingerprint || c.flags.SDPAsCode100 {
		return metaerr.SDP(p.Details)
	}
	return metaerr.New(138008, "%s", p.Details)
}

// liveCalls counts the calls of a line, or of a line with one user.
func (c *Cloud) liveCalls(l *line, u *user) int {
	n := 0
	for _, k := range c.calls {
		if k.line == l && (u == nil || k.user == u) && k.state.Live() {
			n++
		}
	}
	return n
}

func (c *Cloud) params(u *user) callflow.Params {
	t := c.timings
	answer := c.between(t.AnswerMin, t.AnswerMax)
	if c.flags.ConnectBeforeResponse {
		answer = 0
	}
	return callflow.Params{
		AcceptWindow: c.between(t.AcceptWindowMin, t.AcceptWindowMax), AnswerDelay: answer, RingDelay: ms(t.Ring),
		RingTimeout: ms(t.RingTimeout), FirstMedia: ms(t.FirstMedia), MidMedia: ms(t.MidMedia),
		Unreachable: u.Answer.Mode == "unreachable", PickupOnMedia: !c.flags.NoPickupOnMedia,
	}
}

// newCall registers a call and opens its leg; call with mu held.
func (c *Cloud) newCall(l *line, u *user, s callflow.State) *call {
	byUser := s.Direction == callflow.UserInitiated
	k := &call{id: wacid(u.number(), l.Display, byUser), line: l, user: u, state: s}
	c.calls[k.id] = k
	c.callOrder = append(c.callOrder, k.id)
	c.prune()
	if c.media == nil {
		return k
	}
	id := k.id
	k.leg = c.media.NewLeg(leg.Options{
		LoseHello: c.flags.LoseClientHello, WaitBusiness: byUser && !c.flags.PhoneSpeaksFirst,
		ChangeSSRC: ms(c.flags.ChangeSSRCMS), WatchSound: c.flags.WatchSound,
		Handlers: leg.Handlers{
			Connected: func(at time.Time) { c.mediaConnected(id, at) },
			FirstRTP:  func(time.Time) { c.mediaHeard(id) },
			Digit:     func(_ time.Time, digit byte) { c.mediaDigit(id, digit) },
			Closed:    func(time.Time) { c.mediaClosed(id) },
		},
	})
	k.leg.SetVoice(voice(u.Voice))
	k.leg.Ear.Record(u.Record)
	return k
}

func voice(v VoiceSpec) audio.Source {
	switch v.Kind {
	case "none":
		return nil
	case "tone":
		return audio.Tone(v.Hz)
	}
	return audio.Tone(0)
}

// localOf returns the phone's side of the SDP.
func (c *Cloud) localOf(k *call) sdp.Local {
	local := sdp.Local{Ufrag: "0000", Pwd: "0000000000000000000000", Fingerprint: make([]byte, 32), StreamID: "0"}
	if k.leg != nil {
		local = k.leg.Local()
	}
	if c.flags.UnreachableIPv6 { // RFC 3849: nobody lives there
		addr := netip.MustParseAddr("2001:db8:face:b00c::699c")
		local.Addrs = append(local.Addrs, netip.AddrPortFrom(addr, 3480))
	}
	local.PCMA, local.PCMU = k.line.settings.Codec("PCMA"), k.line.settings.Codec("PCMU")
	return local
}

// prune forgets the oldest ended calls, and what was heard in them earlier; call with mu held.
func (c *Cloud) prune() {
	ended := 0
	for i, v := range slices.Backward(c.callOrder) {
		k := c.calls[v]
		if k.state.Live() {
			continue
		}
		ended++
		if ended > keptEars {
			k.leg = nil
		}
		if ended > keptCalls {
			delete(c.calls, k.id)
			c.callOrder = slices.Delete(c.callOrder, i, i+1)
		}
	}
}

// Via is how a user places a call.
type Via struct {
	MessageID string // a call button; empty: the call icon or a link
	Link      bool   // a wa.me/call link: works although the icon is hidden
	Payload   string // of the link
	cta       string
}

// PlaceCall is the user tapping the call icon, a link or a button.
func (c *Cloud) PlaceCall(pnid, key string, via Via) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if via.MessageID != "" {
		u := c.find(key)
		if u == nil {
			return "", errNoUser
		}
		p, m := c.message(u, "", via.MessageID)
		if m == nil || m.callExpires.IsZero() {
			return "", errNoMessage
		}
		if !now.Before(m.callExpires) {
			return "", errExpired
		}
		pnid, via.cta = p.line.PNID, m.payload
	}
	l, u, err := c.both(pnid, key)
	if err != nil {
		return "", err
	}
	if c.liveCalls(l, u) > 0 {
		return "", errBusy
	}
	p := c.pairOf(l, u)
	if reason := c.whyNotCallable(l, u, via, now); reason != "" {
		p.system("call_failed", now, time.Time{})
		c.note("call.not_possible", l, u, "", object{"reason": reason})
		u.wake()
		return "", unavailable(reason)
	}
	p.ledger = p.ledger.UserActed(l.limits, now) // answered or not, a call opens the service window
	k := c.newCall(l, u, callflow.NewUIC(c.params(u), now))
	k.cta, k.deeplink = via.cta, via.Payload
	k.offer = sdp.Offer(c.localOf(k))
	c.note("call.placed", l, u, k.id, nil)
	c.sendConnect(k)
	c.callback(k)
	c.arm(k)
	u.wake()
	return k.id, nil
}

// whyNotCallable returns why the user's client or the service stops a call before any connect webhook, "" if it does not.
func (c *Cloud) whyNotCallable(l *line, u *user, via Via, now time.Time) string {
	hidden := l.settings.IconHidden(u.Country, now)
	byButton := via.MessageID != "" || via.Link
	switch {
	case l.Unregistered, hidden == "disabled":
		return "disabled"
	case l.settings.Restricted(now, settings.RestrictUIC):
		return "restricted"
	case hidden != "" && (!byButton || hidden == "country"):
		return hidden // a button works although the icon is hidden, but not across the country rule
	}
	if open, _ := l.settings.OpenAt(now); !open {
		return "closed"
	}
	switch {
	case l.NoPayment:
		c.sendPayment(l, u)
		return "failed"
	case c.liveCalls(l, nil) >= l.MaxConcurrent:
		return "failed"
	case l.settings.SIPOn():
		c.sipCall(l, u)
		return "failed"
	}
	return ""
}

// sipCall is a user's call to a number in SIP mode: signalling would go to the business's SIP server, which is not
// simulated, so the call fails; the calls field carries call_created and terminate only if the line asked for it.
func (c *Cloud) sipCall(l *line, u *user) {
	if !l.settings.SIPWebhooks() {
		return
	}
	now := c.now()
	k := &call{id: wacid(u.number(), l.Display, true), line: l, user: u, state: callflow.State{
		Direction: callflow.UserInitiated, Phase: callflow.Ended, CreatedAt: now, EndedAt: now, Outcome: callflow.Failed, Code: 138004,
	}}
	v := c.value(l)
	v["contacts"] = c.contacts(u, true)
	v["calls"] = []object{c.callObject(k, "call_created", now)}
	c.emit(l, "calls", k.id, "call_created", v)
	c.sendTerminate(k)
}
