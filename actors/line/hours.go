package line

import (
	"time"
)

// horizon is how far Open looks for a change, in days: 20 holidays may close 20 weekly openings, and a week more finds the next.
const horizon = 7*(MaxHolidays+1) + 2

// span is one opening of a day in minutes since midnight, its end excluded.
type span struct{ from, to int }

// Open reports whether the hours are open at now and when that next changes; next is zero if it never does within the settings.
// Hours are read off the wall clock of their zone, so a day on which the clock is put forward or back has the hours that its clock
// shows: an opening inside the hour that is skipped begins when the clock jumps, one inside the hour that comes twice is open in both.
func Open(s Settings, now time.Time) (open bool, next time.Time) {
	if s.Hours == nil {
		return true, time.Time{}
	}
	loc, err := zone(s.Hours.TimeZone)
	if err != nil {
		return true, time.Time{} // cannot be: it was found when the settings were saved. Better to let calls in.
	}
	h, local := *s.Hours, now.In(loc)
	open = openAt(h, local)
	year, month, day := local.Date()
	for i := range horizon {
		date := time.Date(year, month, day+i, 12, 0, 0, 0, loc) // noon: no zone changes its clock then
		for _, at := range edges(h, date, loc) {
			if at.After(now) && openAt(h, at) != open {
				return open, at.UTC()
			}
		}
	}
	return open, time.Time{}
}

// isOpen is Open without the search for the next change.
func isOpen(s Settings, now time.Time) bool {
	if s.Hours == nil {
		return true
	}
	loc, err := zone(s.Hours.TimeZone)
	return err != nil || openAt(*s.Hours, now.In(loc))
}

// openAt reads the wall clock.
func openAt(h Hours, local time.Time) bool {
	m := local.Hour()*60 + local.Minute()
	for _, s := range spans(h, local) {
		if s.from <= m && m < s.to {
			return true
		}
	}
	return false
}

// spans are the openings of a local date, as given.
func spans(h Hours, local time.Time) []span {
	date := local.Format(time.DateOnly)
	for _, d := range h.Holidays {
		if d.Date != date {
			continue
		}
		if d.Open == "" {
			return nil
		}
		return []span{spanOf(d.Open, d.Close)}
	}
	var out []span
	for _, o := range h.Weekly {
		if o.Day == days[local.Weekday()] {
			out = append(out, spanOf(o.Open, o.Close))
		}
	}
	return out
}

// endOfDay is what "2359" means as a close: there is no way to write midnight, and a line open around the clock must not pause
// for its last minute.
const endOfDay = "2359"

func spanOf(open, closing string) span {
	if closing == endOfDay {
		return span{mustMinutes(open), 24 * 60}
	}
	return span{mustMinutes(open), mustMinutes(closing)}
}

// edges lists, in order, the instants of a date at which the answer may change: where openings begin and end, and where the clock itself jumps.
func edges(h Hours, date time.Time, loc *time.Location) []time.Time {
	year, month, day := date.Date()
	midnight, tomorrow := time.Date(year, month, day, 0, 0, 0, 0, loc), time.Date(year, month, day+1, 0, 0, 0, 0, loc)
	var out []time.Time
	add := func(t time.Time) {
		for i, k := range out {
			if t.Before(k) {
				out = append(out[:i], append([]time.Time{t}, out[i:]...)...)
				return
			}
		}
		out = append(out, t)
	}
	add(midnight)
	for _, s := range spans(h, date) {
		for _, m := range [2]int{s.from, s.to} {
			for _, t := range instants(year, month, day, m, loc) {
				add(t)
			}
		}
	}
	for t := midnight; ; {
		_, end := t.ZoneBounds()
		if end.IsZero() || !end.Before(tomorrow) { // the next date's: its openings may come earlier
			return out
		}
		add(end.In(loc))
		t = end.In(loc)
	}
}

// instants are the times at which the clock shows m minutes after midnight of a date: one, none in the hour that is skipped, two in
// the hour that comes twice.
func instants(year int, month time.Month, day, m int, loc *time.Location) []time.Time {
	guess := time.Date(year, month, day, 0, m, 0, 0, loc)
	wall := time.Date(year, month, day, 0, m, 0, 0, time.UTC)
	var out []time.Time
	for _, around := range [3]time.Duration{-24 * time.Hour, 0, 24 * time.Hour} { // the offsets that may hold on that day
		_, offset := guess.Add(around).Zone()
		t := wall.Add(-time.Duration(offset) * time.Second).In(loc)
		if _, got := t.Zone(); got == offset && (len(out) == 0 || t.After(out[len(out)-1])) {
			out = append(out, t)
		}
	}
	return out
}
