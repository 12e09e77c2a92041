package store_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"ramal/store"
	"ramal/store/storetest"
)

// TestContactSavesUseTheKey saves batches of every size into a large table: each row must be found by its key. A plan
// that reads the whole table would be right, and hundreds of times slower.
func TestContactSavesUseTheKey(t *testing.T) {
	s := storetest.OpenURL(t, store.Config{URL: storetest.URL(t), CallMaxConns: 1})
	addTenants(t, s)
	ctx := t.Context()
	const total = 20_000
	_, err := s.Pool().Exec(ctx, `INSERT INTO contacts (tenant, id, bucket, version, name, last_activity, updated_at)
		SELECT $1, 'ct_' || lpad(n::text, 6, '0'), 0, 1, 'x', now(), now() FROM generate_series(1, $2::int8) AS n`, pharmacy, total)
	ok(t, err)
	_, err = s.Pool().Exec(ctx, "ANALYZE contacts")
	ok(t, err)
	version := int64(1)
	for _, size := range []int{1, 10, 200, 1000} {
		for range 7 { // the server settles on a general plan after five executions
			rows := make([]store.ContactRow, size)
			for i := range rows {
				rows[i] = contact(pharmacy, fmt.Sprintf("ct_%06d", 1+i))
				got := version
				if i > 0 {
					got = rows[0].Base
				}
				rows[i].Base, rows[i].Version = got, got+1
			}
			if _, err := s.SaveContacts(ctx, rows); err != nil {
				t.Fatal(err)
			}
			version++
		}
	}
	conn, err := s.Pool().Acquire(ctx)
	ok(t, err)
	_, err = conn.Exec(ctx, "SELECT pg_stat_force_next_flush()") // statistics of this session, now
	ok(t, err)
	conn.Release()
	var scanned int64
	ok(t, s.Pool().QueryRow(ctx, `SELECT COALESCE(seq_tup_read, 0) FROM pg_stat_user_tables WHERE relname = 'contacts'`).Scan(&scanned))
	if scanned > 2*total {
		t.Errorf("%d rows were read outside the index", scanned)
	}
}

// TestUpdatesStayInPlace checks what fillfactor and the choice of indexes are for: an update of hot columns leaves
// the indexes alone.
func TestUpdatesStayInPlace(t *testing.T) {
	s := storetest.OpenURL(t, store.Config{URL: storetest.URL(t), CallMaxConns: 1})
	addTenants(t, s)
	ctx := t.Context()
	var rows []store.ContactRow
	for i := range 200 {
		rows = append(rows, contact(pharmacy, fmt.Sprint("ct_", i)))
	}
	save(t, s, rows...)
	for round := range 5 {
		for i := range rows {
			rows[i].Base, rows[i].Version = rows[i].Version, rows[i].Version+1
			rows[i].QuoteCents, rows[i].LastActivity = int64(round), rows[i].LastActivity.AddDate(0, 0, 1)
		}
		save(t, s, rows...)
	}
	_, err := s.Pool().Exec(ctx, "SELECT pg_stat_force_next_flush()")
	ok(t, err)
	var updates, hot int64
	ok(t, s.Pool().QueryRow(ctx, `SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'contacts'`).Scan(&updates, &hot))
	if updates != 1000 || hot < 500 { // pages that are full at first need one move; an index on a hot column would make it 0
		t.Errorf("%d of %d updates stayed in place", hot, updates)
	}
}

// TestListsUseTheirIndex asks how the long lists are read.
func TestListsUseTheirIndex(t *testing.T) {
	s := storetest.Open(t)
	ctx := t.Context()
	for _, c := range []struct{ sql, index string }{
		{`SELECT id FROM calls WHERE tenant = 'a' AND (created_at, id) < (now(), 'x') ORDER BY created_at DESC, id DESC LIMIT 50`, "calls_by_time"},
		{`SELECT id FROM calls WHERE tenant = 'a' AND contact = 'c' AND (created_at, id) < (now(), 'x') ORDER BY created_at DESC, id DESC LIMIT 50`, "calls_by_contact"},
		{`SELECT id FROM calls WHERE node = 'a' AND ended_at IS NULL`, "calls_ongoing_by_node"},
		{`SELECT id FROM messages WHERE tenant = 'a' AND contact = 'c' AND (at, id) < (now(), 'x') ORDER BY at DESC, id DESC LIMIT 50`, "messages_by_time"},
		{`SELECT id FROM inbox WHERE bucket = ANY('{1,2}') AND processed_at IS NULL AND NOT parked AND received_at < now()`, "inbox_pending"},
	} {
		conn, err := s.Pool().Acquire(ctx)
		ok(t, err)
		_, err = conn.Exec(ctx, "SET enable_seqscan = off") // the tables are empty
		ok(t, err)
		rows, err := conn.Query(ctx, "EXPLAIN "+c.sql)
		ok(t, err)
		plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
		ok(t, err)
		conn.Release()
		if text := strings.Join(plan, "\n"); !strings.Contains(text, c.index) || strings.Contains(text, "Sort") && !strings.Contains(c.index, "inbox") {
			t.Errorf("%s\n%s", c.sql, text)
		}
	}
}
