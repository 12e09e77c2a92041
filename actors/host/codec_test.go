package host

import (
	"reflect"
	"testing"
	"time"

	"ramal/actors/agent"
	"ramal/actors/call"
	"ramal/actors/contact"
	"ramal/actors/line"
	"ramal/internal/fault"
)

// fill sets every field of a value to something that is not zero.
func fill(v reflect.Value, n *int64) {
	*n++
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(noon.Add(time.Duration(*n) * time.Second)))
		return
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8:
		v.SetBytes([]byte(`{"k":1}`))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString("text" + string(rune('a'+*n%26)))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(*n)
	case reflect.Float64:
		v.SetFloat(float64(*n) / 8)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0), n)
		fill(v.Index(1), n)
	case reflect.Struct:
		for _, field := range v.Fields() {
			fill(field, n)
		}
	}
}

// callCommands are all commands of a call; TestDecodeCall checks that none is missing.
var callCommands = []call.Command{
	call.Dial{}, call.Incoming{}, call.ProviderDialed{}, call.ProviderDialFailed{}, call.ProviderConnected{}, call.ProviderRang{},
	call.ProviderAnswered{}, call.ProviderRejected{}, call.ProviderEnded{}, call.PreAccepted{}, call.AcceptTaken{}, call.AcceptFailed{},
	call.CandidatesFound{}, call.OfferRefused{}, call.Accept{}, call.Decline{}, call.Attach{}, call.Invite{}, call.CancelInvite{},
	call.Leave{}, call.End{}, call.SetMuted{}, call.SetGain{}, call.LegUp{}, call.LegAway{}, call.FirstMedia{}, call.Replace{},
	call.Lost{}, call.Wake{},
}

// TestDecodeCall: every command crosses from one node to another and stays what it was.
func TestDecodeCall(t *testing.T) {
	n := int64(0)
	for _, zero := range callCommands {
		name := call.CommandName(zero)
		t.Run(name, func(t *testing.T) {
			filled := reflect.New(reflect.TypeOf(zero)).Elem()
			fill(filled, &n)
			for what, cmd := range map[string]any{"filled": filled.Interface(), "empty": zero} {
				msg := envelope("acme", name, cmd)
				got, err := decodeCall(msg.GetKind(), msg.GetBody())
				ok(t, err)
				if !reflect.DeepEqual(got, cmd) {
					t.Errorf("%s:\n got %+v\nwant %+v", what, got, cmd)
				}
			}
			if _, err := decodeCall(name, []byte(`[`)); !fault.Is(err, fault.Invalid) {
				t.Errorf("malformed: got %v, want Invalid", err)
			}
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, kind := range []string{"", "dial", "Nonsense", "State", "begin", "view"} {
		_, err := decodeCall(kind, []byte(`{}`))
		wantFault(t, "call "+kind, err, fault.Invalid, "unknown_kind")
	}
	for what, err := range map[string]error{
		"contact": second(contact.DecodeCommand("nonsense", nil)), "agent": second(agent.DecodeCommand("nonsense", nil)),
		"line": second(line.DecodeCommand("nonsense", nil)),
	} {
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: got %v, want Invalid", what, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func FuzzDecodeCall(f *testing.F) {
	for _, c := range callCommands {
		f.Add(call.CommandName(c), []byte(mustJSON(c)))
	}
	f.Add("SetGain", []byte(`{"gain":1e999}`))
	f.Fuzz(func(t *testing.T, kind string, body []byte) {
		cmd, err := decodeCall(kind, body)
		switch {
		case err != nil && (cmd != nil || !fault.Is(err, fault.Invalid)):
			t.Errorf("got %v with %v", cmd, err)
		case err == nil && call.CommandName(cmd) != kind:
			t.Errorf("%q became %s", kind, call.CommandName(cmd))
		}
	})
}

func TestHashOf(t *testing.T) {
	seen := map[string]bool{}
	for _, parts := range [][]string{{}, {""}, {"", ""}, {"ab"}, {"a", "b"}, {"b", "a"}, {"ab", ""}, {"", "ab"}, {"abc"}, {"a", "bc"}} {
		h := hashOf(parts...)
		if len(h) < 26 && len(parts) > 0 {
			t.Errorf("%q: only %d characters: %s", parts, len(h), h)
		}
		if seen[h] {
			t.Errorf("%q has the hash of something else", parts)
		}
		seen[h] = true
		if h != hashOf(parts...) {
			t.Errorf("%q: two hashes", parts)
		}
	}
}
