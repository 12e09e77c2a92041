package control

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"ramal/sim/cloud"
	"ramal/sim/events"
	"ramal/sim/reply"
)

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
		found, latest, woken := a.cloud.Events().Find(f)
		f.After = latest
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
		found, latest, woken := a.cloud.Events().Find(f)
		for _, e := range found {
			if out.Send("event", strconv.FormatInt(e.Seq, 10), e) != nil {
				return
			}
		}
		f.After = latest
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
