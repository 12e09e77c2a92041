package whatsapp

import (
	"encoding/json"
	"strings"
)

// parseAccount reads a change of another field than calls and messages.
func parseAccount(entry entryJSON, ch changeJSON) (Event, error) {
	h := Head{Meta: Meta{WABA: string(entry.ID), At: entry.Time.time()}}
	// The digest is taken over the compact form: it must not change when the item is stored and read again.
	compact, err := json.Marshal(ch.Value)
	if err != nil {
		return nil, malformed("the value of %.40s: %v", ch.Field, err)
	}
	digest := digestOf(append([]byte(h.Meta.WABA+string(ch.Field)+h.Meta.At.String()), compact...))
	switch ch.Field {
	case fieldSettings:
		return parseSettingsUpdate(h, ch.Value, digest)
	case "account_update":
		return parseAccountUpdate(h, ch.Value, digest)
	}
	return Unknown{Head: h, Field: string(ch.Field), digest: digest}, nil
}

func parseSettingsUpdate(h Head, raw json.RawMessage, digest string) (Event, error) {
	var v struct {
		Timestamp flexInt    `json:"timestamp"`
		Type      flexString `json:"type"`
		Settings  struct {
			PhoneNumberID flexString      `json:"phone_number_id"`
			Calling       json.RawMessage `json:"calling"`
		} `json:"phone_number_settings"` // keys match in any case: Meta prints it in capitals too
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		return nil, malformed("account_settings_update: %v", err)
	}
	h.at(v.Timestamp)
	h.Meta.PhoneNumberID = string(v.Settings.PhoneNumberID)
	ev := AccountSettingsUpdate{Head: h, Type: strings.ToLower(string(v.Type)), digest: digest}
	if len(v.Settings.Calling) > 0 {
		calling, err := decodeCalling(v.Settings.Calling)
		if err != nil {
			return nil, malformed("account_settings_update: %v", err)
		}
		ev.Calling = calling
	}
	return ev, nil
}

func parseAccountUpdate(h Head, raw json.RawMessage, digest string) (Event, error) {
	var v struct {
		Event     flexString `json:"event"`
		Violation struct {
			Type        flexString `json:"violation_type"`
			Remediation flexString `json:"remediation"`
		} `json:"violation_info"`
		Restrictions json.RawMessage `json:"restriction_info"`
		Tier         *struct {
			Category flexString `json:"pricing_category"`
			Tier     flexString `json:"tier"`
			Month    flexString `json:"effective_month"`
			Region   flexString `json:"region"`
			Updated  flexInt    `json:"tier_update_time"`
		} `json:"volume_tier_info"`
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		return nil, malformed("account_update: %v", err)
	}
	ev := AccountUpdate{Head: h, Event: strings.ToUpper(string(v.Event)), Violation: strings.ToUpper(string(v.Violation.Type)),
		Remediation: string(v.Violation.Remediation), digest: digest}
	var list []restrictionJSON
	if len(v.Restrictions) > 0 && json.Unmarshal(v.Restrictions, &list) != nil {
		var one restrictionJSON // a single object instead of a list
		if json.Unmarshal(v.Restrictions, &one) == nil {
			list = []restrictionJSON{one}
		}
	}
	ev.Restrictions = restrictions(list)
	if t := v.Tier; t != nil {
		ev.Tier = &VolumeTier{string(t.Category), string(t.Tier), string(t.Month), string(t.Region), t.Updated.time()}
	}
	return ev, nil
}
