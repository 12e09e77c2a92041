// Package media carries the voices of calls: one Conference per call, one leg per party, and a gain matrix that
// says who hears whom. It speaks WebRTC to WhatsApp and to agents' browsers through one UDP port per node.
//
// It is not the call: it decides nothing about ringing, ownership or ends. Its caller gives commands, and it
// tells rare Facts. It imports nothing of the control plane and no packet ever leaves it for a mailbox.
//
//	browser --RTP--> input --+--> sink (another browser's slot: header rewritten, payload untouched)
//	contact --RTP--> input --+--> jitter buffer -> decoder -> bus -> limiter -> encoder --> contact, 50 packets/s
//	                                               `---- every 20 ms, by the shard's clock ----'
//
// A browser gets every other party on a track of its own (a slot) and sets volumes itself; the engine stops
// forwarding at gain 0. The contact gets one stream: the sum of all others by their gains, silence included,
// from OpenAudio to Remove. Nothing at all is sent to it before.
//
// Who owns what:
//
//   - Conference.mu guards membership, gains, slots and the legs' switches. Every change publishes immutable
//     snapshots (routes per leg, one plan per conference), so that no packet ever waits for it.
//   - a reader goroutine per inbound track owns its buffer; it ends when its connection is closed.
//   - a sink's lock guards its header rewriter, an input's lock its jitter buffer and detectors.
//   - decoders, mixing buses and encoders belong to the shard's goroutine, which Engine.Close stops.
//
// The packet cores (codec, jitter, mix, munge, dtmf, voice, slots, matrix, sdpcheck, sdpedit) are pure.
package media
