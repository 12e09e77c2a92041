package call

import (
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"ramal/internal/id"
)

// Event is something that happened to the call. Events are journaled; fields marked json:"-" are for the
// effects of the moment only and are not kept.
//
//sumtype:decl
type Event interface{ event() }

// legEvent is an event of one agent's leg.
//
//sumtype:decl
type legEvent interface {
	Event
	legEvent()
}

type (
	// Created begins the call.
	Created struct {
		Tenant     id.Tenant  `json:"tenant"`
		Call       id.Call    `json:"call"`
		Line       id.Line    `json:"line"`
		Contact    id.Contact `json:"contact"`
		ContactLeg id.Leg     `json:"contact_leg"`
		Direction  Direction  `json:"direction"`
		ProviderID string     `json:"provider_id,omitempty"`
		Policy     Policy     `json:"policy"`
		At         time.Time  `json:"at"`
		SDP        string     `json:"-"` // inbound: the provider's offer, empty if the call is turned away
	}
	// Identified says under which id the provider knows the call.
	Identified struct {
		ProviderID string    `json:"provider_id"`
		At         time.Time `json:"at"`
	}
	// Connected says that the provider answered the dial with its media address.
	Connected struct {
		SDP string `json:"-"`
	}
	// Rang says since when the customer's phone rings.
	Rang struct {
		At time.Time `json:"at"`
	}
	// EarlyAnswered says that accept may be sent.
	EarlyAnswered struct{}
	// StageEntered begins a round of routing.
	StageEntered struct {
		Stage Stage     `json:"stage"`
		At    time.Time `json:"at"`
	}
	// LookedAgain says that newly available agents were asked for.
	LookedAgain struct {
		At time.Time `json:"at"`
	}
	// OfferMade asks an agent.
	OfferMade struct {
		Offer Offer `json:"offer"`
	}
	// OfferClosed ends an offer. Reason: accepted accepted_elsewhere declined refused expired cancelled call_ended.
	OfferClosed struct {
		Offer  id.Offer  `json:"offer"`
		Reason string    `json:"reason"`
		By     string    `json:"by,omitempty"` // name of who took the call
		Detail string    `json:"detail,omitempty"`
		At     time.Time `json:"at"`
	}
	// Taken says that an agent took an inbound call.
	Taken struct {
		Agent id.Agent  `json:"agent"`
		At    time.Time `json:"at"`
	}
	// Joined brings an agent in. InvitedBy is empty for the first.
	Joined struct {
		Leg       id.Leg    `json:"leg"`
		Agent     id.Agent  `json:"agent"`
		Name      string    `json:"name"`
		InvitedBy id.Agent  `json:"invited_by,omitempty"`
		At        time.Time `json:"at"`
		SDP       string    `json:"-"`
	}
	// Reattached says that an agent's leg gets a new media connection.
	Reattached struct {
		Leg id.Leg    `json:"leg"`
		Was LegState  `json:"was"` // before
		At  time.Time `json:"at"`
		SDP string    `json:"-"`
	}
	// AttachUndone says that the new connection could not be made, and the leg is as it was.
	AttachUndone struct {
		Leg id.Leg    `json:"leg"`
		At  time.Time `json:"at"`
	}
	// MediaUp says that an agent's media stands.
	MediaUp struct {
		Leg id.Leg    `json:"leg"`
		At  time.Time `json:"at"`
	}
	// MediaAway says that an agent's media is away.
	MediaAway struct {
		Leg    id.Leg    `json:"leg"`
		Detail string    `json:"detail,omitempty"`
		At     time.Time `json:"at"`
	}
	// PickedUp begins talk time. Source: provider, media or accept.
	PickedUp struct {
		At     time.Time `json:"at"`
		Source string    `json:"source"`
	}
	// PickUpCorrected replaces the time of pick-up by the provider's.
	PickUpCorrected struct {
		At time.Time `json:"at"`
	}
	// SaidGoodbye says that the customer's media ended in order: the provider is about to say why.
	SaidGoodbye struct {
		At time.Time `json:"at"`
	}
	// HangupDue says that an ended call may still stand at the provider, and how it is ended there.
	HangupDue struct {
		How string    `json:"how"`
		At  time.Time `json:"at"`
	}
	// Muted says that an agent's microphone was switched.
	Muted struct {
		Leg   id.Leg `json:"leg"`
		Muted bool   `json:"muted"`
	}
	// GainSet says that a listener changed what it hears of a speaker.
	GainSet struct {
		Listener id.Leg  `json:"listener"`
		Speaker  id.Leg  `json:"speaker"`
		Gain     float64 `json:"gain"`
	}
	// Left takes an agent out. Reason: left, media_lost.
	Left struct {
		Leg    id.Leg    `json:"leg"`
		Reason string    `json:"reason"`
		At     time.Time `json:"at"`
	}
	// Finished ends the call. Hangup says what the provider must still be told: "", "reject" or "terminate".
	Finished struct {
		By     EndedBy   `json:"by"`
		Reason EndReason `json:"reason"`
		Detail string    `json:"detail,omitempty"`
		Hangup string    `json:"hangup,omitempty"`
		At     time.Time `json:"at"`
	}
)

func (Created) event()         {}
func (Identified) event()      {}
func (Connected) event()       {}
func (Rang) event()            {}
func (EarlyAnswered) event()   {}
func (StageEntered) event()    {}
func (LookedAgain) event()     {}
func (OfferMade) event()       {}
func (OfferClosed) event()     {}
func (Taken) event()           {}
func (Joined) event()          {}
func (Reattached) event()      {}
func (AttachUndone) event()    {}
func (MediaUp) event()         {}
func (MediaAway) event()       {}
func (PickedUp) event()        {}
func (PickUpCorrected) event() {}
func (SaidGoodbye) event()     {}
func (HangupDue) event()       {}
func (Muted) event()           {}
func (GainSet) event()         {}
func (Left) event()            {}
func (Finished) event()        {}

func (Joined) legEvent()       {}
func (Reattached) legEvent()   {}
func (AttachUndone) legEvent() {}
func (MediaUp) legEvent()      {}
func (MediaAway) legEvent()    {}
func (Muted) legEvent()        {}
func (GainSet) legEvent()      {}
func (Left) legEvent()         {}

var eventTypes = func() map[string]reflect.Type {
	byName := map[string]reflect.Type{}
	for _, ev := range []Event{
		Created{}, Identified{}, Connected{}, Rang{}, EarlyAnswered{}, StageEntered{}, LookedAgain{}, OfferMade{}, OfferClosed{},
		Taken{}, Joined{}, Reattached{}, AttachUndone{}, MediaUp{}, MediaAway{}, PickedUp{}, PickUpCorrected{}, SaidGoodbye{}, HangupDue{}, Muted{}, GainSet{}, Left{}, Finished{},
	} {
		byName[EventName(ev)] = reflect.TypeOf(ev)
	}
	return byName
}()

// EventName is an event's name in the journal.
func EventName(ev Event) string { return reflect.TypeOf(ev).Name() }

// EncodeEvent returns an event's journal form.
func EncodeEvent(ev Event) (name string, data []byte, err error) {
	data, err = json.Marshal(ev)
	return EventName(ev), data, err
}

// DecodeEvent reads a journal entry.
func DecodeEvent(name string, data []byte) (Event, error) {
	t, ok := eventTypes[name]
	if !ok {
		return nil, fmt.Errorf("journal holds an event %q that this version does not know", name)
	}
	p := reflect.New(t)
	if err := json.Unmarshal(data, p.Interface()); err != nil {
		return nil, fmt.Errorf("journal event %s: %w", name, err)
	}
	ev, _ := reflect.TypeAssert[Event](p.Elem())
	return ev, nil
}
