package host

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

// waiting counts the work that has not begun.
func waiting(l *lanes) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, q := range l.mu.queues {
		n += len(q)
	}
	return n
}

func TestLanesKeepOrderWithinAKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLanes()
		defer l.close()
		var mu sync.Mutex
		got := map[string][]int{}
		for i := range 50 {
			for _, key := range []string{"a", "b", "c"} {
				l.run(key, func(context.Context) {
					time.Sleep(time.Duration(50-i) * time.Millisecond) // later work is quicker
					mu.Lock()
					defer mu.Unlock()
					got[key] = append(got[key], i)
				})
			}
		}
		time.Sleep(time.Minute)
		mu.Lock()
		defer mu.Unlock()
		for key, order := range got {
			if len(order) != 50 || !slices.IsSorted(order) {
				t.Errorf("lane %s ran %v", key, order)
			}
		}
	})
}

func TestLanesDoNotWaitForOneAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLanes()
		defer l.close()
		stuck := make(chan struct{})
		l.run("stuck", func(context.Context) { <-stuck })
		var done sync.WaitGroup
		began := time.Now()
		for i := range 20 {
			done.Add(1)
			l.run(fmt.Sprint(i), func(context.Context) { time.Sleep(time.Second); done.Done() })
		}
		done.Wait()
		if took := time.Since(began); took != time.Second {
			t.Errorf("20 lanes of a second each took %v", took)
		}
		close(stuck)
	})
}

// TestLanesNeverBlockTheCaller: mailboxes queue work, whatever the lane is waiting for.
func TestLanesNeverBlockTheCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLanes()
		stuck := make(chan struct{})
		ran := 0
		l.run("a", func(context.Context) { <-stuck })
		synctest.Wait()
		for range 1000 {
			l.run("a", func(context.Context) { ran++ })
		}
		if d := waiting(l); d != 1000 {
			t.Errorf("depth %d, want 1000", d)
		}
		close(stuck)
		synctest.Wait()
		if ran != 1000 || waiting(l) != 0 {
			t.Errorf("%d of 1000 ran, %d wait", ran, waiting(l))
		}
		l.close()
	})
}

// TestLanesOfWork: a lane's own work may queue more, to itself and to others.
func TestLanesOfWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLanes()
		defer l.close()
		var mu sync.Mutex
		var got []string
		note := func(s string) func(context.Context) {
			return func(context.Context) {
				mu.Lock()
				defer mu.Unlock()
				got = append(got, s)
			}
		}
		l.run("a", func(ctx context.Context) {
			l.run("a", note("a after"))
			l.run("b", note("b"))
			time.Sleep(time.Second)
			note("a first")(ctx)
		})
		time.Sleep(2 * time.Second)
		mu.Lock()
		defer mu.Unlock()
		if !slices.Equal(got, []string{"b", "a first", "a after"}) {
			t.Errorf("it ran %q", got)
		}
	})
}

func TestLanesClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLanes()
		var cancelled time.Time
		ran := false
		l.run("a", func(ctx context.Context) {
			<-ctx.Done()
			time.Sleep(3 * time.Second) // what runs may finish
			cancelled = time.Now()
		})
		l.run("a", func(context.Context) { ran = true }) // has not begun when the time is up: dropped
		synctest.Wait()
		began := time.Now()
		l.close()
		if time.Since(began) != closeWait+3*time.Second || cancelled.IsZero() {
			t.Errorf("close returned after %v, what ran had ended at %v", time.Since(began), cancelled)
		}
		l.run("a", func(context.Context) { ran = true })
		l.run("new", func(context.Context) { ran = true })
		time.Sleep(time.Minute)
		if ran {
			t.Error("work ran after close")
		}
		l.close() // again does nothing
	})
}

// TestLanesLeaveNothingBehind: a lane's goroutine and its queue live only while it has work.
func TestLanesLeaveNothingBehind(t *testing.T) {
	before := goleak.IgnoreCurrent()
	l := newLanes()
	var done sync.WaitGroup
	for i := range 500 {
		done.Add(1)
		l.run(fmt.Sprint(i%100), func(context.Context) { done.Done() })
	}
	done.Wait()
	eventually(t, "no lane is left", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return len(l.mu.queues) == 0
	})
	goleak.VerifyNone(t, before)
	l.close()
}
