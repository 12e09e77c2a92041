package whatsapp

import (
	"encoding/json"
	"errors"
	"strings"

	"ramal/internal/fault"
)

// Item is one event of a webhook, still as JSON: what an inbox stores.
type Item struct {
	PhoneNumberID string // empty for events about the whole account
	WABA          string
	Field         string
	DedupeKey     string          // Event.DedupeKey of the event in Body
	Body          json.RawMessage // a webhook with this one event; ParseItem reads it
}

// ParseWebhook reads every event of a webhook, in Meta's order. Elements it cannot read are left out and reported
// together in err; events are valid beside an error. It keeps nothing of raw.
func ParseWebhook(raw []byte) ([]Event, error) {
	pieces, err := splitRaw(raw)
	var events []Event
	for _, p := range pieces {
		events = append(events, p.event)
	}
	return events, err
}

// SplitWebhook is ParseWebhook for an inbox: each event alone, as JSON, with the contact that belongs to it.
func SplitWebhook(raw []byte) ([]Item, error) {
	pieces, err := splitRaw(raw)
	errs := []error{err}
	var items []Item
	for _, p := range pieces {
		body, err := p.encode()
		if err != nil {
			errs = append(errs, fault.Wrap(fault.Internal, "whatsapp.split", err))
			continue
		}
		meta := p.event.Header().Meta
		items = append(items, Item{PhoneNumberID: meta.PhoneNumberID, WABA: meta.WABA, Field: string(p.change.Field), DedupeKey: p.event.DedupeKey(), Body: body})
	}
	return items, errors.Join(errs...)
}

// ParseItem reads the one event of an Item's body.
func ParseItem(body []byte) (Event, error) {
	pieces, err := splitRaw(body)
	if err != nil {
		return nil, err
	}
	if len(pieces) != 1 {
		return nil, fault.Newf(fault.Invalid, "whatsapp.parse_item", "webhook_malformed", "the item holds %d events, not one", len(pieces))
	}
	return pieces[0].event, nil
}

type entryJSON struct {
	ID      flexString        `json:"id"`
	Time    flexInt           `json:"time"`
	Changes []json.RawMessage `json:"changes"`
}

type changeJSON struct {
	Field flexString      `json:"field"`
	Value json.RawMessage `json:"value"`
}

// The fields whose changes name a phone number.
const (
	fieldCalls    = "calls"
	fieldMessages = "messages"
	fieldSettings = "account_settings_update"
)

// valueJSON is the value of a calls or messages change: lists of elements that are read one by one.
type valueJSON struct {
	Product  json.RawMessage   `json:"messaging_product,omitempty"`
	Metadata *metadataJSON     `json:"metadata,omitempty"`
	Contacts []json.RawMessage `json:"contacts,omitempty"`
	Calls    []json.RawMessage `json:"calls,omitempty"`
	Statuses []json.RawMessage `json:"statuses,omitempty"`
	Messages []json.RawMessage `json:"messages,omitempty"`
	Errors   []json.RawMessage `json:"errors,omitempty"`
}

type metadataJSON struct {
	Display       flexString `json:"display_phone_number"`
	PhoneNumberID flexString `json:"phone_number_id"`
}

// piece is one event and what it takes to write it down alone.
type piece struct {
	object string
	entry  entryJSON
	change changeJSON
	event  Event
}

func (p piece) encode() ([]byte, error) {
	type change struct {
		Field string          `json:"field"`
		Value json.RawMessage `json:"value"`
	}
	type entry struct {
		ID      string   `json:"id"`
		Time    int64    `json:"time,omitempty"`
		Changes []change `json:"changes"`
	}
	return json.Marshal(struct {
		Object string  `json:"object"`
		Entry  []entry `json:"entry"`
	}{p.object, []entry{{string(p.entry.ID), p.entry.Time.n, []change{{string(p.change.Field), p.change.Value}}}}})
}

const (
	maxElements = 10_000 // events of one webhook; Meta batches up to 1000
	maxID       = 256    // bytes of an account's or a phone number's id, which stand in every event
)

// room is how many bytes the events of a body may have together, with what is repeated beside each: far more than
// Meta's batches need, and no multiple of what somebody sends.
func room(body int) int { return 4*body + 1<<20 }

func malformed(format string, args ...any) error {
	return fault.Newf(fault.Invalid, "whatsapp.webhook", "webhook_malformed", format, args...)
}

// splitRaw walks all entries, changes and elements.
func splitRaw(raw []byte) ([]piece, error) {
	var env struct {
		Object flexString        `json:"object"`
		Entry  []json.RawMessage `json:"entry"`
	}
	if err := json.Unmarshal(raw, &env); err != nil {
		return nil, &fault.Error{Kind: fault.Invalid, Op: "whatsapp.webhook", Code: "webhook_malformed", Detail: "the body is not a webhook", Cause: err}
	}
	if env.Object != "whatsapp_business_account" {
		return nil, malformed("the object is %.40q", env.Object)
	}
	w := walk{object: string(env.Object), room: room(len(raw))}
	for i, rawEntry := range env.Entry {
		var entry entryJSON
		if err := json.Unmarshal(rawEntry, &entry); err != nil {
			w.fail(malformed("entry %d: %v", i, err))
			continue
		}
		if len(entry.ID) > maxID {
			w.fail(malformed("entry %d: the id has %d bytes", i, len(entry.ID)))
			continue
		}
		for j, rawChange := range entry.Changes {
			var ch changeJSON
			if err := json.Unmarshal(rawChange, &ch); err != nil {
				w.fail(malformed("entry %d, change %d: %v", i, j, err))
				continue
			}
			w.change(entry, ch)
		}
	}
	return w.pieces, errors.Join(w.errs...)
}

// walk collects pieces and errors of one webhook.
type walk struct {
	object string
	pieces []piece
	errs   []error
	room   int  // bytes that events may still take
	missed bool // the rest is dropped, and the error about it is in errs
}

func (w *walk) fail(err error) {
	const most = 20 // enough to see what is wrong, not enough to fill a log
	if len(w.errs) < most {
		w.errs = append(w.errs, err)
	}
}

func (w *walk) change(entry entryJSON, ch changeJSON) {
	switch ch.Field {
	case fieldCalls, fieldMessages:
		var v valueJSON
		if err := json.Unmarshal(ch.Value, &v); err != nil {
			w.fail(malformed("the value of %s: %v", ch.Field, err))
			return
		}
		if m := v.Metadata; m != nil && len(m.PhoneNumberID)+len(m.Display) > maxID {
			w.fail(malformed("the metadata of %s are too long", ch.Field))
			return
		}
		w.value(entry, string(ch.Field), v)
	default:
		ev, err := parseAccount(entry, ch)
		if err != nil {
			w.fail(err)
			return
		}
		w.add(piece{w.object, entry, ch, ev})
	}
}

func (w *walk) add(p piece) {
	if w.missed {
		return
	}
	w.room -= len(p.change.Value)
	switch {
	case len(w.pieces) == maxElements:
		w.dropf("more than %d events", maxElements)
	case w.room < 0:
		w.dropf("the events are larger than the body allows")
	default:
		w.pieces = append(w.pieces, p)
	}
}

// dropf says once that the rest of the webhook is not read.
func (w *walk) dropf(format string, args ...any) {
	w.missed = true
	w.errs = append(w.errs, malformed(format+"; the rest is dropped", args...))
}

// value splits one calls or messages change into values with one element each.
func (w *walk) value(entry entryJSON, field string, v valueJSON) {
	dir := newDirectory(v.Contacts)
	base := valueJSON{Metadata: v.Metadata}
	if len(v.Product) <= maxID {
		base.Product = v.Product
	}
	element := func(single valueJSON, raw json.RawMessage) {
		single.Contacts = dir.pick(raw)
		w.single(entry, field, single)
	}
	for _, raw := range v.Calls {
		single := base
		single.Calls = []json.RawMessage{raw}
		if len(v.Calls) == 1 || ownErrorsMissing(raw) {
			single.Errors = firstErrors(v.Errors)
		}
		element(single, raw)
	}
	for _, raw := range v.Statuses {
		single := base
		single.Statuses = []json.RawMessage{raw}
		element(single, raw)
	}
	for _, raw := range v.Messages {
		single := base
		single.Messages = []json.RawMessage{raw}
		element(single, raw)
	}
	if len(v.Calls)+len(v.Statuses)+len(v.Messages) == 0 {
		single := base
		single.Errors = firstErrors(v.Errors)
		single.Contacts = dir.pick(nil)
		w.single(entry, field, single)
	}
}

// single reads a value with one element and adds it.
func (w *walk) single(entry entryJSON, field string, v valueJSON) {
	if w.missed {
		return
	}
	ev, err := parseValue(entry, field, v)
	if err != nil {
		w.fail(err)
		return
	}
	raw, err := json.Marshal(v)
	if err != nil {
		w.fail(malformed("%s: %v", field, err))
		return
	}
	w.add(piece{w.object, entry, changeJSON{flexString(field), raw}, ev})
}

// firstErrors bounds what is repeated beside each failed call of a batch.
func firstErrors(errs []json.RawMessage) []json.RawMessage {
	const most, size = 4, 4 << 10
	var out []json.RawMessage
	for _, e := range errs {
		if len(e) <= size && len(out) < most {
			out = append(out, e)
		}
	}
	return out
}

// ownErrorsMissing reports whether a call of a batch failed without saying why itself.
func ownErrorsMissing(raw json.RawMessage) bool {
	var c struct {
		Status flexString `json:"status"`
		Errors []struct{} `json:"errors"`
	}
	return json.Unmarshal(raw, &c) == nil && len(c.Errors) == 0 && strings.EqualFold(string(c.Status), "failed")
}
