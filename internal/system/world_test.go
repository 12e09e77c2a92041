package system

import (
	"bytes"
	"context"
	"flag"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"go.uber.org/goleak"

	"ramal/benchmarks/agentclient"
	"ramal/benchmarks/simclient"
	"ramal/cluster/clustertest"
	"ramal/internal/app"
	"ramal/internal/config"
	"ramal/internal/id"
	"ramal/internal/secret"
	"ramal/sim"
	"ramal/sim/cloud"
	"ramal/sim/hooks"
	"ramal/store/embedded"
	"ramal/store/storetest"
)

func TestMain(m *testing.M) {
	embedded.MaybeSupervise()
	clustertest.ExemptRace()
	waitTogether()
	storetest.Main(m, func() error {
		http.DefaultClient.CloseIdleConnections()
		return leaks()
	})
}

// leaks names goroutines that closed engines, simulators and clients have left. Timers of actors that are gone end as dead
// letters, whose throttle sleeps for a second each time; the compiler has two names for it.
func leaks() error {
	const throttle = "github.com/asynkron/protoactor-go/actor.NewDeadLetter.NewThrottle.func4.1"
	var err error
	for began := time.Now(); time.Since(began) < patience; {
		if err = goleak.Find(goleak.IgnoreAnyFunction(throttle), goleak.IgnoreAnyFunction(throttle+".1")); err == nil {
			return nil
		}
	}
	return err
}

// waitTogether lets more tests run side by side than there are cores: they mostly wait, for timers and for audio.
func waitTogether() {
	flag.Parse()
	chosen := false
	flag.Visit(func(f *flag.Flag) { chosen = chosen || f.Name == "test.parallel" })
	if !chosen {
		if err := flag.Set("test.parallel", "6"); err != nil {
			panic(err) // the flag exists, and 6 is a number
		}
	}
}

// patience bounds every wait: far beyond what a busy machine needs, so that it only ends what hangs.
const patience = 20 * time.Second

const (
	tokenSecret = "a-secret-of-tests-that-is-32-bytes-long"
	tenant      = "farma"
	otherTenant = "outra"
	pnid        = "1001"
	otherPNID   = "2001"
	maria       = "5511987650001" // luis owns her order
	joao        = "5511987650002" // nobody has dealt with him
	marta       = "5521987650003" // of the other tenant
)

// world is a company with its engine, its provider and its customers.
type world struct {
	t       *testing.T
	cfg     config.Config
	dbURL   string             // as the engine reaches it
	breaker *storetest.Breaker // nil unless asked for
	engine  *app.Engine
	sim     *sim.Sim
	phone   simclient.Client
	media   *agentclient.Media
	log     *logBook
}

// options of a world. Zero values are those of the product, but for the simulator's delays, which are short.
type options struct {
	settings []string             // RAMAL_* of the engine
	timings  func(*cloud.Timings) // of the simulator
	flags    cloud.Flags          // of the simulator
	hooks    hooks.Config         // of the simulator
	breaker  bool                 // put a breaker between engine and database
	seed     func(*app.Seed)      // change the company
}

func newWorld(t *testing.T, o options) *world {
	t.Helper()
	t.Parallel()
	w := &world{t: t, log: &logBook{}}
	t.Cleanup(func() { w.log.show(t) })
	direct := storetest.URL(t)
	w.dbURL = direct
	if o.breaker {
		w.breaker = storetest.NewBreaker(t, direct)
		w.dbURL = w.breaker.URL()
	}
	w.startSim(o)
	if !o.breaker { // only a database that is meant to fail may be late: the machine may be busy
		o.settings = append(o.settings, "RAMAL_DATABASE_TIMEOUT=10s")
	}
	w.cfg = w.settings(append(o.settings, "RAMAL_DATABASE_URL="+w.dbURL))
	w.seed(o)
	w.engine = w.node(w.cfg)
	for _, n := range []string{pnid, otherPNID} {
		w.must(w.phone.PatchBusiness(w.ctx(), n, map[string]any{"callback_url": w.engine.URL() + "/webhooks/whatsapp"}))
	}
	media, err := agentclient.NewMedia("")
	w.must(err)
	w.media = media
	t.Cleanup(media.Close)
	return w
}

func (w *world) startSim(o options) {
	w.t.Helper()
	timings := cloud.DefaultTimings()
	timings.AnswerMin, timings.AnswerMax, timings.Ring = 10, 30, 10
	if o.timings != nil {
		o.timings(&timings)
	}
	s, err := sim.New(sim.Config{
		Businesses: []cloud.LineConfig{
			{PNID: pnid, Display: "551140028922", Token: "tok-1", AppSecret: "app-1", VerifyToken: "ver-1", WABA: "waba-1"},
			{PNID: otherPNID, Display: "552130034400", Token: "tok-2", AppSecret: "app-2", VerifyToken: "ver-2", WABA: "waba-2"},
		},
		Users:   []cloud.UserConfig{{WAID: maria, Name: "Maria"}, {WAID: joao, Name: "João"}, {WAID: marta, Name: "Marta"}},
		Timings: &timings, Flags: o.flags, Hooks: o.hooks,
		Log: slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelWarn})).With("who", "sim"),
	})
	w.must(err)
	w.t.Cleanup(func() { w.must(s.Close()) })
	w.must(s.Start(context.Background()))
	w.sim, w.phone = s, simclient.Client{URL: s.URL()}
}

func (w *world) settings(env []string) config.Config {
	w.t.Helper()
	keys, err := secret.Generate("test")
	w.must(err)
	all := append([]string{
		"RAMAL_KEYS=" + keys, "RAMAL_AUTH_SECRET=" + tokenSecret, "RAMAL_HTTP_LISTEN=127.0.0.1:0", "RAMAL_MEDIA_UDP=127.0.0.1:0",
		"RAMAL_MEDIA_LOOPBACK=true",
	}, env...)
	c, err := config.Load(config.Flags(pflag.NewFlagSet("test", pflag.ContinueOnError)), func() []string { return all })
	w.must(err)
	w.must(c.Validate())
	return c
}

// seed writes two companies straight to the database.
func (w *world) seed(o options) {
	w.t.Helper()
	line := func(id id.Line, pnid, n string) app.SeedLine {
		return app.SeedLine{
			ID: id, Name: string(id), PhoneNumberID: pnid, DisplayNumber: "+" + n, WABA: "waba-" + pnid[:1], GraphURL: w.sim.URL(),
			Token: "tok-" + pnid[:1], AppSecret: "app-" + pnid[:1], VerifyToken: "ver-" + pnid[:1],
		}
	}
	s := app.Seed{Tenants: []app.SeedTenant{
		{
			ID: tenant, Name: "Farmácia",
			Agents: []app.SeedAgent{{ID: "luis", Name: "Luis"}, {ID: "fernando", Name: "Fernando"}, {ID: "beatriz", Name: "Beatriz"},
				{ID: "camila", Name: "Camila", Role: "supervisor"}},
			Lines: []app.SeedLine{line("matriz", pnid, "551140028922")},
			Contacts: []app.SeedContact{
				{ID: "maria", Name: "Maria", Phone: "+" + maria, Orders: []app.SeedOrder{{Number: "991", Agent: "luis", Status: "aberto", Cents: 100, DaysAgo: 1}}},
				{ID: "joao", Name: "João", Phone: "+" + joao},
			},
		},
		{
			ID: otherTenant, Name: "Outra", Agents: []app.SeedAgent{{ID: "helena", Name: "Helena", Role: "admin"}},
			Lines:    []app.SeedLine{line("centro", otherPNID, "552130034400")},
			Contacts: []app.SeedContact{{ID: "marta", Name: "Marta", Phone: "+" + marta}},
		},
	}}
	if o.seed != nil {
		o.seed(&s)
	}
	st, err := app.OpenStore(w.ctx(), w.cfg, w.logger("seed"))
	w.must(err)
	defer st.Close()
	w.must(s.Apply(w.ctx(), st, func(string) {}))
}

// node starts an engine that is closed after the test.
func (w *world) node(cfg config.Config) *app.Engine {
	w.t.Helper()
	e, err := app.Start(context.Background(), cfg, w.logger("engine"))
	w.must(err)
	w.t.Cleanup(e.Close)
	return e
}

func (w *world) logger(who string) *slog.Logger {
	return slog.New(slog.NewTextHandler(w.log, nil)).With("who", who)
}

// ctx is a context that ends after patience, or with the test.
func (w *world) ctx() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	w.t.Cleanup(cancel)
	return ctx
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// eventually asks until ok says yes; what says, in the end, what was seen last.
func (w *world) eventually(what string, ok func() (bool, string)) {
	w.t.Helper()
	w.within(patience, what, ok)
}

func (w *world) within(limit time.Duration, what string, ok func() (bool, string)) {
	w.t.Helper()
	over := time.NewTimer(limit)
	defer over.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		yes, seen := ok()
		if yes {
			return
		}
		select {
		case <-over.C:
			w.t.Fatalf("%s: not within %v; last seen: %s", what, limit, seen)
		case <-tick.C:
		}
	}
}

func (w *world) token(t, agent, role string) string {
	return agentclient.Token(tokenSecret, agentclient.Claims{Tenant: t, Agent: agent, Role: role})
}

func (w *world) rest(agent string) agentclient.REST {
	return agentclient.REST{URL: w.engine.URL(), Token: w.token(tenant, agent, "")}
}

// logBook keeps what the engine logs, for a test that fails.
type logBook struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write implements io.Writer.
func (b *logBook) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBook) show(t *testing.T) {
	if !t.Failed() {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	t.Logf("logs of the test:\n%s", b.buf.String())
}

// graph sends what a company's administrator would send to the provider.
func (w *world) graph(path, token, body string) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.ctx(), http.MethodPost, w.sim.URL()+path, strings.NewReader(body))
	w.must(err)
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	w.must(err)
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		w.t.Fatalf("%s: HTTP %d", path, resp.StatusCode)
	}
}
