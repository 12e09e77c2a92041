// Package settings is the pure part of a number's calling settings: merging a partial update, validating the result,
// saying whether the line is open, and for whom its call icon shows. No clock, no I/O; the caller owns the values.
// Rules: Meta's page "Cloud API calling, call settings" (2026).
package settings

import (
	"slices"
	"time"
	_ "time/tzdata" // opening hours must not depend on the machine's zone files
)

// Calling is the object under "calling" in GET and POST settings. Nil fields were never set (or, in an update, are kept).
type Calling struct {
	Status             *string       `json:"status,omitempty"`
	IconVisibility     *string       `json:"call_icon_visibility,omitempty"`
	Icons              *Icons        `json:"call_icons,omitempty"`
	CallbackPermission *string       `json:"callback_permission_status,omitempty"`
	Hours              *Hours        `json:"call_hours,omitempty"`
	Audio              *Audio        `json:"audio,omitempty"`
	SRTP               *string       `json:"srtp_key_exchange_protocol,omitempty"`
	SIP                *SIP          `json:"sip,omitempty"`
	Voicemail          *Voicemail    `json:"voicemail,omitempty"`
	Restrictions       *Restrictions `json:"restrictions,omitempty"` // read only
}

// Icons restricts where the call icon shows.
type Icons struct {
	Countries []string `json:"restrict_to_user_countries"`
}

// Hours is the weekly schedule with its holidays. An update replaces it whole.
type Hours struct {
	Status   string    `json:"status"`
	Timezone string    `json:"timezone_id"`
	Weekly   []Weekly  `json:"weekly_operating_hours"`
	Holidays []Holiday `json:"holiday_schedule,omitempty"`
}

// Weekly is one opening on one day of the week, times as HHMM.
type Weekly struct {
	Day   string `json:"day_of_week"`
	Open  string `json:"open_time"`
	Close string `json:"close_time"`
}

// Holiday overrides the week on one date: the line is open only between Start and End, HHMM.
type Holiday struct {
	Date  string `json:"date"`
	Start string `json:"start_time"`
	End   string `json:"end_time"`
}

// Audio lists codecs beside Opus.
type Audio struct {
	Codecs []string `json:"additional_codecs"`
}

// SIP switches the number to SIP signalling.
type SIP struct {
	Status          *string     `json:"status,omitempty"`
	WebhookDelivery *string     `json:"webhook_delivery,omitempty"`
	Servers         []SIPServer `json:"servers,omitempty"`
}

// SIPServer is where Meta would send calls.
type SIPServer struct {
	Hostname string            `json:"hostname"`
	Port     int               `json:"port,omitempty"`
	Params   map[string]string `json:"request_uri_user_params,omitempty"`
	AppID    string            `json:"app_id,omitempty"`
	Password string            `json:"sip_user_password,omitempty"`
}

// Voicemail takes a message when nobody answers.
type Voicemail struct {
	Status   *string         `json:"status,omitempty"`
	Triggers []string        `json:"triggers,omitempty"`
	Audio    *VoicemailAudio `json:"audio,omitempty"`
}

// VoicemailAudio holds the announcement.
type VoicemailAudio struct {
	Default *Announcement `json:"default,omitempty"`
}

// Announcement is played before the tone.
type Announcement struct {
	MediaID int64 `json:"announcement_media_id,omitempty"`
	Timeout *int  `json:"timeout_seconds,omitempty"`
}

// Restrictions are imposed by the service, never set by the business.
type Restrictions struct {
	List []Restriction `json:"restrictions_list"`
}

// Restriction is one of them; Expiration is unix seconds, 0 when open-ended.
type Restriction struct {
	Type       string `json:"type"`
	Reason     string `json:"reason,omitempty"`
	Expiration int64  `json:"expiration,omitempty"`
}

// The restriction types.
const (
	RestrictBIC       = "RESTRICTED_BUSINESS_INITIATED_CALLING"
	RestrictUIC       = "RESTRICTED_USER_INITIATED_CALLING"
	RestrictUICHidden = "RESTRICTED_USER_INITIATED_CALLING_CALL_BUTTON_HIDDEN"
)

// Restricted reports whether a restriction of one of the types is in force.
func (c Calling) Restricted(now time.Time, types ...string) bool {
	if c.Restrictions == nil {
		return false
	}
	return slices.ContainsFunc(c.Restrictions.List, func(r Restriction) bool {
		return slices.Contains(types, r.Type) && (r.Expiration == 0 || now.Unix() < r.Expiration)
	})
}

// is reports whether an optional word has the given value.
func is(word *string, value string) bool { return word != nil && *word == value }

// Enabled reports whether calling is on.
func (c Calling) Enabled() bool { return is(c.Status, "ENABLED") }

// SIPOn reports whether the number uses SIP signalling.
func (c Calling) SIPOn() bool { return c.SIP != nil && is(c.SIP.Status, "ENABLED") }

// SIPWebhooks reports whether calls webhooks go out although SIP is on.
func (c Calling) SIPWebhooks() bool { return c.SIP != nil && is(c.SIP.WebhookDelivery, "ENABLED") }

// Callback reports whether a user who calls gives an automatic permission.
func (c Calling) Callback() bool { return is(c.CallbackPermission, "ENABLED") }

// Codec reports whether an additional codec is switched on.
func (c Calling) Codec(name string) bool {
	return c.Audio != nil && slices.Contains(c.Audio.Codecs, name)
}

// IconHidden returns why the call icon is hidden from a user of the given country ("" shows it): "disabled", "hidden",
// "country" or "restricted".
func (c Calling) IconHidden(country string, now time.Time) string {
	switch {
	case !c.Enabled():
		return "disabled"
	case c.Restricted(now, RestrictUIC, RestrictUICHidden):
		return "restricted"
	case is(c.IconVisibility, "DISABLE_ALL"):
		return "hidden"
	case c.Icons != nil && len(c.Icons.Countries) > 0 && !slices.Contains(c.Icons.Countries, country):
		return "country"
	}
	return ""
}

// Merge applies a partial update: what is omitted is kept, call_hours is replaced whole.
func Merge(old, patch Calling) Calling {
	keep(&old.Status, patch.Status)
	keep(&old.IconVisibility, patch.IconVisibility)
	keep(&old.Icons, patch.Icons)
	keep(&old.CallbackPermission, patch.CallbackPermission)
	keep(&old.Hours, patch.Hours)
	keep(&old.Audio, patch.Audio)
	keep(&old.SRTP, patch.SRTP)
	if patch.SIP != nil {
		sip := SIP{}
		if old.SIP != nil {
			sip = *old.SIP
		}
		keep(&sip.Status, patch.SIP.Status)
		keep(&sip.WebhookDelivery, patch.SIP.WebhookDelivery)
		if patch.SIP.Servers != nil {
			sip.Servers = patch.SIP.Servers
		}
		old.SIP = &sip
	}
	if patch.Voicemail != nil {
		vm := Voicemail{}
		if old.Voicemail != nil {
			vm = *old.Voicemail
		}
		keep(&vm.Status, patch.Voicemail.Status)
		keep(&vm.Audio, patch.Voicemail.Audio)
		if patch.Voicemail.Triggers != nil {
			vm.Triggers = patch.Voicemail.Triggers
		}
		old.Voicemail = &vm
	}
	return old
}

func keep[T any](old **T, patch *T) {
	if patch != nil {
		*old = patch
	}
}

// WatchedChange reports whether a field whose change is announced by account_settings_update differs.
func WatchedChange(a, b Calling) bool {
	same := func(x, y *string) bool { return (x == nil && y == nil) || (x != nil && y != nil && *x == *y) }
	sip := func(c Calling) *string {
		if c.SIP == nil {
			return nil
		}
		return c.SIP.Status
	}
	return !same(a.Status, b.Status) || !same(a.IconVisibility, b.IconVisibility) ||
		!same(a.CallbackPermission, b.CallbackPermission) || !same(a.SRTP, b.SRTP) || !same(sip(a), sip(b))
}
