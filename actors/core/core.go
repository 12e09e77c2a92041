// Package core holds what the pure cores do alike beside their rules: it finds commands by their names, makes times that
// compare and encode the same everywhere, and bounds lists.
//
// It is not a framework: a core neither embeds nor implements anything of it. It does no I/O and keeps no state: a Catalogue is
// made once and only read.
package core

import (
	"encoding/json"
	"reflect"
	"slices"
	"time"

	"ramal/internal/fault"
)

// Catalogue finds a core's commands by their names. It does not change once made.
type Catalogue[C any] struct {
	op     string
	zeros  []C
	byName map[string]C
}

// NewCatalogue makes the catalogue of what holds the zero value of every command; core is the word before the faults' "decode".
func NewCatalogue[C any](core string, name func(C) string, zeros ...C) Catalogue[C] {
	c := Catalogue[C]{op: core + ".decode", zeros: zeros, byName: make(map[string]C, len(zeros))}
	for _, zero := range zeros {
		c.byName[name(zero)] = zero
	}
	return c
}

// All returns the zero value of every command.
func (c Catalogue[C]) All() []C { return slices.Clone(c.zeros) }

// ByName returns the zero value of the command of that name.
func (c Catalogue[C]) ByName(name string) (zero C, ok bool) {
	zero, ok = c.byName[name]
	return zero, ok
}

// Decode reads the JSON of the command of that name. Fault: Invalid "unknown_command" or "malformed_command".
func (c Catalogue[C]) Decode(name string, data []byte) (cmd C, err error) {
	zero, ok := c.ByName(name)
	if !ok {
		return cmd, fault.Newf(fault.Invalid, c.op, "unknown_command", "there is no command %q", name)
	}
	into := reflect.New(reflect.TypeOf(zero))
	if err := json.Unmarshal(data, into.Interface()); err != nil {
		return cmd, &fault.Error{Kind: fault.Invalid, Op: c.op, Code: "malformed_command", Detail: name, Cause: err}
	}
	return into.Elem().Interface().(C), nil // cannot fail: into points to the type of a C
}

// Clean makes a time that compares and encodes the same everywhere: UTC, without the monotonic part.
func Clean(t time.Time) time.Time { return t.UTC().Round(0) }

// Later returns the later of two times.
func Later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// KeepLast returns the last n of in, in a list of their own where some are left out.
func KeepLast[T any](in []T, n int) []T {
	if len(in) <= n {
		return in
	}
	return slices.Clone(in[len(in)-n:])
}
