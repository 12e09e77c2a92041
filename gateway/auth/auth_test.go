package auth

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"go.uber.org/goleak"

	"ramal/internal/fault"
	"ramal/internal/id"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	secret = []byte("0123456789abcdef0123456789abcdef")
	dev    = Issuer{Name: "ramal-dev", Secret: secret}
)

func verifier(t *testing.T, issuers ...Issuer) *Verifier {
	t.Helper()
	v, err := New(issuers...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	return v
}

func TestIssuedTokensVerify(t *testing.T) {
	now := time.Now()
	want := Claims{"farmacia", "ag_luis", RoleSupervisor, now.Add(time.Hour).Truncate(time.Second)}
	token, err := Issue(dev, want, now)
	if err != nil {
		t.Fatal(err)
	}
	got, err := verifier(t, dev).Verify(token)
	if err != nil || !got.Expires.Equal(want.Expires) {
		t.Fatalf("%+v, %v", got, err)
	}
	got.Expires = want.Expires
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got, err := verifier(t, dev).Verify(must(Issue(dev, Claims{Tenant: "t", Agent: "a", Expires: now.Add(time.Hour)}, now))); err != nil || got.Role != RoleAgent {
		t.Errorf("without a role: %+v, %v", got, err)
	}
}

func must(token string, err error) string {
	if err != nil {
		panic(err)
	}
	return token
}

func TestBadTokensAreDenied(t *testing.T) {
	now := time.Now()
	claims := func(change func(jwt.MapClaims)) jwt.MapClaims {
		c := jwt.MapClaims{"iss": "ramal-dev", "aud": "ramal", "sub": "ag_luis", "tenant": "farmacia", "role": "agent", "exp": now.Add(time.Hour).Unix()}
		if change != nil {
			change(c)
		}
		return c
	}
	hs := func(key []byte, change func(jwt.MapClaims)) string {
		return must(jwt.NewWithClaims(jwt.SigningMethodHS256, claims(change)).SignedString(key))
	}
	set := func(name string, v any) func(jwt.MapClaims) {
		return func(c jwt.MapClaims) { c[name] = v }
	}
	drop := func(name string) func(jwt.MapClaims) {
		return func(c jwt.MapClaims) { delete(c, name) }
	}
	v := verifier(t, dev)
	if _, err := v.Verify(hs(secret, nil)); err != nil {
		t.Fatalf("the good token is refused: %v", err)
	}
	if _, err := v.Verify(hs(secret, set("exp", now.Add(-20*time.Second).Unix()))); err != nil {
		t.Errorf("within the leeway: %v", err)
	}
	for name, c := range map[string]struct{ token, code string }{
		"none":               {"", "token_missing"},
		"garbage":            {"a.b.c", "token_invalid"},
		"huge":               {strings.Repeat("a", 9000), "token_invalid"},
		"other key":          {hs([]byte(strings.Repeat("x", 32)), nil), "token_invalid"},
		"alg none":           {must(jwt.NewWithClaims(jwt.SigningMethodNone, claims(nil)).SignedString(jwt.UnsafeAllowNoneSignatureType)), "token_invalid"},
		"HS512":              {must(jwt.NewWithClaims(jwt.SigningMethodHS512, claims(nil)).SignedString(secret)), "token_invalid"},
		"expired":            {hs(secret, set("exp", now.Add(-time.Minute).Unix())), "token_expired"},
		"expired, wrong key": {hs([]byte(strings.Repeat("x", 32)), set("exp", 1)), "token_invalid"},
		"no exp":             {hs(secret, drop("exp")), "token_invalid"},
		"not yet":            {hs(secret, set("nbf", now.Add(time.Hour).Unix())), "token_invalid"},
		"issued tomorrow":    {hs(secret, set("iat", now.Add(time.Hour).Unix())), "token_invalid"},
		"other issuer":       {hs(secret, set("iss", "evil")), "token_invalid"},
		"no issuer":          {hs(secret, drop("iss")), "token_invalid"},
		"other audience":     {hs(secret, set("aud", "shop")), "token_invalid"},
		"no audience":        {hs(secret, drop("aud")), "token_invalid"},
		"no tenant":          {hs(secret, drop("tenant")), "token_invalid"},
		"strange tenant":     {hs(secret, set("tenant", "a/b")), "token_invalid"},
		"no agent":           {hs(secret, drop("sub")), "token_invalid"},
		"strange role":       {hs(secret, set("role", "root")), "token_invalid"},
		"role not text":      {hs(secret, set("role", []string{"admin"})), "token_invalid"},
	} {
		if _, err := v.Verify(c.token); !fault.Is(err, fault.Denied) || fault.CodeOf(err) != c.code {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// keySet serves public keys as a JWK set.
func keySet(t *testing.T, keys ...string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, `{"keys":[%s]}`, strings.Join(keys, ","))
	}))
	t.Cleanup(func() { s.Close(); http.DefaultClient.CloseIdleConnections() })
	return s.URL
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func TestKeySet(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := ecKey.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	url := keySet(t,
		fmt.Sprintf(`{"kty":"RSA","kid":"r","n":%q,"e":%q}`, b64(rsaKey.N.Bytes()), b64(big.NewInt(int64(rsaKey.E)).Bytes())),
		fmt.Sprintf(`{"kty":"EC","crv":"P-256","kid":"e","x":%q,"y":%q}`, b64(point[1:33]), b64(point[33:])))
	v := verifier(t, Issuer{Name: "idp", JWKSURL: url, Tenants: []id.Tenant{"farmacia"}}, dev)
	sign := func(method jwt.SigningMethod, kid string, key any, tenant string) string {
		tok := jwt.NewWithClaims(method, jwt.MapClaims{"iss": "idp", "aud": []string{"x", "ramal"}, "sub": "ag_1", "tenant": tenant, "exp": time.Now().Add(time.Hour).Unix()})
		tok.Header["kid"] = kid
		return must(tok.SignedString(key))
	}
	if c, err := v.Verify(sign(jwt.SigningMethodRS256, "r", rsaKey, "farmacia")); err != nil || c.Tenant != "farmacia" {
		t.Errorf("%+v %v", c, err)
	}
	public, err := x509.MarshalPKIXPublicKey(&rsaKey.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, token := range map[string]string{
		"another tenant":              sign(jwt.SigningMethodRS256, "r", rsaKey, "outra"),
		"an algorithm of the token's": sign(jwt.SigningMethodES256, "e", ecKey, "farmacia"),
		"the public key as a secret":  sign(jwt.SigningMethodHS256, "r", public, "farmacia"),
		"the other issuer's secret":   sign(jwt.SigningMethodHS256, "r", secret, "farmacia"),
		"an unknown key":              sign(jwt.SigningMethodRS256, "zz", rsaKey, "farmacia"),
	} {
		if _, err := v.Verify(token); !fault.Is(err, fault.Denied) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestConfig(t *testing.T) {
	for name, i := range map[string]Issuer{
		"no name": {Secret: secret}, "short secret": {Name: "x", Secret: secret[:31]}, "no key": {Name: "x"},
		"both": {Name: "x", Secret: secret, JWKSURL: "https://x/y"}, "plain http": {Name: "x", JWKSURL: "http://idp.example/keys"},
		"HS256 key set": {Name: "x", JWKSURL: "https://x/y", Algorithm: "HS256"}, "RS256 secret": {Name: "x", Secret: secret, Algorithm: "RS256"},
		"leeway": {Name: "x", Secret: secret, Leeway: time.Hour},
	} {
		if err := i.Validate(); !fault.Is(firstOf(err), fault.Invalid) {
			t.Errorf("%s is accepted: %v", name, err)
		}
	}
	for name, list := range map[string][]Issuer{"none": nil, "twice": {dev, dev}} {
		if _, err := New(list...); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	now := time.Now()
	for name, f := range map[string]func() (string, error){
		"key set": func() (string, error) {
			return Issue(Issuer{Name: "x", JWKSURL: "https://x/y"}, Claims{"t", "a", "", now.Add(1)}, now)
		},
		"past":   func() (string, error) { return Issue(dev, Claims{"t", "a", "", now}, now) },
		"nobody": func() (string, error) { return Issue(dev, Claims{"t", "", "", now.Add(1)}, now) },
	} {
		if _, err := f(); !fault.Is(err, fault.Invalid) {
			t.Errorf("issued for %s: %v", name, err)
		}
	}
}

func firstOf(err error) error {
	if j, ok := err.(interface{ Unwrap() []error }); ok {
		return j.Unwrap()[0]
	}
	return err
}

func TestOriginAllowed(t *testing.T) {
	allowed := []string{"https://desk.example.com", "http://localhost:5173/"}
	for origin, want := range map[string]bool{
		"": true, "https://ramal.example.com": true, "http://RAMAL.example.com": true, "https://desk.example.com": true, "http://localhost:5173": true,
		"http://desk.example.com": false, "https://desk.example.com.evil.io": false, "https://evil.io": false, "null": false, "file://": false,
		"https://ramal.example.com:8443": false, "javascript:alert(1)": false,
	} {
		if got := OriginAllowed(origin, "ramal.example.com", allowed); got != want {
			t.Errorf("%q: %v", origin, got)
		}
	}
}

func TestBearer(t *testing.T) {
	for header, want := range map[string]string{"Bearer abc": "abc", "bearer  abc ": "abc", "": "", "abc": "", "Basic abc": "", "Bearer": ""} {
		if got := Bearer(header); got != want {
			t.Errorf("%q: %q", header, got)
		}
	}
}

func FuzzVerify(f *testing.F) {
	now := time.Now()
	f.Add(must(Issue(dev, Claims{"t", "a", "", now.Add(time.Hour)}, now)))
	f.Add("a.b.c")
	v, err := New(Issuer{Name: "ramal-dev", Secret: []byte(strings.Repeat("z", 32))})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(v.Close)
	f.Fuzz(func(t *testing.T, token string) {
		if c, err := v.Verify(token); err == nil {
			t.Fatalf("%q gives %+v without the key", token, c)
		}
	})
}
