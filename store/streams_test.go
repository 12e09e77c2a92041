package store_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"ramal/internal/fault"
	"ramal/internal/id"
	"ramal/store"
)

func letter(key, dedupe string, bucket int) store.InboxRow {
	return store.InboxRow{ID: key, Tenant: pharmacy, Line: "ln_1", Dedupe: dedupe, Bucket: bucket, Body: []byte{0, 1, 0xff}, ReceivedAt: noon}
}

func testInbox(t *testing.T, s *store.Store) {
	ctx := t.Context()
	fresh, err := s.PutInbox(ctx, []store.InboxRow{letter("in_1", "a", 7), letter("in_2", "b", 8)})
	ok(t, err)
	if len(fresh) != 2 {
		t.Errorf("fresh are %v", fresh)
	}
	otherLine := letter("in_6", "a", 7)
	otherLine.Line, otherLine.Body, otherLine.ReceivedAt = "ln_2", nil, noon.Add(time.Minute)
	fresh, err = s.PutInbox(ctx, []store.InboxRow{letter("in_3", "a", 7), letter("in_4", "c", 9), letter("in_5", "c", 9), otherLine})
	ok(t, err)
	if len(fresh) != 2 || !strings.Contains(fmt.Sprint(fresh), "in_4") || !strings.Contains(fmt.Sprint(fresh), "in_6") {
		t.Errorf("fresh are %v, want in_4 and in_6", fresh)
	}
	pending := func(buckets []int, before time.Time, limit int) string {
		rows, err := s.PendingInbox(ctx, buckets, before, limit)
		ok(t, err)
		return keys(rows, func(r store.InboxRow) string { return r.ID })
	}
	after := noon.Add(time.Hour)
	for _, c := range []struct{ got, want string }{
		{pending([]int{7, 8}, after, 10), "[in_1 in_2 in_6]"},
		{pending([]int{7, 8}, after, 1), "[in_1]"},
		{pending([]int{7}, noon.Add(time.Second), 10), "[in_1]"},
		{pending([]int{7, 8, 9}, noon, 10), "[]"},
		{pending(nil, after, 10), "[]"},
	} {
		if c.got != c.want {
			t.Errorf("pending are %s, want %s", c.got, c.want)
		}
	}
	rows, err := s.PendingInbox(ctx, []int{8}, after, 10)
	ok(t, err)
	same(t, "row", rows[0], letter("in_2", "b", 8))
	ok(t, s.MarkProcessed(ctx, []string{"in_1", "in_2", "unknown"}, noon.Add(time.Minute)))
	ok(t, s.MarkProcessed(ctx, []string{"in_1"}, after)) // again: the first time counts
	if got := pending([]int{7, 8}, after, 10); got != "[in_6]" {
		t.Errorf("pending are %s", got)
	}
	fresh, err = s.PutInbox(ctx, []store.InboxRow{letter("in_7", "a", 7)})
	if err != nil || len(fresh) != 0 {
		t.Errorf("a processed delivery came again as %v, %v", fresh, err)
	}
	if n, err := s.PruneInbox(ctx, noon.Add(2*time.Minute), 10); err != nil || n != 2 {
		t.Errorf("pruned %d, %v", n, err)
	}
	_, err = s.PutInbox(ctx, []store.InboxRow{letter("in_8", "z", id.Buckets)})
	wantFault(t, "no bucket", err, fault.Invalid, "bad_bucket")
	_, err = s.PutInbox(ctx, make([]store.InboxRow, store.MaxBatch+1))
	wantFault(t, "too many", err, fault.Invalid, "batch_too_large")
	if fresh, err := s.PutInbox(ctx, nil); err != nil || fresh != nil {
		t.Errorf("nothing: %v, %v", fresh, err)
	}
}

func testInboxParks(t *testing.T, s *store.Store) {
	ctx := t.Context()
	_, err := s.PutInbox(ctx, []store.InboxRow{letter("in_1", "a", 7)})
	ok(t, err)
	for attempt := 1; attempt <= 10; attempt++ {
		parked, err := s.FailInbox(ctx, "in_1", errors.New("bad\x00 thing\xff "+strings.Repeat("ç", 600)))
		ok(t, err)
		if parked != (attempt == 10) {
			t.Errorf("attempt %d: parked %v", attempt, parked)
		}
		rows, err := s.PendingInbox(ctx, []int{7}, noon.Add(time.Hour), 10)
		ok(t, err)
		if (len(rows) == 1) == parked {
			t.Errorf("attempt %d: %d pending, parked %v", attempt, len(rows), parked)
		}
		if len(rows) == 1 && (rows[0].Attempts != attempt || !strings.HasPrefix(rows[0].Error, "bad thing ç")) {
			t.Errorf("attempt %d is stored as %d %q", attempt, rows[0].Attempts, rows[0].Error)
		}
	}
	ok(t, s.MarkProcessed(ctx, []string{"in_1"}, noon))
	_, err = s.FailInbox(ctx, "in_1", errors.New("x"))
	wantFault(t, "after it was processed", err, fault.NotFound, "no_inbox")
}

func message(key id.Message, minute int) store.MessageRow {
	return store.MessageRow{Tenant: pharmacy, Contact: "ct_1", ID: key, Line: "ln_1", Direction: store.Outbound, Kind: "text",
		Body: []byte(`{"text":"oi"}`), Status: store.MessagePending, Agent: "luis", At: noon.Add(time.Duration(minute) * time.Minute)}
}

func testMessages(t *testing.T, s *store.Store) {
	ctx := t.Context()
	first := message("m_1", 0)
	ok(t, s.PutMessage(ctx, first))
	again := first
	again.ProviderID, again.Kind = "wamid.1", "changed"
	ok(t, s.PutMessage(ctx, again)) // fills in the provider's id and nothing else
	first.ProviderID = "wamid.1"
	again.ProviderID = "wamid.other"
	ok(t, s.PutMessage(ctx, again)) // and that only once
	got, err := s.FindMessageByProviderID(ctx, pharmacy, "ln_1", "wamid.1")
	ok(t, err)
	same(t, "message", got, first)
	stolen := message("m_2", 1)
	stolen.ProviderID = "wamid.1"
	wantFault(t, "a taken provider id", s.PutMessage(ctx, stolen), fault.Conflict, store.CodeExists)
	for i := 2; i <= 5; i++ {
		ok(t, s.PutMessage(ctx, message(id.Message(fmt.Sprint("m_", i)), i/2)))
	}
	other, theirs := message("m_9", 9), message("m_9", 9)
	other.Contact, theirs.Tenant = "ct_2", rival
	ok(t, s.PutMessage(ctx, other))
	ok(t, s.PutMessage(ctx, theirs))
	var seen []id.Message
	for cursor, more := store.Cursor(""), true; more; more = cursor != "" {
		rows, next, err := s.ListMessages(ctx, pharmacy, "ct_1", 2, cursor)
		ok(t, err)
		for _, m := range rows {
			seen = append(seen, m.ID)
		}
		cursor = next
	}
	if got := fmt.Sprint(seen); got != "[m_5 m_4 m_3 m_2 m_1]" {
		t.Errorf("the conversation is %s", got)
	}
	_, err = s.FindMessageByProviderID(ctx, rival, "ln_1", "wamid.1")
	wantFault(t, "another tenant's message", err, fault.NotFound, "no_message")
}

func testMessageStatus(t *testing.T, s *store.Store) {
	ctx := t.Context()
	m := message("m_1", 0)
	m.ProviderID = "wamid.1"
	ok(t, s.PutMessage(ctx, m))
	for i, c := range []struct {
		report, detail string
		advanced       bool
		want, why      string
	}{
		{"sent", "ignored", true, "sent", ""},
		{"sent", "", false, "sent", ""},
		{"failed", "131026", true, "failed", "131026"},
		{"sent", "", false, "failed", "131026"},
		{"read", "", true, "read", ""}, // overtook delivered
		{"delivered", "", false, "read", ""},
		{"failed", "late", false, "read", ""},
		{"played", "", true, "played", ""},
	} {
		advanced, err := s.UpdateMessageStatus(ctx, pharmacy, "ln_1", "wamid.1", store.MessageStatus(c.report), c.detail)
		ok(t, err)
		got, err := s.FindMessageByProviderID(ctx, pharmacy, "ln_1", "wamid.1")
		ok(t, err)
		if advanced != c.advanced || string(got.Status) != c.want || got.StatusDetail != c.why {
			t.Errorf("step %d, %s: advanced %v to %s %q", i, c.report, advanced, got.Status, got.StatusDetail)
		}
	}
	_, err := s.UpdateMessageStatus(ctx, pharmacy, "ln_1", "wamid.9", store.MessageRead, "")
	wantFault(t, "an unknown message", err, fault.NotFound, "no_message")
	_, err = s.UpdateMessageStatus(ctx, pharmacy, "ln_1", "wamid.1", "exploded", "")
	wantFault(t, "an unknown status", err, fault.Invalid, "bad_status")
}

func testAudit(t *testing.T, s *store.Store) {
	ctx := t.Context()
	entry := store.AuditRow{Tenant: pharmacy, ID: "au_1", Actor: "agent:luis", Action: "line.settings_changed", Subject: "line:ln_1",
		Data: []byte(`{"hours":"8-18"}`), At: noon}
	ok(t, s.PutAudit(ctx, entry))
	ok(t, s.PutAudit(ctx, store.AuditRow{Tenant: pharmacy, ID: "au_1", Actor: "somebody", Action: "rewrites", At: noon}))
	ok(t, s.PutAudit(ctx, store.AuditRow{Tenant: pharmacy, ID: "au_2", Actor: "x", Action: "y", At: noon.Add(time.Second)}))
	ok(t, s.PutAudit(ctx, store.AuditRow{Tenant: rival, ID: "au_1", Actor: "x", Action: "y", At: noon}))
	newest, next, err := s.ListAudit(ctx, pharmacy, 1, "")
	ok(t, err)
	if len(newest) != 1 || newest[0].ID != "au_2" || next == "" {
		t.Errorf("newest is %v, next %q", newest, next)
	}
	rest, next, err := s.ListAudit(ctx, pharmacy, 10, next)
	ok(t, err)
	if len(rest) != 1 || next != "" {
		t.Fatalf("the rest is %v, next %q", rest, next)
	}
	same(t, "entry", rest[0], entry)
}
