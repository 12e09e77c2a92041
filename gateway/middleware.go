package gateway

import (
	"bufio"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"ramal/gateway/auth"
)

// recorder remembers what was answered.
type recorder struct {
	http.ResponseWriter
	status   int
	bytes    int64
	hijacked bool
}

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 && status >= http.StatusOK {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Hijack hands the connection to a WebSocket.
func (w *recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	w.hijacked = err == nil
	return conn, rw, err
}

// wrap puts what every request goes through around the routes.
func (g *Gateway) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(plain http.ResponseWriter, r *http.Request) {
		started := time.Now()
		w := &recorder{ResponseWriter: plain}
		r = withTrace(w, r)
		defer g.finish(w, r, started)
		secure(w.Header())
		if g.cors(w, r) {
			return
		}
		next.ServeHTTP(w, r)
	})
}

// finish recovers a panic, counts and logs.
func (g *Gateway) finish(w *recorder, r *http.Request, started time.Time) {
	info := infoOf(r)
	if p := recover(); p != nil {
		if p == http.ErrAbortHandler { //nolint:errorlint // net/http compares it so
			panic(p)
		}
		g.logger.ErrorContext(r.Context(), "panic in a request", "op", "gateway.request", "route", info.route, "trace_id", info.trace,
			"panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		if w.status == 0 && !w.hijacked {
			refuse(w, r, http.StatusInternalServerError, "internal", "the server made a mistake; trace_id finds it in its logs")
		}
	}
	if w.hijacked {
		return // a WebSocket: agentws counts sessions
	}
	status := w.status
	if status == 0 {
		status = http.StatusOK
	}
	took := time.Since(started)
	g.deps.Metrics.HTTP(info.route, status, took)
	g.logger.LogAttrs(r.Context(), slog.LevelDebug, "http request", slog.String("op", "gateway.request"), slog.String("method", r.Method), slog.String("route", info.route),
		slog.Int("status", status), slog.Int64("bytes", w.bytes), slog.Duration("took", took), slog.String("trace_id", info.trace),
		slog.String("tenant", info.tenant), slog.String("agent", info.agent))
}

// secure sets what every answer carries. A page of ours may use the microphone and nothing else of the machine.
func secure(h http.Header) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
}

// cors lets pages of the allowed origins read the REST calls. It reports whether the request was a preflight and is answered.
func (g *Gateway) cors(w http.ResponseWriter, r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if !strings.HasPrefix(r.URL.Path, "/v1/") || origin == "" {
		return false
	}
	h := w.Header()
	h.Add("Vary", "Origin")
	if !auth.OriginAllowed(origin, "", g.cfg.AllowedOrigins) {
		return false
	}
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Expose-Headers", "ETag, Retry-After, Traceparent")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	infoOf(r).route = "preflight"
	h.Set("Access-Control-Allow-Methods", "GET, PUT")
	h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, If-Match, If-None-Match, Traceparent")
	h.Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
	return true
}
