package host

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"ramal/actors"
	"ramal/actors/call"
	"ramal/actors/contact"
	"ramal/actors/line"
	"ramal/channels/whatsapp"
	"ramal/internal/fault"
	"ramal/internal/id"
	"ramal/store"
)

func TestLaneKey(t *testing.T) {
	both := whatsapp.Head{Party: whatsapp.Party{WaID: "5511", UserID: "BR.1"}}
	number := whatsapp.Head{Party: whatsapp.Party{WaID: "5511"}}
	for name, c := range map[string]struct {
		ev   whatsapp.Event
		want string
	}{
		"connect":             {whatsapp.CallConnect{Head: both, CallID: "wacid.1"}, "wacid.1"},
		"ringing":             {whatsapp.CallStatus{Head: both, CallID: "wacid.1", Status: whatsapp.CallRinging}, "wacid.1"},
		"terminate":           {whatsapp.CallTerminate{Head: both, CallID: "wacid.1"}, "wacid.1"},
		"permission":          {whatsapp.PermissionReply{Head: both, MessageID: "wamid.1"}, "BR.1"},
		"message":             {whatsapp.InboundMessage{Head: both, MessageID: "wamid.2"}, "BR.1"},
		"message by number":   {whatsapp.InboundMessage{Head: number, MessageID: "wamid.3"}, "5511"},
		"status":              {whatsapp.MessageStatus{Head: number, MessageID: "wamid.3"}, "5511"},
		"identity":            {whatsapp.IdentityChanged{Head: number, MessageID: "wamid.4"}, "5511"},
		"of the whole number": {whatsapp.AccountSettingsUpdate{Head: whatsapp.Head{Meta: whatsapp.Meta{PhoneNumberID: "1"}}}, whatsapp.AccountSettingsUpdate{Head: whatsapp.Head{Meta: whatsapp.Meta{PhoneNumberID: "1"}}}.DedupeKey()},
	} {
		if got := laneKey(c.ev); got != c.want || got == "" {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func TestEventName(t *testing.T) {
	for want, ev := range map[string]whatsapp.Event{
		"callconnect": whatsapp.CallConnect{}, "permissionreply": whatsapp.PermissionReply{}, "unreadable": nil, "unknown": whatsapp.Unknown{},
	} {
		if got := eventName(ev); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// meta is an error as the client of the Graph API returns it.
func meta(code int, details string) error {
	e := &whatsapp.Error{Code: code, HTTP: 400, Message: "(#" + fmt.Sprint(code) + ") Something", Details: details}
	f := fault.New(e.Kind(), "whatsapp.connect", e.Word(), e.Sentence())
	f.Cause = e
	return f
}

func TestDialFailure(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want call.EndReason
	}{
		"no permission":       {meta(138006, "No approved call permission from the recipient"), call.PermissionDenied},
		"daily limit":         {meta(138012, "Limit reached"), call.LimitReached},
		"concurrency":         {fault.New(fault.Exhausted, "x", whatsapp.WordConcurrency, ""), call.LimitReached},
		"rate of calls":       {fault.New(fault.Exhausted, "x", whatsapp.WordCallRate, ""), call.LimitReached},
		"SDP refused":         {fault.New(fault.Invalid, "x", whatsapp.WordSDPRejected, ""), call.MediaFailed},
		"provider away":       {fault.New(fault.Unavailable, "x", whatsapp.WordProviderError, ""), call.ProviderError},
		"an error of nobody":  {errors.New("boom"), call.ProviderError},
		"wrapped once more":   {fault.Wrap(fault.Denied, "y", meta(138006, "")), call.PermissionDenied},
		"not on WhatsApp":     {fault.New(fault.NotFound, "x", whatsapp.WordUncallable, ""), call.ProviderError},
		"token of no account": {fault.New(fault.Denied, "x", whatsapp.WordBadToken, ""), call.ProviderError},
	} {
		if got := dialFailure(c.err); got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
}

func TestProviderWords(t *testing.T) {
	err := meta(138006, "(#138006) No approved call permission")
	if got, want := providerWords(err), "permission_missing: No approved call permission"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := providerWords(errors.New("boom")); got != "boom" {
		t.Errorf("got %q, want the error's own words", got)
	}
	if got := providerCode(err); got != "138006" {
		t.Errorf("code %q, want Meta's number", got)
	}
	if got := providerCode(fault.New(fault.NotFound, "x", "no_template", "")); got != "no_template" {
		t.Errorf("code %q, want our word", got)
	}
	if got := errorWords(nil); got != "" {
		t.Errorf("no errors are %q", got)
	}
	if got, want := errorWords([]whatsapp.Error{{Code: 138006, Message: "m"}, {Code: 1}}), "permission_missing: m"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTransience(t *testing.T) {
	for kind, again := range map[fault.Kind]bool{
		fault.Unavailable: true, fault.Unknown: true, fault.Conflict: false, fault.NotFound: false, fault.Invalid: false, fault.Denied: false,
		fault.Exhausted: false, fault.Internal: false,
	} {
		err := fault.New(kind, "x", "", "")
		if got := onlyTransient(err) != nil; got != again {
			t.Errorf("%s is told again: %v, want %v", kind, got, again)
		}
		if got := worthRepeating(err); got != again {
			t.Errorf("%s of a hang-up is repeated: %v, want %v", kind, got, again)
		}
	}
	if onlyTransient(nil) != nil {
		t.Error("no error is one")
	}
}

func TestIdentifiersOf(t *testing.T) {
	phone := func(v string) store.Identifier { return store.Identifier{Kind: "phone", Value: v} }
	bsuid := store.Identifier{Kind: "bsuid", Value: "BR.1"}
	for name, c := range map[string]struct {
		party whatsapp.Party
		want  []store.Identifier
	}{
		"a number with its ninth digit":    {whatsapp.Party{WaID: "5511987654321"}, []store.Identifier{phone("5511987654321"), phone("551187654321")}},
		"a number without it":              {whatsapp.Party{WaID: "551187654321"}, []store.Identifier{phone("551187654321"), phone("5511987654321")}},
		"a landline is nobody else":        {whatsapp.Party{WaID: "551133334444"}, []store.Identifier{phone("551133334444")}},
		"a number of another country":      {whatsapp.Party{WaID: "4915112345678"}, []store.Identifier{phone("4915112345678")}},
		"the lasting name comes first":     {whatsapp.Party{WaID: "4915112345678", UserID: "BR.1"}, []store.Identifier{bsuid, phone("4915112345678")}},
		"a user known by a user name only": {whatsapp.Party{UserID: "BR.1", Username: "ana"}, []store.Identifier{bsuid}},
		"nobody":                           {whatsapp.Party{Name: "Ana"}, nil},
	} {
		if got := identifiersOf(c.party); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
	own := ownIdentifiers(whatsapp.Party{WaID: "5511987654321", UserID: "BR.1"})
	if want := []contact.Identifier{{Kind: contact.KindBSUID, Value: "BR.1"}, {Kind: contact.KindPhone, Value: "5511987654321"}}; !slices.Equal(own, want) {
		t.Errorf("own names: got %v, want %v", own, want)
	}
}

func TestRecipientOf(t *testing.T) {
	s := contact.State{Identifiers: []contact.Identifier{
		{Kind: contact.KindEmail, Value: "a@b"}, {Kind: contact.KindPhone, Value: "5511987654321"}, {Kind: contact.KindPhone, Value: "5511911111111"},
		{Kind: contact.KindBSUID, Value: "BR.1"}, {Kind: contact.KindBSUID, Value: "BR.2"},
	}}
	if got, want := recipientOf(s), (whatsapp.Recipient{Phone: "5511987654321", BSUID: "BR.1"}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := recipientOf(contact.State{}); got != (whatsapp.Recipient{}) {
		t.Errorf("nobody is %+v", got)
	}
}

func TestCallingSettings(t *testing.T) {
	weekly := []line.Opening{{Day: "MONDAY", Open: "0800", Close: "1200"}, {Day: "MONDAY", Open: "1300", Close: "1800"}}
	for name, c := range map[string]struct {
		in                     line.Settings
		status, icon, callback string
	}{
		"all on":      {line.Settings{Calling: true, IconVisible: true, CallbackPermission: true}, "ENABLED", "DEFAULT", "ENABLED"},
		"all off":     {line.Settings{}, "DISABLED", "DISABLE_ALL", "DISABLED"},
		"hidden icon": {line.Settings{Calling: true, CallbackPermission: true}, "ENABLED", "DISABLE_ALL", "ENABLED"},
		"with hours":  {line.Settings{Calling: true, Hours: &line.Hours{TimeZone: "America/Recife", Weekly: weekly}}, "ENABLED", "DISABLE_ALL", "DISABLED"},
	} {
		t.Run(name, func(t *testing.T) {
			got := callingSettings(c.in)
			if got.Status != c.status || got.IconVisibility != c.icon || got.CallbackPermission != c.callback {
				t.Errorf("got %+v", got)
			}
			// Meta replaces hours whole and keeps what is left out: saying nothing would keep old hours for ever.
			if got.Hours == nil || len(got.Hours.Weekly) == 0 || got.Hours.Timezone == "" {
				t.Fatalf("hours: %+v", got.Hours)
			}
			if _, err := time.LoadLocation(got.Hours.Timezone); err != nil {
				t.Error(err)
			}
			if (got.Hours.Status == "ENABLED") != (c.in.Hours != nil) {
				t.Errorf("hours are %s", got.Hours.Status)
			}
			if c.in.Hours != nil {
				want := []whatsapp.WeeklyHours{{Day: "MONDAY", Open: "0800", Close: "1200"}, {Day: "MONDAY", Open: "1300", Close: "1800"}}
				if got.Hours.Timezone != "America/Recife" || !slices.Equal(got.Hours.Weekly, want) {
					t.Errorf("hours: %+v", got.Hours)
				}
			}
		})
	}
}

func TestLineSettingsRoundTrip(t *testing.T) {
	for name, s := range map[string]line.Settings{
		"around the clock": {Calling: true, IconVisible: true, CallbackPermission: true},
		"off":              {},
		"hours": {Calling: true, Hours: &line.Hours{
			TimeZone: "America/Sao_Paulo", Weekly: []line.Opening{{Day: "MONDAY", Open: "0800", Close: "1800"}},
			Holidays: []line.Holiday{{Date: "2026-12-25"}, {Date: "2026-12-24", Open: "0800", Close: "1200"}},
		}},
	} {
		view := settingsView(line.State{Settings: s, Version: 3, Synced: 3})
		if view.Pending || view.SyncError != "" {
			t.Errorf("%s: confirmed settings show as %+v", name, view)
		}
		raw, err := json.Marshal(view)
		ok(t, err)
		var back actors.LineSettings
		ok(t, json.Unmarshal(raw, &back))
		same(t, name, settingsOf(back), s)
	}
	v := settingsView(line.State{Version: 4, Synced: 3, SyncError: "bad_parameter: hours"})
	if !v.Pending || v.SyncError != "bad_parameter: hours" {
		t.Errorf("unconfirmed settings show as %+v", v)
	}
	if got := etagOf(line.State{Version: 4}); got != "4" {
		t.Errorf("etag %q", got)
	}
}

func TestIsOn(t *testing.T) {
	if isOn("", "ENABLED") != nil {
		t.Error("what was not said is something")
	}
	if got := isOn("ENABLED", "ENABLED"); got == nil || !*got {
		t.Error("on is not on")
	}
	if got := isOn("DISABLED", "ENABLED"); got == nil || *got {
		t.Error("off is not off")
	}
}

func TestTemplateParams(t *testing.T) {
	named, unnamed := contact.State{}, contact.State{}
	named.Name = "Ana Souza"
	for name, c := range map[string]struct {
		t    template
		s    contact.State
		want []string
	}{
		"no place":          {template{Name: "ask"}, named, nil},
		"the name":          {template{Name: "ask", WithName: true}, named, []string{"Ana Souza"}},
		"a name is unknown": {template{Name: "ask", WithName: true}, unnamed, []string{"cliente"}},
	} {
		if got := c.t.params(c.s); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func TestMetaLimits(t *testing.T) {
	got := metaLimits(whatsapp.ActionAllowance{Can: false, Limits: []whatsapp.Limit{
		{Period: 24 * time.Hour, Max: 5, Used: 5, Until: at(60)}, {Period: 7 * 24 * time.Hour, Max: 2, Used: 1},
	}})
	same(t, "limits", got, []contact.MetaLimit{{Period: "PT24H", Max: 5, Used: 5, ResetAt: at(60)}, {Period: "P7D", Max: 2, Used: 1}})
}

func TestContactRow(t *testing.T) {
	granted := func(s contact.PermissionStatus, until time.Time) contact.LineState {
		return contact.LineState{Permission: contact.Permission{Status: s, Until: until}}
	}
	for name, c := range map[string]struct {
		lines map[id.Line]contact.LineState
		until time.Time
		line  id.Line
	}{
		"no lines":           {nil, time.Time{}, ""},
		"none":               {map[id.Line]contact.LineState{"a": granted("", time.Time{})}, time.Time{}, ""},
		"temporary":          {map[id.Line]contact.LineState{"a": granted(contact.PermissionTemporary, at(60))}, at(60), "a"},
		"permanent":          {map[id.Line]contact.LineState{"a": granted(contact.PermissionPermanent, time.Time{})}, farAhead, "a"},
		"declined":           {map[id.Line]contact.LineState{"a": granted(contact.PermissionRefused, at(60))}, time.Time{}, ""},
		"expired":            {map[id.Line]contact.LineState{"a": granted(contact.PermissionOver, at(60))}, time.Time{}, ""},
		"revoked":            {map[id.Line]contact.LineState{"a": granted(contact.PermissionWithdrawn, at(60))}, time.Time{}, ""},
		"requested":          {map[id.Line]contact.LineState{"a": granted(contact.PermissionAsked, at(60))}, time.Time{}, ""},
		"the longest wins":   {map[id.Line]contact.LineState{"a": granted(contact.PermissionTemporary, at(60)), "b": granted(contact.PermissionTemporary, at(90))}, at(90), "b"},
		"permanent wins":     {map[id.Line]contact.LineState{"a": granted(contact.PermissionTemporary, at(60)), "b": granted(contact.PermissionPermanent, time.Time{})}, farAhead, "b"},
		"of two, always one": {map[id.Line]contact.LineState{"a": granted(contact.PermissionPermanent, time.Time{}), "b": granted(contact.PermissionPermanent, time.Time{})}, farAhead, "a"},
	} {
		t.Run(name, func(t *testing.T) {
			for range 20 {
				row := ContactRow(contact.State{Tenant: "acme", ID: "ct_1", Lines: c.lines}, 0, noon)
				if !row.MayCallUntil.Equal(c.until) || row.MayCallLine != c.line {
					t.Fatalf("got %v on %q, want %v on %q", row.MayCallUntil, row.MayCallLine, c.until, c.line)
				}
			}
		})
	}
}

func TestContactRowColumns(t *testing.T) {
	s := contact.State{
		Tenant: "acme", ID: "ct_1", LastActivity: at(1), Active: &contact.ActiveCall{Call: "call_1"},
		Profile: contact.Profile{Name: "Ana", Phone: "+5511987654321", Status: "new", Tags: []string{"a"}, OrderNo: "7", QuoteCents: 5, Assigned: "luis"},
		Lines:   map[id.Line]contact.LineState{"a": {WindowUntil: at(30)}, "b": {WindowUntil: at(40)}},
	}
	row := ContactRow(s, 6, noon)
	want := store.ContactRow{
		Tenant: "acme", ID: "ct_1", Bucket: id.Bucket("acme", "contact", "ct_1"), Version: 7, Base: 6, Name: "Ana", Phone: "5511987654321", Status: "new",
		Tags: []string{"a"}, OrderNo: "7", QuoteCents: 5, AssignedAgent: "luis", OngoingCall: "call_1", WindowUntil: at(40), LastActivity: at(1), UpdatedAt: noon,
	}
	state := row.State
	row.State = nil
	same(t, "row", row, want)
	var back contact.State
	ok(t, unpack(state, &back))
	same(t, "state", back, s)
}

// TestMayCallMeansMayCall: the column that the filter asks says what the contact itself would say.
func TestMayCallMeansMayCall(t *testing.T) {
	for _, status := range []contact.PermissionStatus{
		"", contact.PermissionNone, contact.PermissionAsked, contact.PermissionTemporary, contact.PermissionPermanent, contact.PermissionRefused,
		contact.PermissionOver, contact.PermissionWithdrawn,
	} {
		for _, until := range []time.Time{{}, noon.Add(-time.Second), noon.Add(time.Second)} {
			s := contact.State{Tenant: "acme", ID: "ct_1", Lines: map[id.Line]contact.LineState{"main": {Permission: contact.Permission{Status: status, Until: until}}}}
			column := ContactRow(s, 0, noon).MayCallUntil.After(noon)
			if core := contact.Assess(s, "main", noon).CanCall; column != core {
				t.Errorf("%q until %v: the column says %v, the contact %v", status, until, column, core)
			}
		}
	}
}
