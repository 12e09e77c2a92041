package whatsapp

import (
	"context"
	"net/http"
	"strconv"
	"unicode/utf8"

	"ramal/internal/fault"
)

// Sent is what Meta answered to a message: accepted, not delivered.
type Sent struct {
	MessageID string
	WaID      string // as WhatsApp writes the number; may be absent
	UserID    string // may be absent
	Status    string // templates only: "accepted", "held_for_quality_assessment", "paused"
}

// Options are what any message may have.
type Options struct {
	ReplyTo string // message id that is quoted
	Opaque  string // comes back in MessageStatus; at most MaxOpaque characters
}

// SendText sends a text of 1 to 4096 characters. Allowed only inside the 24-hour window.
func (c *Client) SendText(ctx context.Context, to Recipient, text string, o Options) (Sent, error) {
	const op = "whatsapp.send_text"
	if err := length(op, "text", text, 1, 4096); err != nil {
		return Sent{}, err
	}
	return c.message(ctx, op, to, "text", map[string]any{"body": text, "preview_url": false}, o)
}

// SendCallPermissionRequest asks for permission to call, inside the 24-hour window. body may be empty (at most 1024).
func (c *Client) SendCallPermissionRequest(ctx context.Context, to Recipient, body string, o Options) (Sent, error) {
	const op = "whatsapp.send_permission_request"
	if err := length(op, "body", body, 0, 1024); err != nil {
		return Sent{}, err
	}
	inter := map[string]any{"type": "call_permission_request", "action": map[string]any{"name": "call_permission_request"}}
	if body != "" {
		inter["body"] = map[string]any{"text": body}
	}
	return c.message(ctx, op, to, "interactive", inter, o)
}

// SendCallPermissionTemplate asks for permission to call by an approved template with a call_permission_request
// component, outside the window too. params fill the body's places in order.
func (c *Client) SendCallPermissionTemplate(ctx context.Context, to Recipient, name, language string, params []string, o Options) (Sent, error) {
	return c.SendTemplate(ctx, to, Template{Name: name, Language: language, Body: Positional(params...)}, o)
}

// CallButton invites the user to call. Zero values leave Meta's defaults ("Call Now", 10080 minutes).
type CallButton struct {
	Body    string // 1 to 1024 characters
	Text    string // on the button; at most 20 characters
	TTL     int    // minutes, 1 to 43200
	Payload string // comes back as CallConnect.CTAPayload; at most 512 characters
}

// SendCallButton sends a call button, inside the 24-hour window.
func (c *Client) SendCallButton(ctx context.Context, to Recipient, b CallButton, o Options) (Sent, error) {
	const op = "whatsapp.send_call_button"
	err := firstError(length(op, "body", b.Body, 1, 1024), length(op, "button text", b.Text, 0, 20), length(op, "payload", b.Payload, 0, MaxOpaque))
	if err == nil && (b.TTL < 0 || b.TTL > 43_200) {
		err = fault.Newf(fault.Invalid, op, WordParameterValue, "the button cannot live %d minutes: 1 to 43200", b.TTL)
	}
	if err != nil {
		return Sent{}, err
	}
	params := map[string]any{}
	if b.Text != "" {
		params["display_text"] = b.Text
	}
	if b.TTL != 0 {
		params["ttl_minutes"] = b.TTL
	}
	if b.Payload != "" {
		params["payload"] = b.Payload
	}
	action := map[string]any{"name": "voice_call"}
	if len(params) > 0 {
		action["parameters"] = params
	}
	return c.message(ctx, op, to, "interactive", map[string]any{"type": "voice_call", "body": map[string]any{"text": b.Body}, "action": action}, o)
}

// ReplyButton is one of up to three buttons under a message.
type ReplyButton struct {
	ID    string // comes back as InboundMessage.ReplyID; 1 to 256 characters
	Title string // 1 to 20 characters
}

// SendReplyButtons sends body (1 to 1024 characters) with 1 to 3 buttons, inside the 24-hour window.
func (c *Client) SendReplyButtons(ctx context.Context, to Recipient, body string, buttons []ReplyButton, o Options) (Sent, error) {
	const op = "whatsapp.send_reply_buttons"
	err := length(op, "body", body, 1, 1024)
	if err == nil && (len(buttons) < 1 || len(buttons) > 3) {
		err = fault.Newf(fault.Invalid, op, WordParameterValue, "%d buttons: 1 to 3 are allowed", len(buttons))
	}
	list := make([]map[string]any, 0, len(buttons))
	for _, b := range buttons {
		err = firstError(err, length(op, "button id", b.ID, 1, 256), length(op, "button title", b.Title, 1, 20))
		list = append(list, map[string]any{"type": "reply", "reply": map[string]string{"id": b.ID, "title": b.Title}})
	}
	if err != nil {
		return Sent{}, err
	}
	return c.message(ctx, op, to, "interactive", map[string]any{"type": "button", "body": map[string]any{"text": body},
		"action": map[string]any{"buttons": list}}, o)
}

// Param fills one place of a template's body. Name is empty for numbered places.
type Param struct {
	Name string
	Text string
}

// Positional returns params for numbered places.
func Positional(texts ...string) []Param {
	out := make([]Param, len(texts))
	for i, t := range texts {
		out[i].Text = t
	}
	return out
}

// Template names an approved template and fills it.
type Template struct {
	Name     string
	Language string // "pt_BR"
	Body     []Param
	// CallButton fills a voice_call button of the template; nil when it has none.
	CallButton *TemplateCallButton
}

// TemplateCallButton fills the voice_call button at Index of a template.
type TemplateCallButton struct {
	Index   int
	TTL     int // minutes, 1440 to 43200; 0 keeps the template's
	Payload string
}

// SendTemplate sends a template, inside or outside the window.
func (c *Client) SendTemplate(ctx context.Context, to Recipient, t Template, o Options) (Sent, error) {
	const op = "whatsapp.send_template"
	if err := firstError(length(op, "template name", t.Name, 1, 512), length(op, "template language", t.Language, 1, 16)); err != nil {
		return Sent{}, err
	}
	var components []map[string]any
	if len(t.Body) > 0 {
		params := make([]map[string]any, 0, len(t.Body))
		for _, p := range t.Body {
			m := map[string]any{"type": "text", "text": p.Text}
			if p.Name != "" {
				m["parameter_name"] = p.Name
			}
			params = append(params, m)
		}
		components = append(components, map[string]any{"type": "body", "parameters": params})
	}
	if b := t.CallButton; b != nil {
		var params []map[string]any
		if b.TTL != 0 {
			params = append(params, map[string]any{"type": "ttl_minutes", "ttl_minutes": b.TTL})
		}
		if b.Payload != "" {
			params = append(params, map[string]any{"type": "payload", "payload": b.Payload})
		}
		if len(params) > 0 {
			components = append(components, map[string]any{"type": "button", "sub_type": "voice_call", "index": strconv.Itoa(b.Index), "parameters": params})
		}
	}
	body := map[string]any{"name": t.Name, "language": map[string]string{"code": t.Language}}
	if components != nil {
		body["components"] = components
	}
	return c.message(ctx, op, to, "template", body, o)
}

// MarkRead tells the user that a message was read, and shows "typing" for up to 25 seconds if typing is set.
func (c *Client) MarkRead(ctx context.Context, messageID string, typing bool) error {
	const op = "whatsapp.mark_read"
	if messageID == "" {
		return fault.New(fault.Invalid, op, WordParameterMissing, "the message id is missing")
	}
	body := map[string]any{"messaging_product": "whatsapp", "status": "read", "message_id": messageID}
	if typing {
		body["typing_indicator"] = map[string]string{"type": "text"}
	}
	return c.post(ctx, request{op: op, method: http.MethodPost, path: c.cfg.PhoneNumberID + "/messages", body: body, repeat: true})
}

// message sends one message of the given type; content stands under the type's name.
func (c *Client) message(ctx context.Context, op string, to Recipient, kind string, content map[string]any, o Options) (Sent, error) {
	body := map[string]any{"messaging_product": "whatsapp", "recipient_type": "individual", "type": kind, kind: content}
	if err := to.fill(op, body); err != nil {
		return Sent{}, err
	}
	if o.ReplyTo != "" {
		body["context"] = map[string]string{"message_id": o.ReplyTo}
	}
	if err := putOpaque(op, body, o.Opaque); err != nil {
		return Sent{}, err
	}
	var out struct {
		Contacts []struct {
			WaID   flexString `json:"wa_id"`
			UserID flexString `json:"user_id"`
		} `json:"contacts"`
		Messages []struct {
			ID     flexString `json:"id"`
			Status flexString `json:"message_status"`
		} `json:"messages"`
	}
	if _, err := c.send(ctx, request{op: op, method: http.MethodPost, path: c.cfg.PhoneNumberID + "/messages", body: body}, &out); err != nil {
		return Sent{}, err
	}
	if len(out.Messages) == 0 || out.Messages[0].ID == "" {
		return Sent{}, unknown(op, "the answer holds no message id", nil)
	}
	s := Sent{MessageID: string(out.Messages[0].ID), Status: string(out.Messages[0].Status)}
	if len(out.Contacts) > 0 {
		s.WaID, s.UserID = string(out.Contacts[0].WaID), string(out.Contacts[0].UserID)
	}
	return s, nil
}

// length checks a text against Meta's limits before Meta does, in characters.
func length(op, what, s string, least, most int) error {
	if n := utf8.RuneCountInString(s); n < least || n > most {
		return fault.Newf(fault.Invalid, op, WordParameterValue, "the %s has %d characters: %d to %d are allowed", what, n, least, most)
	}
	return nil
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
