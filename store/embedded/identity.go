//go:build unix

package embedded

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

const nobody = 65534

// identity is the account that PostgreSQL runs as.
type identity struct {
	uid, gid int
	switches bool // this process is root and becomes that account for the server
}

// runAs finds the account: our own, or, for root, "postgres", or else nobody.
func runAs() (identity, error) {
	if os.Geteuid() != 0 {
		return identity{uid: os.Geteuid(), gid: os.Getegid()}, nil
	}
	who := identity{uid: nobody, gid: nobody, switches: true}
	pg, err := user.Lookup("postgres")
	if err != nil {
		if _, unknown := errors.AsType[user.UnknownUserError](err); unknown {
			return who, nil
		}
		return who, fmt.Errorf("look up the account postgres: %w", err)
	}
	uid, uidErr := strconv.Atoi(pg.Uid)
	gid, gidErr := strconv.Atoi(pg.Gid)
	if err := errors.Join(uidErr, gidErr); err != nil {
		return who, err
	}
	if uid == 0 {
		return who, nil
	}
	who.uid, who.gid = uid, gid
	return who, nil
}

// credential makes a child process start as the account; nil when it is our own.
func (w identity) credential() *syscall.Credential {
	if !w.switches {
		return nil
	}
	return &syscall.Credential{Uid: uint32(w.uid), Gid: uint32(w.gid), Groups: []uint32{}}
}

// reachable returns dir if the account can get there, and otherwise a folder below root that stands for dir: always
// the same one for the same dir.
func (w identity) reachable(dir, root string, progress func(string)) string {
	abs, err := filepath.Abs(dir)
	if err != nil || !w.switches {
		return dir
	}
	barrier := w.barrier(abs)
	if barrier == "" {
		return abs
	}
	sum := sha256.Sum256([]byte(abs))
	instead := filepath.Join(root, strings.TrimLeft(filepath.Base(abs), ".")+"-"+hex.EncodeToString(sum[:4]))
	progress(fmt.Sprintf("the database server runs without root's rights and cannot enter %s: using %s instead of %s",
		barrier, instead, abs))
	return instead
}

// barrier returns the first existing folder on the way to path that the account may not pass, "" when there is none.
func (w identity) barrier(path string) string {
	if target, err := filepath.EvalSymlinks(path); err == nil && target != path {
		if b := w.barrier(target); b != "" {
			return b
		}
	}
	for dir := path; ; dir = filepath.Dir(dir) {
		if info, err := os.Stat(dir); err == nil && !w.passes(info) {
			return dir
		}
		if dir == filepath.Dir(dir) {
			return ""
		}
	}
}

func (w identity) passes(info fs.FileInfo) bool {
	mode := info.Mode().Perm()
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return mode&0o001 != 0
	}
	switch {
	case int(st.Uid) == w.uid:
		return mode&0o100 != 0
	case int(st.Gid) == w.gid:
		return mode&0o010 != 0
	}
	return mode&0o001 != 0
}

// makePassable creates path with its parents: private to us, or, when the server runs as somebody else, such that one
// can pass through but not look around. What exists is left as it is.
func (w identity) makePassable(path string) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	if parent := filepath.Dir(path); parent != path {
		if err := w.makePassable(parent); err != nil {
			return err
		}
	}
	mode := fs.FileMode(0o700)
	if w.switches {
		mode = 0o711
	}
	if err := os.Mkdir(path, mode); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return nil
		}
		return err
	}
	return os.Chmod(path, mode) // whatever the umask
}

// DefaultDataDir is where data live unless told otherwise.
func DefaultDataDir() string {
	if os.Geteuid() == 0 {
		return "/var/lib/ramal"
	}
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "ramal")
	}
	if home, err := os.UserHomeDir(); err == nil {
		return filepath.Join(home, ".local", "share", "ramal")
	}
	return filepath.Join(os.TempDir(), "ramal-"+strconv.Itoa(os.Geteuid()))
}

func defaultCacheDir() string {
	if os.Geteuid() == 0 {
		return "/var/cache/ramal"
	}
	if dir, err := os.UserCacheDir(); err == nil {
		return filepath.Join(dir, "ramal")
	}
	return filepath.Join(os.TempDir(), "ramal-cache-"+strconv.Itoa(os.Geteuid()))
}
