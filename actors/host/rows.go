package host

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"ramal/actors/agent"
	"ramal/actors/contact"
	"ramal/actors/line"
	"ramal/cluster"
	"ramal/internal/fault"
	"ramal/internal/id"
	"ramal/store"
)

// farAhead stands in a column for "no end": a permanent permission.
var farAhead = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// ContactRow is a contact's stored form: its state, and beside it what lists filter by. base is the version that s was
// computed from, 0 for a new contact.
func ContactRow(s contact.State, base int64, now time.Time) store.ContactRow {
	row := store.ContactRow{
		Tenant: s.Tenant, ID: s.ID, Bucket: id.Bucket(s.Tenant, kindContact, string(s.ID)), Version: base + 1, Base: base,
		Name: s.Name, Phone: strings.TrimPrefix(s.Phone, "+"), Status: s.Status, Tags: s.Tags, OrderNo: s.OrderNo,
		QuoteCents: s.QuoteCents, AssignedAgent: s.Assigned, LastActivity: s.LastActivity, State: mustJSON(s), UpdatedAt: now,
	}
	if s.Active != nil {
		row.OngoingCall = s.Active.Call
	}
	for _, lineID := range slices.Sorted(maps.Keys(s.Lines)) { // in order: of two that last as long, always the same
		l := s.Lines[lineID]
		until := l.Permission.Until
		switch l.Permission.Status {
		case contact.PermissionPermanent:
			until = farAhead
		case contact.PermissionTemporary:
		default:
			until = time.Time{}
		}
		if until.After(row.MayCallUntil) {
			row.MayCallUntil, row.MayCallLine = until, lineID
		}
		if l.WindowUntil.After(row.WindowUntil) {
			row.WindowUntil = l.WindowUntil
		}
	}
	return row
}

func (h *Host) loadContact(ctx context.Context, who cluster.Identity) (contact.State, int64, []contact.Command, error) {
	s := contact.State{Policy: h.cfg.Contact}
	row, err := h.store.GetContact(ctx, who.Tenant, id.Contact(who.Key))
	if err != nil {
		return s, 0, nil, err
	}
	return s, row.Version, nil, unpack(row.State, &s)
}

func (h *Host) saveContact(ctx context.Context, _ cluster.Identity, s contact.State, base int64) error {
	lost, err := h.store.SaveContacts(ctx, []store.ContactRow{ContactRow(s, base, h.now())})
	if err == nil && len(lost) > 0 {
		err = fault.New(fault.Conflict, "host.save_contact", store.CodeStale, "another activation has written this contact")
	}
	return err
}

func (h *Host) loadAgent(ctx context.Context, who cluster.Identity) (agent.State, int64, []agent.Command, error) {
	s := agent.State{Policy: h.cfg.Agent}
	row, err := h.store.GetAgent(ctx, who.Tenant, id.Agent(who.Key))
	if err != nil {
		return s, 0, nil, err
	}
	if err := unpack(row.State, &s); err != nil {
		return s, 0, nil, err
	}
	if s.ID != "" && s.Name == row.Name && s.Role == row.Role {
		return s, row.Version, nil, nil
	}
	return s, row.Version, []agent.Command{agent.Enroll{Tenant: row.Tenant, ID: row.ID, Name: row.Name, Role: row.Role}}, nil // added or renamed by an operator
}

func (h *Host) saveAgent(ctx context.Context, _ cluster.Identity, s agent.State, base int64) error {
	row := store.AgentRow{
		Tenant: s.Tenant, ID: s.ID, State: mustJSON(s), Version: base + 1, Presence: string(s.Presence),
	}
	for _, session := range s.Sessions {
		if session.LeaseUntil.After(row.PresenceUntil) {
			row.PresenceUntil = session.LeaseUntil
		}
	}
	if len(s.Sessions) == 0 && s.Presence != agent.Offline { // a page that reloads: the grace period is still on
		row.PresenceUntil = s.LastSeen.Add(h.cfg.Agent.OfflineGrace)
	}
	if s.Call != nil {
		row.CurrentCall = s.Call.Call
	}
	return h.store.SaveAgent(ctx, row, base)
}

func (h *Host) loadLine(ctx context.Context, who cluster.Identity) (line.State, int64, []line.Command, error) {
	s := line.State{Policy: h.cfg.Line}
	row, err := h.store.GetLine(ctx, who.Tenant, id.Line(who.Key))
	if err != nil {
		return s, 0, nil, err
	}
	if err := unpack(row.State, &s); err != nil || s.ID != "" {
		return s, row.Version, nil, err
	}
	settings := line.Settings{Calling: true, IconVisible: true, CallbackPermission: true}
	if err := unpack(row.Settings, &settings); err != nil {
		return s, 0, nil, err
	}
	return s, row.Version, []line.Command{line.Create{Tenant: row.Tenant, ID: row.ID, Settings: settings}}, nil // added by an operator: what was given then is the first version
}

func (h *Host) saveLine(ctx context.Context, who cluster.Identity, s line.State, base int64) error {
	row, err := h.store.GetLine(ctx, who.Tenant, id.Line(who.Key))
	if err != nil {
		return err
	}
	row.Settings, row.State, row.Version = mustJSON(s.Settings), mustJSON(s), base+1
	return h.store.SaveLine(ctx, row, base)
}
