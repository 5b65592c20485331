package model_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/moqrx/moqrx/model"
)

func TestRouteConsumer(t *testing.T) {
	t.Run("16.6/135 a clone begins with the current route", func(t *testing.T) {
		b := model.NewBroadcast(hops(1))
		r := b.Consume().Routes()
		want(t, "first", must(r.Next(bg)).Hops[0], 1)
		_, ok, err := r.TryNext()
		wantNil(t, err)
		want(t, "again", ok, false)
		clone := r.Clone()
		want(t, "clone", must(clone.Next(bg)).Hops[0], 1)
		b.SetRoute(hops(2))
		want(t, "original", must(r.Next(bg)).Hops[0], 2)
		want(t, "clone", must(clone.Next(bg)).Hops[0], 2)
	})
}

// edges tells when a broadcast is used and unused: the results of Used and Unused that
// wait for the next change.
func wantDemand(t *testing.T, b *model.BroadcastProducer, used bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Microsecond)
	defer cancel()
	want(t, "used", b.Used(ctx) == nil, used)
	ctx, cancel = context.WithTimeout(t.Context(), time.Microsecond)
	defer cancel()
	want(t, "unused", b.Unused(ctx) == nil, !used)
}

func TestBroadcastDemand(t *testing.T) {
	t.Run("16.6/136 tracks that are read are demand, tracks that are only produced are none", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b := model.NewBroadcast(model.Route{})
			must(b.CreateTrack("t", model.TrackInfo{}))
			wantDemand(t, b, false)
			used := later(func() { wantNil(t, b.Used(bg)) })
			want(t, "used early", used(), false)
			c := must(b.Consume().SubscribeTrack("t", model.Subscription{}))
			want(t, "used", used(), true)
			wantDemand(t, b, true)
			unused := later(func() { wantNil(t, b.Unused(bg)) })
			want(t, "unused early", unused(), false)
			wantNil(t, c.Close())
			want(t, "unused", unused(), true)
			wantDemand(t, b, false)

			d := b.Dynamic()
			c = must(b.Consume().SubscribeTrack("asked for", model.Subscription{}))
			wantDemand(t, b, true) // a request is demand, before anybody has picked it up
			wantNil(t, c.Close())
			wantDemand(t, b, false)
			wantNil(t, d.Close())
			wantNil(t, b.Close())
			wantErr(t, b.Used(bg), model.ErrDropped)
		})
	})
	t.Run("16.6/137 behind an origin demand is that of its readers", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			o := model.NewOrigin()
			b := publish(t, o, "a", model.Route{})
			must(b.CreateTrack("t", model.TrackInfo{}))
			front := must(o.Consume().Request(bg, "a"))
			one := must(front.SubscribeTrack("t", model.Subscription{}))
			two := must(front.SubscribeTrack("t", model.Subscription{}))
			wantDemand(t, b, true)
			wantNil(t, one.Close())
			wantDemand(t, b, true)
			wantNil(t, two.Close())
			wantDemand(t, b, false) // at once, though the copy is kept at hand for a while
			again := must(front.SubscribeTrack("t", model.Subscription{}))
			wantDemand(t, b, true)
			wantNil(t, again.Close())
		})
	})
}
