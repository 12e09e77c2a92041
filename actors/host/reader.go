package host

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"ramal/actors"
	"ramal/actors/agent"
	"ramal/actors/call"
	"ramal/actors/contact"
	"ramal/actors/line"
	"ramal/internal/fault"
	"ramal/internal/id"
	"ramal/store"
)

var _ actors.Reader = (*Host)(nil)

// Me implements actors.Reader.
func (h *Host) Me(ctx context.Context, who actors.Who) (actors.AgentView, error) {
	s, err := peekAt[agent.State](ctx, h, kindAgent, agentID(who.Tenant, who.Agent))
	return agentView(s), err
}

// Agents implements actors.Reader.
func (h *Host) Agents(ctx context.Context, who actors.Who) ([]actors.PersonView, error) {
	rows, err := h.store.ListAgents(ctx, who.Tenant)
	if err != nil {
		return nil, err
	}
	out := make([]actors.PersonView, 0, len(rows))
	for _, r := range rows {
		out = append(out, h.personView(r))
	}
	return out, nil
}

// personView shows an agent's presence unless it has lapsed.
func (h *Host) personView(r store.AgentRow) actors.PersonView {
	p := actors.PersonView{ID: r.ID, Name: r.Name, Presence: r.Presence}
	if r.PresenceUntil.Before(h.now()) {
		p.Presence = string(agent.Offline)
	}
	return p
}

// Lines implements actors.Reader.
func (h *Host) Lines(ctx context.Context, who actors.Who) ([]actors.LineView, error) {
	rows, err := h.store.ListLines(ctx, who.Tenant)
	if err != nil {
		return nil, err
	}
	out := make([]actors.LineView, 0, len(rows))
	for _, r := range rows {
		out = append(out, lineView(r))
	}
	return out, nil
}

func lineView(r store.LineRow) actors.LineView {
	settings := struct {
		Calling bool `json:"calling"`
	}{Calling: true}
	_ = json.Unmarshal(r.Settings, &settings) // settings that were never saved mean: on
	return actors.LineView{ID: r.ID, Name: r.Name, Display: r.DisplayNumber, Calling: settings.Calling}
}

// Contacts implements actors.Reader.
func (h *Host) Contacts(ctx context.Context, who actors.Who, q actors.ContactQuery) (actors.Page[actors.ContactView], error) {
	rows, next, err := h.store.SearchContacts(store.Bulk(ctx), who.Tenant, store.ContactQuery{
		Text: q.Text, Ongoing: q.Ongoing, Status: q.Status, AssignedAgent: q.Agent, Tag: q.Tag, MayCall: q.MayCall, WindowOpen: q.WindowOpen,
		Limit: q.Limit, Cursor: store.Cursor(q.Cursor),
	})
	if err != nil {
		return actors.Page[actors.ContactView]{}, err
	}
	names, err := h.names(ctx, who.Tenant)
	if err != nil {
		return actors.Page[actors.ContactView]{}, err
	}
	page := actors.Page[actors.ContactView]{Items: make([]actors.ContactView, 0, len(rows)), Next: string(next)}
	for _, r := range rows {
		page.Items = append(page.Items, rowView(r, names))
	}
	return page, nil
}

// Contact implements actors.Reader.
func (h *Host) Contact(ctx context.Context, who actors.Who, c id.Contact) (actors.ContactView, error) {
	row, err := h.store.GetContact(ctx, who.Tenant, c)
	if err != nil {
		return actors.ContactView{}, err
	}
	names, err := h.names(ctx, who.Tenant)
	return rowView(row, names), err
}

func rowView(r store.ContactRow, names map[id.Agent]string) actors.ContactView {
	v := actors.ContactView{
		ID: r.ID, Version: r.Version, Name: r.Name, Status: r.Status, Tags: r.Tags, OrderNo: r.OrderNo, QuoteCents: r.QuoteCents,
		AssignedAgent: r.AssignedAgent, AssignedName: names[r.AssignedAgent], OngoingCall: r.OngoingCall, LastActivityAt: r.LastActivity,
	}
	if r.Phone != "" {
		v.Phone = "+" + r.Phone
	}
	return v
}

// contactView draws a contact from its state; version is the stored row's, 0 where it is not known. Without names when
// the store is away.
func (h *Host) contactView(ctx context.Context, s contact.State, version int64) actors.ContactView {
	names, _ := h.names(ctx, s.Tenant)
	v := rowView(ContactRow(s, 0, h.now()), names)
	v.Version = version
	return v
}

// Eligibility implements actors.Reader. Meta's own limits are asked for when what is known of them is old.
func (h *Host) Eligibility(ctx context.Context, who actors.Who, c id.Contact, l id.Line) (actors.EligibilityView, error) {
	if _, err := h.lineEntry(ctx, who.Tenant, l); err != nil {
		return actors.EligibilityView{}, err
	}
	h.syncPermission(ctx, who.Tenant, c, l)
	s, err := peekAt[contact.State](ctx, h, kindContact, contactID(who.Tenant, c))
	if err != nil {
		return actors.EligibilityView{}, err
	}
	s.Policy = h.cfg.Contact
	e := contact.Assess(s, l, h.now())
	v := actors.EligibilityView{
		ContactID: c, LineID: l, Permission: string(e.Permission), PermissionSource: e.Source, PermissionUntil: timeOrNil(e.Until),
		CanCall: e.CanCall, CanRequest: e.CanRequest, CallReasons: reasons(e.CallReasons), RequestReasons: reasons(e.RequestReasons),
		UnansweredStreak: e.Unanswered, WindowUntil: timeOrNil(e.WindowUntil), Limits: []actors.LimitView{},
	}
	if why := h.lineRefuses(ctx, who, l); why != nil {
		v.CanCall = false
		v.CallReasons = append([]actors.Reason{*why}, v.CallReasons...)
	}
	for _, x := range e.Limits {
		v.Limits = append(v.Limits, actors.LimitView{Name: x.Name, Period: x.Period, Max: x.Max, Used: x.Used})
	}
	return v, nil
}

// lineRefuses is why the line would not take a call of ours now, nil if it would or cannot be asked.
func (h *Host) lineRefuses(ctx context.Context, who actors.Who, l id.Line) *actors.Reason {
	s, err := peekAt[line.State](ctx, h, kindLine, lineID(who.Tenant, l))
	if err != nil {
		return nil
	}
	s.Policy = h.cfg.Line
	_, err = line.Decide(s, line.AdmitCall{Call: "probe", Direction: line.Outbound}, h.now())
	var f *fault.Error
	if !errors.As(err, &f) {
		return nil
	}
	return &actors.Reason{Code: fault.CodeOf(err), NextAllowedAt: timeOrNil(f.NextAllowed)}
}

func reasons(in []contact.Reason) []actors.Reason {
	var out []actors.Reason
	for _, r := range in {
		out = append(out, actors.Reason{Code: r.Code, NextAllowedAt: timeOrNil(r.NextAllowed)})
	}
	return out
}

// Messages implements actors.Reader.
func (h *Host) Messages(ctx context.Context, who actors.Who, c id.Contact, limit int, cursor string) (actors.Page[actors.MessageView], error) {
	var page actors.Page[actors.MessageView]
	if _, err := h.store.GetContact(ctx, who.Tenant, c); err != nil {
		return page, err
	}
	rows, next, err := h.store.ListMessages(ctx, who.Tenant, c, limit, store.Cursor(cursor))
	if err != nil {
		return page, err
	}
	names, err := h.names(ctx, who.Tenant)
	page.Items, page.Next = make([]actors.MessageView, 0, len(rows)), string(next)
	for _, r := range rows {
		v := h.messageView(r)
		v.AgentName = names[r.Agent]
		page.Items = append(page.Items, v)
	}
	return page, err
}

func (h *Host) messageView(r store.MessageRow) actors.MessageView {
	v := actors.MessageView{
		ID: r.ID, ContactID: r.Contact, LineID: r.Line, Direction: "in", Kind: r.Kind, Status: string(r.Status), Error: r.StatusDetail,
		AgentID: r.Agent, At: r.At, Data: map[string]any{},
	}
	if r.Direction == store.Outbound {
		v.Direction = "out"
	}
	if strings.HasPrefix(string(r.ID), "sys_") {
		v.Direction = "system"
	}
	_ = json.Unmarshal(r.Body, &v.Data) // bodies are objects of ours
	v.Text, _ = v.Data["text"].(string)
	delete(v.Data, "text")
	return v
}

// Calls implements actors.Reader.
func (h *Host) Calls(ctx context.Context, who actors.Who, q actors.CallQuery) (actors.Page[actors.CallView], error) {
	rows, next, err := h.store.ListCalls(store.Bulk(ctx), who.Tenant, store.CallFilter{
		Contact: q.Contact, Agent: q.Agent, Line: q.Line, Direction: store.Direction(q.Direction), EndReason: q.EndReason, From: q.From, To: q.To, Ongoing: q.Ongoing,
	}, q.Limit, store.Cursor(q.Cursor))
	page := actors.Page[actors.CallView]{Items: make([]actors.CallView, 0, len(rows)), Next: string(next)}
	for _, r := range rows {
		page.Items = append(page.Items, callRowView(r))
	}
	return page, err
}

func callRowView(r store.CallRow) actors.CallView {
	var kept callKept
	_ = json.Unmarshal(r.Fold, &kept) // the fold is ours
	if kept.State.Phase == call.Unborn {
		kept.State = call.State{Tenant: r.Tenant, Call: r.ID, Line: r.Line, Contact: r.Contact, Direction: call.Direction(r.Direction), Phase: call.Phase(r.State), CreatedAt: r.CreatedAt}
	}
	v := drawCall(kept.State, kept.Contact, kept.Line, "")
	v.Version = r.Seq
	return v
}

// Call implements actors.Reader.
func (h *Host) Call(ctx context.Context, who actors.Who, c id.Call) (actors.CallTrace, error) {
	row, err := h.store.GetCall(ctx, who.Tenant, c)
	if err != nil {
		return actors.CallTrace{}, err
	}
	events, err := h.store.CallEvents(ctx, who.Tenant, c, 0)
	if err != nil {
		return actors.CallTrace{}, err
	}
	trace := actors.CallTrace{CallView: callRowView(row), Events: make([]actors.CallEventView, 0, len(events))}
	for _, ev := range events {
		trace.Events = append(trace.Events, actors.CallEventView{Seq: ev.Seq, Type: ev.Type, At: ev.At, Data: ev.Data})
	}
	return trace, nil
}

// Colleagues implements actors.Reader.
func (h *Host) Colleagues(ctx context.Context, who actors.Who, c id.Contact, in id.Call) ([]actors.Colleague, error) {
	rows, err := h.store.ListAgents(ctx, who.Tenant)
	if err != nil {
		return nil, err
	}
	s, err := peekAt[contact.State](ctx, h, kindContact, contactID(who.Tenant, c))
	if err != nil {
		return nil, err
	}
	taken := h.participants(ctx, who, in)
	related := contact.RelatedAgents(s, h.now(), h.cfg.RelatedWithin)
	rank := map[id.Agent]int{}
	var out []actors.Colleague
	for _, r := range rows {
		if r.ID == who.Agent {
			continue
		}
		person := actors.Colleague{PersonView: h.personView(r), InCall: taken[r.ID]}
		rank[r.ID] = len(related) + presenceRank(person.Presence)
		for i, rel := range related {
			if rel.Agent == r.ID {
				person.Involved, person.InvolvedAt, rank[r.ID] = rel.Reason, timeOrNil(rel.At), i
			}
		}
		out = append(out, person)
	}
	slices.SortStableFunc(out, func(a, b actors.Colleague) int {
		if d := rank[a.ID] - rank[b.ID]; d != 0 {
			return d
		}
		return strings.Compare(a.Name, b.Name)
	})
	return out, nil
}

func presenceRank(presence string) int {
	order := []string{string(agent.Available), string(agent.WrapUp), string(agent.NotResponding), string(agent.Busy), string(agent.Break), string(agent.Offline)}
	if i := slices.Index(order, presence); i >= 0 {
		return i
	}
	return len(order)
}

// participants are the agents who are in the call, or asked into it; none when it cannot be reached.
func (h *Host) participants(ctx context.Context, who actors.Who, in id.Call) map[id.Agent]bool {
	taken := map[id.Agent]bool{}
	if in == "" {
		return taken
	}
	reply, err := h.sendCall(ctx, who.Tenant, in, envelope(who.Tenant, "view", map[string]string{}))
	if err != nil {
		return taken
	}
	var v actors.CallView
	if unpack(reply.GetBody(), &v) == nil {
		for _, p := range v.Participants {
			if p.AgentID != "" && p.State != string(call.LegLeft) {
				taken[p.AgentID] = true
			}
		}
	}
	return taken
}

// relatedAgents are those who should hear of a missed call when nobody was asked.
func (h *Host) relatedAgents(ctx context.Context, tenant id.Tenant, c id.Contact) []id.Agent {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	s, err := peekAt[contact.State](ctx, h, kindContact, contactID(tenant, c))
	if err != nil {
		return nil
	}
	var out []id.Agent
	for _, r := range contact.RelatedAgents(s, h.now(), h.cfg.RelatedWithin) {
		out = append(out, r.Agent)
	}
	return out
}
