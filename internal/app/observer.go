package app

import (
	"time"

	"ramal/actors/host"
	"ramal/cluster"
	"ramal/internal/fault"
	"ramal/internal/telemetry"
	"ramal/media"
)

// observer gives what the actors tell to the metrics.
type observer struct{ m *telemetry.Metrics }

var _ host.Observer = observer{}

func (o observer) ModalShown(d time.Duration)   { o.m.CallModal(d) }
func (o observer) AudioOpened(d time.Duration)  { o.m.CallAudio(d) }
func (o observer) CustomerRang(d time.Duration) { o.m.CallRing(d) }
func (o observer) CallEnded(direction, reason, _ string, talk time.Duration) {
	o.m.CallEnded(direction, reason, talk)
}
func (o observer) Webhook(event, result string) { o.m.Inbox(event, result) }
func (o observer) Unsaved(delta int)            { o.m.CallsUnsaved(delta) }

func (o observer) provider(op string, err error, d time.Duration) {
	kind := "ok"
	if err != nil {
		kind = string(fault.KindOf(err))
	}
	o.m.Provider(op, kind, d)
}

func mediaStats(s media.Stats) telemetry.MediaStats {
	out := telemetry.MediaStats{
		Conferences: s.Conferences, Legs: s.Legs, PacketsIn: s.PacketsIn, PacketsOut: s.PacketsOut, Forwarded: s.Forwarded, Mixed: s.Mixed,
		Silent: s.Silent, Underruns: s.Underruns, Concealed: s.Concealed, TicksLate: s.TicksLate, TicksSkipped: s.TicksSkipped,
		FactsDropped: s.FactsDropped, Dropped: map[string]uint64{},
	}
	for reason, n := range s.Dropped {
		out.Dropped[string(reason)] = n
	}
	return out
}

func clusterStats(n *cluster.Node, calls func() int) telemetry.ClusterStats {
	v := n.View()
	return telemetry.ClusterStats{Members: len(v.Members), Buckets: len(v.Owned), Calls: calls(), LeaseValid: v.LeaseValid}
}
