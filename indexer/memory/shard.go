package memory

import (
	"bytes"
	"strings"
	"sync"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"ramal/indexer"
	"ramal/indexer/filter"
	"ramal/indexer/text"
	"ramal/internal/id"
)

// shardDocs is the largest number of documents of a shard: one container of a bitmap, and one code of 16 bits for
// each and for "none".
const shardDocs = 65_535

// sieveFrom is the number of documents from which a shard keeps short beginnings and grams.
const sieveFrom = 1024

// shard holds up to shardDocs documents of one tenant. Its lock guards all of it; readers hold it for the time of
// one shard's part of a search, writers for one document.
type shard struct {
	mu       sync.RWMutex
	n        int // ordinals given out, free ones included
	free     []uint16
	live     *roaring.Bitmap
	ids      []id.Contact // "" at free ordinals
	versions []int64
	columns  map[string]column // by field
	fixed    []column          // those of the standard fields, in the order of fixed
	own      map[string]column // those of attributes, by name without prefix; one comes with its first value
	name     *plainColumn
	order    *plainColumn
	phone    *phoneColumn
	last     *intColumn // latest activity
	terms    terms
	grams    grams
}

// fixed are the columns that every shard has; the id is kept beside them.
var fixed = func() []string {
	var names []string
	for _, f := range (indexer.Fields{}).Filter().Names() {
		if f != indexer.FieldID {
			names = append(names, f)
		}
	}
	return names
}()

func newShard() *shard {
	s := &shard{
		live: roaring.New(), columns: make(map[string]column, len(fixed)), own: map[string]column{},
		name: &plainColumn{}, order: &plainColumn{}, phone: &phoneColumn{}, last: &intColumn{is: filter.Date},
		terms: terms{post: map[string]*posting{}},
	}
	for _, f := range fixed {
		kind, _ := indexer.Fields{}.Kind(f)
		s.columns[f] = newColumn(kind)
	}
	s.columns[indexer.FieldName], s.columns[indexer.FieldOrderNo] = s.name, s.order
	s.columns[indexer.FieldPhone], s.columns[indexer.FieldLastActivity] = s.phone, s.last
	for _, f := range fixed {
		s.fixed = append(s.fixed, s.columns[f])
	}
	return s
}

func newColumn(kind filter.Kind) column {
	switch kind {
	case filter.Text:
		return newTextColumn()
	case filter.Tags:
		return newTagsColumn()
	case filter.Boolean:
		return &boolColumn{}
	default:
		return &intColumn{is: kind}
	}
}

// alloc returns an ordinal for a new document, false when the shard is full.
func (s *shard) alloc() (uint16, bool) {
	if n := len(s.free); n > 0 {
		ord := s.free[n-1]
		s.free = s.free[:n-1]
		return ord, true
	}
	if s.n == shardDocs {
		return 0, false
	}
	s.n++
	s.ids, s.versions = grow(s.ids, s.n, ""), grow(s.versions, s.n, 0)
	for _, c := range s.columns {
		c.extend(s.n)
	}
	return uint16(s.n - 1), true
}

// put writes a document over what is at its ordinal. Documents are validated before.
func (s *shard) put(ord uint16, d *indexer.Document) {
	o := uint32(ord)
	if old := s.name.texts[ord]; old != d.Name {
		before, after := text.Words(old), text.Words(d.Name)
		s.terms.remove(before, ord)
		s.terms.add(after, ord)
	}
	if s.grams.post != nil {
		var buf [16]byte
		if phone := s.phone.digits(o, &buf); string(phone) != d.Phone || s.order.texts[ord] != d.OrderNo {
			s.grams.remove(gramsOf(string(phone), text.Code(s.order.texts[ord])), ord)
			s.grams.add(gramsOf(d.Phone, text.Code(d.OrderNo)), ord)
		}
	}
	for i, f := range fixed {
		s.fixed[i].set(ord, d.Value(f))
	}
	s.putAttributes(ord, d.Attributes)
	if s.ids[ord] == "" {
		s.ids[ord] = id.Contact(strings.Clone(string(d.Contact)))
		s.live.Add(o)
	}
	s.versions[ord] = d.Version
	if s.grams.post == nil && s.live.GetCardinality() > sieveFrom {
		s.sieve()
	}
}

func (s *shard) putAttributes(ord uint16, values map[string]filter.Value) {
	for name, c := range s.own {
		if v := values[name]; v.Present() || c.has(uint32(ord)) {
			c.set(ord, v)
		}
	}
	for name, v := range values {
		if _, ok := s.own[name]; ok || !v.Present() {
			continue
		}
		name = strings.Clone(name)
		c := newColumn(v.Kind)
		c.extend(s.n)
		c.set(ord, v)
		s.own[name], s.columns[indexer.AttributePrefix+name] = c, c
	}
}

// sieve begins to keep short beginnings and grams, of the documents that are there and of all to come.
func (s *shard) sieve() {
	s.terms.short, s.grams.post = map[string]*posting{}, map[uint32]*posting{}
	for it := s.live.Iterator(); it.HasNext(); {
		o := it.Next()
		ord := uint16(o)
		var buf [16]byte
		s.grams.add(gramsOf(string(s.phone.digits(o, &buf)), text.Code(s.order.texts[ord])), ord)
		for _, b := range beginnings(text.Words(s.name.texts[ord])) {
			p := s.terms.short[b]
			if p == nil {
				p = &posting{}
				s.terms.short[b] = p
			}
			p.add(ord)
		}
	}
}

// remove takes a document out; its ordinal may be given to another.
func (s *shard) remove(ord uint16) {
	s.terms.remove(text.Words(s.name.texts[ord]), ord)
	if s.grams.post != nil {
		var buf [16]byte
		s.grams.remove(gramsOf(string(s.phone.digits(uint32(ord), &buf)), text.Code(s.order.texts[ord])), ord)
	}
	for _, c := range s.columns {
		c.set(ord, filter.Value{})
	}
	s.ids[ord], s.versions[ord] = "", 0
	s.live.Remove(uint32(ord))
	s.free = append(s.free, ord)
}

// holds reports whether a code stands in the phone or the order number of a document.
func (s *shard) holds(ord uint32, code string) bool {
	var buf [16]byte
	if len(code) <= indexer.MaxPhone && bytes.Contains(s.phone.digits(ord, &buf), []byte(code)) {
		return true
	}
	order := s.order.texts[ord]
	return len(order) >= len(code) && strings.Contains(text.Code(order), code)
}

// document returns what was put at an ordinal.
func (s *shard) document(tenant id.Tenant, ord uint32) indexer.Document {
	at := func(f string) time.Time { return s.columns[f].value(ord).Time() }
	txt := func(f string) string { return s.columns[f].value(ord).Text }
	d := indexer.Document{
		Tenant: tenant, Contact: s.ids[ord], Version: s.versions[ord],
		Name: txt(indexer.FieldName), Phone: txt(indexer.FieldPhone), OrderNo: txt(indexer.FieldOrderNo),
		Status: txt(indexer.FieldStatus), QuoteStatus: txt(indexer.FieldQuoteStatus),
		QuoteCents:    s.columns[indexer.FieldQuoteCents].value(ord).Int,
		AssignedAgent: id.Agent(txt(indexer.FieldAgent)), CallState: txt(indexer.FieldCallState),
		Ongoing:      s.columns[indexer.FieldOngoing].value(ord).Int == 1,
		MayCallUntil: at(indexer.FieldMayCallUntil), WindowUntil: at(indexer.FieldWindowUntil),
		ERPSyncedAt: at(indexer.FieldERPSyncedAt), LastActivityAt: at(indexer.FieldLastActivity),
		CreatedAt: at(indexer.FieldCreatedAt), Tags: s.columns[indexer.FieldTags].value(ord).Tags,
	}
	for name, c := range s.own {
		if c.has(ord) {
			if d.Attributes == nil {
				d.Attributes = map[string]filter.Value{}
			}
			d.Attributes[name] = c.value(ord)
		}
	}
	return d
}
