package prometheus_test

import (
	"fmt"
	"maps"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/model/stats"
	"github.com/moqrx/moqrx/model/stats/prometheus"
	client "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// counted returns an aggregator that has counted something of everything.
func counted(t *testing.T) *stats.Stats {
	t.Helper()
	s, err := stats.New(stats.Config{Origin: model.NewOrigin()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	handle := s.Handle(stats.External)
	b := handle.Broadcast("room/alice")
	b.PublisherAnnounceBytes()
	announced, session := b.Publisher(), handle.Session("room")
	view, track := session.Broadcasts().Publisher("room/alice"), announced.Track("video")
	b.PublisherFetch("video").Close()
	track.Group()
	track.Frame()
	track.Bytes(1200)
	track.Datagram(80)
	t.Cleanup(func() { view.Close(); session.Close(); announced.Close(); track.Close() })
	s.Handle(stats.Internal).Broadcast("room/bob").SubscriberTrack("video").Close()
	return s
}

func TestTotals(t *testing.T) {
	c := prometheus.NewCollector(counted(t))
	expect := `
# HELP moq_payload_bytes_total Payload of frames, without what the protocol adds.
# TYPE moq_payload_bytes_total counter
moq_payload_bytes_total{role="publisher",tier="external"} 1280
moq_payload_bytes_total{role="subscriber",tier="external"} 0
moq_payload_bytes_total{role="publisher",tier="internal"} 0
moq_payload_bytes_total{role="subscriber",tier="internal"} 0
# HELP moq_sessions_total Sessions.
# TYPE moq_sessions_total counter
moq_sessions_total{tier="external"} 1
moq_sessions_total{tier="internal"} 0
# HELP moq_subscriptions_closed_total Subscriptions to tracks that are over.
# TYPE moq_subscriptions_closed_total counter
moq_subscriptions_closed_total{role="publisher",tier="external"} 0
moq_subscriptions_closed_total{role="subscriber",tier="external"} 0
moq_subscriptions_closed_total{role="publisher",tier="internal"} 0
moq_subscriptions_closed_total{role="subscriber",tier="internal"} 1
`
	err := testutil.CollectAndCompare(c, strings.NewReader(expect),
		"moq_payload_bytes_total", "moq_sessions_total", "moq_subscriptions_closed_total")
	if err != nil {
		t.Error(err)
	}
	if n := testutil.CollectAndCount(c); n != 4*12+2*2 {
		t.Errorf("%d series without broadcasts, want 52", n)
	}
}

func TestByBroadcast(t *testing.T) {
	s := counted(t)
	s.Handle(stats.External).Broadcast("not\xffutf8").PublisherTrack("video").Close()
	c := prometheus.NewCollector(s, prometheus.WithBroadcasts())
	expect := `
# HELP moq_broadcast_subscriptions_total Subscriptions to tracks.
# TYPE moq_broadcast_subscriptions_total counter
moq_broadcast_subscriptions_total{broadcast="\"not\\xffutf8\"",role="publisher",tier="external"} 1
moq_broadcast_subscriptions_total{broadcast="room/alice",role="publisher",tier="external"} 1
moq_broadcast_subscriptions_total{broadcast="room/bob",role="subscriber",tier="internal"} 1
`
	if err := testutil.CollectAndCompare(c, strings.NewReader(expect), "moq_broadcast_subscriptions_total"); err != nil {
		t.Error(err)
	}
}

// Two series of one name would cost the whole scrape, and peers choose names.
func TestNoTwoBroadcastsHaveOneLabel(t *testing.T) {
	s := counted(t)
	for _, path := range []model.Path{"not\xffutf8", `"not\xffutf8"`, `"`, `""`} {
		s.Handle(stats.External).Broadcast(path).PublisherTrack("video").Close()
	}
	registry := client.NewRegistry()
	registry.MustRegister(prometheus.NewCollector(s, prometheus.WithBroadcasts()))
	if _, err := registry.Gather(); err != nil {
		t.Error(err)
	}
}

// Each metric shows its own counter and no other.
func TestWhatEachMetricShows(t *testing.T) {
	s, err := stats.New(stats.Config{Origin: model.NewOrigin()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	handle := s.Handle(stats.External)
	b := handle.Broadcast("a")
	for i := range 12 { // each counter ends at another number
		open := []interface{ Close() }{b.Publisher(), handle.SessionBroadcasts().Publisher("a"), b.PublisherTrack("t")}
		for j, limit := range []int{2, 4, 6} {
			if i < limit {
				open[j].Close()
			}
		}
		if i < 1 {
			b.PublisherFetch("t").Close()
		}
	}
	b.Publisher()
	b.PublisherTrack("t")
	b.PublisherTrack("t")
	track := b.PublisherTrack("t")
	track.Datagram(100)
	for i := range 40 {
		track.Frame()
		if i < 20 {
			track.Group()
		}
	}
	for range 7 {
		b.PublisherAnnounceBytes()
	}
	expect := map[string]float64{
		"announced": 13, "announced_closed": 2, "announced_bytes": 7,
		"sessions": 12, "sessions_closed": 4, "subscriptions": 15, "subscriptions_closed": 6,
		"payload_bytes": 100, "frames": 41, "groups": 21, "fetches": 1, "datagrams": 1,
	}
	registry := client.NewRegistry()
	registry.MustRegister(prometheus.NewCollector(s, prometheus.WithBroadcasts()))
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]float64)
	for _, f := range families {
		if name, ok := strings.CutPrefix(strings.TrimSuffix(f.GetName(), "_total"), "moq_broadcast_"); ok {
			got[name] = f.GetMetric()[0].GetCounter().GetValue() // there is one broadcast, on one side
		}
	}
	if !maps.Equal(got, expect) {
		t.Errorf("got %v\nwant %v", got, expect)
	}
}

// Every field of the counters has its own metric.
func TestEveryCounterIsShown(t *testing.T) {
	registry := client.NewRegistry()
	registry.MustRegister(prometheus.NewCollector(counted(t), prometheus.WithBroadcasts()))
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	moved := map[string]bool{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			moved[f.GetName()] = moved[f.GetName()] || m.GetCounter().GetValue() > 0
		}
	}
	fields := reflect.TypeFor[stats.Counters]().NumField()
	if got, want := len(moved), 2*fields+reflect.TypeFor[stats.Presence]().NumField(); got != want {
		t.Errorf("%d metrics, want %d: two for every counter, one for every number of sessions", got, want)
	}
	for name, up := range moved {
		if !up && !strings.Contains(name, "_closed_") {
			t.Errorf("%s did not move", name)
		}
	}
}

func TestNamesFollowTheConventions(t *testing.T) {
	for what, c := range map[string]client.Collector{
		"totals":     prometheus.NewCollector(counted(t)),
		"broadcasts": prometheus.NewCollector(counted(t), prometheus.WithBroadcasts()),
	} {
		problems, err := testutil.CollectAndLint(c)
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
		for _, p := range problems {
			t.Errorf("%s: %s: %s", what, p.Metric, p.Text)
		}
	}
}

func TestWithoutAnAggregator(t *testing.T) {
	c := prometheus.NewCollector(nil, prometheus.WithBroadcasts())
	if n := testutil.CollectAndCount(c); n != 52 {
		t.Errorf("%d series, want 52", n)
	}
	if n := testutil.CollectAndCount(c, "moq_broadcast_groups_total"); n != 0 {
		t.Errorf("%d broadcasts, want none", n)
	}
}

// A pedantic registry sees whether all that is collected was described.
func TestScrapesWhileSessionsComeAndGo(t *testing.T) {
	s := counted(t)
	registry := client.NewPedanticRegistry()
	registry.MustRegister(prometheus.NewCollector(s, prometheus.WithBroadcasts()))
	var wait sync.WaitGroup
	for i := range 2 {
		wait.Go(func() {
			for j := range 50 {
				track := s.Handle(stats.External).Broadcast(model.Path(fmt.Sprint(i, "/", j))).PublisherTrack("video")
				track.Bytes(1)
				track.Close()
			}
		})
		wait.Go(func() {
			for range 20 {
				if _, err := registry.Gather(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
}
