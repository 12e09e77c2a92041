package contact

import (
	"slices"
	"time"

	"ramal/actors/core"
	"ramal/internal/fault"
	"ramal/internal/id"
)

// Codes of refusals, for calls and for requests.
const (
	CodePermissionMissing   = "permission_missing"
	CodePermissionExpired   = "permission_expired"
	CodeDailyLimit          = "daily_limit"
	CodeMetaDailyLimit      = "meta_daily_limit"
	CodeContactBusy         = "contact_busy"
	CodePermissionPermanent = "permission_permanent"
	CodeRequestLimitDay     = "request_limit_day"
	CodeRequestLimitWeek    = "request_limit_week"
)

// Names of limits.
const (
	LimitCalls        = "calls_connected"
	LimitMetaCalls    = "meta_calls_connected"
	LimitRequestsDay  = "permission_requests_day"
	LimitRequestsWeek = "permission_requests_week"

	periodDay  = "PT24H"
	periodWeek = "P7D"
)

// Eligibility answers "may we call this contact on this line, may we ask, and if not, why and from when".
type Eligibility struct {
	Line           id.Line          `json:"line"`
	Permission     PermissionStatus `json:"permission"`
	Source         string           `json:"source,omitempty"`
	Until          time.Time        `json:"until,omitzero"`
	CanCall        bool             `json:"can_call"`
	CanRequest     bool             `json:"can_request"`
	CallReasons    []Reason         `json:"call_reasons,omitempty"`    // empty exactly when CanCall; the first is the one to tell
	RequestReasons []Reason         `json:"request_reasons,omitempty"` // empty exactly when CanRequest
	Limits         []Limit          `json:"limits"`
	Unanswered     int              `json:"unanswered"`
	Warning        bool             `json:"warning,omitempty"` // one more unanswered call makes Meta warn the user, or revoke
	WindowUntil    time.Time        `json:"window_until,omitzero"`
	WindowOpen     bool             `json:"window_open"`
}

// Reason is one refusal. NextAllowed is when it no longer holds; zero where time alone does not help or nobody knows.
type Reason struct {
	Code        string    `json:"code"`
	NextAllowed time.Time `json:"next_allowed,omitzero"`
}

// Limit is one sliding window and what is used of it.
type Limit struct {
	Name   string `json:"name"`
	Period string `json:"period"`
	Max    int    `json:"max"`
	Used   int    `json:"used"`
}

// Assess judges a contact on a line at now. It changes nothing and is right even if Wake is late.
func Assess(s State, line id.Line, now time.Time) Eligibility {
	now = core.Clean(now)
	s = fold(s, due(s, now))
	pol, l := s.Policy.withDefaults(), s.Lines[line]
	e := Eligibility{
		Line: line, Permission: l.Permission.Status, Source: l.Permission.Source, Unanswered: l.Unanswered,
		Warning:     l.Unanswered+1 == pol.UnansweredWarning || l.Unanswered+1 >= pol.UnansweredRevoke,
		WindowUntil: l.WindowUntil, WindowOpen: now.Before(l.WindowUntil),
	}
	if e.Permission == "" {
		e.Permission = PermissionNone
	}
	if e.Permission == PermissionTemporary || e.Permission == PermissionOver {
		e.Until = l.Permission.Until
	}
	e.Limits = limits(l, pol, now)
	e.CallReasons = callReasons(s, l, pol, now)
	e.RequestReasons = requestReasons(l, pol, now)
	e.CanCall, e.CanRequest = len(e.CallReasons) == 0, len(e.RequestReasons) == 0
	return e
}

func callReasons(s State, l LineState, pol Policy, now time.Time) []Reason {
	var out []Reason
	if a := s.Active; a != nil {
		r := Reason{Code: CodeContactBusy}
		if !a.Connected {
			r.NextAllowed = a.LeaseUntil
		}
		out = append(out, r)
	}
	if !allows(l.Permission, now) {
		code := CodePermissionMissing
		if l.Permission.Status == PermissionOver || l.Permission.Status == PermissionAsked && l.Permission.Previous == PermissionOver {
			code = CodePermissionExpired
		}
		out = append(out, Reason{Code: code})
	}
	if next, full := nextSlot(outbound(l, now), pol.MaxConnectedPerDay, day); full {
		out = append(out, Reason{Code: CodeDailyLimit, NextAllowed: next})
	}
	if next, full := metaFull(l.Meta, startCall, periodDay, now); full {
		out = append(out, Reason{Code: CodeMetaDailyLimit, NextAllowed: next})
	}
	return out
}

func requestReasons(l LineState, pol Policy, now time.Time) []Reason {
	if l.Permission.Status == PermissionPermanent {
		return []Reason{{Code: CodePermissionPermanent}}
	}
	var out []Reason
	for _, w := range []struct {
		code, period string
		max          int
		span         time.Duration
	}{{CodeRequestLimitDay, periodDay, pol.RequestsPerDay, day}, {CodeRequestLimitWeek, periodWeek, pol.RequestsPerWeek, week}} {
		next, full := nextSlot(requested(l, now.Add(-w.span)), w.max, w.span)
		if at, metaSays := metaFull(l.Meta, request, w.period, now); metaSays {
			next, full = core.Later(next, at), true
		}
		if full {
			out = append(out, Reason{Code: w.code, NextAllowed: next})
		}
	}
	return out
}

func limits(l LineState, pol Policy, now time.Time) []Limit {
	out := []Limit{
		{LimitCalls, periodDay, pol.MaxConnectedPerDay, len(outbound(l, now))},
		{LimitRequestsDay, periodDay, pol.RequestsPerDay, len(requested(l, now.Add(-day)))},
		{LimitRequestsWeek, periodWeek, pol.RequestsPerWeek, len(requested(l, now.Add(-week)))},
	}
	if l.Meta != nil {
		for _, m := range l.Meta.StartCall {
			if m.Period == periodDay && now.Before(l.Meta.FetchedAt.Add(day)) { // later nothing of it is known
				out = append(out, Limit{LimitMetaCalls, m.Period, m.Max, m.Used})
			}
		}
	}
	return out
}

// nextSlot reports whether max or more of the times, ascending and all within span, are used, and when one comes free.
func nextSlot(used []time.Time, limit int, span time.Duration) (time.Time, bool) {
	if len(used) < limit {
		return time.Time{}, false
	}
	return used[len(used)-limit].Add(span), true
}

// outbound lists the connected outbound calls of the 24 h before now.
func outbound(l LineState, now time.Time) []time.Time {
	var out []time.Time
	for _, c := range l.Connected {
		if c.Direction == Outbound && c.At.After(now.Add(-day)) {
			out = append(out, c.At)
		}
	}
	return out
}

func requested(l LineState, after time.Time) []time.Time {
	var out []time.Time
	for _, r := range l.Requests {
		if r.At.After(after) {
			out = append(out, r.At)
		}
	}
	return out
}

func startCall(m *MetaLimits) []MetaLimit { return m.StartCall }
func request(m *MetaLimits) []MetaLimit   { return m.Request }

// metaFull reports whether Meta's own limit is reached, and until when. Where Meta names no end it holds for one period from when
// it was asked.
func metaFull(m *MetaLimits, of func(*MetaLimits) []MetaLimit, period string, now time.Time) (time.Time, bool) {
	if m == nil {
		return time.Time{}, false
	}
	span := day
	if period == periodWeek {
		span = week
	}
	for _, limit := range of(m) {
		if limit.Period != period || limit.Max <= 0 || limit.Used < limit.Max {
			continue
		}
		until := limit.ResetAt
		if until.IsZero() {
			until = m.FetchedAt.Add(span)
		}
		if now.Before(until) {
			return core.Clean(until), true
		}
	}
	return time.Time{}, false
}

func kindOf(code string) fault.Kind {
	switch {
	case slices.Contains([]string{CodePermissionMissing, CodePermissionExpired}, code):
		return fault.Denied
	case code == CodeContactBusy:
		return fault.Conflict
	}
	return fault.Exhausted
}

func detailOf(code string) string {
	return map[string]string{
		CodePermissionMissing:   "the contact has not allowed calls from this line",
		CodePermissionExpired:   "the contact's permission has run out",
		CodeDailyLimit:          "the line's calls to this contact are used up for 24 h",
		CodeMetaDailyLimit:      "Meta's limit of calls to this contact is reached",
		CodeContactBusy:         "the contact is in a call",
		CodePermissionPermanent: "the contact has allowed calls permanently",
		CodeRequestLimitDay:     "a permission request was sent in the last 24 h",
		CodeRequestLimitWeek:    "the permission requests of 7 days are used up",
	}[code]
}
