package agentclient

import (
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// Snapshot is what the server says an agent's state is.
type Snapshot struct {
	Seq     int64        `json:"seq"`
	Agent   AgentView    `json:"agent"`
	Offers  []OfferView  `json:"offers"`
	Call    *CallView    `json:"call"`
	Notices []NoticeView `json:"notices"`
	Lines   []LineView   `json:"lines"`
}

// Event is one message of the server that answers nothing. Seq is 0 for hints.
type Event struct {
	Seq     int64           `json:"seq"`
	Type    string          `json:"type"`
	At      time.Time       `json:"at"`
	Data    json.RawMessage `json:"data"`
	Arrived time.Time       `json:"-"` // by this program's clock
}

// State is what a snapshot and the events after it add up to.
type State struct {
	Seq     int64
	Agent   AgentView
	Offers  map[string]OfferView // by offer id
	Call    *CallView            // the present call, or the last one with state "ended"
	Slots   []Slot               // of Call, after a change of them
	Notices map[string]NoticeView
	Lines   []LineView
}

func (s *State) apply(snap Snapshot) {
	s.Seq, s.Agent, s.Lines = snap.Seq, snap.Agent, snap.Lines
	s.Offers, s.Notices = map[string]OfferView{}, map[string]NoticeView{}
	for _, o := range snap.Offers {
		s.Offers[o.ID] = o
	}
	for _, n := range snap.Notices {
		s.Notices[n.ID] = n
	}
	if snap.Call != nil && s.Call != nil && s.Call.ID == snap.Call.ID && s.Call.Version > snap.Call.Version {
		return
	}
	s.Call = snap.Call
}

// take adds one event; an unknown one changes only Seq.
func (s *State) take(e Event) error {
	s.Seq = e.Seq
	switch e.Type {
	case "agent.updated":
		return replace(e.Data, &s.Agent)
	case "offer.created":
		var o OfferView
		err := json.Unmarshal(e.Data, &o)
		s.Offers[o.ID] = o
		return err
	case "offer.closed":
		var o OfferClosed
		err := json.Unmarshal(e.Data, &o)
		delete(s.Offers, o.OfferID)
		return err
	case "call.updated":
		var c CallView
		if err := json.Unmarshal(e.Data, &c); err != nil {
			return err
		}
		if s.Call == nil || s.Call.ID != c.ID || c.Version > s.Call.Version {
			if s.Call == nil || s.Call.ID != c.ID {
				s.Slots = nil
			}
			s.Call = &c
		}
	case "call.slots":
		var c struct {
			Slots []Slot `json:"slots"`
		}
		err := json.Unmarshal(e.Data, &c)
		s.Slots = c.Slots
		return err
	case "notice.created":
		var n NoticeView
		err := json.Unmarshal(e.Data, &n)
		s.Notices[n.ID] = n
		return err
	case "notice.acked":
		var n struct {
			IDs []string `json:"notice_ids"`
		}
		err := json.Unmarshal(e.Data, &n)
		for _, one := range n.IDs {
			delete(s.Notices, one)
		}
		return err
	}
	return nil
}

// replace decodes into a fresh value: a field that is absent now must not keep what it was.
func replace[T any](raw json.RawMessage, into *T) error {
	var fresh T
	err := json.Unmarshal(raw, &fresh)
	*into = fresh
	return err
}

func (s *State) clone() State {
	out := *s
	out.Offers, out.Notices, out.Slots = maps.Clone(s.Offers), maps.Clone(s.Notices), slices.Clone(s.Slots)
	return out
}
