package store

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"ramal/internal/id"
)

func TestCleanArgs(t *testing.T) {
	dirty, fine := "a\x00b\xff", "ç"
	list, pointers := []string{"x", dirty}, []*string{nil, &dirty, &fine}
	got := cleanArgs([]any{dirty, fine, id.Agent(dirty), list, pointers, &dirty, []byte(dirty), 7, nil, (*string)(nil)})
	clean := "ab"
	want := []any{"ab", "ç", "ab", []string{"x", "ab"}, []*string{nil, &clean, &fine}, &clean, []byte(dirty), 7, nil, (*string)(nil)}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %#v", got)
	}
	if list[1] != dirty || *pointers[1] != dirty {
		t.Error("the caller's values changed")
	}
}

func TestCleanJSON(t *testing.T) {
	for in, want := range map[string]string{
		`{"a":"b"}`:               `{"a":"b"}`,
		`{"a":"b\u0000c"}`:        `{"a":"b\ufffdc"}`,
		`{"a\u0000":1}`:           `{"a\ufffd":1}`,
		`{"a":"\\u0000"}`:         `{"a":"\\u0000"}`, // a backslash and a word
		`{"a":"\\\u0000"}`:        `{"a":"\\\ufffd"}`,
		`{"a":"\u00e7\n\u0001"}`:  `{"a":"\u00e7\n\u0001"}`,
		`{"a":"\ud83d\ude00"}`:    `{"a":"\ud83d\ude00"}`,
		`{"a":"\ud83d\u0041"}`:    `{"a":"\ufffd\u0041"}`,
		`{"a":"\ude00\ud83d"}`:    `{"a":"\ufffd\ufffd"}`,
		`{"a":"\ud83d\\ude00"}`:   `{"a":"\ufffd\\ude00"}`,
		`{"a":"\ud83d"}`:          `{"a":"\ufffd"}`,
		`\`:                       `\`,
		`\u00`:                    `\u00`,
		`{"a":"\uD83D\uDE00\u00`:  `{"a":"\uD83D\uDE00\u00`,
		`{"a":"\ud83d\ud83d\ude0`: `{"a":"\ufffd\ufffd\ude0`,
	} {
		if got := cleanJSON(in); got != want {
			t.Errorf("%s becomes %s, want %s", in, got, want)
		}
	}
}

func FuzzCleanJSON(f *testing.F) {
	f.Add(`{"a":"b\u0000c\\u0000\ud83d\ude00\ud800"}`)
	f.Fuzz(func(t *testing.T, in string) {
		got := cleanJSON(in)
		if json.Valid([]byte(in)) {
			var before, after any
			if err := json.Unmarshal([]byte(got), &after); err != nil {
				t.Fatalf("%q became %q: %v", in, got, err)
			}
			if err := json.Unmarshal([]byte(in), &before); err == nil && !strings.Contains(in, `\u0000`) && utf8.ValidString(in) && !reflect.DeepEqual(before, after) {
				t.Fatalf("%q became %q", in, got)
			}
		}
		if again := cleanJSON(got); again != got {
			t.Fatalf("%q becomes %q, then %q", in, got, again)
		}
	})
}
