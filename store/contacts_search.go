package store

import (
	"context"
	"strconv"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"ramal/internal/id"
)

// MaxSearch is the largest page of SearchContacts.
const MaxSearch = 200

// ContactQuery says which contacts of a tenant are wanted. Zero fields do not restrict.
type ContactQuery struct {
	// Text must be found, each of its words: in the name (accents and case do not matter, any part of it), or in the
	// order number. Words of digits are also looked for in the phone number, and a text made only of digits and of
	// what people put between them, such as "(62) 98888-7777", is looked for as one number.
	Text          string
	Ongoing       bool // only contacts in a call
	Status        string
	AssignedAgent id.Agent
	Tag           string
	MayCall       bool // only contacts that may be called now
	WindowOpen    bool // only contacts whose service window is open now
	Limit         int  // rows of a page; default 50, at most MaxSearch
	Cursor        Cursor
}

// SearchContacts returns one page of the contacts that match, latest activity first, and where the next page begins
// ("" at the end). A contact that becomes active between two pages moves to the front: it may be seen twice, but no
// contact that stays where it was is left out. Invalid for a cursor that was not made here.
func (s *Store) SearchContacts(ctx context.Context, tenant id.Tenant, q ContactQuery) ([]ContactRow, Cursor, error) {
	const op = "store.search_contacts"
	at, key, err := q.Cursor.position(op)
	if err != nil {
		return nil, "", err
	}
	limit := bounded(q.Limit, MaxSearch)
	w := &where{}
	w.and("tenant = ?", tenant)
	w.and("(last_activity, id) < (?, ?)", at, key)
	w.andIf(q.Ongoing, "ongoing_call IS NOT NULL")
	w.andIf(q.Status != "", "status = ?", q.Status)
	w.andIf(q.AssignedAgent != "", "assigned_agent = ?", q.AssignedAgent)
	w.andIf(q.Tag != "", "? = ANY(tags)", q.Tag)
	w.andIf(q.MayCall, "may_call_until > now()")
	w.andIf(q.WindowOpen, "window_until > now()")
	matchText(w, q.Text)
	rows, err := many(Bulk(ctx), s, op, scanContact, `SELECT `+contactColumns+` FROM contacts WHERE `+w.sql()+
		` ORDER BY last_activity DESC, id DESC LIMIT `+w.arg(limit+1), w.args...)
	if err != nil {
		return nil, "", err
	}
	rows, next := page(rows, limit, func(c ContactRow) (time.Time, string) { return c.LastActivity, string(c.ID) })
	return rows, next, nil
}

// matchText adds the conditions of ContactQuery.Text.
func matchText(w *where, text string) {
	if number := phoneDigits(text); number != "" {
		w.and("(phone LIKE ? OR order_no LIKE ?)", contains(number), contains(strings.TrimSpace(text)))
		return
	}
	for word := range strings.FieldsSeq(text) {
		pattern := contains(Fold(word))
		if number := phoneDigits(word); number != "" {
			w.and("(name_folded LIKE ? OR lower(order_no) LIKE ? OR phone LIKE ?)", pattern, pattern, contains(number))
		} else {
			w.and("(name_folded LIKE ? OR lower(order_no) LIKE ?)", pattern, pattern)
		}
	}
}

// phoneDigits returns the digits of a text that can only be meant as a number, "" for any other.
func phoneDigits(text string) string {
	var digits strings.Builder
	for _, r := range text {
		switch {
		case r >= '0' && r <= '9':
			digits.WriteRune(r)
		case strings.ContainsRune(" +-.()/", r):
		default:
			return ""
		}
	}
	return digits.String()
}

// Fold reduces text to what two spellings of one name have in common: lower case, without accents, single spaces.
func Fold(text string) string {
	decomposed := norm.NFD.String(text)
	var b strings.Builder
	space := false
	for _, r := range decomposed {
		switch {
		case unicode.Is(unicode.Mn, r) || unicode.IsControl(r):
		case unicode.IsSpace(r):
			space = b.Len() > 0
		default:
			if space {
				b.WriteByte(' ')
				space = false
			}
			b.WriteRune(unicode.ToLower(r))
		}
	}
	return b.String()
}

// contains makes a LIKE pattern that finds text anywhere, text taken literally.
func contains(text string) string { return "%" + likeEscapes.Replace(text) + "%" }

var likeEscapes = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// where collects conditions and their arguments; a "?" in a condition becomes the next "$n". Conditions are
// constants of this package: only arguments come from outside.
type where struct {
	conditions []string
	args       []any
}

func (w *where) arg(v any) string {
	w.args = append(w.args, v)
	return "$" + strconv.Itoa(len(w.args))
}

func (w *where) and(condition string, args ...any) {
	var b strings.Builder
	for _, v := range args {
		before, after, _ := strings.Cut(condition, "?")
		b.WriteString(before)
		b.WriteString(w.arg(v))
		condition = after
	}
	b.WriteString(condition)
	w.conditions = append(w.conditions, b.String())
}

func (w *where) andIf(wanted bool, condition string, args ...any) {
	if wanted {
		w.and(condition, args...)
	}
}

func (w *where) sql() string { return strings.Join(w.conditions, " AND ") }
