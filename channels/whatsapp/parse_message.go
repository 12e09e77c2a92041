package whatsapp

import (
	"encoding/json"
	"strings"
)

type messageJSON struct {
	addressJSON
	ID        flexString `json:"id"`
	Timestamp flexInt    `json:"timestamp"`
	Type      flexString `json:"type"`
	Context   struct {
		ID flexString `json:"id"`
	} `json:"context"`
	Text struct {
		Body flexString `json:"body"`
	} `json:"text"`
	Button struct {
		Payload flexString `json:"payload"`
		Text    flexString `json:"text"`
	} `json:"button"`
	Interactive struct {
		Type       flexString    `json:"type"`
		Permission *replyJSON    `json:"call_permission_reply"`
		Button     selectionJSON `json:"button_reply"`
		List       selectionJSON `json:"list_reply"`
	} `json:"interactive"`
	Audio    mediaJSON         `json:"audio"`
	Image    mediaJSON         `json:"image"`
	Video    mediaJSON         `json:"video"`
	Document mediaJSON         `json:"document"`
	Sticker  mediaJSON         `json:"sticker"`
	System   systemJSON        `json:"system"`
	Errors   []json.RawMessage `json:"errors"`
}

type selectionJSON struct {
	ID          flexString `json:"id"`
	Title       flexString `json:"title"`
	Description flexString `json:"description"`
}

type mediaJSON struct {
	ID       flexString `json:"id"`
	MIME     flexString `json:"mime_type"`
	SHA256   flexString `json:"sha256"`
	Caption  flexString `json:"caption"`
	Filename flexString `json:"filename"`
	Voice    flexBool   `json:"voice"`
}

type replyJSON struct {
	Response   flexString `json:"response"`
	Permanent  flexBool   `json:"is_permanent"`
	Expiration flexInt    `json:"expiration_timestamp"`
	Source     flexString `json:"response_source"`
}

type systemJSON struct {
	Type       flexString `json:"type"`
	Body       flexString `json:"body"`
	WaID       flexString `json:"wa_id"`
	NewWaID    flexString `json:"new_wa_id"` // older name
	UserID     flexString `json:"user_id"`
	PreviousID flexString `json:"previous_user_id"`
}

func parseMessage(h Head, raw json.RawMessage) (Event, error) {
	var m messageJSON
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, malformed("a message: %v", err)
	}
	if m.ID == "" {
		return nil, malformed("a message without an id")
	}
	h.at(m.Timestamp)
	h.party(m.From, m.FromUserID, m.FromParentID)
	kind := strings.ToLower(string(m.Type))
	switch kind {
	case "interactive":
		if m.Interactive.Permission != nil || m.Interactive.Type == "call_permission_reply" {
			return m.permission(h)
		}
	case "system":
		if strings.HasPrefix(string(m.System.Type), "user_changed") {
			newID := m.System.WaID
			if newID == "" {
				newID = m.System.NewWaID
			}
			return IdentityChanged{Head: h, MessageID: string(m.ID), Kind: string(m.System.Type), NewWaID: Digits(string(newID)),
				NewUserID: string(m.System.UserID), PreviousUserID: string(m.System.PreviousID)}, nil
		}
	}
	out := InboundMessage{Head: h, MessageID: string(m.ID), Kind: kind, ContextID: string(m.Context.ID), Errors: decodeErrors(m.Errors)}
	m.content(&out)
	if out.Kind == "" {
		return nil, malformed("message %.80s has no type", m.ID)
	}
	return out, nil
}

func (m messageJSON) permission(h Head) (Event, error) {
	p := m.Interactive.Permission
	if p == nil {
		return nil, malformed("message %.80s: a permission reply without content", m.ID)
	}
	ev := PermissionReply{Head: h, MessageID: string(m.ID), Automatic: strings.EqualFold(string(p.Source), "automatic"), ContextID: string(m.Context.ID)}
	switch strings.ToLower(string(p.Response)) {
	case "accept":
		ev.Accepted, ev.Permanent = true, bool(p.Permanent)
		if !ev.Permanent {
			ev.ExpiresAt = p.Expiration.time()
		}
	case "reject":
	default:
		return nil, malformed("message %.80s: the permission reply is %.40q", m.ID, p.Response)
	}
	return ev, nil
}

// content fills in what belongs to the message's kind.
func (m messageJSON) content(out *InboundMessage) {
	media := func(j mediaJSON) {
		out.Media = Media{string(j.ID), string(j.MIME), string(j.SHA256), string(j.Filename), bool(j.Voice)}
		out.Text = string(j.Caption)
	}
	switch out.Kind {
	case "text":
		out.Text = string(m.Text.Body)
	case "button":
		out.Text, out.ReplyID = string(m.Button.Text), string(m.Button.Payload)
	case "interactive":
		reply := m.Interactive.Button
		switch m.Interactive.Type {
		case "button_reply":
		case "list_reply":
			reply = m.Interactive.List
		default:
			reply = selectionJSON{}
		}
		if m.Interactive.Type != "" {
			out.Kind = string(m.Interactive.Type)
		}
		out.Text, out.ReplyID, out.Description = string(reply.Title), string(reply.ID), string(reply.Description)
	case "system":
		out.Text = string(m.System.Body)
	case "audio":
		media(m.Audio)
	case "image":
		media(m.Image)
	case "video":
		media(m.Video)
	case "document":
		media(m.Document)
	case "sticker":
		media(m.Sticker)
	}
}
