package session_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/model/stats"
	"github.com/moqrx/moqrx/session"
)

// newCounts makes an aggregator that publishes to nobody.
func newCounts(t *testing.T) *stats.Stats {
	t.Helper()
	counts := get[*stats.Stats](t)(stats.New(stats.Config{Origin: model.NewOrigin()}))
	t.Cleanup(counts.Close)
	return counts
}

// counted is what was counted for one broadcast on one side of a tier.
func counted(s *stats.Stats, path model.Path, tier stats.Tier, role stats.Role) stats.Counters {
	synctest.Wait()
	for _, b := range s.Broadcasts() {
		if b.Path == path && b.Tier == tier && b.Role == role {
			return b.Counters
		}
	}
	return stats.Counters{}
}

func wantCounters(t *testing.T, what string, got, want stats.Counters) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}

func TestSessionsCountWhatTheyCarry(t *testing.T) {
	forEachVersion(t, func(t *testing.T, v session.Version) {
		near, far := model.NewOrigin(), model.NewOrigin()
		room := get[*model.OriginProducer](t)(near.WithRoot("room"))
		here, there := newCounts(t), newCounts(t)
		alice, track := publish(t, near, "room/alice", "video")
		c, _ := connect(t, v,
			with(session.WithConsume(far), session.WithStats(there.Handle(stats.External))),
			with(session.WithPublish(room.Consume()), session.WithStats(here.Handle(stats.Internal))))

		sent := func() stats.Counters { return counted(here, "room/alice", stats.Internal, stats.Publisher) }
		taken := func() stats.Counters { return counted(there, "alice", stats.External, stats.Subscriber) }
		want := stats.Counters{Announced: 1, AnnouncedBytes: uint64(len("alice"))}
		wantTaken := want
		want.AnnouncedBytes = uint64(len("room/alice")) // paths are those of the host
		both := func(when string, change func(*stats.Counters)) {
			t.Helper()
			change(&want)
			change(&wantTaken)
			wantCounters(t, when+", egress", sent(), want)
			wantCounters(t, when+", ingress", taken(), wantTaken)
		}
		both("announced", func(*stats.Counters) {})

		one := subscribe(t, far, "alice", "video", model.Subscription{})
		both("subscribed", func(c *stats.Counters) { c.Subscriptions, c.Broadcasts = 1, 1 })
		group(t, track, "key", "", "delta")
		both("a group", func(c *stats.Counters) { c.Groups, c.Frames, c.Bytes = 1, 3, 8 })
		g := get[*model.GroupProducer](t)(track.AppendGroup())
		f := get[*model.FrameProducer](t)(g.CreateFrame(model.FrameInfo{Size: 6}))
		_ = get[int](t)(f.Write([]byte("hal")))
		both("half a frame", func(c *stats.Counters) { c.Groups, c.Frames, c.Bytes = 2, 4, 11 })
		_ = get[int](t)(f.Write([]byte("ves")))
		must(t, f.Finish())
		must(t, g.Finish())
		both("the other half", func(c *stats.Counters) { c.Bytes = 14 })

		two := subscribe(t, far, "alice", "video", model.Subscription{})
		both("a second local reader shares the subscription", func(*stats.Counters) {})
		wantErr(t, "no such track", refused(t, far, "alice", "smell"), model.ErrNotFound)
		if v < session.MoqLite05 { // from 05 on nobody subscribes to a track that is not there
			both("a subscription to nothing is none to the broadcast", func(c *stats.Counters) {
				c.Subscriptions, c.SubscriptionsClosed = 2, 1
			})
		}
		must(t, one.Close())
		must(t, two.Close())
		time.Sleep(time.Minute)
		both("left", func(c *stats.Counters) { c.SubscriptionsClosed, c.BroadcastsClosed = c.Subscriptions, 1 })

		must(t, alice.Finish())
		both("withdrawn", func(c *stats.Counters) { c.AnnouncedClosed, c.AnnouncedBytes = 1, 2*c.AnnouncedBytes })
		wantPresence(t, here, stats.Internal, stats.Presence{Sessions: 1})
		must(t, c.Close())
		wantPresence(t, here, stats.Internal, stats.Presence{Sessions: 1, SessionsClosed: 1})
	})
}

// wantPresence compares the sessions of a tier.
func wantPresence(t *testing.T, s *stats.Stats, tier stats.Tier, want stats.Presence) {
	t.Helper()
	synctest.Wait()
	if got := s.Host().Sessions[tier].Presence; got != want {
		t.Errorf("%v sessions: %+v, want %+v", tier, got, want)
	}
}

func TestEndOfASessionClosesEveryCount(t *testing.T) {
	forEachVersion(t, func(t *testing.T, v session.Version) {
		near, far := model.NewOrigin(), model.NewOrigin()
		here, there := newCounts(t), newCounts(t)
		_, track := publish(t, near, "alice", "video")
		c, s := connect(t, v,
			with(session.WithConsume(far), session.WithStats(there.Handle(stats.External))),
			with(session.WithPublish(near.Consume()), session.WithStats(here.Handle(stats.External))))
		reader := subscribe(t, far, "alice", "video", model.Subscription{})
		g := get[*model.GroupProducer](t)(track.AppendGroup())
		must(t, g.WriteFrame(model.Frame{Payload: []byte("cut off")}))
		synctest.Wait()
		must(t, c.Close())
		<-s.Done()
		_ = get[*model.GroupConsumer](t)(reader.RecvGroup(t.Context())).Close()
		for what, got := range map[string]stats.Counters{
			"egress":  counted(here, "alice", stats.External, stats.Publisher),
			"ingress": counted(there, "alice", stats.External, stats.Subscriber),
		} {
			wantCounters(t, what, got, stats.Counters{
				Announced: 1, AnnouncedClosed: 1, AnnouncedBytes: 5, Broadcasts: 1, BroadcastsClosed: 1,
				Subscriptions: 1, SubscriptionsClosed: 1, Groups: 1, Frames: 1, Bytes: 7,
			})
		}
	})
}

func TestStatisticsOfSessions(t *testing.T) {
	t.Run("16.23/394 no viewer is left behind any relay once all have gone", func(t *testing.T) {
		forEachVersion(t, viewersGo)
	})
}

func viewersGo(t *testing.T, v session.Version) {
	var counts []*stats.Stats
	var origins []*model.OriginProducer
	for range 4 {
		counts, origins = append(counts, newCounts(t)), append(origins, model.NewOrigin())
	}
	hop := func(from, to int) {
		connect(t, v,
			with(session.WithOrigin(origins[from]), session.WithStats(counts[from].Handle(stats.External))),
			with(session.WithOrigin(origins[to]), session.WithStats(counts[to].Handle(stats.External))))
	}
	hop(0, 1)
	hop(1, 2)
	hop(3, 2)
	_, track := publish(t, origins[0], "room/alice", "video")
	viewers := func(role stats.Role) (open [4]uint64) {
		synctest.Wait()
		for i, s := range counts {
			c := counted(s, "room/alice", stats.External, role)
			open[i] = c.Broadcasts - c.BroadcastsClosed
		}
		return open
	}
	near := subscribe(t, origins[1], "room/alice", "video", model.Subscription{})
	far := subscribe(t, origins[3], "room/alice", "video", model.Subscription{})
	group(t, track, "one")
	wantGroup(t, near, 0, "one")
	wantGroup(t, far, 0, "one")
	if got := viewers(stats.Publisher); got != [4]uint64{1, 1, 1, 0} {
		t.Errorf("viewers served by each host: %v", got)
	}
	must(t, far.Close())
	time.Sleep(time.Minute)
	if got := viewers(stats.Publisher); got != [4]uint64{1, 0, 0, 0} {
		t.Errorf("viewers once the far one has gone: %v", got)
	}
	must(t, near.Close())
	time.Sleep(time.Minute)
	for _, role := range []stats.Role{stats.Publisher, stats.Subscriber} {
		if got := viewers(role); got != [4]uint64{} {
			t.Errorf("viewers once all have gone, as %v: %v", role, got)
		}
	}
}

func TestSessionsCountDatagramsAndFetches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := model.NewOrigin(), model.NewOrigin()
		here, there := newCounts(t), newCounts(t)
		_, track := publish(t, near, "alice", "video")
		group(t, track, "zero")
		group(t, track, "one")
		connect(t, session.MoqLite05,
			with(session.WithConsume(far), session.WithStats(there.Handle(stats.External))),
			with(session.WithPublish(near.Consume()), session.WithStats(here.Handle(stats.External))))
		reader := subscribe(t, far, "alice", "video", model.Subscription{})
		wantGroup(t, reader, 1, "one")
		g := get[*model.GroupConsumer](t)(reader.FetchGroup(t.Context(), 0, 0))
		defer g.Close()
		_ = get[model.Frame](t)(g.ReadFrame(t.Context()))
		_ = get[uint64](t)(track.AppendDatagram(model.Frame{Payload: []byte("small")}))
		for what, got := range map[string]stats.Counters{
			"egress":  counted(here, "alice", stats.External, stats.Publisher),
			"ingress": counted(there, "alice", stats.External, stats.Subscriber),
		} {
			wantCounters(t, what, got, stats.Counters{
				Announced: 1, AnnouncedBytes: 5, Broadcasts: 1, Subscriptions: 1,
				Groups: 3, Frames: 3, Bytes: 12, Fetches: 1, Datagrams: 1,
			})
		}
	})
}
