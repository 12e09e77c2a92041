package calls

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"ramal/benchmarks/agentclient"
	"ramal/benchmarks/simclient"
)

// failure is why a call is not good: a reason from a short list, and the words behind it.
type failure struct {
	reason string
	cause  error
}

// Error implements error.
func (f *failure) Error() string { return f.reason + ": " + f.cause.Error() }

// Unwrap implements the errors interface.
func (f *failure) Unwrap() error { return f.cause }

func failed(reason string, err error) error {
	if code := agentclient.Code(err); code != "" {
		reason += " (" + code + ")"
	}
	return &failure{reason, err}
}

// oneCall is one call from its beginning to its end. It belongs to one goroutine.
type oneCall struct {
	*run
	desk     *desk
	customer *customer
	hz       int  // the agent's voice
	byAgent  bool // who hangs up

	leg      *agentclient.Leg
	id       string // ours
	provider string // the provider's
	from     string // which moment audio is measured from: a name of report.go
	began    time.Time
	hung     time.Time

	times                  map[string]time.Duration
	toAgent, toPhone, lost uint64
}

func (k *oneCall) make(ctx context.Context, inbound bool) error {
	ctx, cancel := context.WithTimeout(ctx, 4*k.cfg.Patience+k.cfg.Talk)
	defer cancel()
	leg, err := k.media.NewLeg(false)
	if err != nil {
		return failed("no audio of ours", err)
	}
	defer leg.Close()
	k.leg = leg
	if err := leg.Say(k.hz); err != nil {
		return failed("no audio of ours", err)
	}
	if inbound {
		err = k.in(ctx)
	} else {
		err = k.out(ctx)
	}
	if err == nil {
		err = k.talk(ctx)
	}
	if err != nil {
		k.giveUp()
		return err
	}
	return nil
}

// giveUp ends what is left of a failed call, so that the agent is free again.
func (k *oneCall) giveUp() {
	ctx, cancel := context.WithTimeout(context.Background(), k.cfg.Patience)
	defer cancel()
	if k.id != "" {
		_ = k.desk.End(ctx, k.id) // it may have ended
	}
	_ = k.sim.Act(ctx, k.customer.key, "hangup", nil) // it may have ended
	_, _ = k.desk.Until(ctx, func(s agentclient.State) bool { return s.Agent.CallID == "" })
}

// step bounds one wait.
func (k *oneCall) step(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, k.cfg.Patience)
}

// in is a call of the customer, up to both in it.
func (k *oneCall) in(ctx context.Context) error {
	drain(k.desk.offers)
	provider, err := k.sim.PlaceCall(ctx, k.customer.key, k.pnid)
	if err != nil {
		return failed("the customer cannot call", err)
	}
	k.provider = provider
	offer, at, err := k.offer(ctx)
	if err != nil {
		return failed("no modal", err)
	}
	if err := k.sinceWebhook(ctx, at); err != nil {
		return failed("the simulator forgot the webhook", err)
	}
	if err := pause(ctx, k.cfg.AnswerAfter); err != nil {
		return failed("no time left", err)
	}
	k.began, k.from = time.Now(), TimeAudio
	wait, cancel := k.step(ctx)
	defer cancel()
	answer, err := k.desk.Accept(wait, k.leg, offer)
	if err != nil {
		return failed("accept refused", err)
	}
	k.id = answer.CallID
	return k.active(ctx)
}

// offer waits for this customer's modal.
func (k *oneCall) offer(ctx context.Context) (agentclient.OfferView, time.Time, error) {
	ctx, cancel := k.step(ctx)
	defer cancel()
	for {
		select {
		case e := <-k.desk.offers:
			var o agentclient.OfferView
			if err := json.Unmarshal(e.Data, &o); err != nil {
				return o, e.Arrived, err
			}
			if o.Contact.ID == k.customer.contact.ID {
				return o, e.Arrived, nil
			}
		case <-k.desk.Done():
			return agentclient.OfferView{}, time.Time{}, k.desk.Err()
		case <-ctx.Done():
			return agentclient.OfferView{}, time.Time{}, ctx.Err()
		}
	}
}

func drain(ch chan agentclient.Event) {
	for {
		select {
		case <-ch:
		default:
			return
		}
	}
}

// sinceWebhook measures from the connect webhook's departure, as the simulator's diary says, to the modal.
func (k *oneCall) sinceWebhook(ctx context.Context, modal time.Time) error {
	made, err := k.diary(ctx, "webhook.made")
	if err != nil {
		return err
	}
	for _, e := range made {
		if webhookKind(e) == "connect" {
			k.times[TimeModal] = modal.Sub(e.At)
			return nil
		}
	}
	return errors.New("no connect webhook in its diary")
}

func (k *oneCall) diary(ctx context.Context, kind string) ([]simclient.Event, error) {
	return k.sim.Events(ctx, url.Values{"kind": {kind}, "call_id": {k.provider}})
}

func webhookKind(e simclient.Event) string {
	var data struct {
		Kind string `json:"kind"`
	}
	_ = json.Unmarshal(e.Data, &data) // another shape is another kind
	return data.Kind
}

// out is a call of the agent, up to both in it. The customer answers by itself.
func (k *oneCall) out(ctx context.Context) error {
	began := time.Now()
	wait, cancel := k.step(ctx)
	defer cancel()
	answer, err := k.desk.DialContact(wait, k.leg, k.customer.contact.ID, k.line.ID)
	if err != nil {
		return failed("dial refused", err)
	}
	k.id = answer.CallID
	e, err := k.desk.UntilEvent(wait, k.says("ringing"))
	if err != nil {
		return failed("it does not ring", err)
	}
	k.times[TimeRing] = e.Arrived.Sub(began)
	if err := k.active(ctx); err != nil {
		return err
	}
	if err := k.atProvider(ctx); err != nil {
		return failed("the simulator forgot the call", err)
	}
	return k.dialTimes(ctx, began, e.Arrived)
}

// says matches an update of this call that brings it to a state.
func (k *oneCall) says(state string) func(agentclient.Event) bool {
	return func(e agentclient.Event) bool {
		if e.Type != "call.updated" {
			return false
		}
		var c agentclient.CallView
		return json.Unmarshal(e.Data, &c) == nil && c.ID == k.id && c.State == state
	}
}

// atProvider finds the provider's id of an outbound call.
func (k *oneCall) atProvider(ctx context.Context) error {
	calls, err := k.sim.Calls(ctx, url.Values{"user": {k.customer.key}, "live": {"1"}})
	if err == nil && len(calls) != 1 {
		err = fmt.Errorf("%d live calls of the customer", len(calls))
	}
	if err != nil {
		return err
	}
	c := calls[0]
	k.provider = c.ID
	if c.AcceptedAt == nil {
		return errors.New("it was not picked up")
	}
	k.began, k.from = *c.AcceptedAt, TimePickUp
	return nil
}

// dialTimes takes the provider's share out of the time to ring: from the dial's arrival there to the departure of the
// webhook that made the client say so.
func (k *oneCall) dialTimes(ctx context.Context, began, rang time.Time) error {
	dialled, err := k.diary(ctx, "call.dialled")
	if err != nil || len(dialled) == 0 {
		return failed("the simulator forgot the call", errors.Join(err, errors.New("no dial in its diary")))
	}
	k.times[TimeDial] = dialled[0].At.Sub(began)
	made, err := k.diary(ctx, "webhook.made")
	if err != nil {
		return failed("the simulator forgot the call", err)
	}
	var cause time.Time
	for _, e := range made {
		if kind := webhookKind(e); (kind == "connect" || kind == "RINGING") && e.At.Before(rang) {
			cause = e.At
		}
	}
	if !cause.IsZero() {
		k.times[TimeRings] = k.times[TimeDial] + rang.Sub(cause)
	}
	return nil
}

// active waits until both are in the call.
func (k *oneCall) active(ctx context.Context) error {
	ctx, cancel := k.step(ctx)
	defer cancel()
	s, err := k.desk.Until(ctx, func(s agentclient.State) bool {
		return s.Call != nil && s.Call.ID == k.id && (s.Call.State == "active" || s.Call.State == "ended")
	})
	if err != nil {
		return failed("it does not become active", err)
	}
	if s.Call.State == "ended" {
		return failed("it ended before it was active", ended(s.Call))
	}
	return nil
}

func ended(c *agentclient.CallView) error {
	if c == nil {
		return errors.New("the agent has no call")
	}
	return fmt.Errorf("ended by %s: %s %s", c.EndedBy, c.EndReason, c.EndDetail)
}

// talk lets them talk, judges what both hear, and hangs up.
func (k *oneCall) talk(ctx context.Context) error {
	if err := pause(ctx, k.cfg.Talk); err != nil {
		return failed("no time left", err)
	}
	s := k.desk.State()
	if s.Call == nil || s.Call.ID != k.id || s.Call.State != "active" {
		return failed("it did not last", ended(s.Call))
	}
	if err := k.ears(ctx, s.Call.ContactLeg()); err != nil {
		return err
	}
	k.hung = time.Now()
	if err := k.hangUp(ctx); err != nil {
		return failed("hang-up refused", err)
	}
	wait, cancel := k.step(ctx)
	defer cancel()
	e, err := k.desk.UntilEvent(wait, k.says("ended"))
	if err != nil {
		return failed("it does not end", err)
	}
	k.times[TimeEnd] = e.Arrived.Sub(k.hung)
	s, err = k.desk.Until(wait, func(s agentclient.State) bool { return s.Agent.CallID == "" && s.Agent.Presence == "available" })
	if err != nil {
		return failed("the agent does not become free", err)
	}
	by := map[bool]string{true: "agent", false: "customer"}[k.byAgent]
	if c := s.Call; c == nil || c.ID != k.id || c.EndReason != "completed" || c.EndedBy != by {
		return failed("it ended wrongly", ended(c))
	}
	return nil
}

func (k *oneCall) hangUp(ctx context.Context) error {
	ctx, cancel := k.step(ctx)
	defer cancel()
	if k.byAgent {
		return k.desk.End(ctx, k.id)
	}
	return k.sim.Act(ctx, k.customer.key, "hangup", map[string]any{"call_id": k.provider})
}

const (
	window = 500 * time.Millisecond
	loud   = -30 // dBFS: a voice that is there is about -12
)

// ears reads when each of the two heard the other first, and whether each hears the right voice now.
func (k *oneCall) ears(ctx context.Context, contact string) error {
	ear := k.leg.Ear(contact)
	if ear == nil || ear.FirstSound().IsZero() {
		return failed("the agent hears nothing", fmt.Errorf("packets: %v", ear != nil))
	}
	calls, err := k.sim.Calls(ctx, url.Values{"id": {k.provider}})
	if err != nil || len(calls) != 1 {
		return failed("the simulator forgot the call", errors.Join(err, fmt.Errorf("%d calls", len(calls))))
	}
	c := calls[0]
	k.toAgent, k.toPhone, k.lost = uint64(ear.Packets()), c.PacketsReceived, c.PacketsLost
	if c.FirstSoundAt == nil {
		return failed("the customer hears nothing", fmt.Errorf("%d packets", c.PacketsReceived))
	}
	both := ear.FirstSound()
	if c.FirstSoundAt.After(both) {
		both = *c.FirstSoundAt
	}
	k.times[k.from] = both.Sub(k.began)
	pcm, err := ear.Window(window)
	if err != nil {
		return failed("no audio of ours", err)
	}
	if level := agentclient.Level(pcm, float64(k.customer.hz)); level < loud {
		return failed("the agent does not hear the customer to the end", fmt.Errorf("%.0f dB", level))
	}
	levels, err := k.sim.Levels(ctx, k.customer.key, k.provider, window, k.hz)
	if err != nil {
		return failed("the simulator forgot the call", err)
	}
	if level := levels.Tones[strconv.Itoa(k.hz)]; level < loud {
		return failed("the customer does not hear the agent to the end", fmt.Errorf("%.0f dB", level))
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
