package host

import (
	"context"
	"log/slog"
	"time"

	"ramal/actors"
	"ramal/actors/agent"
	"ramal/actors/call"
	"ramal/actors/contact"
	"ramal/channels/whatsapp"
	"ramal/internal/fault"
	"ramal/internal/id"
	"ramal/store"
)

func (h *Host) performContact(v *contactActor, eff contact.Effect) {
	s, tenant, version := v.s, v.who.Tenant, v.version
	switch e := eff.(type) {
	case contact.SendPermissionRequest:
		h.lanes.run(v.lane("contact"), func(ctx context.Context) { h.sendRequest(ctx, s, e) })
	case contact.NotifyAgent:
		view := actors.NoticeView{
			ID: e.Key, Kind: e.Kind, ContactID: s.ID, Contact: s.Name, LineID: e.Line, Until: timeOrNil(e.Until), Permanent: e.Permanent,
			Detail: e.Detail, At: e.At,
		}
		h.lanes.run("notify/"+string(tenant)+"/"+string(e.Agent), func(ctx context.Context) {
			h.persist(ctx, tellFor, "notify", func(ctx context.Context) error {
				_, err := askAgent(ctx, h, agentID(tenant, e.Agent), agent.Notify{Notice: agent.Notice{ID: e.Key, Kind: e.Kind, View: mustJSON(view), At: e.At}})
				return onlyTransient(err)
			})
		})
	case contact.RecordSystemMessage:
		h.lanes.run(v.lane("contact"), func(ctx context.Context) { h.record(ctx, s, e) })
	case contact.ReplaceCall:
		h.lanes.run("call/"+string(e.Call)+"/replace", func(ctx context.Context) {
			_, _ = h.askCall(ctx, tenant, e.Call, call.Replace{By: e.By})
		})
	case contact.ContactChanged:
		h.lanes.run(v.lane("hint"), func(ctx context.Context) { h.hint(tenant, actors.HintContact, h.contactView(ctx, s, version)) })
	}
}

// sendRequest sends a permission request that the contact has decided on, and reports how that went. The entry in
// the conversation comes first: what may have left the house is never invisible.
func (h *Host) sendRequest(ctx context.Context, s contact.State, e contact.SendPermissionRequest) {
	row := store.MessageRow{
		Tenant: s.Tenant, Contact: s.ID, ID: e.Message, Line: e.Line, Direction: store.Outbound, Kind: "permission_request",
		Body: mustJSON(map[string]string{"text": e.Text, "via": e.Via}), Status: store.MessagePending, Agent: e.Agent, At: h.now(),
	}
	sent, err := h.sendRecorded(ctx, s, row, func(ctx context.Context, p Provider, to whatsapp.Recipient, o whatsapp.Options) (whatsapp.Sent, error) {
		if e.Via == contact.ViaTemplate {
			t, err := h.requestTemplate(ctx, s.Tenant, e.Line)
			if err != nil {
				return whatsapp.Sent{}, err
			}
			return p.SendCallPermissionTemplate(ctx, to, t.Name, t.Language, t.params(s), o)
		}
		return p.SendCallPermissionRequest(ctx, to, e.Text, o)
	})
	var cmd contact.Command = contact.RequestSent{Line: e.Line, Message: e.Message, ProviderID: sent.MessageID}
	if err != nil {
		cmd = contact.RequestFailed{
			Line: e.Line, Message: e.Message, Code: providerCode(err), Detail: providerWords(err), MaybeSent: fault.Is(err, fault.Unknown),
		}
	}
	h.persist(ctx, tellFor, contact.CommandName(cmd), func(ctx context.Context) error {
		_, err := askContact(ctx, h, contactID(s.Tenant, s.ID), cmd)
		return onlyTransient(err)
	})
}

// providerCode is the provider's number where there is one, else our word.
func providerCode(err error) string {
	if e, ok := whatsapp.AsError(err); ok {
		return itoa(e.Code)
	}
	return fault.CodeOf(err)
}

// ourMessage marks what we send, so that its status is known as ours even before its provider's id is.
const ourMessage = "message="

type sender func(context.Context, Provider, whatsapp.Recipient, whatsapp.Options) (whatsapp.Sent, error)

// sendRecorded stores a message as pending, sends it, and stores what became of it. Each change is hinted.
func (h *Host) sendRecorded(ctx context.Context, s contact.State, row store.MessageRow, send sender) (whatsapp.Sent, error) {
	if err := h.store.PutMessage(ctx, row); err != nil {
		return whatsapp.Sent{}, err
	}
	h.hintMessage(row)
	p, err := h.provider(ctx, s.Tenant, row.Line)
	var sent whatsapp.Sent
	if err == nil {
		sendCtx, cancel := context.WithTimeout(ctx, providerWait)
		sent, err = send(sendCtx, p, recipientOf(s), whatsapp.Options{Opaque: ourMessage + string(row.ID)})
		cancel()
	}
	switch {
	case err == nil:
		row.ProviderID, row.Status = sent.MessageID, store.MessageSent
	case fault.Is(err, fault.Unknown): // stays pending; a status webhook may still tell
	default:
		row.Status, row.StatusDetail = store.MessageFailed, providerWords(err)
	}
	if putErr := h.store.PutMessage(ctx, row); putErr != nil {
		h.log.Warn("outcome of a message not stored", slog.String("message", string(row.ID)), slog.Any("error", putErr))
	}
	h.hintMessage(row)
	return sent, err
}

func recipientOf(s contact.State) whatsapp.Recipient {
	var to whatsapp.Recipient
	for _, i := range s.Identifiers {
		switch {
		case i.Kind == contact.KindPhone && to.Phone == "":
			to.Phone = i.Value
		case i.Kind == contact.KindBSUID && to.BSUID == "":
			to.BSUID = i.Value
		}
	}
	return to
}

// record puts an entry of the system into the conversation.
func (h *Host) record(ctx context.Context, s contact.State, e contact.RecordSystemMessage) {
	body := map[string]any{
		"permission": e.Permission, "source": e.Source, "call_id": e.Call, "direction": e.Direction, "answered": e.Answered, "reason": e.Reason,
	}
	if !e.Until.IsZero() {
		body["until"] = e.Until
	}
	row := store.MessageRow{
		Tenant: s.Tenant, Contact: s.ID, ID: id.Message("sys_" + hashOf(string(s.ID), e.Key)), Line: e.Line, Direction: store.Inbound, Kind: e.Kind,
		Body: mustJSON(body), Status: store.MessageReceived, At: e.At,
	}
	h.persist(ctx, tellFor, "record", func(ctx context.Context) error { return onlyTransient(h.store.PutMessage(ctx, row)) })
	h.hintMessage(row)
}

func (h *Host) hintMessage(row store.MessageRow) {
	h.hint(row.Tenant, actors.HintMessage, h.messageView(row))
}

// persist repeats do with a growing pause until it succeeds, for at most d. Each attempt is bounded.
func (h *Host) persist(ctx context.Context, d time.Duration, what string, do func(context.Context) error) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		attempt, done := context.WithTimeout(ctx, providerWait)
		err := do(attempt)
		done()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			h.log.Error("given up", slog.String("op", what), slog.Any("error", err))
			return
		case <-time.After(pause):
		}
	}
}

func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
