package model_test

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/moqrx/moqrx/model"
)

func TestLinger(t *testing.T) {
	minute := model.WithLinger(time.Minute)
	inBubble(t, "16.5/83 without linger a loss is told at once", func(t *testing.T, o *model.OriginProducer) {
		a := upstreamOf(t, o, "a", at(1), 0)
		watch := o.Consume().Announcements()
		front := must(o.Consume().Request(bg, "a"))
		wantEvents(t, watch, "+a")
		a.lose(t)
		wantEvents(t, watch, "-a")
		wantErr(t, front.Err(), model.ErrDropped)
		upstreamOf(t, o, "b", at(1))
		wantEvents(t, watch, "+a")
		want(t, "the same", must(o.Consume().Request(bg, "a")).IsClone(front), false)
	})
	inBubble(t, "16.5/86 a source that returns in time goes on where the other ended", func(t *testing.T, o *model.OriginProducer) {
		a := upstreamOf(t, o, "a", at(1), 0)
		watch := o.Consume().Announcements()
		wantEvents(t, watch, "+a")
		front := must(o.Consume().Request(bg, "a"))
		c := must(front.SubscribeTrack("t", model.Subscription{}))
		wantGroups(t, c, "a0")
		a.lose(t)
		time.Sleep(59 * time.Second)
		upstreamOf(t, o, "b", at(1), 0, 1)
		time.Sleep(time.Hour)
		wantEvents(t, watch)
		wantNil(t, front.Err())
		wantGroups(t, c, "b1")
	}, minute)
	inBubble(t, "16.5/87 one that does not has lost the path", func(t *testing.T, o *model.OriginProducer) {
		a := upstreamOf(t, o, "a", at(1), 0)
		watch := o.Consume().Announcements()
		wantEvents(t, watch, "+a")
		front := must(o.Consume().Request(bg, "a"))
		c := must(front.SubscribeTrack("t", model.Subscription{}))
		a.lose(t)
		time.Sleep(59 * time.Second)
		wantEvents(t, watch)
		time.Sleep(2 * time.Second)
		wantEvents(t, watch, "-a")
		wantGroups(t, c, "a0")
		wantEnd(t, c, model.ErrTransport)
		upstreamOf(t, o, "b", at(1))
		wantEvents(t, watch, "+a")
		want(t, "the same", must(o.Consume().Request(bg, "a")).IsClone(front), false)
	}, minute)
	inBubble(t, "16.5/88 linger may be for ever", func(t *testing.T, o *model.OriginProducer) {
		a := upstreamOf(t, o, "a", at(1), 0)
		front := must(o.Consume().Request(bg, "a"))
		a.lose(t)
		time.Sleep(10_000 * time.Hour)
		wantEvents(t, o.Consume().Announcements(), "+a")
		wantNil(t, front.Err())
	}, model.WithLinger(math.MaxInt64))
	inBubble(t, "16.5/89 a reader waits for the source to return", func(t *testing.T, o *model.OriginProducer) {
		a := upstreamOf(t, o, "a", at(1))
		c := readerOf(t, o, model.Subscription{})
		got := later(func() { want(t, "payload", string(must(c.ReadFrame(bg)).Payload), "b0") })
		a.lose(t)
		time.Sleep(50 * time.Second)
		want(t, "early", got(), false)
		upstreamOf(t, o, "b", at(1), 0)
		want(t, "resumed", got(), true)
	}, minute)
	inBubble(t, "16.5/90 a deliberate end does not linger", func(t *testing.T, o *model.OriginProducer) {
		a := upstreamOf(t, o, "a", at(1), 0)
		watch := o.Consume().Announcements()
		wantEvents(t, watch, "+a")
		wantNil(t, a.b.Finish())
		wantEvents(t, watch, "-a")
		b := upstreamOf(t, o, "b", at(1))
		wantEvents(t, watch, "+a")
		b.lose(t)
		c := upstreamOf(t, o, "c", at(1)) // in the window of the one before
		wantNil(t, c.b.Finish())
		wantEvents(t, watch, "-a")
	}, minute)
}

func TestIdleTracks(t *testing.T) {
	serve := func(t *testing.T, asked *model.BroadcastDynamic) *model.TrackProducer {
		t.Helper()
		synctest.Wait()
		r, ok, err := asked.TryRequestedTrack()
		wantNil(t, err)
		if !ok {
			t.Fatal("the source is not asked")
		}
		return must(r.Accept(model.TrackInfo{}))
	}
	quiet := func(t *testing.T, asked *model.BroadcastDynamic) {
		t.Helper()
		synctest.Wait()
		if _, ok, _ := asked.TryRequestedTrack(); ok {
			t.Error("the source is asked again")
		}
	}
	inBubble(t, "16.5/84 a track that nobody reads is let go after 30 s, once", func(t *testing.T, o *model.OriginProducer) {
		b := publish(t, o, "a", at(1))
		asked := b.Dynamic()
		c := readerOf(t, o, model.Subscription{})
		track := serve(t, asked)
		wantNil(t, c.Close())
		wantNil(t, track.Unused(bg)) // told at once, the copy is kept
		time.Sleep(29 * time.Second)
		c = readerOf(t, o, model.Subscription{})
		quiet(t, asked)
		wantNil(t, c.Close())
		time.Sleep(31 * time.Second)
		quiet(t, asked)
		c = readerOf(t, o, model.Subscription{})
		serve(t, asked)
		wantNil(t, c.Close())
		time.Sleep(time.Hour)
		quiet(t, asked)
	})
	inBubble(t, "16.5/85 fetches one after the other use one copy", func(t *testing.T, o *model.OriginProducer) {
		asked := publish(t, o, "a", at(1)).Dynamic()
		h := must(must(o.Consume().Request(bg, "a")).Track("t"))
		var groups *model.TrackDynamic
		for seq := range uint64(5) {
			got := later(func() { want(t, "sequence", must(h.FetchGroup(bg, seq, 0)).Sequence(), seq) })
			want(t, "early", got(), false)
			if groups == nil {
				r := must(asked.RequestedTrack(bg))
				groups = r.Dynamic() // before the answer, or a fetch finds nobody to ask
				must(r.Accept(model.TrackInfo{}))
			}
			quiet(t, asked)
			g := must(must(groups.RequestedGroup(bg)).Accept())
			wantNil(t, g.Finish())
			want(t, "fetched", got(), true)
			time.Sleep(20 * time.Second)
		}
	})
	inBubble(t, "16.5/91 also when its source has left meanwhile", func(t *testing.T, o *model.OriginProducer) {
		a, b := upstreamOf(t, o, "a", at(1), 7), upstreamOf(t, o, "b", at(2), 0)
		c := readerOf(t, o, model.Subscription{})
		wantNil(t, c.Close())
		a.lose(t)
		time.Sleep(31 * time.Second)
		wantGroups(t, readerOf(t, o, model.Subscription{}), "b0") // nothing is left of what a gave, nor its numbers
		wantNil(t, b.t.Used(bg))
	})
}
