package secret

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"ramal/internal/fault"
)

func key(fill byte) string {
	return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{fill}, KeySize))
}

func ring(t *testing.T, spec string) *Keyring {
	t.Helper()
	k, err := ParseKeys(spec)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestSealAndOpen(t *testing.T) {
	k := ring(t, "k1:"+key(1))
	for _, plain := range []string{"", "token", strings.Repeat("x", 10_000)} {
		sealed, err := k.Seal([]byte(plain), "tenant", "line")
		if err != nil {
			t.Fatal(err)
		}
		if plain != "" && bytes.Contains(sealed, []byte(plain)) {
			t.Error("the plain text is in the sealed one")
		}
		got, err := k.Open(sealed, "tenant", "line")
		if err != nil || string(got) != plain {
			t.Errorf("opened %q, %v", got, err)
		}
	}
	a, errA := k.Seal([]byte("same"), "o")
	b, errB := k.Seal([]byte("same"), "o")
	if errors.Join(errA, errB) != nil || bytes.Equal(a, b) {
		t.Error("the same secret seals to the same bytes")
	}
}

func TestOnlyTheOwnerOpens(t *testing.T) {
	k := ring(t, "k1:"+key(1))
	sealed, err := k.Seal([]byte("token"), "ab", "c")
	if err != nil {
		t.Fatal(err)
	}
	for _, owner := range [][]string{{"ab", "d"}, {"a", "bc"}, {"abc"}, {"ab", "c", ""}, nil} {
		if got, err := k.Open(sealed, owner...); !fault.Is(err, fault.Invalid) || got != nil {
			t.Errorf("%q opened %q, %v", owner, got, err)
		}
	}
	for i := range sealed { // every bit counts
		damaged := bytes.Clone(sealed)
		damaged[i] ^= 1
		if _, err := k.Open(damaged, "ab", "c"); !fault.Is(err, fault.Invalid) {
			t.Errorf("byte %d changed: %v", i, err)
		}
	}
	for n := range sealed {
		if _, err := k.Open(sealed[:n], "ab", "c"); !fault.Is(err, fault.Invalid) {
			t.Errorf("cut to %d bytes: %v", n, err)
		}
	}
}

func TestRotation(t *testing.T) {
	old := ring(t, "k1:"+key(1))
	sealed, err := old.Seal([]byte("token"), "o")
	if err != nil {
		t.Fatal(err)
	}
	both := ring(t, "k2:"+key(2)+", k1:"+key(1))
	if got, err := both.Open(sealed, "o"); err != nil || string(got) != "token" {
		t.Errorf("the old key does not open: %v", err)
	}
	if both.Current(sealed) || !old.Current(sealed) || both.Current(nil) {
		t.Error("Current tells the wrong key")
	}
	fresh, err := both.Seal([]byte("token"), "o")
	if err != nil || !both.Current(fresh) {
		t.Errorf("the first key does not seal: %v", err)
	}
	if _, err := old.Open(fresh, "o"); fault.CodeOf(err) != "unknown_key" {
		t.Errorf("without its key: %v", err)
	}
	if _, err := ring(t, "k1:"+key(9)).Open(sealed, "o"); fault.CodeOf(err) != "bad_secret" {
		t.Errorf("with another key of that id: %v", err)
	}
}

func TestParseKeysRefuses(t *testing.T) {
	good := key(1)
	for what, spec := range map[string]string{
		"nothing": "", "no id": good, "empty id": ":" + good, "odd id": "a b:" + good, "long id": strings.Repeat("a", 33) + ":" + good,
		"short key": "a:" + base64.StdEncoding.EncodeToString([]byte("short")), "not base64": "a:###", "twice": "a:" + good + ",a:" + key(2),
		"trailing comma": "a:" + good + ",",
	} {
		_, err := ParseKeys(spec)
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", what, err)
		} else if strings.Contains(err.Error(), good) {
			t.Errorf("%s: the error shows a key", what)
		}
	}
}

func TestKeysAreNeverPrinted(t *testing.T) {
	k := ring(t, "k1:"+key('K'))
	for _, text := range []string{fmt.Sprint(k), fmt.Sprintf("%+v %#v %s", k, k, k), k.LogValue().String()} {
		if strings.Contains(text, "KKKK") || !strings.Contains(text, "[secret]") {
			t.Errorf("printed as %s", text)
		}
	}
}

func TestLoadOrCreate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deep", "key")
	first, err := LoadOrCreate(path)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := first.Seal([]byte("token"), "o")
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v, %v", info, err)
	}
	second, err := LoadOrCreate(path)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := second.Open(sealed, "o"); err != nil || string(got) != "token" {
		t.Errorf("another key the second time: %v", err)
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*")); err != nil || len(left) != 1 {
		t.Errorf("the folder holds %v, %v", left, err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadOrCreate(path); fault.CodeOf(err) != "key_file_open" {
		t.Errorf("a file that others may read: %v", err)
	}
	if _, err := LoadOrCreate(filepath.Join(path, "x")); !fault.Is(err, fault.Internal) {
		t.Errorf("a folder that is a file: %v", err)
	}
}

func TestLoadOrCreateTogether(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	rings := make([]*Keyring, 8)
	var all sync.WaitGroup
	for i := range rings {
		all.Go(func() {
			var err error
			if rings[i], err = LoadOrCreate(path); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if t.Failed() {
		return
	}
	sealed, err := rings[0].Seal([]byte("token"), "o")
	if err != nil {
		t.Fatal(err)
	}
	for i, k := range rings {
		if _, err := k.Open(sealed, "o"); err != nil {
			t.Errorf("process %d has another key", i)
		}
	}
}

func FuzzOpen(f *testing.F) {
	k, err := ParseKeys("k1:" + key(1))
	if err != nil {
		f.Fatal(err)
	}
	good, err := k.Seal([]byte("token"), "o")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte{})
	f.Add([]byte{1, 255, 'k'})
	f.Fuzz(func(t *testing.T, sealed []byte) {
		_ = k.Current(sealed)
		if got, err := k.Open(sealed, "o"); err == nil && string(got) != "token" {
			t.Fatalf("%x opened to %q", sealed, got)
		}
	})
}
