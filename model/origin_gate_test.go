package model_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/moqrx/moqrx/model"
)

// sibling returns the identity of a neighbor whose hash at path "a" is above, or
// below, that of the relay.
func sibling(above bool) model.OriginID {
	id := model.OriginID(1000)
	for (model.PeerHash("a", id) >= model.PeerHash("a", 999)) != above {
		id++
	}
	return id
}

func warm(id model.OriginID) model.Route {
	return model.Route{Hops: model.OriginList{1, id}, Cost: 1, Warm: true}
}

func TestHandoverGate(t *testing.T) {
	setup := func(t *testing.T) (*model.OriginProducer, *upstream) {
		o := newRelay()
		return o, attach(t, o, model.Route{Hops: model.OriginList{1, 2}, Cost: 10})
	}
	carry := func(t *testing.T, o *model.OriginProducer, a *upstream) *model.TrackConsumer {
		c := watch(t, o, "t")
		put(t, a.accept("t"), "A", 0)
		return c
	}
	t.Run("16.5/115 while it is read, a cheaper sibling that hashes above has to wait", func(t *testing.T) {
		o, a := setup(t)
		c := carry(t, o, a)
		s := attach(t, o, warm(sibling(true)))
		want(t, "incumbent", serving(o, "a", a.b), true)
		noRequest(t, s.d)
		wantNil(t, c.Close())
		want(t, "when it is idle", serving(o, "a", s.b), true)
		o, a = setup(t)
		want(t, "idle from the start", serving(o, "a", a.b), true)
		s = attach(t, o, warm(sibling(true)))
		want(t, "idle from the start", serving(o, "a", s.b), true)
		o, a = setup(t)
		carry(t, o, a)
		s = attach(t, o, warm(sibling(false)))
		want(t, "one that hashes below", serving(o, "a", s.b), true)
	})
	t.Run("16.5/116 of two relays that both carry, one moves", func(t *testing.T) {
		ids := [2]model.OriginID{41, 42}
		moved := 0
		for i, id := range ids {
			o := model.NewOrigin(model.WithOriginID(id))
			a := attach(t, o, model.Route{Hops: model.OriginList{1, 2}, Cost: 10})
			carry(t, o, a)
			s := attach(t, o, warm(ids[1-i]))
			if serving(o, "a", s.b) {
				moved++
			}
		}
		want(t, "moved", moved, 1)
	})
	t.Run("16.5/117 routes that cannot be siblings take over at once", func(t *testing.T) {
		id := sibling(true)
		for _, r := range []model.Route{
			{Hops: model.OriginList{1, id}, Cost: 1}, // does not carry it
			{Hops: model.OriginList{1}, Cost: 1, Warm: true},
		} {
			o, a := setup(t)
			c := carry(t, o, a)
			s := attach(t, o, r)
			want(t, "switched", serving(o, "a", s.b), true)
			put(t, s.accept("t"), "S", 1)
			wantGroups(t, c, nil, "A0", "S1")
		}
		o := newRelay() // nor one next to the publisher, whatever its hash
		a := attach(t, o, model.Route{Hops: model.OriginList{id, 2}, Cost: 10})
		carry(t, o, a)
		s := attach(t, o, model.Route{Hops: model.OriginList{id}, Cost: 1, Warm: true})
		want(t, "switched", serving(o, "a", s.b), true)
		o = newRelay() // nor one that is shorter and not cheaper
		a = attach(t, o, model.Route{Hops: model.OriginList{1, 2, 3}, Cost: 1})
		carry(t, o, a)
		s = attach(t, o, warm(id))
		want(t, "switched", serving(o, "a", s.b), true)
	})
	t.Run("16.5/118 an incumbent that is not announced any more holds nothing", func(t *testing.T) {
		o, a := setup(t)
		carry(t, o, a)
		s := attach(t, o, warm(sibling(true)))
		a.b.SetRoute(model.Route{Hops: model.OriginList{1, 2}, Cost: 10, Offline: true})
		want(t, "switched", serving(o, "a", s.b), true)
	})
}

func TestRouteWatch(t *testing.T) {
	cost := func(t *testing.T, r *model.RouteConsumer) (uint64, bool) {
		t.Helper()
		route, ok, err := r.TryNext()
		wantNil(t, err)
		return route.Cost, ok
	}
	t.Run("16.5/75 the current route first, an equal one is none, and the end", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b := model.NewBroadcast(model.Route{Cost: 3})
			r := b.Consume().Routes()
			got, ok := cost(t, r)
			want(t, "first", ok, true)
			want(t, "cost", got, 3)
			b.SetRoute(model.Route{Cost: 3})
			_, ok = cost(t, r)
			want(t, "equal", ok, false)
			next := later(func() { want(t, "next", must(r.Next(bg)).Cost, 4) })
			want(t, "returned early", next(), false)
			b.SetRoute(model.Route{Cost: 4})
			want(t, "returned", next(), true)
			ended := later(func() { _, err := r.Next(bg); wantErr(t, err, model.ErrDropped) })
			want(t, "returned early", ended(), false)
			wantNil(t, b.Close())
			want(t, "returned", ended(), true)
		})
	})
	t.Run("16.6/135 a clone begins with the current route", func(t *testing.T) {
		b := model.NewBroadcast(model.Route{Cost: 3})
		r := b.Consume().Routes()
		_, _ = cost(t, r)
		got, ok := cost(t, r.Clone())
		want(t, "seen by the clone", ok, true)
		want(t, "cost", got, 3)
		_, ok = cost(t, r)
		want(t, "by the original again", ok, false)
	})
	t.Run("the route of a path is that of who serves it", func(t *testing.T) {
		o := newRelay()
		attach(t, o, model.Route{Hops: model.OriginList{1}, Cost: 5})
		r := must(o.Consume().Request(bg, "a")).Routes()
		got, _ := cost(t, r)
		want(t, "first", got, 5)
		b := attach(t, o, model.Route{Hops: model.OriginList{1}, Cost: 2})
		got, _ = cost(t, r)
		want(t, "better", got, 2)
		b.leave()
		got, _ = cost(t, r)
		want(t, "back", got, 5)
	})
	t.Run("2.4 what is in use is told as free, and for 5 s more", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			o := newRelay()
			a := attach(t, o, model.Route{Hops: model.OriginList{1, peer}, Cost: 5})
			attach(t, o, model.Route{Hops: model.OriginList{1, 3}, Cost: 8})
			b := must(o.Consume().Request(bg, "a"))
			r := b.AdvertisedRoutes()
			news := o.Consume().Routes()
			got, _ := cost(t, r)
			want(t, "cold", got, 5)
			wantEvents(t, news, "+a")
			c := subscribe(t, b, "t")
			got, _ = cost(t, r)
			want(t, "in use", got, 0)
			want(t, "the route itself", b.Route().Cost, 5)
			want(t, "a standby", must(o.Consume().ForPeer(peer).Request(bg, "a")).AdvertisedRoute().Cost, 8)
			ev, ok, err := news.TryNext()
			wantNil(t, err)
			want(t, "told", ok && ev.Update, true)
			want(t, "as", ev.Broadcast.AdvertisedRoute().Cost, 0)
			a.accept("t")
			wantNil(t, c.Close())
			time.Sleep(5*time.Second - 1)
			synctest.Wait()
			_, ok = cost(t, r)
			want(t, "changed early", ok, false)
			time.Sleep(time.Nanosecond)
			synctest.Wait()
			got, ok = cost(t, r)
			want(t, "changed", ok, true)
			want(t, "cold again", got, 5)
			ev, ok, _ = news.TryNext()
			want(t, "told", ok && ev.Update, true)
		})
	})
	t.Run("readers who come back in time change nothing", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			o := newRelay()
			attach(t, o, model.Route{Hops: model.OriginList{1}, Cost: 5})
			b := must(o.Consume().Request(bg, "a"))
			c := subscribe(t, b, "t")
			r := b.AdvertisedRoutes()
			_, _ = cost(t, r)
			wantNil(t, c.Close())
			time.Sleep(4 * time.Second)
			subscribe(t, b, "t")
			time.Sleep(time.Minute)
			synctest.Wait()
			_, ok := cost(t, r)
			want(t, "changed", ok, false)
		})
	})
}

// Updates are for who asks for them, and merge with what is pending.
func TestRouteEvents(t *testing.T) {
	o := newRelay()
	a := attach(t, o, hops(1, 2))
	plain, routes := o.Consume().Announcements(), o.Consume().Routes()
	a.b.SetRoute(hops(1, 3))
	ev, _, _ := routes.TryNext()
	want(t, "unseen so far, an update", ev.Update, false)
	wantEvents(t, plain, "+a")
	a.b.SetRoute(hops(1, 2))
	a.b.SetRoute(hops(1, 4))
	ev, ok, _ := routes.TryNext()
	want(t, "update", ok && ev.Update, true)
	want(t, "by", ev.Broadcast.Route().Hops[1], 4)
	wantEvents(t, routes)
	a.b.SetRoute(hops(1, 2))
	a.leave()
	wantEvents(t, routes, "-a")
	wantEvents(t, plain, "-a")
}
