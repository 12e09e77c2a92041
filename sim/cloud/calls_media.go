package cloud

import (
	"time"

	"ramal/sim/callflow"
)

// The facts of a leg arrive here from the endpoint's goroutines.

func (c *Cloud) mediaConnected(id string, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k := c.calls[id]; k != nil && !c.closed {
		k.connectedMedia = at
		c.note("media.connected", k.line, k.user, id, nil)
		k.user.wake()
	}
}

func (c *Cloud) mediaHeard(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k := c.calls[id]; k != nil && !c.closed {
		k.firstHear = time.Now()
		c.note("media.first_packet", k.line, k.user, id, nil)
		_ = c.do(k, callflow.Media{}) // never refused
		k.user.wake()
	}
}

func (c *Cloud) mediaDigit(id string, digit byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k := c.calls[id]; k != nil {
		c.note("media.digit", k.line, k.user, id, object{"digit": string(digit)})
	}
}

func (c *Cloud) mediaClosed(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k := c.calls[id]; k != nil && !c.closed {
		c.note("media.closed", k.line, k.user, id, nil)
	}
}
