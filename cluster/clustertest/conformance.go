package clustertest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"ramal/cluster/membership"
	"ramal/cluster/placement"
	"ramal/internal/fault"
	"ramal/internal/id"
)

// Fixture is an empty table under test, and the means to remove a row behind its back.
type Fixture struct {
	Table membership.Table
	Evict func(node id.Node)
}

// Run checks that a table keeps the promises of membership.Table. open returns a fresh, empty table each time.
func Run(t *testing.T, open func(t *testing.T) Fixture) {
	for _, c := range []struct {
		name string
		run  func(t *testing.T, f Fixture)
	}{
		{"the first node owns everything", testFirst},
		{"all see the same", testSameView},
		{"buckets change hands by release", testHandOver},
		{"a dead node is evicted and told so", testEviction},
		{"a removed row is not revived", testRemoved},
		{"a restart replaces its former process", testRestart},
		{"leaving frees at once, twice is no error", testLeave},
		{"an outage evicts nobody", testOutage},
		{"an ended context is not a lost lease", testContext},
		{"concurrent beats are serial", testConcurrent},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, open(t)) })
	}
}

// long is a lease that does not end during a test.
const long = time.Minute

// Member returns the nth member of a made-up cluster.
func Member(n int) placement.Member {
	return placement.Member{ID: id.Node(fmt.Sprintf("node_%02d", n)), Host: "127.0.0.1", Port: 7000 + n, Kinds: []string{"contact", "line"}}
}

func try(t *testing.T, f Fixture, b placement.Beat) (membership.Result, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	return f.Table.Beat(ctx, b)
}

func beat(t *testing.T, f Fixture, b placement.Beat) membership.Result {
	t.Helper()
	r, err := try(t, f, b)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func join(t *testing.T, f Fixture, n int, lease time.Duration) membership.Result {
	t.Helper()
	return beat(t, f, placement.Beat{Self: Member(n), Lease: lease, Join: true})
}

func ids(v placement.View) []id.Node {
	var out []id.Node
	for _, m := range v.Members {
		out = append(out, m.ID)
	}
	return out
}

func wantMembers(t *testing.T, v placement.View, want ...int) {
	t.Helper()
	var ns []id.Node
	for _, n := range want {
		ns = append(ns, Member(n).ID)
	}
	if got := ids(v); !slices.Equal(got, ns) {
		t.Fatalf("members %v, want %v", got, ns)
	}
}

func wantShare(t *testing.T, v placement.View, n int) {
	t.Helper()
	if !placement.Share(Member(n).ID, &v) {
		t.Fatalf("node %d does not own exactly its share", n)
	}
}

func wantLost(t *testing.T, err error) {
	t.Helper()
	if fault.CodeOf(err) != placement.CodeLeaseLost || !fault.Is(err, fault.NotFound) {
		t.Fatalf("got %v, want a lost lease", err)
	}
}

// pass lets real time go by: the table's clock cannot be moved.
func pass(d time.Duration) { <-time.After(d) }

func testFirst(t *testing.T, f Fixture) {
	r := join(t, f, 1, long)
	wantMembers(t, r.View, 1)
	wantShare(t, r.View, 1)
	if !r.Changed || r.View.Epoch != 1 || r.View.Buckets[255].Epoch != 1 {
		t.Fatalf("changed %v, epoch %d, bucket 255 %+v", r.Changed, r.View.Epoch, r.View.Buckets[255])
	}
	busy := Member(1)
	busy.Load = 5
	r = beat(t, f, placement.Beat{Self: busy, Lease: long})
	if r.Changed || r.View.Epoch != 1 {
		t.Fatal("a quiet beat raised the epoch")
	}
	if got := r.View.Members[0]; got.Load != 5 || got.Addr() != "127.0.0.1:7001" || !slices.Equal(got.Kinds, busy.Kinds) {
		t.Fatalf("member %+v", got)
	}
	busy.Leaving = true
	if r = beat(t, f, placement.Beat{Self: busy, Lease: long}); !r.Changed || !r.View.Members[0].Leaving {
		t.Fatal("leaving went unnoticed")
	}
}

func testSameView(t *testing.T, f Fixture) {
	for _, n := range []int{3, 1, 2} {
		join(t, f, n, long)
	}
	a, b := join(t, f, 1, long).View, join(t, f, 2, long).View
	wantMembers(t, a, 1, 2, 3)
	wantMembers(t, b, 1, 2, 3)
	if a.Epoch != b.Epoch || a.Buckets != b.Buckets {
		t.Fatalf("views differ at epochs %d and %d", a.Epoch, b.Epoch)
	}
}

func testHandOver(t *testing.T, f Fixture) {
	join(t, f, 1, long)
	v := join(t, f, 2, long).View
	wantMembers(t, v, 1, 2)
	drain := placement.Plan(Member(1).ID, &v).Drain
	if len(drain) == 0 || len(drain) == id.Buckets {
		t.Fatalf("%d buckets to hand over", len(drain))
	}
	if got := placement.Plan(Member(2).ID, &v); !got.Settled() {
		t.Fatalf("the newcomer may take %v before anything is released", got.Acquire)
	}
	r := beat(t, f, placement.Beat{Self: Member(1), Lease: long, Release: drain})
	if l := r.View.Buckets[drain[0]]; !r.Changed || l != (placement.Lease{Epoch: 1}) {
		t.Fatalf("released bucket: %+v", l)
	}
	r = beat(t, f, placement.Beat{Self: Member(2), Lease: long})
	wantShare(t, r.View, 1)
	wantShare(t, r.View, 2)
	if l := r.View.Buckets[drain[0]]; l != (placement.Lease{Owner: Member(2).ID, Epoch: 2}) {
		t.Fatalf("acquired bucket: %+v", l)
	}
}

func testEviction(t *testing.T, f Fixture) {
	const lease = 600 * time.Millisecond
	join(t, f, 1, lease)
	began := time.Now()
	join(t, f, 2, lease)
	var r membership.Result
	for len(r.View.Members) != 1 {
		if time.Since(began) > 10*lease {
			t.Fatalf("members %v long after the lease", ids(r.View))
		}
		pass(lease / 6)
		r = beat(t, f, placement.Beat{Self: Member(2), Lease: lease})
	}
	if took := time.Since(began); took < lease {
		t.Fatalf("evicted after %v, before its lease ended", took)
	}
	wantShare(t, r.View, 2)
	_, err := try(t, f, placement.Beat{Self: Member(1), Lease: lease})
	wantLost(t, err)
}

func testRemoved(t *testing.T, f Fixture) {
	join(t, f, 1, long)
	join(t, f, 2, long)
	f.Evict(Member(1).ID)
	_, err := try(t, f, placement.Beat{Self: Member(1), Lease: long})
	wantLost(t, err)
	wantMembers(t, beat(t, f, placement.Beat{Self: Member(2), Lease: long}).View, 2)
}

func testRestart(t *testing.T, f Fixture) {
	join(t, f, 1, long)
	again := Member(2)
	again.Port = Member(1).Port
	r := beat(t, f, placement.Beat{Self: again, Lease: long, Join: true})
	wantMembers(t, r.View, 2)
	wantShare(t, r.View, 2)
	_, err := try(t, f, placement.Beat{Self: Member(1), Lease: long})
	wantLost(t, err)
}

func testLeave(t *testing.T, f Fixture) {
	join(t, f, 1, long)
	before := join(t, f, 2, long).View
	for range 2 {
		if err := f.Table.Leave(t.Context(), Member(1).ID); err != nil {
			t.Fatal(err)
		}
	}
	r := beat(t, f, placement.Beat{Self: Member(2), Lease: long})
	wantMembers(t, r.View, 2)
	wantShare(t, r.View, 2)
	if r.View.Epoch <= before.Epoch {
		t.Fatalf("epoch %d after %d", r.View.Epoch, before.Epoch)
	}
}

func testOutage(t *testing.T, f Fixture) {
	const lease = 300 * time.Millisecond
	join(t, f, 1, lease)
	join(t, f, 2, lease)
	pass(lease + lease/2)
	wantMembers(t, beat(t, f, placement.Beat{Self: Member(2), Lease: lease}).View, 1, 2)
	wantMembers(t, beat(t, f, placement.Beat{Self: Member(1), Lease: lease}).View, 1, 2)
}

func testContext(t *testing.T, f Fixture) {
	join(t, f, 1, long)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := f.Table.Beat(ctx, placement.Beat{Self: Member(1), Lease: long})
	if !fault.Is(err, fault.Unavailable) || fault.CodeOf(err) == placement.CodeLeaseLost {
		t.Fatalf("beat: %v", err)
	}
	if err := f.Table.Leave(ctx, Member(1).ID); !fault.Is(err, fault.Unavailable) {
		t.Fatalf("leave: %v", err)
	}
	wantMembers(t, beat(t, f, placement.Beat{Self: Member(1), Lease: long}).View, 1)
}

// testConcurrent lets four nodes hand buckets around at once and compares everything any of them ever saw.
func testConcurrent(t *testing.T, f Fixture) {
	var mu sync.Mutex
	seen := map[int64]placement.View{}
	var wg sync.WaitGroup
	for n := range 4 {
		wg.Go(func() {
			b := placement.Beat{Self: Member(n), Lease: long, Join: true}
			last := int64(0)
			for range 15 {
				r, err := f.Table.Beat(t.Context(), b)
				if err != nil {
					t.Errorf("node %d: %v", n, err)
					return
				}
				if r.View.Epoch < last {
					t.Errorf("node %d: epoch fell from %d to %d", n, last, r.View.Epoch)
				}
				last = r.View.Epoch
				b.Join, b.Release = false, placement.Plan(b.Self.ID, &r.View).Drain
				mu.Lock()
				if o, ok := seen[last]; ok && (o.Buckets != r.View.Buckets || !slices.Equal(ids(o), ids(r.View))) {
					t.Errorf("two views at epoch %d", last)
				}
				seen[last] = r.View
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	// quiet now: one round to release what the last views asked for, one to acquire it
	var v placement.View
	for range 2 {
		for n := range 4 {
			v = beat(t, f, placement.Beat{Self: Member(n), Lease: long}).View
			v = beat(t, f, placement.Beat{Self: Member(n), Lease: long, Release: placement.Plan(Member(n).ID, &v).Drain}).View
		}
	}
	for n := range 4 {
		wantShare(t, v, n)
	}
}
