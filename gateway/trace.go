package gateway

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"strings"
)

// requestInfo travels with a request: what its log line and its problem document say.
type requestInfo struct {
	trace  string
	route  string // pattern, set when the route is known
	tenant string
	agent  string
}

type infoKey struct{}

func infoOf(r *http.Request) *requestInfo {
	if info, ok := r.Context().Value(infoKey{}).(*requestInfo); ok {
		return info
	}
	return &requestInfo{}
}

func traceOf(r *http.Request) string { return infoOf(r).trace }

func routeOf(r *http.Request) string { return infoOf(r).route }

// withTrace continues the caller's trace (W3C Trace Context) or begins one, and tells the caller which.
func withTrace(w http.ResponseWriter, r *http.Request) *http.Request {
	trace, flags, ok := parseTraceparent(r.Header.Get("Traceparent"))
	if !ok {
		trace, flags = randomHex(16), "00"
	}
	w.Header().Set("Traceparent", "00-"+trace+"-"+randomHex(8)+"-"+flags)
	return r.WithContext(context.WithValue(r.Context(), infoKey{}, &requestInfo{trace: trace, route: "unmatched"}))
}

// parseTraceparent reads "version-traceid-parentid-flags"; newer versions may append more.
func parseTraceparent(header string) (trace, flags string, ok bool) {
	parts := strings.Split(header, "-")
	if len(parts) < 4 || len(header) > 256 || !lowerHex(parts[0], 2) || parts[0] == "ff" || (parts[0] == "00" && len(parts) != 4) {
		return "", "", false
	}
	if !lowerHex(parts[1], 32) || !lowerHex(parts[2], 16) || !lowerHex(parts[3], 2) ||
		strings.Trim(parts[1], "0") == "" || strings.Trim(parts[2], "0") == "" {
		return "", "", false
	}
	return parts[1], parts[3], true
}

func lowerHex(s string, n int) bool {
	if len(s) != n {
		return false
	}
	for _, r := range s {
		if (r < '0' || r > '9') && (r < 'a' || r > 'f') {
			return false
		}
	}
	return true
}

func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}
