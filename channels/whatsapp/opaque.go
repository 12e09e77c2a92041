package whatsapp

import (
	"strings"

	"ramal/internal/id"
)

// MaxOpaque is the longest biz_opaque_callback_data Meta accepts, in characters.
const MaxOpaque = 512

// Opaque is what we let Meta carry through a call and read again in its webhooks: it finds our call when the
// webhook comes before the answer that holds Meta's call id. It is a hint, not a proof: the reader checks that
// the call exists and belongs to the line.
type Opaque struct {
	Tenant id.Tenant
	Call   id.Call
}

// String encodes o as "tenant=…;call=…".
func (o Opaque) String() string { return "tenant=" + string(o.Tenant) + ";call=" + string(o.Call) }

// ParseOpaque decodes what String made. ok is false for anything that is not ours; unknown keys are skipped.
func ParseOpaque(s string) (o Opaque, ok bool) {
	if len(s) > MaxOpaque {
		return Opaque{}, false
	}
	for part := range strings.SplitSeq(s, ";") {
		key, value, found := strings.Cut(part, "=")
		switch {
		case !found:
			return Opaque{}, false
		case key == "tenant":
			o.Tenant = id.Tenant(value)
		case key == "call":
			o.Call = id.Call(value)
		}
	}
	if !id.Valid(string(o.Tenant)) || !id.Valid(string(o.Call)) {
		return Opaque{}, false
	}
	return o, true
}
