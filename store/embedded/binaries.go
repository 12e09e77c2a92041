//go:build unix

package embedded

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	embeddedpostgres "github.com/fergusstrange/embedded-postgres"

	"ramal/internal/fault"
)

// fetchPatience bounds the download, and the wait for another process that is at it.
const fetchPatience = 10 * time.Minute

// ensureBinaries returns the folder with PostgreSQL's programs, fetching them if the cache has none. Processes that
// start at once take turns, so it is fetched once.
func ensureBinaries(ctx context.Context, who identity, cfg Config) (string, error) {
	const op = "embedded.binaries"
	cache, err := filepath.Abs(cfg.CacheDir)
	if err != nil {
		return "", fault.Wrap(fault.Internal, op, err)
	}
	dir := filepath.Join(cache, fmt.Sprintf("postgresql-%s-%s-%s", Version, runtime.GOOS, runtime.GOARCH))
	if complete(dir) {
		return dir, nil
	}
	if err := who.makePassable(cache); err != nil {
		return "", fault.Wrap(fault.Internal, op, err)
	}
	lock, err := os.OpenFile(dir+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return "", fault.Wrap(fault.Internal, op, err)
	}
	defer lock.Close() //nolint:errcheck // releases the lock
	if err := lockWithin(lock, fetchPatience, ctx.Done()); err != nil {
		return "", fault.Wrap(fault.Unavailable, op, fmt.Errorf("wait for another process to fetch PostgreSQL: %w", err))
	}
	if complete(dir) {
		return dir, nil
	}
	removeLeftovers(cache)
	cfg.Progress("fetching PostgreSQL " + Version + " (about 15 MB, once)")
	c, err := launch(ctx, order{Mode: modeFetch, Binaries: dir}, cfg.Progress)
	if err != nil {
		return "", err
	}
	timer := time.NewTimer(fetchPatience)
	defer timer.Stop()
	select {
	case <-c.done:
	case <-ctx.Done():
		return "", errors.Join(fault.Wrap(fault.Unavailable, op, ctx.Err()), c.stop())
	case <-timer.C:
		return "", errors.Join(fault.New(fault.Unavailable, op, "slow", "fetching PostgreSQL took too long"), c.stop())
	}
	if c.last.Error != "" {
		return "", fault.New(fault.Unavailable, op, "fetch_failed", c.last.Error)
	}
	cfg.Progress("PostgreSQL " + Version + " is in " + dir)
	return dir, nil
}

// complete reports whether dir holds binaries: it gets its name when everything is in it.
func complete(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "bin", "postgres"))
	return err == nil
}

// removeLeftovers deletes what interrupted fetches left; the lock says that none is at work.
func removeLeftovers(cache string) {
	left, err := filepath.Glob(filepath.Join(cache, fetchPrefix+"*"))
	if err != nil {
		return
	}
	for _, dir := range left {
		_ = os.RemoveAll(dir) // it wastes space, no more
	}
}

const fetchPrefix = "fetch-"

// fetch runs in a process of its own: the library ends its process on some failures, and its download can be watched
// only through the default transport, which is not ours to change elsewhere.
func fetch(o order) error {
	go func() { // ends with this process, or ends it
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(1) // nobody waits for the result any more; what is half done has no name yet
	}()
	syscall.Umask(0o022) // the server's account must be able to read the programs
	work, err := os.MkdirTemp(filepath.Dir(o.Binaries), fetchPrefix)
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)                      //nolint:errcheck // a leftover is harmless
	if err := os.Chmod(work, 0o755); err != nil { //nolint:gosec // programs, for everybody
		return err
	}
	http.DefaultTransport = &meter{next: http.DefaultTransport}
	unpacked := filepath.Join(work, "unpacked")
	if err := unpack(work, unpacked); err != nil {
		return err
	}
	say(reply{Progress: "unpacked PostgreSQL"})
	return os.Rename(unpacked, o.Binaries)
}

// unpack makes the library fetch, check and unpack the binaries. It has no call for that alone: its Start unpacks
// first and then runs what it finds in the data folder. There it finds a folder with nothing but a version in it, so
// it stops after unpacking, with an error that says nothing. Whether the programs are there is seen by asking one.
func unpack(work, unpacked string) error {
	hollow := filepath.Join(work, "hollow")
	if err := os.Mkdir(hollow, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(hollow, "PG_VERSION"), []byte(Major+"\n"), 0o600); err != nil {
		return err
	}
	startErr := embeddedpostgres.NewDatabase(embeddedpostgres.DefaultConfig().
		Version(embeddedpostgres.PostgresVersion(Version)).
		Port(0).
		CachePath(filepath.Join(work, "archive")).
		RuntimePath(filepath.Join(work, "runtime")).
		BinariesPath(unpacked).
		DataPath(hollow).
		Logger(io.Discard)).Start()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, filepath.Join(unpacked, "bin", "postgres"), "--version").CombinedOutput() //nolint:gosec // just fetched
	if err != nil {
		return errors.Join(startErr, fmt.Errorf("run the fetched programs: %w: %s", err, strings.TrimSpace(string(out))))
	}
	if want := strings.TrimSuffix(Version, ".0"); !strings.Contains(string(out), want) {
		return fmt.Errorf("fetched %q, not %s", strings.TrimSpace(string(out)), want)
	}
	return nil
}

// meter tells how far a large download is, each quarter.
type meter struct{ next http.RoundTripper }

// RoundTrip sends the request on and watches the body of the answer.
func (m *meter) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := m.next.RoundTrip(r)
	if err == nil && resp.ContentLength > 1<<20 {
		resp.Body = &meteredBody{ReadCloser: resp.Body, total: resp.ContentLength}
	}
	return resp, err
}

type meteredBody struct {
	io.ReadCloser
	total, read int64
}

func (b *meteredBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	before := b.read * 4 / b.total
	b.read += int64(n)
	if quarter := b.read * 4 / b.total; quarter > before {
		say(reply{Progress: fmt.Sprintf("fetched %d of %d MB", b.read>>20, b.total>>20)})
	}
	return n, err
}
