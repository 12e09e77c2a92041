package config

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// example is the reference of all settings, at the root of the project.
func example(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "config.example.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// entry is one scalar or list of the example.
type entry struct{ key, comment string }

// entries walks the mapping in the order of the file.
func entries(n *yaml.Node, prefix string) []entry {
	var out []entry
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i], n.Content[i+1]
		if value.Kind == yaml.MappingNode {
			out = append(out, entries(value, prefix+name.Value+".")...)
			continue
		}
		out = append(out, entry{prefix + name.Value, strings.TrimSpace(name.HeadComment + value.LineComment)})
	}
	return out
}

func exampleEntries(t *testing.T) []entry {
	t.Helper()
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(example(t)), &doc); err != nil {
		t.Fatal(err)
	}
	return entries(doc.Content[0], "")
}

// TestExampleIsComplete: every setting stands in the example, in the order of the struct, and nothing else does.
func TestExampleIsComplete(t *testing.T) {
	var want, have []string
	for _, s := range settings(reflect.TypeFor[Config](), "") {
		want = append(want, s.key)
	}
	for _, e := range exampleEntries(t) {
		have = append(have, e.key)
	}
	for _, key := range want {
		if !slices.Contains(have, key) {
			t.Errorf("config.example.yaml lacks %s", key)
		}
	}
	for _, key := range have {
		if !slices.Contains(want, key) {
			t.Errorf("config.example.yaml has %s, which is no setting", key)
		}
	}
	if !t.Failed() && !slices.Equal(have, want) {
		t.Errorf("the order differs:\n got %q\nwant %q", have, want)
	}
}

func TestExampleExplains(t *testing.T) {
	for _, e := range exampleEntries(t) {
		if len(e.comment) < 15 {
			t.Errorf("config.example.yaml does not explain %s", e.key)
		}
	}
}

// TestExampleShowsDefaults: loading the example is the same as loading nothing.
func TestExampleShowsDefaults(t *testing.T) {
	got, want := mustLoad(t, example(t), nil), mustLoad(t, "", nil)
	for _, s := range settings(reflect.TypeFor[Config](), "") {
		g, w := valueOf(t, got, s.key), valueOf(t, want, s.key)
		if s.kind == reflect.TypeFor[[]string]() && reflect.ValueOf(g).Len() == 0 && reflect.ValueOf(w).Len() == 0 {
			continue // no list and an empty one are the same
		}
		if !reflect.DeepEqual(g, w) {
			t.Errorf("config.example.yaml says %s is %v, the default is %v", s.key, g, w)
		}
	}
}
