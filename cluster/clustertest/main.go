package clustertest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// settle is how long goroutines that end by themselves get for it after the last test: a connection that is being
// tried when its node closes is given up after two seconds.
const settle = 5 * time.Second

// raceSuppression hides one report of the race detector: each start of a node sets gRPC's global logger, as protoactor
// does it, while the connections of the nodes before it are running. One process runs one node; only tests run more.
const raceSuppression = "race:google.golang.org/grpc/grpclog.SetLoggerV2\nrace:google.golang.org/grpc/grpclog.NewLoggerV2\n"

// Main is the body of TestMain for packages whose tests start several nodes: os.Exit(clustertest.Main(m)). It checks
// that no goroutine is left. A package with a TestMain of its own calls ExemptRace before its tests and Leaks after.
func Main(m *testing.M) int {
	ExemptRace()
	if code := m.Run(); code != 0 {
		return code
	}
	if err := Leaks(); err != nil {
		fmt.Fprintln(os.Stderr, "clustertest:", err)
		return 1
	}
	return 0
}

// ExemptRace does nothing without the race detector. With it, it runs this program in a child process that ignores the
// one race which several nodes in a process cannot avoid, and exits with its result.
func ExemptRace() {
	if !raceEnabled || os.Getenv("GORACE") != "" {
		return
	}
	code, err := runSuppressed()
	if err != nil {
		fmt.Fprintln(os.Stderr, "clustertest:", err)
	}
	os.Exit(code)
}

// Leaks returns an error that names goroutines left by closed nodes, after it has waited for those that end by themselves.
func Leaks() error {
	var err error
	for began := time.Now(); time.Since(began) < settle; {
		// its throttle of log lines sleeps for a second, again and again while there are lines
		if err = goleak.Find(goleak.IgnoreAnyFunction("github.com/asynkron/protoactor-go/actor.NewDeadLetter.NewThrottle.func4.1.1")); err == nil {
			return nil
		}
	}
	return err
}

func runSuppressed() (code int, err error) {
	dir, err := os.MkdirTemp("", "ramal-race")
	if err != nil {
		return 1, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	file := filepath.Join(dir, "suppressions")
	if err := os.WriteFile(file, []byte(raceSuppression), 0o600); err != nil {
		return 1, err
	}
	self, err := os.Executable()
	if err != nil {
		return 1, err
	}
	child := exec.Command(self, os.Args[1:]...) //nolint:noctx // the tests themselves: this process waits for them
	child.Env = append(os.Environ(), "GORACE=suppressions="+file)
	child.Stdin, child.Stdout, child.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := child.Run(); err != nil && child.ProcessState == nil {
		return 1, err
	}
	return child.ProcessState.ExitCode(), nil
}
