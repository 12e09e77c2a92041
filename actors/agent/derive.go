package agent

import (
	"encoding/json"

	"ramal/internal/id"
)

// Effects derives what a shell must do about an event that is durable. It is pure, and skipped when state is loaded.
func Effects(before State, ev Event, after State) []Effect {
	switch e := ev.(type) {
	case Enrolled:
		return []Effect{push(PushAgentUpdated, Show(after)), AnnouncePresence{after.Presence}}
	case PresenceChanged:
		out := []Effect{push(PushAgentUpdated, Show(after))}
		if e.Presence != before.Presence {
			out = append(out, AnnouncePresence{e.Presence})
		}
		return out
	case SessionEnded:
		if e.Reason == SessionClosed {
			return nil
		}
		return []Effect{SessionGone{Session: e.Session, Node: e.Node, Reason: e.Reason}}
	case OfferMade:
		return []Effect{Push{Type: PushOfferCreated, Data: raw(e.Made.View)}}
	case OfferClosed:
		if _, rang := before.Offers[e.Offer]; !rang {
			return nil
		}
		out := []Effect{push(PushOfferClosed, closed{Offer: e.Offer, Call: e.Call, Reason: e.Reason, By: e.By})}
		if e.Own {
			out = append(out, OfferEnded{Offer: e.Offer, Call: e.Call, Reason: e.Reason})
		}
		return out
	case NoticeAdded:
		return []Effect{Push{Type: PushNoticeCreated, Data: raw(e.Notice.View)}}
	case NoticesAcked:
		return []Effect{push(PushNoticeAcked, acked(e))}
	case SessionOpened, SessionRenewed, WishChanged, FellSilent, Claimed, CallConfirmed, CallRenewed, CallReleased, CallLapsed:
		return nil // what shows of them is in the PresenceChanged that closes the batch
	}
	panic("agent: unknown event " + ev.eventName())
}

// closed is the data of offer.closed.
type closed struct {
	Offer  id.Offer `json:"offer_id"`
	Call   id.Call  `json:"call_id"`
	Reason string   `json:"reason"`
	By     string   `json:"by,omitempty"`
}

// acked is the data of notice.acked.
type acked struct {
	IDs []string `json:"notice_ids"`
}

// Show draws the agent for its own sessions.
func Show(s State) View {
	v := View{ID: s.ID, Name: s.Name, Role: s.Role, Presence: s.Presence, BreakCode: s.BreakCode, Since: s.Since, CallID: callOf(s)}
	if v.Presence == "" {
		v.Presence = Offline
	}
	return v
}

func push(kind string, data any) Push {
	encoded, err := json.Marshal(data)
	if err != nil {
		panic("agent: " + err.Error()) // plain structs of strings and times always encode
	}
	return Push{Type: kind, Data: encoded}
}

// raw makes an absent view the JSON null that it must be on the wire.
func raw(view json.RawMessage) json.RawMessage {
	if len(view) == 0 {
		return json.RawMessage("null")
	}
	return append(json.RawMessage(nil), view...)
}
