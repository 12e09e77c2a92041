package cloud

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"

	"ramal/sim/callflow"
	"ramal/sim/ledger"
)

const shownMessages = 200

// Time is a point in time in the format of the phone page: UTC, milliseconds.
type Time time.Time

// MarshalJSON implements json.Marshaler.
func (t Time) MarshalJSON() ([]byte, error) {
	return json.Marshal(time.Time(t).UTC().Format("2006-01-02T15:04:05.000Z"))
}

// UnmarshalJSON implements json.Unmarshaler.
func (t *Time) UnmarshalJSON(b []byte) error { return (*time.Time)(t).UnmarshalJSON(b) }

func timeOrNil(t time.Time) *Time {
	if t.IsZero() {
		return nil
	}
	out := Time(t)
	return &out
}

// PhoneState is everything the phone page shows (PHONE-API.md).
type PhoneState struct {
	Now   Time        `json:"now"`
	User  PhoneUser   `json:"user"`
	Chats []PhoneChat `json:"chats"`
	Calls []PhoneCall `json:"calls"`
}

// PhoneUser is the owner of the phone.
type PhoneUser struct {
	Key      string `json:"key"`
	WAID     string `json:"wa_id,omitempty"`
	UserID   string `json:"user_id"`
	Name     string `json:"name"`
	Username string `json:"username,omitempty"`
}

// PhoneChat is one chat.
type PhoneChat struct {
	PNID       string           `json:"pnid"`
	Name       string           `json:"name"`
	Display    string           `json:"display_phone_number"`
	Access     CallAccess       `json:"access"`
	Permission PhonePermission  `json:"permission"`
	Messages   []map[string]any `json:"messages"`
	Unread     int              `json:"unread"`

	latest time.Time
}

// CallAccess says whether the line can be called.
type CallAccess struct {
	Icon     bool   `json:"icon"`
	Reason   string `json:"reason,omitempty"`
	Open     bool   `json:"open"`
	NextOpen *Time  `json:"next_open,omitempty"`
	Timezone string `json:"timezone,omitempty"`
}

// PhonePermission is what the business may do.
type PhonePermission struct {
	Status  ledger.Status `json:"status"`
	Expires *Time         `json:"expires_at,omitempty"`
}

// PhoneCall is one call on the phone's screen.
type PhoneCall struct {
	ID            string `json:"id"`
	PNID          string `json:"pnid"`
	Name          string `json:"name"`
	Direction     string `json:"direction"`
	Phase         string `json:"phase"`
	StartedAt     Time   `json:"started_at"`
	ConnectedAt   *Time  `json:"connected_at,omitempty"`
	EndedAt       *Time  `json:"ended_at,omitempty"`
	Outcome       string `json:"outcome,omitempty"`
	Error         int    `json:"error,omitempty"`
	Muted         bool   `json:"muted"`
	Audio         string `json:"audio"`
	BusinessAudio bool   `json:"business_audio"`
}

// Phone returns the state of a user's phone.
func (c *Cloud) Phone(key string) (PhoneState, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	u := c.find(key)
	if u == nil {
		return PhoneState{}, errNoUser
	}
	now := c.now()
	s := PhoneState{
		Now: Time(now), Chats: []PhoneChat{}, Calls: []PhoneCall{},
		User: PhoneUser{Key: u.key, WAID: u.WAID, UserID: u.UserID, Name: u.Name, Username: u.Username},
	}
	for _, l := range c.lines {
		s.Chats = append(s.Chats, c.phoneChat(l, u, now))
	}
	slices.SortFunc(s.Chats, func(a, b PhoneChat) int {
		return cmp.Or(b.latest.Compare(a.latest), cmp.Compare(a.PNID, b.PNID))
	})
	for _, v := range slices.Backward(c.callOrder) {
		k := c.calls[v]
		if k.user == u && (k.state.Live() || now.Sub(k.state.EndedAt) < ringOver) && k.state.Phase != callflow.Dialing && k.state.Phase != callflow.Answered {
			s.Calls = append(s.Calls, c.phoneCall(k))
		}
	}
	return s, nil
}

func (c *Cloud) phoneChat(l *line, u *user, now time.Time) PhoneChat {
	chat := PhoneChat{PNID: l.PNID, Name: l.Name, Display: l.Display, Messages: []map[string]any{}}
	open, next := l.settings.OpenAt(now)
	chat.Access = CallAccess{Reason: l.settings.IconHidden(u.Country, now), Open: open, NextOpen: timeOrNil(next)}
	chat.Access.Icon = chat.Access.Reason == ""
	if l.settings.Hours != nil {
		chat.Access.Timezone = l.settings.Hours.Timezone
	}
	chat.Permission.Status = ledger.None
	p := c.pairs[pairKey{l.PNID, u.key}]
	if p == nil {
		return chat
	}
	status, expires := p.ledger.StatusAt(now)
	chat.Permission = PhonePermission{status, timeOrNil(expires)}
	chat.Unread = p.unread
	for _, m := range p.chat[max(0, len(p.chat)-shownMessages):] {
		chat.Messages = append(chat.Messages, p.show(m, now))
		chat.latest = m.At
	}
	return chat
}

// show renders a message with what depends on the time.
func (p *pair) show(m *Message, now time.Time) map[string]any {
	shown := *m
	shown.Actions = slices.Clone(m.Actions)
	for i := range shown.Actions {
		if e := shown.Actions[i].Expires; e != nil {
			shown.Actions[i].Expired = !now.Before(time.Time(*e))
		}
	}
	raw, err := json.Marshal(shown)
	if err != nil {
		panic(err) // plain data always marshals
	}
	var out map[string]any
	if err := json.Unmarshal(raw, &out); err != nil {
		panic(err)
	}
	out["at"] = Time(m.At)
	switch m.Kind {
	case "permission_request":
		out["answerable"] = p.ledger.Answerable(m.ID, now)
	case "voice_call":
		out["expires"], out["expired"] = Time(m.callExpires), !now.Before(m.callExpires)
	case "template":
		if m.asksPermission {
			ask := map[string]any{"answerable": p.ledger.Answerable(m.ID, now)}
			if m.Answer != "" {
				ask["answer"] = m.Answer
			}
			out["permission"] = ask
			delete(out, "answer")
		}
		if _, ok := out["actions"]; !ok {
			out["actions"] = []any{}
		}
	}
	return out
}

func (c *Cloud) phoneCall(k *call) PhoneCall {
	s := k.state
	v := PhoneCall{
		ID: k.id, PNID: k.line.PNID, Name: k.line.Name, Direction: direction(k), Phase: phoneP(k), StartedAt: Time(s.CreatedAt),
		EndedAt: timeOrNil(s.EndedAt), Muted: k.muted, Audio: "none",
	}
	if !s.RangAt.IsZero() {
		v.StartedAt = Time(s.RangAt)
	}
	connected := s.AcceptedAt
	if !s.MediaAt.IsZero() {
		connected = s.MediaAt
	}
	v.ConnectedAt = timeOrNil(connected)
	if s.Phase == callflow.Ended {
		v.Outcome, v.Error = string(s.Outcome), s.Code
	}
	if k.bridge != nil {
		v.Audio = "bridged"
	}
	v.BusinessAudio = !k.firstHear.IsZero()
	return v
}

func phoneP(k *call) string {
	s := k.state
	switch {
	case s.Phase == callflow.Ended:
		return "ended"
	case s.Phase != callflow.Accepted && s.MediaAt.IsZero():
		return "ringing"
	case k.leg != nil && k.connectedMedia.IsZero():
		return "connecting"
	}
	return "connected"
}

// Watch returns a channel that is signalled after each change of the user's phone; stop ends it.
func (c *Cloud) Watch(key string) (changed <-chan struct{}, stop func(), err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	u := c.find(key)
	if u == nil {
		return nil, nil, errNoUser
	}
	ch := make(chan struct{}, 1)
	u.watchers[ch] = struct{}{}
	return ch, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(u.watchers, ch)
	}, nil
}

// CallView is a call as the control API shows it.
type CallView struct {
	ID         string `json:"id"`
	PNID       string `json:"pnid"`
	User       string `json:"user"`
	Direction  string `json:"direction"`
	Phase      string `json:"phase"`
	Outcome    string `json:"outcome,omitempty"`
	EndedBy    string `json:"ended_by,omitempty"`
	Code       int    `json:"code,omitempty"`
	CreatedAt  Time   `json:"created_at"`
	RangAt     *Time  `json:"rang_at,omitempty"`
	AcceptedAt *Time  `json:"accepted_at,omitempty"`
	EndedAt    *Time  `json:"ended_at,omitempty"`
	// Times of media are real time, not the moved clock.
	MediaConnectedAt *Time  `json:"media_connected_at,omitempty"`
	FirstPacketAt    *Time  `json:"first_packet_at,omitempty"`
	FirstSoundAt     *Time  `json:"first_sound_at,omitempty"`
	PacketsReceived  uint64 `json:"packets_received"`
	PacketsSent      uint64 `json:"packets_sent"`
	PacketsLost      uint64 `json:"packets_lost"`
	SSRC             uint32 `json:"ssrc,omitempty"`
	Bridged          bool   `json:"bridged"`
	Muted            bool   `json:"muted"`
}

// CallFilter selects calls; empty fields match all.
type CallFilter struct {
	ID, PNID, User string
	Live           bool // only those that have not ended
}

// Calls lists calls, newest first.
func (c *Cloud) Calls(f CallFilter) []CallView {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := f.User
	if u := c.find(key); u != nil {
		key = u.key
	}
	out := []CallView{}
	for _, v := range slices.Backward(c.callOrder) {
		k := c.calls[v]
		if (f.ID == "" || f.ID == k.id) && (f.PNID == "" || f.PNID == k.line.PNID) && (key == "" || key == k.user.key) && (!f.Live || k.state.Live()) {
			out = append(out, k.view())
		}
	}
	return out
}

func (k *call) view() CallView {
	s := k.state
	v := CallView{
		ID: k.id, PNID: k.line.PNID, User: k.user.key, Direction: string(s.Direction), Phase: string(s.Phase),
		Outcome: string(s.Outcome), EndedBy: string(s.EndedBy), Code: s.Code, CreatedAt: Time(s.CreatedAt),
		RangAt: timeOrNil(s.RangAt), AcceptedAt: timeOrNil(s.AcceptedAt), EndedAt: timeOrNil(s.EndedAt),
		MediaConnectedAt: timeOrNil(k.connectedMedia), Bridged: k.bridge != nil, Muted: k.muted,
	}
	if k.leg != nil {
		st := k.leg.Stats()
		v.PacketsReceived, v.PacketsSent, v.PacketsLost, v.SSRC = st.Received, st.Sent, st.Lost, st.SSRC
		v.FirstPacketAt = timeOrNil(k.leg.FirstHeard())
		v.FirstSoundAt = timeOrNil(k.leg.Ear.FirstSound())
	}
	return v
}
