package whatsapp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"ramal/internal/fault"
)

// maxAnswer bounds an answer of the Graph API, in bytes; real ones are a few kilobytes.
const maxAnswer = 4 << 20

// request is one operation; it may be sent several times.
type request struct {
	op     string
	method string
	path   string
	query  url.Values
	body   any        // JSON; nil for none
	form   url.Values // instead of body
	token  string     // instead of the line's
	final  []int      // codes not to be retried though the table allows it: another try comes too late
	repeat bool       // sending twice does no harm: also retried when the outcome is not known
}

// post sends and wants {"success":true}.
func (c *Client) post(ctx context.Context, r request) error {
	var out struct {
		Success *bool `json:"success"`
	}
	if _, err := c.send(ctx, r, &out); err != nil {
		return err
	}
	switch {
	case out.Success == nil:
		return unknown(r.op, "the answer does not say whether it succeeded", nil)
	case !*out.Success:
		return fault.New(fault.Unavailable, r.op, WordRefused, "the provider answered success: false")
	}
	return nil
}

// send tries r up to Attempts times and decodes a 2xx answer into out. It returns how often r was put on the wire.
func (c *Client) send(ctx context.Context, r request, out any) (sends int, err error) {
	began := time.Now()
	sends, err = c.attempts(ctx, r, out)
	if c.cfg.Observe != nil {
		c.cfg.Observe(strings.TrimPrefix(r.op, "whatsapp."), err, time.Since(began))
	}
	return sends, err
}

func (c *Client) attempts(ctx context.Context, r request, out any) (sends int, err error) {
	r.repeat = r.repeat || r.method == http.MethodGet
	payload, kind, err := r.encode()
	if err != nil {
		return 0, err
	}
	for attempt := 1; ; attempt++ {
		res := c.once(ctx, r, payload, kind, out)
		if res.sent {
			sends++
		}
		if res.err == nil {
			return sends, nil
		}
		if !res.again || attempt >= c.cfg.Attempts {
			return sends, res.err
		}
		c.cfg.Logger.DebugContext(ctx, "whatsapp request is tried again", "op", r.op, "number", c.cfg.PhoneNumberID, "attempt", attempt, "error", res.err)
		if !pause(ctx, c.delay(attempt, res.retryAfter)) {
			return sends, res.err
		}
	}
}

// outcome is what one attempt came to.
type outcome struct {
	err        error
	sent       bool // at least the head of the request left this machine
	again      bool // another attempt is allowed
	retryAfter time.Time
}

func (r request) encode() (payload []byte, kind string, err error) {
	switch {
	case r.form != nil:
		return []byte(r.form.Encode()), "application/x-www-form-urlencoded", nil
	case r.body == nil:
		return nil, "", nil
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(r.body); err != nil {
		return nil, "", fault.Wrap(fault.Internal, r.op, err)
	}
	return bytes.TrimRight(b.Bytes(), "\n"), "application/json", nil
}

func (c *Client) once(ctx context.Context, r request, payload []byte, kind string, out any) outcome {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	var sent atomic.Bool // written by the transport's goroutine
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { sent.Store(true) }})

	target := c.base.JoinPath(r.path)
	target.RawQuery = r.query.Encode()
	req, err := http.NewRequestWithContext(ctx, r.method, target.String(), bytes.NewReader(payload))
	if err != nil {
		return outcome{err: fault.Wrap(fault.Internal, r.op, err)}
	}
	c.authorize(req, r.token)
	req.Header.Set("Accept", "application/json")
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return r.broken(sent.Load(), err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return r.broken(true, err)
	}
	return r.judge(resp, raw, out)
}

func (c *Client) authorize(req *http.Request, token string) {
	if token == "" {
		token = c.cfg.Token
	}
	if c.cfg.AuthScheme != "" {
		token = c.cfg.AuthScheme + " " + token
	}
	req.Header.Set(c.cfg.AuthHeader, token)
}

// broken judges a request that got no whole answer.
func (r request) broken(sent bool, err error) outcome {
	if !sent {
		f := fault.New(fault.Unavailable, r.op, WordNotSent, "the provider could not be reached; nothing was sent")
		f.Cause = err
		return outcome{err: f, again: !errors.Is(err, context.Canceled)}
	}
	if r.repeat {
		return outcome{sent: true, again: !errors.Is(err, context.Canceled),
			err: &fault.Error{Kind: fault.Unavailable, Op: r.op, Code: WordProviderError, Detail: "the provider did not answer", Cause: err}}
	}
	return outcome{sent: true, err: unknown(r.op, "sent, but no answer came", err)}
}

// judge reads a whole answer.
func (r request) judge(resp *http.Response, raw []byte, out any) outcome {
	if resp.StatusCode/100 == 2 {
		if len(raw) > maxAnswer || json.Unmarshal(raw, out) != nil {
			if r.method == http.MethodGet {
				return outcome{sent: true, err: fault.New(fault.Unavailable, r.op, WordProviderError, "the answer is not the JSON that was expected")}
			}
			return outcome{sent: true, err: unknown(r.op, "the answer is not the JSON that was expected", nil)}
		}
		return outcome{sent: true}
	}
	e, known := decodeError(resp.StatusCode, raw)
	if !known && e.HTTP >= 500 && !r.repeat {
		// No word from Meta itself: a gateway between us may have given up on a request that went through.
		return outcome{sent: true, err: unknown(r.op, "a gateway answered in the provider's place", e)}
	}
	next := retryAfter(resp.Header.Get("Retry-After"), time.Now())
	return outcome{
		sent:       true,
		err:        faultOf(r.op, e, next),
		again:      e.retryable() && !slices.Contains(r.final, e.Code),
		retryAfter: next,
	}
}

// decodeError reads Graph's error envelope. known is false when the body is none.
func decodeError(status int, raw []byte) (e *Error, known bool) {
	var env struct {
		Error *struct {
			Message string  `json:"message"`
			Code    flexInt `json:"code"`
			Subcode flexInt `json:"error_subcode"`
			Data    struct {
				Details flexString `json:"details"`
			} `json:"error_data"`
			Transient flexBool   `json:"is_transient"`
			UserMsg   string     `json:"error_user_msg"`
			Trace     flexString `json:"fbtrace_id"`
		} `json:"error"`
	}
	if json.Unmarshal(raw, &env) != nil || env.Error == nil {
		return &Error{HTTP: status, Code: noCode, Message: http.StatusText(status)}, false
	}
	in := env.Error
	e = &Error{Code: int(in.Code.n), Subcode: int(in.Subcode.n), HTTP: status, Message: in.Message,
		Details: string(in.Data.Details), Transient: bool(in.Transient), FBTrace: string(in.Trace)}
	if !in.Code.ok {
		e.Code = noCode
	}
	if e.Details == "" {
		e.Details = in.UserMsg
	}
	return e, true
}

// noCode stands in Error.Code when the answer held none.
const noCode = -1

// retryAfter reads the header, in seconds or as a date (RFC 9110 section 10.2.3).
func retryAfter(header string, now time.Time) time.Time {
	if header == "" {
		return time.Time{}
	}
	if s, err := strconv.Atoi(strings.TrimSpace(header)); err == nil && s >= 0 {
		return now.Add(time.Duration(min(s, 86_400)) * time.Second)
	}
	if at, err := http.ParseTime(header); err == nil {
		return at
	}
	return time.Time{}
}

// delay returns the pause before the attempt after this one.
func (c *Client) delay(attempt int, after time.Time) time.Duration {
	d := c.cfg.Backoff << (attempt - 1)
	d += time.Duration((rand.Float64() - 0.5) / 2 * float64(d))
	if !after.IsZero() {
		d = max(d, time.Until(after))
	}
	return d
}

// pause waits d and reports whether it could: not when ctx ends within it.
func pause(ctx context.Context, d time.Duration) bool {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= d {
		return false
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
