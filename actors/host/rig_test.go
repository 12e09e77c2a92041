package host

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
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
	"ramal/media"
	"ramal/media/mediatest"
	"ramal/store"
	"ramal/store/storetest"
)

const (
	acme      = id.Tenant("acme")
	mainLine  = id.Line("main")
	anaNumber = "5511987654321"
	pnid      = "106540352242922"
)

// spy observes what operators count. Guarded by mu.
type spy struct {
	mu       sync.Mutex
	ended    []string // direction, reason, by
	webhooks []string // event, result
	unsaved  int
	modals   int
	audio    int
	rang     int
}

var _ Observer = (*spy)(nil)

func (s *spy) add(edit func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	edit()
}

func (s *spy) ModalShown(time.Duration)   { s.add(func() { s.modals++ }) }
func (s *spy) AudioOpened(time.Duration)  { s.add(func() { s.audio++ }) }
func (s *spy) CustomerRang(time.Duration) { s.add(func() { s.rang++ }) }
func (s *spy) CallEnded(direction, reason, by string, _ time.Duration) {
	s.add(func() { s.ended = append(s.ended, direction+" "+reason+" "+by) })
}

func (s *spy) Webhook(event, result string) {
	s.add(func() { s.webhooks = append(s.webhooks, event+" "+result) })
}
func (s *spy) Unsaved(delta int) { s.add(func() { s.unsaved += delta }) }

// see reads under the lock.
func see[T any](s *spy, read func() T) T {
	s.mu.Lock()
	defer s.mu.Unlock()
	return read()
}

// graph stands in Meta's place for every line: it notes what it is asked, and answers as told. Guarded by mu.
type graph struct {
	mu    sync.Mutex
	asked []request
	on    map[string]func(ctx context.Context) error // by action; absent: success
	ids   int
	// allows answers CallPermissions; nil: Meta does not answer, and the contact decides by what it knows
	allows *whatsapp.Permissions
}

// request is one action at the provider.
type request struct{ action, call, sdp, opaque, text string }

var _ Provider = (*graph)(nil)

func (g *graph) when(action string, do func(ctx context.Context) error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.on[action] = do
}

func (g *graph) do(ctx context.Context, r request) (string, error) {
	g.mu.Lock()
	g.ids++
	made := fmt.Sprintf("%s.%d", r.action, g.ids)
	if r.call == "" {
		r.call = made
	}
	g.asked = append(g.asked, r)
	act := g.on[r.action]
	g.mu.Unlock()
	if act == nil {
		return made, nil
	}
	return made, act(ctx)
}

// seen lists what was asked of one action.
func (g *graph) seen(action string) (out []request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, r := range g.asked {
		if r.action == action {
			out = append(out, r)
		}
	}
	return out
}

func (g *graph) Connect(ctx context.Context, _ whatsapp.Recipient, sdp, opaque string) (string, error) {
	return g.do(ctx, request{action: "connect", sdp: sdp, opaque: opaque})
}

func (g *graph) PreAccept(ctx context.Context, callID, sdp string) error {
	_, err := g.do(ctx, request{action: "pre_accept", call: callID, sdp: sdp})
	return err
}

func (g *graph) Accept(ctx context.Context, callID, sdp, opaque string) error {
	_, err := g.do(ctx, request{action: "accept", call: callID, sdp: sdp, opaque: opaque})
	return err
}

func (g *graph) Reject(ctx context.Context, callID string) error {
	_, err := g.do(ctx, request{action: "reject", call: callID})
	return err
}

func (g *graph) Terminate(ctx context.Context, callID string) error {
	_, err := g.do(ctx, request{action: "terminate", call: callID})
	return err
}

func (g *graph) CallPermissions(ctx context.Context, _ whatsapp.Recipient) (whatsapp.Permissions, error) {
	if _, err := g.do(ctx, request{action: "permissions"}); err != nil {
		return whatsapp.Permissions{}, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.allows == nil {
		return whatsapp.Permissions{}, refused(fault.Unavailable, "provider_error")
	}
	return *g.allows, nil
}

func (g *graph) UpdateSettings(ctx context.Context, _ whatsapp.CallingSettings) error {
	_, err := g.do(ctx, request{action: "settings"})
	return err
}

func (g *graph) send(ctx context.Context, r request) (whatsapp.Sent, error) {
	made, err := g.do(ctx, r)
	if err != nil {
		return whatsapp.Sent{}, err
	}
	return whatsapp.Sent{MessageID: "wamid." + made}, nil
}

func (g *graph) SendText(ctx context.Context, _ whatsapp.Recipient, text string, o whatsapp.Options) (whatsapp.Sent, error) {
	return g.send(ctx, request{action: "text", text: text, opaque: o.Opaque})
}

func (g *graph) SendCallPermissionRequest(ctx context.Context, _ whatsapp.Recipient, body string, o whatsapp.Options) (whatsapp.Sent, error) {
	return g.send(ctx, request{action: "request", text: body, opaque: o.Opaque})
}

func (g *graph) SendCallPermissionTemplate(ctx context.Context, _ whatsapp.Recipient, name, language string, params []string, o whatsapp.Options) (whatsapp.Sent, error) {
	return g.send(ctx, request{action: "template", text: name + " " + language + " " + strings.Join(params, ","), opaque: o.Opaque})
}

func (g *graph) SendCallButton(ctx context.Context, _ whatsapp.Recipient, b whatsapp.CallButton, o whatsapp.Options) (whatsapp.Sent, error) {
	return g.send(ctx, request{action: "button", text: b.Body, opaque: o.Opaque})
}

// rig is a company with one node: real store, real media, real actors, and stand-ins for Meta and the cluster.
type rig struct {
	t       *testing.T
	st      *store.Store // past the breaker
	breaker *storetest.Breaker
	meta    *graph
	spy     *spy
	node    *oneNode
	h       *Host
	ana     id.Contact
	absent  error // of Providers, when set before use
}

// quick are a call's times as tests can wait for them.
func quick() call.Policy {
	p := call.DefaultPolicy()
	p.LookAgain = 200 * time.Millisecond
	return p
}

// newRig starts a company; adjust changes the host's configuration. Database tests run side by side.
func newRig(t *testing.T, adjust ...func(*Config)) *rig {
	t.Helper()
	t.Parallel()
	url := storetest.URL(t)
	keys := storetest.Keys(t)
	r := &rig{
		t: t, breaker: storetest.NewBreaker(t, url), meta: &graph{on: map[string]func(context.Context) error{}}, spy: &spy{},
		st: storetest.OpenURL(t, store.Config{URL: url, Keys: keys, CallMaxConns: 3, MaxConns: 2, Logger: discard()}),
	}
	through := storetest.OpenURL(t, store.Config{URL: r.breaker.URL(), Keys: keys, InboxAttempts: 3, PingEvery: 200 * time.Millisecond, Logger: discard()})
	engine, err := media.New(media.Config{UDPAddr: "127.0.0.1:0", Shards: 1, Logger: discard()})
	ok(t, err)
	t.Cleanup(func() { _ = engine.Close() })
	cfg := Config{Call: quick()}
	for _, a := range adjust {
		a(&cfg)
	}
	r.seed()
	r.h, r.node = r.startHost("node_1", through, engine, cfg)
	r.ana, err = r.h.AddContact(t.Context(), contact.Create{
		Tenant: acme, ID: "ct_ana", Identifiers: []contact.Identifier{{Kind: contact.KindPhone, Value: anaNumber}},
		Profile: contact.Profile{Name: "Ana Souza", Phone: "+" + anaNumber, Assigned: "luis", AssignedAt: time.Now()},
	}, nil)
	ok(t, err)
	return r
}

// in is the rig for a subtest, whose failures are its own.
func (r *rig) in(t *testing.T) *rig {
	c := *r
	c.t = t
	return &c
}

func (r *rig) seed() {
	r.t.Helper()
	ctx := r.t.Context()
	ok(r.t, r.st.InsertTenant(ctx, store.TenantRow{
		ID: acme, Name: "Acme", CreatedAt: time.Now(), Settings: []byte(`{"permission_template":"ask","permission_template_with_name":true}`),
	}))
	for who, name := range map[id.Agent]string{"luis": "Luis", "fernando": "Fernando", "beatriz": "Beatriz"} {
		ok(r.t, r.st.InsertAgent(ctx, store.AgentRow{Tenant: acme, ID: who, Name: name, Role: "agent"}))
	}
	ok(r.t, r.st.InsertLine(ctx, store.LineRow{
		Tenant: acme, ID: mainLine, Name: "Matriz", PhoneNumberID: pnid, DisplayNumber: "+55 11 4002-8922",
		Credentials: store.LineCredentials{Token: "t", AppSecret: "s", VerifyToken: "v"},
	}))
}

// startHost runs a host on a node of its own, which prepare may change before.
func (r *rig) startHost(node id.Node, st *store.Store, m Media, cfg Config, prepare ...func(*oneNode)) (*Host, *oneNode) {
	r.t.Helper()
	h := New(cfg, Deps{
		Store: st, Media: m, Observer: r.spy, Logger: discard(),
		Providers: func(store.LineRow) (Provider, error) { return r.meta, r.absent },
	})
	n := newOneNode(node, h.Kinds()...)
	for _, p := range prepare {
		n.change(p)
	}
	ok(r.t, h.Start(n))
	r.t.Cleanup(func() {
		r.breaker.Restore()
		h.Stop()
		n.close()
	})
	return h, n
}

// open gives an agent a session.
func (r *rig) open(who id.Agent) *tab {
	r.t.Helper()
	x := newTab(acme, who, id.Session(id.New("ws", time.Now())))
	_, err := r.h.Open(r.t.Context(), x.who, x.push)
	ok(r.t, err)
	return x
}

// allow gives the permanent permission to call Ana.
func (r *rig) allow() {
	r.t.Helper()
	_, err := askContact(r.t.Context(), r.h, contactID(acme, r.ana), contact.PermissionReplied{Line: mainLine, Accept: true, Permanent: true, At: time.Now()})
	ok(r.t, err)
}

// dial calls Ana as the tab's agent.
func (r *rig) dial(x *tab) (actors.MediaAnswer, error) {
	r.t.Helper()
	got, err := r.h.Do(r.t.Context(), x.who, actors.Dial{Contact: r.ana, Line: mainLine, SDP: browserOffer(r.t)})
	if err != nil {
		return actors.MediaAnswer{}, err
	}
	return got.(actors.MediaAnswer), nil
}

func (r *rig) mustDial(x *tab) id.Call {
	r.t.Helper()
	answer, err := r.dial(x)
	ok(r.t, err)
	return answer.CallID
}

// dialled waits for the dial to reach the provider.
func (r *rig) dialled() request {
	r.t.Helper()
	eventually(r.t, "the dial reaches the provider", func() bool { return len(r.meta.seen("connect")) > 0 })
	return r.meta.seen("connect")[0]
}

// talk dials Ana, who answers.
func (r *rig) talk(x *tab) (id.Call, request) {
	r.t.Helper()
	r.allow()
	c := r.mustDial(x)
	d := r.dialled()
	r.hook(outConnect(d, phoneAnswer(r.t, d.sdp)))
	r.hook(status(d, "ACCEPTED"))
	r.state(c, call.Active)
	return c, d
}

// view asks the call itself.
func (r *rig) view(c id.Call) actors.CallView {
	r.t.Helper()
	reply, err := r.h.sendCall(r.t.Context(), acme, c, envelope(acme, "view", map[string]string{}))
	ok(r.t, err)
	var v actors.CallView
	ok(r.t, unpack(reply.GetBody(), &v))
	return v
}

// state waits until the call itself is in a phase.
func (r *rig) state(c id.Call, want call.Phase) {
	r.t.Helper()
	eventually(r.t, fmt.Sprintf("call is %s", want), func() bool { return r.view(c).State == string(want) })
}

// row waits for the call's row to be in a phase, and returns it.
func (r *rig) row(c id.Call, want call.Phase) (row store.CallRow) {
	r.t.Helper()
	eventually(r.t, fmt.Sprintf("the row says %s", want), func() bool {
		var err error
		row, err = r.st.GetCall(context.Background(), acme, c)
		return err == nil && row.State == string(want)
	})
	return row
}

// journal reads a call's events and checks that they are in order and that the row is their fold.
func (r *rig) journal(c id.Call) []store.CallEvent {
	r.t.Helper()
	var events []store.CallEvent
	var row store.CallRow
	eventually(r.t, "row and journal are read at the same moment", func() bool {
		var err error
		events, err = r.st.CallEvents(r.t.Context(), acme, c, 0)
		ok(r.t, err)
		row, err = r.st.GetCall(r.t.Context(), acme, c)
		ok(r.t, err)
		return row.Seq <= int64(len(events))
	})
	var s call.State
	for i, ev := range events {
		if ev.Seq != int64(i)+1 {
			r.t.Errorf("event %d has number %d", i+1, ev.Seq)
		}
		decoded, err := call.DecodeEvent(ev.Type, ev.Data)
		ok(r.t, err)
		s = call.Evolve(s, decoded)
	}
	if row.Seq != int64(len(events)) || row.State != string(s.Phase) || row.EndReason != string(s.EndReason) || row.EndedBy != string(s.EndedBy) {
		r.t.Errorf("the row says %s %s %s at %d, its %d events %s %s %s", row.State, row.EndReason, row.EndedBy, row.Seq, len(events), s.Phase, s.EndReason, s.EndedBy)
	}
	return events
}

// count counts the events of one type.
func count(events []store.CallEvent, kind string) (n int) {
	for _, ev := range events {
		if ev.Type == kind {
			n++
		}
	}
	return n
}

// free waits until agent, contact and line have let the call go.
func (r *rig) free(agents ...id.Agent) {
	r.t.Helper()
	ctx := context.Background()
	for _, who := range agents {
		eventually(r.t, string(who)+" is free", func() bool {
			s, err := peekAt[agent.State](ctx, r.h, kindAgent, agentID(acme, who))
			return err == nil && s.Call == nil
		})
	}
	eventually(r.t, "the contact is free", func() bool {
		s, err := peekAt[contact.State](ctx, r.h, kindContact, contactID(acme, r.ana))
		return err == nil && s.Active == nil
	})
	eventually(r.t, "the line is free", func() bool {
		s, err := peekAt[line.State](ctx, r.h, kindLine, lineID(acme, mainLine))
		return err == nil && len(s.Calls) == 0
	})
}

// hook delivers a webhook through the door, and returns its items.
func (r *rig) hook(raw string) []actors.InboxItem {
	r.t.Helper()
	items := itemsOf(r.t, raw)
	ok(r.t, r.h.Accept(r.t.Context(), items))
	return items
}

func itemsOf(t *testing.T, raw string) (out []actors.InboxItem) {
	t.Helper()
	items, err := whatsapp.SplitWebhook([]byte(raw))
	ok(t, err)
	if len(items) == 0 {
		t.Fatalf("no event in %s", raw)
	}
	for _, i := range items {
		out = append(out, actors.InboxItem{Tenant: acme, Line: mainLine, Dedupe: i.DedupeKey, Body: i.Body, ReceivedAt: time.Now()})
	}
	return out
}

// processed waits until the observer has heard of so many events of a kind with a result.
func (r *rig) processed(event, result string, n int) {
	r.t.Helper()
	eventually(r.t, fmt.Sprintf("%d times %s %s, have %v", n, event, result, see(r.spy, func() []string { return slices.Clone(r.spy.webhooks) })), func() bool {
		return see(r.spy, func() int {
			have := 0
			for _, w := range r.spy.webhooks {
				if w == event+" "+result {
					have++
				}
			}
			return have
		}) == n
	})
}

// webhookOf wraps a value as Meta does.
func webhookOf(field, inner string) string {
	return fmt.Sprintf(`{"object":"whatsapp_business_account","entry":[{"id":"W1","changes":[{"field":%q,"value":{"messaging_product":"whatsapp",`+
		`"metadata":{"display_phone_number":"551140028922","phone_number_id":%q},%s}}]}]}`, field, pnid, inner)
}

const anaCard = `"contacts":[{"profile":{"name":"Ana Souza"},"wa_id":"` + anaNumber + `"}],`

func stamp(t time.Time) int64 { return t.Unix() }

// inConnect is Ana calling the company.
func inConnect(callID, sdp string) string { return inConnectAt(callID, sdp, time.Now()) }

func inConnectAt(callID, sdp string, at time.Time) string {
	return webhookOf("calls", fmt.Sprintf(anaCard+`"calls":[{"id":%q,"from":%q,"to":"551140028922","event":"connect","timestamp":"%d","direction":"USER_INITIATED","session":{"sdp_type":"offer","sdp":%s}}]`,
		callID, anaNumber, stamp(at), quoted(sdp)))
}

// outConnect is the answer to a dial.
func outConnect(d request, sdp string) string {
	return webhookOf("calls", fmt.Sprintf(`"calls":[{"id":%q,"from":"551140028922","to":%q,"event":"connect","timestamp":"%d","direction":"BUSINESS_INITIATED","biz_opaque_callback_data":%q,"session":{"sdp_type":"answer","sdp":%s}}]`,
		d.call, anaNumber, stamp(time.Now()), d.opaque, quoted(sdp)))
}

func status(d request, word string) string {
	return webhookOf("calls", fmt.Sprintf(`"statuses":[{"id":%q,"type":"call","status":%q,"timestamp":"%d","recipient_id":%q,"biz_opaque_callback_data":%q}]`,
		d.call, word, stamp(time.Now()), anaNumber, d.opaque))
}

// terminate is the end of a call by the provider's word; direction is Meta's.
func terminate(callID, direction, opaque string) string {
	return webhookOf("calls", fmt.Sprintf(`"calls":[{"id":%q,"from":%q,"to":"551140028922","event":"terminate","timestamp":"%d","direction":%q,"status":"COMPLETED","biz_opaque_callback_data":%q}]`,
		callID, anaNumber, stamp(time.Now()), direction, opaque))
}

func quoted(s string) string {
	raw, _ := json.Marshal(s)
	return string(raw)
}

// browserOffer is an offer of a browser that will never connect: enough where nobody listens. One text serves all.
var browserOffer = func() func(*testing.T) string {
	var once sync.Once
	var sdp string
	return func(t *testing.T) string {
		t.Helper()
		once.Do(func() {
			p, err := mediatest.Browser(4, false)
			ok(t, err)
			defer p.Close()
			sdp, err = p.Offer(context.Background())
			ok(t, err)
		})
		return sdp
	}
}()

// phoneOffer is an offer of a phone that will never connect.
var phoneOffer = func() func(*testing.T) string {
	var once sync.Once
	var sdp string
	return func(t *testing.T) string {
		t.Helper()
		once.Do(func() {
			p, err := mediatest.Phone("actpass")
			ok(t, err)
			defer p.Close()
			sdp, err = p.Offer(context.Background())
			ok(t, err)
		})
		return sdp
	}
}()

// phoneAnswer answers a dial with a phone that ends with the test.
func phoneAnswer(t *testing.T, offer string) string {
	t.Helper()
	_, sdp := answeringPhone(t, offer)
	return sdp
}

func answeringPhone(t *testing.T, offer string) (*mediatest.Peer, string) {
	t.Helper()
	p, err := mediatest.Phone("active")
	ok(t, err)
	t.Cleanup(p.Close)
	sdp, err := p.Answer(t.Context(), offer)
	ok(t, err)
	return p, sdp
}

// refused makes an error of the provider with a word of its table.
func refused(kind fault.Kind, word string) error {
	return fault.New(kind, "whatsapp", word, "the provider says no")
}

// inbox finds the stored row of an item, as a redriver would.
func (r *rig) inbox(item actors.InboxItem) store.InboxRow {
	return store.InboxRow{
		ID: id.New("in", time.Now()), Tenant: item.Tenant, Line: item.Line, Dedupe: item.Dedupe,
		Bucket: id.Bucket(item.Tenant, "inbox", item.Dedupe), Body: item.Body, ReceivedAt: item.ReceivedAt,
	}
}
