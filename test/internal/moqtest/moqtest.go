package moqtest

import (
	"context"
	"io"
	"runtime"
	"testing"

	"github.com/moqrx/moqrx/model"
)

// Must ends the test unless err is nil.
func Must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// CloseAtEnd closes handles and sessions with the test, the last one first.
func CloseAtEnd(t testing.TB, all ...io.Closer) {
	for _, c := range all {
		t.Cleanup(func() { _ = c.Close() }) // what is over is over
	}
}

// Publish makes a broadcast in an origin, with one track. The caller closes or finishes them.
func Publish(t testing.TB, origin *model.OriginProducer, path model.Path, track string, info model.TrackInfo) (*model.BroadcastProducer, *model.TrackProducer) {
	t.Helper()
	b, err := origin.CreateBroadcast(path, model.Route{})
	Must(t, err)
	p, err := b.CreateTrack(track, info)
	Must(t, err)
	return b, p
}

// Announced waits until a broadcast is in an origin. It is closed with the test.
func Announced(ctx context.Context, t testing.TB, origin *model.OriginConsumer, path model.Path) *model.BroadcastConsumer {
	t.Helper()
	b, err := origin.Announced(ctx, path)
	if err != nil {
		t.Fatalf("announcement of %s: %v", path, err)
	}
	CloseAtEnd(t, b)
	return b
}

// Subscribe waits until a broadcast is in an origin, and subscribes to a track of it. Both are closed with the
// test.
func Subscribe(ctx context.Context, t testing.TB, origin *model.OriginConsumer, path model.Path, track string, wants model.Subscription) *model.TrackConsumer {
	t.Helper()
	c, err := Announced(ctx, t, origin, path).SubscribeTrack(track, wants)
	if err != nil {
		t.Fatalf("subscription to %s of %s: %v", track, path, err)
	}
	CloseAtEnd(t, c)
	return c
}

// Paths are the paths of the broadcasts that are in an origin now.
func Paths(origin *model.OriginConsumer) (paths []model.Path) {
	news := origin.Announcements()
	defer news.Close()
	for {
		a, ok, err := news.TryNext()
		if !ok || err != nil {
			return paths
		}
		paths = append(paths, a.Path)
		_ = a.Broadcast.Close()
	}
}

// Heap is how many bytes are allocated, without garbage and what pools hold.
func Heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what pools held has gone only now
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
