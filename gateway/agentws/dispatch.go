package agentws

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime/debug"
	"time"

	"ramal/actors"
	"ramal/internal/fault"
)

// dispatch starts one request. It is called by the reader alone, so requests start in the order of their frames.
func (s *session) dispatch(ctx context.Context, f frame) {
	started := time.Now()
	switch f.Type {
	case typePing:
		s.answer(ctx, f, pingAnswer{serverTime()}, strict(f.Data, &struct{}{}), started)
		return
	case typeHello:
		s.answer(ctx, f, nil, fault.New(fault.Invalid, "agentws.hello", "hello_repeated", "this session has said hello already"), started)
		return
	case typeSnapshot:
		if err := strict(f.Data, &struct{}{}); err != nil {
			s.answer(ctx, f, nil, err, started)
			return
		}
		s.start(ctx, laneNone, f, started, func(context.Context) { s.sendSnapshot(f, started) })
		return
	}
	req, err := Decode(f.Type, f.Data)
	if err != nil {
		s.answer(ctx, f, nil, err, started)
		return
	}
	s.start(ctx, specs[f.Type].lane, f, started, func(rctx context.Context) {
		data, err := s.do(rctx, req)
		s.answer(ctx, f, data, err, started)
	})
}

// start runs job in its lane, unless too many requests are open. The goroutine ends with the job, which the request's
// time-out bounds; it outlives the connection, so that a "leave" sent by a closing tab is carried out.
func (s *session) start(ctx context.Context, lane string, f frame, started time.Time, job func(context.Context)) {
	s.mu.Lock()
	if s.mu.open >= s.server.cfg.MaxRequests {
		s.mu.Unlock()
		s.answer(ctx, f, nil, fault.New(fault.Exhausted, "agentws.request", "too_many_requests", "too many requests of this session are open"), started)
		return
	}
	s.mu.open++
	bounded := func() {
		rctx, cancel := context.WithTimeout(s.server.base, s.server.cfg.RequestTimeout)
		defer cancel()
		job(rctx)
		s.mu.Lock()
		s.mu.open--
		s.mu.Unlock()
	}
	if lane != laneNone {
		queue, running := s.mu.lanes[lane]
		s.mu.lanes[lane] = append(queue, bounded)
		s.mu.Unlock()
		if !running {
			s.requests.Go(func() { s.runLane(lane) })
		}
		return
	}
	s.mu.Unlock()
	s.requests.Go(bounded)
}

// runLane runs the jobs of a lane until it is empty.
func (s *session) runLane(lane string) {
	for {
		s.mu.Lock()
		queue := s.mu.lanes[lane]
		if len(queue) == 0 {
			delete(s.mu.lanes, lane)
			s.mu.Unlock()
			return
		}
		job := queue[0]
		s.mu.lanes[lane] = queue[1:]
		s.mu.Unlock()
		job()
	}
}

// do asks the desk. A panic behind it ends this request only.
func (s *session) do(ctx context.Context, req actors.Request) (data any, err error) {
	defer func() {
		if p := recover(); p != nil {
			s.server.logger.ErrorContext(ctx, "panic in a request", "op", "agentws.do", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = fault.New(fault.Internal, "agentws.do", "", "")
		}
	}()
	return s.server.desk.Do(ctx, s.who, req)
}

// answer queues the reply to f and counts it.
func (s *session) answer(ctx context.Context, f frame, data any, err error, started time.Time) {
	s.server.metrics.AgentRequest(f.Type, kindOf(err), time.Since(started))
	if err != nil {
		if fault.Is(err, fault.Internal) {
			s.server.logger.ErrorContext(ctx, "agent request failed", "op", "agentws.request", "type", clip(f.Type, 64), "tenant", s.who.Tenant, "agent", s.who.Agent, "error", err)
		}
		s.queue(reply{Re: f.ID, Error: errorOf(err)})
		return
	}
	if m, ok := data.(actors.MediaAnswer); ok && m.Slots == nil {
		m.Slots = []actors.SlotView{}
		data = m
	}
	s.queue(reply{Re: f.ID, OK: true, Data: data})
}

// queue puts one reply behind what waits already.
func (s *session) queue(r reply) {
	raw := encode(r)
	s.mu.Lock()
	ok := s.put(raw)
	s.mu.Unlock()
	if !ok {
		s.close(endSlow)
	}
}

// encode makes a reply's JSON; data that cannot be encoded become an error.
func encode(r reply) []byte {
	raw, err := json.Marshal(r)
	if err != nil {
		raw, _ = json.Marshal(reply{Re: r.Re, Error: errorOf(err)}) // plain strings always encode
	}
	return raw
}

// put queues bytes; false when the queue is full. Call with mu held.
func (s *session) put(raw []byte) bool {
	select {
	case s.mu.out <- raw:
		return true
	default:
		return false
	}
}

// push takes one event of the desk. It never blocks; false means that the session is gone or too slow.
func (s *session) push(p actors.Push) bool {
	if p.Type == actors.EventSessionCut {
		s.close(endMoved)
		return false
	}
	raw, err := p.Frame()
	if err != nil {
		s.server.logger.Error("an event cannot be encoded", "op", "agentws.push", "type", p.Type, "error", err)
		s.close(endSlow) // the client comes back for a snapshot rather than miss it
		return false
	}
	s.mu.Lock()
	ok := s.mu.why == nil
	switch {
	case !ok:
	case s.mu.held == nil:
		ok = s.put(raw)
	case len(s.mu.held) >= s.server.cfg.Queue:
		ok = false
	default:
		s.mu.held = append(s.mu.held, held{p.Seq, raw})
	}
	s.mu.Unlock()
	if !ok {
		s.close(endSlow)
	}
	return ok
}

// sendSnapshot holds events back, takes a snapshot and sends it, then the events that are newer than it.
// Its time begins when no other snapshot of the session is under way.
func (s *session) sendSnapshot(f frame, started time.Time) {
	s.snapshot.Lock()
	defer s.snapshot.Unlock()
	s.mu.Lock()
	s.mu.held = []held{}
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(s.server.base, s.server.cfg.RequestTimeout)
	defer cancel()
	snap, err := s.server.desk.Snapshot(ctx, s.who)
	s.server.metrics.AgentRequest(f.Type, kindOf(err), time.Since(started))
	if err != nil {
		s.release(reply{Re: f.ID, Error: errorOf(err)}, nil)
		return
	}
	s.release(reply{Re: f.ID, OK: true, Data: snapshotAnswer{full(snap)}}, &snap.Seq)
}

// release queues r, then the held events: those of the agent only where they follow seq, hints always. A nil seq
// (no snapshot was taken) keeps all.
func (s *session) release(r reply, seq *int64) {
	raw := encode(r)
	s.mu.Lock()
	ok := s.put(raw)
	for _, h := range s.mu.held {
		if ok && (seq == nil || h.seq == 0 || h.seq > *seq) {
			ok = s.put(h.bytes)
		}
	}
	s.mu.held = nil
	s.mu.Unlock()
	if !ok {
		s.close(endSlow)
	}
}
