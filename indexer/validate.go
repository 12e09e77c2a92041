package indexer

import (
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"ramal/indexer/filter"
	"ramal/internal/fault"
	"ramal/internal/id"
)

// Check returns what is wrong with a document under the tenant's fields, as Invalid with the code "bad_document" and
// the field's name in the detail. Every driver calls it before it indexes.
func (f Fields) Check(d *Document) error {
	if err := CheckTenant(d.Tenant); err != nil {
		return err
	}
	wrong := f.wrong(d)
	if wrong == "" {
		return nil
	}
	return fault.New(fault.Invalid, "indexer.document", "bad_document", wrong)
}

func (f Fields) wrong(d *Document) string {
	if !id.Valid(string(d.Contact)) {
		return fmt.Sprintf("%q is no id of a contact", string(d.Contact))
	}
	if d.Version < 1 {
		return fmt.Sprintf("version %d is below 1", d.Version)
	}
	if wrong := badText(FieldName, d.Name, MaxName); wrong != "" {
		return wrong
	}
	if len(d.Phone) > MaxPhone || slices.ContainsFunc([]byte(d.Phone), func(c byte) bool { return c < '0' || c > '9' }) {
		return fmt.Sprintf("phone is not of at most %d digits", MaxPhone)
	}
	for _, t := range [...]struct{ field, text string }{
		{FieldOrderNo, d.OrderNo}, {FieldStatus, d.Status}, {FieldQuoteStatus, d.QuoteStatus},
		{FieldAgent, string(d.AssignedAgent)}, {FieldCallState, d.CallState},
	} {
		if wrong := badText(t.field, t.text, filter.MaxText); wrong != "" {
			return wrong
		}
	}
	if wrong := badInt(FieldQuoteCents, filter.Money, d.QuoteCents); wrong != "" {
		return wrong
	}
	for _, t := range [...]struct {
		field string
		at    time.Time
	}{
		{FieldMayCallUntil, d.MayCallUntil}, {FieldWindowUntil, d.WindowUntil}, {FieldERPSyncedAt, d.ERPSyncedAt},
		{FieldLastActivity, d.LastActivityAt}, {FieldCreatedAt, d.CreatedAt},
	} {
		if wrong := badInt(t.field, filter.Date, t.at.UnixMilli()); wrong != "" {
			return wrong
		}
	}
	if wrong := badTags(FieldTags, d.Tags); wrong != "" {
		return wrong
	}
	return f.wrongAttributes(d.Attributes)
}

func (f Fields) wrongAttributes(values map[string]filter.Value) string {
	for name, v := range values {
		kind, ok := f.attributes[name]
		if !ok {
			return fmt.Sprintf("the tenant has no attribute %q", name)
		}
		field := AttributePrefix + name
		var wrong string
		switch v.Kind {
		case 0:
			continue
		case filter.Text:
			if wrong = badText(field, v.Text, filter.MaxText); v.Text == "" {
				wrong = field + " is an empty text"
			}
		case filter.Tags:
			if wrong = badTags(field, v.Tags); len(v.Tags) == 0 {
				wrong = field + " is an empty set"
			}
		default:
			wrong = badInt(field, v.Kind, v.Int)
		}
		if v.Kind != kind {
			wrong = fmt.Sprintf("%s is a %s, not a %s", field, kind, v.Kind)
		}
		if wrong != "" {
			return wrong
		}
	}
	return ""
}

func badText(field, s string, most int) string {
	if len(s) > most {
		return fmt.Sprintf("%s has %d bytes, more than %d", field, len(s), most)
	}
	if !utf8.ValidString(s) {
		return field + " is not UTF-8"
	}
	for _, r := range s {
		if r < ' ' || r == 0x7f {
			return field + " holds a control character"
		}
	}
	return ""
}

func badTags(field string, tags []string) string {
	if len(tags) > MaxTags {
		return fmt.Sprintf("%s has %d tags, more than %d", field, len(tags), MaxTags)
	}
	for i, tag := range tags {
		if tag == "" || slices.Contains(tags[:i], tag) {
			return fmt.Sprintf("%s holds %q, which is empty or there twice", field, tag)
		}
		if wrong := badText(field, tag, filter.MaxText); wrong != "" {
			return wrong
		}
	}
	return ""
}

func badInt(field string, kind filter.Kind, v int64) string {
	if least, greatest := filter.Bounds(kind); v < least || v > greatest {
		return field + " is out of bounds"
	}
	return ""
}
