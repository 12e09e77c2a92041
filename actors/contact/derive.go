package contact

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"ramal/internal/id"
)

// Effects derives what a shell must do about an event that is durable. It is pure, and skipped when state is loaded.
func Effects(before State, ev Event, after State) []Effect {
	switch e := ev.(type) {
	case PermissionRequested:
		return []Effect{SendPermissionRequest{Line: e.Line, Message: e.Message, Agent: e.Agent, Via: e.Via, Text: e.Text}, ContactChanged{}}
	case RequestAbandoned:
		if e.Agent == "" || e.Code == codePermanent { // the permission itself is the news
			return []Effect{ContactChanged{}}
		}
		return []Effect{NotifyAgent{
			Agent: e.Agent, Kind: NoticeRequestFailed, Key: key(NoticeRequestFailed, after.ID, string(e.Message)), Line: e.Line,
			Detail: e.Code, At: e.At,
		}, ContactChanged{}}
	case PermissionGranted:
		if e.Source == SourceSync && before.Lines[e.Line].Permission.Status == e.Status {
			return []Effect{ContactChanged{}} // only its end was corrected
		}
		p := after.Lines[e.Line].Permission
		entry := entryOf(EntryPermissionReply, e.Line, p.Status, e.Source, e.At)
		entry.Until = e.Until
		n := NotifyAgent{Kind: NoticeGranted, Line: e.Line, Until: e.Until, Permanent: e.Status == PermissionPermanent, At: e.At}
		return told(after.ID, entry, n, asker(after, e.Line))
	case PermissionDeclined:
		entry := entryOf(EntryPermissionReply, e.Line, PermissionRefused, e.Source, e.At)
		return told(after.ID, entry, NotifyAgent{Kind: NoticeDeclined, Line: e.Line, At: e.At}, asker(after, e.Line))
	case PermissionRevoked:
		entry := entryOf(EntryPermissionReply, e.Line, PermissionWithdrawn, e.Source, e.At)
		return told(after.ID, entry, NotifyAgent{Kind: NoticeRevoked, Line: e.Line, Detail: e.Source, At: e.At}, askerAndAssigned(after, e.Line))
	case PermissionExpired:
		entry := entryOf(EntryPermissionExpired, e.Line, PermissionOver, "", e.Until)
		return told(after.ID, entry, NotifyAgent{Kind: NoticeExpired, Line: e.Line, Until: e.Until, At: e.At}, askerAndAssigned(after, e.Line))
	case CallReplaced:
		return []Effect{ReplaceCall{Call: e.Call, By: e.By}}
	case CallClosed:
		return []Effect{RecordSystemMessage{
			Key: EntryCall + "-" + string(e.Call), Kind: EntryCall, Line: e.Line, Call: e.Call, Direction: e.Direction,
			Answered: e.Answered, Reason: e.Reason, At: e.At,
		}, ContactChanged{}}
	case Created, Edited, IdentifiersAdded, OrderRecorded, RequestLapsed, LimitsLearned, CallReserved, CallOpened, CallReleased,
		CallLapsed, CallAnswered, WindowOpened, Conversed:
		return []Effect{ContactChanged{}}
	case RequestAcknowledged, CallRenewed:
		return nil
	}
	panic("contact: unknown event " + ev.eventName())
}

// told is an entry in the conversation, a notice to each agent, and the hint.
func told(who id.Contact, entry RecordSystemMessage, n NotifyAgent, agents []id.Agent) []Effect {
	out := []Effect{entry}
	n.Key = key(n.Kind, who, string(n.Line), strconv.FormatInt(entry.At.UnixMilli(), 10))
	for _, agent := range agents {
		n.Agent = agent
		out = append(out, n)
	}
	return append(out, ContactChanged{})
}

// asker is who asked for the permission last, or else who is assigned.
func asker(s State, line id.Line) []id.Agent {
	if by := s.Lines[line].Permission.RequestedBy; by != "" {
		return []id.Agent{by}
	}
	if s.Assigned != "" {
		return []id.Agent{s.Assigned}
	}
	return nil
}

func askerAndAssigned(s State, line id.Line) []id.Agent {
	out := asker(s, line)
	if s.Assigned != "" && !slices.Contains(out, s.Assigned) {
		out = append(out, s.Assigned)
	}
	return out
}

func entryOf(kind string, line id.Line, p PermissionStatus, source string, at time.Time) RecordSystemMessage {
	return RecordSystemMessage{
		Key: key(kind, line, string(p), strconv.FormatInt(at.UnixMilli(), 10)), Kind: kind, Line: line, Permission: p, Source: source, At: at,
	}
}

func key[T ~string](kind string, of T, more ...string) string {
	return strings.Join(append([]string{kind, string(of)}, more...), "-")
}
