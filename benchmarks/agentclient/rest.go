package agentclient

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"time"
)

// REST is the calls beside the WebSocket, as one agent. Its zero HTTP client is http.DefaultClient.
type REST struct {
	URL    string
	Token  string
	Client *http.Client
}

// ProblemError is a refusal over REST (RFC 9457).
type ProblemError struct {
	Title         string     `json:"title"`
	Status        int        `json:"status"`
	Detail        string     `json:"detail"`
	Kind          string     `json:"kind"`
	Code          string     `json:"code"`
	NextAllowedAt *time.Time `json:"next_allowed_at"`
	TraceID       string     `json:"trace_id"`
}

// Error implements error.
func (p *ProblemError) Error() string {
	return fmt.Sprintf("HTTP %d %s %s: %s", p.Status, p.Kind, p.Code, p.Detail)
}

// Do sends a request and decodes the answer into out, which may be nil. It returns the answer's headers. Refusals are
// *ProblemError.
func (r REST) Do(ctx context.Context, method, path string, query url.Values, header http.Header, body, out any) (http.Header, error) {
	var reader io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		reader = bytes.NewReader(raw)
	}
	target := r.URL + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, target, reader)
	if err != nil {
		return nil, err
	}
	maps.Copy(req.Header, header)
	req.Header.Set("Authorization", "Bearer "+r.Token)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	client := r.Client
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode/100 != 2 {
		p := &ProblemError{Status: resp.StatusCode}
		if err := json.Unmarshal(raw, p); err != nil {
			p.Detail = string(raw)
		}
		p.Status = resp.StatusCode
		return resp.Header, fmt.Errorf("%s %s: %w", method, path, p)
	}
	if out == nil {
		return resp.Header, nil
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return resp.Header, fmt.Errorf("%s %s: %w", method, path, err)
	}
	return resp.Header, nil
}

func get[T any](ctx context.Context, r REST, path string, query url.Values) (T, error) {
	var out T
	_, err := r.Do(ctx, http.MethodGet, path, query, nil, nil, &out)
	return out, err
}

// Me returns the agent.
func (r REST) Me(ctx context.Context) (AgentView, error) {
	return get[AgentView](ctx, r, "/v1/me", nil)
}

// Agents lists all agents of the tenant.
func (r REST) Agents(ctx context.Context) ([]PersonView, error) {
	p, err := get[Page[PersonView]](ctx, r, "/v1/agents", nil)
	return p.Items, err
}

// Lines lists all numbers of the tenant.
func (r REST) Lines(ctx context.Context) ([]LineView, error) {
	p, err := get[Page[LineView]](ctx, r, "/v1/lines", nil)
	return p.Items, err
}

// Contacts lists one page of contacts.
func (r REST) Contacts(ctx context.Context, query url.Values) (Page[ContactView], error) {
	return get[Page[ContactView]](ctx, r, "/v1/contacts", query)
}

// AllContacts follows the cursors to the end.
func (r REST) AllContacts(ctx context.Context, query url.Values) ([]ContactView, error) {
	q := url.Values{"limit": {"200"}}
	maps.Copy(q, query)
	var all []ContactView
	for {
		page, err := r.Contacts(ctx, q)
		if err != nil {
			return nil, err
		}
		all = append(all, page.Items...)
		if page.Next == "" {
			return all, nil
		}
		q.Set("cursor", page.Next)
	}
}

// Contact returns one contact.
func (r REST) Contact(ctx context.Context, id string) (ContactView, error) {
	return get[ContactView](ctx, r, "/v1/contacts/"+url.PathEscape(id), nil)
}

// Eligibility says whether a contact may be called on a line.
func (r REST) Eligibility(ctx context.Context, contact, line string) (Eligibility, error) {
	return get[Eligibility](ctx, r, "/v1/contacts/"+url.PathEscape(contact)+"/call-eligibility", url.Values{"line_id": {line}})
}

// Messages returns one page of a conversation, newest first.
func (r REST) Messages(ctx context.Context, contact string, query url.Values) (Page[MessageView], error) {
	return get[Page[MessageView]](ctx, r, "/v1/contacts/"+url.PathEscape(contact)+"/messages", query)
}

// Colleagues lists who may be invited to a call, those involved with the contact first.
func (r REST) Colleagues(ctx context.Context, contact, call string) ([]Colleague, error) {
	p, err := get[Page[Colleague]](ctx, r, "/v1/contacts/"+url.PathEscape(contact)+"/colleagues", url.Values{"call_id": {call}})
	return p.Items, err
}

// Calls returns one page of the history, newest first.
func (r REST) Calls(ctx context.Context, query url.Values) (Page[CallView], error) {
	return get[Page[CallView]](ctx, r, "/v1/calls", query)
}

// Call returns one call with its events.
func (r REST) Call(ctx context.Context, id string) (CallView, error) {
	return get[CallView](ctx, r, "/v1/calls/"+url.PathEscape(id), nil)
}

// LineSettings returns a line's settings and the tag with which they may be changed.
func (r REST) LineSettings(ctx context.Context, line string) (LineSettings, string, error) {
	var out LineSettings
	h, err := r.Do(ctx, http.MethodGet, "/v1/lines/"+url.PathEscape(line)+"/settings", nil, nil, nil, &out)
	return out, h.Get("ETag"), err
}

// SaveLineSettings changes a line's settings, if tag is still theirs.
func (r REST) SaveLineSettings(ctx context.Context, line, tag string, s LineSettings) error {
	_, err := r.Do(ctx, http.MethodPut, "/v1/lines/"+url.PathEscape(line)+"/settings", nil, http.Header{"If-Match": {tag}}, s, nil)
	return err
}
