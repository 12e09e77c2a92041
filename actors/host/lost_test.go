package host

import (
	"slices"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"ramal/actors"
	"ramal/actors/call"
	"ramal/internal/fault"
	"ramal/internal/id"
	"ramal/store"
)

// TestOvertakenWhileUnsaved: the same when the store comes back and somebody else has written meanwhile.
func TestOvertakenWhileUnsaved(t *testing.T) {
	r := newRig(t)
	luis := r.open("luis")
	c, _ := r.talk(luis)
	r.free0(c)
	r.breaker.Cut()
	r.quickly(luis, actors.Mute{Call: c, Muted: true})
	row, err := r.st.GetCall(t.Context(), acme, c)
	ok(t, err)
	(&Host{cfg: r.h.cfg, store: shelf{r.st}, log: discard(), now: time.Now, observer: r.spy, lanes: closedLanes(), cluster: r.node}).buryCall(t.Context(), row)
	r.breaker.Restore()
	eventually(t, "its actor is gone", func() bool { return !r.node.lives(callName("node_1", c)) })
	if n := count(r.journal(c), "Muted"); n != 0 {
		t.Errorf("%d events of the second writer are in the journal", n)
	}
	eventually(t, "it does not count as unsaved any more", func() bool { return see(r.spy, func() int { return r.spy.unsaved }) == 0 })
}

// TestLeftoverRow: an attempt to begin a call that got no further than its row must not keep the call from ringing.
func TestLeftoverRow(t *testing.T) {
	r := newRig(t)
	r.open("luis")
	c := id.Call("call_" + hashOf(string(acme), string(mainLine), "wacid.1")[:26])
	ok(t, r.st.InsertCall(t.Context(), store.CallRow{
		Tenant: acme, ID: c, Line: mainLine, Contact: r.ana, Direction: store.Inbound, Node: "node_1", ProviderCallID: "wacid.1", State: "offering", CreatedAt: time.Now(),
	}))
	r.hook(inConnect("wacid.1", phoneOffer(t)))
	eventually(t, "the call rings", func() bool { return len(r.meta.seen("pre_accept")) == 1 })
	if events := r.journal(c); len(events) == 0 || events[0].Type != "Created" {
		t.Errorf("its journal is %v", events)
	}
}

// TestCrashedCallIsEnded: a call whose actor is gone while its node lives is nobody's; it must not stay "ongoing" for ever.
func TestCrashedCallIsEnded(t *testing.T) {
	r := newRig(t)
	luis := r.open("luis")
	c, _ := r.talk(luis)
	r.free0(c)
	<-r.stop(c)
	r.h.reap(t.Context())
	if row, err := r.st.GetCall(t.Context(), acme, c); err != nil || row.State != "active" {
		t.Errorf("a call that may just be beginning was ended: %s, %v", row.State, err)
	}
	_, err := r.st.Pool().Exec(t.Context(), "UPDATE calls SET created_at = created_at - interval '1 minute'")
	ok(t, err)
	r.h.reap(t.Context())
	row := r.row(c, call.Ended)
	if row.EndReason != "node_lost" {
		t.Errorf("it ended as %s", row.EndReason)
	}
	eventually(t, "the customer hears that it is over", func() bool { return len(r.meta.seen("terminate")) == 1 })
	r.free("luis")
}

// TestEndedCallLingers: late webhooks still find a call that has ended; some time later it leaves memory.
func TestEndedCallLingers(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Linger = 4 * time.Second })
	luis := r.open("luis")
	c, d := r.talk(luis)
	ended := time.Now()
	_, err := r.h.Do(t.Context(), luis.who, actors.End{Call: c})
	ok(t, err)
	r.hook(terminate(d.call, "BUSINESS_INITIATED", d.opaque)) // Meta's own word about our hang-up
	r.processed("callterminate", "done", 1)
	if v := r.view(c); v.State != "ended" {
		t.Errorf("right after its end the call is %s", v.State)
	}
	eventually(t, "it leaves memory", func() bool { return !r.node.lives(callName("node_1", c)) })
	if took := time.Since(ended); took < 4*time.Second {
		t.Errorf("it was gone after %v", took)
	}
	_, err = r.h.askCall(t.Context(), acme, c, call.LegUp{})
	wantFault(t, "a command after that", err, fault.Conflict, "call_ended")
	if node, pid := r.h.calls.find(c); node != "" || pid != nil {
		t.Errorf("the directory still knows %s %v", node, pid)
	}
	r.hook(status(d, "REJECTED"))
	r.processed("callstatus", "dropped", 1)
}

func closedLanes() *lanes {
	l := newLanes()
	l.close()
	return l
}

// stop ends a call's actor as a crash does, and returns a channel that is closed when it is gone.
func (r *rig) stop(c id.Call) <-chan struct{} {
	r.t.Helper()
	r.node.mu.Lock()
	defer r.node.mu.Unlock()
	a := r.node.mu.live[callName("node_1", c)]
	if a == nil {
		r.t.Fatal("there is no such actor")
	}
	r.node.sys.Root.Stop(actor.NewPID(a.pid.Address, a.pid.Id))
	return a.gone
}

// TestConnectTwice: the webhook of a ring comes again while the call rings, and after its end.
func TestConnectTwice(t *testing.T) {
	r := newRig(t)
	luis := r.open("luis")
	items := r.hook(inConnect("wacid.1", phoneOffer(t)))
	o := luis.offer(t, 1)
	r.h.enqueue(r.inbox(items[0]))
	r.processed("callconnect", "done", 2)
	r.hook(terminate("wacid.1", "USER_INITIATED", ""))
	r.row(o.CallID, call.Ended)
	r.free("luis")
	r.h.enqueue(r.inbox(items[0]))
	eventually(t, "the third is dealt with", func() bool { return see(r.spy, func() int { return len(r.spy.webhooks) }) == 4 })
	if n := len(luis.got(actors.EventOfferCreated)); n != 1 {
		t.Errorf("it rang %d times", n)
	}
	if n := count(r.journal(o.CallID), "Created"); n != 1 {
		t.Errorf("it began %d times", n)
	}
	r.free("luis")
}

// TestRedriverIsPatient: an item that is being dealt with is not begun again beside it.
func TestRedriverIsPatient(t *testing.T) {
	r := newRig(t)
	hold := make(chan struct{})
	r.node.change(func(n *oneNode) { n.mu.hold = hold })
	r.left(textMessage(1, "devagar"), time.Minute)
	for range 4 {
		r.h.redriving.once(t.Context())
	}
	r.node.change(func(n *oneNode) { n.mu.hold = nil })
	close(hold)
	eventually(t, "it is done", func() bool { return len(r.pending()) == 0 })
	eventually(t, "the lanes are empty", func() bool { return waiting(r.h.lanes) == 0 })
	if got := see(r.spy, func() []string { return slices.Clone(r.spy.webhooks) }); len(got) != 1 {
		t.Errorf("one item was dealt with as %q", got)
	}
}
