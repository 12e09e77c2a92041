package control

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"ramal/sim/audio"
	"ramal/sim/cloud"
	"ramal/sim/ledger"
	"ramal/sim/reply"
)

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
