package whatsapp

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/url"
	"strings"
)

// SignatureHeader is the header whose value VerifySignature takes.
const SignatureHeader = "X-Hub-Signature-256"

// VerifySignature reports whether header ("sha256=<64 hex digits>") is the HMAC-SHA256 of rawBody under the
// app's secret. rawBody must be the bytes as they came: Meta's escaping does not survive decoding. The comparison
// takes constant time; an empty secret verifies nothing.
func VerifySignature(appSecret string, rawBody []byte, header string) bool {
	digits, ok := strings.CutPrefix(strings.TrimSpace(header), "sha256=")
	given, err := hex.DecodeString(digits)
	if !ok || err != nil || appSecret == "" {
		return false
	}
	mac := hmac.New(sha256.New, []byte(appSecret))
	_, _ = mac.Write(rawBody)
	return hmac.Equal(given, mac.Sum(nil))
}

// VerifyChallenge judges the query of Meta's verification request. If it carries our verify token it returns the
// challenge, which must be answered as it is with status 200; otherwise answer 403.
func VerifyChallenge(query url.Values, verifyToken string) (challenge string, ok bool) {
	if query.Get("hub.mode") != "subscribe" || verifyToken == "" {
		return "", false
	}
	a, b := sha256.Sum256([]byte(query.Get("hub.verify_token"))), sha256.Sum256([]byte(verifyToken))
	if subtle.ConstantTimeCompare(a[:], b[:]) != 1 {
		return "", false
	}
	return query.Get("hub.challenge"), true
}
