package model_test

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/moqrx/moqrx/model"
)

func TestLinger(t *testing.T) {
	run := func(name string, linger time.Duration, f func(t *testing.T, o *model.OriginProducer, a *upstream, c *model.TrackConsumer, news *model.AnnounceConsumer)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newRelay(model.WithLinger(linger))
				news := o.Consume().Announcements()
				a := attach(t, o, hops(1, 2))
				wantEvents(t, news, "+a")
				c := watch(t, o, "t")
				put(t, a.accept("t"), "A", 0)
				wantGroups(t, c, nil, "A0")
				f(t, o, a, c, news)
			})
		})
	}
	run("16.5/86 a source that is back in time: nobody notices", 10*time.Second, func(t *testing.T, o *model.OriginProducer, a *upstream, c *model.TrackConsumer, news *model.AnnounceConsumer) {
		b := must(o.Consume().Request(bg, "a"))
		a.lose()
		time.Sleep(9 * time.Second)
		again := attach(t, o, hops(1, 2))
		put(t, again.accept("t"), "B", 1)
		time.Sleep(time.Hour)
		synctest.Wait()
		wantGroups(t, c, nil, "B1")
		wantEvents(t, news)
		wantNil(t, b.Err())
	})
	run("16.5/87 when the time is over, it is withdrawn, tracks fail, and the next is new", 10*time.Second, func(t *testing.T, o *model.OriginProducer, a *upstream, c *model.TrackConsumer, news *model.AnnounceConsumer) {
		b := must(o.Consume().Request(bg, "a"))
		a.lose()
		time.Sleep(10*time.Second - 1)
		synctest.Wait()
		wantEvents(t, news)
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		wantEvents(t, news, "-a")
		wantErr(t, b.Err(), model.ErrTransport)
		wantGroups(t, c, model.ErrTransport)
		attach(t, o, hops(1, 2))
		wantEvents(t, news, "+a")
		want(t, "the same", must(o.Consume().Request(bg, "a")).IsClone(b), false)
	})
	run("16.5/88 without end", math.MaxInt64, func(t *testing.T, o *model.OriginProducer, a *upstream, c *model.TrackConsumer, news *model.AnnounceConsumer) {
		a.lose()
		time.Sleep(1000 * time.Hour)
		synctest.Wait()
		wantEvents(t, news)
		wantGroups(t, c, nil)
		_ = must(o.Consume().Request(bg, "a"))
	})
	run("16.5/89 a reader waits, and goes on", time.Minute, func(t *testing.T, o *model.OriginProducer, a *upstream, c *model.TrackConsumer, _ *model.AnnounceConsumer) {
		a.lose()
		got := later(func() { want(t, "group", must(c.RecvGroup(bg)).Sequence(), 1) })
		time.Sleep(30 * time.Second)
		want(t, "returned early", got(), false)
		put(t, attach(t, o, hops(1)).accept("t"), "B", 1)
		want(t, "returned", got(), true)
	})
	run("16.5/90 a deliberate end is told at once", time.Hour, func(t *testing.T, o *model.OriginProducer, a *upstream, _ *model.TrackConsumer, news *model.AnnounceConsumer) {
		b := must(o.Consume().Request(bg, "a"))
		wantNil(t, a.b.Finish())
		wantEvents(t, news, "-a")
		wantErr(t, b.Err(), eof)
	})
	run("neighbors are not told of an outage either", time.Minute, func(t *testing.T, o *model.OriginProducer, a *upstream, _ *model.TrackConsumer, _ *model.AnnounceConsumer) {
		news := o.Consume().ForPeer(peer).Announcements()
		wantEvents(t, news, "+a")
		a.lose()
		wantEvents(t, news)
	})
	run("a loop is an outage", time.Minute, func(t *testing.T, o *model.OriginProducer, a *upstream, c *model.TrackConsumer, news *model.AnnounceConsumer) {
		b := attach(t, o, hops(1, 4, 5))
		wantNil(t, a.b.Finish())
		b.b.SetRoute(hops(1, 999))
		wantEvents(t, news)
		time.Sleep(time.Minute)
		synctest.Wait()
		wantEvents(t, news, "-a")
	})
	run("a deliberate end of what came to loop is told at once as well", time.Hour, func(t *testing.T, o *model.OriginProducer, a *upstream, c *model.TrackConsumer, news *model.AnnounceConsumer) {
		b := must(o.Consume().Request(bg, "a"))
		a.b.SetRoute(hops(1, 999))
		wantEvents(t, news)
		wantNil(t, a.b.Finish())
		wantEvents(t, news, "-a")
		wantErr(t, b.Err(), eof)
	})
	run("another publisher does not wait for the end of it", time.Hour, func(t *testing.T, o *model.OriginProducer, a *upstream, c *model.TrackConsumer, news *model.AnnounceConsumer) {
		a.lose()
		offline := attach(t, o, model.Route{Hops: model.OriginList{5}, Offline: true})
		wantEvents(t, news)
		want(t, "offline serves", serving(o, "a", offline.b), false)
		b := attach(t, o, hops(6))
		wantEvents(t, news, "-a", "+a")
		want(t, "announced serves", serving(o, "a", b.b), true)
		wantGroups(t, c, model.ErrDropped)
	})
	run("a source that comes back without the track yet is given the rest of the time to make it", time.Minute, func(t *testing.T, o *model.OriginProducer, a *upstream, c *model.TrackConsumer, _ *model.AnnounceConsumer) {
		a.lose()
		fresh := watch(t, o, "u")
		b := must(o.CreateBroadcast("a", hops(1)))
		time.Sleep(30 * time.Second)
		synctest.Wait()
		wantGroups(t, c, nil)
		put(t, must(b.CreateTrack("t", model.TrackInfo{})), "B", 1)
		wantGroups(t, c, nil, "B1")
		wantGroups(t, fresh, nil)
		_, err := must(o.Consume().Request(bg, "a")).SubscribeTrack("v", model.Subscription{})
		wantErr(t, err, model.ErrNotFound)
		time.Sleep(30*time.Second - 1)
		synctest.Wait()
		wantGroups(t, fresh, nil)
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		wantGroups(t, fresh, model.ErrNotFound)
		wantGroups(t, c, nil)
		wantNil(t, b.Close())
	})
	run("a source that refuses the track is not waited for", time.Minute, func(t *testing.T, o *model.OriginProducer, a *upstream, c *model.TrackConsumer, _ *model.AnnounceConsumer) {
		a.lose()
		request(t, attach(t, o, hops(1)).d, "t").Reject(model.ErrUnauthorized)
		wantGroups(t, c, model.ErrUnauthorized)
	})
	run("a new reader waits as well", time.Minute, func(t *testing.T, o *model.OriginProducer, a *upstream, old *model.TrackConsumer, _ *model.AnnounceConsumer) {
		wantNil(t, old.Close())
		a.lose()
		c := watch(t, o, "u")
		put(t, attach(t, o, hops(1)).accept("u"), "B", 0)
		wantGroups(t, c, nil, "B0")
	})
}

func TestTrackIdle(t *testing.T) {
	run := func(name string, f func(t *testing.T, o *model.OriginProducer, a *upstream)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newRelay()
				f(t, o, attach(t, o, hops(1, 2)))
			})
		})
	}
	run("16.5/84 after 30 s without readers the copy is let go, once", func(t *testing.T, o *model.OriginProducer, a *upstream) {
		first := watch(t, o, "t")
		p := a.accept("t")
		put(t, p, "A", 0)
		wantNil(t, first.Close())
		wantNil(t, p.Unused(bg)) // at once: a source may stop its download
		time.Sleep(30*time.Second - 1)
		again := watch(t, o, "t")
		want(t, "the same copy", again.IsClone(first), true)
		wantNil(t, p.Used(bg))
		wantGroups(t, again, nil, "A0")
		wantNil(t, again.Close())
		time.Sleep(31 * time.Second)
		synctest.Wait()
		noRequest(t, a.d)
		third := watch(t, o, "t")
		want(t, "the same copy", third.IsClone(first), false)
		request(t, a.d, "t")
		time.Sleep(time.Hour)
		synctest.Wait()
		noRequest(t, a.d)
	})
	run("16.5/85 one request serves who comes and goes within 30 s", func(t *testing.T, o *model.OriginProducer, a *upstream) {
		c := watch(t, o, "t")
		put(t, a.accept("t"), "A", 0)
		for range 10 {
			wantNil(t, c.Close())
			time.Sleep(29 * time.Second)
			c = watch(t, o, "t")
			want(t, "group", must(c.GetGroup(bg, 0)).Sequence(), 0)
		}
		noRequest(t, a.d)
	})
	run("16.5/91 also when its route has left meanwhile", func(t *testing.T, o *model.OriginProducer, a *upstream) {
		attach(t, o, hops(1, 3, 4))
		first := watch(t, o, "t")
		put(t, a.accept("t"), "A", 0)
		wantNil(t, first.Close())
		time.Sleep(10 * time.Second)
		a.leave() // its track goes on
		second := watch(t, o, "t")
		want(t, "kept", second.IsClone(first), true)
		wantNil(t, second.Close())
		time.Sleep(31 * time.Second)
		synctest.Wait()
		want(t, "kept", watch(t, o, "t").IsClone(first), false)
	})
	run("a copy that the source gave up when nobody read is no refusal", func(t *testing.T, o *model.OriginProducer, a *upstream) {
		first := watch(t, o, "t")
		p := a.accept("t")
		wantNil(t, first.Close())
		second := watch(t, o, "t")
		p.Abort(model.ErrCancel) // it had not heard of the second yet
		put(t, a.accept("t"), "A", 0)
		wantGroups(t, second, nil, "A0")
	})
	run("a request that was given up neither", func(t *testing.T, o *model.OriginProducer, a *upstream) {
		first := watch(t, o, "t")
		r := request(t, a.d, "t")
		wantNil(t, first.Close())
		<-r.Unused()
		second := watch(t, o, "t")
		r.Reject(model.ErrCancel)
		put(t, a.accept("t"), "A", 0)
		wantGroups(t, second, nil, "A0")
	})
	t.Run("the time can be set", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			o := newRelay(model.WithTrackIdle(time.Second))
			a := attach(t, o, hops(1))
			first := watch(t, o, "t")
			a.accept("t")
			wantNil(t, first.Close())
			time.Sleep(2 * time.Second)
			synctest.Wait()
			watch(t, o, "t")
			request(t, a.d, "t")
		})
	})
	run("16.6/137 demand follows the readers of the spliced tracks", func(t *testing.T, o *model.OriginProducer, a *upstream) {
		b := attach(t, o, hops(1, 3, 4))
		wantNil(t, a.b.Unused(bg))
		used := later(func() { wantNil(t, a.b.Used(bg)) })
		want(t, "used early", used(), false)
		c := watch(t, o, "t")
		put(t, a.accept("t"), "A", 0)
		want(t, "used", used(), true)
		unused := later(func() { wantNil(t, a.b.Unused(bg)) })
		want(t, "unused early", unused(), false)
		a.b.SetRoute(model.Route{Hops: model.OriginList{1, 2}, Cost: 9}) // the other one is better now
		b.accept("t")
		want(t, "unused", unused(), true)
		wantNil(t, b.b.Used(bg))
		wantNil(t, c.Close())
		wantNil(t, b.b.Unused(bg))
	})
}
