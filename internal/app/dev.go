package app

import (
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"ramal/channels/whatsapp"
	"ramal/gateway/auth"
	"ramal/internal/config"
	"ramal/internal/fault"
	"ramal/internal/id"
	"ramal/internal/secret"
	"ramal/sim"
	"ramal/sim/cloud"
	"ramal/store"
	"ramal/store/embedded"
)

//go:embed demo.yaml
var demo []byte

// Dev is `ramal dev`: a private PostgreSQL, the simulator in Meta's place, the engine and a demo company.
type Dev struct {
	Out       io.Writer // progress and links
	DataDir   string    // default: ramal in the user's data folder
	Listen    string    // of the engine, default 127.0.0.1:8080
	SimListen string    // of the simulator, default 127.0.0.1:8090
	LogLevel  string    // default warn
}

// Running is a dev environment that is up.
type Running struct {
	Engine *Engine
	Sim    *sim.Sim
	Config config.Config
	db     *embedded.Server
}

// Start brings everything up and prints the links.
func (d Dev) Start(ctx context.Context) (*Running, error) {
	began := time.Now()
	say := func(text string) { _, _ = fmt.Fprintf(d.Out, "  %s\n", text) }
	_, _ = fmt.Fprintln(d.Out, "Ramal dev")
	r := &Running{}
	ok := false
	defer func() {
		if !ok {
			r.Close()
		}
	}()
	cfg, err := d.config()
	if err != nil {
		return nil, err
	}
	level := slog.LevelWarn
	if err := level.UnmarshalText([]byte(d.LogLevel)); err != nil {
		return nil, fmt.Errorf("log level: %w", err)
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
	if r.db, err = embedded.Start(ctx, embedded.Config{DataDir: d.DataDir, Progress: say, Logger: log}); err != nil {
		return nil, err
	}
	cfg.Database.URL = r.db.URL()
	if err := store.Migrate(ctx, cfg.Database.URL, say); err != nil {
		return nil, err
	}
	if r.Sim, err = d.simulator(ctx, "http://"+d.Listen, log); err != nil {
		return nil, err
	}
	if err := createTemplates(ctx, r.Sim.URL()); err != nil {
		return nil, err
	}
	if err := d.seed(ctx, cfg, r.Sim.URL(), log, say); err != nil {
		return nil, err
	}
	if r.Engine, err = Start(ctx, cfg, log); err != nil {
		return nil, err
	}
	r.Config = cfg
	ok = true
	return r, d.links(r, time.Since(began))
}

// DatabaseEnded tells when the private database has ended, by itself or by somebody's hand.
func (r *Running) DatabaseEnded() <-chan struct{} { return r.db.Done() }

// Close ends everything, the database last.
func (r *Running) Close() {
	if r.Engine != nil {
		r.Engine.Close()
	}
	if r.Sim != nil {
		_ = r.Sim.Close()
	}
	if r.db != nil {
		_ = r.db.Stop()
	}
}

func (d Dev) config() (config.Config, error) {
	var c config.Config
	secrets, err := d.secrets()
	if err != nil {
		return c, err
	}
	env := func() []string {
		return []string{
			"RAMAL_DATABASE_URL=postgres://pending", "RAMAL_KEYS=" + secrets.keys, "RAMAL_AUTH_SECRET=" + secrets.token,
			"RAMAL_HTTP_LISTEN=" + d.Listen, "RAMAL_MEDIA_LOOPBACK=true", "RAMAL_LOG_FORMAT=text",
			"RAMAL_LIMITS_PERMISSION_AGE=1s", // the simulator forgets at every start: its word counts
		}
	}
	return config.Load(config.Flags(pflag.NewFlagSet("dev", pflag.ContinueOnError)), env)
}

type devSecrets struct{ keys, token string }

// secrets are made once and kept beside the data, readable by their owner only.
func (d Dev) secrets() (devSecrets, error) {
	dir := d.DataDir
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // the database's account passes through
		return devSecrets{}, err
	}
	keys, err := keep(filepath.Join(dir, "keys"), func() (string, error) { return secret.Generate("dev") })
	if err != nil {
		return devSecrets{}, err
	}
	token, err := keep(filepath.Join(dir, "token-secret"), func() (string, error) {
		raw := make([]byte, 32)
		_, err := rand.Read(raw)
		return hex.EncodeToString(raw), err
	})
	return devSecrets{keys: keys, token: token}, err
}

// keep reads a private file, or makes it.
func keep(path string, generate func() (string, error)) (string, error) {
	raw, err := os.ReadFile(path)
	if err == nil {
		return strings.TrimSpace(string(raw)), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	text, err := generate()
	if err != nil {
		return "", err
	}
	return text, os.WriteFile(path, []byte(text+"\n"), 0o600)
}

// simulator stands in Meta's place for every line of the demo, with its contacts as customers.
func (d Dev) simulator(ctx context.Context, engineURL string, log *slog.Logger) (*sim.Sim, error) {
	s, err := ParseSeed(demo)
	if err != nil {
		return nil, err
	}
	timings := cloud.DefaultTimings()
	timings.TemplateReview = 0 // nobody waits for a review of the demo's template
	cfg := sim.Config{Listen: d.SimListen, Log: log, Timings: &timings}
	for _, t := range s.Tenants {
		for _, l := range t.Lines {
			cfg.Businesses = append(cfg.Businesses, cloud.LineConfig{
				PNID: l.PhoneNumberID, Display: digits(l.DisplayNumber), Name: t.Name, WABA: l.WABA, Token: l.Token, AppSecret: l.AppSecret,
				VerifyToken: l.VerifyToken, CallbackURL: engineURL + "/webhooks/whatsapp",
			})
		}
		for _, c := range t.Contacts {
			cfg.Users = append(cfg.Users, cloud.UserConfig{WAID: digits(c.Phone), Name: c.Name})
		}
	}
	world, err := sim.New(cfg)
	if err != nil {
		return nil, err
	}
	if err := world.Start(ctx); err != nil {
		_ = world.Close()
		return nil, fmt.Errorf("%w\n  (another program uses the address? choose one with --sim-listen)", err)
	}
	return world, nil
}

// createTemplates registers the permission template of each demo company, as the company would do it at Meta.
func createTemplates(ctx context.Context, simURL string) error {
	s, err := ParseSeed(demo)
	if err != nil {
		return err
	}
	for _, t := range s.Tenants {
		name, _ := t.Settings["permission_template"].(string)
		language, _ := t.Settings["permission_template_language"].(string)
		if name == "" || len(t.Lines) == 0 {
			continue
		}
		l := t.Lines[0]
		client, err := whatsapp.New(whatsapp.Config{BaseURL: simURL, Token: l.Token, PhoneNumberID: l.PhoneNumberID, WABA: l.WABA})
		if err != nil {
			return err
		}
		if _, err := client.CreateTemplate(ctx, whatsapp.TemplateDefinition{
			Name: name, Language: language, Category: "UTILITY", PermissionRequest: true,
			Body: "Olá, {{1}}! Podemos ligar para você para falar do seu pedido?", Examples: []string{"Ana"},
		}); err != nil {
			return fmt.Errorf("demo template: %w", err)
		}
	}
	return nil
}

func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}

// seed writes the demo company once, and points its lines at the simulator of this start.
func (d Dev) seed(ctx context.Context, cfg config.Config, simURL string, log *slog.Logger, say func(string)) error {
	st, err := OpenStore(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer st.Close()
	s, err := ParseSeed(demo)
	if err != nil {
		return err
	}
	for i := range s.Tenants {
		for j := range s.Tenants[i].Lines {
			s.Tenants[i].Lines[j].GraphURL = simURL
		}
	}
	known, err := st.ListTenants(ctx)
	if err != nil {
		return err
	}
	if len(known) == 0 {
		return s.Apply(ctx, st, say)
	}
	for _, t := range s.Tenants {
		for _, l := range t.Lines {
			row, err := st.GetLine(ctx, t.ID, l.ID)
			if err != nil || row.GraphURL == simURL {
				continue
			}
			row.GraphURL = simURL
			base := row.Version
			row.Version++
			if err := st.SaveLine(ctx, row, base); err != nil {
				return err
			}
		}
	}
	return nil
}

const maxTokenLife = 30 * 24 * time.Hour

// Token makes an agent's token for cfg's HS256 secret. life is at most 30 days.
func Token(cfg config.Config, tenant id.Tenant, agent id.Agent, role string, life time.Duration) (string, error) {
	const op = "app.token"
	if life > maxTokenLife {
		return "", fault.Newf(fault.Invalid, op, "claims", "a token is valid for %v at most", maxTokenLife)
	}
	if !slices.Contains([]string{auth.RoleAgent, auth.RoleSupervisor, auth.RoleAdmin}, role) {
		return "", fault.Newf(fault.Invalid, op, "claims", "role %q is none of agent, supervisor, admin", role)
	}
	return auth.Issue(
		auth.Issuer{Name: cfg.Auth.Issuer, Audience: cfg.Auth.Audience, Secret: []byte(cfg.Auth.Secret)},
		auth.Claims{Tenant: tenant, Agent: agent, Role: role, Expires: time.Now().Add(life)},
		time.Now(),
	)
}

func (d Dev) links(r *Running, took time.Duration) error {
	var out strings.Builder
	fmt.Fprintf(&out, "  ready in %.1f s\n\n", took.Seconds())
	for _, who := range []struct {
		agent id.Agent
		label string
		role  string
	}{{"luis", "console of Luis     ", "agent"}, {"fernando", "console of Fernando ", "agent"}, {"camila", "supervisor Camila   ", "supervisor"}} {
		token, err := Token(r.Config, "sao-joao", who.agent, who.role, 30*24*time.Hour)
		if err != nil {
			return err
		}
		fmt.Fprintf(&out, "  %s  %s/#token=%s\n", who.label, r.Engine.URL(), url.PathEscape(token))
	}
	fmt.Fprintf(&out, "  the customer's phone  %s/phone/5511987654321\n\n", r.Sim.URL())
	out.WriteString("  Open them in separate tabs, allow the microphone, and call. Ctrl-C stops everything; the data stay.\n")
	_, err := io.WriteString(d.Out, out.String())
	return err
}
