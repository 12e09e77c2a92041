package cluster

import pcluster "github.com/asynkron/protoactor-go/cluster"

type protoCluster = *pcluster.Cluster

// Kill ends the node as a crash does: nothing is handed over, the lease is not given back, nobody is told.
func (n *Node) Kill() {
	n.closeOnce.Do(func() {
		n.closing.Store(true)
		n.teardown()
	})
}

// Proto returns the library's cluster, to test the parts of it that were replaced.
func (n *Node) Proto() protoCluster { return n.proto }
