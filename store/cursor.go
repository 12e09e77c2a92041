package store

import (
	"encoding/base64"
	"encoding/binary"
	"time"

	"ramal/internal/fault"
	"ramal/internal/id"
)

// Cursor is an opaque position in a list ordered by a time and an id, both descending. "" is the beginning as an
// argument and the end as a result. It stays valid for as long as the list exists.
type Cursor string

const cursorVersion = 1

func makeCursor(at time.Time, key string) Cursor {
	raw := append([]byte{cursorVersion}, binary.BigEndian.AppendUint64(nil, uint64(at.UnixMicro()))...)
	return Cursor(base64.RawURLEncoding.EncodeToString(append(raw, key...)))
}

// position reads a cursor made by makeCursor; anything else is Invalid with the code "bad_cursor". The start is
// a position after every row there can be.
func (c Cursor) position(op string) (at time.Time, key string, err error) {
	if c == "" {
		return time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC), "", nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(string(c))
	if err != nil || len(raw) < 10 || raw[0] != cursorVersion || !id.Valid(string(raw[9:])) {
		return time.Time{}, "", fault.New(fault.Invalid, op, "bad_cursor", "the cursor was not made here")
	}
	at = time.UnixMicro(int64(binary.BigEndian.Uint64(raw[1:9]))).UTC()
	if at.Year() < 1 || at.Year() > 9999 {
		return time.Time{}, "", fault.New(fault.Invalid, op, "bad_cursor", "the cursor was not made here")
	}
	return at, string(raw[9:]), nil
}

// page cuts a result read with one row too many: the cursor is "" when nothing follows.
func page[T any](rows []T, limit int, position func(T) (time.Time, string)) ([]T, Cursor) {
	if len(rows) <= limit {
		return rows, ""
	}
	rows = rows[:limit]
	return rows, makeCursor(position(rows[limit-1]))
}

// bounded keeps a page size between 1 and ceiling; 0 is the default of 50.
func bounded(limit, ceiling int) int {
	if limit <= 0 {
		limit = 50
	}
	return min(limit, ceiling)
}
