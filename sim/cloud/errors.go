package cloud

// Error is why the control API or the phone page cannot have what it wants. Codes are listed in PHONE-API.md and
// README.md.
type Error struct {
	Status int // HTTP
	Code   string
	Detail string
	Reason string // only of calls_unavailable
}

func (e *Error) Error() string { return e.Code + ": " + e.Detail }

var (
	errNoUser      = &Error{Status: 404, Code: "no_user", Detail: "there is no such user"}
	errNoLine      = &Error{Status: 404, Code: "no_business", Detail: "there is no business number with this pnid"}
	errNoMessage   = &Error{Status: 404, Code: "no_message", Detail: "this user has no such message"}
	errNoCall      = &Error{Status: 404, Code: "no_call", Detail: "this user has no such call"}
	errRequestDead = &Error{Status: 409, Code: "request_dead", Detail: "the request can no longer be answered: a newer one exists, or it is too old"}
	errExpired     = &Error{Status: 409, Code: "button_expired", Detail: "the button's time is over"}
	errOver        = &Error{Status: 409, Code: "call_over", Detail: "the call is in a phase that does not allow this"}
	errBusy        = &Error{Status: 409, Code: "busy", Detail: "this user is already in a call with this business"}
	errAudio       = &Error{Status: 409, Code: "audio_unavailable", Detail: "the call has no media to bridge"}
)

func badValue(detail string) *Error { return &Error{Status: 400, Code: "bad_value", Detail: detail} }

func unavailable(reason string) *Error {
	return &Error{Status: 409, Code: "calls_unavailable", Reason: reason, Detail: "the line cannot be called now: " + reason}
}
