// Package hooks delivers webhooks as Meta does: signed over the exact bytes, one HTTP request a change (or batched),
// retried with back-off, and, when told so, out of order, twice, late, slowly or not at all. The Sender owns its queues
// and goroutines; what is in a payload is not its business. Source: Meta's page "webhooks", Cloud API.
package hooks

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// Change is one change of one account, the unit of delivery.
type Change struct {
	Account string // WABA id
	Field   string // calls, messages, account_update, account_settings_update
	Value   any    // marshalled once
	Time    int64  // unix seconds, 0 = none (only account-level fields carry it)
}

type envelope struct {
	Object string  `json:"object"`
	Entry  []entry `json:"entry"`
}

type entry struct {
	ID      string   `json:"id"`
	Time    int64    `json:"time,omitempty"`
	Changes []change `json:"changes"`
}

type change struct {
	Value json.RawMessage `json:"value"`
	Field string          `json:"field"`
}

// Body renders changes as one payload, with the escapes switched on.
func Body(changes []Change, slashes, unicode bool) ([]byte, error) {
	env := envelope{Object: "whatsapp_business_account"}
	for _, c := range changes {
		value, err := marshal(c.Value)
		if err != nil {
			return nil, fmt.Errorf("hooks: %s: %w", c.Field, err)
		}
		ch := change{Value: value, Field: c.Field}
		if n := len(env.Entry); n > 0 && env.Entry[n-1].ID == c.Account && env.Entry[n-1].Time == c.Time {
			env.Entry[n-1].Changes = append(env.Entry[n-1].Changes, ch)
			continue
		}
		env.Entry = append(env.Entry, entry{ID: c.Account, Time: c.Time, Changes: []change{ch}})
	}
	raw, err := marshal(env)
	if err != nil {
		return nil, fmt.Errorf("hooks: %w", err)
	}
	return Escape(raw, slashes, unicode), nil
}

func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// Escape rewrites JSON text: "/" as "\/" and everything outside ASCII as lower-case \uxxxx. Both occur in strings only,
// so the text stays the same JSON value.
func Escape(raw []byte, slashes, unicode bool) []byte {
	out := make([]byte, 0, len(raw)+len(raw)/8)
	for i := 0; i < len(raw); {
		c := raw[i]
		switch {
		case c == '/' && slashes:
			out, i = append(out, '\\', '/'), i+1
		case c < utf8.RuneSelf || !unicode:
			out, i = append(out, c), i+1
		default:
			r, size := utf8.DecodeRune(raw[i:])
			i += size
			if hi, lo := utf16.EncodeRune(r); hi != utf8.RuneError {
				out = fmt.Appendf(out, `\u%04x\u%04x`, hi, lo)
			} else {
				out = fmt.Appendf(out, `\u%04x`, r)
			}
		}
	}
	return out
}

// Sign returns the value of X-Hub-Signature-256.
func Sign(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}
