package filter

import (
	"strconv"
	"strings"
	"time"
)

// Emit writes a tree in the grammar of this package, every And and Or in parentheses of its own. Parsing the text
// gives the same tree. A nil tree is the empty text.
func Emit(n Node) string {
	var b strings.Builder
	emit(&b, n)
	return b.String()
}

func emit(b *strings.Builder, n Node) {
	switch n := n.(type) {
	case nil:
	case And:
		emitAll(b, n.Nodes, " && ")
	case Or:
		emitAll(b, n.Nodes, " || ")
	case Not:
		b.WriteByte('!')
		emitAll(b, []Node{n.Node}, "")
	case In:
		b.WriteString(n.Field + ":=")
		emitList(b, len(n.Values), func(i int) { emitPattern(b, n.Values[i]) })
	case Within:
		b.WriteString(n.Field + ":")
		emitRanges(b, n.Kind, n.Ranges)
	case Is:
		b.WriteString(n.Field + ":=" + strconv.FormatBool(n.Value))
	case Has:
		b.WriteString(n.Field + ":*")
	}
}

func emitAll(b *strings.Builder, nodes []Node, operator string) {
	if len(nodes) == 1 { // the node of a Not, which may bring parentheses of its own
		_, and := nodes[0].(And)
		if _, or := nodes[0].(Or); and || or {
			emit(b, nodes[0])
			return
		}
	}
	b.WriteByte('(')
	for i, c := range nodes {
		if i > 0 {
			b.WriteString(operator)
		}
		emit(b, c)
	}
	b.WriteByte(')')
}

func emitList(b *strings.Builder, n int, item func(int)) {
	if n == 1 {
		item(0)
		return
	}
	b.WriteByte('[')
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		item(i)
	}
	b.WriteByte(']')
}

func emitPattern(b *strings.Builder, p Pattern) {
	if plainText(p.Text) {
		b.WriteString(p.Text)
	} else {
		b.WriteString("`" + strings.ReplaceAll(p.Text, "`", "``") + "`")
	}
	if p.Prefix {
		b.WriteByte('*')
	}
}

func plainText(s string) bool {
	for i := range len(s) {
		if c := s[i]; !inName(c) && (c < 'A' || c > 'Z') && c != '-' {
			return false
		}
	}
	return s != ""
}

func emitRanges(b *strings.Builder, kind Kind, ranges []Range) {
	if r := ranges[0]; len(ranges) == 1 && r.Open() {
		if r.Hi == Highest {
			b.WriteString(">=" + Scalar(kind, r.Lo))
		} else {
			b.WriteString("<=" + Scalar(kind, r.Hi))
		}
		return
	}
	b.WriteByte('=')
	if r := ranges[0]; len(ranges) == 1 && r.Lo != r.Hi { // a single range reads better in brackets
		b.WriteString("[" + Scalar(kind, r.Lo) + ".." + Scalar(kind, r.Hi) + "]")
		return
	}
	emitList(b, len(ranges), func(i int) {
		b.WriteString(Scalar(kind, ranges[i].Lo))
		if ranges[i].Lo != ranges[i].Hi {
			b.WriteString(".." + Scalar(kind, ranges[i].Hi))
		}
	})
}

// Scalar writes one number, amount or date as the grammar reads it; dates in RFC 3339, UTC.
func Scalar(kind Kind, v int64) string {
	switch kind {
	case Date:
		return time.UnixMilli(v).UTC().Format("2006-01-02T15:04:05.999Z07:00")
	case Number:
		s := strconv.FormatInt(v/Scale, 10)
		rest := v % Scale
		if rest == 0 {
			return s
		}
		if rest < 0 {
			rest = -rest
			if v > -Scale {
				s = "-0"
			}
		}
		return s + "." + strings.TrimRight(strconv.FormatInt(Scale+rest, 10)[1:], "0")
	default:
		return strconv.FormatInt(v, 10)
	}
}
