package graph

import (
	"regexp"
	"time"

	"ramal/sim/cloud"
	"ramal/sim/ledger"
	"ramal/sim/metaerr"
)

const maxOpaque = 512

type session struct {
	Type string `json:"sdp_type"`
	SDP  string `json:"sdp"`
}

var allowed = map[string][]string{
	"connect": {"messaging_product", "to", "recipient", "action", "session", "biz_opaque_callback_data", "recording",
		"transcription", "messaging_account_id"},
	"pre_accept": {"messaging_product", "call_id", "action", "session", "to", "messaging_account_id"},
	"accept": {"messaging_product", "call_id", "action", "session", "to", "biz_opaque_callback_data", "recording",
		"transcription", "messaging_account_id"},
	"reject":    {"messaging_product", "call_id", "action", "messaging_account_id"},
	"terminate": {"messaging_product", "call_id", "action", "messaging_account_id"},
}

var digits = regexp.MustCompile(`^\d{5,20}$`)

// calls is POST /{pnid}/calls.
func (h *Handler) calls(r *request) (any, *metaerr.Error) {
	action := r.text("action")
	names, ok := allowed[action]
	if !ok {
		return nil, metaerr.New(100, "action must be connect, pre_accept, accept, reject or terminate")
	}
	if e := r.only(names...); e != nil {
		return nil, e
	}
	if e := r.wantProduct(); e != nil {
		return nil, e
	}
	opaque := r.text("biz_opaque_callback_data")
	if len(opaque) > maxOpaque {
		return nil, metaerr.New(100, "biz_opaque_callback_data is longer than %d characters", maxOpaque)
	}
	var s session
	if e := r.into("session", &s); e != nil {
		return nil, e
	}
	if action == "connect" {
		return h.connect(r, s, opaque)
	}
	id := r.text("call_id")
	if id == "" {
		return nil, metaerr.New(100, "call_id is required")
	}
	if action == "accept" || action == "pre_accept" {
		if _, ok := r.body["session"]; !ok {
			return nil, metaerr.New(100, "session is required")
		}
		if s.Type != "answer" {
			return nil, metaerr.New(100, "session.sdp_type must be answer")
		}
	}
	if e := h.cloud.Act(r.token, r.id, id, action, s.SDP, opaque); e != nil {
		return nil, e
	}
	return map[string]any{"messaging_product": "whatsapp", "success": true}, nil
}

func (h *Handler) connect(r *request, s session, opaque string) (any, *metaerr.Error) {
	d := cloud.Dial{To: r.text("to"), Recipient: r.text("recipient"), SDP: s.SDP, Opaque: opaque}
	switch {
	case d.To == "" && d.Recipient == "":
		return nil, metaerr.New(100, "to or recipient is required")
	case d.To != "" && !digits.MatchString(d.To):
		return nil, metaerr.New(100, "to must be digits without +")
	case s.Type != "offer":
		return nil, metaerr.New(100, "session.sdp_type must be offer")
	}
	id, e := h.cloud.Connect(r.token, r.id, d)
	if e != nil {
		return nil, e
	}
	if h.cloud.Flags().ConnectBeforeResponse {
		r.hold = holdBack
	}
	return map[string]any{"messaging_product": "whatsapp", "calls": []any{map[string]any{"id": id}}}, nil
}

// permissions is GET /{pnid}/call_permissions.
func (h *Handler) permissions(r *request) (any, *metaerr.Error) {
	p, e := h.cloud.CallPermissions(r.token, r.id, r.query.Get("user_wa_id"), r.query.Get("recipient"))
	if e != nil {
		return nil, e
	}
	permission := map[string]any{"status": p.Status}
	if p.Status == ledger.Temporary {
		permission["expiration_time"] = p.Expires.Unix()
	}
	return map[string]any{
		"messaging_product": "whatsapp", "permission": permission,
		"actions": []any{
			map[string]any{"action_name": "send_call_permission_request", "can_perform_action": p.MayAsk, "limits": limits(p.Request)},
			map[string]any{"action_name": "start_call", "can_perform_action": p.MayCall, "limits": limits(p.Call)},
		},
	}, nil
}

func limits(list []ledger.Usage) []map[string]any {
	out := make([]map[string]any, 0, len(list))
	for _, u := range list {
		l := map[string]any{"time_period": u.Period, "max_allowed": u.Max, "current_usage": u.Used}
		if u.Reached() && !u.Until.IsZero() {
			l["limit_expiration_time"] = u.Until.Truncate(time.Second).Unix()
		}
		out = append(out, l)
	}
	return out
}
