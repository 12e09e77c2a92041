package whatsapp

import "encoding/json"

// maxContact bounds the contact that is repeated beside an element, in bytes; real ones are a few hundred.
const maxContact = 4 << 10

// directory finds the contact that belongs to an element of a batch.
type directory struct {
	list []json.RawMessage
	byID map[string]int
}

func newDirectory(contacts []json.RawMessage) directory {
	d := directory{list: contacts, byID: map[string]int{}}
	for i, raw := range contacts {
		var c contactJSON
		if json.Unmarshal(raw, &c) != nil {
			continue
		}
		for _, key := range []flexString{c.WaID, c.UserID} {
			if key != "" {
				d.byID[string(key)] = i
			}
		}
	}
	return d
}

// pick returns the contact named by the element's address fields, or the only one there is.
func (d directory) pick(element json.RawMessage) []json.RawMessage {
	var a addressJSON
	if len(d.byID) > 0 && json.Unmarshal(element, &a) == nil {
		for _, key := range []flexString{a.FromUserID, a.ToUserID, a.RecipientUserID, a.From, a.To, a.RecipientID} {
			if i, ok := d.byID[string(key)]; ok && key != "" {
				return bounded(d.list[i : i+1 : i+1])
			}
		}
	}
	if len(d.list) == 1 {
		return bounded(d.list)
	}
	return nil
}

// bounded leaves out a contact that is too large to be one: the element names its sender itself.
func bounded(one []json.RawMessage) []json.RawMessage {
	if len(one[0]) > maxContact {
		return nil
	}
	return one
}
