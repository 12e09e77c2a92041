package telemetry

// The names of all metrics, with the unit last (seconds, bytes, ratio) and _total on counters. A golden file
// keeps them, their types and their labels: a dashboard breaks when one changes.
const (
	nameBuildInfo = "ramal_build_info"

	nameHTTPRequests = "ramal_http_requests_total"
	nameHTTPSeconds  = "ramal_http_request_seconds"

	nameWebhooks       = "ramal_webhooks_total"
	nameWebhookSeconds = "ramal_webhook_seconds"
	nameWebhookEvents  = "ramal_webhook_events_total"

	nameInbox        = "ramal_inbox_events_total"
	nameCallsUnsaved = "ramal_calls_unsaved"

	nameSessions       = "ramal_agent_sessions"
	nameSessionsClosed = "ramal_agent_sessions_closed_total"
	nameAgentRequests  = "ramal_agent_requests_total"
	nameAgentSeconds   = "ramal_agent_request_seconds"
	namePushes         = "ramal_agent_pushes_total"

	nameCallModal  = "ramal_call_modal_seconds"
	nameCallAudio  = "ramal_call_audio_seconds"
	nameCallRing   = "ramal_call_ring_seconds"
	nameCallsEnded = "ramal_calls_ended_total"
	nameCallTalk   = "ramal_call_talk_seconds"

	nameProviderRequests = "ramal_provider_requests_total"
	nameProviderSeconds  = "ramal_provider_request_seconds"

	nameMediaConferences = "ramal_media_conferences"
	nameMediaLegs        = "ramal_media_legs"
	nameMediaPackets     = "ramal_media_packets_total"
	nameMediaPacketsOut  = "ramal_media_packets_sent_total"
	nameMediaDropped     = "ramal_media_packets_dropped_total"
	nameMediaUnderruns   = "ramal_media_underruns_total"
	nameMediaConcealed   = "ramal_media_frames_concealed_total"
	nameMediaTicks       = "ramal_media_ticks_missed_total"
	nameMediaFacts       = "ramal_media_facts_dropped_total"

	nameStoreUp = "ramal_store_up"

	nameClusterMembers = "ramal_cluster_members"
	nameClusterBuckets = "ramal_cluster_buckets_owned"
	nameClusterLease   = "ramal_cluster_lease_valid"
	nameClusterCalls   = "ramal_cluster_calls_here"
)

// other stands for a word that is on no list.
const other = "other"

// set is a closed list of label values.
type set map[string]bool

func list(words ...string) set {
	s := set{}
	for _, w := range words {
		s[w] = true
	}
	return s
}

// of returns w if the list holds it.
func (s set) of(w string) string {
	if s[w] {
		return w
	}
	return other
}

// The lists. They repeat words that other packages own, because nothing but std may be imported here; the owners'
// tests compare theirs with these through Known.
var (
	faultKinds = list("ok", "invalid", "denied", "not_found", "conflict", "unavailable", "exhausted", "internal", "unknown")

	// webhookResults: what became of one webhook request.
	webhookResults = list("accepted", "forged", "malformed", "too_large", "unknown_line", "unavailable", "ignored",
		"challenge_passed", "challenge_refused")
	// eventResults: what became of one event in a webhook whose signature was right.
	eventResults = list("accepted", "malformed", "unknown_line")

	// inboxEvents and inboxResults: what became of one event after it was taken in.
	inboxEvents = list("callconnect", "callstatus", "callterminate", "permissionreply", "inboundmessage", "messagestatus", "identitychanged",
		"accountsettingsupdate", "accountupdate", "lineerror", "unknown", "unreadable")
	inboxResults = list("done", "dropped", "failed", "parked")

	sessionEnds = list("client", "broken", "slow", "silent", "token", "protocol", "moved", "draining", "refused", "shutdown")

	agentRequests = list("hello", "ping", "snapshot.get", "agent.set_presence", "call.dial", "offer.accept", "offer.decline", "call.attach",
		"call.invite", "call.cancel_invite", "call.leave", "call.end", "call.mute", "call.volume", "permission.request", "message.send",
		"message.call_button", "notice.ack")

	directions = list("inbound", "outbound")
	endReasons = list("completed", "declined_by_customer", "declined_by_agents", "no_answer", "abandoned", "out_of_hours", "permission_denied",
		"limit_reached", "provider_error", "media_failed", "node_lost", "replaced")

	providerOps = list("connect", "pre_accept", "accept", "reject", "terminate", "call_permissions", "get_settings", "update_settings", "send_text",
		"send_permission_request", "send_call_button", "send_reply_buttons", "send_template", "mark_read", "create_template",
		"subscribe_app", "subscribe_waba")

	statusClasses = list("1xx", "2xx", "3xx", "4xx", "5xx")
)

// Label names a closed list.
type Label string

// The lists that another package's words must be on.
const (
	LabelFaultKind    Label = "kind"
	LabelAgentRequest Label = "type"
	LabelEndReason    Label = "reason"
	LabelProviderOp   Label = "op"
	LabelSessionEnd   Label = "session_end"
	LabelWebhook      Label = "webhook_result"
)

// Known reports whether word is on the list: for the tests of the packages that own the words.
func Known(l Label, word string) bool {
	return map[Label]set{LabelFaultKind: faultKinds, LabelAgentRequest: agentRequests, LabelEndReason: endReasons,
		LabelProviderOp: providerOps, LabelSessionEnd: sessionEnds, LabelWebhook: webhookResults}[l][word]
}
