package host

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"ramal/actors"
	"ramal/actors/call"
	"ramal/cluster"
	"ramal/internal/fault"
	"ramal/internal/id"
	"ramal/media"
	"ramal/store"
)

// survivors starts two further nodes for which node_1 is gone.
func (r *rig) survivors(prepare ...func(*oneNode)) (hosts []*Host) {
	r.t.Helper()
	members := []cluster.Member{{ID: "node_2"}, {ID: "node_3"}}
	for _, m := range members {
		engine, err := media.New(media.Config{UDPAddr: "127.0.0.1:0", Shards: 1, Logger: discard()})
		ok(r.t, err)
		r.t.Cleanup(func() { _ = engine.Close() })
		h, _ := r.startHost(m.ID, r.st, engine, r.h.cfg, append(prepare, func(n *oneNode) { n.mu.members = members })...)
		hosts = append(hosts, h)
	}
	return hosts
}

// crash ends the rig's own node without a word to anybody.
func (r *rig) crash() {
	r.h.Stop()
	r.node.close()
}

// TestVanishedNode: its calls are ended by exactly one of the nodes that are left, and everybody in them is free.
func TestVanishedNode(t *testing.T) {
	r := newRig(t)
	luis := r.open("luis")
	c, _ := r.talk(luis)
	r.free0(c)
	r.row(c, call.Active)
	ok(t, r.st.InsertCall(t.Context(), store.CallRow{ // begun, and no further
		Tenant: acme, ID: "call_unborn", Line: mainLine, Contact: r.ana, Direction: store.Inbound, Node: "node_1", State: "offering", CreatedAt: time.Now(),
	}))
	r.crash()
	hosts := r.survivors()
	var all sync.WaitGroup
	for range 4 {
		for _, h := range hosts {
			all.Go(func() { h.reap(t.Context()) })
		}
	}
	all.Wait()
	row := r.row(c, call.Ended)
	if row.EndReason != "node_lost" || row.EndedBy != "system" || row.TalkTime <= 0 || row.EndedAt.IsZero() {
		t.Errorf("the row is %+v", row)
	}
	r.row("call_unborn", call.Ended)
	for _, x := range []id.Call{c, "call_unborn"} {
		if n := count(r.journal(x), "Finished"); n != 1 {
			t.Errorf("%s ended %d times", x, n)
		}
	}
	for _, h := range hosts {
		h.reap(t.Context())
	}
	ended := see(r.spy, func() []string { return slices.Clone(r.spy.ended) })
	slices.Sort(ended)
	if !slices.Equal(ended, []string{"inbound node_lost system", "outbound node_lost system"}) {
		t.Errorf("operators heard of %q", ended)
	}
	eventually(t, "agent and contact are free", func() bool {
		a, err := r.st.GetAgent(context.Background(), acme, "luis")
		b, err2 := r.st.GetContact(context.Background(), acme, r.ana)
		return err == nil && err2 == nil && a.CurrentCall == "" && b.OngoingCall == ""
	})
	page, err := hosts[0].Calls(t.Context(), luis.who, actors.CallQuery{Ongoing: true})
	ok(t, err)
	if len(page.Items) != 0 {
		t.Errorf("calls still going on: %+v", page.Items)
	}
	if _, err := hosts[0].askCall(t.Context(), acme, c, call.End{Agent: "luis"}); fault.CodeOf(err) != "call_ended" {
		t.Errorf("hanging up the lost call: %v", err)
	}
}

// TestReaperSparesTheLiving: a node judges only when it is sure of itself, and only those that are gone.
func TestReaperSparesTheLiving(t *testing.T) {
	r := newRig(t)
	luis := r.open("luis")
	c, _ := r.talk(luis)
	r.h.reap(t.Context())
	if v := r.view(c); v.State != "active" {
		t.Fatalf("its own call is %s", v.State)
	}
	for _, h := range r.survivors(func(n *oneNode) { n.mu.owned = nil }) {
		h.reap(t.Context())
	}
	if row, err := r.st.GetCall(t.Context(), acme, c); err != nil || row.State != "active" {
		t.Errorf("a node that is out of the cluster ended it: %s, %v", row.State, err)
	}
	r.journal(c)
}

// left puts items into the inbox as a node does that dies right after.
func (r *rig) left(raw string, age time.Duration) store.InboxRow {
	r.t.Helper()
	row := r.inbox(itemsOf(r.t, raw)[0])
	row.ReceivedAt = time.Now().Add(-age)
	fresh, err := r.st.PutInbox(r.t.Context(), []store.InboxRow{row})
	ok(r.t, err)
	if len(fresh) != 1 {
		r.t.Fatal("the inbox has it already")
	}
	return row
}

// pending lists what the inbox still holds of what came before now.
func (r *rig) pending() []store.InboxRow {
	r.t.Helper()
	var all []int
	for b := range id.Buckets {
		all = append(all, b)
	}
	rows, err := r.st.PendingInbox(context.Background(), all, time.Now().Add(time.Hour), 100)
	ok(r.t, err)
	return rows
}

// TestRedriver: what a dead node took in and did not finish is done by the owner of its bucket.
func TestRedriver(t *testing.T) {
	r := newRig(t)
	luis := r.open("luis")
	r.left(textMessage(1, "antiga"), time.Minute)
	r.left(inConnect("wacid.1", phoneOffer(t)), time.Minute) // Meta's own time is now: it still rings
	young := r.left(textMessage(2, "nova"), 0)               // may be in somebody's hands
	o := luis.offer(t, 1)
	if o.CallID != inbound("wacid.1") {
		t.Errorf("the modal is %+v", o)
	}
	r.entry("the message", func(m actors.MessageView) bool { return m.Text == "antiga" })
	eventually(t, "the young one alone is left", func() bool { rows := r.pending(); return len(rows) == 1 && rows[0].ID == young.ID })
}

func TestRedriverLeavesOthersTheirs(t *testing.T) {
	r := newRig(t)
	r.node.change(func(n *oneNode) { n.mu.owned = nil })
	row := r.left(textMessage(1, "antiga"), time.Minute)
	r.h.redriving.once(t.Context())
	others := slices.DeleteFunc(slices.Collect(func(yield func(int) bool) {
		for b := range id.Buckets {
			if !yield(b) {
				return
			}
		}
	}), func(b int) bool { return b == row.Bucket })
	r.node.change(func(n *oneNode) { n.mu.owned = others })
	r.h.redriving.once(t.Context())
	if len(r.pending()) != 1 {
		t.Fatal("it was dealt with by a node that does not own it")
	}
	r.node.change(func(n *oneNode) { n.mu.owned = []int{row.Bucket} })
	r.h.redriving.once(t.Context())
	r.processed("inboundmessage", "done", 1)
	eventually(t, "nothing is left", func() bool { return len(r.pending()) == 0 })
}

// TestRedriverParks: what fails again and again waits for a person, and holds up nobody.
func TestRedriverParks(t *testing.T) {
	r := newRig(t)
	row := r.left(textMessage(1, "x"), time.Minute)
	_, err := r.st.Pool().Exec(t.Context(), "UPDATE inbox SET body = $1 WHERE id = $2", []byte("{"), row.ID)
	ok(t, err)
	for n := 1; n < 3; n++ {
		r.h.redriving.once(t.Context())
		eventually(t, "it fails", func() bool { rows := r.pending(); return len(rows) == 1 && rows[0].Attempts == n })
	}
	eventually(t, "the third failure is the last", func() bool { r.h.redriving.once(context.Background()); return len(r.pending()) == 0 })
	r.processed("unreadable", "parked", 1)
	good := r.left(textMessage(2, "y"), time.Minute)
	r.h.redriving.once(t.Context())
	r.processed("inboundmessage", "done", 1)
	eventually(t, "the good one is done", func() bool {
		return !slices.ContainsFunc(r.pending(), func(x store.InboxRow) bool { return x.ID == good.ID })
	})
}

// TestLostWebhookFails: what cannot be done now stays, with its reason.
func TestLostWebhookFails(t *testing.T) {
	r := newRig(t)
	_, err := r.st.Pool().Exec(t.Context(), "ALTER TABLE messages RENAME TO messages_away")
	ok(t, err)
	r.hook(textMessage(1, "bom dia"))
	r.processed("inboundmessage", "failed", 1)
	rows := r.pending()
	if len(rows) != 1 || rows[0].Attempts != 1 || rows[0].Error == "" {
		t.Errorf("the inbox has %+v", rows)
	}
	_, err = r.st.Pool().Exec(t.Context(), "ALTER TABLE messages_away RENAME TO messages")
	ok(t, err)
	_, err = r.st.Pool().Exec(t.Context(), "UPDATE inbox SET received_at = now() - interval '1 minute'")
	ok(t, err)
	r.h.redriving.once(t.Context())
	r.processed("inboundmessage", "done", 1)
	r.entry("the message", func(m actors.MessageView) bool { return m.Text == "bom dia" })
}

// TestInboxIsPruned: what no repetition can ask for any more goes, what is pending stays.
func TestInboxIsPruned(t *testing.T) {
	r := newRig(t)
	r.hook(textMessage(1, "velha"))
	r.processed("inboundmessage", "done", 1)
	eventually(t, "it is marked", func() bool { return len(r.pending()) == 0 })
	pending := r.left(textMessage(2, "nova"), 0)
	_, err := r.st.Pool().Exec(t.Context(), "UPDATE inbox SET processed_at = $1 WHERE id <> $2", time.Now().Add(-keepInbox-time.Hour), pending.ID)
	ok(t, err)
	ok(t, r.st.PutTombstone(t.Context(), acme, mainLine, "wacid.old", time.Now().Add(-keepInbox-time.Hour)))
	ok(t, r.st.PutTombstone(t.Context(), acme, mainLine, "wacid.new", time.Now()))
	r.h.redriving.prune(t.Context())
	var left int
	ok(t, r.st.Pool().QueryRow(t.Context(), "SELECT count(*) FROM inbox").Scan(&left))
	if left != 1 {
		t.Errorf("%d items are left, want the pending one", left)
	}
	for stone, want := range map[string]bool{"wacid.old": false, "wacid.new": true} {
		if got, err := r.st.HasTombstone(t.Context(), acme, mainLine, stone); err != nil || got != want {
			t.Errorf("%s: %v, %v", stone, got, err)
		}
	}
}

// TestPermissionEndsWhileAsleep: Meta sends no word when a permission runs out; whoever asked is told all the same.
func TestPermissionEndsWhileAsleep(t *testing.T) {
	r := newRig(t)
	luis := r.open("luis")
	if _, err := r.h.Do(t.Context(), luis.who, actors.RequestPermission{Contact: r.ana, Line: mainLine}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the request goes out", func() bool { return len(r.meta.seen("template")) == 1 })
	r.hook(permissionReply(1, "accept", fmt.Sprint(stamp(time.Now().Add(4*time.Second)))))
	luis.notice(t, "permission_granted")
	row, err := r.st.GetContact(t.Context(), acme, r.ana)
	ok(t, err)
	stopped := r.asleep(kindContact, contactID(acme, r.ana))
	<-stopped
	eventually(t, "the permission has ended", func() bool { return time.Now().After(row.MayCallUntil) })
	r.h.sweep(t.Context())
	luis.notice(t, "permission_expired")
}

// asleep takes a virtual actor out of memory.
func (r *rig) asleep(kind string, who cluster.Identity) <-chan struct{} {
	r.t.Helper()
	r.node.mu.Lock()
	defer r.node.mu.Unlock()
	a := r.node.mu.live[keyOf(kind, who)]
	if a == nil {
		r.t.Fatal("it is not in memory")
	}
	r.node.sys.Root.Stop(a.pid)
	return a.gone
}
