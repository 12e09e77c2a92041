package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"ramal/gateway/auth"
	"ramal/internal/secret"
	"ramal/store"
	"ramal/store/storetest"
)

// asProgram makes this test binary behave as the program itself.
const asProgram = "RAMAL_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	storetest.Main(m, func() error { return goleak.Find() })
}

// result is what one run of the program said.
type result struct {
	code        int
	out, errors string
}

// ramal runs the program with nothing in its environment but environ.
func ramal(t *testing.T, environ []string, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env = append([]string{asProgram + "=1", "HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH")}, environ...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return result{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
}

func (r result) ok(t *testing.T) result {
	t.Helper()
	if r.code != 0 {
		t.Fatalf("exit code %d\n%s%s", r.code, r.out, r.errors)
	}
	return r
}

// refused checks that the program ended with a message, not with a crash.
func (r result) refused(t *testing.T, want string) {
	t.Helper()
	if r.code != 1 || !strings.HasPrefix(r.errors, "ramal: ") || !strings.Contains(r.errors, want) || strings.Contains(r.errors, "goroutine ") {
		t.Errorf("exit code %d, said %q; want 1 and a message with %q", r.code, r.errors, want)
	}
}

// commands are all there are, and the flags each must have.
var commands = map[string][]string{
	"dev":         {"data", "listen", "sim-listen", "log-level"},
	"serve":       {"config", "database-url", "keys", "http-listen", "auth-secret", "media-udp", "call-ring-timeout", "limits-calls-per-day", "log-level"},
	"sim":         {"listen", "public-url", "media-ip", "media-port", "seed"},
	"migrate":     {"config", "database-url"},
	"seed":        {"config", "database-url", "keys"},
	"key":         nil,
	"token":       {"tenant", "agent", "role", "life"},
	"bench calls": {"calls", "rate", "talk", "json", "start", "engine", "sim", "secret"},
	"tenant add":  {"name", "permission-template", "database-url"},
	"tenant list": {"database-url"},
	"agent add":   {"tenant", "name", "email", "role", "database-url"},
	"line add":    {"tenant", "phone-number-id", "graph-url", "api-version", "token", "app-secret", "verify-token", "database-url", "keys"},
}

// secrets are planted into the environment of every help text.
var secrets = []string{
	"RAMAL_DATABASE_URL=postgres://u:planted-1@h/d", "RAMAL_KEYS=planted-2", "RAMAL_AUTH_SECRET=planted-3", "RAMAL_LINE_TOKEN=planted-4",
	"RAMAL_LINE_APP_SECRET=planted-5", "RAMAL_LINE_VERIFY_TOKEN=planted-6",
}

func TestCommandsAndTheirHelp(t *testing.T) {
	for name, flags := range commands {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			help := ramal(t, secrets, append(strings.Fields(name), "--help")...).ok(t).out
			if !strings.Contains(help, "ramal "+name) {
				t.Errorf("the help is of something else:\n%s", help)
			}
			for _, flag := range flags {
				if !regexp.MustCompile(`--` + flag + `\b`).MatchString(help) {
					t.Errorf("--%s is missing:\n%s", flag, help)
				}
			}
			if strings.Contains(help, "planted") {
				t.Errorf("the help shows a secret of the environment:\n%s", help)
			}
		})
	}
}

// TestRootHelpListsAll: no command exists that TestCommandsAndTheirHelp does not see.
func TestRootHelpListsAll(t *testing.T) {
	help := ramal(t, secrets, "--help").ok(t).out
	if strings.Contains(help, "planted") {
		t.Errorf("the help shows a secret of the environment:\n%s", help)
	}
	var listed []string
	for _, m := range regexp.MustCompile(`(?m)^  ([a-z]+) +[A-Z]`).FindAllStringSubmatch(help, -1) {
		if m[1] != "help" && m[1] != "completion" {
			listed = append(listed, m[1])
		}
	}
	var want []string
	for name := range commands {
		want = append(want, strings.Fields(name)[0])
	}
	slices.Sort(want)
	slices.Sort(listed)
	if want = slices.Compact(want); !slices.Equal(listed, want) {
		t.Errorf("commands %q, want %q", listed, want)
	}
}

// TestErrorsShowNoSecret: what is wrong with a secret is said without the secret.
func TestErrorsShowNoSecret(t *testing.T) {
	for _, args := range [][]string{
		{"serve"}, {"migrate"}, {"tenant", "list"}, {"tenant", "add", "acme"}, {"agent", "add", "ana", "--tenant", "acme", "--name", "Ana"},
		{"line", "add", "main", "--tenant", "acme", "--phone-number-id", "1"}, {"token", "--tenant", "acme", "--agent", "ana"},
	} {
		r := ramal(t, append([]string{"RAMAL_DATABASE_URL=postgres://u:planted-1@127.0.0.1:1/d"}, secrets[1:]...), args...)
		if r.code == 0 || strings.Contains(r.out+r.errors, "planted") {
			t.Errorf("%v: exit code %d, said %s%s", args, r.code, r.out, r.errors)
		}
	}
}

func TestBadUse(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"sreve"}, "sreve"},
		{[]string{"serve", "now"}, "now"},
		{[]string{"serve", "--call-ring-timout=5s"}, "call-ring-timout"},
		{[]string{"serve"}, "database.url"},
		{[]string{"serve", "--call-max-participants=99"}, "call.max_participants"},
		{[]string{"serve", "--config", "absent.yaml"}, "absent.yaml"},
		{[]string{"migrate"}, "database-url"},
		{[]string{"seed"}, "arg"},
		{[]string{"seed", "absent.yaml"}, "absent.yaml"},
		{[]string{"tenant", "add"}, "arg"},
		{[]string{"tenant", "add", "a b"}, `"a b"`},
		{[]string{"tenant", "list"}, "database.url"},
		{[]string{"token"}, "secret"},
	} {
		ramal(t, nil, c.args...).refused(t, c.want)
	}
}

func TestKey(t *testing.T) {
	one, two := ramal(t, nil, "key").ok(t).out, ramal(t, nil, "key").ok(t).out
	if one == two {
		t.Error("two keys are the same")
	}
	if _, err := secret.ParseKeys(strings.TrimSpace(two) + "," + strings.TrimSpace(one)); err == nil {
		t.Log("two keys of one day have one name, and still make a ring")
	}
	if _, err := secret.ParseKeys(strings.TrimSpace(one)); err != nil {
		t.Errorf("the key cannot be used: %v", err)
	}
}

func TestToken(t *testing.T) {
	password := strings.Repeat("p", 32)
	r := ramal(t, []string{"RAMAL_AUTH_SECRET=" + password}, "token", "--tenant", "acme", "--agent", "ana", "--role", "admin", "--life", "1h").ok(t)
	v, err := auth.New(auth.Issuer{Name: "ramal", Secret: []byte(password)})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	c, err := v.Verify(strings.TrimSpace(r.out))
	if err != nil || c.Tenant != "acme" || c.Agent != "ana" || c.Role != "admin" {
		t.Errorf("got %+v, %v", c, err)
	}
	ramal(t, []string{"RAMAL_AUTH_SECRET=" + password}, "token", "--agent", "ana").refused(t, "tenant")
	ramal(t, []string{"RAMAL_AUTH_SECRET=short"}, "token", "--tenant", "acme", "--agent", "ana").refused(t, "32 bytes")
}

// TestDataCommands adds a company by hand, as the documents tell.
func TestDataCommands(t *testing.T) {
	url := storetest.URL(t)
	keys, err := secret.Generate("k")
	if err != nil {
		t.Fatal(err)
	}
	env := []string{"RAMAL_DATABASE_URL=" + url, "RAMAL_KEYS=" + keys}
	ramal(t, env, "migrate").ok(t) // there already: nothing to do
	ramal(t, env, "tenant", "add", "acme", "--name", "Acme", "--permission-template", "ask").ok(t)
	ramal(t, env, "tenant", "add", "acme").refused(t, "exists already")
	ramal(t, env, "agent", "add", "ana", "--tenant", "acme", "--name", "Ana", "--role", "supervisor").ok(t)
	ramal(t, env, "agent", "add", "bob", "--tenant", "acme", "--name", "Bob", "--role", "boss").refused(t, "role")
	ramal(t, env, "agent", "add", "bob", "--name", "Bob").refused(t, "tenant")
	ramal(t, env, "agent", "add", "bob", "--tenant", "nowhere", "--name", "Bob").refused(t, "")
	line := []string{"line", "add", "main", "--tenant", "acme", "--phone-number-id", "4711", "--display-number", "+55 11 1234"}
	ramal(t, env, line...).refused(t, "missing")
	credentials := append(slices.Clone(env), "RAMAL_LINE_TOKEN=tok", "RAMAL_LINE_APP_SECRET=app", "RAMAL_LINE_VERIFY_TOKEN=ver")
	said := ramal(t, credentials, line...).ok(t).out
	if strings.Contains(said, "tok") || strings.Contains(said, "app") {
		t.Errorf("it shows credentials: %s", said)
	}
	ramal(t, credentials, line...).refused(t, "exists already")

	list := ramal(t, env, "tenant", "list").ok(t).out
	for _, want := range []string{"acme  Acme", "agent ana  Ana  supervisor", "line  main  +55 11 1234  phone-number id 4711 at https://graph.facebook.com"} {
		if !strings.Contains(list, want) {
			t.Errorf("the list lacks %q:\n%s", want, list)
		}
	}
	ring, err := secret.ParseKeys(keys)
	if err != nil {
		t.Fatal(err)
	}
	st := storetest.OpenURL(t, store.Config{URL: url, Keys: ring})
	row, err := st.LineByPhoneNumberID(t.Context(), "4711")
	if err != nil {
		t.Fatal(err)
	}
	if want := (store.LineCredentials{Token: "tok", AppSecret: "app", VerifyToken: "ver"}); row.Credentials != want {
		t.Errorf("credentials %+v, want %+v", row.Credentials, want)
	}
}

func TestSeedCommand(t *testing.T) {
	url := storetest.URL(t)
	keys, err := secret.Generate("k")
	if err != nil {
		t.Fatal(err)
	}
	env := []string{"RAMAL_DATABASE_URL=" + url, "RAMAL_KEYS=" + keys}
	path := t.TempDir() + "/seed.yaml"
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("tenants: [{id: acme, name: Acme, agents: [{id: ana, nome: Ana}]}]")
	ramal(t, env, "seed", path).refused(t, "nome")
	write("tenants: [{id: acme, name: Acme, agents: [{id: ana, name: Ana}], contacts: [{name: Bo, phone: '+5511987654321'}]}]")
	for range 2 {
		if said := ramal(t, env, "seed", path).ok(t).out; !strings.Contains(said, "Acme: 1 agents, 0 lines, 1 contacts") {
			t.Errorf("it said %q", said)
		}
	}
	if list := ramal(t, env, "tenant", "list").ok(t).out; strings.Count(list, "agent ana") != 1 {
		t.Errorf("twice applied, the list is\n%s", list)
	}
}
