package media

import (
	"slices"
	"sync"
	"sync/atomic"

	"ramal/internal/fault"
	"ramal/internal/id"
	"ramal/media/matrix"
)

// Conference is the media of one call. Its methods may be called from anywhere at any time; each returns within
// milliseconds and none waits for the network. Errors: Invalid for what can never work (a description, a gain),
// NotFound for an unknown leg, Conflict for a known one in another state, Exhausted for one party too many.
type Conference struct {
	engine *Engine
	call   id.Call
	facts  *factQueue
	shard  *shard
	plan   atomic.Pointer[plan]
	last   int64 // the shard's: number of the last turn, -1 before the first

	mu struct {
		sync.Mutex
		legs   []*leg // in order of arrival
		gains  matrix.Matrix
		closed bool
	}
}

func newConference(e *Engine, call id.Call, facts func(Fact)) *Conference {
	c := &Conference{engine: e, call: call, facts: newFactQueue(facts, &e.count), last: -1}
	c.plan.Store(&plan{})
	return c
}

// Slots returns who is heard on which of an agent's receive slots, nil for a leg without slots.
func (c *Conference) Slots(leg id.Leg) []Slot {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.find(leg)
	if l == nil {
		return nil
	}
	return l.slotList()
}

// OpenAudio lets a contact hear and be heard: from now to Remove it gets exactly 50 packets/s, silence included.
// Before, nothing is sent to it at all, and what it sends is dropped. Opening twice does nothing.
func (c *Conference) OpenAudio(leg id.Leg) error {
	const op = "media.open_audio"
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.find(leg)
	switch {
	case l == nil:
		return notFound(op, leg)
	case l.kind != contact:
		return fault.New(fault.Conflict, op, "not_contact", "only a contact's audio is opened")
	}
	l.open = true
	c.publish()
	return nil
}

// SetGain sets how loud listener hears speaker, 0 to 2, where 1 is as spoken. Towards a contact it is applied in
// the mix. Towards a browser 0 ends forwarding and every other value is the browser's to apply. It may be set for
// legs that are yet to come.
func (c *Conference) SetGain(listener, speaker id.Leg, gain float64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mu.closed {
		return closedError("media.set_gain")
	}
	if err := c.mu.gains.Set(listener, speaker, gain); err != nil {
		return err
	}
	c.publish()
	return nil
}

// SetMuted mutes a leg's own microphone: nobody hears it, whatever the gains.
func (c *Conference) SetMuted(leg id.Leg, muted bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.find(leg)
	if l == nil {
		return notFound("media.set_muted", leg)
	}
	l.muted = muted
	c.publish()
	return nil
}

// Remove ends a leg and its connection; the others see its slots freed. An unknown leg is no fault.
func (c *Conference) Remove(leg id.Leg) {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.find(leg)
	if l == nil {
		return
	}
	c.drop(l)
	c.mu.gains.Forget(leg)
	c.publish()
}

// Close ends every leg and the conference. No fact is told any more. Closing twice does nothing.
func (c *Conference) Close() {
	c.mu.Lock()
	if c.mu.closed {
		c.mu.Unlock()
		return
	}
	c.mu.closed = true
	for len(c.mu.legs) > 0 {
		c.drop(c.mu.legs[0])
	}
	c.publish()
	c.mu.Unlock()
	c.facts.close()
	c.shard.remove(c)
	c.engine.forget(c)
}

func (c *Conference) size() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.mu.legs)
}

// Below, c.mu is held.

func (c *Conference) find(name id.Leg) *leg {
	for _, l := range c.mu.legs {
		if l.id == name {
			return l
		}
	}
	return nil
}

// drop takes a leg out and ends its connection.
func (c *Conference) drop(l *leg) {
	l.gone.Store(true)
	c.mu.legs = slices.DeleteFunc(c.mu.legs, func(other *leg) bool { return other == l })
	if l.peer != nil {
		c.engine.retire(l.peer)
	}
}

// reserve finds or makes the leg a connection is being prepared for; settled ends the preparation.
func (c *Conference) reserve(op string, name id.Leg, kind legKind) (*leg, error) {
	if c.mu.closed {
		return nil, closedError(op)
	}
	if !id.Valid(string(name)) {
		return nil, fault.New(fault.Invalid, op, "leg", "not a leg's name")
	}
	l := c.find(name)
	if l == nil {
		if len(c.mu.legs) >= c.engine.cfg.MaxParticipants {
			return nil, fault.Newf(fault.Exhausted, op, "conference_full",
				"the conference has its %d participants", c.engine.cfg.MaxParticipants)
		}
		in, err := newInput(&c.engine.count)
		if err != nil {
			return nil, err
		}
		l = &leg{id: name, kind: kind, conf: c, in: in}
		l.route.Store(&route{drop: DropStale})
		c.mu.legs = append(c.mu.legs, l)
	}
	if l.kind != kind {
		return nil, fault.New(fault.Conflict, op, "leg_kind", "the leg is another kind of party")
	}
	l.pending++
	return l, nil
}

// settled ends a preparation begun by reserve. A leg that got no connection by it or before is taken out again.
func (c *Conference) settled(l *leg) {
	l.pending--
	if l.pending == 0 && l.peer == nil && !l.gone.Load() {
		c.drop(l)
	}
}

// take makes a prepared connection the leg's, unless preparing it failed with err; then what there is of it ends. On success
// the caller settles the leg once it has given it all that belongs to p; c.mu is held.
func (c *Conference) take(op string, l *leg, p *peer, err error) error {
	if err == nil {
		err = c.connect(op, l, p)
	}
	if err == nil {
		return nil
	}
	if p != nil {
		c.engine.retire(p)
	}
	c.settled(l)
	return err
}

// connect makes p the leg's connection in place of the one before.
func (c *Conference) connect(op string, l *leg, p *peer) error {
	if l.gone.Load() {
		return fault.New(fault.Conflict, op, "leg_removed", "the leg was removed meanwhile")
	}
	if l.peer != nil {
		c.engine.retire(l.peer)
	}
	l.peer = p
	return nil
}

func notFound(op string, name id.Leg) error {
	return fault.Newf(fault.NotFound, op, "no_leg", "no leg %q in this conference", string(name))
}

func closedError(op string) error {
	return fault.New(fault.Conflict, op, "conference_closed", "the conference is closed")
}
