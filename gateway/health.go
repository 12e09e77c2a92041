package gateway

import "net/http"

// Readiness is what a node says about itself. A store that is away makes it degraded, not unready: an outage that all
// nodes share must not empty the load balancer.
type Readiness struct {
	Ready    bool
	Degraded bool
	Reasons  []string // short words, such as "store_away", "not_in_cluster"
}

type healthBody struct {
	Status  string   `json:"status"` // alive, ready, degraded, unready or draining
	Reasons []string `json:"reasons,omitempty"`
}

func (g *Gateway) livez(w http.ResponseWriter, r *http.Request) {
	g.writeJSON(w, r, healthBody{Status: "alive"})
}

// readyz answers 200 when the load balancer may send work here, 503 otherwise.
func (g *Gateway) readyz(w http.ResponseWriter, r *http.Request) {
	state := g.deps.Ready()
	body := healthBody{Status: "ready", Reasons: state.Reasons}
	switch {
	case g.draining.Load():
		body.Status = "draining"
	case !state.Ready:
		body.Status = "unready"
	case state.Degraded:
		body.Status = "degraded"
	}
	if body.Status == "draining" || body.Status == "unready" {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	g.writeJSON(w, r, body)
}

func (g *Gateway) metrics(w http.ResponseWriter, r *http.Request) {
	g.deps.Metrics.Handler().ServeHTTP(w, r)
}
