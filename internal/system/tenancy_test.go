package system

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"ramal/benchmarks/agentclient"
	"ramal/gateway"
	"ramal/gateway/agentws"
)

// TestTenancyOverREST tries every route of the table on one company's things with the other's credentials.
func TestTenancyOverREST(t *testing.T) {
	w := newWorld(t, options{})
	luis, c := w.talking()
	own := w.rest("luis")
	own.Token = w.token(tenant, "camila", "admin")
	foreign := agentclient.REST{URL: w.engine.URL(), Token: w.token(otherTenant, "helena", "admin")}
	mine := []string{"maria", "joao", "matriz", "luis", "fernando", c.ID, c.ContactLeg(), "Farmácia", maria, joao}
	tried := 0
	for _, route := range gateway.Routes() {
		if route.Access != gateway.AccessAgent {
			continue
		}
		for _, id := range ids(route.Pattern, c.ID) {
			tried++
			path := strings.Replace(route.Pattern, "{id}", id, 1)
			path += query(route.Pattern)
			good, gerr := probe(w, own, route.Method, path)
			bad, berr := probe(w, foreign, route.Method, path)
			if gerr != nil {
				t.Errorf("%s %s with its own credentials: %v", route.Method, path, gerr)
			}
			if strings.Contains(route.Pattern, "{id}") {
				var p *agentclient.ProblemError
				if !errors.As(berr, &p) || p.Status != http.StatusNotFound {
					t.Errorf("%s %s of another company: %v %s", route.Method, path, berr, bad)
				}
				continue
			}
			if berr != nil {
				t.Errorf("%s %s: %v", route.Method, path, berr)
			}
			for _, secret := range mine {
				if strings.Contains(bad, `"`+secret+`"`) {
					t.Errorf("%s %s shows %s to another company: %s", route.Method, path, secret, bad)
				}
			}
			_ = good
		}
	}
	if tried < 12 {
		t.Errorf("only %d routes tried", tried)
	}
	for _, q := range []string{"/v1/calls?contact=maria", "/v1/calls?agent=luis", "/v1/calls?line=matriz", "/v1/contacts?q=Maria", "/v1/contacts?q=" + maria[4:], "/v1/contacts?agent=luis", "/v1/contacts?ongoing=true"} {
		body, err := probe(w, foreign, http.MethodGet, q)
		if err == nil && !strings.Contains(body, `"items":[]`) {
			t.Errorf("%s shows another company: %s", q, body)
		}
	}
	if s := luis.State().Call; s.State != "active" {
		t.Errorf("the probed call: %s", describe(s))
	}
}

// ids are the things of the first company that a route's {id} may name.
func ids(pattern, call string) []string {
	switch {
	case !strings.Contains(pattern, "{id}"):
		return []string{""}
	case strings.HasPrefix(pattern, "/v1/contacts/"):
		return []string{"maria", "joao"}
	case strings.HasPrefix(pattern, "/v1/lines/"):
		return []string{"matriz"}
	}
	return []string{call}
}

func query(pattern string) string {
	if strings.HasSuffix(pattern, "/call-eligibility") {
		return "?line_id=matriz"
	}
	return ""
}

// probe sends a request that would change something if it were let through, and returns what came back.
func probe(w *world, r agentclient.REST, method, path string) (string, error) {
	w.t.Helper()
	var header http.Header
	var body any
	if method == http.MethodPut {
		tag := `"1"`
		own := r
		own.Token = w.token(tenant, "camila", "admin")
		if _, have, err := own.LineSettings(w.ctx(), "matriz"); err == nil {
			tag = have
		}
		header, body = http.Header{"If-Match": {tag}}, map[string]any{"calling": true, "icon_visible": true, "callback_permission": true}
	}
	var raw json.RawMessage
	_, err := r.Do(w.ctx(), method, path, nil, header, body, &raw)
	return string(raw), err
}

// TestTenancyOverWebSocket tries every message on one company's call, modal, contact and line with the other's session.
func TestTenancyOverWebSocket(t *testing.T) {
	w := newWorld(t, options{})
	luis, c := w.talking()
	fernando := w.online("fernando")
	w.customer(joao, "manual")
	w.customerCalls(joao)
	o := fernando.offer()
	helena, err := agentclient.Dial(w.ctx(), agentclient.Config{URL: w.engine.URL(), Token: w.token(otherTenant, "helena", "admin")})
	w.must(err)
	t.Cleanup(helena.Close)
	leg, err := w.media.NewLeg(false)
	w.must(err)
	t.Cleanup(leg.Close)
	sdp, err := leg.Offer()
	w.must(err)
	foreign := map[string]map[string]any{
		"call.dial":           {"contact_id": "maria", "line_id": "matriz", "sdp": sdp},
		"offer.accept":        {"offer_id": o.ID, "call_id": o.CallID, "sdp": sdp},
		"offer.decline":       {"offer_id": o.ID, "call_id": o.CallID},
		"call.attach":         {"call_id": c.ID, "sdp": sdp},
		"call.invite":         {"call_id": c.ID, "agent_id": "fernando"},
		"call.cancel_invite":  {"call_id": c.ID, "agent_id": "fernando"},
		"call.leave":          {"call_id": c.ID},
		"call.end":            {"call_id": c.ID},
		"call.mute":           {"call_id": c.ID, "muted": true},
		"call.volume":         {"call_id": c.ID, "leg_id": c.ContactLeg(), "gain": 0},
		"permission.request":  {"contact_id": "maria", "line_id": "matriz"},
		"message.send":        {"contact_id": "maria", "line_id": "matriz", "text": "oi"},
		"message.call_button": {"contact_id": "maria", "line_id": "matriz"},
	}
	about := []string{"hello", "ping", "snapshot.get", "agent.set_presence", "notice.ack"} // of the session itself
	for _, kind := range agentws.Types() {
		data, ok := foreign[kind]
		if !ok {
			if !slices.Contains(about, kind) {
				t.Errorf("%s is not tried", kind)
			}
			continue
		}
		err := helena.Do(w.ctx(), kind, data, nil)
		var r *agentclient.RequestError
		if !errors.As(err, &r) || (r.Kind != "not_found" && r.Kind != "denied") {
			t.Errorf("%s on another company's things: %v", kind, err)
		}
	}
	for _, mixed := range []map[string]any{ // her contact on their line, and theirs on hers
		{"contact_id": "marta", "line_id": "matriz", "sdp": sdp}, {"contact_id": "maria", "line_id": "centro", "sdp": sdp},
	} {
		if err := helena.Do(w.ctx(), "call.dial", mixed, nil); err == nil {
			t.Errorf("dialled %v across companies", mixed)
		}
	}
	w.must(helena.Do(w.ctx(), "notice.ack", map[string]any{"notice_ids": []string{"missed_" + o.CallID}}, nil))
	if s := luis.State().Call; s.State != "active" {
		t.Errorf("the probed call: %s", describe(s))
	}
	luis.hears(c.ContactLeg(), toneCustomer)
	w.customerHears(maria, toneLuis)
	if s := fernando.State(); len(s.Offers) != 1 {
		t.Errorf("fernando's modal is gone: %v", s.Offers)
	}
	if s := helena.State(); s.Call != nil || len(s.Offers)+len(s.Notices) != 0 || len(s.Lines) != 1 || s.Lines[0].ID != "centro" {
		t.Errorf("helena's state: %+v", s)
	}
	for _, e := range helena.Events() {
		if e.Type != "agent.updated" {
			t.Errorf("helena was told %s: %s", e.Type, e.Data)
		}
	}
}

// TestHintsStayInside: what lists are told does not leave the company.
func TestHintsStayInside(t *testing.T) {
	w := newWorld(t, options{})
	heard := make(chan agentclient.Event, 1000)
	helena, err := agentclient.Dial(w.ctx(), agentclient.Config{URL: w.engine.URL(), Token: w.token(otherTenant, "helena", "admin"),
		OnEvent: func(e agentclient.Event) { heard <- e }})
	w.must(err)
	t.Cleanup(helena.Close)
	hints := make(chan agentclient.Event, 1000)
	camila, err := agentclient.Dial(w.ctx(), agentclient.Config{URL: w.engine.URL(), Token: w.token(tenant, "camila", "supervisor"),
		OnEvent: func(e agentclient.Event) { hints <- e }})
	w.must(err)
	t.Cleanup(camila.Close)
	luis, c := w.talking()
	w.must(luis.End(w.ctx(), c.ID))
	luis.available()
	w.must(w.phone.Act(w.ctx(), maria, "text", map[string]any{"pnid": pnid, "text": "obrigada"}))
	for seen := map[string]bool{}; !seen["message.changed"] || !seen["call.changed"]; {
		select {
		case e := <-hints:
			seen[e.Type] = true
		case <-w.ctx().Done():
			t.Fatalf("camila heard only %v", seen)
		}
	}
	for {
		select {
		case e := <-heard:
			if e.Type != "agent.updated" && e.Type != "presence.changed" || strings.Contains(string(e.Data), "luis") {
				t.Errorf("helena was told %s: %s", e.Type, e.Data)
			}
			continue
		default:
		}
		break
	}
}
