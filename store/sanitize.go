package store

import (
	"context"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// cleaned passes statements on with arguments that a database takes: no text column holds U+0000 or broken UTF-8, and
// a value that is refused once would be refused for ever. So text from outside loses these characters here, in one
// place, and orObject does the same inside JSON.
type cleaned struct{ querier }

func (c cleaned) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	return c.querier.Exec(ctx, sql, cleanArgs(args)...)
}

func (c cleaned) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	return c.querier.Query(ctx, sql, cleanArgs(args)...)
}

func (c cleaned) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	return c.querier.QueryRow(ctx, sql, cleanArgs(args)...)
}

func (c cleaned) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	for _, q := range b.QueuedQueries {
		q.Arguments = cleanArgs(q.Arguments)
	}
	return c.querier.SendBatch(ctx, b)
}

// cleanArgs returns args with clean texts; it leaves the caller's slices as they are.
func cleanArgs(args []any) []any {
	out := make([]any, len(args))
	for i, arg := range args {
		out[i] = cleanArg(arg)
	}
	return out
}

func cleanArg(arg any) any {
	switch v := arg.(type) {
	case string:
		return cleanText(v)
	case []string:
		return cleanEach(v, isText, cleanText)
	case *string:
		return cleanPointer(v)
	case []*string:
		return cleanEach(v, func(p *string) bool { return p == nil || isText(*p) }, cleanPointer)
	}
	if v := reflect.ValueOf(arg); v.Kind() == reflect.String && !isText(v.String()) {
		return cleanText(v.String()) // a named string, such as an id
	}
	return arg
}

func cleanPointer(p *string) *string {
	if p == nil || isText(*p) {
		return p
	}
	v := cleanText(*p)
	return &v
}

func cleanEach[T any](in []T, fine func(T) bool, clean func(T) T) []T {
	for i, v := range in {
		if fine(v) {
			continue
		}
		out := append([]T(nil), in...)
		for j := i; j < len(out); j++ {
			out[j] = clean(out[j])
		}
		return out
	}
	return in
}

func isText(s string) bool { return strings.IndexByte(s, 0) < 0 && utf8.ValidString(s) }

// cleanText takes U+0000 and broken UTF-8 out.
func cleanText(s string) string {
	if isText(s) {
		return s
	}
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "")
}

// replacement is U+FFFD as JSON writes it.
const replacement = `\ufffd`

// cleanJSON replaces the escapes that JSON allows and jsonb does not, U+0000 and halves of surrogate pairs, by U+FFFD.
func cleanJSON(s string) string {
	if !strings.Contains(s, `\u`) {
		return s
	}
	var b strings.Builder
	for {
		at := strings.IndexByte(s, '\\')
		if at < 0 || at+1 >= len(s) {
			b.WriteString(s)
			return b.String()
		}
		b.WriteString(s[:at])
		s = s[at:]
		r, ok := escaped(s)
		switch low, paired := escaped(s[min(len(s), 6):]); {
		case !ok: // another escape, such as \\ or \n
			b.WriteString(s[:2])
			s = s[2:]
		case r >= 0xd800 && r < 0xdc00 && paired && low >= 0xdc00 && low < 0xe000:
			b.WriteString(s[:12])
			s = s[12:]
		case r == 0 || r >= 0xd800 && r < 0xe000:
			b.WriteString(replacement)
			s = s[6:]
		default:
			b.WriteString(s[:6])
			s = s[6:]
		}
	}
}

// escaped reads the \uXXXX that s begins with.
func escaped(s string) (uint64, bool) {
	if len(s) < 6 || s[:2] != `\u` {
		return 0, false
	}
	r, err := strconv.ParseUint(s[2:6], 16, 16)
	return r, err == nil
}
