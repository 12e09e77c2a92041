package events

import "testing"

func TestRingFilterAndWake(t *testing.T) {
	l := New(3)
	_, _, next := l.Find(Filter{})
	for _, k := range []string{"call.placed", "call.ended", "media.digit", "call.ringing"} {
		l.Add(Event{Kind: k, User: "u"})
	}
	select {
	case <-next:
	default:
		t.Error("an entry must wake those who wait")
	}
	for _, c := range []struct {
		f    Filter
		want []int64
	}{
		{Filter{}, []int64{2, 3, 4}}, // the oldest has gone
		{Filter{Kind: "call."}, []int64{2, 4}},
		{Filter{Kind: "call.*", After: 2}, []int64{4}},
		{Filter{Kind: "call"}, nil},
		{Filter{Kind: "media.digit", User: "u"}, []int64{3}},
		{Filter{User: "v"}, nil},
		{Filter{After: 99}, nil},
	} {
		found, latest, _ := l.Find(c.f)
		if len(found) != len(c.want) || latest != 4 {
			t.Errorf("%+v: %v, latest %d", c.f, found, latest)
			continue
		}
		for i := range found {
			if found[i].Seq != c.want[i] {
				t.Errorf("%+v: %v", c.f, found)
			}
		}
	}
}
