package cloud

import (
	"strconv"
	"time"

	"ramal/sim/callflow"
	"ramal/sim/hooks"
	"ramal/sim/ledger"
	"ramal/sim/metaerr"
)

type object = map[string]any

func unix(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }

// emit sends one change to every app that takes the field; call with mu held.
func (c *Cloud) emit(l *line, field, key, kind string, value any) {
	c.emitAfter(l, field, key, kind, value, 0)
}

func (c *Cloud) emitAfter(l *line, field, key, kind string, value any, after time.Duration) {
	for _, ep := range c.endpoints(l, field) {
		c.hooks.SendAfter(ep, key, kind, hooks.Change{Account: l.WABA, Field: field, Value: value}, after)
	}
	c.note("webhook.made", l, nil, key, object{"field": field, "kind": kind, "value": value})
}

// emitAccount sends an account-level change, which alone carries entry.time.
func (c *Cloud) emitAccount(l *line, field string, value any) {
	for _, ep := range c.endpoints(l, field) {
		c.hooks.Send(ep, l.PNID, field, hooks.Change{Account: l.WABA, Field: field, Value: value, Time: c.now().Unix()})
	}
	c.note("webhook.made", l, nil, "", object{"field": field, "kind": field, "value": value})
}

func (c *Cloud) emitSettings(l *line) {
	c.emitAccount(l, "account_settings_update", object{
		"messaging_product": "whatsapp", "timestamp": unix(c.now()), "type": "phone_number_settings",
		"phone_number_settings": object{"phone_number_id": l.PNID, "calling": l.settings},
	})
}

// value starts the value of a calls or messages webhook.
func (c *Cloud) value(l *line) object {
	return object{
		"messaging_product": "whatsapp",
		"metadata":          object{"display_phone_number": l.Display, "phone_number_id": l.PNID},
	}
}

// identify adds the fields that name the user under the given prefix ("from", "to", "recipient"), as far as they may be
// shown: the phone number is absent, not empty, for username users.
func (c *Cloud) identify(o object, u *user, phoneField, prefix string) {
	if !u.HidePhone {
		o[phoneField] = u.WAID
	}
	if !c.flags.NoBSUID {
		o[prefix+"user_id"] = u.UserID
		if u.ParentID != "" {
			o[prefix+"parent_user_id"] = u.ParentID
		}
	}
}

func (c *Cloud) contacts(u *user, profile bool) []object {
	o := object{}
	c.identify(o, u, "wa_id", "")
	if profile {
		p := object{"name": u.Name}
		if u.Username != "" && !c.flags.NoBSUID {
			p["username"] = u.Username
		}
		o["profile"] = p
	}
	return []object{o}
}

// callObject starts calls[0] of a connect or terminate webhook.
func (c *Cloud) callObject(k *call, event string, at time.Time) object {
	o := object{"id": k.id, "event": event, "timestamp": unix(at), "direction": string(k.state.Direction)}
	if k.state.Direction == callflow.UserInitiated {
		c.identify(o, k.user, "from", "from_")
		o["to"] = k.line.Display
	} else {
		o["from"] = k.line.Display
		c.identify(o, k.user, "to", "to_")
	}
	return o
}

func (c *Cloud) sendConnect(k *call) {
	v := c.value(k.line)
	o := c.callObject(k, "connect", c.now())
	if k.state.Direction == callflow.UserInitiated {
		v["contacts"] = c.contacts(k.user, true)
		o["session"] = object{"sdp_type": "offer", "sdp": k.offer}
		if k.deeplink != "" {
			o["deeplink_payload"] = k.deeplink
		}
		if k.cta != "" {
			o["cta_payload"] = k.cta
		}
	} else {
		if !c.flags.NoContactsInConnect {
			v["contacts"] = c.contacts(k.user, true)
		}
		o["session"] = object{"sdp_type": "answer", "sdp": k.answer}
		if k.opaque != "" {
			o["biz_opaque_callback_data"] = k.opaque
		}
		if c.flags.LegacyConnection {
			o["connection"] = object{"webrtc": object{"sdp": k.answer}}
		}
	}
	v["calls"] = []object{o}
	send := func() { c.emit(k.line, "calls", k.id, "connect", v) }
	if !c.flags.TerminateBeforeConnect {
		send()
		return
	}
	k.heldConnect = send
	c.after(ms(c.timings.TerminateFirst), func() { release(&k.heldConnect) })
}

func release(held *func()) {
	if f := *held; f != nil {
		*held = nil
		f()
	}
}

func (c *Cloud) sendStatus(k *call, status string, at time.Time, late time.Duration) {
	o := object{"id": k.id, "type": "call", "status": status, "timestamp": unix(at)}
	c.identify(o, k.user, "recipient_id", "recipient_")
	if k.opaque != "" {
		o["biz_opaque_callback_data"] = k.opaque
	}
	v := c.value(k.line)
	v["statuses"] = []object{o}
	if c.flags.ContactsInStatuses {
		v["contacts"] = c.contacts(k.user, false)
	}
	c.emitAfter(k.line, "calls", k.id, status, v, late)
}

func (c *Cloud) sendTerminate(k *call) {
	s := k.state
	o := c.callObject(k, "terminate", s.EndedAt)
	failed := s.Outcome == callflow.Failed || (c.flags.RejectIsFailed && s.Outcome == callflow.Declined && s.EndedBy == callflow.Business)
	status := map[bool]string{false: "COMPLETED", true: "FAILED"}[failed]
	if c.flags.MixedCaseStatus {
		status = status[:1] + map[bool]string{false: "ompleted", true: "ailed"}[failed]
	}
	o["status"] = status
	if !s.AcceptedAt.IsZero() {
		o["start_time"], o["end_time"] = unix(s.AcceptedAt), unix(s.EndedAt)
		o["duration"] = s.EndedAt.Unix() - s.AcceptedAt.Unix()
	}
	if k.opaque != "" {
		o["biz_opaque_callback_data"] = k.opaque
	}
	v := c.value(k.line)
	if s.Code != 0 {
		list := errorList(s.Code, "")
		o["errors"], v["errors"] = list, list
	}
	v["calls"] = []object{o}
	if c.flags.ContactsInStatuses {
		v["contacts"] = c.contacts(k.user, false)
	}
	c.emit(k.line, "calls", k.id, "terminate", v)
}

// errorList is errors[] of a webhook.
func errorList(code int, details string) []object {
	if details == "" {
		details = metaerr.Text(code)
	}
	return []object{{"code": code, "title": metaerr.Text(code), "message": metaerr.Text(code), "error_data": object{"details": details}}}
}

// sendPayment is the error webhook of a user's call to an account without payment method.
func (c *Cloud) sendPayment(l *line, u *user) {
	v := c.value(l)
	v["contacts"] = c.contacts(u, true)
	v["errors"] = errorList(131044, "")
	c.emit(l, "calls", u.key, "error", v)
}

// sendReply is the webhook of a permission given or taken. context is the id it answers, "" for none.
func (c *Cloud) sendReply(p *pair, accept, automatic bool, context string, at time.Time) {
	status, expires := p.ledger.StatusAt(c.now())
	r := object{"response": "reject", "response_source": "user_action"}
	if automatic {
		r["response_source"] = "automatic"
	}
	if accept {
		r["response"], r["is_permanent"] = "accept", status == ledger.Permanent
		switch {
		case status == ledger.Temporary && c.flags.IntegerExpiration:
			r["expiration_timestamp"] = expires.Unix()
		case status == ledger.Temporary:
			r["expiration_timestamp"] = unix(expires)
		}
	} else if context != "" {
		r["is_permanent"] = false
	}
	m := object{
		"id": wamid(p.user.number(), true), "timestamp": unix(at), "type": "interactive",
		"interactive": object{"type": "call_permission_reply", "call_permission_reply": r},
	}
	if context != "" {
		m["context"] = object{"from": p.line.Display, "id": context}
	}
	c.sendInbound(p, m, "call_permission_reply")
}

// sendInbound sends one message of the user.
func (c *Cloud) sendInbound(p *pair, m object, kind string) {
	c.identify(m, p.user, "from", "from_")
	v := c.value(p.line)
	v["contacts"] = c.contacts(p.user, true)
	v["messages"] = []object{m}
	c.emit(p.line, "messages", p.user.key, kind, v)
}
