// Package graph is the Graph API of the simulator: it reads requests as strictly as Meta does, lets package cloud act, and
// writes answers and error envelopes. It holds no state. Source: Meta's pages "Cloud API calling, reference", "user call
// permissions", "call settings", "messages" and "webhooks".
package graph

import (
	"context"
	"encoding/json"
	"io"
	"math/rand/v2"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"ramal/sim/cloud"
	"ramal/sim/events"
	"ramal/sim/metaerr"
)

const (
	maxBody  = 1 << 20
	holdBack = 250 * time.Millisecond // how long an answer waits when its webhook is to come first
)

// Handler serves /v{N}.0/....
type Handler struct {
	cloud *cloud.Cloud
}

// New returns the handler.
func New(c *cloud.Cloud) *Handler { return &Handler{c} }

// request is one parsed call of the API.
type request struct {
	ctx     context.Context
	method  string
	version int
	id      string
	edge    string
	query   url.Values
	body    map[string]json.RawMessage
	token   cloud.Token
	strict  bool
	hold    time.Duration
}

var path = regexp.MustCompile(`^/v(\d{1,3})\.\d/([^/]+)(?:/([a-z_]+))?$`)

// Matches reports whether an address belongs to the Graph API.
func Matches(p string) bool { return path.MatchString(p) }

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	begun := time.Now()
	t := h.cloud.Timings()
	wait(r.Context(), t.GraphBefore)
	answer, fault, req := h.handle(r)
	if req != nil {
		wait(r.Context(), int(req.hold.Milliseconds()))
	}
	wait(r.Context(), t.GraphAfter)
	var body []byte
	status := http.StatusOK
	data := map[string]any{"method": r.Method, "path": r.URL.Path, "took_ms": time.Since(begun).Milliseconds()}
	if fault != nil {
		status, body = fault.HTTP, fault.Body(traceID())
		data["code"], data["details"] = fault.Code, fault.Details
	} else {
		var err error
		if body, err = json.Marshal(answer); err != nil {
			panic(err) // answers are plain data
		}
	}
	data["status"] = status
	e := events.Event{Kind: "graph.request", Data: data}
	if req != nil {
		e.PNID = req.id
		if raw, ok := req.body["call_id"]; ok {
			e.Call = unquote(raw)
		}
		if raw, ok := req.body["action"]; ok {
			data["action"] = unquote(raw)
		}
	}
	h.cloud.Events().Add(e)
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client went away
}

// wait pauses; a client that leaves ends the pause, but not the request: the service has it already.
func wait(ctx context.Context, msec int) {
	if msec <= 0 {
		return
	}
	t := time.NewTimer(time.Duration(msec) * time.Millisecond)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

func traceID() string {
	return "A" + strconv.FormatUint(rand.Uint64(), 36)
}

func (h *Handler) handle(r *http.Request) (any, *metaerr.Error, *request) {
	m := path.FindStringSubmatch(r.URL.Path)
	if m == nil {
		e := metaerr.New(100, "")
		e.Code, e.HTTP, e.Message = 2500, http.StatusBadRequest, "Unknown path components: "+r.URL.Path
		return nil, e, nil
	}
	flags := h.cloud.Flags()
	if flags.GraphFailCode != 0 && rand.Float64() < flags.GraphFailRate {
		return nil, metaerr.New(flags.GraphFailCode, "failure switched on in the simulator"), nil
	}
	version, _ := strconv.Atoi(m[1]) // digits by the expression
	req := &request{
		ctx: r.Context(), method: r.Method, version: version, id: m[2], edge: m[3], query: r.URL.Query(),
		strict: !flags.LenientParameters,
	}
	token, e := h.cloud.Authorize(bearer(r))
	if e != nil {
		return nil, e, req
	}
	req.token = token
	if r.Method == http.MethodPost || r.Method == http.MethodDelete {
		if req.body, e = readBody(r); e != nil {
			return nil, e, req
		}
	}
	answer, e := h.route(req)
	return answer, e, req
}

func bearer(r *http.Request) string {
	if scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(token)
	}
	return r.URL.Query().Get("access_token")
}

func (h *Handler) route(r *request) (any, *metaerr.Error) {
	switch r.method + " " + r.edge {
	case "POST calls":
		return h.calls(r)
	case "POST messages":
		return h.messages(r)
	case "GET call_permissions":
		return h.permissions(r)
	case "GET settings":
		return h.getSettings(r)
	case "POST settings":
		return h.postSettings(r)
	case "POST message_templates":
		return h.postTemplate(r)
	case "GET message_templates":
		list, e := h.cloud.Templates(r.token, r.id, r.query.Get("name"))
		return map[string]any{"data": list}, e
	case "POST subscriptions":
		return h.subscribe(r)
	case "GET subscriptions":
		list, e := h.cloud.Subscriptions(r.token, r.id)
		return map[string]any{"data": list}, e
	case "POST subscribed_apps":
		return h.subscribeAccount(r)
	case "GET subscribed_apps":
		return h.subscribedApps(r)
	case "DELETE subscribed_apps":
		return success, h.cloud.UnsubscribeAccount(r.token, r.id)
	}
	return nil, metaerr.NoObject(r.id, strings.ToLower(r.method))
}

var success = map[string]any{"success": true}

// readBody reads a JSON object or a form into raw JSON values.
func readBody(r *http.Request) (map[string]json.RawMessage, *metaerr.Error) {
	raw, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil || len(raw) > maxBody {
		return nil, metaerr.New(100, "the request body cannot be read or is longer than %d bytes", maxBody)
	}
	return ParseBody(r.Header.Get("Content-Type"), raw)
}

// ParseBody reads the bytes of a request body: a JSON object, or a form when the content type says so.
func ParseBody(contentType string, raw []byte) (map[string]json.RawMessage, *metaerr.Error) {
	out := map[string]json.RawMessage{}
	if len(raw) == 0 {
		return out, nil
	}
	if kind, _, _ := mime.ParseMediaType(contentType); kind == "application/x-www-form-urlencoded" {
		form, err := url.ParseQuery(string(raw))
		if err != nil {
			return nil, metaerr.New(100, "the form cannot be read")
		}
		for k, v := range form {
			out[k] = quote(v[0])
		}
		return out, nil
	}
	if err := json.Unmarshal(raw, &out); err != nil || out == nil {
		return nil, metaerr.New(100, "the request body is not a JSON object")
	}
	return out, nil
}

func quote(s string) json.RawMessage {
	raw, err := json.Marshal(s)
	if err != nil {
		panic(err) // strings always marshal
	}
	return raw
}

// only refuses parameters outside the list.
func (r *request) only(names ...string) *metaerr.Error {
	if !r.strict {
		return nil
	}
	for name := range r.body {
		if !slices.Contains(names, name) {
			return metaerr.New(100, "unexpected parameter %q", name)
		}
	}
	return nil
}

// into decodes one parameter; absent leaves the value alone.
func (r *request) into(name string, v any) *metaerr.Error {
	raw, ok := r.body[name]
	if !ok {
		return nil
	}
	if err := strictDecode(raw, v, r.strict); err != nil {
		return metaerr.New(100, "parameter %q: %v", name, err)
	}
	return nil
}

func strictDecode(raw []byte, v any, strict bool) error {
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	if strict {
		dec.DisallowUnknownFields()
	}
	return dec.Decode(v)
}

// text reads a string parameter; numbers are taken as their digits, as the real API does.
func (r *request) text(name string) string { return unquote(r.body[name]) }

func unquote(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var n json.Number
	if json.Unmarshal(raw, &n) == nil {
		return n.String()
	}
	return ""
}

func (r *request) wantProduct() *metaerr.Error {
	if r.text("messaging_product") != "whatsapp" {
		return metaerr.New(100, "messaging_product must be \"whatsapp\"")
	}
	return nil
}
