package system

import (
	"fmt"
	"testing"

	"ramal/internal/app"
)

// second starts another engine on the same database, and waits until both share the work.
func (w *world) second() *app.Engine {
	w.t.Helper()
	cfg := w.cfg
	e := w.node(cfg)
	for _, url := range []string{w.engine.URL(), e.URL()} {
		w.eventually("two members", func() (bool, string) {
			members, buckets := w.metric(url, "ramal_cluster_members"), w.metric(url, "ramal_cluster_buckets_owned")
			return members == 2 && buckets > 64 && buckets < 192, fmt.Sprintf("%v members, %v buckets", members, buckets)
		})
	}
	return e
}

// TestSecondNode: webhooks come to one node, agents sit at the other, and calls work both ways across them.
func TestSecondNode(t *testing.T) {
	w := newWorld(t, options{})
	w.customer(maria, "manual")
	b := w.second()
	luis := w.onlineAt(b.URL(), "luis")
	fernando := w.onlineAt(w.engine.URL(), "fernando")

	call := w.customerCalls(maria) // to the first node
	luis.accept(luis.offer())
	c := luis.inCall("contact", "luis")
	luis.hears(c.ContactLeg(), toneCustomer)
	w.customerHears(maria, toneLuis)
	_, err := luis.Invite(w.ctx(), c.ID, "fernando", "")
	w.must(err)
	fernando.accept(fernando.offer())
	c = fernando.inCall("contact", "luis", "fernando")
	fernando.hears(c.AgentLeg("luis"), toneLuis)
	w.customerHears(maria, toneFernando)
	w.must(w.phone.Act(w.ctx(), maria, "hangup", map[string]any{"call_id": call}))
	luis.ended("customer", "completed")
	fernando.ended("customer", "completed")
	luis.available()
	fernando.available()

	w.permit(maria, "maria")
	m := luis.dial("maria") // from the second node
	w.picksUp(maria)
	c = luis.inCall("contact", "luis")
	luis.hears(c.ContactLeg(), toneCustomer)
	w.customerHears(maria, toneLuis)
	if n := w.metric(b.URL(), "ramal_cluster_calls_here") + w.metric(w.engine.URL(), "ramal_cluster_calls_here"); n < 1 {
		t.Errorf("%v calls on both nodes while one is going on", n)
	}
	w.must(luis.End(w.ctx(), m.CallID))
	luis.ended("agent", "completed")
	luis.available()
	w.simEnded(maria)
}

// TestNodeLeaves: when a node goes, the other has all buckets again and serves.
func TestNodeLeaves(t *testing.T) {
	w := newWorld(t, options{})
	w.customer(maria, "manual")
	b := w.second()
	b.Close()
	w.eventually("one member", func() (bool, string) {
		members, buckets := w.metric(w.engine.URL(), "ramal_cluster_members"), w.metric(w.engine.URL(), "ramal_cluster_buckets_owned")
		return members == 1 && buckets == 256, fmt.Sprintf("%v members, %v buckets", members, buckets)
	})
	luis := w.online("luis")
	w.customerCalls(maria)
	luis.accept(luis.offer())
	c := luis.inCall("contact", "luis")
	luis.hears(c.ContactLeg(), toneCustomer)
	w.must(luis.End(w.ctx(), c.ID))
	luis.ended("agent", "completed")
}
