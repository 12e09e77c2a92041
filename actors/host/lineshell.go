package host

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"ramal/actors/call"
	"ramal/actors/contact"
	"ramal/actors/line"
	"ramal/channels/whatsapp"
	"ramal/internal/fault"
	"ramal/internal/id"
	"ramal/store"
)

// lineBook keeps the rows of lines, with their credentials, and the providers made from them, for a short time:
// operators change them rarely, calls need them always. Guarded by mu.
type lineBook struct {
	mu struct {
		sync.Mutex
		byID     map[[2]string]lineEntry
		byNumber map[string]lineEntry
	}
}

type lineEntry struct {
	row      store.LineRow
	provider Provider
	err      error
	until    time.Time
}

const lineFresh = 15 * time.Second

func newLineBook() *lineBook {
	b := &lineBook{}
	b.mu.byID = map[[2]string]lineEntry{}
	b.mu.byNumber = map[string]lineEntry{}
	return b
}

func (b *lineBook) put(e lineEntry) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.mu.byID[[2]string{string(e.row.Tenant), string(e.row.ID)}] = e
	b.mu.byNumber[e.row.PhoneNumberID] = e
}

// lineEntry finds a line; when the store is away an old entry still serves.
func (h *Host) lineEntry(ctx context.Context, tenant id.Tenant, l id.Line) (lineEntry, error) {
	h.lines.mu.Lock()
	e, known := h.lines.mu.byID[[2]string{string(tenant), string(l)}]
	h.lines.mu.Unlock()
	return h.refresh(e, known, func() (store.LineRow, error) { return h.store.GetLine(ctx, tenant, l) })
}

func (h *Host) lineByNumber(ctx context.Context, phoneNumberID string) (lineEntry, error) {
	h.lines.mu.Lock()
	e, known := h.lines.mu.byNumber[phoneNumberID]
	h.lines.mu.Unlock()
	return h.refresh(e, known, func() (store.LineRow, error) { return h.store.LineByPhoneNumberID(ctx, phoneNumberID) })
}

func (h *Host) refresh(e lineEntry, known bool, read func() (store.LineRow, error)) (lineEntry, error) {
	if known && (h.now().Before(e.until) || !h.store.Healthy()) {
		return e, nil
	}
	row, err := read()
	switch {
	case err != nil && known && fault.Is(err, fault.Unavailable):
		return e, nil
	case err != nil:
		return lineEntry{}, err
	}
	e = lineEntry{row: row, until: h.now().Add(lineFresh)}
	e.provider, e.err = h.providers(row)
	h.lines.put(e)
	return e, nil
}

// provider finds who carries a line's calls and messages.
func (h *Host) provider(ctx context.Context, tenant id.Tenant, l id.Line) (Provider, error) {
	e, err := h.lineEntry(ctx, tenant, l)
	if err != nil {
		return nil, err
	}
	return e.provider, e.err
}

// template is the approved message that asks for permission outside the service window.
type template struct {
	Name     string `json:"permission_template"`
	Language string `json:"permission_template_language"`
	WithName bool   `json:"permission_template_with_name"` // its body has one place: the contact's name
}

func (t template) params(s contact.State) []string {
	if !t.WithName {
		return nil
	}
	if s.Name == "" {
		return []string{"cliente"}
	}
	return []string{s.Name}
}

// requestTemplate reads the tenant's template. Fault: NotFound "no_template".
func (h *Host) requestTemplate(ctx context.Context, tenant id.Tenant, _ id.Line) (template, error) {
	row, err := h.store.GetTenant(ctx, tenant)
	if err != nil {
		return template{}, err
	}
	var t template
	if err := unpack(row.Settings, &t); err != nil {
		return template{}, err
	}
	if t.Name == "" {
		return template{}, fault.New(fault.NotFound, "host.template", "no_template", "the tenant has no permission template")
	}
	if t.Language == "" {
		t.Language = "pt_BR"
	}
	return t, nil
}

func (h *Host) performLine(v *lineActor, eff line.Effect) {
	tenant, l := v.who.Tenant, id.Line(v.who.Key)
	switch e := eff.(type) {
	case line.PushSettings:
		h.lanes.run(v.lane("line"), func(ctx context.Context) { h.pushSettings(ctx, tenant, l, e) })
	case line.SettingsChanged:
		h.log.Info("line settings", slog.String("line", v.who.Key), slog.Int64("version", e.Version), slog.Bool("pending", e.Pending), slog.Any("drift", e.Drift))
	case line.ConcurrencyWarning:
		h.log.Warn("line fills up: above its limit callers hear an error and no webhook comes", slog.String("line", v.who.Key), slog.Int("calls", e.Calls), slog.Int("max", e.Max))
	}
}

func (h *Host) pushSettings(ctx context.Context, tenant id.Tenant, l id.Line, e line.PushSettings) {
	pushCtx, cancel := context.WithTimeout(ctx, providerWait)
	defer cancel()
	p, err := h.provider(pushCtx, tenant, l)
	if err == nil {
		err = p.UpdateSettings(pushCtx, callingSettings(e.Settings))
	}
	var cmd line.Command = line.SettingsPushed{Version: e.Version}
	if err != nil {
		permanent := fault.Is(err, fault.Invalid) || fault.Is(err, fault.Denied) || fault.Is(err, fault.NotFound)
		cmd = line.SettingsPushFailed{Version: e.Version, Code: fault.CodeOf(err), Detail: providerWords(err), Permanent: permanent}
	}
	h.persist(ctx, tellFor, line.CommandName(cmd), func(ctx context.Context) error {
		_, err := askLine(ctx, h, lineID(tenant, l), cmd)
		return onlyTransient(err)
	})
}

// callingSettings translates our settings into Meta's words ("Cloud API calling, call settings").
func callingSettings(s line.Settings) whatsapp.CallingSettings {
	out := whatsapp.CallingSettings{Status: onOff(s.Calling), IconVisibility: "DISABLE_ALL", CallbackPermission: onOff(s.CallbackPermission)}
	if s.IconVisible {
		out.IconVisibility = "DEFAULT"
	}
	if s.Hours == nil {
		out.Hours = alwaysOpen()
		return out
	}
	hours := &whatsapp.CallHours{Status: "ENABLED", Timezone: s.Hours.TimeZone}
	for _, o := range s.Hours.Weekly {
		hours.Weekly = append(hours.Weekly, whatsapp.WeeklyHours{Day: o.Day, Open: o.Open, Close: o.Close})
	}
	for _, d := range s.Hours.Holidays {
		hours.Holidays = append(hours.Holidays, closedSpans(d)...)
	}
	out.Hours = hours
	return out
}

// closedSpans are the times of a holiday at which nobody is there: Meta's example of a holiday names the closed span. Its
// page can be read otherwise too, so our own gate decides, whatever phones show.
func closedSpans(d line.Holiday) []whatsapp.Holiday {
	if d.Open == "" {
		return []whatsapp.Holiday{{Date: d.Date, Start: "0000", End: "2359"}}
	}
	var out []whatsapp.Holiday
	if d.Open > "0000" {
		out = append(out, whatsapp.Holiday{Date: d.Date, Start: "0000", End: d.Open})
	}
	if d.Close < "2359" {
		out = append(out, whatsapp.Holiday{Date: d.Date, Start: d.Close, End: "2359"})
	}
	return out
}

// alwaysOpen switches hours off; Meta wants a zone and at least one opening all the same.
func alwaysOpen() *whatsapp.CallHours {
	hours := &whatsapp.CallHours{Status: "DISABLED", Timezone: "America/Sao_Paulo"}
	for _, day := range []string{"MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"} {
		hours.Weekly = append(hours.Weekly, whatsapp.WeeklyHours{Day: day, Open: "0000", Close: "2359"})
	}
	return hours
}

func onOff(on bool) string {
	if on {
		return "ENABLED"
	}
	return "DISABLED"
}

// endOnLine frees the call's place on its line.
func (h *Host) endOnLine(tenant id.Tenant, l id.Line, c id.Call) {
	h.lanes.run("call/"+string(c)+"/line", func(ctx context.Context) {
		h.persist(ctx, tellFor, "call_gone", func(ctx context.Context) error {
			_, err := askLine(ctx, h, lineID(tenant, l), line.CallGone{Call: c})
			return onlyTransient(err)
		})
	})
}

// renewCall prolongs the leases that a call holds on its contact and line.
func (h *Host) renewCall(s call.State, until time.Time) {
	tenant, l, c := s.Tenant, s.Line, s.Call
	h.lanes.run("call/"+string(c)+"/renew", func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, renewEvery)
		defer cancel()
		to := contactID(tenant, s.Contact)
		_, err := askContact(ctx, h, to, contact.RenewCall{Call: c, Until: until})
		if fault.CodeOf(err) == "call_unknown" && !s.AnsweredAt.IsZero() { // the lease ran out during an outage: take it again
			_, err = askContact(ctx, h, to, contact.CallConnected{
				Call: c, Line: l, Direction: contact.Direction(s.Direction), Agent: first(s.Agents()), At: s.AnsweredAt,
			})
		}
		if err != nil {
			h.log.Warn("lease on the contact not renewed", slog.String("call", string(c)), slog.Any("error", err))
		}
		if _, err := askLine(ctx, h, lineID(tenant, l), line.RenewCall{Call: c, Until: until}); err != nil {
			h.log.Warn("lease on the line not renewed", slog.String("call", string(c)), slog.Any("error", err))
		}
	})
}
