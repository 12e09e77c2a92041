package media

import (
	"context"
	"slices"
	"strconv"

	"github.com/pion/webrtc/v4"

	"ramal/internal/fault"
	"ramal/internal/id"
	"ramal/media/sdpcheck"
	"ramal/media/sdpedit"
	"ramal/media/slots"
)

// AgentAnswer answers a browser's offer.
type AgentAnswer struct {
	SDP   string
	Slots []Slot // by m-line
}

// AnswerAgent connects a browser. The offer's first audio line is its microphone (sendrecv) and its first receive
// slot; each further line, recvonly, is a slot; lines beyond Config.AgentSlots stay silent. A browser without a
// microphone offers recvonly throughout. Called again for the same leg it replaces the connection: mute and gains
// stay, the others notice nothing but the gap.
func (c *Conference) AnswerAgent(ctx context.Context, name id.Leg, offer string) (AgentAnswer, error) {
	const op = "media.answer_agent"
	session, err := sdpcheck.Read(offer, sdpcheck.Offer)
	if err != nil {
		return AgentAnswer{}, err
	}
	if err := judgeLines(op, session.Lines); err != nil {
		return AgentAnswer{}, err
	}
	c.mu.Lock()
	l, err := c.reserve(op, name, agent)
	c.mu.Unlock()
	if err != nil {
		return AgentAnswer{}, err
	}
	p, sinks, mids, err := c.prepareAgent(l, session.Lines)
	var text string
	if err == nil {
		p.speak(session.Lines[0])
		p.event.Store(0) // a browser's keys are signalled by its console
		text, err = p.answer(ctx, sdpedit.Intake(offer))
	}

	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.take(op, l, p, err); err != nil {
		return AgentAnswer{}, err
	}
	l.sinks, l.mids = sinks, mids
	l.table = slots.New(len(sinks))
	l.table.Sync(c.others(l)) // told by the answer itself
	c.settled(l)
	c.publish()
	p.activate()
	return AgentAnswer{SDP: text, Slots: l.slotList()}, nil
}

// others lists who is present besides l; c.mu is held.
func (c *Conference) others(l *leg) (present []id.Leg) {
	for _, other := range c.mu.legs {
		if other != l && other.peer != nil {
			present = append(present, other.id)
		}
	}
	return present
}

// judgeLines refuses what a browser may not ask for.
func judgeLines(op string, lines []sdpcheck.Line) error {
	for i, line := range lines {
		allowed := []string{"recvonly", "inactive"}
		if i == 0 {
			allowed = []string{"sendrecv", "recvonly"}
		}
		if line.Rejected || !slices.Contains(allowed, line.Direction) {
			return fault.Newf(fault.Invalid, op, "direction", "media line %d is %s, one of %v is allowed", i,
				line.Direction, allowed)
		}
	}
	return nil
}

// prepareAgent makes the connection and one outgoing stream per slot, in the order of the offer's lines: the
// library matches them by direction and order.
func (c *Conference) prepareAgent(l *leg, lines []sdpcheck.Line) (*peer, []*sink, []string, error) {
	p, err := c.engine.newPeer(c.engine.apis.browser, l)
	if err != nil {
		return nil, nil, nil, err
	}
	var sinks []*sink
	var mids []string
	for i, line := range lines {
		if line.Direction == "inactive" || len(sinks) == c.engine.cfg.AgentSlots {
			continue
		}
		direction := webrtc.RTPTransceiverDirectionSendonly
		if line.Direction == "sendrecv" {
			direction = webrtc.RTPTransceiverDirectionSendrecv
		}
		t := &track{id: "slot" + strconv.Itoa(i), stream: streamID + strconv.Itoa(i)}
		transceiver, err := p.pc.AddTransceiverFromTrack(t, webrtc.RTPTransceiverInit{Direction: direction})
		if err != nil {
			return p, nil, nil, fault.Wrap(fault.Internal, "media.connection", err)
		}
		p.drain(transceiver.Sender(), nil)
		sinks = append(sinks, newSink(t, &c.engine.count))
		mids = append(mids, line.Mid)
	}
	return p, sinks, mids, nil
}
