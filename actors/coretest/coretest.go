// Package coretest holds a pure core against its own drawing: it prints what every command does in every state, compares that
// with the golden file beside the tests, and finds commands, events and effects that the drawing forgot.
//
// It is for tests only and knows no rule of any core. The golden files are rewritten with -update and reviewed as a diff.
package coretest

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"ramal/internal/fault"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// T0 is the present of every table test: a Tuesday, 09:00 in São Paulo.
var T0 = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

const transitions = "testdata/transitions.golden"

// Core is the core under test, with the tables of its tests: S its state, C its commands, E its events, F its effects.
type Core[S, C, E, F any] struct {
	Decide  func(S, C, time.Time) ([]E, error)
	Evolve  func(S, E) S
	Effects func(S, E, S) []F

	CommandName func(C) string
	EventName   func(E) string
	EffectName  func(F) string

	Catalogue []C // the zero value of every command
	ByName    func(string) (C, bool)
	Decode    func(name string, data []byte) (C, error)

	States   func(testing.TB) iter.Seq2[string, S] // by the names they have in the drawing
	Commands func() iter.Seq2[string, C]
}

// Pairs lists the rows of a table as names and values.
func Pairs[R, V any](rows []R, split func(R) (string, V)) iter.Seq2[string, V] {
	return func(yield func(string, V) bool) {
		for _, r := range rows {
			if !yield(split(r)) {
				return
			}
		}
	}
}

// Transitions compares what every command does in every state, with the effects that follow, with the golden file.
func (c Core[S, C, E, F]) Transitions(t *testing.T) {
	t.Helper()
	var b strings.Builder
	for name, state := range c.States(t) {
		fmt.Fprintf(&b, "== %s\n", name)
		for name, cmd := range c.Commands() {
			fmt.Fprintf(&b, "%s\n", name)
			s := state
			events, err := c.Decide(s, cmd, T0)
			if err != nil {
				fmt.Fprintf(&b, "  ✗ %s\n", rejection(t, err))
			}
			for _, ev := range events {
				after := c.Evolve(s, ev)
				fmt.Fprintf(&b, "  → %s %s\n", c.EventName(ev), Show(t, ev))
				for _, ef := range c.Effects(s, ev, after) {
					fmt.Fprintf(&b, "    ⇒ %s %s\n", c.EffectName(ef), Show(t, ef))
				}
				s = after
			}
		}
		b.WriteString("\n")
	}
	Golden(t, transitions, b.String())
}

// Complete holds the tables against the source: every command is in the catalogue and in the matrix, and every event and
// effect occurs in it.
func (c Core[S, C, E, F]) Complete(t *testing.T) {
	t.Helper()
	var listed, tried []string
	for _, zero := range c.Catalogue {
		listed = append(listed, reflect.TypeOf(zero).Name())
	}
	for _, cmd := range c.Commands() {
		tried = append(tried, reflect.TypeOf(cmd).Name())
	}
	for _, name := range methods(t, "commandName") {
		if !slices.Contains(listed, name) {
			t.Errorf("command %s is not in the catalogue", name)
		}
		if !slices.Contains(tried, name) {
			t.Errorf("command %s is not in the matrix", name)
		}
	}
	golden, err := os.ReadFile(transitions)
	if err != nil {
		t.Fatal(err)
	}
	for method, arrow := range map[string]string{"eventName": "→ ", "effectName": "⇒ "} {
		for _, name := range methods(t, method) {
			if !strings.Contains(string(golden), arrow+snake(name)+" ") {
				t.Errorf("%s never occurs in the matrix, or its name is not %q", name, snake(name))
			}
		}
	}
}

// CommandsTravel sends every command through JSON and finds it again by its name.
func (c Core[S, C, E, F]) CommandsTravel(t *testing.T) {
	t.Helper()
	seen := map[string]bool{}
	for name, cmd := range c.Commands() {
		data, err := json.Marshal(cmd)
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.Decode(c.CommandName(cmd), data)
		if err != nil || !reflect.DeepEqual(got, cmd) {
			t.Errorf("%s came back as %#v, %v", name, got, err)
		}
		seen[c.CommandName(cmd)] = true
	}
	for _, want := range c.Catalogue {
		name := c.CommandName(want)
		if zero, ok := c.ByName(name); !ok || !reflect.DeepEqual(zero, want) || !seen[name] {
			t.Errorf("%s is not found by its name, or twice", name)
		}
	}
	if _, err := c.Decode("no_such", nil); fault.CodeOf(err) != "unknown_command" {
		t.Errorf("an unknown name gave %v", err)
	}
	if _, err := c.Decode(c.CommandName(c.Catalogue[0]), []byte(`{`)); fault.CodeOf(err) != "malformed_command" {
		t.Errorf("broken JSON gave %v", err)
	}
}

// Golden compares got with a golden file, or rewrites the file under -update.
func Golden(t testing.TB, path, got string) {
	t.Helper()
	if *update {
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o750), os.WriteFile(path, []byte(got), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	is, want := strings.Split(got, "\n"), strings.Split(string(raw), "\n")
	for i := range max(len(is), len(want)) {
		if at(is, i) != at(want, i) {
			t.Fatalf("%s differs at line %d; run with -update and read the diff\nwant %s\ngot  %s", path, i+1, at(want, i), at(is, i))
		}
	}
}

// at returns a line, or one that no golden file holds where there are no more.
func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "(no such line)"
}

// methods lists the types of the package under test, whose folder the test runs in, that have the method.
func methods(t testing.TB, method string) []string {
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

// Show prints a message as JSON with times relative to T0.
func Show(t testing.TB, v any) string {
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
	if d := when.Sub(T0); d < 0 {
		return "t" + d.String()
	}
	return "t+" + when.Sub(T0).String()
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
