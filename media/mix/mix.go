// Package mix is the arithmetic of mixing: sums with gains in 32 bits and a limiter that never wraps. It knows
// no packets, codecs, clocks or people. A Bus owns its accumulator and the limiter's memory and belongs to one
// goroutine; the invariant is that no output sample ever exceeds 16 bits or changes sign by overflow.
package mix

// Unity is gain 1 in Q12 fixed point. MaxGain is the largest, 2.
const (
	Unity   = 1 << 12
	MaxGain = 2 * Unity
)

const (
	block     = 40    // samples over which one limiter gain is reached: 2.5 ms at 16 kHz
	threshold = 29204 // -1 dBFS: nothing below it is touched
	one       = 1 << 15
	release   = one / 32 // gain regained per block: from silence to full in 80 ms
)

// Gain returns g (0 to 2, others clamped) in Q12.
func Gain(g float64) int32 {
	return int32(min(max(g, 0), 2)*Unity + 0.5)
}

// Bus sums the sources of one listener, a frame at a time. The zero value is ready; the frame's length is
// given by the first Add after Start and must stay a multiple of 40 samples.
type Bus struct {
	sum     []int32
	gain    int32 // limiter gain at the last frame's end, Q15; 0 stands for one before the first frame
	sources int
}

// Start begins a frame of n samples, n a multiple of 40.
func (b *Bus) Start(n int) {
	if cap(b.sum) < n {
		b.sum = make([]int32, n)
	}
	b.sum = b.sum[:n]
	clear(b.sum)
	b.sources = 0
}

// Add adds a source with a gain in Q12, 0 to MaxGain.
func (b *Bus) Add(pcm []int16, gain int32) {
	b.sources++
	if gain == Unity {
		for i, v := range pcm[:len(b.sum)] {
			b.sum[i] += int32(v)
		}
		return
	}
	for i, v := range pcm[:len(b.sum)] {
		b.sum[i] += int32(v) * gain >> 12
	}
}

// Sources returns how many sources were added since Start.
func (b *Bus) Sources() int { return b.sources }

// Render writes the limited sum to out, which must be as long as the frame. Within the frame the limiter looks
// ahead, so a peak is met by a gain already lowered; what a frame's very first block cannot foresee is clipped.
func (b *Bus) Render(out []int16) {
	if b.gain == 0 {
		b.gain = one
	}
	last := b.gain
	next := b.ceiling(0, last)
	for start := 0; start < len(b.sum); start += block {
		// The gain glides from one block's edge to the next, and an edge belongs to the quieter of its blocks.
		own, end := next, next
		if start+block < len(b.sum) {
			next = b.ceiling(start+block, own)
			end = min(own, next)
		}
		from := last
		for i := range block {
			g := from + (end-from)*int32(i)/block
			out[start+i] = saturate(int64(b.sum[start+i]) * int64(g) >> 15)
		}
		last = end
	}
	b.gain = last
}

// ceiling returns the gain allowed in the block at start: what keeps its peak under the threshold, and no more
// than release above before.
func (b *Bus) ceiling(start int, before int32) int32 {
	peak := int32(0)
	for _, v := range b.sum[start : start+block] {
		peak = max(peak, v, -v)
	}
	allowed := int32(one)
	if peak > threshold {
		allowed = int32(int64(threshold) * one / int64(peak))
	}
	return min(allowed, before+release)
}

func saturate(v int64) int16 {
	return int16(max(-32768, min(32767, v)))
}
