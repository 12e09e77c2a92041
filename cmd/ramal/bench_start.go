package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ramal/benchmarks/calls"
	"ramal/benchmarks/simclient"
	"ramal/internal/app"
	"ramal/internal/config"
	"ramal/internal/id"
	"ramal/internal/secret"
	"ramal/sim"
	"ramal/store"
	"ramal/store/embedded"
)

// benchWorld is all that a benchmark with --start runs against. stop ends it.
type benchWorld struct {
	db     *embedded.Server
	sim    *sim.Sim
	engine *exec.Cmd
	pipe   io.Closer // the engine's standard input: it stops when that ends
	folder string
}

const (
	benchTenant = "bench"
	benchPNID   = "100000000000001"
	benchNumber = "551130000001"
	engineReady = "engine at "
)

// startBench brings up a database, a simulator in this process, and an engine in one of its own, and points cfg at them.
func startBench(ctx context.Context, cfg *calls.Config, agents int) (*benchWorld, error) {
	progress := func(text string) { _, _ = fmt.Fprintf(cfg.Progress, "  %s\n", text) }
	w := &benchWorld{}
	ok := false
	defer func() {
		if !ok {
			w.stop()
		}
	}()
	var err error
	if w.folder, err = os.MkdirTemp("", "ramal-bench-"); err != nil {
		return nil, err
	}
	if err := os.Chmod(w.folder, 0o711); err != nil { //nolint:gosec // the database's account must pass
		return nil, err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	if w.db, err = embedded.Start(ctx, embedded.Config{DataDir: w.folder, Progress: progress, Logger: log}); err != nil {
		return nil, err
	}
	if err := store.Migrate(ctx, w.db.URL(), progress); err != nil {
		return nil, err
	}
	env, err := benchSettings(w.db.URL(), cfg)
	if err != nil {
		return nil, err
	}
	if w.sim, err = benchSim(ctx, log); err != nil {
		return nil, err
	}
	if agents == 0 {
		agents = calls.AgentsFor(cfg.Rate, cfg.Talk, cfg.AnswerAfter)
	}
	if err := benchSeed(ctx, env, w.sim.URL(), agents, cfg.Calls, progress); err != nil {
		return nil, err
	}
	if cfg.EngineURL, err = w.startEngine(ctx, env); err != nil {
		return nil, err
	}
	if err := putBenchLine(ctx, w.sim.URL(), cfg.EngineURL); err != nil {
		return nil, err
	}
	cfg.SimURL, cfg.Tenant, cfg.Agent = w.sim.URL(), benchTenant, benchAgent(0)
	ok = true
	return w, nil
}

// benchSettings makes the engine's settings, as variables, and its secrets.
func benchSettings(database string, cfg *calls.Config) ([]string, error) {
	keys, err := secret.Generate("bench")
	if err != nil {
		return nil, err
	}
	raw := make([]byte, 32)
	if _, err := rand.Read(raw); err != nil {
		return nil, err
	}
	cfg.Secret = hex.EncodeToString(raw)
	return []string{
		"RAMAL_DATABASE_URL=" + database, "RAMAL_KEYS=" + keys, "RAMAL_AUTH_SECRET=" + cfg.Secret, "RAMAL_HTTP_LISTEN=127.0.0.1:0",
		"RAMAL_MEDIA_UDP=127.0.0.1:0", "RAMAL_MEDIA_LOOPBACK=true", "RAMAL_LOG_LEVEL=warn", "RAMAL_LOG_FORMAT=text",
	}, nil
}

func benchSim(ctx context.Context, log *slog.Logger) (*sim.Sim, error) {
	s, err := sim.New(sim.Config{Log: log, Events: 100_000})
	if err != nil {
		return nil, err
	}
	if err := s.Start(ctx); err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

// putBenchLine makes the business number at the simulator, whose webhooks go to the engine.
func putBenchLine(ctx context.Context, sim, engine string) error {
	return simclient.Client{URL: sim}.Do(ctx, http.MethodPost, "/control/businesses", map[string]any{
		"pnid": benchPNID, "display_phone_number": benchNumber, "name": "Bench", "waba_id": "bench", "token": "bench-token",
		"app_secret": "bench-secret", "verify_token": "bench-verify", "callback_url": engine + "/webhooks/whatsapp",
	}, nil)
}

func benchAgent(i int) string { return fmt.Sprintf("agent-%04d", i) }

// benchSeed writes a company: agents, one line, and for each call a contact of its own, dealt out to the agents.
func benchSeed(ctx context.Context, env []string, graph string, agents, contacts int, progress func(string)) error {
	cfg, err := config.Load(config.Flags(pflag.NewFlagSet("bench", pflag.ContinueOnError)), func() []string { return env })
	if err != nil {
		return err
	}
	st, err := app.OpenStore(ctx, cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer st.Close()
	t := app.SeedTenant{ID: benchTenant, Name: "Bench", Lines: []app.SeedLine{{
		ID: "line", Name: "Line", PhoneNumberID: benchPNID, DisplayNumber: "+" + benchNumber, WABA: "bench", GraphURL: graph,
		Token: "bench-token", AppSecret: "bench-secret", VerifyToken: "bench-verify",
	}}}
	for i := range agents {
		t.Agents = append(t.Agents, app.SeedAgent{ID: id.Agent(benchAgent(i)), Name: fmt.Sprintf("Agent %d", i)})
	}
	each := contacts/agents + 3 // a failed call frees its agent early: some are used more than others
	for i := range agents * each {
		t.Contacts = append(t.Contacts, app.SeedContact{
			ID: id.Contact(fmt.Sprintf("contact-%06d", i)), Name: fmt.Sprintf("Contact %d", i), Phone: fmt.Sprintf("+55119%08d", 80_000_000+i),
			Assigned: id.Agent(benchAgent(i % agents)),
		})
	}
	return app.Seed{Tenants: []app.SeedTenant{t}}.Apply(ctx, st, progress)
}

// startEngine runs this program again as an engine, and returns its URL.
func (w *benchWorld) startEngine(ctx context.Context, env []string) (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	w.engine = exec.Command(self, "bench", "engine") //nolint:gosec,noctx // ourselves; it ends with its standard input
	w.engine.Env = append(os.Environ(), env...)
	w.engine.Stderr = os.Stderr
	stdin, err := w.engine.StdinPipe()
	if err != nil {
		return "", err
	}
	stdout, err := w.engine.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := w.engine.Start(); err != nil {
		w.engine = nil
		return "", err
	}
	w.pipe = stdin
	line := make(chan string, 1)
	go func() { // ends with the first line, or with the engine
		text, _ := bufio.NewReader(stdout).ReadString('\n')
		line <- text
	}()
	select {
	case text := <-line:
		url, ok := strings.CutPrefix(strings.TrimSpace(text), engineReady)
		if !ok {
			return "", errors.New("the engine did not start; its words are above")
		}
		return url, nil
	case <-time.After(30 * time.Second):
		return "", errors.New("the engine did not start within 30 s")
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// stop ends the engine first and the database last.
func (w *benchWorld) stop() {
	if w.pipe != nil {
		_ = w.pipe.Close()
	}
	if w.engine != nil {
		_ = w.engine.Wait()
	}
	if w.sim != nil {
		_ = w.sim.Close()
	}
	if w.db != nil {
		_ = w.db.Stop()
	}
	if w.folder != "" {
		_ = os.RemoveAll(w.folder)
	}
}

// benchEngine is the engine of startBench: it serves until its standard input ends, so that it never outlives the benchmark.
func benchEngine() *cobra.Command {
	return &cobra.Command{
		Use: "engine", Args: cobra.NoArgs, Hidden: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := config.Load(config.Flags(pflag.NewFlagSet("engine", pflag.ContinueOnError)), os.Environ)
			if err == nil {
				err = cfg.Validate()
			}
			if err != nil {
				return err
			}
			e, err := app.Start(cmd.Context(), cfg, cfg.Logger(os.Stderr))
			if err != nil {
				return err
			}
			defer e.Close()
			if _, err := fmt.Fprintln(cmd.OutOrStdout(), engineReady+e.URL()); err != nil {
				return err
			}
			_, err = io.Copy(io.Discard, cmd.InOrStdin())
			return err
		},
	}
}
