package text

import (
	"strings"
	"unicode/utf8"
)

// Query is what somebody typed into a search field. A contact matches when every word begins some word of its name
// and every code stands somewhere in the digits of its phone, somewhere in its order number, or begins a word of
// its name. The zero Query asks for nothing.
type Query struct {
	Words []string // folded, in the order typed
	Codes []string // folded letters and digits, with at least one digit
}

// Parse splits text at white space. A piece that holds a digit is a code, punctuation left out, and neighbouring
// pieces of digits only are one code: "+55 (11) 98888-7777" asks for 5511988887777. The rest is words.
func Parse(text string) Query {
	var q Query
	digits := false // the last piece was of digits only
	for piece := range strings.FieldsSeq(text) {
		code := Code(piece)
		switch {
		case code == "":
			continue
		case !strings.ContainsAny(code, "0123456789"):
			q.Words = append(q.Words, Words(piece)...)
			digits = false
		case digits && onlyDigits(code):
			q.Codes[len(q.Codes)-1] += code
		default:
			q.Codes = append(q.Codes, code)
			digits = onlyDigits(code)
		}
	}
	return q
}

// Empty reports whether the query asks for nothing, as white space and punctuation do.
func (q Query) Empty() bool { return len(q.Words) == 0 && len(q.Codes) == 0 }

func onlyDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// MaxTypos returns how many typos a word that somebody typed may hold: none below 4 letters, one below 8, then two.
func MaxTypos(word string) int {
	switch n := utf8.RuneCountInString(word); {
	case n >= 8:
		return 2
	case n >= 4:
		return 1
	}
	return 0
}
