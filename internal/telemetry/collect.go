package telemetry

import "github.com/prometheus/client_golang/prometheus"

// MediaStats is what the media plane tells at scrape time: two gauges and counts since its start.
type MediaStats struct {
	Conferences, Legs        int
	PacketsIn, PacketsOut    uint64
	Forwarded, Mixed, Silent uint64 // of PacketsOut
	Underruns, Concealed     uint64
	TicksLate, TicksSkipped  uint64
	FactsDropped             uint64
	Dropped                  map[string]uint64 // by reason; a closed list of the media plane's
}

// ClusterStats is what the cluster tells at scrape time.
type ClusterStats struct {
	Members, Buckets, Calls int
	LeaseValid              bool
}

// Media registers the media plane. stats is called at each scrape, from any goroutine. Call once.
func (m *Metrics) Media(stats func() MediaStats) {
	m.registry.MustRegister(&mediaCollector{stats: stats})
}

// Store registers the store's health, true when it answers. Call once.
func (m *Metrics) Store(healthy func() bool) {
	m.gauge(nameStoreUp, "1 while the database answers.", func() float64 { return bit(healthy()) })
}

// Cluster registers the cluster's state. Call once.
func (m *Metrics) Cluster(stats func() ClusterStats) {
	m.gauge(nameClusterMembers, "Members of the cluster as this node sees it.", func() float64 { return float64(stats().Members) })
	m.gauge(nameClusterBuckets, "Placement buckets that this node owns.", func() float64 { return float64(stats().Buckets) })
	m.gauge(nameClusterLease, "1 while this node's own lease is valid.", func() float64 { return bit(stats().LeaseValid) })
	m.gauge(nameClusterCalls, "Calls whose media run on this node.", func() float64 { return float64(stats().Calls) })
}

func (m *Metrics) gauge(name, help string, f func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, f))
}

func bit(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// mediaCollector reads all of the media plane's numbers at one moment.
type mediaCollector struct{ stats func() MediaStats }

var (
	descConferences = prometheus.NewDesc(nameMediaConferences, "Calls with media open on this node.", nil, nil)
	descLegs        = prometheus.NewDesc(nameMediaLegs, "Parties connected or connecting on this node.", nil, nil)
	descPackets     = prometheus.NewDesc(nameMediaPackets, "RTP packets by direction.", []string{"direction"}, nil)
	descOutputs     = prometheus.NewDesc(nameMediaPacketsOut, "RTP packets sent, by how they were made.", []string{"source"}, nil)
	descDropped     = prometheus.NewDesc(nameMediaDropped, "RTP packets received and not used, by reason.", []string{"reason"}, nil)
	descUnderruns   = prometheus.NewDesc(nameMediaUnderruns, "Times that a playing source had nothing for its 20 ms.", nil, nil)
	descConcealed   = prometheus.NewDesc(nameMediaConcealed, "Audio frames made up by loss concealment or error correction.", nil, nil)
	descTicks       = prometheus.NewDesc(nameMediaTicks, "20 ms deadlines of the mixer not met in time.", []string{"how"}, nil)
	descFacts       = prometheus.NewDesc(nameMediaFacts, "Facts about legs that were lost because their receiver was too slow.", nil, nil)
)

// Describe implements prometheus.Collector.
func (c *mediaCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descConferences, descLegs, descPackets, descOutputs, descDropped, descUnderruns, descConcealed, descTicks, descFacts} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c *mediaCollector) Collect(ch chan<- prometheus.Metric) {
	s := c.stats()
	gauge := func(d *prometheus.Desc, v int) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(v))
	}
	count := func(d *prometheus.Desc, v uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	gauge(descConferences, s.Conferences)
	gauge(descLegs, s.Legs)
	count(descPackets, s.PacketsIn, "in")
	count(descPackets, s.PacketsOut, "out")
	count(descOutputs, s.Forwarded, "forwarded")
	count(descOutputs, s.Mixed, "mixed")
	count(descOutputs, s.Silent, "silent")
	for reason, n := range s.Dropped {
		count(descDropped, n, reason)
	}
	count(descUnderruns, s.Underruns)
	count(descConcealed, s.Concealed)
	count(descTicks, s.TicksLate, "late")
	count(descTicks, s.TicksSkipped, "skipped")
	count(descFacts, s.FactsDropped)
}
