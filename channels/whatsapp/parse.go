package whatsapp

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"
)

type contactJSON struct {
	WaID     flexString `json:"wa_id"`
	UserID   flexString `json:"user_id"`
	ParentID flexString `json:"parent_user_id"`
	Profile  struct {
		Name     flexString `json:"name"`
		Username flexString `json:"username"`
	} `json:"profile"`
}

// addressJSON holds the address fields of calls, messages and statuses.
type addressJSON struct {
	From              flexString `json:"from"`
	FromUserID        flexString `json:"from_user_id"`
	FromParentID      flexString `json:"from_parent_user_id"`
	To                flexString `json:"to"`
	ToUserID          flexString `json:"to_user_id"`
	ToParentID        flexString `json:"to_parent_user_id"`
	RecipientID       flexString `json:"recipient_id"`
	RecipientUserID   flexString `json:"recipient_user_id"`
	RecipientParentID flexString `json:"recipient_parent_user_id"`
	ParentRecipientID flexString `json:"parent_recipient_user_id"` // another spelling of the same
}

// errorJSON is an error inside a webhook.
type errorJSON struct {
	Code    flexInt    `json:"code"`
	Subcode flexInt    `json:"error_subcode"`
	Title   flexString `json:"title"`
	Message flexString `json:"message"`
	Data    struct {
		Details flexString `json:"details"`
	} `json:"error_data"`
}

func decodeErrors(list []json.RawMessage) []Error {
	var out []Error
	for _, raw := range list {
		var in errorJSON
		if json.Unmarshal(raw, &in) != nil || !in.Code.ok {
			continue
		}
		e := Error{Code: int(in.Code.n), Subcode: int(in.Subcode.n), Message: string(in.Message), Details: string(in.Data.Details)}
		if e.Message == "" {
			e.Message = string(in.Title)
		}
		out = append(out, e)
	}
	return out
}

// digestOf identifies an event that has no id of its own.
func digestOf(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:12])
}

// parseValue reads a calls or messages value that holds one element, or none beside errors.
func parseValue(entry entryJSON, field string, v valueJSON) (Event, error) {
	h := Head{Meta: Meta{WABA: string(entry.ID), At: entry.Time.time()}}
	if v.Metadata != nil {
		h.Meta.PhoneNumberID, h.Meta.DisplayNumber = string(v.Metadata.PhoneNumberID), Digits(string(v.Metadata.Display))
	}
	if len(v.Contacts) > 0 {
		var c contactJSON
		if json.Unmarshal(v.Contacts[0], &c) == nil {
			h.Party = Party{Digits(string(c.WaID)), string(c.UserID), string(c.ParentID), string(c.Profile.Name), string(c.Profile.Username)}
		}
	}
	switch {
	case len(v.Calls) == 1:
		return parseCall(h, v.Calls[0], decodeErrors(v.Errors))
	case len(v.Statuses) == 1:
		return parseStatus(h, field, v.Statuses[0])
	case len(v.Messages) == 1:
		return parseMessage(h, v.Messages[0])
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, malformed("%s: %v", field, err)
	}
	if errs := decodeErrors(v.Errors); len(errs) > 0 {
		return LineError{Head: h, Field: field, Errors: errs, digest: digestOf(raw)}, nil
	}
	return Unknown{Head: h, Field: field, digest: digestOf(raw)}, nil
}

// at replaces the head's time by the element's own, where that can be read.
func (h *Head) at(t flexInt) {
	if own := t.time(); !own.IsZero() {
		h.Meta.At = own
	}
}

// party fills in the address; what a contact said stays where the element says nothing.
func (h *Head) party(wa, user, parent flexString) {
	if d := Digits(string(wa)); d != "" {
		h.Party.WaID = d
	}
	if user != "" {
		h.Party.UserID = string(user)
	}
	if parent != "" {
		h.Party.ParentUserID = string(parent)
	}
}

type callJSON struct {
	addressJSON
	ID        flexString `json:"id"`
	Event     flexString `json:"event"`
	Timestamp flexInt    `json:"timestamp"`
	Direction flexString `json:"direction"`
	Deeplink  flexString `json:"deeplink_payload"`
	CTA       flexString `json:"cta_payload"`
	Opaque    flexString `json:"biz_opaque_callback_data"`
	Session   struct {
		Type flexString `json:"sdp_type"`
		SDP  flexString `json:"sdp"`
	} `json:"session"`
	Status   flexString        `json:"status"`
	Start    flexInt           `json:"start_time"`
	End      flexInt           `json:"end_time"`
	Duration flexInt           `json:"duration"`
	Errors   []json.RawMessage `json:"errors"`
}

func parseCall(h Head, raw json.RawMessage, valueErrors []Error) (Event, error) {
	var c callJSON
	if err := json.Unmarshal(raw, &c); err != nil {
		return nil, malformed("a call: %v", err)
	}
	if c.ID == "" {
		return nil, malformed("a call without an id")
	}
	h.at(c.Timestamp)
	direction := c.direction()
	if c.outgoing(direction, h.Meta.DisplayNumber) {
		h.party(c.To, c.ToUserID, c.ToParentID)
	} else {
		h.party(c.From, c.FromUserID, c.FromParentID)
	}
	switch strings.ToLower(string(c.Event)) {
	case "connect":
		if c.Session.SDP == "" {
			return nil, malformed("call %.80s: connect without SDP", c.ID)
		}
		return CallConnect{Head: h, CallID: string(c.ID), Direction: direction, SDP: string(c.Session.SDP), SDPType: strings.ToLower(string(c.Session.Type)),
			CTAPayload: string(c.CTA), DeeplinkPayload: string(c.Deeplink), Opaque: string(c.Opaque)}, nil
	case "terminate":
		errs := decodeErrors(c.Errors)
		if len(errs) == 0 {
			errs = valueErrors
		}
		return CallTerminate{Head: h, CallID: string(c.ID), Direction: direction, Status: strings.ToUpper(string(c.Status)),
			PickedUp: c.Start.ok || c.End.ok || c.Duration.ok, StartedAt: c.Start.time(), EndedAt: c.End.time(),
			Duration: time.Duration(max(0, min(c.Duration.n, maxCallSeconds))) * time.Second, Errors: errs, Opaque: string(c.Opaque)}, nil
	}
	return Unknown{Head: h, Field: "calls", Name: string(c.Event), digest: string(c.ID) + "|" + string(c.Event)}, nil
}

// maxCallSeconds bounds a duration that Meta sends: a year.
const maxCallSeconds = 366 * 86_400

// direction reads the word, and falls back on the kind of the SDP: Meta offers when the user calls.
func (c callJSON) direction() Direction {
	switch d := Direction(strings.ToUpper(string(c.Direction))); d {
	case UserInitiated, BusinessInitiated:
		return d
	}
	switch strings.ToLower(string(c.Session.Type)) {
	case "offer":
		return UserInitiated
	case "answer":
		return BusinessInitiated
	}
	return ""
}

// outgoing reports whether the user is the one called.
func (c callJSON) outgoing(d Direction, display string) bool {
	if d != "" {
		return d == BusinessInitiated
	}
	if c.FromUserID != "" {
		return false
	}
	return c.ToUserID != "" || (display != "" && Digits(string(c.From)) == display)
}

type statusJSON struct {
	addressJSON
	ID        flexString `json:"id"`
	Type      flexString `json:"type"`
	Status    flexString `json:"status"`
	Timestamp flexInt    `json:"timestamp"`
	Opaque    flexString `json:"biz_opaque_callback_data"`
	Pricing   *struct {
		Billable flexBool   `json:"billable"`
		Model    flexString `json:"pricing_model"`
		Category flexString `json:"category"`
		Type     flexString `json:"type"`
	} `json:"pricing"`
	Errors []json.RawMessage `json:"errors"`
}

func parseStatus(h Head, field string, raw json.RawMessage) (Event, error) {
	var s statusJSON
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, malformed("a status: %v", err)
	}
	if s.ID == "" || s.Status == "" {
		return nil, malformed("a status without id or status")
	}
	h.at(s.Timestamp)
	parent := s.RecipientParentID
	if parent == "" {
		parent = s.ParentRecipientID
	}
	h.party(s.RecipientID, s.RecipientUserID, parent)
	switch {
	case strings.EqualFold(string(s.Type), "call"):
		return CallStatus{Head: h, CallID: string(s.ID), Status: CallState(strings.ToUpper(string(s.Status))), Opaque: string(s.Opaque)}, nil
	case field == "calls":
		return Unknown{Head: h, Field: field, Name: string(s.Status), digest: string(s.ID) + "|" + string(s.Status)}, nil
	}
	m := MessageStatus{Head: h, MessageID: string(s.ID), Status: strings.ToLower(string(s.Status)), Errors: decodeErrors(s.Errors), Opaque: string(s.Opaque)}
	if p := s.Pricing; p != nil {
		m.Pricing = &Pricing{bool(p.Billable), string(p.Model), string(p.Category), string(p.Type)}
	}
	return m, nil
}
