package memory

import (
	"slices"
	"sync"
	"sync/atomic"

	"ramal/indexer"
	"ramal/internal/id"
)

// partition holds all documents of one tenant. Searches read the list of shards and each shard under its own lock;
// everything else is the writer's, of which there is one at a time.
type partition struct {
	shards atomic.Pointer[[]*shard] // replaced, never changed
	count  atomic.Int64

	write  sync.Mutex // guards what follows, and orders the writers
	fields declaration
	slots  map[id.Contact]slot
	room   map[*shard]bool // shards with a free ordinal
}

// slot is where a document is.
type slot struct {
	shard uint32
	ord   uint16
}

func newPartition() *partition {
	p := &partition{slots: map[id.Contact]slot{}, room: map[*shard]bool{}}
	p.shards.Store(&[]*shard{})
	return p
}

// upsert puts one document in; an older version than the one that is there is left out.
func (p *partition) upsert(d *indexer.Document, fields declaration) (indexer.Outcome, error) {
	p.write.Lock()
	defer p.write.Unlock()
	p.adoptLocked(fields)
	if err := p.fields.Check(d); err != nil {
		return indexer.Failed, err
	}
	if at, ok := p.slots[d.Contact]; ok {
		s := (*p.shards.Load())[at.shard]
		s.mu.Lock()
		defer s.mu.Unlock()
		if d.Version < s.versions[at.ord] {
			return indexer.Stale, nil
		}
		s.put(at.ord, d)
		return indexer.Indexed, nil
	}
	s, number := p.roomy()
	s.mu.Lock()
	ord, _ := s.alloc() // there is room
	s.put(ord, d)
	full := s.n == shardDocs && len(s.free) == 0
	contact := s.ids[ord]
	s.mu.Unlock()
	if full {
		delete(p.room, s)
	}
	p.slots[contact] = slot{number, ord}
	p.count.Add(1)
	return indexer.Indexed, nil
}

// roomy returns a shard with a free ordinal, a new one where there is none, and its number.
func (p *partition) roomy() (*shard, uint32) {
	shards := *p.shards.Load()
	for s := range p.room {
		return s, uint32(slices.Index(shards, s))
	}
	s := newShard()
	p.room[s] = true
	grown := append(slices.Clip(slices.Clone(shards)), s)
	p.shards.Store(&grown)
	return s, uint32(len(shards))
}

func (p *partition) remove(contact id.Contact) {
	p.write.Lock()
	defer p.write.Unlock()
	at, ok := p.slots[contact]
	if !ok {
		return
	}
	s := (*p.shards.Load())[at.shard]
	s.mu.Lock()
	s.remove(at.ord)
	s.mu.Unlock()
	p.room[s] = true
	delete(p.slots, contact)
	p.count.Add(-1)
}

// adopt takes over a declaration, unless a later one was before, and drops the columns of attributes that are not in
// it or of another kind.
func (p *partition) adopt(fields declaration) {
	p.write.Lock()
	defer p.write.Unlock()
	p.adoptLocked(fields)
}

func (p *partition) adoptLocked(fields declaration) {
	if fields.number <= p.fields.number {
		return
	}
	p.fields = fields
	for _, s := range *p.shards.Load() {
		s.mu.Lock()
		for name, c := range s.own {
			if kind, known := fields.Attributes()[name]; !known || c.kind() != kind {
				delete(s.own, name)
				delete(s.columns, indexer.AttributePrefix+name)
			}
		}
		s.mu.Unlock()
	}
}
