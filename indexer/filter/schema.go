package filter

import (
	"maps"
	"slices"

	"ramal/internal/fault"
)

// Kind is the type of a field.
type Kind uint8

// The kinds. The zero value is none of them.
const (
	Text    Kind = iota + 1 // one string, such as a status
	Number                  // decimal with up to 6 decimals
	Money                   // whole cents
	Date                    // instant, to the millisecond
	Boolean                 // true or false
	Tags                    // a set of strings
)

var kindNames = [...]string{Text: "text", Number: "number", Money: "money", Date: "date", Boolean: "boolean", Tags: "tags"}

// String returns the kind's word in a declaration.
func (k Kind) String() string {
	if k.valid() {
		return kindNames[k]
	}
	return "unknown"
}

func (k Kind) valid() bool { return k >= Text && k <= Tags }

func (k Kind) numeric() bool { return k == Number || k == Money || k == Date }

// ParseKind is the inverse of Kind.String; false for any other word.
func ParseKind(word string) (Kind, bool) {
	i := slices.Index(kindNames[:], word)
	return Kind(max(i, 0)), i > 0
}

// Schema says which fields there are and of what kind. The zero Schema has none. It never changes once made.
type Schema struct {
	kinds map[string]Kind
}

// NewSchema returns a schema of the given fields; Invalid when a name or a kind is none.
func NewSchema(fields map[string]Kind) (Schema, error) {
	for name, kind := range fields {
		if !ValidName(name) {
			return Schema{}, fault.Newf(fault.Invalid, "filter.schema", "bad_field_name", "%q is no name of a field", name)
		}
		if !kind.valid() {
			return Schema{}, fault.Newf(fault.Invalid, "filter.schema", "bad_field_kind", "field %q has no kind", name)
		}
	}
	return Schema{maps.Clone(fields)}, nil
}

// Kind returns the kind of a field.
func (s Schema) Kind(field string) (Kind, bool) {
	k, ok := s.kinds[field]
	return k, ok
}

// Names returns the fields in the order of their names.
func (s Schema) Names() []string { return slices.Sorted(maps.Keys(s.kinds)) }

// ValidName reports whether name may name a field: a lower-case letter, then letters, digits, "_" and ".", at most
// 64 bytes.
func ValidName(name string) bool {
	if name == "" || len(name) > 64 || !lower(name[0]) {
		return false
	}
	for i := range len(name) {
		if !inName(name[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) bool  { return c >= 'a' && c <= 'z' }
func digit(c byte) bool  { return c >= '0' && c <= '9' }
func inName(c byte) bool { return lower(c) || digit(c) || c == '_' || c == '.' }
