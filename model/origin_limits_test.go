package model_test

import (
	"testing"
	"time"

	"github.com/moqrx/moqrx/model"
)

// What bounds the cache of a broadcast that was made before it was published.
func TestLimitsOfPublishedBroadcasts(t *testing.T) {
	window := func(b *model.BroadcastProducer, name string) time.Duration {
		p := must(b.CreateTrack(name, model.TrackInfo{MaxLatency: time.Hour}))
		wantNil(t, p.WriteFrame(text("x")))
		return p.Info().MaxLatency
	}
	setup := func() (*model.OriginProducer, *model.CachePool) {
		pool := model.NewCachePool(1 << 20)
		return model.NewOrigin(model.WithCachePool(pool), model.WithMaxRetention(time.Minute)), pool
	}
	t.Run("the first origin that it is published in", func(t *testing.T) {
		o, pool := setup()
		b := model.NewBroadcast(model.Route{})
		wantNil(t, o.PublishBroadcast("a", b.Consume()))
		other := model.NewOrigin(model.WithMaxRetention(time.Second))
		wantNil(t, other.PublishBroadcast("a", b.Consume()))
		want(t, "window", window(b, "t"), time.Minute)
		want(t, "charged", pool.Used() > 0, true)
	})
	t.Run("how long a track keeps groups that does not say", func(t *testing.T) {
		said := func(info model.TrackInfo, opts ...model.OriginOption) time.Duration {
			o := model.NewOrigin(opts...)
			b := model.NewBroadcast(model.Route{})
			d := b.Dynamic()
			wantNil(t, o.PublishBroadcast("a", b.Consume()))
			c := must(must(o.Consume().Request(bg, "a")).SubscribeTrack("t", model.Subscription{}))
			p := must(must(d.RequestedTrack(bg)).Accept(info))
			want(t, "as readers are told", must(c.Info(bg)), p.Info())
			return p.Info().MaxLatency
		}
		longer, most := model.WithDefaultRetention(time.Hour), model.WithMaxRetention(time.Minute)
		want(t, "by default", said(model.TrackInfo{}), model.DefaultMaxLatency)
		want(t, "as set", said(model.TrackInfo{}, longer), time.Hour)
		want(t, "at most", said(model.TrackInfo{}, longer, most), time.Minute)
		want(t, "as it says", said(model.TrackInfo{MaxLatency: 1}, longer, most), 1)
		want(t, "negative", said(model.TrackInfo{}, model.WithDefaultRetention(-1)), model.DefaultMaxLatency)
	})
	t.Run("nothing, when it had a track before", func(t *testing.T) {
		o, pool := setup()
		b := model.NewBroadcast(model.Route{})
		want(t, "window before", window(b, "before"), time.Hour)
		wantNil(t, b.RemoveTrack("before"))
		wantNil(t, o.PublishBroadcast("a", b.Consume()))
		want(t, "window after", window(b, "after"), time.Hour)
		want(t, "charged", pool.Used(), 0)
	})
	t.Run("no origin that refused it", func(t *testing.T) {
		o, _ := setup()
		b := model.NewBroadcast(model.Route{})
		wantErr(t, must(o.Scope("x")).PublishBroadcast("a", b.Consume()), model.ErrUnauthorized)
		want(t, "window", window(b, "t"), time.Hour)
	})
}
