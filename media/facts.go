package media

import "sync"

const (
	maxFacts    = 256 // pending facts of one conference
	maxSpeaking = 128 // pending facts above which turns of speech, the least of them, are not told
)

// factQueue stands between media goroutines, which must not wait, and the function that is told. Its goroutine
// is started by Engine.Open and ends after close.
type factQueue struct {
	tell  func(Fact)
	count *counters
	wake  chan struct{} // capacity 1

	mu struct {
		sync.Mutex
		pending []Fact
		closed  bool
	}
}

func newFactQueue(tell func(Fact), count *counters) *factQueue {
	return &factQueue{tell: tell, count: count, wake: make(chan struct{}, 1)}
}

// put never blocks.
func (q *factQueue) put(f Fact) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.mu.closed {
		return
	}
	limit := maxFacts
	if _, ok := f.(Speaking); ok {
		limit = maxSpeaking
	}
	if len(q.mu.pending) >= limit {
		q.count.factsDropped.Add(1)
		return
	}
	q.mu.pending = append(q.mu.pending, f)
	q.signal()
}

func (q *factQueue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.mu.closed = true
	q.mu.pending = nil
	q.signal()
}

func (q *factQueue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

func (q *factQueue) run() {
	for range q.wake {
		for {
			f, ok, closed := q.take()
			if closed {
				return
			}
			if !ok {
				break
			}
			q.tell(f)
			q.count.factsReported.Add(1)
		}
	}
}

func (q *factQueue) take() (f Fact, ok, closed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.mu.closed || len(q.mu.pending) == 0 {
		return nil, false, q.mu.closed
	}
	f = q.mu.pending[0]
	q.mu.pending = q.mu.pending[1:]
	return f, true, false
}
