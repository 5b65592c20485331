package model_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/moqrx/moqrx/model"
)

// The neighbor that most tests are about.
const peer = 7

// watchAs subscribes to a track of path "a" for the neighbor.
func watchAs(t *testing.T, o *model.OriginProducer, name string) *model.TrackConsumer {
	t.Helper()
	return subscribe(t, must(o.Consume().ForPeer(peer).Request(bg, "a")), name)
}

func TestSplitHorizon(t *testing.T) {
	t.Run("16.5/109 who is on the active route is served by another, everybody else by it", func(t *testing.T) {
		o := newRelay()
		tainted, clean := attach(t, o, hops(1, peer)), attach(t, o, hops(1, 3, 4))
		mine, theirs := watch(t, o, "t"), watchAs(t, o, "t")
		put(t, tainted.accept("t"), "T", 0)
		put(t, clean.accept("t"), "C", 0)
		wantGroups(t, mine, nil, "T0")
		wantGroups(t, theirs, nil, "C0")
	})
	t.Run("16.5/110 every route runs through who asks", func(t *testing.T) {
		o := newRelay()
		attach(t, o, hops(1, peer))
		attach(t, o, hops(1, 3, peer))
		_, err := o.Consume().ForPeer(peer).Request(bg, "a")
		wantErr(t, err, model.ErrUnroutable)
		_ = must(o.Consume().ForPeer(8).Request(bg, "a"))
		_, err = o.Consume().ForPeer(8, 3, peer).Request(bg, "a")
		wantErr(t, err, model.ErrUnroutable)
		wantEvents(t, o.Consume().ForPeer(peer).Announcements())
		wantEvents(t, o.Consume().ForPeer(8).Announcements(), "+a")
	})
	t.Run("16.5/111 then no handler is asked", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			o := newRelay()
			d := o.Dynamic()
			attach(t, o, hops(1, peer))
			_, err := o.Consume().ForPeer(peer).Request(bg, "a")
			wantErr(t, err, model.ErrUnroutable)
			noDemand(t, d)
		})
	})
	t.Run("a broadcast made on demand is bound by it too", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			o := newRelay()
			d := o.Dynamic()
			result := ask(o, "a")
			wantNil(t, demand(t, d, "a").Accept(model.NewBroadcast(hops(1, peer)).Consume()))
			_, err, _ := result()
			wantNil(t, err)
			_, err = o.Consume().ForPeer(peer).Request(bg, "a")
			wantErr(t, err, model.ErrUnroutable)
		})
	})
	t.Run("16.5/112 when the clean route dies, the reader does not move to one through itself", func(t *testing.T) {
		o := newRelay()
		clean := attach(t, o, hops(1, 3))
		theirs, mine := watchAs(t, o, "t"), watch(t, o, "t")
		p := clean.accept("t")
		put(t, p, "C", 0)
		tainted := attach(t, o, hops(1, peer, 4)) // later: the reader shares the track so far
		clean.lose()
		put(t, tainted.accept("t"), "T", 1)
		wantGroups(t, mine, nil, "C0", "T1")
		wantGroups(t, theirs, model.ErrUnroutable)
		_, err := theirs.RecvGroup(bg)
		wantErr(t, err, model.ErrUnroutable)
		_, err = theirs.RecvDatagram(bg)
		wantErr(t, err, model.ErrUnroutable)
		_, err = theirs.FetchGroup(bg, 0, 0)
		wantErr(t, err, model.ErrUnroutable)
		_, _, err = theirs.TryFetchGroup(0)
		wantErr(t, err, model.ErrUnroutable)
		noRequest(t, tainted.d)
	})
	t.Run("and not when it was apart from the start", func(t *testing.T) {
		o := newRelay()
		tainted := attach(t, o, hops(1, peer, 4))
		clean := attach(t, o, hops(1, 3))
		theirs := watchAs(t, o, "t")
		put(t, clean.accept("t"), "C", 0)
		clean.lose()
		noRequest(t, tainted.d)
		wantGroups(t, theirs, model.ErrTransport, "C0")
	})
	t.Run("16.5/113 a cheaper route through the reader does not take it over", func(t *testing.T) {
		o := newRelay()
		clean := attach(t, o, model.Route{Hops: model.OriginList{1, 3}, Cost: 5})
		theirs := watchAs(t, o, "t")
		p := clean.accept("t")
		put(t, p, "C", 0)
		tainted := attach(t, o, hops(1, peer))
		noRequest(t, tainted.d)
		put(t, p, "C", 1)
		wantGroups(t, theirs, nil, "C0", "C1")
		wantNil(t, theirs.Close())
		watch(t, o, "t")
		want(t, "serves again without the guest", serving(o, "a", tainted.b), true)
	})
	t.Run("16.5/114 neither does the fall-back of one track", func(t *testing.T) {
		o := newRelay()
		clean, tainted := attach(t, o, hops(1, 3)), attach(t, o, hops(1, peer, 4))
		theirs := watchAs(t, o, "t")
		request(t, clean.d, "t").Reject(model.ErrTimeout)
		wantGroups(t, theirs, model.ErrTimeout)
		noRequest(t, tainted.d)
		mine := watch(t, o, "u")
		request(t, clean.d, "u").Reject(model.ErrTimeout)
		put(t, tainted.accept("u"), "T", 0)
		wantGroups(t, mine, nil, "T0")
	})
	t.Run("what is ready by a route through a guest is not seen by it", func(t *testing.T) {
		o := newRelay()
		clean := attach(t, o, hops(1, 3))
		theirs, mine := watchAs(t, o, "t"), watch(t, o, "t")
		put(t, clean.accept("t"), "C", 0)
		tainted := model.NewBroadcast(hops(1, peer, 4))
		put(t, must(tainted.CreateTrack("t", model.TrackInfo{})), "T", 1)
		seqs := 0
		changed := theirs.Wait()
		wantNil(t, o.PublishBroadcast("a", tainted.Consume()))
		clean.lose()
		<-changed
		for {
			_, ok, err := theirs.TryRecvGroup()
			if !ok {
				wantErr(t, err, model.ErrUnroutable)
				break
			}
			seqs++
		}
		want(t, "groups of the tainted route", max(seqs-1, 0), 0)
		wantGroups(t, mine, nil, "C0", "T1")
	})
	t.Run("a copy through the one who asks is not served to it, though its source has left", func(t *testing.T) {
		o := newRelay()
		tainted := attach(t, o, hops(1, peer))
		mine := watch(t, o, "t")
		put(t, tainted.accept("t"), "T", 0)
		clean := attach(t, o, hops(1, 3, 4))
		tainted.leave() // the track goes on
		request(t, clean.d, "t").Reject(model.ErrTimeout)
		put(t, tainted.tracks["t"], "T", 1)
		wantGroups(t, mine, nil, "T0", "T1")
		_, err := must(o.Consume().ForPeer(peer).Request(bg, "a")).SubscribeTrack("t", model.Subscription{})
		wantErr(t, err, model.ErrUnroutable)
	})
	t.Run("a route that comes to run through the reader is left", func(t *testing.T) {
		o := newRelay()
		a := attach(t, o, hops(1, 3))
		other := attach(t, o, hops(1, peer, 5)) // so that the reader is kept apart
		theirs := watchAs(t, o, "t")
		p := a.accept("t")
		put(t, p, "A", 0)
		a.b.SetRoute(hops(1, peer, 3))
		put(t, p, "A", 1)
		wantGroups(t, theirs, model.ErrUnroutable, "A0")
		noRequest(t, other.d)
	})
	t.Run("a guest leaves when the route of what it reads comes to run through it", func(t *testing.T) {
		o := newRelay()
		a := attach(t, o, hops(1, 3))
		theirs, mine := watchAs(t, o, "t"), watch(t, o, "t")
		p := a.accept("t")
		put(t, p, "A", 0)
		a.b.SetRoute(hops(1, peer, 3))
		put(t, p, "A", 1)
		wantGroups(t, mine, nil, "A0", "A1")
		_, _, err := theirs.TryRecvGroup()
		wantErr(t, err, model.ErrUnroutable)
	})
	t.Run("11.6 the best route for a neighbor is announced, and withdrawn when none is left", func(t *testing.T) {
		o := newRelay()
		news := o.Consume().ForPeer(peer).Announcements()
		clean := attach(t, o, hops(1, 3))
		wantEvents(t, news, "+a")
		tainted := attach(t, o, hops(1, peer))
		theirs := must(o.Consume().ForPeer(peer).Request(bg, "a"))
		want(t, "best for all", len(must(o.Consume().Request(bg, "a")).Route().Hops), 2)
		want(t, "best for the neighbor", theirs.Route().Hops[1], 3)
		wantNil(t, clean.b.Finish())
		wantEvents(t, news, "-a")
		attach(t, o, hops(1, 4, 5, 6))
		wantEvents(t, news, "+a")
		want(t, "and the next", theirs.Route().Hops[1], 4)
		tainted.leave()
		wantEvents(t, news)
	})
	t.Run("nothing is kept of a neighbor that reads no more", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			o := newRelay()
			attach(t, o, hops(1, peer))
			clean := attach(t, o, hops(1, 3, 4))
			theirs := watchAs(t, o, "t")
			clean.accept("t")
			want(t, "views", model.Views(o, "a"), 1)
			wantNil(t, theirs.Close())
			time.Sleep(31 * time.Second)
			synctest.Wait()
			want(t, "views", model.Views(o, "a"), 0)
		})
	})
}

func TestReflections(t *testing.T) {
	for _, c := range []struct {
		exposed string
		expose  func(o *model.OriginProducer) (end func() error)
	}{
		{"told", func(o *model.OriginProducer) func() error {
			return o.Consume().ForPeer(peer).Announcements().Close
		}},
		{"served", func(o *model.OriginProducer) func() error {
			return must(must(o.Consume().ForPeer(peer).Request(bg, "a")).SubscribeTrack("t", model.Subscription{})).Close
		}},
	} {
		t.Run("16.5/119 what comes back from a neighbor that was "+c.exposed+" cannot take the path", func(t *testing.T) {
			o := newRelay()
			own := attach(t, o, model.Route{})
			end := c.expose(o)
			news := o.Consume().Announcements()
			wantEvents(t, news, "+a")
			back := attach(t, o, hops(55, peer)) // without the hops before it
			wantEvents(t, news)
			want(t, "own", serving(o, "a", own.b), true)
			back.b.SetRoute(model.Route{Hops: model.OriginList{55, peer}, Cost: 3})
			want(t, "own, whatever the price", serving(o, "a", own.b), true)
			wantNil(t, end())
			attach(t, o, model.Route{Hops: model.OriginList{66}, Offline: true})
			own.leave()
			wantEvents(t, news, "-a", "+a")
			want(t, "when the own has ended", serving(o, "a", back.b), true)
		})
	}
	t.Run("nor from one that is kept apart", func(t *testing.T) {
		o := newRelay()
		attach(t, o, hops(1, peer))
		own := attach(t, o, hops(1))
		theirs := watchAs(t, o, "t")
		own.accept("t")
		attach(t, o, hops(55, peer))
		want(t, "own", serving(o, "a", own.b), true)
		wantNil(t, theirs.Close())
		late := attach(t, o, hops(56, peer))
		want(t, "when nobody is there to reflect", serving(o, "a", late.b), true)
	})
	t.Run("16.5/120 a rival through another neighbor takes it", func(t *testing.T) {
		o := newRelay()
		attach(t, o, model.Route{})
		defer o.Consume().ForPeer(peer).Announcements().Close()
		rival := attach(t, o, hops(55, 8))
		want(t, "rival", serving(o, "a", rival.b), true)
	})
}
