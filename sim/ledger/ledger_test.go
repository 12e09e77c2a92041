package ledger

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

var (
	start = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	prod  = Limits{}.WithDefaults()
)

func TestTemporaryPermissionExpiresSilently(t *testing.T) {
	p := Pair{}.Requested(prod, "r1", start)
	p, ok := p.Answered(prod, "r1", AcceptTemporary, start.Add(time.Hour))
	if !ok {
		t.Fatal("the request was refused")
	}
	end := start.Add(time.Hour + 168*time.Hour)
	if s, until := p.StatusAt(end.Add(-time.Second)); s != Temporary || !until.Equal(end) {
		t.Errorf("before the end: %s until %v", s, until)
	}
	if s, _ := p.StatusAt(end); s != None {
		t.Errorf("at the end: %s", s)
	}
	if r := p.CheckCall(prod, end); r == nil || r.Code != NoPermission {
		t.Errorf("a call at the end: %v", r)
	}
}

func TestRequestLimits(t *testing.T) {
	p := Pair{}.Requested(prod, "r1", start)
	cases := []struct {
		name string
		at   time.Duration
		then func()
		code int
		till time.Duration
	}{
		{"again within 24 h", 23 * time.Hour, nil, RequestLimit, 24 * time.Hour},
		{"after 24 h", 24 * time.Hour, func() { p = p.Requested(prod, "r2", start.Add(24*time.Hour)) }, 0, 0},
		{"third within 7 d", 50 * time.Hour, nil, RequestLimit, 168 * time.Hour},
		{"first has left the week", 168 * time.Hour, nil, 0, 0},
	}
	for _, c := range cases {
		r := p.CheckRequest(prod, start.Add(c.at))
		switch {
		case c.code == 0 && r != nil:
			t.Errorf("%s: %v", c.name, r)
		case c.code != 0 && (r == nil || r.Code != c.code || !r.Until.Equal(start.Add(c.till))):
			t.Errorf("%s: %+v", c.name, r)
		}
		if c.then != nil {
			c.then()
		}
	}
	if r := p.CallConnected(prod, false, start.Add(51*time.Hour)).CheckRequest(prod, start.Add(52*time.Hour)); r != nil {
		t.Errorf("a connected call resets both counters, got %v", r)
	}
}

func TestPermanentPermissionNeedsNoRequest(t *testing.T) {
	p := Pair{}.Granted(prod, true, start)
	if r := p.CheckRequest(prod, start); r == nil || r.Code != AlreadyPermanent {
		t.Errorf("got %v", r)
	}
	if _, changed := p.CalledBack(prod, start); changed {
		t.Error("a call-back made a permanent permission temporary")
	}
}

func TestOnlyTheNewestRequestLives(t *testing.T) {
	p := Pair{}.Requested(prod, "r1", start).Requested(prod, "r2", start.Add(25*time.Hour))
	if _, ok := p.Answered(prod, "r1", AcceptPermanent, start.Add(26*time.Hour)); ok {
		t.Error("an older request was answered")
	}
	if p.Answerable("r2", start.Add(25*time.Hour+168*time.Hour)) {
		t.Error("a request lives longer than 7 days")
	}
	p, _ = p.Answered(prod, "r2", AcceptTemporary, start.Add(30*time.Hour))
	if !p.Answerable("r2", start.Add(30*time.Hour+167*time.Hour)) {
		t.Error("an accepted request must stay answerable for 7 days after acceptance")
	}
	p, ok := p.Answered(prod, "r2", Decline, start.Add(31*time.Hour))
	if s, _ := p.StatusAt(start.Add(31 * time.Hour)); !ok || s != None {
		t.Errorf("declining afterwards leaves %s", s)
	}
}

func TestUnansweredStreak(t *testing.T) {
	for _, c := range []struct {
		name   string
		limits Limits
		want   []Consequence
	}{
		{"production", prod, []Consequence{Nothing, Suggest, Nothing, Revoke, Nothing}},
		{"sandbox", Sandbox().WithDefaults(), []Consequence{0, 0, 0, 0, Suggest, 0, 0, 0, 0, Revoke}},
	} {
		p := Pair{}.Granted(c.limits, true, start)
		for i, want := range c.want {
			var got Consequence
			if p, got = p.CallMissed(c.limits, start); got != want {
				t.Errorf("%s: call %d leads to %d, want %d", c.name, i+1, got, want)
			}
		}
		if s, _ := p.StatusAt(start); s != None {
			t.Errorf("%s: %s is left", c.name, s)
		}
	}
	p := Pair{}.Granted(prod, true, start)
	for range 3 {
		p, _ = p.CallMissed(prod, start)
	}
	p = p.CallConnected(prod, true, start)
	if _, got := p.CallMissed(prod, start); got != Nothing {
		t.Error("a connected call must end the streak")
	}
}

func TestDailyCallsAndWindow(t *testing.T) {
	l := Limits{CallsPerDay: 3}.WithDefaults()
	p := Pair{}.Granted(l, true, start)
	for i := range 3 {
		p = p.CallConnected(l, true, start.Add(time.Duration(i)*time.Hour))
	}
	r := p.CheckCall(l, start.Add(3*time.Hour))
	if r == nil || r.Code != CallLimit || !r.Until.Equal(start.Add(24*time.Hour)) {
		t.Errorf("fourth call: %+v", r)
	}
	if r := p.CheckCall(l, start.Add(24*time.Hour)); r != nil {
		t.Errorf("after the first has left: %v", r)
	}
	if !p.WindowOpen(start.Add(25*time.Hour)) || p.WindowOpen(start.Add(26*time.Hour)) {
		t.Error("an accepted business call opens the service window for 24 h")
	}
	if (Pair{}).CallConnected(l, false, start).CallUsage(l, start).Used != 0 {
		t.Error("a user's call counts against the business's limit")
	}
}

// Whatever happens: no call without permission, never more connected calls or requests than allowed in their windows.
func TestLimitsHoldInAnyHistory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := Limits{CallsPerDay: 4}.WithDefaults()
		p, now, n := Pair{}, start, 0
		var calls, requests []time.Time
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(1, 30*3600).Draw(t, "gap")) * time.Second)
			switch rapid.IntRange(0, 6).Draw(t, "what") {
			case 0:
				if p.CheckRequest(l, now) == nil {
					n++
					p = p.Requested(l, string(rune('a'+n)), now)
					requests = append(requests, now)
				}
			case 1:
				p, _ = p.Answered(l, string(rune('a'+n)), []Answer{AcceptTemporary, AcceptPermanent, Decline}[rapid.IntRange(0, 2).Draw(t, "answer")], now)
			case 2, 3:
				if p.CheckCall(l, now) == nil {
					if s, _ := p.StatusAt(now); s == None {
						t.Fatal("a call without permission")
					}
					if rapid.Bool().Draw(t, "answered") {
						p, calls, requests = p.CallConnected(l, true, now), append(calls, now), nil
					} else {
						p, _ = p.CallMissed(l, now)
					}
				}
			case 4:
				p = p.Revoked()
			case 5:
				p, _ = p.CalledBack(l, now)
			case 6:
				p = p.UserActed(l, now)
			}
			for _, w := range []struct {
				marks []time.Time
				span  time.Duration
				limit int
			}{{calls, day, l.CallsPerDay}, {requests, day, l.RequestsPerDay}, {requests, week, l.RequestsPerWeek}} {
				inside := 0
				for _, at := range w.marks {
					if now.Sub(at) < w.span {
						inside++
					}
				}
				if inside > w.limit {
					t.Fatalf("%d in %v, limit %d", inside, w.span, w.limit)
				}
			}
		}
	})
}
