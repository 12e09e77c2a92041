package filter

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"ramal/internal/fault"
)

// Limits of what is parsed. A zero member takes its default.
type Limits struct {
	Length     int // bytes of text; default 4000
	Depth      int // parentheses and "!" inside one another; default 16
	Conditions int // "field:..." in all; default 100
	Values     int // in one list; default 250
}

// MaxText is the largest number of bytes of one text value.
const MaxText = 200

func (l Limits) withDefaults() Limits {
	for _, m := range []struct {
		member *int
		or     int
	}{{&l.Length, 4000}, {&l.Depth, 16}, {&l.Conditions, 100}, {&l.Values, 250}} {
		if *m.member <= 0 {
			*m.member = m.or
		}
	}
	return l
}

// SyntaxError says where a filter is wrong: the text up to At is the beginning of some filter, and what would
// continue it is missing there.
type SyntaxError struct {
	At   int    // in bytes, from 0
	Want string // what was expected, such as "a number"
	Got  string // what stands there, "the end" at the end
}

// Error renders "position 7: expected a number, found `abc`", counting from 1.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("position %d: expected %s, found %s", e.At+1, e.Want, e.Got)
}

// Parse reads a filter. An empty or blank text is the nil Node, which holds everywhere. The error is Invalid with
// the code "bad_filter" and wraps a *SyntaxError.
func Parse(schema Schema, text string, limits Limits) (Node, error) {
	p := &parser{schema: schema, text: text, limits: limits.withDefaults()}
	n, syntax := p.filter()
	if syntax == nil {
		return n, nil
	}
	return nil, &fault.Error{Kind: fault.Invalid, Op: "filter.parse", Code: "bad_filter", Detail: "the filter cannot be read", Cause: syntax}
}

type parser struct {
	schema     Schema
	text       string
	limits     Limits
	at         int
	depth      int
	conditions int
}

func (p *parser) filter() (Node, *SyntaxError) {
	if len(p.text) > p.limits.Length {
		return nil, &SyntaxError{p.limits.Length, fmt.Sprintf("at most %d bytes", p.limits.Length), strconv.Itoa(len(p.text))}
	}
	if bad := unprintable(p.text); bad >= 0 {
		return nil, p.wrong(bad, "printable UTF-8")
	}
	p.space()
	if p.at == len(p.text) {
		return nil, nil
	}
	n, err := p.or()
	if err != nil {
		return nil, err
	}
	if p.at < len(p.text) {
		return nil, p.wrong(p.at, `"&&", "||" or the end`)
	}
	return n, nil
}

// unprintable returns the place of the first byte that is not part of valid UTF-8 or is a control, or -1.
func unprintable(s string) int {
	for i, r := range s {
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0x7f {
			return i
		}
		if r == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(s[i:]); size == 1 {
				return i
			}
		}
	}
	return -1
}

// wrong makes an error at a place; what stands there is shown up to the next space, briefly.
func (p *parser) wrong(at int, want string) *SyntaxError {
	got := p.text[at:]
	if end := strings.IndexAny(got, " \t\r\n"); end > 0 {
		got = got[:end]
	}
	const most = 32
	if len(got) > most {
		cut := most
		for cut > most-utf8.UTFMax && !utf8.RuneStart(got[cut]) {
			cut--
		}
		got = got[:cut] + "…"
	}
	if got == "" {
		return &SyntaxError{at, want, "the end"}
	}
	return &SyntaxError{at, want, fmt.Sprintf("%q", got)}
}

func (p *parser) space() {
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
}

// take consumes a symbol and the white space behind it.
func (p *parser) take(symbol string) bool {
	if !strings.HasPrefix(p.text[p.at:], symbol) {
		return false
	}
	p.at += len(symbol)
	p.space()
	return true
}

func (p *parser) or() (Node, *SyntaxError) { return p.chain("||", p.and, Any) }

func (p *parser) and() (Node, *SyntaxError) { return p.chain("&&", p.unary, All) }

func (p *parser) chain(operator string, operand func() (Node, *SyntaxError), combine func(...Node) Node) (Node, *SyntaxError) {
	var nodes []Node
	for {
		n, err := operand()
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, n)
		if !p.take(operator) {
			return combine(nodes...), nil
		}
	}
}

func (p *parser) unary() (Node, *SyntaxError) {
	at := p.at
	not := p.take("!")
	if !not && !p.take("(") {
		return p.condition()
	}
	if p.depth++; p.depth > p.limits.Depth {
		return nil, p.wrong(at, fmt.Sprintf(`at most %d "(" and "!" inside one another`, p.limits.Depth))
	}
	defer func() { p.depth-- }()
	if not {
		n, err := p.unary()
		if err != nil {
			return nil, err
		}
		return Not{n}, nil
	}
	n, err := p.or()
	if err != nil {
		return nil, err
	}
	if !p.take(")") {
		return nil, p.wrong(p.at, `"&&", "||" or ")"`)
	}
	return n, nil
}

func (p *parser) condition() (Node, *SyntaxError) {
	start := p.at
	if p.at == len(p.text) || !lower(p.text[p.at]) {
		return nil, p.wrong(start, `a field, "(" or "!"`)
	}
	for p.at < len(p.text) && inName(p.text[p.at]) {
		p.at++
	}
	field := p.text[start:p.at]
	kind, ok := p.schema.Kind(field)
	if !ok {
		return nil, &SyntaxError{start, "a known field", fmt.Sprintf("%q", field)}
	}
	if p.conditions++; p.conditions > p.limits.Conditions {
		return nil, p.wrong(start, fmt.Sprintf("at most %d conditions", p.limits.Conditions))
	}
	p.space()
	if !p.take(":") {
		return nil, p.wrong(p.at, `":"`)
	}
	if p.take("*") {
		return Has{field}, nil
	}
	if strings.HasPrefix(p.text[p.at:], "<") || strings.HasPrefix(p.text[p.at:], ">") {
		return p.comparison(field, kind)
	}
	not := p.take("!=")
	if !not {
		p.take("=")
	}
	n, err := p.operand(field, kind)
	if err == nil && not {
		n = Not{n}
	}
	return n, err
}

func (p *parser) comparison(field string, kind Kind) (Node, *SyntaxError) {
	at := p.at
	if !kind.numeric() {
		return nil, p.wrong(at, fmt.Sprintf(`"=", "!=" or a value: %s is a %s`, field, kind))
	}
	least, greatest := Bounds(kind)
	r := Range{Lowest, Highest}
	greater := p.text[p.at] == '>'
	p.at++
	equal := p.take("=")
	p.space()
	operand := p.at
	v, err := p.scalar(kind)
	if err != nil {
		return nil, err
	}
	switch {
	case greater && equal:
		r.Lo = v
	case greater && v < greatest:
		r.Lo = v + 1
	case !greater && equal:
		r.Hi = v
	case !greater && v > least:
		r.Hi = v - 1
	default:
		return nil, p.wrong(operand, "a bound with values beyond it")
	}
	return Within{field, kind, []Range{r}}, nil
}
