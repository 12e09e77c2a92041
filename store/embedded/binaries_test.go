//go:build unix

package embedded

import (
	"context"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"ramal/internal/fault"
)

func TestFetchedOnce(t *testing.T) {
	dir := folderFor(t)
	cache := filepath.Join(dir, "cache")
	var mu sync.Mutex
	fetches := 0
	note := func(step string) {
		mu.Lock()
		defer mu.Unlock()
		t.Log(step)
		if strings.HasPrefix(step, "fetching PostgreSQL") {
			fetches++
		}
	}
	var both sync.WaitGroup
	for _, name := range []string{"a", "b"} {
		both.Go(func() {
			s, err := Start(t.Context(), Config{DataDir: filepath.Join(dir, name), CacheDir: cache, Ephemeral: true, Progress: note})
			if err != nil {
				t.Error(err)
				return
			}
			if err := s.Stop(); err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
	if fetches != 1 {
		t.Errorf("fetched %d times", fetches)
	}
	if left := inCache(t, cache); len(left) != 2 { // the programs and the lock
		t.Errorf("the cache holds %v", left)
	}
}

func TestFetchFails(t *testing.T) {
	dir := folderFor(t)
	cache := filepath.Join(dir, "cache")
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"} {
		t.Setenv(name, "http://127.0.0.1:1") // nobody there
	}
	_, err := Start(t.Context(), Config{DataDir: filepath.Join(dir, "a"), CacheDir: cache})
	wantUnavailable(t, err, "fetch_failed")
	if left := inCache(t, cache); len(left) != 1 { // the lock
		t.Errorf("the cache holds %v", left)
	}
}

func TestStartIsCancelled(t *testing.T) {
	dir := folderFor(t)
	ctx, cancel := context.WithCancel(t.Context())
	cache := filepath.Join(dir, "cache")
	_, err := Start(ctx, Config{DataDir: filepath.Join(dir, "a"), CacheDir: cache, Progress: func(string) { cancel() }})
	wantUnavailable(t, err, "")
	if programs, globErr := filepath.Glob(filepath.Join(cache, "postgresql-*", "bin", "postgres")); globErr != nil || len(programs) > 0 {
		t.Errorf("a cancelled fetch left %v, %v", programs, globErr)
	}
}

func wantUnavailable(t *testing.T, err error, code string) {
	t.Helper()
	if !fault.Is(err, fault.Unavailable) && !strings.Contains(err.Error(), "context canceled") || fault.CodeOf(err) != code {
		t.Errorf("got %v", err)
	}
}

func inCache(t *testing.T, cache string) []string {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(cache, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return left
}

// A Ctrl-C at the terminal goes to the whole process group of the program: the server must not be in it.
func TestTerminalSignalsStayWithTheProgram(t *testing.T) {
	s := mustStart(t, Config{DataDir: folderFor(t), Ephemeral: true})
	ours := syscall.Getpgrp()
	for name, pid := range map[string]int{"supervisor": s.child.cmd.Process.Pid, "server": serverPID(t, filepath.Join(s.DataDir(), "data"))} {
		group, err := syscall.Getpgid(pid)
		if err != nil || group == ours {
			t.Errorf("the %s is in group %d, we are in %d (%v)", name, group, ours, err)
		}
	}
}
