package host

import (
	"context"

	"ramal/actors/contact"
	"ramal/channels/whatsapp"
	"ramal/internal/fault"
	"ramal/internal/id"
	"ramal/store"
)

// identifiersOf lists the names of a party, the most lasting first: the business-scoped id, then the number in every
// form WhatsApp may write it.
func identifiersOf(p whatsapp.Party) []store.Identifier {
	var out []store.Identifier
	if p.UserID != "" {
		out = append(out, store.Identifier{Kind: string(contact.KindBSUID), Value: p.UserID})
	}
	for _, v := range whatsapp.PhoneVariants(p.WaID) {
		out = append(out, store.Identifier{Kind: string(contact.KindPhone), Value: v})
	}
	return out
}

// resolve finds the contact behind a party, and makes one where there is none. Two nodes that make the same one at the
// same time end up with one.
func (h *Host) resolve(ctx context.Context, tenant id.Tenant, p whatsapp.Party) (id.Contact, error) {
	ids := identifiersOf(p)
	if len(ids) == 0 {
		return "", fault.New(fault.Invalid, "host.resolve", "party_missing", "the event names neither a number nor a user id")
	}
	for _, known := range ids {
		who, err := h.store.ResolveIdentifier(ctx, tenant, known)
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return "", err
		}
		if p.UserID != "" && known.Kind == string(contact.KindPhone) { // known by number only until now
			h.learn(ctx, tenant, who, p)
		}
		return who, nil
	}
	return h.meet(ctx, tenant, p)
}

// learn adds what the provider calls a known contact by now: numbers get user ids in 2026, and users get new numbers.
func (h *Host) learn(ctx context.Context, tenant id.Tenant, who id.Contact, p whatsapp.Party) {
	own := ownIdentifiers(p)
	rows := make([]store.Identifier, 0, len(own))
	for _, i := range own {
		rows = append(rows, store.Identifier{Kind: string(i.Kind), Value: i.Value})
	}
	if _, err := h.store.AddIdentifiers(ctx, tenant, who, rows); err != nil {
		return // the next event brings it again
	}
	_, _ = askContact(ctx, h, contactID(tenant, who), contact.AddIdentifiers{Identifiers: own})
}

func ownIdentifiers(p whatsapp.Party) []contact.Identifier {
	var out []contact.Identifier
	if p.UserID != "" {
		out = append(out, contact.Identifier{Kind: contact.KindBSUID, Value: p.UserID})
	}
	if p.WaID != "" {
		out = append(out, contact.Identifier{Kind: contact.KindPhone, Value: p.WaID})
	}
	return out
}

// meet makes a contact of somebody unknown.
func (h *Host) meet(ctx context.Context, tenant id.Tenant, p whatsapp.Party) (id.Contact, error) {
	now := h.now()
	name := p.Name
	if name == "" {
		name = p.Username
	}
	create := contact.Create{Tenant: tenant, ID: id.Contact(id.New("ct", now)), Identifiers: ownIdentifiers(p), Profile: contact.Profile{Name: name}}
	if p.WaID != "" {
		create.Phone = "+" + p.WaID
	}
	return h.AddContact(ctx, create, nil)
}

// AddContact makes a contact, with its orders. Where one with the same name at a provider exists, that one's id is returned.
func (h *Host) AddContact(ctx context.Context, create contact.Create, orders []contact.Order) (id.Contact, error) {
	now := h.now()
	s := contact.State{Policy: h.cfg.Contact}
	cmds := []contact.Command{create}
	for _, o := range orders {
		cmds = append(cmds, contact.RecordOrder{Order: o})
	}
	for _, cmd := range cmds {
		events, err := contact.Decide(s, cmd, now)
		if err != nil {
			return "", err
		}
		for _, ev := range events {
			s = contact.Evolve(s, ev)
		}
	}
	var ids []store.Identifier
	for _, i := range create.Identifiers {
		if i.Kind != contact.KindPhone {
			ids = append(ids, store.Identifier{Kind: string(i.Kind), Value: i.Value})
			continue
		}
		for _, v := range whatsapp.PhoneVariants(i.Value) {
			ids = append(ids, store.Identifier{Kind: string(i.Kind), Value: v})
		}
	}
	who, err := h.store.InsertContact(ctx, ContactRow(s, 0, now), ids)
	if fault.Is(err, fault.Conflict) && who != "" {
		return who, nil
	}
	return who, err
}

// identityChanged moves a name to the contact that has changed it.
func (h *Host) identityChanged(ctx context.Context, row store.InboxRow, e whatsapp.IdentityChanged) error {
	who, err := h.resolve(ctx, row.Tenant, e.Party)
	if err != nil {
		return err
	}
	h.learn(ctx, row.Tenant, who, whatsapp.Party{WaID: e.NewWaID, UserID: e.NewUserID})
	return nil
}
