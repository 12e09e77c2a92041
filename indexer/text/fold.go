// Package text decides how people's words are compared: accents and case folded for Portuguese, names cut into
// words, what somebody typed into a search field split into words and codes (digits of a phone, an order number),
// the distance between two words, and what to highlight. It is not a ranking and holds no index. It is pure and has
// no state, so every driver of the search port cuts and folds in the same way: a driver indexes what this package
// returns instead of trusting its engine's own tokenizer.
package text

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// latin holds the folded form of the first runes of Unicode: nearly all that is written in Portuguese.
var latin = func() (table [0x180]string) {
	for r := range table {
		table[r] = foldRune(rune(r))
	}
	return table
}()

// undecomposed are letters that Unicode does not decompose but people read as others.
var undecomposed = map[rune]string{'ß': "ss", 'ø': "o", 'æ': "ae", 'œ': "oe", 'ł': "l", 'đ': "d", 'ð': "d", 'þ': "th", 'ı': "i", 'ħ': "h"}

// foldRune returns the lower-case letters and digits left of one rune without its marks, "" for all that is neither.
func foldRune(r rune) string {
	var out strings.Builder
	for _, part := range norm.NFKD.String(string(r)) {
		part = unicode.ToLower(part)
		if plain, ok := undecomposed[part]; ok {
			out.WriteString(plain)
		} else if unicode.IsLetter(part) || unicode.IsNumber(part) {
			out.WriteRune(part)
		}
	}
	return out.String()
}

func appendFolded(dst []byte, r rune) []byte {
	switch {
	case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
		return append(dst, byte(r))
	case r >= 'A' && r <= 'Z':
		return append(dst, byte(r)+'a'-'A')
	case r < rune(len(latin)):
		return append(dst, latin[r]...)
	}
	return append(dst, foldRune(r)...)
}

func inWord(r rune) bool {
	if r < utf8.RuneSelf {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
	}
	return unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r)
}

// Code returns the folded letters and digits of s, all else left out: "PED-12.345" is "ped12345".
func Code(s string) string {
	out := make([]byte, 0, len(s))
	for _, r := range s {
		out = appendFolded(out, r)
	}
	return string(out)
}

// Key is the form by which texts are sorted: their folded words with one space between them. Texts that differ only
// in case, accents or punctuation have the same key.
func Key(s string) string {
	out := make([]byte, 0, len(s))
	gap := false
	for _, r := range s {
		if !inWord(r) {
			gap = len(out) > 0
			continue
		}
		was := len(out)
		out = appendFolded(out, r)
		if gap && len(out) > was {
			out = append(out, 0)
			copy(out[was+1:], out[was:])
			out[was] = ' '
			gap = false
		}
	}
	return string(out)
}

// Words returns the distinct folded words of s in the order of their first appearance. "D'Ávila" is two words.
func Words(s string) []string {
	var words []string
	for _, w := range spans(s) {
		seen := false
		for _, earlier := range words {
			seen = seen || earlier == w.folded
		}
		if !seen {
			words = append(words, w.folded)
		}
	}
	return words
}

// span is one word of a text: its bytes in the text and its folded form.
type span struct {
	start, end int
	folded     string
}

func spans(s string) []span {
	var out []span
	for start := 0; start < len(s); {
		end := start
		for end < len(s) {
			r, size := utf8.DecodeRuneInString(s[end:])
			if !inWord(r) {
				break
			}
			end += size
		}
		if folded := Code(s[start:end]); folded != "" {
			out = append(out, span{start, end, folded})
		}
		_, between := utf8.DecodeRuneInString(s[end:])
		start = end + between
	}
	return out
}
