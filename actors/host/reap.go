package host

import (
	"context"
	"log/slog"
	"time"

	"ramal/actors/agent"
	"ramal/actors/call"
	"ramal/actors/contact"
	"ramal/cluster"
	"ramal/internal/fault"
	"ramal/internal/id"
	"ramal/store"
)

const (
	reapEvery   = 5 * time.Second
	orphanAfter = 30 * time.Second // a call of this very node without an actor: it could not begin, or its actor has stopped
)

// reapLoop ends the calls of nodes that are gone, and calls of this node that have no actor, until ctx ends. Every node tries; the journal lets one win.
func (h *Host) reapLoop(ctx context.Context) {
	changed := make(chan struct{}, 1)
	cancel := h.cluster.Subscribe(func(cluster.View) {
		select {
		case changed <- struct{}{}:
		default:
		}
	})
	defer cancel()
	tick := time.NewTicker(reapEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-changed:
		case <-tick.C:
		}
		h.reap(ctx)
	}
}

func (h *Host) reap(ctx context.Context) {
	if len(h.cluster.OwnedBuckets()) == 0 {
		return // a node that is not in the cluster's view must not judge others
	}
	nodes, err := h.store.NodesWithCalls(ctx)
	if err != nil {
		return
	}
	alive := map[id.Node]bool{}
	for _, m := range h.cluster.Members() {
		alive[m.ID] = true
	}
	for _, node := range nodes {
		if alive[node] && node != h.cluster.ID() {
			continue
		}
		rows, err := h.store.CallsOfNode(ctx, node)
		if err != nil {
			return
		}
		for _, row := range rows {
			if _, here := h.calls.find(row.ID); here != nil || alive[node] && h.now().Sub(row.CreatedAt) < orphanAfter {
				continue
			}
			h.buryCall(ctx, row)
		}
	}
}

// buryCall ends one call whose media died with its node, and frees everybody in it.
func (h *Host) buryCall(ctx context.Context, row store.CallRow) {
	var kept callKept
	if err := unpack(row.Fold, &kept); err != nil {
		h.log.Error("fold of a lost call unreadable", slog.String("call", string(row.ID)), slog.Any("error", err))
		return
	}
	s, now := kept.State, h.now()
	agents := s.Agents()
	events, err := call.Decide(s, call.Lost{}, now)
	if s.Phase == call.Unborn { // it died between its row and its first event
		s = call.State{Tenant: row.Tenant, Call: row.ID, Line: row.Line, Contact: row.Contact, Direction: call.Direction(row.Direction), CreatedAt: row.CreatedAt}
		events, err = []call.Event{call.Finished{By: call.BySystem, Reason: call.NodeLost, At: now}}, nil
	}
	if err != nil || len(events) == 0 {
		return
	}
	var entries []store.CallEvent
	hangup := ""
	for i, ev := range events {
		if f, ok := ev.(call.Finished); ok {
			hangup = f.Hangup
		}
		s = call.Evolve(s, ev)
		name, data, err := call.EncodeEvent(ev)
		if err != nil {
			h.log.Error("lost call not ended", slog.String("call", string(row.ID)), slog.Any("error", err))
			return
		}
		entries = append(entries, store.CallEvent{Seq: row.Seq + int64(i) + 1, Type: name, Data: data, At: now})
	}
	kept.State = s
	expected := row.Seq
	row.State, row.EndedAt, row.EndReason, row.EndedBy = string(s.Phase), now, string(s.EndReason), string(s.EndedBy)
	row.TalkTime, row.Seq, row.Fold = s.TalkTime(now), expected+int64(len(entries)), mustJSON(kept)
	err = h.store.AppendCallEvents(ctx, expected, entries, row)
	if fault.Is(err, fault.Conflict) {
		return // another node was first
	}
	if err != nil {
		h.log.Warn("lost call not ended yet", slog.String("call", string(row.ID)), slog.Any("error", err))
		return
	}
	h.log.Warn("call lost with its node", slog.String("call", string(row.ID)), slog.String("node", string(row.Node)))
	h.observer.CallEnded(string(s.Direction), string(s.EndReason), string(s.EndedBy), s.TalkTime(now))
	h.endOnLine(row.Tenant, row.Line, row.ID)
	if row.ProviderCallID != "" && hangup != "" { // the customer's phone must not ring, or stay silent, for nobody
		h.hangUpAt(row.Tenant, row.Line, row.ID, call.HangUp{ProviderID: row.ProviderCallID, How: hangup})
	}
	h.lanes.run("call/"+string(row.ID)+"/lost", func(ctx context.Context) { h.tellLost(ctx, s, agents) })
}

func (h *Host) tellLost(ctx context.Context, s call.State, agents []id.Agent) {
	for _, who := range agents {
		h.persist(ctx, tellFor, "release_call", func(ctx context.Context) error {
			_, err := askAgent(ctx, h, agentID(s.Tenant, who), agent.ReleaseCall{Call: s.Call})
			return onlyTransient(err)
		})
	}
	h.persist(ctx, tellFor, "call_ended", func(ctx context.Context) error {
		_, err := askContact(ctx, h, contactID(s.Tenant, s.Contact), contact.CallEnded{
			Call: s.Call, Line: s.Line, Direction: contact.Direction(s.Direction), Answered: !s.AnsweredAt.IsZero(), Agents: agents, Reason: string(s.EndReason), At: s.EndedAt,
		})
		return onlyTransient(err)
	})
}
