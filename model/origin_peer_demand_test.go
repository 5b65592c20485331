package model_test

import (
	"testing"

	"github.com/moqrx/moqrx/model"
)

// onDemand serves path "a" on demand with a new broadcast.
func onDemand(t *testing.T, o *model.OriginProducer, r model.Route) *upstream {
	t.Helper()
	u := &upstream{t: t, b: model.NewBroadcast(r), tracks: map[string]*model.TrackProducer{}}
	u.d = u.b.Dynamic()
	serveOnDemand(t, o, u.b.Consume())
	return u
}

// serveOnDemand answers a request for path "a" with b.
func serveOnDemand(t *testing.T, o *model.OriginProducer, b *model.BroadcastConsumer) {
	t.Helper()
	d := o.Dynamic()
	asked := make(chan error, 1)
	go func() {
		_, err := o.Consume().Request(bg, "a")
		asked <- err
	}()
	wantNil(t, must(d.RequestedBroadcast(bg)).Accept(b))
	wantNil(t, <-asked)
}

func TestSplitHorizonOfWhatIsServedOnDemand(t *testing.T) {
	t.Run("a reader leaves when the route comes to run through it, the others stay", func(t *testing.T) {
		o := newRelay()
		u := onDemand(t, o, hops(1, 3))
		theirs, mine := watchAs(t, o, "t"), watch(t, o, "t")
		other := subscribe(t, must(o.Consume().ForPeer(8).Request(bg, "a")), "t")
		p := u.accept("t")
		put(t, p, "A", 0)
		changed := theirs.Wait()
		u.b.SetRoute(hops(1, peer, 3))
		<-changed
		put(t, p, "A", 1)
		wantGroups(t, theirs, model.ErrUnroutable)
		_, err := theirs.FetchGroup(bg, 0, 0)
		wantErr(t, err, model.ErrUnroutable)
		_, err = theirs.RecvDatagram(bg)
		wantErr(t, err, model.ErrUnroutable)
		wantGroups(t, mine, nil, "A0", "A1")
		wantGroups(t, other, nil, "A0", "A1")
	})
	t.Run("also one that waits", func(t *testing.T) {
		o := newRelay()
		u := onDemand(t, o, hops(1, 3))
		theirs := watchAs(t, o, "t")
		ended := make(chan error, 1)
		go func() {
			_, err := theirs.RecvGroup(bg)
			ended <- err
		}()
		u.b.SetRoute(hops(1, peer))
		wantErr(t, <-ended, model.ErrUnroutable)
		_, used := must(request(t, u.d, "t").Accept(model.TrackInfo{})).Subscription()
		want(t, "demand", used, false)
	})
	t.Run("also the reader of a track that was taken out of the broadcast", func(t *testing.T) {
		o := newRelay()
		u := onDemand(t, o, hops(1, 3))
		theirs := watchAs(t, o, "t")
		p := u.accept("t")
		wantNil(t, u.b.RemoveTrack("t"))
		u.b.SetRoute(hops(1, peer))
		put(t, p, "A", 0)
		wantGroups(t, theirs, model.ErrUnroutable)
	})
	t.Run("a handle from before finds nothing until the route is another", func(t *testing.T) {
		o := newRelay()
		u := onDemand(t, o, hops(1, 3))
		bound := must(o.Consume().ForPeer(peer).Request(bg, "a"))
		mine := watch(t, o, "t")
		p := u.accept("t")
		track := must(bound.Track("t"))
		_, known := track.TryInfo()
		want(t, "known", known, true)
		u.b.SetRoute(hops(1, peer))
		_, err := bound.SubscribeTrack("t", model.Subscription{})
		wantErr(t, err, model.ErrUnroutable)
		_, err = track.Subscribe(model.Subscription{})
		wantErr(t, err, model.ErrUnroutable)
		_, err = track.FetchGroup(bg, 0, 0)
		wantErr(t, err, model.ErrUnroutable)
		_, known = track.TryInfo()
		want(t, "known through the reader", known, false)
		_, err = o.Consume().ForPeer(peer).Request(bg, "a")
		wantErr(t, err, model.ErrUnroutable)
		u.b.SetRoute(hops(1, 4))
		put(t, p, "A", 0)
		wantGroups(t, subscribe(t, bound, "t"), nil, "A0")
		_ = must(o.Consume().ForPeer(peer).Request(bg, "a"))
		wantGroups(t, mine, nil, "A0")
	})
	t.Run("nor does a track that outlives the broadcast", func(t *testing.T) {
		o := newRelay()
		u := onDemand(t, o, hops(1, 3))
		bound := must(o.Consume().ForPeer(peer).Request(bg, "a"))
		watch(t, o, "t")
		put(t, u.accept("t"), "A", 0)
		track := must(bound.Track("t"))
		u.b.SetRoute(hops(1, peer))
		wantNil(t, u.b.Finish())
		_, err := track.Subscribe(model.Subscription{})
		wantErr(t, err, model.ErrUnroutable)
	})
	t.Run("what is served by several routes goes on by another", func(t *testing.T) {
		other := newRelay()
		attach(t, other, hops(1, peer))
		clean := attach(t, other, hops(1, 3, 4))
		o := newRelay()
		serveOnDemand(t, o, must(other.Consume().Request(bg, "a")))
		theirs := watchAs(t, o, "t")
		put(t, clean.accept("t"), "C", 0)
		wantGroups(t, theirs, nil, "C0")
		clean.b.SetRoute(hops(1, peer, 4))
		_, err := o.Consume().ForPeer(peer).Request(bg, "a")
		wantErr(t, err, model.ErrUnroutable)
		wantGroups(t, theirs, model.ErrUnroutable)
	})
}

func TestATrackOfAPathThatOutlivesItIsNotServedThroughTheReader(t *testing.T) {
	o := newRelay()
	u := attach(t, o, hops(1, 3))
	bound := must(o.Consume().ForPeer(peer).Request(bg, "a"))
	mine := watch(t, o, "t")
	p := u.accept("t")
	put(t, p, "A", 0)
	track := must(bound.Track("t"))
	u.b.SetRoute(hops(1, peer))
	u.leave()
	put(t, p, "A", 1)
	wantGroups(t, mine, nil, "A0", "A1")
	_, err := track.Subscribe(model.Subscription{})
	wantErr(t, err, model.ErrUnroutable)
}
