package filter

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

func (p *parser) operand(field string, kind Kind) (Node, *SyntaxError) {
	switch kind {
	case Boolean:
		at := p.at
		for p.at < len(p.text) && lower(p.text[p.at]) {
			p.at++
		}
		word := p.text[at:p.at]
		if word != "true" && word != "false" {
			return nil, p.wrong(at, "true or false")
		}
		p.space()
		return Is{field, word == "true"}, nil
	case Text, Tags:
		values, err := list(p, p.pattern)
		return In{field, values}, err
	default:
		ranges, err := list(p, func() (Range, *SyntaxError) { return p.span(kind) })
		return Within{field, kind, ranges}, err
	}
}

// list reads one item, or several in brackets.
func list[T any](p *parser, item func() (T, *SyntaxError)) ([]T, *SyntaxError) {
	if !p.take("[") {
		one, err := item()
		return []T{one}, err
	}
	var items []T
	for {
		if len(items) == p.limits.Values {
			return nil, p.wrong(p.at, fmt.Sprintf("at most %d values in a list", p.limits.Values))
		}
		one, err := item()
		if err != nil {
			return nil, err
		}
		items = append(items, one)
		if p.take("]") {
			return items, nil
		}
		if !p.take(",") {
			return nil, p.wrong(p.at, `"," or "]"`)
		}
	}
}

// reserved characters end a bare text.
const reserved = "()[],:=<>*`"

func (p *parser) pattern() (Pattern, *SyntaxError) {
	start := p.at
	text, err := p.quoted()
	if err != nil {
		return Pattern{}, err
	}
	if p.at == start {
		if strings.HasPrefix(p.text[start:], "!") { // "field:!x" would read as a negation
			return Pattern{}, p.wrong(start, `a value (one that begins with ! stands between backticks)`)
		}
		for p.at < len(p.text) && strings.IndexByte(reserved, p.text[p.at]) < 0 && !strings.HasPrefix(p.text[p.at:], "&&") && !strings.HasPrefix(p.text[p.at:], "||") {
			p.at++
		}
		text = strings.TrimRight(p.text[start:p.at], " \t\r\n")
	}
	if text == "" {
		return Pattern{}, p.wrong(start, "a value")
	}
	if len(text) > MaxText {
		return Pattern{}, p.wrong(start, fmt.Sprintf("a value of at most %d bytes", MaxText))
	}
	if p.at < len(p.text) && strings.IndexByte("(:=<>`", p.text[p.at]) >= 0 {
		return Pattern{}, p.wrong(p.at, `"&&", "||", "*" or the end of the value (a value with ( ) [ ] , : = < > * stands between backticks)`)
	}
	prefix := p.take("*")
	p.space()
	return Pattern{text, prefix}, nil
}

// quoted reads a text between backticks; where there is none it consumes nothing.
func (p *parser) quoted() (string, *SyntaxError) {
	start := p.at
	if p.at == len(p.text) || p.text[p.at] != '`' {
		return "", nil
	}
	var out strings.Builder
	for at := p.at + 1; ; {
		end := strings.IndexByte(p.text[at:], '`')
		if end < 0 {
			return "", p.wrong(start, "a closing backtick")
		}
		out.WriteString(p.text[at : at+end])
		at += end + 1
		if at == len(p.text) || p.text[at] != '`' {
			p.at = at
			return out.String(), nil
		}
		out.WriteByte('`')
		at++
	}
}

func (p *parser) span(kind Kind) (Range, *SyntaxError) {
	lo, err := p.scalar(kind)
	if err != nil || !p.take("..") {
		return Range{lo, lo}, err
	}
	at := p.at
	hi, err := p.scalar(kind)
	if err == nil && hi < lo {
		err = p.wrong(at, "an end of the range that is not below its beginning")
	}
	return Range{lo, hi}, err
}

// scalar reads one number, amount or date and the white space behind it.
func (p *parser) scalar(kind Kind) (int64, *SyntaxError) {
	start := p.at
	for p.at < len(p.text) && p.inScalar(kind) {
		p.at++
	}
	word := p.text[start:p.at]
	var v int64
	var ok bool
	want := "a whole number of cents"
	switch kind {
	case Date:
		want = "a date (RFC 3339, to the millisecond, or seconds since 1970)"
		v, ok = parseDate(word)
	case Number:
		want = "a number with at most 6 decimals"
		v, ok = ParseNumber(word)
	default:
		v, ok = parseInteger(word)
	}
	if least, greatest := Bounds(kind); !ok || v < least || v > greatest {
		return 0, p.wrong(start, want)
	}
	p.space()
	return v, nil
}

// inScalar reports whether the next byte goes on a number or a date: a dot does only before a digit.
func (p *parser) inScalar(kind Kind) bool {
	c := p.text[p.at]
	switch {
	case digit(c), c == '-':
		return true
	case c == '.':
		return kind != Money && p.at+1 < len(p.text) && digit(p.text[p.at+1])
	}
	return kind == Date && (c == 'T' || c == 't' || c == 'Z' || c == 'z' || c == ':' || c == '+')
}

func parseInteger(s string) (int64, bool) {
	v, err := strconv.ParseInt(s, 10, 64)
	return v, err == nil && s[0] != '+'
}

func parseDate(s string) (int64, bool) {
	if strings.ContainsAny(s, "Tt") {
		t, err := time.Parse(time.RFC3339Nano, strings.ToUpper(s))
		return t.UnixMilli(), err == nil && t.Nanosecond()%1e6 == 0
	}
	v, ok := parseInteger(s)
	if v < firstDate/1000 || v > lastDate/1000 {
		return 0, false
	}
	return v * 1000, ok
}

// ParseNumber reads a decimal with at most 6 decimals as millionths; false where it is none or out of bounds.
func ParseNumber(s string) (millionths int64, ok bool) {
	whole, part, dot := strings.Cut(s, ".")
	if dot && (part == "" || len(part) > 6) {
		return 0, false
	}
	digits := strings.TrimPrefix(whole, "-")
	if digits == "" || strings.Trim(digits+part, "0123456789") != "" {
		return 0, false
	}
	v, err := strconv.ParseInt(digits+part+strings.Repeat("0", 6-len(part)), 10, 64)
	if len(digits) < len(whole) {
		v = -v
	}
	return v, err == nil && v >= -limit && v <= limit
}
