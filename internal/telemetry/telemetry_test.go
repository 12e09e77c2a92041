package telemetry

import (
	"flag"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// full returns metrics with every collector registered and every observer called once.
func full() *Metrics {
	m := New("test")
	m.HTTP("/v1/me", 200, time.Millisecond)
	m.Webhook("accepted", time.Millisecond)
	m.WebhookEvents("accepted", 1)
	m.SessionOpened()
	m.SessionClosed("slow", true)
	m.AgentRequest("call.dial", "ok", time.Millisecond)
	m.Pushed()
	m.CallModal(time.Millisecond)
	m.CallAudio(time.Millisecond)
	m.CallRing(time.Millisecond)
	m.CallEnded("inbound", "completed", time.Minute)
	m.Provider("connect", "ok", time.Millisecond)
	m.Media(func() MediaStats { return MediaStats{Dropped: map[string]uint64{"late": 3}} })
	m.Store(func() bool { return true })
	m.Cluster(func() ClusterStats { return ClusterStats{Members: 2, Buckets: 128, LeaseValid: true} })
	return m
}

func TestNamesAreStable(t *testing.T) {
	families, err := full().registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, f := range families {
		if !strings.HasPrefix(f.GetName(), "ramal_") {
			if !strings.HasPrefix(f.GetName(), "go_") && !strings.HasPrefix(f.GetName(), "process_") && !strings.HasPrefix(f.GetName(), "promhttp_") {
				t.Errorf("%s has no prefix of ours", f.GetName())
			}
			continue
		}
		var labels []string
		for _, l := range f.GetMetric()[0].GetLabel() {
			labels = append(labels, l.GetName())
		}
		fmt.Fprintf(&b, "%s %s {%s}\n", f.GetName(), strings.ToLower(f.GetType().String()), strings.Join(labels, ","))
	}
	const file = "testdata/metrics.golden"
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || b.String() != string(want) {
		t.Errorf("the metrics changed (%v); with -update they become\n%s", err, b.String())
	}
}

func TestNamesFollowPrometheussRules(t *testing.T) {
	rec := httptest.NewRecorder()
	full().Handler().ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	body, _ := io.ReadAll(rec.Body)
	problems, err := promlint.New(strings.NewReader(string(body))).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "ramal_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
	if !strings.Contains(string(body), `ramal_media_packets_dropped_total{reason="late"} 3`) {
		t.Error("the media plane's numbers are not served")
	}
}

// scrape returns every sample of m by its name and labels, as served.
func scrape(t *testing.T, m *Metrics) map[string]string {
	t.Helper()
	rec := httptest.NewRecorder()
	m.Handler().ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	samples := map[string]string{}
	for line := range strings.Lines(rec.Body.String()) {
		if i := strings.LastIndexByte(line, ' '); i > 0 && line[0] != '#' {
			samples[line[:i]] = strings.TrimSpace(line[i:])
		}
	}
	return samples
}

func TestObserversCount(t *testing.T) {
	got := scrape(t, full())
	for sample, want := range map[string]string{
		nameHTTPRequests + `{route="/v1/me",status="2xx"}`:          "1",
		nameWebhooks + `{result="accepted"}`:                        "1",
		nameWebhooks + `{result="forged"}`:                          "0",
		nameSessions:                                                "0",
		nameSessionsClosed + `{reason="slow"}`:                      "1",
		nameAgentRequests + `{kind="ok",type="call.dial"}`:          "1",
		nameCallModal + "_count":                                    "1",
		nameCallAudio + "_count":                                    "1",
		nameCallRing + "_count":                                     "1",
		nameCallTalk + "_sum":                                       "60",
		nameCallsEnded + `{direction="inbound",reason="completed"}`: "1",
		nameProviderRequests + `{kind="ok",op="connect"}`:           "1",
		nameStoreUp:                               "1",
		nameClusterBuckets:                        "128",
		nameClusterLease:                          "1",
		nameMediaDropped + `{reason="late"}`:      "3",
		nameMediaPacketsOut + `{source="silent"}`: "0",
	} {
		if got[sample] != want {
			t.Errorf("%s is %q, want %q", sample, got[sample], want)
		}
	}
}

func TestForeignWordsNeverBecomeLabels(t *testing.T) {
	m := New("test")
	m.AgentRequest("call.dial'); DROP", "surprise", 0)
	m.CallEnded("sideways", "5511987654321", 0)
	m.Provider("/5511987654321", "ok", 0)
	m.HTTP("/v1/me", 999, 0)
	got := scrape(t, m)
	for _, sample := range []string{nameAgentRequests + `{kind="other",type="other"}`, nameCallsEnded + `{direction="other",reason="other"}`,
		nameProviderRequests + `{kind="ok",op="other"}`, nameHTTPRequests + `{route="/v1/me",status="other"}`} {
		if got[sample] != "1" {
			t.Errorf("%s is %q", sample, got[sample])
		}
	}
	if got[nameCallTalk+"_count"] != "0" {
		t.Error("an unanswered call counts as talk")
	}
}

func TestKnown(t *testing.T) {
	if !Known(LabelEndReason, "no_answer") || Known(LabelEndReason, "other") || Known("nothing", "no_answer") {
		t.Error("Known does not tell the lists apart")
	}
}
