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
}
