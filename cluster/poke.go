package cluster

import (
	"context"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"ramal/cluster/wire"
)

// pokeName is the actor on each node that is told to look at the membership table before its next poll.
const pokeName = "poke"

// kindPoke is the kind of that message. It says nothing else: only the table is the authority.
const kindPoke = "cluster.poke"

// goodbyeWait bounds how long a closing node waits until the others have seen that it is gone, and linger how long it
// refuses what was on its way even then.
const (
	goodbyeWait = time.Second
	linger      = 50 * time.Millisecond
)

// listenForPokes spawns the actor that receives pokes. It answers when this node has looked.
func (n *Node) listenForPokes() error {
	props := actor.PropsFromFunc(func(ctx actor.Context) {
		if _, ok := ctx.Message().(*wire.Envelope); !ok {
			return
		}
		if ctx.Sender() != nil {
			n.pokers.Lock()
			n.pokers.waiting = append(n.pokers.waiting, ctx.Sender())
			n.pokers.Unlock()
		}
		n.nudge()
	}, actor.WithReceiverMiddleware(n.guard(func(kind string) bool { return kind == kindPoke })))
	_, err := n.system.Root.SpawnNamed(props, pokeName)
	return err
}

// answerPokes tells those who poked before the beat that has just succeeded that it has.
func (n *Node) answerPokes(pokers []*actor.PID) {
	for _, pid := range pokers {
		n.system.Root.Send(pid, wire.OK())
	}
}

func (n *Node) takePokers() []*actor.PID {
	n.pokers.Lock()
	defer n.pokers.Unlock()
	waiting := n.pokers.waiting
	n.pokers.waiting = nil
	return waiting
}

func (n *Node) pokeOthers() {
	for _, p := range n.snap.Load().peers {
		if p.ID != n.cfg.NodeID {
			n.system.Root.Send(p.poke, wire.New(kindPoke, "", nil))
		}
	}
}

// sayGoodbye pokes the others and waits until they know that this node is gone and send it nothing more. What they sent
// before is refused meanwhile, and handled elsewhere; cutting the connection at once would leave them guessing.
func (n *Node) sayGoodbye() {
	ctx, cancel := context.WithTimeout(context.Background(), goodbyeWait)
	defer cancel()
	var wg sync.WaitGroup
	for _, p := range n.snap.Load().peers {
		if p.ID != n.cfg.NodeID {
			wg.Go(func() {
				_, _ = n.ask(ctx, p.gone, func(sender *actor.PID) {
					n.system.Root.RequestWithCustomSender(p.poke, wire.New(kindPoke, "", nil), sender)
				})
			})
		}
	}
	wg.Wait()
	<-time.After(linger)
}
