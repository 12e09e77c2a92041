package contact

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"ramal/internal/id"
)

// Related is one agent who knows the contact, and why.
type Related struct {
	Agent  id.Agent  `json:"agent"`
	Reason string    `json:"reason"`
	Info   string    `json:"info,omitempty"` // the order number, or the call id
	At     time.Time `json:"at"`
}

// RelatedAgents lists who knows the contact from the time within before now: owners of orders, then the assigned agent, then those
// who called or wrote; the most recent first within each. Each agent appears once, with the best reason.
func RelatedAgents(s State, now time.Time, within time.Duration) []Related {
	since := now.Add(-within)
	best := map[id.Agent]Related{}
	add := func(r Related) {
		known, ok := best[r.Agent]
		if r.Agent == "" || r.At.Before(since) || ok && compareRelated(known, r) <= 0 {
			return
		}
		best[r.Agent] = r
	}
	for _, o := range s.Orders {
		add(Related{Agent: o.Agent, Reason: ReasonOrderOwner, Info: o.Number, At: o.At})
	}
	add(Related{Agent: s.Assigned, Reason: ReasonAssigned, At: s.AssignedAt})
	for agent, i := range s.Involved {
		add(Related{Agent: agent, Reason: i.Reason, Info: i.Info, At: i.At})
	}
	return slices.SortedFunc(maps.Values(best), compareRelated)
}

func compareRelated(a, b Related) int {
	return cmp.Or(cmp.Compare(rank(a.Reason), rank(b.Reason)), b.At.Compare(a.At), cmp.Compare(a.Agent, b.Agent), cmp.Compare(a.Info, b.Info))
}

func rank(reason string) int {
	switch reason {
	case ReasonOrderOwner:
		return 0
	case ReasonAssigned:
		return 1
	}
	return 2
}
