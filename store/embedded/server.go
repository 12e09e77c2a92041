//go:build unix

package embedded

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"ramal/internal/fault"
)

// Version is the PostgreSQL release that is fetched. Major is part of the data folder's name: data of one major
// version cannot be read by another.
const (
	Version = "18.3.0"
	Major   = "18"
)

const account = "ramal" // database superuser

// Config says where the server lives. The zero value of every field is its default.
type Config struct {
	// DataDir is the folder below which the data live, in postgres-<major>. Default: ramal in the user's data folder,
	// /var/lib/ramal for root.
	DataDir string
	// CacheDir is where the binaries are kept. Default: ramal in the user's cache folder, /var/cache/ramal for root.
	CacheDir string
	// Port is the TCP port on 127.0.0.1; 0 takes a free one, another at each start.
	Port int
	// Ephemeral is for tests: the data are deleted when the server stops, and are not safe from a crash of the machine.
	Ephemeral bool
	// Settings are further server settings, such as "max_connections".
	Settings map[string]string
	// Progress is told each step that takes time, in a sentence, one at a time and only during Start. Default: nobody.
	Progress func(string)
	// Logger gets what is not for the user. Default slog.Default().
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.DataDir == "" {
		c.DataDir = DefaultDataDir()
	}
	if c.CacheDir == "" {
		c.CacheDir = defaultCacheDir()
	}
	if c.Progress == nil {
		c.Progress = func(string) {}
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}

// Validate reports everything that is wrong with c, joined.
func (c Config) Validate() error {
	var errs []error
	if c.Port < 0 || c.Port > 65535 {
		errs = append(errs, fmt.Errorf("embedded: port %d is not between 0 and 65535", c.Port))
	}
	for name := range c.Settings {
		if name == "" || strings.ContainsAny(name, "= \t\n") {
			errs = append(errs, fmt.Errorf("embedded: %q is no name of a setting", name))
		}
	}
	return errors.Join(errs...)
}

// Server is a running PostgreSQL. Its supervisor process is owned by it and ends with Stop, or with this process.
type Server struct {
	url   string
	place folder
	child *child
	stop  sync.Once
	err   error
}

// startPatience bounds the wait for a server that was started, recovery after a crash included.
const startPatience = 60 * time.Second

// Start brings up the server, fetching its binaries and creating its data where needed. MaybeSupervise must have
// been called in this process. Conflict: another process runs a server on this data folder. Unavailable: the
// binaries could not be fetched. ctx bounds the start, not the life of the server.
func Start(ctx context.Context, cfg Config) (*Server, error) {
	const op = "embedded.start"
	if err := cfg.Validate(); err != nil {
		return nil, fault.Wrap(fault.Invalid, op, err)
	}
	if !prepared.Load() {
		return nil, fault.New(fault.Internal, op, "not_prepared", "main or TestMain must call MaybeSupervise first")
	}
	cfg = cfg.withDefaults()
	who, err := runAs()
	if err != nil {
		return nil, fault.Wrap(fault.Internal, op, err)
	}
	cfg.DataDir = who.reachable(cfg.DataDir, "/var/lib/ramal", cfg.Progress)
	cfg.CacheDir = who.reachable(cfg.CacheDir, "/var/cache/ramal", cfg.Progress)
	binaries, err := ensureBinaries(ctx, who, cfg)
	if err != nil {
		return nil, err
	}
	place, err := openFolder(cfg.DataDir, who)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, op, err)
	}
	return start(ctx, cfg, who, place, binaries)
}

func start(ctx context.Context, cfg Config, who identity, place folder, binaries string) (*Server, error) {
	const op = "embedded.start"
	if !place.initialized() {
		cfg.Progress("creating the database folder " + place.root)
	}
	for attempt := 0; ; attempt++ {
		port := cfg.Port
		if port == 0 {
			free, err := freePort(ctx)
			if err != nil {
				return nil, fault.Wrap(fault.Internal, op, err)
			}
			port = free
		}
		c, err := launch(ctx, order{Mode: modeServe, Binaries: binaries, Folder: place.root, Port: port,
			UID: who.uid, GID: who.gid, Switch: who.switches, Ephemeral: cfg.Ephemeral, Settings: cfg.Settings}, nil)
		if err != nil {
			return nil, err
		}
		s := &Server{place: place, child: c}
		err = s.await(ctx, port)
		if err == nil {
			cfg.Logger.Debug("private database started", "folder", place.root, "port", port)
			return s, nil
		}
		stopErr := s.Stop()
		taken := cfg.Port == 0 && strings.Contains(place.logTail(), "could not bind")
		if !taken || attempt >= 3 { // somebody took the free port in between: try another
			return nil, errors.Join(err, stopErr)
		}
	}
}

// await waits until the server takes connections with our password.
func (s *Server) await(ctx context.Context, port int) error {
	const op = "embedded.start"
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	for wait := 10 * time.Millisecond; ; wait = min(wait*3/2, 200*time.Millisecond) {
		if password, err := s.place.password(); err == nil {
			s.url = makeURL(port, password)
			if err := greet(ctx, s.url); err == nil {
				return nil
			}
		}
		timer := time.NewTimer(wait)
		select {
		case <-s.child.done:
			timer.Stop()
			return s.child.failure(op, s.place)
		case <-ctx.Done():
			timer.Stop()
			return fault.Wrap(fault.Unavailable, op, fmt.Errorf("the server did not answer in time: %w\n%s", ctx.Err(), s.place.logTail()))
		case <-timer.C:
		}
	}
}

func greet(ctx context.Context, target string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, target)
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}

func makeURL(port int, password string) string {
	u := url.URL{Scheme: "postgres", User: url.UserPassword(account, password),
		Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), Path: "/postgres", RawQuery: "sslmode=disable"}
	return u.String()
}

func freePort(ctx context.Context) (int, error) {
	var cfg net.ListenConfig
	l, err := cfg.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close() //nolint:errcheck // only the number was wanted
	return l.Addr().(*net.TCPAddr).Port, nil
}

// URL is the connection URL of the database "postgres", for its superuser, with the password in it: do not log it.
func (s *Server) URL() string { return s.url }

// DataDir is the folder that holds the data; not always below the one asked for, see the package comment.
func (s *Server) DataDir() string { return s.place.root }

// Done is closed when the server has ended, by Stop or by itself.
func (s *Server) Done() <-chan struct{} { return s.child.done }

// Stop shuts the server down in order, ending its connections, and returns when its processes are gone. It may be
// called again, and after the server ended by itself.
func (s *Server) Stop() error {
	s.stop.Do(func() { s.err = s.child.stop() })
	return s.err
}

// folder is one data folder:
//
//	postgres-18/        the server's account only
//	  data/             PostgreSQL's own
//	  password          of the superuser, 0600
//	  lock              held by the supervisor while it lives
//	  server.log        of the latest runs
type folder struct{ root string }

func (f folder) data() string         { return filepath.Join(f.root, "data") }
func (f folder) lockFile() string     { return filepath.Join(f.root, "lock") }
func (f folder) logFile() string      { return filepath.Join(f.root, "server.log") }
func (f folder) passwordFile() string { return filepath.Join(f.root, "password") }

// initialized reports whether data were created completely: the folder gets its name last.
func (f folder) initialized() bool {
	_, err := os.Stat(filepath.Join(f.data(), "PG_VERSION"))
	return err == nil
}

func (f folder) password() (string, error) {
	raw, err := os.ReadFile(f.passwordFile())
	if err == nil && len(strings.TrimSpace(string(raw))) == 0 {
		err = fs.ErrNotExist
	}
	return strings.TrimSpace(string(raw)), err
}

// newPassword makes and stores a password; it is complete when it gets its name.
func (f folder) newPassword() (string, error) {
	var raw [24]byte
	if _, err := rand.Read(raw[:]); err != nil {
		return "", err
	}
	password := base64.RawURLEncoding.EncodeToString(raw[:])
	tmp := f.passwordFile() + ".new"
	if err := os.WriteFile(tmp, []byte(password+"\n"), 0o600); err != nil {
		return "", err
	}
	return password, os.Rename(tmp, f.passwordFile())
}

// logTail is the end of the server's log, for the sentence that says why it did not start.
func (f folder) logTail() string {
	raw, err := os.ReadFile(f.logFile())
	if err != nil {
		return ""
	}
	const most = 2000
	return strings.TrimSpace(string(raw[max(0, len(raw)-most):]))
}

// openFolder makes the folder for this major version, private to the account the server runs as.
func openFolder(dataDir string, who identity) (folder, error) {
	abs, err := filepath.Abs(dataDir)
	if err != nil {
		return folder{}, err
	}
	if err := who.makePassable(abs); err != nil {
		return folder{}, err
	}
	f := folder{root: filepath.Join(abs, "postgres-"+Major)}
	if err := os.Mkdir(f.root, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return folder{}, err
	}
	if who.switches {
		if err := os.Chown(f.root, who.uid, who.gid); err != nil {
			return folder{}, err
		}
	}
	return f, os.Chmod(f.root, 0o700) //nolint:gosec // a folder needs x
}
