package fault

import (
	"errors"
	"io"
	"testing"
)

func TestKindAndCodeSurviveWrapping(t *testing.T) {
	inner := New(Exhausted, "contact.reserve_call", "daily_limit", "5 of 5 calls are used")
	outer := Wrap(Unavailable, "gateway.dial", inner)
	if KindOf(outer) != Unavailable {
		t.Errorf("the outermost kind is %q", KindOf(outer))
	}
	if CodeOf(outer) != "daily_limit" {
		t.Errorf("the code is %q", CodeOf(outer))
	}
	if !errors.Is(Wrap(Internal, "read", io.EOF), io.EOF) {
		t.Error("errors.Is does not find the cause")
	}
	if got, want := inner.Error(), "contact.reserve_call: 5 of 5 calls are used (daily_limit)"; got != want {
		t.Errorf("Error() = %q, want %q", got, want)
	}
}

func TestErrorsWithoutKind(t *testing.T) {
	if Wrap(Internal, "x", nil) != nil || KindOf(nil) != "" || KindOf(io.EOF) != Internal || CodeOf(io.EOF) != "" {
		t.Error("plain and nil errors are not treated as documented")
	}
}
