package model_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/moqrx/moqrx/model"
)

// upstream is one source of path "a", with the tracks that it has accepted.
type upstream struct {
	t      *testing.T
	b      *model.BroadcastProducer
	d      *model.BroadcastDynamic
	tracks map[string]*model.TrackProducer
}

func attach(t *testing.T, o *model.OriginProducer, r model.Route) *upstream {
	t.Helper()
	u := &upstream{t: t, b: model.NewBroadcast(r), tracks: map[string]*model.TrackProducer{}}
	u.d = u.b.Dynamic()
	wantNil(t, o.PublishBroadcast("a", u.b.Consume()))
	return u
}

// accept serves the track that is asked for next.
func (u *upstream) accept(name string) *model.TrackProducer {
	u.t.Helper()
	p := must(request(u.t, u.d, name).Accept(model.TrackInfo{}))
	u.tracks[name] = p
	return p
}

// lose ends the source and its tracks, as a session does that fails.
func (u *upstream) lose() {
	for _, p := range u.tracks {
		p.Abort(model.ErrTransport)
	}
	u.b.Abort(model.ErrTransport)
	_ = u.d.Close()
	_ = u.b.Close()
}

// leave is lose without a word about why.
func (u *upstream) leave() {
	_ = u.d.Close()
	_ = u.b.Close()
}

// put writes groups of one frame that says who wrote it.
func put(t *testing.T, p *model.TrackProducer, who string, seqs ...uint64) {
	t.Helper()
	for _, seq := range seqs {
		g := must(p.CreateGroup(seq))
		wantNil(t, g.WriteFrame(text(fmt.Sprint(who, seq))))
		wantNil(t, g.Finish())
		wantNil(t, g.Close())
	}
}

// wantGroups takes what has arrived, written as put does.
func wantGroups(t *testing.T, c *model.TrackConsumer, end error, expect ...string) {
	t.Helper()
	var got []string
	for {
		g, ok, err := c.TryRecvGroup()
		if !ok {
			if !slices.Equal(got, expect) {
				t.Errorf("groups %q, want %q", got, expect)
			}
			wantErr(t, err, end)
			return
		}
		frames, err := readFrames(g)
		wantErr(t, err, eof)
		got = append(got, frames...)
	}
}

// watch subscribes to a track of path "a".
func watch(t *testing.T, o *model.OriginProducer, name string) *model.TrackConsumer {
	t.Helper()
	return subscribe(t, must(o.Consume().Request(bg, "a")), name)
}

func newRelay(opts ...model.OriginOption) *model.OriginProducer {
	return model.NewOrigin(append(opts, model.WithOriginID(999))...)
}

func TestFailover(t *testing.T) {
	t.Run("16.5/73 reading goes on at the first group that is missing", func(t *testing.T) {
		o := newRelay()
		a := attach(t, o, hops(1, 2))
		c := watch(t, o, "t")
		put(t, a.accept("t"), "A", 0, 1)
		b := attach(t, o, hops(1, 3, 4))
		noRequest(t, b.d) // it is longer
		a.lose()
		put(t, b.accept("t"), "B", 0, 1, 2, 3)
		wantGroups(t, c, nil, "A0", "A1", "B2", "B3")
	})
	t.Run("16.5/74 for every track", func(t *testing.T) {
		o := newRelay()
		a := attach(t, o, hops(1, 2))
		names := []string{"x", "y", "z"}
		readers := map[string]*model.TrackConsumer{}
		for _, name := range names {
			readers[name] = watch(t, o, name)
			put(t, a.accept(name), "A", 0)
		}
		b := attach(t, o, hops(1, 3, 4))
		a.lose()
		for range names {
			r, ok, err := b.d.TryRequestedTrack()
			wantNil(t, err)
			want(t, "asked", ok, true)
			put(t, must(r.Accept(model.TrackInfo{})), "B", 1)
		}
		for _, name := range names {
			wantGroups(t, readers[name], nil, "A0", "B1")
		}
	})
	t.Run("16.5/76 a new price moves live tracks at a group, and is no event", func(t *testing.T) {
		o := newRelay()
		news := o.Consume().Announcements()
		a := attach(t, o, model.Route{Hops: model.OriginList{1}, Cost: 1})
		b := attach(t, o, model.Route{Hops: model.OriginList{1, 2}, Cost: 2})
		wantEvents(t, news, "+a")
		c := watch(t, o, "t")
		put(t, a.accept("t"), "A", 0)
		b.b.SetRoute(model.Route{Hops: model.OriginList{1, 2}})
		p := b.accept("t")
		put(t, a.tracks["t"], "A", 1)
		put(t, p, "B", 1)
		wantGroups(t, c, nil, "A0", "B1")
		wantEvents(t, news)
	})
	t.Run("16.5/77 what is finished stays so, and nobody is asked again", func(t *testing.T) {
		o := newRelay()
		a := attach(t, o, hops(1, 2))
		c := watch(t, o, "t")
		p := a.accept("t")
		put(t, p, "A", 0)
		wantNil(t, p.Finish())
		b := attach(t, o, hops(1)) // better
		wantGroups(t, watch(t, o, "t"), eof, "A0")
		wantNil(t, p.Close())
		a.leave()
		wantGroups(t, watch(t, o, "t"), eof, "A0")
		wantGroups(t, c, eof, "A0")
		noRequest(t, b.d)
	})
	t.Run("16.5/78 the only source refuses: the error comes at once, and it is not asked again", func(t *testing.T) {
		o := newRelay()
		a := attach(t, o, hops(1))
		c := watch(t, o, "t")
		request(t, a.d, "t").Reject(model.ErrUnauthorized)
		wantGroups(t, c, model.ErrUnauthorized)
		noRequest(t, a.d)
	})
	t.Run("16.5/79 a later reader asks again", func(t *testing.T) {
		o := newRelay()
		a := attach(t, o, hops(1))
		watch(t, o, "t")
		request(t, a.d, "t").Reject(model.ErrUnauthorized)
		c := watch(t, o, "t")
		put(t, a.accept("t"), "A", 0)
		wantGroups(t, c, nil, "A0")
	})
	t.Run("16.5/80 a refusal that comes after a better route does not count", func(t *testing.T) {
		o := newRelay()
		a := attach(t, o, hops(1, 2))
		c := watch(t, o, "t")
		stale := request(t, a.d, "t")
		b := attach(t, o, hops(1))
		stale.Reject(model.ErrNotFound)
		wantGroups(t, c, nil)
		put(t, b.accept("t"), "B", 0)
		wantGroups(t, c, nil, "B0")
	})
	t.Run("16.5/81 a better source takes over at a boundary", func(t *testing.T) {
		o := newRelay()
		a := attach(t, o, hops(1, 2))
		c := watch(t, o, "t")
		p := a.accept("t")
		put(t, p, "A", 0, 1, 2)
		b := attach(t, o, hops(1))
		q := b.accept("t")
		agg, _ := p.Subscription()
		want(t, "used", agg.End, model.GroupBound{}) // every group is complete: nothing is wanted any more
		put(t, p, "A", 3)
		put(t, q, "B", 2, 3, 4)
		wantGroups(t, c, nil, "A0", "A1", "A2", "B3", "B4")
	})
	t.Run("the old source goes on with the group it has begun, and no further", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			o := newRelay()
			a := attach(t, o, hops(1, 2))
			c := watch(t, o, "t")
			p := a.accept("t")
			g := must(p.AppendGroup())
			b := attach(t, o, hops(1))
			b.accept("t")
			agg, used := p.Subscription()
			want(t, "old demand", used, true)
			want(t, "its end", agg.End, model.At(0))
			wantNil(t, g.WriteFrame(text("late")))
			time.Sleep(time.Minute)
			synctest.Wait()
			_, used = p.Subscription()
			want(t, "while the group is open", used, true)
			wantNil(t, g.Finish())
			time.Sleep(2 * time.Second)
			synctest.Wait()
			_, used = p.Subscription()
			want(t, "when it is complete", used, false)
			wantGroups(t, c, nil, "late")
		})
	})
	t.Run("16.5/94 a better source is no event", func(t *testing.T) {
		o := newRelay()
		news := o.Consume().Announcements()
		attach(t, o, hops(1, 2))
		wantEvents(t, news, "+a")
		b := attach(t, o, hops(1))
		wantEvents(t, news)
		want(t, "better", serving(o, "a", b.b), true)
	})
	t.Run("16.5/95 another publisher takes the path, and the old readers end", func(t *testing.T) {
		o := newRelay()
		news := o.Consume().Announcements()
		a := attach(t, o, hops(1))
		wantEvents(t, news, "+a")
		c := watch(t, o, "t")
		put(t, a.accept("t"), "A", 0)
		old := must(o.Consume().Request(bg, "a"))
		b := attach(t, o, hops(2, 3, 4))
		wantEvents(t, news, "-a", "+a")
		wantErr(t, old.Err(), model.ErrDropped)
		wantGroups(t, c, model.ErrDropped, "A0")
		noRequest(t, b.d)
		want(t, "the new one", serving(o, "a", b.b), true)
	})
	t.Run("16.5/100 a reconnect takes over what is read by the stale route at once", func(t *testing.T) {
		o := newRelay()
		a := attach(t, o, hops(1, 2))
		c := watch(t, o, "t")
		put(t, a.accept("t"), "A", 0)
		again := attach(t, o, hops(1, 2))
		put(t, again.accept("t"), "B", 1)
		wantGroups(t, c, nil, "A0", "B1")
	})
	t.Run("16.5/103 sources of one known publisher are spliced", func(t *testing.T) {
		o := newRelay()
		news := o.Consume().Announcements()
		a := attach(t, o, hops(7, 0))
		c := watch(t, o, "t")
		put(t, a.accept("t"), "A", 0)
		b := attach(t, o, hops(7, 0))
		put(t, b.accept("t"), "B", 1)
		wantEvents(t, news, "+a")
		wantGroups(t, c, nil, "A0", "B1")
	})
	t.Run("16.5/104 a local standby joins what a peer feeds, and the readers stay", func(t *testing.T) {
		o := newRelay()
		a := attach(t, o, hops(1, 2))
		c := watch(t, o, "t")
		put(t, a.accept("t"), "A", 0)
		local := must(o.CreateBroadcast("a", hops(1)))
		p := must(local.CreateTrack("other", model.TrackInfo{}))
		wantNil(t, p.WriteFrame(text("x")))
		put(t, a.tracks["t"], "A", 1)
		wantGroups(t, c, nil, "A0", "A1")
	})
	t.Run("16.5/105 only the tracks that the standby has move", func(t *testing.T) {
		o := newRelay()
		a := attach(t, o, hops(1, 2))
		x, y := watch(t, o, "x"), watch(t, o, "y")
		put(t, a.accept("x"), "A", 0)
		put(t, a.accept("y"), "A", 0)
		b := model.NewBroadcast(hops(1))
		p := must(b.CreateTrack("x", model.TrackInfo{}))
		wantNil(t, o.PublishBroadcast("a", b.Consume()))
		put(t, p, "B", 1)
		put(t, a.tracks["x"], "A", 1)
		put(t, a.tracks["y"], "A", 1)
		wantGroups(t, x, nil, "A0", "B1")
		wantGroups(t, y, nil, "A0", "A1")
	})
	t.Run("16.5/106 a standby that refuses leaves the track where it is", func(t *testing.T) {
		o := newRelay()
		a := attach(t, o, hops(1, 2))
		c := watch(t, o, "t")
		put(t, a.accept("t"), "A", 0)
		b := attach(t, o, hops(1))
		want(t, "serves the path", serving(o, "a", b.b), true)
		request(t, b.d, "t").Reject(model.ErrNotFound)
		put(t, a.tracks["t"], "A", 1)
		wantGroups(t, c, nil, "A0", "A1")
		noRequest(t, b.d)
	})
	t.Run("16.5/107 a copy that dies as soon as it is there ends the track", func(t *testing.T) {
		o := newRelay()
		a, b := attach(t, o, hops(1)), attach(t, o, hops(1, 2))
		c := watch(t, o, "t")
		a.accept("t").Abort(model.ErrTimeout)
		b.accept("t").Abort(model.ErrTransport)
		noRequest(t, a.d)
		noRequest(t, b.d)
		wantGroups(t, c, model.ErrTransport)
	})
	t.Run("16.5/108 one that has delivered is replaced, whatever happened in between", func(t *testing.T) {
		o := newRelay()
		a := attach(t, o, hops(1))
		c := watch(t, o, "t")
		p := a.accept("t")
		put(t, p, "A", 0)
		wantNil(t, c.Update(model.Subscription{Priority: 3}))
		b := attach(t, o, hops(1, 2))
		b.b.SetRoute(model.Route{Hops: model.OriginList{1, 2}, Cost: 7})
		b.leave()
		p.Abort(model.ErrTransport)
		wantGroups(t, c, nil, "A0")
		put(t, a.accept("t"), "A", 1)
		wantGroups(t, c, nil, "A1")
	})
	t.Run("the error of a copy outlives that nobody else has the track", func(t *testing.T) {
		o := newRelay()
		b := must(o.CreateBroadcast("a", hops(1)))
		p := must(b.CreateTrack("t", model.TrackInfo{}))
		c := watch(t, o, "t")
		put(t, p, "A", 0)
		p.Abort(model.ErrTimeout)
		wantGroups(t, c, model.ErrTimeout, "A0")
	})
	t.Run("16.5/121 a source that has ended but not left is passed over", func(t *testing.T) {
		o := newRelay(model.WithLinger(time.Hour))
		a := attach(t, o, hops(1))
		c := watch(t, o, "t") // still in the queue: it fails before the source is gone
		a.lose()
		wantGroups(t, c, nil)
		b := attach(t, o, hops(1, 2))
		put(t, b.accept("t"), "B", 0)
		wantGroups(t, c, nil, "B0")
	})
}
