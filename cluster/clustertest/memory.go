// Package clustertest holds the conformance suite of membership.Table and a table in memory that passes it.
//
// The table is for tests of everything above it: it can be made to fail, to hang and to evict a node. It is not for
// production: it does not outlive its process. A Memory's rows are owned by its mutex.
package clustertest

import (
	"context"
	"sync"
	"time"

	"ramal/cluster/membership"
	"ramal/cluster/placement"
	"ramal/internal/fault"
	"ramal/internal/id"
)

// Memory is a membership.Table in memory, by the clock of this process. The zero value is ready.
type Memory struct {
	mu   sync.Mutex
	rows placement.Rows
	fail error         // what every call returns, if set
	hang chan struct{} // what every call waits for, if set
}

var _ membership.Table = (*Memory)(nil)

// Beat implements membership.Table.
func (m *Memory) Beat(ctx context.Context, b placement.Beat) (membership.Result, error) {
	if err := m.reach(ctx); err != nil {
		return membership.Result{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	rows, ch, err := placement.Advance(m.rows, b, time.Now())
	if err != nil {
		return membership.Result{}, err
	}
	m.rows = rows
	return membership.Result{View: rows.View(), Changed: ch.Epoch}, nil
}

// Leave implements membership.Table.
func (m *Memory) Leave(ctx context.Context, node id.Node) error {
	if err := m.reach(ctx); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rows, _ = placement.Leave(m.rows, node)
	return nil
}

// reach fails or waits as the test asked.
func (m *Memory) reach(ctx context.Context) error {
	m.mu.Lock()
	fail, hang := m.fail, m.hang
	m.mu.Unlock()
	if hang != nil {
		select {
		case <-hang:
		case <-ctx.Done():
		}
	}
	if err := ctx.Err(); err != nil {
		return fault.Wrap(fault.Unavailable, "clustertest.memory", err)
	}
	return fault.Wrap(fault.Unavailable, "clustertest.memory", fail)
}

// Fail makes every call fail with err, until Heal.
func (m *Memory) Fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = err
}

// Hang makes every call wait for its context or for Heal.
func (m *Memory) Hang() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.hang = make(chan struct{})
}

// Heal ends Fail and Hang.
func (m *Memory) Heal() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = nil
	if m.hang != nil {
		close(m.hang)
		m.hang = nil
	}
}

// Evict removes a node's row, as the other nodes do when its lease has ended.
func (m *Memory) Evict(node id.Node) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rows, _ = placement.Leave(m.rows, node)
}

// View returns the view as the next beat would find it.
func (m *Memory) View() placement.View {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.rows.View()
}
