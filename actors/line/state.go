package line

import (
	"time"

	"ramal/internal/id"
)

// State is everything the engine knows about the calling side of one business number. The zero value is a line that does
// not exist yet. It is stored as JSON, except Policy, which the shell sets after loading.
type State struct {
	Policy Policy `json:"-"`

	Tenant   id.Tenant `json:"tenant"`
	ID       id.Line   `json:"id"`
	Settings Settings  `json:"settings"`
	Version  int64     `json:"version"` // of Settings, from 1; the ETag

	Synced    int64     `json:"synced,omitempty"`     // the version that the provider last confirmed
	Pushing   int64     `json:"pushing,omitempty"`    // the version on its way to the provider; at most one is
	SyncError string    `json:"sync_error,omitempty"` // why the newest version is not there, in the provider's words
	Attempts  int       `json:"attempts,omitempty"`   // failed pushes in a row
	RetryAt   time.Time `json:"retry_at,omitzero"`    // when to push again; zero when synced or hopeless

	Restrictions []Restriction         `json:"restrictions,omitempty"`
	Calls        map[id.Call]time.Time `json:"calls,omitempty"` // lease of each call that counts towards concurrency
}

// Settings are the calling settings of a line: we enforce them ourselves and push them to the provider.
type Settings struct {
	Calling            bool   `json:"calling"`
	IconVisible        bool   `json:"icon_visible"`
	CallbackPermission bool   `json:"callback_permission"` // a user who calls gives a temporary permission
	Hours              *Hours `json:"hours,omitempty"`     // nil: around the clock
}

// Hours are weekly hours and holidays in a time zone (Cloud API calling, call settings).
type Hours struct {
	TimeZone string    `json:"timezone"` // IANA name
	Weekly   []Opening `json:"weekly"`   // at least one; at most two a day, without overlap; a missing day is closed
	Holidays []Holiday `json:"holidays,omitempty"`
}

// Opening is one opening of a week day. Times are local, HHMM; Close is exclusive, but "2359" lasts until midnight.
type Opening struct {
	Day   string `json:"day"` // MONDAY to SUNDAY
	Open  string `json:"open"`
	Close string `json:"close"`
}

// Holiday overrides the weekly hours of one date: closed without times, else open between them.
type Holiday struct {
	Date  string `json:"date"` // YYYY-MM-DD
	Open  string `json:"open,omitempty"`
	Close string `json:"close,omitempty"`
}

// Bounds of the settings, the provider's.
const (
	MaxHolidays    = 20
	MaxOpeningsDay = 2
)

// Types of restrictions that the engine acts upon; others are only shown.
const (
	RestrictedOutbound = "RESTRICTED_BUSINESS_INITIATED_CALLING"
	RestrictedBoth     = "RESTRICTED_BIZ_INITIATED_AND_USER_INITIATED_CALLING"
)

// Restriction is something the provider forbids for a while.
type Restriction struct {
	Type   string    `json:"type"`
	Reason string    `json:"reason,omitempty"`
	Until  time.Time `json:"until,omitzero"` // zero: not told
}

// Direction of a call.
type Direction string

// The directions.
const (
	Inbound  Direction = "inbound"
	Outbound Direction = "outbound"
)

// Policy holds limits and times. Zero fields take the value of DefaultPolicy.
type Policy struct {
	MaxConcurrent int           // calls at the same time; default 1000, Meta's limit per number
	WarnAt        float64       // part of MaxConcurrent from which the shell is warned, 0 to 1; default 0.8
	CallLease     time.Duration // life of a call's place without renewal; default 2 min
	PushTimeout   time.Duration // a push without outcome is repeated after this; default 1 min
	RetryBase     time.Duration // pause after the first failed push, doubled with each; default 5 s
	RetryMax      time.Duration // longest pause; default 10 min
}

// DefaultPolicy is used where nothing is configured.
func DefaultPolicy() Policy {
	return Policy{
		MaxConcurrent: 1000, WarnAt: 0.8, CallLease: 2 * time.Minute,
		PushTimeout: time.Minute, RetryBase: 5 * time.Second, RetryMax: 10 * time.Minute,
	}
}

func (p Policy) withDefaults() Policy {
	d := DefaultPolicy()
	return Policy{
		MaxConcurrent: or(p.MaxConcurrent, d.MaxConcurrent), WarnAt: or(p.WarnAt, d.WarnAt), CallLease: or(p.CallLease, d.CallLease),
		PushTimeout: or(p.PushTimeout, d.PushTimeout), RetryBase: or(p.RetryBase, d.RetryBase), RetryMax: or(p.RetryMax, d.RetryMax),
	}
}

func or[T int | float64 | time.Duration](v, def T) T {
	if v > 0 {
		return v
	}
	return def
}
