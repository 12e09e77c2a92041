package store

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"

	"github.com/jackc/pgx/v5"

	"ramal/internal/fault"
	"ramal/internal/id"
)

const redacted = "[secret]"

// LineCredentials opens Meta's doors for one line. No printer shows it: fmt, slog and JSON get "[secret]".
type LineCredentials struct {
	Token       string // Graph API access token
	AppSecret   string // signs webhooks
	VerifyToken string // answers the subscription challenge
}

// String never tells the contents.
func (LineCredentials) String() string { return redacted }

// Format never tells the contents, whatever the verb.
func (LineCredentials) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue never tells the contents.
func (LineCredentials) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON never tells the contents.
func (LineCredentials) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// sealedCredentials is the form inside the encryption.
type sealedCredentials struct {
	Token       string `json:"token"`
	AppSecret   string `json:"app_secret"`
	VerifyToken string `json:"verify_token"`
}

// LineRow is one business phone number of a tenant.
type LineRow struct {
	Tenant        id.Tenant
	ID            id.Line
	Name          string
	PhoneNumberID string // Meta's id of the number; unique over all tenants
	DisplayNumber string // as people read it
	WABAID        string // Meta's id of the WhatsApp business account
	GraphURL      string // base URL of the Graph API, or of a provider or simulator in its place
	APIVersion    string // such as "v23.0"
	Credentials   LineCredentials
	Settings      []byte // JSON object; empty is {}
	State         []byte // JSON object of the line actor; empty is {}
	Version       int64  // of this row; 1 or more
	Sealed        bool   // lists only: the credentials cannot be opened with the keys at hand, and are empty
}

const lineColumns = `tenant, id, name, phone_number_id, display_number, waba_id, graph_url, api_version, secrets,
	settings, state, version`

func (s *Store) scanLine(r pgx.CollectableRow) (LineRow, error) {
	l, sealed, err := scanSealedLine(r)
	if err == nil {
		l.Credentials, err = s.openCredentials(l.Tenant, l.ID, sealed)
	}
	return l, err
}

// scanAnyLine is scanLine for lists: one line under a lost key must not hide the others.
func (s *Store) scanAnyLine(r pgx.CollectableRow) (LineRow, error) {
	l, sealed, err := scanSealedLine(r)
	if err != nil {
		return l, err
	}
	if l.Credentials, err = s.openCredentials(l.Tenant, l.ID, sealed); err != nil {
		l.Credentials, l.Sealed = LineCredentials{}, true
	}
	return l, nil
}

func scanSealedLine(r pgx.CollectableRow) (l LineRow, sealed []byte, err error) {
	err = r.Scan(&l.Tenant, &l.ID, &l.Name, &l.PhoneNumberID, &l.DisplayNumber, &l.WABAID, &l.GraphURL,
		&l.APIVersion, &sealed, &l.Settings, &l.State, &l.Version)
	return l, sealed, err
}

// InsertLine adds a line; Conflict when its id or phone-number id is taken, Invalid for an unknown tenant.
// Version 0 becomes 1.
func (s *Store) InsertLine(ctx context.Context, l LineRow) error {
	const op = "store.insert_line"
	sealed, err := s.sealCredentials(op, l.Tenant, l.ID, l.Credentials)
	if err != nil {
		return err
	}
	_, err = s.write(ctx, op, `INSERT INTO lines (`+lineColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::jsonb, $11::jsonb, $12)`,
		l.Tenant, l.ID, l.Name, l.PhoneNumberID, l.DisplayNumber, l.WABAID, l.GraphURL, l.APIVersion, sealed,
		orObject(l.Settings), orObject(l.State), max(l.Version, 1))
	return err
}

// GetLine reads one line with its credentials; NotFound when the tenant has none of that id, Internal when the
// credentials cannot be opened with the keys at hand.
func (s *Store) GetLine(ctx context.Context, tenant id.Tenant, line id.Line) (LineRow, error) {
	return one(ctx, s, "store.get_line", "no_line", s.scanLine,
		`SELECT `+lineColumns+` FROM lines WHERE tenant = $1 AND id = $2`, tenant, line)
}

// LineByPhoneNumberID finds whose number it is that a webhook names; NotFound when it is nobody's here.
func (s *Store) LineByPhoneNumberID(ctx context.Context, phoneNumberID string) (LineRow, error) {
	return one(ctx, s, "store.line_by_phone_number_id", "no_line", s.scanLine,
		`SELECT `+lineColumns+` FROM lines WHERE phone_number_id = $1`, phoneNumberID)
}

// ListLines reads all lines of a tenant in the order of their ids; see LineRow.Sealed.
func (s *Store) ListLines(ctx context.Context, tenant id.Tenant) ([]LineRow, error) {
	return many(ctx, s, "store.list_lines", s.scanAnyLine,
		`SELECT `+lineColumns+` FROM lines WHERE tenant = $1 ORDER BY id`, tenant)
}

// SaveLine replaces everything but the credentials if the stored version is base; l.Version must be greater.
// Conflict with CodeStale when it is not, with CodeExists when another line has the phone-number id.
func (s *Store) SaveLine(ctx context.Context, l LineRow, base int64) error {
	const op = "store.save_line"
	if l.Version <= base {
		return notNewer(op, l.Version, base)
	}
	n, err := s.write(ctx, op,
		`UPDATE lines SET name = $3, phone_number_id = $4, display_number = $5, waba_id = $6, graph_url = $7,
		 api_version = $8, settings = $9::jsonb, state = $10::jsonb, version = $11
		 WHERE tenant = $1 AND id = $2 AND version = $12`,
		l.Tenant, l.ID, l.Name, l.PhoneNumberID, l.DisplayNumber, l.WABAID, l.GraphURL, l.APIVersion,
		orObject(l.Settings), orObject(l.State), l.Version, base)
	return orStale(n, err, op)
}

// SetLineCredentials replaces the credentials alone, encrypted with the current key; NotFound when there is no such
// line. The version does not change: no actor computes anything from them.
func (s *Store) SetLineCredentials(ctx context.Context, tenant id.Tenant, line id.Line, c LineCredentials) error {
	const op = "store.set_line_credentials"
	sealed, err := s.sealCredentials(op, tenant, line, c)
	if err != nil {
		return err
	}
	n, err := s.write(ctx, op, `UPDATE lines SET secrets = $3 WHERE tenant = $1 AND id = $2`, tenant, line, sealed)
	return orMissing(n, err, op, "no_line")
}

func (s *Store) sealCredentials(op string, tenant id.Tenant, line id.Line, c LineCredentials) ([]byte, error) {
	if s.cfg.Keys == nil {
		return nil, fault.New(fault.Internal, op, "no_key", "no encryption key is configured")
	}
	plain, err := json.Marshal(sealedCredentials(c))
	if err != nil {
		return nil, fault.Wrap(fault.Internal, op, err)
	}
	sealed, err := s.cfg.Keys.Seal(plain, string(tenant), string(line))
	if err != nil {
		return nil, fault.Wrap(fault.Internal, op, err)
	}
	return sealed, nil
}

func (s *Store) openCredentials(tenant id.Tenant, line id.Line, sealed []byte) (c LineCredentials, err error) {
	const op = "store.open_credentials"
	if s.cfg.Keys == nil {
		return c, fault.New(fault.Internal, op, "no_key", "no encryption key is configured")
	}
	plain, err := s.cfg.Keys.Open(sealed, string(tenant), string(line))
	if err != nil {
		return c, fault.Wrap(fault.Internal, op, err)
	}
	var raw sealedCredentials
	if err := json.Unmarshal(plain, &raw); err != nil {
		return c, fault.New(fault.Internal, op, "bad_secret", "what was decrypted are not credentials")
	}
	return LineCredentials(raw), nil
}
