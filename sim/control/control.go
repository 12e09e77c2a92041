// Package control is the simulator's remote control: a JSON API under /control for tests and demos. It holds no state;
// everything it does is a method of package cloud. README.md of sim documents it.
package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"ramal/sim/audio"
	"ramal/sim/cloud"
	"ramal/sim/events"
	"ramal/sim/ledger"
	"ramal/sim/reply"
	"ramal/sim/settings"
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

// Businesses.

func (a *API) listLines(w http.ResponseWriter, _ *http.Request) {
	reply.JSON(w, map[string]any{"businesses": a.cloud.Lines()})
}

func (a *API) getLine(w http.ResponseWriter, r *http.Request) {
	a.showLine(w, r.PathValue("pnid"), nil)
}

func (a *API) showLine(w http.ResponseWriter, pnid string, err error) {
	if err != nil {
		reply.Fail(w, err)
		return
	}
	l, ok := a.cloud.Line(pnid)
	if !ok {
		reply.Fail(w, &cloud.Error{Status: http.StatusNotFound, Code: "no_business", Detail: "there is no business number with this pnid"})
		return
	}
	reply.JSON(w, l)
}

func (a *API) putLine(w http.ResponseWriter, r *http.Request) {
	var in cloud.LineConfig
	if err := reply.Read(r, &in); err != nil {
		reply.Fail(w, err)
		return
	}
	a.showLine(w, in.PNID, a.cloud.PutLine(in))
}

func (a *API) patchLine(w http.ResponseWriter, r *http.Request) {
	in, ok := a.cloud.Line(r.PathValue("pnid"))
	if !ok {
		a.showLine(w, r.PathValue("pnid"), nil)
		return
	}
	if err := reply.Read(r, &in); err != nil {
		reply.Fail(w, err)
		return
	}
	in.PNID = r.PathValue("pnid")
	a.showLine(w, in.PNID, a.cloud.PutLine(in))
}

func (a *API) verify(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), verifyWait)
	defer cancel()
	if err := a.cloud.Verify(ctx, r.PathValue("pnid")); err != nil {
		var known *cloud.Error
		if !errors.As(err, &known) {
			err = &cloud.Error{Status: http.StatusBadGateway, Code: "verification_failed", Detail: err.Error()}
		}
		reply.Fail(w, err)
		return
	}
	reply.JSON(w, map[string]bool{"verified": true})
}

func (a *API) restrict(w http.ResponseWriter, r *http.Request) {
	var in struct{ Restrictions []settings.Restriction }
	if err := reply.Read(r, &in); err != nil {
		reply.Fail(w, err)
		return
	}
	reply.Done(w, a.cloud.Restrict(r.PathValue("pnid"), in.Restrictions))
}

func (a *API) inject(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Field string
		Value json.RawMessage
	}
	if err := reply.Read(r, &in); err != nil {
		reply.Fail(w, err)
		return
	}
	if in.Field == "" || len(in.Value) == 0 {
		reply.Fail(w, errors.New("field and value are required"))
		return
	}
	reply.Done(w, a.cloud.Inject(r.PathValue("pnid"), in.Field, in.Value))
}

func (a *API) templateStatus(w http.ResponseWriter, r *http.Request) {
	var in struct{ Name, Status string }
	if err := reply.Read(r, &in); err != nil {
		reply.Fail(w, err)
		return
	}
	l, ok := a.cloud.Line(r.PathValue("pnid"))
	if !ok {
		a.showLine(w, r.PathValue("pnid"), nil)
		return
	}
	switch in.Status {
	case "APPROVED", "PAUSED", "PENDING":
		reply.Done(w, a.cloud.SetTemplateStatus(l.WABA, in.Name, in.Status))
	default:
		reply.Fail(w, errors.New("status must be APPROVED, PAUSED or PENDING"))
	}
}

// Users.

func (a *API) listUsers(w http.ResponseWriter, _ *http.Request) {
	reply.JSON(w, map[string]any{"users": a.cloud.Users()})
}

// putUsers takes one user, or {"users": [...]}.
func (a *API) putUsers(w http.ResponseWriter, r *http.Request) {
	var in struct {
		cloud.UserConfig
		Users []cloud.UserConfig `json:"users"`
	}
	if err := reply.Read(r, &in); err != nil {
		reply.Fail(w, err)
		return
	}
	if in.Users == nil {
		key, err := a.cloud.PutUser(in.UserConfig)
		a.showUser(w, key, err)
		return
	}
	keys := []string{}
	for _, u := range in.Users {
		key, err := a.cloud.PutUser(u)
		if err != nil {
			reply.Fail(w, err)
			return
		}
		keys = append(keys, key)
	}
	reply.JSON(w, map[string]any{"keys": keys})
}

func (a *API) showUser(w http.ResponseWriter, key string, err error) {
	if err != nil {
		reply.Fail(w, err)
		return
	}
	u, err := a.cloud.User(key)
	reply.Either(w, u, err)
}

func (a *API) getUser(w http.ResponseWriter, r *http.Request) { a.showUser(w, r.PathValue("key"), nil) }

func (a *API) patchUser(w http.ResponseWriter, r *http.Request) {
	u, err := a.cloud.User(r.PathValue("key"))
	if err != nil {
		reply.Fail(w, err)
		return
	}
	waID := u.WAID
	if err := reply.Read(r, &u.UserConfig); err != nil {
		reply.Fail(w, err)
		return
	}
	u.WAID = waID // the key does not change
	key, err := a.cloud.PutUser(u.UserConfig)
	a.showUser(w, key, err)
}

func (a *API) deleteUser(w http.ResponseWriter, r *http.Request) {
	reply.Done(w, a.cloud.DeleteUser(r.PathValue("key")))
}

func (a *API) phone(w http.ResponseWriter, r *http.Request) {
	s, err := a.cloud.Phone(r.PathValue("key"))
	reply.Either(w, s, err)
}

// action is the body of every POST /control/users/{key}/{action}.
type action struct {
	PNID      string        `json:"pnid"`
	CallID    string        `json:"call_id"`
	MessageID string        `json:"message_id"`
	ButtonID  string        `json:"button_id"`
	Link      bool          `json:"link"`
	Payload   string        `json:"deeplink_payload"`
	Text      string        `json:"text"`
	Answer    ledger.Answer `json:"answer"`
	Action    string        `json:"action"`
	Silent    bool          `json:"silent"`
	Open      bool          `json:"open"`
	On        bool          `json:"on"`
	Digits    string        `json:"digits"`
	Code      int           `json:"code"`
	Hz        int           `json:"hz"`
	MS        int           `json:"ms"`
	Kind      string        `json:"kind"`
}

func (a *API) userAction(w http.ResponseWriter, r *http.Request) {
	key, name := r.PathValue("key"), r.PathValue("action")
	if name == "speak" {
		a.speak(w, r, key)
		return
	}
	var in action
	if err := reply.Read(r, &in); err != nil {
		reply.Fail(w, err)
		return
	}
	c := a.cloud
	switch name {
	case "call":
		id, err := c.PlaceCall(in.PNID, key, cloud.Via{MessageID: in.MessageID, Link: in.Link || in.Payload != "", Payload: in.Payload})
		reply.Either(w, map[string]string{"call_id": id}, err)
	case "accept":
		reply.Done(w, c.AcceptCall(key, in.CallID))
	case "decline":
		reply.Done(w, c.DeclineCall(key, in.CallID))
	case "hangup":
		reply.Done(w, c.EndCall(key, in.CallID))
	case "fail":
		reply.Done(w, c.FailCall(key, in.CallID, in.Code))
	case "text":
		id, err := c.SendText(in.PNID, key, in.Text)
		reply.Either(w, map[string]string{"id": id}, err)
	case "press":
		id, err := c.Press(key, in.MessageID, in.ButtonID)
		reply.Either(w, map[string]string{"id": id}, err)
	case "answer":
		reply.Done(w, c.AnswerRequest(in.PNID, key, in.MessageID, in.Answer))
	case "permission":
		reply.Done(w, c.SetPermission(in.PNID, key, in.Action, in.Silent))
	case "window":
		reply.Done(w, c.SetWindow(in.PNID, key, in.Open))
	case "read":
		reply.Done(w, c.ReadChat(in.PNID, key))
	default:
		a.mediaAction(w, key, name, in)
	}
}

func (a *API) mediaAction(w http.ResponseWriter, key, name string, in action) {
	c := a.cloud
	switch name {
	case "mute":
		reply.Done(w, c.MuteCall(key, in.CallID, in.On))
	case "dtmf":
		reply.Done(w, c.DialDigits(key, in.CallID, in.Digits))
	case "voice":
		reply.Done(w, c.SetVoice(key, in.CallID, cloud.VoiceSpec{Kind: in.Kind, Hz: in.Hz}))
	case "tone":
		if in.Hz < 50 || in.Hz > 7000 || in.MS < 20 || in.MS > 600000 {
			reply.Fail(w, errors.New("hz must be 50 to 7000, ms 20 to 600000"))
			return
		}
		tone, frames := audio.Tone(in.Hz), [][]byte(nil)
		for range in.MS / 20 {
			f, _ := tone.Next() // a tone never ends
			frames = append(frames, f)
		}
		reply.Done(w, c.Speak(key, in.CallID, frames))
	case "record":
		ear, err := c.Ear(key, in.CallID)
		if err == nil {
			ear.Record(in.On)
		}
		reply.Done(w, err)
	default:
		reply.Fail(w, &cloud.Error{Status: http.StatusNotFound, Code: "no_route", Detail: "there is no action " + name + "; see sim/README.md"})
	}
}

// speak takes a WAV file as the body.
func (a *API) speak(w http.ResponseWriter, r *http.Request, key string) {
	data, err := io.ReadAll(io.LimitReader(r.Body, maxWAV))
	if err != nil {
		reply.Fail(w, err)
		return
	}
	pcm, err := audio.ReadWAV(data)
	if err != nil {
		reply.Fail(w, err)
		return
	}
	frames, err := audio.Encode(pcm)
	if err != nil {
		reply.Fail(w, err)
		return
	}
	reply.Done(w, a.cloud.Speak(key, r.URL.Query().Get("call_id"), frames))
}

func (a *API) heard(w http.ResponseWriter, r *http.Request) {
	ear, err := a.cloud.Ear(r.PathValue("key"), r.URL.Query().Get("call_id"))
	if err != nil {
		reply.Fail(w, err)
		return
	}
	pcm, err := ear.Recording()
	if err != nil {
		reply.Fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "audio/wav")
	_, _ = w.Write(audio.WriteWAV(pcm))
}

func (a *API) levels(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	span, err := strconv.Atoi(q.Get("ms"))
	if q.Get("ms") == "" {
		span, err = 500, nil
	}
	if err != nil || span < 40 || span > 8000 {
		reply.Fail(w, errors.New("ms must be 40 to 8000"))
		return
	}
	ear, err := a.cloud.Ear(r.PathValue("key"), q.Get("call_id"))
	if err != nil {
		reply.Fail(w, err)
		return
	}
	pcm, err := ear.Window(time.Now(), time.Duration(span)*time.Millisecond)
	if err != nil {
		reply.Fail(w, err)
		return
	}
	tones := map[string]float64{}
	for _, f := range strings.FieldsFunc(q.Get("hz"), func(r rune) bool { return r == ',' }) {
		hz, err := strconv.ParseFloat(f, 64)
		if err != nil || hz < 20 || hz > 8000 {
			reply.Fail(w, fmt.Errorf("hz: %q is not a frequency of 20 to 8000", f))
			return
		}
		tones[f] = audio.Level(pcm, hz)
	}
	reply.JSON(w, map[string]any{"ms": span, "rms_db": audio.RMS(pcm), "tones_db": tones})
}

func (a *API) permission(w http.ResponseWriter, r *http.Request) {
	p, pair, err := a.cloud.PermissionOf(r.URL.Query().Get("pnid"), r.PathValue("key"))
	if err != nil {
		reply.Fail(w, err)
		return
	}
	now := a.cloud.Now()
	out := map[string]any{
		"status": p.Status, "can_request": p.MayAsk, "can_call": p.MayCall, "unanswered": pair.Unanswered,
		"window_open": pair.WindowOpen(now), "connected_24h": len(pair.Connected),
	}
	if !p.Expires.IsZero() {
		out["expires_at"] = cloud.Time(p.Expires)
	}
	if pair.WindowOpen(now) {
		out["window_until"] = cloud.Time(pair.WindowUntil)
	}
	reply.JSON(w, out)
}

func (a *API) calls(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	reply.JSON(w, map[string]any{"calls": a.cloud.Calls(cloud.CallFilter{
		ID: q.Get("id"), PNID: q.Get("pnid"), User: q.Get("user"), Live: q.Get("live") == "1" || q.Get("live") == "true",
	})})
}

// Behaviour.

func (a *API) getChaos(w http.ResponseWriter, _ *http.Request) {
	reply.JSON(w, a.cloud.Hooks().Chaos())
}

func (a *API) patchChaos(w http.ResponseWriter, r *http.Request) {
	in := a.cloud.Hooks().Chaos()
	if err := reply.Read(r, &in); err != nil {
		reply.Fail(w, err)
		return
	}
	if err := in.Validate(); err != nil {
		reply.Fail(w, err)
		return
	}
	a.cloud.Hooks().SetChaos(in)
	reply.JSON(w, in)
}

func (a *API) getFlags(w http.ResponseWriter, _ *http.Request) { reply.JSON(w, a.cloud.Flags()) }

func (a *API) patchFlags(w http.ResponseWriter, r *http.Request) {
	in := a.cloud.Flags()
	if err := reply.Read(r, &in); err != nil {
		reply.Fail(w, err)
		return
	}
	reply.Either(w, in, a.cloud.SetFlags(in))
}

func (a *API) getTimings(w http.ResponseWriter, _ *http.Request) { reply.JSON(w, a.cloud.Timings()) }

func (a *API) patchTimings(w http.ResponseWriter, r *http.Request) {
	in := a.cloud.Timings()
	if err := reply.Read(r, &in); err != nil {
		reply.Fail(w, err)
		return
	}
	reply.Either(w, in, a.cloud.SetTimings(in))
}

func (a *API) getClock(w http.ResponseWriter, _ *http.Request) {
	now := a.cloud.Now()
	reply.JSON(w, map[string]any{"now": cloud.Time(now), "ahead_s": time.Until(now).Round(time.Second).Seconds()})
}

func (a *API) setClock(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Advance string
		Reset   bool
	}
	if err := reply.Read(r, &in); err != nil {
		reply.Fail(w, err)
		return
	}
	if in.Reset {
		a.cloud.ResetClock()
	}
	if in.Advance != "" {
		d, err := time.ParseDuration(in.Advance)
		if err != nil || d < 0 {
			reply.Fail(w, errors.New("advance must be a positive duration such as 24h"))
			return
		}
		a.cloud.Advance(d)
	}
	a.getClock(w, r)
}

// Events.

func filter(r *http.Request) (events.Filter, error) {
	q := r.URL.Query()
	f := events.Filter{Kind: q.Get("kind"), PNID: q.Get("pnid"), User: q.Get("user"), Call: q.Get("call_id")}
	after := q.Get("after")
	if after == "" {
		after = r.Header.Get("Last-Event-ID")
	}
	if after != "" {
		var err error
		if f.After, err = strconv.ParseInt(after, 10, 64); err != nil {
			return f, errors.New("after must be a number")
		}
	}
	return f, nil
}

// events lists what matches; with wait_ms it waits for the first match.
func (a *API) events(w http.ResponseWriter, r *http.Request) {
	f, err := filter(r)
	if err != nil {
		reply.Fail(w, err)
		return
	}
	waitMS := 0
	if s := r.URL.Query().Get("wait_ms"); s != "" {
		if waitMS, err = strconv.Atoi(s); err != nil || waitMS < 0 {
			reply.Fail(w, errors.New("wait_ms must be a number"))
			return
		}
	}
	limit := time.NewTimer(min(time.Duration(waitMS)*time.Millisecond, longPoll))
	defer limit.Stop()
	for {
		found, woken := a.cloud.Events().Find(f)
		if found == nil {
			found = []events.Event{}
		}
		if len(found) > 0 || waitMS == 0 {
			reply.JSON(w, map[string]any{"events": found})
			return
		}
		select {
		case <-woken:
		case <-limit.C:
			waitMS = 0
		case <-r.Context().Done():
			return
		}
	}
}

func (a *API) stream(w http.ResponseWriter, r *http.Request) {
	f, err := filter(r)
	if err != nil {
		reply.Fail(w, err)
		return
	}
	out, alive := reply.Open(w), reply.Ticker()
	defer alive.Stop()
	if out.KeepAlive() != nil {
		return
	}
	for {
		found, woken := a.cloud.Events().Find(f)
		for _, e := range found {
			if out.Send("event", strconv.FormatInt(e.Seq, 10), e) != nil {
				return
			}
			f.After = e.Seq
		}
		select {
		case <-woken:
		case <-alive.C:
			if out.KeepAlive() != nil {
				return
			}
		case <-r.Context().Done():
			return
		}
	}
}
