package sim

import (
	"bufio"
	"context"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"ramal/sim/cloud"
)

func TestControlRefusesWhatItDoesNotKnow(t *testing.T) {
	b := world(t, nil)
	for _, c := range []struct {
		method, path string
		body         any
		status       int
		code         string
	}{
		{"GET", "/control/nothing", nil, 404, "no_route"},
		{"POST", "/control/users/" + ana + "/dance", obj{}, 404, "no_route"},
		{"GET", "/control/users/0000", nil, 404, "no_user"},
		{"GET", "/control/businesses/9", nil, 404, "no_business"},
		{"PATCH", "/control/businesses/9", obj{}, 404, "no_business"},
		{"POST", "/control/businesses", obj{"pnid": "7"}, 400, "bad_value"},
		{"POST", "/control/users", obj{"wa_id": "12"}, 400, "bad_value"},
		{"POST", "/control/users", []byte(`{`), 400, "bad_json"},
		{"POST", "/control/users", obj{"wa_id": "5511900000009", "user_id": "BR.x", "colour": 1}, 400, "bad_json"},
		{"PATCH", "/control/users/" + ana, obj{"answer": obj{"mode": "sing"}}, 400, "bad_value"},
		{"PATCH", "/control/timings", obj{"ring_timeout_ms": 0}, 400, "bad_value"},
		{"PATCH", "/control/timings", obj{"answer_min_ms": 9000}, 400, "bad_value"},
		{"PATCH", "/control/flags", obj{"bic_setup": "holdconn"}, 400, "bad_value"},
		{"POST", "/control/clock", obj{"advance": "-1h"}, 400, "bad_value"},
		{"GET", "/control/users/" + ana + "/levels", nil, 404, "no_call"},
		{"POST", "/control/users/" + ana + "/speak", []byte("no WAV"), 400, "bad_value"},
		{"POST", "/control/users/" + ana + "/tone", obj{"hz": 9}, 400, "bad_value"},
		{"POST", "/control/users/" + ana + "/fail", obj{"code": 1234567}, 400, "bad_value"},
		{"POST", "/control/users/" + ana + "/answer", obj{"answer": "decline"}, 409, "request_dead"},
		{"GET", "/control/events?after=x", nil, 400, "bad_value"},
		{"POST", "/control/businesses/" + pnid + "/template-status", obj{"name": "x", "status": "PAUSED"}, 404, "no_template"},
	} {
		if status, out := b.do(c.method, c.path, c.body); status != c.status || out["code"] != c.code || out["detail"] == "" {
			t.Errorf("%s %s: %d %v", c.method, c.path, status, out)
		}
	}
}

func TestUsersAreKeptAndDeleted(t *testing.T) {
	b := world(t, nil)
	keys := b.ok("POST", "/control/users", obj{"users": []any{obj{"wa_id": "5511900000001"}, obj{"wa_id": "351910000001"}}})["keys"].([]any)
	if len(keys) != 2 {
		t.Errorf("keys: %v", keys)
	}
	u := b.ok("PATCH", "/control/users/351910000001", obj{"name": "Rui", "wa_id": "1"})
	if u["wa_id"] != "351910000001" || u["country"] != "PT" || u["name"] != "Rui" || !strings.HasPrefix(u["user_id"].(string), "PT.") {
		t.Errorf("user: %v", u)
	}
	if status, out := b.do("POST", "/control/users", obj{"wa_id": "5511900000002", "user_id": u["user_id"]}); status != 409 || out["code"] != "user_id_taken" {
		t.Errorf("taken id: %d %v", status, out)
	}
	id := b.ring(nil).id()
	b.ok("DELETE", "/control/users/"+ana, nil)
	b.waitCall("terminate", id)
	if n := len(b.ok("GET", "/control/users", nil)["users"].([]any)); n != 2 {
		t.Errorf("%d users are left", n)
	}
}

func TestPatchingABusinessKeepsTheRest(t *testing.T) {
	b := world(t, nil)
	b.ok("POST", b.graph(pnid+"/settings"), obj{"calling": obj{"call_icon_visibility": "DISABLE_ALL"}})
	got := b.ok("PATCH", "/control/businesses/"+pnid, obj{"name": "Outra", "limits": obj{"calls_per_day": 5}})
	calling, limits := got["calling"].(obj), got["limits"].(obj)
	if calling["call_icon_visibility"] != "DISABLE_ALL" || limits["calls_per_day"] != 5.0 || limits["requests_per_week"] != 2.0 || got["callback_url"] != b.srv.URL {
		t.Errorf("after a patch: %v", got)
	}
	if p := b.permissions(); p == nil {
		t.Error("no answer")
	}
}

func TestEventStreamResumes(t *testing.T) {
	b := world(t, nil)
	b.user("text", obj{"text": "um"})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, b.sim.URL()+"/control/events/stream?kind=user.text", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	lines := bufio.NewScanner(resp.Body)
	next := func(prefix string) string {
		for lines.Scan() {
			if rest, ok := strings.CutPrefix(lines.Text(), prefix); ok {
				return rest
			}
		}
		t.Fatal("the stream ended")
		return ""
	}
	first := next("id: ")
	b.user("text", obj{"text": "dois"})
	next("id: ")
	if data := next("data: "); !strings.Contains(data, `"dois"`) {
		t.Errorf("second event: %s", data)
	}
	list := b.ok("GET", "/control/events?kind=user.text&after="+first, nil)["events"].([]any)
	if len(list) != 1 {
		t.Errorf("after the first: %v", list)
	}
	if none := b.ok("GET", "/control/events?kind=nothing&wait_ms=50", nil)["events"].([]any); len(none) != 0 {
		t.Errorf("nothing: %v", none)
	}
}

func TestSlowGraphAPI(t *testing.T) {
	b := world(t, nil)
	h := b.ring(nil)
	m := newMedia(t, true)
	b.answerUIC(h, m)
	b.ok("PATCH", "/control/timings", obj{"graph_after_ms": 400})
	begun := time.Now()
	if code, out := b.calls(obj{"call_id": h.id(), "action": "terminate"}); code != 0 {
		t.Fatal(out)
	}
	if took := time.Since(begun); took < 400*time.Millisecond {
		t.Errorf("answered after %v", took)
	}
	call := b.ok("GET", "/control/calls?user="+ana, nil)["calls"].([]any)[0].(obj)
	end, err := time.Parse(time.RFC3339, call["ended_at"].(string))
	if err != nil || end.Sub(begun) > 300*time.Millisecond {
		t.Errorf("the call ended only with the answer: %v, %v", end.Sub(begun), err)
	}
	b.ok("PATCH", "/control/timings", obj{"graph_after_ms": 0, "graph_before_ms": 200})
	begun = time.Now()
	b.permissions()
	if took := time.Since(begun); took < 200*time.Millisecond {
		t.Errorf("answered after %v", took)
	}
}

func TestSeedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seed.json")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(`{"businesses":[{"pnid":"7","display_phone_number":"551130000000","calling":{"status":"ENABLED"}}],
	 "users":[{"wa_id":"5511900000001","voice":{"kind":"tone","hz":440}}],"flags":{"watch_sound":true},"timings":{"ring_ms":7},"chaos":{"duplicate":0.5}}`)
	b := world(t, func(c *Config) { c.SeedFile = path })
	if len(b.ok("GET", "/control/businesses", nil)["businesses"].([]any)) != 2 || len(b.ok("GET", "/control/users", nil)["users"].([]any)) != 2 {
		t.Error("the seed file was not read")
	}
	timings := b.ok("GET", "/control/timings", nil)
	if timings["ring_ms"] != 7.0 || timings["sent_ms"] != 5.0 || b.ok("GET", "/control/flags", nil)["watch_sound"] != true || b.ok("GET", "/control/chaos", nil)["duplicate"] != 0.5 {
		t.Errorf("behaviour: %v", timings)
	}
	for _, bad := range []string{`{`, `{"colour":1}`, `{"users":[{"wa_id":"x"}]}`, `{"timings":{"ring_ms":-1}}`} {
		write(bad)
		if _, err := New(Config{SeedFile: path}); err == nil {
			t.Errorf("%s was accepted", bad)
		}
	}
	for name, cfg := range map[string]Config{
		"missing file": {SeedFile: path + "x"}, "address": {MediaIPs: []string{"nowhere"}}, "port": {MediaPort: 70000},
		"business": {Businesses: []cloud.LineConfig{{}}}, "user": {Users: []cloud.UserConfig{{}}},
	} {
		if _, err := New(cfg); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

// A simulator ends whatever it is doing.
func TestStartAndStop(t *testing.T) {
	for range 5 {
		s, err := New(Config{Users: []cloud.UserConfig{{WAID: ana}}, Businesses: []cloud.LineConfig{{PNID: pnid, Display: display, CallbackURL: "http://127.0.0.1:1/"}}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		if err := s.Start(ctx); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Cloud().PlaceCall(pnid, ana, cloud.Via{}); err != nil {
			t.Fatal(err)
		}
		cancel()
		for range 2 {
			if err := s.Close(); err != nil {
				t.Error("closing twice must be harmless", err)
			}
		}
	}
}

// The checklist names tests that exist.
func TestChecklistNamesRealTests(t *testing.T) {
	doc, err := os.ReadFile("CHECKLIST.md")
	if err != nil {
		t.Fatal(err)
	}
	source := ""
	files, _ := filepath.Glob("*_test.go")
	more, _ := filepath.Glob("*/*_test.go")
	for _, f := range append(files, more...) {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		source += string(raw)
	}
	names := regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z0-9]+)`").FindAllStringSubmatch(string(doc), -1)
	if len(names) < 40 {
		t.Errorf("only %d tests are named", len(names))
	}
	for _, n := range names {
		if !strings.Contains(source, "func "+n[1]+"(") {
			t.Errorf("%s does not exist", n[1])
		}
	}
}
