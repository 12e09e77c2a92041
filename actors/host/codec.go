package host

import (
	"encoding/json"
	"reflect"

	"ramal/actors/call"
	"ramal/cluster/wire"
	"ramal/internal/fault"
	"ramal/internal/id"
)

// The kinds of actors, as the cluster and the wire name them.
const (
	kindContact = "contact"
	kindAgent   = "agent"
	kindLine    = "line"
	kindCall    = "call"
)

// envelope packs a message. A body that cannot be encoded is a defect of ours.
func envelope(tenant id.Tenant, kind string, body any) *wire.Envelope {
	return wire.New(kind, tenant, mustJSON(body))
}

func unpack(raw []byte, into any) error {
	if err := json.Unmarshal(raw, into); err != nil {
		return fault.Wrap(fault.Invalid, "host.unpack", err)
	}
	return nil
}

// decodeCall reads a message as a call's command.
func decodeCall(kind string, body []byte) (call.Command, error) {
	zero, ok := call.CommandByName(kind)
	if !ok {
		return nil, fault.Newf(fault.Invalid, "host.decode", "unknown_kind", "this version knows no message %q", kind)
	}
	into := reflect.New(reflect.TypeOf(zero))
	if err := unpack(body, into.Interface()); err != nil {
		return nil, err
	}
	cmd, _ := reflect.TypeAssert[call.Command](into.Elem())
	return cmd, nil
}

// mustJSON encodes a value of ours; failing to is a defect.
func mustJSON(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		panic("host: a value cannot be encoded: " + err.Error())
	}
	return raw
}
