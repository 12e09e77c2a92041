package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"ramal/internal/fault"
	"ramal/internal/id"
)

// AgentRow is one member of a tenant's staff: what lists and rings need in columns, the rest in State.
type AgentRow struct {
	Tenant        id.Tenant
	ID            id.Agent
	Name          string
	Email         string
	Role          string    // agent, supervisor or admin
	State         []byte    // JSON object of the agent actor; empty is {}
	Version       int64     // of this row; 1 or more
	Presence      string    // offline, available, busy, …: the agent actor's words
	PresenceUntil time.Time // when Presence lapses by itself; zero means it has lapsed
	CurrentCall   id.Call   // "" when in none
}

const agentColumns = `tenant, id, name, email, role, state, version, presence, presence_until, current_call`

func scanAgent(r pgx.CollectableRow) (a AgentRow, err error) {
	var until *time.Time
	var call *id.Call
	err = r.Scan(&a.Tenant, &a.ID, &a.Name, &a.Email, &a.Role, &a.State, &a.Version, &a.Presence, &until, &call)
	a.PresenceUntil, a.CurrentCall = utc(until), deref(call)
	return a, err
}

// InsertAgent adds an agent; Conflict when the id is taken, Invalid for an unknown tenant or role.
// An empty Presence is "offline" and Version 0 becomes 1.
func (s *Store) InsertAgent(ctx context.Context, a AgentRow) error {
	if a.Presence == "" {
		a.Presence = "offline"
	}
	_, err := s.write(ctx, "store.insert_agent",
		`INSERT INTO agents (`+agentColumns+`) VALUES ($1, $2, $3, $4, $5, $6::jsonb, $7, $8, $9, $10)`,
		a.Tenant, a.ID, a.Name, a.Email, a.Role, orObject(a.State), max(a.Version, 1), a.Presence,
		instant(a.PresenceUntil), orNull(a.CurrentCall))
	return err
}

// GetAgent reads one agent; NotFound when the tenant has none of that id.
func (s *Store) GetAgent(ctx context.Context, tenant id.Tenant, agent id.Agent) (AgentRow, error) {
	return one(ctx, s, "store.get_agent", "no_agent", scanAgent,
		`SELECT `+agentColumns+` FROM agents WHERE tenant = $1 AND id = $2`, tenant, agent)
}

// ListAgents reads all agents of a tenant in the order of their ids.
func (s *Store) ListAgents(ctx context.Context, tenant id.Tenant) ([]AgentRow, error) {
	return many(ctx, s, "store.list_agents", scanAgent,
		`SELECT `+agentColumns+` FROM agents WHERE tenant = $1 ORDER BY id`, tenant)
}

// OnlineAgents reads the agents that are available now, by the database's clock, in the order of their ids.
func (s *Store) OnlineAgents(ctx context.Context, tenant id.Tenant) ([]AgentRow, error) {
	return many(ctx, s, "store.online_agents", scanAgent,
		`SELECT `+agentColumns+` FROM agents
		 WHERE tenant = $1 AND presence = 'available' AND presence_until > now() ORDER BY id`, tenant)
}

// SaveAgent replaces what the agent's actor owns (not name, e-mail and role, which are an operator's) if the stored version is base; a.Version must be greater. Conflict with CodeStale when
// it is not (or there is no such agent): somebody else writes this agent, and what was computed from base is void.
func (s *Store) SaveAgent(ctx context.Context, a AgentRow, base int64) error {
	const op = "store.save_agent"
	if a.Version <= base {
		return notNewer(op, a.Version, base)
	}
	n, err := s.write(ctx, op,
		`UPDATE agents SET state = $3::jsonb, version = $4, presence = $5, presence_until = $6, current_call = $7
		 WHERE tenant = $1 AND id = $2 AND version = $8`,
		a.Tenant, a.ID, orObject(a.State), a.Version, a.Presence, instant(a.PresenceUntil), orNull(a.CurrentCall), base)
	return orStale(n, err, op)
}

func notNewer(op string, version, base int64) error {
	return fault.Newf(fault.Invalid, op, "version_not_newer", "version %d does not follow %d", version, base)
}

// orStale turns a guarded write that touched nothing into a Conflict.
func orStale(touched int64, err error, op string) error {
	if err == nil && touched == 0 {
		return fault.New(fault.Conflict, op, CodeStale, "the row is no longer at the version this was computed from")
	}
	return err
}

// orMissing turns a write that touched nothing into NotFound.
func orMissing(touched int64, err error, op, code string) error {
	if err == nil && touched == 0 {
		return fault.New(fault.NotFound, op, code, "there is none for this tenant")
	}
	return err
}
