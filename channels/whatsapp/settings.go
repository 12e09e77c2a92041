package whatsapp

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"ramal/internal/fault"
)

// Permissions is what the user allows, and how far Meta's own counters are. For a number that is not on WhatsApp
// Status is "no_permission" too: it says nothing about whether somebody can be called.
type Permissions struct {
	Status    PermissionStatus
	ExpiresAt time.Time // zero unless temporary
	Request   ActionAllowance
	Call      ActionAllowance
}

// PermissionStatus is the user's word about calls.
type PermissionStatus string

// The statuses, in Meta's words.
const (
	PermissionNone      PermissionStatus = "no_permission"
	PermissionTemporary PermissionStatus = "temporary"
	PermissionPermanent PermissionStatus = "permanent"
)

// ActionAllowance says whether an action may be taken now, and its limits.
type ActionAllowance struct {
	Can    bool
	Limits []Limit
}

// Limit is one sliding window of an action.
type Limit struct {
	Period time.Duration // 0 when Meta's text is not an ISO 8601 duration of weeks, days, hours, minutes, seconds
	Max    int
	Used   int
	Until  time.Time // when a reached limit opens again; else zero
}

// CallPermissions asks what may be done towards one user. Meta allows 100 questions a second for a number.
func (c *Client) CallPermissions(ctx context.Context, who Recipient) (Permissions, error) {
	const op = "whatsapp.call_permissions"
	query := url.Values{}
	switch digits := Digits(who.Phone); {
	case digits != "":
		query.Set("user_wa_id", digits)
	case who.BSUID != "":
		query.Set("recipient", who.BSUID)
	default:
		return Permissions{}, fault.New(fault.Invalid, op, WordParameterMissing, "the user has neither a phone number nor a user id")
	}
	var out permissionsJSON
	r := request{op: op, method: http.MethodGet, path: c.cfg.PhoneNumberID + "/call_permissions", query: query}
	if _, err := c.send(ctx, r, &out); err != nil {
		return Permissions{}, err
	}
	return out.typed(), nil
}

type permissionsJSON struct {
	Permission struct {
		Status         flexString `json:"status"`
		ExpirationTime flexInt    `json:"expiration_time"`
		Expiration     flexInt    `json:"expiration"`
	} `json:"permission"`
	Actions []struct {
		Name   string   `json:"action_name"`
		Can    flexBool `json:"can_perform_action"`
		Limits []struct {
			Period flexString `json:"time_period"`
			Max    flexInt    `json:"max_allowed"`
			Used   flexInt    `json:"current_usage"`
			Until  flexInt    `json:"limit_expiration_time"`
		} `json:"limits"`
	} `json:"actions"`
}

func (j permissionsJSON) typed() Permissions {
	p := Permissions{Status: PermissionStatus(strings.ToLower(string(j.Permission.Status)))}
	if p.ExpiresAt = j.Permission.ExpirationTime.time(); p.ExpiresAt.IsZero() {
		p.ExpiresAt = j.Permission.Expiration.time()
	}
	for _, a := range j.Actions {
		allowance := ActionAllowance{Can: bool(a.Can)}
		for _, l := range a.Limits {
			allowance.Limits = append(allowance.Limits, Limit{isoPeriod(string(l.Period)), int(l.Max.n), int(l.Used.n), l.Until.time()})
		}
		switch a.Name {
		case "send_call_permission_request":
			p.Request = allowance
		case "start_call":
			p.Call = allowance
		}
	}
	return p
}

// isoPeriod reads the whole-number subset of ISO 8601 durations without months and years: "PT24H", "P7D".
func isoPeriod(s string) time.Duration {
	rest, ok := strings.CutPrefix(strings.ToUpper(s), "P")
	if !ok {
		return 0
	}
	units := map[byte]time.Duration{'W': 7 * 24 * time.Hour, 'D': 24 * time.Hour}
	var total time.Duration
	for digits := ""; rest != ""; rest = rest[1:] {
		ch := rest[0]
		if ch >= '0' && ch <= '9' && len(digits) < 6 {
			digits += string(ch)
			continue
		}
		if ch == 'T' && digits == "" {
			units = map[byte]time.Duration{'H': time.Hour, 'M': time.Minute, 'S': time.Second}
			continue
		}
		n, err := strconv.Atoi(digits)
		if err != nil || units[ch] == 0 {
			return 0
		}
		total += time.Duration(n) * units[ch]
		digits = ""
	}
	return total
}

// CallingSettings is the calling part of a number's settings ("Cloud API calling, call settings"). In an
// update an empty field is left as it is, except CallHours, which Meta replaces whole.
type CallingSettings struct {
	Status             string      `json:"status,omitempty"`               // "ENABLED", "DISABLED"
	IconVisibility     string      `json:"call_icon_visibility,omitempty"` // "DEFAULT", "DISABLE_ALL"
	Icons              *CallIcons  `json:"call_icons,omitempty"`
	CallbackPermission string      `json:"callback_permission_status,omitempty"`
	Hours              *CallHours  `json:"call_hours,omitempty"`
	Audio              *CallAudio  `json:"audio,omitempty"`
	SRTP               string      `json:"srtp_key_exchange_protocol,omitempty"`
	SIP                *SIPSetting `json:"sip,omitempty"`
	// Restrictions are only read.
	Restrictions []Restriction `json:"-"`
}

// CallIcons limits the call icon to users of some countries (ISO 3166 alpha-2); an empty list limits nothing.
type CallIcons struct {
	Countries []string `json:"restrict_to_user_countries"`
}

// CallAudio lists codecs beside Opus: "PCMA", "PCMU".
type CallAudio struct {
	AdditionalCodecs []string `json:"additional_codecs"`
}

// SIPSetting tells whether SIP has taken the place of the Graph API on this number. Never sent by us.
type SIPSetting struct {
	Status string `json:"status"`
}

// CallHours says when users may call. A day without an entry is closed; at most two entries a day.
type CallHours struct {
	Status   string        `json:"status"`
	Timezone string        `json:"timezone_id"`
	Weekly   []WeeklyHours `json:"weekly_operating_hours"`
	Holidays []Holiday     `json:"holiday_schedule,omitempty"`
}

// WeeklyHours is one opening of one weekday, "MONDAY" "0800" "1800".
type WeeklyHours struct {
	Day   string `json:"day_of_week"`
	Open  string `json:"open_time"`
	Close string `json:"close_time"`
}

// Holiday overrides the weekly hours of a date, "2026-12-25" "0000" "2359".
type Holiday struct {
	Date  string `json:"date"`
	Start string `json:"start_time"`
	End   string `json:"end_time"`
}

// GetSettings reads the calling settings. What was never set is empty.
func (c *Client) GetSettings(ctx context.Context) (CallingSettings, error) {
	const op = "whatsapp.get_settings"
	var out struct {
		Calling json.RawMessage `json:"calling"`
		Data    []struct {
			Calling json.RawMessage `json:"calling"`
		} `json:"data"`
	}
	if _, err := c.send(ctx, request{op: op, method: http.MethodGet, path: c.cfg.PhoneNumberID + "/settings"}, &out); err != nil {
		return CallingSettings{}, err
	}
	raw := out.Calling
	if len(raw) == 0 && len(out.Data) > 0 {
		raw = out.Data[0].Calling
	}
	if len(raw) == 0 {
		return CallingSettings{}, nil
	}
	s, err := decodeCalling(raw)
	if err != nil {
		return CallingSettings{}, &fault.Error{Kind: fault.Unavailable, Op: op, Code: WordProviderError, Detail: "the settings cannot be read", Cause: err}
	}
	return s, nil
}

// UpdateSettings changes the calling settings, and nothing else, in one request.
func (c *Client) UpdateSettings(ctx context.Context, s CallingSettings) error {
	if s.Icons != nil && s.Icons.Countries == nil {
		s.Icons = &CallIcons{Countries: []string{}}
	}
	if s.Audio != nil && s.Audio.AdditionalCodecs == nil {
		s.Audio = &CallAudio{AdditionalCodecs: []string{}}
	}
	return c.post(ctx, request{op: "whatsapp.update_settings", method: http.MethodPost, repeat: true,
		path: c.cfg.PhoneNumberID + "/settings", body: map[string]any{"calling": s}})
}

// decodeCalling reads a calling object of an answer or a webhook. A part that cannot be read is left empty.
func decodeCalling(raw []byte) (CallingSettings, error) {
	var in struct {
		Status       flexString      `json:"status"`
		Visibility   flexString      `json:"call_icon_visibility"`
		Icons        json.RawMessage `json:"call_icons"`
		Callback     flexString      `json:"callback_permission_status"`
		Hours        json.RawMessage `json:"call_hours"`
		Audio        json.RawMessage `json:"audio"`
		SRTP         flexString      `json:"srtp_key_exchange_protocol"`
		SIP          json.RawMessage `json:"sip"`
		Restrictions json.RawMessage `json:"restrictions"`
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		return CallingSettings{}, err
	}
	return CallingSettings{
		Status: setting(in.Status), IconVisibility: setting(in.Visibility), CallbackPermission: setting(in.Callback), SRTP: setting(in.SRTP),
		Icons: part[CallIcons](in.Icons), Hours: part[CallHours](in.Hours), Audio: part[CallAudio](in.Audio), SIP: part[SIPSetting](in.SIP),
		Restrictions: decodeRestrictions(in.Restrictions),
	}, nil
}

// setting reads a word; "NOT_SET" is Meta's word for none.
func setting(s flexString) string {
	if up := strings.ToUpper(string(s)); up != "NOT_SET" {
		return up
	}
	return ""
}

// part reads an optional object. Meta writes "NOT_SET" in its place as well.
func part[T any](raw json.RawMessage) *T {
	if len(raw) == 0 || raw[0] != '{' {
		return nil
	}
	v := new(T)
	if json.Unmarshal(raw, v) != nil {
		return nil
	}
	return v
}

// decodeRestrictions reads restrictions{restrictions_list} (samples) and restrictions{restriction_list} (table).
func decodeRestrictions(raw json.RawMessage) []Restriction {
	var in struct {
		A []restrictionJSON `json:"restrictions_list"`
		B []restrictionJSON `json:"restriction_list"`
	}
	if len(raw) == 0 || json.Unmarshal(raw, &in) != nil {
		return nil
	}
	return restrictions(append(in.A, in.B...))
}

type restrictionJSON struct {
	Type       flexString `json:"type"`
	LongType   flexString `json:"restriction_type"`
	Reason     flexString `json:"reason"`
	Expiration flexInt    `json:"expiration"`
}

func restrictions(in []restrictionJSON) []Restriction {
	var out []Restriction
	for _, r := range in {
		kind := r.Type
		if kind == "" {
			kind = r.LongType
		}
		out = append(out, Restriction{Type: strings.ToUpper(string(kind)), Reason: string(r.Reason), Until: r.Expiration.time()})
	}
	return out
}
