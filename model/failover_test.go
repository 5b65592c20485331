package model_test

import (
	"strconv"
	"testing"
	"testing/synctest"

	"github.com/moqrx/moqrx/model"
)

// inBubble runs a subtest with an origin in a synctest bubble.
func inBubble(t *testing.T, name string, f func(*testing.T, *model.OriginProducer), opts ...model.OriginOption) {
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { f(t, model.NewOrigin(opts...)) })
	})
}

func TestFailover(t *testing.T) {
	inBubble(t, "16.5/73 reading goes on at the first missing group", func(t *testing.T, o *model.OriginProducer) {
		a, b := upstreamOf(t, o, "a", at(1), 0, 1), upstreamOf(t, o, "b", at(2), 0, 1, 2, 3)
		c := readerOf(t, o, model.Subscription{})
		wantGroups(t, c, "a0", "a1")
		a.lose(t)
		wantGroups(t, c, "b2", "b3")
		b.write(t, 4)
		wantGroups(t, c, "b4")
	})
	inBubble(t, "16.5/74 of every track", func(t *testing.T, o *model.OriginProducer) {
		tracks := func(route model.Route, group uint64) *model.BroadcastProducer {
			b := model.NewBroadcast(route)
			for i := range 5 {
				track := must(b.CreateTrack(strconv.Itoa(i), model.TrackInfo{}))
				g := must(track.CreateGroup(group))
				wantNil(t, g.Finish())
			}
			wantNil(t, o.PublishBroadcast("a", b.Consume()))
			return b
		}
		a := tracks(at(1), 0)
		tracks(at(2), 1)
		front := must(o.Consume().Request(bg, "a"))
		var readers []*model.TrackConsumer
		for i := range 5 {
			readers = append(readers, must(front.SubscribeTrack(strconv.Itoa(i), model.Subscription{})))
		}
		wantNil(t, a.Close())
		for _, c := range readers {
			want(t, "first", must(c.RecvGroup(bg)).Sequence(), 0)
			want(t, "from the other source", must(c.RecvGroup(bg)).Sequence(), 1)
		}
	})
	inBubble(t, "16.5/75 who follows the route hears of others only", func(t *testing.T, o *model.OriginProducer) {
		b := publish(t, o, "a", at(3))
		for _, c := range []*model.BroadcastConsumer{b.Consume(), must(o.Consume().Request(bg, "a"))} {
			b.SetRoute(at(3))
			r := c.Routes()
			want(t, "current", must(r.Next(bg)).Cost, 3)
			b.SetRoute(at(3))
			_, ok, err := r.TryNext()
			wantNil(t, err)
			want(t, "news", ok, false)
			next := later(func() { want(t, "next", must(r.Next(bg)).Cost, 4) })
			want(t, "early", next(), false)
			b.SetRoute(at(4))
			want(t, "told", next(), true)
		}
		r := b.Consume().Routes()
		wantNil(t, b.Close())
		_, err := r.Next(bg)
		wantErr(t, err, model.ErrDropped)
	})
	inBubble(t, "16.5/76 another price moves tracks at a group, and nobody is told of a new broadcast", func(t *testing.T, o *model.OriginProducer) {
		a, b := upstreamOf(t, o, "a", at(1), 0), upstreamOf(t, o, "b", at(2), 0, 1)
		watch := o.Consume().Announcements()
		wantEvents(t, watch, "+a")
		c := readerOf(t, o, model.Subscription{})
		b.b.SetRoute(at(0))
		a.write(t, 1)
		wantGroups(t, c, "a0", "b1")
		b.b.SetRoute(at(9))
		b.write(t, 2)
		a.write(t, 2)
		wantGroups(t, c, "a2")
		wantEvents(t, watch)
	})
	inBubble(t, "16.5/77 what is finished stays finished", func(t *testing.T, o *model.OriginProducer) {
		a := upstreamOf(t, o, "a", at(1), 0)
		front := must(o.Consume().Request(bg, "a"))
		c := must(front.SubscribeTrack("t", model.Subscription{}))
		wantNil(t, a.t.Finish())
		wantGroups(t, c, "a0")
		other := model.NewBroadcast(at(0))
		asked := other.Dynamic()
		wantNil(t, o.PublishBroadcast("a", other.Consume()))
		a.lose(t)
		other.SetRoute(at(7))
		late := must(front.SubscribeTrack("t", model.Subscription{}))
		wantGroups(t, late, "a0")
		wantEnd(t, late, eof)
		if r, ok, _ := asked.TryRequestedTrack(); ok {
			t.Errorf("the other source is asked for %q", r.Name())
		}
	})
	inBubble(t, "16.5/80 a refusal that comes too late does not matter", func(t *testing.T, o *model.OriginProducer) {
		stale := publish(t, o, "a", at(5))
		asked := stale.Dynamic()
		c := readerOf(t, o, model.Subscription{})
		r := must(asked.RequestedTrack(bg))
		upstreamOf(t, o, "b", at(1), 0)
		r.Reject(model.ErrUnauthorized)
		wantGroups(t, c, "b0")
		wantEnd(t, c, nil)
	})
	inBubble(t, "16.5/81 a better source takes over without a seam", func(t *testing.T, o *model.OriginProducer) {
		a := upstreamOf(t, o, "a", at(5), 0, 1)
		c := readerOf(t, o, model.Subscription{})
		open := must(a.t.AppendGroup())
		b := upstreamOf(t, o, "b", at(1), 1, 2)
		old, _ := a.t.Subscription()
		want(t, "the old source ends", old.End, model.At(2))
		b.write(t, 3)
		wantNil(t, open.WriteFrame(text("a2")))
		wantNil(t, open.Finish())
		for i, want := range []string{"a0", "a1", "a2", "b3"} {
			g := must(c.NextGroup(bg))
			if got := string(must(g.ReadFrame(bg)).Payload); got != want || g.Sequence() != uint64(i) {
				t.Errorf("group %d is %s, want %s", g.Sequence(), got, want)
			}
		}
	})
	inBubble(t, "16.5/93 what is announced comes before what is cheap", func(t *testing.T, o *model.OriginProducer) {
		b := publish(t, o, "a", at(9))
		publish(t, o, "a", model.Route{Hops: model.OriginList{1}, Offline: true})
		want(t, "announced", serving(o, "a", b), true)
	})
	inBubble(t, "16.5/94 a better source is no event", func(t *testing.T, o *model.OriginProducer) {
		publish(t, o, "a", at(9))
		watch := o.Consume().Announcements()
		wantEvents(t, watch, "+a")
		b := publish(t, o, "a", at(1))
		want(t, "better", serving(o, "a", b), true)
		wantEvents(t, watch)
	})
}

func TestRefusals(t *testing.T) {
	inBubble(t, "16.5/78 the only source's refusal is the answer, once", func(t *testing.T, o *model.OriginProducer) {
		b := publish(t, o, "a", at(1))
		asked := b.Dynamic()
		c := readerOf(t, o, model.Subscription{})
		must(asked.RequestedTrack(bg)).Reject(model.ErrUnauthorized)
		wantEnd(t, c, model.ErrUnauthorized)
		b.SetRoute(at(2)) // a reason to look again
		if _, ok, _ := asked.TryRequestedTrack(); ok {
			t.Error("asked again")
		}
	})
	inBubble(t, "16.5/79 a later reader asks again", func(t *testing.T, o *model.OriginProducer) {
		b := publish(t, o, "a", at(1))
		asked := b.Dynamic()
		c := readerOf(t, o, model.Subscription{})
		must(asked.RequestedTrack(bg)).Reject(model.ErrUnauthorized)
		wantEnd(t, c, model.ErrUnauthorized)
		again := readerOf(t, o, model.Subscription{})
		track := must(must(asked.RequestedTrack(bg)).Accept(model.TrackInfo{}))
		wantNil(t, track.WriteFrame(text("now")))
		wantGroups(t, again, "now")
	})
	inBubble(t, "16.5/105 a standby takes the tracks that it has", func(t *testing.T, o *model.OriginProducer) {
		a := upstreamOf(t, o, "a", at(5), 0)
		extra := must(a.b.CreateTrack("extra", model.TrackInfo{}))
		front := must(o.Consume().Request(bg, "a"))
		c, e := must(front.SubscribeTrack("t", model.Subscription{})), must(front.SubscribeTrack("extra", model.Subscription{}))
		b := upstreamOf(t, o, "b", at(1), 1)
		a.write(t, 1, 2)
		wantNil(t, extra.WriteFrame(text("extra")))
		wantGroups(t, c, "a0", "b1")
		wantGroups(t, e, "extra")
		b.write(t, 2)
		wantGroups(t, c, "b2")
	})
	inBubble(t, "16.5/106 a better source that refuses leaves the track where it is", func(t *testing.T, o *model.OriginProducer) {
		a := upstreamOf(t, o, "a", at(5), 0)
		c := readerOf(t, o, model.Subscription{})
		asked := publish(t, o, "a", at(1)).Dynamic()
		a.b.SetRoute(at(4)) // now that there is somebody to ask, look again
		must(asked.RequestedTrack(bg)).Reject(model.ErrNotFound)
		a.write(t, 1)
		wantGroups(t, c, "a0", "a1")
	})
	inBubble(t, "16.5/107 a copy that dies each time before it gives anything ends the track", func(t *testing.T, o *model.OriginProducer) {
		asked := publish(t, o, "a", at(1)).Dynamic()
		c := readerOf(t, o, model.Subscription{})
		times := 0
		for ; times < 10; times++ {
			r, ok, err := asked.TryRequestedTrack()
			wantNil(t, err)
			if !ok {
				break
			}
			must(r.Accept(model.TrackInfo{})).Abort(model.ErrTimeout)
			synctest.Wait()
		}
		want(t, "asked", times, 1)
		wantEnd(t, c, model.ErrTimeout)
	})
	inBubble(t, "16.5/108 a copy that gave something may die and be replaced, whatever happens between", func(t *testing.T, o *model.OriginProducer) {
		a := publish(t, o, "a", at(1))
		asked := a.Dynamic()
		c := readerOf(t, o, model.Subscription{})
		track := must(must(asked.RequestedTrack(bg)).Accept(model.TrackInfo{}))
		wantNil(t, track.WriteFrame(text("one")))
		for i := range uint64(5) { // nothing to do with the copy
			wantNil(t, c.Update(model.Subscription{Priority: uint8(i)}))
			a.SetRoute(at(i + 2))
		}
		track.Abort(model.ErrTimeout)
		again := must(must(asked.RequestedTrack(bg)).Accept(model.TrackInfo{}))
		must(again.CreateGroup(1))
		wantGroupNumbers(t, c, 0, 1)
	})
}

// wantGroupNumbers reads all groups that are there, which may be empty.
func wantGroupNumbers(t *testing.T, c *model.TrackConsumer, numbers ...uint64) {
	t.Helper()
	got, err := recvAll(c.TryRecvGroup)
	wantNil(t, err)
	if len(got) != len(numbers) {
		t.Errorf("groups %v, want %v", got, numbers)
		return
	}
	for i := range got {
		want(t, "group", got[i], numbers[i])
	}
}
