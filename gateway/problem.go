package gateway

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"ramal/internal/fault"
)

// problem is an error on the wire (RFC 9457), with our extensions code, next_allowed_at and trace_id.
type problem struct {
	Type          string     `json:"type"`
	Title         string     `json:"title"`
	Status        int        `json:"status"`
	Detail        string     `json:"detail,omitempty"`
	Instance      string     `json:"instance,omitempty"`
	Kind          fault.Kind `json:"kind,omitempty"`
	Code          string     `json:"code,omitempty"`
	NextAllowedAt *time.Time `json:"next_allowed_at,omitempty"`
	TraceID       string     `json:"trace_id,omitempty"`
}

// statusOf maps a fault's kind to a status. An unknown outcome is a 504: something behind us did not answer in time.
func statusOf(kind fault.Kind) int {
	switch kind {
	case fault.Invalid:
		return http.StatusBadRequest
	case fault.Denied:
		return http.StatusForbidden
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Conflict:
		return http.StatusConflict
	case fault.Unavailable:
		return http.StatusServiceUnavailable
	case fault.Exhausted:
		return http.StatusTooManyRequests
	case fault.Unknown:
		return http.StatusGatewayTimeout
	case fault.Internal:
		return http.StatusInternalServerError
	}
	return http.StatusInternalServerError
}

// describe makes a problem of err, without its causes.
func describe(err error) problem {
	kind := fault.KindOf(err)
	p := problem{Kind: kind, Code: fault.CodeOf(err), Status: statusOf(kind)}
	for e := err; e != nil; {
		f, ok := errors.AsType[*fault.Error](e)
		if !ok {
			break
		}
		if p.Detail == "" {
			p.Detail = f.Detail
		}
		if p.NextAllowedAt == nil && !f.NextAllowed.IsZero() {
			at := f.NextAllowed.UTC()
			p.NextAllowedAt = &at
		}
		e = f.Cause
	}
	switch {
	case kind == fault.Internal:
		p.Code, p.Detail = "internal", "the server made a mistake; trace_id finds it in its logs"
	case p.Code == "etag_mismatch":
		p.Status = http.StatusPreconditionFailed
	}
	return p
}

// fail answers with err. Defects of ours are logged.
func (g *Gateway) fail(w http.ResponseWriter, r *http.Request, err error) {
	if fault.Is(err, fault.Internal) {
		g.logger.ErrorContext(r.Context(), "request failed", "op", "gateway.request", "route", routeOf(r), "error", err, "trace_id", traceOf(r))
	}
	writeProblem(w, r, describe(err))
}

// refuse answers with a status and words of our own.
func refuse(w http.ResponseWriter, r *http.Request, status int, code, detail string) {
	writeProblem(w, r, problem{Status: status, Code: code, Detail: detail})
}

// writeProblem writes p, filling in what follows from the rest.
func writeProblem(w http.ResponseWriter, r *http.Request, p problem) {
	p.Type = "about:blank"
	if p.Code != "" {
		p.Type = "urn:ramal:problem:" + p.Code
	}
	if p.Kind == "" {
		p.Kind = kindOfStatus(p.Status)
	}
	p.Title = http.StatusText(p.Status)
	p.Instance = r.URL.Path
	p.TraceID = traceOf(r)
	h := w.Header()
	if p.Status == http.StatusServiceUnavailable || p.Status == http.StatusTooManyRequests {
		if h.Get("Retry-After") == "" {
			h.Set("Retry-After", retryAfter(p.NextAllowedAt))
		}
	}
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the client may be gone
}

// retryAfter is in whole seconds: until the given time, or a few where none is known.
func retryAfter(at *time.Time) string {
	if at == nil {
		return "2"
	}
	return strconv.Itoa(int(math.Max(1, math.Ceil(time.Until(*at).Seconds()))))
}

func kindOfStatus(status int) fault.Kind {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return fault.Denied
	case http.StatusNotFound:
		return fault.NotFound
	case http.StatusConflict, http.StatusPreconditionFailed:
		return fault.Conflict
	case http.StatusServiceUnavailable:
		return fault.Unavailable
	case http.StatusTooManyRequests:
		return fault.Exhausted
	}
	if status >= http.StatusInternalServerError {
		return fault.Internal
	}
	return fault.Invalid
}

// writeJSON answers 200 with v.
func (g *Gateway) writeJSON(w http.ResponseWriter, r *http.Request, v any) {
	raw, err := json.Marshal(v)
	if err != nil {
		g.fail(w, r, fault.Wrap(fault.Internal, "gateway.encode", err))
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-store")
	}
	_, _ = w.Write(append(raw, '\n')) // the client may be gone
}
