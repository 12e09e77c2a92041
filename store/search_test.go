package store_test

import (
	"fmt"
	"testing"
	"time"

	"ramal/internal/fault"
	"ramal/internal/id"
	"ramal/store"
)

func testSearch(t *testing.T, s *store.Store) {
	addTenants(t, s)
	add := func(key, name, phone string, change func(*store.ContactRow)) {
		c := contact(pharmacy, key)
		c.Name, c.Phone = name, phone
		if change != nil {
			change(&c)
		}
		save(t, s, c)
	}
	soon, past := time.Now().Add(time.Hour), time.Now().Add(-time.Second)
	add("ana", "Ana Júlia São Pedro", "5562911112222", func(c *store.ContactRow) { c.OngoingCall, c.Tags = "call_1", []string{"vip", "diabetes"} })
	add("ben", "BENEDITO  Conceição", "5511933334444", func(c *store.ContactRow) { c.OrderNo, c.Status, c.AssignedAgent = "PED-2024_77", "quoted", "luis" })
	add("cid", "Cidália 100% Çelik", "5562955556666", func(c *store.ContactRow) { c.MayCallUntil, c.WindowUntil = soon, soon })
	add("dan", "Daniel", "5562900000000", func(c *store.ContactRow) { c.MayCallUntil, c.WindowUntil = past, past })
	theirs := contact(rival, "ana")
	theirs.Name = "Ana de outra farmácia"
	save(t, s, theirs)
	for _, c := range []struct {
		what  string
		query store.ContactQuery
		want  string
	}{
		{"everything", store.ContactQuery{}, "[dan cid ben ana]"},
		{"name prefix", store.ContactQuery{Text: "dani"}, "[dan]"},
		{"accents and case", store.ContactQuery{Text: "JULIA sao"}, "[ana]"},
		{"accents in the query", store.ContactQuery{Text: "conceicão"}, "[ben]"},
		{"middle of a word", store.ContactQuery{Text: "edit"}, "[ben]"},
		{"cedilla at the beginning", store.ContactQuery{Text: "celik"}, "[cid]"},
		{"all words must match", store.ContactQuery{Text: "ana benedito"}, "[]"},
		{"percent is literal", store.ContactQuery{Text: "0%"}, "[cid]"},
		{"underscore is literal", store.ContactQuery{Text: "2024_7"}, "[ben]"},
		{"a lone underscore", store.ContactQuery{Text: "_"}, "[ben]"},
		{"a backslash", store.ContactQuery{Text: `\`}, "[]"},
		{"phone infix", store.ContactQuery{Text: "5555"}, "[cid]"},
		{"formatted phone", store.ContactQuery{Text: "+55 (62) 91111-2222"}, "[ana]"},
		{"digits in the order number", store.ContactQuery{Text: "2024"}, "[ben]"},
		{"order number", store.ContactQuery{Text: "ped-2024"}, "[ben]"},
		{"name and phone", store.ContactQuery{Text: "cid 5556"}, "[cid]"},
		{"only spaces", store.ContactQuery{Text: "  "}, "[dan cid ben ana]"},
		{"ongoing", store.ContactQuery{Ongoing: true}, "[ana]"},
		{"status", store.ContactQuery{Status: "quoted"}, "[ben]"},
		{"agent", store.ContactQuery{AssignedAgent: "luis"}, "[ben]"},
		{"tag", store.ContactQuery{Tag: "diabetes"}, "[ana]"},
		{"may call", store.ContactQuery{MayCall: true}, "[cid]"},
		{"window open", store.ContactQuery{WindowOpen: true}, "[cid]"},
		{"text and filter", store.ContactQuery{Text: "5562", Ongoing: true}, "[ana]"},
		{"quotes are data", store.ContactQuery{Text: "' OR 1=1 --"}, "[]"},
	} {
		got, next, err := s.SearchContacts(t.Context(), pharmacy, c.query)
		if err != nil || next != "" {
			t.Errorf("%s: %v, next %q", c.what, err, next)
		}
		if ids := keys(got, func(r store.ContactRow) id.Contact { return r.ID }); ids != c.want {
			t.Errorf("%s: got %s, want %s", c.what, ids, c.want)
		}
	}
}

func testSearchPages(t *testing.T, s *store.Store) {
	addTenants(t, s)
	const total = 25
	var rows []store.ContactRow
	for i := range total {
		c := contact(pharmacy, fmt.Sprintf("ct_%02d", i))
		c.LastActivity = noon.Add(time.Duration(i/4) * time.Microsecond) // ties, broken by id
		rows = append(rows, c)
	}
	save(t, s, rows...)
	var seen []id.Contact
	var cursor store.Cursor
	for pages := 0; ; pages++ {
		got, next, err := s.SearchContacts(t.Context(), pharmacy, store.ContactQuery{Limit: 6, Cursor: cursor})
		ok(t, err)
		for _, c := range got {
			seen = append(seen, c.ID)
		}
		if cursor = next; cursor == "" {
			if pages != 4 {
				t.Errorf("%d pages after the first", pages)
			}
			break
		}
	}
	for i, c := range seen {
		if want := id.Contact(fmt.Sprintf("ct_%02d", total-1-i)); c != want {
			t.Fatalf("place %d is %s, want %s", i, c, want)
		}
	}
	if len(seen) != total {
		t.Errorf("saw %d of %d", len(seen), total)
	}
	for _, forged := range []store.Cursor{"x", "AAAA", "AQAAAAAAAAAAIA", "\xff", "!!!"} {
		_, _, err := s.SearchContacts(t.Context(), pharmacy, store.ContactQuery{Cursor: forged})
		wantFault(t, fmt.Sprintf("cursor %q", forged), err, fault.Invalid, "bad_cursor")
	}
}

func TestFold(t *testing.T) {
	for in, want := range map[string]string{"": "", "  João\t da  Silva ": "joao da silva", "ÇÃO": "cao", "Ünïcödé": "unicode",
		"n\u0303": "n", "ß": "ß", "a\x00b": "ab", "日本": "日本"} {
		if got := store.Fold(in); got != want {
			t.Errorf("Fold(%q) = %q, want %q", in, got, want)
		}
		if again := store.Fold(want); again != want {
			t.Errorf("Fold is not idempotent on %q: %q", want, again)
		}
	}
}
