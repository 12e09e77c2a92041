package indexer

import (
	"time"

	"ramal/indexer/filter"
	"ramal/internal/id"
)

// Document is what is indexed of one contact. Dates are kept to the millisecond; a zero date and an empty text are
// no value. An engine keeps copies: the caller may reuse the slices and maps after the call.
type Document struct {
	Tenant  id.Tenant
	Contact id.Contact
	Version int64 // of the contact, 1 or more

	Name           string // at most MaxName bytes
	Phone          string // digits with country code, at most MaxPhone; empty: known by username only
	OrderNo        string
	Status         string
	QuoteStatus    string
	QuoteCents     int64
	AssignedAgent  id.Agent
	CallState      string // state of the contact's call, empty: in none
	Ongoing        bool   // a call is going on
	MayCallUntil   time.Time
	WindowUntil    time.Time
	ERPSyncedAt    time.Time
	LastActivityAt time.Time
	CreatedAt      time.Time
	Tags           []string                // a set: distinct, at most MaxTags; the order may be lost
	Attributes     map[string]filter.Value // by the names of the tenant's Schema; absent ones may be left out
}

// Key names a document.
type Key struct {
	Tenant  id.Tenant
	Contact id.Contact
}

// Key returns the document's key.
func (d *Document) Key() Key { return Key{d.Tenant, d.Contact} }

// The limits of a document. Texts without one of their own hold at most filter.MaxText bytes.
const (
	MaxName       = 256 // bytes
	MaxPhone      = 15  // digits, as E.164 allows
	MaxTags       = 32
	MaxAttributes = 64 // of one tenant
)

// The standard fields, as filters, sorts and facets name them.
const (
	FieldID           = "id"
	FieldName         = "name"
	FieldPhone        = "phone"
	FieldOrderNo      = "order_no"
	FieldStatus       = "status"
	FieldQuoteStatus  = "quote_status"
	FieldQuoteCents   = "quote_cents"
	FieldAgent        = "assigned_agent"
	FieldCallState    = "call_state"
	FieldOngoing      = "ongoing"
	FieldMayCallUntil = "may_call_until"
	FieldWindowUntil  = "window_until"
	FieldERPSyncedAt  = "erp_synced_at"
	FieldLastActivity = "last_activity_at"
	FieldCreatedAt    = "created_at"
	FieldTags         = "tags"
)

// AttributePrefix stands before the name of a tenant's attribute wherever a field is named: "attr.cor".
const AttributePrefix = "attr."

// standard lists the kinds of the standard fields.
var standard = map[string]filter.Kind{
	FieldID: filter.Text, FieldName: filter.Text, FieldPhone: filter.Text, FieldOrderNo: filter.Text,
	FieldStatus: filter.Text, FieldQuoteStatus: filter.Text, FieldQuoteCents: filter.Money,
	FieldAgent: filter.Text, FieldCallState: filter.Text, FieldOngoing: filter.Boolean,
	FieldMayCallUntil: filter.Date, FieldWindowUntil: filter.Date, FieldERPSyncedAt: filter.Date,
	FieldLastActivity: filter.Date, FieldCreatedAt: filter.Date, FieldTags: filter.Tags,
}

// Value returns the value of a standard field, or of an attribute by its name with AttributePrefix.
func (d *Document) Value(field string) filter.Value {
	switch field {
	case FieldID:
		return filter.TextOf(string(d.Contact))
	case FieldName:
		return filter.TextOf(d.Name)
	case FieldPhone:
		return filter.TextOf(d.Phone)
	case FieldOrderNo:
		return filter.TextOf(d.OrderNo)
	case FieldStatus:
		return filter.TextOf(d.Status)
	case FieldQuoteStatus:
		return filter.TextOf(d.QuoteStatus)
	case FieldQuoteCents:
		return filter.MoneyOf(d.QuoteCents)
	case FieldAgent:
		return filter.TextOf(string(d.AssignedAgent))
	case FieldCallState:
		return filter.TextOf(d.CallState)
	case FieldOngoing:
		return filter.BooleanOf(d.Ongoing)
	case FieldMayCallUntil:
		return filter.DateOf(d.MayCallUntil)
	case FieldWindowUntil:
		return filter.DateOf(d.WindowUntil)
	case FieldERPSyncedAt:
		return filter.DateOf(d.ERPSyncedAt)
	case FieldLastActivity:
		return filter.DateOf(d.LastActivityAt)
	case FieldCreatedAt:
		return filter.DateOf(d.CreatedAt)
	case FieldTags:
		return filter.TagsOf(d.Tags...)
	}
	if len(field) > len(AttributePrefix) && field[:len(AttributePrefix)] == AttributePrefix {
		return d.Attributes[field[len(AttributePrefix):]]
	}
	return filter.Value{}
}
