package text

import (
	"slices"
	"strings"
)

// Span is a stretch of bytes of a text, End excluded; it begins and ends between letters.
type Span struct {
	Start int `json:"start"`
	End   int `json:"end"`
}

// InName returns what of a name matches the query: the beginnings of words that were typed, or, where typos is set
// and a word is matched in no other way, the whole of the words that come nearest to it.
func (q Query) InName(name string, typos bool) []Span {
	var found []Span
	words := spans(name)
	for _, typed := range append(slices.Clone(q.Words), q.Codes...) {
		exact := false
		for _, w := range words {
			if strings.HasPrefix(w.folded, typed) {
				found = append(found, Span{w.start, w.start + unfolded(name[w.start:w.end], 0, len(typed))})
				exact = true
			}
		}
		if exact || !typos {
			continue
		}
		least := MaxTypos(typed)
		for _, w := range words {
			least = min(least, PrefixDistance(typed, w.folded, least))
		}
		for _, w := range words {
			if least > 0 && PrefixDistance(typed, w.folded, least) == least {
				found = append(found, Span{w.start, w.end})
			}
		}
	}
	return merge(found)
}

// InCode returns where the codes of the query stand in a phone or an order number.
func (q Query) InCode(s string) []Span {
	var found []Span
	folded := Code(s)
	for _, code := range q.Codes {
		if at := strings.Index(folded, code); at >= 0 {
			start := unfolded(s, 0, at)
			for start < len(s) && !foldsToSome(s[start:]) {
				start++
			}
			found = append(found, Span{start, unfolded(s, 0, at+len(code))})
		}
	}
	return merge(found)
}

func foldsToSome(s string) bool {
	for _, r := range s {
		return len(appendFolded(nil, r)) > 0
	}
	return false
}

// unfolded returns how many bytes of s, from start on, fold to at least the given number of bytes.
func unfolded(s string, start, folded int) int {
	var buf [16]byte
	n := 0
	for i, r := range s[start:] {
		if n >= folded {
			return start + i
		}
		n += len(appendFolded(buf[:0], r))
	}
	return len(s)
}

func merge(spans []Span) []Span {
	slices.SortFunc(spans, func(a, b Span) int { return a.Start - b.Start })
	out := spans[:0]
	for _, s := range spans {
		if n := len(out); n > 0 && s.Start <= out[n-1].End {
			out[n-1].End = max(out[n-1].End, s.End)
		} else {
			out = append(out, s)
		}
	}
	return out
}
