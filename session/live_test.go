package session_test

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/session"
)

func TestBroadcastsComeAndGo(t *testing.T) {
	forEachSeed(t, func(t *testing.T, v session.Version) {
		near, far := model.NewOrigin(), model.NewOrigin()
		alice, _ := publish(t, near, "room/alice", "video")
		connect(t, v, with(session.WithConsume(far)), with(session.WithPublish(near.Consume())))

		news := far.Consume().Announcements()
		defer news.Close()
		want := func(path model.Path, there bool) {
			t.Helper()
			a := get[model.OriginAnnounce](t)(news.Next(t.Context()))
			if a.Path != path || (a.Broadcast != nil) != there {
				t.Fatalf("announced %q, there: %v; want %q, %v", a.Path, a.Broadcast != nil, path, there)
			}
			if there {
				_ = a.Broadcast.Close()
			}
		}
		want("room/alice", true)
		bob, _ := publish(t, near, "room/bob", "video")
		want("room/bob", true)
		must(t, bob.Finish())
		want("room/bob", false)
		must(t, alice.Finish())
		want("room/alice", false)
		publish(t, near, "room/bob", "video")
		want("room/bob", true)
	})
}

func TestLiveTrack(t *testing.T) {
	forEachSeed(t, func(t *testing.T, v session.Version) {
		near, far := model.NewOrigin(), model.NewOrigin()
		_, track := publish(t, near, "room/alice", "video")
		connect(t, v, with(session.WithConsume(far)), with(session.WithPublish(near.Consume())))

		c := subscribe(t, far, "room/alice", "video", model.Subscription{})
		group(t, track, "key", "", "delta")
		wantGroup(t, c, 0, "key", "", "delta")
		group(t, track, "next")
		wantGroup(t, c, 1, "next")
		must(t, track.Finish())
		_, err := c.RecvGroup(t.Context())
		wantErr(t, "after the end", err, io.EOF)
	})
}

func TestLateSubscriberStartsAtTheLatestGroup(t *testing.T) {
	forEachSeed(t, func(t *testing.T, v session.Version) {
		near, far := model.NewOrigin(), model.NewOrigin()
		_, track := publish(t, near, "room/alice", "video")
		for i := range 5 {
			group(t, track, fmt.Sprint("frame ", i))
		}
		connect(t, v, with(session.WithConsume(far)), with(session.WithPublish(near.Consume())))
		c := subscribe(t, far, "room/alice", "video", model.Subscription{})
		wantGroup(t, c, 4, "frame 4")
		group(t, track, "frame 5")
		wantGroup(t, c, 5, "frame 5")
	})
}

// A publisher that waits for a reader may write at once, and nothing of it is lost on the way: the live edge
// of each hop is where it was when the subscription came, not when it was answered. Where the version tells
// what will not come, no hop waits for it.
func TestFirstGroupsComeThroughRelays(t *testing.T) {
	forEachSeed(t, func(t *testing.T, v session.Version) {
		near, far := model.NewOrigin(), model.NewOrigin()
		relays := []*model.OriginProducer{model.NewOrigin(), model.NewOrigin(), model.NewOrigin()}
		_, track := publish(t, near, "room/alice", "video")
		connect(t, v, with(session.WithPublish(near.Consume())), with(session.WithOrigin(relays[0])))
		for i, relay := range relays[1:] {
			connect(t, v, with(session.WithOrigin(relay)), with(session.WithOrigin(relays[i])))
		}
		connect(t, v, with(session.WithConsume(far)), with(session.WithOrigin(relays[2])))

		c := subscribe(t, far, "room/alice", "video", model.Subscription{})
		must(t, track.Used(t.Context()))
		sequences := []uint64{3, 4, 5, 9, 12}
		for _, n := range sequences {
			g := get[*model.GroupProducer](t)(track.CreateGroup(n))
			must(t, g.WriteFrame(model.Frame{Payload: []byte("frame")}))
			must(t, g.Finish())
			must(t, g.Close())
		}
		must(t, track.Finish())
		began := time.Now()
		var got []uint64
		for g, err := range c.All(t.Context()) {
			must(t, err)
			got = append(got, g.Sequence())
			must(t, g.Close())
		}
		if slices.Sort(got); !slices.Equal(got, sequences) {
			t.Errorf("groups %v, want %v", got, sequences)
		}
		if took := time.Since(began); atLeast05(v) && took > time.Second {
			t.Errorf("the end came after %v", took)
		}
	})
}

func TestSubscriberChoosesTheStart(t *testing.T) {
	forEachSeed(t, func(t *testing.T, v session.Version) {
		if v <= session.MoqLite02 {
			t.Skip("it cannot: it gets what is latest")
		}
		near, far := model.NewOrigin(), model.NewOrigin()
		_, track := publish(t, near, "room/alice", "video")
		for i := range 5 {
			group(t, track, fmt.Sprint("frame ", i))
		}
		connect(t, v, with(session.WithConsume(far)), with(session.WithPublish(near.Consume())))
		c := subscribe(t, far, "room/alice", "video", model.Subscription{Start: model.At(2)})
		got := map[uint64]bool{}
		for range 3 {
			sequence, _ := frames(t, c)
			got[sequence] = true
		}
		if !got[2] || !got[3] || !got[4] {
			t.Fatalf("groups %v, want 2, 3 and 4", got)
		}
	})
}

func TestUnknownTrackAndBroadcast(t *testing.T) {
	forEachSeed(t, func(t *testing.T, v session.Version) {
		near, far := model.NewOrigin(), model.NewOrigin()
		_, track := publish(t, near, "room/alice", "video")
		connect(t, v, with(session.WithConsume(far)), with(session.WithPublish(near.Consume())))

		wantErr(t, "unknown track", refused(t, far, "room/alice", "smell"), model.ErrNotFound)

		consumer := far.Consume()
		defer consumer.Close()
		_, err := consumer.Request(t.Context(), "room/nobody")
		wantErr(t, "unknown broadcast", err, model.ErrUnroutable)

		// The session has noticed nothing.
		live := subscribe(t, far, "room/alice", "video", model.Subscription{})
		group(t, track, "still here")
		wantGroup(t, live, 0, "still here")
	})
}

func TestPublisherFailsATrack(t *testing.T) {
	forEachSeed(t, func(t *testing.T, v session.Version) {
		near, far := model.NewOrigin(), model.NewOrigin()
		_, track := publish(t, near, "room/alice", "video")
		connect(t, v, with(session.WithConsume(far)), with(session.WithPublish(near.Consume())))
		c := subscribe(t, far, "room/alice", "video", model.Subscription{})
		group(t, track, "one")
		wantGroup(t, c, 0, "one")
		track.Abort(&model.Error{Code: model.AppCode(404)})
		_, err := c.RecvGroup(t.Context())
		wantErr(t, "aborted track", err, &model.Error{Code: model.AppCode(404)})
	})
}

func TestPublisherLeavesTheTracksGoOn(t *testing.T) {
	forEachSeed(t, func(t *testing.T, v session.Version) {
		near, far := model.NewOrigin(), model.NewOrigin()
		alice, track := publish(t, near, "room/alice", "video")
		connect(t, v, with(session.WithConsume(far)), with(session.WithPublish(near.Consume())))
		c := subscribe(t, far, "room/alice", "video", model.Subscription{})
		group(t, track, "before")
		wantGroup(t, c, 0, "before")
		must(t, alice.Finish())
		settle(t)
		group(t, track, "after")
		wantGroup(t, c, 1, "after")
		must(t, track.Finish())
		_, err := c.RecvGroup(t.Context())
		wantErr(t, "after the end", err, io.EOF)
	})
}

func TestBothDirectionsOnOneSession(t *testing.T) {
	forEachSeed(t, func(t *testing.T, v session.Version) {
		left, right := model.NewOrigin(), model.NewOrigin()
		_, mine := publish(t, left, "left", "video")
		_, yours := publish(t, right, "right", "video")
		c, s := connect(t, v, with(session.WithOrigin(left)), with(session.WithOrigin(right)))

		atRight := subscribe(t, right, "left", "video", model.Subscription{})
		atLeft := subscribe(t, left, "right", "video", model.Subscription{})
		group(t, mine, "from left")
		group(t, yours, "from right")
		wantGroup(t, atRight, 0, "from left")
		wantGroup(t, atLeft, 0, "from right")

		if v > session.MoqLite03 && (c.PeerOrigin() != right.ID() || s.PeerOrigin() != left.ID()) {
			t.Errorf("peer origins %v and %v, want %v and %v", c.PeerOrigin(), s.PeerOrigin(), right.ID(), left.ID())
		}
	})
}

func TestLargeFramesAndManyFrames(t *testing.T) {
	forEachSeed(t, func(t *testing.T, v session.Version) {
		near, far := model.NewOrigin(), model.NewOrigin()
		_, track := publish(t, near, "room/alice", "video")
		connect(t, v, with(session.WithConsume(far)), with(session.WithPublish(near.Consume())))
		c := subscribe(t, far, "room/alice", "video", model.Subscription{})

		large := string(noise(300_000))
		group(t, track, large, "small", large)
		wantGroup(t, c, 0, large, "small", large)

		var many []string
		for i := range 200 {
			many = append(many, strings.Repeat(fmt.Sprint(i, " "), i))
		}
		group(t, track, many...)
		wantGroup(t, c, 1, many...)
	})
}

func TestFramesArriveBeforeTheGroupAndTheFrameAreComplete(t *testing.T) {
	forEachSeed(t, func(t *testing.T, v session.Version) {
		near, far := model.NewOrigin(), model.NewOrigin()
		_, track := publish(t, near, "room/alice", "video")
		connect(t, v, with(session.WithConsume(far)), with(session.WithPublish(near.Consume())))
		c := subscribe(t, far, "room/alice", "video", model.Subscription{})

		g := get[*model.GroupProducer](t)(track.AppendGroup())
		f := get[*model.FrameProducer](t)(g.CreateFrame(model.FrameInfo{Size: 10}))
		_, err := f.Write([]byte("first"))
		must(t, err)

		gc := get[*model.GroupConsumer](t)(c.RecvGroup(t.Context()))
		fc := get[*model.FrameConsumer](t)(gc.NextFrame(t.Context()))
		wantChunks(t, fc, "first")
		_, err = f.Write([]byte("again"))
		must(t, err)
		must(t, f.Finish())
		wantChunks(t, fc, "again")
		g.Abort(model.ErrOld)
		_, err = gc.ReadFrame(t.Context())
		wantErr(t, "aborted group", err, model.ErrOld)
	})
}

// wantChunks reads as many chunks as it takes.
func wantChunks(t *testing.T, f *model.FrameConsumer, want string) {
	t.Helper()
	got := ""
	for len(got) < len(want) {
		got += string(get[[]byte](t)(f.ReadChunk(t.Context())))
	}
	if got != want {
		t.Fatalf("chunks %q, want %q", got, want)
	}
}

func TestTrackThatFinishesBeforeItsLastGroup(t *testing.T) {
	forEachSeed(t, func(t *testing.T, v session.Version) {
		near, far := model.NewOrigin(), model.NewOrigin()
		_, track := publish(t, near, "room/alice", "video")
		connect(t, v, with(session.WithConsume(far)), with(session.WithPublish(near.Consume())))
		c := subscribe(t, far, "room/alice", "video", model.Subscription{})
		settle(t)
		g := get[*model.GroupProducer](t)(track.AppendGroup())
		must(t, g.WriteFrame(model.Frame{Payload: []byte("one")}))
		must(t, track.Finish())
		must(t, track.Close())
		time.Sleep(time.Minute)
		must(t, g.WriteFrame(model.Frame{Payload: []byte("two")}))
		must(t, g.Finish())
		wantGroup(t, c, 0, "one", "two")
		_, err := c.RecvGroup(t.Context())
		wantErr(t, "after the end", err, io.EOF)
	})
}

func TestLocalReadersShareOneSubscription(t *testing.T) {
	forEachSeed(t, func(t *testing.T, v session.Version) {
		if v <= session.MoqLite02 {
			t.Skip("a subscription tells its priority once, and nothing else")
		}
		near, far := model.NewOrigin(), model.NewOrigin()
		b := get[*model.BroadcastProducer](t)(near.CreateBroadcast("room/alice", model.Route{}))
		track := get[*model.TrackProducer](t)(b.CreateTrack("video", model.TrackInfo{}))
		connect(t, v, with(session.WithConsume(far)), with(session.WithPublish(near.Consume())))

		one := subscribe(t, far, "room/alice", "video", model.Subscription{Priority: 3, MaxLatency: time.Second})
		two := subscribe(t, far, "room/alice", "video", model.Subscription{Priority: 7})
		group(t, track, "shared")
		wantGroup(t, one, 0, "shared")
		wantGroup(t, two, 0, "shared")
		settle(t)
		if got, _ := track.Subscription(); got.Priority != 7 || got.MaxLatency != time.Second {
			t.Errorf("the publisher knows of %+v, want priority 7 and one second", got)
		}
		must(t, two.Close())
		settle(t)
		if got, _ := track.Subscription(); got.Priority != 3 {
			t.Errorf("after the second has left: %+v, want priority 3", got)
		}
		must(t, one.Update(model.Subscription{Priority: 9, Ordered: true}))
		settle(t)
		if got, _ := track.Subscription(); got.Priority != 9 || !got.Ordered {
			t.Errorf("after an update: %+v, want priority 9, ordered", got)
		}
	})
}

func TestLastReaderLeavingEndsTheSubscription(t *testing.T) {
	forEachSeed(t, func(t *testing.T, v session.Version) {
		near, far := model.NewOrigin(), model.NewOrigin()
		_, track := publish(t, near, "room/alice", "video")
		connect(t, v, with(session.WithConsume(far)), with(session.WithPublish(near.Consume())))

		for round := range 3 { // a reader who comes back starts afresh
			group(t, track, "content")
			c := subscribe(t, far, "room/alice", "video", model.Subscription{})
			wantGroup(t, c, uint64(round), "content")
			must(t, c.Close())
			must(t, track.Unused(within(t, time.Second)))
			settle(t) // the copy on the far side goes with the subscription
		}
	})
}

func TestSeveralSubscribersOnSeveralSessions(t *testing.T) {
	forEachSeed(t, func(t *testing.T, v session.Version) {
		near := model.NewOrigin()
		_, track := publish(t, near, "room/alice", "video")
		var all []*model.TrackConsumer
		for range 5 {
			far := model.NewOrigin()
			connect(t, v, with(session.WithConsume(far)), with(session.WithPublish(near.Consume())))
			all = append(all, subscribe(t, far, "room/alice", "video", model.Subscription{}))
		}
		settle(t)
		group(t, track, "to all")
		for _, c := range all {
			wantGroup(t, c, 0, "to all")
		}
	})
}

func TestTrackInfoAndTimestampsTravel(t *testing.T) {
	forEachSeed(t, func(t *testing.T, v session.Version) {
		near, far := model.NewOrigin(), model.NewOrigin()
		b := get[*model.BroadcastProducer](t)(near.CreateBroadcast("room/alice", model.Route{}))
		info := model.TrackInfo{Priority: 7, Timescale: 90_000, MaxLatency: 2 * time.Second, Ordered: true}
		track := get[*model.TrackProducer](t)(b.CreateTrack("video", info))
		connect(t, v, with(session.WithConsume(far)), with(session.WithPublish(near.Consume())))
		c := subscribe(t, far, "room/alice", "video", model.Subscription{})
		got := get[model.TrackInfo](t)(c.Info(t.Context()))
		want := info
		if !atLeast05(v) { // nothing travels: the defaults stand in
			want = model.TrackInfo{Timescale: model.Millis, MaxLatency: model.DefaultMaxLatency}
		}
		if got != want {
			t.Fatalf("info %+v, want %+v", got, want)
		}
		g := get[*model.GroupProducer](t)(track.AppendGroup())
		for _, at := range []uint64{1000, 1033, 1020} {
			must(t, g.WriteFrame(model.Frame{Timestamp: model.Timestamp{Value: at, Scale: 90_000}}))
		}
		gc := get[*model.GroupConsumer](t)(c.RecvGroup(t.Context()))
		for _, at := range []uint64{1000, 1033, 1020} {
			f := get[model.Frame](t)(gc.ReadFrame(t.Context()))
			if atLeast05(v) && f.Timestamp != (model.Timestamp{Value: at, Scale: 90_000}) {
				t.Errorf("timestamp %+v, want %d", f.Timestamp, at)
			}
			if !f.Timestamp.Set() {
				t.Error("a frame without a time")
			}
		}
	})
}
