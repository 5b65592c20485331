package model_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/moqrx/moqrx/model"
)

// spliced is a reader of track "t" whose first source has written groups from 0 on.
func spliced(t *testing.T, groups int, s model.Subscription) (*model.OriginProducer, *upstream, *model.TrackConsumer) {
	t.Helper()
	o := newRelay(model.WithLinger(time.Hour))
	a := attach(t, o, hops(1, 2, 3))
	c := must(must(o.Consume().Request(bg, "a")).SubscribeTrack("t", s))
	p := a.accept("t")
	for i := range groups {
		put(t, p, "A", uint64(i))
	}
	return o, a, c
}

// wanted is what a source is asked for.
func wanted(t *testing.T, p *model.TrackProducer) model.Subscription {
	t.Helper()
	s, _ := p.Subscription()
	return s
}

func TestResume(t *testing.T) {
	none := model.Subscription{}
	t.Run("16.16/265 what the old source has from the boundary on is left out", func(t *testing.T) {
		o, a, c := spliced(t, 2, none)
		b := attach(t, o, hops(1))
		p := b.accept("t")
		put(t, a.tracks["t"], "A", 2, 3)
		put(t, p, "B", 2, 3)
		wantGroups(t, c, nil, "A0", "A1", "B2", "B3")
	})
	t.Run("the old source still brings what is missing below the boundary, and finishes what it began", func(t *testing.T) {
		o, a, c := spliced(t, 1, none)
		old := a.tracks["t"]
		open := must(old.CreateGroup(2))
		p := attach(t, o, hops(1)).accept("t")
		put(t, old, "A", 3, 1, 4)
		wantNil(t, open.WriteFrame(text("A2")))
		wantNil(t, open.Finish())
		wantGroups(t, c, nil, "A0", "A2", "A1")
		put(t, p, "B", 3, 4)
		wantGroups(t, c, nil, "B3", "B4")
	})
	t.Run("16.16/266 while no source lives, readers wait", func(t *testing.T) {
		o, a, c := spliced(t, 1, none)
		a.lose()
		wantGroups(t, c, nil, "A0")
		put(t, attach(t, o, hops(1)).accept("t"), "B", 1)
		wantGroups(t, c, nil, "B1")
	})
	t.Run("16.16/267 the boundary is one past the highest group seen", func(t *testing.T) {
		o, a, c := spliced(t, 2, none)
		put(t, a.tracks["t"], "A", 7)
		p := attach(t, o, hops(1)).accept("t")
		put(t, p, "B", 5, 7, 8)
		wantGroups(t, c, nil, "A0", "A1", "A7", "B8")
	})
	t.Run("16.16/268 a source that gave nothing is replaced without a boundary", func(t *testing.T) {
		o, a, c := spliced(t, 0, none)
		attach(t, o, hops(1, 2)).accept("t")
		p := attach(t, o, hops(1)).accept("t")
		want(t, "segments", model.Segments(c), 1)
		put(t, a.tracks["t"], "A", 4) // replaced: not taken any more
		put(t, p, "C", 0)
		wantGroups(t, c, nil, "C0")
		o, a, c = spliced(t, 0, none)
		a.leave()
		a.tracks["t"].Abort(model.ErrTransport)
		put(t, attach(t, o, hops(1)).accept("t"), "B", 0)
		wantGroups(t, c, nil, "B0")
	})
	t.Run("16.16/269 the end comes after the last source is read", func(t *testing.T) {
		o, _, c := spliced(t, 2, none)
		p := attach(t, o, hops(1)).accept("t")
		put(t, p, "B", 2)
		wantNil(t, p.FinishAt(4))
		wantGroups(t, c, nil, "A0", "A1", "B2")
		put(t, p, "B", 3)
		wantGroups(t, c, eof, "B3")
	})
	t.Run("16.16/270 asking for the total takes no group", func(t *testing.T) {
		_, a, c := spliced(t, 3, none)
		_, known := c.FinalSequence()
		want(t, "known early", known, false)
		changed := c.Wait()
		wantNil(t, a.tracks["t"].Finish())
		<-changed
		total, known := c.FinalSequence()
		want(t, "known", known, true)
		want(t, "total", total, 3)
		wantGroups(t, c, eof, "A0", "A1", "A2")
	})
	t.Run("16.16/271 a group that two sources have comes once", func(t *testing.T) {
		o, _, c := spliced(t, 2, none)
		p := attach(t, o, hops(1)).accept("t")
		put(t, p, "B", 1, 2)
		seqs, err := recvAll(c.TryNextGroup)
		wantNil(t, err)
		wantSeqs(t, "read", seqs, 0, 1, 2)
	})
	t.Run("16.16/272 from the live edge stays from the live edge", func(t *testing.T) {
		for _, groups := range []int{0, 3} {
			o, a, _ := spliced(t, groups, none)
			want(t, "first source", wanted(t, a.tracks["t"]).Start, model.GroupBound{})
			b := attach(t, o, hops(1))
			want(t, "asked", request(t, b.d, "t").Subscription().Start, model.GroupBound{})
			b = attach(t, o, hops(1))
			want(t, "spliced", wanted(t, b.accept("t")).Start, model.GroupBound{})
		}
	})
	t.Run("16.16/273 an explicit start becomes the first group that is missing", func(t *testing.T) {
		o, a, _ := spliced(t, 3, model.Subscription{Start: model.At(1)})
		want(t, "first source", wanted(t, a.tracks["t"]).Start, model.At(1))
		b := attach(t, o, hops(1))
		r := request(t, b.d, "t")
		want(t, "asked", r.Subscription().Start, model.At(3))
		put(t, a.tracks["t"], "A", 3, 4)
		want(t, "spliced", wanted(t, must(r.Accept(model.TrackInfo{}))).Start, model.At(5))
		o, _, _ = spliced(t, 3, model.Subscription{Start: model.At(9)})
		want(t, "later than that", wanted(t, attach(t, o, hops(1)).accept("t")).Start, model.At(9))
	})
	t.Run("16.16/275 a failure shows after what is there was read", func(t *testing.T) {
		o := newRelay()
		a := attach(t, o, hops(1))
		c := watch(t, o, "t")
		put(t, a.accept("t"), "A", 0, 1)
		a.lose()
		wantGroups(t, c, model.ErrTransport, "A0", "A1")
		_, err := c.RecvGroup(bg)
		wantErr(t, err, model.ErrTransport)
	})
	t.Run("what a failed track still has goes when its time is over", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			o := newRelay()
			a := attach(t, o, hops(1))
			c := watch(t, o, "t")
			put(t, a.accept("t"), "A", 0, 1)
			a.lose()
			time.Sleep(model.DefaultMaxLatency + 1)
			synctest.Wait()
			wantGroups(t, c, model.ErrTransport)
		})
	})
	t.Run("16.16/276 after one end another is none", func(t *testing.T) {
		_, a, c := spliced(t, 2, none)
		p := a.tracks["t"]
		wantNil(t, p.Finish())
		p.Abort(model.ErrTimeout)
		wantErr(t, p.Finish(), model.ErrTimeout)
		<-c.Closed()
		wantErr(t, c.Err(), eof)
		wantGroups(t, c, eof, "A0", "A1")
		o := newRelay()
		a = attach(t, o, hops(1))
		c = watch(t, o, "t")
		p = a.accept("t")
		put(t, p, "A", 0)
		a.lose()
		wantErr(t, p.Finish(), model.ErrTransport)
		wantGroups(t, c, model.ErrTransport, "A0")
	})
	t.Run("16.16/277 nobody writes any more: readers fail when they have read it all", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			o := newRelay()
			a := attach(t, o, hops(1))
			c := watch(t, o, "t")
			p := a.accept("t")
			put(t, p, "A", 0)
			closed := later(func() { <-c.Closed(); wantErr(t, c.Err(), model.ErrDropped) })
			want(t, "closed early", closed(), false)
			wantNil(t, p.Close())
			wantErr(t, request(t, a.d, "t").Close(), nil)
			want(t, "closed", closed(), true)
			_, known := c.FinalSequence()
			want(t, "total known", known, false)
			wantGroups(t, c, model.ErrDropped, "A0")
		})
	})
	t.Run("16.16/278 old sources are let go of, and who reads their groups reads on", func(t *testing.T) {
		o := newRelay()
		a := attach(t, o, hops(1, 2, 3, 4, 5, 6))
		c := watch(t, o, "t")
		first := must(a.accept("t").AppendGroup())
		held := must(c.RecvGroup(bg))
		wantNil(t, first.WriteFrame(text("one")))
		chain := hops(1, 2, 3, 4, 5)
		for i := range uint64(5) {
			p := attach(t, o, model.Route{Hops: chain.Hops[:5-i]}).accept("t")
			_ = must(p.CreateGroup(i + 1)) // stays open
			want(t, "segments", min(model.Segments(c), 4), min(int(i)+2, 3))
		}
		_, used := a.tracks["t"].Subscription()
		want(t, "the first is still asked for something", used, false)
		wantNil(t, first.WriteFrame(text("two")))
		frames, err := readFrames(held)
		wantNil(t, err)
		want(t, "frames of the first", len(frames), 2)
		seqs, err := recvAll(c.TryRecvGroup)
		wantNil(t, err)
		wantSeqs(t, "read", seqs, 1, 2, 3, 4, 5)
	})
	t.Run("16.16/279 after a release it begins anew, with lower numbers too", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			o, a, c := spliced(t, 9, none)
			wantNil(t, c.Close())
			time.Sleep(31 * time.Second)
			synctest.Wait()
			a.leave()
			b := attach(t, o, hops(1))
			c = watch(t, o, "t")
			put(t, b.accept("t"), "B", 2, 3)
			wantGroups(t, c, nil, "B2", "B3")
		})
	})
	t.Run("16.16/281 each of two changes of mind is seen", func(t *testing.T) {
		_, a, c := spliced(t, 0, none)
		p := a.tracks["t"]
		for _, priority := range []uint8{3, 9} {
			changed := p.SubscriptionChanged()
			wantNil(t, c.Update(model.Subscription{Priority: priority}))
			<-changed
			want(t, "priority", wanted(t, p).Priority, priority)
		}
	})
	t.Run("16.16/282 the latest group is one that was taken", func(t *testing.T) {
		o, a, c := spliced(t, 2, none)
		attach(t, o, hops(1)).accept("t")
		put(t, a.tracks["t"], "A", 50)
		latest, _ := c.Latest()
		want(t, "latest", latest, 1)
	})
	t.Run("the first source says what the track is like", func(t *testing.T) {
		o := newRelay()
		a := attach(t, o, hops(1, 2))
		c := watch(t, o, "t")
		_ = must(request(t, a.d, "t").Accept(model.TrackInfo{Priority: 4}))
		b := attach(t, o, hops(1))
		_ = must(request(t, b.d, "t").Accept(model.TrackInfo{Priority: 5}))
		want(t, "priority", must(c.Info(bg)).Priority, 4)
	})
}

// A segment whose source ends while a better one serves already is let go, with what the source has.
func TestEndedSegmentLetsGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pool := model.NewCachePool(0)
		o := newRelay(model.WithCachePool(pool))
		a := attach(t, o, hops(1, 2, 3))
		c := watch(t, o, "t")
		old := a.accept("t")
		put(t, old, "A", 0)
		open := must(old.CreateGroup(1))
		b := attach(t, o, hops(1))
		put(t, b.accept("t"), "B", 2)
		wantNil(t, old.Finish())
		wantNil(t, old.Close())
		wantNil(t, open.Finish())
		wantNil(t, open.Close())
		a.leave()
		b.lose()
		wantNil(t, c.Close())
		time.Sleep(time.Minute)
		want(t, "used", pool.Used(), 0)
		want(t, "tracks", pool.Listed(), 0)
	})
}
