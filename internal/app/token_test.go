package app

import (
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"ramal/internal/fault"
	"ramal/internal/id"
)

func TestTokenRoundTrip(t *testing.T) {
	cfg := testConfig(t)
	v, err := Verifier(cfg)
	ok(t, err)
	defer v.Close()
	for _, role := range []string{"agent", "supervisor", "admin"} {
		token, err := Token(cfg, "acme", "ana", role, time.Hour)
		ok(t, err)
		got, err := v.Verify(token)
		ok(t, err)
		if got.Tenant != "acme" || got.Agent != "ana" || got.Role != role {
			t.Errorf("got %+v, want ana of acme as %s", got, role)
		}
		if left := time.Until(got.Expires); left < 59*time.Minute || left > time.Hour {
			t.Errorf("it is valid for %v, want an hour", left)
		}
	}
}

func TestTokenOfOthersIsRefused(t *testing.T) {
	v, err := Verifier(testConfig(t))
	ok(t, err)
	defer v.Close()
	for name, change := range map[string]string{
		"another secret":   "RAMAL_AUTH_SECRET=" + strings.Repeat("x", 32),
		"another issuer":   "RAMAL_AUTH_ISSUER=somebody",
		"another audience": "RAMAL_AUTH_AUDIENCE=something",
	} {
		token, err := Token(testConfig(t, change), "acme", "ana", "agent", time.Hour)
		ok(t, err)
		if c, err := v.Verify(token); !fault.Is(err, fault.Denied) {
			t.Errorf("%s: got %+v, %v, want it denied", name, c, err)
		}
	}
}

func TestTokenRefuses(t *testing.T) {
	cfg := testConfig(t)
	for name, c := range map[string]struct {
		tenant id.Tenant
		agent  id.Agent
		role   string
		life   time.Duration
	}{
		"no tenant":    {"", "ana", "agent", time.Hour},
		"no agent":     {"acme", "", "agent", time.Hour},
		"bad tenant":   {"a b", "ana", "agent", time.Hour},
		"unknown role": {"acme", "ana", "boss", time.Hour},
		"over already": {"acme", "ana", "agent", -time.Hour},
		"a year":       {"acme", "ana", "agent", 365 * 24 * time.Hour},
	} {
		if token, err := Token(cfg, c.tenant, c.agent, c.role, c.life); err == nil {
			t.Errorf("%s: got a token %.20s…, want a refusal", name, token)
		}
	}
	cfg.Auth.Secret = ""
	if _, err := Token(cfg, "acme", "ana", "agent", time.Hour); err == nil {
		t.Error("without a secret a token was issued")
	}
}

func TestDevSecretsAreKept(t *testing.T) {
	d := Dev{Out: io.Discard, DataDir: t.TempDir() + "/data", Listen: "127.0.0.1:0"}
	first, err := d.secrets()
	ok(t, err)
	again, err := d.secrets()
	ok(t, err)
	if first != again || first.keys == "" || len(first.token) < 32 {
		t.Errorf("got %+v, then %+v", first, again)
	}
	for _, name := range []string{"keys", "token-secret"} {
		info, err := os.Stat(d.DataDir + "/" + name)
		ok(t, err)
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s can be read by others: %v", name, info.Mode())
		}
	}
	other, err := Dev{DataDir: t.TempDir()}.secrets()
	ok(t, err)
	if other.keys == first.keys || other.token == first.token {
		t.Error("two installations have the same secrets")
	}
}

func TestDevConfigIsValid(t *testing.T) {
	cfg, err := Dev{DataDir: t.TempDir(), Listen: "127.0.0.1:8123"}.config()
	ok(t, err)
	ok(t, cfg.Validate())
	if cfg.HTTP.Listen != "127.0.0.1:8123" || !cfg.Media.Loopback {
		t.Errorf("got %+v", cfg)
	}
	v, err := Verifier(cfg)
	ok(t, err)
	v.Close()
}

func TestDigits(t *testing.T) {
	for in, want := range map[string]string{"+55 (11) 98765-4321": "5511987654321", "": "", "abc": "", "٣4": "4"} {
		if got := digits(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}
