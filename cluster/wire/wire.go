// Package wire is what crosses from one node to another: one envelope with a version, a kind and bytes.
//
// It is not a codec for what is inside: whoever owns a kind owns the layout of its body. It holds no state. An
// envelope is immutable once it was sent, because a local receiver gets the very same one.
//
// Invariant: nothing a peer sends can crash the receiver or fall silent. A kind nobody knows is answered with
// UnknownKind, a version from the future with Check's error, and an error keeps kind, code, detail and time on its way.
package wire

//go:generate protoc --plugin=protoc-gen-go=./protoc-gen-go.sh --go_out=. --go_opt=paths=source_relative envelope.proto

import (
	"errors"
	"time"

	"ramal/internal/fault"
	"ramal/internal/id"
)

// Version is the version of the envelopes this release writes, and the newest it reads.
const Version = 1

// MaxBody is the largest body in bytes. A batch of them (200) fits into one transport message (64 MiB).
const MaxBody = 256 << 10

// Kinds of the envelopes this package makes.
const (
	KindFault = "fault" // an answer that is an error
	KindOK    = "ok"    // an answer without content
)

// Codes of the faults this package makes.
const (
	CodeUnknownKind    = "unknown_kind"
	CodeUnknownVersion = "unknown_version"
	CodeTooLarge       = "too_large"
)

// New returns an envelope of this release's version.
func New(kind string, tenant id.Tenant, body []byte) *Envelope {
	return &Envelope{Version: Version, Kind: kind, Tenant: string(tenant), Body: body}
}

// OK returns the answer that says nothing but yes.
func OK() *Envelope { return New(KindOK, "", nil) }

// Check reports whether this release can read e: Invalid for a newer version, for none and for an oversize body.
func Check(e *Envelope) error {
	switch {
	case e == nil || e.Version == 0:
		return fault.New(fault.Invalid, "wire.check", CodeUnknownVersion, "an envelope without a version")
	case e.Version > Version:
		return fault.Newf(fault.Invalid, "wire.check", CodeUnknownVersion, "version %d is newer than %d", e.Version, Version)
	case len(e.Body) > MaxBody:
		return fault.Newf(fault.Invalid, "wire.check", CodeTooLarge, "a body of %d bytes exceeds %d", len(e.Body), MaxBody)
	}
	return nil
}

// UnknownKind returns the answer to an envelope whose kind the receiver does not know.
func UnknownKind(e *Envelope) *Envelope {
	return Fault(fault.Newf(fault.Invalid, "wire.receive", CodeUnknownKind, "unknown kind %.64q", e.GetKind()))
}

// Fault returns the answer that carries err. The cause, which may hold anything, stays on this node. An error without
// a kind becomes Internal; a nil err is OK.
func Fault(err error) *Envelope {
	if err == nil {
		return OK()
	}
	f := &Failure{Kind: string(fault.KindOf(err)), Code: fault.CodeOf(err)}
	for e := (*fault.Error)(nil); errors.As(err, &e); err = e.Cause {
		if f.Op == "" {
			f.Op = e.Op
		}
		if f.Detail == "" {
			f.Detail = e.Detail
		}
		if f.NextAllowedUnixMs == 0 && !e.NextAllowed.IsZero() {
			f.NextAllowedUnixMs = e.NextAllowed.UnixMilli()
		}
	}
	e := New(KindFault, "", nil)
	e.Failure = f
	return e
}

// Err returns the error that e carries, nil for any other envelope. A kind of error that this release does not know
// is Internal.
func Err(e *Envelope) error {
	f := e.GetFailure()
	if f == nil {
		return nil
	}
	err := fault.New(kind(f.Kind), f.Op, f.Code, f.Detail)
	if f.NextAllowedUnixMs != 0 {
		err.NextAllowed = time.UnixMilli(f.NextAllowedUnixMs).UTC()
	}
	return err
}

func kind(s string) fault.Kind {
	switch k := fault.Kind(s); k {
	case fault.Invalid, fault.Denied, fault.NotFound, fault.Conflict, fault.Unavailable, fault.Exhausted, fault.Internal, fault.Unknown:
		return k
	}
	return fault.Internal
}
