// Package config is every setting of `ramal serve`, in one struct. A setting is a YAML key, a variable RAMAL_KEY and a
// flag --key of the same name, the later winning over the earlier; config.example.yaml documents them all. It holds no
// state and starts nothing. What belongs to a tenant, an agent or a line is data, not configuration.
package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/providers/posflag"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"
)

// Config is what a node is told. Tag koanf is the key, default the default, usage the one-line help.
type Config struct {
	Database struct {
		URL     string        `koanf:"url" usage:"postgres:// URL of PostgreSQL 14 or newer, or of CockroachDB (required)"`
		Conns   int           `koanf:"conns" default:"8" usage:"connections for calls and commands"`
		Bulk    int           `koanf:"bulk_conns" default:"8" usage:"connections for lists and imports"`
		Timeout time.Duration `koanf:"timeout" default:"2s" usage:"longest wait for one statement"`
	} `koanf:"database"`
	Keys string `koanf:"keys" usage:"keys that encrypt line credentials: name:base64 of 32 bytes, the current one first, comma-separated (required)"`
	HTTP struct {
		Listen  string   `koanf:"listen" default:"127.0.0.1:8080" usage:"address of webhooks, console, REST and WebSocket"`
		Metrics string   `koanf:"metrics" usage:"own address for /metrics; empty: served with the rest"`
		Origins []string `koanf:"origins" usage:"further origins whose pages may open the agent WebSocket"`
	} `koanf:"http"`
	Auth struct {
		Issuer    string `koanf:"issuer" default:"ramal" usage:"issuer (iss) of agents' tokens"`
		Audience  string `koanf:"audience" default:"ramal" usage:"audience (aud) that tokens must name"`
		Secret    string `koanf:"secret" usage:"HS256 secret of at least 32 bytes; exactly one of secret and jwks_url"`
		JWKSURL   string `koanf:"jwks_url" usage:"URL of the issuer's public keys"`
		Algorithm string `koanf:"algorithm" usage:"algorithm with jwks_url: RS256 (default), PS256, ES256, ES384, EdDSA"`
	} `koanf:"auth"`
	Cluster struct {
		Host      string        `koanf:"host" default:"127.0.0.1" usage:"address to listen on for other nodes"`
		Port      int           `koanf:"port" default:"0" usage:"TCP port for other nodes; 0: any free one"`
		Advertise string        `koanf:"advertise" usage:"host that other nodes connect to; default: host"`
		Lease     time.Duration `koanf:"lease" default:"3s" usage:"how long the others wait for a silent node"`
		TLSCert   string        `koanf:"tls_cert" usage:"PEM file: this node's certificate, valid for the host that others connect to"`
		TLSKey    string        `koanf:"tls_key" usage:"PEM file: its key"`
		TLSCA     string        `koanf:"tls_ca" usage:"PEM file: the authority that signs the nodes' certificates"`
		Insecure  bool          `koanf:"insecure" usage:"allow other hosts' nodes without TLS, on a network that nobody else reaches"`
	} `koanf:"cluster"`
	Media struct {
		UDP       string   `koanf:"udp" default:":0" usage:"host:port of the one UDP socket for all browsers' audio"`
		Contacts  string   `koanf:"contact_ports" usage:"UDP ports of the contacts' connections, first-last; empty: any free one"`
		PublicIPs []string `koanf:"public_ips" usage:"addresses to advertise instead of the local ones"`
		Loopback  bool     `koanf:"loopback" usage:"offer loopback addresses too (development)"`
	} `koanf:"media"`
	Call struct {
		RingTimeout  time.Duration `koanf:"ring_timeout" default:"30s" usage:"the customer must answer within"`
		StageTimeout time.Duration `koanf:"stage_timeout" default:"10s" usage:"related agents ring alone for"`
		QueueTimeout time.Duration `koanf:"queue_timeout" default:"25s" usage:"an inbound call rings at most; Meta allows 30 to 60 s"`
		InviteWait   time.Duration `koanf:"invite_timeout" default:"30s" usage:"an invited colleague must answer within"`
		AgentGrace   time.Duration `koanf:"agent_grace" default:"30s" usage:"an agent's audio may be away for"`
		MaxParties   int           `koanf:"max_participants" default:"8" usage:"participants of one call, 2 to 8"`
	} `koanf:"call"`
	Limits struct {
		CallsPerDay     int           `koanf:"calls_per_day" default:"5" usage:"connected calls to one contact per line in 24 h"`
		RequestsPerDay  int           `koanf:"requests_per_day" default:"1" usage:"permission requests per line in 24 h"`
		RequestsPerWeek int           `koanf:"requests_per_week" default:"2" usage:"permission requests per line in 7 days"`
		LineCalls       int           `koanf:"line_calls" default:"1000" usage:"concurrent calls of one line"`
		PermissionAge   time.Duration `koanf:"permission_age" default:"5m" usage:"Meta's own limits are asked for again after this"`
	} `koanf:"limits"`
	Agent struct {
		OfflineGrace time.Duration `koanf:"offline_grace" default:"20s" usage:"from the last session's end to offline"`
		WrapUp       time.Duration `koanf:"wrap_up" default:"0s" usage:"pause after a call before the next is offered"`
		MaxMisses    int           `koanf:"max_misses" default:"3" usage:"missed offers in a row until not_responding"`
	} `koanf:"agent"`
	RelatedWithin time.Duration `koanf:"related_within" default:"2160h" usage:"an agent counts as related for so long after dealing with a contact"`
	DrainPause    time.Duration `koanf:"drain_pause" default:"5s" usage:"how long a stopping node is unready before it refuses anything: the load balancer looks away"`
	DrainTimeout  time.Duration `koanf:"drain_timeout" default:"2m" usage:"how long a stopping node waits for its calls"`
	Log           struct {
		Level  string `koanf:"level" default:"info" usage:"debug, info, warn or error"`
		Format string `koanf:"format" default:"json" usage:"json or text"`
	} `koanf:"log"`
}

// setting is one leaf of Config.
type setting struct {
	key, def, usage string
	kind            reflect.Type
}

func settings(t reflect.Type, prefix string) []setting {
	var out []setting
	for f := range t.Fields() {
		key := prefix + f.Tag.Get("koanf")
		if f.Type.Kind() == reflect.Struct {
			out = append(out, settings(f.Type, key+".")...)
			continue
		}
		out = append(out, setting{key, f.Tag.Get("default"), f.Tag.Get("usage"), f.Type})
	}
	return out
}

func flagName(key string) string { return strings.NewReplacer(".", "-", "_", "-").Replace(key) }
func envName(key string) string {
	return "RAMAL_" + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// Flags adds a flag for every setting, with the variable's name in its help, and returns fs.
func Flags(fs *pflag.FlagSet) *pflag.FlagSet {
	fs.String("config", "", "YAML file with settings (RAMAL_CONFIG)")
	for _, s := range settings(reflect.TypeFor[Config](), "") {
		usage := fmt.Sprintf("%s (%s)", s.usage, envName(s.key))
		switch s.kind {
		case reflect.TypeFor[bool]():
			fs.Bool(flagName(s.key), s.def == "true", usage)
		case reflect.TypeFor[[]string]():
			fs.StringSlice(flagName(s.key), nil, usage)
		default:
			fs.String(flagName(s.key), s.def, usage)
		}
	}
	return fs
}

// Load reads defaults, then the YAML file, then environment variables, then flags. It does not judge the result: Validate
// does for a node, ValidateStore for a tool that only uses the database.
func Load(fs *pflag.FlagSet, environ func() []string) (Config, error) {
	var c Config
	k := koanf.New(".")
	all := settings(reflect.TypeFor[Config](), "")
	byFlag, byEnv := map[string]string{}, map[string]setting{}
	for _, s := range all {
		byFlag[flagName(s.key)], byEnv[envName(s.key)] = s.key, s
		if s.def != "" {
			_ = k.Set(s.key, s.def) // a map entry: cannot fail
		}
	}
	path, _ := fs.GetString("config")
	for _, pair := range environ() {
		if name, value, _ := strings.Cut(pair, "="); name == "RAMAL_CONFIG" && path == "" {
			path = value
		}
	}
	if path != "" {
		if err := loadFile(k, path, all); err != nil {
			return c, err
		}
	}
	vars := env.Provider(".", env.Opt{Prefix: "RAMAL_", EnvironFunc: environ, TransformFunc: func(name, value string) (string, any) {
		s := byEnv[name] // an unknown variable has an empty key and is left out
		if s.kind == reflect.TypeFor[[]string]() {
			return s.key, list(value)
		}
		return s.key, value
	}})
	if err := k.Load(vars, nil); err != nil {
		return c, fmt.Errorf("environment: %w", err)
	}
	flags := posflag.ProviderWithFlag(fs, ".", k, func(f *pflag.Flag) (string, any) {
		key, ok := byFlag[f.Name]
		if !ok || !f.Changed {
			return "", nil
		}
		return key, posflag.FlagVal(fs, f)
	})
	if err := k.Load(flags, nil); err != nil {
		return c, fmt.Errorf("flags: %w", err)
	}
	if err := k.Unmarshal("", &c); err != nil {
		return c, fmt.Errorf("settings: %w", err)
	}
	return c, nil
}

// list reads "a, b" as two values.
func list(text string) []string {
	out := []string{}
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			out = append(out, item)
		}
	}
	return out
}

// loadFile merges a YAML file and refuses keys that are no settings: a misspelt limit must not be silently ignored.
func loadFile(k *koanf.Koanf, path string, all []setting) error {
	f := koanf.New(".")
	if err := f.Load(file.Provider(path), yaml.Parser()); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	known := map[string]bool{}
	for _, s := range all {
		known[s.key] = true
	}
	var faults []error
	for _, key := range f.Keys() {
		section := func(s setting) bool { return strings.HasPrefix(s.key, key+".") }
		if f.Get(key) == nil && slices.ContainsFunc(all, section) { // all of it is commented out
			f.Delete(key)
			continue
		}
		if !known[key] {
			faults = append(faults, fmt.Errorf("%s: there is no setting %q", path, key))
		}
	}
	return errors.Join(append(faults, k.Merge(f))...)
}

// Validate reports all faults, joined; adapters check the rest of what is theirs.
func (c Config) Validate() error {
	var faults []error
	need := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	faults = append(faults, c.ValidateStore())
	need((c.Auth.Secret == "") != (c.Auth.JWKSURL == ""), "give exactly one of auth.secret and auth.jwks_url")
	need(c.Auth.Secret == "" || len(c.Auth.Secret) >= 32, "auth.secret is shorter than 32 bytes")
	need(c.Call.MaxParties >= 2 && c.Call.MaxParties <= 8, "call.max_participants is %d, not within 2 to 8", c.Call.MaxParties)
	for _, x := range []struct {
		name string
		d    time.Duration
	}{
		{"cluster.lease", c.Cluster.Lease}, {"call.ring_timeout", c.Call.RingTimeout}, {"call.stage_timeout", c.Call.StageTimeout},
		{"call.queue_timeout", c.Call.QueueTimeout}, {"call.invite_timeout", c.Call.InviteWait}, {"call.agent_grace", c.Call.AgentGrace},
		{"agent.offline_grace", c.Agent.OfflineGrace}, {"limits.permission_age", c.Limits.PermissionAge},
	} {
		need(x.d > 0 && x.d <= 10*time.Minute, "%s is %v, not within 0 and 10 minutes", x.name, x.d)
	}
	for _, x := range []struct {
		name string
		n    int
	}{
		{"limits.calls_per_day", c.Limits.CallsPerDay}, {"limits.requests_per_day", c.Limits.RequestsPerDay},
		{"limits.requests_per_week", c.Limits.RequestsPerWeek}, {"limits.line_calls", c.Limits.LineCalls}, {"agent.max_misses", c.Agent.MaxMisses},
	} {
		need(x.n >= 1, "%s is %d, not at least 1", x.name, x.n)
	}
	need(c.Agent.WrapUp >= 0, "agent.wrap_up is negative")
	need(c.RelatedWithin > 0, "related_within is %v, not above 0", c.RelatedWithin)
	need(c.DrainTimeout >= 0, "drain_timeout is negative")
	given := 0
	for _, file := range []string{c.Cluster.TLSCert, c.Cluster.TLSKey, c.Cluster.TLSCA} {
		if file != "" {
			given++
		}
	}
	need(given == 0 || given == 3, "cluster.tls_cert, tls_key and tls_ca go together")
	need(c.Cluster.TLSCert != "" || c.Cluster.Insecure || loopback(c.Cluster.Host),
		"cluster.host %s is reached from other machines: give cluster.tls_cert, tls_key and tls_ca, or say cluster.insecure", c.Cluster.Host)
	need(c.DrainPause >= 0, "drain_pause is negative")
	need(c.Log.Format == "json" || c.Log.Format == "text", "log.format is %q, neither json nor text", c.Log.Format)
	_, err := c.logLevel()
	need(err == nil, "log.level is %q, not debug, info, warn or error", c.Log.Level)
	return errors.Join(faults...)
}

// loopback reports whether only this machine reaches the host.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// ValidateStore reports what is missing to use the database.
func (c Config) ValidateStore() error {
	var faults []error
	if c.Database.URL == "" {
		faults = append(faults, errors.New("database.url is missing: the URL of PostgreSQL or CockroachDB (RAMAL_DATABASE_URL)"))
	}
	if c.Keys == "" {
		faults = append(faults, errors.New("keys is missing: make one with `ramal key` (RAMAL_KEYS)"))
	}
	if c.Database.Conns < 1 || c.Database.Bulk < 1 {
		faults = append(faults, fmt.Errorf("database.conns is %d and database.bulk_conns %d, not at least 1 each", c.Database.Conns, c.Database.Bulk))
	}
	if c.Database.Timeout <= 0 {
		faults = append(faults, fmt.Errorf("database.timeout is %v, not above 0", c.Database.Timeout))
	}
	return errors.Join(faults...)
}

func (c Config) logLevel() (slog.Level, error) {
	var l slog.Level
	err := l.UnmarshalText([]byte(c.Log.Level))
	return l, err
}
