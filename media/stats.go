package media

import "sync/atomic"

// Stats is a snapshot of an engine: two gauges, then counters since New.
type Stats struct {
	Conferences int // open now
	Legs        int // in open conferences now

	PacketsIn     uint64 // RTP packets received and readable
	PacketsOut    uint64 // RTP packets handed to the network
	Forwarded     uint64 // of PacketsOut: a browser's packet or the contact's, passed on unchanged
	Mixed         uint64 // of PacketsOut: frames encoded from a mix
	Silent        uint64 // of PacketsOut: cached silence
	Underruns     uint64 // times a playing source had nothing for its 20 ms
	Concealed     uint64 // frames made up by loss concealment or recovered by in-band FEC
	TicksLate     uint64 // deadlines of a shard met more than 5 ms late
	TicksSkipped  uint64 // 20 ms turns of a conference not taken at all
	FactsDropped  uint64 // facts lost because their receiver was too slow
	FactsReported uint64

	Dropped map[Drop]uint64 // packets not used, by reason; every reason is present
}

// Drop says why a packet was not used. The list is closed: it is a metric label.
type Drop string

// The reasons for which a packet is dropped.
const (
	DropMalformed Drop = "malformed"  // not RTP, or not Opus
	DropCodec     Drop = "codec"      // a payload type nobody negotiated
	DropNotOpen   Drop = "not_open"   // from the contact, before OpenAudio
	DropMuted     Drop = "muted"      // the leg's own microphone is muted
	DropLate      Drop = "late"       // after its turn in the mix had passed
	DropDuplicate Drop = "duplicate"  // already had
	DropOverflow  Drop = "overflow"   // the jitter buffer's ceiling
	DropTrimmed   Drop = "trimmed"    // left out to bring delay back down
	DropStale     Drop = "stale"      // from before a slot was given to its speaker, or far out of order
	DropSend      Drop = "send_error" // the network refused it
)

var drops = [...]Drop{
	DropMalformed, DropCodec, DropNotOpen, DropMuted, DropLate, DropDuplicate, DropOverflow, DropTrimmed, DropStale, DropSend,
}

// counters are the engine's cumulative numbers. Every media goroutine adds to them, Stats reads them.
type counters struct {
	in, out, forwarded, mixed, silent atomic.Uint64
	underruns, concealed              atomic.Uint64
	ticksLate, ticksSkipped           atomic.Uint64
	factsDropped, factsReported       atomic.Uint64
	dropped                           [len(drops)]atomic.Uint64
}

func (c *counters) drop(reason Drop) { c.dropN(reason, 1) }

func (c *counters) dropN(reason Drop, n uint64) {
	for i, d := range drops {
		if d == reason {
			c.dropped[i].Add(n)
			return
		}
	}
	panic("media: drop reason not listed: " + string(reason))
}

func (c *counters) snapshot() Stats {
	s := Stats{
		PacketsIn: c.in.Load(), PacketsOut: c.out.Load(), Forwarded: c.forwarded.Load(), Mixed: c.mixed.Load(),
		Silent: c.silent.Load(), Underruns: c.underruns.Load(), Concealed: c.concealed.Load(),
		TicksLate: c.ticksLate.Load(), TicksSkipped: c.ticksSkipped.Load(),
		FactsDropped: c.factsDropped.Load(), FactsReported: c.factsReported.Load(),
		Dropped: make(map[Drop]uint64, len(drops)),
	}
	for i, d := range drops {
		s.Dropped[d] = c.dropped[i].Load()
	}
	return s
}
