package media

import (
	"slices"
	"time"

	"ramal/internal/id"
	"ramal/media/mix"
)

// plan is what a conference does at its turn: an immutable snapshot, replaced at every change.
type plan struct {
	legs    []*leg
	outputs []mixing
}

// mixing is one output and what goes into it.
type mixing struct {
	out     *output
	sources []source
}

type source struct {
	in   *leg
	gain int32 // Q12, above 0
}

// tick is one turn, on the shard's goroutine.
func (c *Conference) tick(turn int64, now time.Duration) {
	skipped := 0
	if c.last >= 0 {
		skipped = int(turn - c.last - 1)
		c.engine.count.ticksSkipped.Add(uint64(skipped))
	}
	c.last = turn
	p := c.plan.Load()
	for _, l := range p.legs {
		l.expire(now)
	}
	for _, m := range p.outputs {
		m.out.begin(skipped)
	}
	// Each source is decoded once, whoever hears it. Sources of different outputs may differ, so go by source.
	for _, l := range p.legs {
		if !l.heardIn(p) {
			continue
		}
		pcm := l.in.next()
		if pcm == nil {
			continue
		}
		for _, m := range p.outputs {
			for _, s := range m.sources {
				if s.in == l {
					m.out.bus.Add(pcm, s.gain)
				}
			}
		}
	}
	for _, m := range p.outputs {
		m.out.send()
	}
}

func (l *leg) heardIn(p *plan) bool {
	for _, m := range p.outputs {
		for _, s := range m.sources {
			if s.in == l {
				return true
			}
		}
	}
	return false
}

// c.mu is held by what follows.

// publish recomputes every snapshot from membership, gains and switches, and tells agents whose slots changed.
func (c *Conference) publish() {
	present := make([]id.Leg, 0, len(c.mu.legs))
	for _, l := range c.mu.legs {
		if l.peer != nil {
			present = append(present, l.id)
		}
	}
	routes := make(map[id.Leg]*route, len(c.mu.legs))
	for _, l := range c.mu.legs {
		routes[l.id] = &route{drop: l.dropped()}
	}
	next := &plan{}
	for _, l := range c.mu.legs {
		switch {
		case l.table != nil:
			c.publishSlots(l, present, routes)
		case l.out != nil && l.open:
			next.outputs = append(next.outputs, c.mixFor(l, routes))
		}
	}
	for _, l := range c.mu.legs {
		r := routes[l.id]
		if r.mixed && !l.mixed {
			l.in.restart()
		}
		l.mixed = r.mixed
		l.route.Store(r)
		next.legs = append(next.legs, l)
	}
	c.plan.Store(next)
}

// publishSlots gives an agent's slots to the speakers present, and routes those it may hear.
func (c *Conference) publishSlots(l *leg, present []id.Leg, routes map[id.Leg]*route) {
	others := slices.DeleteFunc(slices.Clone(present), func(other id.Leg) bool { return other == l.id })
	if l.table.Sync(others) {
		l.tell(SlotsChanged{Leg: l.id, Slots: l.slotList()})
	}
	for i, speaker := range l.table.Speakers() {
		s := c.find(speaker)
		if s == nil || s.dropped() != "" || c.mu.gains.Gain(l.id, speaker) == 0 {
			l.sinks[i].assign(nil)
			continue
		}
		l.sinks[i].assign(s)
		routes[speaker].sinks = append(routes[speaker].sinks, l.sinks[i])
	}
}

// mixFor lists what a contact hears.
func (c *Conference) mixFor(l *leg, routes map[id.Leg]*route) mixing {
	m := mixing{out: l.out}
	for _, s := range c.mu.legs {
		gain := mix.Gain(c.mu.gains.Gain(l.id, s.id))
		if s == l || s.peer == nil || s.dropped() != "" || gain == 0 {
			continue
		}
		m.sources = append(m.sources, source{in: s, gain: gain})
		routes[s.id].mixed = true
	}
	return m
}
