package session_test

import (
	"io"
	"slices"
	"testing"
	"time"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session"
)

// relay connects publisher - relay - relay - subscriber, each with its own origin.
func relay(t *testing.T, v session.Version) (publisher, first, second, subscriber *model.OriginProducer) {
	t.Helper()
	var o []*model.OriginProducer
	for id := range uint64(4) {
		o = append(o, model.NewOrigin(model.WithOriginID(get[model.OriginID](t)(model.NewOriginID(id+1)))))
	}
	connect(t, v, with(session.WithOrigin(o[0])), with(session.WithOrigin(o[1])))
	connect(t, v, with(session.WithOrigin(o[1])), with(session.WithOrigin(o[2])))
	connect(t, v, with(session.WithOrigin(o[3])), with(session.WithOrigin(o[2])))
	return o[0], o[1], o[2], o[3]
}

func TestTwoRelays(t *testing.T) {
	forEachSeed(t, func(t *testing.T, v session.Version) {
		near, _, _, far := relay(t, v)
		alice, track := publish(t, near, "room/alice", "video")

		c := far.Consume()
		defer c.Close()
		b := get[*model.BroadcastConsumer](t)(c.Announced(t.Context(), "room/alice"))
		hops := b.Route().Hops
		_ = b.Close()
		want := 3
		if v <= session.MoqLite02 {
			want = 1 // nothing is said of hops
		}
		if len(hops) != want || v > session.MoqLite03 && !slices.Equal(hops, model.OriginList{1, 2, 3}) {
			t.Fatalf("hops %v, want publisher and two relays", hops)
		}

		one := subscribe(t, far, "room/alice", "video", model.Subscription{Priority: 4})
		two := subscribe(t, far, "room/alice", "video", model.Subscription{Priority: 2})
		settle(t) // until the publisher knows, so that the first group is the live edge
		group(t, track, "key", "delta")
		for _, tc := range []*model.TrackConsumer{one, two} {
			wantGroup(t, tc, 0, "key", "delta")
		}
		group(t, track, "next")
		for _, tc := range []*model.TrackConsumer{one, two} {
			wantGroup(t, tc, 1, "next")
		}
		settle(t)
		if got, _ := track.Subscription(); got.Priority != 4 {
			t.Errorf("the publisher knows of %+v, want priority 4", got)
		}

		must(t, one.Close())
		must(t, two.Close())
		must(t, track.Unused(within(t, time.Second)))
		settle(t) // until the readers' own side has let go of the track too
		group(t, track, "again")
		again := subscribe(t, far, "room/alice", "video", model.Subscription{})
		wantGroup(t, again, 2, "again")

		must(t, track.Finish())
		_, err := again.RecvGroup(t.Context())
		wantErr(t, "after the end", err, io.EOF)

		news := c.Announcements()
		defer news.Close()
		a := get[model.OriginAnnounce](t)(news.Next(t.Context()))
		_ = a.Broadcast.Close()
		must(t, alice.Finish())
		if a := get[model.OriginAnnounce](t)(news.Next(t.Context())); a.Broadcast != nil || a.Path != "room/alice" {
			t.Fatalf("announced %+v, want the end of room/alice", a)
		}
	})
}

// A subscriber on moq-lite-05 asks what a track is like before it subscribes. The relay must
// not subscribe upstream twice for that, nor lose the wanted start on the way.
func TestStartTravelsThroughARelay(t *testing.T) {
	forEachSeed(t, func(t *testing.T, v session.Version) {
		if v <= session.MoqLite02 {
			t.Skip("it does not travel")
		}
		near, _, _, far := relay(t, v)
		_, track := publish(t, near, "room/alice", "video")
		group(t, track, "zero")
		group(t, track, "one")
		c := subscribe(t, far, "room/alice", "video", model.Subscription{Start: model.At(0)})
		got := map[uint64]bool{}
		for range 2 {
			sequence, _ := frames(t, c)
			got[sequence] = true
		}
		if !got[0] || !got[1] {
			t.Fatalf("groups %v, want 0 and 1", got)
		}
	})
}

func TestRelayCarriesRefusals(t *testing.T) {
	forEachSeed(t, func(t *testing.T, v session.Version) {
		near, _, _, far := relay(t, v)
		_, track := publish(t, near, "room/alice", "video")
		wantErr(t, "unknown track through two relays", refused(t, far, "room/alice", "smell"), model.ErrNotFound)

		c := subscribe(t, far, "room/alice", "video", model.Subscription{})
		group(t, track, "one")
		wantGroup(t, c, 0, "one")
		track.Abort(&model.Error{Code: model.AppCode(7)})
		_, err := c.RecvGroup(t.Context())
		wantErr(t, "failed track through two relays", err, &model.Error{Code: model.AppCode(7)})
	})
}

// Two relays in a circle: an announcement does not come back to where it has been.
func TestAnnouncementsDoNotGoRound(t *testing.T) {
	forEachSeed(t, func(t *testing.T, v session.Version) {
		if v <= session.MoqLite03 {
			t.Skip("it carries no ids")
		}
		a, b, c := model.NewOrigin(), model.NewOrigin(), model.NewOrigin()
		connect(t, v, with(session.WithOrigin(a)), with(session.WithOrigin(b)))
		connect(t, v, with(session.WithOrigin(b)), with(session.WithOrigin(c)))
		connect(t, v, with(session.WithOrigin(c)), with(session.WithOrigin(a)))
		alice, _ := publish(t, a, "alice", "video")
		settle(t)
		for _, o := range []*model.OriginProducer{b, c} {
			bc := get[*model.BroadcastConsumer](t)(o.Consume().Announced(within(t, time.Second), "alice"))
			if hops := bc.Route().Hops; len(hops) != 1 {
				t.Errorf("hops %v, want one", hops)
			}
			_ = bc.Close()
		}
		must(t, alice.Finish())
		settle(t)
		for _, o := range []*model.OriginProducer{a, b, c} {
			news := o.Consume().Announcements()
			if got, ok, _ := news.TryNext(); ok {
				t.Errorf("%v is still announced", got.Path)
			}
			_ = news.Close()
		}
	})
}

func TestChainOf32IsNotAnnounced(t *testing.T) {
	forEachSeed(t, func(t *testing.T, v session.Version) {
		near, far := model.NewOrigin(), model.NewOrigin()
		connect(t, v, with(session.WithConsume(far)), with(session.WithPublish(near.Consume())))
		create := func(path model.Path, hops int) {
			list := make(model.OriginList, hops)
			for i := range list {
				list[i] = model.OriginID(1000 + i)
			}
			get[*model.BroadcastProducer](t)(near.CreateBroadcast(path, model.Route{Hops: list}))
		}
		create("full", model.MaxHops)
		create("room for one", model.MaxHops-1)
		news := far.Consume().Announcements()
		defer news.Close()
		a := get[model.OriginAnnounce](t)(news.Next(t.Context()))
		if a.Path != "room for one" || v > session.MoqLite02 && len(a.Broadcast.Route().Hops) != model.MaxHops {
			t.Fatalf("announced %+v, want the one whose chain has room", a)
		}
		_ = a.Broadcast.Close()
		settle(t)
		if a, ok, _ := news.TryNext(); ok {
			t.Fatalf("announced %+v too", a)
		}
	})
}

func TestOnDemandBroadcastOverTheWire(t *testing.T) {
	forEachSeed(t, func(t *testing.T, v session.Version) {
		near, far := model.NewOrigin(), model.NewOrigin()
		b := get[*model.BroadcastProducer](t)(near.CreateBroadcast("live", model.Route{}))
		d := b.Dynamic()
		defer d.Close()
		connect(t, v, with(session.WithConsume(far)), with(session.WithPublish(near.Consume())))
		c := subscribe(t, far, "live", "made to order", model.Subscription{Priority: 8})
		req := get[*model.TrackRequest](t)(d.RequestedTrack(t.Context()))
		if req.Name() != "made to order" {
			t.Fatalf("request for %q", req.Name())
		}
		track := get[*model.TrackProducer](t)(req.Accept(model.TrackInfo{}))
		defer track.Close()
		settle(t)
		if got := req.Subscription(); got.Priority != 8 {
			t.Errorf("the request wants %+v, want priority 8", got)
		}
		group(t, track, "here you are")
		wantGroup(t, c, 0, "here you are")
	})
}
