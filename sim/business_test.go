package sim

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
	"go.uber.org/goleak"

	"ramal/sim/audio"
	"ramal/sim/cloud"
	"ramal/sim/settings"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	pnid    = "106540352242922"
	display = "551140028922"
	ana     = "5511987654321"
	patient = 5 * time.Second
)

// quick are timings for tests.
func quick() *cloud.Timings {
	t := cloud.DefaultTimings()
	t.AcceptWindowMin, t.AcceptWindowMax = 3000, 3000
	t.AnswerMin, t.AnswerMax, t.Ring, t.RingTimeout = 20, 20, 20, 1500
	t.FirstMedia, t.MidMedia, t.Sent, t.Delivered = 15000, 15000, 5, 5
	t.TerminateFirst = 400
	return &t
}

// hook is one change that the test business received.
type hook struct {
	field string
	value map[string]any
	raw   string
	sig   string
	n     int // number of the HTTP request
}

// business is a small customer of the simulator: webhooks, Graph client, media.
type business struct {
	t     *testing.T
	sim   *Sim
	srv   *httptest.Server
	token string
	vers  string

	mu       sync.Mutex
	hooks    []hook
	requests int
	woken    chan struct{}
	status   int
	verify   string
}

// world starts a simulator with one business and the user Ana, and a business behind its callback.
func world(t *testing.T, change func(*Config)) *business {
	t.Helper()
	b := &business{t: t, woken: make(chan struct{}), status: 200, verify: "tok", token: "token-" + pnid, vers: "v25.0"}
	b.srv = httptest.NewServer(http.HandlerFunc(b.webhook))
	yes := "ENABLED"
	cfg := Config{
		Timings: quick(), Seed: 1,
		Businesses: []cloud.LineConfig{{
			PNID: pnid, Display: display, Name: "Farmácia Boa", AppSecret: "s3cret", VerifyToken: "tok", CallbackURL: b.srv.URL,
			Settings: &settings.Calling{Status: &yes, CallbackPermission: &yes},
		}},
		Users: []cloud.UserConfig{{WAID: ana, Name: "Ana Souza 😀"}},
	}
	if change != nil {
		change(&cfg)
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.sim = s
	t.Cleanup(func() {
		_ = s.Close()
		b.srv.Close()
		http.DefaultClient.CloseIdleConnections()
	})
	return b
}

func (b *business) webhook(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		q := r.URL.Query()
		if q.Get("hub.mode") != "subscribe" || q.Get("hub.verify_token") != b.verify {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		_, _ = io.WriteString(w, q.Get("hub.challenge"))
		return
	}
	raw, _ := io.ReadAll(r.Body)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.requests++
	var env struct {
		Entry []struct {
			Changes []struct {
				Field string         `json:"field"`
				Value map[string]any `json:"value"`
			} `json:"changes"`
		} `json:"entry"`
	}
	if err := json.Unmarshal(raw, &env); err != nil {
		b.t.Errorf("webhook body: %v", err)
	}
	for _, e := range env.Entry {
		for _, c := range e.Changes {
			b.hooks = append(b.hooks, hook{c.Field, c.Value, string(raw), r.Header.Get("X-Hub-Signature-256"), b.requests})
		}
	}
	close(b.woken)
	b.woken = make(chan struct{})
	w.WriteHeader(b.status)
}

func signed(secret string, h hook) bool {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(h.raw))
	return h.sig == "sha256="+hex.EncodeToString(mac.Sum(nil))
}

func (b *business) answerWith(status int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.status = status
}

func (b *business) all() []hook {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]hook(nil), b.hooks...)
}

// wait returns the first webhook that matches.
func (b *business) wait(what string, match func(hook) bool) hook {
	b.t.Helper()
	limit := time.NewTimer(patient)
	defer limit.Stop()
	for {
		b.mu.Lock()
		hooks, woken := b.hooks, b.woken
		b.mu.Unlock()
		for _, h := range hooks {
			if match(h) {
				return h
			}
		}
		select {
		case <-woken:
		case <-limit.C:
			b.t.Fatalf("no webhook: %s; got %s", what, b.kinds())
		}
	}
}

// kind names a webhook: connect, terminate, RINGING, text, call_permission_reply, sent ...
func (h hook) kind() string {
	if k := h.first("calls", "event"); k != "" {
		return k
	}
	if k := h.first("statuses", "status"); k != "" {
		return k
	}
	if i, ok := h.item("messages")["interactive"].(map[string]any); ok {
		return fmt.Sprint(i["type"])
	}
	if k := h.first("messages", "type"); k != "" {
		return k
	}
	return h.field
}

func (h hook) item(list string) map[string]any {
	if l, ok := h.value[list].([]any); ok && len(l) > 0 {
		m, _ := l[0].(map[string]any)
		return m
	}
	return nil
}

func (h hook) first(list, field string) string {
	s, _ := h.item(list)[field].(string)
	return s
}

func (h hook) id() string { return h.first("calls", "id") + h.first("statuses", "id") }

func (h hook) sdp() string {
	s, _ := h.item("calls")["session"].(map[string]any)
	text, _ := s["sdp"].(string)
	return text
}

func (b *business) kinds() string {
	var out []string
	for _, h := range b.all() {
		out = append(out, h.kind())
	}
	return strings.Join(out, " ")
}

func (b *business) waitKind(kind string) hook {
	b.t.Helper()
	return b.wait(kind, func(h hook) bool { return h.kind() == kind })
}

func (b *business) waitCall(kind, id string) hook {
	b.t.Helper()
	return b.wait(kind+" of "+id, func(h hook) bool { return h.kind() == kind && h.id() == id })
}

type obj = map[string]any

// do speaks JSON with any door of the simulator.
func (b *business) do(method, path string, body any) (int, obj) {
	b.t.Helper()
	var raw []byte
	switch v := body.(type) {
	case nil:
	case []byte:
		raw = v
	default:
		raw, _ = json.Marshal(v)
	}
	req, err := http.NewRequest(method, b.sim.URL()+path, bytes.NewReader(raw))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if b.token != "" {
		req.Header.Set("Authorization", "Bearer "+b.token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	got, _ := io.ReadAll(resp.Body)
	out := obj{}
	if len(got) > 0 && json.Unmarshal(got, &out) != nil {
		out["raw"] = string(got)
	}
	return resp.StatusCode, out
}

func (b *business) ok(method, path string, body any) obj {
	b.t.Helper()
	status, out := b.do(method, path, body)
	if status >= 300 {
		b.t.Fatalf("%s %s: %d %v", method, path, status, out)
	}
	return out
}

func (b *business) graph(path string) string { return "/" + b.vers + "/" + path }

// calls posts an action; code is the error code, 0 for success.
func (b *business) calls(body obj) (code int, out obj) {
	b.t.Helper()
	body["messaging_product"] = "whatsapp"
	_, out = b.do("POST", b.graph(pnid+"/calls"), body)
	return errorCode(out), out
}

func errorCode(out obj) int {
	e, _ := out["error"].(obj)
	code, _ := e["code"].(float64)
	return int(code)
}

func (b *business) user(action string, body any) obj {
	b.t.Helper()
	return b.ok("POST", "/control/users/"+ana+"/"+action, body)
}

func (b *business) grant() { b.user("permission", obj{"action": "grant_permanent", "silent": true}) }

// media is the business's WebRTC side of one call.
type media struct {
	t      *testing.T
	pc     *webrtc.PeerConnection
	track  *webrtc.TrackLocalStaticRTP
	ear    *audio.Ear
	stop   chan struct{}
	once   sync.Once
	wg     sync.WaitGroup
	mu     sync.Mutex
	digits []byte
	ssrcs  map[uint32]bool
	bye    bool
	up     chan struct{}
	first  time.Time
}

func newMedia(t *testing.T, answering bool) *media {
	t.Helper()
	me := &webrtc.MediaEngine{}
	for _, c := range []webrtc.RTPCodecParameters{
		{RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2, SDPFmtpLine: "minptime=20;useinbandfec=1"}, PayloadType: 111},
		{RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: "audio/telephone-event", ClockRate: 8000}, PayloadType: 126},
	} {
		if err := me.RegisterCodec(c, webrtc.RTPCodecTypeAudio); err != nil {
			t.Fatal(err)
		}
	}
	se := webrtc.SettingEngine{}
	se.SetIncludeLoopbackCandidate(true)
	se.SetIPFilter(func(ip net.IP) bool { return ip.IsLoopback() && ip.To4() != nil })
	se.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	se.SetHandleUndeclaredSSRCWithoutAnswer(true)
	if answering {
		if err := se.SetAnsweringDTLSRole(webrtc.DTLSRoleClient); err != nil {
			t.Fatal(err)
		}
	}
	pc, err := webrtc.NewAPI(webrtc.WithMediaEngine(me), webrtc.WithSettingEngine(se)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	m := &media{t: t, pc: pc, ear: &audio.Ear{}, stop: make(chan struct{}), ssrcs: map[uint32]bool{}, up: make(chan struct{})}
	m.track, err = webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2}, "a", "b")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pc.AddTrack(m.track); err != nil {
		t.Fatal(err)
	}
	pc.OnTrack(func(track *webrtc.TrackRemote, r *webrtc.RTPReceiver) {
		m.wg.Add(2)
		go func() { defer m.wg.Done(); m.listen(track) }()
		go func() { defer m.wg.Done(); m.rtcp(r) }()
	})
	pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		if s == webrtc.PeerConnectionStateConnected {
			close(m.up)
		}
	})
	t.Cleanup(m.close)
	return m
}

func (m *media) listen(track *webrtc.TrackRemote) {
	var last uint32
	for {
		p, _, err := track.ReadRTP()
		if err != nil {
			return
		}
		m.mu.Lock()
		if m.first.IsZero() {
			m.first = time.Now()
		}
		m.ssrcs[p.SSRC] = true
		if p.PayloadType == 126 && len(p.Payload) >= 4 && p.Payload[1]&0x80 != 0 && p.Timestamp != last {
			last = p.Timestamp
			m.digits = append(m.digits, "0123456789*#ABCD"[p.Payload[0]])
		}
		m.mu.Unlock()
		if p.PayloadType == 111 {
			m.ear.Hear(time.Now(), p.SSRC, p.Timestamp, audio.Opus, p.Payload)
		}
	}
}

func (m *media) rtcp(r *webrtc.RTPReceiver) {
	for {
		packets, _, err := r.ReadRTCP()
		if err != nil {
			return
		}
		for _, p := range packets {
			if _, ok := p.(*rtcp.Goodbye); ok {
				m.mu.Lock()
				m.bye = true
				m.mu.Unlock()
			}
		}
	}
}

func (m *media) close() {
	m.once.Do(func() {
		close(m.stop)
		_ = m.pc.Close()
		m.wg.Wait()
	})
}

func (m *media) gathered(d webrtc.SessionDescription) string {
	m.t.Helper()
	done := webrtc.GatheringCompletePromise(m.pc)
	if err := m.pc.SetLocalDescription(d); err != nil {
		m.t.Fatal(err)
	}
	<-done
	return m.pc.LocalDescription().SDP
}

// answer answers the phone's offer.
func (m *media) answer(offer string) string {
	m.t.Helper()
	if err := m.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: withoutSSRC(offer)}); err != nil {
		m.t.Fatal(err)
	}
	a, err := m.pc.CreateAnswer(nil)
	if err != nil {
		m.t.Fatal(err)
	}
	return m.gathered(a)
}

func (m *media) offer() string {
	m.t.Helper()
	o, err := m.pc.CreateOffer(nil)
	if err != nil {
		m.t.Fatal(err)
	}
	return m.gathered(o)
}

func (m *media) accept(answer string) {
	m.t.Helper()
	if err := m.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: withoutSSRC(answer)}); err != nil {
		m.t.Fatal(err)
	}
}

func withoutSSRC(sdp string) string {
	var out []string
	for l := range strings.SplitSeq(sdp, "\r\n") {
		if !strings.HasPrefix(l, "a=ssrc:") {
			out = append(out, l)
		}
	}
	return strings.Join(out, "\r\n")
}

func (m *media) connected() {
	m.t.Helper()
	select {
	case <-m.up:
	case <-time.After(patient):
		m.t.Fatal("media did not connect")
	}
}

// speak sends a tone until close.
func (m *media) speak(hz int) {
	m.wg.Go(func() {
		tone, tick := audio.Tone(hz), time.NewTicker(20*time.Millisecond)
		defer tick.Stop()
		for seq := uint16(1); ; seq++ {
			f, _ := tone.Next()
			_ = m.track.WriteRTP(&rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 111, SequenceNumber: seq, Timestamp: uint32(seq) * 960}, Payload: f})
			select {
			case <-m.stop:
				return
			case <-tick.C:
			}
		}
	})
}

// eventually polls a condition.
func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	limit := time.Now().Add(patient)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !f() {
		if time.Now().After(limit) {
			t.Fatalf("not in time: %s", what)
		}
		<-tick.C
	}
}

// hears waits until an ear hears a tone.
func (m *media) hears(hz float64) {
	m.t.Helper()
	eventually(m.t, fmt.Sprintf("%v Hz at the business", hz), func() bool {
		pcm, err := m.ear.Window(time.Now(), 300*time.Millisecond)
		return err == nil && audio.Level(pcm, hz) > -25
	})
}

// phoneHears waits until the phone hears a tone.
func (b *business) phoneHears(hz int) {
	b.t.Helper()
	eventually(b.t, fmt.Sprintf("%d Hz at the phone", hz), func() bool { return b.level(hz) > -25 })
}

func (b *business) level(hz int) float64 {
	out := b.ok("GET", fmt.Sprintf("/control/users/%s/levels?ms=300&hz=%d", ana, hz), nil)
	v, _ := out["tones_db"].(obj)[fmt.Sprint(hz)].(float64)
	return v
}
