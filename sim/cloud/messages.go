package cloud

import (
	"time"

	"ramal/sim/ledger"
	"ramal/sim/metaerr"
	"ramal/sim/settings"
)

const (
	keptMessages = 500
	ringOver     = 30 * time.Second // how long an ended call stays in the phone's state
)

// Message is one entry of a chat, in the shape of the phone page (PHONE-API.md).
type Message struct {
	ID        string           `json:"id"`
	At        time.Time        `json:"at"`
	From      string           `json:"from"`
	Kind      string           `json:"kind"`
	Status    string           `json:"status,omitempty"`
	ReplyTo   string           `json:"reply_to,omitempty"`
	Text      string           `json:"text,omitempty"`
	Header    string           `json:"header,omitempty"`
	Footer    string           `json:"footer,omitempty"`
	Button    string           `json:"button,omitempty"`
	URL       string           `json:"url,omitempty"`
	Name      string           `json:"name,omitempty"`
	Buttons   []Button         `json:"buttons,omitempty"`
	Sections  []Section        `json:"sections,omitempty"`
	Actions   []TemplateAction `json:"actions,omitempty"`
	Pressed   string           `json:"pressed,omitempty"`
	Answer    string           `json:"answer,omitempty"`
	CallID    string           `json:"call_id,omitempty"`
	Direction string           `json:"direction,omitempty"`
	Outcome   string           `json:"outcome,omitempty"`
	DurationS int              `json:"duration_s,omitempty"`
	Code      string           `json:"code,omitempty"`
	ExpiresAt *Time            `json:"expires_at,omitempty"`

	asksPermission bool
	callExpires    time.Time // of a call button
	payload        string
	opaque         string
	version        int // of the Graph API that sent it
	category       string
}

// Button is a reply button.
type Button struct {
	ID    string `json:"id"`
	Title string `json:"title"`
}

// Section is a part of a list.
type Section struct {
	Title string `json:"title,omitempty"`
	Rows  []Row  `json:"rows"`
}

// Row is an entry of a list.
type Row struct {
	ID          string `json:"id"`
	Title       string `json:"title"`
	Description string `json:"description,omitempty"`
}

// TemplateAction is a button of a template.
type TemplateAction struct {
	Type    string `json:"type"` // reply, link, call
	ID      string `json:"id,omitempty"`
	Title   string `json:"title"`
	URL     string `json:"url,omitempty"`
	Expires *Time  `json:"expires,omitempty"`
	Expired bool   `json:"expired,omitempty"`
}

func (p *pair) add(m *Message) {
	p.chat = append(p.chat, m)
	if over := len(p.chat) - keptMessages; over > 0 {
		p.chat = append([]*Message(nil), p.chat[over:]...)
	}
	if m.From == "business" {
		p.unread++
	}
	p.user.wake()
}

// system adds a line of the service to the chat.
func (p *pair) system(code string, at, expires time.Time) {
	m := &Message{ID: "system-" + trace(), At: at, From: "system", Kind: "system", Code: code}
	m.ExpiresAt = timeOrNil(expires)
	p.add(m)
}

// Outgoing is one message of a business, as the Graph API understood it.
type Outgoing struct {
	To, Recipient  string
	Message        Message
	AsksPermission bool
	CallTTL        time.Duration // of a voice_call button; 0 = none
	Payload        string        // of that button
	Opaque         string
	Template       *TemplateUse // nil: a free-form message
	Version        int
}

// Sent is the answer to an accepted message.
type Sent struct {
	ID, WAID, UserID, ParentID, Input string
	Template                          bool
}

// Send is POST /{pnid}/messages.
func (c *Cloud) Send(t Token, pnid string, o Outgoing) (Sent, *metaerr.Error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	l, e := c.lineFor(t, pnid, "post")
	if e != nil {
		return Sent{}, e
	}
	if l.Unregistered {
		return Sent{}, metaerr.New(133010, "The phone number is not registered")
	}
	if !l.perSecond.allow(l.MessagesPerSec, time.Second, c.cfg.Now()) {
		return Sent{}, metaerr.New(130429, "more than %d messages a second", l.MessagesPerSec)
	}
	m := o.Message
	m.category = "service"
	if o.Template != nil {
		if e := c.fillTemplate(l, &o, &m); e != nil {
			return Sent{}, e
		}
	}
	input := o.To
	if input == "" {
		input = o.Recipient
	}
	u := c.address(o.To, o.Recipient)
	if u == nil {
		if o.To == "" {
			return Sent{}, metaerr.New(131009, "recipient is not a known business-scoped user id")
		}
		return c.undeliverable(l, o, input), nil
	}
	p, now := c.pairOf(l, u), c.now()
	if !p.burst.take(l.PairBurst, now) {
		return Sent{}, metaerr.New(131056, "too many messages to this user")
	}
	if o.AsksPermission {
		if e := c.mayAsk(l, p, now); e != nil {
			return Sent{}, e
		}
	}
	m.ID, m.At, m.From, m.Status = wamid(u.number(), false), now, "business", "sent"
	m.asksPermission, m.payload, m.opaque, m.version = o.AsksPermission, o.Payload, o.Opaque, o.Version
	if o.CallTTL > 0 {
		m.callExpires = now.Add(o.CallTTL)
	}
	c.carry(l, p, &m, o, now)
	sent := Sent{ID: m.ID, Input: input, Template: o.Template != nil}
	if !u.HidePhone {
		sent.WAID = u.WAID
	}
	if !c.flags.NoBSUID {
		sent.UserID, sent.ParentID = u.UserID, u.ParentID
	}
	return sent, nil
}

func (c *Cloud) mayAsk(l *line, p *pair, now time.Time) *metaerr.Error {
	switch {
	case !l.settings.Enabled():
		return metaerr.New(138000, "Calling is not enabled for this phone number")
	case l.BICUnavailable || noBIC[l.Country]:
		return metaerr.New(138013, "Business-initiated calling is not available for this phone number")
	case l.settings.Restricted(now, settings.RestrictBIC):
		return metaerr.New(138014, "Calling is paused because of low quality")
	}
	if r := p.ledger.CheckRequest(l.limits, now); r != nil {
		return refusal(r)
	}
	return nil
}

// carry brings an accepted message to the phone, or lets it fail; call with mu held.
func (c *Cloud) carry(l *line, p *pair, m *Message, o Outgoing, now time.Time) {
	u := p.user
	fail := 0
	switch {
	case o.Template == nil && !p.ledger.WindowOpen(now):
		fail = 131047
	case u.OldClient && (o.AsksPermission || o.CallTTL > 0):
		fail = 131026
	}
	c.note("message.sent", l, u, "", object{"id": m.ID, "kind": m.Kind})
	if fail != 0 {
		c.after(ms(c.timings.Sent), func() { c.sendFailed(l, u, m, fail) })
		return
	}
	if o.AsksPermission {
		p.ledger = p.ledger.Requested(l.limits, m.ID, now)
	}
	c.after(ms(c.timings.Sent), func() {
		c.sendMessageStatus(p, m, "sent")
		c.after(ms(c.timings.Delivered), func() { c.delivered(p, m) })
	})
	if o.AsksPermission && c.flags.ReplyBeforeResponse {
		p.add(m)
		c.autoAnswer(p, m, 0)
	}
}

func (c *Cloud) delivered(p *pair, m *Message) {
	m.Status = "delivered"
	if !m.asksPermission || !c.flags.ReplyBeforeResponse {
		p.add(m)
	}
	skip := c.flags.SkipDelivered
	if !skip {
		c.sendMessageStatus(p, m, "delivered")
	}
	if p.user.AutoRead {
		c.read(p, skip)
	}
	p.user.wake()
	if m.asksPermission && !c.flags.ReplyBeforeResponse {
		c.autoAnswer(p, m, ms(p.user.Permission.AfterMS))
	}
}

// autoAnswer answers a permission request by the user's policy; call with mu held.
func (c *Cloud) autoAnswer(p *pair, m *Message, after time.Duration) {
	switch answer := ledger.Answer(p.user.Permission.Mode); answer {
	case ledger.AcceptTemporary, ledger.AcceptPermanent, ledger.Decline:
		if after == 0 {
			_ = c.answer(p, m, answer) // a dead request is left alone
			return
		}
		c.after(after, func() { _ = c.answer(p, m, answer) })
	}
}

// read marks everything from the business as read; call with mu held.
func (c *Cloud) read(p *pair, first bool) {
	for _, m := range p.chat {
		if m.From == "business" && m.Status == "delivered" {
			m.Status = "read"
			c.sendReadStatus(p, m, first)
		}
	}
	p.unread = 0
}

func (c *Cloud) sendReadStatus(p *pair, m *Message, withPricing bool) {
	c.messageStatus(p.line, p.user, m, "read", withPricing, 0)
}

func (c *Cloud) sendMessageStatus(p *pair, m *Message, status string) {
	c.messageStatus(p.line, p.user, m, status, true, 0)
}

func (c *Cloud) sendFailed(l *line, u *user, m *Message, code int) {
	m.Status = "failed"
	c.messageStatus(l, u, m, "failed", false, code)
}

// messageStatus sends one status webhook; pricing comes with sent and with one of delivered and read.
func (c *Cloud) messageStatus(l *line, u *user, m *Message, status string, pricing bool, code int) {
	o := object{"id": m.ID, "status": status, "timestamp": unix(c.now())}
	if code == 0 || u.WAID == "" {
		c.identify(o, u, "recipient_id", "recipient_")
	} else {
		o["recipient_id"] = u.WAID
	}
	if m.opaque != "" {
		o["biz_opaque_callback_data"] = m.opaque
	}
	if pricing {
		price := object{"billable": m.category != "service", "pricing_model": "PMP", "category": m.category, "type": "regular"}
		if m.category == "service" {
			price["type"] = "free_customer_service"
		}
		o["pricing"] = price
		if m.version > 0 && m.version <= 23 {
			o["conversation"] = object{"id": "conversation-" + l.PNID + "-" + u.key, "origin": object{"type": m.category}}
		}
	}
	v := c.value(l)
	if code != 0 {
		list := errorList(code, "")
		list[0]["href"] = "https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes"
		o["errors"] = list
	} else {
		v["contacts"] = c.contacts(u, true)
	}
	v["statuses"] = []object{o}
	c.emit(l, "messages", u.key, "message "+status, v)
}

// undeliverable accepts a message to a number that nobody has, and lets it fail later.
func (c *Cloud) undeliverable(l *line, o Outgoing, input string) Sent {
	ghost := &user{UserConfig: UserConfig{WAID: trimPlus(o.To)}, key: trimPlus(o.To)}
	m := &Message{ID: wamid(ghost.WAID, false), opaque: o.Opaque}
	c.after(ms(c.timings.Sent), func() { c.sendFailed(l, ghost, m, 131026) })
	return Sent{ID: m.ID, Input: input, WAID: ghost.WAID, Template: o.Template != nil}
}

func trimPlus(s string) string {
	if len(s) > 0 && s[0] == '+' {
		return s[1:]
	}
	return s
}

// MarkRead is the business's read receipt (and typing indicator) for a user's message.
func (c *Cloud) MarkRead(t Token, pnid, messageID string, typing bool) *metaerr.Error {
	c.mu.Lock()
	defer c.mu.Unlock()
	l, e := c.lineFor(t, pnid, "post")
	if e != nil {
		return e
	}
	for k, p := range c.pairs {
		if k.pnid != pnid {
			continue
		}
		for _, m := range p.chat {
			if m.ID == messageID && m.From == "user" {
				m.Status = "read"
				p.user.wake()
				if typing {
					c.note("message.typing", l, p.user, "", nil)
				}
				return nil
			}
		}
	}
	return metaerr.New(100, "message_id is not a message of a user")
}
