// Package reply writes the HTTP answers of the simulator's own APIs (control and phone page): JSON, problem documents
// (RFC 9457) and server-sent events. It holds no state.
package reply

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"ramal/sim/cloud"
)

const (
	maxBody   = 1 << 20
	keepAlive = 15 * time.Second
)

// JSON writes a 200 with a body.
func JSON(w http.ResponseWriter, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // answers are plain data
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = w.Write(append(body, '\n')) // the client went away
}

type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
	Reason string `json:"reason,omitempty"`
}

// Fail writes a problem document; errors that are not a *cloud.Error are a bad value.
func Fail(w http.ResponseWriter, err error) {
	var e *cloud.Error
	if !errors.As(err, &e) {
		e = &cloud.Error{Status: http.StatusBadRequest, Code: "bad_value", Detail: err.Error()}
	}
	body, merr := json.Marshal(problem{"about:blank", http.StatusText(e.Status), e.Status, e.Code, e.Detail, e.Reason})
	if merr != nil {
		panic(merr)
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(e.Status)
	_, _ = w.Write(body)
}

// Done writes a 204, or the error.
func Done(w http.ResponseWriter, err error) {
	if err != nil {
		Fail(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// Either writes the value, or the error.
func Either(w http.ResponseWriter, v any, err error) {
	if err != nil {
		Fail(w, err)
		return
	}
	JSON(w, v)
}

// Read decodes the body into v; an empty body is an empty object, unknown fields are refused.
func Read(r *http.Request, v any) error {
	dec := json.NewDecoder(io.LimitReader(r.Body, maxBody))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil && !errors.Is(err, io.EOF) {
		return &cloud.Error{Status: http.StatusBadRequest, Code: "bad_json", Detail: err.Error()}
	}
	return nil
}

// Stream is a server-sent event stream.
type Stream struct {
	w  http.ResponseWriter
	rc *http.ResponseController
}

// Open starts a stream.
func Open(w http.ResponseWriter) *Stream {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	s := &Stream{w, http.NewResponseController(w)}
	_ = s.rc.SetWriteDeadline(time.Time{}) // streams live long; not every writer has deadlines
	return s
}

// Send writes one event; an error means that the client has gone.
func (s *Stream) Send(name, id string, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("reply: %w", err)
	}
	if id != "" {
		id = "id: " + id + "\n"
	}
	if _, err := fmt.Fprintf(s.w, "%sevent: %s\ndata: %s\n\n", id, name, body); err != nil {
		return fmt.Errorf("reply: %w", err)
	}
	if err := s.rc.Flush(); err != nil {
		return fmt.Errorf("reply: %w", err)
	}
	return nil
}

// KeepAlive writes a comment.
func (s *Stream) KeepAlive() error {
	if _, err := io.WriteString(s.w, ": still here\n\n"); err != nil {
		return fmt.Errorf("reply: %w", err)
	}
	if err := s.rc.Flush(); err != nil {
		return fmt.Errorf("reply: %w", err)
	}
	return nil
}

// Ticker returns the pace of KeepAlive.
func Ticker() *time.Ticker { return time.NewTicker(keepAlive) }
