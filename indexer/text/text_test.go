package text

import (
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestFold(t *testing.T) {
	for in, want := range map[string]string{
		"Conceição": "conceicao", "AÇÃO": "acao", "José": "jose", "D'Ávila": "d avila", "Müller-Groß": "muller gross",
		"  Ana   Maria ": "ana maria", "Nº 5": "no 5", "Ioa\u0303o": "ioao", "": "", "---": "", "李 明": "李 明", "Łukasz": "lukasz", "ﬁlho": "filho",
	} {
		if got := Key(in); got != want {
			t.Errorf("Key(%q) = %q, want %q", in, got, want)
		}
		if got := strings.Join(Words(in), " "); got != want {
			t.Errorf("Words(%q) = %q, want %q", in, got, want)
		}
	}
	if got := Words("Ana ANA aná Bia"); !reflect.DeepEqual(got, []string{"ana", "bia"}) {
		t.Errorf("repeated words: %q", got)
	}
	if got := Code("PED-12.345/a"); got != "ped12345a" {
		t.Errorf("Code: %q", got)
	}
}

func TestFoldingTwiceChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "text")
		if key := Key(s); Key(key) != key {
			t.Fatalf("Key(%q) = %q, folded again %q", s, key, Key(key))
		}
		if code := Code(s); Code(code) != code {
			t.Fatalf("Code(%q) = %q, folded again %q", s, code, Code(code))
		}
	})
}

func TestParse(t *testing.T) {
	for in, want := range map[string]Query{
		"":                     {},
		" (  - ":               {},
		"Maria  CONCEIÇÃO":     {Words: []string{"maria", "conceicao"}},
		"+55 (11) 98888-7777":  {Codes: []string{"5511988887777"}},
		"ana 98888 7777":       {Words: []string{"ana"}, Codes: []string{"988887777"}},
		"98888 ana 7777":       {Words: []string{"ana"}, Codes: []string{"98888", "7777"}},
		"PED-12345":            {Codes: []string{"ped12345"}},
		"ped-1 22 33":          {Codes: []string{"ped1", "2233"}},
		"ana-maria":            {Words: []string{"ana", "maria"}},
		"98888 - 7777":         {Codes: []string{"988887777"}},
		"1 a1 2":               {Codes: []string{"1", "a1", "2"}},
		"\tana\u00a0\u2003bia": {Words: []string{"ana", "bia"}},
	} {
		if got := Parse(in); !reflect.DeepEqual(got, want) {
			t.Errorf("Parse(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestPrefixDistance(t *testing.T) {
	for _, c := range []struct {
		typed, word string
		want        int
	}{
		{"maria", "maria", 0}, {"mar", "maria", 0}, {"maira", "maria", 1}, {"mria", "maria", 1}, {"marria", "maria", 1},
		{"mbria", "maria", 1}, {"conceisao", "conceicao", 1}, {"consecao", "conceicao", 2}, {"xyria", "maria", 2},
		{"mariaxx", "maria", 2}, {"mariaxxx", "maria", 3}, {"silva", "maria", 3}, {"araim", "maria", 3}, {"ção", "cão", 1},
	} {
		for limit := 1; limit <= 2; limit++ {
			if got, want := PrefixDistance(c.typed, c.word, limit), min(c.want, limit+1); got != want {
				t.Errorf("PrefixDistance(%q, %q, %d) = %d, want %d", c.typed, c.word, limit, got, want)
			}
		}
	}
}

// plain is the textbook table of the same distance, without a band.
func plain(a, b []rune) int {
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		for j := range d[i] {
			switch {
			case i == 0:
				d[i][j] = j
			case j == 0:
				d[i][j] = i
			default:
				cost := 1
				if a[i-1] == b[j-1] {
					cost = 0
				}
				d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, d[i-1][j-1]+cost)
				if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
					d[i][j] = min(d[i][j], d[i-2][j-2]+1)
				}
			}
		}
	}
	least := len(a) + len(b)
	for j := range len(b) + 1 {
		least = min(least, d[len(a)][j])
	}
	return least
}

func TestPrefixDistanceIsTheTextbooks(t *testing.T) {
	word := rapid.StringOfN(rapid.RuneFrom([]rune("abcã")), 1, 10, -1)
	rapid.Check(t, func(t *rapid.T) {
		a, b := word.Draw(t, "typed"), word.Draw(t, "word")
		limit := rapid.IntRange(0, 2).Draw(t, "limit")
		if got, want := PrefixDistance(a, b, limit), min(plain([]rune(a), []rune(b)), limit+1); got != want {
			t.Fatalf("PrefixDistance(%q, %q, %d) = %d, want %d", a, b, limit, got, want)
		}
	})
}

func marked(s string, spans []Span) string {
	var out strings.Builder
	at := 0
	for _, sp := range spans {
		out.WriteString(s[at:sp.Start] + "<" + s[sp.Start:sp.End] + ">")
		at = sp.End
	}
	return out.String() + s[at:]
}

func TestHighlight(t *testing.T) {
	for _, c := range []struct {
		query, in, want string
		typos           bool
	}{
		{"conc", "Maria da Conceição", "Maria da <Conc>eição", false},
		{"conceicao", "Maria da Conceição", "Maria da <Conceição>", false},
		{"mar", "Mário Marques", "<Már>io <Mar>ques", false},
		{"ma mari", "Maria", "<Mari>a", false},
		{"conceisao", "Maria da Conceição", "Maria da <Conceição>", true},
		{"conceisao", "Maria da Conceição", "Maria da Conceição", false},
		{"gross", "Groß", "<Groß>", false},
	} {
		if got := marked(c.in, Parse(c.query).InName(c.in, c.typos)); got != c.want {
			t.Errorf("%q in %q: %q, want %q", c.query, c.in, got, c.want)
		}
	}
	for _, c := range [][3]string{
		{"98888", "5511988887777", "5511<98888>7777"}, {"ped12", "PED-12.345", "<PED-12>.345"}, {"12345", "PED-12.345", "PED-<12.345>"}, {"9", "1", "1"},
	} {
		if got := marked(c[1], Parse(c[0]).InCode(c[1])); got != c[2] {
			t.Errorf("%q in %q: %q, want %q", c[0], c[1], got, c[2])
		}
	}
}

func TestHighlightsAreInside(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q, s := Parse(rapid.String().Draw(t, "query")), rapid.String().Draw(t, "text")
		for _, spans := range [][]Span{q.InName(s, true), q.InCode(s)} {
			at := -1
			for _, sp := range spans {
				if sp.Start <= at || sp.End <= sp.Start || sp.End > len(s) || !utf8.RuneStart(s[sp.Start]) || sp.End < len(s) && !utf8.RuneStart(s[sp.End]) {
					t.Fatalf("spans %v of %q", spans, s)
				}
				at = sp.End
			}
		}
	})
}
