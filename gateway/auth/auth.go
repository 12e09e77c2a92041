// Package auth says who an agent's request comes from: it verifies JSON Web Tokens and browser origins, and
// issues tokens for development.
//
// It is not an identity provider: it keeps no passwords, sessions or revocations. A Verifier is immutable, except
// for the key sets that it fetches (owned by the keyfunc library, refreshed until Close).
//
// The invariant: the algorithm and the tenants of an issuer are fixed by the configuration, never read from
// the token. A token names its issuer only to choose which configuration judges it.
package auth

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"

	"ramal/internal/fault"
	"ramal/internal/id"
)

// The roles, least first.
const (
	RoleAgent      = "agent"
	RoleSupervisor = "supervisor"
	RoleAdmin      = "admin"
)

// Claims are what a verified token says.
type Claims struct {
	Tenant  id.Tenant
	Agent   id.Agent
	Role    string // RoleAgent where the token names none
	Expires time.Time
}

// Issuer is one source of tokens. Exactly one of Secret and JWKSURL is set.
type Issuer struct {
	Name      string        // the iss claim, required
	Audience  string        // must be in the aud claim; default "ramal"
	Secret    []byte        // HS256, at least 32 bytes
	JWKSURL   string        // keys to fetch; https, or http on a loopback address
	Algorithm string        // with JWKSURL: RS256 (default), PS256, ES256, ES384 or EdDSA
	Tenants   []id.Tenant   // tenants that this issuer may speak for; empty is all
	Leeway    time.Duration // clock difference tolerated; default 30 s
}

// maxToken bounds a token, in bytes.
const maxToken = 8 << 10

var asymmetric = []string{"RS256", "PS256", "ES256", "ES384", "EdDSA"}

func (i Issuer) withDefaults() Issuer {
	if i.Audience == "" {
		i.Audience = "ramal"
	}
	if i.Algorithm == "" {
		i.Algorithm = "RS256"
		if i.JWKSURL == "" {
			i.Algorithm = "HS256"
		}
	}
	if i.Leeway == 0 {
		i.Leeway = 30 * time.Second
	}
	return i
}

// Validate returns all faults of i, joined.
func (i Issuer) Validate() error {
	d := i.withDefaults()
	var faults []error
	bad := func(detail string) {
		faults = append(faults, fault.New(fault.Invalid, "auth.config", "config", "issuer "+d.Name+": "+detail))
	}
	if d.Name == "" {
		bad("the name (claim iss) is missing")
	}
	switch {
	case (len(d.Secret) > 0) == (d.JWKSURL != ""):
		bad("give either a secret or the URL of a key set")
	case d.JWKSURL != "":
		if !slices.Contains(asymmetric, d.Algorithm) {
			bad("the algorithm of a key set is one of " + strings.Join(asymmetric, " "))
		}
		if u, err := url.Parse(d.JWKSURL); err != nil || u.Host == "" || (u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname()))) {
			bad("the key set's URL is not https")
		}
	case d.Algorithm != "HS256":
		bad("the algorithm of a secret is HS256")
	case len(d.Secret) < 32:
		bad("the secret is shorter than 32 bytes")
	}
	if d.Leeway < 0 || d.Leeway > 5*time.Minute {
		bad("the leeway is not within 0 to 5 minutes")
	}
	return errors.Join(faults...)
}

func loopback(host string) bool { return host == "localhost" || host == "127.0.0.1" || host == "::1" }

// Verifier judges tokens of a fixed list of issuers.
type Verifier struct {
	issuers map[string]issuer
	cancel  context.CancelFunc
}

type issuer struct {
	Issuer
	key    jwt.Keyfunc
	parser *jwt.Parser
}

// New returns a verifier. Key sets are fetched now and refreshed in the background until Close; one that cannot
// be fetched yet does not fail New, its tokens are refused until it can.
func New(issuers ...Issuer) (*Verifier, error) {
	ctx, cancel := context.WithCancel(context.Background())
	v := &Verifier{issuers: map[string]issuer{}, cancel: cancel}
	var faults []error
	for _, cfg := range issuers {
		if err := cfg.Validate(); err != nil {
			faults = append(faults, err)
			continue
		}
		cfg = cfg.withDefaults()
		if _, twice := v.issuers[cfg.Name]; twice {
			faults = append(faults, fault.New(fault.Invalid, "auth.config", "config", "issuer "+cfg.Name+" is named twice"))
			continue
		}
		key, err := cfg.keyfunc(ctx)
		if err != nil {
			faults = append(faults, fault.Wrap(fault.Unavailable, "auth.config", err))
			continue
		}
		v.issuers[cfg.Name] = issuer{cfg, key, jwt.NewParser(jwt.WithValidMethods([]string{cfg.Algorithm}), jwt.WithIssuer(cfg.Name),
			jwt.WithAudience(cfg.Audience), jwt.WithExpirationRequired(), jwt.WithLeeway(cfg.Leeway), jwt.WithIssuedAt())}
	}
	if len(issuers) == 0 {
		faults = append(faults, fault.New(fault.Invalid, "auth.config", "config", "no issuer of tokens is configured"))
	}
	if err := errors.Join(faults...); err != nil {
		cancel()
		return nil, err
	}
	return v, nil
}

func (i Issuer) keyfunc(ctx context.Context) (jwt.Keyfunc, error) {
	if len(i.Secret) > 0 {
		return func(*jwt.Token) (any, error) { return i.Secret, nil }, nil
	}
	set, err := keyfunc.NewDefaultCtx(ctx, []string{i.JWKSURL}) // its goroutine ends with ctx
	if err != nil {
		return nil, err
	}
	return set.Keyfunc, nil
}

// Close ends the refreshing of key sets.
func (v *Verifier) Close() { v.cancel() }

// tokenClaims are the claims we read beside the registered ones.
type tokenClaims struct {
	jwt.RegisteredClaims
	Tenant string `json:"tenant"`
	Role   string `json:"role"`
}

// Verify judges a token. Every fault is Denied with code "token_missing", "token_expired" or "token_invalid".
func (v *Verifier) Verify(token string) (Claims, error) {
	const op = "auth.verify"
	if token == "" {
		return Claims{}, fault.New(fault.Denied, op, "token_missing", "a token is needed")
	}
	refuse := func(detail string, cause error) (Claims, error) {
		f := fault.New(fault.Denied, op, "token_invalid", detail)
		f.Cause = cause
		if errors.Is(cause, jwt.ErrTokenExpired) {
			f.Code, f.Detail = "token_expired", "the token has expired"
		}
		return Claims{}, f
	}
	if len(token) > maxToken {
		return refuse("the token is too long", nil)
	}
	var named tokenClaims
	if _, _, err := jwt.NewParser().ParseUnverified(token, &named); err != nil {
		return refuse("the token is not a JWT", nil)
	}
	iss, ok := v.issuers[named.Issuer]
	if !ok {
		return refuse("the token's issuer is not known here", nil)
	}
	var c tokenClaims
	if _, err := iss.parser.ParseWithClaims(token, &c, iss.key); err != nil {
		return refuse("the token is not valid", err)
	}
	if c.Role == "" {
		c.Role = RoleAgent
	}
	switch {
	case !id.Valid(c.Tenant) || !id.Valid(c.Subject):
		return refuse("the token names no tenant or no agent", nil)
	case len(iss.Tenants) > 0 && !slices.Contains(iss.Tenants, id.Tenant(c.Tenant)):
		return refuse("the token's issuer may not speak for this tenant", nil)
	case c.Role != RoleAgent && c.Role != RoleSupervisor && c.Role != RoleAdmin:
		return refuse("the token's role is none of agent, supervisor, admin", nil)
	}
	return Claims{id.Tenant(c.Tenant), id.Agent(c.Subject), c.Role, c.ExpiresAt.Time}, nil
}

// Issue signs a token with an HS256 issuer's secret, for development and for tests.
func Issue(i Issuer, c Claims, now time.Time) (string, error) {
	const op = "auth.issue"
	if err := i.Validate(); err != nil {
		return "", err
	}
	i = i.withDefaults()
	if len(i.Secret) == 0 {
		return "", fault.New(fault.Invalid, op, "not_hs256", "tokens can be issued only where a secret is configured")
	}
	if !id.Valid(string(c.Tenant)) || !id.Valid(string(c.Agent)) || !c.Expires.After(now) {
		return "", fault.New(fault.Invalid, op, "claims", "a token needs a tenant, an agent and an end in the future")
	}
	if c.Role == "" {
		c.Role = RoleAgent
	}
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, tokenClaims{
		RegisteredClaims: jwt.RegisteredClaims{Issuer: i.Name, Audience: jwt.ClaimStrings{i.Audience}, Subject: string(c.Agent),
			IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(c.Expires)},
		Tenant: string(c.Tenant), Role: c.Role,
	}).SignedString(i.Secret)
	return token, fault.Wrap(fault.Internal, op, err)
}

// Bearer returns the token of an Authorization header, or "" when the header is empty or of another scheme.
func Bearer(header string) string {
	scheme, token, ok := strings.Cut(strings.TrimSpace(header), " ")
	if !ok || !strings.EqualFold(scheme, "bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// OriginAllowed reports whether a browser page of the given Origin may talk to host: pages of host itself and of the
// allowed origins ("https://desk.example.com") may, and so may what is no browser and sends no Origin.
func OriginAllowed(origin, host string, allowed []string) bool {
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return false // "null" of a sandboxed page too
	}
	if strings.EqualFold(u.Host, host) {
		return true
	}
	return slices.ContainsFunc(allowed, func(a string) bool {
		return strings.EqualFold(strings.TrimSuffix(a, "/"), u.Scheme+"://"+u.Host)
	})
}
