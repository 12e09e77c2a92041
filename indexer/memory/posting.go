package memory

import (
	"slices"

	"github.com/RoaringBitmap/roaring/v2"
)

// posting is the set of documents of one shard that have something in common. Few are a sorted slice, since a small
// tenant has thousands of small sets; from fewMax on they are a bitmap. The shard's lock guards it.
type posting struct {
	few  []uint16
	many *roaring.Bitmap // nil while few
}

const fewMax = 32

func (p *posting) add(ord uint16) {
	if p.many != nil {
		p.many.Add(uint32(ord))
		return
	}
	at, found := slices.BinarySearch(p.few, ord)
	if found {
		return
	}
	if len(p.few) < fewMax {
		p.few = slices.Insert(p.few, at, ord)
		return
	}
	p.many = p.bitmap()
	p.many.Add(uint32(ord))
	p.few = nil
}

func (p *posting) remove(ord uint16) {
	if p.many != nil {
		p.many.Remove(uint32(ord))
		return
	}
	if at, found := slices.BinarySearch(p.few, ord); found {
		p.few = slices.Delete(p.few, at, at+1)
	}
}

func (p *posting) empty() bool {
	if p.many != nil {
		return p.many.IsEmpty()
	}
	return len(p.few) == 0
}

// bitmap returns the set; the caller only reads it, under the shard's lock.
func (p *posting) bitmap() *roaring.Bitmap {
	if p == nil {
		return roaring.New()
	}
	if p.many != nil {
		return p.many
	}
	b := roaring.New()
	p.into(b)
	return b
}

func (p *posting) into(b *roaring.Bitmap) {
	for _, ord := range p.few {
		b.Add(uint32(ord))
	}
}

// union returns a set that the caller only reads.
func union(ps []*posting) *roaring.Bitmap {
	if len(ps) == 1 {
		return ps[0].bitmap()
	}
	var many []*roaring.Bitmap
	few := roaring.New()
	for _, p := range ps {
		if p.many != nil {
			many = append(many, p.many)
		} else {
			p.into(few)
		}
	}
	if len(many) == 0 {
		return few
	}
	return roaring.FastOr(append(many, few)...)
}
