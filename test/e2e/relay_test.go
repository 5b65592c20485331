package e2e

import (
	"context"
	"errors"
	"io"
	"iter"
	"sync"
	"testing"
	"time"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/rx"
	"github.com/moqrx/moqrx/session"
	"github.com/moqrx/moqrx/test/internal/moqtest"
)

const (
	path = "room/alice"
	name = "video"
)

// kept is a track whose groups stay in every cache for the length of a test.
var kept = model.TrackInfo{Timescale: timescale, MaxLatency: time.Minute}

// fromStart asks for everything, so that it does not matter who is there first.
var fromStart = model.Subscription{Start: model.At(0), MaxLatency: time.Minute}

func TestTrackCrossesTheRelayThroughRx(t *testing.T) {
	everyWay(t, func(t *testing.T, w way) {
		ctx := testContext(t)
		r := startRelay(t)
		origin, _ := r.publisher(ctx, t, w)
		_, track := createTrack(t, origin, path, name, kept)
		frames := content(1)
		first, _ := r.subscriber(ctx, t, w)
		second, _ := r.subscriber(ctx, t, w)
		typed := moqtest.Subscribe(ctx, t, first, path, name, fromStart)
		observed := moqtest.Subscribe(ctx, t, second, path, name, fromStart)

		var tasks sync.WaitGroup
		defer tasks.Wait()
		tasks.Go(func() {
			if err := rx.Publish(ctx, track, stream(frames).Observable(rx.WithContext(ctx))); err != nil {
				t.Errorf("publish: %v", err)
			}
		})
		tasks.Go(func() {
			checkFrames(t, "typed stream", w.version, rx.Frames(typed).All(ctx), frames)
		})
		tasks.Go(func() {
			o := rx.Frames(observed).Observable(rx.WithContext(ctx))
			checkFrames(t, "observable", w.version, rx.All[rx.Frame](ctx, o), frames)
		})
	})
}

func TestTrackCrossesTwoRelays(t *testing.T) {
	everyWay(t, func(t *testing.T, w way) {
		ctx := testContext(t)
		near, far := startRelay(t), startRelay(t)
		near.dial(ctx, t, w, session.WithOrigin(far.origin))
		origin, _ := near.publisher(ctx, t, w)
		_, track := createTrack(t, origin, path, name, kept)
		consumer, _ := far.subscriber(ctx, t, w)
		broadcast := moqtest.Announced(ctx, t, consumer, path)

		hops := broadcast.Route().Hops
		if len(hops) != 3 {
			t.Fatalf("the hop chain is %v, want publisher and two relays", hops)
		}
		// moq-lite-03 counts hops and does not name them.
		want := model.OriginList{origin.ID(), near.origin.ID(), far.origin.ID()}
		for i := range hops {
			if w.version > session.MoqLite03 && hops[i] != want[i] {
				t.Errorf("the hop chain is %v, want %v", hops, want)
				break
			}
		}

		frames := content(2)
		received, err := broadcast.SubscribeTrack(name, fromStart)
		if err != nil {
			t.Fatal(err)
		}
		defer received.Close()
		if err := rx.Publish(ctx, track, stream(frames).Observable(rx.WithContext(ctx))); err != nil {
			t.Fatalf("publish: %v", err)
		}
		checkFrames(t, "subscriber", w.version, rx.Frames(received).All(ctx), frames)
	})
}

func TestLateSubscriberStartsAtTheLatestGroup(t *testing.T) {
	everyWay(t, func(t *testing.T, w way) {
		ctx := testContext(t)
		r := startRelay(t)
		origin, _ := r.publisher(ctx, t, w)
		_, track := createTrack(t, origin, path, name, kept)
		early, _ := r.subscriber(ctx, t, w)
		first := moqtest.Subscribe(ctx, t, early, path, name, fromStart)
		for sequence := range uint64(3) {
			writeGroup(t, track, "before")
			wantGroup(ctx, t, first, sequence, "before")
		}

		late, _ := r.subscriber(ctx, t, w)
		second := moqtest.Subscribe(ctx, t, late, path, name, model.Subscription{})
		wantGroup(ctx, t, second, 2, "before")
		writeGroup(t, track, "after")
		wantGroup(ctx, t, first, 3, "after")
		wantGroup(ctx, t, second, 3, "after")

		if err := track.Finish(); err != nil {
			t.Fatal(err)
		}
		for _, track := range []*model.TrackConsumer{first, second} {
			if _, err := track.RecvGroup(ctx); !errors.Is(err, io.EOF) {
				t.Errorf("after the end of the track: %v, want io.EOF", err)
			}
		}
	})
}

func TestPublisherLeavesAndReturns(t *testing.T) {
	everyWay(t, func(t *testing.T, w way) {
		ctx := testContext(t)
		r := startRelay(t)
		consumer, _ := r.subscriber(ctx, t, w)
		news, stop := iter.Pull2(rx.Announcements(consumer).All(ctx))
		defer stop()
		// The first two leave without a word, the third one says goodbye.
		for _, text := range []string{"first", "second", "third"} {
			origin, s := r.publisher(ctx, t, w)
			broadcast, track := createTrack(t, origin, path, name, kept)
			writeGroup(t, track, text)
			received := wantAnnounced(t, news)
			live, err := received.SubscribeTrack(name, fromStart)
			if err != nil {
				t.Fatal(err)
			}
			wantGroup(ctx, t, live, 0, text)

			if text == "third" {
				if err := errors.Join(track.Finish(), broadcast.Finish()); err != nil {
					t.Fatal(err)
				}
			} else if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			_, err = live.RecvGroup(ctx)
			if ctx.Err() != nil || errors.Is(err, io.EOF) != (text == "third") {
				t.Errorf("the track of the %s publisher ended with %v", text, err)
			}
			wantGone(t, news)
			_ = live.Close()
			_ = received.Close()
		}
	})
}

// announcements pulls the next one.
type announcements = func() (model.OriginAnnounce, error, bool)

func wantAnnounced(t *testing.T, news announcements) *model.BroadcastConsumer {
	t.Helper()
	a, err, ok := news()
	if err != nil || !ok {
		t.Fatalf("announcement: %v", err)
	}
	if a.Path != path || a.Broadcast == nil {
		t.Fatalf("announcement is %+v, want %s to be there", a, path)
	}
	return a.Broadcast
}

func wantGone(t *testing.T, news announcements) {
	t.Helper()
	a, err, ok := news()
	if err != nil || !ok {
		t.Fatalf("announcement: %v", err)
	}
	if a.Path != path || a.Broadcast != nil {
		t.Fatalf("announcement is %+v, want %s to be gone", a, path)
	}
}

// writeGroup publishes a group of one frame.
func writeGroup(t *testing.T, track *model.TrackProducer, text string) {
	t.Helper()
	if err := track.WriteFrame(model.Frame{Payload: []byte(text)}); err != nil {
		t.Fatalf("write of a group: %v", err)
	}
}

// wantGroup receives the next group, which has to have one frame.
func wantGroup(ctx context.Context, t *testing.T, track *model.TrackConsumer, sequence uint64, text string) {
	t.Helper()
	group, err := track.RecvGroup(ctx)
	if err != nil {
		t.Fatalf("group %d: %v", sequence, err)
	}
	defer group.Close()
	if group.Sequence() != sequence {
		t.Fatalf("group %d came, want %d", group.Sequence(), sequence)
	}
	frame, err := group.ReadFrame(ctx)
	if err != nil {
		t.Fatalf("frame of group %d: %v", sequence, err)
	}
	if string(frame.Payload) != text {
		t.Fatalf("group %d has %q, want %q", sequence, frame.Payload, text)
	}
	if _, err := group.ReadFrame(ctx); !errors.Is(err, io.EOF) {
		t.Fatalf("after the frame of group %d: %v, want io.EOF", sequence, err)
	}
}
