package stats_test

import (
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/model/stats"
)

func TestCounters(t *testing.T) {
	t.Run("16.20/316 two broadcasts are counted apart", func(t *testing.T) {
		run(t, stats.Config{}, func(t *testing.T, h *host) {
			a, b := h.external("a").PublisherTrack("video"), h.external("b").PublisherTrack("video")
			defer a.Close()
			defer b.Close()
			a.Bytes(7)
			b.Bytes(11)
			b.Group()
			got := h.next(stats.External, stats.Publisher)
			want(t, "a", got["a"], stats.Counters{Subscriptions: 1, Bytes: 7})
			want(t, "b", got["b"], stats.Counters{Subscriptions: 1, Bytes: 11, Groups: 1})
		})
	})
	t.Run("16.20/317 two tiers are counted apart", func(t *testing.T) {
		run(t, stats.Config{}, func(t *testing.T, h *host) {
			inside := h.Handle(stats.Internal).Broadcast("a").PublisherTrack("video")
			defer inside.Close()
			inside.Bytes(5)
			want(t, "external total", h.total(stats.External, stats.Publisher), stats.Counters{})
			want(t, "internal total", h.total(stats.Internal, stats.Publisher).Bytes, 5)
			wantList(t, "external frames", h.frames(".stats/node", "publisher.json"), "{}")
			got := h.next(stats.Internal, stats.Publisher)
			want(t, "internal frame", got["a"], stats.Counters{Subscriptions: 1, Bytes: 5})
			wantList(t, "external frames after a tick", h.frames(".stats/node", "publisher.json"))
		})
	})
	t.Run("16.20/318 the snapshot of the host sums by tier and role, in a fixed order", func(t *testing.T) {
		run(t, stats.Config{}, snapshotSums)
	})
	t.Run("16.20/319 what is at or below the prefix is not counted", func(t *testing.T) {
		run(t, stats.Config{Exclude: []model.Path{"/private/"}}, func(t *testing.T, h *host) {
			for _, path := range []model.Path{".stats", ".stats/node/x", "/.stats//node", "private", "private/a"} {
				countEverything(h.Handle(stats.External), path)
			}
			want(t, "totals", h.Host().Traffic, (*stats.Stats)(nil).Host().Traffic)
			want(t, "broadcasts", len(h.Broadcasts()), 0)
			countEverything(h.Handle(stats.External), ".statistics")
			want(t, "broadcasts with a longer name", len(h.Broadcasts()), 2)
		})
	})
	t.Run("16.20/326 announced bytes are counted by side and are no payload", func(t *testing.T) {
		run(t, stats.Config{}, func(t *testing.T, h *host) {
			b := h.external("room/alice")
			b.PublisherAnnounceBytes()
			b.PublisherAnnounceBytes()
			b.SubscriberAnnounceBytes()
			want(t, "egress", h.total(stats.External, stats.Publisher), stats.Counters{AnnouncedBytes: 20})
			want(t, "ingress", h.total(stats.External, stats.Subscriber), stats.Counters{AnnouncedBytes: 10})
			h.frames(".stats/node", "subscriber.json")
			want(t, "egress frame", h.next(stats.External, stats.Publisher)["room/alice"], stats.Counters{AnnouncedBytes: 20})
			ingress := must(stats.ParseTraffic([]byte(h.frame(".stats/node", "subscriber.json"))))
			want(t, "ingress frame", ingress["room/alice"], stats.Counters{AnnouncedBytes: 10})
		})
	})
	t.Run("16.20/327 an announcement without a subscription is no broadcast that is watched", func(t *testing.T) {
		run(t, stats.Config{}, func(t *testing.T, h *host) {
			announced := h.external("a").Subscriber()
			want(t, "open", h.total(stats.External, stats.Subscriber), stats.Counters{Announced: 1})
			announced.Close()
			announced.Close()
			want(t, "closed", h.total(stats.External, stats.Subscriber), stats.Counters{Announced: 1, AnnouncedClosed: 1})
		})
	})
	t.Run("totals stay right while guards come and go", func(t *testing.T) {
		run(t, stats.Config{}, closedIsNeverAboveOpen)
	})
	t.Run("16.20/335 a fetch is not a subscription", func(t *testing.T) {
		run(t, stats.Config{}, func(t *testing.T, h *host) {
			for _, fetch := range []interface {
				Group()
				Frame()
				Bytes(int)
				Close()
			}{h.external("a").PublisherFetch("video"), h.external("a").SubscriberFetch("video")} {
				fetch.Group()
				fetch.Frame()
				fetch.Bytes(9)
				fetch.Close()
				fetch.Close()
			}
			for _, r := range []stats.Role{stats.Publisher, stats.Subscriber} {
				want(t, r.String(), h.total(stats.External, r), stats.Counters{Fetches: 1, Groups: 1, Frames: 1, Bytes: 9})
			}
		})
	})
	t.Run("negative numbers of bytes are not counted", func(t *testing.T) {
		run(t, stats.Config{}, func(t *testing.T, h *host) {
			guard := h.external("a").PublisherTrack("video")
			defer guard.Close()
			guard.Bytes(-1)
			guard.Datagram(-1)
			want(t, "bytes", h.total(stats.External, stats.Publisher).Bytes, 0)
		})
	})
}

// countEverything opens and closes every kind of guard for a broadcast.
func countEverything(h stats.Handle, path model.Path) {
	b := h.Broadcast(path)
	b.PublisherAnnounceBytes()
	b.SubscriberAnnounceBytes()
	out, in := b.Publisher(), b.Subscriber()
	session := h.SessionBroadcasts()
	for _, view := range []stats.BroadcastSubscription{session.Publisher(path), session.Subscriber(path)} {
		view.Close()
	}
	for _, track := range []interface {
		Group()
		Frame()
		Bytes(int)
		Datagram(int)
		Close()
	}{out.Track("a"), in.Track("a"), b.PublisherFetch("a"), b.SubscriberFetch("a")} {
		track.Group()
		track.Frame()
		track.Bytes(1)
		track.Datagram(1)
		track.Close()
	}
	out.Close()
	in.Close()
}

func snapshotSums(t *testing.T, h *host) {
	for _, path := range []model.Path{"a", "b", "c"} {
		track := h.external(path).PublisherTrack("video")
		track.Bytes(100)
		defer track.Close()
	}
	in := h.Handle(stats.Internal).Broadcast("a").SubscriberTrack("video")
	in.Datagram(10)
	in.Close()
	defer h.Handle(stats.External).Session("a").Close()
	h.Handle(stats.External).Session("b").Close()
	defer h.Handle(stats.Internal).Session("").Close()

	expect := stats.HostSnapshot{
		Traffic: [4]stats.HostTraffic{
			{Tier: stats.External, Role: stats.Publisher, Counters: stats.Counters{Subscriptions: 3, Bytes: 300}},
			{Tier: stats.External, Role: stats.Subscriber},
			{Tier: stats.Internal, Role: stats.Publisher},
			{Tier: stats.Internal, Role: stats.Subscriber, Counters: stats.Counters{
				Subscriptions: 1, SubscriptionsClosed: 1, Groups: 1, Frames: 1, Datagrams: 1, Bytes: 10,
			}},
		},
		Sessions: [2]stats.HostSessions{
			{Tier: stats.External, Presence: stats.Presence{Sessions: 2, SessionsClosed: 1}},
			{Tier: stats.Internal, Presence: stats.Presence{Sessions: 1}},
		},
	}
	want(t, "snapshot", h.Host(), expect)
	for range 3 {
		h.tick()
	}
	want(t, "snapshot after broadcasts and roots were forgotten", h.Host(), expect)
}

func closedIsNeverAboveOpen(t *testing.T, h *host) {
	var workers, watch sync.WaitGroup
	stop := make(chan struct{})
	check := func(where string, c stats.Counters) {
		if c.AnnouncedClosed > c.Announced || c.BroadcastsClosed > c.Broadcasts || c.SubscriptionsClosed > c.Subscriptions {
			t.Errorf("%s: more closed than open: %+v", where, c)
		}
	}
	watch.Go(func() {
		for {
			host := h.Host()
			check("host", host.Traffic[0].Counters)
			if s := host.Sessions[0]; s.SessionsClosed > s.Sessions {
				t.Errorf("more sessions closed than open: %+v", s)
			}
			for _, b := range h.Broadcasts() {
				check(b.Path.String(), b.Counters)
			}
			select {
			case <-stop:
				return
			default:
			}
		}
	})
	for i := range 4 {
		path := model.Path(fmt.Sprint("room/", i%2))
		workers.Go(func() {
			for range 500 {
				session := h.Handle(stats.External).Session("room")
				view := session.Broadcasts().Publisher(path)
				countEverything(h.Handle(stats.External), path)
				view.Close()
				session.Close()
			}
		})
	}
	workers.Wait()
	close(stop)
	watch.Wait()
	c := h.total(stats.External, stats.Publisher)
	for what, pair := range map[string][2]uint64{
		"announced":     {c.Announced, c.AnnouncedClosed},
		"broadcasts":    {c.Broadcasts, c.BroadcastsClosed},
		"subscriptions": {c.Subscriptions, c.SubscriptionsClosed},
	} {
		want(t, what+" at the end", pair[0], pair[1])
	}
	want(t, "subscriptions", c.Subscriptions, 2000)
	want(t, "fetches", c.Fetches, 2000)
}

func TestParse(t *testing.T) {
	t.Run("16.20/336 fields that are missing are 0 and unknown ones are left out", func(t *testing.T) {
		old := must(stats.ParseTraffic([]byte(`{"a":{"bytes":3,"groups":1},"//b//c/":{}}`)))
		if !maps.Equal(old, stats.Traffic{"a": {Bytes: 3, Groups: 1}, "b/c": {}}) {
			t.Errorf("an old frame is %v", old)
		}
		recent := must(stats.ParseTraffic([]byte(`{"a":{"bytes":3,"stale":{"bytes":[1,2]},"fetches":2,"mood":"calm"}}`)))
		if !maps.Equal(recent, stats.Traffic{"a": {Bytes: 3, Fetches: 2}}) {
			t.Errorf("a new frame is %v", recent)
		}
		sessions := must(stats.ParseSessions([]byte(`{"acme":{"sessions":3,"peak":9}}`)))
		if !maps.Equal(sessions, stats.Sessions{"acme": {Sessions: 3}}) {
			t.Errorf("sessions are %v", sessions)
		}
	})
	for _, frame := range []string{"", "[]", `{"a":`, `{"a":{"bytes":-1}}`, `{"a":{"bytes":"3"}}`, `{"a":{"bytes":1e99}}`, "{}{}"} {
		if _, err := stats.ParseTraffic([]byte(frame)); err == nil || !strings.Contains(err.Error(), "statistics") {
			t.Errorf("%q: the error is %v", frame, err)
		}
	}
}
