package prometheus

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/model/stats"
	"github.com/prometheus/client_golang/prometheus"
)

// metric is one of the counters, as a total of the host and by broadcast.
type metric struct {
	host, broadcast string
	help            string
	of              func(stats.Counters) uint64
}

var metrics = []metric{
	{
		"moq_announced_total", "moq_broadcast_announced_total",
		"Announcements of broadcasts.",
		func(c stats.Counters) uint64 { return c.Announced },
	},
	{
		"moq_announced_closed_total", "moq_broadcast_announced_closed_total",
		"Announcements of broadcasts that are over.",
		func(c stats.Counters) uint64 { return c.AnnouncedClosed },
	},
	{
		"moq_announced_bytes_total", "moq_broadcast_announced_bytes_total",
		"Length of the names in announcements and withdrawals.",
		func(c stats.Counters) uint64 { return c.AnnouncedBytes },
	},
	{
		"moq_broadcasts_total", "moq_broadcast_sessions_total",
		"Broadcasts that sessions subscribed to, once per session.",
		func(c stats.Counters) uint64 { return c.Broadcasts },
	},
	{
		"moq_broadcasts_closed_total", "moq_broadcast_sessions_closed_total",
		"Broadcasts that sessions left with their last subscription.",
		func(c stats.Counters) uint64 { return c.BroadcastsClosed },
	},
	{
		"moq_subscriptions_total", "moq_broadcast_subscriptions_total",
		"Subscriptions to tracks.",
		func(c stats.Counters) uint64 { return c.Subscriptions },
	},
	{
		"moq_subscriptions_closed_total", "moq_broadcast_subscriptions_closed_total",
		"Subscriptions to tracks that are over.",
		func(c stats.Counters) uint64 { return c.SubscriptionsClosed },
	},
	{
		"moq_payload_bytes_total", "moq_broadcast_payload_bytes_total",
		"Payload of frames, without what the protocol adds.",
		func(c stats.Counters) uint64 { return c.Bytes },
	},
	{
		"moq_frames_total", "moq_broadcast_frames_total",
		"Frames, including those in datagrams.",
		func(c stats.Counters) uint64 { return c.Frames },
	},
	{
		"moq_groups_total", "moq_broadcast_groups_total",
		"Groups, including datagrams.",
		func(c stats.Counters) uint64 { return c.Groups },
	},
	{
		"moq_fetches_total", "moq_broadcast_fetches_total",
		"Fetches of single groups.",
		func(c stats.Counters) uint64 { return c.Fetches },
	},
	{
		"moq_datagrams_total", "moq_broadcast_datagrams_total",
		"Groups that went as one datagram.",
		func(c stats.Counters) uint64 { return c.Datagrams },
	},
}

var (
	sessions       = prometheus.NewDesc("moq_sessions_total", "Sessions.", []string{"tier"}, nil)
	sessionsClosed = prometheus.NewDesc("moq_sessions_closed_total", "Sessions that have ended.", []string{"tier"}, nil)
)

// Option changes what a collector shows.
type Option func(*collector)

// WithBroadcasts adds every broadcast that is counted now, under metrics whose names start
// with moq_broadcast_ and with the label broadcast, its path. The package's limitations
// say what that costs.
func WithBroadcasts() Option {
	return func(c *collector) {
		c.broadcasts = descriptions(func(m metric) string { return m.broadcast }, "tier", "role", "broadcast")
	}
}

// collector has one description for each of the metrics.
type collector struct {
	stats      *stats.Stats
	host       []*prometheus.Desc
	broadcasts []*prometheus.Desc // empty: not shown
}

// NewCollector returns a collector that reads s anew for each scrape, and may be used
// concurrently. It shows zeros for a nil s, and the last totals after Close of s.
func NewCollector(s *stats.Stats, opts ...Option) prometheus.Collector {
	c := &collector{stats: s, host: descriptions(func(m metric) string { return m.host }, "tier", "role")}
	for _, opt := range opts {
		opt(c)
	}
	return c
}

func descriptions(name func(metric) string, labels ...string) []*prometheus.Desc {
	descs := make([]*prometheus.Desc, len(metrics))
	for i, m := range metrics {
		descs[i] = prometheus.NewDesc(name(m), m.help, labels, nil)
	}
	return descs
}

// Describe sends what Collect can send.
func (c *collector) Describe(out chan<- *prometheus.Desc) {
	for _, descs := range [][]*prometheus.Desc{c.host, c.broadcasts, {sessions, sessionsClosed}} {
		for _, d := range descs {
			out <- d
		}
	}
}

// Collect sends the numbers as they are now.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	host := c.stats.Host()
	for _, total := range host.Traffic {
		send(out, c.host, total.Counters, total.Tier.String(), total.Role.String())
	}
	for _, s := range host.Sessions {
		out <- count(sessions, s.Sessions, s.Tier.String())
		out <- count(sessionsClosed, s.SessionsClosed, s.Tier.String())
	}
	if len(c.broadcasts) == 0 {
		return
	}
	for _, b := range c.stats.Broadcasts() {
		send(out, c.broadcasts, b.Counters, b.Tier.String(), b.Role.String(), label(b.Path))
	}
}

func send(out chan<- prometheus.Metric, descs []*prometheus.Desc, c stats.Counters, labels ...string) {
	for i, d := range descs {
		out <- count(d, metrics[i].of(c), labels...)
	}
}

func count(d *prometheus.Desc, n uint64, labels ...string) prometheus.Metric {
	m, err := prometheus.NewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
	if err != nil {
		return prometheus.NewInvalidMetric(d, err)
	}
	return m
}

// label is the path, quoted where it is not UTF-8, or could be taken for one that was quoted: one label
// that cannot be, or is there twice, would cost the whole scrape.
func label(p model.Path) string {
	if s := p.String(); utf8.ValidString(s) && !strings.HasPrefix(s, `"`) {
		return s
	}
	return strconv.Quote(p.String())
}
