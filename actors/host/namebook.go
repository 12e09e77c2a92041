package host

import (
	"context"
	"sync"
	"time"

	"ramal/internal/id"
)

// nameBook keeps the agents' names of each tenant for a short time: views name agents all the time, operators name them
// rarely. Guarded by mu.
type nameBook struct {
	mu struct {
		sync.Mutex
		byTenant map[id.Tenant]namePage
	}
}

// namePage is never changed once it is in the book.
type namePage struct {
	names map[id.Agent]string
	until time.Time
}

const namesFresh = 10 * time.Second

func newNameBook() *nameBook {
	b := &nameBook{}
	b.mu.byTenant = map[id.Tenant]namePage{}
	return b
}

// names are the agents' names of a tenant; old ones where the store is away. The map is shared: do not change it.
func (h *Host) names(ctx context.Context, tenant id.Tenant) (map[id.Agent]string, error) {
	h.book.mu.Lock()
	page, known := h.book.mu.byTenant[tenant]
	h.book.mu.Unlock()
	if known && (h.now().Before(page.until) || !h.store.Healthy()) {
		return page.names, nil
	}
	rows, err := h.store.ListAgents(ctx, tenant)
	if err != nil {
		if known {
			return page.names, nil
		}
		return map[id.Agent]string{}, err
	}
	page = namePage{names: make(map[id.Agent]string, len(rows)), until: h.now().Add(namesFresh)}
	for _, r := range rows {
		page.names[r.ID] = r.Name
	}
	h.book.mu.Lock()
	h.book.mu.byTenant[tenant] = page
	h.book.mu.Unlock()
	return page.names, nil
}
