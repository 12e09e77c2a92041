package archtest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "ramal"

// basics may be used by everybody.
var basics = []string{"internal/id", "internal/fault"}

// pure packages do no I/O and know no clock, chance or goroutine; beside the basics they import only the pure actors/core.
var pure = []string{
	"actors/agent", "actors/call", "actors/contact", "actors/core", "actors/line", "cluster/placement", "indexer/filter", "indexer/text",
}

// row says what a package may import of our own code, beside the basics. A trailing /... covers what is below.
var rows = map[string][]string{
	"internal/id":         {},
	"internal/fault":      {},
	"internal/secret":     {},
	"internal/telemetry":  {},
	"internal/config":     {},
	"internal/archtest":   {},
	"internal/poll":       {},
	"actors":              {},
	"actors/coretest":     {},
	"actors/host":         {"actors", "actors/agent", "actors/call", "actors/contact", "actors/line", "channels/whatsapp", "cluster", "cluster/wire", "media", "media/sdpcheck", "store"},
	"channels/whatsapp":   {},
	"cluster":             {"cluster/membership", "cluster/placement", "cluster/wire"},
	"cluster/clustertest": {"cluster/membership", "cluster/placement"},
	"cluster/membership":  {"cluster/placement"},
	"cluster/wire":        {},
	"gateway":             {"actors", "channels/whatsapp", "gateway/agentws", "gateway/auth", "internal/telemetry"},
	"gateway/agentws":     {"actors", "gateway/auth", "internal/telemetry"},
	"gateway/auth":        {},
	"indexer":             {"indexer/filter", "indexer/text"},
	"indexer/indextest":   {"indexer", "indexer/filter", "indexer/text"},
	"indexer/memory":      {"indexer", "indexer/filter", "indexer/text"},
	"media/...":           {"media/..."},
	"media":               {"media/..."},
	"store":               {"internal/secret", "store/migrations"},
	"store/embedded":      {},
	"store/membership":    {"cluster/membership", "cluster/placement"},
	"store/storetest":     {"internal/secret", "store", "store/embedded"},
	"sim":                 {"sim/..."},
	"sim/...":             {"sim/..."},
	"web":                 {},
	"internal/app":        {"actors/agent", "actors/call", "actors/contact", "actors/host", "actors/line", "channels/whatsapp", "cluster", "gateway", "gateway/auth", "internal/config", "internal/secret", "internal/telemetry", "media", "sim", "sim/cloud", "store", "store/embedded", "store/membership", "web"},
	"cmd/ramal":           {"benchmarks/...", "internal/app", "internal/config", "internal/secret", "sim", "store", "store/embedded"},
	"benchmarks/...":      {"benchmarks/..."},
	"internal/system":     {}, // tests only: they may use anything
}

// vendors are confined: only packages under these prefixes may import them.
var vendors = map[string][]string{
	"github.com/asynkron/protoactor-go":   {"actors/host", "cluster"},
	"github.com/pion/":                    {"media", "sim", "benchmarks"},
	"github.com/jackc/pgx":                {"store"},
	"github.com/cockroachdb/cockroach":    {"store"},
	"github.com/pressly/goose":            {"store"},
	"github.com/fergusstrange/":           {"store/embedded"},
	"github.com/RoaringBitmap/":           {"indexer/memory"},
	"github.com/typesense/":               {"indexer/typesense"},
	"github.com/prometheus/client_golang": {"internal/telemetry"},
	"github.com/thesyncim/gopus":          {"media", "sim", "benchmarks"},
	"github.com/coder/websocket":          {"gateway/agentws", "sim", "benchmarks"},
	"github.com/golang-jwt/":              {"gateway/auth"},
	"github.com/spf13/cobra":              {"cmd/ramal"},
	"github.com/knadh/koanf":              {"internal/config"},
}

// impure are standard packages that pure packages must not import.
var impure = []string{"net", "net/http", "os", "sync", "sync/atomic", "context", "log", "log/slog", "math/rand", "math/rand/v2", "crypto/rand", "io/fs", "database/sql", "os/exec"}

type listed struct {
	ImportPath string
	Dir        string
	GoFiles    []string
	Imports    []string
}

func packages(t *testing.T) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Dir,GoFiles,Imports", "./...")
	cmd.Dir = filepath.Join("..", "..")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []listed
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		p.ImportPath = strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
		all = append(all, p)
	}
	return all
}

func matches(pattern, pkg string) bool {
	if prefix, tree := strings.CutSuffix(pattern, "/..."); tree {
		return strings.HasPrefix(pkg, prefix+"/")
	}
	return pattern == pkg
}

func rowOf(pkg string) (allowed []string, ok bool) {
	if slices.Contains(pure, pkg) {
		return []string{"actors/core"}, true
	}
	if row, ok := rows[pkg]; ok {
		return row, true
	}
	for pattern, row := range rows {
		if strings.HasSuffix(pattern, "/...") && matches(pattern, pkg) {
			return row, true
		}
	}
	return nil, false
}

func TestImports(t *testing.T) {
	for _, p := range packages(t) {
		allowed, ok := rowOf(p.ImportPath)
		if !ok {
			t.Errorf("%s has no row in the import table", p.ImportPath)
			continue
		}
		for _, imp := range p.Imports {
			own, ours := strings.CutPrefix(imp, module+"/")
			if ours && !permitted(own, append(allowed, basics...)) {
				t.Errorf("%s must not import %s", p.ImportPath, own)
			}
			for vendor, where := range vendors {
				if strings.HasPrefix(imp, vendor) && !under(p.ImportPath, where) {
					t.Errorf("%s must not import %s: it is confined to %v", p.ImportPath, imp, where)
				}
			}
		}
	}
}

func permitted(own string, allowed []string) bool {
	for _, a := range allowed {
		if matches(a, own) {
			return true
		}
	}
	return false
}

func under(pkg string, prefixes []string) bool {
	for _, p := range prefixes {
		if pkg == p || strings.HasPrefix(pkg, p+"/") {
			return true
		}
	}
	return false
}

func TestPurePackagesTouchNothing(t *testing.T) {
	for _, p := range packages(t) {
		if !under(p.ImportPath, pure) {
			continue
		}
		for _, imp := range p.Imports {
			if slices.Contains(impure, imp) {
				t.Errorf("%s is pure and must not import %s", p.ImportPath, imp)
			}
		}
		for _, file := range p.GoFiles {
			src, err := os.ReadFile(filepath.Join(p.Dir, file))
			if err != nil {
				t.Fatal(err)
			}
			for _, call := range []string{"time.Now(", "time.Since(", "time.Until(", "time.Sleep(", "time.After("} {
				if bytes.Contains(src, []byte(call)) {
					t.Errorf("%s/%s is pure and must not call %s)", p.ImportPath, file, call)
				}
			}
		}
	}
}

func TestForbiddenStockParts(t *testing.T) {
	for _, p := range packages(t) {
		for _, imp := range p.Imports {
			if strings.Contains(imp, "protoactor-go/cluster/identitylookup") || strings.Contains(imp, "protoactor-go/cluster/clusterproviders") {
				t.Errorf("%s imports %s: the stock lookup and providers make permanent duplicates", p.ImportPath, imp)
			}
		}
	}
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	for _, p := range packages(t) {
		documented := false
		for _, file := range p.GoFiles {
			f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, file), nil, parser.ParseComments|parser.PackageClauseOnly)
			if err != nil {
				t.Fatal(err)
			}
			documented = documented || f.Doc != nil
		}
		if len(p.GoFiles) > 0 && !documented {
			t.Errorf("%s has no package comment", p.ImportPath)
		}
	}
}

// Limits on hand-written files, in lines.
const (
	maxLines     = 500
	maxTestLines = 800
)

func TestFilesStaySmall(t *testing.T) {
	err := filepath.WalkDir(filepath.Join("..", ".."), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if d != nil && (d.Name() == "node_modules" || d.Name() == ".git" || d.Name() == ".cache") {
				return fs.SkipDir
			}
			return err
		}
		limit := maxLines
		switch {
		case strings.HasSuffix(path, ".pb.go"), !strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, ".ts") && !strings.HasSuffix(path, ".tsx"):
			return nil
		case strings.HasSuffix(path, "_test.go"):
			limit = maxTestLines
		}
		if n := lines(t, path); n > limit {
			t.Errorf("%s has %d lines, more than %d", path, n, limit)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func lines(t *testing.T, path string) int {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	n := 0
	for s := bufio.NewScanner(f); s.Scan(); {
		n++
	}
	return n
}
