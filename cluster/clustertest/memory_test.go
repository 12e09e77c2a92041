package clustertest_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"ramal/cluster/clustertest"
	"ramal/cluster/placement"
	"ramal/internal/fault"
)

func TestMemory(t *testing.T) {
	clustertest.Run(t, func(*testing.T) clustertest.Fixture {
		m := &clustertest.Memory{}
		return clustertest.Fixture{Table: m, Evict: m.Evict}
	})
}

func TestMemoryFaults(t *testing.T) {
	m := &clustertest.Memory{}
	b := placement.Beat{Self: clustertest.Member(1), Lease: time.Minute, Join: true}
	away := errors.New("away")
	m.Fail(away)
	if _, err := m.Beat(t.Context(), b); !errors.Is(err, away) || !fault.Is(err, fault.Unavailable) {
		t.Fatalf("failing: %v", err)
	}
	m.Heal()
	m.Hang()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := m.Beat(ctx, b); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("hanging: %v", err)
	}
	m.Heal()
	if _, err := m.Beat(t.Context(), b); err != nil {
		t.Fatal(err)
	}
}
