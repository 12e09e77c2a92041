package store_test

import (
	"fmt"
	"testing"
	"time"

	"ramal/internal/fault"
	"ramal/internal/id"
	"ramal/store"
)

func call(tenant id.Tenant, key id.Call) store.CallRow {
	return store.CallRow{Tenant: tenant, ID: key, Line: "ln_1", Contact: "ct_1", Direction: store.Inbound, Node: "node_1",
		State: "ringing", CreatedAt: noon, Fold: []byte(`{}`)}
}

func testCalls(t *testing.T, s *store.Store) {
	ctx := t.Context()
	full := call(pharmacy, "call_1")
	full.ProviderCallID, full.AnsweredAt, full.EndedAt = "wacid.1", noon.Add(time.Second), noon.Add(time.Minute)
	full.TalkTime, full.EndReason, full.EndedBy = 59*time.Second+500*time.Millisecond, "hangup", "contact"
	full.Agents, full.Fold = []id.Agent{"luis", "ana"}, []byte(`{"legs":[1,2]}`)
	ok(t, s.InsertCall(ctx, full))
	got, err := s.GetCall(ctx, pharmacy, "call_1")
	ok(t, err)
	same(t, "full", got, full)
	bare, other := call(pharmacy, "call_2"), call(pharmacy, "call_3")
	other.Node, other.CreatedAt = "node_2", noon.Add(-time.Minute)
	theirs := call(rival, "call_1")
	theirs.ProviderCallID, theirs.CreatedAt = "wacid.1", noon.Add(-time.Second)
	for _, c := range []store.CallRow{bare, other, theirs} {
		ok(t, s.InsertCall(ctx, c))
	}
	got, err = s.GetCall(ctx, pharmacy, "call_2")
	ok(t, err)
	same(t, "bare", got, bare)
	wantFault(t, "the same id", s.InsertCall(ctx, full), fault.Conflict, store.CodeExists)
	_, err = s.GetCall(ctx, rival, "call_2")
	wantFault(t, "another tenant's call", err, fault.NotFound, "no_call")
	ours, err := s.CallsOfNode(ctx, "node_1")
	ok(t, err)
	if got := keys(ours, func(r store.CallRow) string { return string(r.Tenant) + "/" + string(r.ID) }); got != "[rival/call_1 farmacia/call_2]" {
		t.Errorf("calls of the node are %s", got)
	}
	nodes, err := s.NodesWithCalls(ctx)
	ok(t, err)
	if fmt.Sprint(nodes) != "[node_1 node_2]" {
		t.Errorf("nodes with calls are %v", nodes)
	}
}

func testProviderCallID(t *testing.T, s *store.Store) {
	ctx := t.Context()
	for _, c := range []store.CallRow{call(pharmacy, "call_1"), call(pharmacy, "call_2"), call(rival, "call_3")} {
		ok(t, s.InsertCall(ctx, c))
	}
	_, err := s.FindCallByProviderID(ctx, pharmacy, "ln_1", "wacid.1")
	wantFault(t, "before", err, fault.NotFound, "no_call")
	ok(t, s.SetProviderCallID(ctx, pharmacy, "call_1", "wacid.1"))
	ok(t, s.SetProviderCallID(ctx, pharmacy, "call_1", "wacid.1"))
	ok(t, s.SetProviderCallID(ctx, rival, "call_3", "wacid.1")) // another tenant's own
	got, err := s.FindCallByProviderID(ctx, pharmacy, "ln_1", "wacid.1")
	if err != nil || got.ID != "call_1" {
		t.Errorf("found %s, %v", got.ID, err)
	}
	_, err = s.FindCallByProviderID(ctx, pharmacy, "ln_2", "wacid.1")
	wantFault(t, "on another line", err, fault.NotFound, "no_call")
	wantFault(t, "another id", s.SetProviderCallID(ctx, pharmacy, "call_1", "wacid.2"), fault.Conflict, store.CodeStale)
	wantFault(t, "a taken id", s.SetProviderCallID(ctx, pharmacy, "call_2", "wacid.1"), fault.Conflict, store.CodeExists)
	wantFault(t, "no such call", s.SetProviderCallID(ctx, pharmacy, "call_9", "wacid.9"), fault.NotFound, "no_call")
}

func events(from int64, types ...string) []store.CallEvent {
	var out []store.CallEvent
	for i, typ := range types {
		out = append(out, store.CallEvent{Seq: from + int64(i), Type: typ, Data: fmt.Appendf(nil, `{"n": %d}`, from+int64(i)), At: noon.Add(time.Duration(i) * time.Second)})
	}
	return out
}

func testJournal(t *testing.T, s *store.Store) {
	ctx := t.Context()
	row := call(pharmacy, "call_1")
	ok(t, s.InsertCall(ctx, row))
	ok(t, s.InsertCall(ctx, call(rival, "call_1")))
	first := events(1, "created", "ringing")
	row.Seq, row.State, row.ProviderCallID = 2, "ringing", "wacid.1"
	ok(t, s.AppendCallEvents(ctx, 0, first, row))
	second := events(3, "answered")
	row.Seq, row.State, row.ProviderCallID, row.AnsweredAt = 3, "talking", "", noon
	row.Agents, row.Fold = []id.Agent{"luis"}, []byte(`{"a":1}`)
	ok(t, s.AppendCallEvents(ctx, 2, second, row))
	row.ProviderCallID = "wacid.1" // an empty one left it alone
	got, err := s.GetCall(ctx, pharmacy, "call_1")
	ok(t, err)
	same(t, "row", got, row)

	ok(t, s.AppendCallEvents(ctx, 2, second, row)) // an acknowledgement was lost: the same again
	rivals := events(3, "missed")
	wantFault(t, "another event at that place", s.AppendCallEvents(ctx, 2, rivals, row), fault.Conflict, store.CodeStale)
	later := events(3, "answered")
	later[0].At = noon.Add(time.Hour)
	wantFault(t, "the same event at another time", s.AppendCallEvents(ctx, 2, later, row), fault.Conflict, store.CodeStale)
	row.Seq = 9
	wantFault(t, "ahead of the journal", s.AppendCallEvents(ctx, 8, events(9, "x"), row), fault.Conflict, store.CodeStale)
	row.ID = "call_9"
	wantFault(t, "no such call", s.AppendCallEvents(ctx, 8, events(9, "x"), row), fault.Conflict, store.CodeStale)
	wantFault(t, "no events", s.AppendCallEvents(ctx, 9, nil, row), fault.Invalid, "bad_seq")
	wantFault(t, "a gap", s.AppendCallEvents(ctx, 7, events(9, "x"), row), fault.Invalid, "bad_seq")
	wantFault(t, "a fold of something else", s.AppendCallEvents(ctx, 9, events(10, "x", "y"), row), fault.Invalid, "bad_seq")

	journal, err := s.CallEvents(ctx, pharmacy, "call_1", 0)
	ok(t, err)
	want := append(first, second...)
	if len(journal) != len(want) {
		t.Fatalf("the journal has %d events, want %d", len(journal), len(want))
	}
	for i := range want {
		same(t, fmt.Sprint("event ", i), journal[i], want[i])
	}
	tail, err := s.CallEvents(ctx, pharmacy, "call_1", 2)
	if err != nil || len(tail) != 1 || tail[0].Seq != 3 {
		t.Errorf("after 2: %v, %v", tail, err)
	}
	if none, err := s.CallEvents(ctx, rival, "call_1", 0); err != nil || len(none) != 0 {
		t.Errorf("another tenant's call of that id: %v, %v", none, err)
	}
	other := call(pharmacy, "call_2")
	ok(t, s.InsertCall(ctx, other))
	other.Seq, other.ProviderCallID = 1, "wacid.1"
	wantFault(t, "a taken provider id", s.AppendCallEvents(ctx, 0, events(1, "x"), other), fault.Conflict, store.CodeExists)
	if none, err := s.CallEvents(ctx, pharmacy, "call_2", 0); err != nil || len(none) != 0 {
		t.Errorf("the refused events are there: %v, %v", none, err)
	}
}

// testJournalRace lets several believe that they run the call: at each place one event wins, and no one is told
// otherwise.
func testJournalRace(t *testing.T, s *store.Store) {
	ctx := t.Context()
	ok(t, s.InsertCall(ctx, call(pharmacy, "call_1")))
	const writers, length = 6, 15
	wins := parallel(writers, func(w int) map[int64]string {
		won := map[int64]string{}
		for seq := int64(1); seq <= length; {
			typ := fmt.Sprintf("by-%d", w)
			row := call(pharmacy, "call_1")
			row.Seq = seq
			err := s.AppendCallEvents(ctx, seq-1, events(seq, typ), row)
			switch {
			case err == nil:
				won[seq] = typ
			case !fault.Is(err, fault.Conflict):
				t.Error(err)
				return won
			}
			current, err := s.GetCall(ctx, pharmacy, "call_1")
			if err != nil {
				t.Error(err)
				return won
			}
			seq = current.Seq + 1
		}
		return won
	})
	journal, err := s.CallEvents(ctx, pharmacy, "call_1", 0)
	ok(t, err)
	told := 0
	for _, won := range wins {
		for seq, typ := range won {
			told++
			if journal[seq-1].Seq != seq || journal[seq-1].Type != typ {
				t.Errorf("%s was told that it wrote %d, the journal says %s", typ, seq, journal[seq-1].Type)
			}
		}
	}
	if len(journal) != length || told != length {
		t.Errorf("%d events, %d acknowledged, want %d", len(journal), told, length)
	}
}

func testHistory(t *testing.T, s *store.Store) {
	ctx := t.Context()
	add := func(key id.Call, minute int, change func(*store.CallRow)) {
		c := call(pharmacy, key)
		c.CreatedAt = noon.Add(time.Duration(minute) * time.Minute)
		change(&c)
		ok(t, s.InsertCall(ctx, c))
	}
	ended := noon.Add(time.Hour)
	add("a", 0, func(c *store.CallRow) { c.Contact, c.EndedAt, c.EndReason = "ct_9", ended, "missed" })
	add("b", 1, func(c *store.CallRow) { c.Agents, c.EndedAt, c.EndReason = []id.Agent{"luis", "ana"}, ended, "hangup" })
	add("c", 1, func(c *store.CallRow) { c.Direction = store.Outbound })
	add("d", 2, func(c *store.CallRow) { c.Line, c.EndedAt, c.EndReason = "ln_2", ended, "hangup" })
	ok(t, s.InsertCall(ctx, call(rival, "x")))
	for _, c := range []struct {
		what   string
		filter store.CallFilter
		want   string
	}{
		{"all", store.CallFilter{}, "[d c b a]"},
		{"contact", store.CallFilter{Contact: "ct_9"}, "[a]"},
		{"agent", store.CallFilter{Agent: "ana"}, "[b]"},
		{"line", store.CallFilter{Line: "ln_2"}, "[d]"},
		{"direction", store.CallFilter{Direction: store.Outbound}, "[c]"},
		{"outcome", store.CallFilter{EndReason: "hangup"}, "[d b]"},
		{"from is included", store.CallFilter{From: noon.Add(time.Minute)}, "[d c b]"},
		{"to is not", store.CallFilter{To: noon.Add(time.Minute)}, "[a]"},
		{"ongoing", store.CallFilter{Ongoing: true}, "[c]"},
		{"both", store.CallFilter{EndReason: "hangup", Line: "ln_1"}, "[b]"},
	} {
		var got []id.Call
		for cursor, more := store.Cursor(""), true; more; more = cursor != "" {
			rows, next, err := s.ListCalls(ctx, pharmacy, c.filter, 1, cursor)
			ok(t, err)
			for _, r := range rows {
				got = append(got, r.ID)
			}
			cursor = next
		}
		if fmt.Sprint(got) != c.want {
			t.Errorf("%s: got %v, want %s", c.what, got, c.want)
		}
	}
	_, _, err := s.ListCalls(ctx, pharmacy, store.CallFilter{}, 1, "forged")
	wantFault(t, "forged cursor", err, fault.Invalid, "bad_cursor")
}

func testTombstones(t *testing.T, s *store.Store) {
	ctx := t.Context()
	ok(t, s.PutTombstone(ctx, pharmacy, "ln_1", "wacid.1", noon))
	ok(t, s.PutTombstone(ctx, pharmacy, "ln_1", "wacid.1", noon.Add(time.Hour)))
	for _, c := range []struct {
		tenant id.Tenant
		line   id.Line
		id     string
		want   bool
	}{{pharmacy, "ln_1", "wacid.1", true}, {pharmacy, "ln_2", "wacid.1", false}, {rival, "ln_1", "wacid.1", false}, {pharmacy, "ln_1", "x", false}} {
		if got, err := s.HasTombstone(ctx, c.tenant, c.line, c.id); err != nil || got != c.want {
			t.Errorf("%+v: %v, %v", c, got, err)
		}
	}
	for before, want := range map[time.Time]int64{noon: 0} {
		if n, err := s.PruneTombstones(ctx, before, 10); err != nil || n != want {
			t.Errorf("pruned %d, %v; want %d", n, err, want)
		}
	}
	if n, err := s.PruneTombstones(ctx, noon.Add(time.Second), 10); err != nil || n != 1 {
		t.Errorf("pruned %d, %v", n, err)
	}
}
