package model_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/moqrx/moqrx/model"
)

// Sources of one path come, deliver a little and go, all at once, while readers of all
// kinds follow: each sees every group once, in order, and everybody gets to the end.
func TestConcurrentFailover(t *testing.T) {
	one, two := newRelay(), model.NewOrigin(model.WithOriginID(998))
	var next atomic.Uint64
	var sources, readers sync.WaitGroup
	base := must(one.CreateBroadcast("a", model.Route{Hops: model.OriginList{1}, Cost: 100}))
	last := must(base.CreateTrack("t", model.TrackInfo{}))
	done, stop := context.WithCancel(bg)
	for w := range uint64(4) {
		sources.Go(func() {
			for i := range 60 {
				b, err := one.CreateBroadcast("a", model.Route{Hops: model.OriginList{1, model.OriginID(w) + 2}, Cost: uint64(i % 7)})
				wantNil(t, err)
				p := must(b.CreateTrack("t", model.TrackInfo{}))
				for range 5 {
					if g, err := p.CreateGroup(next.Add(1)); err == nil {
						wantNil(t, g.Finish())
					}
				}
				b.SetRoute(model.Route{Hops: model.OriginList{1, peer}, Cost: uint64(i % 3)})
				switch i % 3 {
				case 0:
					p.Abort(model.ErrTransport)
				case 1:
					wantNil(t, b.Finish())
				}
				wantNil(t, p.Close())
				wantNil(t, b.Close())
			}
		})
	}
	wantNil(t, two.PublishBroadcast("z", must(one.Consume().Announced(bg, "a"))))
	for i := range 12 {
		c, path := one.Consume(), model.Path("a")
		switch i % 3 {
		case 1:
			c = c.ForPeer(peer)
		case 2:
			c, path = two.Consume(), "z"
		}
		readers.Go(func() {
			for done.Err() == nil {
				follow(done, t, c, path)
			}
		})
	}
	for range 2 { // rings, from both sides
		sources.Go(func() {
			for range 200 {
				_ = one.PublishBroadcast("ring", must(two.Consume().Announced(bg, "z")))
				if r, err := one.Consume().Request(bg, "ring"); err == nil {
					_ = two.PublishBroadcast("z", r)
				}
			}
		})
	}
	sources.Wait()
	g := must(last.CreateGroup(next.Add(1)))
	wantNil(t, g.Finish())
	stop()
	readers.Wait()
	c := watch(t, one, "t")
	for {
		g := must(c.RecvGroup(bg))
		if g.Sequence() == next.Load() {
			break
		}
	}
}

// follow reads a track until it fails, which it may, or until the end of the test.
func follow(done context.Context, t *testing.T, c *model.OriginConsumer, path model.Path) {
	b, err := c.Request(done, path)
	if err != nil {
		return
	}
	r, err := b.SubscribeTrack("t", model.Subscription{})
	if err != nil {
		return
	}
	defer r.Close()
	seen := map[uint64]bool{}
	for {
		g, err := r.RecvGroup(done)
		if err != nil {
			return
		}
		if seen[g.Sequence()] {
			t.Errorf("group %d twice", g.Sequence())
		}
		seen[g.Sequence()] = true
	}
}
