package config

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
)

// load reads settings as a program does: a YAML text, variables and command-line arguments.
func load(t *testing.T, yaml string, environ []string, args ...string) (Config, error) {
	t.Helper()
	fs := Flags(pflag.NewFlagSet("test", pflag.ContinueOnError))
	if yaml != "" {
		args = append([]string{"--config", fileOf(t, yaml)}, args...)
	}
	if err := fs.Parse(args); err != nil {
		t.Fatal(err)
	}
	return Load(fs, func() []string { return environ })
}

func mustLoad(t *testing.T, yaml string, environ []string, args ...string) Config {
	t.Helper()
	c, err := load(t, yaml, environ, args...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func fileOf(t *testing.T, yaml string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ramal.yaml")
	if err := os.WriteFile(path, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// leaves lists every setting of the struct with its index path, so that a test can read it from a Config.
func leaves(t reflect.Type, prefix string, path []int, visit func(key string, path []int)) {
	for i := range t.NumField() {
		f := t.Field(i)
		at := append(slices.Clone(path), i)
		if f.Type.Kind() == reflect.Struct {
			leaves(f.Type, prefix+f.Tag.Get("koanf")+".", at, visit)
			continue
		}
		visit(prefix+f.Tag.Get("koanf"), at)
	}
}

func valueOf(t *testing.T, c Config, key string) any {
	t.Helper()
	var found any
	leaves(reflect.TypeFor[Config](), "", nil, func(k string, path []int) {
		if k == key {
			found = reflect.ValueOf(c).FieldByIndex(path).Interface()
		}
	})
	if found == nil {
		t.Fatalf("there is no setting %q", key)
	}
	return found
}

func TestDefaults(t *testing.T) {
	c := mustLoad(t, "", nil)
	for key, want := range map[string]any{
		"database.conns": 8, "database.timeout": 2 * time.Second, "http.listen": "127.0.0.1:8080", "auth.issuer": "ramal",
		"cluster.lease": 3 * time.Second, "media.udp": ":0", "media.loopback": false, "call.ring_timeout": 30 * time.Second,
		"call.stage_timeout": 10 * time.Second, "call.queue_timeout": 25 * time.Second, "call.max_participants": 8,
		"limits.calls_per_day": 5, "limits.requests_per_day": 1, "limits.requests_per_week": 2, "limits.line_calls": 1000,
		"agent.offline_grace": 20 * time.Second, "agent.wrap_up": time.Duration(0), "agent.max_misses": 3,
		"related_within": 90 * 24 * time.Hour, "drain_timeout": 2 * time.Minute, "log.level": "info", "log.format": "json",
	} {
		if got := valueOf(t, c, key); !reflect.DeepEqual(got, want) {
			t.Errorf("%s is %v by default, want %v", key, got, want)
		}
	}
}

// sample gives each setting three values that differ from its default and from one another, as text.
func sample(kind reflect.Type) (texts [3]string, values [3]any) {
	switch kind {
	case reflect.TypeFor[time.Duration]():
		return [3]string{"11s", "12s", "1h13m"}, [3]any{11 * time.Second, 12 * time.Second, 73 * time.Minute}
	case reflect.TypeFor[int]():
		return [3]string{"21", "22", "23"}, [3]any{21, 22, 23}
	case reflect.TypeFor[float64]():
		return [3]string{"0.21", "0.22", "0.23"}, [3]any{0.21, 0.22, 0.23}
	case reflect.TypeFor[bool]():
		return [3]string{"true", "false", "true"}, [3]any{true, false, true}
	case reflect.TypeFor[[]string]():
		return [3]string{"a,b", "c,d", "e,f"}, [3]any{[]string{"a", "b"}, []string{"c", "d"}, []string{"e", "f"}}
	}
	return [3]string{"one", "two", "three"}, [3]any{"one", "two", "three"}
}

// yamlOf writes one setting as a file.
func yamlOf(key, text string, kind reflect.Type) string {
	if kind == reflect.TypeFor[[]string]() {
		text = "[" + text + "]"
	}
	out, indent := "", ""
	parts := strings.Split(key, ".")
	for _, p := range parts[:len(parts)-1] {
		out += indent + p + ":\n"
		indent += "  "
	}
	return out + indent + parts[len(parts)-1] + ": " + text + "\n"
}

// TestPrecedence takes every single setting through file, variable and flag.
func TestPrecedence(t *testing.T) {
	for _, s := range settings(reflect.TypeFor[Config](), "") {
		t.Run(s.key, func(t *testing.T) {
			texts, want := sample(s.kind)
			yaml := yamlOf(s.key, texts[0], s.kind)
			environ := []string{envName(s.key) + "=" + texts[1]}
			flag := "--" + flagName(s.key) + "=" + texts[2]
			for _, step := range []struct {
				name string
				got  Config
				want any
			}{
				{"file over default", mustLoad(t, yaml, nil), want[0]},
				{"variable over default", mustLoad(t, "", environ), want[1]},
				{"variable over file", mustLoad(t, yaml, environ), want[1]},
				{"flag over default", mustLoad(t, "", nil, flag), want[2]},
				{"flag over variable and file", mustLoad(t, yaml, environ, flag), want[2]},
			} {
				if got := valueOf(t, step.got, s.key); !reflect.DeepEqual(got, step.want) {
					t.Errorf("%s: got %#v, want %#v", step.name, got, step.want)
				}
			}
		})
	}
}

func TestNames(t *testing.T) {
	for key, want := range map[string][2]string{
		"database.url":          {"database-url", "RAMAL_DATABASE_URL"},
		"database.bulk_conns":   {"database-bulk-conns", "RAMAL_DATABASE_BULK_CONNS"},
		"keys":                  {"keys", "RAMAL_KEYS"},
		"call.max_participants": {"call-max-participants", "RAMAL_CALL_MAX_PARTICIPANTS"},
	} {
		if got := [2]string{flagName(key), envName(key)}; got != want {
			t.Errorf("%s: got %v, want %v", key, got, want)
		}
	}
	flags, vars := map[string]string{}, map[string]string{}
	for _, s := range settings(reflect.TypeFor[Config](), "") {
		if other, taken := flags[flagName(s.key)]; taken {
			t.Errorf("%s and %s share a flag", s.key, other)
		}
		if other, taken := vars[envName(s.key)]; taken {
			t.Errorf("%s and %s share a variable", s.key, other)
		}
		flags[flagName(s.key)], vars[envName(s.key)] = s.key, s.key
		if s.usage == "" {
			t.Errorf("%s has no help", s.key)
		}
	}
}

func TestFlagsHelpNamesVariables(t *testing.T) {
	fs := Flags(pflag.NewFlagSet("test", pflag.ContinueOnError))
	for _, s := range settings(reflect.TypeFor[Config](), "") {
		f := fs.Lookup(flagName(s.key))
		if f == nil {
			t.Errorf("%s has no flag", s.key)
			continue
		}
		if !strings.Contains(f.Usage, "("+envName(s.key)+")") {
			t.Errorf("help of --%s does not name its variable: %s", f.Name, f.Usage)
		}
	}
}

func TestConfigFileByVariable(t *testing.T) {
	path := fileOf(t, "log:\n  level: error\n")
	c := mustLoad(t, "", []string{"RAMAL_CONFIG=" + path})
	if c.Log.Level != "error" {
		t.Errorf("the file of RAMAL_CONFIG was not read: level %q", c.Log.Level)
	}
	other := fileOf(t, "log:\n  level: debug\n")
	c = mustLoad(t, "", []string{"RAMAL_CONFIG=" + path}, "--config", other)
	if c.Log.Level != "debug" {
		t.Errorf("--config does not win over RAMAL_CONFIG: level %q", c.Log.Level)
	}
}

func TestForeignVariablesAreIgnored(t *testing.T) {
	c := mustLoad(t, "", []string{"RAMAL_LINE_TOKEN=x", "RAMAL_TEST_DATABASE_URL=y", "RAMAL=z", "PATH=/bin", "nonsense", "RAMAL_LOG_LEVEL=warn"})
	if c.Log.Level != "warn" {
		t.Errorf("level %q, want warn", c.Log.Level)
	}
	c.Log.Level = "info"
	if want := mustLoad(t, "", nil); !reflect.DeepEqual(c, want) {
		t.Errorf("other programs' variables changed settings:\n got %+v\nwant %+v", c, want)
	}
}

func TestBrokenFiles(t *testing.T) {
	for name, c := range map[string]struct {
		yaml string
		want []string // all of them in the message
	}{
		"unknown key":           {"call:\n  ring_timout: 5s\n", []string{`"call.ring_timout"`}},
		"unknown section":       {"calls:\n  ring_timeout: 5s\n", []string{`"calls.ring_timeout"`}},
		"unknown at the top":    {"related: 5s\n", []string{`"related"`}},
		"all of them are named": {"a: 1\nlog:\n  b: 2\n  level: warn\n", []string{`"a"`, `"log.b"`}},
		"not YAML":              {"call: [\n", []string{"ramal.yaml"}},
		"no duration":           {"call:\n  ring_timeout: soon\n", []string{"ring_timeout"}},
		"no number":             {"limits:\n  line_calls: many\n", []string{"line_calls"}},
		"no bool":               {"media:\n  loopback: perhaps\n", []string{"loopback"}},
		"a list for one value":  {"log:\n  level: [info, warn]\n", []string{"level"}},
		"a section for a value": {"keys:\n  a: b\n", []string{"keys"}},
		"a value for a section": {"call: 5s\n", []string{`"call"`}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, c.yaml, nil)
			if err == nil {
				t.Fatalf("no error for\n%s", c.yaml)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the message does not name %s: %v", want, err)
				}
			}
		})
	}
	t.Run("missing file", func(t *testing.T) {
		_, err := load(t, "", []string{"RAMAL_CONFIG=" + filepath.Join(t.TempDir(), "absent.yaml")})
		if err == nil || !strings.Contains(err.Error(), "absent.yaml") {
			t.Errorf("got %v, want an error that names the file", err)
		}
	})
}

// TestEmptySections: a file in which everything of a section is commented out is a file without the section.
func TestEmptySections(t *testing.T) {
	c, err := load(t, "call:\n  # ring_timeout: 5s\nlog:\n  level: warn\n", nil)
	if err != nil {
		t.Fatal(err)
	}
	want := mustLoad(t, "log:\n  level: warn\n", nil)
	if !reflect.DeepEqual(c, want) {
		t.Errorf("got %+v\nwant %+v", c, want)
	}
}

func TestBrokenVariablesAndFlags(t *testing.T) {
	for _, c := range []struct {
		environ []string
		args    []string
		want    string
	}{
		{[]string{"RAMAL_CALL_RING_TIMEOUT=soon"}, nil, "ring_timeout"},
		{[]string{"RAMAL_LIMITS_LINE_CALLS=many"}, nil, "line_calls"},
		{nil, []string{"--call-ring-timeout=soon"}, "ring_timeout"},
	} {
		if _, err := load(t, "", c.environ, c.args...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v %v: got %v, want an error that names %s", c.environ, c.args, err, c.want)
		}
	}
	fs := Flags(pflag.NewFlagSet("test", pflag.ContinueOnError))
	if err := fs.Parse([]string{"--call-ring-timout=5s"}); err == nil {
		t.Error("an unknown flag is not refused")
	}
}

func TestLists(t *testing.T) {
	want := []string{"https://a.example", "https://b.example"}
	for name, c := range map[string]Config{
		"file":              mustLoad(t, "http:\n  origins: [https://a.example, https://b.example]\n", nil),
		"file, one a line":  mustLoad(t, "http:\n  origins:\n    - https://a.example\n    - https://b.example\n", nil),
		"variable":          mustLoad(t, "", []string{"RAMAL_HTTP_ORIGINS=https://a.example,https://b.example"}),
		"variable, spaced":  mustLoad(t, "", []string{"RAMAL_HTTP_ORIGINS=https://a.example, https://b.example"}),
		"flag":              mustLoad(t, "", nil, "--http-origins=https://a.example,https://b.example"),
		"flag given twice":  mustLoad(t, "", nil, "--http-origins=https://a.example", "--http-origins=https://b.example"),
		"longer ones first": mustLoad(t, "http:\n  origins: [x, y, z]\n", []string{"RAMAL_HTTP_ORIGINS=https://a.example,https://b.example"}),
	} {
		if !slices.Equal(c.HTTP.Origins, want) {
			t.Errorf("%s: got %q, want %q", name, c.HTTP.Origins, want)
		}
	}
	if c := mustLoad(t, "http:\n  origins: [x]\n", []string{"RAMAL_HTTP_ORIGINS="}); len(c.HTTP.Origins) != 0 {
		t.Errorf("an empty variable leaves the list %q", c.HTTP.Origins)
	}
}
