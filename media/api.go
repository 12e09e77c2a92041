package media

import (
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/report"
	"github.com/pion/webrtc/v4"

	"ramal/media/codec"
)

// Payload types of our own offers, and of WhatsApp's (Cloud API calling, reference).
const (
	opusPT  = 111
	eventPT = 126
)

// acceptance is how long ICE waits for a better pair before it nominates one that works. Zero would mean the
// library's default of up to 2 s.
const acceptance = 20 * time.Millisecond

// apis are the library's settings for the three kinds of connection.
type apis struct {
	offering  *webrtc.API // WhatsApp, our offer (business-initiated)
	answering *webrtc.API // WhatsApp, our answer (user-initiated)
	browser   *webrtc.API
}

func newAPIs(cfg Config, shared *sockets, log *slog.Logger) (apis, error) {
	var a apis
	for _, kind := range []struct {
		api    **webrtc.API
		events bool // telephone-event is spoken
		adjust func(*webrtc.SettingEngine) error
	}{
		{&a.offering, true, func(s *webrtc.SettingEngine) error {
			s.SetHandleUndeclaredSSRCWithoutAnswer(true) // its answer declares no source we may rely on
			s.SetSDPMediaLevelFingerprints(true)
			return ownSocket(s, cfg, shared)
		}},
		{&a.answering, true, func(s *webrtc.SettingEngine) error {
			// The library answers an ice-lite offer with setup:passive, and WhatsApp never starts DTLS: both would wait.
			s.SetSDPMediaLevelFingerprints(true)
			return errors.Join(s.SetAnsweringDTLSRole(webrtc.DTLSRoleClient), ownSocket(s, cfg, shared))
		}},
		{&a.browser, false, func(s *webrtc.SettingEngine) error {
			s.SetICEUDPMux(shared.mux)
			return nil
		}},
	} {
		settings, err := baseSettings(cfg, log)
		if err != nil {
			return apis{}, err
		}
		if err := kind.adjust(&settings); err != nil {
			return apis{}, err
		}
		engine, err := mediaEngine(kind.events)
		if err != nil {
			return apis{}, err
		}
		registry, err := reports()
		if err != nil {
			return apis{}, err
		}
		*kind.api = webrtc.NewAPI(webrtc.WithSettingEngine(settings), webrtc.WithMediaEngine(engine),
			webrtc.WithInterceptorRegistry(registry))
	}
	return a, nil
}

// ownSocket gives each connection a socket of its own, on the addresses that the node uses. Packets are told apart by the
// other side's address, except for ICE's checks: two calls from one port to one address of a relay would be one.
func ownSocket(s *webrtc.SettingEngine, cfg Config, shared *sockets) error {
	ours := map[string]bool{}
	for _, addr := range shared.addrs {
		if udp, ok := addr.(*net.UDPAddr); ok {
			ours[udp.IP.String()] = true
		}
	}
	s.SetIPFilter(func(ip net.IP) bool { return ours[ip.String()] })
	if cfg.ContactPorts[1] == 0 {
		return nil
	}
	return s.SetEphemeralUDPPortRange(cfg.ContactPorts[0], cfg.ContactPorts[1])
}

func baseSettings(cfg Config, log *slog.Logger) (webrtc.SettingEngine, error) {
	s := webrtc.SettingEngine{LoggerFactory: pionLoggers{log}}
	s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6})
	s.SetIncludeLoopbackCandidate(true) // what is offered was decided when the sockets were bound
	// Browsers hide their addresses behind .local names, which a server cannot resolve. It need not: their checks
	// arrive from somewhere, and that peer-reflexive candidate is used.
	s.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	s.SetICETimeouts(cfg.DisconnectedAfter, cfg.FailedAfter, cfg.KeepAlive)
	s.SetPrflxAcceptanceMinWait(acceptance)
	s.SetSrflxAcceptanceMinWait(acceptance)
	s.SetRelayAcceptanceMinWait(acceptance)
	s.SetSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM, dtls.SRTP_AES128_CM_HMAC_SHA1_80)
	s.SetDTLSRetransmissionInterval(250 * time.Millisecond) // 1 s by default: a lost first flight clips the greeting
	s.SetReceiveMTU(packetBytes)
	if len(cfg.PublicIPs) == 0 {
		return s, nil
	}
	return s, s.SetICEAddressRewriteRules(rewriteRules(cfg.PublicIPs)...)
}

// rewriteRules advertises the public addresses instead of the local ones of the same family.
func rewriteRules(ips []string) []webrtc.ICEAddressRewriteRule {
	byFamily := map[webrtc.NetworkType][]string{}
	for _, ip := range ips {
		family := webrtc.NetworkTypeUDP6
		if a, err := netip.ParseAddr(ip); err == nil && a.Is4() {
			family = webrtc.NetworkTypeUDP4
		}
		byFamily[family] = append(byFamily[family], ip)
	}
	var rules []webrtc.ICEAddressRewriteRule
	for _, family := range []webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6} {
		if len(byFamily[family]) > 0 {
			rules = append(rules, webrtc.ICEAddressRewriteRule{
				External: byFamily[family], AsCandidateType: webrtc.ICECandidateTypeHost,
				Mode: webrtc.ICEAddressRewriteReplace, Networks: []webrtc.NetworkType{family},
			})
		}
	}
	return rules
}

// mediaEngine registers the codecs without format parameters. The library keeps only the codecs whose parameters
// contradict nothing, if there is any such: with a parameter of Opus that differs from the other side's, telephone
// events would be all that is left. What we want to receive is written into the text (package sdpedit).
func mediaEngine(events bool) (*webrtc.MediaEngine, error) {
	m := &webrtc.MediaEngine{}
	codecs := []webrtc.RTPCodecParameters{{
		RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeOpus, ClockRate: codec.ClockRate, Channels: 2,
		},
		PayloadType: opusPT,
	}}
	if events {
		codecs = append(codecs, webrtc.RTPCodecParameters{
			RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: "audio/telephone-event", ClockRate: 8000},
			PayloadType:        eventPT,
		})
	}
	for _, c := range codecs {
		if err := m.RegisterCodec(c, webrtc.RTPCodecTypeAudio); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// reports registers RTCP sender and receiver reports and nothing else: retransmission comes too late for voice.
func reports() (*interceptor.Registry, error) {
	r := &interceptor.Registry{}
	receiver, err := report.NewReceiverInterceptor()
	if err != nil {
		return nil, err
	}
	sender, err := report.NewSenderInterceptor()
	if err != nil {
		return nil, err
	}
	r.Add(receiver)
	r.Add(sender)
	return r, nil
}
