package cloud

import (
	"slices"
	"time"

	"ramal/sim/ledger"
	"ramal/sim/metaerr"
	"ramal/sim/settings"
)

// Permission is what the call_permissions endpoint says.
type Permission struct {
	Status  ledger.Status
	Expires time.Time
	Request []ledger.Usage
	Call    []ledger.Usage // empty without permission
	MayAsk  bool
	MayCall bool
}

// CallPermissions is GET /{pnid}/call_permissions.
func (c *Cloud) CallPermissions(t Token, pnid, waID, recipient string) (Permission, *metaerr.Error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	l, e := c.lineFor(t, pnid, "get")
	if e != nil {
		return Permission{}, e
	}
	if waID == "" && recipient == "" {
		return Permission{}, metaerr.New(131008, "user_wa_id or recipient is required")
	}
	now := c.now()
	if !l.permissions.allow(l.PermissionPerSec, time.Second, c.cfg.Now()) {
		return Permission{}, metaerr.New(613, "more than %d requests a second", l.PermissionPerSec)
	}
	if l.BICUnavailable || noBIC[l.Country] {
		return Permission{}, metaerr.New(138013, "Business-initiated calling is not available for this phone number")
	}
	u := c.address(waID, recipient)
	if u == nil || u.Uncallable {
		return Permission{Status: ledger.None, Request: ledger.Pair{}.RequestUsage(l.limits, now), MayAsk: true}, nil
	}
	return c.permission(c.pairOf(l, u), now), nil
}

func (c *Cloud) permission(p *pair, now time.Time) Permission {
	out := Permission{Request: p.ledger.RequestUsage(p.line.limits, now)}
	out.Status, out.Expires = p.ledger.StatusAt(now)
	paused := p.line.settings.Restricted(now, settings.RestrictBIC)
	out.MayAsk = p.ledger.CheckRequest(p.line.limits, now) == nil && !paused
	if out.Status != ledger.None {
		out.Call = []ledger.Usage{p.ledger.CallUsage(p.line.limits, now)}
		out.MayCall = p.ledger.CheckCall(p.line.limits, now) == nil && !paused
	}
	return out
}

// PermissionOf returns the permission between a line and a user, for the control API.
func (c *Cloud) PermissionOf(pnid, key string) (Permission, ledger.Pair, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	l, u, err := c.both(pnid, key)
	if err != nil {
		return Permission{}, ledger.Pair{}, err
	}
	p := c.pairOf(l, u)
	return c.permission(p, c.now()), p.ledger, nil
}

func (c *Cloud) both(pnid, key string) (*line, *user, error) {
	u := c.find(key)
	if u == nil {
		return nil, nil, errNoUser
	}
	if l := c.lines[pnid]; l != nil {
		return l, u, nil
	}
	if pnid == "" && len(c.lines) == 1 { // only one: no need to name it
		for _, l := range c.lines {
			return l, u, nil
		}
	}
	return nil, nil, errNoLine
}

// SetPermission is a change in the business's profile screen: "revoke", "grant_temporary" or "grant_permanent".
// silent keeps the webhook back.
func (c *Cloud) SetPermission(pnid, key, action string, silent bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	l, u, err := c.both(pnid, key)
	if err != nil {
		return err
	}
	p, now := c.pairOf(l, u), c.now()
	switch action {
	case "revoke":
		p.ledger = p.ledger.Revoked()
		p.system("permission_revoked", now, time.Time{})
		silent = silent || c.flags.SilentRevoke
	case "grant_temporary", "grant_permanent":
		p.ledger = p.ledger.Granted(l.limits, action == "grant_permanent", now)
		p.system("permission_granted", now, p.ledger.ExpiresAt)
	default:
		return badValue("action must be revoke, grant_temporary or grant_permanent")
	}
	c.note("permission."+action, l, u, "", nil)
	if !silent {
		c.sendReply(p, action != "revoke", false, "", now)
	}
	u.wake()
	return nil
}

// SetWindow opens (or, with open false, closes) the customer service window, for tests.
func (c *Cloud) SetWindow(pnid, key string, open bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	l, u, err := c.both(pnid, key)
	if err != nil {
		return err
	}
	p := c.pairOf(l, u)
	p.ledger.WindowUntil = time.Time{}
	if open {
		p.ledger = p.ledger.UserActed(l.limits, c.now())
	}
	return nil
}

// AnswerRequest is the user's choice on a permission request. An empty id means the newest request.
func (c *Cloud) AnswerRequest(pnid, key, id string, answer ledger.Answer) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	u := c.find(key)
	if u == nil {
		return errNoUser
	}
	p, m := c.message(u, pnid, id)
	if m == nil && id == "" {
		return errRequestDead
	}
	if m == nil {
		return errNoMessage
	}
	return c.answer(p, m, answer)
}

// message finds a message of the user by id or, with an empty id, the newest permission request; call with mu held.
func (c *Cloud) message(u *user, pnid, id string) (*pair, *Message) {
	for k, p := range c.pairs {
		if k.user != u.key || (pnid != "" && k.pnid != pnid) {
			continue
		}
		for _, v := range slices.Backward(p.chat) {
			if m := v; m.ID == id || (id == "" && m.asksPermission) {
				return p, m
			}
		}
	}
	return nil, nil
}

func (c *Cloud) answer(p *pair, m *Message, answer ledger.Answer) error {
	switch answer {
	case ledger.AcceptTemporary, ledger.AcceptPermanent, ledger.Decline:
	default:
		return badValue("answer must be accept_temporary, accept_permanent or decline")
	}
	now := c.now()
	next, ok := p.ledger.Answered(p.line.limits, m.ID, answer, now)
	if !ok || !m.asksPermission {
		return errRequestDead
	}
	p.ledger = next.UserActed(p.line.limits, now)
	m.Answer = string(answer)
	p.add(&Message{ID: wamid(p.user.number(), true), At: now, From: "user", Kind: "permission_reply", Answer: string(answer), ReplyTo: m.ID, Status: "read"})
	c.note("permission."+string(answer), p.line, p.user, "", nil)
	c.sendReply(p, answer != ledger.Decline, false, m.ID, now)
	p.user.wake()
	return nil
}

// callback gives the automatic permission of a user who called; call with mu held.
func (c *Cloud) callback(k *call) {
	p := c.pairOf(k.line, k.user)
	now := c.now()
	if !k.line.settings.Callback() || k.user.Companion {
		return
	}
	next, changed := p.ledger.CalledBack(k.line.limits, now)
	if !changed {
		return
	}
	p.ledger = next
	p.system("permission_granted", now, next.ExpiresAt)
	c.sendReply(p, true, true, k.id, now)
}
