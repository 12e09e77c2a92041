package whatsapp

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Meta's own samples, captures and neighbouring libraries disagree on whether a value is a string, a number
// or a list. These types read all of them and never fail: what cannot be read is absent.

// flexString reads a string, a number, a boolean, or the first of a list of those, without control characters but
// for those that end lines and align them: no store takes U+0000, and none of the others is anybody's name.
type flexString string

// UnmarshalJSON implements json.Unmarshaler.
func (f *flexString) UnmarshalJSON(raw []byte) error {
	*f = flexString(printable(scalar(raw, 2)))
	return nil
}

func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t' {
			return -1
		}
		return r
	}, s)
}

// scalar renders a JSON scalar as text. Lists are followed to the given depth; objects and null give "".
func scalar(raw []byte, depth int) string {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return ""
	}
	switch raw[0] {
	case '"':
		var s string
		if json.Unmarshal(raw, &s) != nil {
			return ""
		}
		return s
	case '[':
		var list []json.RawMessage
		if depth == 0 || json.Unmarshal(raw, &list) != nil || len(list) == 0 {
			return ""
		}
		return scalar(list[0], depth-1)
	case '{', 'n':
		return ""
	}
	return string(raw)
}

// flexInt reads an integer, or a numeric string. ok is false when it is absent or unreadable.
type flexInt struct {
	n  int64
	ok bool
}

// UnmarshalJSON implements json.Unmarshaler.
func (f *flexInt) UnmarshalJSON(raw []byte) error {
	*f = flexInt{}
	s := strings.TrimSpace(scalar(raw, 1))
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		*f = flexInt{n, true}
	} else if x, err := strconv.ParseFloat(s, 64); err == nil && math.Abs(x) < 1<<53 {
		*f = flexInt{int64(x), true}
	}
	return nil
}

// maxUnix is the end of the year 9999: what is later is no time.
const maxUnix = 253_402_300_799

// time reads f as unix seconds, or milliseconds where it is far too large for seconds.
func (f flexInt) time() time.Time {
	n := f.n
	if n > maxUnix {
		n /= 1000
	}
	if !f.ok || n <= 0 || n > maxUnix {
		return time.Time{}
	}
	return time.Unix(n, 0).UTC()
}

// flexBool reads true, "true" and 1.
type flexBool bool

// UnmarshalJSON implements json.Unmarshaler.
func (f *flexBool) UnmarshalJSON(raw []byte) error {
	s := strings.ToLower(scalar(raw, 1))
	*f = s == "true" || s == "1"
	return nil
}
