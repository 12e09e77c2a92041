package whatsapp

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
)

// Addressees are the phone numbers and accounts that a webhook names: all that is needed to find the secrets by which
// its signature is judged. Each list is in the body's order, without repetition.
type Addressees struct {
	Numbers  []string // phone-number ids
	Accounts []string // accounts with something in the body that names no number
}

// maxAddressees bounds each list; a body that names more is no webhook of Meta's, which batches up to 1000 events.
const maxAddressees = 2000

// ReadAddressees reads whom a webhook is about without reading what it says: it may be called before the body is known
// to be Meta's, and keeps little memory whatever the body. It never names less than SplitWebhook does later, except
// beyond a defect of the JSON, where it stops.
func ReadAddressees(raw []byte) Addressees {
	r := addressReader{dec: json.NewDecoder(bytes.NewReader(raw)), seen: map[string]bool{}}
	_ = r.object(func(key string) error { // what was read before an error counts
		if !strings.EqualFold(key, "entry") {
			return r.skip()
		}
		return r.list(r.entry)
	})
	return r.found
}

// addressReader walks a body value by value, so that nothing of it is held but the value at hand.
type addressReader struct {
	dec   *json.Decoder
	found Addressees
	seen  map[string]bool // "number " or "account " and the id: what is in found
}

// errShape ends the walk: the body is not shaped like a webhook.
var errShape = errors.New("unexpected JSON value")

// object calls member for each key; member must read the value.
func (r *addressReader) object(member func(key string) error) error {
	return r.nested('{', func() error {
		key, err := r.dec.Token()
		if err != nil {
			return err
		}
		name, ok := key.(string)
		if !ok {
			return errShape
		}
		return member(name)
	})
}

// list calls element for each element, which must read it.
func (r *addressReader) list(element func() error) error { return r.nested('[', element) }

// nested reads one bracketed value; a value of another kind is passed over.
func (r *addressReader) nested(open json.Delim, inside func() error) error {
	t, err := r.dec.Token()
	if err != nil {
		return err
	}
	delim, ok := t.(json.Delim)
	switch {
	case !ok:
		return nil // a scalar, read already
	case delim != open:
		inside = r.skip
		if delim == '{' { // its keys are strings to the decoder: names and values are skipped alike
			inside = func() error { return errors.Join(r.skipKey(), r.skip()) }
		}
	}
	for r.dec.More() {
		if err := inside(); err != nil {
			return err
		}
	}
	_, err = r.dec.Token()
	return err
}

func (r *addressReader) skipKey() error {
	_, err := r.dec.Token()
	return err
}

func (r *addressReader) skip() error {
	var nothing struct{}
	return passable(r.dec.Decode(&nothing))
}

// passable forgives a value of another type than expected: the decoder has read past it.
func passable(err error) error {
	if _, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return nil
	}
	return err
}

func (r *addressReader) entry() error {
	var account flexString
	numberless, changes := false, 0
	err := r.object(func(key string) error {
		switch {
		case strings.EqualFold(key, "id"):
			return passable(r.dec.Decode(&account))
		case strings.EqualFold(key, "changes"):
			return r.list(func() error {
				changes++
				number, err := r.change()
				if number == "" {
					numberless = true
				}
				r.add(&r.found.Numbers, "number ", number)
				return err
			})
		}
		return r.skip()
	})
	if numberless || changes == 0 {
		r.add(&r.found.Accounts, "account ", string(account))
	}
	return err
}

// change returns the phone-number id that a change is about, "" where it is about the account.
func (r *addressReader) change() (string, error) {
	var c struct {
		Field flexString `json:"field"`
		Value struct {
			Metadata metadataJSON `json:"metadata"`
			Settings struct {
				PhoneNumberID flexString `json:"phone_number_id"`
			} `json:"phone_number_settings"`
		} `json:"value"`
	}
	err := passable(r.dec.Decode(&c))
	switch c.Field {
	case fieldCalls, fieldMessages:
		return string(c.Value.Metadata.PhoneNumberID), err
	case fieldSettings:
		return string(c.Value.Settings.PhoneNumberID), err
	}
	return "", err
}

func (r *addressReader) add(list *[]string, kind, one string) {
	if one == "" || len(one) > maxID || len(*list) == maxAddressees || r.seen[kind+one] {
		return
	}
	r.seen[kind+one] = true
	*list = append(*list, one)
}
