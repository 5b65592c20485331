package model_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/moqrx/moqrx/model"
)

// request takes the oldest track request.
func request(t *testing.T, d *model.BroadcastDynamic, name string) *model.TrackRequest {
	t.Helper()
	r, ok, err := d.TryRequestedTrack()
	wantNil(t, err)
	if !ok {
		t.Fatalf("no request for %q", name)
	}
	want(t, "requested", r.Name(), name)
	return r
}

func noRequest(t *testing.T, d *model.BroadcastDynamic) {
	t.Helper()
	if r, ok, _ := d.TryRequestedTrack(); ok {
		t.Errorf("another request, for %q", r.Name())
	}
}

func TestBroadcastDynamic(t *testing.T) {
	info, sub := model.TrackInfo{}, model.Subscription{}
	setup := func() (*model.BroadcastProducer, *model.BroadcastDynamic, *model.BroadcastConsumer) {
		b := model.NewBroadcast(model.Route{})
		return b, b.Dynamic(), b.Consume()
	}
	t.Run("16.6/128 two subscribers, one request, the same data", func(t *testing.T) {
		_, d, c := setup()
		one, two := subscribe(t, c, "t"), subscribe(t, c, "t")
		want(t, "one track", one.IsClone(two), true)
		r := request(t, d, "t")
		noRequest(t, d)
		three := subscribe(t, c, "t") // also after the pick-up
		noRequest(t, d)
		p := must(r.Accept(info))
		wantNil(t, p.WriteFrame(text("x")))
		for _, c := range []*model.TrackConsumer{one, two, three} {
			want(t, "payload", string(must(c.ReadFrame(bg)).Payload), "x")
		}
	})
	t.Run("requests come in the order they were made", func(t *testing.T) {
		_, d, c := setup()
		for _, name := range []string{"a", "b", "c"} {
			subscribe(t, c, name)
		}
		for _, name := range []string{"a", "b", "c"} {
			request(t, d, name)
		}
	})
	t.Run("16.6/129 a closed track is asked for again", func(t *testing.T) {
		_, d, c := setup()
		for _, end := range []func(*model.TrackProducer){
			func(p *model.TrackProducer) { _ = p.Close() },
			func(p *model.TrackProducer) { p.Abort(nil) },
			func(p *model.TrackProducer) { _ = p.Finish(); _ = p.Close() },
		} {
			subscribe(t, c, "t")
			p := must(request(t, d, "t").Accept(info))
			end(p)
		}
		subscribe(t, c, "t")
		request(t, d, "t")
	})
	t.Run("16.6/130 a second reader makes no request, and when both leave the entry is gone", func(t *testing.T) {
		_, d, c := setup()
		one := subscribe(t, c, "t")
		r := request(t, d, "t")
		p := must(r.Accept(info))
		two := subscribe(t, c, "t")
		noRequest(t, d)
		unused := r.Unused()
		wantNil(t, one.Close())
		select {
		case <-unused:
			t.Error("unused while one reads")
		default:
		}
		wantNil(t, two.Close())
		<-unused
		wantNil(t, p.Unused(bg))
		subscribe(t, c, "t")
		request(t, d, "t")
	})
	t.Run("16.23/392 one who comes back at once is not hit by the end of what was before", func(t *testing.T) {
		_, d, c := setup()
		one := subscribe(t, c, "t")
		p := must(request(t, d, "t").Accept(info))
		wantNil(t, one.Close())
		again := subscribe(t, c, "t") // before the old one is cleaned up
		p.Abort(model.ErrCancel)
		p2 := must(request(t, d, "t").Accept(info))
		wantNil(t, p2.WriteFrame(text("new")))
		want(t, "payload", string(must(again.ReadFrame(bg)).Payload), "new")
	})
	t.Run("a request whose readers have left is still delivered", func(t *testing.T) {
		_, d, c := setup()
		wantNil(t, subscribe(t, c, "t").Close())
		<-request(t, d, "t").Unused()
	})
	t.Run("a request whose track was aborted has no readers", func(t *testing.T) {
		_, d, c := setup()
		_ = subscribe(t, c, "t")
		r := request(t, d, "t")
		unused := r.Unused()
		must(r.Accept(info)).Abort(model.ErrTimeout)
		<-unused
	})
	t.Run("16.6/131 a clone keeps the handler alive", func(t *testing.T) {
		_, d, c := setup()
		e := d.Clone()
		wantNil(t, d.Close())
		wantNil(t, d.Close())
		subscribe(t, c, "t")
		request(t, e, "t")
		_, err := d.Clone().RequestedTrack(bg)
		wantErr(t, err, model.ErrClosed)
	})
	t.Run("the last handler to go fails what is queued", func(t *testing.T) {
		_, d, c := setup()
		picked := subscribe(t, c, "picked")
		r := request(t, d, "picked")
		queued := subscribe(t, c, "queued")
		wantNil(t, d.Close())
		_, err := queued.RecvGroup(bg)
		wantErr(t, err, model.ErrCancel)
		_, err = c.SubscribeTrack("later", sub)
		wantErr(t, err, model.ErrNotFound)
		wantNil(t, must(r.Accept(info)).WriteFrame(text("x")))
		want(t, "payload", string(must(picked.ReadFrame(bg)).Payload), "x")
	})
	t.Run("16.6/133 a handler that comes after the subscriber is too late", func(t *testing.T) {
		o := model.NewOrigin()
		b := must(o.CreateBroadcast("a", model.Route{}))
		c := must(o.Consume().Announced(bg, "a"))
		_, err := c.SubscribeTrack("t", sub)
		wantErr(t, err, model.ErrNotFound)
		b.Dynamic()
		subscribe(t, c, "t")
	})
	t.Run("16.6/134 creating a requested track answers the request", func(t *testing.T) {
		b, d, c := setup()
		waiting := subscribe(t, c, "t")
		p := must(b.CreateTrack("t", info))
		noRequest(t, d)
		wantNil(t, p.WriteFrame(text("x")))
		want(t, "payload", string(must(waiting.ReadFrame(bg)).Payload), "x")
		wantNil(t, waiting.Close())
		want(t, "still listed when unread", string(must(subscribe(t, c, "t").ReadFrame(bg)).Payload), "x")
		subscribe(t, c, "picked")
		request(t, d, "picked")
		_, err := b.CreateTrack("picked", info)
		wantErr(t, err, model.ErrDuplicate)
	})
	t.Run("a refusal reaches the readers, and the next one asks anew", func(t *testing.T) {
		_, d, c := setup()
		waiting := subscribe(t, c, "t")
		r := request(t, d, "t")
		r.Reject(model.ErrUnauthorized)
		r.Reject(model.ErrTimeout) // answered already
		_, err := r.Accept(info)
		wantErr(t, err, model.ErrClosed)
		_, err = waiting.RecvGroup(bg)
		wantErr(t, err, model.ErrUnauthorized)
		<-r.Unused()
		subscribe(t, c, "t")
		r = request(t, d, "t")
		wantNil(t, r.Close())
		wantNil(t, r.Close())
	})
	t.Run("an unanswered request that is let go is dropped", func(t *testing.T) {
		_, d, c := setup()
		waiting := subscribe(t, c, "t")
		wantNil(t, request(t, d, "t").Close())
		_, err := waiting.Info(bg)
		wantErr(t, err, model.ErrDropped)
	})
	t.Run("an info that cannot be leaves the request open", func(t *testing.T) {
		_, d, c := setup()
		waiting := subscribe(t, c, "t")
		r := request(t, d, "t")
		_, err := r.Accept(model.TrackInfo{Timescale: 1 << 63})
		wantErr(t, err, model.ErrBoundsExceeded)
		_ = must(r.Accept(model.TrackInfo{Priority: 4}))
		want(t, "info", must(waiting.Info(bg)).Priority, 4)
	})
	t.Run("a request carries what its readers want together", func(t *testing.T) {
		_, d, c := setup()
		_ = must(c.SubscribeTrack("t", model.Subscription{Priority: 3, Start: model.At(9)}))
		r := request(t, d, "t")
		_ = must(c.SubscribeTrack("t", model.Subscription{Priority: 7}))
		want(t, "aggregate", r.Subscription(), model.Subscription{Priority: 7, Start: model.At(9)})
	})
	t.Run("blocked calls end with an event, with close, with the end and with the context", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b, d, c := setup()
			ctx, cancel := context.WithCancel(t.Context())
			got := later(func() { want(t, "name", must(d.RequestedTrack(bg)).Name(), "t") })
			want(t, "returned early", got(), false)
			waiting := subscribe(t, c, "t")
			want(t, "returned", got(), true)

			read := later(func() {
				_, err := waiting.Info(bg)
				wantErr(t, err, model.ErrClosed)
			})
			want(t, "returned early", read(), false)
			wantNil(t, waiting.Close())
			want(t, "returned", read(), true)

			got = later(func() {
				_, err := d.RequestedTrack(ctx)
				wantErr(t, err, context.Canceled)
			})
			cancel()
			want(t, "returned", got(), true)

			e := d.Clone()
			got = later(func() {
				_, err := e.RequestedTrack(bg)
				wantErr(t, err, model.ErrClosed)
			})
			want(t, "returned early", got(), false)
			wantNil(t, e.Close())
			want(t, "returned", got(), true)

			got = later(func() {
				_, err := d.RequestedTrack(bg)
				wantErr(t, err, eof)
			})
			want(t, "returned early", got(), false)
			wantNil(t, b.Finish())
			want(t, "returned", got(), true)
		})
	})
}
