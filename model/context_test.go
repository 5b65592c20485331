package model_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/moqrx/moqrx/model"
)

// Every call that blocks returns as soon as its context ends, with the context's error.
func TestBlockedCallsEndWithTheirContext(t *testing.T) {
	o := model.NewOrigin()
	defer o.Close()
	for name, block := range map[string]func(ctx context.Context) error{
		"OriginConsumer.Announced": func(ctx context.Context) error { _, err := o.Consume().Announced(ctx, "nobody"); return err },
		"OriginConsumer.Request": func(ctx context.Context) error {
			d := o.Dynamic()
			defer d.Close()
			_, err := o.Consume().Request(ctx, "asked")
			return err
		},
		"OriginDynamic.RequestedBroadcast": func(ctx context.Context) error {
			d := o.Dynamic()
			defer d.Close()
			_, err := d.RequestedBroadcast(ctx)
			return err
		},
		"AnnounceConsumer.Next": func(ctx context.Context) error {
			a := o.Consume().Announcements()
			defer a.Close()
			_, err := a.Next(ctx)
			return err
		},
		"RouteConsumer.Next": func(ctx context.Context) error {
			r := model.NewBroadcast(model.Route{}).Consume().Routes()
			must(r.Next(ctx))
			_, err := r.Next(ctx)
			return err
		},
		"BroadcastProducer.Used": func(ctx context.Context) error { return model.NewBroadcast(model.Route{}).Used(ctx) },
		"BroadcastDynamic.RequestedTrack": func(ctx context.Context) error {
			_, err := model.NewBroadcast(model.Route{}).Dynamic().RequestedTrack(ctx)
			return err
		},
		"TrackConsumer.Info": func(ctx context.Context) error {
			b := model.NewBroadcast(model.Route{})
			b.Dynamic()
			_, err := must(b.Consume().SubscribeTrack("t", model.Subscription{})).Info(ctx)
			return err
		},
		"BroadcastTrack.Info": func(ctx context.Context) error {
			b := model.NewBroadcast(model.Route{})
			b.Dynamic()
			_, err := must(b.Consume().Track("t")).Info(ctx)
			return err
		},
		"BroadcastTrack.FetchGroup": func(ctx context.Context) error {
			b := model.NewBroadcast(model.Route{})
			must(b.CreateTrack("t", model.TrackInfo{})).Dynamic()
			_, err := must(b.Consume().Track("t")).FetchGroup(ctx, 1, 0)
			return err
		},
		"TrackDynamic.RequestedGroup": func(ctx context.Context) error {
			_, err := newTrack(t).Dynamic().RequestedGroup(ctx)
			return err
		},
		"TrackProducer.Used": func(ctx context.Context) error { return newTrack(t).Used(ctx) },
		"TrackProducer.Unused": func(ctx context.Context) error {
			p := newTrack(t)
			p.Consume(model.Subscription{})
			return p.Unused(ctx)
		},
		"TrackConsumer.RecvGroup":    track(t, (*model.TrackConsumer).RecvGroup),
		"TrackConsumer.NextGroup":    track(t, (*model.TrackConsumer).NextGroup),
		"TrackConsumer.ReadFrame":    track(t, (*model.TrackConsumer).ReadFrame),
		"TrackConsumer.RecvDatagram": track(t, (*model.TrackConsumer).RecvDatagram),
		"TrackConsumer.GetGroup": track(t, func(c *model.TrackConsumer, ctx context.Context) (*model.GroupConsumer, error) {
			return c.GetGroup(ctx, 3)
		}),
		"TrackConsumer.FetchGroup": func(ctx context.Context) error {
			p := newTrack(t)
			p.Dynamic()
			_, err := p.Consume(model.Subscription{}).FetchGroup(ctx, 3, 0)
			return err
		},
		"GroupConsumer.NextFrame": func(ctx context.Context) error { _, err := newGroup(t).Consume().NextFrame(ctx); return err },
		"GroupConsumer.ReadFrame": func(ctx context.Context) error { _, err := newGroup(t).Consume().ReadFrame(ctx); return err },
		"GroupConsumer.GetFrame":  func(ctx context.Context) error { _, err := newGroup(t).Consume().GetFrame(ctx, 2); return err },
		"FrameConsumer.ReadChunk": frame(t, (*model.FrameConsumer).ReadChunk),
		"FrameConsumer.ReadAll":   frame(t, (*model.FrameConsumer).ReadAll),
		"BandwidthProducer.Used":  func(ctx context.Context) error { return model.NewBandwidth().Used(ctx) },
		"BandwidthConsumer.Changed": func(ctx context.Context) error {
			_, err := model.NewBandwidth().Consume().Changed(ctx)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				start := time.Now()
				wantErr(t, block(ctx), context.DeadlineExceeded)
				want(t, "blocked for", time.Since(start), time.Hour)
			})
		})
	}
}

// track makes a blocked call of a method of a track's reader.
func track[T any](t *testing.T, read func(*model.TrackConsumer, context.Context) (T, error)) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := read(newTrack(t).Consume(model.Subscription{}), ctx)
		return err
	}
}

// frame makes a blocked call of a method of a frame's reader.
func frame[T any](t *testing.T, read func(*model.FrameConsumer, context.Context) (T, error)) func(context.Context) error {
	return func(ctx context.Context) error {
		g := newGroup(t)
		must(g.CreateFrame(model.FrameInfo{Size: 5}))
		_, err := read(must(g.Consume().NextFrame(ctx)), ctx)
		return err
	}
}
