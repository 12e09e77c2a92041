package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"ramal/internal/fault"
	"ramal/internal/id"
)

// MessageRow is one entry of a contact's conversation.
type MessageRow struct {
	Tenant       id.Tenant
	Contact      id.Contact
	ID           id.Message
	Line         id.Line
	Direction    Direction
	Kind         string // text, template, call_permission_request, …
	Body         []byte // JSON object; empty is {}
	ProviderID   string // Meta's id of the message; "" until known
	Status       MessageStatus
	StatusDetail string   // why it failed; "" otherwise
	Agent        id.Agent // who wrote it; "" for the contact or the engine
	At           time.Time
}

// MessageStatus is how far a message got. Reports of it arrive in any order, so it only ever advances.
type MessageStatus string

// The statuses, in the order in which they may follow one another. A message reported as failed can still turn out
// to have been delivered (to another device of the same person), never the other way round.
const (
	MessagePending   MessageStatus = "pending"
	MessageSent      MessageStatus = "sent"
	MessageFailed    MessageStatus = "failed"
	MessageDelivered MessageStatus = "delivered"
	MessageRead      MessageStatus = "read"
	MessagePlayed    MessageStatus = "played"
	MessageReceived  MessageStatus = "received" // the only status of an inbound message
)

var messageOrder = []MessageStatus{MessagePending, MessageSent, MessageFailed, MessageDelivered, MessageRead, MessagePlayed}

// before returns the statuses that s may follow; ok is false when s is not one that can be reported.
func (m MessageStatus) before() (earlier []string, ok bool) {
	for i, s := range messageOrder {
		if s == m {
			return texts(messageOrder[:i]), true
		}
	}
	return nil, false
}

const messageColumns = `tenant, contact, id, line, direction, kind, body, provider_id, status, status_detail, agent, at`

func scanMessage(r pgx.CollectableRow) (m MessageRow, err error) {
	var provider *string
	err = r.Scan(&m.Tenant, &m.Contact, &m.ID, &m.Line, &m.Direction, &m.Kind, &m.Body, &provider, &m.Status,
		&m.StatusDetail, &m.Agent, &m.At)
	m.ProviderID, m.At = deref(provider), m.At.UTC()
	return m, err
}

// PutMessage adds a message; the same id again records what became of it: the provider's id where it was not known,
// and status with its detail while the message is pending. Nothing else changes. Conflict with CodeExists when the provider's id belongs to another message of that line.
func (s *Store) PutMessage(ctx context.Context, m MessageRow) error {
	_, err := s.write(ctx, "store.put_message", `INSERT INTO messages AS t (`+messageColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7::jsonb, $8, $9, $10, $11, $12)
		ON CONFLICT (tenant, contact, id) DO UPDATE SET provider_id = COALESCE(t.provider_id, excluded.provider_id),
			status = CASE WHEN t.status = 'pending' THEN excluded.status ELSE t.status END,
			status_detail = CASE WHEN t.status = 'pending' THEN excluded.status_detail ELSE t.status_detail END
		WHERE t.status = 'pending' OR t.provider_id IS NULL AND excluded.provider_id IS NOT NULL`,
		m.Tenant, m.Contact, m.ID, m.Line, m.Direction, m.Kind, orObject(m.Body), orNull(m.ProviderID), m.Status,
		m.StatusDetail, m.Agent, micros(m.At))
	return err
}

// UpdateMessageStatus advances the status of the message that a report names, and reports whether it did: an older
// status, or the same again, changes nothing. detail is kept when status is MessageFailed. NotFound when no message
// of that line has the provider's id (yet), Invalid for a status that cannot be reported.
func (s *Store) UpdateMessageStatus(ctx context.Context, tenant id.Tenant, line id.Line, providerID string,
	status MessageStatus, detail string,
) (advanced bool, err error) {
	const op = "store.update_message_status"
	earlier, ok := status.before()
	if !ok {
		return false, fault.Newf(fault.Invalid, op, "bad_status", "a message cannot become %q", status)
	}
	if status != MessageFailed {
		detail = ""
	}
	n, err := s.write(ctx, op, `UPDATE messages SET status = $4, status_detail = $5
		WHERE tenant = $1 AND line = $2 AND provider_id = $3 AND status = ANY($6)`,
		tenant, line, providerID, status, detail, earlier)
	if err != nil || n > 0 {
		return n > 0, err
	}
	_, err = s.FindMessageByProviderID(ctx, tenant, line, providerID)
	return false, err
}

// ListMessages returns one page (default 50 rows, at most MaxHistory) of a contact's conversation, newest first, and
// where the next, older page begins ("" at the beginning of the conversation). Invalid for a cursor not made here.
func (s *Store) ListMessages(ctx context.Context, tenant id.Tenant, contact id.Contact, limit int, cursor Cursor) ([]MessageRow, Cursor, error) {
	const op = "store.list_messages"
	at, key, err := cursor.position(op)
	if err != nil {
		return nil, "", err
	}
	limit = bounded(limit, MaxHistory)
	rows, err := many(Bulk(ctx), s, op, scanMessage, `SELECT `+messageColumns+` FROM messages
		WHERE tenant = $1 AND contact = $2 AND (at, id) < ($3, $4) ORDER BY at DESC, id DESC LIMIT $5`,
		tenant, contact, at, key, limit+1)
	if err != nil {
		return nil, "", err
	}
	rows, next := page(rows, limit, func(m MessageRow) (time.Time, string) { return m.At, string(m.ID) })
	return rows, next, nil
}

// FindMessageByProviderID finds the message that a webhook names; NotFound when it is not known (yet) on that line.
func (s *Store) FindMessageByProviderID(ctx context.Context, tenant id.Tenant, line id.Line, providerID string) (MessageRow, error) {
	return one(ctx, s, "store.find_message_by_provider_id", "no_message", scanMessage,
		`SELECT `+messageColumns+` FROM messages WHERE tenant = $1 AND line = $2 AND provider_id = $3`,
		tenant, line, providerID)
}
