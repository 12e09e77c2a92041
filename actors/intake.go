package actors

import (
	"context"
	"time"

	"ramal/internal/id"
)

// LineAuth is what the gateway needs to judge a webhook: the line's secrets. It never leaves the gateway.
type LineAuth struct {
	Tenant      id.Tenant
	Line        id.Line
	AppSecret   string
	VerifyToken string
}

// InboxItem is one event of a webhook, verified, not yet processed.
type InboxItem struct {
	Tenant     id.Tenant
	Line       id.Line
	Dedupe     string // unique per line: call id and event, message id and status
	Body       []byte // JSON of this one event
	ReceivedAt time.Time
}

// Intake takes webhooks in.
type Intake interface {
	// LineByPhoneNumberID finds whose webhook this is. Faults: NotFound, Unavailable.
	LineByPhoneNumberID(ctx context.Context, phoneNumberID string) (LineAuth, error)
	// VerifyToken reports whether some line expects this token in Meta's GET verification.
	VerifyToken(ctx context.Context, token string) (bool, error)
	// Accept makes the items durable and starts processing them. It returns as soon as they are durable; items
	// seen before are dropped. Fault: Unavailable, and then nothing was taken: the sender must deliver again.
	Accept(ctx context.Context, items []InboxItem) error
}
