package codec

// Ticks returns the duration of an Opus packet in ticks of the 48 kHz RTP clock, and false for bytes that are
// no Opus packet or last over 120 ms (RFC 6716 section 3.1 and 3.2).
func Ticks(packet []byte) (int, bool) {
	if len(packet) == 0 {
		return 0, false
	}
	frames := 0
	switch packet[0] & 3 {
	case 0:
		frames = 1
	case 1, 2:
		frames = 2
	case 3:
		if len(packet) < 2 {
			return 0, false
		}
		frames = int(packet[1] & 0x3f)
	}
	ticks := frames * frameTicks(packet[0])
	if ticks == 0 || ticks > 120*ClockRate/1000 {
		return 0, false
	}
	return ticks, true
}

// frameTicks returns the duration of one frame by the TOC byte's configuration (RFC 6716 table 2).
func frameTicks(toc byte) int {
	const ms = ClockRate / 1000
	config := toc >> 3
	switch {
	case config < 12: // SILK only
		return [...]int{10 * ms, 20 * ms, 40 * ms, 60 * ms}[config&3]
	case config < 16: // hybrid
		return [...]int{10 * ms, 20 * ms}[config&1]
	default: // CELT only
		return [...]int{ms * 5 / 2, 5 * ms, 10 * ms, 20 * ms}[config&3]
	}
}

// Voiced guesses from the packet alone whether somebody speaks in it: SILK and hybrid packets carry voice
// activity flags in the first bits of a frame (RFC 6716 section 4.2.3), CELT packets are judged by their size.
func Voiced(packet []byte) bool {
	if len(packet) == 0 {
		return false
	}
	if packet[0]>>3 >= 16 {
		return len(packet) > 24
	}
	first, ok := firstFrame(packet)
	if !ok {
		return false
	}
	n := silkFrames(packet[0])
	return packet[first]>>(8-n) != 0
}

// HasFEC reports whether the packet carries a second, coarser copy of the frame before it (LBRR, RFC 6716
// section 4.2.4).
func HasFEC(packet []byte) bool {
	if len(packet) == 0 || packet[0]>>3 >= 16 {
		return false
	}
	first, ok := firstFrame(packet)
	if !ok {
		return false
	}
	return packet[first]>>(7-silkFrames(packet[0]))&1 != 0
}

// silkFrames returns how many 20 ms SILK frames (or one of 10 ms) make an Opus frame; each has its flag.
func silkFrames(toc byte) int {
	return max(1, frameTicks(toc)/FrameTicks)
}

// firstFrame returns the index of the first byte of the packet's first frame, and false if that frame is
// empty or the packet is cut (RFC 6716 section 3.2). A frame of one byte or none is a DTX frame.
func firstFrame(packet []byte) (int, bool) {
	at, size := 1, len(packet)-1
	switch packet[0] & 3 {
	case 1:
		size /= 2
	case 2:
		if size < 1 {
			return 0, false
		}
		n, width := frameLength(packet[1:])
		at, size = 1+width, n
	case 3:
		if size < 1 {
			return 0, false
		}
		vbr, padded := packet[1]&0x80 != 0, packet[1]&0x40 != 0
		at = 2
		for padded && at < len(packet) {
			padded = packet[at] == 255
			at++
		}
		size = len(packet) - at
		if vbr {
			if size < 1 {
				return 0, false
			}
			n, width := frameLength(packet[at:])
			at, size = at+width, n
		}
	}
	return at, size > 1 && at < len(packet)
}

// frameLength reads a frame length of one or two bytes (RFC 6716 section 3.2.1).
func frameLength(b []byte) (n, width int) {
	if b[0] < 252 || len(b) < 2 {
		return int(b[0]), 1
	}
	return int(b[1])*4 + int(b[0]), 2
}
