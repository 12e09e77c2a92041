// Package ledger is the pure bookkeeping of one business-user pair: the call permission, the requests for it, the
// calls that count against the daily limit, the streak of unanswered calls and the customer service window.
// It has no clock, no I/O and no lock: every function takes the time and returns a new Pair; the caller owns it.
//
//	                accept (temporary) / callback / profile grant
//	no_permission ---------------------------------------------> temporary --(168 h, silently)--> no_permission
//	      ^  \                                                      |
//	      |   \-- accept (permanent) --> permanent                  |
//	      +--- decline, revoke, 4 unanswered in a row --------------+  (from permanent as well)
//
// The rules are those of Meta's pages "user call permissions" and "business-initiated calls" (2026).
package ledger

import (
	"slices"
	"time"
)

// Status is the permission as the call_permissions endpoint names it.
type Status string

// The three permission statuses.
const (
	None      Status = "no_permission"
	Temporary Status = "temporary"
	Permanent Status = "permanent"
)

// Answer is what a user chose on a permission request.
type Answer string

// The three buttons of a permission request.
const (
	AcceptTemporary Answer = "accept_temporary"
	AcceptPermanent Answer = "accept_permanent"
	Decline         Answer = "decline"
)

const (
	day  = 24 * time.Hour
	week = 7 * day
)

// Limits are the numbers of the rules. A zero field means the production value.
type Limits struct {
	RequestsPerDay  int           `json:"requests_per_day,omitempty"`  // permission requests in 24 h; 1
	RequestsPerWeek int           `json:"requests_per_week,omitempty"` // permission requests in 7 d; 2
	CallsPerDay     int           `json:"calls_per_day,omitempty"`     // connected business-initiated calls in 24 h; 100
	WarnAfter       int           `json:"warn_after,omitempty"`        // unanswered calls in a row until the user is asked to review; 2
	RevokeAfter     int           `json:"revoke_after,omitempty"`      // unanswered calls in a row until the permission is withdrawn; 4
	TemporaryFor    time.Duration `json:"temporary_for_ns,omitempty"`  // life of a temporary permission; 168 h
	RequestLife     time.Duration `json:"request_life_ns,omitempty"`   // how long a request stays answerable after delivery or acceptance; 168 h
	Window          time.Duration `json:"window_ns,omitempty"`         // customer service window; 24 h
}

// Sandbox returns the limits of test numbers.
func Sandbox() Limits {
	return Limits{RequestsPerDay: 25, RequestsPerWeek: 100, WarnAfter: 5, RevokeAfter: 10}
}

// WithDefaults fills the zero fields.
func (l Limits) WithDefaults() Limits {
	ints := []struct {
		field *int
		value int
	}{{&l.RequestsPerDay, 1}, {&l.RequestsPerWeek, 2}, {&l.CallsPerDay, 100}, {&l.WarnAfter, 2}, {&l.RevokeAfter, 4}}
	for _, f := range ints {
		if *f.field == 0 {
			*f.field = f.value
		}
	}
	for _, f := range []struct {
		field *time.Duration
		value time.Duration
	}{{&l.TemporaryFor, week}, {&l.RequestLife, week}, {&l.Window, day}} {
		if *f.field == 0 {
			*f.field = f.value
		}
	}
	return l
}

// Request is one permission request that was sent.
type Request struct {
	ID       string
	At       time.Time
	LiveTill time.Time // answerable until then, unless a newer request exists
	Answered Answer    // last answer, empty when none
}

// Pair is the state of one (business number, user). The zero value is a pair that never met.
type Pair struct {
	Status      Status // never Temporary beyond ExpiresAt: read it through StatusAt
	ExpiresAt   time.Time
	Requests    []Request   // oldest first, those of the last 7 days and the newest
	Connected   []time.Time // connected business-initiated calls of the last 24 h
	ResetAt     time.Time   // last connected call: older requests no longer count
	Unanswered  int         // consecutive business-initiated calls that were not answered
	WindowUntil time.Time   // the customer service window is open before this time
}

// StatusAt returns the permission in force and, for a temporary one, when it ends.
func (p Pair) StatusAt(now time.Time) (Status, time.Time) {
	switch {
	case p.Status == Temporary && now.Before(p.ExpiresAt):
		return Temporary, p.ExpiresAt
	case p.Status == Permanent:
		return Permanent, time.Time{}
	}
	return None, time.Time{}
}

// WindowOpen reports whether free-form messages may be sent.
func (p Pair) WindowOpen(now time.Time) bool { return now.Before(p.WindowUntil) }

// Usage is one limit with its counter; Until is set only when the limit is reached.
type Usage struct {
	Period    string // ISO 8601, "PT24H" or "P7D"
	Max, Used int
	Until     time.Time
}

// Reached reports whether nothing is left.
func (u Usage) Reached() bool { return u.Used >= u.Max }

func usage(period string, span time.Duration, limit int, marks []time.Time, now time.Time) Usage {
	u := Usage{Period: period, Max: limit}
	var inside []time.Time
	for _, at := range marks {
		if now.Sub(at) < span {
			inside = append(inside, at)
		}
	}
	u.Used = len(inside)
	if u.Reached() && u.Used > 0 {
		u.Until = inside[u.Used-limit].Add(span) // when enough of them have left the window
	}
	return u
}

// RequestUsage returns the daily and weekly counters of permission requests.
func (p Pair) RequestUsage(l Limits, now time.Time) []Usage {
	var marks []time.Time
	for _, r := range p.Requests {
		if r.At.After(p.ResetAt) {
			marks = append(marks, r.At)
		}
	}
	return []Usage{usage("PT24H", day, l.RequestsPerDay, marks, now), usage("P7D", week, l.RequestsPerWeek, marks, now)}
}

// CallUsage returns the daily counter of connected business-initiated calls.
func (p Pair) CallUsage(l Limits, now time.Time) Usage {
	return usage("PT24H", day, l.CallsPerDay, p.Connected, now)
}

// Refusal is why something is not allowed now, in the words of the error table.
type Refusal struct {
	Code  int       // 138006, 138009, 138012 or 138017
	Until time.Time // next allowed time, where there is one
}

// Text says it in one sentence.
func (r *Refusal) Text() string {
	switch r.Code {
	case NoPermission:
		return "no approved call permission from the recipient"
	case RequestLimit:
		return "permission request limit reached for this user"
	case CallLimit:
		return "daily limit of connected calls reached for this user"
	}
	return "the user has already given a permanent permission"
}

// The refusal codes.
const (
	NoPermission     = 138006
	RequestLimit     = 138009
	CallLimit        = 138012
	AlreadyPermanent = 138017
)

// CheckRequest returns why a permission request may not be sent, or nil.
func (p Pair) CheckRequest(l Limits, now time.Time) *Refusal {
	if status, _ := p.StatusAt(now); status == Permanent {
		return &Refusal{Code: AlreadyPermanent}
	}
	var until time.Time
	for _, u := range p.RequestUsage(l, now) {
		if u.Reached() && (until.IsZero() || u.Until.After(until)) {
			until = u.Until
		}
	}
	if !until.IsZero() {
		return &Refusal{Code: RequestLimit, Until: until}
	}
	return nil
}

// CheckCall returns why a business-initiated call may not be placed, or nil.
func (p Pair) CheckCall(l Limits, now time.Time) *Refusal {
	if status, _ := p.StatusAt(now); status == None {
		return &Refusal{Code: NoPermission}
	}
	if u := p.CallUsage(l, now); u.Reached() {
		return &Refusal{Code: CallLimit, Until: u.Until}
	}
	return nil
}

// Requested records that a permission request was sent. Older requests can no longer be answered.
func (p Pair) Requested(l Limits, id string, now time.Time) Pair {
	p.Requests = slices.DeleteFunc(slices.Clone(p.Requests), func(r Request) bool { return now.Sub(r.At) >= week })
	p.Requests = append(p.Requests, Request{ID: id, At: now, LiveTill: now.Add(l.RequestLife)})
	return p
}

// Answerable reports whether the request with this id may still be answered.
func (p Pair) Answerable(id string, now time.Time) bool {
	if len(p.Requests) == 0 {
		return false
	}
	last := p.Requests[len(p.Requests)-1]
	return last.ID == id && now.Before(last.LiveTill)
}

// Answered records the user's answer to a request; ok is false when the request is no longer answerable.
func (p Pair) Answered(l Limits, id string, answer Answer, now time.Time) (Pair, bool) {
	if !p.Answerable(id, now) {
		return p, false
	}
	p.Requests = slices.Clone(p.Requests)
	last := &p.Requests[len(p.Requests)-1]
	last.Answered = answer
	if answer == Decline {
		return p.Revoked(), true
	}
	last.LiveTill = now.Add(l.RequestLife)
	return p.Granted(l, answer == AcceptPermanent, now), true
}

// Granted gives a permission, in answer to a request or from the business's profile.
func (p Pair) Granted(l Limits, permanent bool, now time.Time) Pair {
	p.Status, p.ExpiresAt, p.Unanswered = Permanent, time.Time{}, 0
	if !permanent {
		p.Status, p.ExpiresAt = Temporary, now.Add(l.TemporaryFor)
	}
	return p
}

// CalledBack gives the automatic temporary permission of a user who called; changed is false when a permanent one stands.
func (p Pair) CalledBack(l Limits, now time.Time) (next Pair, changed bool) {
	if status, _ := p.StatusAt(now); status == Permanent {
		return p, false
	}
	return p.Granted(l, false, now), true
}

// Revoked takes the permission away.
func (p Pair) Revoked() Pair {
	p.Status, p.ExpiresAt, p.Unanswered = None, time.Time{}, 0
	return p
}

// UserActed opens or refreshes the customer service window: a message, a button, or a call by the user.
func (p Pair) UserActed(l Limits, now time.Time) Pair {
	p.WindowUntil = now.Add(l.Window)
	return p
}

// CallConnected records an answered call in either direction: request counters start again, the streak ends, and a call
// of the business counts for the day and opens the customer service window.
func (p Pair) CallConnected(l Limits, byBusiness bool, now time.Time) Pair {
	p.ResetAt, p.Unanswered = now, 0
	if byBusiness {
		p.Connected = slices.DeleteFunc(slices.Clone(p.Connected), func(at time.Time) bool { return now.Sub(at) >= day })
		p.Connected = append(p.Connected, now)
		p = p.UserActed(l, now)
	}
	return p
}

// Consequence is what a further unanswered call leads to.
type Consequence int

// The consequences.
const (
	Nothing Consequence = iota
	Suggest             // the user is asked to review the permission
	Revoke              // the permission was withdrawn
)

// CallMissed records a business-initiated call that was not answered or was declined.
func (p Pair) CallMissed(l Limits, now time.Time) (Pair, Consequence) {
	if status, _ := p.StatusAt(now); status == None {
		return p, Nothing
	}
	p.Unanswered++
	switch {
	case p.Unanswered >= l.RevokeAfter:
		return p.Revoked(), Revoke
	case p.Unanswered == l.WarnAfter:
		return p, Suggest
	}
	return p, Nothing
}
