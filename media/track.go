package media

import (
	"sync/atomic"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// track is one outgoing stream of a connection, as the library wants it. Until the connection is up, and after it
// is gone, it is unbound and writes go nowhere. It owns nothing but the binding, which the library sets.
type track struct {
	id, stream string
	binding    atomic.Pointer[binding]
}

type binding struct {
	id     string
	ssrc   uint32
	pt     uint8
	writer webrtc.TrackLocalWriter
}

// Bind implements webrtc.TrackLocal.
func (t *track) Bind(ctx webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
	for _, c := range ctx.CodecParameters() {
		if c.MimeType == webrtc.MimeTypeOpus {
			t.binding.Store(&binding{
				id: ctx.ID(), ssrc: uint32(ctx.SSRC()), pt: uint8(c.PayloadType), writer: ctx.WriteStream(),
			})
			return c, nil
		}
	}
	return webrtc.RTPCodecParameters{}, webrtc.ErrUnsupportedCodec
}

// Unbind implements webrtc.TrackLocal.
func (t *track) Unbind(ctx webrtc.TrackLocalContext) error {
	if b := t.binding.Load(); b != nil && b.id == ctx.ID() {
		t.binding.CompareAndSwap(b, nil)
	}
	return nil
}

// ID implements webrtc.TrackLocal.
func (t *track) ID() string { return t.id }

// RID implements webrtc.TrackLocal.
func (t *track) RID() string { return "" }

// StreamID implements webrtc.TrackLocal.
func (t *track) StreamID() string { return t.stream }

// Kind implements webrtc.TrackLocal.
func (t *track) Kind() webrtc.RTPCodecType { return webrtc.RTPCodecTypeAudio }

// write sends one packet; h's source and payload type are filled in. It reports false where there is no
// connection to send on. h may be reused afterwards.
func (t *track) write(h *rtp.Header, payload []byte) (sent bool, err error) {
	b := t.binding.Load()
	if b == nil {
		return false, nil
	}
	h.Version, h.SSRC, h.PayloadType = 2, b.ssrc, b.pt
	_, err = b.writer.WriteRTP(h, payload)
	return err == nil, err
}
