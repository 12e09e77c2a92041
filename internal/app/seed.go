package app

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"ramal/actors/agent"
	"ramal/actors/contact"
	"ramal/actors/host"
	"ramal/actors/line"
	"ramal/internal/fault"
	"ramal/internal/id"
	"ramal/store"
)

// Seed is the form of a seed file: tenants with all that belongs to them. What exists already is left alone.
type Seed struct {
	Tenants []SeedTenant `yaml:"tenants"`
}

// SeedTenant is one customer company.
type SeedTenant struct {
	ID       id.Tenant      `yaml:"id"`
	Name     string         `yaml:"name"`
	Settings map[string]any `yaml:"settings"`
	Agents   []SeedAgent    `yaml:"agents"`
	Lines    []SeedLine     `yaml:"lines"`
	Contacts []SeedContact  `yaml:"contacts"`
}

// SeedAgent is one member of the staff. Role: agent, supervisor or admin.
type SeedAgent struct {
	ID    id.Agent `yaml:"id"`
	Name  string   `yaml:"name"`
	Email string   `yaml:"email"`
	Role  string   `yaml:"role"`
}

// SeedLine is one business number and the credentials of whoever carries its calls.
type SeedLine struct {
	ID            id.Line        `yaml:"id"`
	Name          string         `yaml:"name"`
	PhoneNumberID string         `yaml:"phone_number_id"`
	DisplayNumber string         `yaml:"display_number"`
	WABA          string         `yaml:"waba_id"`
	GraphURL      string         `yaml:"graph_url"`
	APIVersion    string         `yaml:"api_version"`
	Token         string         `yaml:"token"`
	AppSecret     string         `yaml:"app_secret"`
	VerifyToken   string         `yaml:"verify_token"`
	Settings      *line.Settings `yaml:"-"`
}

// SeedContact is one person, with orders. Phone has a country code, such as +5511987654321.
type SeedContact struct {
	ID         id.Contact  `yaml:"id"`
	Name       string      `yaml:"name"`
	Phone      string      `yaml:"phone"`
	Status     string      `yaml:"status"`
	Tags       []string    `yaml:"tags"`
	OrderNo    string      `yaml:"order_no"`
	QuoteCents int64       `yaml:"quote_cents"`
	Assigned   id.Agent    `yaml:"assigned"`
	Orders     []SeedOrder `yaml:"orders"`
}

// SeedOrder is one order, some days old.
type SeedOrder struct {
	Number  string   `yaml:"number"`
	Agent   id.Agent `yaml:"agent"`
	Status  string   `yaml:"status"`
	Cents   int64    `yaml:"cents"`
	DaysAgo int      `yaml:"days_ago"`
}

// ParseSeed reads a seed file and refuses what it does not know.
func ParseSeed(raw []byte) (Seed, error) {
	var s Seed
	dec := yaml.NewDecoder(strings.NewReader(string(raw)))
	dec.KnownFields(true)
	if err := dec.Decode(&s); err != nil {
		return s, fmt.Errorf("seed: %w", err)
	}
	for _, t := range s.Tenants {
		if !id.Valid(string(t.ID)) {
			return s, fmt.Errorf("seed: tenant id %q is not valid: letters, digits, - and _, at most 64", t.ID)
		}
	}
	return s, nil
}

// Apply writes the seed. Progress is told per tenant.
func (s Seed) Apply(ctx context.Context, st *store.Store, progress func(string)) error {
	h := host.New(host.Config{}, host.Deps{Store: st, Logger: slog.Default()})
	for _, t := range s.Tenants {
		settings, err := json.Marshal(t.Settings)
		if err != nil {
			return fmt.Errorf("seed: tenant %s: settings: %w", t.ID, err)
		}
		if t.Settings == nil {
			settings = nil
		}
		if err := fresh(st.InsertTenant(ctx, store.TenantRow{ID: t.ID, Name: t.Name, Settings: settings, CreatedAt: time.Now()})); err != nil {
			return fmt.Errorf("seed: tenant %s: %w", t.ID, err)
		}
		for _, a := range t.Agents {
			if err := fresh(AddAgent(ctx, st, t.ID, a)); err != nil {
				return fmt.Errorf("seed: agent %s: %w", a.ID, err)
			}
		}
		for _, l := range t.Lines {
			if err := fresh(AddLine(ctx, st, t.ID, l)); err != nil {
				return fmt.Errorf("seed: line %s: %w", l.ID, err)
			}
		}
		for _, c := range t.Contacts {
			if err := addContact(ctx, h, t.ID, c); err != nil {
				return fmt.Errorf("seed: contact %s: %w", c.Name, err)
			}
		}
		progress(fmt.Sprintf("%s: %d agents, %d lines, %d contacts", t.Name, len(t.Agents), len(t.Lines), len(t.Contacts)))
	}
	return nil
}

// fresh takes "exists already" as done.
func fresh(err error) error {
	if fault.Is(err, fault.Conflict) {
		return nil
	}
	return err
}

// AddAgent adds a member of the staff. Fault: Conflict when the id is taken.
func AddAgent(ctx context.Context, st *store.Store, t id.Tenant, a SeedAgent) error {
	if !id.Valid(string(a.ID)) {
		return fault.Newf(fault.Invalid, "agent.add", "invalid_field", "id %q is not valid: letters, digits, - and _, at most 64", a.ID)
	}
	if a.Role == "" {
		a.Role = "agent"
	}
	if _, err := agent.Decide(agent.State{}, agent.Enroll{Tenant: t, ID: a.ID, Name: a.Name, Role: a.Role}, time.Now()); err != nil {
		return err // what its actor refuses later is refused now
	}
	return st.InsertAgent(ctx, store.AgentRow{Tenant: t, ID: a.ID, Name: a.Name, Email: a.Email, Role: a.Role})
}

// AddLine adds a business number. Fault: Conflict when its id or phone-number id is taken.
func AddLine(ctx context.Context, st *store.Store, t id.Tenant, l SeedLine) error {
	for name, v := range map[string]string{"phone_number_id": l.PhoneNumberID, "token": l.Token, "app_secret": l.AppSecret, "verify_token": l.VerifyToken} {
		if v == "" {
			return fault.Newf(fault.Invalid, "line.add", "invalid_field", "%s is missing", name)
		}
	}
	if u, err := url.Parse(l.GraphURL); l.GraphURL != "" && (err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http")) {
		return fault.Newf(fault.Invalid, "line.add", "invalid_field", "graph_url %q is not like https://graph.facebook.com", l.GraphURL)
	}
	if !id.Valid(string(l.ID)) {
		return fault.Newf(fault.Invalid, "line.add", "invalid_field", "id %q is not valid: letters, digits, - and _, at most 64", l.ID)
	}
	row := store.LineRow{
		Tenant: t, ID: l.ID, Name: l.Name, PhoneNumberID: l.PhoneNumberID, DisplayNumber: l.DisplayNumber, WABAID: l.WABA, GraphURL: l.GraphURL,
		APIVersion: l.APIVersion, Credentials: store.LineCredentials{Token: l.Token, AppSecret: l.AppSecret, VerifyToken: l.VerifyToken},
	}
	if l.Settings != nil {
		raw, err := json.Marshal(l.Settings)
		if err != nil {
			return fault.Wrap(fault.Internal, "line.add", err)
		}
		row.Settings = raw
	}
	return st.InsertLine(ctx, row)
}

func addContact(ctx context.Context, h *host.Host, t id.Tenant, c SeedContact) error {
	now := time.Now()
	create := contact.Create{
		Tenant: t, ID: c.ID,
		Profile: contact.Profile{
			Name: c.Name, Phone: c.Phone, Status: c.Status, Tags: c.Tags, OrderNo: c.OrderNo, QuoteCents: c.QuoteCents, Assigned: c.Assigned,
		},
	}
	if c.ID == "" && c.Phone == "" { // it could not be recognised when the seed comes again
		return fault.New(fault.Invalid, "contact.add", "invalid_field", "a contact needs a phone or an id")
	}
	if c.ID == "" {
		create.ID = id.Contact(id.New("ct", now))
	}
	if c.Assigned != "" {
		create.AssignedAt = now
	}
	if digits := strings.TrimPrefix(c.Phone, "+"); digits != "" {
		create.Identifiers = []contact.Identifier{{Kind: contact.KindPhone, Value: digits}}
	}
	var orders []contact.Order
	for _, o := range c.Orders {
		orders = append(orders, contact.Order{Number: o.Number, Agent: o.Agent, Status: o.Status, Cents: o.Cents, At: now.AddDate(0, 0, -o.DaysAgo)})
	}
	_, err := h.AddContact(ctx, create, orders)
	return fresh(err)
}
