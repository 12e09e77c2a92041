package host

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"ramal/actors/call"
	"ramal/actors/contact"
	"ramal/actors/line"
	"ramal/channels/whatsapp"
	"ramal/cluster/wire"
	"ramal/internal/fault"
	"ramal/internal/id"
	"ramal/store"
)

// errNotOurs marks an event that is none of our business: of another app's call, or of a kind we do not know.
var errNotOurs = errors.New("not ours")

func eventName(ev whatsapp.Event) string {
	if ev == nil {
		return "unreadable"
	}
	name := strings.TrimPrefix(fmt.Sprintf("%T", ev), "whatsapp.")
	return strings.ToLower(name)
}

// handle does what one event of a webhook asks for. Handling it again is harmless.
func (h *Host) handle(ctx context.Context, row store.InboxRow, ev whatsapp.Event) error {
	switch e := ev.(type) {
	case whatsapp.CallConnect:
		if e.Direction == whatsapp.BusinessInitiated {
			return h.dialConnected(ctx, row, e)
		}
		return h.callArrives(ctx, row, e)
	case whatsapp.CallStatus:
		return h.callStatus(ctx, row, e)
	case whatsapp.CallTerminate:
		return h.callTerminates(ctx, row, e)
	case whatsapp.PermissionReply:
		return h.permissionReplied(ctx, row, e)
	case whatsapp.InboundMessage:
		return h.messageArrives(ctx, row, e)
	case whatsapp.MessageStatus:
		return h.messageStatus(ctx, row, e)
	case whatsapp.AccountSettingsUpdate:
		return h.settingsReported(ctx, row, e)
	case whatsapp.IdentityChanged:
		return h.identityChanged(ctx, row, e)
	case whatsapp.AccountUpdate, whatsapp.LineError, whatsapp.Unknown:
		h.log.Info("webhook noted", "event", eventName(ev), "line", string(row.Line), "dedupe", ev.DedupeKey())
		return errNotOurs
	}
	return errNotOurs
}

// dialConnected brings the answer to a dial to its call. Where that is over already, the phone rings for nobody: it is ended.
func (h *Host) dialConnected(ctx context.Context, row store.InboxRow, e whatsapp.CallConnect) error {
	err := h.toCall(ctx, row, e.CallID, e.Opaque, call.ProviderConnected{ProviderID: e.CallID, SDP: e.SDP})
	if o, ours := whatsapp.ParseOpaque(e.Opaque); errors.Is(err, errNotOurs) && ours && o.Tenant == row.Tenant {
		h.hangUpAt(row.Tenant, row.Line, o.Call, call.HangUp{ProviderID: e.CallID, How: "terminate"})
	}
	return err
}

// toCall brings an event to its call: by the id we gave the provider, or by the provider's own.
func (h *Host) toCall(ctx context.Context, row store.InboxRow, providerID, opaque string, cmd call.Command) error {
	c, err := h.callOfProvider(ctx, row, providerID, opaque)
	if err != nil {
		return err
	}
	_, err = h.askCall(ctx, row.Tenant, c, cmd)
	if fault.CodeOf(err) == "call_ended" || fault.CodeOf(err) == "call_unknown" {
		return errNotOurs
	}
	return err
}

func (h *Host) callOfProvider(ctx context.Context, row store.InboxRow, providerID, opaque string) (id.Call, error) {
	if o, ok := whatsapp.ParseOpaque(opaque); ok && o.Tenant == row.Tenant {
		return o.Call, nil
	}
	found, err := h.store.FindCallByProviderID(ctx, row.Tenant, row.Line, providerID)
	if fault.Is(err, fault.NotFound) {
		return "", errNotOurs
	}
	return found.ID, err
}

func (h *Host) callStatus(ctx context.Context, row store.InboxRow, e whatsapp.CallStatus) error {
	var cmd call.Command
	switch e.Status {
	case whatsapp.CallRinging:
		cmd = call.ProviderRang{At: e.Meta.At}
	case whatsapp.CallAccepted:
		cmd = call.ProviderAnswered{At: e.Meta.At}
	case whatsapp.CallRejected:
		cmd = call.ProviderRejected{}
	default:
		return errNotOurs
	}
	return h.toCall(ctx, row, e.CallID, e.Opaque, cmd)
}

// callTerminates ends a call, or leaves a tombstone for one whose connect has been overtaken.
func (h *Host) callTerminates(ctx context.Context, row store.InboxRow, e whatsapp.CallTerminate) error {
	err := h.toCall(ctx, row, e.CallID, e.Opaque, call.ProviderEnded{At: e.Meta.At, Failed: e.Status == "FAILED", Detail: errorWords(e.Errors)})
	if errors.Is(err, errNotOurs) && e.Direction != whatsapp.BusinessInitiated {
		if putErr := h.store.PutTombstone(ctx, row.Tenant, row.Line, e.CallID, h.now()); putErr != nil {
			return putErr
		}
	}
	return err
}

func errorWords(errs []whatsapp.Error) string {
	if len(errs) == 0 {
		return ""
	}
	return errs[0].Word() + ": " + errs[0].Sentence()
}

// ringFor is how old a ring may be: the caller has given up by then.
const ringFor = 60 * time.Second

// callArrives begins an inbound call.
func (h *Host) callArrives(ctx context.Context, row store.InboxRow, e whatsapp.CallConnect) error {
	if h.now().Sub(e.Meta.At) > ringFor && !e.Meta.At.IsZero() {
		return errNotOurs
	}
	dead, err := h.store.HasTombstone(ctx, row.Tenant, row.Line, e.CallID)
	if err != nil || dead {
		return errors.Join(err, ifThen(dead, errNotOurs))
	}
	entry, err := h.lineEntry(ctx, row.Tenant, row.Line)
	if err != nil {
		return err
	}
	who, err := h.resolve(ctx, row.Tenant, e.Party)
	if err != nil {
		return err
	}
	now := h.now()
	c := id.Call("call_" + hashOf(string(row.Tenant), string(row.Line), e.CallID)[:26]) // the same event makes the same call
	var refuse call.EndReason
	if _, err := askLine(ctx, h, lineID(row.Tenant, row.Line), line.AdmitCall{Call: c, Direction: line.Inbound}); err != nil {
		switch code := fault.CodeOf(err); {
		case fault.Is(err, fault.Exhausted):
			refuse = call.LimitReached
		case code == "out_of_hours", code == "calling_disabled", code == "calling_restricted":
			refuse = call.OutOfHours
		default:
			return err // nobody has decided
		}
	}
	s, err := askContact(ctx, h, contactID(row.Tenant, who), contact.CallArrived{Call: c, Line: row.Line, At: e.Meta.At})
	switch {
	case fault.CodeOf(err) == "contact_busy" && h.staleCall(ctx, row.Tenant, who):
		return fault.New(fault.Unavailable, "host.call_arrives", "contact_settling", "the contact has not heard yet that its last call is over")
	case fault.CodeOf(err) == "contact_busy":
		refuse = call.Replaced
		s, err = askContact(ctx, h, contactID(row.Tenant, who), contact.MessageReceived{Line: row.Line, At: e.Meta.At})
	case fault.CodeOf(err) == "call_ended":
		h.endOnLine(row.Tenant, row.Line, c) // its place was taken again a moment ago
		return errNotOurs
	}
	if err != nil {
		return err
	}
	to := recipientOf(s)
	reply, err := h.beginCall(ctx, row.Tenant, c, begin{
		Incoming: &call.Incoming{
			Tenant: row.Tenant, Call: c, Line: row.Line, Contact: who, ContactLeg: id.Leg(id.New("leg", now)), ProviderID: e.CallID,
			SDP: e.SDP, Policy: h.cfg.Call, Refuse: refuse,
		},
		Contact: h.contactView(ctx, s, 0), Line: lineView(entry.row), To: providerAddress{Phone: to.Phone, BSUID: to.BSUID}, ReceivedAt: row.ReceivedAt,
	})
	if err == nil {
		err = wire.Err(reply)
	}
	if err != nil && !fault.Is(err, fault.Conflict) { // a conflict: it has begun already
		return err
	}
	if dead, lookErr := h.store.HasTombstone(ctx, row.Tenant, row.Line, e.CallID); lookErr == nil && dead { // ended while it began
		_, _ = h.askCall(ctx, row.Tenant, c, call.ProviderEnded{At: h.now()})
	}
	return nil
}

// staleCall reports whether the contact's active call is over already: its end is on its way, after an outage say.
func (h *Host) staleCall(ctx context.Context, tenant id.Tenant, who id.Contact) bool {
	s, err := peekAt[contact.State](ctx, h, kindContact, contactID(tenant, who))
	if err != nil || s.Active == nil {
		return err == nil
	}
	reply, err := h.sendCall(ctx, tenant, s.Active.Call, envelope(tenant, "view", map[string]string{}))
	if err != nil {
		return fault.CodeOf(err) == "call_ended" || fault.CodeOf(err) == "call_unknown"
	}
	var v struct {
		State string `json:"state"`
	}
	return unpack(reply.GetBody(), &v) == nil && v.State == string(call.Ended)
}

func ifThen(cond bool, err error) error {
	if cond {
		return err
	}
	return nil
}

// soon is how long after its happening an event counts as fresh.
const soon = 5 * time.Second

// happened is when an event took place. The provider counts whole seconds, in which two messages would have no order: of a
// fresh event the arrival is told instead.
func happened(row store.InboxRow, provider time.Time) time.Time {
	if late := row.ReceivedAt.Sub(provider); provider.IsZero() || late >= 0 && late < soon {
		return row.ReceivedAt
	}
	return provider
}

func (h *Host) permissionReplied(ctx context.Context, row store.InboxRow, e whatsapp.PermissionReply) error {
	who, err := h.resolve(ctx, row.Tenant, e.Party)
	if err != nil {
		return err
	}
	source := contact.SourceUser
	if e.Automatic {
		source = contact.SourceAutomatic
	}
	if _, err := askContact(ctx, h, contactID(row.Tenant, who), contact.PermissionReplied{
		Line: row.Line, Accept: e.Accepted, Permanent: e.Permanent, Until: e.ExpiresAt, Source: source, ContextID: e.ContextID,
		At: happened(row, e.Meta.At),
	}); err != nil {
		return err
	}
	if e.Automatic {
		return nil
	}
	_, err = askContact(ctx, h, contactID(row.Tenant, who), contact.MessageReceived{Line: row.Line, At: e.Meta.At})
	return err
}

func (h *Host) messageArrives(ctx context.Context, row store.InboxRow, e whatsapp.InboundMessage) error {
	who, err := h.resolve(ctx, row.Tenant, e.Party)
	if err != nil {
		return err
	}
	kind := e.Kind
	switch kind {
	case "button_reply", "list_reply", "button":
		kind = "text"
	case "audio":
		kind = "voice"
	case "text":
	default:
		kind = "unsupported"
	}
	at := happened(row, e.Meta.At)
	m := store.MessageRow{
		Tenant: row.Tenant, Contact: who, ID: id.Message("in_" + hashOf(string(row.Line), e.MessageID)), Line: row.Line, Direction: store.Inbound,
		Kind: kind, Body: mustJSON(map[string]string{"text": e.Text, "type": e.Kind}), ProviderID: e.MessageID, Status: store.MessageReceived, At: at,
	}
	if err := h.store.PutMessage(ctx, m); err != nil {
		return err
	}
	if _, err := askContact(ctx, h, contactID(row.Tenant, who), contact.MessageReceived{Line: row.Line, At: at}); err != nil {
		return err
	}
	h.hintMessage(m)
	return nil
}

func (h *Host) messageStatus(ctx context.Context, row store.InboxRow, e whatsapp.MessageStatus) error {
	m, err := h.store.FindMessageByProviderID(ctx, row.Tenant, row.Line, e.MessageID)
	if fault.Is(err, fault.NotFound) && strings.HasPrefix(e.Opaque, ourMessage) {
		return fault.Wrap(fault.Unavailable, "host.message_status", err) // it has overtaken the answer to our own request
	}
	if fault.Is(err, fault.NotFound) {
		return errNotOurs
	}
	if err != nil {
		return err
	}
	detail := errorWords(e.Errors)
	advanced, err := h.store.UpdateMessageStatus(ctx, row.Tenant, row.Line, e.MessageID, store.MessageStatus(e.Status), detail)
	if err != nil && !fault.Is(err, fault.Invalid) {
		return err
	}
	if e.Status == string(store.MessageFailed) && m.Kind == "permission_request" {
		code := ""
		if len(e.Errors) > 0 {
			code = itoa(e.Errors[0].Code)
		}
		if _, err := askContact(ctx, h, contactID(row.Tenant, m.Contact), contact.RequestFailed{Line: row.Line, Message: m.ID, Code: code, Detail: detail}); err != nil {
			return err
		}
	}
	if advanced {
		m.Status, m.StatusDetail = store.MessageStatus(e.Status), detail
		h.hintMessage(m)
	}
	return nil
}

func (h *Host) settingsReported(ctx context.Context, row store.InboxRow, e whatsapp.AccountSettingsUpdate) error {
	cmd := line.MetaReported{
		Calling: isOn(e.Calling.Status, "ENABLED"), IconVisible: isOn(e.Calling.IconVisibility, "DEFAULT"),
		CallbackPermission: isOn(e.Calling.CallbackPermission, "ENABLED"),
	}
	limits := []line.Restriction{}
	for _, r := range e.Calling.Restrictions {
		limits = append(limits, line.Restriction{Type: r.Type, Reason: r.Reason, Until: r.Until})
	}
	cmd.Restrictions = &limits // the whole list: an empty one lifts them
	_, err := askLine(ctx, h, lineID(row.Tenant, row.Line), cmd)
	return err
}

func isOn(have, on string) *bool {
	if have == "" {
		return nil
	}
	is := have == on
	return &is
}
