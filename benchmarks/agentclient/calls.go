package agentclient

import (
	"context"
	"encoding/json"
)

// DialContact calls a contact with l as the agent's own leg.
func (s *Session) DialContact(ctx context.Context, l *Leg, contact, line string) (MediaAnswer, error) {
	return s.join(ctx, "call.dial", map[string]any{"contact_id": contact, "line_id": line}, l)
}

// Accept answers a modal with l as the agent's own leg.
func (s *Session) Accept(ctx context.Context, l *Leg, o OfferView) (MediaAnswer, error) {
	return s.join(ctx, "offer.accept", map[string]any{"offer_id": o.ID, "call_id": o.CallID}, l)
}

// Attach gives the agent's leg of a call a new connection.
func (s *Session) Attach(ctx context.Context, l *Leg, call string) (MediaAnswer, error) {
	return s.join(ctx, "call.attach", map[string]any{"call_id": call}, l)
}

// join sends a request that carries the offer of l, and completes l with the answer.
func (s *Session) join(ctx context.Context, kind string, data map[string]any, l *Leg) (MediaAnswer, error) {
	sdp, err := l.Offer()
	if err != nil {
		return MediaAnswer{}, err
	}
	data["sdp"] = sdp
	var a MediaAnswer
	if err := s.request(ctx, kind, data, &a, l); err != nil {
		return a, err
	}
	return a, l.answered(a.SDP)
}

// Decline silences a modal for this agent.
func (s *Session) Decline(ctx context.Context, o OfferView) error {
	return s.Do(ctx, "offer.decline", map[string]any{"offer_id": o.ID, "call_id": o.CallID}, nil)
}

// Invite asks a colleague into a call.
func (s *Session) Invite(ctx context.Context, call, agent, note string) (Invited, error) {
	var out Invited
	data := map[string]any{"call_id": call, "agent_id": agent}
	if note != "" {
		data["note"] = note
	}
	return out, s.Do(ctx, "call.invite", data, &out)
}

// CancelInvite takes an invitation back.
func (s *Session) CancelInvite(ctx context.Context, call, agent string) error {
	return s.Do(ctx, "call.cancel_invite", map[string]any{"call_id": call, "agent_id": agent}, nil)
}

// Leave hangs up for this agent.
func (s *Session) Leave(ctx context.Context, call string) error {
	return s.Do(ctx, "call.leave", map[string]any{"call_id": call}, nil)
}

// End hangs up for everybody.
func (s *Session) End(ctx context.Context, call string) error {
	return s.Do(ctx, "call.end", map[string]any{"call_id": call}, nil)
}

// Mute switches the agent's own microphone.
func (s *Session) Mute(ctx context.Context, call string, muted bool) error {
	return s.Do(ctx, "call.mute", map[string]any{"call_id": call, "muted": muted}, nil)
}

// Volume sets what this agent hears of one leg, 0 to 2.
func (s *Session) Volume(ctx context.Context, call, leg string, gain float64) error {
	return s.Do(ctx, "call.volume", map[string]any{"call_id": call, "leg_id": leg, "gain": gain}, nil)
}

// SetPresence makes the agent available or pauses.
func (s *Session) SetPresence(ctx context.Context, presence, code string) error {
	data := map[string]any{"presence": presence}
	if code != "" {
		data["break_code"] = code
	}
	return s.Do(ctx, "agent.set_presence", data, nil)
}

// RequestPermission asks a contact for leave to call.
func (s *Session) RequestPermission(ctx context.Context, contact, line string) (Requested, error) {
	var out Requested
	return out, s.Do(ctx, "permission.request", map[string]any{"contact_id": contact, "line_id": line}, &out)
}

// AckNotices removes notices.
func (s *Session) AckNotices(ctx context.Context, ids ...string) error {
	return s.Do(ctx, "notice.ack", map[string]any{"notice_ids": ids}, nil)
}

// mapped tells a leg its tracks, by the answer that completes it; call with mu held, in the order of frames.
func (s *Session) mapped(l *Leg, f frame) error {
	var a MediaAnswer
	if err := json.Unmarshal(f.Data, &a); err != nil {
		return err
	}
	s.mu.legs[a.CallID] = l
	l.SetSlots(a.Slots)
	return nil
}

// remapped tells a leg its tracks after somebody came or went; call with mu held.
func (s *Session) remapped(e Event) error {
	var c struct {
		CallID string `json:"call_id"`
		Slots  []Slot `json:"slots"`
	}
	if err := json.Unmarshal(e.Data, &c); err != nil {
		return err
	}
	if l := s.mu.legs[c.CallID]; l != nil {
		l.SetSlots(c.Slots)
	}
	return nil
}
