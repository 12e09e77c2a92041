package cloud

import (
	"unicode/utf8"
)

// SendText is the user writing to a business; it returns the message id.
func (c *Cloud) SendText(pnid, key, text string) (string, error) {
	if n := utf8.RuneCountInString(text); n == 0 || n > 4096 || !utf8.ValidString(text) {
		return "", badValue("text must be 1 to 4096 characters")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	l, u, err := c.both(pnid, key)
	if err != nil {
		return "", err
	}
	p := c.pairOf(l, u)
	m := c.userMessage(p, &Message{Kind: "text", Text: text})
	c.sendInbound(p, object{"id": m.ID, "timestamp": unix(m.At), "type": "text", "text": object{"body": text}}, "text")
	return m.ID, nil
}

// userMessage adds a message of the user to the chat and opens the service window; call with mu held.
func (c *Cloud) userMessage(p *pair, m *Message) *Message {
	now := c.now()
	m.ID, m.At, m.From, m.Status = wamid(p.user.number(), true), now, "user", "delivered"
	p.ledger = p.ledger.UserActed(p.line.limits, now)
	p.add(m)
	c.note("user."+m.Kind, p.line, p.user, "", object{"id": m.ID, "text": m.Text})
	return m
}

// Press is the user pressing a reply button, a list row or a template's quick reply.
func (c *Cloud) Press(key, messageID, buttonID string) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	u := c.find(key)
	if u == nil {
		return "", errNoUser
	}
	p, m := c.message(u, "", messageID)
	if m == nil || messageID == "" {
		return "", errNoMessage
	}
	title, payload := m.reply(buttonID)
	if payload == nil {
		return "", badValue("the message has no button or row with this id")
	}
	m.Pressed = buttonID
	r := c.userMessage(p, &Message{Kind: "reply", Text: title, ReplyTo: m.ID})
	payload["id"], payload["timestamp"] = r.ID, unix(r.At)
	payload["context"] = object{"from": p.line.Display, "id": m.ID}
	c.sendInbound(p, payload, "reply")
	return r.ID, nil
}

// reply makes the webhook object of a pressed button, nil if there is no such button.
func (m *Message) reply(id string) (title string, o object) {
	for _, b := range m.Buttons {
		if b.ID == id {
			return b.Title, object{"type": "interactive", "interactive": object{"type": "button_reply", "button_reply": b}}
		}
	}
	for _, s := range m.Sections {
		for _, r := range s.Rows {
			if r.ID == id {
				return r.Title, object{"type": "interactive", "interactive": object{"type": "list_reply", "list_reply": r}}
			}
		}
	}
	for _, a := range m.Actions {
		if a.Type == "reply" && a.ID == id {
			return a.Title, object{"type": "button", "button": object{"payload": a.ID, "text": a.Title}}
		}
	}
	return "", nil
}

// ReadChat is the user opening a chat: read receipts go out.
func (c *Cloud) ReadChat(pnid, key string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	l, u, err := c.both(pnid, key)
	if err != nil {
		return err
	}
	c.read(c.pairOf(l, u), c.flags.SkipDelivered)
	u.wake()
	return nil
}
