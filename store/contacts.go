package store

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"ramal/internal/fault"
	"ramal/internal/id"
)

// MaxBatch is the largest number of rows that one call of a multi-row method accepts.
const MaxBatch = 1000

// ContactRow is one person: what lists filter and sort by in columns, the rest in State.
type ContactRow struct {
	Tenant        id.Tenant
	ID            id.Contact
	Bucket        int   // placement bucket, 0 to id.Buckets-1; never changes
	Version       int64 // of this row; 1 or more
	Base          int64 // the stored version this row was computed from; reads set it to Version, 0 means a new row
	Name          string
	Phone         string // digits with country code, no plus sign
	Status        string
	Tags          []string
	OrderNo       string
	QuoteCents    int64
	AssignedAgent id.Agent  // "" when none
	MayCallUntil  time.Time // zero: no permission to call; a permanent one is a date far ahead
	MayCallLine   id.Line   // the line that holds the permission
	WindowUntil   time.Time // end of the service window; zero: closed
	OngoingCall   id.Call   // "" when in none
	LastActivity  time.Time // lists are sorted by it; zero becomes UpdatedAt
	State         []byte    // JSON object of the contact actor; empty is {}
	UpdatedAt     time.Time
}

// ContactKey names a contact across tenants.
type ContactKey struct {
	Tenant id.Tenant
	ID     id.Contact
}

const contactColumns = `tenant, id, bucket, version, name, phone, status, tags, order_no, quote_cents, assigned_agent,
	may_call_until, may_call_line, window_until, ongoing_call, last_activity, state, updated_at`

func scanContact(r pgx.CollectableRow) (c ContactRow, err error) {
	var mayCall, window *time.Time
	var call *id.Call
	err = r.Scan(&c.Tenant, &c.ID, &c.Bucket, &c.Version, &c.Name, &c.Phone, &c.Status, &c.Tags, &c.OrderNo,
		&c.QuoteCents, &c.AssignedAgent, &mayCall, &c.MayCallLine, &window, &call, &c.LastActivity, &c.State, &c.UpdatedAt)
	c.MayCallUntil, c.WindowUntil, c.OngoingCall = utc(mayCall), utc(window), deref(call)
	c.LastActivity, c.UpdatedAt, c.Base = c.LastActivity.UTC(), c.UpdatedAt.UTC(), c.Version
	return c, err
}

// GetContact reads one contact; NotFound when the tenant has none of that id.
func (s *Store) GetContact(ctx context.Context, tenant id.Tenant, contact id.Contact) (ContactRow, error) {
	return one(ctx, s, "store.get_contact", "no_contact", scanContact,
		`SELECT `+contactColumns+` FROM contacts WHERE tenant = $1 AND id = $2`, tenant, contact)
}

// The rows of a batch travel as one array per column; tags as the text of an array, since unnest would flatten
// nested arrays and CockroachDB has none.
const (
	contactUnnest = `unnest($1::text[], $2::text[], $3::int8[], $4::int8[], $5::int8[], $6::text[], $7::text[],
	$8::text[], $9::text[], $10::text[], $11::text[], $12::int8[], $13::text[], $14::timestamptz[], $15::text[],
	$16::timestamptz[], $17::text[], $18::timestamptz[], $19::text[], $20::timestamptz[])
	AS u (tenant, id, bucket, version, base, name, name_folded, phone, status, tags, order_no, quote_cents,
	assigned_agent, may_call_until, may_call_line, window_until, ongoing_call, last_activity, state, updated_at)`

	updateContacts = `UPDATE contacts AS t SET version = u.version, name = u.name, name_folded = u.name_folded,
	phone = u.phone, status = u.status, tags = u.tags::text[], order_no = u.order_no, quote_cents = u.quote_cents,
	assigned_agent = u.assigned_agent, may_call_until = u.may_call_until, may_call_line = u.may_call_line,
	window_until = u.window_until, ongoing_call = u.ongoing_call, last_activity = u.last_activity,
	state = u.state::jsonb, updated_at = u.updated_at
	FROM ` + contactUnnest + `
	WHERE t.tenant = u.tenant AND t.id = u.id AND t.version = u.base RETURNING t.tenant, t.id`

	selectNewContacts = `SELECT tenant, id, bucket::int2, version, name, name_folded, phone, status, tags::text[],
	order_no, quote_cents, assigned_agent, may_call_until, may_call_line, window_until, ongoing_call, last_activity,
	state::jsonb, updated_at FROM ` + contactUnnest

	insertContacts = `INSERT INTO contacts (tenant, id, bucket, version, name, name_folded, phone, status, tags,
	order_no, quote_cents, assigned_agent, may_call_until, may_call_line, window_until, ongoing_call, last_activity,
	state, updated_at) ` + selectNewContacts
)

// contactArrays transposes rows into the arguments of contactUnnest.
func contactArrays(rows []ContactRow) []any {
	return []any{
		column(rows, func(c ContactRow) string { return string(c.Tenant) }),
		column(rows, func(c ContactRow) string { return string(c.ID) }),
		column(rows, func(c ContactRow) int64 { return int64(c.Bucket) }),
		column(rows, func(c ContactRow) int64 { return c.Version }),
		column(rows, func(c ContactRow) int64 { return c.Base }),
		column(rows, func(c ContactRow) string { return c.Name }),
		column(rows, func(c ContactRow) string { return Fold(c.Name) }),
		column(rows, func(c ContactRow) string { return c.Phone }),
		column(rows, func(c ContactRow) string { return c.Status }),
		column(rows, func(c ContactRow) string { return arrayText(c.Tags) }),
		column(rows, func(c ContactRow) string { return c.OrderNo }),
		column(rows, func(c ContactRow) int64 { return c.QuoteCents }),
		column(rows, func(c ContactRow) string { return string(c.AssignedAgent) }),
		column(rows, func(c ContactRow) *time.Time { return instant(c.MayCallUntil) }),
		column(rows, func(c ContactRow) string { return string(c.MayCallLine) }),
		column(rows, func(c ContactRow) *time.Time { return instant(c.WindowUntil) }),
		column(rows, func(c ContactRow) *string { return textOrNull(string(c.OngoingCall)) }),
		column(rows, func(c ContactRow) time.Time {
			if c.LastActivity.IsZero() {
				return micros(c.UpdatedAt)
			}
			return micros(c.LastActivity)
		}),
		column(rows, func(c ContactRow) string { return orObject(c.State) }),
		column(rows, func(c ContactRow) time.Time { return micros(c.UpdatedAt) }),
	}
}

// SaveContacts writes a batch of at most MaxBatch contacts, of any tenants, in one round trip: a row with Base 0 is
// inserted, any other replaces the stored one if that is still at version Base. The contacts that come back were
// lost to somebody else and are unchanged; all others are durable. The order of rows does not matter, but one contact
// may be there only once (Invalid), and Version must be greater than Base (Invalid). An error means that none is
// known to be written; the same batch may be sent again, and what was written the first time comes back as lost.
func (s *Store) SaveContacts(ctx context.Context, rows []ContactRow) (lost []ContactKey, err error) {
	const op = "store.save_contacts"
	created, changed, err := splitBatch(op, rows)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	kept := make(map[ContactKey]bool, len(rows))
	err = s.retryable(ctx, op, func(ctx context.Context, q querier) error {
		clear(kept)
		batch := &pgx.Batch{} // one implicit transaction, one round trip
		collect := func(rows pgx.Rows) error {
			var key ContactKey
			_, err := pgx.ForEachRow(rows, []any{&key.Tenant, &key.ID}, func() error { kept[key] = true; return nil })
			return err
		}
		if len(changed) > 0 {
			batch.Queue(updateContacts, contactArrays(changed)...).Query(collect)
		}
		if len(created) > 0 {
			batch.Queue(insertContacts+` ON CONFLICT (tenant, id) DO NOTHING RETURNING tenant, id`,
				contactArrays(created)...).Query(collect)
		}
		return q.SendBatch(ctx, batch).Close()
	})
	if err != nil {
		return nil, err
	}
	for _, c := range rows {
		if key := (ContactKey{c.Tenant, c.ID}); !kept[key] {
			lost = append(lost, key)
		}
	}
	return lost, nil
}

// splitBatch separates new rows from changed ones, both sorted by key, so that two batches lock in one order.
func splitBatch(op string, rows []ContactRow) (created, changed []ContactRow, err error) {
	if len(rows) > MaxBatch {
		return nil, nil, fault.Newf(fault.Invalid, op, "batch_too_large", "%d rows, at most %d", len(rows), MaxBatch)
	}
	sorted := slices.Clone(rows)
	slices.SortFunc(sorted, func(a, b ContactRow) int {
		return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.ID, b.ID))
	})
	for i, c := range sorted {
		if i > 0 && c.ID == sorted[i-1].ID && c.Tenant == sorted[i-1].Tenant {
			return nil, nil, fault.Newf(fault.Invalid, op, "duplicate", "contact %s is in the batch twice", c.ID)
		}
		if c.Version <= c.Base {
			return nil, nil, notNewer(op, c.Version, c.Base)
		}
		if c.Bucket < 0 || c.Bucket >= id.Buckets {
			return nil, nil, fault.Newf(fault.Invalid, op, "bad_bucket", "bucket %d of contact %s", c.Bucket, c.ID)
		}
		if c.Base == 0 {
			created = append(created, c)
		} else {
			changed = append(changed, c)
		}
	}
	return created, changed, nil
}

// ContactsOfBuckets reads contacts of the given buckets with ids after the given key, in the order of (tenant, id), at
// most limit (default 50, at most 1000): the scan by which an owner of buckets fills its memory. It uses the bulk
// connections. The last row's key continues it; fewer rows than limit are the end.
func (s *Store) ContactsOfBuckets(ctx context.Context, buckets []int, after ContactKey, limit int) ([]ContactRow, error) {
	return many(Bulk(ctx), s, "store.contacts_of_buckets", scanContact,
		`SELECT `+contactColumns+` FROM contacts WHERE bucket = ANY($1) AND (tenant, id) > ($2, $3)
		 ORDER BY tenant, id LIMIT $4`, buckets, after.Tenant, after.ID, bounded(limit, MaxBatch))
}

// ExpiredPermissions names contacts of the given buckets whose permission to call has ended by the database's clock while
// their row still grants it, at most limit (default 50, at most 1000). Saving a contact that has noticed takes it off.
func (s *Store) ExpiredPermissions(ctx context.Context, buckets []int, limit int) ([]ContactKey, error) {
	scan := func(r pgx.CollectableRow) (k ContactKey, err error) { return k, r.Scan(&k.Tenant, &k.ID) }
	return many(Bulk(ctx), s, "store.expired_permissions", scan,
		`SELECT tenant, id FROM contacts WHERE may_call_until <= now() AND bucket = ANY($1)
		 ORDER BY may_call_until LIMIT $2`, buckets, bounded(limit, MaxBatch))
}

func column[R, T any](rows []R, field func(R) T) []T {
	out := make([]T, len(rows))
	for i, r := range rows {
		out[i] = field(r)
	}
	return out
}

func textOrNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// arrayText writes words as the text of an array (PostgreSQL manual, 8.15.6): every element quoted.
func arrayText[T ~string](words []T) string {
	var b strings.Builder
	b.WriteByte('{')
	for i, w := range words {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('"')
		b.WriteString(arrayEscapes.Replace(string(w)))
		b.WriteByte('"')
	}
	b.WriteByte('}')
	return b.String()
}

var arrayEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`)
