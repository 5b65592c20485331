package stats_test

import (
	"fmt"
	"testing"

	"github.com/moqrx/moqrx/model"
	"github.com/moqrx/moqrx/model/stats"
)

func benchStats(b *testing.B) *stats.Stats {
	b.ReportAllocs()
	s := must(stats.New(stats.Config{Origin: model.NewOrigin()}))
	b.Cleanup(s.Close)
	return s
}

// One counter, without others who count.
func BenchmarkBytes(b *testing.B) {
	guard := benchStats(b).Handle(stats.External).Broadcast("room/alice").PublisherTrack("video")
	defer guard.Close()
	for b.Loop() {
		guard.Bytes(1200)
	}
}

// One counter that all processors count with.
func BenchmarkBytesParallel(b *testing.B) {
	guard := benchStats(b).Handle(stats.External).Broadcast("room/alice").PublisherTrack("video")
	defer guard.Close()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			guard.Bytes(1200)
		}
	})
}

// The same calls without an aggregator.
func BenchmarkBytesDisabled(b *testing.B) {
	b.ReportAllocs()
	guard := stats.Handle{}.Broadcast("room/alice").PublisherTrack("video")
	for b.Loop() {
		guard.Bytes(1200)
	}
}

// A subscription that comes and goes.
func BenchmarkSubscription(b *testing.B) {
	handle := benchStats(b).Handle(stats.External)
	for b.Loop() {
		handle.Broadcast("room/alice").PublisherTrack("video").Close()
	}
}

// The totals of a host with a thousand broadcasts.
func BenchmarkHost(b *testing.B) {
	s := benchStats(b)
	for i := range 1000 {
		defer s.Handle(stats.External).Broadcast(model.Path(fmt.Sprint("room/", i))).PublisherTrack("video").Close()
	}
	for b.Loop() {
		s.Host()
	}
}

// What a reader that counts costs over one that does not.
func BenchmarkTryReadFrame(b *testing.B) {
	guard := benchStats(b).Handle(stats.External).Broadcast("room/alice").PublisherTrack("video")
	defer guard.Close()
	frame := model.Frame{Timestamp: model.Timestamp{Value: 1, Scale: model.Millis}, Payload: make([]byte, 100)}
	track := must(model.NewBroadcast(model.Route{}).CreateTrack("video", model.TrackInfo{}))
	group := must(track.AppendGroup())
	for range 1000 {
		if err := group.WriteFrame(frame); err != nil {
			b.Fatal(err)
		}
	}
	for name, read := range map[string]func() func() bool{
		"plain": func() func() bool {
			g := group.Consume()
			return func() bool { _, ok, _ := g.TryReadFrame(); return ok }
		},
		"metered": func() func() bool {
			g := stats.NewGroupReader(group.Consume(), guard)
			return func() bool { _, ok, _ := g.TryReadFrame(); return ok }
		},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			next := read()
			for b.Loop() {
				if !next() {
					next = read()
				}
			}
		})
	}
}
