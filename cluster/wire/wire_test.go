package wire_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"ramal/cluster/wire"
	"ramal/internal/fault"
)

// over sends e through its encoding, as another node would get it.
func over(t *testing.T, e *wire.Envelope) *wire.Envelope {
	t.Helper()
	b, err := proto.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	var out wire.Envelope
	if err := proto.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	return &out
}

func TestFaultKeepsItsMeaning(t *testing.T) {
	at := time.Date(2026, 5, 1, 12, 30, 0, 250_000_000, time.UTC)
	limit := &fault.Error{Kind: fault.Exhausted, Op: "contact.reserve_call", Code: "call_limit", Detail: "5 of 5 calls", NextAllowed: at}
	for _, c := range []struct {
		name string
		in   error
		want fault.Error
	}{
		{"a rejection", limit, *limit},
		{"a wrapped rejection", fault.Wrap(fault.Unavailable, "host.send", limit),
			fault.Error{Kind: fault.Unavailable, Op: "host.send", Code: "call_limit", Detail: "5 of 5 calls", NextAllowed: at}},
		{"the cause stays", fault.Wrap(fault.Unavailable, "store.save", errors.New("password=x")),
			fault.Error{Kind: fault.Unavailable, Op: "store.save"}},
		{"an error without a kind", errors.New("secret"), fault.Error{Kind: fault.Internal}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got *fault.Error
			if err := wire.Err(over(t, wire.Fault(c.in))); !errors.As(err, &got) {
				t.Fatalf("got %v", err)
			}
			if *got != c.want {
				t.Fatalf("got %+v, want %+v", *got, c.want)
			}
		})
	}
	for _, k := range []fault.Kind{fault.Invalid, fault.Denied, fault.NotFound, fault.Conflict, fault.Unavailable,
		fault.Exhausted, fault.Internal, fault.Unknown} {
		if got := fault.KindOf(wire.Err(over(t, wire.Fault(fault.New(k, "op", "", ""))))); got != k {
			t.Errorf("%s became %s", k, got)
		}
	}
}

func TestFaultOfTheFutureIsInternal(t *testing.T) {
	e := wire.Fault(fault.New(fault.Invalid, "op", "code", ""))
	e.Failure.Kind = "teapot"
	if err := wire.Err(over(t, e)); !fault.Is(err, fault.Internal) || fault.CodeOf(err) != "code" {
		t.Fatal(err)
	}
}

func TestNoFault(t *testing.T) {
	for _, e := range []*wire.Envelope{nil, wire.OK(), wire.Fault(nil), wire.New("line.get", "farma", []byte("x"))} {
		if err := wire.Err(e); err != nil {
			t.Errorf("%v: %v", e, err)
		}
	}
}

func TestCheck(t *testing.T) {
	future := wire.New("call.end", "farma", nil)
	future.Version = wire.Version + 1
	for _, c := range []struct {
		name string
		e    *wire.Envelope
		code string
	}{
		{"ours", wire.New("call.end", "farma", make([]byte, wire.MaxBody)), ""},
		{"newer", over(t, future), wire.CodeUnknownVersion},
		{"none", &wire.Envelope{Kind: "call.end"}, wire.CodeUnknownVersion},
		{"nil", nil, wire.CodeUnknownVersion},
		{"too large", wire.New("call.end", "farma", make([]byte, wire.MaxBody+1)), wire.CodeTooLarge},
	} {
		err := wire.Check(c.e)
		if fault.CodeOf(err) != c.code || (err != nil && !fault.Is(err, fault.Invalid)) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestUnknownKind(t *testing.T) {
	err := wire.Err(over(t, wire.UnknownKind(wire.New(strings.Repeat("x", 500), "farma", nil))))
	if fault.CodeOf(err) != wire.CodeUnknownKind || !fault.Is(err, fault.Invalid) || len(err.Error()) > 200 {
		t.Fatal(err)
	}
}

// FuzzErr feeds what a peer might send.
func FuzzErr(f *testing.F) {
	b, _ := proto.Marshal(wire.Fault(fault.New(fault.Denied, "op", "code", "detail")))
	f.Add(b)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		var e wire.Envelope
		if proto.Unmarshal(b, &e) != nil {
			return
		}
		_ = wire.Check(&e)
		if err := wire.Err(&e); err != nil {
			again := wire.Err(wire.Fault(err))
			if fault.KindOf(again) != fault.KindOf(err) || fault.CodeOf(again) != fault.CodeOf(err) {
				t.Fatalf("%v became %v", err, again)
			}
		}
	})
}
