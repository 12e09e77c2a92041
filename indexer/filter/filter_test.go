package filter

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ramal/internal/fault"
)

func testSchema(t testing.TB) Schema {
	t.Helper()
	s, err := NewSchema(map[string]Kind{"status": Text, "tags": Tags, "quote": Money, "weight": Number, "synced": Date, "ongoing": Boolean, "attr.cor": Text})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func is(field, text string) Node { return In{field, []Pattern{{Text: text}}} }

func quote(lo, hi int64) Node { return Within{"quote", Money, []Range{{lo, hi}}} }

func TestParse(t *testing.T) {
	s := testSchema(t)
	noon := time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC).UnixMilli()
	for text, want := range map[string]Node{
		"":                             nil,
		" \n\t":                        nil,
		"status:=open":                 is("status", "open"),
		"status:open":                  is("status", "open"),
		"status : = In Progress ":      is("status", "In Progress"),
		"status:=`a ``b`` (c)`":        is("status", "a `b` (c)"),
		"status:!=open":                Not{is("status", "open")},
		"attr.cor:=Ação-é":             is("attr.cor", "Ação-é"),
		"status:=A&B | C!":             is("status", "A&B | C!"),
		"status:=Ab*":                  In{"status", []Pattern{{"Ab", true}}},
		"status:[a, `b`*,c d]":         In{"status", []Pattern{{"a", false}, {"b", true}, {"c d", false}}},
		"tags:!=[vip,new]":             Not{In{"tags", []Pattern{{Text: "vip"}, {Text: "new"}}}},
		"tags:*":                       Has{"tags"},
		"!status:*":                    Not{Has{"status"}},
		"ongoing:=true":                Is{"ongoing", true},
		"ongoing:!=false":              Not{Is{"ongoing", false}},
		"quote:>100":                   quote(101, Highest),
		"quote:>=100":                  quote(100, Highest),
		"quote:< -5":                   quote(Lowest, -6),
		"quote:<=100":                  quote(Lowest, 100),
		"quote:[10..100, 140]":         Within{"quote", Money, []Range{{10, 100}, {140, 140}}},
		"quote:=-5..5":                 quote(-5, 5),
		"quote:!=5":                    Not{quote(5, 5)},
		"weight:[1.5..2]":              Within{"weight", Number, []Range{{1_500_000, 2_000_000}}},
		"weight:[1..2.000001]":         Within{"weight", Number, []Range{{1_000_000, 2_000_001}}},
		"weight:-0.5":                  Within{"weight", Number, []Range{{-500_000, -500_000}}},
		"synced:>2026-11-03T12:00:00Z": Within{"synced", Date, []Range{{noon + 1, Highest}}},
		"synced:=2026-11-03T09:00:00.5-03:00..1793707201": Within{"synced", Date, []Range{{noon + 500, noon + 1000}}},
		"status:=a && quote:>1 || tags:=b":                Or{[]Node{And{[]Node{is("status", "a"), quote(2, Highest)}}, is("tags", "b")}},
		"status:=a || quote:>1 && tags:=b":                Or{[]Node{is("status", "a"), And{[]Node{quote(2, Highest), is("tags", "b")}}}},
		"(status:=a || quote:>1)&&tags:=b":                And{[]Node{Or{[]Node{is("status", "a"), quote(2, Highest)}}, is("tags", "b")}},
		"!status:=a && tags:=b":                           And{[]Node{Not{is("status", "a")}, is("tags", "b")}},
		"!(status:=a && (tags:=b && tags:=c))":            Not{And{[]Node{is("status", "a"), is("tags", "b"), is("tags", "c")}}},
		"!!((status:=a))":                                 Not{Not{is("status", "a")}},
	} {
		got, err := Parse(s, text, Limits{})
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("Parse(%q) = %#v, %v\nwant %#v", text, got, err, want)
		}
	}
}

func TestParseSaysWhereAndWhat(t *testing.T) {
	s := testSchema(t)
	for _, c := range []struct{ text, want string }{
		{"status", `position 7: expected ":", found the end`},
		{"status:", "position 8: expected a value, found the end"},
		{"status:=", "position 9: expected a value, found the end"},
		{"status:=a &&", `position 13: expected a field, "(" or "!", found the end`},
		{"status:=a & & quote:>1", `position 20: expected "&&", "||", "*" or the end of the value (a value with ( ) [ ] , : = < > * stands between backticks), found ":>1"`},
		{"status:=a status:=b", `position 17: expected "&&", "||", "*" or the end of the value (a value with ( ) [ ] , : = < > * stands between backticks), found ":=b"`},
		{"status:=a)", `position 10: expected "&&", "||" or the end, found ")"`},
		{"(status:=a", `position 11: expected "&&", "||" or ")", found the end`},
		{"status:=`a", "position 9: expected a closing backtick, found \"`a\""},
		{"status:=``", "position 9: expected a value, found \"``\""},
		{"status:=[a", `position 11: expected "," or "]", found the end`},
		{"status:=[]", `position 10: expected a value, found "]"`},
		{"status:>5", `position 8: expected "=", "!=" or a value: status is a text, found ">5"`},
		{"status:!a", "position 8: expected a value (one that begins with ! stands between backticks), found \"!a\""},
		{"nome:=a", `position 1: expected a known field, found "nome"`},
		{"quote:=abc", `position 8: expected a whole number of cents, found "abc"`},
		{"quote:=1.5", `position 9: expected "&&", "||" or the end, found ".5"`},
		{"quote:=99999999999999999999", `position 8: expected a whole number of cents, found "99999999999999999999"`},
		{"quote:>4611686018427387904", `position 8: expected a bound with values beyond it, found "4611686018427387904"`},
		{"quote:[5..1]", `position 11: expected an end of the range that is not below its beginning, found "1]"`},
		{"quote:[1..]", `position 11: expected a whole number of cents, found "]"`},
		{"weight:=1.1234567", `position 9: expected a number with at most 6 decimals, found "1.1234567"`},
		{"synced:>2026-11-03", `position 9: expected a date (RFC 3339, to the millisecond, or seconds since 1970), found "2026-11-03"`},
		{"synced:>2026-11-03T12:00:00.0001Z", `position 9: expected a date (RFC 3339, to the millisecond, or seconds since 1970), found "2026-11-03T12:00:00.0001Z"`},
		{"ongoing:=yes", `position 10: expected true or false, found "yes"`},
		{"ongoing:>true", `position 9: expected "=", "!=" or a value: ongoing is a boolean, found ">true"`},
		{"ongoing:[true]", `position 9: expected true or false, found "[true]"`},
		{"Status:=a", `position 1: expected a field, "(" or "!", found "Status:=a"`},
		{"status:=a\x00", "position 10: expected printable UTF-8, found \"\\x00\""},
		{"status:=\xff", "position 9: expected printable UTF-8, found \"\\xff\""},
		{"status:=a*b", `position 11: expected "&&", "||" or the end, found "b"`},
		{"status:=çççççççççççççççççççç:", `position 49: expected "&&", "||", "*" or the end of the value (a value with ( ) [ ] , : = < > * stands between backticks), found ":"`},
	} {
		_, err := Parse(s, c.text, Limits{})
		var syntax *SyntaxError
		if !errors.As(err, &syntax) || syntax.Error() != c.want {
			t.Errorf("Parse(%q):\n got %v\nwant %s", c.text, err, c.want)
		}
		if !fault.Is(err, fault.Invalid) || fault.CodeOf(err) != "bad_filter" {
			t.Errorf("Parse(%q): kind %s, code %s", c.text, fault.KindOf(err), fault.CodeOf(err))
		}
	}
}

func TestParseKeepsLimits(t *testing.T) {
	s := testSchema(t)
	repeat := func(n int, one, between string) string { return strings.Repeat(one+between, n-1) + one }
	for _, c := range []struct{ fits, over, want string }{
		{repeat(100, "tags:a", "||"), repeat(101, "tags:a", "||"), "at most 100 conditions"},
		{"tags:[" + repeat(250, "a", ",") + "]", "tags:[" + repeat(251, "a", ",") + "]", "at most 250 values in a list"},
		{strings.Repeat("(", 16) + "tags:a" + strings.Repeat(")", 16), strings.Repeat("(", 17) + "tags:a" + strings.Repeat(")", 17), "at most 16"},
		{strings.Repeat("!", 16) + "tags:a", strings.Repeat("!", 17) + "tags:a", "at most 16"},
		{"tags:" + strings.Repeat("a", 200), "tags:" + strings.Repeat("a", 201), "a value of at most 200 bytes"},
		{"tags:a" + strings.Repeat(" ", 3994), "tags:a" + strings.Repeat(" ", 3995), "at most 4000 bytes"},
	} {
		if n, err := Parse(s, c.fits, Limits{}); err != nil {
			t.Errorf("%.20s… of %d bytes: %v", c.fits, len(c.fits), err)
		} else if err := Check(s, n, Limits{}); err != nil {
			t.Errorf("%.20s… is parsed, but not passed by Check: %v", c.fits, err)
		}
		if _, err := Parse(s, c.over, Limits{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.20s… of %d bytes: %v", c.over, len(c.over), err)
		}
	}
}

func TestEmit(t *testing.T) {
	s := testSchema(t)
	for text, want := range map[string]string{
		"":                                     "",
		"status:a||quote:>1&&!tags:[b,c d]":    "(status:=a || (quote:>=2 && !(tags:=[b, `c d`])))",
		"!(status:a||!status:!=b)":             "!(status:=a || !(!(status:=b)))",
		"weight:[-0.25..-0.000001,1.10,3.0]":   "weight:=[-0.25..-0.000001, 1.1, 3]",
		"weight:[1..2]":                        "weight:=[1..2]",
		"synced:<=0 && synced:=0":              "(synced:<=1970-01-01T00:00:00Z && synced:=1970-01-01T00:00:00Z)",
		"synced:>1970-01-01T00:00:00.5Z":       "synced:>=1970-01-01T00:00:00.501Z",
		"status:=`a``b`* && attr.cor:=`*`":     "(status:=`a``b`* && attr.cor:=`*`)",
		"ongoing:true && tags:* && quote:!=-3": "(ongoing:=true && tags:* && !(quote:=-3))",
	} {
		n, err := Parse(s, text, Limits{})
		if got := Emit(n); err != nil || got != want {
			t.Errorf("Emit(%q) = %q, %v\nwant %q", text, got, err, want)
		}
	}
}

var wide = Limits{Length: 1 << 20, Depth: 1000, Conditions: 10_000, Values: 10_000}

func genNode(depth int) *rapid.Generator[Node] {
	return rapid.Custom(func(t *rapid.T) Node {
		most := 7
		if depth == 0 {
			most = 4
		}
		pattern := rapid.Custom(func(t *rapid.T) Pattern {
			s := rapid.StringMatching("[a-z`&|!*, áÇ()0-9:=<>.\\[\\]-]{1,6}").Draw(t, "text")
			return Pattern{s, rapid.Bool().Draw(t, "prefix")}
		})
		switch rapid.IntRange(0, most).Draw(t, "form") {
		case 0, 1:
			return In{rapid.SampledFrom([]string{"status", "tags", "attr.cor"}).Draw(t, "field"), rapid.SliceOfN(pattern, 1, 3).Draw(t, "values")}
		case 2:
			return genWithin(t)
		case 3:
			return Is{"ongoing", rapid.Bool().Draw(t, "value")}
		case 4:
			return Has{rapid.SampledFrom([]string{"status", "quote", "tags"}).Draw(t, "field")}
		case 5:
			return All(rapid.SliceOfN(genNode(depth-1), 1, 3).Draw(t, "and")...)
		case 6:
			return Any(rapid.SliceOfN(genNode(depth-1), 1, 3).Draw(t, "or")...)
		default:
			return Not{genNode(depth-1).Draw(t, "not")}
		}
	})
}

func genWithin(t *rapid.T) Node {
	w := Within{Field: rapid.SampledFrom([]string{"quote", "weight", "synced"}).Draw(t, "field")}
	w.Kind = map[string]Kind{"quote": Money, "weight": Number, "synced": Date}[w.Field]
	least, greatest := Bounds(w.Kind)
	v := rapid.OneOf(rapid.Int64Range(-10, 10), rapid.Int64Range(least, greatest))
	if rapid.Bool().Draw(t, "open") {
		r := Range{v.Draw(t, "lo"), Highest}
		if rapid.Bool().Draw(t, "down") {
			r = Range{Lowest, v.Draw(t, "hi")}
		}
		w.Ranges = []Range{r}
		return w
	}
	for range rapid.IntRange(1, 3).Draw(t, "ranges") {
		a, b := v.Draw(t, "a"), v.Draw(t, "b")
		w.Ranges = append(w.Ranges, Range{min(a, b), max(a, b)})
	}
	return w
}

func TestEmittedIsParsedToTheSameTree(t *testing.T) {
	s := testSchema(t)
	rapid.Check(t, func(t *rapid.T) {
		n := genNode(3).Draw(t, "tree")
		if err := Check(s, n, wide); err != nil {
			t.Fatalf("%#v: %v", n, err)
		}
		text := Emit(n)
		again, err := Parse(s, text, wide)
		if err != nil || !reflect.DeepEqual(again, n) {
			t.Fatalf("tree %#v\nis %q\nread %#v, %v", n, text, again, err)
		}
	})
}

func TestMatch(t *testing.T) {
	s := testSchema(t)
	record := map[string]Value{
		"status": TextOf("Open"), "tags": TagsOf("vip", "são paulo"), "quote": MoneyOf(500), "weight": NumberOf(1_500_000),
		"synced": DateOf(time.Date(2026, 11, 3, 12, 0, 0, 999_999, time.UTC)), "ongoing": BooleanOf(false),
	}
	for text, want := range map[string]bool{
		"": true, "status:=Open": true, "status:=open": false, "status:=Op*": true, "status:!=Open": false, "status:[x,Open]": true,
		"tags:=vip": true, "tags:=sao paulo": false, "tags:=são*": true, "tags:!=vip": false, "tags:!=x": true, "tags:=v*": true,
		"quote:500": true, "quote:>500": false, "quote:>499": true, "quote:<500": false, "quote:<=500": true, "quote:!=500": false,
		"quote:[1..499,501]": false, "quote:[1..500]": true, "weight:1.5": true, "weight:>1.5": false, "weight:<1.500001": true,
		"synced:=2026-11-03T12:00:00Z": true, "synced:<1793707200": false, "synced:<=1793707200": true, "ongoing:false": true, "ongoing:!=true": true,
		"attr.cor:=azul": false, "attr.cor:!=azul": true, "attr.cor:*": false, "!attr.cor:*": true, "ongoing:*": true,
		"quote:1 && status:Open || tags:vip": true, "quote:1 && (status:Open || tags:vip)": false, "!(quote:1 && status:Open)": true,
	} {
		n, err := Parse(s, text, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if got := Match(n, func(f string) Value { return record[f] }); got != want {
			t.Errorf("%q matches: %v, want %v", text, got, want)
		}
	}
}

func TestCheckRejectsWhatParseCannotMake(t *testing.T) {
	s := testSchema(t)
	deep := is("status", "a")
	for range 40 {
		deep = Not{deep}
	}
	for _, n := range []Node{
		And{}, Or{[]Node{is("status", "a")}}, Not{}, is("nome", "a"), is("quote", "a"), is("status", ""), is("status", "a\x01"), In{Field: "status"},
		is("status", strings.Repeat("a", 201)), Is{"status", true}, Has{"x"}, quote(5, 4), quote(Lowest, Highest), deep,
		Within{"quote", Money, nil}, Within{"quote", Date, []Range{{1, 2}}}, Within{"status", Text, []Range{{1, 2}}},
		Within{"quote", Money, []Range{{1, 2}, {3, Highest}}}, Within{"synced", Date, []Range{{0, lastDate + 1}}}, All(is("status", "a"), Not{nil}),
	} {
		if err := Check(s, n, Limits{}); !fault.Is(err, fault.Invalid) {
			t.Errorf("%#v passes: %v", n, err)
		}
	}
	if err := Check(s, nil, Limits{}); err != nil {
		t.Errorf("nil: %v", err)
	}
	if All(nil, nil) != nil || !reflect.DeepEqual(All(nil, deep), deep) {
		t.Error("All counts nil nodes")
	}
}

func TestSchema(t *testing.T) {
	for k := Text; k <= Tags; k++ {
		if again, ok := ParseKind(k.String()); !ok || again != k {
			t.Errorf("kind %v is read as %v", k, again)
		}
	}
	if _, ok := ParseKind(""); ok {
		t.Error("the empty word is a kind")
	}
	for name, kind := range map[string]Kind{"": Text, "A": Text, "1a": Text, "a b": Text, "á": Text, strings.Repeat("a", 65): Text, "ok": 0, "fine": 99} {
		if _, err := NewSchema(map[string]Kind{name: kind}); err == nil {
			t.Errorf("field %q of kind %d is taken", name, kind)
		}
	}
	for v := range 200 {
		text := Scalar(Number, int64(v-100)*10_007)
		if got, ok := ParseNumber(text); !ok || got != int64(v-100)*10_007 {
			t.Errorf("%q is read as %d, %v", text, got, ok)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"status:=a && (quote:>1 || !tags:[b, `c d`*])", "weight:[1.5..2, -3]", "synced:>2026-11-03T12:00:00.5-03:00", "ongoing:!=true || tags:*", "((((", "status:=`", "quote:[1..", "!!!",
	} {
		f.Add(seed)
	}
	s := testSchema(f)
	f.Fuzz(func(t *testing.T, text string) {
		n, err := Parse(s, text, Limits{})
		if syntax, wrong := errors.AsType[*SyntaxError](err); wrong {
			if syntax.At < 0 || syntax.At > len(text) {
				t.Fatalf("error at %d of %q", syntax.At, text)
			}
			return
		}
		if err := Check(s, n, Limits{}); err != nil {
			t.Fatalf("%q is parsed, but not passed by Check: %v", text, err)
		}
		canonical := Emit(n)
		again, err := Parse(s, canonical, wide)
		if err != nil || !reflect.DeepEqual(n, again) || Emit(again) != canonical {
			t.Fatalf("%q becomes %q, read again: %v %v", text, canonical, fmt.Sprintf("%#v", again), err)
		}
	})
}
