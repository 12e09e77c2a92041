//go:build unix

package embedded

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"ramal/internal/fault"
)

// superviseEnv tells a copy of this program what it is to do instead of its usual work.
const superviseEnv = "RAMAL_SUPERVISE_POSTGRES"

// prepared is set by MaybeSupervise: without it a child would run the whole program again, and so on.
var prepared atomic.Bool

const (
	modeServe = "serve" // run the server until the pipe closes
	modeFetch = "fetch" // fetch and unpack the binaries
)

// order is what the child is to do.
type order struct {
	Mode      string            `json:"mode"`
	Binaries  string            `json:"binaries"` // folder with bin/postgres; for modeFetch the one to make
	Folder    string            `json:"folder,omitempty"`
	Port      int               `json:"port,omitempty"`
	UID       int               `json:"uid"`
	GID       int               `json:"gid"`
	Switch    bool              `json:"switch"`
	Ephemeral bool              `json:"ephemeral,omitempty"`
	Settings  map[string]string `json:"settings,omitempty"`
}

// reply is one line on the child's standard output.
type reply struct {
	Progress string     `json:"progress,omitempty"`
	Kind     fault.Kind `json:"kind,omitempty"` // with Code and Error: why it ends
	Code     string     `json:"code,omitempty"`
	Error    string     `json:"error,omitempty"`
}

// MaybeSupervise makes this process the supervisor of a server if Start started it as one, and then never returns.
// main and TestMain call it before anything else.
func MaybeSupervise() {
	text, child := os.LookupEnv(superviseEnv)
	if !child {
		prepared.Store(true)
		return
	}
	_ = os.Unsetenv(superviseEnv)
	var o order
	err := json.Unmarshal([]byte(text), &o)
	if err == nil {
		switch o.Mode {
		case modeServe:
			err = serve(o)
		case modeFetch:
			err = fetch(o)
		default:
			err = fmt.Errorf("unknown mode %q", o.Mode)
		}
	}
	if err != nil {
		say(reply{Kind: fault.KindOf(err), Code: fault.CodeOf(err), Error: err.Error()})
		os.Exit(1)
	}
	os.Exit(0)
}

// say writes one line to the parent. If nobody reads it any more there is nobody to tell.
func say(r reply) {
	line, err := json.Marshal(r)
	if err == nil {
		_, _ = os.Stdout.Write(append(line, '\n'))
	}
}

// child is the started copy of this program. The goroutine that reads its output ends when it does.
type child struct {
	cmd  *exec.Cmd
	pipe io.Closer // its end tells the child to stop
	done chan struct{}
	last reply // why it ended, set before done is closed
}

// launch starts the child in a process group of its own, so that a Ctrl-C at the terminal reaches only us: the server
// must outlive whoever still writes to it.
func launch(ctx context.Context, o order, progress func(string)) (*child, error) {
	const op = "embedded.launch"
	text, err := json.Marshal(o)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, op, err)
	}
	self, err := os.Executable()
	if err != nil {
		return nil, fault.Wrap(fault.Internal, op, err)
	}
	if err := ctx.Err(); err != nil {
		return nil, fault.Wrap(fault.Unavailable, op, err)
	}
	cmd := exec.Command(self) //nolint:gosec,noctx // ourselves; it lives until its pipe closes
	cmd.Env = append(cleanEnv(os.Environ()), superviseEnv+"="+string(text))
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fault.Wrap(fault.Internal, op, err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fault.Wrap(fault.Internal, op, err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fault.Wrap(fault.Internal, op, err)
	}
	c := &child{cmd: cmd, pipe: in, done: make(chan struct{})}
	go c.read(out, progress)
	return c, nil
}

// cleanEnv leaves out what would change how the server's programs behave, or spoil a test's coverage files.
func cleanEnv(env []string) []string {
	kept := env[:0:0]
	for _, e := range env {
		name, _, _ := strings.Cut(e, "=")
		if !strings.HasPrefix(name, "PG") && name != "GOCOVERDIR" && !strings.HasPrefix(name, "LC_") && name != "LANG" {
			kept = append(kept, e)
		}
	}
	return append(kept, "LC_ALL=C")
}

func (c *child) read(out io.Reader, progress func(string)) {
	defer close(c.done)
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r reply
		if json.Unmarshal(lines.Bytes(), &r) != nil {
			continue
		}
		if r.Error != "" {
			c.last = r
		} else if progress != nil {
			progress(r.Progress)
		}
	}
	_, _ = io.Copy(io.Discard, out) // a line that was too long must not block the child
	if err := c.cmd.Wait(); err != nil && c.last.Error == "" {
		c.last = reply{Kind: fault.Internal, Error: err.Error()}
	}
}

// failure is why the child ended.
func (c *child) failure(op string, place folder) error {
	if c.last.Error == "" {
		return fault.New(fault.Internal, op, "ended", "the database server ended: "+place.logTail())
	}
	return fault.New(c.last.Kind, op, c.last.Code, c.last.Error)
}

// stopPatience is longer than the supervisor's own patience with the server.
const stopPatience = 30 * time.Second

// stop closes the pipe and waits for the child's end; one that hangs is killed.
func (c *child) stop() error {
	_ = c.pipe.Close() // the child may be gone already
	timer := time.NewTimer(stopPatience)
	defer timer.Stop()
	select {
	case <-c.done:
		return nil
	case <-timer.C:
	}
	err := c.cmd.Process.Kill()
	if err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fault.Wrap(fault.Internal, "embedded.stop", err)
	}
	<-c.done
	return fault.New(fault.Internal, "embedded.stop", "hung", "the database server had to be killed")
}
