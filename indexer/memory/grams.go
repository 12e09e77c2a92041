package memory

import (
	"slices"

	"github.com/RoaringBitmap/roaring/v2"
)

// grams finds the documents of a shard by any three neighbouring characters of their phones and order numbers. It is
// a coarse sieve: who asks looks at the codes themselves afterwards. The shard's lock guards it.
type grams struct {
	post map[uint32]*posting // nil in a small shard
}

const gramLen = 3

func gram(s string) uint32 { return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 }

// gramsOf returns the distinct grams of codes.
func gramsOf(codes ...string) []uint32 {
	var out []uint32
	for _, c := range codes {
		for i := range max(0, len(c)-gramLen+1) {
			if g := gram(c[i:]); !slices.Contains(out, g) {
				out = append(out, g)
			}
		}
	}
	return out
}

func (g *grams) add(gs []uint32, ord uint16) {
	for _, k := range gs {
		p := g.post[k]
		if p == nil {
			p = &posting{}
			g.post[k] = p
		}
		p.add(ord)
	}
}

func (g *grams) remove(gs []uint32, ord uint16) {
	for _, k := range gs {
		if p := g.post[k]; p != nil {
			if p.remove(ord); p.empty() {
				delete(g.post, k)
			}
		}
	}
}

// candidates returns all documents that may hold the code, and some that do not; false when the code is too short or
// the shard too small for the sieve to be of use.
func (g *grams) candidates(code string) (*roaring.Bitmap, bool) {
	if g.post == nil || len(code) < gramLen {
		return nil, false
	}
	var sets []*roaring.Bitmap
	for _, k := range gramsOf(code) {
		p := g.post[k]
		if p == nil {
			return roaring.New(), true
		}
		sets = append(sets, p.bitmap())
	}
	return intersect(sets), true
}

// intersect returns a set that the caller only reads; there must be one or more.
func intersect(sets []*roaring.Bitmap) *roaring.Bitmap {
	if len(sets) == 1 {
		return sets[0]
	}
	slices.SortFunc(sets, func(a, b *roaring.Bitmap) int { return int(a.GetCardinality()) - int(b.GetCardinality()) })
	out := roaring.And(sets[0], sets[1])
	for _, s := range sets[2:] {
		if out.IsEmpty() {
			break
		}
		out.And(s)
	}
	return out
}
