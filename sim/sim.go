// Package sim is Meta's side of WhatsApp calling as one program: Graph API, signed webhooks, phones with real audio, a
// remote control, and the customer's phone as a web page. It shares with the engine only the wire: it imports nothing of
// it and can stand in for Meta anywhere.
//
//	Graph API            control API            phone page
//	(graph)               (control)              (phone)
//	   \                     |                     /
//	    +------------->   cloud   <---------------+         pure: ledger callflow settings sdp metaerr
//	                     /       \
//	          webhooks (hooks)   media (leg, bridge, audio)
//
// A Sim owns everything it starts; Close ends all of it. State lives in memory only.
package sim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"

	"ramal/sim/cloud"
	"ramal/sim/control"
	"ramal/sim/events"
	"ramal/sim/graph"
	"ramal/sim/hooks"
	"ramal/sim/leg"
	"ramal/sim/phone"
)

// Config of a simulator. The zero value listens on free ports of loopback and knows nobody.
type Config struct {
	Listen     string             // HTTP address; "127.0.0.1:0"
	PublicURL  string             // what URL returns; derived from the listener when empty
	MediaIPs   []string           // addresses of the phones' media, also offered as candidates; 127.0.0.1
	MediaPort  int                // UDP port of all media; 0 = any
	Businesses []cloud.LineConfig // numbers that exist from the start
	Users      []cloud.UserConfig // customers that exist from the start
	SeedFile   string             // JSON with "businesses", "users", "flags", "timings", "chaos"; "" = none
	Timings    *cloud.Timings     // nil: those of the real service
	Flags      cloud.Flags        // variants of behaviour
	Chaos      hooks.Chaos        // disorder of webhooks
	Hooks      hooks.Config       // webhook time-out and back-off
	Seed       uint64             // of random windows; 0 = different at each start
	Events     int                // entries of the diary that are kept; 8000
	NoMedia    bool               // signalling only
	Now        func() time.Time   // nil: time.Now
	Log        *slog.Logger       // nil: silent
}

func (c Config) withDefaults() Config {
	if c.Listen == "" {
		c.Listen = "127.0.0.1:0"
	}
	if c.Events == 0 {
		c.Events = 8000
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// Validate reports everything that is wrong with a configuration.
func (c Config) Validate() error {
	var faults []error
	for _, ip := range c.MediaIPs {
		if _, err := netip.ParseAddr(ip); err != nil {
			faults = append(faults, fmt.Errorf("sim: media address: %w", err))
		}
	}
	if c.MediaPort < 0 || c.MediaPort > 65535 {
		faults = append(faults, fmt.Errorf("sim: media port %d is not a port", c.MediaPort))
	}
	for _, b := range c.Businesses {
		if err := b.Validate(); err != nil {
			faults = append(faults, fmt.Errorf("sim: business %q: %w", b.PNID, err))
		}
	}
	for _, u := range c.Users {
		if err := u.Validate(); err != nil {
			faults = append(faults, fmt.Errorf("sim: user %q: %w", u.WAID, err))
		}
	}
	return errors.Join(faults...)
}

// seed is the content of a seed file.
type seed struct {
	Businesses []cloud.LineConfig `json:"businesses"`
	Users      []cloud.UserConfig `json:"users"`
	Flags      *cloud.Flags       `json:"flags"`
	Timings    *cloud.Timings     `json:"timings"`
	Chaos      *hooks.Chaos       `json:"chaos"`
}

// readSeed adds a seed file to the configuration; what the file gives wins.
func (c Config) readSeed() (Config, error) {
	if c.SeedFile == "" {
		return c, nil
	}
	raw, err := os.ReadFile(c.SeedFile)
	if err != nil {
		return c, fmt.Errorf("sim: seed file: %w", err)
	}
	timings := cloud.DefaultTimings()
	if c.Timings != nil {
		timings = *c.Timings
	}
	s := seed{Flags: &c.Flags, Timings: &timings, Chaos: &c.Chaos}
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&s); err != nil {
		return c, fmt.Errorf("sim: seed file %s: %w", c.SeedFile, err)
	}
	c.Businesses, c.Users = append(c.Businesses, s.Businesses...), append(c.Users, s.Users...)
	c.Timings = s.Timings
	return c, nil
}

// Sim is a simulator. Use New, Start, Close.
type Sim struct {
	cfg     Config
	cloud   *cloud.Cloud
	media   *leg.Endpoint
	server  *http.Server
	ln      net.Listener
	stop    context.CancelFunc
	closing sync.Once
	wg      sync.WaitGroup
}

// New checks the configuration and makes the world; nothing listens yet, except for the media port.
func New(cfg Config) (*Sim, error) {
	cfg, err := cfg.withDefaults().readSeed()
	if err != nil {
		return nil, err
	}
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	s := &Sim{cfg: cfg}
	if !cfg.NoMedia {
		mc := leg.Config{Port: uint16(cfg.MediaPort), Log: cfg.Log}
		for _, ip := range cfg.MediaIPs {
			mc.IPs = append(mc.IPs, netip.MustParseAddr(ip)) // validated
		}
		if s.media, err = leg.Listen(mc); err != nil {
			return nil, fmt.Errorf("sim: %w", err)
		}
	}
	s.cloud, err = cloud.New(cloud.Config{
		Media: s.media, Log: cfg.Log, Events: events.New(cfg.Events), Hooks: cfg.Hooks, Timings: cfg.Timings,
		Flags: cfg.Flags, Seed: cfg.Seed, Now: cfg.Now,
	})
	if err != nil {
		s.closeMedia()
		return nil, fmt.Errorf("sim: %w", err)
	}
	if err := s.populate(); err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Sim) populate() error {
	s.cloud.Hooks().SetChaos(s.cfg.Chaos)
	for _, b := range s.cfg.Businesses {
		if err := s.cloud.PutLine(b); err != nil {
			return fmt.Errorf("sim: business %s: %w", b.PNID, err)
		}
	}
	for _, u := range s.cfg.Users {
		if _, err := s.cloud.PutUser(u); err != nil {
			return fmt.Errorf("sim: user %s: %w", u.WAID, err)
		}
	}
	return nil
}

// Start opens the HTTP address and serves until ctx ends or Close is called.
func (s *Sim) Start(ctx context.Context) error {
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.cfg.Listen)
	if err != nil {
		return fmt.Errorf("sim: %w", err)
	}
	s.ln = ln
	ctx, s.stop = context.WithCancel(ctx)
	s.server = &http.Server{
		Handler: s.Handler(), ReadHeaderTimeout: 10 * time.Second, BaseContext: func(net.Listener) context.Context { return ctx },
		ErrorLog: slog.NewLogLogger(s.cfg.Log.Handler(), slog.LevelWarn),
	}
	s.wg.Add(2)
	go func() { // ends when the server is closed
		defer s.wg.Done()
		if err := s.server.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			s.cfg.Log.Error("simulator HTTP server", "error", err)
		}
	}()
	go func() { // ends with ctx; Close cancels it
		defer s.wg.Done()
		<-ctx.Done()
		_ = s.server.Close()
	}()
	s.cfg.Log.Info("simulator is listening", "url", s.URL())
	return nil
}

// Handler returns all doors as one HTTP handler.
func (s *Sim) Handler() http.Handler {
	graphAPI, controlAPI, phoneAPI := graph.New(s.cloud), control.New(s.cloud), phone.New(s.cloud)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch p := r.URL.Path; {
		case strings.HasPrefix(p, "/control/"):
			controlAPI.ServeHTTP(w, r)
		case strings.HasPrefix(p, "/phone/"), strings.HasPrefix(p, "/phone-api/"):
			phoneAPI.ServeHTTP(w, r)
		case p == "/", p == "/phone":
			http.Redirect(w, r, "/phone/", http.StatusFound)
		case p == "/livez":
			_, _ = w.Write([]byte("ok\n"))
		default:
			graphAPI.ServeHTTP(w, r)
		}
	})
}

// URL returns the base address, without a slash at the end; the Graph API is under it.
func (s *Sim) URL() string {
	if s.cfg.PublicURL != "" {
		return strings.TrimSuffix(s.cfg.PublicURL, "/")
	}
	if s.ln == nil {
		return ""
	}
	return "http://" + s.ln.Addr().String()
}

// Cloud returns the world, for programs that hold the simulator in their own process.
func (s *Sim) Cloud() *cloud.Cloud { return s.cloud }

// Close stops everything and returns when all goroutines have ended. It may be called more than once.
func (s *Sim) Close() error {
	s.closing.Do(func() {
		if s.stop != nil {
			s.stop()
		}
		s.wg.Wait()
		_ = s.cloud.Close()
		s.closeMedia()
	})
	return nil
}

func (s *Sim) closeMedia() {
	if s.media != nil {
		_ = s.media.Close()
	}
}
