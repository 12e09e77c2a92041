package dtmf

import (
	"slices"
	"testing"
	"time"
)

const ms = time.Millisecond

func event(code byte, end bool, units uint16) []byte {
	flags := byte(10)
	if end {
		flags |= 0x80
	}
	return []byte{code, flags, byte(units >> 8), byte(units)}
}

func TestPresses(t *testing.T) {
	type packet struct {
		ts      uint32
		payload []byte
		at      time.Duration
	}
	for _, c := range []struct {
		name    string
		packets []packet
		expire  time.Duration
		want    []Press
	}{
		{"a press, its end three times", []packet{
			{100, event(5, false, 160), 0}, {100, event(5, false, 320), 20 * ms}, {100, event(5, true, 800), 100 * ms},
			{100, event(5, true, 800), 101 * ms}, {100, event(5, true, 800), 102 * ms},
		}, 2 * time.Second, []Press{{'5', 100 * ms}}},
		{"only one of its ends arrives", []packet{{100, event(11, true, 800), 0}}, 0, []Press{{'#', 100 * ms}}},
		{"the same key twice", []packet{
			{100, event(10, true, 800), 0}, {9000, event(10, true, 400), 200 * ms},
		}, 0, []Press{{'*', 100 * ms}, {'*', 50 * ms}}},
		{"no end, then another key", []packet{
			{100, event(1, false, 640), 0}, {9000, event(2, true, 800), 200 * ms},
		}, 0, []Press{{'1', 80 * ms}, {'2', 100 * ms}}},
		{"no end at all", []packet{{100, event(1, false, 640), 0}}, 501 * ms, []Press{{'1', 80 * ms}}},
		{"no end yet", []packet{{100, event(1, false, 640), 0}}, 500 * ms, nil},
		{"reordered: the end first", []packet{
			{100, event(3, true, 800), 0}, {100, event(3, false, 320), 1 * ms},
		}, 2 * time.Second, []Press{{'3', 100 * ms}}},
		{"a packet of the press before comes late", []packet{
			{9000, event(2, true, 800), 0}, {100, event(1, true, 800), 1 * ms},
		}, 2 * time.Second, []Press{{'2', 100 * ms}}},
		{"the first press has timestamp 0", []packet{{0, event(0, true, 800), 0}}, 0, []Press{{'0', 100 * ms}}},
		{"a modem's tone, a cut packet, nothing", []packet{
			{100, event(32, true, 800), 0}, {200, []byte{1, 0x80, 3}, 0}, {300, nil, 0},
		}, 2 * time.Second, nil},
	} {
		var d Detector
		var got []Press
		for _, p := range c.packets {
			got = d.Push(got, p.ts, p.payload, p.at)
		}
		got = d.Expire(got, c.expire)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func FuzzPush(f *testing.F) {
	f.Add(uint32(1), event(5, true, 800))
	f.Add(uint32(0), []byte{})
	f.Fuzz(func(t *testing.T, ts uint32, payload []byte) {
		var d Detector
		got := d.Push(nil, ts, payload, 0)
		got = d.Push(got, ts, payload, ms)
		got = d.Expire(got, time.Second)
		if len(got) > 1 {
			t.Errorf("one packet, sent twice, is %d presses", len(got))
		}
	})
}
