//go:build unix

package embedded

import (
	"context"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"ramal/internal/fault"
	"ramal/internal/poll"
)

func mustStart(t *testing.T, cfg Config) *Server {
	t.Helper()
	if cfg.Progress == nil {
		cfg.Progress = func(step string) { t.Log(step) }
	}
	s, err := Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func mustStop(t *testing.T, s *Server) {
	t.Helper()
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
}

func connect(t *testing.T, target string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func exec1(t *testing.T, target, sql string) {
	t.Helper()
	if _, err := connect(t, target).Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

func TestDataSurviveAndSecondStartIsFast(t *testing.T) {
	dir := folderFor(t)
	first := mustStart(t, Config{DataDir: dir})
	exec1(t, first.URL(), "CREATE TABLE kept (n int8)")
	exec1(t, first.URL(), "INSERT INTO kept VALUES (42)")
	pid := serverPID(t, filepath.Join(first.DataDir(), "data"))
	mustStop(t, first)
	mustStop(t, first) // again: nothing happens
	if alive(pid) {
		t.Fatal("the server is still there after Stop")
	}
	begin := time.Now()
	second := mustStart(t, Config{DataDir: dir})
	if took := time.Since(begin); took > 3*time.Second { // under 1 s on an idle machine; tests share it
		t.Errorf("the second start took %s", took)
	} else {
		t.Logf("the second start took %s", took)
	}
	var n int64
	if err := connect(t, second.URL()).QueryRow(t.Context(), "SELECT n FROM kept").Scan(&n); err != nil || n != 42 {
		t.Fatalf("read %d, %v", n, err)
	}
}

func TestNobodyElseGetsIn(t *testing.T) {
	s := mustStart(t, Config{DataDir: folderFor(t), Ephemeral: true})
	for path, want := range map[string]os.FileMode{"": 0o700, "data": 0o700, "password": 0o600, "lock": 0o600, "server.log": 0o600} {
		info, err := os.Stat(filepath.Join(s.DataDir(), path))
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%q: %v, %v; want %o", path, info, err, want)
		}
	}
	u, err := url.Parse(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(account, "wrong")
	if conn, err := pgx.Connect(t.Context(), u.String()); err == nil {
		_ = conn.Close(t.Context())
		t.Error("a wrong password opens the database")
	}
	for _, ip := range otherAddresses(t) {
		dialer := net.Dialer{Timeout: 500 * time.Millisecond}
		if conn, err := dialer.DialContext(t.Context(), "tcp", net.JoinHostPort(ip, u.Port())); err == nil {
			_ = conn.Close()
			t.Errorf("the server listens on %s", ip)
		}
	}
}

// otherAddresses are loopback addresses beside 127.0.0.1: a server that listens everywhere would answer there too.
func otherAddresses(t *testing.T) []string {
	t.Helper()
	addresses := []string{"127.0.0.2"}
	ifs, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range ifs {
		if ip, _, err := net.ParseCIDR(a.String()); err == nil && ip.Equal(net.IPv6loopback) {
			addresses = append(addresses, "::1")
		}
	}
	return addresses
}

func TestRootDoesNotRunTheServer(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root drops rights")
	}
	s := mustStart(t, Config{DataDir: folderFor(t), Ephemeral: true})
	pid := serverPID(t, filepath.Join(s.DataDir(), "data"))
	info, err := os.Stat("/proc/" + strconv.Itoa(pid))
	if err != nil {
		t.Fatal(err)
	}
	if st, ok := info.Sys().(*syscall.Stat_t); !ok || st.Uid == 0 {
		t.Errorf("the server runs as %+v", info.Sys())
	}
}

func TestEphemeralDataAreDeleted(t *testing.T) {
	s := mustStart(t, Config{DataDir: folderFor(t), Ephemeral: true, Settings: map[string]string{"max_connections": "17"}})
	var limit string
	if err := connect(t, s.URL()).QueryRow(t.Context(), "SHOW max_connections").Scan(&limit); err != nil || limit != "17" {
		t.Errorf("max_connections is %q, %v", limit, err)
	}
	mustStop(t, s)
	if _, err := os.Stat(s.DataDir()); !os.IsNotExist(err) {
		t.Errorf("the folder is still there: %v", err)
	}
}

func TestFolderInUse(t *testing.T) {
	dir := folderFor(t)
	s := mustStart(t, Config{DataDir: dir, Ephemeral: true})
	_, err := Start(t.Context(), Config{DataDir: dir})
	if !fault.Is(err, fault.Conflict) || fault.CodeOf(err) != "data_in_use" || !strings.Contains(err.Error(), strconv.Itoa(os.Getpid())) {
		t.Fatalf("a second server on the folder: %v", err)
	}
	exec1(t, s.URL(), "SELECT 1") // the first one does not notice
}

func TestPortIsTaken(t *testing.T) {
	dir := folderFor(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	if s, err := Start(t.Context(), Config{DataDir: dir, Port: port, Ephemeral: true}); err == nil {
		mustStop(t, s)
		t.Fatal("two servers on one port")
	} else if !strings.Contains(err.Error(), "could not bind") {
		t.Errorf("the error does not say why: %v", err)
	}
}

func TestParentIsKilled(t *testing.T) {
	dir := folderFor(t)
	h := startHost(t, self(t), dir, nil)
	exec1(t, h.url, "CREATE TABLE kept (n int8)")
	pid := serverPID(t, filepath.Join(dir, "postgres-"+Major, "data"))
	if err := h.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	poll.Until(t, 10*time.Second, "the server ends", func() bool { return !alive(pid) })
	s := mustStart(t, Config{DataDir: dir})
	exec1(t, s.URL(), "INSERT INTO kept VALUES (1)")
	if strings.Contains(s.place.logTail(), "not properly shut down") {
		t.Error("the server was not shut down in order")
	}
}

func TestSupervisorIsKilled(t *testing.T) {
	if !hasDeathSignal {
		t.Skip("needs a signal at the parent's death")
	}
	dir := folderFor(t)
	s := mustStart(t, Config{DataDir: dir})
	pid := serverPID(t, filepath.Join(s.DataDir(), "data"))
	if err := s.child.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-s.Done():
	case <-time.After(10 * time.Second):
		t.Fatal("Done is not closed")
	}
	again := mustStart(t, Config{DataDir: dir}) // at once: it waits for the dying server
	if alive(pid) && serverPID(t, filepath.Join(again.DataDir(), "data")) == pid {
		t.Error("the old server is still there")
	}
	exec1(t, again.URL(), "SELECT 1")
}

func TestServerCrashes(t *testing.T) {
	dir := folderFor(t)
	s := mustStart(t, Config{DataDir: dir})
	exec1(t, s.URL(), "CREATE TABLE kept (n int8)")
	data := filepath.Join(s.DataDir(), "data")
	if err := syscall.Kill(serverPID(t, data), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	select {
	case <-s.Done():
	case <-time.After(10 * time.Second):
		t.Fatal("Done is not closed")
	}
	// the number of the dead server belongs to a living program now: this one
	writePID(t, filepath.Join(data, "postmaster.pid"), os.Getpid())
	again := mustStart(t, Config{DataDir: dir})
	exec1(t, again.URL(), "INSERT INTO kept VALUES (1)")
}

func writePID(t *testing.T, path string, pid int) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(raw), "\n")
	if err := os.WriteFile(path, []byte(strconv.Itoa(pid)+"\n"+rest), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestUnprivilegedUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("every other test runs as such a user already")
	}
	dir := folderFor(t)
	binary := filepath.Join(dir, "host.test")
	copyFile(t, self(t), binary)
	home := filepath.Join(dir, "home")
	if err := os.Mkdir(home, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(home, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	h := startHost(t, binary, filepath.Join(home, "data"), func(cmd *exec.Cmd) {
		cmd.Dir = "/"
		cmd.Env = append(cmd.Env, "HOME="+home, "EMBEDDED_TEST_EPHEMERAL=1", "EMBEDDED_TEST_CACHE="+defaultCacheDir())
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	})
	exec1(t, h.url, "SELECT 1")
	root := filepath.Join(home, "data", "postgres-"+Major)
	if err := h.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	poll.Until(t, 10*time.Second, "the data are deleted", func() bool { _, err := os.Stat(root); return os.IsNotExist(err) })
}

func self(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}
