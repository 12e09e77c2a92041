package whatsapp

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"ramal/internal/fault"
)

// Error is one error of the Cloud API, as an answer to a request or inside a webhook. Only Code is always
// there (0 is a code of Meta's too: a missing token). Message and Details are prose in English: show them,
// never branch on them.
type Error struct {
	Code      int
	Subcode   int
	HTTP      int // status of the answer; 0 when the error came in a webhook
	Message   string
	Details   string
	Transient bool
	FBTrace   string // Meta's id of the request, for their support
}

// Error renders the numbers and the most telling sentence.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "whatsapp error %d", e.Code)
	if e.Subcode != 0 {
		fmt.Fprintf(&b, "/%d", e.Subcode)
	}
	if e.HTTP != 0 {
		fmt.Fprintf(&b, " (HTTP %d)", e.HTTP)
	}
	if s := e.Sentence(); s != "" {
		b.WriteString(": " + s)
	}
	if e.FBTrace != "" {
		b.WriteString(" [trace " + e.FBTrace + "]")
	}
	return b.String()
}

// Sentence returns Details, or Message where there are none, without the "(#code) " prefix of Graph.
func (e *Error) Sentence() string {
	s := e.Details
	if s == "" {
		s = e.Message
	}
	return strings.TrimPrefix(s, fmt.Sprintf("(#%d) ", e.Code))
}

// Word returns the stable word of the code, such as "permission_missing".
func (e *Error) Word() string { return e.rule().word }

// Kind returns what a caller can do about the error.
func (e *Error) Kind() fault.Kind { return e.rule().kind }

// retryable reports whether Meta's error table allows the same request again after a pause.
func (e *Error) retryable() bool { return e.rule().retry || e.HTTP >= 500 }

// rule finds the table's row: subcodes first, then codes, then ranges, then the HTTP status.
func (e *Error) rule() rule {
	if r, ok := subcodes[e.Subcode]; ok && e.Code == codeInvalidParameter {
		return r
	}
	if r, ok := codes[e.Code]; ok && (e.Code != 0 || e.HTTP == 401) {
		return r
	}
	if e.Code >= 200 && e.Code <= 299 {
		return rule{fault.Denied, WordAppPermission, false}
	}
	switch {
	case e.HTTP == 401 || e.HTTP == 403:
		return rule{fault.Denied, WordRefused, false}
	case e.HTTP == 404:
		return rule{fault.NotFound, WordUnknownObject, false}
	case e.HTTP == 429:
		return rule{fault.Exhausted, WordAPIRate, false}
	case e.HTTP >= 500:
		return rule{fault.Unavailable, WordProviderError, true}
	case e.HTTP >= 400:
		return rule{fault.Invalid, WordRefused, false}
	}
	return rule{fault.Unavailable, WordProviderError, false}
}

// AsError returns Meta's own error in err's chain.
func AsError(err error) (*Error, bool) { return errors.AsType[*Error](err) }

// faultOf wraps Meta's error for the operation that met it.
func faultOf(op string, e *Error, retryAfter time.Time) *fault.Error {
	f := fault.New(e.Kind(), op, e.Word(), e.Sentence())
	f.Cause = e
	if f.Kind == fault.Exhausted || f.Kind == fault.Unavailable {
		f.NextAllowed = retryAfter
	}
	return f
}
