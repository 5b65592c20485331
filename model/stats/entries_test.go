package stats_test

import (
	"maps"
	"testing"

	"github.com/moqrx/moqrx/model/stats"
)

func TestEntries(t *testing.T) {
	t.Run("16.20/323 what is announced stays listed, with or without traffic", func(t *testing.T) {
		run(t, stats.Config{}, func(t *testing.T, h *host) {
			idle := h.external("idle").Publisher()
			defer idle.Close()
			want(t, "first frame", len(h.next(stats.External, stats.Publisher)), 1)
			for range 10 {
				if got := h.next(stats.External, stats.Publisher); got != nil {
					t.Errorf("a frame that says nothing new: %v", got)
				}
			}
			defer h.external("busy").Publisher().Close()
			got := h.next(stats.External, stats.Publisher)
			want(t, "idle in the next frame", got["idle"], stats.Counters{Announced: 1})
		})
	})
	t.Run("16.20/324 what is over is listed once more and then gone, and starts again at 0", func(t *testing.T) {
		run(t, stats.Config{}, func(t *testing.T, h *host) {
			announced := h.external("a").Publisher()
			track := announced.Track("video")
			track.Bytes(3)
			h.next(stats.External, stats.Publisher)
			announced.Close()
			track.Bytes(1)
			track.Close()
			got := h.next(stats.External, stats.Publisher)
			want(t, "last numbers", got["a"], stats.Counters{Announced: 1, AnnouncedClosed: 1, Subscriptions: 1, SubscriptionsClosed: 1, Bytes: 4})
			want(t, "broadcasts after that tick", len(h.Broadcasts()), 0)
			got = h.next(stats.External, stats.Publisher)
			if got == nil || len(got) != 0 {
				t.Errorf("the next frame is %v, want an empty one", got)
			}
			defer h.external("a").Publisher().Close()
			want(t, "a new beginning", h.next(stats.External, stats.Publisher)["a"], stats.Counters{Announced: 1})
			want(t, "total", h.total(stats.External, stats.Publisher).Announced, 2)
		})
	})
	t.Run("16.20/325 a frame has exactly the numbers that were counted", func(t *testing.T) {
		run(t, stats.Config{}, func(t *testing.T, h *host) {
			b := h.external("room/alice")
			b.PublisherAnnounceBytes()
			announced := b.Publisher()
			session := h.Handle(stats.External).SessionBroadcasts()
			one, other := announced.Track("video"), announced.Track("audio")
			view := session.Publisher("room/alice")
			for range 3 {
				one.Group()
				one.Frame()
				one.Frame()
				one.Bytes(50)
				one.Bytes(50)
			}
			other.Datagram(20)
			other.Close()
			b.PublisherFetch("video").Close()
			defer func() { view.Close(); one.Close(); announced.Close() }()
			h.frames(".stats/node", "publisher.json")
			h.tick()
			wantList(t, "frames", h.frames(".stats/node", "publisher.json"), `{"room/alice":{`+
				`"announced":1,"announced_closed":0,"announced_bytes":10,"broadcasts":1,"broadcasts_closed":0,`+
				`"subscriptions":2,"subscriptions_closed":1,"bytes":320,"frames":7,"groups":4,"fetches":1,"datagrams":1}}`)
		})
	})
	t.Run("16.20/328 a subscription shorter than a tick is listed once", func(t *testing.T) {
		run(t, stats.Config{}, func(t *testing.T, h *host) {
			h.external("a").PublisherTrack("video").Close()
			want(t, "numbers", h.next(stats.External, stats.Publisher)["a"], stats.Counters{Subscriptions: 1, SubscriptionsClosed: 1})
			want(t, "listed later", len(h.next(stats.External, stats.Publisher)), 0)
		})
	})
	t.Run("16.20/332 sides and tiers without traffic are not listed", func(t *testing.T) {
		run(t, stats.Config{}, func(t *testing.T, h *host) {
			defer h.external("a").Publisher().Close()
			h.external("b").PublisherFetch("video").Close()
			h.external("").PublisherAnnounceBytes() // a name without length
			want(t, "broadcasts", len(h.Broadcasts()), 2)
			got := h.next(stats.External, stats.Publisher)
			if !maps.Equal(got, stats.Traffic{"a": {Announced: 1}, "b": {Fetches: 1}}) {
				t.Errorf("listed: %v", got)
			}
			for _, name := range []string{"subscriber.json", "internal/publisher.json", "internal/subscriber.json"} {
				wantList(t, name, h.frames(".stats/node", name), "{}")
			}
		})
	})
}

func TestSessions(t *testing.T) {
	t.Run("16.20/329 all subscriptions of a session to one broadcast count as one broadcast", func(t *testing.T) {
		run(t, stats.Config{}, func(t *testing.T, h *host) {
			session := h.Handle(stats.External).SessionBroadcasts()
			copied := session
			first, second, third := session.Publisher("a"), copied.Publisher("/a/"), session.Publisher("a")
			want(t, "open", h.total(stats.External, stats.Publisher), stats.Counters{Broadcasts: 1})
			first.Close()
			first.Close()
			first.Close()
			second.Close()
			want(t, "with one left", h.total(stats.External, stats.Publisher), stats.Counters{Broadcasts: 1})
			third.Close()
			want(t, "closed", h.total(stats.External, stats.Publisher), stats.Counters{Broadcasts: 1, BroadcastsClosed: 1})
			session.Publisher("a").Close()
			want(t, "seen again", h.total(stats.External, stats.Publisher), stats.Counters{Broadcasts: 2, BroadcastsClosed: 2})
			defer session.Subscriber("a").Close()
			want(t, "the other side", h.total(stats.External, stats.Subscriber), stats.Counters{Broadcasts: 1})
		})
	})
	t.Run("16.20/330 two sessions count as two", func(t *testing.T) {
		run(t, stats.Config{}, func(t *testing.T, h *host) {
			for range 2 {
				defer h.Handle(stats.External).SessionBroadcasts().Publisher("a").Close()
			}
			want(t, "broadcasts", h.next(stats.External, stats.Publisher)["a"], stats.Counters{Broadcasts: 2})
		})
	})
	t.Run("16.20/331 sessions are listed by root, and a root leaves after its last numbers", func(t *testing.T) {
		run(t, stats.Config{}, func(t *testing.T, h *host) {
			sessions := func() []string { h.tick(); return h.frames(".stats/node", "sessions.json") }
			h.frames(".stats/node", "sessions.json")
			handle := h.Handle(stats.External)
			one, two, other := handle.Session("acme"), handle.Session("/acme/"), handle.Session("globex")
			wantList(t, "open", sessions(),
				`{"acme":{"sessions":2,"sessions_closed":0},"globex":{"sessions":1,"sessions_closed":0}}`)
			one.Close()
			one.Close()
			other.Close()
			wantList(t, "some closed", sessions(),
				`{"acme":{"sessions":2,"sessions_closed":1},"globex":{"sessions":1,"sessions_closed":1}}`)
			wantList(t, "without the empty root", sessions(), `{"acme":{"sessions":2,"sessions_closed":1}}`)
			two.Close()
			wantList(t, "all closed", sessions(), `{"acme":{"sessions":2,"sessions_closed":2}}`)
			wantList(t, "empty", sessions(), `{}`)
			want(t, "total", h.Host().Sessions[0].Presence, stats.Presence{Sessions: 3, SessionsClosed: 3})
			wantList(t, "internal", h.frames(".stats/node", "internal/sessions.json"), "{}")
		})
	})
	t.Run("a root chooses its group like a broadcast does", func(t *testing.T) {
		run(t, stats.Config{Depth: 1}, func(t *testing.T, h *host) {
			defer h.Handle(stats.Internal).Session("acme/room").Close()
			h.tick()
			wantList(t, "frames", h.frames(".stats/acme/node", "internal/sessions.json"),
				`{"acme/room":{"sessions":1,"sessions_closed":0}}`)
		})
	})
	t.Run("16.20/334 a session is present until its last clone is closed", func(t *testing.T) {
		run(t, stats.Config{}, func(t *testing.T, h *host) {
			session := h.Handle(stats.External).Session("acme")
			clone := session.Clone()
			third := clone.Clone()
			present := func() uint64 {
				p := h.Host().Sessions[0]
				want(t, "sessions", p.Sessions, 1)
				return p.Sessions - p.SessionsClosed
			}
			session.Close()
			session.Close()
			session.Close()
			session.Clone().Close()
			want(t, "with two clones", present(), 1)
			third.Close()
			want(t, "with one clone", present(), 1)
			view := clone.Broadcasts().Publisher("a")
			defer view.Close()
			defer session.Broadcasts().Publisher("a").Close()
			want(t, "broadcasts of all clones", h.total(stats.External, stats.Publisher).Broadcasts, 1)
			clone.Close()
			want(t, "with none", present(), 0)
			clone.Clone().Close()
			want(t, "after the clone of a closed one", present(), 0)
		})
	})
}
