package host

import (
	"context"
	"strconv"

	"ramal/actors"
	"ramal/actors/line"
	"ramal/internal/fault"
	"ramal/internal/id"
	"ramal/store"
)

// LineSettings implements actors.Reader.
func (h *Host) LineSettings(ctx context.Context, who actors.Who, l id.Line) (actors.LineSettings, string, error) {
	s, err := peekAt[line.State](ctx, h, kindLine, lineID(who.Tenant, l))
	if err != nil {
		return actors.LineSettings{}, "", err
	}
	return settingsView(s), etagOf(s), nil
}

// SaveLineSettings implements actors.Reader.
func (h *Host) SaveLineSettings(ctx context.Context, who actors.Who, l id.Line, etag string, in actors.LineSettings) (actors.LineSettings, string, error) {
	const op = "line.settings"
	if who.Role != "supervisor" && who.Role != "admin" {
		return actors.LineSettings{}, "", fault.New(fault.Denied, op, "role_missing", "supervisors and admins change line settings")
	}
	base, err := strconv.ParseInt(etag, 10, 64)
	if err != nil {
		return actors.LineSettings{}, "", fault.New(fault.Conflict, op, "etag_mismatch", "the settings have changed since they were read")
	}
	s, err := askLine(ctx, h, lineID(who.Tenant, l), line.SaveSettings{Settings: settingsOf(in), By: who.Agent, Base: base})
	if err != nil {
		return actors.LineSettings{}, "", err
	}
	now := h.now()
	err = h.store.PutAudit(ctx, store.AuditRow{
		Tenant: who.Tenant, ID: id.New("audit", now), Actor: "agent:" + string(who.Agent), Action: "line.settings_changed",
		Subject: "line:" + string(l), Data: mustJSON(s.Settings), At: now,
	})
	return settingsView(s), etagOf(s), err
}

func etagOf(s line.State) string { return strconv.FormatInt(s.Version, 10) }

func settingsView(s line.State) actors.LineSettings {
	v := actors.LineSettings{
		Calling: s.Settings.Calling, IconVisible: s.Settings.IconVisible, CallbackPermission: s.Settings.CallbackPermission,
		Pending: s.Synced != s.Version, SyncError: s.SyncError,
	}
	if hours := s.Settings.Hours; hours != nil {
		v.Hours = &actors.LineHours{TimeZone: hours.TimeZone}
		for _, o := range hours.Weekly {
			v.Hours.Weekly = append(v.Hours.Weekly, actors.WeeklyHours(o))
		}
		for _, d := range hours.Holidays {
			v.Hours.Holidays = append(v.Hours.Holidays, actors.Holiday(d))
		}
	}
	return v
}

func settingsOf(v actors.LineSettings) line.Settings {
	s := line.Settings{Calling: v.Calling, IconVisible: v.IconVisible, CallbackPermission: v.CallbackPermission}
	if v.Hours != nil {
		s.Hours = &line.Hours{TimeZone: v.Hours.TimeZone}
		for _, o := range v.Hours.Weekly {
			s.Hours.Weekly = append(s.Hours.Weekly, line.Opening(o))
		}
		for _, d := range v.Hours.Holidays {
			s.Hours.Holidays = append(s.Hours.Holidays, line.Holiday(d))
		}
	}
	return s
}
