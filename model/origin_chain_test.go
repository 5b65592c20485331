package model_test

import (
	"runtime"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/moqrx/moqrx/model"
)

// Broadcasts of an origin that are published again, there or elsewhere.
func TestChains(t *testing.T) {
	t.Run("from one origin into another", func(t *testing.T) {
		one, two := newRelay(), model.NewOrigin(model.WithOriginID(998))
		a := attach(t, one, hops(1, 2))
		wantNil(t, two.PublishBroadcast("a", must(one.Consume().Request(bg, "a"))))
		c := watch(t, two, "t")
		put(t, a.accept("t"), "A", 0)
		b := attach(t, one, hops(1))
		p := b.accept("t")
		put(t, p, "B", 1)
		wantNil(t, p.Finish())
		wantGroups(t, c, eof, "A0", "B1")
		want(t, "hops", len(must(two.Consume().Request(bg, "a")).Route().Hops), 1)
		wantNil(t, a.b.Finish())
		wantNil(t, b.b.Finish())
		_, err := two.Consume().Request(bg, "a")
		wantErr(t, err, model.ErrUnroutable)
	})
	t.Run("demand, refusals and failures pass through", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			one, two := newRelay(), model.NewOrigin(model.WithOriginID(998))
			a := attach(t, one, hops(1))
			wantNil(t, two.PublishBroadcast("a", must(one.Consume().Request(bg, "a"))))
			c := must(must(two.Consume().Request(bg, "a")).SubscribeTrack("t", model.Subscription{Priority: 9}))
			r := request(t, a.d, "t")
			want(t, "priority", r.Subscription().Priority, 9)
			r.Reject(model.ErrUnauthorized)
			wantGroups(t, c, model.ErrUnauthorized)
			c = watch(t, two, "t")
			p := a.accept("t")
			wantNil(t, p.Used(bg))
			wantNil(t, c.Close())
			wantNil(t, p.Unused(bg))
			time.Sleep(2 * time.Minute)
			synctest.Wait()
			c = watch(t, two, "t")
			put(t, a.accept("t"), "A", 0)
			a.lose()
			wantGroups(t, c, model.ErrTransport, "A0")
		})
	})
	t.Run("at the path that it is of already", func(t *testing.T) {
		o := newRelay()
		a := attach(t, o, hops(1))
		b := must(o.Consume().Request(bg, "a"))
		wantNil(t, o.PublishBroadcast("a", b))
		a.leave()
		_, err := o.Consume().Request(bg, "a")
		wantErr(t, err, model.ErrUnroutable)
	})
	t.Run("no ring is closed", func(t *testing.T) {
		o, other := newRelay(), newRelay(model.WithOriginID(998))
		a := attach(t, o, hops(1))
		wantNil(t, o.PublishBroadcast("b", must(o.Consume().Request(bg, "a"))))
		wantNil(t, other.PublishBroadcast("c", must(o.Consume().Request(bg, "b"))))
		c := must(other.Consume().Request(bg, "c"))
		wantErr(t, o.PublishBroadcast("a", c), model.ErrLoop)
		wantErr(t, o.PublishBroadcast("b", c), model.ErrLoop)
		wantNil(t, o.PublishBroadcast("d", c))
		r := must(must(o.Consume().Request(bg, "d")).SubscribeTrack("t", model.Subscription{}))
		put(t, a.accept("t"), "A", 0)
		wantGroups(t, r, nil, "A0")
		a.leave()
		attach(t, o, hops(1))
		wantNil(t, o.PublishBroadcast("b", must(o.Consume().Request(bg, "a"))))
	})
	t.Run("what is no source any more closes no ring", func(t *testing.T) {
		o := newRelay()
		attach(t, o, hops(1))
		_ = must(o.CreateBroadcast("b", hops(1)))
		wantNil(t, o.PublishBroadcast("b", must(o.Consume().Request(bg, "a"))))
		wantErr(t, o.PublishBroadcast("a", must(o.Consume().Request(bg, "b"))), model.ErrLoop)
		attach(t, o, hops(5)) // ends what b has of a
		wantNil(t, o.PublishBroadcast("a", must(o.Consume().Request(bg, "b"))))
	})
	t.Run("what is left of paths without sources and readers is nothing", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			o := newRelay()
			a := attach(t, o, hops(1))
			wantNil(t, o.PublishBroadcast("b", must(o.Consume().Request(bg, "a"))))
			c := watch(t, o, "t")
			put(t, a.accept("t"), "A", 0)
			wantNil(t, c.Close())
			a.leave()
			want(t, "paths", model.Paths(o), 0)
		})
	})
}

// A track that nobody writes costs at most 2 KiB, though it is read through an origin.
func TestMemoryOfIdleTracks(t *testing.T) {
	const tracks = 2000
	o := newRelay()
	b := must(o.CreateBroadcast("a", hops(1)))
	c := must(o.Consume().Request(bg, "a"))
	var before, after runtime.MemStats
	kept := make([]any, 0, 2*tracks)
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range tracks {
		p := must(b.CreateTrack(strconv.Itoa(i), model.TrackInfo{}))
		kept = append(kept, p, must(c.SubscribeTrack(p.Name(), model.Subscription{})))
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if each := (after.HeapAlloc - before.HeapAlloc) / tracks; each > 2<<10 {
		t.Errorf("%d bytes a track", each)
	} else {
		t.Logf("%d bytes a track", each)
	}
	runtime.KeepAlive(kept)
}
