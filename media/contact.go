package media

import (
	"context"

	"github.com/pion/webrtc/v4"

	"ramal/internal/fault"
	"ramal/internal/id"
	"ramal/media/sdpcheck"
	"ramal/media/sdpedit"
)

// streamID names our one stream in session descriptions.
const streamID = "ramal"

// OfferContact makes the offer of a business-initiated call (Cloud API calling, business-initiated calls): full
// ICE, setup:actpass, Opus and telephone-event alone, one SHA-256 fingerprint, one source. Until it is answered
// the same leg gets the same text again.
func (c *Conference) OfferContact(ctx context.Context, name id.Leg) (sdp string, err error) {
	const op = "media.offer_contact"
	l, ready, err := c.beginContact(op, name, func(l *leg) (string, error) {
		if l.answered != "" || l.reply != "" {
			return "", fault.New(fault.Conflict, op, "negotiated", "the leg has its connection already")
		}
		return l.offered, nil
	})
	if err != nil || ready != "" {
		return ready, err
	}
	p, out, err := c.prepareContact(c.engine.apis.offering, l)
	if err == nil {
		sdp, err = p.offer(ctx)
	}
	return sdp, c.finishContact(op, l, p, out, err, func() { l.offered = sdp })
}

// AnswerOfContact takes WhatsApp's answer to OfferContact, with whichever DTLS role it chose or left open. The
// same answer again does nothing.
func (c *Conference) AnswerOfContact(_ context.Context, name id.Leg, sdp string) error {
	const op = "media.answer_of_contact"
	if err := sdpcheck.CheckSingle(sdp, sdpcheck.Answer); err != nil {
		return err
	}
	session, err := sdpcheck.Read(sdp, sdpcheck.Answer)
	if err != nil {
		return err
	}
	c.mu.Lock()
	l := c.find(name)
	switch {
	case l == nil:
		err = notFound(op, name)
	case l.offered == "":
		err = fault.New(fault.Conflict, op, "no_offer", "no offer was made for the leg")
	case l.answered != "" && l.answered != sdp:
		err = fault.New(fault.Conflict, op, "negotiated", "the offer was answered already, differently")
	}
	if err != nil || l.answered != "" {
		c.mu.Unlock()
		return err
	}
	l.answered = sdp
	p := l.peer
	c.mu.Unlock()

	p.speak(session.Lines[0])
	if err := p.pc.SetRemoteDescription(webrtc.SessionDescription{
		Type: webrtc.SDPTypeAnswer, SDP: sdpedit.WithoutSources(sdpedit.Intake(sdp)),
	}); err != nil {
		c.mu.Lock()
		l.answered = ""
		c.mu.Unlock()
		return fault.Wrap(fault.Invalid, op, err)
	}
	return nil
}

// AnswerContact answers WhatsApp's offer of a user-initiated call with setup:active. The connection comes up at
// once, the audio with OpenAudio; the one text serves pre_accept and accept. The same offer again gets the same
// answer.
func (c *Conference) AnswerContact(ctx context.Context, name id.Leg, offer string) (sdp string, err error) {
	const op = "media.answer_contact"
	if err := sdpcheck.CheckSingle(offer, sdpcheck.Offer); err != nil {
		return "", err
	}
	session, err := sdpcheck.Read(offer, sdpcheck.Offer)
	if err != nil {
		return "", err
	}
	l, ready, err := c.beginContact(op, name, func(l *leg) (string, error) {
		if l.offered != "" || l.reply != "" && l.foreign != offer {
			return "", fault.New(fault.Conflict, op, "negotiated", "the leg has its connection already")
		}
		return l.reply, nil
	})
	if err != nil || ready != "" {
		return ready, err
	}
	p, out, err := c.prepareContact(c.engine.apis.answering, l)
	if err == nil {
		p.speak(session.Lines[0])
		sdp, err = p.answer(ctx, sdpedit.WithoutSources(sdpedit.Intake(offer)))
	}
	return sdp, c.finishContact(op, l, p, out, err, func() { l.foreign, l.reply = offer, sdp })
}

// beginContact reserves the leg for one negotiation at a time. before returns the text of a finished one, if it
// may be given again.
func (c *Conference) beginContact(op string, name id.Leg, before func(*leg) (string, error)) (*leg, string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if l := c.find(name); l != nil && l.kind == contact {
		if text, err := before(l); err != nil || text != "" {
			return nil, text, err
		}
		if l.pending > 0 {
			return nil, "", fault.New(fault.Conflict, op, "negotiating", "the leg is being negotiated already")
		}
	}
	l, err := c.reserve(op, name, contact)
	return l, "", err
}

// prepareContact makes the connection and the outgoing stream.
func (c *Conference) prepareContact(api *webrtc.API, l *leg) (*peer, *output, error) {
	out, err := newOutput(&track{id: "audio", stream: streamID}, c.engine)
	if err != nil {
		return nil, nil, err
	}
	p, err := c.engine.newPeer(api, l)
	if err != nil {
		return nil, nil, err
	}
	transceiver, err := p.pc.AddTransceiverFromTrack(out.track, webrtc.RTPTransceiverInit{
		Direction: webrtc.RTPTransceiverDirectionSendrecv,
	})
	if err != nil {
		return p, nil, fault.Wrap(fault.Internal, "media.connection", err)
	}
	p.event.Store(eventPT)
	p.drain(transceiver.Sender(), out.reported)
	return p, out, nil
}

// finishContact makes the connection the leg's, or ends it.
func (c *Conference) finishContact(op string, l *leg, p *peer, out *output, err error, done func()) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.take(op, l, p, err); err != nil {
		return err
	}
	l.out = out
	done()
	c.settled(l)
	c.publish()
	p.activate()
	return nil
}

// speak takes the payload types of the other side's description. WhatsApp sends telephone events as 126 even where
// none were negotiated.
func (p *peer) speak(line sdpcheck.Line) {
	p.opus.Store(uint32(line.Opus))
	if line.Event != 0 {
		p.event.Store(uint32(line.Event))
	}
}

func (p *peer) offer(ctx context.Context) (string, error) {
	d, err := p.pc.CreateOffer(nil)
	if err != nil {
		return "", fault.Wrap(fault.Internal, "media.offer", err)
	}
	text, err := p.settle(ctx, d)
	return sdpedit.Outgoing(text), err
}

// answer takes an offer that has been checked and returns our answer.
func (p *peer) answer(ctx context.Context, offer string) (string, error) {
	const op = "media.answer"
	if err := p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}); err != nil {
		return "", fault.Wrap(fault.Invalid, op, err)
	}
	d, err := p.pc.CreateAnswer(nil)
	if err != nil {
		return "", fault.Wrap(fault.Invalid, op, err)
	}
	text, err := p.settle(ctx, d)
	return sdpedit.Outgoing(text), err
}
