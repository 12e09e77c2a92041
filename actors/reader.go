package actors

import (
	"context"
	"encoding/json"
	"time"

	"ramal/internal/id"
)

// ContactQuery filters contacts. The zero value is all of the tenant, latest activity first.
type ContactQuery struct {
	Text       string // name prefix, digits of a phone, order number
	Ongoing    bool
	MayCall    bool
	WindowOpen bool
	Status     string
	Agent      id.Agent
	Tag        string
	Limit      int // 1 to 200, default 50
	Cursor     string
}

// CallQuery filters the call history. The zero value is all of the tenant, newest first.
type CallQuery struct {
	Contact   id.Contact
	Agent     id.Agent
	Line      id.Line
	Direction string
	EndReason string
	Ongoing   bool
	From, To  time.Time
	Limit     int
	Cursor    string
}

// Colleague is somebody who may be invited, with why they stand where they stand in the list.
type Colleague struct {
	PersonView
	Involved   string     `json:"involved,omitempty"` // order_owner assigned recent_call recent_conversation, empty: not involved
	InvolvedAt *time.Time `json:"involved_at,omitempty"`
	InCall     bool       `json:"in_call,omitempty"` // already in this call, or invited
}

// CallTrace is one call with the events that made it.
type CallTrace struct {
	CallView
	Events []CallEventView `json:"events"`
}

// CallEventView is one entry of a call's journal.
type CallEventView struct {
	Seq  int64           `json:"seq"`
	Type string          `json:"type"`
	At   time.Time       `json:"at"`
	Data json.RawMessage `json:"data"`
}

// LineSettings are the calling settings of one line; they are pushed to Meta and enforced here too.
type LineSettings struct {
	Calling            bool       `json:"calling"`
	IconVisible        bool       `json:"icon_visible"`
	CallbackPermission bool       `json:"callback_permission"`
	Hours              *LineHours `json:"hours,omitempty"`      // nil: around the clock
	Pending            bool       `json:"pending,omitempty"`    // read only: not yet confirmed by Meta
	SyncError          string     `json:"sync_error,omitempty"` // read only
}

// LineHours are weekly hours and holidays in a time zone.
type LineHours struct {
	TimeZone string        `json:"timezone"` // IANA
	Weekly   []WeeklyHours `json:"weekly"`
	Holidays []Holiday     `json:"holidays,omitempty"` // at most 20
}

// WeeklyHours is one opening of one week day; at most two a day, no overlap.
type WeeklyHours struct {
	Day   string `json:"day"`   // MONDAY to SUNDAY
	Open  string `json:"open"`  // HHMM
	Close string `json:"close"` // HHMM
}

// Holiday overrides the weekly hours of one date: closed, or open between two times.
type Holiday struct {
	Date  string `json:"date"` // YYYY-MM-DD
	Open  string `json:"open,omitempty"`
	Close string `json:"close,omitempty"`
}

// Reader answers questions. Every answer is of who's tenant only; another tenant's ids are NotFound.
type Reader interface {
	Me(ctx context.Context, who Who) (AgentView, error)
	Agents(ctx context.Context, who Who) ([]PersonView, error)
	Lines(ctx context.Context, who Who) ([]LineView, error)
	LineSettings(ctx context.Context, who Who, line id.Line) (LineSettings, string, error) // the string is an ETag
	// SaveLineSettings needs role supervisor or admin. Faults: Denied, Invalid, Conflict "etag_mismatch".
	SaveLineSettings(ctx context.Context, who Who, line id.Line, etag string, s LineSettings) (LineSettings, string, error)
	Contacts(ctx context.Context, who Who, q ContactQuery) (Page[ContactView], error)
	Contact(ctx context.Context, who Who, contact id.Contact) (ContactView, error)
	Eligibility(ctx context.Context, who Who, contact id.Contact, line id.Line) (EligibilityView, error)
	Messages(ctx context.Context, who Who, contact id.Contact, limit int, cursor string) (Page[MessageView], error)
	Calls(ctx context.Context, who Who, q CallQuery) (Page[CallView], error)
	Call(ctx context.Context, who Who, call id.Call) (CallTrace, error)
	// Colleagues lists whom to invite: involved with the contact first, most recent first, then online, then the rest.
	Colleagues(ctx context.Context, who Who, contact id.Contact, call id.Call) ([]Colleague, error)
}
