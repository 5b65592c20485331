package model_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/moqrx/moqrx/model"
)

// A fetch through an origin asks the source that serves the track.
func TestFetchThroughAnOrigin(t *testing.T) {
	run := func(name string, f func(t *testing.T, o *model.OriginProducer)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { f(t, model.NewOrigin()) })
		})
	}
	source := func(t *testing.T, o *model.OriginProducer, route model.Route) (*model.BroadcastProducer, *model.TrackProducer, *model.TrackDynamic) {
		b := publish(t, o, "a", route)
		track := must(b.CreateTrack("t", model.TrackInfo{}))
		return b, track, track.Dynamic()
	}
	fetch := func(o *model.OriginProducer, seq uint64) (done func() bool, g **model.GroupConsumer, err *error) {
		g, err = new(*model.GroupConsumer), new(error)
		h := must(must(o.Consume().Request(bg, "a")).Track("t"))
		return later(func() { *g, *err = h.FetchGroup(bg, seq, 3) }), g, err
	}
	answer := func(t *testing.T, d *model.TrackDynamic, seq uint64, payload string) {
		t.Helper()
		synctest.Wait()
		r, ok, err := d.TryRequestedGroup()
		wantNil(t, err)
		if !ok {
			t.Fatal("nobody asks")
		}
		want(t, "sequence", r.Sequence(), seq)
		want(t, "priority", r.Priority(), 3)
		g := must(r.Accept())
		wantNil(t, g.WriteFrame(text(payload)))
		wantNil(t, g.Finish())
	}
	run("the handler of the source answers, once", func(t *testing.T, o *model.OriginProducer) {
		_, _, d := source(t, o, hops(1))
		done, g, err := fetch(o, 7)
		answer(t, d, 7, "seven")
		want(t, "done", done(), true)
		wantNil(t, *err)
		want(t, "payload", string(must((*g).ReadFrame(bg)).Payload), "seven")
		done, g, err = fetch(o, 7)
		want(t, "cached", done(), true)
		wantNil(t, *err)
		want(t, "sequence", (*g).Sequence(), 7)
		if _, ok, _ := d.TryRequestedGroup(); ok {
			t.Error("asked again for what is cached")
		}
	})
	run("16.16/280 when the copy dies the next source is asked, and what a live one says is final", func(t *testing.T, o *model.OriginProducer) {
		first, track, d := source(t, o, hops(1))
		done, g, err := fetch(o, 7)
		synctest.Wait()
		r, ok, _ := d.TryRequestedGroup()
		want(t, "asked", ok, true)
		_, _, other := source(t, o, model.Route{Hops: model.OriginList{1, 2}, Cost: 9})
		track.Abort(model.ErrTimeout)
		wantNil(t, first.Close())
		answer(t, other, 7, "from the other")
		want(t, "done", done(), true)
		wantNil(t, *err)
		want(t, "payload", string(must((*g).ReadFrame(bg)).Payload), "from the other")
		_ = r.Close()

		done, _, err = fetch(o, 8)
		synctest.Wait()
		r, _, _ = other.TryRequestedGroup()
		r.Reject(model.ErrUnauthorized)
		want(t, "done", done(), true)
		wantErr(t, *err, model.ErrUnauthorized)
	})
	run("a reader that closes ends its fetch", func(t *testing.T, o *model.OriginProducer) {
		_, _, d := source(t, o, hops(1))
		c := must(must(o.Consume().Request(bg, "a")).SubscribeTrack("t", model.Subscription{}))
		done := later(func() { _, err := c.FetchGroup(bg, 7, 3); wantErr(t, err, model.ErrClosed) })
		want(t, "done early", done(), false)
		r, ok, _ := d.TryRequestedGroup()
		want(t, "asked", ok, true)
		wantNil(t, c.Close())
		want(t, "done", done(), true)
		<-r.Unused()
		ctx, cancel := context.WithCancel(t.Context())
		c = must(must(o.Consume().Request(bg, "a")).SubscribeTrack("t", model.Subscription{}))
		done = later(func() { _, err := c.FetchGroup(ctx, 8, 3); wantErr(t, err, context.Canceled) })
		want(t, "done early", done(), false)
		cancel()
		want(t, "done", done(), true)
		wantNil(t, c.Close())
	})
	run("nobody who fetches, and a group after the end", func(t *testing.T, o *model.OriginProducer) {
		_, track, d := source(t, o, hops(1))
		wantNil(t, track.FinishAt(5))
		done, _, err := fetch(o, 5)
		want(t, "done", done(), true)
		wantErr(t, *err, model.ErrNotFound)
		wantNil(t, d.Close())
		done, _, err = fetch(o, 3)
		want(t, "done", done(), true)
		wantErr(t, *err, model.ErrNotFound)
	})
	run("a group served once is asked for each time", func(t *testing.T, o *model.OriginProducer) {
		_, _, d := source(t, o, hops(1))
		for range 2 {
			done, g, err := fetch(o, 7)
			synctest.Wait()
			r, ok, _ := d.TryRequestedGroup()
			if !ok {
				t.Fatal("not asked")
			}
			p := must(r.AcceptOnce())
			wantNil(t, p.WriteFrame(text("x")))
			wantNil(t, p.Finish())
			want(t, "done", done(), true)
			wantNil(t, *err)
			want(t, "payload", string(must((*g).ReadFrame(bg)).Payload), "x")
		}
	})
}

// A better source that does not have a track when it comes is asked when it may have it.
func TestSourcesAreAskedAgain(t *testing.T) {
	for name, prepare := range map[string]func(b *model.BroadcastProducer) *model.TrackProducer{
		"for a track that is created later": func(b *model.BroadcastProducer) *model.TrackProducer {
			return must(b.CreateTrack("t", model.TrackInfo{}))
		},
		"when it has a handler": func(b *model.BroadcastProducer) *model.TrackProducer {
			return must(must(b.Dynamic().RequestedTrack(bg)).Accept(model.TrackInfo{}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := model.NewOrigin()
				must(publish(t, o, "a", hops(1, 2)).CreateTrack("t", model.TrackInfo{}))
				c := must(must(o.Consume().Request(bg, "a")).SubscribeTrack("t", model.Subscription{}))
				better := prepare(publish(t, o, "a", hops(1)))
				wantNil(t, better.WriteFrame(text("better")))
				want(t, "payload", string(must(c.ReadFrame(bg)).Payload), "better")
			})
		})
	}
}

func TestDatagramsThroughAnOrigin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := model.NewOrigin()
		b := publish(t, o, "a", hops(1))
		d := b.Dynamic()
		c := must(must(o.Consume().Request(bg, "a")).SubscribeTrack("t", model.Subscription{}))
		got := later(func() { want(t, "payload", string(must(c.RecvDatagram(bg)).Payload), "one") })
		want(t, "received early", got(), false)
		track := must(must(d.RequestedTrack(bg)).Accept(model.TrackInfo{})) // a reader of datagrams alone is one
		must(track.AppendDatagram(text("one")))
		want(t, "received", got(), true)

		newer := publish(t, o, "a", hops(1))
		second := must(newer.CreateTrack("t", model.TrackInfo{})) // which it did not have when it came
		must(second.AppendDatagram(text("behind")))               // number 0 has been
		wantNil(t, second.WriteDatagram(model.Datagram{Sequence: 5, Payload: []byte("two")}))
		want(t, "from the newest source", string(must(c.RecvDatagram(bg)).Payload), "two")
		must(track.AppendDatagram(text("late")))
		if x, ok, _ := c.TryRecvDatagram(); ok {
			t.Errorf("the old source still sends %q", x.Payload)
		}
		wantNil(t, c.Close())
	})
}

func TestCachesOfAnOrigin(t *testing.T) {
	t.Run("a pool bounds all tracks, counts shared groups once, and is empty in the end", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			pool := model.NewCachePool(20_000)
			o := model.NewOrigin(model.WithCachePool(pool), model.WithTrackIdle(time.Second))
			b := must(o.CreateBroadcast("a", model.Route{}))
			track := must(b.CreateTrack("t", model.TrackInfo{}))
			c := must(must(o.Consume().Request(bg, "a")).SubscribeTrack("t", model.Subscription{}))
			for range 10 {
				wantNil(t, track.WriteFrame(model.Frame{Payload: make([]byte, 1000)}))
			}
			want(t, "used", pool.Used(), 10*(1000+256))
			for range 100 {
				time.Sleep(time.Second / 5)
				wantNil(t, track.WriteFrame(model.Frame{Payload: make([]byte, 1000)}))
			}
			if used := pool.Used(); used > 22_000 {
				t.Errorf("%d bytes are used", used)
			}
			wantNil(t, c.Close())
			wantNil(t, track.Finish())
			wantNil(t, track.Close())
			wantNil(t, b.Close())
			time.Sleep(2 * time.Second)
			want(t, "used after all", pool.Used(), 0)
		})
	})
	t.Run("a ceiling holds for tracks that want to keep more", func(t *testing.T) {
		o := model.NewOrigin(model.WithMaxRetention(time.Second))
		b := must(o.CreateBroadcast("a", model.Route{}))
		track := must(b.CreateTrack("t", model.TrackInfo{MaxLatency: time.Minute}))
		want(t, "source", track.Info().MaxLatency, time.Second)
		outside := model.NewBroadcast(model.Route{})
		wantNil(t, o.PublishBroadcast("b", outside.Consume()))
		must(outside.CreateTrack("t", model.TrackInfo{MaxLatency: time.Minute}))
		c := must(must(o.Consume().Request(bg, "b")).SubscribeTrack("t", model.Subscription{}))
		want(t, "front", must(c.Info(bg)).MaxLatency, time.Second)
		wantNil(t, c.Close())
	})
}
