package store

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"

	"ramal/internal/fault"
	"ramal/internal/id"
)

// Identifier is one way by which the outside world names a contact, such as {"phone", "5562988887777"}.
// Kind and Value are stored and compared as they are: the caller normalizes.
type Identifier struct {
	Kind  string
	Value string
}

// OwnedIdentifier is an identifier and the contact it leads to.
type OwnedIdentifier struct {
	Identifier
	Contact id.Contact
}

func scanIdentifier(r pgx.CollectableRow) (o OwnedIdentifier, err error) {
	err = r.Scan(&o.Kind, &o.Value, &o.Contact)
	return o, err
}

// ResolveIdentifier finds the contact that an identifier leads to; NotFound when it is nobody's.
func (s *Store) ResolveIdentifier(ctx context.Context, tenant id.Tenant, who Identifier) (id.Contact, error) {
	return one(ctx, s, "store.resolve_identifier", "no_contact", pgx.RowTo[id.Contact],
		`SELECT contact_id FROM contact_identifiers WHERE tenant = $1 AND kind = $2 AND value = $3`,
		tenant, who.Kind, who.Value)
}

// Identifiers reads all identifiers of a contact, in the order of kind and value.
func (s *Store) Identifiers(ctx context.Context, tenant id.Tenant, contact id.Contact) ([]Identifier, error) {
	return many(ctx, s, "store.identifiers", pgx.RowToStructByPos[Identifier],
		`SELECT kind, value FROM contact_identifiers WHERE tenant = $1 AND contact_id = $2 ORDER BY kind, value`,
		tenant, contact)
}

// InsertContact adds a contact together with its identifiers, all or nothing. When one of them, or the contact's id,
// is taken already it adds nothing and answers Conflict with CodeExists and the contact that has it: the first in
// the order of ids where several have. So resolve-or-create is race-safe: call ResolveIdentifier, on NotFound
// InsertContact, on Conflict go on with the id it returned. Row.Base is ignored and Version 0 becomes 1.
func (s *Store) InsertContact(ctx context.Context, row ContactRow, ids []Identifier) (id.Contact, error) {
	const op = "store.insert_contact"
	row.Base, row.Version = 0, max(row.Version, 1)
	if _, _, err := splitBatch(op, []ContactRow{row}); err != nil {
		return "", err
	}
	ids = sortedIdentifiers(ids)
	for {
		err := s.insertContact(ctx, op, row, ids)
		if !fault.Is(err, fault.Conflict) {
			return row.ID, err
		}
		owner, find := s.firstOwner(ctx, op, row, ids)
		if !fault.Is(find, fault.NotFound) {
			return owner, errors.Join(err, find)
		}
		if err := pause(ctx, backoff(3)); err != nil { // the owner was deleted in between: ours may go in now
			return "", wrap(op, err)
		}
	}
}

func (s *Store) insertContact(ctx context.Context, op string, row ContactRow, ids []Identifier) error {
	args := append(contactArrays([]ContactRow{row}),
		column(ids, func(i Identifier) string { return i.Kind }),
		column(ids, func(i Identifier) string { return i.Value }))
	_, err := s.write(ctx, op, `WITH added AS (`+insertContacts+` RETURNING tenant, id)
		INSERT INTO contact_identifiers (tenant, kind, value, contact_id)
		SELECT added.tenant, i.kind, i.value, added.id
		FROM added, unnest($21::text[], $22::text[]) AS i (kind, value)`, args...)
	return err
}

func (s *Store) firstOwner(ctx context.Context, op string, row ContactRow, ids []Identifier) (id.Contact, error) {
	return one(ctx, s, op, "no_contact", pgx.RowTo[id.Contact],
		`SELECT owner FROM (
		   SELECT c.contact_id AS owner FROM contact_identifiers AS c, unnest($2::text[], $3::text[]) AS i (kind, value)
		   WHERE c.tenant = $1 AND c.kind = i.kind AND c.value = i.value
		   UNION SELECT id AS owner FROM contacts WHERE tenant = $1 AND id = $4) AS owners
		 ORDER BY owner LIMIT 1`,
		row.Tenant, column(ids, func(i Identifier) string { return i.Kind }),
		column(ids, func(i Identifier) string { return i.Value }), row.ID)
}

// AddIdentifiers gives a contact those of ids that are nobody's yet. The ones that lead to another contact come back
// with that contact: nothing is taken from it, since merging two people is a decision.
func (s *Store) AddIdentifiers(ctx context.Context, tenant id.Tenant, contact id.Contact, ids []Identifier) (taken []OwnedIdentifier, err error) {
	const op = "store.add_identifiers"
	ids = sortedIdentifiers(ids)
	kinds := column(ids, func(i Identifier) string { return i.Kind })
	values := column(ids, func(i Identifier) string { return i.Value })
	if _, err := s.write(ctx, op,
		`INSERT INTO contact_identifiers (tenant, kind, value, contact_id)
		 SELECT $1, i.kind, i.value, $2 FROM unnest($3::text[], $4::text[]) AS i (kind, value)
		 ON CONFLICT (tenant, kind, value) DO NOTHING`, tenant, contact, kinds, values); err != nil {
		return nil, err
	}
	return many(ctx, s, op, scanIdentifier,
		`SELECT c.kind, c.value, c.contact_id
		 FROM contact_identifiers AS c, unnest($3::text[], $4::text[]) AS i (kind, value)
		 WHERE c.tenant = $1 AND c.kind = i.kind AND c.value = i.value AND c.contact_id <> $2
		 ORDER BY c.kind, c.value`, tenant, contact, kinds, values)
}

// sortedIdentifiers returns each identifier once, in one order for all writers: two that add the same ones wait for
// each other instead of deadlocking.
func sortedIdentifiers(ids []Identifier) []Identifier {
	sorted := slices.Clone(ids)
	slices.SortFunc(sorted, func(a, b Identifier) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Value, b.Value))
	})
	return slices.Compact(sorted)
}
