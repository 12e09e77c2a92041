package line

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"ramal/internal/fault"
)

// days are the names of week days on the wire, from time.Sunday.
var days = [7]string{"SUNDAY", "MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY"}

// checkSettings applies the provider's rules (Cloud API calling, call settings). The first fault is told, by the path of its field.
func checkSettings(cmd Command, s Settings, now time.Time) error {
	if s.Hours == nil {
		return nil
	}
	path, rule := checkHours(*s.Hours, now)
	if path == "" {
		return nil
	}
	return reject(fault.Invalid, cmd, "invalid_settings", "hours."+path+": "+rule)
}

// checkHours returns the path of the first field that breaks a rule, and the rule; an empty path if all is well.
func checkHours(h Hours, now time.Time) (path, rule string) {
	loc, err := zone(h.TimeZone)
	if err != nil {
		return "timezone", "not the name of a time zone, such as America/Sao_Paulo"
	}
	if len(h.Weekly) == 0 {
		return "weekly", "at least one opening"
	}
	for i, o := range h.Weekly {
		at := fmt.Sprintf("weekly[%d]", i)
		if !slices.Contains(days[:], o.Day) {
			return at + ".day", "MONDAY to SUNDAY"
		}
		if field, rule := checkSpan(o.Open, o.Close); field != "" {
			return at + "." + field, rule
		}
		if rule := checkDay(h.Weekly[:i], o); rule != "" {
			return at, rule
		}
	}
	if len(h.Holidays) > MaxHolidays {
		return "holidays", "at most 20"
	}
	today := now.In(loc).Format(time.DateOnly)
	for i, d := range h.Holidays {
		at := fmt.Sprintf("holidays[%d]", i)
		parsed, err := time.Parse(time.DateOnly, d.Date)
		switch {
		case err != nil || parsed.Year() < 1:
			return at + ".date", "YYYY-MM-DD"
		case d.Date < today:
			return at + ".date", "it has passed"
		case slices.ContainsFunc(h.Holidays[:i], func(k Holiday) bool { return k.Date == d.Date }):
			return at + ".date", "given twice"
		}
		if d.Open == "" && d.Close == "" {
			continue
		}
		if field, rule := checkSpan(d.Open, d.Close); field != "" {
			return at + "." + field, rule
		}
	}
	return "", ""
}

func checkSpan(open, closing string) (field, rule string) {
	from, ok := minutes(open)
	if !ok {
		return "open", "HHMM, from 0000 to 2359"
	}
	to, ok := minutes(closing)
	if !ok {
		return "close", "HHMM, from 0000 to 2359"
	}
	if from >= to {
		return "close", "later than open"
	}
	return "", ""
}

// checkDay holds an opening against the earlier ones of its day.
func checkDay(earlier []Opening, o Opening) string {
	n := 0
	from, to := mustMinutes(o.Open), mustMinutes(o.Close)
	for _, e := range earlier {
		if e.Day != o.Day {
			continue
		}
		n++
		if from < mustMinutes(e.Close) && mustMinutes(e.Open) < to {
			return "overlaps another opening of " + o.Day
		}
	}
	if n >= MaxOpeningsDay {
		return "at most two openings on " + o.Day
	}
	return ""
}

// minutes reads HHMM as minutes since midnight.
func minutes(s string) (int, bool) {
	if len(s) != 4 || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	h, m := int(s[0]-'0')*10+int(s[1]-'0'), int(s[2]-'0')*10+int(s[3]-'0')
	return h*60 + m, h < 24 && m < 60
}

// mustMinutes is minutes for what was checked.
func mustMinutes(s string) int {
	m, _ := minutes(s)
	return m
}

// zone finds a time zone by name. "Local" is the machine's own and so refused.
func zone(name string) (*time.Location, error) {
	if name == "" || name == "Local" {
		return nil, fmt.Errorf("no time zone %q", name)
	}
	return time.LoadLocation(name)
}

// withoutPast drops holidays that have passed and were known, so that an old one never stands in the way of saving or pushing; a
// new one that has passed stays, to be refused.
func withoutPast(s, known Settings, now time.Time) Settings {
	if s.Hours == nil || known.Hours == nil {
		return s
	}
	loc, err := zone(s.Hours.TimeZone)
	if err != nil {
		return s
	}
	today := now.In(loc).Format(time.DateOnly)
	s.Hours.Holidays = slices.DeleteFunc(s.Hours.Holidays, func(d Holiday) bool {
		return d.Date < today && slices.Contains(known.Hours.Holidays, d)
	})
	if len(s.Hours.Holidays) == 0 {
		s.Hours.Holidays = nil
	}
	return s
}

func cloneSettings(s Settings) Settings {
	if s.Hours != nil {
		h := *s.Hours
		h.Weekly, h.Holidays = slices.Clone(h.Weekly), slices.Clone(h.Holidays)
		s.Hours = &h
	}
	return s
}
