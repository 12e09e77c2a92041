package gateway

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"ramal/actors"
	"ramal/channels/whatsapp"
	"ramal/internal/fault"
	"ramal/internal/telemetry"
)

// text is a webhook with one text message for each of the numbers.
func textHook(numbers ...string) string {
	var entries []string
	for i, n := range numbers {
		entries = append(entries, fmt.Sprintf(`{"id":"W","changes":[{"field":"messages","value":{"metadata":{"phone_number_id":%q},
			"messages":[{"id":"wamid.%d","from":"5511987654321","timestamp":"1795950500","type":"text","text":{"body":"Ol\u00e1 \/"}}]}}]}`, n, i))
	}
	return `{"object":"whatsapp_business_account","entry":[` + strings.Join(entries, ",") + `]}`
}

func (w *world) wantHook(t *testing.T, got response, status int, result string) {
	t.Helper()
	if got.StatusCode != status {
		t.Errorf("answered %d %s, want %d", got.StatusCode, got.body, status)
	}
	if status != http.StatusOK {
		got.problem(t)
	} else if got.body != "" {
		t.Errorf("200 carries %q", got.body)
	}
	if n := w.metric(`ramal_webhooks_total{result="` + result + `"}`); n != "1" {
		t.Errorf("result %s is counted %q times", result, n)
	}
}

func TestWebhookIsStoredOnce(t *testing.T) {
	w := newWorld(t)
	body := textHook("P1")
	w.wantHook(t, w.hook("secret-1", body), 200, "accepted")
	if got := w.hook("secret-1", body); got.StatusCode != 200 { // Meta delivers again
		t.Errorf("a replay is answered %d", got.StatusCode)
	}
	rows := w.stored()
	if len(rows) != 1 || rows[0].Tenant != "farmacia" || rows[0].Line != "ln_farmacia" || rows[0].Dedupe != "P1|wamid.0|message" || rows[0].ReceivedAt.IsZero() {
		t.Fatalf("stored %+v", rows)
	}
	ev, err := whatsapp.ParseItem(rows[0].Body)
	if m, ok := ev.(whatsapp.InboundMessage); err != nil || !ok || m.Text != "Olá /" {
		t.Errorf("the stored event reads %+v, %v", ev, err)
	}
}

func TestForgeryIsRefusedAndCounted(t *testing.T) {
	good := textHook("P1")
	for name, c := range map[string]struct{ body, signature string }{
		"unsigned":            {good, ""},
		"other secret":        {good, sign("secret-9", good)},
		"signature of other":  {good, sign("secret-1", good+" ")},
		"sha1":                {good, "sha1=" + strings.Repeat("0", 40)},
		"garbage":             {good, "x"},
		"another's line":      {textHook("P1", "P9"), sign("secret-1", textHook("P1", "P9"))},
		"another's line last": {textHook("P9", "P1"), sign("secret-1", textHook("P9", "P1"))},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.wantHook(t, w.do(http.MethodPost, "/webhooks/whatsapp", c.body, "X-Hub-Signature-256", c.signature), 401, "forged")
			if rows := w.stored(); len(rows) != 0 {
				t.Errorf("stored %+v", rows)
			}
		})
	}
}

func TestWebhookRefusals(t *testing.T) {
	big := `{"object":"whatsapp_business_account","entry":[],"x":"` + strings.Repeat("x", maxWebhook) + `"}`
	many := make([]string, 200)
	for i := range many {
		many[i] = fmt.Sprintf("Q%d", i)
	}
	for name, c := range map[string]struct {
		body   string
		status int
		result string
	}{
		"too large":                       {big, 413, "too_large"},
		"not JSON":                        {"hello", 401, "forged"},
		"other object":                    {`{"object":"page","entry":[]}`, 401, "forged"},
		"no good event":                   {`{"object":"whatsapp_business_account","entry":[5]}`, 401, "forged"},
		"empty":                           {`{"object":"whatsapp_business_account","entry":[]}`, 401, "forged"},
		"no changes":                      {`{"object":"whatsapp_business_account","entry":[{"id":"W","changes":[]}]}`, 401, "forged"},
		"account":                         {`{"object":"whatsapp_business_account","entry":[{"id":"W","changes":[{"field":"account_update","value":{"event":"X"}}]}]}`, 401, "forged"},
		"unknown line":                    {textHook("P5"), 401, "unknown_line"},
		"unknown lines":                   {textHook(many...), 401, "unknown_line"},
		"proven, but of another object":   {strings.Replace(textHook("P1"), "whatsapp_business_account", "page", 1), 400, "malformed"},
		"proven, but nothing can be read": {strings.Replace(textHook("P1"), `"id":"wamid.0",`, "", 1), 400, "malformed"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.wantHook(t, w.hook("secret-1", c.body), c.status, c.result)
			w.mu.Lock()
			defer w.mu.Unlock()
			if w.mu.lookups > maxStrangers {
				t.Errorf("an unverified body caused %d look-ups", w.mu.lookups)
			}
			if len(w.mu.inbox) != 0 {
				t.Errorf("stored %+v", w.mu.inbox)
			}
		})
	}
}

// Who cannot sign gets one answer, whether a number has a line here or not.
func TestStrangersLearnNoNumbers(t *testing.T) {
	w := newWorld(t)
	seen := map[string]bool{}
	for _, body := range []string{textHook("P1"), textHook("P5"), textHook("P5", "P1"), textHook("P1", "P5"), "{}", "hello"} {
		for _, signature := range []string{sign("secret-5", body), "sha256=00", ""} {
			got := w.do(http.MethodPost, "/webhooks/whatsapp", body, "X-Hub-Signature-256", signature)
			p := got.problem(t)
			seen[fmt.Sprint(got.StatusCode, p.Code, p.Title, p.Detail)] = true
		}
	}
	if len(seen) != 1 {
		t.Errorf("the answers differ: %v", seen)
	}
}

// A body costs little before its signature is proven, whatever is in it.
func TestForgeryIsCheap(t *testing.T) {
	w := newWorld(t)
	message := `{"id":"wamid.1","from":"5511","type":"text","text":{"body":"oi"}}`
	body := `{"object":"whatsapp_business_account","entry":[{"id":"W","changes":[{"field":"messages","value":{"metadata":{"phone_number_id":"P1"},
		"contacts":[{"wa_id":"5511","profile":{"name":"` + strings.Repeat("n", 200<<10) + `"}}],"messages":[` + strings.Repeat(message+",", 1999) + message + `]}}]}]}`
	signature := sign("secret-5", body)
	w.hook("secret-5", "{}") // connections are made
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got := w.do(http.MethodPost, "/webhooks/whatsapp", body, "X-Hub-Signature-256", signature)
	runtime.ReadMemStats(&after)
	if cost := after.TotalAlloc - before.TotalAlloc; got.StatusCode != 401 || cost > 16<<20 {
		t.Errorf("a forged body of %d bytes is answered %d and costs %d bytes", len(body), got.StatusCode, cost)
	}
}

func TestBatchOfSeveralLines(t *testing.T) {
	w := newWorld(t)
	w.wantHook(t, w.hook("secret-1", textHook("P1", "P5", "P2")), 200, "accepted")
	rows := w.stored()
	if len(rows) != 2 || rows[0].Line != "ln_farmacia" || rows[1].Line != "ln2_farmacia" {
		t.Errorf("stored %+v", rows)
	}
	if w.metric(`ramal_webhook_events_total{result="unknown_line"}`) != "1" || w.metric(`ramal_webhook_events_total{result="accepted"}`) != "2" {
		t.Error("the events are not counted")
	}
}

func TestMalformedElementCostsNoSibling(t *testing.T) {
	w := newWorld(t)
	body := strings.Replace(textHook("P1"), `"messages":[`, `"messages":[{"id":7.5,"type":{}},`, 1)
	w.wantHook(t, w.hook("secret-1", body), 200, "accepted")
	if len(w.stored()) != 1 || w.metric(`ramal_webhook_events_total{result="malformed"}`) != "1" {
		t.Errorf("stored %+v", w.stored())
	}
}

func TestStoreAwayMakesMetaDeliverAgain(t *testing.T) {
	for name, set := range map[string]func(*engine){
		"at look-up": func(e *engine) { e.mu.lookup = fault.New(fault.Unavailable, "store", "away", "") },
		"at accept":  func(e *engine) { e.mu.accept = fault.New(fault.Unavailable, "store", "away", "") },
		"unknown":    func(e *engine) { e.mu.accept = fault.New(fault.Unknown, "store", "commit", "") },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			set(w.engine)
			got := w.hook("secret-1", textHook("P1"))
			w.wantHook(t, got, 503, "unavailable")
			if got.Header.Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
		})
	}
}

// accountEngine also knows the lines of accounts.
type accountEngine struct{ *engine }

func (e accountEngine) LinesByAccount(_ context.Context, waba string) ([]actors.LineAuth, error) {
	return e.accounts[waba], nil
}

func TestAccountEventReachesItsVerifiedLines(t *testing.T) {
	body := `{"object":"whatsapp_business_account","entry":[{"id":"W","time":1,"changes":[{"field":"account_update","value":{"event":"ACCOUNT_RESTRICTION"}}]}]}`
	w := newWorld(t, func(_ *Config, d *Deps) { d.Intake = accountEngine{d.Intake.(*engine)} })
	w.accounts["W"] = []actors.LineAuth{{Tenant: "farmacia", Line: "ln_farmacia", AppSecret: "secret-1"}, {Tenant: "outra", Line: "ln_outra", AppSecret: "secret-9"}}
	w.wantHook(t, w.hook("secret-1", body), 200, "accepted")
	if rows := w.stored(); len(rows) != 1 || rows[0].Line != "ln_farmacia" {
		t.Errorf("stored %+v", rows)
	}
	w.wantHook(t, w.hook("secret-5", body), 401, "forged")
}

func TestVerification(t *testing.T) {
	w := newWorld(t)
	got := w.do(http.MethodGet, "/webhooks/whatsapp?hub.mode=subscribe&hub.challenge=117%3Cb%3E&hub.verify_token=T9", "")
	if got.StatusCode != 200 || got.body != "117<b>" || !strings.HasPrefix(got.Header.Get("Content-Type"), "text/plain") {
		t.Errorf("%d %q", got.StatusCode, got.body)
	}
	for _, query := range []string{"hub.mode=subscribe&hub.challenge=1&hub.verify_token=T5", "hub.mode=x&hub.challenge=1&hub.verify_token=T1", "hub.mode=subscribe&hub.challenge=1", ""} {
		if got := w.do(http.MethodGet, "/webhooks/whatsapp?"+query, ""); got.StatusCode != 403 || got.problem(t).Code != "verify_token" {
			t.Errorf("%s: %d", query, got.StatusCode)
		}
	}
}

func TestWebhookResultsAreKnownToTheMetric(t *testing.T) {
	for _, r := range []string{hookAccepted, hookForged, hookMalformed, hookTooLarge, hookUnknownLine, hookUnavailable, hookIgnored, hookChallengePassed, hookChallengeRefused} {
		if !telemetry.Known(telemetry.LabelWebhook, r) {
			t.Errorf("%s is not on the list", r)
		}
	}
}

func TestTooManyWebhooksAtOnce(t *testing.T) {
	w := newWorld(t, func(c *Config, _ *Deps) { c.MaxWebhooks = 1 })
	w.g.hooks <- struct{}{} // one is being read
	w.wantHook(t, w.hook("secret-1", textHook("P1")), 503, "unavailable")
	<-w.g.hooks
	w.wantHook(t, w.hook("secret-1", textHook("P1")), 200, "accepted")
}
