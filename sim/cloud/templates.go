package cloud

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"ramal/sim/metaerr"
)

// Template is a message template of an account.
type Template struct {
	ID         string              `json:"id"`
	Name       string              `json:"name"`
	Language   string              `json:"language"`
	Category   string              `json:"category"`
	Status     string              `json:"status"` // PENDING, APPROVED, PAUSED
	Components []TemplateComponent `json:"components"`
}

// TemplateComponent is one part of a template. Type is compared without case.
type TemplateComponent struct {
	Type    string           `json:"type"`
	Format  string           `json:"format,omitempty"`
	Text    string           `json:"text,omitempty"`
	Buttons []TemplateButton `json:"buttons,omitempty"`
	Example any              `json:"example,omitempty"`
}

// TemplateButton is a button of a BUTTONS component.
type TemplateButton struct {
	Type       string `json:"type"`
	Text       string `json:"text"`
	URL        string `json:"url,omitempty"`
	TTLMinutes int    `json:"ttl_minutes,omitempty"`
	Phone      string `json:"phone_number,omitempty"`
	Example    any    `json:"example,omitempty"`
}

type template struct{ Template }

// TemplateUse is how a message uses a template.
type TemplateUse struct {
	Name, Language string
	Header, Body   []TemplateParam
	Buttons        []TemplateButtonUse
}

// TemplateParam is a text parameter, positional unless it has a name.
type TemplateParam struct{ Name, Text string }

// TemplateButtonUse gives a button its values.
type TemplateButtonUse struct {
	SubType string
	Index   int
	TTL     int // minutes, 0 = that of the template
	Payload string
}

const (
	defaultTTL = 10080 // minutes
	maxTTL     = 43200
)

func (t *template) part(kind string) *TemplateComponent {
	for i := range t.Components {
		if strings.EqualFold(t.Components[i].Type, kind) {
			return &t.Components[i]
		}
	}
	return nil
}

// CreateTemplate is POST /{waba}/message_templates.
func (c *Cloud) CreateTemplate(t Token, waba string, in Template) (Template, *metaerr.Error) {
	if !t.waba[waba] {
		return Template{}, metaerr.NoObject(waba, "post")
	}
	next := &template{in}
	if e := next.check(); e != nil {
		return Template{}, e
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	acc := c.accounts[waba]
	for _, old := range acc.templates {
		if old.Name == in.Name && old.Language == in.Language {
			return Template{}, metaerr.New(100, "a template with this name and language exists already")
		}
	}
	next.ID, next.Status = strconv.FormatInt(500000000000000+c.rng.Int64N(499999999999999), 10), "PENDING"
	acc.templates = append(acc.templates, next)
	created := next.Template
	if c.timings.TemplateReview == 0 {
		c.approve(waba, next)
	} else {
		c.after(ms(c.timings.TemplateReview), func() { c.approve(waba, next) })
	}
	return created, nil
}

func (c *Cloud) approve(waba string, t *template) {
	t.Status = "APPROVED"
	for _, l := range c.lines {
		if l.WABA == waba { // once per account: any line of it stands for it
			c.emitAccount(l, "message_template_status_update", object{
				"event": "APPROVED", "message_template_id": t.ID, "message_template_name": t.Name,
				"message_template_language": t.Language, "reason": "NONE",
			})
			return
		}
	}
}

var templateName = regexp.MustCompile(`^[a-z0-9_]{1,512}$`)

func (t *template) check() *metaerr.Error {
	body := t.part("BODY")
	ask := t.part("call_permission_request")
	buttons := t.part("BUTTONS")
	switch {
	case !templateName.MatchString(t.Name):
		return metaerr.New(100, "name must be lower-case letters, digits and underscores")
	case t.Language == "":
		return metaerr.New(131008, "language is required")
	case !slices.Contains([]string{"UTILITY", "MARKETING", "AUTHENTICATION"}, t.Category):
		return metaerr.New(100, "category must be UTILITY, MARKETING or AUTHENTICATION")
	case body == nil || body.Text == "":
		return metaerr.New(100, "a BODY component with text is required")
	case ask != nil && t.Category == "AUTHENTICATION":
		return metaerr.New(100, "call_permission_request needs category UTILITY or MARKETING")
	case ask != nil && buttons != nil:
		return metaerr.New(100, "call_permission_request cannot be combined with buttons")
	}
	for _, part := range t.Components {
		switch strings.ToUpper(part.Type) {
		case "HEADER", "BODY", "FOOTER", "BUTTONS", "CALL_PERMISSION_REQUEST":
		default:
			return metaerr.New(100, "unknown component type %q", part.Type)
		}
		for _, b := range part.Buttons {
			if strings.EqualFold(b.Type, "voice_call") && b.TTLMinutes != 0 && (b.TTLMinutes < 1440 || b.TTLMinutes > maxTTL) {
				return metaerr.New(100, "ttl_minutes of a template button must be 1440 to %d", maxTTL)
			}
		}
	}
	return nil
}

// Templates is GET /{waba}/message_templates.
func (c *Cloud) Templates(t Token, waba, name string) ([]Template, *metaerr.Error) {
	if !t.waba[waba] {
		return nil, metaerr.NoObject(waba, "get")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	out := []Template{}
	for _, x := range c.accounts[waba].templates {
		if name == "" || x.Name == name {
			out = append(out, x.Template)
		}
	}
	return out, nil
}

// SetTemplateStatus pauses or approves a template, for tests.
func (c *Cloud) SetTemplateStatus(waba, name, status string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	acc := c.accounts[waba]
	if acc == nil {
		return &Error{Status: 404, Code: "no_account", Detail: "there is no such account"}
	}
	for _, t := range acc.templates {
		if t.Name == name {
			t.Status = status
			return nil
		}
	}
	return &Error{Status: 404, Code: "no_template", Detail: "there is no such template"}
}

var placeholder = regexp.MustCompile(`\{\{([a-z0-9_]+)\}\}`)

// fill puts parameters into a template text.
func fill(text string, params []TemplateParam) (string, *metaerr.Error) {
	wanted := map[string]bool{}
	for _, m := range placeholder.FindAllStringSubmatch(text, -1) {
		wanted[m[1]] = true
	}
	if len(wanted) != len(params) {
		return "", metaerr.New(132000, "expected %d parameters, got %d", len(wanted), len(params))
	}
	values := map[string]string{}
	for i, p := range params {
		name := p.Name
		if name == "" {
			name = strconv.Itoa(i + 1)
		}
		if !wanted[name] {
			return "", metaerr.New(132012, "the template has no parameter %q", name)
		}
		values[name] = p.Text
	}
	return placeholder.ReplaceAllStringFunc(text, func(m string) string { return values[m[2:len(m)-2]] }), nil
}

// fillTemplate turns a template and its parameters into the message; call with mu held.
func (c *Cloud) fillTemplate(l *line, o *Outgoing, m *Message) *metaerr.Error {
	use := o.Template
	var t *template
	for _, x := range c.accounts[l.WABA].templates {
		if x.Name == use.Name && x.Language == use.Language && x.Status != "PENDING" {
			t = x
		}
	}
	if t == nil {
		return metaerr.New(132001, "template %s does not exist in %s", use.Name, use.Language)
	}
	if t.Status == "PAUSED" {
		return metaerr.New(132015, "template %s is paused", use.Name)
	}
	m.Kind, m.Name, m.category = "template", t.Name, strings.ToLower(t.Category)
	var e *metaerr.Error
	if m.Text, e = fill(t.part("BODY").Text, use.Body); e != nil {
		return e
	}
	if h := t.part("HEADER"); h != nil {
		if m.Header, e = fill(h.Text, use.Header); e != nil {
			return e
		}
	}
	if f := t.part("FOOTER"); f != nil {
		m.Footer = f.Text
	}
	o.AsksPermission = t.part("call_permission_request") != nil
	if b := t.part("BUTTONS"); b != nil {
		return t.buttons(b.Buttons, o, m, c.now())
	}
	return nil
}

func (t *template) buttons(list []TemplateButton, o *Outgoing, m *Message, now time.Time) *metaerr.Error {
	for i, b := range list {
		use := TemplateButtonUse{}
		for _, u := range o.Template.Buttons {
			if u.Index == i {
				use = u
			}
		}
		switch strings.ToLower(b.Type) {
		case "quick_reply":
			id := use.Payload
			if id == "" {
				id = b.Text
			}
			m.Actions = append(m.Actions, TemplateAction{Type: "reply", ID: id, Title: b.Text})
		case "url":
			m.Actions = append(m.Actions, TemplateAction{Type: "link", Title: b.Text, URL: b.URL})
		case "voice_call":
			ttl := b.TTLMinutes
			if use.TTL != 0 {
				ttl = use.TTL
			}
			if ttl == 0 {
				ttl = defaultTTL
			}
			if ttl < 1440 || ttl > maxTTL {
				return metaerr.New(131009, "ttl_minutes must be 1440 to %d", maxTTL)
			}
			o.CallTTL, o.Payload = time.Duration(ttl)*time.Minute, use.Payload
			m.Actions = append(m.Actions, TemplateAction{Type: "call", Title: b.Text, Expires: timeOrNil(now.Add(o.CallTTL))})
		default:
			return metaerr.New(132012, "%s", fmt.Sprintf("button type %s is not simulated", b.Type))
		}
	}
	return nil
}
