package settings

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Env is what the rules need to know beside the settings.
type Env struct {
	MessagingLimit  int  // unique users a day; 2000 is needed to enable calling, sandbox numbers are exempt
	Sandbox         bool // a test number
	CallsSubscribed bool // an app is subscribed to the calls field
	Now             time.Time
}

// Problem is why an update is refused: Code is 100, 138015 or 138018.
type Problem struct {
	Code    int
	Details string
}

func bad(format string, args ...any) *Problem {
	return &Problem{Code: 100, Details: fmt.Sprintf(format, args...)}
}

var (
	hhmm    = regexp.MustCompile(`^([01]\d|2[0-3])[0-5]\d$`)
	country = regexp.MustCompile(`^[A-Z]{2}$`)
	days    = []string{"SUNDAY", "MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY"}
)

// Validate judges an update against what it would lead to. patch is the update, next the merged result.
func Validate(patch, next Calling, env Env) *Problem {
	if patch.Restrictions != nil {
		return bad("restrictions is read only")
	}
	for _, w := range []struct {
		name   string
		value  *string
		values []string
	}{
		{"status", patch.Status, []string{"ENABLED", "DISABLED"}},
		{"call_icon_visibility", patch.IconVisibility, []string{"DEFAULT", "DISABLE_ALL"}},
		{"callback_permission_status", patch.CallbackPermission, []string{"ENABLED", "DISABLED"}},
		{"srtp_key_exchange_protocol", patch.SRTP, []string{"DTLS", "SDES"}},
	} {
		if w.value != nil && !slices.Contains(w.values, *w.value) {
			return bad("%s must be one of %s", w.name, strings.Join(w.values, ", "))
		}
	}
	if p := validateLists(patch); p != nil {
		return p
	}
	if p := validateSIP(patch.SIP); p != nil {
		return p
	}
	if p := validateVoicemail(next.Voicemail); p != nil {
		return p
	}
	if patch.Hours != nil {
		if p := validateHours(*patch.Hours, env.Now); p != nil {
			return p
		}
	}
	if is(patch.Status, "ENABLED") {
		switch {
		case !env.Sandbox && env.MessagingLimit < 2000:
			return &Problem{Code: 138015, Details: "the messaging limit of the number is below 2000"}
		case !env.CallsSubscribed && !next.SIPOn():
			return &Problem{Code: 138018, Details: "no app is subscribed to the calls field and SIP is not enabled"}
		}
	}
	return nil
}

func validateLists(c Calling) *Problem {
	if c.Icons != nil {
		for _, code := range c.Icons.Countries {
			if !country.MatchString(code) {
				return bad("restrict_to_user_countries: %q is not an ISO 3166 alpha-2 code", code)
			}
		}
	}
	if c.Audio != nil {
		for _, codec := range c.Audio.Codecs {
			if codec != "PCMA" && codec != "PCMU" {
				return bad("additional_codecs: %q is not PCMA or PCMU", codec)
			}
		}
	}
	return nil
}

func validateSIP(s *SIP) *Problem {
	if s == nil {
		return nil
	}
	for _, w := range []*string{s.Status, s.WebhookDelivery} {
		if w != nil && *w != "ENABLED" && *w != "DISABLED" {
			return bad("sip: status and webhook_delivery must be ENABLED or DISABLED")
		}
	}
	if len(s.Servers) > 1 {
		return bad("sip.servers: only one server per number")
	}
	for _, server := range s.Servers {
		total := 0
		for k, v := range server.Params {
			total += len(k) + len(v)
		}
		switch {
		case server.Hostname == "":
			return bad("sip.servers: hostname is missing")
		case total > 128:
			return bad("sip.servers: request_uri_user_params are longer than 128 characters")
		}
	}
	return nil
}

func validateVoicemail(v *Voicemail) *Problem {
	if v == nil {
		return nil
	}
	if v.Status != nil && *v.Status != "ENABLED" && *v.Status != "DISABLED" {
		return bad("voicemail.status must be ENABLED or DISABLED")
	}
	var timeout *int
	if v.Audio != nil && v.Audio.Default != nil {
		timeout = v.Audio.Default.Timeout
	}
	if timeout != nil && (*timeout < 0 || *timeout > 30) {
		return bad("voicemail: timeout_seconds must be 0 to 30")
	}
	for _, trigger := range v.Triggers {
		switch {
		case trigger != "REJECT" && trigger != "TIMEOUT":
			return bad("voicemail.triggers: %q is not REJECT or TIMEOUT", trigger)
		case trigger == "TIMEOUT" && timeout == nil:
			return bad("voicemail: TIMEOUT needs timeout_seconds")
		}
	}
	return nil
}

func validateHours(h Hours, now time.Time) *Problem {
	if h.Status != "ENABLED" && h.Status != "DISABLED" {
		return bad("call_hours.status must be ENABLED or DISABLED")
	}
	zone, err := time.LoadLocation(h.Timezone)
	if err != nil || h.Timezone == "" || h.Timezone == "Local" {
		return bad("call_hours.timezone_id %q is not a known time zone", h.Timezone)
	}
	if len(h.Weekly) == 0 {
		return bad("call_hours.weekly_operating_hours must not be empty")
	}
	byDay := map[string][]Weekly{}
	for _, w := range h.Weekly {
		if p := validateOpening(w); p != nil {
			return p
		}
		for _, other := range byDay[w.Day] {
			if w.Open < other.Close && other.Open < w.Close {
				return bad("call_hours: openings of %s overlap", w.Day)
			}
		}
		byDay[w.Day] = append(byDay[w.Day], w)
		if len(byDay[w.Day]) > 2 {
			return bad("call_hours: more than two openings on %s", w.Day)
		}
	}
	return validateHolidays(h.Holidays, now.In(zone).Format(time.DateOnly))
}

func validateOpening(w Weekly) *Problem {
	switch {
	case !slices.Contains(days, w.Day):
		return bad("call_hours: %q is not a day of the week", w.Day)
	case !hhmm.MatchString(w.Open) || !hhmm.MatchString(w.Close):
		return bad("call_hours: times of %s must be HHMM", w.Day)
	case w.Open >= w.Close:
		return bad("call_hours: %s opens at or after it closes", w.Day)
	}
	return nil
}

func validateHolidays(list []Holiday, today string) *Problem {
	if len(list) > 20 {
		return bad("call_hours.holiday_schedule: at most 20 holidays")
	}
	for _, h := range list {
		if _, err := time.Parse(time.DateOnly, h.Date); err != nil {
			return bad("call_hours.holiday_schedule: date %q is not YYYY-MM-DD", h.Date)
		}
		switch {
		case !hhmm.MatchString(h.Start) || !hhmm.MatchString(h.End):
			return bad("call_hours.holiday_schedule: times of %s must be HHMM", h.Date)
		case h.Start >= h.End:
			return bad("call_hours.holiday_schedule: %s starts at or after it ends", h.Date)
		case h.Date < today:
			return bad("call_hours.holiday_schedule: %s is past", h.Date)
		}
	}
	return nil
}

// OpenAt reports whether calls are taken at now and, if not, when next within 30 days (zero: not within them).
func (c Calling) OpenAt(now time.Time) (open bool, next time.Time) {
	if c.Hours == nil || c.Hours.Status != "ENABLED" {
		return true, time.Time{}
	}
	zone, err := time.LoadLocation(c.Hours.Timezone)
	if err != nil {
		return true, time.Time{} // cannot happen: validated on the way in
	}
	local := now.In(zone)
	for offset := range 31 {
		date := time.Date(local.Year(), local.Month(), local.Day()+offset, 0, 0, 0, 0, zone)
		for _, span := range c.Hours.spans(date) {
			from, to := clockOn(date, span[0]), clockOn(date, span[1])
			if !now.Before(from) && now.Before(to) {
				return true, time.Time{}
			}
			if now.Before(from) && (next.IsZero() || from.Before(next)) {
				next = from
			}
		}
		if !next.IsZero() {
			return false, next
		}
	}
	return false, time.Time{}
}

// spans returns the openings of one local date. A holiday's entry is taken as the hours of that day; 0000-2359 in the
// sample of Meta's page closes it, so the holiday's span is the closed part of the day's weekly openings.
func (h Hours) spans(date time.Time) [][2]string {
	var out [][2]string
	for _, w := range h.Weekly {
		if w.Day == days[date.Weekday()] {
			out = append(out, [2]string{w.Open, w.Close})
		}
	}
	for _, holiday := range h.Holidays {
		if holiday.Date == date.Format(time.DateOnly) {
			out = subtract(out, holiday.Start, holiday.End)
		}
	}
	return out
}

// subtract removes [start, end] from the spans; an end of 2359 means the whole rest of the day.
func subtract(spans [][2]string, start, end string) [][2]string {
	var out [][2]string
	for _, s := range spans {
		if end <= s[0] || start >= s[1] {
			out = append(out, s)
			continue
		}
		if s[0] < start {
			out = append(out, [2]string{s[0], start})
		}
		if end < s[1] && end != "2359" {
			out = append(out, [2]string{end, s[1]})
		}
	}
	return out
}

func clockOn(date time.Time, hm string) time.Time {
	h := int(hm[0]-'0')*10 + int(hm[1]-'0')
	m := int(hm[2]-'0')*10 + int(hm[3]-'0')
	return time.Date(date.Year(), date.Month(), date.Day(), h, m, 0, 0, date.Location())
}
