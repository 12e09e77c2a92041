package gateway

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"time"

	"ramal/actors"
	"ramal/channels/whatsapp"
	"ramal/internal/fault"
)

// maxWebhook is the largest body Meta sends, in bytes (Graph API webhooks, "Payload").
const maxWebhook = 3 << 20

// AccountIntake is what an Intake may offer besides: the lines of a WhatsApp business account. Events about a whole account
// name no phone number; with this port they reach each line of the account whose secret verifies, without it nobody can vouch for them.
type AccountIntake interface {
	LinesByAccount(ctx context.Context, waba string) ([]actors.LineAuth, error)
}

// The results of a webhook: labels of a metric.
const (
	hookAccepted         = "accepted"
	hookForged           = "forged"
	hookMalformed        = "malformed"
	hookTooLarge         = "too_large"
	hookUnknownLine      = "unknown_line"
	hookUnavailable      = "unavailable"
	hookIgnored          = "ignored"
	hookChallengePassed  = "challenge_passed"
	hookChallengeRefused = "challenge_refused"
)

// verifyWebhook answers Meta's verification request: the raw challenge, or 403.
func (g *Gateway) verifyWebhook(w http.ResponseWriter, r *http.Request) {
	started := time.Now()
	query := r.URL.Query()
	token := query.Get("hub.verify_token")
	known := false
	if token != "" && len(token) <= 512 {
		var err error
		if known, err = g.deps.Intake.VerifyToken(r.Context(), token); err != nil {
			g.hook(hookUnavailable, started)
			g.fail(w, r, err)
			return
		}
	}
	challenge, ok := whatsapp.VerifyChallenge(query, token)
	if !known || !ok || len(challenge) > 1024 {
		g.hook(hookChallengeRefused, started)
		refuse(w, r, http.StatusForbidden, "verify_token", "no line expects this verify token")
		return
	}
	g.hook(hookChallengePassed, started)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, challenge) //nolint:gosec // plain text, and only for who knows a line's token
}

func (g *Gateway) hook(result string, started time.Time) {
	g.deps.Metrics.Webhook(result, time.Since(started))
}

// takeWebhook verifies a body against the secret of every line it names, stores its events and answers 200. Until
// the signature is proven the body may be anybody's: no more of it is read than whom it is about, and every refusal
// is the same 401, which does not say what numbers there are here.
func (g *Gateway) takeWebhook(w http.ResponseWriter, r *http.Request) {
	started := time.Now()
	select {
	case g.hooks <- struct{}{}:
		defer func() { <-g.hooks }()
	default: // Meta delivers again; memory does not grow
		g.hook(hookUnavailable, started)
		refuse(w, r, http.StatusServiceUnavailable, "busy", "too many webhooks at once")
		return
	}
	signature := r.Header.Get(whatsapp.SignatureHeader)
	if signature == "" {
		g.unproven(w, r, hookForged, started)
		return
	}
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxWebhook))
	if err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			g.hook(hookTooLarge, started)
			refuse(w, r, http.StatusRequestEntityTooLarge, "too_large", "a webhook has at most 3 MB")
			return
		}
		g.hook(hookMalformed, started)
		refuse(w, r, http.StatusBadRequest, "body_broken", "the body did not arrive whole")
		return
	}
	found, err := g.lookUp(r.Context(), whatsapp.ReadAddressees(raw), verdicts(signature, raw))
	switch {
	case err != nil:
		g.hook(hookUnavailable, started)
		g.fail(w, r, err)
		return
	case !found.proven:
		result := hookForged
		if found.missing { // a line that is not configured here, or somebody who tries numbers
			result = hookUnknownLine
		}
		g.unproven(w, r, result, started)
		return
	}
	events, malformed := whatsapp.SplitWebhook(raw)
	if len(events) == 0 && malformed != nil {
		g.hook(hookMalformed, started)
		refuse(w, r, http.StatusBadRequest, "webhook_malformed", "the body is not a webhook of a WhatsApp business account")
		return
	}
	g.storeWebhook(w, r, started, found, events, malformed)
}

// unproven refuses a body that no line's secret has signed.
func (g *Gateway) unproven(w http.ResponseWriter, r *http.Request, result string, started time.Time) {
	g.hook(result, started)
	g.logger.WarnContext(r.Context(), "webhook that no line's secret has signed", "op", "gateway.webhook", "result", result,
		"trace_id", traceOf(r), "from", r.RemoteAddr)
	refuse(w, r, http.StatusUnauthorized, "signature", "the signature is missing, or not that of a line here")
}

// storeWebhook hands the events of known lines to the intake. The signature has been verified.
func (g *Gateway) storeWebhook(w http.ResponseWriter, r *http.Request, started time.Time, found owners, events []whatsapp.Item, malformed error) {
	var rows []actors.InboxItem
	unknown := 0
	for _, ev := range events {
		lines := found.of(ev)
		if len(lines) == 0 {
			unknown++
		}
		for _, line := range lines {
			rows = append(rows, actors.InboxItem{Tenant: line.Tenant, Line: line.Line, Dedupe: ev.DedupeKey, Body: ev.Body, ReceivedAt: started})
		}
	}
	if len(rows) == 0 {
		g.hook(hookIgnored, started) // nothing in it that is about a line here
		w.WriteHeader(http.StatusOK)
		return
	}
	if err := g.deps.Intake.Accept(r.Context(), rows); err != nil {
		g.hook(hookUnavailable, started)
		if kind := fault.KindOf(err); kind != fault.Unavailable && kind != fault.Unknown && kind != fault.Exhausted {
			g.logger.ErrorContext(r.Context(), "webhook could not be stored", "op", "gateway.webhook", "error", err, "trace_id", traceOf(r))
		}
		refuse(w, r, http.StatusServiceUnavailable, "not_stored", "the events could not be stored; deliver them again")
		return
	}
	g.hook(hookAccepted, started)
	g.deps.Metrics.WebhookEvents("accepted", len(rows))
	if unknown > 0 {
		g.deps.Metrics.WebhookEvents("unknown_line", unknown)
	}
	if malformed != nil {
		g.deps.Metrics.WebhookEvents("malformed", 1)
		g.logger.WarnContext(r.Context(), "part of a webhook is malformed", "op", "gateway.webhook", "error", malformed, "trace_id", traceOf(r))
	}
	w.WriteHeader(http.StatusOK)
}

// owners says whose the events of one body are.
type owners struct {
	numbers  map[string]actors.LineAuth   // by phone-number id
	accounts map[string][]actors.LineAuth // by account id: the lines whose secret verifies
	proven   bool                         // a line has signed the body, and every line that it names by number
	missing  bool                         // not proven only because the numbers it names are no line's
}

// verdicts judges the body's signature by a secret, once for each secret.
func verdicts(signature string, raw []byte) func(secret string) bool {
	known := map[string]bool{}
	return func(secret string) bool {
		v, ok := known[secret]
		if !ok {
			v = whatsapp.VerifySignature(secret, raw, signature)
			known[secret] = v
		}
		return v
	}
}

// maxStrangers is how many numbers and accounts unknown here a body may make us look up before one of its lines has
// verified it: until then it may be anybody's.
const maxStrangers = 16

// lookUp finds the lines that a body names and judges the signature by the secret of each. One signature covers the whole body,
// so all its lines belong to one app: a body that adds another company's line to one's own is forged. Of an account
// only the lines that verify count, for several apps may serve it. Where no line is found nothing is proven.
func (g *Gateway) lookUp(ctx context.Context, names whatsapp.Addressees, right func(secret string) bool) (owners, error) {
	found := owners{numbers: map[string]actors.LineAuth{}, accounts: map[string][]actors.LineAuth{}}
	strangers, known := 0, 0
	enough := func() bool { return strangers >= maxStrangers && !found.proven }
	for _, number := range names.Numbers {
		line, err := g.deps.Intake.LineByPhoneNumberID(ctx, number)
		switch {
		case fault.Is(err, fault.NotFound):
			strangers++
			right("no line's") // as long as for a line: the time that an answer takes says nothing either
		case err != nil:
			return owners{}, err
		case !right(line.AppSecret):
			return owners{}, nil
		default:
			known++
			found.proven = true
			found.numbers[number] = line
		}
		if enough() {
			break
		}
	}
	for _, account := range names.Accounts {
		if enough() {
			break
		}
		lines, err := g.linesOfAccount(ctx, account)
		if err != nil {
			return owners{}, err
		}
		if len(lines) == 0 {
			strangers++
		}
		known += len(lines)
		good := slices.DeleteFunc(lines, func(l actors.LineAuth) bool { return !right(l.AppSecret) })
		found.proven = found.proven || len(good) > 0
		found.accounts[account] = good
	}
	found.missing = !found.proven && known == 0 && len(names.Numbers) > 0
	return found, nil
}

// linesOfAccount asks the intake for the lines of an account; none is no fault.
func (g *Gateway) linesOfAccount(ctx context.Context, account string) ([]actors.LineAuth, error) {
	byAccount, ok := g.deps.Intake.(AccountIntake)
	if !ok {
		return nil, nil
	}
	lines, err := byAccount.LinesByAccount(ctx, account)
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	return slices.Clone(lines), err
}

func (o *owners) of(ev whatsapp.Item) []actors.LineAuth {
	if ev.PhoneNumberID == "" {
		return o.accounts[ev.WABA]
	}
	if line, ok := o.numbers[ev.PhoneNumberID]; ok {
		return []actors.LineAuth{line}
	}
	return nil
}
