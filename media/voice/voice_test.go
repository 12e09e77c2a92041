package voice

import (
	"testing"
	"time"
)

func TestGate(t *testing.T) {
	const frame = 20 * time.Millisecond
	for _, c := range []struct {
		name   string
		frames string // one per 20 ms: # speaks, . is silent, space: no packet
		want   string // at each: [ began, ] ended
	}{
		{"one loud packet is a click", "#......................", "                       "},
		{"two begin a turn, 400 ms end it", "##......................", " [                   ]  "},
		{"a pause between words is no end", "##.................##.....................", " [                                      ] "},
		{"packets that cease end it too", "##                      ", " [                   ]  "},
		{"alternating packets never begin", "#.#.#.#.#.", "          "},
	} {
		var g Gate
		for i, f := range c.frames {
			now := time.Duration(i) * frame
			got := ' '
			if f != ' ' && g.Push(f == '#', now) {
				got = '['
			}
			if g.Expire(now) {
				got = ']'
			}
			if got != rune(c.want[i]) {
				t.Errorf("%s: at frame %d %q, want %q", c.name, i, got, c.want[i])
			}
		}
	}
}
