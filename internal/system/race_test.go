package system

import (
	"sync"
	"testing"

	"ramal/benchmarks/agentclient"
)

// TestTwoAcceptTogether: of two who accept in the same moment exactly one has the call, each time.
func TestTwoAcceptTogether(t *testing.T) {
	w := newWorld(t, options{})
	w.customer(joao, "manual")
	luis, fernando := w.online("luis"), w.online("fernando")
	won := map[string]int{}
	for range 20 {
		w.customerCalls(joao)
		both := []*agent{luis, fernando}
		offers := []agentclient.OfferView{luis.offer(), fernando.offer()}
		legs := []*agentclient.Leg{luis.newLeg(), fernando.newLeg()}
		errs := make([]error, 2)
		ready, done := make(chan struct{}), sync.WaitGroup{}
		for i, a := range both {
			done.Go(func() {
				<-ready
				_, errs[i] = a.Accept(w.ctx(), legs[i], offers[i])
			})
		}
		close(ready)
		done.Wait()
		winner := both[0]
		if errs[0] != nil {
			winner = both[1]
		}
		for i, a := range both {
			if a != winner && agentclient.Code(errs[i]) != "offer_closed" {
				t.Fatalf("%s, who lost: %v", a.name, errs[i])
			}
			if a == winner && errs[i] != nil {
				t.Fatalf("nobody won: %v", errs)
			}
		}
		won[winner.name]++
		c := winner.inCall("contact", winner.name)
		for _, a := range both {
			a.noOffer()
			if a != winner {
				a.available()
				if leg := c.AgentLeg(a.name); leg != "" {
					t.Fatalf("%s lost and is in the call", a.name)
				}
			}
		}
		w.must(winner.End(w.ctx(), c.ID))
		w.simEnded(joao)
		winner.available()
	}
	t.Logf("won: %v", won)
}

// TestOneAgentTwoOffers: who is rung by two customers can take only one of them.
func TestOneAgentTwoOffers(t *testing.T) {
	w := newWorld(t, options{})
	w.customer(joao, "manual")
	w.customer(maria, "manual")
	luis := w.online("luis")
	w.customerCalls(joao)
	w.customerCalls(maria)
	s := luis.until("two modals", func(s agentclient.State) bool { return len(s.Offers) == 2 })
	errs := make([]error, 0, 2)
	var mu sync.Mutex
	var done sync.WaitGroup
	for _, o := range s.Offers {
		leg, err := w.media.NewLeg(false)
		w.must(err)
		t.Cleanup(leg.Close)
		done.Go(func() {
			_, err := luis.Accept(w.ctx(), leg, o)
			mu.Lock()
			defer mu.Unlock()
			errs = append(errs, err)
		})
	}
	done.Wait()
	refused := 0
	for _, err := range errs {
		if err != nil {
			refused++
			if code := agentclient.Code(err); code != "agent_busy" && code != "offer_closed" {
				t.Errorf("the second accept: %v", err)
			}
		}
	}
	if refused != 1 {
		t.Errorf("%d of two accepts refused: %v", refused, errs)
	}
	luis.call("active")
}
