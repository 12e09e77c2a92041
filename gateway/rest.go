package gateway

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"

	"ramal/actors"
	"ramal/internal/fault"
	"ramal/internal/id"
)

// items is a list that is not paged.
type items[T any] struct {
	Items []T `json:"items"`
}

func itemsOf[T any](list []T) items[T] { return items[T]{notNil(list)} }

func pageOf[T any](p actors.Page[T]) actors.Page[T] {
	p.Items = notNil(p.Items)
	return p
}

// notNil makes an empty list of none: a client need not tell null from [].
func notNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// answer writes v, or err.
func answer[T any](g *Gateway, w http.ResponseWriter, r *http.Request, v T, err error) {
	if err != nil {
		g.fail(w, r, err)
		return
	}
	g.writeJSON(w, r, v)
}

// pathID reads {id}. What cannot be an id cannot exist either.
func pathID(r *http.Request) (string, error) {
	v := r.PathValue("id")
	if !id.Valid(v) {
		return "", fault.New(fault.NotFound, "gateway.path", "not_found", "there is no such thing")
	}
	return v, nil
}

// plain reads a request that has neither parameters nor an id.
func plain[T any](g *Gateway, w http.ResponseWriter, r *http.Request, read func() (T, error)) {
	if err := queryOf(r).done(); err != nil {
		g.fail(w, r, err)
		return
	}
	v, err := read()
	answer(g, w, r, v, err)
}

func (g *Gateway) me(w http.ResponseWriter, r *http.Request, who actors.Who) {
	plain(g, w, r, func() (actors.AgentView, error) { return g.deps.Reader.Me(r.Context(), who) })
}

func (g *Gateway) agents(w http.ResponseWriter, r *http.Request, who actors.Who) {
	plain(g, w, r, func() (items[actors.PersonView], error) {
		list, err := g.deps.Reader.Agents(r.Context(), who)
		return itemsOf(list), err
	})
}

func (g *Gateway) lines(w http.ResponseWriter, r *http.Request, who actors.Who) {
	plain(g, w, r, func() (items[actors.LineView], error) {
		list, err := g.deps.Reader.Lines(r.Context(), who)
		return itemsOf(list), err
	})
}

func (g *Gateway) contacts(w http.ResponseWriter, r *http.Request, who actors.Who) {
	q := queryOf(r)
	cq := actors.ContactQuery{Text: q.text("q", 200), Ongoing: q.boolean("ongoing"), MayCall: q.boolean("may_call"), WindowOpen: q.boolean("window_open"),
		Status: q.text("status", 64), Agent: id.Agent(q.ident("agent")), Tag: q.text("tag", 64)}
	cq.Limit, cq.Cursor = q.page()
	if err := q.done(); err != nil {
		g.fail(w, r, err)
		return
	}
	p, err := g.deps.Reader.Contacts(r.Context(), who, cq)
	answer(g, w, r, pageOf(p), err)
}

func (g *Gateway) contact(w http.ResponseWriter, r *http.Request, who actors.Who) {
	one, err := pathID(r)
	if err = errFirst(err, queryOf(r).done()); err != nil {
		g.fail(w, r, err)
		return
	}
	v, err := g.deps.Reader.Contact(r.Context(), who, id.Contact(one))
	answer(g, w, r, v, err)
}

func (g *Gateway) eligibility(w http.ResponseWriter, r *http.Request, who actors.Who) {
	one, err := pathID(r)
	q := queryOf(r)
	line := q.ident("line_id")
	if line == "" {
		q.bad("line_id", "is missing")
	}
	if err = errFirst(err, q.done()); err != nil {
		g.fail(w, r, err)
		return
	}
	v, err := g.deps.Reader.Eligibility(r.Context(), who, id.Contact(one), id.Line(line))
	v.Limits = notNil(v.Limits)
	answer(g, w, r, v, err)
}

func (g *Gateway) messages(w http.ResponseWriter, r *http.Request, who actors.Who) {
	one, err := pathID(r)
	q := queryOf(r)
	limit, cursor := q.page()
	if err = errFirst(err, q.done()); err != nil {
		g.fail(w, r, err)
		return
	}
	p, err := g.deps.Reader.Messages(r.Context(), who, id.Contact(one), limit, cursor)
	answer(g, w, r, pageOf(p), err)
}

func (g *Gateway) colleagues(w http.ResponseWriter, r *http.Request, who actors.Who) {
	one, err := pathID(r)
	q := queryOf(r)
	call := q.ident("call_id")
	if err = errFirst(err, q.done()); err != nil {
		g.fail(w, r, err)
		return
	}
	list, err := g.deps.Reader.Colleagues(r.Context(), who, id.Contact(one), id.Call(call))
	answer(g, w, r, itemsOf(list), err)
}

// endReasons is the closed list of docs/agent-protocol.md.
var endReasons = []string{"completed", "declined_by_customer", "declined_by_agents", "no_answer", "abandoned", "out_of_hours", "permission_denied",
	"limit_reached", "provider_error", "media_failed", "node_lost", "replaced"}

func (g *Gateway) calls(w http.ResponseWriter, r *http.Request, who actors.Who) {
	q := queryOf(r)
	cq := actors.CallQuery{Contact: id.Contact(q.ident("contact")), Agent: id.Agent(q.ident("agent")), Line: id.Line(q.ident("line")),
		Direction: q.word("direction", "inbound", "outbound"), EndReason: q.word("end_reason", endReasons...), Ongoing: q.boolean("ongoing"),
		From: q.time("from"), To: q.time("to")}
	cq.Limit, cq.Cursor = q.page()
	if !cq.From.IsZero() && !cq.To.IsZero() && !cq.To.After(cq.From) {
		q.bad("to", "is not after from")
	}
	if err := q.done(); err != nil {
		g.fail(w, r, err)
		return
	}
	p, err := g.deps.Reader.Calls(r.Context(), who, cq)
	for i := range p.Items {
		p.Items[i].Participants = notNil(p.Items[i].Participants)
	}
	answer(g, w, r, pageOf(p), err)
}

func (g *Gateway) call(w http.ResponseWriter, r *http.Request, who actors.Who) {
	one, err := pathID(r)
	if err = errFirst(err, queryOf(r).done()); err != nil {
		g.fail(w, r, err)
		return
	}
	v, err := g.deps.Reader.Call(r.Context(), who, id.Call(one))
	v.Events, v.Participants = notNil(v.Events), notNil(v.Participants)
	answer(g, w, r, v, err)
}

func (g *Gateway) lineSettings(w http.ResponseWriter, r *http.Request, who actors.Who) {
	one, err := pathID(r)
	if err = errFirst(err, queryOf(r).done()); err != nil {
		g.fail(w, r, err)
		return
	}
	v, etag, err := g.deps.Reader.LineSettings(r.Context(), who, id.Line(one))
	if err == nil {
		w.Header().Set("ETag", quoteETag(etag))
		w.Header().Set("Cache-Control", "private, no-cache")
		if matches(r.Header.Get("If-None-Match"), etag) {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	answer(g, w, r, v, err)
}

// maxSettings bounds the body of a settings request, in bytes.
const maxSettings = 64 << 10

func (g *Gateway) saveLineSettings(w http.ResponseWriter, r *http.Request, who actors.Who) {
	one, err := pathID(r)
	if err = errFirst(err, queryOf(r).done()); err != nil {
		g.fail(w, r, err)
		return
	}
	match := strings.TrimSpace(r.Header.Get("If-Match"))
	etag, ok := unquoteETag(match)
	switch {
	case match == "":
		refuse(w, r, http.StatusPreconditionRequired, "if_match_missing", "send If-Match with the ETag of the settings that you changed")
		return
	case !ok:
		refuse(w, r, http.StatusBadRequest, "bad_header", "If-Match must hold one strong ETag, as GET gave it")
		return
	}
	var s actors.LineSettings
	if status, code, detail := readJSON(w, r, maxSettings, &s); status != 0 {
		refuse(w, r, status, code, detail)
		return
	}
	s.Pending, s.SyncError = false, "" // read only
	saved, etag, err := g.deps.Reader.SaveLineSettings(r.Context(), who, id.Line(one), etag, s)
	if err == nil {
		w.Header().Set("ETag", quoteETag(etag))
	}
	answer(g, w, r, saved, err)
}

// readJSON reads exactly one JSON object, strictly. A status other than 0 is the refusal.
func readJSON(w http.ResponseWriter, r *http.Request, most int64, v any) (status int, code, detail string) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return http.StatusUnsupportedMediaType, "not_json", "send Content-Type: application/json"
	}
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, most))
	dec.DisallowUnknownFields()
	err := dec.Decode(v)
	if err == nil {
		if _, err = dec.Token(); errors.Is(err, io.EOF) {
			return 0, "", ""
		}
		return http.StatusBadRequest, "bad_body", "something follows the JSON object"
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return http.StatusRequestEntityTooLarge, "too_large", "the body is too large"
	}
	if typed, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return http.StatusBadRequest, "bad_body", "field " + typed.Field + " must not be a JSON " + typed.Value
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return http.StatusBadRequest, "bad_body", "field " + strings.Trim(name, `"`) + " is not known here"
	}
	return http.StatusBadRequest, "bad_body", "the body is not valid JSON"
}

func errFirst(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// quoteETag writes a strong entity tag (RFC 9110 section 8.8.3).
func quoteETag(tag string) string {
	if strings.HasPrefix(tag, `"`) {
		return tag
	}
	return `"` + tag + `"`
}

// unquoteETag reads exactly one strong entity tag.
func unquoteETag(header string) (string, bool) {
	if len(header) < 3 || header[0] != '"' || header[len(header)-1] != '"' {
		return "", false
	}
	tag := header[1 : len(header)-1]
	return tag, !strings.Contains(tag, `"`)
}

// matches compares weakly, as If-None-Match asks.
func matches(header, etag string) bool {
	want := quoteETag(etag)
	for one := range strings.SplitSeq(header, ",") {
		if one = strings.TrimSpace(one); one == "*" || strings.TrimPrefix(one, "W/") == want {
			return true
		}
	}
	return false
}
