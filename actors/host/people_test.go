package host

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"ramal/actors"
	"ramal/actors/agent"
	"ramal/actors/call"
	"ramal/actors/contact"
	"ramal/actors/line"
	"ramal/channels/whatsapp"
	"ramal/internal/fault"
	"ramal/internal/id"
	"ramal/store"
)

// permissionReply is Ana's word on calling.
func permissionReply(n int, answer, until string) string {
	return webhookOf("messages", fmt.Sprintf(anaCard+`"messages":[{"id":"wamid.reply.%d","from":%q,"timestamp":"%d","type":"interactive","interactive":{"type":"call_permission_reply","call_permission_reply":{"response":%q,"expiration_timestamp":%q,"response_source":"user_action","is_permanent":%v}}}]`,
		n, anaNumber, stamp(time.Now()), answer, until, until == "" && answer == "accept"))
}

func textMessage(n int, text string) string {
	return webhookOf("messages", fmt.Sprintf(anaCard+`"messages":[{"id":"wamid.in.%d","from":%q,"timestamp":"%d","type":"text","text":{"body":%q}}]`,
		n, anaNumber, stamp(time.Now()), text))
}

func messageStatus(provider, word, errors string) string {
	return webhookOf("messages", fmt.Sprintf(`"statuses":[{"id":%q,"status":%q,"timestamp":"%d","recipient_id":%q%s}]`, provider, word, stamp(time.Now()), anaNumber, errors))
}

// timeline reads Ana's conversation, oldest first.
func (r *rig) timeline() (out []actors.MessageView) {
	r.t.Helper()
	page, err := r.h.Messages(context.Background(), actors.Who{Tenant: acme, Agent: "luis"}, r.ana, 50, "")
	ok(r.t, err)
	slices.Reverse(page.Items)
	return page.Items
}

// entry waits until the conversation has an entry that matches.
func (r *rig) entry(what string, match func(actors.MessageView) bool) (v actors.MessageView) {
	r.t.Helper()
	eventually(r.t, what, func() bool {
		for _, m := range r.timeline() {
			if match(m) {
				v = m
				return true
			}
		}
		return false
	})
	return v
}

// TestPermissionRequest: by template outside the window, free-form inside; the reply reaches whoever asked, on any screen.
func TestPermissionRequest(t *testing.T) {
	r := newRig(t)
	luis, second := r.open("luis"), r.open("luis")
	ask := func() (actors.Requested, error) {
		got, err := r.h.Do(t.Context(), luis.who, actors.RequestPermission{Contact: r.ana, Line: mainLine, Text: "Posso ligar?"})
		if err != nil {
			return actors.Requested{}, err
		}
		return got.(actors.Requested), nil
	}
	q, err := ask()
	ok(t, err)
	if q.Via != contact.ViaTemplate || q.MessageID == "" {
		t.Errorf("the answer is %+v", q)
	}
	eventually(t, "the template goes out", func() bool { return len(r.meta.seen("template")) == 1 })
	if got := r.meta.seen("template")[0].text; got != "ask pt_BR Ana Souza" {
		t.Errorf("the template is %q", got)
	}
	r.entry("the request is in the conversation, as sent", func(m actors.MessageView) bool {
		return m.ID == q.MessageID && m.Kind == "permission_request" && m.Direction == "out" && m.AgentID == "luis" && m.AgentName == "Luis" && m.Status == "sent"
	})
	_, err = ask()
	wantFault(t, "a second request", err, fault.Exhausted, contact.CodeRequestLimitDay)

	r.hook(permissionReply(1, "accept", fmt.Sprint(stamp(time.Now().Add(7*24*time.Hour)))))
	for _, x := range []*tab{luis, second} {
		if n := x.notice(t, "permission_granted"); n.ContactID != r.ana || n.LineID != mainLine || n.Until == nil {
			t.Errorf("the notice is %+v", n)
		}
	}
	r.entry("the reply is in the conversation", func(m actors.MessageView) bool { return m.Kind == "permission_reply" && m.Direction == "system" })
	e, err := r.h.Eligibility(t.Context(), luis.who, r.ana, mainLine)
	ok(t, err)
	if !e.CanCall || e.Permission != "granted_temporary" || e.WindowUntil == nil {
		t.Errorf("after the reply: %+v", e)
	}
	_, err = r.h.Do(t.Context(), luis.who, actors.AckNotices{IDs: []string{luis.notice(t, "permission_granted").ID}})
	ok(t, err)
	eventually(t, "the notice leaves the other tab too", func() bool { return len(second.got(actors.EventNoticeAcked)) == 1 })
}

func TestPermissionRequestInTheWindow(t *testing.T) {
	r := newRig(t)
	luis := r.open("luis")
	r.hook(textMessage(1, "bom dia"))
	r.entry("the message arrives", func(m actors.MessageView) bool { return m.Text == "bom dia" && m.Direction == "in" })
	r.processed("inboundmessage", "done", 1)
	got, err := r.h.Do(t.Context(), luis.who, actors.RequestPermission{Contact: r.ana, Line: mainLine, Text: "Posso ligar?"})
	ok(t, err)
	if q := got.(actors.Requested); q.Via != contact.ViaInteractive {
		t.Errorf("it went out by %q", q.Via)
	}
	eventually(t, "the request goes out", func() bool { return len(r.meta.seen("request")) == 1 })
	if got := r.meta.seen("request")[0].text; got != "Posso ligar?" {
		t.Errorf("its text is %q", got)
	}
	r.hook(permissionReply(1, "reject", ""))
	luis.notice(t, "permission_declined")
	_, err = r.dial(luis)
	wantFault(t, "calling now", err, fault.Denied, contact.CodePermissionMissing)
}

// TestPermissionRequestFails: whoever asked is told, the place in the limits is free again, and the conversation says what happened.
func TestPermissionRequestFails(t *testing.T) {
	r := newRig(t)
	luis := r.open("luis")
	r.meta.when("template", func(context.Context) error { return meta(132001, "template does not exist") })
	got, err := r.h.Do(t.Context(), luis.who, actors.RequestPermission{Contact: r.ana, Line: mainLine})
	ok(t, err)
	q := got.(actors.Requested)
	if n := luis.notice(t, "request_failed"); n.ContactID != r.ana || n.Detail == "" {
		t.Errorf("the notice is %+v", n)
	}
	m := r.entry("the conversation says that it failed", func(m actors.MessageView) bool { return m.ID == q.MessageID && m.Status == "failed" })
	if !strings.Contains(m.Error, "template does not exist") {
		t.Errorf("its error is %q", m.Error)
	}
	r.meta.when("template", nil)
	if _, err := r.h.Do(t.Context(), luis.who, actors.RequestPermission{Contact: r.ana, Line: mainLine}); err != nil {
		t.Errorf("a new request after one that never left: %v", err)
	}
}

// TestMetasOwnLimits: what Meta says of the limits is asked for when it is old, and obeyed.
func TestMetasOwnLimits(t *testing.T) {
	r := newRig(t)
	luis := r.open("luis")
	r.allow()
	r.meta.mu.Lock()
	r.meta.allows = &whatsapp.Permissions{Status: whatsapp.PermissionPermanent, Request: whatsapp.ActionAllowance{Can: true}, Call: whatsapp.ActionAllowance{
		Limits: []whatsapp.Limit{{Period: 24 * time.Hour, Max: 5, Used: 5, Until: time.Now().Add(time.Hour)}},
	}}
	r.meta.mu.Unlock()
	_, err := r.dial(luis)
	wantFault(t, "dialling", err, fault.Exhausted, contact.CodeMetaDailyLimit)
	for range 3 {
		e, err := r.h.Eligibility(t.Context(), luis.who, r.ana, mainLine)
		ok(t, err)
		if e.CanCall || len(e.CallReasons) != 1 || e.CallReasons[0].NextAllowedAt == nil {
			t.Errorf("the view says %+v", e)
		}
	}
	if n := len(r.meta.seen("permissions")); n != 1 {
		t.Errorf("Meta was asked %d times within minutes", n)
	}
}

func TestMessages(t *testing.T) {
	r := newRig(t)
	luis := r.open("luis")
	send := func(text string) (actors.Requested, error) {
		got, err := r.h.Do(t.Context(), luis.who, actors.SendText{Contact: r.ana, Line: mainLine, Text: text})
		if err != nil {
			return actors.Requested{}, err
		}
		return got.(actors.Requested), nil
	}
	_, err := send("olá")
	wantFault(t, "outside the window", err, fault.Conflict, "window_closed")
	r.hook(textMessage(1, "bom dia"))
	r.processed("inboundmessage", "done", 1)
	for name, text := range map[string]string{"empty": "", "too long": strings.Repeat("á", 4097)} {
		if _, err := send(text); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	q, err := send(strings.Repeat("á", 4096))
	ok(t, err)
	m := r.entry("it is in the conversation, as sent", func(m actors.MessageView) bool { return m.ID == q.MessageID && m.Status == "sent" })
	if m.Direction != "out" || m.Kind != "text" || m.AgentID != "luis" {
		t.Errorf("the entry is %+v", m)
	}
	row, err := r.st.FindMessageByProviderID(t.Context(), acme, mainLine, "wamid."+r.meta.seen("text")[0].call)
	ok(t, err)
	for _, word := range []string{"delivered", "read", "delivered"} { // the last one comes late
		r.hook(messageStatus(row.ProviderID, word, ""))
	}
	r.processed("messagestatus", "done", 2) // the repetition is dropped by the inbox
	r.entry("it was read", func(m actors.MessageView) bool { return m.ID == q.MessageID && m.Status == "read" })

	r.meta.when("text", func(context.Context) error { return meta(131047, "Re-engagement message") })
	if _, err := send("oi"); err == nil {
		t.Error("a refusal of the provider is no error")
	}
	r.entry("the failed one says so", func(m actors.MessageView) bool { return m.Text == "oi" && m.Status == "failed" && m.Error != "" })

	r.meta.when("text", func(context.Context) error { return refused(fault.Unknown, "unknown_outcome") })
	if _, err := send("ei"); !fault.Is(err, fault.Unknown) {
		t.Errorf("an unknown outcome: %v", err)
	}
	r.entry("one of unknown outcome stays pending", func(m actors.MessageView) bool { return m.Text == "ei" && m.Status == "pending" })

	got, err := r.h.Do(t.Context(), luis.who, actors.SendCallButton{Contact: r.ana, Line: mainLine})
	ok(t, err)
	r.entry("the button is in the conversation", func(m actors.MessageView) bool {
		return m.ID == got.(actors.Requested).MessageID && m.Kind == "call_button" && m.Text != ""
	})
	if n := len(r.timeline()); n != 5 {
		t.Errorf("%d entries, want 5: one in, four out", n)
	}
}

// TestStatusesNeverGoBack: a late "delivered" does not take "read" from the eyes of the agents either.
func TestStatusesNeverGoBack(t *testing.T) {
	r := newRig(t)
	luis := r.open("luis")
	r.hook(textMessage(1, "bom dia"))
	r.processed("inboundmessage", "done", 1)
	_, err := r.h.Do(t.Context(), luis.who, actors.SendText{Contact: r.ana, Line: mainLine, Text: "olá"})
	ok(t, err)
	provider := "wamid." + r.meta.seen("text")[0].call
	r.hook(messageStatus(provider, "read", ""))
	r.processed("messagestatus", "done", 1)
	r.hook(messageStatus(provider, "delivered", ""))
	r.processed("messagestatus", "done", 2)
	var last actors.MessageView
	for _, p := range luis.got(actors.HintMessage) {
		var v actors.MessageView
		ok(t, unpack(p.Data, &v))
		if v.Text == "olá" {
			last = v
		}
	}
	if last.Status != "read" {
		t.Errorf("the last that the tab heard of it is %q", last.Status)
	}
}

// TestIdentityChanges: a new number, and the user ids of 2026, lead to the same person.
func TestIdentityChanges(t *testing.T) {
	r := newRig(t)
	r.hook(webhookOf("messages", fmt.Sprintf(`"contacts":[{"profile":{"name":"Ana"},"wa_id":%q,"user_id":"BR.77"}],"messages":[{"id":"wamid.a","from":%q,"from_user_id":"BR.77","timestamp":"%d","type":"text","text":{"body":"um"}}]`,
		anaNumber, anaNumber, stamp(time.Now()))))
	r.processed("inboundmessage", "done", 1)
	who, err := r.st.ResolveIdentifier(t.Context(), acme, store.Identifier{Kind: "bsuid", Value: "BR.77"})
	if err != nil || who != r.ana {
		t.Errorf("the user id leads to %q, %v", who, err)
	}
	r.hook(webhookOf("messages", fmt.Sprintf(`"contacts":[{"user_id":"BR.77"}],"messages":[{"id":"wamid.b","from_user_id":"BR.77","timestamp":"%d","type":"text","text":{"body":"dois"}}]`, stamp(time.Now()))))
	r.processed("inboundmessage", "done", 2)
	r.entry("a message without a number", func(m actors.MessageView) bool { return m.Text == "dois" })
	s, err := peekAt[contact.State](t.Context(), r.h, kindContact, contactID(acme, r.ana))
	ok(t, err)
	if got := recipientOf(s); got.BSUID != "BR.77" || got.Phone != anaNumber {
		t.Errorf("the contact is reached as %+v", got)
	}
}

// TestUnreadableWebhook: it is kept for a person, and holds nothing up.
func TestUnreadableWebhook(t *testing.T) {
	r := newRig(t)
	items := itemsOf(t, textMessage(1, "bom dia"))
	broken := items[0]
	broken.Dedupe, broken.Body = "broken", []byte(`{"object":`)
	ok(t, r.h.Accept(t.Context(), []actors.InboxItem{broken, items[0]}))
	r.processed("inboundmessage", "done", 1)
	r.processed("unreadable", "failed", 1)
}

func TestLineSettings(t *testing.T) {
	r := newRig(t)
	boss := actors.Who{Tenant: acme, Agent: "luis", Role: "supervisor"}
	s, etag, err := r.h.LineSettings(t.Context(), boss, mainLine)
	ok(t, err)
	if !s.Calling || !s.IconVisible || !s.CallbackPermission || s.Hours != nil {
		t.Errorf("a new line has %+v", s)
	}
	eventually(t, "the first settings reach Meta", func() bool {
		got, _, err := r.h.LineSettings(t.Context(), boss, mainLine)
		return err == nil && !got.Pending && len(r.meta.seen("settings")) == 1
	})
	s.IconVisible = false
	s.Hours = &actors.LineHours{TimeZone: "America/Sao_Paulo", Weekly: []actors.WeeklyHours{{Day: "MONDAY", Open: "0800", Close: "1800"}}}
	_, _, err = r.h.SaveLineSettings(t.Context(), actors.Who{Tenant: acme, Agent: "luis", Role: "agent"}, mainLine, etag, s)
	wantFault(t, "an agent", err, fault.Denied, "role_missing")
	_, _, err = r.h.SaveLineSettings(t.Context(), boss, mainLine, "nonsense", s)
	wantFault(t, "a broken etag", err, fault.Conflict, "etag_mismatch")
	r.meta.when("settings", func(context.Context) error { return meta(131000, "something went wrong") })
	saved, next, err := r.h.SaveLineSettings(t.Context(), boss, mainLine, etag, s)
	ok(t, err)
	if next == etag || saved.IconVisible || saved.Hours == nil || !saved.Pending {
		t.Errorf("saved %+v with etag %s after %s", saved, next, etag)
	}
	_, _, err = r.h.SaveLineSettings(t.Context(), boss, mainLine, etag, s)
	wantFault(t, "an old etag", err, fault.Conflict, "etag_mismatch")
	eventually(t, "why they are not there yet is told", func() bool {
		got, _, err := r.h.LineSettings(t.Context(), boss, mainLine)
		return err == nil && got.Pending && strings.Contains(got.SyncError, "something went wrong")
	})
	log, _, err := r.st.ListAudit(t.Context(), acme, 10, "")
	ok(t, err)
	if len(log) != 1 || log[0].Action != "line.settings_changed" || log[0].Actor != "agent:luis" || log[0].Subject != "line:main" {
		t.Errorf("the audit is %+v", log)
	}
	_, _, err = r.h.LineSettings(t.Context(), actors.Who{Tenant: "rival", Agent: "x", Role: "admin"}, mainLine)
	if !fault.Is(err, fault.NotFound) {
		t.Errorf("another tenant: %v", err)
	}
}

// TestColleagues: whom to invite: who knows the customer, most recent first, then who is there, then the rest.
func TestColleagues(t *testing.T) {
	r := newRig(t)
	ok(t, r.st.InsertAgent(t.Context(), store.AgentRow{Tenant: acme, ID: "zeca", Name: "Zeca", Role: "agent"}))
	ok(t, r.st.InsertAgent(t.Context(), store.AgentRow{Tenant: acme, ID: "abel", Name: "Abel", Role: "agent"}))
	camila := actors.Who{Tenant: acme, Agent: "camila"}
	for i, o := range []contact.Order{{Number: "1", Agent: "zeca", At: time.Now().Add(-time.Hour)}, {Number: "2", Agent: "beatriz", At: time.Now().Add(-48 * time.Hour)}} {
		if _, err := askContact(t.Context(), r.h, contactID(acme, r.ana), contact.RecordOrder{Order: o}); err != nil {
			t.Fatalf("order %d: %v", i, err)
		}
	}
	fernando := r.open("fernando")
	var got []actors.Colleague
	eventually(t, "Fernando is seen", func() bool {
		var err error
		got, err = r.h.Colleagues(t.Context(), camila, r.ana, "")
		return err == nil && slices.ContainsFunc(got, func(c actors.Colleague) bool { return c.ID == "fernando" && c.Presence == "available" })
	})
	var order []string
	for _, c := range got {
		order = append(order, string(c.ID)+" "+c.Involved)
	}
	if want := []string{"zeca order_owner", "beatriz order_owner", "luis assigned", "fernando ", "abel "}; !slices.Equal(order, want) {
		t.Errorf("the order is %q, want %q", order, want)
	}
	list, err := r.h.Colleagues(t.Context(), fernando.who, r.ana, "")
	ok(t, err)
	if slices.ContainsFunc(list, func(c actors.Colleague) bool { return c.ID == "fernando" }) {
		t.Error("nobody invites themselves")
	}
	if _, err := r.h.Colleagues(t.Context(), actors.Who{Tenant: "rival", Agent: "x"}, r.ana, ""); !fault.Is(err, fault.NotFound) {
		t.Errorf("another tenant: %v", err)
	}
}

// TestInvite: a colleague is asked, declines, is asked again, comes in, and leaves.
func TestInvite(t *testing.T) {
	r := newRig(t)
	luis, fernando := r.open("luis"), r.open("fernando")
	c, _ := r.talk(luis)
	invite := func(who id.Agent, note string) (actors.Invited, error) {
		got, err := r.h.Do(t.Context(), luis.who, actors.Invite{Call: c, Agent: who, Note: note})
		if err != nil {
			return actors.Invited{}, err
		}
		return got.(actors.Invited), nil
	}
	_, err := invite("beatriz", "")
	wantFault(t, "somebody offline", err, fault.Conflict, "agent_offline")
	_, err = invite("luis", "")
	wantFault(t, "oneself", err, fault.Conflict, "agent_busy")
	_, err = invite("fernando", strings.Repeat("a", 281))
	wantFault(t, "a long note", err, fault.Invalid, "invalid_field")
	if _, err = invite("nobody", ""); !fault.Is(err, fault.NotFound) {
		t.Errorf("nobody: %v", err)
	}
	asked, err := invite("fernando", "é sobre a receita")
	ok(t, err)
	o := fernando.offer(t, 1)
	if o.ID != asked.OfferID || o.Kind != "invite" || o.Note != "é sobre a receita" || o.InvitedBy == nil || o.InvitedBy.Name != "Luis" {
		t.Errorf("the modal is %+v", o)
	}
	list, err := r.h.Colleagues(t.Context(), luis.who, r.ana, c)
	ok(t, err)
	for _, x := range list {
		if x.InCall != (x.ID == "fernando") {
			t.Errorf("%s is in the call: %v", x.ID, x.InCall)
		}
	}
	_, err = r.h.Do(t.Context(), fernando.who, actors.DeclineOffer{Offer: o.ID, Call: c})
	ok(t, err)
	if n := luis.notice(t, "invite_declined"); n.AgentID != "fernando" || n.Agent != "Fernando" || n.CallID != c {
		t.Errorf("the notice is %+v", n)
	}
	_, err = invite("fernando", "")
	ok(t, err)
	_, err = r.accept(fernando, fernando.offer(t, 2))
	ok(t, err)
	eventually(t, "both are in it", func() bool {
		in := 0
		for _, p := range r.view(c).Participants {
			if p.Kind == "agent" && p.State != "left" && p.State != "invited" {
				in++
			}
		}
		return in == 2
	})
	r.quickly(luis, actors.Leave{Call: c})
	if v := r.view(c); v.State != "active" {
		t.Errorf("when one of two leaves the call is %s", v.State)
	}
	r.quickly(fernando, actors.Leave{Call: c})
	row := r.row(c, call.Ended)
	if !slices.Equal(row.Agents, []id.Agent{"luis", "fernando"}) || row.EndedBy != "agent" {
		t.Errorf("the row is %+v", row)
	}
	r.free("luis", "fernando")
	gapless(t, luis)
	gapless(t, fernando)
}

// TestSessionsOfAnAgent: presence follows the sessions, and a session that its agent forgot is cut.
func TestSessionsOfAnAgent(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Agent = agent.DefaultPolicy(); c.Agent.OfflineGrace = 3 * time.Second })
	luis := r.open("luis")
	presence := func() string {
		v, err := r.h.Me(context.Background(), luis.who)
		ok(t, err)
		return v.Presence
	}
	if got := presence(); got != "available" {
		t.Errorf("with a session the agent is %s", got)
	}
	_, err := r.h.Do(t.Context(), luis.who, actors.SetPresence{Presence: "break", BreakCode: "lunch"})
	ok(t, err)
	if v, _ := r.h.Me(t.Context(), luis.who); v.Presence != "break" || v.BreakCode != "lunch" {
		t.Errorf("on a break: %+v", v)
	}
	_, err = r.h.Do(t.Context(), luis.who, actors.SetPresence{Presence: "asleep"})
	wantFault(t, "an unknown presence", err, fault.Invalid, "invalid_field")
	_, err = r.h.Do(t.Context(), luis.who, actors.SetPresence{Presence: "available"})
	ok(t, err)
	r.h.Close(luis.who)
	if got := presence(); got != "available" {
		t.Errorf("a page that reloads makes the agent %s", got)
	}
	eventually(t, "after the grace period the agent is offline", func() bool { return presence() == "offline" })
	again := newTab(acme, "luis", "ws_again")
	r.h.sessions.add(again.who, again.push) // its agent's actor has never heard of it
	r.h.sessions.renew(t.Context(), again.who)
	if got := again.got(actors.EventSessionCut); len(got) != 1 {
		t.Errorf("a forgotten session got %v", again.got())
	}
	_, err = r.h.Open(t.Context(), actors.Who{Tenant: acme, Agent: "nobody", Session: "ws_x"}, again.push)
	if !fault.Is(err, fault.NotFound) {
		t.Errorf("an agent who does not exist: %v", err)
	}
	if slices.ContainsFunc(r.h.sessions.list(), func(w actors.Who) bool { return w.Session == "ws_x" }) {
		t.Error("a session that did not open stays registered")
	}
}

// TestSnapshotInACall: a page that is opened anew shows the call, and nobody else's.
func TestSnapshotInACall(t *testing.T) {
	r := newRig(t)
	luis := r.open("luis")
	c, _ := r.talk(luis)
	eventually(t, "the desk has it", func() bool {
		snap, err := r.h.Snapshot(t.Context(), luis.who)
		return err == nil && snap.Call != nil && snap.Call.ID == c && snap.Call.State == "active" && snap.Call.MyLeg != "" && snap.Agent.CallID == c && len(snap.Lines) == 1
	})
	fresh := newTab(acme, "luis", "ws_fresh")
	snap, err := r.h.Open(t.Context(), fresh.who, fresh.push)
	ok(t, err)
	if snap.Call == nil || snap.Call.ID != c {
		t.Fatalf("the new page has %+v", snap.Call)
	}
	_, err = r.h.Do(t.Context(), luis.who, actors.Mute{Call: c, Muted: true})
	ok(t, err)
	eventually(t, "both pages go on from there", func() bool {
		return len(fresh.numbers()) > 0 && fresh.numbers()[len(fresh.numbers())-1] == luis.numbers()[len(luis.numbers())-1]
	})
	if first := fresh.numbers()[0]; first != snap.Seq+1 && first > snap.Seq+1 {
		t.Errorf("the snapshot is at %d, the first event after it %d", snap.Seq, first)
	}
	if other, err := r.h.Open(t.Context(), actors.Who{Tenant: acme, Agent: "fernando", Session: "ws_f"}, newTab(acme, "fernando", "ws_f").push); err != nil || other.Call != nil {
		t.Errorf("a colleague's page has %+v, %v", other.Call, err)
	}
	page, err := r.h.Calls(t.Context(), luis.who, actors.CallQuery{Ongoing: true})
	ok(t, err)
	if len(page.Items) != 1 || page.Items[0].ID != c || page.Items[0].MyLeg != "" {
		t.Errorf("the list of ongoing calls is %+v", page.Items)
	}
	trace, err := r.h.Call(t.Context(), luis.who, c)
	ok(t, err)
	if trace.ID != c || len(trace.Events) == 0 || trace.Events[0].Type != "Created" || trace.Version != trace.Events[len(trace.Events)-1].Seq {
		t.Errorf("the trace is %+v", trace)
	}
}

// TestTenantsAreStrangers: no id of one tenant means anything in another's mouth.
func TestTenantsAreStrangers(t *testing.T) {
	r := newRig(t)
	luis := r.open("luis")
	c, d := r.talk(luis)
	ok(t, r.st.InsertTenant(t.Context(), store.TenantRow{ID: "rival", Name: "Rival", CreatedAt: time.Now()}))
	ok(t, r.st.InsertAgent(t.Context(), store.AgentRow{Tenant: "rival", ID: "luis", Name: "Other Luis", Role: "admin"}))
	ok(t, r.st.InsertLine(t.Context(), store.LineRow{Tenant: "rival", ID: "main", PhoneNumberID: "999", Credentials: store.LineCredentials{Token: "t", AppSecret: "s", VerifyToken: "v"}}))
	who := actors.Who{Tenant: "rival", Agent: "luis", Session: "ws_r", Role: "admin"}
	for _, req := range []actors.Request{
		actors.End{Call: c}, actors.Leave{Call: c}, actors.Mute{Call: c, Muted: true}, actors.AttachMedia{Call: c, SDP: browserOffer(t)},
		actors.Invite{Call: c, Agent: "luis"}, actors.CancelInvite{Call: c, Agent: "luis"}, actors.DeclineOffer{Call: c, Offer: "of_1"},
		actors.AcceptOffer{Call: c, Offer: "of_1", SDP: browserOffer(t)}, actors.SendText{Contact: r.ana, Line: mainLine, Text: "x"},
		actors.RequestPermission{Contact: r.ana, Line: mainLine},
	} {
		if _, err := r.h.Do(t.Context(), who, req); err == nil {
			t.Errorf("%T of another tenant's was done", req)
		}
	}
	for what, err := range map[string]error{
		"contact": second(r.h.Contact(t.Context(), who, r.ana)), "call": second(r.h.Call(t.Context(), who, c)),
		"messages":    second(r.h.Messages(t.Context(), who, r.ana, 10, "")),
		"eligibility": second(r.h.Eligibility(t.Context(), who, r.ana, mainLine)),
	} {
		if !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: got %v, want NotFound", what, err)
		}
	}
	if page, err := r.h.Calls(t.Context(), who, actors.CallQuery{}); err != nil || len(page.Items) != 0 {
		t.Errorf("calls: %+v, %v", page.Items, err)
	}
	// Another tenant's webhook that names our call, as Meta would carry it back.
	items := itemsOf(t, terminate(d.call, "BUSINESS_INITIATED", d.opaque))
	items[0].Tenant = "rival"
	ok(t, r.h.Accept(t.Context(), items))
	r.processed("callterminate", "dropped", 1)
	if v := r.view(c); v.State != "active" {
		t.Errorf("after all that the call is %s", v.State)
	}
}

// TestSettingsFromMeta: somebody changed them over there: ours are pushed again.
func TestSettingsFromMeta(t *testing.T) {
	r := newRig(t)
	boss := actors.Who{Tenant: acme, Agent: "luis", Role: "admin"}
	_, _, err := r.h.LineSettings(t.Context(), boss, mainLine)
	ok(t, err)
	eventually(t, "the first push", func() bool { return len(r.meta.seen("settings")) == 1 })
	eventually(t, "it is confirmed", func() bool {
		got, _, err := r.h.LineSettings(t.Context(), boss, mainLine)
		return err == nil && !got.Pending
	})
	off := false
	_, err = askLine(t.Context(), r.h, lineID(acme, mainLine), line.MetaReported{Calling: &off})
	ok(t, err)
	eventually(t, "ours are pushed again", func() bool { return len(r.meta.seen("settings")) == 2 })
}

func TestIntakeFindsLines(t *testing.T) {
	r := newRig(t)
	l, err := r.h.LineByPhoneNumberID(t.Context(), pnid)
	ok(t, err)
	if l != (actors.LineAuth{Tenant: acme, Line: mainLine, AppSecret: "s", VerifyToken: "v"}) {
		t.Errorf("got %+v", l)
	}
	if _, err := r.h.LineByPhoneNumberID(t.Context(), "0"); !fault.Is(err, fault.NotFound) {
		t.Errorf("an unknown number: %v", err)
	}
	for token, want := range map[string]bool{"v": true, "": false, "w": false, "vv": false} {
		if got, err := r.h.VerifyToken(t.Context(), token); err != nil || got != want {
			t.Errorf("token %q: %v, %v", token, got, err)
		}
	}
	r.breaker.Cut() // an old entry still serves
	if _, err := r.h.LineByPhoneNumberID(t.Context(), pnid); err != nil {
		t.Errorf("without a store: %v", err)
	}
}
