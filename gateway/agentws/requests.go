package agentws

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"ramal/actors"
	"ramal/internal/fault"
	"ramal/internal/id"
)

// The types that the session answers itself.
const (
	typeHello    = "hello"
	typePing     = "ping"
	typeSnapshot = "snapshot.get"
)

// The lanes: requests of one lane run one after another, in the order of their arrival; those of different lanes,
// and those without a lane, run beside one another. So mute, unmute and leave keep their order, texts arrive
// in the order they were written, and a dial that waits for the provider delays neither.
const (
	laneNone    = ""
	laneCall    = "call"
	laneTalk    = "conversation"
	lanePresent = "presence"
)

// spec says how one request type is read.
type spec struct {
	lane   string
	decode func(data json.RawMessage) (actors.Request, error)
}

// specs is the table of all requests that go to the desk.
var specs = map[string]spec{
	"agent.set_presence": {lanePresent, decoder(func(r *actors.SetPresence) error {
		return first(oneOf("presence", r.Presence, "available", "break"), text("break_code", r.BreakCode, 0, 64))
	})},
	"call.dial": {laneNone, decoder(func(r *actors.Dial) error {
		return first(ident("contact_id", r.Contact), ident("line_id", r.Line), sdp(r.SDP))
	})},
	"offer.accept": {laneNone, decoder(func(r *actors.AcceptOffer) error {
		return first(ident("offer_id", r.Offer), ident("call_id", r.Call), sdp(r.SDP))
	})},
	"offer.decline": {laneNone, decoder(func(r *actors.DeclineOffer) error {
		return first(ident("offer_id", r.Offer), ident("call_id", r.Call))
	})},
	"call.attach": {laneNone, decoder(func(r *actors.AttachMedia) error {
		return first(ident("call_id", r.Call), sdp(r.SDP))
	})},
	"call.invite": {laneCall, decoder(func(r *actors.Invite) error {
		return first(ident("call_id", r.Call), ident("agent_id", r.Agent), text("note", r.Note, 0, 280))
	})},
	"call.cancel_invite": {laneCall, decoder(func(r *actors.CancelInvite) error {
		return first(ident("call_id", r.Call), ident("agent_id", r.Agent))
	})},
	"call.leave": {laneCall, decoder(func(r *actors.Leave) error { return ident("call_id", r.Call) })},
	"call.end":   {laneCall, decoder(func(r *actors.End) error { return ident("call_id", r.Call) })},
	"call.mute":  {laneCall, decoder(func(r *actors.Mute) error { return ident("call_id", r.Call) }, "muted")},
	"call.volume": {laneCall, decoder(func(r *actors.SetVolume) error {
		return first(ident("call_id", r.Call), ident("leg_id", r.Leg), gain(r.Gain))
	}, "gain")},
	"permission.request": {laneTalk, decoder(func(r *actors.RequestPermission) error {
		return first(ident("contact_id", r.Contact), ident("line_id", r.Line), text("text", r.Text, 0, 1024))
	})},
	"message.send": {laneTalk, decoder(func(r *actors.SendText) error {
		return first(ident("contact_id", r.Contact), ident("line_id", r.Line), text("text", r.Text, 1, 4096))
	})},
	"message.call_button": {laneTalk, decoder(func(r *actors.SendCallButton) error {
		return first(ident("contact_id", r.Contact), ident("line_id", r.Line), text("text", r.Text, 0, 1024))
	})},
	"notice.ack": {laneNone, decoder(func(r *actors.AckNotices) error {
		if n := len(r.IDs); n < 1 || n > 100 {
			return invalidField("notice_ids", "must name 1 to 100 notices")
		}
		for _, one := range r.IDs {
			if !id.Valid(one) {
				return invalidField("notice_ids", "holds something that is not an id")
			}
		}
		return nil
	})},
}

// Types returns every request type, the session's own included, sorted. A test that tries all of them starts here.
func Types() []string {
	all := []string{typeHello, typePing, typeSnapshot}
	for t := range specs {
		all = append(all, t)
	}
	slices.Sort(all)
	return all
}

// Decode reads the data of one request type for the desk. Faults: Invalid "unknown_type", "bad_data".
func Decode(kind string, data json.RawMessage) (actors.Request, error) {
	s, ok := specs[kind]
	if !ok {
		return nil, fault.Newf(fault.Invalid, "agentws.decode", "unknown_type", "there is no request %.64q", kind)
	}
	return s.decode(data)
}

// decoder makes a strict reader of one request struct: unknown fields are refused by name, check judges the values
// and required names fields that must be written although their zero value is meaningful.
func decoder[R actors.Request](check func(*R) error, required ...string) func(json.RawMessage) (actors.Request, error) {
	return func(data json.RawMessage) (actors.Request, error) {
		var r R
		if err := strict(data, &r); err != nil {
			return nil, err
		}
		if len(required) > 0 {
			var present map[string]json.RawMessage
			if err := json.Unmarshal(data, &present); err != nil {
				return nil, invalid("the data are not an object")
			}
			for _, field := range required {
				if raw, ok := present[field]; !ok || string(raw) == "null" {
					return nil, invalidField(field, "is missing")
				}
			}
		}
		if err := check(&r); err != nil {
			return nil, err
		}
		return r, nil
	}
}

// strict decodes exactly one JSON object into v; absent data read as an empty object.
func strict(data json.RawMessage, v any) error {
	data = bytes.TrimSpace(data)
	if len(data) == 0 || string(data) == "null" {
		data = json.RawMessage("{}")
	}
	if data[0] != '{' {
		return invalid("the data are not an object")
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	err := dec.Decode(v)
	if typed, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return invalidField(typed.Field, "must not be a JSON "+typed.Value)
	}
	if err != nil {
		if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
			return invalidField(strings.Trim(name, `"`), "is not a field of this request")
		}
		return invalid("the data are not valid JSON")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return invalid("something follows the data")
	}
	return nil
}

func invalid(detail string) error {
	return fault.New(fault.Invalid, "agentws.decode", "bad_data", detail)
}

func invalidField(field, detail string) error {
	return fault.Newf(fault.Invalid, "agentws.decode", "bad_data", "%.64s: %s", field, detail)
}

func ident[T ~string](field string, v T) error {
	switch {
	case v == "":
		return invalidField(field, "is missing")
	case !id.Valid(string(v)):
		return invalidField(field, "is not an id")
	}
	return nil
}

func text(field, v string, least, most int) error {
	switch n := utf8.RuneCountInString(v); {
	case n < least:
		return invalidField(field, "is missing")
	case n > most:
		return fault.Newf(fault.Invalid, "agentws.decode", "bad_data", "%s: has %d characters, more than %d", field, n, most)
	}
	if strings.ContainsFunc(v, control) {
		return invalidField(field, "holds a control character")
	}
	return nil
}

// control reports characters that no text needs and that not every store and screen takes: all but tab and line ends.
func control(r rune) bool { return unicode.IsControl(r) && r != '\t' && r != '\n' && r != '\r' }

// maxSDP bounds a browser's offer, in bytes; real ones are a few kilobytes.
const maxSDP = 32 << 10

func sdp(v string) error {
	switch {
	case v == "":
		return invalidField("sdp", "is missing")
	case len(v) > maxSDP:
		return invalidField("sdp", "is too long")
	}
	return nil
}

func gain(v float64) error {
	if math.IsNaN(v) || v < 0 || v > 2 {
		return invalidField("gain", "is not within 0 to 2")
	}
	return nil
}

func oneOf(field, v string, allowed ...string) error {
	switch {
	case v == "":
		return invalidField(field, "is missing")
	case !slices.Contains(allowed, v):
		return invalidField(field, "is none of "+strings.Join(allowed, ", "))
	}
	return nil
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
