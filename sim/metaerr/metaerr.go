// Package metaerr is the error table of the Graph API as far as calling needs it: code, HTTP status, subcode, text and
// the envelope. Pure data, immutable. Codes and statuses are those of Meta's pages "Cloud API error codes" and
// "calling, troubleshooting"; where those give no subcode, none is sent.
package metaerr

import (
	"encoding/json"
	"fmt"
)

// Error is one answer of the Graph API that is not a success.
type Error struct {
	HTTP      int
	Code      int
	Subcode   int
	Type      string
	Message   string
	Details   string
	Title     string
	Transient bool
}

func (e *Error) Error() string { return fmt.Sprintf("(#%d) %s: %s", e.Code, e.Message, e.Details) }

type row struct {
	http      int
	message   string
	subcode   int
	transient bool
}

// table holds every code the simulator can produce.
var table = map[int]row{
	1:      {400, "An unknown error occurred", 0, true},
	2:      {503, "Service temporarily unavailable", 0, true},
	4:      {400, "Application request limit reached", 0, true},
	10:     {403, "Application does not have permission for this action", 0, false},
	100:    {400, "Invalid parameter", 0, false},
	190:    {401, "Invalid OAuth access token - Cannot parse access token", 0, false},
	613:    {429, "Calls to this api have exceeded the rate limit.", 0, true},
	2200:   {400, "Callback verification failed", 0, false},
	130429: {400, "Rate limit hit", 0, true},
	131000: {500, "Something went wrong", 0, true},
	131008: {400, "Required parameter is missing", 0, false},
	131009: {400, "Parameter value is not valid", 0, false},
	131026: {400, "Message undeliverable", 0, false},
	131044: {400, "Business eligibility payment issue", 0, false},
	131047: {400, "Re-engagement message", 0, false},
	131051: {400, "Unsupported message type", 0, false},
	131055: {400, "Method not allowed", 0, false},
	131056: {400, "(Business Account, Consumer Account) pair rate limit hit", 0, true},
	132000: {400, "Number of parameters does not match the expected number of params", 0, false},
	132001: {404, "Template name does not exist in the translation", 0, false},
	132012: {400, "Parameter format does not match format in the created template", 0, false},
	132015: {400, "Template is paused", 0, false},
	133010: {400, "Account not registered", 0, false},
	138000: {401, "Calling is not enabled for this phone number", 0, false},
	138001: {400, "The receiver cannot be called", 0, false},
	138002: {429, "Concurrent call limit reached", 0, true},
	138003: {400, "Duplicate call", 0, false},
	138004: {500, "Connection error", 0, true},
	138005: {429, "Call initiation rate limit reached", 0, true},
	138006: {401, "No approved call permission from the recipient", 2593090, false},
	138007: {500, "Connection timeout", 0, true},
	138008: {400, "SDP Validation error", 0, false},
	138009: {400, "Permission request limit reached", 0, false},
	138012: {400, "Daily limit of connected calls reached", 0, false},
	138013: {400, "Business-initiated calling is not available", 2593139, false},
	138014: {400, "Calling is temporarily disabled for this phone number", 0, false},
	138015: {400, "Calling cannot be enabled for this phone number", 0, false},
	138017: {400, "Permanent permission exists already", 0, false},
	138018: {400, "No app is subscribed to the calls webhook field", 0, false},
	138019: {400, "The user's client failed to set up the call", 0, false},
	138020: {400, "The user's client could not connect to the relay", 0, false},
	138021: {400, "The user's client has not received media for a long time", 0, false},
	138022: {400, "The user's client has not sent media for a long time", 0, false},
	138023: {400, "The call ended without media signals", 0, false},
}

// Known reports whether the table has the code.
func Known(code int) bool { _, ok := table[code]; return ok }

// Text returns the short text of a code, for webhooks that carry errors.
func Text(code int) string { return table[code].message }

// New returns the error of a code with one sentence of detail. An unknown code becomes 131000.
func New(code int, format string, args ...any) *Error {
	r, ok := table[code]
	if !ok {
		code, r = 131000, table[131000]
	}
	e := &Error{
		HTTP: r.http, Code: code, Subcode: r.subcode, Type: "OAuthException", Message: r.message,
		Details: fmt.Sprintf(format, args...), Transient: r.transient,
	}
	if code < 138000 { // calling errors carry the plain message, the others are prefixed
		e.Message = fmt.Sprintf("(#%d) %s", code, r.message)
	}
	if r.subcode != 0 {
		e.Title = r.message
	}
	return e
}

// SDP returns the error of a session description whose fingerprint is refused (code 100, subcode 2494010).
func SDP(details string) *Error {
	e := New(100, "%s", details)
	e.Message, e.Subcode = "Invalid parameter", 2494010
	return e
}

// NoObject returns the error of an id that does not exist or that the token may not see (code 100, subcode 33).
func NoObject(id, method string) *Error {
	e := New(100, "")
	e.Type, e.Subcode = "GraphMethodException", 33
	e.Message = fmt.Sprintf("Unsupported %s request. Object with ID '%s' does not exist, cannot be loaded due to missing "+
		"permissions, or does not support this operation", method, id)
	return e
}

type body struct {
	Error inner `json:"error"`
}

type inner struct {
	Message   string     `json:"message"`
	Type      string     `json:"type"`
	Code      int        `json:"code"`
	Data      *innerData `json:"error_data,omitempty"`
	Subcode   int        `json:"error_subcode,omitempty"`
	Transient bool       `json:"is_transient"`
	Title     string     `json:"error_user_title,omitempty"`
	UserMsg   string     `json:"error_user_msg,omitempty"`
	Trace     string     `json:"fbtrace_id"`
}

type innerData struct {
	Product string `json:"messaging_product"`
	Details string `json:"details"`
}

// Body renders the envelope of the error.
func (e *Error) Body(trace string) []byte {
	in := inner{
		Message: e.Message, Type: e.Type, Code: e.Code, Subcode: e.Subcode, Transient: e.Transient,
		Title: e.Title, Trace: trace,
	}
	if e.Title != "" {
		in.UserMsg = e.Details
	}
	if e.Details != "" {
		in.Data = &innerData{Product: "whatsapp", Details: e.Details}
	}
	out, err := json.Marshal(body{in})
	if err != nil {
		panic(err) // strings and numbers always marshal
	}
	return out
}
