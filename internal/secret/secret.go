// Package secret encrypts small secrets for storage with AES-256-GCM. It is not a key store: keys come from the
// configuration, or in development from a file it makes. A sealed secret names its key, so keys can be changed
// one after another, and is bound to its owner: moved to another tenant's or line's row it does not open.
//
// A Keyring is immutable after it is made and safe for concurrent use. No method and no error shows a key.
package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"log/slog"
	"strings"

	"ramal/internal/fault"
	"ramal/internal/id"
)

// KeySize is the size of a key in bytes, before base64.
const KeySize = 32

const (
	sealedVersion = 1
	maxKeyID      = 32
)

// Keyring holds the key that seals and all keys that may still open.
type Keyring struct {
	current string
	keys    map[string]cipher.AEAD
}

// ParseKeys reads "id:base64" pairs separated by commas, such as "2027:AAAA…=,2026:BBBB…=". The first one seals, the
// others only open. An id is 1 to 32 characters of [A-Za-z0-9_-], a key 32 bytes. Errors are Invalid and name the
// position in the list, never the text.
func ParseKeys(spec string) (*Keyring, error) {
	const op = "secret.parse_keys"
	ring := &Keyring{keys: map[string]cipher.AEAD{}}
	for i, part := range strings.Split(spec, ",") {
		name, encoded, ok := strings.Cut(strings.TrimSpace(part), ":")
		if !ok || !id.Valid(name) || len(name) > maxKeyID {
			return nil, fault.Newf(fault.Invalid, op, "bad_key", "key %d is not of the form id:base64", i+1)
		}
		raw, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil || len(raw) != KeySize {
			return nil, fault.Newf(fault.Invalid, op, "bad_key", "key %d is not base64 of %d bytes", i+1, KeySize)
		}
		if _, twice := ring.keys[name]; twice {
			return nil, fault.Newf(fault.Invalid, op, "bad_key", "key %d has the id of an earlier one", i+1)
		}
		aead, err := newAEAD(raw)
		if err != nil {
			return nil, fault.Wrap(fault.Internal, op, err)
		}
		if ring.current == "" {
			ring.current = name
		}
		ring.keys[name] = aead
	}
	return ring, nil
}

// Generate returns a fresh random key in the form that ParseKeys reads.
func Generate(name string) (string, error) {
	const op = "secret.generate"
	if !id.Valid(name) || len(name) > maxKeyID {
		return "", fault.New(fault.Invalid, op, "bad_key", "the id of the key is not valid")
	}
	var raw [KeySize]byte
	if _, err := rand.Read(raw[:]); err != nil {
		return "", fault.Wrap(fault.Internal, op, err)
	}
	return name + ":" + base64.StdEncoding.EncodeToString(raw[:]), nil
}

func newAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// Seal encrypts plain for its owner: the words that say whose it is, in order, such as tenant and line.
// Layout: version, length of key id, key id, nonce, ciphertext and tag.
func (k *Keyring) Seal(plain []byte, owner ...string) ([]byte, error) {
	head := append([]byte{sealedVersion, byte(len(k.current))}, k.current...)
	return k.keys[k.current].Seal(head, nil, plain, bind(head, owner)), nil //nolint:gosec // it draws its nonces itself
}

// Open decrypts what Seal made for the same owner. Invalid: it was damaged, or sealed for somebody else; code
// "unknown_key": its key is not in the ring.
func (k *Keyring) Open(sealed []byte, owner ...string) ([]byte, error) {
	const op = "secret.open"
	if len(sealed) < 2 || sealed[0] != sealedVersion || len(sealed) < 2+int(sealed[1]) {
		return nil, fault.New(fault.Invalid, op, "bad_secret", "this was not sealed here")
	}
	head := sealed[:2+int(sealed[1])]
	aead, ok := k.keys[string(head[2:])]
	if !ok {
		return nil, fault.New(fault.Invalid, op, "unknown_key", "the key it was sealed with is not configured")
	}
	plain, err := aead.Open(nil, nil, sealed[len(head):], bind(head, owner))
	if err != nil {
		return nil, fault.New(fault.Invalid, op, "bad_secret", "it is damaged or belongs to somebody else")
	}
	return plain, nil
}

// Current reports whether sealed was made with the key that seals today; what was not can be sealed anew.
func (k *Keyring) Current(sealed []byte) bool {
	return len(sealed) >= 2+len(k.current) && sealed[0] == sealedVersion &&
		string(sealed[2:min(len(sealed), 2+int(sealed[1]))]) == k.current
}

// bind makes the additional authenticated data: the head and the owner's words, length-prefixed.
func bind(head []byte, owner []string) []byte {
	aad := append([]byte(nil), head...)
	for _, word := range owner {
		aad = binary.BigEndian.AppendUint32(aad, uint32(len(word)))
		aad = append(aad, word...)
	}
	return aad
}

// String never tells the keys.
func (k *Keyring) String() string { return "[secret]" }

// GoString never tells the keys.
func (k *Keyring) GoString() string { return "[secret]" }

// LogValue never tells the keys.
func (k *Keyring) LogValue() slog.Value { return slog.StringValue("[secret]") }
