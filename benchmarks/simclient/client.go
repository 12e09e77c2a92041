// Package simclient speaks the control API of the simulator (sim/README.md): it makes customers call, answer, speak and
// hang up, and reads the simulator's diary. It imports nothing of the simulator and holds no state but an HTTP client.
package simclient

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Client of one simulator. A nil HTTP is http.DefaultClient.
type Client struct {
	URL  string
	HTTP *http.Client
}

// Error is a refusal of the simulator.
type Error struct {
	Status int    `json:"status"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

// Error implements error.
func (e *Error) Error() string {
	return fmt.Sprintf("simulator: HTTP %d %s: %s", e.Status, e.Code, e.Detail)
}

// Do sends one request and decodes the answer into out, which may be nil.
func (c Client) Do(ctx context.Context, method, path string, body, out any) error {
	var reader io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return err
		}
		reader = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.URL+path, reader)
	if err != nil {
		return err
	}
	client := c.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 64<<20))
	if err != nil {
		return err
	}
	if resp.StatusCode/100 != 2 {
		e := &Error{}
		if json.Unmarshal(raw, e) != nil {
			e.Detail = string(raw)
		}
		e.Status = resp.StatusCode
		return fmt.Errorf("%s %s: %w", method, path, e)
	}
	if out == nil || len(raw) == 0 {
		return nil
	}
	return json.Unmarshal(raw, out)
}

// Business is a number of the simulator.
type Business struct {
	PNID    string `json:"pnid"`
	Display string `json:"display_phone_number"`
}

// Businesses lists the numbers.
func (c Client) Businesses(ctx context.Context) ([]Business, error) {
	var out struct{ Businesses []Business }
	return out.Businesses, c.Do(ctx, http.MethodGet, "/control/businesses", nil, &out)
}

// PatchBusiness changes fields of a number.
func (c Client) PatchBusiness(ctx context.Context, pnid string, fields map[string]any) error {
	return c.Do(ctx, http.MethodPatch, "/control/businesses/"+url.PathEscape(pnid), fields, nil)
}

// User is one customer. Fields that are left out have the simulator's defaults.
type User struct {
	WAID       string  `json:"wa_id"`
	Name       string  `json:"name,omitempty"`
	Answer     *Policy `json:"answer,omitempty"`
	Permission *Policy `json:"permission,omitempty"`
	Voice      *Voice  `json:"voice,omitempty"`
}

// Policy is what a customer does without being told: accept, decline, ignore and so on.
type Policy struct {
	Mode    string `json:"mode"`
	AfterMS int    `json:"after_ms"`
}

// Voice is what a phone says: a tone, silence or none.
type Voice struct {
	Kind string `json:"kind"`
	Hz   int    `json:"hz,omitempty"`
}

// Tone is the voice of a tone.
func Tone(hz int) *Voice { return &Voice{Kind: "tone", Hz: hz} }

// PutUsers creates or replaces customers.
func (c Client) PutUsers(ctx context.Context, users []User) error {
	return c.Do(ctx, http.MethodPost, "/control/users", map[string]any{"users": users}, nil)
}

// PatchUser changes fields of a customer.
func (c Client) PatchUser(ctx context.Context, key string, fields map[string]any) error {
	return c.Do(ctx, http.MethodPatch, "/control/users/"+url.PathEscape(key), fields, nil)
}

// Act makes a customer do something; fields may be nil.
func (c Client) Act(ctx context.Context, key, action string, fields map[string]any) error {
	if fields == nil {
		fields = map[string]any{}
	}
	return c.Do(ctx, http.MethodPost, "/control/users/"+url.PathEscape(key)+"/"+action, fields, nil)
}

// PlaceCall makes a customer call a business, and returns the call's id there. pnid may be empty while there is one.
func (c Client) PlaceCall(ctx context.Context, key, pnid string) (string, error) {
	var out struct {
		CallID string `json:"call_id"`
	}
	err := c.Do(ctx, http.MethodPost, "/control/users/"+url.PathEscape(key)+"/call", map[string]any{"pnid": pnid}, &out)
	return out.CallID, err
}

// Levels is what a phone heard lately, in dBFS.
type Levels struct {
	RMS   float64            `json:"rms_db"`
	Tones map[string]float64 `json:"tones_db"`
}

// Levels returns the loudness of frequencies in the last span (40 ms to 8 s) of a call; call may be empty.
func (c Client) Levels(ctx context.Context, key, call string, span time.Duration, hz ...int) (Levels, error) {
	q := url.Values{"ms": {strconv.FormatInt(span.Milliseconds(), 10)}}
	var list []string
	for _, f := range hz {
		list = append(list, strconv.Itoa(f))
	}
	if list != nil {
		q.Set("hz", strings.Join(list, ","))
	}
	if call != "" {
		q.Set("call_id", call)
	}
	var out Levels
	return out, c.Do(ctx, http.MethodGet, "/control/users/"+url.PathEscape(key)+"/levels?"+q.Encode(), nil, &out)
}

// Call is a call as the simulator sees it.
type Call struct {
	ID               string     `json:"id"`
	PNID             string     `json:"pnid"`
	User             string     `json:"user"`
	Direction        string     `json:"direction"`
	Phase            string     `json:"phase"`
	Outcome          string     `json:"outcome"`
	EndedBy          string     `json:"ended_by"`
	Code             int        `json:"code"`
	CreatedAt        time.Time  `json:"created_at"`
	RangAt           *time.Time `json:"rang_at"`
	AcceptedAt       *time.Time `json:"accepted_at"`
	EndedAt          *time.Time `json:"ended_at"`
	MediaConnectedAt *time.Time `json:"media_connected_at"`
	FirstPacketAt    *time.Time `json:"first_packet_at"`
	FirstSoundAt     *time.Time `json:"first_sound_at"`
	PacketsReceived  uint64     `json:"packets_received"`
	PacketsSent      uint64     `json:"packets_sent"`
	PacketsLost      uint64     `json:"packets_lost"`
}

// Calls lists calls, newest first. query takes user, pnid, id and live.
func (c Client) Calls(ctx context.Context, query url.Values) ([]Call, error) {
	var out struct{ Calls []Call }
	return out.Calls, c.Do(ctx, http.MethodGet, "/control/calls?"+query.Encode(), nil, &out)
}

// Permission is what a business may do with a customer.
type Permission struct {
	Status     string     `json:"status"`
	Expires    *time.Time `json:"expires_at"`
	CanRequest bool       `json:"can_request"`
	CanCall    bool       `json:"can_call"`
}

// Permission returns it.
func (c Client) Permission(ctx context.Context, key, pnid string) (Permission, error) {
	var out Permission
	return out, c.Do(ctx, http.MethodGet, "/control/users/"+url.PathEscape(key)+"/permission?pnid="+url.QueryEscape(pnid), nil, &out)
}

// Event is one entry of the diary.
type Event struct {
	Seq    int64           `json:"seq"`
	At     time.Time       `json:"at"`
	Kind   string          `json:"kind"`
	PNID   string          `json:"pnid"`
	User   string          `json:"user"`
	CallID string          `json:"call_id"`
	Data   json.RawMessage `json:"data"`
}

// Events lists entries of the diary, oldest first. query takes kind, user, pnid, call_id, after and wait_ms.
func (c Client) Events(ctx context.Context, query url.Values) ([]Event, error) {
	var out struct{ Events []Event }
	return out.Events, c.Do(ctx, http.MethodGet, "/control/events?"+query.Encode(), nil, &out)
}

// Set changes chaos, flags or timings.
func (c Client) Set(ctx context.Context, what string, fields map[string]any) error {
	return c.Do(ctx, http.MethodPatch, "/control/"+what, fields, nil)
}
