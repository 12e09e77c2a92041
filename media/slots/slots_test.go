package slots

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"ramal/internal/id"
)

func legs(s string) []id.Leg {
	var list []id.Leg
	for f := range strings.FieldsSeq(s) {
		list = append(list, id.Leg(f))
	}
	return list
}

func show(t *Table) string {
	var words []string
	for _, s := range t.Speakers() {
		if s == "" {
			s = "-"
		}
		words = append(words, string(s))
	}
	return strings.Join(words, " ")
}

func TestTable(t *testing.T) {
	table := New(3)
	for _, c := range []struct {
		name, present, want string
		changed             bool
	}{
		{"nobody", "", "- - -", false},
		{"the contact comes", "contact", "contact - -", true},
		{"nothing new", "contact", "contact - -", false},
		{"two more", "contact luis ana", "contact luis ana", true},
		{"a fourth waits", "contact luis ana bia", "contact luis ana", false},
		{"one leaves, the fourth is heard in its place", "contact ana bia", "contact bia ana", true},
		{"another leaves", "contact bia", "contact bia -", true},
		{"the contact leaves", "bia", "- bia -", true},
		{"the longest-free slot first", "bia rui", "- bia rui", true},
		{"all leave", "", "- - -", true},
		{"the longest-free slot is the first", "eva", "eva - -", true},
	} {
		if got := table.Sync(legs(c.present)); got != c.changed {
			t.Errorf("%s: changed %v", c.name, got)
		}
		if got := show(table); got != c.want {
			t.Fatalf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// Whatever comes and goes: nobody moves, nobody is there twice, nobody waits while a slot is free.
func TestTableInvariant(t *testing.T) {
	all := legs("a b c d e f g h")
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 0))
		table := New(1 + r.IntN(8))
		var present []id.Leg
		for range 200 {
			before := slices.Clone(table.Speakers())
			if who := all[r.IntN(len(all))]; slices.Contains(present, who) {
				present = slices.DeleteFunc(present, func(l id.Leg) bool { return l == who })
			} else {
				present = append(present, who)
			}
			table.Sync(present)
			heard := 0
			for i, s := range table.Speakers() {
				if s == "" {
					continue
				}
				heard++
				if !slices.Contains(present, s) || slices.Index(table.Speakers(), s) != i {
					t.Fatalf("seed %d: %s with %v present", seed, show(table), present)
				}
				if was := slices.Index(before, s); was >= 0 && was != i {
					t.Fatalf("seed %d: %s moved from %d to %d", seed, s, was, i)
				}
			}
			if want := min(len(present), len(table.Speakers())); heard != want {
				t.Fatalf("seed %d: %d heard of %d: %s", seed, heard, want, show(table))
			}
		}
	}
}
