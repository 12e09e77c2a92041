//go:build unix

package embedded

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"ramal/internal/fault"
)

// How long the supervisor waits for a former one to let go of the folder, and for the server to obey each signal.
const (
	lockPatience = 5 * time.Second
	fastPatience = 15 * time.Second
	quitPatience = 5 * time.Second
)

// serve is the life of a supervisor: lock the folder, create the data if there are none, run the server in the
// foreground, stop it when the pipe from the program closes or somebody signals us.
func serve(o order) error {
	runtime.LockOSThread() // the server is told of the death of the thread that started it
	place := folder{root: o.Folder}
	who := identity{uid: o.UID, gid: o.GID, switches: o.Switch}
	stop := make(chan struct{})
	go func() { // ends with this process
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(stop)
	}()
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)

	lock, err := lockFolder(place, stop)
	if err != nil {
		return err
	}
	defer lock.Close() //nolint:errcheck // the lock ends with the process in any case
	if err := clearStale(place); err != nil {
		return err
	}
	log, err := openLog(place, who)
	if err != nil {
		return err
	}
	defer log.Close() //nolint:errcheck // a log
	if !place.initialized() {
		if err := initialize(o, place, who, log); err != nil {
			return err
		}
	}
	err = run(o, place, who, log, stop, signals)
	if o.Ephemeral {
		err = errors.Join(err, os.RemoveAll(place.root))
	}
	return err
}

// lockFolder takes the lock that says whose folder this is. A former supervisor may be shutting its server down.
func lockFolder(place folder, stop <-chan struct{}) (*os.File, error) {
	f, err := os.OpenFile(place.lockFile(), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	err = lockWithin(f, lockPatience, stop)
	if err == nil {
		if err = f.Truncate(0); err == nil {
			_, err = f.WriteAt([]byte(strconv.Itoa(os.Getppid())+"\n"), 0)
		}
		return f, err
	}
	holder, _ := io.ReadAll(io.LimitReader(f, 32))
	_ = f.Close()
	if !errors.Is(err, errLocked) {
		return nil, err
	}
	return nil, fault.Newf(fault.Conflict, "embedded.lock", "data_in_use", "%s is in use by process %s",
		place.root, strings.TrimSpace(string(holder)))
}

var errLocked = errors.New("locked by another process")

// lockWithin locks f exclusively, waiting at most patience for another process, or until stop.
func lockWithin(f *os.File, patience time.Duration, stop <-chan struct{}) error {
	deadline := time.Now().Add(patience)
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return err
		}
		if time.Now().After(deadline) {
			return errLocked
		}
		timer := time.NewTimer(50 * time.Millisecond)
		select {
		case <-stop:
			timer.Stop()
			return errLocked
		case <-timer.C:
		}
	}
}

// clearStale removes the pid file of a server that died without its supervisor's care, if its number now belongs to
// another program: the server itself would take that for a living one and refuse to start.
func clearStale(place folder) error {
	path := filepath.Join(place.data(), "postmaster.pid")
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	first, _, _ := strings.Cut(string(raw), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil {
		return os.Remove(path)
	}
	deadline := time.Now().Add(lockPatience)
	for servesFolder(pid, place) {
		if time.Now().After(deadline) {
			return fault.Newf(fault.Conflict, "embedded.lock", "data_in_use", "%s is in use by the server %d", place.root, pid)
		}
		time.Sleep(50 * time.Millisecond)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// openLog opens the server's log for adding, beginning anew when it has become large.
func openLog(place folder, who identity) (*os.File, error) {
	const most = 4 << 20
	flags := os.O_WRONLY | os.O_CREATE | os.O_APPEND
	if info, err := os.Stat(place.logFile()); err == nil && info.Size() > most {
		flags |= os.O_TRUNC
	}
	f, err := os.OpenFile(place.logFile(), flags, 0o600)
	if err == nil && who.switches {
		err = f.Chown(who.uid, who.gid)
	}
	return f, err
}

// initialize creates the data beside their place and moves them there when they are complete, so that a run that was
// interrupted leaves nothing that looks like data.
func initialize(o order, place folder, who identity, log *os.File) error {
	fresh := place.data() + ".new"
	if err := os.RemoveAll(fresh); err != nil {
		return err
	}
	if err := os.RemoveAll(place.data()); err != nil { // no PG_VERSION in it: no data
		return err
	}
	password, err := place.newPassword()
	if err != nil {
		return err
	}
	passFile := place.passwordFile() + ".init" // read by initdb, as the account it runs as
	if err := os.WriteFile(passFile, []byte(password+"\n"), 0o600); err != nil {
		return err
	}
	defer os.Remove(passFile) //nolint:errcheck // it says nothing that the password file does not
	if who.switches {
		if err := os.Chown(passFile, who.uid, who.gid); err != nil {
			return err
		}
	}
	args := []string{"--pgdata=" + fresh, "--username=" + account, "--auth=scram-sha-256", "--pwfile=" + passFile,
		"--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"}
	if o.Ephemeral {
		args = append(args, "--no-sync")
	}
	cmd := program(context.Background(), o, who, log, "initdb", args...)
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, place.logTail())
	}
	return os.Rename(fresh, place.data())
}

// program prepares one of PostgreSQL's programs to run as the account, in a folder that it can enter.
func program(ctx context.Context, o order, who identity, log *os.File, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(o.Binaries, "bin", name), args...) //nolint:gosec // from our own cache
	cmd.Dir = o.Folder
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: who.credential()}
	dieWithParent(cmd.SysProcAttr)
	return cmd
}

func serverArgs(o order, place folder) []string {
	settings := map[string]string{ //nolint:gosec // names of settings, no credential
		"listen_addresses":        "127.0.0.1",
		"port":                    strconv.Itoa(o.Port),
		"unix_socket_directories": "",
		"password_encryption":     "scram-sha-256",
		"log_destination":         "stderr",
		"logging_collector":       "off",
	}
	if o.Ephemeral {
		maps.Copy(settings, map[string]string{"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"})
	}
	maps.Copy(settings, o.Settings)
	args := []string{"-D", place.data()}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		args = append(args, "-c", name+"="+settings[name])
	}
	return args
}

// run keeps the server until it ends or is to be stopped. An end that was not asked for is an error.
func run(o order, place folder, who identity, log *os.File, stop <-chan struct{}, signals <-chan os.Signal) error {
	select {
	case <-stop: // the program went away while we prepared
		return nil
	default:
	}
	cmd := program(context.Background(), o, who, log, "postgres", serverArgs(o, place)...)
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }() // ends with the server
	select {
	case err := <-ended:
		return fmt.Errorf("the server ended by itself (%w): %s", orClean(err), place.logTail())
	case <-stop:
	case <-signals:
	}
	for _, step := range []struct {
		signal   syscall.Signal
		patience time.Duration
	}{
		{syscall.SIGINT, fastPatience},  // end the sessions, write everything, stop
		{syscall.SIGQUIT, quitPatience}, // stop at once, recover at the next start
		{syscall.SIGKILL, quitPatience},
	} {
		_ = cmd.Process.Signal(step.signal) // it may have ended just now
		timer := time.NewTimer(step.patience)
		select {
		case <-ended: //nolint:errcheck // its status is what the signal made it
			timer.Stop()
			return nil
		case <-timer.C:
		}
	}
	return errors.New("the server does not die")
}

func orClean(err error) error {
	if err == nil {
		return errors.New("exit status 0")
	}
	return err
}
