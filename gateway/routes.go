package gateway

import (
	"net/http"
	"strings"

	"ramal/actors"
	"ramal/gateway/auth"
)

// Access says who may use a route.
type Access string

// The kinds of access.
const (
	AccessPublic  Access = "public"  // anybody: health, metrics, the console's files
	AccessSigned  Access = "signed"  // the provider, by signature or verify token
	AccessSession Access = "session" // an agent: token in the header or in the first frame
	AccessAgent   Access = "agent"   // an agent: token in the header
)

// Route is one line of the table of routes.
type Route struct {
	Method  string
	Pattern string
	Access  Access
	handle  func(g *Gateway, w http.ResponseWriter, r *http.Request)
}

// agentHandler answers an agent's REST call.
type agentHandler func(g *Gateway, w http.ResponseWriter, r *http.Request, who actors.Who)

// table is all routes but the console, which takes what is left.
var table = []Route{
	{http.MethodGet, "/livez", AccessPublic, (*Gateway).livez},
	{http.MethodGet, "/readyz", AccessPublic, (*Gateway).readyz},
	{http.MethodGet, "/metrics", AccessPublic, (*Gateway).metrics},
	{http.MethodGet, "/webhooks/whatsapp", AccessSigned, (*Gateway).verifyWebhook},
	{http.MethodPost, "/webhooks/whatsapp", AccessSigned, (*Gateway).takeWebhook},
	{http.MethodGet, "/v1/agent/ws", AccessSession, func(g *Gateway, w http.ResponseWriter, r *http.Request) { g.sessions.ServeHTTP(w, r) }},
	agentRoute(http.MethodGet, "/v1/me", (*Gateway).me),
	agentRoute(http.MethodGet, "/v1/agents", (*Gateway).agents),
	agentRoute(http.MethodGet, "/v1/lines", (*Gateway).lines),
	agentRoute(http.MethodGet, "/v1/lines/{id}/settings", (*Gateway).lineSettings),
	agentRoute(http.MethodPut, "/v1/lines/{id}/settings", (*Gateway).saveLineSettings),
	agentRoute(http.MethodGet, "/v1/contacts", (*Gateway).contacts),
	agentRoute(http.MethodGet, "/v1/contacts/{id}", (*Gateway).contact),
	agentRoute(http.MethodGet, "/v1/contacts/{id}/call-eligibility", (*Gateway).eligibility),
	agentRoute(http.MethodGet, "/v1/contacts/{id}/messages", (*Gateway).messages),
	agentRoute(http.MethodGet, "/v1/contacts/{id}/colleagues", (*Gateway).colleagues),
	agentRoute(http.MethodGet, "/v1/calls", (*Gateway).calls),
	agentRoute(http.MethodGet, "/v1/calls/{id}", (*Gateway).call),
}

func agentRoute(method, pattern string, h agentHandler) Route {
	return Route{method, pattern, AccessAgent, func(g *Gateway, w http.ResponseWriter, r *http.Request) {
		who, err := g.authenticate(r)
		if err != nil {
			w.Header().Set("WWW-Authenticate", `Bearer realm="ramal"`)
			p := describe(err)
			refuse(w, r, http.StatusUnauthorized, p.Code, p.Detail)
			return
		}
		info := infoOf(r)
		info.tenant, info.agent = string(who.Tenant), string(who.Agent)
		h(g, w, r, who)
	}}
}

// Routes returns the table of routes. A test that tries all of them starts here.
func Routes() []Route { return append([]Route(nil), table...) }

// authenticate reads the token of a REST call.
func (g *Gateway) authenticate(r *http.Request) (actors.Who, error) {
	c, err := g.deps.Auth.Verify(auth.Bearer(r.Header.Get("Authorization")))
	if err != nil {
		return actors.Who{}, err
	}
	return actors.Who{Tenant: c.Tenant, Agent: c.Agent, Role: c.Role, Lang: acceptLanguage(r.Header.Get("Accept-Language"))}, nil
}

// acceptLanguage takes the first language of the header; weights are not worth their parsing here.
func acceptLanguage(header string) string {
	first, _, _ := strings.Cut(header, ",")
	first, _, _ = strings.Cut(first, ";")
	first = strings.TrimSpace(first)
	if first == "" || len(first) > 35 || strings.Trim(first, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != "" {
		return "pt-BR"
	}
	return first
}

// mux joins the routes, problem documents for what is no route, and the console.
func (g *Gateway) mux() http.Handler {
	mux := http.NewServeMux()
	for _, route := range table {
		if route.Pattern == "/metrics" && g.cfg.MetricsAddr != "" {
			continue // it has a listener of its own
		}
		mux.HandleFunc(route.Method+" "+route.Pattern, func(w http.ResponseWriter, r *http.Request) {
			infoOf(r).route = route.Pattern
			route.handle(g, w, r)
		})
	}
	nothing := func(w http.ResponseWriter, r *http.Request) { g.noRoute(mux, w, r) }
	mux.HandleFunc("/v1/", nothing)
	mux.HandleFunc("/webhooks/", nothing)
	for _, route := range table { // exact paths with another method
		if !strings.HasPrefix(route.Pattern, "/v1/") && !strings.HasPrefix(route.Pattern, "/webhooks/") {
			mux.HandleFunc(route.Pattern, nothing)
		}
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			refuse(w, r, http.StatusMethodNotAllowed, "method_not_allowed", "only GET is answered here")
			return
		}
		infoOf(r).route = "console"
		g.deps.Console.ServeHTTP(w, r)
	})
	return mux
}

// noRoute answers 405 where another method has a route, 404 elsewhere.
func (g *Gateway) noRoute(mux *http.ServeMux, w http.ResponseWriter, r *http.Request) {
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		probe := r.Clone(r.Context())
		probe.Method = method
		if _, pattern := mux.Handler(probe); strings.Contains(pattern, " ") { // only routes of the table name a method
			allowed = append(allowed, method)
		}
	}
	if len(allowed) > 0 {
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		refuse(w, r, http.StatusMethodNotAllowed, "method_not_allowed", "allowed here: "+strings.Join(allowed, ", "))
		return
	}
	refuse(w, r, http.StatusNotFound, "no_route", "there is no such address")
}
