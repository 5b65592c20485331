package model_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/moqrx/moqrx/model"
)

// complete writes group A0 and ends the track.
func complete(t *testing.T, p *model.TrackProducer) {
	t.Helper()
	put(t, p, "A", 0)
	wantNil(t, p.Finish())
	wantNil(t, p.Close())
}

// A track of the same name that comes after the end of another one, read through an origin.
func TestSuccessor(t *testing.T) {
	run := func(name string, f func(t *testing.T, o *model.OriginProducer)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { f(t, newRelay()) })
		})
	}
	run("the publisher makes another one: who comes then gets that", func(t *testing.T, o *model.OriginProducer) {
		b := must(o.CreateBroadcast("a", hops(1)))
		p := must(b.CreateTrack("t", model.TrackInfo{}))
		c := watch(t, o, "t")
		complete(t, p)
		wantGroups(t, watch(t, o, "t"), eof, "A0")
		p = must(b.CreateTrack("t", model.TrackInfo{Timescale: 90000}))
		want(t, "timescale", must(must(must(o.Consume().Request(bg, "a")).Track("t")).Info(bg)).Timescale, 90000)
		next := watch(t, o, "t")
		put(t, p, "B", 0)
		wantGroups(t, next, nil, "B0")
		wantGroups(t, c, eof, "A0")
	})
	run("also for a neighbor", func(t *testing.T, o *model.OriginProducer) {
		b := must(o.CreateBroadcast("a", hops(1)))
		_ = must(o.CreateBroadcast("a", model.Route{Hops: model.OriginList{1, peer}, Cost: 9}))
		of := func() *model.TrackConsumer {
			return must(must(o.Consume().ForPeer(peer).Request(bg, "a")).SubscribeTrack("t", model.Subscription{}))
		}
		p := must(b.CreateTrack("t", model.TrackInfo{}))
		c := of()
		complete(t, p)
		wantGroups(t, c, eof, "A0")
		put(t, must(b.CreateTrack("t", model.TrackInfo{})), "B", 0)
		wantGroups(t, of(), nil, "B0")
	})
	run("also through two origins", func(t *testing.T, o *model.OriginProducer) {
		far := model.NewOrigin(model.WithOriginID(998))
		b := must(o.CreateBroadcast("a", hops(1)))
		wantNil(t, far.PublishBroadcast("a", must(o.Consume().Request(bg, "a"))))
		p := must(b.CreateTrack("t", model.TrackInfo{}))
		c := watch(t, far, "t")
		complete(t, p)
		wantGroups(t, c, eof, "A0")
		wantGroups(t, watch(t, far, "t"), eof, "A0")
		put(t, must(b.CreateTrack("t", model.TrackInfo{})), "B", 0)
		wantGroups(t, watch(t, far, "t"), nil, "B0")
	})
	run("of another source, when that is the one to read from now", func(t *testing.T, o *model.OriginProducer) {
		b := must(o.CreateBroadcast("a", hops(1)))
		p := must(b.CreateTrack("t", model.TrackInfo{}))
		first := watch(t, o, "t")
		complete(t, p)
		other := must(o.CreateBroadcast("a", hops(1, 2)))
		q := must(other.CreateTrack("t", model.TrackInfo{}))
		put(t, q, "B", 0)
		wantGroups(t, watch(t, o, "t"), eof, "A0")
		wantNil(t, b.Finish())
		wantGroups(t, watch(t, o, "t"), nil, "B0")
		wantGroups(t, first, eof, "A0")
	})
	run("a source that has to be asked is asked 30 s after the end, whoever reads", func(t *testing.T, _ *model.OriginProducer) {
		pool := model.NewCachePool(1 << 20)
		o := newRelay(model.WithCachePool(pool))
		a := attach(t, o, hops(1))
		first := watch(t, o, "t")
		p := a.accept("t")
		complete(t, p)
		for range 29 {
			time.Sleep(time.Second)
			c := watch(t, o, "t")
			wantGroups(t, c, eof, "A0")
			wantNil(t, c.Close())
		}
		noRequest(t, a.d)
		time.Sleep(time.Second)
		synctest.Wait()
		c := watch(t, o, "t")
		put(t, a.accept("t"), "B", 0)
		wantGroups(t, c, nil, "B0")
		wantGroups(t, first, eof, "A0")
		a.lose()
		want(t, "kept for the first reader", pool.Used() > 0, true)
		wantNil(t, first.Close())
		wantNil(t, c.Close())
		want(t, "bytes", pool.Used(), 0)
	})
}

// One track after another under one name, while readers come and go: nobody gets one that
// has been replaced, in two origins that are chained.
func TestSuccessorsUnderChurn(t *testing.T) {
	const tracks = 300
	one, two := newRelay(), model.NewOrigin(model.WithOriginID(998))
	b := must(one.CreateBroadcast("a", hops(1)))
	wantNil(t, two.PublishBroadcast("a", must(one.Consume().Request(bg, "a"))))
	var replacing sync.RWMutex // the end of one and the beginning of the next are one step
	var made uint64
	var readers sync.WaitGroup
	p := must(b.CreateTrack("t", model.TrackInfo{}))
	for i := range 8 {
		o := []*model.OriginProducer{one, two}[i%2]
		found := must(o.Consume().Request(bg, "a"))
		readers.Go(func() {
			for last := uint64(0); last < tracks; {
				replacing.RLock()
				least := made
				r, err := found.SubscribeTrack("t", model.Subscription{})
				replacing.RUnlock()
				wantNil(t, err)
				g, err := r.RecvGroup(bg)
				wantNil(t, err)
				if last = g.Sequence(); last < least {
					t.Errorf("track %d, after %d was made", last, least)
				}
				if last < tracks {
					_, err = r.RecvGroup(bg)
					wantErr(t, err, eof)
				}
				wantNil(t, r.Close())
			}
		})
	}
	for i := range uint64(tracks) {
		g := must(p.CreateGroup(i))
		wantNil(t, g.Finish())
		wantNil(t, p.Finish())
		replacing.Lock()
		wantNil(t, p.Close())
		p = must(b.CreateTrack("t", model.TrackInfo{}))
		made = i + 1
		replacing.Unlock()
	}
	g := must(p.CreateGroup(tracks))
	wantNil(t, g.Finish())
	readers.Wait()
	wantNil(t, p.Finish())
}
