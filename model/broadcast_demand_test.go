package model_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/moqrx/moqrx/model"
)

func TestBroadcastDemand(t *testing.T) {
	t.Run("16.6/136 a track that is only written is no demand, one that is read is", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b := model.NewBroadcast(model.Route{})
			p := must(b.CreateTrack("t", model.TrackInfo{}))
			wantNil(t, p.WriteFrame(text("x")))
			wantNil(t, b.Unused(bg))
			used := later(func() { wantNil(t, b.Used(bg)) })
			want(t, "used early", used(), false)
			c := subscribe(t, b.Consume(), "t")
			want(t, "used", used(), true)
			two := c.Clone()
			wantNil(t, c.Close())
			unused := later(func() { wantNil(t, b.Unused(bg)) })
			want(t, "unused early", unused(), false)
			wantNil(t, two.Close())
			want(t, "unused", unused(), true)
		})
	})
	t.Run("a request that somebody waits for is demand", func(t *testing.T) {
		b := model.NewBroadcast(model.Route{})
		d := b.Dynamic()
		c := subscribe(t, b.Consume(), "t")
		wantNil(t, b.Used(bg))
		request(t, d, "t").Reject(nil)
		wantNil(t, b.Unused(bg)) // nothing of it can be read
		wantNil(t, c.Close())
		wantNil(t, b.Unused(bg))
	})
	t.Run("the wait ends with the broadcast, the handle and the context", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b := model.NewBroadcast(model.Route{})
			second := b.Clone()
			ctx, cancel := context.WithCancel(t.Context())
			given := later(func() { wantErr(t, b.Used(ctx), context.Canceled) })
			closed := later(func() { wantErr(t, second.Used(bg), model.ErrClosed) })
			ended := later(func() { wantErr(t, b.Used(bg), model.ErrDropped) })
			want(t, "returned early", given() || closed() || ended(), false)
			cancel()
			want(t, "given up", given(), true)
			wantNil(t, second.Close())
			want(t, "closed", closed(), true)
			wantNil(t, b.Finish())
			want(t, "ended", ended(), true)
		})
	})
}

func TestTrackHandle(t *testing.T) {
	info := model.TrackInfo{Priority: 6}
	t.Run("naming a track asks nobody", func(t *testing.T) {
		b := model.NewBroadcast(model.Route{})
		d := b.Dynamic()
		h := must(b.Consume().Track("t"))
		want(t, "name", h.Name(), "t")
		noRequest(t, d)
		c := must(h.Subscribe(model.Subscription{}))
		p := must(request(t, d, "t").Accept(info))
		wantNil(t, p.WriteFrame(text("x")))
		want(t, "payload", string(must(c.ReadFrame(bg)).Payload), "x")
	})
	t.Run("its info can be had without reading it", func(t *testing.T) {
		b := model.NewBroadcast(model.Route{})
		p := must(b.CreateTrack("t", info))
		want(t, "priority", must(must(b.Consume().Track("t")).Info(bg)).Priority, 6)
		wantNil(t, p.Unused(bg))
	})
	t.Run("nobody has it and nobody makes it", func(t *testing.T) {
		b := model.NewBroadcast(model.Route{})
		_, err := b.Consume().Track("t")
		wantErr(t, err, model.ErrNotFound)
		c := b.Consume()
		wantNil(t, c.Close())
		_, err = c.Track("t")
		wantErr(t, err, model.ErrClosed)
		wantNil(t, b.Finish())
		_, err = b.Consume().Track("t")
		wantErr(t, err, model.ErrDropped)
	})
	t.Run("one that was there is readable after the end of the broadcast", func(t *testing.T) {
		b := model.NewBroadcast(model.Route{})
		p := must(b.CreateTrack("t", info))
		wantNil(t, p.WriteFrame(text("x")))
		h := must(b.Consume().Track("t"))
		wantNil(t, b.Finish())
		c := must(h.Subscribe(model.Subscription{}))
		want(t, "payload", string(must(c.ReadFrame(bg)).Payload), "x")
		p.Abort(nil)
		_, err := h.Subscribe(model.Subscription{})
		wantErr(t, err, model.ErrDropped)
	})
	t.Run("through an origin", func(t *testing.T) {
		o := newRelay()
		a := attach(t, o, hops(1))
		h := must(must(o.Consume().Request(bg, "a")).Track("t"))
		noRequest(t, a.d)
		c := must(h.Subscribe(model.Subscription{}))
		put(t, a.accept("t"), "A", 0)
		wantGroups(t, c, nil, "A0")
	})
}

func TestReserveTrack(t *testing.T) {
	info := model.TrackInfo{}
	t.Run("readers of a reserved track wait", func(t *testing.T) {
		b := model.NewBroadcast(model.Route{})
		r := must(b.ReserveTrack("t"))
		_, err := b.CreateTrack("t", info)
		wantErr(t, err, model.ErrDuplicate)
		_, err = b.ReserveTrack("t")
		wantErr(t, err, model.ErrDuplicate)
		c := subscribe(t, b.Consume(), "t")
		wantNil(t, c.Close())
		c = subscribe(t, b.Consume(), "t") // reserved, though unread for a while
		wantNil(t, must(r.Accept(info)).WriteFrame(text("x")))
		want(t, "payload", string(must(c.ReadFrame(bg)).Payload), "x")
	})
	t.Run("a refusal frees the name", func(t *testing.T) {
		b := model.NewBroadcast(model.Route{})
		must(b.ReserveTrack("t")).Reject(model.ErrTimeout)
		_ = must(b.CreateTrack("t", info))
	})
	t.Run("a queued request is the one reserved", func(t *testing.T) {
		b := model.NewBroadcast(model.Route{})
		d := b.Dynamic()
		c := subscribe(t, b.Consume(), "t")
		r := must(b.ReserveTrack("t"))
		noRequest(t, d)
		r.Reject(model.ErrTimeout)
		_, err := c.RecvGroup(bg)
		wantErr(t, err, model.ErrTimeout)
	})
	t.Run("readers of a path who missed the track ask for it at once", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			o := newRelay(model.WithLinger(time.Minute))
			a := attach(t, o, hops(1))
			c := watch(t, o, "t")
			a.lose()
			r := must(must(o.CreateBroadcast("a", hops(1))).ReserveTrack("t"))
			select {
			case <-r.Unused():
				t.Error("nobody asks for it")
			default:
			}
			r.Reject(model.ErrUnauthorized)
			wantGroups(t, c, model.ErrUnauthorized)
		})
	})
	t.Run("unique names are the first that are free", func(t *testing.T) {
		b := model.NewBroadcast(model.Route{})
		want(t, "first", b.UniqueName(".opus"), "0.opus")
		want(t, "not reserved", b.UniqueName(".opus"), "0.opus")
		want(t, "track", must(b.UniqueTrack(".opus", info)).Name(), "0.opus")
		want(t, "next", must(b.UniqueTrack(".opus", info)).Name(), "1.opus")
		wantNil(t, b.RemoveTrack("0.opus"))
		want(t, "free again", b.UniqueName(".opus"), "0.opus")
		_, err := b.UniqueTrack("x", model.TrackInfo{MaxLatency: -1})
		wantErr(t, err, model.ErrBoundsExceeded)
		wantNil(t, b.Finish())
		_, err = b.UniqueTrack("x", info)
		wantErr(t, err, model.ErrDropped)
		_, err = b.ReserveTrack("x")
		wantErr(t, err, model.ErrDropped)
	})
}
