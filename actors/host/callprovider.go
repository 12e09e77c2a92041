package host

import (
	"context"
	"log/slog"

	"ramal/actors/call"
	"ramal/channels/whatsapp"
	"ramal/internal/fault"
	"ramal/internal/id"
)

// placeCall makes our media offer and dials. The dial is not idempotent: when its outcome is unknown nothing is
// reported, and the webhook that follows, or the deadline, decides.
func (a *callActor) placeCall(e call.PlaceCall) {
	sdp, err := a.conf.OfferContact(context.Background(), e.Leg)
	if err != nil {
		a.result(call.ProviderDialFailed{Reason: call.MediaFailed, Detail: err.Error()})
		return
	}
	s := a.s
	a.onProvider("dial", func(ctx context.Context, p Provider) {
		providerID, err := p.Connect(ctx, a.recipient(), sdp, whatsapp.Opaque{Tenant: s.Tenant, Call: s.Call}.String())
		switch {
		case err == nil:
			a.result(call.ProviderDialed{ProviderID: providerID})
		case fault.Is(err, fault.Unknown):
			a.h.log.Warn("outcome of the dial unknown", slog.String("call", string(s.Call)), slog.Any("error", err))
		default:
			a.result(call.ProviderDialFailed{Reason: dialFailure(err), Detail: providerWords(err)})
		}
	}, func(err error) { a.result(call.ProviderDialFailed{Reason: call.ProviderError, Detail: err.Error()}) })
}

func dialFailure(err error) call.EndReason {
	switch fault.CodeOf(err) {
	case whatsapp.WordPermissionMissing:
		return call.PermissionDenied
	case whatsapp.WordDailyLimit, whatsapp.WordConcurrency, whatsapp.WordCallRate:
		return call.LimitReached
	case whatsapp.WordSDPRejected:
		return call.MediaFailed
	}
	return call.ProviderError
}

// providerWords is the provider's own sentence with our word for it, for support.
func providerWords(err error) string {
	if e, ok := whatsapp.AsError(err); ok {
		return e.Word() + ": " + e.Sentence()
	}
	return err.Error()
}

func (a *callActor) answerEarly(e call.AnswerEarly) {
	sdp, err := a.conf.AnswerContact(context.Background(), e.Leg, e.SDP)
	if err != nil {
		a.h.log.Warn("the provider's offer cannot be answered", slog.String("call", string(a.call)), slog.Any("error", err))
		a.result(call.LegAway{Leg: e.Leg, Failed: true, Detail: err.Error()})
		return
	}
	a.sdp = sdp
	providerID := a.s.ProviderID
	if providerID == "" {
		providerID = a.about.Incoming.ProviderID
	}
	a.onProvider("pre_accept", func(ctx context.Context, p Provider) {
		if err := p.PreAccept(ctx, providerID, sdp); err != nil {
			a.h.log.Warn("pre_accept failed", slog.String("call", string(a.call)), slog.Any("error", err))
		}
		a.result(call.PreAccepted{}) // refused or not, accept is what counts
	}, func(error) { a.result(call.PreAccepted{}) })
}

// acceptCall sends accept with the text of pre_accept, as Meta demands. An unknown outcome opens audio too: if the
// accept did arrive, Meta waits for our first packet, and if not, the caller hears the agent who has taken the call.
func (a *callActor) acceptCall(e call.AcceptCall) {
	sdp := a.sdp
	opaque := whatsapp.Opaque{Tenant: a.s.Tenant, Call: a.call}.String()
	a.onProvider("accept", func(ctx context.Context, p Provider) {
		err := p.Accept(ctx, e.ProviderID, sdp, opaque)
		switch {
		case err == nil, fault.Is(err, fault.Unknown):
			a.result(call.AcceptTaken{})
		default:
			a.result(call.AcceptFailed{Gone: fault.CodeOf(err) == whatsapp.WordCallGone, Detail: providerWords(err)})
		}
	}, func(err error) { a.result(call.AcceptFailed{Detail: err.Error()}) })
}

// hangUp tells the provider until it has heard: a call left standing there blocks the customer.
func (a *callActor) hangUp(e call.HangUp) {
	a.h.hangUpAt(a.tenant(), a.line(), a.call, e)
}

func (h *Host) hangUpAt(tenant id.Tenant, line id.Line, callID id.Call, e call.HangUp) {
	h.lanes.run("hangup/"+string(tenant)+"/"+e.ProviderID, func(ctx context.Context) {
		h.persist(ctx, tellFor, "hang up", func(ctx context.Context) error {
			p, err := h.provider(ctx, tenant, line)
			if err != nil {
				return err
			}
			if e.How == "reject" {
				err = p.Reject(ctx, e.ProviderID)
			} else {
				err = p.Terminate(ctx, e.ProviderID)
			}
			if err != nil && !worthRepeating(err) {
				h.log.Info("provider would not take the hang-up", slog.String("call", string(callID)), slog.Any("error", err))
				return nil
			}
			return err
		})
	})
}

// worthRepeating: what is sent through it does no harm when it arrives twice, so an unknown outcome is tried again too.
func worthRepeating(err error) bool {
	k := fault.KindOf(err)
	return k == fault.Unavailable || k == fault.Unknown || fault.CodeOf(err) == codeOvertaken
}

// onProvider runs one action at the provider on a lane of its own; absent runs when the line has no usable provider.
func (a *callActor) onProvider(what string, do func(context.Context, Provider), absent func(error)) {
	tenant, line := a.tenant(), a.line()
	a.h.lanes.run("provider/"+what+"/"+string(a.call), func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, providerWait)
		defer cancel()
		p, err := a.h.provider(ctx, tenant, line)
		if err != nil {
			absent(err)
			return
		}
		do(ctx, p)
	})
}

func (a *callActor) recipient() whatsapp.Recipient {
	return whatsapp.Recipient{Phone: a.about.To.Phone, BSUID: a.about.To.BSUID}
}

func (a *callActor) tenant() id.Tenant {
	if a.about.Dial != nil {
		return a.about.Dial.Tenant
	}
	return a.about.Incoming.Tenant
}

func (a *callActor) line() id.Line {
	if a.about.Dial != nil {
		return a.about.Dial.Line
	}
	return a.about.Incoming.Line
}
