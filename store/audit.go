package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"ramal/internal/id"
)

// AuditRow says who did or saw what. Rows are never changed.
type AuditRow struct {
	Tenant  id.Tenant
	ID      string // unique within the tenant, such as id.New("audit", now)
	Actor   string // who, such as "agent:ag_luis"
	Action  string // did what, such as "line.settings_changed"
	Subject string // to what, such as "line:ln_1"
	Data    []byte // JSON object with details, without secrets; empty is {}
	At      time.Time
}

const auditColumns = `tenant, id, actor, action, subject, data, at`

func scanAudit(r pgx.CollectableRow) (a AuditRow, err error) {
	err = r.Scan(&a.Tenant, &a.ID, &a.Actor, &a.Action, &a.Subject, &a.Data, &a.At)
	a.At = a.At.UTC()
	return a, err
}

// PutAudit adds an entry; the same id again is no error and changes nothing.
func (s *Store) PutAudit(ctx context.Context, a AuditRow) error {
	_, err := s.write(ctx, "store.put_audit", `INSERT INTO audit (`+auditColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6::jsonb, $7) ON CONFLICT (tenant, id) DO NOTHING`,
		a.Tenant, a.ID, a.Actor, a.Action, a.Subject, orObject(a.Data), micros(a.At))
	return err
}

// ListAudit returns one page (default 50 rows, at most MaxHistory) of a tenant's entries, newest first, and where the
// next page begins ("" at the end). Invalid for a cursor that was not made here.
func (s *Store) ListAudit(ctx context.Context, tenant id.Tenant, limit int, cursor Cursor) ([]AuditRow, Cursor, error) {
	const op = "store.list_audit"
	at, key, err := cursor.position(op)
	if err != nil {
		return nil, "", err
	}
	limit = bounded(limit, MaxHistory)
	rows, err := many(Bulk(ctx), s, op, scanAudit, `SELECT `+auditColumns+` FROM audit
		WHERE tenant = $1 AND (at, id) < ($2, $3) ORDER BY at DESC, id DESC LIMIT $4`, tenant, at, key, limit+1)
	if err != nil {
		return nil, "", err
	}
	rows, next := page(rows, limit, func(a AuditRow) (time.Time, string) { return a.At, a.ID })
	return rows, next, nil
}
