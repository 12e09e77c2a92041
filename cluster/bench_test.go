package cluster_test

import (
	"log/slog"
	"testing"

	"github.com/asynkron/protoactor-go/actor"

	"ramal/cluster"
	"ramal/cluster/clustertest"
	"ramal/cluster/wire"
)

// BenchmarkRequest measures a request to an idle virtual actor on the same node and on another one, over loopback.
func BenchmarkRequest(b *testing.B) {
	table := &clustertest.Memory{}
	start := func(n int) *cluster.Node {
		ok := actor.PropsFromFunc(func(ctx actor.Context) {
			if _, is := ctx.Message().(*wire.Envelope); is {
				ctx.Respond(wire.OK())
			}
		})
		node, err := cluster.Start(b.Context(), cluster.Config{
			NodeID: clustertest.Member(n).ID, Membership: table, Logger: slog.New(slog.DiscardHandler),
			Kinds: []cluster.Kind{{Name: "counter", Props: func(cluster.Identity) *actor.Props { return ok }}},
		})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = node.Close() })
		return node
	}
	here, there := start(1), start(2)
	for _, c := range []struct {
		name  string
		owner *cluster.Node
	}{{"local", here}, {"remote", there}} {
		key := keysOf(b, c.owner, 1)[0]
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := here.Request(b.Context(), "counter", who(key), wire.New("count", farma, nil)); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(c.name+"/parallel", func(b *testing.B) {
			b.SetParallelism(32)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := here.Request(b.Context(), "counter", who(key), wire.New("count", farma, nil)); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}
