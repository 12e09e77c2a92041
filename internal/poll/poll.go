// Package poll lets a test wait for what other goroutines or processes bring about.
//
// It is for tests only, and for what signals nothing that a test could wait on instead. It keeps no state.
package poll

import (
	"testing"
	"time"
)

const pause = 5 * time.Millisecond

// Until asks every few milliseconds whether ok, and fails the test if it is not within the given time. It returns how long it took.
func Until(t testing.TB, within time.Duration, what string, ok func() bool) time.Duration {
	t.Helper()
	began := time.Now()
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for !ok() {
		if time.Since(began) > within {
			t.Fatalf("not within %v: %s", within, what)
		}
		<-tick.C
	}
	return time.Since(began)
}
