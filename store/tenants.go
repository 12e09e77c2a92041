package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"ramal/internal/id"
)

// TenantRow is one customer company.
type TenantRow struct {
	ID        id.Tenant
	Name      string
	Settings  []byte // JSON object; empty is {}
	CreatedAt time.Time
}

const tenantColumns = `id, name, settings, created_at`

func scanTenant(r pgx.CollectableRow) (t TenantRow, err error) {
	err = r.Scan(&t.ID, &t.Name, &t.Settings, &t.CreatedAt)
	t.CreatedAt = t.CreatedAt.UTC()
	return t, err
}

// InsertTenant adds a tenant; Conflict when the id is taken.
func (s *Store) InsertTenant(ctx context.Context, t TenantRow) error {
	_, err := s.write(ctx, "store.insert_tenant",
		`INSERT INTO tenants (`+tenantColumns+`) VALUES ($1, $2, $3::jsonb, $4)`,
		t.ID, t.Name, orObject(t.Settings), micros(t.CreatedAt))
	return err
}

// GetTenant reads one tenant; NotFound when there is none.
func (s *Store) GetTenant(ctx context.Context, tenant id.Tenant) (TenantRow, error) {
	return one(ctx, s, "store.get_tenant", "no_tenant", scanTenant,
		`SELECT `+tenantColumns+` FROM tenants WHERE id = $1`, tenant)
}

// ListTenants reads all tenants in the order of their ids.
func (s *Store) ListTenants(ctx context.Context) ([]TenantRow, error) {
	return many(ctx, s, "store.list_tenants", scanTenant, `SELECT `+tenantColumns+` FROM tenants ORDER BY id`)
}

// SaveTenantSettings replaces the settings of a tenant; NotFound when there is none.
func (s *Store) SaveTenantSettings(ctx context.Context, tenant id.Tenant, settings []byte) error {
	const op = "store.save_tenant_settings"
	n, err := s.write(ctx, op, `UPDATE tenants SET settings = $2::jsonb WHERE id = $1`, tenant, orObject(settings))
	return orMissing(n, err, op, "no_tenant")
}
