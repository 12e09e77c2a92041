package contact

import (
	"slices"
	"time"
	"unicode/utf8"

	"ramal/actors/core"
	"ramal/internal/fault"
)

// Words with which the WhatsApp channel says why a request failed that change more than the request.
const (
	codeRequestLimit = "request_limit"        // Meta counted more requests than we did
	codePermanent    = "permission_permanent" // there is nothing to ask for
)

func requestPermission(s State, c RequestPermission, now time.Time) ([]Event, error) {
	if err := need(c, field{"line", string(c.Line)}, field{"agent", string(c.Agent)}, field{"message", string(c.Message)}); err != nil {
		return nil, err
	}
	if !utf8.ValidString(c.Text) || utf8.RuneCountInString(c.Text) > 1024 {
		return nil, reject(fault.Invalid, c, "invalid_field", "text: at most 1024 characters")
	}
	l := s.Lines[c.Line]
	if l.Permission.RequestMessage == c.Message || slices.ContainsFunc(l.Requests, func(r SentRequest) bool { return r.Message == c.Message }) {
		return nil, nil
	}
	if rs := Assess(s, c.Line, now).RequestReasons; len(rs) > 0 {
		kind := fault.Exhausted
		if rs[0].Code == CodePermissionPermanent {
			kind = fault.Conflict
		}
		return nil, rejectUntil(kind, c, rs[0].Code, detailOf(rs[0].Code), rs[0].NextAllowed)
	}
	ev := PermissionRequested{Line: c.Line, Agent: c.Agent, Message: c.Message, Via: ViaInteractive, Text: c.Text, At: now}
	if !now.Before(l.WindowUntil) {
		if !c.HasTemplate {
			return nil, reject(fault.Conflict, c, "no_template", "the service window is closed and the line has no template for requests")
		}
		ev.Via, ev.Text = ViaTemplate, ""
	}
	return []Event{ev}, nil
}

func requestSent(s State, c RequestSent) ([]Event, error) {
	p := s.Lines[c.Line].Permission
	if p.RequestMessage != c.Message || c.ProviderID == "" || p.RequestProviderID == c.ProviderID {
		return nil, nil // a newer request took its place, or a repetition
	}
	return []Event{RequestAcknowledged(c)}, nil
}

func requestFailed(s State, c RequestFailed, now time.Time) ([]Event, error) {
	l := s.Lines[c.Line]
	open := l.Permission.Pending && l.Permission.RequestMessage == c.Message
	counted := slices.ContainsFunc(l.Requests, func(r SentRequest) bool { return r.Message == c.Message })
	answered := l.Permission.RequestMessage == c.Message && !open
	if !open && !counted || answered || c.MaybeSent {
		return nil, nil
	}
	ev := RequestAbandoned{Line: c.Line, Message: c.Message, Code: c.Code, Detail: c.Detail, SlotUsed: c.Code == codeRequestLimit, At: now}
	if l.Permission.RequestMessage == c.Message {
		ev.Agent = l.Permission.RequestedBy
	}
	if !open && ev.SlotUsed {
		return nil, nil // nothing would change
	}
	out := []Event{ev}
	if c.Code == codePermanent && l.Permission.Status != PermissionPermanent {
		out = append(out, PermissionGranted{Line: c.Line, Status: PermissionPermanent, Source: SourceSync, At: now})
	}
	return out, nil
}

func permissionReplied(s State, c PermissionReplied, now time.Time) ([]Event, error) {
	if err := need(c, field{"line", string(c.Line)}); err != nil {
		return nil, err
	}
	p, when := s.Lines[c.Line].Permission, at(c.At, now)
	repeated := when.Equal(p.RepliedAt) && c.Accept == p.Accepted && c.ContextID == p.Evidence
	if when.Before(p.RepliedAt) || repeated {
		return nil, nil
	}
	if c.Accept {
		return granted(s, c, when, now), nil
	}
	switch {
	case c.Source == SourceAutomatic:
		return []Event{PermissionRevoked{Line: c.Line, Source: SourceAutomatic, Evidence: c.ContextID, At: when}}, nil
	case answersRequest(p, c.ContextID):
		return []Event{PermissionDeclined{Line: c.Line, Source: SourceUser, Evidence: c.ContextID, At: when}}, nil
	case allows(p, now): // unasked: in the profile, or on the card of an old request
		return []Event{PermissionRevoked{Line: c.Line, Source: source(c), Evidence: c.ContextID, At: when}}, nil
	}
	return []Event{PermissionDeclined{Line: c.Line, Source: source(c), Evidence: c.ContextID, At: when}}, nil
}

// granted reads an accept. One that is over already is recorded with its end, unless something better holds.
func granted(s State, c PermissionReplied, when, now time.Time) []Event {
	ev := PermissionGranted{Line: c.Line, Status: PermissionPermanent, Source: source(c), Evidence: c.ContextID, At: when}
	if c.Permanent {
		return []Event{ev}
	}
	ev.Status, ev.Until = PermissionTemporary, core.Clean(c.Until)
	if c.Until.IsZero() {
		ev.Until = when.Add(s.Policy.withDefaults().TemporaryPermission)
	}
	if ev.Until.After(now) {
		return []Event{ev}
	}
	if allows(s.Lines[c.Line].Permission, now) {
		return nil
	}
	return []Event{ev, PermissionExpired{Line: c.Line, Until: ev.Until, At: now}}
}

// answersRequest reports whether a reply is to the open request. Replies may overtake the provider's acknowledgement of the
// request, and then there is no id to compare with.
func answersRequest(p Permission, contextID string) bool {
	return p.Pending && contextID != "" && (p.RequestProviderID == "" || p.RequestProviderID == contextID)
}

func source(c PermissionReplied) string {
	switch {
	case c.Source == SourceAutomatic:
		return SourceAutomatic
	case c.ContextID == "":
		return SourceProfile
	default:
		return SourceUser
	}
}

// What Meta answers when asked (Cloud API calling, user call permissions, "Get call permission state").
const (
	metaNone      = "no_permission"
	metaTemporary = "temporary"
	metaPermanent = "permanent"
)

func permissionSynced(s State, c PermissionSynced, now time.Time) ([]Event, error) {
	if err := need(c, field{"line", string(c.Line)}); err != nil {
		return nil, err
	}
	switch c.Status {
	case "", metaNone, metaTemporary, metaPermanent:
	default:
		return nil, reject(fault.Invalid, c, "invalid_field", "status: unknown word")
	}
	when, l := at(c.At, now), s.Lines[c.Line]
	var out []Event
	if c.Limits != nil && (l.Meta == nil || !when.Before(l.Meta.FetchedAt)) {
		limits := cloneLimits(*c.Limits)
		limits.FetchedAt = when
		if l.Meta == nil || !sameLimits(*l.Meta, limits) {
			out = append(out, LimitsLearned{Line: c.Line, Limits: limits})
		}
	}
	if c.Status == "" || when.Before(l.Permission.ChangedAt) {
		return out, nil // asked before what we know happened
	}
	return append(out, synced(s, c, when, now)...), nil
}

// synced repairs a permission that differs from Meta's.
func synced(s State, c PermissionSynced, when, now time.Time) []Event {
	p, until := s.Lines[c.Line].Permission, core.Clean(c.Until)
	if c.Status == metaTemporary && c.Until.IsZero() {
		until = p.Until // Meta named no end: ours, or the longest there is
		if p.Status != PermissionTemporary {
			until = when.Add(s.Policy.withDefaults().TemporaryPermission)
		}
	}
	switch {
	case c.Status == metaPermanent && p.Status != PermissionPermanent:
		return []Event{PermissionGranted{Line: c.Line, Status: PermissionPermanent, Source: SourceSync, At: when}}
	case c.Status == metaTemporary && until.After(now) && (p.Status != PermissionTemporary || !p.Until.Equal(until)):
		return []Event{PermissionGranted{Line: c.Line, Status: PermissionTemporary, Source: SourceSync, Until: until, At: when}}
	case c.Status == metaNone && allows(p, now):
		return []Event{PermissionRevoked{Line: c.Line, Source: SourceSync, At: when}}
	}
	return nil
}

// allows reports whether a permission lets the company call at now.
func allows(p Permission, now time.Time) bool {
	return p.Status == PermissionPermanent || p.Status == PermissionTemporary && now.Before(p.Until)
}
