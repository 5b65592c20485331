package stats_test

import (
	"testing"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/model/stats"
)

func TestNothingIsAllocated(t *testing.T) {
	none := func(t *testing.T, what string, f func()) {
		t.Helper()
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s: %v allocations", what, n)
		}
	}
	t.Run("16.20/320 without an origin everything is a no-op that allocates nothing", func(t *testing.T) {
		for name, s := range map[string]*stats.Stats{"disabled": must(stats.New(stats.Config{})), "nil": nil, "zero": {}} {
			none(t, name, func() {
				h := s.Handle(stats.Internal)
				everyCall(h, h.Broadcast("a"))
				s.Close()
			})
			want(t, name+" broadcasts", len(s.Broadcasts()), 0)
			for _, x := range s.Host().Traffic {
				want(t, name+" traffic", x.Counters, stats.Counters{})
			}
			for _, x := range s.Host().Sessions {
				want(t, name+" sessions", x.Presence, stats.Presence{})
			}
		}
		none(t, "New", func() { must(stats.New(stats.Config{})) })
		none(t, "zero values", func() { everyCall(stats.Handle{}, stats.BroadcastStats{}) })
	})
	t.Run("counting", func(t *testing.T) {
		s := must(stats.New(stats.Config{Origin: model.NewOrigin()}))
		defer s.Close()
		out, in := s.Handle(stats.External).Broadcast("a").PublisherTrack("t"), s.Handle(stats.External).Broadcast("a").SubscriberTrack("t")
		defer out.Close()
		defer in.Close()
		none(t, "egress", func() { out.Group(); out.Frame(); out.Bytes(1); out.Datagram(1) })
		none(t, "ingress", func() { in.Group(); in.Frame(); in.Bytes(1); in.Datagram(1) })
		none(t, "announced bytes", func() { s.Handle(stats.External).Broadcast("a").PublisherAnnounceBytes() })
		none(t, "totals", func() { s.Host() })
	})
}

// everyCall makes every call there is on values that count nothing.
func everyCall(h stats.Handle, b stats.BroadcastStats) {
	b.PublisherAnnounceBytes()
	b.SubscriberAnnounceBytes()
	out, in := b.Publisher(), b.Subscriber()
	for _, track := range [...]stats.PublisherTrack{out.Track("t"), b.PublisherTrack("t"), b.PublisherFetch("t")} {
		track.Group()
		track.Frame()
		track.Bytes(1)
		track.Datagram(1)
		track.Close()
	}
	for _, track := range [...]stats.SubscriberTrack{in.Track("t"), b.SubscriberTrack("t"), b.SubscriberFetch("t")} {
		track.Group()
		track.Frame()
		track.Bytes(1)
		track.Datagram(1)
		track.Close()
	}
	out.Close()
	in.Close()
	session := h.Session("root")
	clone := session.Clone()
	for _, broadcasts := range [...]stats.SessionBroadcasts{session.Broadcasts(), h.SessionBroadcasts()} {
		one, other := broadcasts.Publisher("a"), broadcasts.Subscriber("a")
		one.Close()
		other.Close()
	}
	clone.Close()
	session.Close()
}
