package store_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"ramal/internal/fault"
	"ramal/internal/id"
	"ramal/store"
	"ramal/store/storetest"
)

func testTenants(t *testing.T, s *store.Store) {
	addTenants(t, s)
	ctx := t.Context()
	wantFault(t, "the same id again", s.InsertTenant(ctx, store.TenantRow{ID: rival, CreatedAt: noon}), fault.Conflict, store.CodeExists)
	ok(t, s.SaveTenantSettings(ctx, pharmacy, []byte(`{"language":"pt-BR"}`)))
	wantFault(t, "settings of nobody", s.SaveTenantSettings(ctx, "nobody", nil), fault.NotFound, "no_tenant")
	got, err := s.GetTenant(ctx, pharmacy)
	ok(t, err)
	same(t, "tenant", got, store.TenantRow{ID: pharmacy, Name: "farmacia", Settings: []byte(`{"language":"pt-BR"}`), CreatedAt: noon})
	_, err = s.GetTenant(ctx, "nobody")
	wantFault(t, "get nobody", err, fault.NotFound, "no_tenant")
	all, err := s.ListTenants(ctx)
	ok(t, err)
	if got := keys(all, func(r store.TenantRow) id.Tenant { return r.ID }); got != "[farmacia rival]" {
		t.Errorf("tenants are %s", got)
	}
}

func agent(tenant id.Tenant, name id.Agent) store.AgentRow {
	return store.AgentRow{Tenant: tenant, ID: name, Name: strings.ToUpper(string(name)), Email: string(name) + "@example.com",
		Role: "agent", State: []byte(`{"capacity":1}`), Version: 1, Presence: "available", PresenceUntil: time.Now().Add(time.Hour).UTC().Truncate(time.Microsecond)}
}

func testAgents(t *testing.T, s *store.Store) {
	addTenants(t, s)
	ctx := t.Context()
	luis := agent(pharmacy, "luis")
	luis.CurrentCall = "call_1"
	away, expired, theirs := agent(pharmacy, "ana"), agent(pharmacy, "bia"), agent(rival, "luis")
	away.Presence, expired.PresenceUntil = "break:lunch", time.Now().Add(-time.Second)
	for _, a := range []store.AgentRow{luis, away, expired, theirs} {
		ok(t, s.InsertAgent(ctx, a))
	}
	got, err := s.GetAgent(ctx, pharmacy, "luis")
	ok(t, err)
	same(t, "agent", got, luis)
	all, err := s.ListAgents(ctx, pharmacy)
	ok(t, err)
	if got := keys(all, func(r store.AgentRow) id.Agent { return r.ID }); got != "[ana bia luis]" {
		t.Errorf("agents are %s", got)
	}
	online, err := s.OnlineAgents(ctx, pharmacy)
	ok(t, err)
	if got := keys(online, func(r store.AgentRow) id.Agent { return r.ID }); got != "[luis]" {
		t.Errorf("online are %s", got)
	}
	wantFault(t, "the same id", s.InsertAgent(ctx, luis), fault.Conflict, store.CodeExists)
	stranger, boss := agent("nobody", "x"), agent(pharmacy, "y")
	boss.Role = "boss"
	for what, err := range map[string]error{"unknown tenant": s.InsertAgent(ctx, stranger), "unknown role": s.InsertAgent(ctx, boss)} {
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
	_, err = s.GetAgent(ctx, rival, "ana")
	wantFault(t, "another tenant's agent", err, fault.NotFound, "no_agent")
	minimal := store.AgentRow{Tenant: pharmacy, ID: "novo", Role: "agent"}
	ok(t, s.InsertAgent(ctx, minimal))
	got, err = s.GetAgent(ctx, pharmacy, "novo")
	ok(t, err)
	minimal.Version, minimal.Presence, minimal.State = 1, "offline", []byte(`{}`)
	same(t, "defaults", got, minimal)
}

func testAgentSaves(t *testing.T, s *store.Store) {
	addTenants(t, s)
	ctx := t.Context()
	luis := agent(pharmacy, "luis")
	ok(t, s.InsertAgent(ctx, luis))
	ok(t, s.InsertAgent(ctx, agent(rival, "luis")))
	luis.Version, luis.Presence, luis.CurrentCall, luis.PresenceUntil = 3, "busy", "call_9", time.Time{}
	ok(t, s.SaveAgent(ctx, luis, 1))
	got, err := s.GetAgent(ctx, pharmacy, "luis")
	ok(t, err)
	same(t, "saved", got, luis)
	stale := luis
	stale.Version, stale.Name = 9, "usurper" // two updates ahead of its own stale base: newer is not enough
	wantFault(t, "a stale base", s.SaveAgent(ctx, stale, 1), fault.Conflict, store.CodeStale)
	wantFault(t, "no progress", s.SaveAgent(ctx, luis, 3), fault.Invalid, "version_not_newer")
	wantFault(t, "nobody", s.SaveAgent(ctx, store.AgentRow{Tenant: pharmacy, ID: "x", Role: "agent", Version: 2}, 1), fault.Conflict, store.CodeStale)
	got, err = s.GetAgent(ctx, pharmacy, "luis")
	ok(t, err)
	same(t, "after refusals", got, luis)
	other, err := s.GetAgent(ctx, rival, "luis")
	ok(t, err)
	if other.Version != 1 {
		t.Error("another tenant's agent of the same id was changed")
	}
}

func line(tenant id.Tenant, name id.Line, number string) store.LineRow {
	return store.LineRow{Tenant: tenant, ID: name, Name: "Balcão", PhoneNumberID: number, DisplayNumber: "+55 62 3333-4444",
		WABAID: "waba", GraphURL: "http://127.0.0.1:1", APIVersion: "v23.0",
		Credentials: store.LineCredentials{Token: "tok-" + number, AppSecret: "app-" + number, VerifyToken: "ver-" + number},
		Settings:    []byte(`{"hours":[]}`), State: []byte(`{"queue":0}`), Version: 1}
}

func testLines(t *testing.T, s *store.Store) {
	addTenants(t, s)
	ctx := t.Context()
	ours, second, theirs := line(pharmacy, "ln_1", "100"), line(pharmacy, "ln_2", "101"), line(rival, "ln_1", "200")
	for _, l := range []store.LineRow{ours, second, theirs} {
		ok(t, s.InsertLine(ctx, l))
	}
	got, err := s.GetLine(ctx, pharmacy, "ln_1")
	ok(t, err)
	same(t, "line", got, ours)
	got, err = s.LineByPhoneNumberID(ctx, "200")
	ok(t, err)
	same(t, "by number", got, theirs)
	_, err = s.LineByPhoneNumberID(ctx, "999")
	wantFault(t, "unknown number", err, fault.NotFound, "no_line")
	all, err := s.ListLines(ctx, pharmacy)
	ok(t, err)
	if got := keys(all, func(r store.LineRow) string { return r.PhoneNumberID }); got != "[100 101]" {
		t.Errorf("lines are %s", got)
	}
	wantFault(t, "a number of another tenant", s.InsertLine(ctx, line(pharmacy, "ln_3", "200")), fault.Conflict, store.CodeExists)
}

func testLineSaves(t *testing.T, s *store.Store) {
	addTenants(t, s)
	ctx := t.Context()
	l := line(pharmacy, "ln_1", "100")
	ok(t, s.InsertLine(ctx, l))
	ok(t, s.InsertLine(ctx, line(rival, "ln_1", "200")))
	changed := l
	changed.Version, changed.State, changed.PhoneNumberID = 2, []byte(`{"queue":3}`), "102"
	changed.Credentials = store.LineCredentials{Token: "not saved by SaveLine"}
	ok(t, s.SaveLine(ctx, changed, 1))
	got, err := s.GetLine(ctx, pharmacy, "ln_1")
	ok(t, err)
	changed.Credentials = l.Credentials
	same(t, "saved", got, changed)
	l.Version = 9
	wantFault(t, "a stale base", s.SaveLine(ctx, l, 1), fault.Conflict, store.CodeStale)
	wantFault(t, "no progress", s.SaveLine(ctx, l, 9), fault.Invalid, "version_not_newer")
	changed.Version, changed.PhoneNumberID = 3, "200"
	wantFault(t, "somebody else's number", s.SaveLine(ctx, changed, 2), fault.Conflict, store.CodeExists)
}

func testLineCredentials(t *testing.T, s *store.Store) {
	addTenants(t, s)
	ctx := t.Context()
	l := line(pharmacy, "ln_1", "100")
	ok(t, s.InsertLine(ctx, l))
	ok(t, s.InsertLine(ctx, line(rival, "ln_9", "900")))
	var raw []byte
	ok(t, s.Pool().QueryRow(ctx, "SELECT secrets FROM lines WHERE tenant = $1", pharmacy).Scan(&raw))
	for _, word := range []string{"tok-100", "app-100", "ver-100"} {
		if strings.Contains(string(raw), word) {
			t.Errorf("%s lies open in the table", word)
		}
	}
	fresh := store.LineCredentials{Token: "t2", AppSecret: "a2", VerifyToken: "v2"}
	ok(t, s.SetLineCredentials(ctx, pharmacy, "ln_1", fresh))
	wantFault(t, "no such line", s.SetLineCredentials(ctx, pharmacy, "ln_x", fresh), fault.NotFound, "no_line")
	got, err := s.GetLine(ctx, pharmacy, "ln_1")
	ok(t, err)
	if got.Credentials != fresh || got.Version != 1 {
		t.Errorf("read %q at version %d", got.Credentials.Token, got.Version)
	}
	// a row copied to another tenant gives nothing away
	_, err = s.Pool().Exec(ctx, "UPDATE lines SET secrets = (SELECT secrets FROM lines WHERE tenant = $1) WHERE tenant = $2", pharmacy, rival)
	ok(t, err)
	if stolen, err := s.GetLine(ctx, rival, "ln_9"); !fault.Is(err, fault.Internal) || stolen.Credentials != (store.LineCredentials{}) {
		t.Errorf("stolen credentials open: %v", err)
	}
}

func TestLinesNeedAKey(t *testing.T) {
	s, err := store.Open(t.Context(), store.Config{URL: storetest.URL(t)})
	ok(t, err)
	defer s.Close()
	addTenants(t, s)
	wantFault(t, "insert", s.InsertLine(t.Context(), line(pharmacy, "ln_1", "100")), fault.Internal, "no_key")
}

func TestCredentialsAreNeverPrinted(t *testing.T) {
	l := line(pharmacy, "ln_1", "100")
	verbs := "%[1]v %[1]s %[1]q %[1]x %[1]d %[1]T" // a variable: vet would refuse some of them
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("line", "line", l, "credentials", l.Credentials)
	slog.New(slog.NewTextHandler(&log, nil)).Info("line", "line", l, "credentials", &l.Credentials)
	encoded, err := json.Marshal(l)
	ok(t, err)
	for what, text := range map[string]string{
		"row": fmt.Sprintf("%v %+v %#v %+v", l, l, l, &l), "print": fmt.Sprint(l.Credentials, &l.Credentials),
		"verbs": fmt.Sprintf(verbs, l.Credentials), "slog": log.String(), "json": string(encoded),
	} {
		for _, word := range []string{"tok-100", "app-100", "ver-100", "746f6b2d313030"} {
			if strings.Contains(text, word) {
				t.Errorf("%s shows %s: %s", what, word, text)
			}
		}
	}
}
