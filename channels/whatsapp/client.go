package whatsapp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"ramal/internal/fault"
)

// NoVersion as Config.Version leaves the version out of the path, for providers that have none.
const NoVersion = "none"

// Config says where one business phone number is reached. The zero value of each optional field is its default.
type Config struct {
	BaseURL       string        // default "https://graph.facebook.com"; may hold a path
	Version       string        // default "v26.0"; NoVersion leaves it out
	Token         string        // required; never logged
	PhoneNumberID string        // required
	WABA          string        // account id; needed only by CreateTemplate and SubscribeWABA
	AuthHeader    string        // default "Authorization"
	AuthScheme    string        // word before the token; default "Bearer" with the default header, none with another
	HTTPClient    *http.Client  // default NewHTTPClient(); share one between lines
	Timeout       time.Duration // of one attempt; default 15 s
	Attempts      int           // at most this many sends of a request that may be repeated; default 3
	Backoff       time.Duration // pause before the second attempt, doubled after each, ±25 %; default 250 ms
	Logger        *slog.Logger  // default slog.Default()
	// Observe is told how each operation ended, its repetitions included. op is the method's name in snake_case. Default: nobody.
	Observe func(op string, err error, d time.Duration)
}

var versionForm = regexp.MustCompile(`^v[0-9]{1,3}\.[0-9]{1,2}$`)

func (c Config) withDefaults() Config {
	if c.BaseURL == "" {
		c.BaseURL = "https://graph.facebook.com"
	}
	if c.Version == "" {
		c.Version = "v26.0"
	}
	if c.AuthHeader == "" {
		c.AuthHeader = "Authorization"
		if c.AuthScheme == "" {
			c.AuthScheme = "Bearer"
		}
	}
	if c.Timeout == 0 {
		c.Timeout = 15 * time.Second
	}
	if c.Attempts == 0 {
		c.Attempts = 3
	}
	if c.Backoff == 0 {
		c.Backoff = 250 * time.Millisecond
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}

// Validate returns all faults of c, joined.
func (c Config) Validate() error {
	d := c.withDefaults()
	var faults []error
	bad := func(format string, args ...any) {
		faults = append(faults, fault.Newf(fault.Invalid, "whatsapp.config", "config", format, args...))
	}
	if u, err := url.Parse(d.BaseURL); err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		bad("the base URL %q is not an http or https address", d.BaseURL)
	} else if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		bad("the base URL must not hold credentials, a query or a fragment")
	}
	if d.Version != NoVersion && !versionForm.MatchString(d.Version) {
		bad("the version %q is not like v26.0", d.Version)
	}
	if d.Token == "" {
		bad("the token is missing")
	}
	if !plainID(d.PhoneNumberID) {
		bad("the phone-number id %q is not an id", d.PhoneNumberID)
	}
	if d.WABA != "" && !plainID(d.WABA) {
		bad("the account id %q is not an id", d.WABA)
	}
	if d.Timeout < 0 || d.Backoff < 0 || d.Attempts < 0 {
		bad("timeout, back-off and attempts must not be negative")
	}
	return errors.Join(faults...)
}

// String renders c without its token.
func (c Config) String() string {
	return fmt.Sprintf("whatsapp number %s at %s", c.PhoneNumberID, c.BaseURL)
}

// GoString renders c without its token.
func (c Config) GoString() string { return c.String() }

// LogValue renders c without its token.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// plainID reports whether s can be a segment of a Graph path.
func plainID(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for _, r := range s {
		if (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '_' && r != '-' {
			return false
		}
	}
	return true
}

// Client sends for one business phone number. It is immutable and safe for concurrent use.
type Client struct {
	cfg  Config
	http *http.Client
	base *url.URL
}

// New checks cfg and returns a client. It opens no connection.
func New(cfg Config) (*Client, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	if cfg.HTTPClient == nil {
		cfg.HTTPClient = NewHTTPClient()
	}
	base, err := url.Parse(cfg.BaseURL)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "whatsapp.config", err)
	}
	if cfg.Version != NoVersion {
		base = base.JoinPath(cfg.Version)
	}
	// A redirect would carry the token elsewhere, so none is followed.
	own := *cfg.HTTPClient
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Client{cfg: cfg, http: &own, base: base}, nil
}

// NewHTTPClient returns a client fit for many calls to one host: keep-alive, HTTP/2, quick refusal of a dead host.
func NewHTTPClient() *http.Client {
	return &http.Client{Transport: &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:   5 * time.Second,
		ForceAttemptHTTP2:     true,
		MaxIdleConns:          256,
		MaxIdleConnsPerHost:   128,
		IdleConnTimeout:       90 * time.Second,
		ExpectContinueTimeout: time.Second,
	}}
}

// CloseIdle closes connections that wait for a next request.
func (c *Client) CloseIdle() { c.http.CloseIdleConnections() }

// Recipient is a consumer by phone number or by business-scoped user id. With both, the phone number wins.
type Recipient struct {
	Phone string // any writing; digits are kept
	BSUID string
}

// fill puts r into a request body.
func (r Recipient) fill(op string, body map[string]any) error {
	switch digits := Digits(r.Phone); {
	case digits != "":
		body["to"] = digits
	case r.BSUID != "":
		body["recipient"] = r.BSUID
	default:
		return fault.New(fault.Invalid, op, WordParameterMissing, "the recipient has neither a phone number nor a user id")
	}
	return nil
}

// Connect dials: it offers sdp to the user and returns Meta's call id. The answer comes as CallConnect,
// perhaps before Connect returns. fault.Unknown means that a call may exist: wait for its webhook, do not dial again.
func (c *Client) Connect(ctx context.Context, to Recipient, sdp, opaque string) (string, error) {
	const op = "whatsapp.connect"
	body := map[string]any{"messaging_product": "whatsapp", "action": "connect",
		"session": map[string]string{"sdp_type": "offer", "sdp": sdp}}
	if err := to.fill(op, body); err != nil {
		return "", err
	}
	if err := putOpaque(op, body, opaque); err != nil {
		return "", err
	}
	var out struct {
		Calls []struct {
			ID string `json:"id"`
		} `json:"calls"`
	}
	sends, err := c.send(ctx, request{op: op, method: http.MethodPost, path: c.cfg.PhoneNumberID + "/calls", body: body}, &out)
	if err != nil {
		if sends > 1 && fault.CodeOf(err) == WordDuplicateCall {
			return "", unknown(op, "the call of the first attempt may exist", err)
		}
		return "", err
	}
	if len(out.Calls) == 0 || out.Calls[0].ID == "" {
		return "", unknown(op, "the answer holds no call id", nil)
	}
	return out.Calls[0].ID, nil
}

// PreAccept sends our answer so that media can connect while the user still hears ringing. Accept must repeat sdp.
func (c *Client) PreAccept(ctx context.Context, callID, sdp string) error {
	return c.action(ctx, "pre_accept", callID, sdp, "")
}

// Accept picks the call up. Media must flow at once, ours first.
func (c *Client) Accept(ctx context.Context, callID, sdp, opaque string) error {
	return c.action(ctx, "accept", callID, sdp, opaque)
}

// Reject refuses a call of the user's that is not accepted yet.
func (c *Client) Reject(ctx context.Context, callID string) error {
	return c.action(ctx, "reject", callID, "", "")
}

// Terminate hangs up, or cancels a call of ours that still rings.
func (c *Client) Terminate(ctx context.Context, callID string) error {
	return c.action(ctx, "terminate", callID, "", "")
}

func (c *Client) action(ctx context.Context, action, callID, sdp, opaque string) error {
	op := "whatsapp." + action
	if callID == "" {
		return fault.New(fault.Invalid, op, WordParameterMissing, "the call id is missing")
	}
	body := map[string]any{"messaging_product": "whatsapp", "call_id": callID, "action": action}
	if action == "accept" || action == "pre_accept" {
		if sdp == "" {
			return fault.New(fault.Invalid, op, WordParameterMissing, "the SDP answer is missing")
		}
		body["session"] = map[string]string{"sdp_type": "answer", "sdp": sdp}
	}
	if err := putOpaque(op, body, opaque); err != nil {
		return err
	}
	err := c.post(ctx, request{op: op, method: http.MethodPost, path: c.cfg.PhoneNumberID + "/calls", body: body, final: []int{codeSDPTimeout}})
	return callGone(op, err)
}

// callGone turns the errors that Meta gives when the other side was faster into fault.Conflict: a late accept
// gets the SDP time-out, an action on a call that has ended an invalid parameter without a subcode. Meta
// gives no code for each case, so what is left of code 100 here is read this way too.
func callGone(op string, err error) error {
	e, ok := AsError(err)
	if !ok || (e.Code != codeSDPTimeout && (e.Code != codeInvalidParameter || e.Subcode == subcodeSDP || e.Subcode == subcodeWrongID)) {
		return err
	}
	f := fault.New(fault.Conflict, op, WordCallGone, "the call cannot be acted upon any more: "+e.Sentence())
	f.Cause = e
	return f
}

func putOpaque(op string, body map[string]any, opaque string) error {
	if opaque == "" {
		return nil
	}
	if n := len([]rune(opaque)); n > MaxOpaque {
		return fault.Newf(fault.Invalid, op, WordParameterValue, "the callback data have %d characters, more than %d", n, MaxOpaque)
	}
	body["biz_opaque_callback_data"] = opaque
	return nil
}

// unknown says that a request was sent and nobody knows what became of it.
func unknown(op, detail string, cause error) error {
	f := fault.New(fault.Unknown, op, WordUnknownOutcome, detail)
	f.Cause = cause
	return f
}
