package host

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"ramal/actors"
	"ramal/actors/agent"
	"ramal/cluster"
	"ramal/cluster/wire"
	"ramal/internal/fault"
	"ramal/internal/id"
)

// sessions are the WebSockets of this node: who listens, and how to reach them. The gateway orders events around the
// snapshots of a session. The map is guarded by mu.
type sessions struct {
	h  *Host
	mu struct {
		sync.Mutex
		byID map[id.Session]session
	}
}

type session struct {
	who  actors.Who
	push func(actors.Push) bool
}

func newSessions(h *Host) *sessions {
	s := &sessions{h: h}
	s.mu.byID = map[id.Session]session{}
	return s
}

func (r *sessions) add(who actors.Who, push func(actors.Push) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mu.byID[who.Session] = session{who: who, push: push}
}

// deliver is called with mu held; push does not block. A session that takes no more is gone.
func (r *sessions) deliver(s session, p actors.Push) {
	if !s.push(p) {
		delete(r.mu.byID, s.who.Session)
	}
}

func (r *sessions) remove(id id.Session) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.mu.byID, id)
}

// cut ends a session from our side: the gateway closes the connection, and the client comes again.
func (r *sessions) cut(id id.Session) {
	r.mu.Lock()
	s, ok := r.mu.byID[id]
	delete(r.mu.byID, id)
	r.mu.Unlock()
	if ok {
		s.push(actors.Push{Type: actors.EventSessionCut})
	}
}

func (r *sessions) to(ids []id.Session, p actors.Push) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range ids {
		if s, ok := r.mu.byID[id]; ok {
			r.deliver(s, p)
		}
	}
}

func (r *sessions) toTenant(t id.Tenant, p actors.Push) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.mu.byID {
		if s.who.Tenant == t {
			r.deliver(s, p)
		}
	}
}

func (r *sessions) list() []actors.Who {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]actors.Who, 0, len(r.mu.byID))
	for _, s := range r.mu.byID {
		out = append(out, s.who)
	}
	return out
}

// renewLoop prolongs the leases of this node's sessions until ctx ends. A session that its agent does not know any
// more missed events: it is cut, and comes again with a snapshot.
func (r *sessions) renewLoop(ctx context.Context) {
	tick := time.NewTicker(r.h.cfg.Agent.SessionLease / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			for _, who := range r.list() {
				r.h.lanes.run("session/"+string(who.Session), func(ctx context.Context) { r.renew(ctx, who) })
			}
		}
	}
}

func (r *sessions) renew(ctx context.Context, who actors.Who) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	_, err := askAgent(ctx, r.h, agentID(who.Tenant, who.Agent), agent.RenewSession{Session: who.Session})
	if fault.Is(err, fault.NotFound) {
		r.h.log.Info("session lost its agent", slog.String("session", string(who.Session)))
		r.cut(who.Session)
	}
}

// toSessions is the message that carries an event to the node which serves the sessions.
type toSessions struct {
	Sessions []id.Session `json:"sessions,omitempty"` // empty: all of the tenant
	Cut      bool         `json:"cut,omitempty"`
	Push     actors.Push  `json:"push"`
}

const sessionsName = "sessions" // the actor of each node that receives toSessions

// send delivers to sessions wherever they are. What does not arrive is found by the client as a gap.
func (r *sessions) send(t id.Tenant, node id.Node, msg toSessions) {
	if node == r.h.cluster.ID() {
		r.arrived(t, msg)
		return
	}
	if err := r.h.cluster.TellPID(cluster.Address{Node: node, Name: sessionsName}, envelope(t, "push", msg)); err != nil {
		r.h.log.Debug("sessions of another node not reached", slog.String("node", string(node)), slog.Any("error", err))
	}
}

func (r *sessions) arrived(t id.Tenant, msg toSessions) {
	if framed, err := msg.Push.Framed(); err == nil {
		msg.Push = framed
	}
	switch {
	case msg.Cut:
		for _, s := range msg.Sessions {
			r.cut(s)
		}
	case len(msg.Sessions) == 0:
		r.toTenant(t, msg.Push)
	default:
		r.to(msg.Sessions, msg.Push)
	}
}

// hint tells every session of the tenant, on every node.
func (h *Host) hint(t id.Tenant, kind string, data any) {
	msg := toSessions{Push: actors.Push{Type: kind, At: h.now(), Data: mustJSON(data)}}
	for _, m := range h.cluster.Members() {
		h.sessions.send(t, m.ID, msg)
	}
}

func (h *Host) onSessionsMessage(msg *wire.Envelope) {
	var m toSessions
	if err := unpack(msg.GetBody(), &m); err != nil {
		h.log.Warn("unreadable push from another node", slog.Any("error", err))
		return
	}
	h.sessions.arrived(id.Tenant(msg.GetTenant()), m)
}
