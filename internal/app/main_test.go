package app

import (
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"ramal/cluster/clustertest"
	"ramal/internal/config"
	"ramal/internal/secret"
	"ramal/store/storetest"
)

func TestMain(m *testing.M) {
	clustertest.ExemptRace()
	storetest.Main(m, clustertest.Leaks)
}

// testConfig is a valid configuration of a node on this machine; more are variables "NAME=value".
func testConfig(t *testing.T, more ...string) config.Config {
	t.Helper()
	keys, err := secret.Generate("test")
	if err != nil {
		t.Fatal(err)
	}
	environ := append([]string{
		"RAMAL_DATABASE_URL=postgres://nobody@127.0.0.1:1/none", "RAMAL_KEYS=" + keys, "RAMAL_AUTH_SECRET=" + strings.Repeat("s", 32),
		"RAMAL_HTTP_LISTEN=127.0.0.1:0", "RAMAL_MEDIA_UDP=127.0.0.1:0", "RAMAL_LOG_LEVEL=error",
	}, more...)
	cfg, err := config.Load(config.Flags(pflag.NewFlagSet("test", pflag.ContinueOnError)), func() []string { return environ })
	if err != nil {
		t.Fatal(err)
	}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	return cfg
}
