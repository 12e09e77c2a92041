package core

import (
	"slices"
	"testing"
	"time"

	"ramal/internal/fault"
)

type command interface{ name() string }

type sit struct {
	Where string `json:"where"`
}

type rise struct{}

func (sit) name() string  { return "sit" }
func (rise) name() string { return "rise" }

func TestCatalogue(t *testing.T) {
	c := NewCatalogue("dog", command.name, command(sit{}), command(rise{}))
	if all := c.All(); !slices.Equal(all, []command{sit{}, rise{}}) {
		t.Errorf("all: %v", all)
	}
	if cmd, err := c.Decode("sit", []byte(`{"where":"here"}`)); err != nil || cmd != (sit{Where: "here"}) {
		t.Errorf("sit came back as %v, %v", cmd, err)
	}
	if zero, ok := c.ByName("sit"); !ok || zero != (sit{}) {
		t.Errorf("decoding changed the zero value: %v", zero)
	}
	if _, ok := c.ByName("bark"); ok {
		t.Error("found what is not there")
	}
	for name, want := range map[string]string{"bark": "unknown_command", "sit": "malformed_command"} {
		if _, err := c.Decode(name, []byte(`[]`)); fault.CodeOf(err) != want || fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTimes(t *testing.T) {
	now := time.Now().In(time.FixedZone("BRT", -3*3600))
	clean := Clean(now)
	if !clean.Equal(now) || clean != now.Round(0).UTC() || clean.Location() != time.UTC {
		t.Errorf("%v became %v", now, clean)
	}
	if after := now.Add(1); Later(now, after) != after || Later(after, now) != after {
		t.Error("not the later one")
	}
}

func TestKeepLast(t *testing.T) {
	in := []int{1, 2, 3}
	if got := KeepLast(in, 3); !slices.Equal(got, in) {
		t.Errorf("all fit: %v", got)
	}
	got := KeepLast(in, 2)
	got[0] = 9
	if !slices.Equal(got, []int{9, 3}) || in[1] != 2 {
		t.Errorf("%v of %v", got, in)
	}
}
