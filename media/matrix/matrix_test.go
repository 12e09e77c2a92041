package matrix

import (
	"math"
	"testing"

	"ramal/internal/fault"
	"ramal/internal/id"
)

func TestMatrix(t *testing.T) {
	var m Matrix
	if g := m.Gain("luis", "contact"); g != 1 {
		t.Errorf("unset gain %v", g)
	}
	if g := m.Gain("luis", "luis"); g != 0 {
		t.Errorf("luis hears himself at %v", g)
	}
	for _, bad := range []float64{-0.1, 2.01, math.NaN(), math.Inf(1)} {
		if err := m.Set("luis", "contact", bad); !fault.Is(err, fault.Invalid) {
			t.Errorf("gain %v: %v", bad, err)
		}
	}
	if err := m.Set("luis", "luis", 1); !fault.Is(err, fault.Invalid) {
		t.Errorf("an ear for oneself: %v", err)
	}
	for _, g := range []float64{0, 0.5, 2, 1} {
		if err := m.Set("luis", "contact", g); err != nil {
			t.Fatal(err)
		}
		if got := m.Gain("luis", "contact"); got != g {
			t.Errorf("set %v, got %v", g, got)
		}
		if got := m.Gain("contact", "luis"); got != 1 {
			t.Errorf("the other way is %v", got)
		}
	}
	for _, p := range [][2]id.Leg{{"luis", "contact"}, {"contact", "luis"}, {"ana", "contact"}} {
		if err := m.Set(p[0], p[1], 0.25); err != nil {
			t.Fatal(err)
		}
	}
	m.Forget("luis")
	if m.Gain("luis", "contact") != 1 || m.Gain("contact", "luis") != 1 || m.Gain("ana", "contact") != 0.25 {
		t.Error("Forget forgot too little or too much")
	}
}
