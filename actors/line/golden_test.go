package line

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"ramal/internal/fault"
)

var update = flag.Bool("update", false, "rewrite testdata/transitions.golden")

// t0 is the present of every table test.
var t0 = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// TestTransitions prints what every command does in every state, with the effects that follow.
func TestTransitions(t *testing.T) {
	var b strings.Builder
	for _, st := range states(t) {
		fmt.Fprintf(&b, "== %s\n", st.name)
		for _, c := range commands() {
			fmt.Fprintf(&b, "%s\n", c.name)
			s := st.s
			events, err := Decide(s, c.cmd, t0)
			if err != nil {
				fmt.Fprintf(&b, "  ✗ %s\n", rejection(t, err))
			}
			for _, ev := range events {
				after := Evolve(s, ev)
				fmt.Fprintf(&b, "  → %s %s\n", ev.eventName(), show(t, ev))
				for _, ef := range Effects(s, ev, after) {
					fmt.Fprintf(&b, "    ⇒ %s %s\n", ef.effectName(), show(t, ef))
				}
				s = after
			}
		}
		b.WriteString("\n")
	}
	const golden = "testdata/transitions.golden"
	if *update {
		if err := errors.Join(os.MkdirAll("testdata", 0o755), os.WriteFile(golden, []byte(b.String()), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Split(b.String(), "\n"); b.String() != string(want) {
		for i, line := range strings.Split(string(want), "\n") {
			if i >= len(got) || got[i] != line {
				t.Fatalf("line %d differs; run with -update and read the diff\nwant %s\ngot  %s", i+1, line, slices.Concat(got, make([]string, i))[i])
			}
		}
		t.Fatal("the matrix has grown; run with -update and read the diff")
	}
}

// TestMatrixIsComplete holds the tables against the source: every command is in the catalogue and in the matrix, and every
// event occurs in it.
func TestMatrixIsComplete(t *testing.T) {
	declared := methods(t, "commandName")
	var listed, tried []string
	for _, c := range catalogue() {
		listed = append(listed, reflect.TypeOf(c).Name())
	}
	for _, c := range commands() {
		tried = append(tried, reflect.TypeOf(c.cmd).Name())
	}
	for _, name := range declared {
		if !slices.Contains(listed, name) {
			t.Errorf("command %s is not in the catalogue", name)
		}
		if !slices.Contains(tried, name) {
			t.Errorf("command %s is not in the matrix", name)
		}
	}
	golden, err := os.ReadFile("testdata/transitions.golden")
	if err != nil {
		t.Fatal(err)
	}
	for _, pair := range [][2]string{{"eventName", "→ "}, {"effectName", "⇒ "}} {
		for _, name := range methods(t, pair[0]) {
			if !strings.Contains(string(golden), pair[1]+snake(name)+" ") {
				t.Errorf("%s never occurs in the matrix, or its name is not %q", name, snake(name))
			}
		}
	}
}

func TestCommandsTravelAsJSON(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range commands() {
		data, err := json.Marshal(c.cmd)
		if err != nil {
			t.Fatal(err)
		}
		got, err := DecodeCommand(CommandName(c.cmd), data)
		if err != nil || !reflect.DeepEqual(got, c.cmd) {
			t.Errorf("%s came back as %#v, %v", c.name, got, err)
		}
		seen[CommandName(c.cmd)] = true
	}
	for _, c := range catalogue() {
		if zero, ok := CommandByName(CommandName(c)); !ok || !reflect.DeepEqual(zero, c) || !seen[CommandName(c)] {
			t.Errorf("%s is not found by its name, or twice", CommandName(c))
		}
	}
	if _, err := DecodeCommand("no_such", nil); fault.CodeOf(err) != "unknown_command" {
		t.Errorf("an unknown name gave %v", err)
	}
	if _, err := DecodeCommand(CommandName(catalogue()[0]), []byte(`{`)); fault.CodeOf(err) != "malformed_command" {
		t.Errorf("broken JSON gave %v", err)
	}
}

// methods lists the types of this package's source that have the method.
func methods(t *testing.T, method string) []string {
	t.Helper()
	files, err := fs.Glob(os.DirFS("."), "*.go")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv != nil && f.Name.Name == method {
				out = append(out, f.Recv.List[0].Type.(*ast.Ident).Name)
			}
		}
	}
	if len(out) == 0 {
		t.Fatalf("no type has the method %s", method)
	}
	return out
}

var upper = regexp.MustCompile(`([a-z])([A-Z])`)

func snake(name string) string { return strings.ToLower(upper.ReplaceAllString(name, "${1}_$2")) }

var stamp = regexp.MustCompile(`"(\d{4}-\d\d-\d\dT[^"]*)"`)

// show prints a message as JSON with times relative to t0.
func show(t testing.TB, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return stamp.ReplaceAllStringFunc(string(data), func(s string) string {
		when, err := time.Parse(`"`+time.RFC3339Nano+`"`, s)
		if err != nil {
			t.Fatal(err)
		}
		return relative(when)
	})
}

func relative(when time.Time) string {
	if when.IsZero() {
		return "never"
	}
	if d := when.Sub(t0); d < 0 {
		return "t" + d.String()
	}
	return "t+" + when.Sub(t0).String()
}

func rejection(t testing.TB, err error) string {
	t.Helper()
	e, ok := errors.AsType[*fault.Error](err)
	if !ok || e.Code == "" || e.Detail == "" {
		t.Fatalf("a rejection without kind, code or detail: %v", err)
	}
	s := string(e.Kind) + " " + e.Code
	if !e.NextAllowed.IsZero() {
		s += " until " + relative(e.NextAllowed)
	}
	return s
}
