package calls

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"ramal/benchmarks/agentclient"
	"ramal/benchmarks/simclient"
)

// customer is a contact that can be called and can call: each is used for one call.
type customer struct {
	contact agentclient.ContactView
	key     string // at the simulator
	hz      int    // its voice
}

// desk is an agent at work, with the customers assigned to it.
type desk struct {
	id string
	*agentclient.Session
	offers chan agentclient.Event // of modals, as they arrive
	mine   []*customer
}

// Voices: eight for each side, so that a call that carries another call's sound is noticed.
func customerVoice(i int) int { return 300 + 50*(i%8) }
func agentVoice(i int) int    { return 1000 + 100*(i%8) }

// prepare looks around as one agent, then opens all agents' sessions and makes the customers ready.
func (r *run) prepare(ctx context.Context) error {
	rest := agentclient.REST{URL: r.cfg.EngineURL, Token: r.token(r.cfg.Agent)}
	line, err := r.findLine(ctx, rest)
	if err != nil {
		return err
	}
	r.line = line
	people, err := rest.Agents(ctx)
	if err != nil {
		return err
	}
	contacts, err := rest.AllContacts(ctx, nil)
	if err != nil {
		return err
	}
	if err := r.customersFrom(contacts, people); err != nil {
		return err
	}
	r.sayf("%d agents, %d contacts, line %s", len(people), len(contacts), line.ID)
	if err := r.sim.Set(ctx, "flags", map[string]any{"watch_sound": true}); err != nil {
		return err
	}
	if err := r.openDesks(ctx, people); err != nil {
		return err
	}
	return r.makeReady(ctx, rest)
}

func (r *run) token(agent string) string {
	return agentclient.Token(r.cfg.Secret, agentclient.Claims{Tenant: r.cfg.Tenant, Agent: agent, Expires: time.Now().Add(6 * time.Hour)})
}

// findLine finds the line and its number at the simulator.
func (r *run) findLine(ctx context.Context, rest agentclient.REST) (agentclient.LineView, error) {
	lines, err := rest.Lines(ctx)
	if err != nil {
		return agentclient.LineView{}, err
	}
	businesses, err := r.sim.Businesses(ctx)
	if err != nil {
		return agentclient.LineView{}, err
	}
	for _, l := range lines {
		if r.cfg.Line != "" && l.ID != r.cfg.Line {
			continue
		}
		for _, b := range businesses {
			if b.Display == digits(l.Display) {
				r.pnid = b.PNID
				return l, nil
			}
		}
	}
	return agentclient.LineView{}, errors.New("no line of the tenant has its number at the simulator")
}

func digits(s string) string {
	return strings.Map(func(c rune) rune {
		if c < '0' || c > '9' {
			return -1
		}
		return c
	}, s)
}

// customersFrom takes contacts with a number. One that is assigned goes to its agent, who rings alone; others are dealt
// out, and ring everybody.
func (r *run) customersFrom(contacts []agentclient.ContactView, people []agentclient.PersonView) error {
	known := map[string]bool{}
	for _, p := range people {
		known[p.ID] = true
	}
	for _, c := range contacts {
		if c.Phone == "" || (c.AssignedAgent != "" && !known[c.AssignedAgent]) {
			continue
		}
		one := &customer{contact: c, key: digits(c.Phone), hz: customerVoice(len(r.customers))}
		r.customers = append(r.customers, one)
		owner := c.AssignedAgent
		if owner == "" {
			owner = people[len(r.customers)%len(people)].ID
		}
		r.dealt[owner] = append(r.dealt[owner], one)
	}
	if len(r.customers) == 0 {
		return errors.New("the tenant has no contact with a phone number")
	}
	return nil
}

// openDesks brings every agent online that has customers.
func (r *run) openDesks(ctx context.Context, people []agentclient.PersonView) error {
	for _, p := range people {
		if len(r.dealt[p.ID]) == 0 {
			continue
		}
		d := &desk{id: p.ID, offers: make(chan agentclient.Event, 64), mine: r.dealt[p.ID]}
		s, err := agentclient.Dial(ctx, agentclient.Config{
			URL: r.cfg.EngineURL, Token: r.token(p.ID), Client: "bench/1",
			OnEvent: func(e agentclient.Event) {
				if e.Type != "offer.created" {
					return
				}
				select {
				case d.offers <- e:
				default: // nobody of this run takes it
				}
			},
		})
		if err != nil {
			return fmt.Errorf("agent %s: %w", p.ID, err)
		}
		d.Session = s
		r.desks = append(r.desks, d)
	}
	r.sayf("%d agents online", len(r.desks))
	return nil
}

// makeReady tells the simulator about the customers, lets the business call them, and waits until the engine knows.
func (r *run) makeReady(ctx context.Context, rest agentclient.REST) error {
	var users []simclient.User
	for _, c := range r.customers {
		users = append(users, simclient.User{
			WAID: c.key, Name: c.contact.Name, Voice: simclient.Tone(c.hz),
			Answer: &simclient.Policy{Mode: "accept", AfterMS: int(r.cfg.AnswerAfter.Milliseconds())},
		})
	}
	if err := r.sim.PutUsers(ctx, users); err != nil {
		return err
	}
	r.sayf("asking %d customers for permission", len(r.customers))
	work := make(chan *customer)
	var failed firstError
	var tasks sync.WaitGroup
	for range 8 {
		tasks.Go(func() { // until work is closed
			for c := range work {
				failed.set(r.permit(ctx, rest, c))
			}
		})
	}
	for _, c := range r.customers {
		work <- c
	}
	close(work)
	tasks.Wait()
	return failed.get()
}

func (r *run) permit(ctx context.Context, rest agentclient.REST, c *customer) error {
	if err := r.sim.Act(ctx, c.key, "permission", map[string]any{"action": "grant_permanent", "pnid": r.pnid}); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, r.cfg.Patience)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		e, err := rest.Eligibility(ctx, c.contact.ID, r.line.ID)
		if err != nil {
			return err
		}
		if e.CanCall {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("contact %s may not be called: %+v", c.contact.ID, e.CallReasons)
		}
	}
}

// firstError keeps the first of many errors.
type firstError struct {
	mu  sync.Mutex
	err error
}

func (f *firstError) set(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.err = err
	}
}

func (f *firstError) get() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

// httpClient serves the many short requests to the simulator.
func httpClient() *http.Client {
	return &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: 30 * time.Second}}
}
