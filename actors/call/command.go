package call

import (
	"reflect"
	"time"

	"ramal/actors/core"
	"ramal/internal/id"
)

// Command asks the call to do something, or tells it of something outside that it did not decide.
//
//sumtype:decl
type Command interface{ command() }

// Commands come from four sides, each sealed on its own so that each side's judge is checked for completeness.
type (
	//sumtype:decl
	ofProvider interface {
		Command
		ofProvider()
	}
	//sumtype:decl
	ofAgent interface {
		Command
		ofAgent()
	}
	//sumtype:decl
	ofMedia interface {
		Command
		ofMedia()
	}
	//sumtype:decl
	ofBirth interface {
		Command
		ofBirth()
	}
)

// Candidate is an agent who may be asked, with the ids prepared for the offer.
type Candidate struct {
	Agent  id.Agent  `json:"agent"`
	Name   string    `json:"name"`
	Reason string    `json:"reason"`
	Info   string    `json:"info,omitempty"`
	At     time.Time `json:"at,omitzero"`
	Offer  id.Offer  `json:"offer"`
	Leg    id.Leg    `json:"leg"`
}

type (
	// Dial begins an outbound call. SDP is the offer of the agent's browser.
	Dial struct {
		Tenant     id.Tenant  `json:"tenant"`
		Call       id.Call    `json:"call"`
		Line       id.Line    `json:"line"`
		Contact    id.Contact `json:"contact"`
		ContactLeg id.Leg     `json:"contact_leg"`
		Agent      id.Agent   `json:"agent"`
		Name       string     `json:"name"`
		Leg        id.Leg     `json:"leg"`
		SDP        string     `json:"sdp"`
		Policy     Policy     `json:"policy"`
	}
	// Incoming begins an inbound call. SDP is the provider's offer. Refuse is empty, or why the call is turned away at once.
	Incoming struct {
		Tenant     id.Tenant  `json:"tenant"`
		Call       id.Call    `json:"call"`
		Line       id.Line    `json:"line"`
		Contact    id.Contact `json:"contact"`
		ContactLeg id.Leg     `json:"contact_leg"`
		ProviderID string     `json:"provider_id"`
		SDP        string     `json:"sdp"`
		Policy     Policy     `json:"policy"`
		Refuse     EndReason  `json:"refuse,omitempty"`
	}

	// ProviderDialed says that the provider took the dial.
	ProviderDialed struct {
		ProviderID string `json:"provider_id"`
	}
	// ProviderDialFailed says that it did not. Reason is one of permission_denied, limit_reached, provider_error, media_failed.
	ProviderDialFailed struct {
		Reason EndReason `json:"reason"`
		Detail string    `json:"detail"`
	}
	// ProviderConnected carries the provider's answer to a dial; nobody has picked up yet.
	ProviderConnected struct {
		ProviderID string `json:"provider_id"`
		SDP        string `json:"sdp"`
	}
	// ProviderRang says that the customer's phone rings since At.
	ProviderRang struct {
		At time.Time `json:"at"`
	}
	// ProviderAnswered says that the customer picked up At, in the provider's whole seconds. It may come late.
	ProviderAnswered struct {
		At time.Time `json:"at"`
	}
	// ProviderRejected says that the customer declined.
	ProviderRejected struct{}
	// ProviderEnded is the provider's word that the call is over; it may come in any phase, or twice.
	ProviderEnded struct {
		At     time.Time `json:"at"`
		Failed bool      `json:"failed"`
		Detail string    `json:"detail,omitempty"`
	}
	// PreAccepted says that the provider took, or refused, the early answer: accept may be sent now.
	PreAccepted struct{}
	// AcceptTaken says that the provider took the accept, or that its outcome is unknown: audio may open.
	AcceptTaken struct{}
	// AcceptFailed says that the provider refused the accept. Gone: the caller had hung up.
	AcceptFailed struct {
		Gone   bool   `json:"gone"`
		Detail string `json:"detail"`
	}

	// CandidatesFound answers FindCandidates.
	CandidatesFound struct {
		Stage  Stage       `json:"stage"`
		Agents []Candidate `json:"agents"`
	}
	// OfferRefused says that an agent could not be asked: Reason is agent_offline, agent_busy or agent_unavailable.
	OfferRefused struct {
		Offer  id.Offer `json:"offer"`
		Reason string   `json:"reason"`
	}
	// Accept takes an offer. SDP is the offer of the agent's browser.
	Accept struct {
		Agent id.Agent `json:"agent"`
		Offer id.Offer `json:"offer"`
		SDP   string   `json:"sdp"`
	}
	// Decline refuses an offer, for this agent only.
	Decline struct {
		Agent id.Agent `json:"agent"`
		Offer id.Offer `json:"offer"`
	}

	// Attach gives an agent's leg a new media connection.
	Attach struct {
		Agent id.Agent `json:"agent"`
		SDP   string   `json:"sdp"`
	}
	// Invite asks a colleague in.
	Invite struct {
		By   id.Agent  `json:"by"`
		Who  Candidate `json:"who"`
		Note string    `json:"note,omitempty"`
	}
	// CancelInvite takes an invitation back.
	CancelInvite struct {
		By    id.Agent `json:"by"`
		Agent id.Agent `json:"agent"`
	}
	// Leave takes one agent out.
	Leave struct {
		Agent id.Agent `json:"agent"`
	}
	// End hangs up for everybody.
	End struct {
		Agent id.Agent `json:"agent"`
	}
	// SetMuted switches an agent's microphone.
	SetMuted struct {
		Agent id.Agent `json:"agent"`
		Muted bool     `json:"muted"`
	}
	// SetGain changes what an agent hears of one leg, 0 to 2.
	SetGain struct {
		Agent id.Agent `json:"agent"`
		Leg   id.Leg   `json:"leg"`
		Gain  float64  `json:"gain"`
	}

	// AttachFailed says that the new connection could not be made: the old one, if there is any, goes on.
	AttachFailed struct {
		Agent id.Agent `json:"agent"`
		Leg   id.Leg   `json:"leg"`
	}
	// LegUp says that a leg's media connection stands.
	LegUp struct {
		Leg id.Leg `json:"leg"`
	}
	// LegAway says that a leg's media connection is interrupted or has failed.
	LegAway struct {
		Leg    id.Leg `json:"leg"`
		Failed bool   `json:"failed"`
		Closed bool   `json:"closed,omitempty"` // with Failed: the other side said goodbye
		Detail string `json:"detail,omitempty"`
	}
	// FirstMedia says that the first RTP packet came in from a leg At.
	FirstMedia struct {
		Leg id.Leg    `json:"leg"`
		At  time.Time `json:"at"`
	}
	// Replace ends a call that nobody has answered, because the customer itself has called.
	Replace struct {
		By id.Call `json:"by"`
	}
	// Lost says that the node that ran the media is gone.
	Lost struct{}
	// Wake says that Deadline may have passed. A stale one changes nothing.
	Wake struct{}
)

func (Dial) command()               {}
func (Incoming) command()           {}
func (ProviderDialed) command()     {}
func (ProviderDialFailed) command() {}
func (ProviderConnected) command()  {}
func (ProviderRang) command()       {}
func (ProviderAnswered) command()   {}
func (ProviderRejected) command()   {}
func (ProviderEnded) command()      {}
func (PreAccepted) command()        {}
func (AcceptTaken) command()        {}
func (AcceptFailed) command()       {}
func (CandidatesFound) command()    {}
func (OfferRefused) command()       {}
func (Accept) command()             {}
func (Decline) command()            {}
func (Attach) command()             {}
func (Invite) command()             {}
func (CancelInvite) command()       {}
func (Leave) command()              {}
func (End) command()                {}
func (SetMuted) command()           {}
func (SetGain) command()            {}
func (AttachFailed) command()       {}
func (LegUp) command()              {}
func (LegAway) command()            {}
func (FirstMedia) command()         {}
func (Replace) command()            {}
func (Lost) command()               {}
func (Wake) command()               {}

func (Dial) ofBirth()     {}
func (Incoming) ofBirth() {}

func (ProviderDialFailed) ofProvider() {}
func (ProviderRang) ofProvider()       {}
func (ProviderAnswered) ofProvider()   {}
func (ProviderRejected) ofProvider()   {}
func (ProviderEnded) ofProvider()      {}
func (PreAccepted) ofProvider()        {}
func (AcceptTaken) ofProvider()        {}
func (AcceptFailed) ofProvider()       {}

func (Accept) ofAgent()       {}
func (Decline) ofAgent()      {}
func (Attach) ofAgent()       {}
func (Invite) ofAgent()       {}
func (CancelInvite) ofAgent() {}
func (Leave) ofAgent()        {}
func (End) ofAgent()          {}
func (SetMuted) ofAgent()     {}
func (SetGain) ofAgent()      {}

func (AttachFailed) ofMedia() {}
func (LegUp) ofMedia()        {}
func (LegAway) ofMedia()      {}
func (FirstMedia) ofMedia()   {}

// catalogue holds the zero value of every command.
var catalogue = core.NewCatalogue[Command]("call", CommandName,
	Dial{}, Incoming{}, ProviderDialed{}, ProviderDialFailed{}, ProviderConnected{}, ProviderRang{}, ProviderAnswered{},
	ProviderRejected{}, ProviderEnded{}, PreAccepted{}, AcceptTaken{}, AcceptFailed{}, CandidatesFound{}, OfferRefused{},
	Accept{}, Decline{}, Attach{}, Invite{}, CancelInvite{}, Leave{}, End{}, SetMuted{}, SetGain{}, AttachFailed{}, LegUp{}, LegAway{},
	FirstMedia{}, Replace{}, Lost{}, Wake{},
)

// CommandName is a command's name on the wire between nodes.
func CommandName(c Command) string { return reflect.TypeOf(c).Name() }

// CommandByName returns the zero value of the command of that name, to be decoded into.
func CommandByName(name string) (Command, bool) { return catalogue.ByName(name) }
