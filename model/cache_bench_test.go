package model_test

import (
	"testing"
	"time"

	"github.com/moqrx/moqrx/model"
)

// One group of one frame in a full pool, which lets another one go.
func BenchmarkTrackWriteFrameFullPool(b *testing.B) {
	b.ReportAllocs()
	b.SetBytes(int64(len(payload)))
	p := must(model.NewBroadcastIn(model.NewCachePool(1<<20), 0).CreateTrack("t", model.TrackInfo{MaxLatency: time.Hour}))
	for i := 0; b.Loop(); i++ {
		if err := p.WriteFrame(media(i)); err != nil {
			b.Fatal(err)
		}
	}
}

// The same with a path of an origin that has the groups too.
func BenchmarkTrackWriteFrameFullOrigin(b *testing.B) {
	b.ReportAllocs()
	b.SetBytes(int64(len(payload)))
	o := model.NewOrigin(model.WithCachePool(model.NewCachePool(1 << 20)))
	p := must(must(o.CreateBroadcast("a", model.Route{})).CreateTrack("t", model.TrackInfo{MaxLatency: time.Hour}))
	c := must(must(o.Consume().Request(bg, "a")).SubscribeTrack("t", model.Subscription{}))
	for i := 0; b.Loop(); i++ {
		if err := p.WriteFrame(media(i)); err != nil {
			b.Fatal(err)
		}
		if _, ok, err := c.TryReadFrame(); !ok {
			b.Fatal("no frame", err)
		}
	}
}
