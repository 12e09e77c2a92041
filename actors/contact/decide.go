package contact

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"ramal/actors/core"
	"ramal/internal/fault"
	"ramal/internal/id"
)

// Decide judges a command at now and returns the events it makes, none if it changes nothing. What ran out by now is settled
// first, so that a late Wake never lets an old permission or lease count. Errors are *fault.Error; then nothing happens.
func Decide(s State, cmd Command, now time.Time) ([]Event, error) {
	now = core.Clean(now)
	if _, ok := cmd.(Create); !ok && s.ID == "" {
		if _, ok := cmd.(Wake); ok {
			return nil, nil
		}
		return nil, reject(fault.NotFound, cmd, "contact_unknown", "there is no such contact")
	}
	settled := due(s, now)
	more, err := decide(fold(s, settled), cmd, now)
	if err != nil {
		return nil, err
	}
	return append(settled, more...), nil
}

func decide(s State, cmd Command, now time.Time) ([]Event, error) {
	switch c := cmd.(type) {
	case Create:
		return create(s, c, now)
	case Edit:
		return edit(s, c, now)
	case AddIdentifiers:
		return addIdentifiers(s, c)
	case RecordOrder:
		return recordOrder(s, c, now)
	case RequestPermission:
		return requestPermission(s, c, now)
	case RequestSent:
		return requestSent(s, c)
	case RequestFailed:
		return requestFailed(s, c, now)
	case PermissionReplied:
		return permissionReplied(s, c, now)
	case PermissionSynced:
		return permissionSynced(s, c, now)
	case ReserveCall:
		return reserveCall(s, c, now)
	case ReleaseCall:
		return releaseCall(s, c)
	case CallArrived:
		return callArrived(s, c, now)
	case CallConnected:
		return callConnected(s, c, now)
	case CallEnded:
		return callEnded(s, c, now)
	case RenewCall:
		return renewCall(s, c)
	case MessageReceived:
		return messageReceived(s, c, now)
	case MessageSent:
		if err := need(c, field{"line", string(c.Line)}); err != nil {
			return nil, err
		}
		return []Event{Conversed{Line: c.Line, Agent: c.Agent, At: at(c.At, now)}}, nil
	case Wake:
		return nil, nil // what was due is settled already
	}
	panic("contact: unknown command " + cmd.commandName())
}

func create(s State, c Create, now time.Time) ([]Event, error) {
	if s.ID != "" {
		return nil, reject(fault.Conflict, c, "contact_exists", "the contact exists already")
	}
	if err := need(c, field{"tenant", string(c.Tenant)}, field{"id", string(c.ID)}); err != nil {
		return nil, err
	}
	if err := checkProfile(c, c.Profile); err != nil {
		return nil, err
	}
	ids, err := newIdentifiers(c, nil, c.Identifiers)
	if err != nil {
		return nil, err
	}
	p := cloneProfile(c.Profile)
	if p.Phone == "" {
		p.Phone = phoneOf(ids)
	}
	if p.Assigned != "" && p.AssignedAt.IsZero() {
		p.AssignedAt = now
	}
	return []Event{Created{Tenant: c.Tenant, ID: c.ID, Identifiers: ids, Profile: p, At: now}}, nil
}

func edit(s State, c Edit, now time.Time) ([]Event, error) {
	p := cloneProfile(s.Profile)
	set(&p.Name, c.Name)
	set(&p.Status, c.Status)
	set(&p.OrderNo, c.OrderNo)
	set(&p.QuoteCents, c.QuoteCents)
	if c.Tags != nil {
		p.Tags = slices.Clone(*c.Tags)
	}
	if c.Assigned != nil && *c.Assigned != p.Assigned {
		p.Assigned, p.AssignedAt = *c.Assigned, now
		if p.Assigned == "" {
			p.AssignedAt = time.Time{}
		}
	}
	if err := checkProfile(c, p); err != nil {
		return nil, err
	}
	if sameProfile(p, s.Profile) {
		return nil, nil
	}
	return []Event{Edited{Profile: p, By: c.By, At: now}}, nil
}

func addIdentifiers(s State, c AddIdentifiers) ([]Event, error) {
	fresh, err := newIdentifiers(c, s.Identifiers, c.Identifiers)
	if err != nil || len(fresh) == 0 {
		return nil, err
	}
	ev := IdentifiersAdded{Identifiers: fresh}
	if s.Phone == "" {
		ev.Phone = phoneOf(fresh)
	}
	return []Event{ev}, nil
}

func recordOrder(s State, c RecordOrder, now time.Time) ([]Event, error) {
	o := c.Order
	if o.Number == "" || len(o.Number) > 64 || o.Cents < 0 || len(o.Status) > 64 {
		return nil, reject(fault.Invalid, c, "invalid_field", "order: the number has 1 to 64 bytes, the status at most 64, the cents are not negative")
	}
	o.At = at(o.At, now)
	for _, known := range s.Orders {
		if known.Number == o.Number && (known == o || known.At.After(o.At)) {
			return nil, nil
		}
	}
	return []Event{OrderRecorded{Order: o}}, nil
}

func messageReceived(s State, c MessageReceived, now time.Time) ([]Event, error) {
	if err := need(c, field{"line", string(c.Line)}); err != nil {
		return nil, err
	}
	when := at(c.At, now)
	until := when.Add(s.Policy.withDefaults().Window)
	if !until.After(s.Lines[c.Line].WindowUntil) {
		return nil, nil // a duplicate, or older than what is known
	}
	return []Event{WindowOpened{Line: c.Line, Until: until, At: when}}, nil
}

// due lists what has run out by now and was not recorded yet, in the order of lines.
func due(s State, now time.Time) []Event {
	var out []Event
	if a := s.Active; a != nil && !now.Before(a.LeaseUntil) {
		out = append(out, CallLapsed{Call: a.Call, Line: a.Line, At: now})
	}
	life := s.Policy.withDefaults().RequestLife
	for _, line := range sortedLines(s) {
		p := s.Lines[line].Permission
		if p.Status == PermissionTemporary && !now.Before(p.Until) {
			out = append(out, PermissionExpired{Line: line, Until: p.Until, At: now})
		}
		if p.Pending && !now.Before(p.RequestedAt.Add(life)) {
			out = append(out, RequestLapsed{Line: line, At: now})
		}
	}
	return out
}

// Deadline is when the shell must send Wake; zero if the contact waits for nothing.
func Deadline(s State) time.Time {
	var first time.Time
	take := func(t time.Time) {
		if first.IsZero() || t.Before(first) {
			first = t
		}
	}
	if s.Active != nil {
		take(s.Active.LeaseUntil)
	}
	life := s.Policy.withDefaults().RequestLife
	for _, l := range s.Lines {
		if l.Permission.Status == PermissionTemporary {
			take(l.Permission.Until)
		}
		if l.Permission.Pending {
			take(l.Permission.RequestedAt.Add(life))
		}
	}
	return first
}

func checkProfile(cmd Command, p Profile) error {
	bad := func(name, rule string) error {
		return reject(fault.Invalid, cmd, "invalid_field", name+": "+rule)
	}
	switch {
	case !utf8.ValidString(p.Name) || utf8.RuneCountInString(p.Name) > 200:
		return bad("name", "at most 200 characters")
	case len(p.Status) > 64:
		return bad("status", "at most 64 bytes")
	case len(p.OrderNo) > 64:
		return bad("order_no", "at most 64 bytes")
	case p.QuoteCents < 0:
		return bad("quote_cents", "not negative")
	case len(p.Tags) > 32:
		return bad("tags", "at most 32")
	case slices.ContainsFunc(p.Tags, func(t string) bool { return t == "" || len(t) > 64 }):
		return bad("tags", "each has 1 to 64 bytes")
	case p.Assigned != "" && !id.Valid(string(p.Assigned)):
		return bad("assigned", "not an agent's id")
	}
	return nil
}

func newIdentifiers(cmd Command, known, given []Identifier) ([]Identifier, error) {
	var fresh []Identifier
	for _, i := range given {
		switch i.Kind {
		case KindPhone, KindBSUID, KindEmail, KindTelegram, KindManiback:
		default:
			return nil, reject(fault.Invalid, cmd, "invalid_field", "identifiers: unknown kind "+string(i.Kind))
		}
		if i.Value == "" || len(i.Value) > 256 {
			return nil, reject(fault.Invalid, cmd, "invalid_field", "identifiers: a value has 1 to 256 bytes")
		}
		if !slices.Contains(known, i) && !slices.Contains(fresh, i) {
			fresh = append(fresh, i)
		}
	}
	if len(known)+len(fresh) > MaxIdentifiers {
		return nil, reject(fault.Exhausted, cmd, "too_many_identifiers", "a contact has at most 32 identifiers")
	}
	return fresh, nil
}

func phoneOf(ids []Identifier) string {
	for _, i := range ids {
		if i.Kind == KindPhone {
			return "+" + strings.TrimPrefix(i.Value, "+")
		}
	}
	return ""
}

type field struct{ name, value string }

// need rejects a command whose ids are empty or malformed.
func need(cmd Command, fields ...field) error {
	for _, f := range fields {
		if !id.Valid(f.value) {
			return reject(fault.Invalid, cmd, "invalid_field", f.name+": missing or not an id")
		}
	}
	return nil
}

func reject(kind fault.Kind, cmd Command, code, detail string) error {
	return fault.New(kind, "contact."+cmd.commandName(), code, detail)
}

func rejectUntil(kind fault.Kind, cmd Command, code, detail string, next time.Time) error {
	return &fault.Error{Kind: kind, Op: "contact." + cmd.commandName(), Code: code, Detail: detail, NextAllowed: next}
}

// at is the time a command names, or now; never later than now: a provider's clock that runs ahead must not lengthen anything.
func at(t, now time.Time) time.Time {
	if t.IsZero() || t.After(now) {
		return now
	}
	return core.Clean(t)
}

func set[T any](into, from *T) {
	if from != nil {
		*into = *from
	}
}
