package cloud

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"ramal/sim/events"
	"ramal/sim/hooks"
	"ramal/sim/ledger"
	"ramal/sim/leg"
	"ramal/sim/settings"
)

// Config of a Cloud. Media and Log may be nil; the rest has defaults.
type Config struct {
	Media   *leg.Endpoint // nil: calls work, but without media (for tests of signalling)
	Log     *slog.Logger
	Events  *events.Log
	Hooks   hooks.Config // Notice is set by the Cloud
	Timings *Timings     // nil: DefaultTimings
	Flags   Flags
	Seed    uint64           // of random windows; 0 = from the clock
	Now     func() time.Time // nil: time.Now
}

// Timings are the service's delays, in milliseconds.
type Timings struct {
	AcceptWindowMin int `json:"accept_window_min_ms"` // user-initiated: time to accept, drawn between min and max
	AcceptWindowMax int `json:"accept_window_max_ms"`
	AnswerMin       int `json:"answer_min_ms"` // business-initiated: dial to connect webhook
	AnswerMax       int `json:"answer_max_ms"`
	Ring            int `json:"ring_ms"`            // connect webhook to RINGING
	RingTimeout     int `json:"ring_timeout_ms"`    // RINGING to giving up
	AcceptedLate    int `json:"accepted_late_ms"`   // pick-up to the ACCEPTED webhook; media flows at pick-up
	AudioLate       int `json:"audio_late_ms"`      // pick-up to the phone's first packet
	FirstMedia      int `json:"first_media_ms"`     // accept to the business's first packet, else 138021
	MidMedia        int `json:"mid_media_ms"`       // longest pause of the business's packets later, else 138021
	Sent            int `json:"sent_ms"`            // message to its sent status
	Delivered       int `json:"delivered_ms"`       // sent to delivered
	TemplateReview  int `json:"template_review_ms"` // template PENDING to APPROVED
	GraphBefore     int `json:"graph_before_ms"`    // Graph API: pause before a request is looked at
	GraphAfter      int `json:"graph_after_ms"`     // Graph API: pause between doing and answering
	TerminateFirst  int `json:"terminate_first_ms"` // how long terminate_before_connect holds a connect at most
}

// DefaultTimings are those of the real service, as far as they are known.
func DefaultTimings() Timings {
	return Timings{
		AcceptWindowMin: 30000, AcceptWindowMax: 60000, AnswerMin: 300, AnswerMax: 1500, Ring: 400, RingTimeout: 45000,
		FirstMedia: 20000, MidMedia: 30000, Sent: 30, Delivered: 60, TerminateFirst: 2000,
	}
}

// Validate refuses negative times and windows that end before they begin.
func (t Timings) Validate() error {
	raw, err := json.Marshal(t)
	if err != nil {
		return fmt.Errorf("timings: %w", err)
	}
	var all map[string]int
	if err := json.Unmarshal(raw, &all); err != nil {
		return fmt.Errorf("timings: %w", err)
	}
	var faults []error
	for name, v := range all {
		if v < 0 || v > 24*3600*1000 {
			faults = append(faults, fmt.Errorf("%s must be 0 to 86400000", name))
		}
	}
	if t.AcceptWindowMax < t.AcceptWindowMin || t.AnswerMax < t.AnswerMin {
		faults = append(faults, errors.New("a window's max is below its min"))
	}
	for name, v := range map[string]int{"accept_window_min_ms": t.AcceptWindowMin, "ring_timeout_ms": t.RingTimeout,
		"first_media_ms": t.FirstMedia, "mid_media_ms": t.MidMedia} {
		if v == 0 {
			faults = append(faults, fmt.Errorf("%s must not be 0", name))
		}
	}
	return errors.Join(faults...)
}

// Flags are variants of behaviour, each seen at Meta or possible there. All off is the most likely behaviour of 2026.
type Flags struct {
	LenientParameters      bool    `json:"lenient_parameters"`       // ignore unknown body parameters instead of code 100
	SDPAsCode100           bool    `json:"sdp_as_code_100"`          // SDP problems as 100/2494010 instead of 138008
	BICSetup               string  `json:"bic_setup"`                // role in BIC answers: active (default), passive, actpass
	TerminateBeforeConnect bool    `json:"terminate_before_connect"` // hold connect webhooks until terminate or terminate_first_ms
	ConnectBeforeResponse  bool    `json:"connect_before_response"`  // BIC connect webhook before the HTTP answer of the dial
	AcceptedBeforeRinging  bool    `json:"accepted_before_ringing"`  // RINGING after ACCEPTED
	ReplyBeforeResponse    bool    `json:"reply_before_response"`    // permission reply before the HTTP answer of the request
	NoRinging              bool    `json:"no_ringing"`               // RINGING is never sent
	SkipDelivered          bool    `json:"skip_delivered"`           // message statuses go from sent to read
	SilentRevoke           bool    `json:"silent_revoke"`            // a manual revoke sends no webhook
	MixedCaseStatus        bool    `json:"mixed_case_status"`        // terminate status "Completed", "Failed"
	IntegerExpiration      bool    `json:"integer_expiration"`       // expiration_timestamp as a number
	NoContactsInConnect    bool    `json:"no_contacts_in_connect"`   // BIC connect without contacts (before 2026)
	ContactsInStatuses     bool    `json:"contacts_in_statuses"`     // contacts in call statuses and terminate too
	NoBSUID                bool    `json:"no_bsuid"`                 // no user_id fields anywhere (before 2026)
	RejectIsFailed         bool    `json:"reject_is_failed"`         // terminate after a business's reject says FAILED
	LateAcceptAs100        bool    `json:"late_accept_as_100"`       // accept after the window: 100/400 instead of 138007/500
	NoPickupOnMedia        bool    `json:"no_pickup_on_media"`       // media before accept is not taken as pick-up
	PhoneSpeaksFirst       bool    `json:"phone_speaks_first"`       // UIC: do not wait for the business's first packet
	LoseClientHello        bool    `json:"lose_client_hello"`        // the first DTLS ClientHello gets lost
	UnreachableIPv6        bool    `json:"unreachable_ipv6"`         // add an IPv6 candidate that answers nobody
	ChangeSSRCMS           int     `json:"change_ssrc_ms"`           // the relay changes the phone's SSRC so long after the first packet
	WatchSound             bool    `json:"watch_sound"`              // decode until the first sound of the business (see calls)
	SettingsNotSet         bool    `json:"settings_not_set"`         // GET settings shows never-set words as NOT_SET
	LegacyConnection       bool    `json:"legacy_connection"`        // BIC connect also carries connection.webrtc.sdp
	GraphFailCode          int     `json:"graph_fail_code"`          // fail Graph requests with this code ...
	GraphFailRate          float64 `json:"graph_fail_rate"`          // ... with this probability, before they do anything
}

// Validate refuses values outside the lists.
func (f Flags) Validate() error {
	switch f.BICSetup {
	case "", "active", "passive", "actpass":
	default:
		return fmt.Errorf("bic_setup must be active, passive or actpass, not %q", f.BICSetup)
	}
	if f.GraphFailRate < 0 || f.GraphFailRate > 1 || f.ChangeSSRCMS < 0 {
		return errors.New("graph_fail_rate must be 0 to 1, change_ssrc_ms not negative")
	}
	return nil
}

// LineConfig describes one business number with its account and app.
type LineConfig struct {
	PNID             string            `json:"pnid"`                        // phone-number id, required
	Display          string            `json:"display_phone_number"`        // digits, required
	Name             string            `json:"name"`                        // verified name
	Country          string            `json:"country"`                     // ISO 3166; by the number when empty
	WABA             string            `json:"waba_id"`                     // "waba-" + pnid when empty
	AppID            string            `json:"app_id"`                      // "app-" + pnid when empty
	Token            string            `json:"token"`                       // bearer; "token-" + pnid when empty
	AppSecret        string            `json:"app_secret"`                  // "secret-" + app id when empty
	VerifyToken      string            `json:"verify_token"`                // of the callback
	CallbackURL      string            `json:"callback_url"`                // where webhooks go; may be set later
	Fields           []string          `json:"fields"`                      // subscribed webhook fields; all when empty
	MessagingLimit   int               `json:"messaging_limit"`             // unique users; 100000 when 0
	Sandbox          bool              `json:"sandbox"`                     // test number: other limits, no 2000 rule
	NoPayment        bool              `json:"no_payment"`                  // no valid payment method: 131044
	Unregistered     bool              `json:"unregistered"`                // 133010
	BICUnavailable   bool              `json:"bic_unavailable"`             // 138013 whatever the country
	MaxConcurrent    int               `json:"max_concurrent"`              // calls at a time; 1000 when 0
	MaxInitiations   int               `json:"max_initiations"`             // new BIC in 24 h; 10000 when 0
	MessagesPerSec   int               `json:"messages_per_second"`         // 80 when 0
	PairBurst        int               `json:"pair_burst"`                  // messages to one user at once, then one in 6 s; 45 when 0
	PermissionPerSec int               `json:"call_permissions_per_second"` // 100 when 0
	Settings         *settings.Calling `json:"calling"`                     // initial settings; calling on when nil
	Limits           *ledger.Limits    `json:"limits"`                      // nil: production (or sandbox) limits
}

// allFields are the webhook fields the simulator knows.
var allFields = []string{"calls", "messages", "account_update", "account_settings_update", "message_template_status_update"}

func (c LineConfig) withDefaults() LineConfig {
	for _, f := range []struct {
		field *string
		value string
	}{
		{&c.WABA, "waba-" + c.PNID}, {&c.AppID, "app-" + c.PNID}, {&c.Token, "token-" + c.PNID},
		{&c.Country, countryOf(c.Display)}, {&c.Name, "Business " + c.Display},
	} {
		if *f.field == "" {
			*f.field = f.value
		}
	}
	if c.AppSecret == "" {
		c.AppSecret = "secret-" + c.AppID
	}
	if c.VerifyToken == "" {
		c.VerifyToken = "verify-" + c.AppID
	}
	for _, f := range []struct {
		field *int
		value int
	}{{&c.MessagingLimit, 100000}, {&c.MaxConcurrent, 1000}, {&c.MaxInitiations, 10000}, {&c.MessagesPerSec, 80}, {&c.PairBurst, 45}, {&c.PermissionPerSec, 100}} {
		if *f.field == 0 {
			*f.field = f.value
		}
	}
	if len(c.Fields) == 0 {
		c.Fields = allFields
	}
	return c
}

// Validate checks what cannot be defaulted.
func (c LineConfig) Validate() error {
	switch {
	case c.PNID == "" || strings.ContainsAny(c.PNID, "/ ?#"):
		return errors.New("pnid is missing or not usable in an address")
	case !digitsOnly(c.Display):
		return errors.New("display_phone_number must be digits with country code")
	}
	return nil
}

// UserConfig describes one customer.
type UserConfig struct {
	WAID       string    `json:"wa_id"`           // digits; required unless UserID is given
	Name       string    `json:"name"`            // profile name; the number when empty
	UserID     string    `json:"user_id"`         // BSUID; derived when empty
	ParentID   string    `json:"parent_user_id"`  // parent BSUID, optional
	Username   string    `json:"username"`        // optional
	HidePhone  bool      `json:"hide_phone"`      // no phone number in webhooks: a username user
	Country    string    `json:"country"`         // ISO 3166; by the number when empty
	Uncallable bool      `json:"uncallable"`      // not able to take calls: 138001, no permission
	OldClient  bool      `json:"old_client"`      // permission requests and call buttons fail with 131026
	Companion  bool      `json:"companion"`       // calls from a companion phone: no automatic permission
	Answer     Policy    `json:"answer"`          // of incoming calls: manual, accept, decline, ignore, unreachable
	Permission Policy    `json:"permission"`      // of permission requests: manual, accept_temporary, accept_permanent, decline
	AutoRead   bool      `json:"auto_read"`       // messages are read as soon as they are delivered
	Voice      VoiceSpec `json:"voice"`           // what the phone says in calls
	Record     bool      `json:"record"`          // record every call from its start
	HangupMS   int       `json:"hangup_after_ms"` // hang up so long after pick-up; 0 = never
}

// Policy is what a user does without being told.
type Policy struct {
	Mode    string `json:"mode"` // "" is manual
	AfterMS int    `json:"after_ms"`
}

// VoiceSpec is the endless voice of a phone.
type VoiceSpec struct {
	Kind string `json:"kind"` // silence (default), tone, none (sends no packets at all)
	Hz   int    `json:"hz"`   // of a tone, 50 to 7000
}

// Validate checks a user.
func (u UserConfig) Validate() error {
	in := func(v string, list ...string) bool {
		return slices.Contains(list, v)
	}
	switch {
	case u.WAID == "" && u.UserID == "":
		return errors.New("wa_id or user_id is required")
	case u.WAID != "" && !digitsOnly(u.WAID):
		return errors.New("wa_id must be digits")
	case !in(u.Answer.Mode, "", "manual", "accept", "decline", "ignore", "unreachable"):
		return errors.New("answer.mode must be manual, accept, decline, ignore or unreachable")
	case !in(u.Permission.Mode, "", "manual", "ignore", "accept_temporary", "accept_permanent", "decline"):
		return errors.New("permission.mode must be manual, ignore, accept_temporary, accept_permanent or decline")
	case u.Answer.AfterMS < 0 || u.Permission.AfterMS < 0 || u.HangupMS < 0:
		return errors.New("times must not be negative")
	}
	return u.Voice.validate()
}

func (v VoiceSpec) validate() error {
	switch v.Kind {
	case "", "silence", "none":
		return nil
	case "tone":
		if v.Hz < 50 || v.Hz > 7000 {
			return errors.New("voice.hz must be 50 to 7000")
		}
		return nil
	}
	return errors.New("voice.kind must be silence, tone or none")
}
