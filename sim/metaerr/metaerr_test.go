package metaerr

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestEveryRowIsComplete(t *testing.T) {
	for code, r := range table {
		e := New(code, "because")
		if r.http < 400 || r.http > 599 || r.message == "" {
			t.Errorf("%d: %+v", code, r)
		}
		if prefixed := strings.HasPrefix(e.Message, "(#"); prefixed != (code < 138000) {
			t.Errorf("%d: message %q", code, e.Message)
		}
		var body map[string]map[string]any
		if err := json.Unmarshal(e.Body("trace"), &body); err != nil || body["error"]["code"] != float64(code) || body["error"]["fbtrace_id"] != "trace" {
			t.Errorf("%d: %v, %v", code, body, err)
		}
	}
}

func TestSpecialShapes(t *testing.T) {
	if e := SDP("Fingerprint algo is not SHA256"); e.Code != 100 || e.Subcode != 2494010 || e.Message != "Invalid parameter" || e.HTTP != 400 {
		t.Errorf("SDP: %+v", e)
	}
	if e := NoObject("9", "post"); e.Code != 100 || e.Subcode != 33 || e.Type != "GraphMethodException" {
		t.Errorf("NoObject: %+v", e)
	}
	if e := New(424242, "x"); e.Code != 131000 || Known(424242) || Text(138021) == "" {
		t.Errorf("unknown code: %+v", e)
	}
}
