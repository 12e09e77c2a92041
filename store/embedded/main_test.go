//go:build unix

package embedded

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"
)

// hostEnv makes a copy of the test binary start a server in the folder it names, say so, and wait to be killed.
const hostEnv = "EMBEDDED_TEST_HOST"

func TestMain(m *testing.M) {
	MaybeSupervise()
	if dir, host := os.LookupEnv(hostEnv); host {
		hostServer(dir)
		return
	}
	goleak.VerifyTestMain(m)
}

func hostServer(dir string) {
	s, err := Start(context.Background(), Config{DataDir: dir, Ephemeral: os.Getenv("EMBEDDED_TEST_EPHEMERAL") != "",
		CacheDir: os.Getenv("EMBEDDED_TEST_CACHE")})
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	fmt.Println("url", s.URL())
	select {}
}

// folderFor makes a folder that every account can reach, as those of t.TempDir cannot be.
func folderFor(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("runs a PostgreSQL, which may have to be fetched")
	}
	dir, err := os.MkdirTemp("", "ramal-embedded-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// host is a process that holds a server.
type host struct {
	cmd *exec.Cmd
	url string
}

// startHost runs the test binary as a host. It is killed at the end of the test if it was not before.
func startHost(t *testing.T, binary, dir string, adjust func(*exec.Cmd)) host {
	t.Helper()
	cmd := exec.Command(binary)
	cmd.Env = append(os.Environ(), hostEnv+"="+dir)
	if adjust != nil {
		adjust(cmd)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	if err != nil || word != "url" {
		t.Fatalf("the host said %q (%v)", line, err)
	}
	return host{cmd: cmd, url: rest}
}

func serverPID(t *testing.T, data string) int {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(data, "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(raw), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }
