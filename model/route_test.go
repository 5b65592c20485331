package model_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/moqrx/moqrx/model"
)

// wantRoutes takes all routes that are there, by their costs, and then wants end, nil
// when the broadcast is open.
func wantRoutes(t *testing.T, r *model.RouteConsumer, end error, costs ...uint64) {
	t.Helper()
	for _, cost := range costs {
		route, ok, err := r.TryNext()
		wantNil(t, err)
		want(t, "another route", ok, true)
		want(t, "cost", route.Cost, cost)
	}
	for range 2 { // the end is for good
		route, ok, err := r.TryNext()
		want(t, "one route more", ok, false)
		want(t, "its cost", route.Cost, 0)
		wantErr(t, err, end)
	}
}

func through(cost uint64, ids ...model.OriginID) model.Route {
	return model.Route{Hops: ids, Cost: cost}
}

func TestTheLastRouteComesBeforeTheEnd(t *testing.T) {
	for name, end := range map[string]struct {
		how func(*model.BroadcastProducer)
		err error
	}{
		"finished": {func(b *model.BroadcastProducer) { _ = b.Finish() }, eof},
		"aborted":  {func(b *model.BroadcastProducer) { b.Abort(model.ErrTimeout) }, model.ErrTimeout},
		"dropped":  {func(b *model.BroadcastProducer) { _ = b.Close() }, model.ErrDropped},
	} {
		t.Run(name, func(t *testing.T) {
			b := model.NewBroadcast(through(1, 3))
			seen, fresh := b.Consume().Routes(), b.Consume().AdvertisedRoutes()
			wantRoutes(t, seen, nil, 1)
			b.SetRoute(through(2, 3))
			b.SetRoute(through(3, 3))
			end.how(b)
			b.SetRoute(through(4, 3)) // too late
			wantRoutes(t, seen, end.err, 3)
			wantRoutes(t, fresh, end.err, 3)
			wantRoutes(t, b.Consume().Routes(), end.err, 3)
		})
		t.Run(name+", at a path", func(t *testing.T) {
			o := newRelay()
			u := attach(t, o, through(1, 3))
			c := must(o.Consume().Request(bg, "a"))
			seen, advertised := c.Routes(), c.AdvertisedRoutes()
			wantRoutes(t, seen, nil, 1)
			wantRoutes(t, advertised, nil, 1)
			u.b.SetRoute(through(2, 3))
			wantNil(t, u.d.Close())
			end.how(u.b)
			wantRoutes(t, seen, end.err, 2)
			wantRoutes(t, advertised, end.err, 2)
		})
	}
	t.Run("who waits gets it", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b := model.NewBroadcast(through(1, 3))
			r := b.Consume().Routes()
			wantRoutes(t, r, nil, 1)
			done := later(func() { want(t, "cost", must(r.Next(bg)).Cost, 2) })
			want(t, "returned early", done(), false)
			b.SetRoute(through(2, 3))
			wantNil(t, b.Finish())
			want(t, "returned", done(), true)
			_, err := r.Next(bg)
			wantErr(t, err, eof)
		})
	})
}

func TestRoutesOfAPathThatWasTaken(t *testing.T) {
	o := newRelay()
	old := attach(t, o, through(1, 3))
	r := must(o.Consume().Request(bg, "a")).Routes()
	advertised := must(o.Consume().Request(bg, "a")).AdvertisedRoutes()
	attach(t, o, through(7, 4)) // another publisher
	old.b.SetRoute(through(2, 3))
	wantRoutes(t, r, model.ErrDropped, 1)
	wantRoutes(t, advertised, model.ErrDropped, 1)
}

func TestAdvertisedRoutesStayFreeAtTheEnd(t *testing.T) {
	for _, end := range []struct {
		how func(*testing.T, *model.OriginProducer, *upstream)
		err error
	}{
		{func(_ *testing.T, _ *model.OriginProducer, u *upstream) { u.lose() }, model.ErrTransport},
		{func(t *testing.T, o *model.OriginProducer, _ *upstream) { attach(t, o, through(7, 4)) }, model.ErrDropped},
	} {
		synctest.Test(t, func(t *testing.T) {
			o := newRelay()
			u := attach(t, o, through(1, 3))
			r := must(o.Consume().Request(bg, "a")).AdvertisedRoutes()
			watch(t, o, "t")
			wantRoutes(t, r, nil, 0)
			end.how(t, o, u)
			time.Sleep(time.Minute)
			wantRoutes(t, r, end.err)
		})
	}
}

func TestRoutesForANeighborNeverRunThroughIt(t *testing.T) {
	o := newRelay()
	clean := attach(t, o, through(1, 3))
	c := must(o.Consume().ForPeer(peer).Request(bg, "a"))
	r, fresh := c.Routes(), c.AdvertisedRoutes()
	wantRoutes(t, r, nil, 1)
	tainted := attach(t, o, through(0, 3, peer))
	clean.leave()
	wantRoutes(t, r, nil)
	wantRoutes(t, fresh, nil)
	tainted.b.SetRoute(through(5, 3))
	wantRoutes(t, r, nil, 5)
	tainted.b.SetRoute(through(0, 3, peer))
	tainted.leave()
	wantRoutes(t, r, model.ErrDropped)
}

func TestRoutesOfAClosedHandle(t *testing.T) {
	c := model.NewBroadcast(through(1, 3)).Consume()
	r := c.Routes()
	wantNil(t, c.Close())
	wantRoutes(t, r, nil, 1) // a cursor is a handle of its own
	for _, r := range []*model.RouteConsumer{c.Routes(), c.AdvertisedRoutes(), c.Clone().Routes()} {
		wantRoutes(t, r, model.ErrClosed)
		wantRoutes(t, r.Clone(), model.ErrClosed)
		_, err := r.Next(bg)
		wantErr(t, err, model.ErrClosed)
	}
}
