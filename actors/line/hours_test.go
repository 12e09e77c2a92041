package line

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ramal/internal/fault"
)

func TestOpen(t *testing.T) {
	around := Settings{Hours: &Hours{TimeZone: "America/Sao_Paulo"}}
	for _, d := range days {
		around.Hours.Weekly = append(around.Hours.Weekly, Opening{d, "0000", "2359"})
	}
	shift := func(zone, day, from, to string, holidays ...Holiday) Settings {
		return Settings{Hours: &Hours{TimeZone: zone, Weekly: []Opening{{day, from, to}}, Holidays: holidays}}
	}
	week := Settings{Hours: weekdays()}
	feast := Settings{Hours: weekdays()}
	feast.Hours.Holidays = []Holiday{{Date: "2026-11-24"}, {Date: "2026-11-25", Open: "1000", Close: "1100"}}
	night := Settings{Hours: &Hours{TimeZone: "America/Sao_Paulo", Weekly: []Opening{{"TUESDAY", "2000", "2359"}, {"WEDNESDAY", "0000", "0600"}}}}
	for _, c := range []struct {
		name string
		s    Settings
		now  string
		open bool
		next string
	}{
		{"no hours", Settings{}, "2026-11-24T12:00:00Z", true, ""},
		{"around the clock", around, "2026-11-24T12:00:00Z", true, ""},
		{"around the clock, in the last minute of a day", around, "2026-11-24T23:59:30-03:00", true, ""},
		{"in the morning", week, "2026-11-24T09:00:00-03:00", true, "2026-11-24T12:00:00-03:00"},
		{"at the opening", week, "2026-11-24T08:00:00-03:00", true, "2026-11-24T12:00:00-03:00"},
		{"before the opening", week, "2026-11-24T07:59:59.999-03:00", false, "2026-11-24T08:00:00-03:00"},
		{"at the close", week, "2026-11-24T12:00:00-03:00", false, "2026-11-24T13:00:00-03:00"},
		{"on Friday evening", week, "2026-11-27T18:00:00-03:00", false, "2026-11-30T08:00:00-03:00"},
		{"in UTC it is another day", week, "2026-11-28T01:00:00Z", false, "2026-11-30T08:00:00-03:00"},
		{"on a holiday", feast, "2026-11-24T09:00:00-03:00", false, "2026-11-25T10:00:00-03:00"},
		{"on a holiday with hours", feast, "2026-11-25T10:30:00-03:00", true, "2026-11-25T11:00:00-03:00"},
		{"over midnight", night, "2026-11-24T22:00:00-03:00", true, "2026-11-25T06:00:00-03:00"},
		{"the only opening falls on a holiday", shift("America/Sao_Paulo", "TUESDAY", "0800", "0900", Holiday{Date: "2026-12-01"}), "2026-11-24T10:00:00-03:00", false, "2026-12-08T08:00:00-03:00"},

		// New York puts the clock forward at 2 o'clock on 8 March 2026 and back at 2 o'clock on 1 November 2026.
		{"opening in the skipped hour begins at the jump", shift("America/New_York", "SUNDAY", "0230", "0400"), "2026-03-08T06:00:00Z", false, "2026-03-08T07:00:00Z"},
		{"and is open after it", shift("America/New_York", "SUNDAY", "0230", "0400"), "2026-03-08T07:00:00Z", true, "2026-03-08T08:00:00Z"},
		{"closing in the skipped hour ends at the jump", shift("America/New_York", "SUNDAY", "0100", "0230"), "2026-03-08T06:30:00Z", true, "2026-03-08T07:00:00Z"},
		{"an opening wholly in the skipped hour does not take place", shift("America/New_York", "SUNDAY", "0205", "0255"), "2026-03-08T06:00:00Z", false, "2026-03-15T06:05:00Z"},
		{"noon after the change", shift("America/New_York", "SUNDAY", "1200", "1300"), "2026-03-08T04:00:00Z", false, "2026-03-08T16:00:00Z"},
		{"an hour that comes twice, first time", shift("America/New_York", "SUNDAY", "0130", "0145"), "2026-11-01T05:00:00Z", false, "2026-11-01T05:30:00Z"},
		{"between the two", shift("America/New_York", "SUNDAY", "0130", "0145"), "2026-11-01T05:50:00Z", false, "2026-11-01T06:30:00Z"},
		{"over the hour that comes twice", shift("America/New_York", "SUNDAY", "0100", "0300"), "2026-11-01T05:30:00Z", true, "2026-11-01T08:00:00Z"},
		{"an opening on the day of a change but before it, seen from days before", shift("America/New_York", "SUNDAY", "0005", "0010"), "2026-03-04T12:00:00Z", false, "2026-03-08T05:05:00Z"},
		{"the same before the clock is put back", shift("Australia/Lord_Howe", "SUNDAY", "0000", "0135"), "2027-03-31T13:05:00Z", false, "2027-04-03T13:00:00Z"},
		// São Paulo skipped midnight on 4 November 2018: the day began at 1 o'clock.
		{"a day without midnight", shift("America/Sao_Paulo", "SUNDAY", "0000", "0200"), "2018-11-04T02:59:00Z", false, "2018-11-04T03:00:00Z"},
	} {
		now, err := time.Parse(time.RFC3339Nano, c.now)
		if err != nil {
			t.Fatal(err)
		}
		var want time.Time
		if c.next != "" {
			if want, err = time.Parse(time.RFC3339, c.next); err != nil {
				t.Fatal(err)
			}
		}
		if open, next := Open(c.s, now); open != c.open || !next.Equal(want) {
			t.Errorf("%s: open %v until %v, want %v until %v", c.name, open, next, c.open, want.UTC())
		}
	}
}

// TestOpenKeepsItsWord holds Open against itself: the answer is the same up to the time it named, and another one from then on.
func TestOpenKeepsItsWord(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Settings{Hours: drawHours(t)}
		if path, rule := checkHours(*s.Hours, t0); path != "" {
			t.Fatalf("the drawn hours are wrong: %s %s", path, rule)
		}
		now := t0.Add(time.Duration(rapid.IntRange(0, 400*24*60).Draw(t, "minute")) * time.Minute)
		if rapid.Bool().Draw(t, "near a change of the clock") {
			loc, _ := zone(s.Hours.TimeZone)
			if _, end := now.In(loc).ZoneBounds(); !end.IsZero() {
				now = end.Add(-time.Duration(rapid.IntRange(-60, 5*24*60).Draw(t, "minutes before")) * time.Minute)
			}
		}
		open, next := Open(s, now)
		if open != isOpen(s, now) {
			t.Fatal("Open and isOpen disagree")
		}
		last := now.Add(30 * 24 * time.Hour)
		if next.IsZero() {
			next = last.Add(time.Hour)
		} else if isOpen(s, next) == open {
			t.Fatalf("nothing changes at %v", next)
		}
		for at := now; at.Before(next) && at.Before(last); at = at.Add(5 * time.Minute) {
			if isOpen(s, at) != open {
				t.Fatalf("at %v the line is open: %v, which Open at %v had put off until %v", at, !open, now, next)
			}
		}
		if isOpen(s, next.Add(-time.Nanosecond)) != open && next.Before(last) {
			t.Fatalf("the change named for %v comes earlier", next)
		}
	})
}

func drawHours(t *rapid.T) *Hours {
	h := &Hours{TimeZone: rapid.SampledFrom([]string{"America/Sao_Paulo", "America/New_York", "Europe/Lisbon", "Australia/Lord_Howe", "Asia/Kolkata", "Africa/Cairo", "UTC"}).Draw(t, "zone")}
	for _, day := range days {
		edge := 0
		for range rapid.IntRange(0, 2).Draw(t, "openings") {
			from := rapid.IntRange(edge, 23*12+10).Draw(t, "from")
			to := rapid.IntRange(from+1, 23*12+11).Draw(t, "to")
			h.Weekly = append(h.Weekly, Opening{day, clock(from * 5), clock(to * 5)})
			if edge = to; edge > 23*12+10 {
				break
			}
		}
	}
	if len(h.Weekly) == 0 {
		h.Weekly = []Opening{{"MONDAY", "0800", endOfDay}}
	}
	for i := range rapid.IntRange(0, 5).Draw(t, "holidays") {
		d := Holiday{Date: t0.AddDate(0, 0, 1+i*rapid.IntRange(1, 60).Draw(t, "distance")).Format(time.DateOnly)}
		if rapid.Bool().Draw(t, "short") {
			d.Open, d.Close = "0900", "1230"
		}
		known := false
		for _, k := range h.Holidays {
			known = known || k.Date == d.Date
		}
		if !known {
			h.Holidays = append(h.Holidays, d)
		}
	}
	return h
}

func clock(m int) string { return time.Date(2026, 1, 1, 0, m, 0, 0, time.UTC).Format("1504") }

func TestSettingsAreChecked(t *testing.T) {
	twentyOne := make([]Holiday, MaxHolidays+1)
	for i := range twentyOne {
		twentyOne[i].Date = t0.AddDate(0, 0, i).Format(time.DateOnly)
	}
	for _, c := range []struct {
		want string // the beginning of the detail
		edit func(*Hours)
	}{
		{"hours.timezone", func(h *Hours) { h.TimeZone = "America/Salvador" }},
		{"hours.timezone", func(h *Hours) { h.TimeZone = "" }},
		{"hours.timezone", func(h *Hours) { h.TimeZone = "Local" }},
		{"hours.timezone", func(h *Hours) { h.TimeZone = "../../etc/passwd" }},
		{"hours.weekly:", func(h *Hours) { h.Weekly = nil }},
		{"hours.weekly[0].day", func(h *Hours) { h.Weekly[0].Day = "monday" }},
		{"hours.weekly[1].open", func(h *Hours) { h.Weekly[1].Open = "8:00" }},
		{"hours.weekly[1].open", func(h *Hours) { h.Weekly[1].Open = "2400" }},
		{"hours.weekly[1].open", func(h *Hours) { h.Weekly[1].Open = "1260" }},
		{"hours.weekly[1].open", func(h *Hours) { h.Weekly[1].Open = "-100" }},
		{"hours.weekly[1].close", func(h *Hours) { h.Weekly[1].Close = "" }},
		{"hours.weekly[1].close", func(h *Hours) { h.Weekly[1].Close = "1300" }},
		{"hours.weekly[1].close", func(h *Hours) { h.Weekly[1].Close = "0100" }},
		{"hours.weekly[1]: overlaps", func(h *Hours) { h.Weekly[1].Open = "1159" }},
		{"hours.weekly[10]: at most two", func(h *Hours) { h.Weekly = append(h.Weekly, Opening{"MONDAY", "1900", "2000"}) }},
		{"hours.holidays:", func(h *Hours) { h.Holidays = twentyOne }},
		{"hours.holidays[0].date", func(h *Hours) { h.Holidays = []Holiday{{Date: "25/12/2026"}} }},
		{"hours.holidays[0].date", func(h *Hours) { h.Holidays = []Holiday{{Date: "2026-02-30"}} }},
		{"hours.holidays[0].date: it has passed", func(h *Hours) { h.Holidays = []Holiday{{Date: "2026-11-23"}} }},
		{"hours.holidays[1].date: given twice", func(h *Hours) { h.Holidays = []Holiday{{Date: "2026-12-25"}, {Date: "2026-12-25"}} }},
		{"hours.holidays[0].open", func(h *Hours) { h.Holidays = []Holiday{{Date: "2026-12-25", Close: "1200"}} }},
		{"hours.holidays[0].close", func(h *Hours) { h.Holidays = []Holiday{{Date: "2026-12-25", Open: "1200", Close: "1100"}} }},
		{"", func(h *Hours) { h.Weekly[1].Open = "1200" }}, // touching is no overlap
		{"", func(h *Hours) {
			h.Holidays = []Holiday{{Date: "2026-11-24"}, {Date: "2026-12-24", Open: "0800", Close: "1200"}}
		}},
	} {
		s := settings()
		c.edit(s.Hours)
		_, err := Decide(State{}, Create{Tenant: "t", ID: "l", Settings: s}, t0)
		switch {
		case c.want == "" && err != nil:
			t.Errorf("refused: %v", err)
		case c.want == "":
		default:
			if e, ok := errors.AsType[*fault.Error](err); !ok || e.Code != "invalid_settings" || !strings.HasPrefix(e.Detail, c.want) {
				t.Errorf("want a fault at %q, got %v", c.want, err)
			}
		}
	}
}
