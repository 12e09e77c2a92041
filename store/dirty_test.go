package store_test

import (
	"testing"

	"ramal/internal/id"
	"ramal/store"
)

// No character of a text, a name or a state makes a row unsaveable.
func testDirtyText(t *testing.T, s *store.Store) {
	ctx := t.Context()
	addTenants(t, s)
	const dirty, state = "a\x00b\xff", `{"note":"a\u0000b\ud800 \\u0000"}`
	want := []byte(`{"note":"a\ufffdb\ufffd \\u0000"}`)

	ok(t, s.PutMessage(ctx, store.MessageRow{Tenant: pharmacy, Contact: "ct_1", ID: "m_1", Line: "ln_1", Direction: store.Inbound, Kind: dirty,
		Body: []byte(state), ProviderID: dirty, Status: store.MessageFailed, StatusDetail: dirty, At: noon}))
	m, err := s.FindMessageByProviderID(ctx, pharmacy, "ln_1", dirty)
	ok(t, err)
	same(t, "message", m, store.MessageRow{Tenant: pharmacy, Contact: "ct_1", ID: "m_1", Line: "ln_1", Direction: store.Inbound, Kind: "ab",
		Body: want, ProviderID: "ab", Status: store.MessageFailed, StatusDetail: "ab", At: noon})

	ok(t, s.InsertAgent(ctx, store.AgentRow{Tenant: pharmacy, ID: "ag_1", Name: dirty, Role: "agent", State: []byte(state)}))
	if a, err := s.GetAgent(ctx, pharmacy, "ag_1"); err != nil || a.Name != "ab" {
		t.Errorf("the agent is %+v, %v", a, err)
	}

	who := store.Identifier{Kind: "bsuid", Value: dirty}
	_, err = s.InsertContact(ctx, store.ContactRow{Tenant: pharmacy, ID: "ct_1", Name: dirty, Tags: []string{dirty}, State: []byte(state), UpdatedAt: noon}, []store.Identifier{who})
	ok(t, err)
	c, err := s.GetContact(ctx, pharmacy, "ct_1")
	ok(t, err)
	if c.Name != "ab" || len(c.Tags) != 1 || c.Tags[0] != "ab" {
		t.Errorf("the contact is %+v", c)
	}
	if found, err := s.ResolveIdentifier(ctx, pharmacy, who); err != nil || found != "ct_1" {
		t.Errorf("the identifier leads to %q, %v", found, err)
	}
	c.Base, c.Version, c.Name = c.Version, c.Version+1, "c\x00d"
	if lost, err := s.SaveContacts(ctx, []store.ContactRow{c}); err != nil || len(lost) != 0 {
		t.Errorf("lost %v, %v", lost, err)
	}

	call := store.CallRow{Tenant: pharmacy, ID: "call_1", Line: "ln_1", Contact: "ct_1", Direction: store.Inbound, Node: "n", State: "offering", CreatedAt: noon, Fold: []byte(state)}
	ok(t, s.InsertCall(ctx, call))
	call.Seq, call.EndReason, call.Agents = 1, dirty, []id.Agent{dirty}
	ok(t, s.AppendCallEvents(ctx, 0, []store.CallEvent{{Seq: 1, Type: dirty, Data: []byte(state), At: noon}}, call))
	events, err := s.CallEvents(ctx, pharmacy, "call_1", 0)
	ok(t, err)
	if len(events) != 1 {
		t.Fatalf("%d events", len(events))
	}
	same(t, "event", events[0], store.CallEvent{Seq: 1, Type: "ab", Data: want, At: noon})

	in := letter("in_1", dirty, 7)
	for range 2 { // a delivery is recognized although its key was cleaned
		_, err = s.PutInbox(ctx, []store.InboxRow{in})
		ok(t, err)
	}
	if rows, err := s.PendingInbox(ctx, []int{7}, noon.AddDate(0, 0, 1), 10); err != nil || len(rows) != 1 || rows[0].Dedupe != "ab" {
		t.Errorf("pending are %+v, %v", rows, err)
	}
}

// The outcome of a message that was recorded before it was sent.
func testMessageOutcome(t *testing.T, s *store.Store) {
	ctx := t.Context()
	for _, c := range []struct {
		name          string
		first, second func(*store.MessageRow)
		status        store.MessageStatus
		detail, key   string
	}{
		{"sent", nil, func(m *store.MessageRow) { m.Status, m.ProviderID = store.MessageSent, "wamid.1" }, store.MessageSent, "", "wamid.1"},
		{"refused", nil, func(m *store.MessageRow) { m.Status, m.StatusDetail = store.MessageFailed, "no template" }, store.MessageFailed, "no template", ""},
		{"unknown", nil, nil, store.MessagePending, "", ""},
		{"later than a report", func(m *store.MessageRow) { m.Status, m.ProviderID = store.MessageRead, "wamid.2" },
			func(m *store.MessageRow) {
				m.Status, m.ProviderID, m.StatusDetail = store.MessageFailed, "wamid.3", "late"
			}, store.MessageRead, "", "wamid.2"},
		{"a failure stays", func(m *store.MessageRow) { m.Status, m.StatusDetail = store.MessageFailed, "why" },
			func(m *store.MessageRow) { m.Status, m.ProviderID = store.MessageSent, "wamid.4" }, store.MessageFailed, "why", "wamid.4"},
	} {
		m := message(id.Message("m_"+c.name), 0)
		if c.first != nil {
			c.first(&m)
		}
		ok(t, s.PutMessage(ctx, m))
		if c.second != nil {
			c.second(&m)
		}
		m.Kind = "changed"
		ok(t, s.PutMessage(ctx, m))
		rows, _, err := s.ListMessages(ctx, pharmacy, "ct_1", 50, "")
		ok(t, err)
		for _, got := range rows {
			if got.ID == m.ID && (got.Status != c.status || got.StatusDetail != c.detail || got.ProviderID != c.key || got.Kind != "text") {
				t.Errorf("%s: %+v", c.name, got)
			}
		}
	}
}
