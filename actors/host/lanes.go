package host

import (
	"context"
	"sync"
	"time"
)

// lanes run functions one after another per key and side by side between keys. A key's goroutine lives while it
// has work. close stops taking work and gives what there is some time to end; what is left after that is lost with the
// process (ADR 0001 says what that means).
type lanes struct {
	ctx    context.Context //nolint:containedctx // the lifetime of every lane, cancelled by close
	cancel context.CancelFunc
	wg     sync.WaitGroup
	mu     struct {
		sync.Mutex
		closed bool
		queues map[string][]func(context.Context)
	}
}

func newLanes() *lanes {
	l := &lanes{}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	l.mu.queues = map[string][]func(context.Context){}
	return l
}

// run queues fn behind the earlier work of key. It never blocks.
func (l *lanes) run(key string, fn func(context.Context)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.mu.closed {
		return
	}
	queue, busy := l.mu.queues[key]
	l.mu.queues[key] = append(queue, fn)
	if !busy {
		l.wg.Add(1)
		go l.drain(key) // ends with the key's work
	}
}

func (l *lanes) drain(key string) {
	defer l.wg.Done()
	for {
		l.mu.Lock()
		queue := l.mu.queues[key]
		if len(queue) == 0 || l.ctx.Err() != nil {
			delete(l.mu.queues, key)
			l.mu.Unlock()
			return
		}
		fn := queue[0]
		l.mu.queues[key] = queue[1:]
		l.mu.Unlock()
		fn(l.ctx)
	}
}

// closeWait is how long close lets the lanes finish: notices and hang-ups on their way should arrive.
const closeWait = 5 * time.Second

func (l *lanes) close() {
	l.mu.Lock()
	l.mu.closed = true
	l.mu.Unlock()
	timer := time.AfterFunc(closeWait, l.cancel)
	l.wg.Wait()
	timer.Stop()
	l.cancel()
}
