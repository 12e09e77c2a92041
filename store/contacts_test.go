package store_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"ramal/internal/fault"
	"ramal/internal/id"
	"ramal/store"
)

func contact(tenant id.Tenant, key string) store.ContactRow {
	return store.ContactRow{Tenant: tenant, ID: id.Contact(key), Bucket: id.Bucket(tenant, "contact", key), Version: 1,
		Name: "João " + key, Phone: "5562988887777", LastActivity: noon, State: []byte(`{}`), UpdatedAt: noon}
}

func save(t *testing.T, s *store.Store, rows ...store.ContactRow) {
	t.Helper()
	lost, err := s.SaveContacts(t.Context(), rows)
	ok(t, err)
	if len(lost) > 0 {
		t.Fatalf("lost %v", lost)
	}
}

func testContactRoundTrip(t *testing.T, s *store.Store) {
	addTenants(t, s)
	full := contact(pharmacy, "ct_1")
	full.Status, full.OrderNo, full.QuoteCents = "quoted", "A-17", 12_345
	full.Tags = []string{`plain`, `with "quotes"`, `back\slash`, `{comma, brace}`, ``, `NULL`, `ção`}
	full.AssignedAgent, full.MayCallLine, full.OngoingCall = "luis", "ln_1", "call_1"
	full.MayCallUntil, full.WindowUntil = noon.Add(time.Hour), time.Date(9000, 1, 1, 0, 0, 0, 0, time.UTC)
	full.State = []byte(`{"lines":{"ln_1":{"requests":["2026-11-24T12:00:00Z"]}},"big":9007199254740993}`)
	bare := store.ContactRow{Tenant: pharmacy, ID: "ct_2", Version: 1, UpdatedAt: noon}
	save(t, s, bare, full)
	full.Base = 1
	got, err := s.GetContact(t.Context(), pharmacy, "ct_1")
	ok(t, err)
	same(t, "full", got, full)
	bare.Base, bare.LastActivity, bare.State, bare.Tags = 1, noon, []byte(`{}`), []string{}
	got, err = s.GetContact(t.Context(), pharmacy, "ct_2")
	ok(t, err)
	same(t, "bare", got, bare)
	full.Version, full.Tags, full.MayCallUntil, full.OngoingCall, full.Name = 4, []string{"one"}, time.Time{}, "", "Outro"
	save(t, s, full)
	full.Base = 4
	got, err = s.GetContact(t.Context(), pharmacy, "ct_1")
	ok(t, err)
	same(t, "changed", got, full)
	_, err = s.GetContact(t.Context(), rival, "ct_1")
	wantFault(t, "another tenant's contact", err, fault.NotFound, "no_contact")
}

func testContactSaves(t *testing.T, s *store.Store) {
	addTenants(t, s)
	save(t, s, contact(pharmacy, "a"), contact(pharmacy, "b"), contact(rival, "a"))
	mine, stale, created, taken := contact(pharmacy, "a"), contact(pharmacy, "b"), contact(pharmacy, "c"), contact(rival, "a")
	mine.Base, mine.Version, mine.Name = 1, 2, "mine"
	stale.Base, stale.Version, stale.Name = 7, 9, "stale" // higher than stored, but computed from something else
	taken.Name = "taken"                                  // new, but there is one
	gone := contact(pharmacy, "gone")
	gone.Base, gone.Version = 1, 2 // an update of nothing
	lost, err := s.SaveContacts(t.Context(), []store.ContactRow{stale, created, gone, mine, taken})
	ok(t, err)
	want := []store.ContactKey{{Tenant: pharmacy, ID: "b"}, {Tenant: pharmacy, ID: "gone"}, {Tenant: rival, ID: "a"}}
	if !slices.Equal(lost, want) {
		t.Errorf("lost %v, want %v", lost, want)
	}
	for key, name := range map[store.ContactKey]string{{Tenant: pharmacy, ID: "a"}: "mine", {Tenant: pharmacy, ID: "b"}: "João b",
		{Tenant: pharmacy, ID: "c"}: "João c", {Tenant: rival, ID: "a"}: "João a"} {
		got, err := s.GetContact(t.Context(), key.Tenant, key.ID)
		if err != nil || got.Name != name {
			t.Errorf("%v is %q, %v; want %q", key, got.Name, err, name)
		}
	}
}

func testContactBatches(t *testing.T, s *store.Store) {
	addTenants(t, s)
	ctx := t.Context()
	refused := func(what, code string, rows ...store.ContactRow) {
		t.Helper()
		_, err := s.SaveContacts(ctx, rows)
		wantFault(t, what, err, fault.Invalid, code)
	}
	refused("twice", "duplicate", contact(pharmacy, "a"), contact(pharmacy, "b"), contact(pharmacy, "a"))
	odd := contact(pharmacy, "a")
	odd.Version = 0
	refused("no version", "version_not_newer", odd)
	odd.Version, odd.Bucket = 1, id.Buckets
	refused("no bucket", "bad_bucket", odd)
	refused("too many", "batch_too_large", make([]store.ContactRow, store.MaxBatch+1)...)
	if _, err := s.SaveContacts(ctx, []store.ContactRow{contact("nobody", "a")}); !fault.Is(err, fault.Invalid) {
		t.Errorf("unknown tenant: %v", err)
	}
	if lost, err := s.SaveContacts(ctx, nil); err != nil || lost != nil {
		t.Errorf("empty batch: %v, %v", lost, err)
	}
	full := make([]store.ContactRow, store.MaxBatch)
	for i := range full {
		full[i] = contact(pharmacy, fmt.Sprintf("ct_%04d", i))
	}
	save(t, s, full...)
	for i := range full {
		full[i].Base, full[i].Version = 1, 2
	}
	save(t, s, full...)
	lost, err := s.SaveContacts(ctx, full) // sent again, as after a time-out
	ok(t, err)
	if len(lost) != len(full) {
		t.Errorf("a repetition lost %d of %d", len(lost), len(full))
	}
}

// testContactRace lets writers that each trust to be the only one count up; what they were told was saved must add up.
func testContactRace(t *testing.T, s *store.Store) {
	addTenants(t, s)
	rows := make([]store.ContactRow, 10)
	for i := range rows {
		rows[i] = contact(pharmacy, fmt.Sprint("ct_", i))
	}
	save(t, s, rows...)
	const writers, rounds = 4, 10
	saved := parallel(writers, func(w int) int {
		n := 0
		for range rounds {
			batch := make([]store.ContactRow, 0, len(rows))
			for i := range rows {
				at := (i + w*3) % len(rows) // each writer in an order of its own
				c, err := s.GetContact(t.Context(), pharmacy, rows[at].ID)
				if err != nil {
					t.Error(err)
					return n
				}
				c.Version, c.QuoteCents = c.Base+1, c.QuoteCents+1
				batch = append(batch, c)
			}
			lost, err := s.SaveContacts(t.Context(), batch)
			if err != nil {
				t.Error(err)
				return n
			}
			n += len(batch) - len(lost)
		}
		return n
	})
	var stored, told int64
	for _, n := range saved {
		told += int64(n)
	}
	for _, r := range rows {
		c, err := s.GetContact(t.Context(), pharmacy, r.ID)
		ok(t, err)
		stored += c.QuoteCents
		if c.Version != c.QuoteCents+1 {
			t.Errorf("%s is at version %d after %d updates", c.ID, c.Version, c.QuoteCents)
		}
	}
	if stored != told || told == 0 {
		t.Errorf("%d updates are stored, %d were acknowledged", stored, told)
	}
}

func testContactsOfBuckets(t *testing.T, s *store.Store) {
	addTenants(t, s)
	var rows []store.ContactRow
	for i := range 30 {
		c := contact([]id.Tenant{pharmacy, rival}[i%2], fmt.Sprintf("ct_%02d", i))
		c.Bucket = i % 3
		rows = append(rows, c)
	}
	save(t, s, rows...)
	seen := map[store.ContactKey]bool{}
	var after store.ContactKey
	for {
		got, err := s.ContactsOfBuckets(t.Context(), []int{0, 2}, after, 7)
		ok(t, err)
		for _, c := range got {
			after = store.ContactKey{Tenant: c.Tenant, ID: c.ID}
			if c.Bucket == 1 || seen[after] {
				t.Errorf("%v of bucket %d, seen %v", after, c.Bucket, seen[after])
			}
			seen[after] = true
		}
		if len(got) < 7 {
			break
		}
	}
	if len(seen) != 20 {
		t.Errorf("saw %d contacts of 20", len(seen))
	}
}

func testIdentifiers(t *testing.T, s *store.Store) {
	addTenants(t, s)
	ctx := t.Context()
	phone, bsuid, mail := store.Identifier{Kind: "phone", Value: "5562988887777"}, store.Identifier{Kind: "bsuid", Value: "BR.1"}, store.Identifier{Kind: "email", Value: "a@example.com"}
	_, err := s.ResolveIdentifier(ctx, pharmacy, phone)
	wantFault(t, "before", err, fault.NotFound, "no_contact")
	owner, err := s.InsertContact(ctx, contact(pharmacy, "first"), []store.Identifier{phone, bsuid, phone})
	ok(t, err)
	if owner != "first" {
		t.Errorf("inserted %s", owner)
	}
	for _, who := range []store.Identifier{phone, bsuid} {
		if got, err := s.ResolveIdentifier(ctx, pharmacy, who); err != nil || got != "first" {
			t.Errorf("%v leads to %s, %v", who, got, err)
		}
	}
	owner, err = s.InsertContact(ctx, contact(pharmacy, "second"), []store.Identifier{mail, bsuid})
	wantFault(t, "a taken identifier", err, fault.Conflict, store.CodeExists)
	if owner != "first" {
		t.Errorf("the owner is %q", owner)
	}
	_, err = s.ResolveIdentifier(ctx, pharmacy, mail)
	wantFault(t, "the free identifier of a refused contact", err, fault.NotFound, "no_contact")
	_, err = s.GetContact(ctx, pharmacy, "second")
	wantFault(t, "the refused contact", err, fault.NotFound, "no_contact")
	owner, err = s.InsertContact(ctx, contact(pharmacy, "first"), []store.Identifier{mail})
	wantFault(t, "a taken id", err, fault.Conflict, store.CodeExists)
	if owner != "first" {
		t.Errorf("the owner is %q", owner)
	}
	if owner, err := s.InsertContact(ctx, contact(rival, "first"), []store.Identifier{phone}); err != nil || owner != "first" {
		t.Errorf("the same person at another tenant: %s, %v", owner, err)
	}
	if _, err := s.InsertContact(ctx, contact(pharmacy, "alone"), nil); err != nil {
		t.Errorf("a contact without identifiers: %v", err)
	}
	taken, err := s.AddIdentifiers(ctx, pharmacy, "alone", []store.Identifier{phone, mail})
	ok(t, err)
	if want := []store.OwnedIdentifier{{Identifier: phone, Contact: "first"}}; !slices.Equal(taken, want) {
		t.Errorf("taken are %v, want %v", taken, want)
	}
	got, err := s.Identifiers(ctx, pharmacy, "alone")
	ok(t, err)
	if want := []store.Identifier{mail}; !slices.Equal(got, want) {
		t.Errorf("identifiers are %v, want %v", got, want)
	}
	if taken, err := s.AddIdentifiers(ctx, pharmacy, "alone", []store.Identifier{mail}); err != nil || len(taken) > 0 {
		t.Errorf("adding again: %v, %v", taken, err)
	}
}

// testCreateRace lets many webhooks of one unknown person arrive at once: exactly one contact may come of it.
func testCreateRace(t *testing.T, s *store.Store) {
	addTenants(t, s)
	ids := []store.Identifier{{Kind: "phone", Value: "1"}, {Kind: "bsuid", Value: "2"}}
	type result struct {
		owner id.Contact
		won   bool
	}
	results := parallel(8, func(i int) result {
		given := slices.Clone(ids)
		if i%2 == 1 {
			slices.Reverse(given)
		}
		owner, err := s.InsertContact(t.Context(), contact(pharmacy, fmt.Sprint("ct_", i)), given)
		if err != nil && !fault.Is(err, fault.Conflict) && !errors.Is(err, t.Context().Err()) {
			t.Error(err)
		}
		return result{owner, err == nil}
	})
	winners := 0
	for _, r := range results {
		if r.owner != results[0].owner {
			t.Errorf("one was told %s, another %s", results[0].owner, r.owner)
		}
		if r.won {
			winners++
		}
	}
	if winners != 1 {
		t.Errorf("%d contacts were created", winners)
	}
	all, _, err := s.SearchContacts(t.Context(), pharmacy, store.ContactQuery{})
	ok(t, err)
	if len(all) != 1 {
		t.Errorf("%d contacts are stored", len(all))
	}
}
