package leg

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/srtp/v3"
)

const lingerFor = 250 * time.Millisecond

// profiles in order of preference, those of browsers.
var profiles = []dtls.SRTPProtectionProfile{
	dtls.SRTP_AEAD_AES_128_GCM, dtls.SRTP_AES128_CM_HMAC_SHA1_80,
}

// dtlsIn queues one DTLS record; early records wait here until SetRemote.
func (l *Leg) dtlsIn(data []byte) {
	if l.opt.LoseHello && len(data) > 13 && data[0] == 22 && data[13] == 1 && l.tx.loseOnce() {
		return
	}
	_, _ = l.dtls.Write(data) // full or closed: DTLS repeats
}

// runDTLS does the handshake, opens SRTP, and stays until either side closes.
func (l *Leg) runDTLS(fingerprint []byte, role Role) {
	if role == Client {
		select {
		case <-l.ready:
		case <-l.ctx.Done():
			return
		}
	}
	conn, err := l.handshake(fingerprint, role)
	if err != nil {
		if l.ctx.Err() == nil {
			l.ep.log.Warn("DTLS handshake", "error", err)
			l.tell(l.opt.Handlers.Closed)
		}
		return
	}
	defer l.closeDTLS(conn)
	if err := l.openSRTP(conn, role == Client); err != nil {
		l.ep.log.Warn("SRTP keys", "error", err)
		return
	}
	l.ep.pace.add(l)
	if l.ctx.Err() != nil { // closed meanwhile
		l.ep.pace.remove(l)
		return
	}
	l.tell(l.opt.Handlers.Connected)
	buf := make([]byte, mtu)
	for {
		if _, err := conn.Read(buf); err != nil {
			if l.ctx.Err() == nil {
				l.tell(l.opt.Handlers.Closed)
			}
			return
		}
	}
}

// closeDTLS sends close_notify, after a BYE a moment later: peers drop RTCP that is followed at once by the end of DTLS.
func (l *Leg) closeDTLS(conn *dtls.Conn) {
	if l.linger.Load() {
		t := time.NewTimer(lingerFor)
		defer t.Stop()
		select {
		case <-t.C:
		case <-l.ep.stop:
		}
	}
	_ = conn.Close() // the peer learns it or not
}

func (l *Leg) tell(f func(time.Time)) {
	if f != nil {
		f(time.Now())
	}
}

func (l *Leg) handshake(fingerprint []byte, role Role) (*dtls.Conn, error) {
	verify := func(raw [][]byte, _ [][]*x509.Certificate) error {
		if len(raw) == 0 {
			return errors.New("leg: the peer has no certificate")
		}
		if sum := sha256.Sum256(raw[0]); !bytes.Equal(sum[:], fingerprint) {
			return errors.New("leg: the peer's certificate is not that of its SDP")
		}
		return nil
	}
	opts := []dtls.Option{
		dtls.WithCertificates([]tls.Certificate{l.ep.cert}...),
		dtls.WithSRTPProtectionProfiles(profiles...),
		dtls.WithExtendedMasterSecret(dtls.RequireExtendedMasterSecret),
		dtls.WithInsecureSkipVerify(true), // identity is the fingerprint, checked by verify
		dtls.WithVerifyPeerCertificate(verify),
	}
	var conn *dtls.Conn
	var err error
	if role == Client {
		client := make([]dtls.ClientOption, len(opts))
		for i, o := range opts {
			client[i] = o
		}
		conn, err = dtls.ClientWithOptions(dtlsConn{l}, dtlsConn{l}.RemoteAddr(), client...)
	} else {
		server := make([]dtls.ServerOption, len(opts), len(opts)+2)
		for i, o := range opts {
			server[i] = o
		}
		server = append(server, dtls.WithClientAuth(dtls.RequireAnyClientCert), dtls.WithInsecureSkipVerifyHello(true))
		conn, err = dtls.ServerWithOptions(dtlsConn{l}, dtlsConn{l}.RemoteAddr(), server...)
	}
	if err != nil {
		return nil, fmt.Errorf("leg: DTLS: %w", err)
	}
	ctx, cancel := context.WithTimeout(l.ctx, l.opt.DTLSGiveUp)
	defer cancel()
	if err := conn.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("leg: DTLS handshake: %w", err)
	}
	return conn, nil
}

func (l *Leg) openSRTP(conn *dtls.Conn, isClient bool) error {
	profile, ok := conn.SelectedSRTPProtectionProfile()
	if !ok {
		return errors.New("leg: no SRTP profile was agreed on")
	}
	state, ok := conn.ConnectionState()
	if !ok {
		return errors.New("leg: DTLS has no state")
	}
	cfg := srtp.Config{Profile: srtp.ProtectionProfile(profile)}
	if err := cfg.ExtractSessionKeysFromDTLS(&state, isClient); err != nil {
		return fmt.Errorf("leg: SRTP keys: %w", err)
	}
	in, err := srtp.CreateContext(cfg.Keys.RemoteMasterKey, cfg.Keys.RemoteMasterSalt, cfg.Profile,
		srtp.SRTPReplayProtection(64), srtp.SRTCPReplayProtection(64))
	if err != nil {
		return fmt.Errorf("leg: SRTP: %w", err)
	}
	out, err := srtp.CreateContext(cfg.Keys.LocalMasterKey, cfg.Keys.LocalMasterSalt, cfg.Profile)
	if err != nil {
		return fmt.Errorf("leg: SRTP: %w", err)
	}
	l.rx.open(in)
	l.tx.open(out)
	return nil
}
