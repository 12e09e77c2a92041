package agentclient

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// read takes frames until the connection ends.
func (s *Session) read(ctx context.Context) {
	defer close(s.done)
	defer s.cancel()
	for {
		_, raw, err := s.ws.Read(ctx)
		if err == nil {
			err = s.arrived(ctx, raw, time.Now())
		}
		if err != nil {
			s.mu.Lock()
			s.mu.err = err
			s.mu.Unlock()
			_ = s.ws.CloseNow() // it is over
			return
		}
	}
}

func (s *Session) arrived(ctx context.Context, raw []byte, at time.Time) error {
	var f frame
	if err := json.Unmarshal(raw, &f); err != nil {
		return fmt.Errorf("unreadable frame of the server: %w", err)
	}
	if f.Re != "" {
		return s.answered(f)
	}
	e := Event{Seq: f.Seq, Type: f.Type, At: f.At, Data: f.Data, Arrived: at}
	if e.Seq > 0 {
		if err := s.numbered(ctx, e); err != nil {
			return err
		}
	}
	if s.cfg.OnEvent != nil {
		s.cfg.OnEvent(e)
	}
	return nil
}

// answered gives a reply to who waits for it. A snapshot in it is applied here, so that no event overtakes it.
func (s *Session) answered(f frame) error {
	var with struct {
		Snapshot *Snapshot `json:"snapshot"`
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.OK && len(f.Data) > 0 {
		if err := json.Unmarshal(f.Data, &with); err != nil {
			return fmt.Errorf("unreadable answer of the server: %w", err)
		}
	}
	if with.Snapshot != nil {
		s.mu.state.apply(*with.Snapshot)
		s.wake()
	}
	w, ok := s.mu.waiting[f.Re]
	if !ok {
		return nil
	}
	delete(s.mu.waiting, f.Re)
	if w.leg != nil && f.OK {
		if err := s.mapped(w.leg, f); err != nil {
			return fmt.Errorf("unreadable answer of the server: %w", err)
		}
	}
	w.answer <- f
	return nil
}

// wake tells everybody who waits; call with mu held.
func (s *Session) wake() {
	close(s.mu.changed)
	s.mu.changed = make(chan struct{})
}

// numbered adds an event of the agent. After a gap it asks for a snapshot.
func (s *Session) numbered(ctx context.Context, e Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.Seq <= s.mu.state.Seq {
		return nil // older than the snapshot
	}
	if e.Seq != s.mu.state.Seq+1 {
		s.mu.gaps++
		s.tasks.Go(func() { _ = s.Do(ctx, "snapshot.get", nil, nil) }) // until answered; ctx ends it
	}
	err := s.mu.state.take(e)
	if e.Type == "call.slots" && err == nil {
		err = s.remapped(e)
	}
	if err != nil {
		return fmt.Errorf("unreadable %s of the server: %w", e.Type, err)
	}
	if len(s.mu.events) == maxKept {
		s.mu.events = append([]Event(nil), s.mu.events[maxKept/2:]...)
	}
	s.mu.events = append(s.mu.events, e)
	s.wake()
	return nil
}
