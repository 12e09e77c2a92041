package agent

import (
	"encoding/json"
	"slices"
	"unicode/utf8"

	"ramal/actors/core"
	"ramal/internal/fault"
	"ramal/internal/id"
)

func checkEnroll(c Enroll) error {
	if err := need(c, field{"tenant", string(c.Tenant)}, field{"id", string(c.ID)}); err != nil {
		return err
	}
	if c.Name == "" || !utf8.ValidString(c.Name) || utf8.RuneCountInString(c.Name) > 200 {
		return invalid(c, "name: 1 to 200 characters")
	}
	if !slices.Contains([]string{"agent", "supervisor", "admin"}, c.Role) {
		return invalid(c, "role: agent, supervisor or admin")
	}
	return nil
}

func (b *batch) enroll(c Enroll) error {
	if err := checkEnroll(c); err != nil {
		return err
	}
	if c.Tenant != b.s.Tenant || c.ID != b.s.ID {
		return reject(fault.Conflict, c, "agent_exists", "this is another agent")
	}
	if c.Name != b.s.Name || c.Role != b.s.Role {
		b.emit(Enrolled{Tenant: c.Tenant, ID: c.ID, Name: c.Name, Role: c.Role, At: b.now})
	}
	return nil
}

func (b *batch) session(cmd ofSession) error {
	switch c := cmd.(type) {
	case OpenSession:
		if err := need(c, field{"session", string(c.Session)}); err != nil {
			return err
		}
		known, ok := b.s.Sessions[c.Session]
		switch {
		case ok && known.Node != c.Node:
			b.emit(SessionEnded{Session: c.Session, Node: known.Node, Reason: SessionMoved, At: b.now})
		case ok:
			b.renewSession(c.Session, known)
			return nil
		case len(b.s.Sessions) >= MaxSessions:
			return reject(fault.Exhausted, c, "too_many_sessions", "the agent has 32 sessions open")
		}
		b.emit(SessionOpened{Session: c.Session, Node: c.Node, LeaseUntil: b.now.Add(b.policy.SessionLease), At: b.now})
	case RenewSession:
		known, ok := b.s.Sessions[c.Session]
		if !ok {
			return reject(fault.NotFound, c, "session_unknown", "the session is not open; open it again")
		}
		b.renewSession(c.Session, known)
	case CloseSession:
		if known, ok := b.s.Sessions[c.Session]; ok {
			b.emit(SessionEnded{Session: c.Session, Node: known.Node, Reason: SessionClosed, At: b.now})
		}
	}
	return nil
}

// renewSession prolongs a lease once a quarter of it is used: a renewal that changes little is not worth a write.
func (b *batch) renewSession(session id.Session, known SessionInfo) {
	if until := b.now.Add(b.policy.SessionLease); until.Sub(known.LeaseUntil) >= b.policy.SessionLease/4 {
		b.emit(SessionRenewed{Session: session, LeaseUntil: until, At: b.now})
	}
}

func (b *batch) setPresence(c SetPresence) error {
	switch {
	case c.Presence != Available && c.Presence != Break:
		return invalid(c, "presence: available or break")
	case c.Presence == Available && c.BreakCode != "" || len(c.BreakCode) > 64 || !utf8.ValidString(c.BreakCode):
		return invalid(c, "break_code: at most 64 bytes, with a break only")
	case b.s.Call != nil:
		return reject(fault.Conflict, c, "in_call", "the agent is in a call")
	}
	same := b.s.Wish == c.Presence && b.s.WishCode == c.BreakCode
	if !same || b.s.Silent || b.s.Misses > 0 || b.now.Before(b.s.WrapUpUntil) {
		b.emit(WishChanged{Wish: c.Presence, BreakCode: c.BreakCode, At: b.now})
	}
	if c.Presence == Break { // whoever goes on a break is asked no further: what rings moves on at once
		b.cancelOffers()
	}
	return nil
}

func (b *batch) notify(c Notify) error {
	n := c.Notice
	if n.ID == "" || len(n.ID) > 256 || n.Kind == "" {
		return invalid(c, "notice: an id of 1 to 256 bytes, and a kind")
	}
	if len(n.View) > 0 && !json.Valid(n.View) {
		return invalid(c, "notice: its view is not JSON")
	}
	known := slices.ContainsFunc(b.s.Notices, func(k Notice) bool { return k.ID == n.ID })
	if known || slices.Contains(b.s.Acked, n.ID) {
		return nil
	}
	n.View = slices.Clone(n.View)
	if n.At.IsZero() {
		n.At = b.now
	}
	n.At = core.Clean(n.At)
	b.emit(NoticeAdded{Notice: n})
	return nil
}

func (b *batch) ack(c AckNotices) {
	var found []string
	for _, n := range b.s.Notices {
		if slices.Contains(c.IDs, n.ID) {
			found = append(found, n.ID)
		}
	}
	if len(found) > 0 {
		b.emit(NoticesAcked{IDs: found})
	}
}
