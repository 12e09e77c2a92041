// Package jitter orders the packets of one source and decides, every 20 ms, what is played: the next packet, a
// concealment in its place, or nothing. It knows no sockets, codecs or clock: time is the number of Pops. A
// Buffer owns its slots and belongs to whoever holds its source's lock.
//
// Delay is bounded from both sides. It begins at one frame; a packet that comes too late for its turn makes it a
// frame deeper; a second in which more lay ready than the target calls for gives one frame up; above Ceiling
// everything but the target is thrown away. The same rule takes up the drift between two clocks.
//
//	          depth >= target                     nothing there, 5 times
//	WAITING ------------------> PLAYING --------------------------------> WAITING
//	                            PLAYING --- leap of numbers or time ----> WAITING
package jitter

// The bounds, in ticks of the 48 kHz RTP clock where they are durations.
const (
	Slots    = 32         // packets held at most
	Frame    = 960        // 20 ms
	Ceiling  = 200 * 48   // delay above which the buffer is cut down: 200 ms
	patience = 5          // frames concealed in a row before a source counts as silent
	window   = 50         // Pops over which the least depth is watched: 1 s
	calm     = 500        // Pops without an underrun after which the target is lowered: 10 s
	deepest  = 6          // target at most, in frames
	leap     = 48000      // a jump of timestamps that is a new beginning: 1 s
	quietFor = window / 2 // Pops to wait for a quiet packet before any packet is left out
)

// Packet is one received packet. Payload is copied by Push and valid until the next Push when returned by Pop.
type Packet struct {
	Seq     uint16
	TS      uint32 // 48 kHz
	Ticks   uint32 // duration, 48 kHz
	Payload []byte
	Quiet   bool // nobody speaks in it: leaving it out is not heard
	FEC     bool // it holds a copy of the frame before it
}

// Outcome says what became of a pushed packet.
type Outcome uint8

// The outcomes of Push.
const (
	Stored    Outcome = iota
	Late              // its turn is over
	Duplicate         // already held
)

// Kind says what is to be played.
type Kind uint8

// The kinds of Frame.
const (
	Idle    Kind = iota // nothing: the source is silent or not ready yet
	Play                // decode Packet
	Recover             // the frame before Packet was lost: decode it from Packet's FEC; Packet itself follows
	Conceal             // make up 20 ms
)

// Next is what Pop decides.
type Next struct {
	Kind   Kind
	Packet Packet // of Play and Recover
}

// Counts are what happened since the last Take.
type Counts struct {
	Underruns  uint64 // turns for which nothing had come although the source was playing
	Overflowed uint64 // packets thrown away above Ceiling or at a leap
	Trimmed    uint64 // packets left out to bring delay down
}

type slot struct {
	held bool // to be played
	used bool // played already
	Packet
}

// Buffer holds the packets of one source. Make it with New.
type Buffer struct {
	slots   [Slots]slot
	playing bool
	held    int
	seq     uint16 // next to play while playing; lowest held while waiting
	ts      uint32 // its timestamp, as far as known
	end     uint32 // where the newest packet ends

	target  int // frames
	dry     int // turns in a row without a packet
	since   int // Pops since the last underrun
	watched int // Pops of the running window
	least   int // least depth in it, in ticks
	surplus int // Pops since a frame became surplus; 0: none is
	counts  Counts
}

// New returns an empty buffer.
func New() *Buffer { return &Buffer{target: 1, least: Ceiling} }

// Reset forgets everything but the counts, as for a new source.
func (b *Buffer) Reset() {
	b.clear()
	*b = Buffer{slots: b.slots, target: 1, least: Ceiling, counts: b.counts}
}

// Take returns the counts and sets them to zero.
func (b *Buffer) Take() Counts {
	c := b.counts
	b.counts = Counts{}
	return c
}

// Depth returns how much lies ready, in ticks.
func (b *Buffer) Depth() int {
	if b.held == 0 {
		return 0
	}
	return int(int32(b.end - b.ts))
}

// Push stores a packet.
func (b *Buffer) Push(p Packet) Outcome {
	s := &b.slots[p.Seq%Slots]
	if (s.held || s.used) && s.Seq == p.Seq && s.TS == p.TS {
		return Duplicate
	}
	if b.held > 0 || b.playing {
		ahead := int16(p.Seq - b.seq)
		switch jump := int32(p.TS - b.ts); {
		case ahead >= Slots || ahead < -Slots || jump > leap || jump < -leap:
			b.counts.Overflowed += uint64(b.held)
			b.restart()
		case ahead < 0 && b.playing:
			b.late(int(-ahead))
			return Late
		case ahead < 0: // still waiting: it becomes the first, if all fit
			if int16(b.newest()-p.Seq) >= Slots {
				return Late
			}
			b.seq, b.ts = p.Seq, p.TS
		}
	}
	if b.held == 0 && !b.playing {
		b.seq, b.ts, b.end = p.Seq, p.TS, p.TS+p.Ticks
	}
	payload := s.Payload[:0]
	payload = append(payload, p.Payload...)
	*s = slot{held: true, Packet: p}
	s.Payload = payload
	b.held++
	if end := p.TS + p.Ticks; b.held == 1 || int32(end-b.end) > 0 {
		b.end = end
	}
	if b.Depth() > Ceiling {
		b.cut()
	}
	return Stored
}

// Pop returns what to play for the next turn. A packet longer than 20 ms covers several turns: the caller plays
// all of it before it pops again.
func (b *Buffer) Pop() Next {
	if !b.playing {
		if b.held == 0 || b.Depth() < b.target*Frame {
			return Next{}
		}
		b.playing, b.dry = true, 0
		b.watched, b.least, b.surplus = 0, Ceiling, 0
	}
	b.watch()
	s := &b.slots[b.seq%Slots]
	for ; s.held && b.dry > 0 && int32(s.TS-b.ts) >= Frame; b.dry-- {
		b.ts += Frame // the sender paused (DTX), and some of its pause has been played already
	}
	switch {
	case s.held && int32(s.TS-b.ts) >= Frame: // it paused: time passes without packets
		b.ts += Frame
		return Next{}
	case s.held:
		if b.dry > 0 { // it came, but too late for its first turn
			b.target = min(deepest, b.target+1)
		}
		return Next{Kind: Play, Packet: b.take()}
	case b.held > 0: // lost, or overtaken by later ones; those say that waiting longer is of no use
		return b.skip()
	}
	return b.dryTurn()
}

// take removes the packet whose turn it is.
func (b *Buffer) take() Packet {
	s := &b.slots[b.seq%Slots]
	s.held, s.used = false, true
	b.held--
	b.dry = 0
	b.seq++
	b.ts = s.TS + s.Ticks
	return s.Packet
}

// skip gives up the packet whose turn it is.
func (b *Buffer) skip() Next {
	b.seq++
	b.ts += Frame
	b.dry = 0
	if s := &b.slots[b.seq%Slots]; s.held {
		if int32(s.TS-b.ts) < 0 {
			b.ts = s.TS
		}
		if s.FEC {
			return Next{Kind: Recover, Packet: s.Packet}
		}
	}
	return Next{Kind: Conceal}
}

// dryTurn makes something up while the packet whose turn it is may still come: its turn stays, so that every
// such frame makes the buffer one frame deeper.
func (b *Buffer) dryTurn() Next {
	if b.dry == 0 {
		b.counts.Underruns++
	}
	b.dry++
	if b.dry > patience {
		b.playing = false
		return Next{}
	}
	b.since = 0
	return Next{Kind: Conceal}
}

// late deepens the target when a packet came after its turn was given up.
func (b *Buffer) late(by int) {
	b.target = min(deepest, b.target+min(by, 2))
	b.since = 0
}

// watch keeps the least depth of the running second, and gives up one frame when all of it had more than the
// target asks for: a quiet one if one comes by within half a second.
func (b *Buffer) watch() {
	b.least = min(b.least, b.Depth())
	b.watched++
	b.since++
	if b.since >= calm && b.target > 1 {
		b.target--
		b.since = 0
	}
	if b.watched >= window {
		if b.surplus == 0 && b.least >= (b.target+1)*Frame {
			b.surplus = 1
		}
		b.watched, b.least = 0, Ceiling
	}
	if b.surplus > 0 {
		b.surplus++
		s := &b.slots[b.seq%Slots]
		if s.held && b.Depth() > b.target*Frame && (s.Quiet || b.surplus > quietFor) {
			b.take()
			b.counts.Trimmed++
			b.surplus = 0
			b.watched, b.least = 0, Ceiling
		}
	}
}

// cut throws away the oldest packets until the target is left.
func (b *Buffer) cut() {
	for b.held > 1 && b.Depth() > b.target*Frame {
		if b.slots[b.seq%Slots].held {
			b.take()
			b.counts.Overflowed++
		} else {
			b.seq++
		}
		b.align()
	}
}

// align moves the turn to the oldest packet held.
func (b *Buffer) align() {
	for b.held > 0 && !b.slots[b.seq%Slots].held {
		b.seq++
	}
	if b.held > 0 {
		b.ts = b.slots[b.seq%Slots].TS
	}
}

// restart empties the buffer at a leap; the target stays, it is a property of the path.
func (b *Buffer) restart() {
	b.clear()
	b.held, b.playing, b.dry = 0, false, 0
}

func (b *Buffer) clear() {
	for i := range b.slots {
		b.slots[i].held, b.slots[i].used = false, false
	}
}

// newest returns the highest number held.
func (b *Buffer) newest() uint16 {
	high := b.seq
	for i := range uint16(Slots) {
		if b.slots[(b.seq+i)%Slots].held {
			high = b.seq + i
		}
	}
	return high
}
