package graph

import (
	"slices"
	"strings"

	"ramal/sim/cloud"
	"ramal/sim/metaerr"
	"ramal/sim/settings"
)

func (h *Handler) getSettings(r *request) (any, *metaerr.Error) {
	s, e := h.cloud.Settings(r.token, r.id, r.query.Get("include_sip_credentials") == "true")
	if e != nil {
		return nil, e
	}
	return map[string]any{"calling": s, "storage_configuration": map[string]any{"status": "DEFAULT"}}, nil
}

func (h *Handler) postSettings(r *request) (any, *metaerr.Error) {
	if e := r.only("calling"); e != nil {
		return nil, e
	}
	if _, ok := r.body["calling"]; !ok {
		return nil, metaerr.New(100, "calling is required")
	}
	var patch settings.Calling
	if e := r.into("calling", &patch); e != nil {
		return nil, e
	}
	return success, h.cloud.UpdateSettings(r.token, r.id, patch)
}

func (h *Handler) postTemplate(r *request) (any, *metaerr.Error) {
	if e := r.only("name", "language", "category", "components", "allow_category_change", "parameter_format"); e != nil {
		return nil, e
	}
	in := cloud.Template{Name: r.text("name"), Language: r.text("language"), Category: strings.ToUpper(r.text("category"))}
	if e := r.into("components", &in.Components); e != nil {
		return nil, e
	}
	t, e := h.cloud.CreateTemplate(r.token, r.id, in)
	if e != nil {
		return nil, e
	}
	return map[string]any{"id": t.ID, "status": t.Status, "category": t.Category}, nil
}

func (h *Handler) subscribe(r *request) (any, *metaerr.Error) {
	if e := r.only("object", "callback_url", "verify_token", "fields", "include_values", "access_token"); e != nil {
		return nil, e
	}
	if r.text("object") != "whatsapp_business_account" {
		return nil, metaerr.New(100, "object must be whatsapp_business_account")
	}
	var fields []string
	if e := r.into("fields", &fields); e != nil { // a JSON list, or a comma-separated string
		fields = strings.FieldsFunc(r.text("fields"), func(c rune) bool { return c == ',' || c == ' ' })
	}
	fields = slices.DeleteFunc(fields, func(s string) bool { return s == "" })
	return success, h.cloud.Subscribe(r.ctx, r.token, r.id, r.text("callback_url"), r.text("verify_token"), fields)
}

func (h *Handler) subscribeAccount(r *request) (any, *metaerr.Error) {
	if e := r.only("override_callback_uri", "verify_token", "access_token"); e != nil {
		return nil, e
	}
	return success, h.cloud.SubscribeAccount(r.ctx, r.token, r.id, r.text("override_callback_uri"), r.text("verify_token"))
}

func (h *Handler) subscribedApps(r *request) (any, *metaerr.Error) {
	apps, e := h.cloud.SubscribedApps(r.token, r.id)
	if e != nil {
		return nil, e
	}
	data := []map[string]any{}
	for _, a := range apps {
		item := map[string]any{"whatsapp_business_api_data": map[string]any{
			"id": a.ID, "name": a.Name, "link": "https://www.facebook.com/games/?app_id=" + a.ID,
		}}
		if a.Override != "" {
			item["override_callback_uri"] = a.Override
		}
		data = append(data, item)
	}
	return map[string]any{"data": data}, nil
}
