package gateway

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"ramal/internal/fault"
	"ramal/internal/id"
)

// query reads query parameters strictly: what is unknown, repeated or unreadable is refused by name. Read all
// parameters, then ask done.
type query struct {
	values url.Values
	known  []string
	err    error
}

func queryOf(r *http.Request) *query {
	values, err := url.ParseQuery(r.URL.RawQuery)
	q := &query{values: values}
	if err != nil {
		q.err = fault.New(fault.Invalid, "gateway.query", "bad_query", "the query string is not well formed")
	}
	return q
}

func (q *query) bad(name, detail string) {
	if q.err == nil {
		q.err = fault.Newf(fault.Invalid, "gateway.query", "bad_parameter", "parameter %.64s: %s", name, detail)
	}
}

// get returns a parameter; absent and empty are the same.
func (q *query) get(name string) string {
	q.known = append(q.known, name)
	list := q.values[name]
	if len(list) > 1 {
		q.bad(name, "is given more than once")
	}
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

// text returns free text of no more than most characters.
func (q *query) text(name string, most int) string {
	v := q.get(name)
	if !utf8.ValidString(v) || utf8.RuneCountInString(v) > most || strings.ContainsFunc(v, func(r rune) bool { return r < ' ' }) {
		q.bad(name, "is not a text of at most "+strconv.Itoa(most)+" characters")
		return ""
	}
	return v
}

// ident returns an id.
func (q *query) ident(name string) string {
	v := q.get(name)
	if v != "" && !id.Valid(v) {
		q.bad(name, "is not an id")
		return ""
	}
	return v
}

func (q *query) boolean(name string) bool {
	switch v := q.get(name); v {
	case "true":
		return true
	case "", "false":
	default:
		q.bad(name, "is neither true nor false")
	}
	return false
}

// word returns one of the allowed words.
func (q *query) word(name string, allowed ...string) string {
	v := q.get(name)
	if v != "" && !slices.Contains(allowed, v) {
		q.bad(name, "is none of "+strings.Join(allowed, ", "))
		return ""
	}
	return v
}

// time returns an RFC 3339 time.
func (q *query) time(name string) time.Time {
	v := q.get(name)
	if v == "" {
		return time.Time{}
	}
	at, err := time.Parse(time.RFC3339, v)
	if err != nil {
		q.bad(name, "is not a time like 2026-11-24T12:00:00Z")
		return time.Time{}
	}
	return at.UTC()
}

// page returns limit and cursor.
func (q *query) page() (limit int, cursor string) {
	limit = 50
	if v := q.get("limit"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 || n > 200 {
			q.bad("limit", "is not a number from 1 to 200")
		} else {
			limit = n
		}
	}
	return limit, q.text("cursor", 1024)
}

// done returns the first fault; a parameter that nothing asked for is one.
func (q *query) done() error {
	names := make([]string, 0, len(q.values))
	for name := range q.values {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if !slices.Contains(q.known, name) {
			q.bad(name, "is not known here")
		}
	}
	return q.err
}
