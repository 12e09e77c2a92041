package whatsapp

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"ramal/internal/fault"
)

// The whole table of Meta's page "Cloud API error codes" and the calling pages, as a caller sees it.
func TestEveryCodeHasKindWordAndRetry(t *testing.T) {
	cases := []struct {
		code, subcode, http int
		kind                fault.Kind
		word                string
		retry               bool
	}{
		{0, 0, 401, fault.Denied, "bad_token", false},
		{190, 0, 401, fault.Denied, "bad_token", false},
		{1, 0, 400, fault.Unavailable, "provider_error", false},
		{2, 0, 503, fault.Unavailable, "service_down", true},
		{3, 0, 403, fault.Denied, "app_permission", false},
		{10, 0, 403, fault.Denied, "app_permission", false},
		{200, 0, 403, fault.Denied, "app_permission", false},
		{299, 0, 403, fault.Denied, "app_permission", false},
		{4, 0, 400, fault.Exhausted, "api_rate", false},
		{80007, 0, 400, fault.Exhausted, "api_rate", false},
		{33, 0, 400, fault.NotFound, "unknown_object", false},
		{100, 33, 400, fault.NotFound, "unknown_object", false},
		{100, 0, 400, fault.Invalid, "bad_parameter", false},
		{100, 2494010, 400, fault.Invalid, "sdp_rejected", false},
		{368, 0, 403, fault.Denied, "account_blocked", false},
		{131031, 0, 403, fault.Denied, "account_blocked", false},
		{613, 0, 429, fault.Exhausted, "read_rate", false},
		{130429, 0, 400, fault.Exhausted, "message_rate", false},
		{131048, 0, 400, fault.Exhausted, "spam_rate", false},
		{131056, 0, 400, fault.Exhausted, "pair_rate", false},
		{131000, 0, 500, fault.Unavailable, "provider_error", true},
		{131016, 0, 500, fault.Unavailable, "service_down", true},
		{131005, 0, 403, fault.Denied, "access_denied", false},
		{131008, 0, 400, fault.Invalid, "parameter_missing", false},
		{131009, 0, 400, fault.Invalid, "parameter_value", false},
		{131026, 0, 400, fault.Denied, "undeliverable", false},
		{131030, 0, 400, fault.Denied, "recipient_refused", false},
		{131042, 0, 400, fault.Denied, "payment_missing", false},
		{131044, 0, 400, fault.Denied, "payment_missing", false},
		{131047, 0, 400, fault.Denied, "window_closed", false},
		{131049, 0, 400, fault.Exhausted, "marketing_cap", false},
		{131050, 0, 400, fault.Denied, "opted_out", false},
		{131051, 0, 400, fault.Invalid, "message_kind", false},
		{131052, 0, 400, fault.Unavailable, "media_failed", false},
		{131053, 0, 400, fault.Unavailable, "media_failed", false},
		{131055, 0, 400, fault.Conflict, "sip_enabled", false},
		{131057, 0, 500, fault.Unavailable, "maintenance", true},
		{131062, 0, 400, fault.Invalid, "bsuid_refused", false},
		{132000, 0, 400, fault.Invalid, "template_wrong", false},
		{132001, 0, 404, fault.NotFound, "template_missing", false},
		{132005, 0, 400, fault.Invalid, "template_wrong", false},
		{132007, 0, 400, fault.Denied, "template_policy", false},
		{132012, 0, 400, fault.Invalid, "template_wrong", false},
		{132015, 0, 400, fault.Conflict, "template_paused", false},
		{132016, 0, 400, fault.Conflict, "template_disabled", false},
		{133010, 0, 400, fault.Conflict, "not_registered", false},
		{133016, 0, 400, fault.Exhausted, "registration_rate", false},
		{138000, 0, 401, fault.Conflict, "calling_disabled", false},
		{138001, 0, 400, fault.Denied, "uncallable", false},
		{138002, 0, 429, fault.Exhausted, "concurrency", false},
		{138003, 0, 400, fault.Conflict, "duplicate_call", false},
		{138004, 0, 500, fault.Unavailable, "connection_error", true},
		{138005, 0, 429, fault.Exhausted, "call_rate", false},
		{138006, 2593090, 401, fault.Denied, "permission_missing", false},
		{138007, 0, 500, fault.Unavailable, "sdp_timeout", true},
		{138008, 0, 400, fault.Invalid, "sdp_rejected", false},
		{138009, 0, 400, fault.Exhausted, "request_limit", false},
		{138011, 0, 400, fault.Denied, "conversation_needed", false},
		{138012, 0, 400, fault.Exhausted, "daily_limit", false},
		{138013, 2593139, 400, fault.Denied, "not_available", false},
		{138014, 0, 400, fault.Denied, "restricted", false},
		{138015, 0, 400, fault.Denied, "messaging_limit_too_low", false},
		{138017, 0, 400, fault.Conflict, "permission_permanent", false},
		{138018, 0, 400, fault.Conflict, "not_subscribed", false},
		{138019, 0, 0, fault.Unavailable, "client_setup_failed", false},
		{138020, 0, 0, fault.Unavailable, "client_relay_unreachable", false},
		{138021, 0, 0, fault.Unavailable, "no_business_media", false},
		{138022, 0, 0, fault.Unavailable, "no_user_media", false},
		{138023, 0, 0, fault.Unavailable, "no_media_signal", false},
		// Codes Meta does not explain fall back on the status.
		{138010, 0, 400, fault.Invalid, "refused", false},
		{138016, 0, 401, fault.Denied, "refused", false},
		{999999, 0, 404, fault.NotFound, "unknown_object", false},
		{999999, 0, 429, fault.Exhausted, "api_rate", false},
		{999999, 0, 502, fault.Unavailable, "provider_error", true},
		{999999, 0, 0, fault.Unavailable, "provider_error", false},
		{0, 0, 400, fault.Invalid, "refused", false},
	}
	seen := map[int]bool{}
	for _, c := range cases {
		t.Run(fmt.Sprintf("%d/%d", c.code, c.http), func(t *testing.T) {
			e := &Error{Code: c.code, Subcode: c.subcode, HTTP: c.http, Message: "m"}
			if e.Kind() != c.kind || e.Word() != c.word || e.retryable() != c.retry {
				t.Errorf("got %s %s retry=%v, want %s %s retry=%v", e.Kind(), e.Word(), e.retryable(), c.kind, c.word, c.retry)
			}
		})
		seen[c.code] = true
	}
	for code := range codes {
		if !seen[code] {
			t.Errorf("code %d is in the table but has no row here", code)
		}
	}
}

func TestSubcodesCountOnlyUnderInvalidParameter(t *testing.T) {
	if got := (&Error{Code: 138013, Subcode: 33, HTTP: 400}).Word(); got != "not_available" {
		t.Errorf("subcode 33 under 138013 reads %q", got)
	}
}

func TestFaultKeepsMetasError(t *testing.T) {
	next := time.Unix(2_000_000_000, 0)
	err := error(faultOf("whatsapp.connect", &Error{Code: 138012, HTTP: 400, Message: "(#138012) limit", FBTrace: "T"}, next))
	e, ok := AsError(fault.Wrap(fault.Internal, "outer", err))
	if !ok || e.Code != 138012 || e.FBTrace != "T" {
		t.Fatalf("the cause is lost: %v", err)
	}
	f, _ := errors.AsType[*fault.Error](err)
	if f.Detail != "limit" || !f.NextAllowed.Equal(next) || f.Code != "daily_limit" {
		t.Errorf("fault is %+v", f)
	}
}
