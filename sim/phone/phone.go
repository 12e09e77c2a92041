package phone

import (
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"

	"ramal/sim/cloud"
	"ramal/sim/ledger"
	"ramal/sim/reply"
)

// coalesce is the shortest pause between two states of the event stream.
const coalesce = 50 * time.Millisecond

const notBuilt = "The customer's phone page is not built into this binary.\n" +
	"Run \"make web\" and build again. Its API is there all the same: GET /phone-api/{wa_id}/state\n"

// API serves the page and its API.
type API struct {
	cloud *cloud.Cloud
	mux   *http.ServeMux
	files fs.FS
}

// New returns the handler for /phone/ and /phone-api/.
func New(c *cloud.Cloud) *API {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // embedded: cannot be missing
	}
	return newAPI(c, files)
}

func newAPI(c *cloud.Cloud, files fs.FS) *API {
	a := &API{cloud: c, mux: http.NewServeMux(), files: files}
	a.mux.HandleFunc("GET /phone/", a.page)
	a.mux.HandleFunc("GET /phone-api/users", a.users)
	a.mux.HandleFunc("GET /phone-api/{key}/state", a.state)
	a.mux.HandleFunc("GET /phone-api/{key}/events", a.events)
	a.mux.HandleFunc("POST /phone-api/{key}/messages", a.sendText)
	a.mux.HandleFunc("POST /phone-api/{key}/messages/{id}/answer", a.answer)
	a.mux.HandleFunc("POST /phone-api/{key}/messages/{id}/press", a.press)
	a.mux.HandleFunc("POST /phone-api/{key}/messages/{id}/call", a.callButton)
	a.mux.HandleFunc("POST /phone-api/{key}/read", a.read)
	a.mux.HandleFunc("POST /phone-api/{key}/permission", a.permission)
	a.mux.HandleFunc("POST /phone-api/{key}/calls", a.place)
	a.mux.HandleFunc("POST /phone-api/{key}/calls/{id}/{action}", a.act)
	return a
}

// ServeHTTP implements http.Handler.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.mux.ServeHTTP(w, r) }

// page serves the files of dist, and index.html for every other address under /phone/.
func (a *API) page(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(path.Clean(r.URL.Path), "/phone")
	name = strings.TrimPrefix(name, "/")
	if info, err := fs.Stat(a.files, name); name != "" && err == nil && !info.IsDir() && !strings.HasPrefix(path.Base(name), ".") {
		if strings.HasPrefix(name, "assets/") {
			w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		}
		http.ServeFileFS(w, r, a.files, name)
		return
	}
	if strings.HasPrefix(name, "assets/") {
		http.NotFound(w, r)
		return
	}
	index, err := fs.ReadFile(a.files, "index.html")
	if err != nil {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte(notBuilt))
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = w.Write(index)
}

func (a *API) users(w http.ResponseWriter, _ *http.Request) {
	type item struct {
		Key    string `json:"key"`
		WAID   string `json:"wa_id,omitempty"`
		UserID string `json:"user_id"`
		Name   string `json:"name"`
	}
	users := a.cloud.Users()
	list := make([]item, 0, len(users))
	for _, u := range users {
		list = append(list, item{u.Key, u.WAID, u.UserID, u.Name})
	}
	reply.JSON(w, map[string]any{"users": list})
}

func (a *API) state(w http.ResponseWriter, r *http.Request) {
	s, err := a.cloud.Phone(r.PathValue("key"))
	reply.Either(w, s, err)
}

func (a *API) events(w http.ResponseWriter, r *http.Request) {
	key := r.PathValue("key")
	changed, stop, err := a.cloud.Watch(key)
	if err != nil {
		reply.Fail(w, err)
		return
	}
	defer stop()
	out, alive := reply.Open(w), reply.Ticker()
	defer alive.Stop()
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		s, err := a.cloud.Phone(key)
		if err != nil || out.Send("state", "", s) != nil {
			return // the user was deleted, or the page has gone
		}
		pause.Reset(coalesce)
		select {
		case <-pause.C:
		case <-r.Context().Done():
			return
		}
		for waiting := true; waiting; {
			select {
			case <-changed:
				waiting = false
			case <-alive.C:
				if out.KeepAlive() != nil {
					return
				}
			case <-r.Context().Done():
				return
			}
		}
	}
}

func (a *API) sendText(w http.ResponseWriter, r *http.Request) {
	var in struct{ PNID, Text string }
	if err := reply.Read(r, &in); err != nil {
		reply.Fail(w, err)
		return
	}
	id, err := a.cloud.SendText(in.PNID, r.PathValue("key"), in.Text)
	reply.Either(w, map[string]string{"id": id}, err)
}

func (a *API) answer(w http.ResponseWriter, r *http.Request) {
	var in struct{ Answer ledger.Answer }
	if err := reply.Read(r, &in); err != nil {
		reply.Fail(w, err)
		return
	}
	reply.Done(w, a.cloud.AnswerRequest("", r.PathValue("key"), r.PathValue("id"), in.Answer))
}

func (a *API) press(w http.ResponseWriter, r *http.Request) {
	var in struct{ ID string }
	if err := reply.Read(r, &in); err != nil {
		reply.Fail(w, err)
		return
	}
	id, err := a.cloud.Press(r.PathValue("key"), r.PathValue("id"), in.ID)
	reply.Either(w, map[string]string{"id": id}, err)
}

func (a *API) callButton(w http.ResponseWriter, r *http.Request) {
	id, err := a.cloud.PlaceCall("", r.PathValue("key"), cloud.Via{MessageID: r.PathValue("id")})
	reply.Either(w, map[string]string{"call_id": id}, err)
}

func (a *API) read(w http.ResponseWriter, r *http.Request) {
	var in struct{ PNID string }
	if err := reply.Read(r, &in); err != nil {
		reply.Fail(w, err)
		return
	}
	reply.Done(w, a.cloud.ReadChat(in.PNID, r.PathValue("key")))
}

func (a *API) permission(w http.ResponseWriter, r *http.Request) {
	var in struct{ PNID, Action string }
	if err := reply.Read(r, &in); err != nil {
		reply.Fail(w, err)
		return
	}
	reply.Done(w, a.cloud.SetPermission(in.PNID, r.PathValue("key"), in.Action, false))
}

func (a *API) place(w http.ResponseWriter, r *http.Request) {
	var in struct {
		PNID    string
		Payload string `json:"deeplink_payload"`
	}
	if err := reply.Read(r, &in); err != nil {
		reply.Fail(w, err)
		return
	}
	id, err := a.cloud.PlaceCall(in.PNID, r.PathValue("key"), cloud.Via{Link: in.Payload != "", Payload: in.Payload})
	reply.Either(w, map[string]string{"call_id": id}, err)
}

func (a *API) act(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Muted  bool
		Digits string
		SDP    string
	}
	if err := reply.Read(r, &in); err != nil {
		reply.Fail(w, err)
		return
	}
	key, id := r.PathValue("key"), r.PathValue("id")
	switch r.PathValue("action") {
	case "accept":
		reply.Done(w, a.cloud.AcceptCall(key, id))
	case "decline":
		reply.Done(w, a.cloud.DeclineCall(key, id))
	case "hangup":
		reply.Done(w, a.cloud.EndCall(key, id))
	case "mute":
		reply.Done(w, a.cloud.MuteCall(key, id, in.Muted))
	case "dtmf":
		reply.Done(w, a.cloud.DialDigits(key, id, in.Digits))
	case "audio":
		answer, err := a.cloud.BridgeCall(key, id, in.SDP)
		reply.Either(w, map[string]string{"sdp": answer}, err)
	default:
		http.NotFound(w, r)
	}
}
