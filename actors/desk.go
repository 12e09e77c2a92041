package actors

import (
	"context"
	"encoding/json"
	"time"

	"ramal/internal/id"
)

// Desk is what an agent's session may do. The host implements it; the gateway calls it.
type Desk interface {
	// Open registers a session and returns the snapshot that its deltas follow. push receives every later
	// Push in order; it must not block, and a false from it means that the session is too slow and is gone.
	// Faults: NotFound (no such agent), Unavailable.
	Open(ctx context.Context, who Who, push func(Push) bool) (Snapshot, error)
	// Snapshot draws the session anew, after a gap in Seq.
	Snapshot(ctx context.Context, who Who) (Snapshot, error)
	// Close ends a session. When it was the agent's last, the agent stays present for a grace period and then is offline.
	Close(who Who)
	// Do carries out one request. The answer is JSON-encodable: MediaAnswer, Requested, Invited or nil.
	Do(ctx context.Context, who Who, req Request) (any, error)
}

// Push is one event on its way to a session. Seq counts per agent without gaps for what belongs to the
// agent; it is 0 for hints about the tenant's lists, which a client may miss and then reads again over REST.
type Push struct {
	Seq  int64           `json:"seq,omitempty"`
	Type string          `json:"type"`
	At   time.Time       `json:"at"`
	Data json.RawMessage `json:"data"`

	frame []byte // the JSON of the above, once it was made
}

// Framed returns p with its frame made: whoever sends it to many sessions encodes it once.
func (p Push) Framed() (Push, error) {
	raw, err := json.Marshal(p)
	p.frame = raw
	return p, err
}

// Frame is the event as it goes over the WebSocket.
func (p Push) Frame() ([]byte, error) {
	if p.frame != nil {
		return p.frame, nil
	}
	return json.Marshal(p)
}

// The events of an agent (with Seq), and the hints of a tenant (without).
const (
	EventAgentUpdated  = "agent.updated"    // AgentView
	EventOfferCreated  = "offer.created"    // OfferView
	EventOfferClosed   = "offer.closed"     // OfferClosed
	EventCallUpdated   = "call.updated"     // CallView, whole; state "ended" is the last
	EventCallSlots     = "call.slots"       // CallSlots
	EventNoticeCreated = "notice.created"   // NoticeView
	EventNoticeAcked   = "notice.acked"     // AckNotices
	EventSessionCut    = "session.cut"      // not on the wire: the gateway closes the connection, and the client comes again
	HintContact        = "contact.changed"  // ContactView
	HintMessage        = "message.changed"  // MessageView
	HintCall           = "call.changed"     // CallView without MyLeg and Gains
	HintPresence       = "presence.changed" // PersonView
)

// OfferClosed tells a session to take a modal away.
type OfferClosed struct {
	OfferID id.Offer `json:"offer_id"`
	CallID  id.Call  `json:"call_id"`
	Reason  string   `json:"reason"` // accepted accepted_elsewhere declined expired cancelled call_ended
	By      string   `json:"by,omitempty"`
}

// CallSlots maps receiving tracks to participants after somebody came or went.
type CallSlots struct {
	CallID id.Call    `json:"call_id"`
	Slots  []SlotView `json:"slots"`
}

// Request is one thing an agent asks for. The JSON of each is its data on the wire; see docs/agent-protocol.md.
type Request interface{ request() }

type (
	// SetPresence makes the agent available, or pauses with a code. Presence: available, break.
	SetPresence struct {
		Presence  string `json:"presence"`
		BreakCode string `json:"break_code,omitempty"`
	}
	// Dial calls a contact. SDP is the browser's offer for the agent's own leg. Answer: MediaAnswer.
	Dial struct {
		Contact id.Contact `json:"contact_id"`
		Line    id.Line    `json:"line_id"`
		SDP     string     `json:"sdp"`
	}
	// AcceptOffer answers a modal. Exactly one of several accepts wins; the others get Conflict "offer_closed". Answer: MediaAnswer.
	AcceptOffer struct {
		Offer id.Offer `json:"offer_id"`
		Call  id.Call  `json:"call_id"`
		SDP   string   `json:"sdp"`
	}
	// DeclineOffer silences a modal for this agent only.
	DeclineOffer struct {
		Offer id.Offer `json:"offer_id"`
		Call  id.Call  `json:"call_id"`
	}
	// AttachMedia gives the agent's leg a new connection, after a reload or on another device. Answer: MediaAnswer.
	AttachMedia struct {
		Call id.Call `json:"call_id"`
		SDP  string  `json:"sdp"`
	}
	// Invite asks a colleague into the call. Answer: Invited.
	Invite struct {
		Call  id.Call  `json:"call_id"`
		Agent id.Agent `json:"agent_id"`
		Note  string   `json:"note,omitempty"` // at most 280 characters
	}
	// CancelInvite takes an invitation back.
	CancelInvite struct {
		Call  id.Call  `json:"call_id"`
		Agent id.Agent `json:"agent_id"`
	}
	// Leave hangs up for this agent; the last agent to leave ends the call.
	Leave struct {
		Call id.Call `json:"call_id"`
	}
	// End hangs up for everybody.
	End struct {
		Call id.Call `json:"call_id"`
	}
	// Mute switches the agent's own microphone.
	Mute struct {
		Call  id.Call `json:"call_id"`
		Muted bool    `json:"muted"`
	}
	// SetVolume changes what this agent hears of one participant: 0 (mute for me) to 2.
	SetVolume struct {
		Call id.Call `json:"call_id"`
		Leg  id.Leg  `json:"leg_id"`
		Gain float64 `json:"gain"`
	}
	// RequestPermission asks the contact for leave to call. Text is optional and used inside the service window; outside it
	// the line's template goes out. Answer: Requested.
	RequestPermission struct {
		Contact id.Contact `json:"contact_id"`
		Line    id.Line    `json:"line_id"`
		Text    string     `json:"text,omitempty"`
	}
	// SendText sends a message inside the service window. Answer: Requested.
	SendText struct {
		Contact id.Contact `json:"contact_id"`
		Line    id.Line    `json:"line_id"`
		Text    string     `json:"text"`
	}
	// SendCallButton sends a button with which the contact calls us. Answer: Requested.
	SendCallButton struct {
		Contact id.Contact `json:"contact_id"`
		Line    id.Line    `json:"line_id"`
		Text    string     `json:"text,omitempty"`
	}
	// AckNotices removes notices that the agent has seen, in every tab.
	AckNotices struct {
		IDs []string `json:"notice_ids"`
	}
)

func (SetPresence) request()       {}
func (Dial) request()              {}
func (AcceptOffer) request()       {}
func (DeclineOffer) request()      {}
func (AttachMedia) request()       {}
func (Invite) request()            {}
func (CancelInvite) request()      {}
func (Leave) request()             {}
func (End) request()               {}
func (Mute) request()              {}
func (SetVolume) request()         {}
func (RequestPermission) request() {}
func (SendText) request()          {}
func (SendCallButton) request()    {}
func (AckNotices) request()        {}

// MediaAnswer completes the browser's offer.
type MediaAnswer struct {
	CallID id.Call    `json:"call_id"`
	LegID  id.Leg     `json:"leg_id"`
	SDP    string     `json:"sdp"`
	Slots  []SlotView `json:"slots"`
}

// Requested says which message carries the request and how it went out.
type Requested struct {
	MessageID id.Message `json:"message_id"`
	Via       string     `json:"via"` // interactive or template
}

// Invited names the offer that the colleague sees.
type Invited struct {
	OfferID id.Offer `json:"offer_id"`
	LegID   id.Leg   `json:"leg_id"`
}
