package model_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/moqrx/moqrx/model"
)

// Corners of moving a track from one source to another.
func TestSplice(t *testing.T) {
	used := func(p *model.TrackProducer) bool {
		_, ok := p.Subscription()
		return ok
	}
	t.Run("after a copy dies another source is asked first, and its own when the table changes", func(t *testing.T) {
		o, a, c := spliced(t, 1, model.Subscription{})
		b := attach(t, o, hops(1, 2, 3, 4))
		a.tracks["t"].Abort(model.ErrTransport)
		noRequest(t, a.d)
		put(t, b.accept("t"), "B", 1)
		noRequest(t, a.d)
		b.b.SetRoute(model.Route{Hops: model.OriginList{1, 2, 3, 4}, Cost: 2})
		put(t, a.accept("t"), "A", 2)
		wantGroups(t, c, nil, "A0", "B1", "A2")
	})
	t.Run("a source that was asked and became worse is asked no more", func(t *testing.T) {
		o, a, c := spliced(t, 1, model.Subscription{})
		b := attach(t, o, hops(1))
		r := request(t, b.d, "t")
		b.b.SetRoute(model.Route{Hops: model.OriginList{1}, Cost: 9})
		<-r.Unused()
		put(t, a.tracks["t"], "A", 1)
		wantGroups(t, c, nil, "A0", "A1")
	})
	t.Run("the track ended while another source was asked", func(t *testing.T) {
		o, a, c := spliced(t, 1, model.Subscription{})
		b := attach(t, o, hops(1))
		r := request(t, b.d, "t")
		wantNil(t, a.tracks["t"].Finish())
		p := must(r.Accept(model.TrackInfo{}))
		want(t, "used", used(p), false)
		put(t, p, "B", 0, 1)
		wantGroups(t, c, eof, "A0")
	})
	t.Run("an end before what has come is after it", func(t *testing.T) {
		o, _, c := spliced(t, 4, model.Subscription{})
		p := attach(t, o, hops(1)).accept("t")
		put(t, p, "B", 0, 1)
		wantNil(t, p.Finish())
		total, _ := c.FinalSequence()
		want(t, "total", total, 4)
		wantGroups(t, c, eof, "A0", "A1", "A2", "A3")
	})
	t.Run("a request that was picked up can be answered after its source has left", func(t *testing.T) {
		for _, leave := range []func(*upstream){
			func(u *upstream) { wantNil(t, u.b.Finish()) }, (*upstream).leave,
		} {
			o := newRelay()
			a := attach(t, o, hops(1))
			c := watch(t, o, "t")
			r := request(t, a.d, "t")
			leave(a)
			p := must(r.Accept(model.TrackInfo{}))
			put(t, p, "A", 0)
			wantNil(t, p.Finish())
			wantNil(t, p.Close())
			wantGroups(t, c, eof, "A0")
		}
	})
	t.Run("one that nobody picked up fails with its source", func(t *testing.T) {
		o := newRelay()
		a := attach(t, o, hops(1))
		c := watch(t, o, "t")
		wantNil(t, a.b.Finish())
		wantGroups(t, c, model.ErrCancel)
	})
	t.Run("a track goes on to its own end when its source has left", func(t *testing.T) {
		o := newRelay()
		a := attach(t, o, hops(1))
		c := watch(t, o, "t")
		p := a.accept("t")
		wantNil(t, a.b.Finish())
		put(t, p, "A", 0)
		wantNil(t, p.Finish())
		wantNil(t, p.Close())
		wantGroups(t, c, eof, "A0")
		wantNil(t, c.Close())
	})
	t.Run("what an old source is asked for begins no later than it ends", func(t *testing.T) {
		o, a, _ := spliced(t, 2, model.Subscription{Start: model.At(9)})
		_ = must(a.tracks["t"].CreateGroup(2))
		attach(t, o, hops(1)).accept("t")
		s := wanted(t, a.tracks["t"])
		want(t, "start", s.Start, model.At(2))
		want(t, "end", s.End, model.At(2))
	})
	t.Run("others share a copy again that was left for a while", func(t *testing.T) {
		o, a, c := spliced(t, 1, model.Subscription{})
		wantNil(t, c.Close())
		watch(t, o, "t")
		subscribe(t, a.b.Consume(), "t")
		noRequest(t, a.d)
	})
	t.Run("a copy that dies while nobody reads is forgotten at once", func(t *testing.T) {
		o, a, c := spliced(t, 3, model.Subscription{})
		wantNil(t, c.Close())
		a.tracks["t"].Abort(model.ErrCancel)
		again := watch(t, o, "t")
		want(t, "the same", again.IsClone(c), false)
		put(t, a.accept("t"), "A", 2) // which the cancel had broken off
		wantGroups(t, again, nil, "A2")
	})
	t.Run("groups that the old source has left out may come as long as they are worth something", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			o, a, c := spliced(t, 1, model.Subscription{})
			p := a.tracks["t"]
			put(t, p, "A", 2)
			attach(t, o, hops(1)).accept("t")
			time.Sleep(3 * time.Second)
			synctest.Wait()
			want(t, "used", used(p), true)
			put(t, p, "A", 1)
			time.Sleep(time.Second + 1)
			synctest.Wait()
			want(t, "used when it has come", used(p), false)
			wantGroups(t, c, nil, "A0", "A2", "A1")
		})
		synctest.Test(t, func(t *testing.T) {
			o, a, _ := spliced(t, 1, model.Subscription{})
			p := a.tracks["t"]
			put(t, p, "A", 2)
			attach(t, o, hops(1)).accept("t")
			time.Sleep(model.DefaultMaxLatency + 2*time.Second)
			synctest.Wait()
			want(t, "used when it is too late", used(p), false)
		})
	})
	t.Run("what was fetched at the source is not for subscribers", func(t *testing.T) {
		o := newRelay()
		b := must(o.CreateBroadcast("a", hops(1)))
		p := must(b.CreateTrack("t", model.TrackInfo{}))
		d := p.Dynamic()
		put(t, p, "A", 9)
		fetched := make(chan error, 1)
		go func() {
			_, err := p.Consume(model.Subscription{}).FetchGroup(bg, 3, 0)
			fetched <- err
		}()
		g := must(must(d.RequestedGroup(bg)).Accept())
		wantNil(t, g.WriteFrame(text("A3")))
		wantNil(t, g.Finish())
		wantNil(t, <-fetched)
		c := watch(t, o, "t")
		wantGroups(t, c, nil, "A9")
		want(t, "by number", must(c.FetchGroup(bg, 3, 0)).Sequence(), 3)
	})
	t.Run("it goes on after what has come though the source in between gave nothing", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			o, a, c := spliced(t, 1, model.Subscription{})
			put(t, a.tracks["t"], "A", 5)
			wantGroups(t, c, nil, "A0", "A5")
			b := attach(t, o, hops(1))
			b.accept("t")
			time.Sleep(time.Minute) // what A left out does not come any more
			synctest.Wait()
			want(t, "sources", model.Segments(c), 1)
			a.lose()
			last := attach(t, o, hops(1, 2))
			b.lose()
			put(t, last.accept("t"), "C", 3, 4, 5, 6)
			wantGroups(t, c, nil, "C6")
		})
	})
}
