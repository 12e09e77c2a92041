// Package fault gives every error that crosses a package a kind for machines and a sentence for people.
// A core rejects with New, an adapter wraps once at its port with Wrap, the gateway alone turns a kind
// into an HTTP status or a WebSocket close code. errors.Is and errors.As find the cause behind a Wrap.
package fault

import (
	"errors"
	"fmt"
	"time"
)

// Kind says what a caller can do about an error. The list is closed: it is a metric label.
type Kind string

// The kinds. The zero value is not one of them: an error without a kind is Internal.
const (
	Invalid     Kind = "invalid"     // the request is wrong; sending it again changes nothing
	Denied      Kind = "denied"      // the caller may not do this
	NotFound    Kind = "not_found"   // there is no such thing, or not for this tenant
	Conflict    Kind = "conflict"    // the thing is in another state, or somebody else was first
	Unavailable Kind = "unavailable" // a dependency is away; the same request may succeed later
	Exhausted   Kind = "exhausted"   // a limit is reached; NextAllowed says until when, where known
	Internal    Kind = "internal"    // a defect of ours
	Unknown     Kind = "unknown"     // sent, but the outcome is not known: never repeat blindly
)

// Error is an error with a kind. Code is a stable word a client can branch on, such as
// "permission_missing"; Detail is a sentence for people, in English, without secrets.
type Error struct {
	Kind        Kind
	Op          string    // what was being done, such as "contact.reserve_call"
	Code        string    // optional: finer than Kind, stable
	Detail      string    // optional
	NextAllowed time.Time // optional: when an Exhausted or Unavailable request may succeed
	Cause       error     // optional
}

// Error renders "op: detail (code): cause", leaving out what is empty.
func (e *Error) Error() string {
	s := e.Op
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	if e.Code != "" {
		s += " (" + e.Code + ")"
	} else if e.Detail == "" {
		s += ": " + string(e.Kind)
	}
	if e.Cause != nil {
		s += ": " + e.Cause.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// New returns a rejection made here.
func New(kind Kind, op, code, detail string) *Error {
	return &Error{Kind: kind, Op: op, Code: code, Detail: detail}
}

// Newf is New with a formatted detail.
func Newf(kind Kind, op, code, format string, args ...any) *Error {
	return New(kind, op, code, fmt.Sprintf(format, args...))
}

// Wrap gives err a kind at the port where it entered. A nil err stays nil.
func Wrap(kind Kind, op string, err error) error {
	if err == nil {
		return nil
	}
	return &Error{Kind: kind, Op: op, Cause: err}
}

// KindOf returns the kind of the outermost Error in err's chain, Internal where there is none and "" for nil.
func KindOf(err error) Kind {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Internal
}

// CodeOf returns the first code in err's chain, or "".
func CodeOf(err error) string {
	for {
		e, ok := errors.AsType[*Error](err)
		if !ok {
			return ""
		}
		if e.Code != "" {
			return e.Code
		}
		err = e.Cause
	}
}

// Is reports whether err is of the given kind.
func Is(err error, kind Kind) bool { return KindOf(err) == kind }
