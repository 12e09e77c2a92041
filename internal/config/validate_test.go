package config

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// valid is the least that a node needs.
func valid(t *testing.T) Config {
	t.Helper()
	return mustLoad(t, "", []string{
		"RAMAL_DATABASE_URL=postgres://localhost/ramal", "RAMAL_KEYS=k1:c2VjcmV0", "RAMAL_AUTH_SECRET=" + strings.Repeat("s", 32),
	})
}

func TestValidConfig(t *testing.T) {
	c := valid(t)
	if err := c.Validate(); err != nil {
		t.Errorf("the least configuration is refused: %v", err)
	}
	c.Auth.Secret, c.Auth.JWKSURL = "", "https://id.example.com/keys"
	if err := c.Validate(); err != nil {
		t.Errorf("a key set instead of a secret is refused: %v", err)
	}
}

func TestValidate(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		want   string // in the message
	}{
		"no database":             {func(c *Config) { c.Database.URL = "" }, "RAMAL_DATABASE_URL"},
		"no keys":                 {func(c *Config) { c.Keys = "" }, "ramal key"},
		"no secret, no key set":   {func(c *Config) { c.Auth.Secret = "" }, "auth.secret"},
		"secret and key set":      {func(c *Config) { c.Auth.JWKSURL = "https://id.example.com" }, "auth.jwks_url"},
		"short secret":            {func(c *Config) { c.Auth.Secret = "short" }, "auth.secret"},
		"one participant":         {func(c *Config) { c.Call.MaxParties = 1 }, "call.max_participants is 1"},
		"nine participants":       {func(c *Config) { c.Call.MaxParties = 9 }, "call.max_participants is 9"},
		"no ring time":            {func(c *Config) { c.Call.RingTimeout = 0 }, "call.ring_timeout is 0s"},
		"negative ring time":      {func(c *Config) { c.Call.RingTimeout = -time.Second }, "call.ring_timeout"},
		"endless stage":           {func(c *Config) { c.Call.StageTimeout = time.Hour }, "call.stage_timeout is 1h"},
		"no queue time":           {func(c *Config) { c.Call.QueueTimeout = 0 }, "call.queue_timeout"},
		"no invite time":          {func(c *Config) { c.Call.InviteWait = 0 }, "call.invite_timeout"},
		"no agent grace":          {func(c *Config) { c.Call.AgentGrace = 0 }, "call.agent_grace"},
		"no offline grace":        {func(c *Config) { c.Agent.OfflineGrace = 0 }, "agent.offline_grace"},
		"no calls a day":          {func(c *Config) { c.Limits.CallsPerDay = 0 }, "limits.calls_per_day is 0"},
		"no requests a day":       {func(c *Config) { c.Limits.RequestsPerDay = -1 }, "limits.requests_per_day is -1"},
		"no requests a week":      {func(c *Config) { c.Limits.RequestsPerWeek = 0 }, "limits.requests_per_week"},
		"no calls on a line":      {func(c *Config) { c.Limits.LineCalls = 0 }, "limits.line_calls"},
		"no misses":               {func(c *Config) { c.Agent.MaxMisses = 0 }, "agent.max_misses"},
		"negative wrap-up":        {func(c *Config) { c.Agent.WrapUp = -time.Second }, "agent.wrap_up"},
		"unknown log format":      {func(c *Config) { c.Log.Format = "xml" }, `log.format is "xml"`},
		"unknown log level":       {func(c *Config) { c.Log.Level = "loud" }, `log.level is "loud"`},
		"no lease":                {func(c *Config) { c.Cluster.Lease = 0 }, "cluster.lease"},
		"negative lease":          {func(c *Config) { c.Cluster.Lease = -time.Second }, "cluster.lease"},
		"negative drain":          {func(c *Config) { c.DrainTimeout = -time.Second }, "drain_timeout"},
		"negative related_within": {func(c *Config) { c.RelatedWithin = -time.Hour }, "related_within"},
		"no connections":          {func(c *Config) { c.Database.Conns = 0 }, "database.conns"},
		"no bulk connections":     {func(c *Config) { c.Database.Bulk = -1 }, "database.bulk_conns"},
		"no statement time":       {func(c *Config) { c.Database.Timeout = 0 }, "database.timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := valid(t)
			c.change(&cfg)
			err := cfg.Validate()
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

// TestValidateReportsAll: whoever configures a node learns everything at once, in the same order every time, and no secret.
func TestValidateReportsAll(t *testing.T) {
	c := valid(t)
	c.Database.URL, c.Keys, c.Auth.Secret = "", "", "tiny-secret"
	c.Call.RingTimeout, c.Call.StageTimeout, c.Limits.CallsPerDay, c.Limits.LineCalls, c.Log.Format = 0, 0, 0, 0, "xml"
	text := c.Validate().Error()
	for _, want := range []string{
		"database.url", "keys", "auth.secret", "call.ring_timeout", "call.stage_timeout", "limits.calls_per_day", "limits.line_calls", "log.format",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is not reported:\n%s", want, text)
		}
	}
	if strings.Contains(text, "tiny-secret") {
		t.Errorf("the message shows the secret:\n%s", text)
	}
	for range 20 {
		if again := c.Validate().Error(); again != text {
			t.Fatalf("the order of the faults changes:\n%s\n\n%s", text, again)
		}
	}
}

func TestValidateStore(t *testing.T) {
	c := valid(t)
	c.Auth.Secret = "" // a tool that only uses the database needs no agents' tokens
	if err := c.ValidateStore(); err != nil {
		t.Error(err)
	}
	c.Database.URL, c.Keys = "", ""
	err := c.ValidateStore()
	if err == nil || !strings.Contains(err.Error(), "database.url") || !strings.Contains(err.Error(), "keys") {
		t.Errorf("got %v, want both to be missed", err)
	}
}

func TestLogger(t *testing.T) {
	for _, c := range []struct {
		level, format string
		shows         []slog.Level
	}{
		{"debug", "json", []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError}},
		{"warn", "json", []slog.Level{slog.LevelWarn, slog.LevelError}},
		{"error", "text", []slog.Level{slog.LevelError}},
	} {
		cfg := valid(t)
		cfg.Log.Level, cfg.Log.Format = c.level, c.format
		var out bytes.Buffer
		log := cfg.Logger(&out)
		for _, l := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
			log.Log(t.Context(), l, "something", slog.String("call", "call_1"))
		}
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		if len(lines) != len(c.shows) {
			t.Fatalf("level %s: %d lines, want %d:\n%s", c.level, len(lines), len(c.shows), out.String())
		}
		for i, l := range lines {
			if !strings.Contains(l, c.shows[i].String()) || !strings.Contains(l, "call_1") {
				t.Errorf("level %s: line %d is %s", c.level, i, l)
			}
			if isJSON := json.Valid([]byte(l)); isJSON != (c.format == "json") {
				t.Errorf("format %s: %s", c.format, l)
			}
		}
	}
}
