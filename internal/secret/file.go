package secret

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"ramal/internal/fault"
)

// LoadOrCreate reads the keys in a file, or makes the file with one fresh key, readable by its owner only. It is
// for development: losing the file loses every secret sealed with it. A file that others may read is refused.
func LoadOrCreate(path string) (*Keyring, error) {
	const op = "secret.load"
	spec, err := readPrivate(path)
	if errors.Is(err, fs.ErrNotExist) {
		spec, err = create(path)
	}
	if err != nil {
		if fault.KindOf(err) == fault.Internal {
			err = fault.Wrap(fault.Internal, op, err)
		}
		return nil, err
	}
	return ParseKeys(strings.TrimSpace(spec))
}

func readPrivate(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if info.Mode().Perm()&0o077 != 0 && info.Mode().IsRegular() && os.PathSeparator == '/' {
		return "", fault.Newf(fault.Denied, "secret.load", "key_file_open", "%s may be read by others: chmod 600 it", path)
	}
	raw, err := os.ReadFile(path)
	return string(raw), err
}

// create writes the whole file before it gets its name, so that no reader ever sees half a key; when somebody else
// was faster, theirs counts.
func create(path string) (string, error) {
	spec, err := Generate("dev")
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".key-*") // mode 0600
	if err != nil {
		return "", err
	}
	defer os.Remove(tmp.Name()) //nolint:errcheck // a leftover is harmless
	_, err = tmp.WriteString(spec + "\n")
	if err := errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return "", err
	}
	if err := os.Link(tmp.Name(), path); errors.Is(err, fs.ErrExist) {
		return readPrivate(path)
	} else if err != nil {
		return "", err
	}
	return spec, nil
}
