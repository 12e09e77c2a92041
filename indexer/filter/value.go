package filter

import "time"

// Value is one field's value. Which member counts is said by Kind; the zero Value is none.
type Value struct {
	Kind Kind
	Text string   // Text
	Int  int64    // Number: millionths; Money: cents; Date: milliseconds since 1970; Boolean: 0 or 1
	Tags []string // Tags
}

// Scale is the number of units of Value.Int in the number 1.
const Scale = 1_000_000

// limit bounds numbers and money on both sides, so that there is room beyond every value for "open" and "absent".
const limit = int64(1) << 62

// TextOf returns a text value; the empty text is no value.
func TextOf(s string) Value {
	if s == "" {
		return Value{}
	}
	return Value{Kind: Text, Text: s}
}

// NumberOf returns a number of millionths.
func NumberOf(millionths int64) Value { return Value{Kind: Number, Int: millionths} }

// MoneyOf returns an amount of cents.
func MoneyOf(cents int64) Value { return Value{Kind: Money, Int: cents} }

// DateOf returns an instant, cut to the millisecond; the zero time is no value.
func DateOf(t time.Time) Value {
	if t.IsZero() {
		return Value{}
	}
	return Value{Kind: Date, Int: t.UnixMilli()}
}

// BooleanOf returns a truth value.
func BooleanOf(b bool) Value {
	v := Value{Kind: Boolean}
	if b {
		v.Int = 1
	}
	return v
}

// TagsOf returns a set of tags; the empty set is no value.
func TagsOf(tags ...string) Value {
	if len(tags) == 0 {
		return Value{}
	}
	return Value{Kind: Tags, Tags: tags}
}

// Present reports whether there is a value.
func (v Value) Present() bool { return v.Kind != 0 }

// Time returns a date's instant, in UTC, and the zero time where there is no value.
func (v Value) Time() time.Time {
	if v.Kind != Date {
		return time.Time{}
	}
	return time.UnixMilli(v.Int).UTC()
}

// Bounds returns the least and the greatest Value.Int of a kind, both allowed.
func Bounds(kind Kind) (least, greatest int64) {
	switch kind {
	case Date:
		return firstDate, lastDate
	case Boolean:
		return 0, 1
	default:
		return -limit, limit
	}
}

// The years 0001 to 9999, in milliseconds since 1970.
const (
	firstDate = int64(-62135596800_000)
	lastDate  = int64(253402300799_999)
)
