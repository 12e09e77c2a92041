package indexer

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/cespare/xxhash/v2"

	"ramal/indexer/filter"
	"ramal/indexer/text"
	"ramal/internal/fault"
	"ramal/internal/id"
)

// Position is a document's place in an order: what a cursor holds. Records may change while it is held; the next
// page begins behind the place, whoever stands there by then.
type Position struct {
	Typos   bool       `json:"y,omitempty"` // the pages are of matches with typos
	Absent  bool       `json:"a,omitempty"` // no value of the field sorted by
	Int     int64      `json:"i,omitempty"` // the value: numbers, dates, booleans; the class of a match by relevance
	Text    string     `json:"s,omitempty"` // the value: text.Key of texts
	Last    int64      `json:"l,omitempty"` // by relevance: the latest activity
	Contact id.Contact `json:"c"`
	Page    int        `json:"p,omitempty"` // for drivers that can only count pages by relevance
}

// Tie orders contacts that are equal in what is sorted by: by a hash that engines can keep as a number, then by id.
func Tie(c id.Contact) int64 { return int64(xxhash.Sum64String(string(c)) >> 1) }

// CompareTies compares two contacts as Tie says.
func CompareTies(a, b id.Contact) int {
	return cmp.Or(cmp.Compare(Tie(a), Tie(b)), strings.Compare(string(a), string(b)))
}

// PositionOf returns the place of a document sorted by a field, Relevance aside.
func PositionOf(d *Document, field string) Position {
	p := Position{Contact: d.Contact}
	switch v := d.Value(field); v.Kind {
	case 0, filter.Tags:
		p.Absent = true
	case filter.Text:
		p.Text = text.Key(v.Text)
	default:
		p.Int = v.Int
	}
	return p
}

// Compare compares two places in an order: the one that comes first is less.
func (p Position) Compare(q Position, desc bool) int {
	if p.Absent != q.Absent {
		if p.Absent {
			return 1
		}
		return -1
	}
	value := cmp.Or(cmp.Compare(p.Int, q.Int), strings.Compare(p.Text, q.Text))
	if desc {
		value = -value
	}
	return cmp.Or(value, cmp.Compare(q.Last, p.Last), CompareTies(p.Contact, q.Contact))
}

// fingerprint tells requests apart whose cursors must not be mixed: all but the size of the page and what is
// returned beside the documents.
func fingerprint(p *Prepared) uint64 {
	h := xxhash.New()
	dir := "asc"
	if p.Sort.Desc {
		dir = "desc"
	}
	terms := strings.Join(p.Query.Words, " ") + "\x00" + strings.Join(p.Query.Codes, " ")
	for _, part := range []string{string(p.Tenant), terms, filter.Emit(p.Filter), p.Sort.Field, dir} {
		_, _ = h.WriteString(part) // a hash takes everything
		_, _ = h.WriteString("\x00")
	}
	return h.Sum64()
}

type cursor struct {
	Print uint64 `json:"f"`
	Position
}

// Cursor returns the cursor of the page behind a place.
func (p *Prepared) Cursor(last Position) string {
	raw, err := json.Marshal(cursor{p.print, last})
	if err != nil {
		panic(err) // strings and integers only
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

// after reads the request's cursor.
func (p *Prepared) after() error {
	if p.Request.Cursor == "" {
		return nil
	}
	var c cursor
	raw, err := base64.RawURLEncoding.DecodeString(p.Request.Cursor)
	if err == nil {
		err = json.Unmarshal(raw, &c)
	}
	if err != nil || c.Print != p.print || !id.Valid(string(c.Contact)) && c.Page <= 0 {
		return fault.New(fault.Invalid, "indexer.search", "bad_cursor", "the cursor is not of this search")
	}
	p.After = &c.Position
	return nil
}
