package poll

import (
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// judge is a test that notes its failure.
type judge struct {
	testing.TB
	verdict string
}

func (*judge) Helper() {}

func (j *judge) Fatalf(format string, _ ...any) {
	j.verdict = format
	runtime.Goexit()
}

func TestUntil(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		ready := func() bool { return time.Since(began) >= 40*time.Millisecond }
		if took := Until(t, time.Second, "ready", ready); took < 40*time.Millisecond || took > 50*time.Millisecond {
			t.Errorf("it took %v", took)
		}
		if took := Until(t, 0, "ready", ready); took != 0 {
			t.Errorf("what was ready took %v", took)
		}
	})
}

func TestUntilNever(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, began := &judge{TB: t}, time.Now()
		done := make(chan struct{})
		go func() { // ends with the verdict
			defer close(done)
			Until(j, time.Second, "never", func() bool { return false })
		}()
		<-done
		if !strings.HasPrefix(j.verdict, "not within") || time.Since(began) > time.Second+2*pause {
			t.Errorf("%q after %v", j.verdict, time.Since(began))
		}
	})
}
