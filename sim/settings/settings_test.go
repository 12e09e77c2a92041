package settings

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

var now = time.Date(2026, 11, 24, 15, 0, 0, 0, time.UTC) // a Tuesday, noon in São Paulo

func parse(t *testing.T, text string) Calling {
	t.Helper()
	var c Calling
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		t.Fatal(err)
	}
	return c
}

const hours = `"call_hours":{"status":"ENABLED","timezone_id":"America/Sao_Paulo","weekly_operating_hours":[
 {"day_of_week":"TUESDAY","open_time":"0800","close_time":"1200"},{"day_of_week":"TUESDAY","open_time":"1300","close_time":"1800"},
 {"day_of_week":"THURSDAY","open_time":"0800","close_time":"1800"}],
 "holiday_schedule":[{"date":"2026-11-26","start_time":"0000","end_time":"2359"}]}`

func TestMergeKeepsWhatIsOmittedAndReplacesHoursWhole(t *testing.T) {
	c := Merge(Calling{}, parse(t, `{"status":"ENABLED","callback_permission_status":"ENABLED",`+hours+`}`))
	c = Merge(c, parse(t, `{"call_icon_visibility":"DISABLE_ALL","voicemail":{"status":"DISABLED"}}`))
	if !c.Enabled() || !c.Callback() || *c.IconVisibility != "DISABLE_ALL" || len(c.Hours.Holidays) != 1 {
		t.Errorf("after a partial update: %+v", c)
	}
	c = Merge(c, parse(t, `{"call_hours":{"status":"ENABLED","timezone_id":"UTC","weekly_operating_hours":[{"day_of_week":"MONDAY","open_time":"0900","close_time":"1000"}]}}`))
	if len(c.Hours.Holidays) != 0 || c.Hours.Timezone != "UTC" {
		t.Errorf("call_hours must be replaced whole: %+v", c.Hours)
	}
	c = Merge(c, parse(t, `{"sip":{"status":"ENABLED","servers":[{"hostname":"sbc.example"}]}}`))
	c = Merge(c, parse(t, `{"sip":{"webhook_delivery":"ENABLED"}}`))
	if !c.SIPOn() || !c.SIPWebhooks() || len(c.SIP.Servers) != 1 {
		t.Errorf("sip: %+v", c.SIP)
	}
}

func TestValidate(t *testing.T) {
	day := func(s string) string {
		return `{"call_hours":{"status":"ENABLED","timezone_id":"America/Sao_Paulo","weekly_operating_hours":[` + s + `]}}`
	}
	monday := func(open, shut string) string {
		return `{"day_of_week":"MONDAY","open_time":"` + open + `","close_time":"` + shut + `"}`
	}
	env := Env{MessagingLimit: 100000, CallsSubscribed: true, Now: now}
	poor, deaf, test := env, env, env
	poor.MessagingLimit, test.MessagingLimit, test.Sandbox, deaf.CallsSubscribed = 250, 250, true, false
	for _, c := range []struct {
		name, patch string
		env         Env
		code        int
		details     string
	}{
		{"whole sample", `{"status":"ENABLED",` + hours + `}`, env, 0, ""},
		{"unknown status", `{"status":"ON"}`, env, 100, "status"},
		{"old icon value", `{"call_icon_visibility":"HIDE_IN_CHAT"}`, env, 100, "call_icon_visibility"},
		{"lower-case country", `{"call_icons":{"restrict_to_user_countries":["br"]}}`, env, 100, "alpha-2"},
		{"no restriction", `{"call_icons":{"restrict_to_user_countries":[]}}`, env, 0, ""},
		{"limit below 2000", `{"status":"ENABLED"}`, poor, 138015, "2000"},
		{"sandbox", `{"status":"ENABLED"}`, test, 0, ""},
		{"nobody subscribed", `{"status":"ENABLED"}`, deaf, 138018, "subscribed"},
		{"nobody subscribed, SIP", `{"status":"ENABLED","sip":{"status":"ENABLED"}}`, deaf, 0, ""},
		{"time zone", strings.Replace(day(monday("0800", "0900")), "America/Sao_Paulo", "Mars/Olympus", 1), env, 100, "time zone"},
		{"empty week", day(""), env, 100, "empty"},
		{"bad time", day(monday("8:00", "0900")), env, 100, "HHMM"},
		{"closes first", day(monday("0900", "0800")), env, 100, "closes"},
		{"three openings", day(monday("0800", "0900") + "," + monday("1000", "1100") + "," + monday("1200", "1300")), env, 100, "two"},
		{"overlap", day(monday("0800", "1000") + "," + monday("0900", "1100")), env, 100, "overlap"},
		{"bad day", strings.Replace(day(monday("0800", "0900")), "MONDAY", "SEGUNDA", 1), env, 100, "day"},
		{"past holiday", `{` + strings.Replace(hours, "2026-11-26", "2026-11-23", 1) + `}`, env, 100, "past"},
		{"bad holiday", `{` + strings.Replace(hours, "2026-11-26", "26/11/2026", 1) + `}`, env, 100, "YYYY"},
		{"codec", `{"audio":{"additional_codecs":["G722"]}}`, env, 100, "PCMA"},
		{"time-out without seconds", `{"voicemail":{"triggers":["TIMEOUT"]}}`, env, 100, "timeout_seconds"},
		{"voicemail", `{"voicemail":{"status":"ENABLED","triggers":["TIMEOUT"],"audio":{"default":{"timeout_seconds":20}}}}`, env, 0, ""},
		{"too long", `{"voicemail":{"triggers":["TIMEOUT"],"audio":{"default":{"timeout_seconds":31}}}}`, env, 100, "30"},
		{"two servers", `{"sip":{"servers":[{"hostname":"a"},{"hostname":"b"}]}}`, env, 100, "one server"},
		{"restrictions", `{"restrictions":{"restrictions_list":[]}}`, env, 100, "read only"},
	} {
		patch := parse(t, c.patch)
		p := Validate(patch, Merge(Calling{}, patch), c.env)
		switch {
		case c.code == 0 && p != nil:
			t.Errorf("%s: %v", c.name, p)
		case c.code != 0 && (p == nil || p.Code != c.code || !strings.Contains(p.Details, c.details)):
			t.Errorf("%s: %+v, want %d %q", c.name, p, c.code, c.details)
		}
	}
}

func TestOpeningHours(t *testing.T) {
	c := parse(t, `{"status":"ENABLED",`+hours+`}`)
	zone, _ := time.LoadLocation("America/Sao_Paulo")
	at := func(day, hour, minute int) time.Time { return time.Date(2026, 11, day, hour, minute, 0, 0, zone) }
	for _, v := range []struct {
		at   time.Time
		open bool
		next time.Time
	}{
		{at(24, 9, 0), true, time.Time{}},
		{at(24, 12, 0), false, at(24, 13, 0)},
		{at(24, 17, 59), true, time.Time{}},
		{at(24, 18, 0), false, time.Date(2026, 12, 1, 8, 0, 0, 0, zone)}, // Thursday is a holiday
		{at(26, 10, 0), false, time.Date(2026, 12, 1, 8, 0, 0, 0, zone)},
	} {
		if open, next := c.OpenAt(v.at); open != v.open || !next.Equal(v.next) {
			t.Errorf("%v: open %v, next %v; want %v, %v", v.at, open, next, v.open, v.next)
		}
	}
	if open, _ := (Calling{}).OpenAt(now); !open {
		t.Error("a line without hours is always open")
	}
}

func TestWhoSeesTheIcon(t *testing.T) {
	later := now.Add(time.Hour).Unix()
	for _, v := range []struct{ settings, country, want string }{
		{`{"status":"DISABLED"}`, "BR", "disabled"},
		{`{"status":"ENABLED"}`, "BR", ""},
		{`{"status":"ENABLED","call_icon_visibility":"DISABLE_ALL"}`, "BR", "hidden"},
		{`{"status":"ENABLED","call_icons":{"restrict_to_user_countries":["PT"]}}`, "BR", "country"},
		{`{"status":"ENABLED","call_icons":{"restrict_to_user_countries":["PT","BR"]}}`, "BR", ""},
		{`{"status":"ENABLED","restrictions":{"restrictions_list":[{"type":"RESTRICTED_USER_INITIATED_CALLING"}]}}`, "BR", "restricted"},
	} {
		if got := parse(t, v.settings).IconHidden(v.country, now); got != v.want {
			t.Errorf("%s in %s: %q, want %q", v.settings, v.country, got, v.want)
		}
	}
	c := Calling{Restrictions: &Restrictions{[]Restriction{{Type: RestrictBIC, Expiration: later}}}}
	if !c.Restricted(now, RestrictBIC) || c.Restricted(now.Add(2*time.Hour), RestrictBIC) {
		t.Error("a restriction ends at its expiration")
	}
}
