// Package control is the simulator's remote control: a JSON API under /control for tests and demos. It holds no state;
// everything it does is a method of package cloud. README.md of sim documents it.
package control

import (
	"net/http"
	"time"

	"ramal/sim/cloud"
	"ramal/sim/reply"
)

const (
	maxWAV     = 32 << 20
	verifyWait = 25 * time.Second
	longPoll   = 60 * time.Second
)

// API serves /control/.
type API struct {
	cloud *cloud.Cloud
	mux   *http.ServeMux
}

// New returns the handler.
func New(c *cloud.Cloud) *API {
	a := &API{cloud: c, mux: http.NewServeMux()}
	for pattern, f := range map[string]http.HandlerFunc{
		"GET /control/businesses":                         a.listLines,
		"POST /control/businesses":                        a.putLine,
		"GET /control/businesses/{pnid}":                  a.getLine,
		"PATCH /control/businesses/{pnid}":                a.patchLine,
		"POST /control/businesses/{pnid}/verify":          a.verify,
		"POST /control/businesses/{pnid}/restrict":        a.restrict,
		"POST /control/businesses/{pnid}/webhooks":        a.inject,
		"POST /control/businesses/{pnid}/template-status": a.templateStatus,
		"GET /control/users":                              a.listUsers,
		"POST /control/users":                             a.putUsers,
		"GET /control/users/{key}":                        a.getUser,
		"PATCH /control/users/{key}":                      a.patchUser,
		"DELETE /control/users/{key}":                     a.deleteUser,
		"POST /control/users/{key}/{action}":              a.userAction,
		"GET /control/users/{key}/phone":                  a.phone,
		"GET /control/users/{key}/permission":             a.permission,
		"GET /control/users/{key}/heard.wav":              a.heard,
		"GET /control/users/{key}/levels":                 a.levels,
		"GET /control/calls":                              a.calls,
		"GET /control/chaos":                              a.getChaos,
		"PATCH /control/chaos":                            a.patchChaos,
		"GET /control/flags":                              a.getFlags,
		"PATCH /control/flags":                            a.patchFlags,
		"GET /control/timings":                            a.getTimings,
		"PATCH /control/timings":                          a.patchTimings,
		"GET /control/clock":                              a.getClock,
		"POST /control/clock":                             a.setClock,
		"GET /control/events":                             a.events,
		"GET /control/events/stream":                      a.stream,
	} {
		a.mux.HandleFunc(pattern, f)
	}
	return a
}

// ServeHTTP implements http.Handler.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, pattern := a.mux.Handler(r); pattern == "" {
		reply.Fail(w, &cloud.Error{Status: http.StatusNotFound, Code: "no_route", Detail: r.Method + " " + r.URL.Path + " does not exist; see sim/README.md"})
		return
	}
	a.mux.ServeHTTP(w, r)
}
