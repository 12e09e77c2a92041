//go:build unix

package embedded

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"ramal/internal/fault"
)

const hasDeathSignal = runtime.GOOS == "linux"

func TestReachable(t *testing.T) {
	base := t.TempDir()
	if err := os.Chmod(base, 0o755); err != nil {
		t.Fatal(err)
	}
	closed := filepath.Join(base, "closed")
	open := filepath.Join(base, "open")
	for dir, mode := range map[string]os.FileMode{closed: 0o700, open: 0o755} {
		if err := os.Mkdir(dir, mode); err != nil {
			t.Fatal(err)
		}
	}
	link := filepath.Join(open, "link")
	if err := os.Symlink(closed, link); err != nil {
		t.Fatal(err)
	}
	stranger := identity{uid: os.Geteuid() + 12345, gid: os.Getegid() + 12345, switches: true}
	if b := stranger.barrier(open); b != "" && b != filepath.Dir(base) {
		t.Errorf("%s is behind %s", open, b)
	}
	for _, dir := range []string{filepath.Join(closed, ".data"), link} {
		var said string
		got := stranger.reachable(dir, "/elsewhere", func(step string) { said = step })
		if !strings.HasPrefix(got, "/elsewhere/"+strings.TrimPrefix(filepath.Base(dir), ".")+"-") || said == "" {
			t.Errorf("%s became %s, said %q", dir, got, said)
		}
		if again := stranger.reachable(dir, "/elsewhere", func(string) {}); again != got {
			t.Errorf("%s became %s and then %s", dir, got, again)
		}
	}
	owner := identity{uid: os.Geteuid(), gid: os.Getegid()}
	if got := owner.reachable(closed, "/elsewhere", func(string) {}); got != closed {
		t.Errorf("one's own folder became %s", got)
	}
}

func TestMakePassable(t *testing.T) {
	for name, c := range map[string]struct {
		who  identity
		want os.FileMode
	}{
		"own account":     {identity{uid: 1, gid: 1}, 0o700},
		"another account": {identity{uid: 1, gid: 1, switches: true}, 0o711},
	} {
		deep := filepath.Join(t.TempDir(), "a", "b")
		if err := c.who.makePassable(deep); err != nil {
			t.Fatal(err)
		}
		for _, dir := range []string{deep, filepath.Dir(deep)} {
			if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != c.want {
				t.Errorf("%s: %v, %v; want %o", name, info, err, c.want)
			}
		}
	}
}

func TestStartNeedsMaybeSupervise(t *testing.T) {
	prepared.Store(false)
	defer prepared.Store(true)
	if _, err := Start(context.Background(), Config{DataDir: t.TempDir()}); fault.CodeOf(err) != "not_prepared" {
		t.Errorf("Start without MaybeSupervise: %v", err)
	}
}

func TestConfigIsChecked(t *testing.T) {
	for _, cfg := range []Config{{Port: -1}, {Port: 70000}, {Settings: map[string]string{"a b": "c"}}} {
		if _, err := Start(context.Background(), cfg); !fault.Is(err, fault.Invalid) {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
}
