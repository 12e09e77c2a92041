package app

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"ramal/actors/contact"
	"ramal/channels/whatsapp"
	"ramal/internal/fault"
	"ramal/internal/id"
	"ramal/store"
	"ramal/store/storetest"
)

func TestParseSeed(t *testing.T) {
	s, err := ParseSeed([]byte(`
tenants:
  - id: acme
    name: Acme
    settings: {permission_template: ask}
    agents: [{id: ana, name: Ana, email: ana@acme.example, role: supervisor}]
    lines: [{id: main, name: Main, phone_number_id: "1", display_number: "+1", waba_id: "2", graph_url: "http://x", api_version: none,
             token: t, app_secret: s, verify_token: v}]
    contacts: [{id: c1, name: Bo, phone: "+5511987654321", status: new, tags: [a, b], order_no: "7", quote_cents: 100, assigned: ana,
                orders: [{number: "7", agent: ana, status: paid, cents: 100, days_ago: 3}]}]
`))
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Tenants) != 1 {
		t.Fatalf("%d tenants, want 1", len(s.Tenants))
	}
	tenant := s.Tenants[0]
	if tenant.ID != "acme" || tenant.Name != "Acme" || tenant.Settings["permission_template"] != "ask" {
		t.Errorf("tenant: %+v", tenant)
	}
	if got, want := tenant.Agents[0], (SeedAgent{ID: "ana", Name: "Ana", Email: "ana@acme.example", Role: "supervisor"}); got != want {
		t.Errorf("agent: got %+v, want %+v", got, want)
	}
	if got, want := tenant.Lines[0], (SeedLine{
		ID: "main", Name: "Main", PhoneNumberID: "1", DisplayNumber: "+1", WABA: "2", GraphURL: "http://x", APIVersion: "none",
		Token: "t", AppSecret: "s", VerifyToken: "v",
	}); got != want {
		t.Errorf("line: got %+v, want %+v", got, want)
	}
	c := tenant.Contacts[0]
	if c.ID != "c1" || c.Phone != "+5511987654321" || !slices.Equal(c.Tags, []string{"a", "b"}) || c.QuoteCents != 100 || c.Assigned != "ana" {
		t.Errorf("contact: %+v", c)
	}
	if got, want := c.Orders[0], (SeedOrder{Number: "7", Agent: "ana", Status: "paid", Cents: 100, DaysAgo: 3}); got != want {
		t.Errorf("order: got %+v, want %+v", got, want)
	}
}

func TestParseSeedRefuses(t *testing.T) {
	for name, c := range map[string]struct{ yaml, want string }{
		"unknown at the top":       {"tenant: []", "tenant"},
		"unknown of a tenant":      {"tenants: [{id: a, nome: A}]", "nome"},
		"unknown of an agent":      {"tenants: [{id: a, agents: [{id: b, phone: 1}]}]", "phone"},
		"unknown of a line":        {"tenants: [{id: a, lines: [{id: b, number: 1}]}]", "number"},
		"unknown of a contact":     {"tenants: [{id: a, contacts: [{email: b}]}]", "email"},
		"unknown of an order":      {"tenants: [{id: a, contacts: [{orders: [{price: 1}]}]}]", "price"},
		"tenant without an id":     {"tenants: [{name: A}]", `""`},
		"tenant id with a space":   {"tenants: [{id: a b}]", `"a b"`},
		"tenant id with a slash":   {"tenants: [{id: a/b}]", `"a/b"`},
		"tenant id with an accent": {"tenants: [{id: são}]", "são"},
		"tenant id too long":       {"tenants: [{id: " + strings.Repeat("a", 65) + "}]", "aaa"},
		"text for a number":        {"tenants: [{id: a, contacts: [{quote_cents: much}]}]", "much"},
		"not YAML":                 {"tenants: [", "seed"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseSeed([]byte(c.yaml))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %s", err, c.want)
			}
		})
	}
}

func FuzzParseSeed(f *testing.F) {
	f.Add(demo)
	f.Add([]byte("tenants: [{id: a, agents: [{id: b}]}]"))
	f.Add([]byte("&a [*a]"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, err := ParseSeed(raw)
		if err != nil {
			return
		}
		for _, tenant := range s.Tenants {
			if !id.Valid(string(tenant.ID)) {
				t.Errorf("tenant id %q passed", tenant.ID)
			}
		}
	})
}

// TestDemo: what `ramal dev` begins with is consistent in itself.
func TestDemo(t *testing.T) {
	s, err := ParseSeed(demo)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Tenants) != 2 {
		t.Fatalf("%d tenants, want 2: tenancy is real from the first day", len(s.Tenants))
	}
	numbers := map[string]bool{}
	for _, tenant := range s.Tenants {
		staff := map[id.Agent]bool{}
		for _, a := range tenant.Agents {
			staff[a.ID] = true
		}
		for _, l := range tenant.Lines {
			if numbers[l.PhoneNumberID] {
				t.Errorf("phone-number id %s stands twice", l.PhoneNumberID)
			}
			numbers[l.PhoneNumberID] = true
		}
		for _, c := range tenant.Contacts {
			if c.Assigned != "" && !staff[c.Assigned] {
				t.Errorf("%s is assigned to %s, who is no agent of %s", c.Name, c.Assigned, tenant.ID)
			}
			for _, o := range c.Orders {
				if !staff[o.Agent] {
					t.Errorf("order %s is of %s, who is no agent of %s", o.Number, o.Agent, tenant.ID)
				}
			}
			if !strings.HasPrefix(c.Phone, "+55") || len(digits(c.Phone)) != 13 {
				t.Errorf("%s has the phone %q, want +55 and eleven digits", c.Name, c.Phone)
			}
		}
	}
	for _, who := range []id.Agent{"luis", "fernando", "camila"} { // their links are printed
		if !slices.ContainsFunc(s.Tenants[0].Agents, func(a SeedAgent) bool { return a.ID == who }) {
			t.Errorf("%s is missing", who)
		}
	}
}

// census counts and describes all rows of a seed.
func census(t *testing.T, st *store.Store, s Seed) string {
	t.Helper()
	var out []string
	for _, tenant := range s.Tenants {
		agents, err := st.ListAgents(t.Context(), tenant.ID)
		ok(t, err)
		for _, a := range agents {
			out = append(out, fmt.Sprintf("agent %s/%s %s %s v%d", a.Tenant, a.ID, a.Name, a.Role, a.Version))
		}
		lines, err := st.ListLines(t.Context(), tenant.ID)
		ok(t, err)
		for _, l := range lines {
			out = append(out, fmt.Sprintf("line %s/%s %s %s v%d", l.Tenant, l.ID, l.PhoneNumberID, l.Credentials.Token, l.Version))
		}
		contacts, _, err := st.SearchContacts(t.Context(), tenant.ID, store.ContactQuery{Limit: 200})
		ok(t, err)
		for _, c := range contacts {
			out = append(out, fmt.Sprintf("contact %s/%s %s %s v%d", c.Tenant, c.ID, c.Name, c.Phone, c.Version))
		}
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestApplyTwice(t *testing.T) {
	t.Parallel()
	st := storetest.Open(t)
	s, err := ParseSeed(demo)
	ok(t, err)
	var told []string
	ok(t, s.Apply(t.Context(), st, func(text string) { told = append(told, text) }))
	first := census(t, st, s)
	if want := 6 + 2 + 5; strings.Count(first, "\n")+1 != want {
		t.Fatalf("got\n%s\nwant %d rows", first, want)
	}
	if len(told) != 2 || !strings.Contains(told[0], "São João: 5 agents, 1 lines, 5 contacts") {
		t.Errorf("progress: %q", told)
	}
	ok(t, s.Apply(t.Context(), st, func(string) {}))
	if again := census(t, st, s); again != first {
		t.Errorf("a second time changes what is there:\n%s\n\n%s", first, again)
	}
}

func TestApplyMakesWhatActorsRead(t *testing.T) {
	t.Parallel()
	st := storetest.Open(t)
	s, err := ParseSeed(demo)
	ok(t, err)
	ok(t, s.Apply(t.Context(), st, func(string) {}))
	line, err := st.LineByPhoneNumberID(t.Context(), "106540352242922")
	ok(t, err)
	if line.Tenant != "sao-joao" || line.Credentials.AppSecret != "demo-secret-sao-joao" || line.Credentials.VerifyToken != "demo-verify-sao-joao" {
		t.Errorf("line: %+v", line)
	}
	for _, written := range whatsapp.PhoneVariants("5511987654321") { // with and without the ninth digit
		who, err := st.ResolveIdentifier(t.Context(), "sao-joao", store.Identifier{Kind: string(contact.KindPhone), Value: written})
		ok(t, err)
		row, err := st.GetContact(t.Context(), "sao-joao", who)
		ok(t, err)
		if row.Name != "Ana Souza" || row.AssignedAgent != "luis" || row.OrderNo != "991" || row.QuoteCents != 18990 {
			t.Errorf("contact: %+v", row)
		}
	}
	if _, err := st.ResolveIdentifier(t.Context(), "boa-saude", store.Identifier{Kind: string(contact.KindPhone), Value: "5511987654321"}); !fault.Is(err, fault.NotFound) {
		t.Errorf("the other tenant knows the contact: %v", err)
	}
}

// TestApplyRepeatsAfterFailure: what a broken seed file had brought before the fault stays, and the mended one does the rest.
func TestApplyRepeatsAfterFailure(t *testing.T) {
	t.Parallel()
	st := storetest.Open(t)
	s := Seed{Tenants: []SeedTenant{{
		ID: "acme", Name: "Acme", Agents: []SeedAgent{{ID: "ana", Name: "Ana"}}, Lines: []SeedLine{{ID: "main", PhoneNumberID: "1", Token: "t", AppSecret: "s"}},
	}}}
	err := s.Apply(t.Context(), st, func(string) {})
	if err == nil || !strings.Contains(err.Error(), "main") || !strings.Contains(err.Error(), "verify_token") {
		t.Fatalf("got %v, want an error that names the line and what it lacks", err)
	}
	s.Tenants[0].Lines[0].VerifyToken = "v"
	ok(t, s.Apply(t.Context(), st, func(string) {}))
	if lines, err := st.ListLines(t.Context(), "acme"); err != nil || len(lines) != 1 {
		t.Errorf("lines %v, %v", lines, err)
	}
}

// TestContactsWithoutPhone: a person without a number or an id cannot be recognised again, and must not be added twice.
func TestContactsWithoutPhone(t *testing.T) {
	t.Parallel()
	st := storetest.Open(t)
	s := Seed{Tenants: []SeedTenant{{ID: "acme", Name: "Acme", Contacts: []SeedContact{{Name: "Nobody"}}}}}
	for range 2 {
		_ = s.Apply(t.Context(), st, func(string) {}) // it may refuse or add; it may not add again
	}
	rows, _, err := st.SearchContacts(t.Context(), "acme", store.ContactQuery{})
	ok(t, err)
	if len(rows) > 1 {
		t.Errorf("applied twice, the seed made %d contacts of one", len(rows))
	}
}

func TestAddAgent(t *testing.T) {
	t.Parallel()
	st := storetest.Open(t)
	ok(t, st.InsertTenant(t.Context(), store.TenantRow{ID: "acme", Name: "Acme", CreatedAt: time.Now()}))
	for name, a := range map[string]SeedAgent{
		"no id":           {Name: "Ana"},
		"bad id":          {ID: "a na", Name: "Ana"},
		"no name":         {ID: "ana"}, // the agent's actor refuses it: nobody could sign in
		"name too long":   {ID: "ana", Name: strings.Repeat("a", 201)},
		"unknown role":    {ID: "ana", Name: "Ana", Role: "boss"},
		"role in capital": {ID: "ana", Name: "Ana", Role: "Admin"},
	} {
		if err := AddAgent(t.Context(), st, "acme", a); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: got %v, want it refused as invalid", name, err)
		}
	}
	ok(t, AddAgent(t.Context(), st, "acme", SeedAgent{ID: "ana", Name: "Ana"}))
	row, err := st.GetAgent(t.Context(), "acme", "ana")
	ok(t, err)
	if row.Role != "agent" {
		t.Errorf("role %q, want agent where none is given", row.Role)
	}
	if err := AddAgent(t.Context(), st, "acme", SeedAgent{ID: "ana", Name: "Other"}); !fault.Is(err, fault.Conflict) {
		t.Errorf("the same id again: got %v, want Conflict", err)
	}
	if err := AddAgent(t.Context(), st, "nowhere", SeedAgent{ID: "ana", Name: "Ana"}); err == nil {
		t.Error("an agent of no tenant was added")
	}
}

func TestAddLine(t *testing.T) {
	t.Parallel()
	st := storetest.Open(t)
	for _, tenant := range []id.Tenant{"acme", "rival"} {
		ok(t, st.InsertTenant(t.Context(), store.TenantRow{ID: tenant, Name: string(tenant), CreatedAt: time.Now()}))
	}
	good := SeedLine{ID: "main", PhoneNumberID: "1", Token: "t", AppSecret: "s", VerifyToken: "v"}
	for name, change := range map[string]func(*SeedLine){
		"bad id":             func(l *SeedLine) { l.ID = "a b" },
		"no phone-number id": func(l *SeedLine) { l.PhoneNumberID = "" },
		"no token":           func(l *SeedLine) { l.Token = "" },
		"no app secret":      func(l *SeedLine) { l.AppSecret = "" },
		"no verify token":    func(l *SeedLine) { l.VerifyToken = "" },
	} {
		l := good
		change(&l)
		if err := AddLine(t.Context(), st, "acme", l); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: got %v, want it refused as invalid", name, err)
		}
	}
	ok(t, AddLine(t.Context(), st, "acme", good))
	if err := AddLine(t.Context(), st, "acme", good); !fault.Is(err, fault.Conflict) {
		t.Errorf("the same line again: got %v, want Conflict", err)
	}
	if err := AddLine(context.Background(), st, "rival", good); !fault.Is(err, fault.Conflict) {
		t.Errorf("another tenant's line with the same phone-number id: got %v, want Conflict", err)
	}
}
