package agentws

import (
	"bytes"
	"encoding/json"
	"errors"
	"time"

	"ramal/actors"
	"ramal/internal/fault"
)

// MaxFrame is the largest frame of a client, in bytes.
const MaxFrame = 64 << 10

// frame is what a client sends.
type frame struct {
	ID   string          `json:"id"`
	Type string          `json:"type"`
	Data json.RawMessage `json:"data"`
}

// errNotJSON means that the client does not speak the protocol at all: the session is closed.
var errNotJSON = errors.New("not a JSON object")

// parseFrame reads one frame. errNotJSON is fatal; another error is answered with what could be read of the frame.
func parseFrame(raw []byte) (frame, error) {
	trimmed := bytes.TrimSpace(raw)
	if len(trimmed) == 0 || trimmed[0] != '{' || !json.Valid(trimmed) {
		return frame{}, errNotJSON
	}
	var f frame
	if err := strict(trimmed, &f); err != nil {
		var partial struct {
			ID any `json:"id"`
		}
		_ = json.Unmarshal(trimmed, &partial) // only to answer under the right id
		if s, ok := partial.ID.(string); ok && len(s) <= maxFrameID {
			f.ID = s
		}
		return f, err
	}
	switch {
	case f.ID == "":
		return f, invalidField("id", "is missing")
	case len(f.ID) > maxFrameID:
		f.ID = ""
		return f, invalidField("id", "is longer than 64 bytes")
	case f.Type == "":
		return f, invalidField("type", "is missing")
	}
	return f, nil
}

const maxFrameID = 64

// reply is the answer to one frame.
type reply struct {
	Re    string      `json:"re"`
	OK    bool        `json:"ok"`
	Data  any         `json:"data,omitempty"`
	Error *replyError `json:"error,omitempty"`
}

type replyError struct {
	Kind          fault.Kind `json:"kind"`
	Code          string     `json:"code,omitempty"`
	Detail        string     `json:"detail,omitempty"`
	NextAllowedAt *time.Time `json:"next_allowed_at,omitempty"`
}

// errorOf says about err what a client may know: never a cause, and nothing of a defect of ours but its kind.
func errorOf(err error) *replyError {
	out := &replyError{Kind: fault.KindOf(err), Code: fault.CodeOf(err)}
	for e := err; e != nil; {
		f, ok := errors.AsType[*fault.Error](e)
		if !ok {
			break
		}
		if out.Detail == "" {
			out.Detail = f.Detail
		}
		if out.NextAllowedAt == nil && !f.NextAllowed.IsZero() {
			at := f.NextAllowed.UTC()
			out.NextAllowedAt = &at
		}
		e = f.Cause
	}
	if out.Kind == fault.Internal {
		out.Code, out.Detail = "", "internal error"
	}
	return out
}

// helloData are the data of the first frame.
type helloData struct {
	Token  string `json:"token"`
	Client string `json:"client"`
	Lang   string `json:"lang"`
}

type helloAnswer struct {
	SessionID   string          `json:"session_id"`
	HeartbeatMS int64           `json:"heartbeat_ms"`
	ServerTime  time.Time       `json:"server_time"`
	Snapshot    actors.Snapshot `json:"snapshot"`
}

type pingAnswer struct {
	ServerTime time.Time `json:"server_time"`
}

type snapshotAnswer struct {
	Snapshot actors.Snapshot `json:"snapshot"`
}

// full replaces the nil lists of a snapshot by empty ones: a client need not tell null from [].
func full(s actors.Snapshot) actors.Snapshot {
	if s.Offers == nil {
		s.Offers = []actors.OfferView{}
	}
	if s.Notices == nil {
		s.Notices = []actors.NoticeView{}
	}
	if s.Lines == nil {
		s.Lines = []actors.LineView{}
	}
	if s.Call != nil && s.Call.Participants == nil {
		call := *s.Call
		call.Participants = []actors.ParticipantView{}
		s.Call = &call
	}
	return s
}

// lang keeps a language tag (BCP 47) that looks like one, and falls back on Brazilian Portuguese.
func lang(tag string) string {
	if tag == "" || len(tag) > 35 {
		return "pt-BR"
	}
	for _, r := range tag {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' {
			return "pt-BR"
		}
	}
	return tag
}
