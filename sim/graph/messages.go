package graph

import (
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"ramal/sim/cloud"
	"ramal/sim/metaerr"
)

type textBody struct {
	Body    string `json:"body"`
	Preview bool   `json:"preview_url"`
}

type interactive struct {
	Type   string     `json:"type"`
	Header *header    `json:"header"`
	Body   *plain     `json:"body"`
	Footer *plain     `json:"footer"`
	Action actionBody `json:"action"`
}

type header struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

type plain struct {
	Text string `json:"text"`
}

type actionBody struct {
	Name       string         `json:"name"`
	Button     string         `json:"button"`
	Buttons    []replyButton  `json:"buttons"`
	Sections   []listSection  `json:"sections"`
	Parameters *actionOptions `json:"parameters"`
}

type replyButton struct {
	Type  string `json:"type"`
	Reply struct {
		ID    string `json:"id"`
		Title string `json:"title"`
	} `json:"reply"`
}

type listSection struct {
	Title string `json:"title"`
	Rows  []struct {
		ID          string `json:"id"`
		Title       string `json:"title"`
		Description string `json:"description"`
	} `json:"rows"`
}

type actionOptions struct {
	Text    string `json:"display_text"`
	URL     string `json:"url"`
	TTL     *int   `json:"ttl_minutes"`
	Payload string `json:"payload"`
}

type templateBody struct {
	Name     string `json:"name"`
	Language struct {
		Code   string `json:"code"`
		Policy string `json:"policy"`
	} `json:"language"`
	Components []struct {
		Type       string      `json:"type"`
		SubType    string      `json:"sub_type"`
		Index      json.Number `json:"index"`
		Parameters []parameter `json:"parameters"`
	} `json:"components"`
}

type parameter struct {
	Type    string `json:"type"`
	Text    string `json:"text"`
	Name    string `json:"parameter_name"`
	Payload string `json:"payload"`
	TTL     int    `json:"ttl_minutes"`
}

// messages is POST /{pnid}/messages.
func (h *Handler) messages(r *request) (any, *metaerr.Error) {
	if e := r.wantProduct(); e != nil {
		return nil, e
	}
	if r.text("status") != "" {
		return h.markRead(r)
	}
	if e := r.only("messaging_product", "recipient_type", "to", "recipient", "type", "context", "biz_opaque_callback_data",
		"text", "interactive", "template", "messaging_account_id"); e != nil {
		return nil, e
	}
	o := cloud.Outgoing{To: r.text("to"), Recipient: r.text("recipient"), Opaque: r.text("biz_opaque_callback_data"), Version: r.version}
	switch to := strings.TrimPrefix(o.To, "+"); {
	case o.To == "" && o.Recipient == "":
		return nil, metaerr.New(131008, "to or recipient is required")
	case o.To != "" && !digits.MatchString(to):
		return nil, metaerr.New(131009, "to must be a phone number")
	case len(o.Opaque) > maxOpaque:
		return nil, metaerr.New(100, "biz_opaque_callback_data is longer than %d characters", maxOpaque)
	}
	var reply struct {
		ID string `json:"message_id"`
	}
	if e := r.into("context", &reply); e != nil {
		return nil, e
	}
	if e := fillMessage(r, &o); e != nil {
		return nil, e
	}
	o.Message.ReplyTo = reply.ID
	return h.send(r, o)
}

func fillMessage(r *request, o *cloud.Outgoing) *metaerr.Error {
	kind := r.text("type")
	switch kind {
	case "", "text":
		var t textBody
		if e := r.into("text", &t); e != nil {
			return e
		}
		if e := within("text.body", t.Body, 1, 4096); e != nil {
			return e
		}
		o.Message.Kind, o.Message.Text = "text", t.Body
		return nil
	case "interactive":
		var i interactive
		if e := r.into("interactive", &i); e != nil {
			return e
		}
		return i.fill(o)
	case "template":
		var t templateBody
		if e := r.into("template", &t); e != nil {
			return e
		}
		return t.fill(o)
	}
	return metaerr.New(131051, "messages of type %q are not simulated", kind)
}

func (h *Handler) send(r *request, o cloud.Outgoing) (any, *metaerr.Error) {
	sent, e := h.cloud.Send(r.token, r.id, o)
	if e != nil {
		return nil, e
	}
	contact := map[string]any{"input": sent.Input}
	for name, value := range map[string]string{"wa_id": sent.WAID, "user_id": sent.UserID, "parent_user_id": sent.ParentID} {
		if value != "" {
			contact[name] = value
		}
	}
	message := map[string]any{"id": sent.ID}
	if sent.Template {
		message["message_status"] = "accepted"
	}
	if h.cloud.Flags().ReplyBeforeResponse {
		r.hold = holdBack
	}
	return map[string]any{"messaging_product": "whatsapp", "contacts": []any{contact}, "messages": []any{message}}, nil
}

func (h *Handler) markRead(r *request) (any, *metaerr.Error) {
	if e := r.only("messaging_product", "status", "message_id", "typing_indicator"); e != nil {
		return nil, e
	}
	if r.text("status") != "read" {
		return nil, metaerr.New(100, "status must be read")
	}
	_, typing := r.body["typing_indicator"]
	return success, h.cloud.MarkRead(r.token, r.id, r.text("message_id"), typing)
}

// within checks the length of a text in characters.
func within(name, s string, low, high int) *metaerr.Error {
	switch n := utf8.RuneCountInString(s); {
	case n < low && n == 0:
		return metaerr.New(131008, "%s is required", name)
	case n < low || n > high:
		return metaerr.New(131009, "%s must have %d to %d characters", name, low, high)
	}
	return nil
}

func first(faults ...*metaerr.Error) *metaerr.Error {
	for _, e := range faults {
		if e != nil {
			return e
		}
	}
	return nil
}

func (i interactive) fill(o *cloud.Outgoing) *metaerr.Error {
	m := &o.Message
	if i.Body != nil {
		m.Text = i.Body.Text
	}
	if i.Header != nil {
		m.Header = i.Header.Text
	}
	if i.Footer != nil {
		m.Footer = i.Footer.Text
	}
	if e := within("footer", m.Footer, 0, 60); e != nil {
		return e
	}
	switch i.Type {
	case "call_permission_request":
		return i.fillPermission(o)
	case "voice_call":
		return i.fillVoiceCall(o)
	case "button":
		return i.fillButtons(o)
	case "list":
		return i.fillList(o)
	case "cta_url":
		return i.fillLink(o)
	}
	return metaerr.New(131009, "interactive.type %q is not known", i.Type)
}

func (i interactive) fillPermission(o *cloud.Outgoing) *metaerr.Error {
	if i.Header != nil || i.Footer != nil {
		return metaerr.New(131009, "call_permission_request has no header or footer")
	}
	if i.Action.Name != "call_permission_request" {
		return metaerr.New(131009, "action.name must be call_permission_request")
	}
	o.Message.Kind, o.AsksPermission = "permission_request", true
	return within("body", o.Message.Text, 0, 1024)
}

func (i interactive) fillVoiceCall(o *cloud.Outgoing) *metaerr.Error {
	if i.Action.Name != "voice_call" {
		return metaerr.New(131009, "action.name must be voice_call")
	}
	p := i.Action.Parameters
	if p == nil {
		p = &actionOptions{}
	}
	ttl := 10080
	if p.TTL != nil {
		ttl = *p.TTL
	}
	if ttl < 1 || ttl > 43200 {
		return metaerr.New(131009, "ttl_minutes must be 1 to 43200")
	}
	m := &o.Message
	if m.Kind, m.Button = "voice_call", p.Text; m.Button == "" {
		m.Button = "Call Now"
	}
	o.CallTTL, o.Payload = time.Duration(ttl)*time.Minute, p.Payload
	return first(within("body", m.Text, 1, 1024), within("display_text", m.Button, 1, 20), within("payload", p.Payload, 0, 512))
}

func (i interactive) fillButtons(o *cloud.Outgoing) *metaerr.Error {
	m := &o.Message
	m.Kind = "buttons"
	if n := len(i.Action.Buttons); n < 1 || n > 3 {
		return metaerr.New(131009, "1 to 3 buttons are allowed")
	}
	for _, b := range i.Action.Buttons {
		if e := first(within("reply.id", b.Reply.ID, 1, 256), within("reply.title", b.Reply.Title, 1, 20)); e != nil {
			return e
		}
		m.Buttons = append(m.Buttons, cloud.Button{ID: b.Reply.ID, Title: b.Reply.Title})
	}
	return within("body", m.Text, 1, 1024)
}

func (i interactive) fillList(o *cloud.Outgoing) *metaerr.Error {
	m := &o.Message
	m.Kind, m.Button = "list", i.Action.Button
	rows := 0
	for _, s := range i.Action.Sections {
		out := cloud.Section{Title: s.Title}
		for _, row := range s.Rows {
			e := first(within("row.id", row.ID, 1, 200), within("row.title", row.Title, 1, 24), within("row.description", row.Description, 0, 72))
			if e != nil {
				return e
			}
			out.Rows = append(out.Rows, cloud.Row{ID: row.ID, Title: row.Title, Description: row.Description})
			rows++
		}
		if e := within("section.title", s.Title, 0, 24); e != nil {
			return e
		}
		m.Sections = append(m.Sections, out)
	}
	if len(m.Sections) > 10 || rows < 1 || rows > 10 {
		return metaerr.New(131009, "a list has 1 to 10 sections and 1 to 10 rows in all")
	}
	return first(within("body", m.Text, 1, 4096), within("action.button", m.Button, 1, 20))
}

func (i interactive) fillLink(o *cloud.Outgoing) *metaerr.Error {
	p := i.Action.Parameters
	if p == nil || i.Action.Name != "cta_url" {
		return metaerr.New(131008, "action.name cta_url with parameters is required")
	}
	if u, err := url.Parse(p.URL); err != nil || u.Host == "" {
		return metaerr.New(131009, "url is not valid")
	}
	m := &o.Message
	m.Kind, m.Button, m.URL = "link", p.Text, p.URL
	return first(within("body", m.Text, 1, 1024), within("display_text", m.Button, 1, 20))
}

func (t templateBody) fill(o *cloud.Outgoing) *metaerr.Error {
	use := &cloud.TemplateUse{Name: t.Name, Language: t.Language.Code}
	if t.Name == "" || t.Language.Code == "" {
		return metaerr.New(131008, "template.name and template.language.code are required")
	}
	for _, c := range t.Components {
		switch strings.ToLower(c.Type) {
		case "header", "body":
			var params []cloud.TemplateParam
			for _, p := range c.Parameters {
				if p.Type != "text" {
					return metaerr.New(132012, "parameters of type %q are not simulated", p.Type)
				}
				params = append(params, cloud.TemplateParam{Name: p.Name, Text: p.Text})
			}
			if strings.EqualFold(c.Type, "body") {
				use.Body = params
			} else {
				use.Header = params
			}
		case "button":
			index, err := strconv.Atoi(c.Index.String())
			if err != nil {
				return metaerr.New(131009, "button index must be a number")
			}
			b := cloud.TemplateButtonUse{SubType: c.SubType, Index: index}
			for _, p := range c.Parameters {
				if p.TTL != 0 {
					b.TTL = p.TTL
				}
				if p.Payload != "" {
					b.Payload = p.Payload
				}
			}
			use.Buttons = append(use.Buttons, b)
		default:
			return metaerr.New(131009, "component type %q is not known", c.Type)
		}
	}
	o.Template = use
	return nil
}
