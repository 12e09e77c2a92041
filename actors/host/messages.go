package host

import (
	"context"
	"log/slog"
	"time"
	"unicode/utf8"

	"ramal/actors"
	"ramal/actors/contact"
	"ramal/channels/whatsapp"
	"ramal/internal/fault"
	"ramal/internal/id"
	"ramal/store"
)

func (h *Host) requestPermission(ctx context.Context, who actors.Who, r actors.RequestPermission) (any, error) {
	if _, err := h.lineEntry(ctx, who.Tenant, r.Line); err != nil {
		return nil, err
	}
	_, err := h.requestTemplate(ctx, who.Tenant, r.Line)
	if err != nil && fault.CodeOf(err) != "no_template" {
		return nil, err
	}
	message := id.Message(id.New("msg", h.now()))
	s, err := askContact(ctx, h, contactID(who.Tenant, r.Contact), contact.RequestPermission{
		Line: r.Line, Agent: who.Agent, Message: message, Text: r.Text, HasTemplate: err == nil,
	})
	if err != nil {
		return nil, err
	}
	via := contact.ViaTemplate
	if s.Lines[r.Line].WindowUntil.After(h.now()) {
		via = contact.ViaInteractive
	}
	return actors.Requested{MessageID: message, Via: via}, nil
}

func (h *Host) sendText(ctx context.Context, who actors.Who, r actors.SendText) (any, error) {
	if n := utf8.RuneCountInString(r.Text); n == 0 || n > 4096 {
		return nil, fault.New(fault.Invalid, "message.send", "invalid_field", "text: 1 to 4096 characters")
	}
	return h.sendInWindow(ctx, who, r.Contact, r.Line, "text", map[string]string{"text": r.Text},
		func(ctx context.Context, p Provider, to whatsapp.Recipient, o whatsapp.Options) (whatsapp.Sent, error) {
			return p.SendText(ctx, to, r.Text, o)
		})
}

func (h *Host) sendCallButton(ctx context.Context, who actors.Who, r actors.SendCallButton) (any, error) {
	if utf8.RuneCountInString(r.Text) > 1024 {
		return nil, fault.New(fault.Invalid, "message.call_button", "invalid_field", "text: at most 1024 characters")
	}
	b := whatsapp.CallButton{Body: r.Text, Text: "Ligar agora", TTL: 7 * 24 * 60, Payload: "agent=" + string(who.Agent)}
	if b.Body == "" {
		b.Body = "Toque no botão para ligar para a gente."
	}
	return h.sendInWindow(ctx, who, r.Contact, r.Line, "call_button", map[string]string{"text": b.Body, "button": b.Text},
		func(ctx context.Context, p Provider, to whatsapp.Recipient, o whatsapp.Options) (whatsapp.Sent, error) {
			return p.SendCallButton(ctx, to, b, o)
		})
}

// sendInWindow sends a free-form message, which Meta takes inside the customer service window only.
func (h *Host) sendInWindow(ctx context.Context, who actors.Who, to id.Contact, l id.Line, kind string, body any, send sender) (any, error) {
	s, err := peekAt[contact.State](ctx, h, kindContact, contactID(who.Tenant, to))
	if err != nil {
		return nil, err
	}
	if _, err := h.lineEntry(ctx, who.Tenant, l); err != nil {
		return nil, err
	}
	if !s.Lines[l].WindowUntil.After(h.now()) {
		return nil, fault.New(fault.Conflict, "message.send", "window_closed", "the customer service window is closed: only a template can be sent")
	}
	now := h.now()
	row := store.MessageRow{
		Tenant: who.Tenant, Contact: to, ID: id.Message(id.New("msg", now)), Line: l, Direction: store.Outbound, Kind: kind,
		Body: mustJSON(body), Status: store.MessagePending, Agent: who.Agent, At: now,
	}
	if _, err := h.sendRecorded(ctx, s, row, send); err != nil {
		return nil, err
	}
	if _, err := askContact(ctx, h, contactID(who.Tenant, to), contact.MessageSent{Line: l, Agent: who.Agent, At: now}); err != nil {
		h.log.Warn("involvement not noted", slog.String("contact", string(to)), slog.Any("error", err))
	}
	return actors.Requested{MessageID: row.ID, Via: contact.ViaInteractive}, nil
}

// syncPermission asks Meta for its own limits when what we know is old. Without an answer the contact decides by what
// it knows: Meta refuses by itself what it does not want.
func (h *Host) syncPermission(ctx context.Context, tenant id.Tenant, who id.Contact, l id.Line) {
	s, err := peekAt[contact.State](ctx, h, kindContact, contactID(tenant, who))
	if err != nil {
		return
	}
	if m := s.Lines[l].Meta; m != nil && h.now().Sub(m.FetchedAt) < h.cfg.PermissionAge {
		return
	}
	p, err := h.provider(ctx, tenant, l)
	if err != nil {
		return
	}
	asked := h.now()
	ctx, cancel := context.WithTimeout(ctx, 1500*time.Millisecond)
	defer cancel()
	got, err := p.CallPermissions(ctx, recipientOf(s))
	if err != nil {
		h.log.Info("Meta's limits not read", slog.String("contact", string(who)), slog.Any("error", err))
		return
	}
	cmd := contact.PermissionSynced{
		Line: l, Status: string(got.Status), Until: got.ExpiresAt, At: asked,
		Limits: &contact.MetaLimits{
			StartCall: metaLimits(got.Call), Request: metaLimits(got.Request), CanCall: got.Call.Can, CanRequest: got.Request.Can, FetchedAt: asked,
		},
	}
	if _, err := askContact(ctx, h, contactID(tenant, who), cmd); err != nil {
		h.log.Info("Meta's limits not noted", slog.String("contact", string(who)), slog.Any("error", err))
	}
}

func metaLimits(a whatsapp.ActionAllowance) []contact.MetaLimit {
	var out []contact.MetaLimit
	for _, l := range a.Limits {
		period := "PT24H"
		if l.Period == 7*24*time.Hour {
			period = "P7D"
		}
		out = append(out, contact.MetaLimit{Period: period, Max: l.Max, Used: l.Used, ResetAt: l.Until})
	}
	return out
}
