package codec

import "testing"

// toc builds a table-of-contents byte (RFC 6716 section 3.1).
func toc(config byte, stereo bool, code byte) byte {
	b := config<<3 | code
	if stereo {
		b |= 4
	}
	return b
}

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		name   string
		packet []byte
		ms     float64
	}{
		{"SILK wideband 20 ms", []byte{toc(9, false, 0), 0}, 20},
		{"SILK narrowband 60 ms", []byte{toc(3, false, 0), 0}, 60},
		{"SILK 10 ms", []byte{toc(8, false, 0), 0}, 10},
		{"hybrid 20 ms", []byte{toc(13, false, 0), 0}, 20},
		{"CELT 2.5 ms", []byte{toc(16, false, 0), 0}, 2.5},
		{"CELT 20 ms stereo", []byte{toc(31, true, 0), 0}, 20},
		{"two frames of one size", []byte{toc(9, false, 1), 0, 0}, 40},
		{"two frames of two sizes", []byte{toc(9, false, 2), 1, 0, 0}, 40},
		{"three frames by count", []byte{toc(9, false, 3), 3, 0, 0, 0}, 60},
		{"six frames, the most", []byte{toc(9, false, 3), 6}, 120},
		{"seven frames", []byte{toc(9, false, 3), 7}, 0},
		{"no frame", []byte{toc(9, false, 3), 0}, 0},
		{"a count that is cut off", []byte{toc(9, false, 3)}, 0},
		{"nothing", nil, 0},
	} {
		ticks, ok := Ticks(c.packet)
		if want := int(c.ms * 48); ok != (c.ms > 0) || ok && ticks != want {
			t.Errorf("%s: %d ticks, %v; want %d", c.name, ticks, ok, want)
		}
	}
}

func TestFlags(t *testing.T) {
	for _, c := range []struct {
		name        string
		packet      []byte
		voiced, fec bool
	}{
		{"20 ms, silence", []byte{toc(9, false, 0), 0x00, 1}, false, false},
		{"20 ms, voice", []byte{toc(9, false, 0), 0x80, 1}, true, false},
		{"20 ms, FEC only", []byte{toc(9, false, 0), 0x40, 1}, false, true},
		{"20 ms, both", []byte{toc(9, false, 0), 0xc0, 1}, true, true},
		{"40 ms, voice in the second half", []byte{toc(10, false, 0), 0x40, 1}, true, false},
		{"40 ms, FEC", []byte{toc(10, false, 0), 0x20, 1}, false, true},
		{"60 ms, FEC", []byte{toc(11, false, 0), 0x10, 1}, false, true},
		{"two lengths, first frame voiced", []byte{toc(9, false, 2), 2, 0x80, 1, 0, 0}, true, false},
		{"counted, padded", []byte{toc(9, false, 3), 0x41, 1, 0xc0, 1, 0}, true, true},
		{"counted, of two lengths", []byte{toc(9, false, 3), 0x82, 2, 0x80, 1, 0, 0}, true, false},
		{"DTX", []byte{toc(9, false, 0)}, false, false},
		{"DTX of one byte", []byte{toc(9, false, 0), 0xff}, false, false},
		{"small CELT", append([]byte{toc(31, false, 0)}, make([]byte, 10)...), false, false},
		{"large CELT", append([]byte{toc(31, false, 0)}, make([]byte, 60)...), true, false},
		{"nothing", nil, false, false},
	} {
		if got := Voiced(c.packet); got != c.voiced {
			t.Errorf("%s: voiced %v", c.name, got)
		}
		if got := HasFEC(c.packet); got != c.fec {
			t.Errorf("%s: FEC %v", c.name, got)
		}
	}
}

func FuzzPacket(f *testing.F) {
	for _, seed := range [][]byte{nil, {0x48, 0x80, 1}, {0x4b, 0xc2, 255, 255}, {0x4a, 252}, {0x4b, 0x82, 253}} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, packet []byte) {
		if ticks, ok := Ticks(packet); ok && (ticks <= 0 || ticks > 5760) {
			t.Errorf("%d ticks", ticks)
		}
		Voiced(packet)
		HasFEC(packet)
	})
}
