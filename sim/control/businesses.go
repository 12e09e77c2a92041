package control

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"ramal/sim/cloud"
	"ramal/sim/reply"
	"ramal/sim/settings"
)

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
		if _, ok := errors.AsType[*cloud.Error](err); !ok {
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
