package agentclient

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"time"
)

// Claims are what a token says. Issuer and Audience have the server's defaults.
type Claims struct {
	Issuer   string    // "ramal"
	Audience string    // "ramal"
	Tenant   string    // of the agent
	Agent    string    // its id
	Role     string    // agent, supervisor or admin; the server's default when empty
	Expires  time.Time // one hour from now when zero
}

// Token makes a token for a server that is configured with an HS256 secret (RFC 7519, RFC 7515 appendix A.1).
func Token(secret string, c Claims) string {
	now := time.Now()
	if c.Issuer == "" {
		c.Issuer = "ramal"
	}
	if c.Audience == "" {
		c.Audience = "ramal"
	}
	if c.Expires.IsZero() {
		c.Expires = now.Add(time.Hour)
	}
	body := map[string]any{"iss": c.Issuer, "aud": c.Audience, "sub": c.Agent, "tenant": c.Tenant, "iat": now.Unix(), "exp": c.Expires.Unix()}
	if c.Role != "" {
		body["role"] = c.Role
	}
	part := func(v any) string {
		raw, err := json.Marshal(v)
		if err != nil {
			panic(err) // maps of strings and numbers always encode
		}
		return base64.RawURLEncoding.EncodeToString(raw)
	}
	signed := part(map[string]string{"alg": "HS256", "typ": "JWT"}) + "." + part(body)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(signed))
	return signed + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
