package whatsapp

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"ramal/internal/fault"
)

// TemplateDefinition is a new template. It is sent for approval.
type TemplateDefinition struct {
	Name              string
	Language          string   // "pt_BR"
	Category          string   // "UTILITY" or "MARKETING"; authentication templates cannot ask for calls
	Body              string   // with places {{1}}, {{2}}, …
	Examples          []string // one for each place of Body
	Header            string   // text; optional
	Footer            string   // optional
	PermissionRequest bool     // ask for permission to call; excludes a button
	CallButtonText    string   // voice_call button; empty for none
	CallButtonTTL     int      // minutes, 1440 to 43200; 0 is Meta's default
}

// CreatedTemplate is what Meta answered: usually Status "PENDING".
type CreatedTemplate struct {
	ID       string
	Status   string
	Category string // Meta may choose another
}

// CreateTemplate submits a template to the account.
func (c *Client) CreateTemplate(ctx context.Context, d TemplateDefinition) (CreatedTemplate, error) {
	const op = "whatsapp.create_template"
	if err := c.needWABA(op); err != nil {
		return CreatedTemplate{}, err
	}
	body, err := d.body(op)
	if err != nil {
		return CreatedTemplate{}, err
	}
	var out struct {
		ID       flexString `json:"id"`
		Status   flexString `json:"status"`
		Category flexString `json:"category"`
	}
	if _, err := c.send(ctx, request{op: op, method: http.MethodPost, path: c.cfg.WABA + "/message_templates", body: body}, &out); err != nil {
		return CreatedTemplate{}, err
	}
	if out.ID == "" {
		return CreatedTemplate{}, unknown(op, "the answer holds no template id", nil)
	}
	return CreatedTemplate{string(out.ID), string(out.Status), string(out.Category)}, nil
}

func (d TemplateDefinition) body(op string) (map[string]any, error) {
	err := firstError(length(op, "template name", d.Name, 1, 512), length(op, "template language", d.Language, 1, 16),
		length(op, "body", d.Body, 1, 1024), length(op, "header", d.Header, 0, 60), length(op, "footer", d.Footer, 0, 60), length(op, "button text", d.CallButtonText, 0, 20))
	category := strings.ToUpper(d.Category)
	switch {
	case err != nil:
	case category != "UTILITY" && category != "MARKETING":
		err = fault.Newf(fault.Invalid, op, WordParameterValue, "the category %q is neither UTILITY nor MARKETING", d.Category)
	case d.PermissionRequest && d.CallButtonText != "":
		err = fault.New(fault.Invalid, op, WordParameterValue, "a permission request cannot stand beside a button")
	case d.CallButtonTTL != 0 && (d.CallButtonTTL < 1440 || d.CallButtonTTL > 43_200):
		err = fault.Newf(fault.Invalid, op, WordParameterValue, "a template's button cannot live %d minutes: 1440 to 43200", d.CallButtonTTL)
	}
	if err != nil {
		return nil, err
	}
	var components []map[string]any
	if d.Header != "" {
		components = append(components, map[string]any{"type": "HEADER", "format": "TEXT", "text": d.Header})
	}
	text := map[string]any{"type": "BODY", "text": d.Body}
	if len(d.Examples) > 0 {
		text["example"] = map[string]any{"body_text": [][]string{d.Examples}}
	}
	components = append(components, text)
	if d.Footer != "" {
		components = append(components, map[string]any{"type": "FOOTER", "text": d.Footer})
	}
	if d.PermissionRequest {
		components = append(components, map[string]any{"type": "call_permission_request"})
	}
	if d.CallButtonText != "" {
		button := map[string]any{"type": "voice_call", "text": d.CallButtonText}
		if d.CallButtonTTL != 0 {
			button["ttl_minutes"] = d.CallButtonTTL
		}
		components = append(components, map[string]any{"type": "BUTTONS", "buttons": []map[string]any{button}})
	}
	return map[string]any{"name": d.Name, "language": d.Language, "category": category, "components": components}, nil
}

// WebhookFields are the fields an app must be subscribed to. Permission replies come under "messages".
var WebhookFields = []string{"calls", "messages", "account_update", "account_settings_update"}

// AppSubscription points an app's webhooks at a callback URL.
type AppSubscription struct {
	AppID       string
	AppToken    string // the app's own token, not the line's
	CallbackURL string
	VerifyToken string   // Meta repeats it in the verification request
	Fields      []string // default WebhookFields
}

// SubscribeApp sets the app's callback. Meta calls it with a verification request before it answers.
func (c *Client) SubscribeApp(ctx context.Context, s AppSubscription) error {
	const op = "whatsapp.subscribe_app"
	if !plainID(s.AppID) || s.AppToken == "" || s.CallbackURL == "" || s.VerifyToken == "" {
		return fault.New(fault.Invalid, op, WordParameterMissing, "app id, app token, callback URL and verify token are needed")
	}
	if s.Fields == nil {
		s.Fields = WebhookFields
	}
	return c.post(ctx, request{op: op, method: http.MethodPost, path: s.AppID + "/subscriptions", token: s.AppToken, repeat: true, form: url.Values{
		"object": {"whatsapp_business_account"}, "callback_url": {s.CallbackURL}, "verify_token": {s.VerifyToken}, "fields": {strings.Join(s.Fields, ",")},
	}})
}

// SubscribeWABA makes the account's events go to the token's app; callback and verifyToken override the app's
// callback for this account and may both be empty.
func (c *Client) SubscribeWABA(ctx context.Context, callback, verifyToken string) error {
	const op = "whatsapp.subscribe_waba"
	if err := c.needWABA(op); err != nil {
		return err
	}
	r := request{op: op, method: http.MethodPost, path: c.cfg.WABA + "/subscribed_apps", repeat: true}
	if callback != "" {
		r.body = map[string]any{"override_callback_uri": callback, "verify_token": verifyToken}
	}
	return c.post(ctx, r)
}

func (c *Client) needWABA(op string) error {
	if c.cfg.WABA == "" {
		return fault.New(fault.Invalid, op, WordParameterMissing, "the line has no WhatsApp business account id")
	}
	return nil
}
