package text

import "unicode/utf8"

// PrefixDistance returns the least number of letters to insert, delete, replace or swap with their neighbour
// (optimal string alignment) that turns typed into some beginning of word, or limit+1 when more than limit are
// needed. The limit is 0 to 2.
func PrefixDistance(typed, word string, limit int) int {
	if limit == 0 {
		if len(typed) <= len(word) && word[:len(typed)] == typed {
			return 0
		}
		return 1
	}
	var a, b [maxLetters]rune
	x, y := letters(typed, a[:0]), letters(word, b[:0])
	if len(x) > maxLetters || len(x) > len(y)+limit {
		return limit + 1
	}
	return align(x, y[:min(len(y), len(x)+limit)], limit)
}

// maxLetters bounds the words that are compared with typos; longer ones match without typos only.
const maxLetters = 32

func letters(s string, into []rune) []rune {
	if utf8.RuneCountInString(s) > maxLetters {
		return append(into, []rune(s)[:maxLetters]...)
	}
	for _, r := range s {
		into = append(into, r)
	}
	return into
}

// align fills one row for each letter of x, only as far from the diagonal as limit allows.
func align(x, y []rune, limit int) int {
	var rows [3][maxLetters + 3]int // the row being filled, and the two before it
	over := limit + 1
	row := &rows[0]
	for j := range len(y) + 1 {
		row[j] = min(j, over)
	}
	for i := 1; i <= len(x); i++ {
		row, prev, before := &rows[i%3], &rows[(i+2)%3], &rows[(i+1)%3]
		lo, hi := max(1, i-limit), min(len(y), i+limit)
		row[lo-1] = over
		if lo == 1 {
			row[0] = min(i, over)
		}
		best := row[lo-1]
		for j := lo; j <= hi; j++ {
			cost := prev[j-1]
			if x[i-1] != y[j-1] {
				cost = min(cost, row[j-1])
				if j < i+limit { // the cell above is inside the band
					cost = min(cost, prev[j])
				}
				cost++
				if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
					cost = min(cost, before[j-2]+1)
				}
			}
			row[j] = min(cost, over)
			best = min(best, row[j])
		}
		if best > limit {
			return over
		}
	}
	best := over
	last := &rows[len(x)%3]
	for j := max(0, len(x)-limit); j <= len(y); j++ {
		best = min(best, last[j])
	}
	return best
}
