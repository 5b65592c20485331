package model_test

import (
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/moqrx/moqrx/model"
)

func wantInfo(t *testing.T, h *model.BroadcastTrack, priority uint8, known bool) {
	t.Helper()
	info, ok := h.TryInfo()
	want(t, "known", ok, known)
	want(t, "priority", info.Priority, priority)
}

// What a track is like can be had without being its reader, once it is known.
func TestTryInfo(t *testing.T) {
	info := model.TrackInfo{Priority: 6}
	t.Run("of a broadcast", func(t *testing.T) {
		b := model.NewBroadcast(model.Route{})
		d := b.Dynamic()
		h := must(b.Consume().Track("t"))
		wantInfo(t, h, 0, false)
		noRequest(t, d)
		must(h.Subscribe(model.Subscription{}))
		wantInfo(t, h, 0, false)
		p := must(request(t, d, "t").Accept(info))
		demand := p.SubscriptionChanged()
		wantInfo(t, h, 6, true)
		want(t, "priority", must(h.Info(bg)).Priority, 6)
		select {
		case <-demand:
			t.Error("it made a demand")
		default:
		}
		p.Abort(nil)
		wantInfo(t, h, 0, false)
	})
	t.Run("of a broadcast that has ended", func(t *testing.T) {
		b := model.NewBroadcast(model.Route{})
		p := must(b.CreateTrack("t", info))
		h := must(b.Consume().Track("t"))
		wantNil(t, b.Finish())
		wantInfo(t, h, 6, true)
		p.Abort(nil)
		wantInfo(t, h, 0, false)
	})
	t.Run("of a path with sources", func(t *testing.T) {
		o := newRelay()
		worse := model.NewBroadcast(model.Route{Hops: hops(1).Hops, Cost: 5})
		wantNil(t, o.PublishBroadcast("a", worse.Consume()))
		h := must(must(o.Consume().Request(bg, "a")).Track("t"))
		wantInfo(t, h, 0, false)
		p := must(worse.CreateTrack("t", info))
		wantInfo(t, h, 6, true)
		wantNil(t, p.Unused(bg))
		attach(t, o, hops(1)) // the better one, which does not know it yet
		wantInfo(t, h, 0, false)
	})
	t.Run("of a path that is fed from another origin", func(t *testing.T) {
		one := newRelay(model.WithMaxRetention(time.Second))
		two := model.NewOrigin(model.WithOriginID(998))
		b := must(one.CreateBroadcast("a", hops(1)))
		wantNil(t, two.PublishBroadcast("a", must(one.Consume().Request(bg, "a"))))
		h := must(must(two.Consume().Request(bg, "a")).Track("t"))
		wantInfo(t, h, 0, false)
		p := must(b.CreateTrack("t", info))
		wantInfo(t, h, 6, true)
		known, _ := h.TryInfo()
		want(t, "info", known, must(h.Info(bg)))
		want(t, "latency", known.MaxLatency, time.Second)
		wantNil(t, p.Unused(bg))
		wantNil(t, p.Finish())
		wantNil(t, p.Close())
		must(b.CreateTrack("t", model.TrackInfo{Priority: 7}))
		wantInfo(t, h, 7, true)
	})
	t.Run("nothing is left of the question", func(t *testing.T) {
		o := newRelay()
		_ = must(o.CreateBroadcast("a", hops(1)))
		_ = must(o.CreateBroadcast("a", model.Route{Hops: model.OriginList{1, peer}, Cost: 9}))
		h := must(must(o.Consume().ForPeer(peer).Request(bg, "a")).Track("t"))
		wantInfo(t, h, 0, false)
		want(t, "neighbors", model.Views(o, "a"), 0)
	})
}

// Nobody can come in between the look and the refusal.
func TestWithdraw(t *testing.T) {
	runFetch(t, "from a group that is waited for", func(f fetchCase) {
		got := fetchLater(f.c, 1, 0)
		synctest.Wait()
		r := f.request(1)
		want(f.T, "withdrawn", r.Withdraw(), false)
		f.serve(r, "one")
		want(f.T, "answered", r.Withdraw(), true)
		g, err, _ := got()
		wantNil(f.T, err)
		want(f.T, "sequence", g.Sequence(), 1)
	})
	runFetch(t, "from a group that nobody waits for", func(f fetchCase) {
		c := f.p.Consume(model.Subscription{})
		got := fetchLater(c, 1, 0)
		synctest.Wait()
		r := f.request(1)
		wantNil(f.T, c.Close())
		_, err, _ := got()
		wantErr(f.T, err, model.ErrClosed)
		want(f.T, "withdrawn", r.Withdraw(), true)
		want(f.T, "withdrawn", r.Withdraw(), true)
		_, err = r.Accept()
		wantErr(f.T, err, model.ErrClosed)
		fetchLater(f.c, 1, 0)
		synctest.Wait()
		f.request(1).Reject(nil) // a new one
	})
	runFetch(t, "from a group that came another way", func(f fetchCase) {
		fetchLater(f.c, 1, 0)
		synctest.Wait()
		r := f.request(1)
		create(f.T, f.p, 1)
		want(f.T, "needless", r.Withdraw(), true)
	})
}

// Groups do not wake who waits for datagrams, but the last one does.
func TestTheLastGroupEndsTheDatagrams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newTrack(t)
		c := p.Consume(model.Subscription{})
		var err error
		ended := later(func() { _, err = c.RecvDatagram(bg) })
		create(t, p, 0)
		wantNil(t, p.FinishAt(2))
		want(t, "ended early", ended(), false)
		create(t, p, 1)
		want(t, "ended", ended(), true)
		wantErr(t, err, io.EOF)
	})
}

func TestLatestGroup(t *testing.T) {
	runFetch(t, "is neither a datagram nor one that was fetched", func(f fetchCase) {
		latest := func(sequence uint64, some bool) {
			f.Helper()
			got, ok := f.c.LatestGroup()
			want(f.T, "some", ok, some)
			want(f.T, "sequence", got, sequence)
		}
		latest(0, false)
		wantNil(f.T, f.p.WriteDatagram(datagram(1)))
		latest(0, false)
		create(f.T, f.p, 4, 2)
		wantNil(f.T, f.p.WriteDatagram(datagram(9)))
		fetchLater(f.c, 7, 0)
		synctest.Wait()
		f.serve(f.request(7), "fetched")
		latest(4, true)
	})
}

func TestRefusedDatagramLeavesWhatWasFetched(t *testing.T) {
	runFetch(t, "at its sequence", func(f fetchCase) {
		create(f.T, f.p, 10)
		fetchLater(f.c, 3, 0)
		synctest.Wait()
		f.serve(f.request(3), "fetched")
		err := f.p.WriteDatagram(model.Datagram{Sequence: 3, Timestamp: model.Timestamp{Value: 1 << 61, Scale: 1}})
		wantErr(f.T, err, model.ErrTimestampMismatch)
		_, ok, err := f.c.TryFetchGroup(3)
		want(f.T, "still cached", ok, true)
		wantNil(f.T, err)
	})
}

func TestLiveEdge(t *testing.T) {
	edge := func(t *testing.T, c *model.TrackConsumer, sequence uint64, some bool) {
		t.Helper()
		got, ok := c.LiveEdge()
		want(t, "some", ok, some)
		want(t, "sequence", got, sequence)
	}
	t.Run("stays where it was when the reader joined", func(t *testing.T) {
		p := newTrack(t)
		early := p.Consume(model.Subscription{})
		create(t, p, 4, 2)
		late := p.Consume(model.Subscription{})
		create(t, p, 7)
		edge(t, early, 0, false)
		edge(t, early.Clone(), 0, false)
		edge(t, late, 4, true)
		edge(t, late.Clone(), 4, true)
	})
	t.Run("is that of the source for the first readers of a copy", func(t *testing.T) {
		o := newRelay()
		a := attach(t, o, hops(1))
		c := watch(t, o, "t")
		r := request(t, a.d, "t")
		edge(t, c, 0, false)
		p := must(r.Accept(model.TrackInfo{}))
		put(t, p, "A", 0, 1, 2)
		edge(t, c, 0, false)
		edge(t, watch(t, o, "t"), 2, true)

		second := newRelay() // which has the copy of the first
		wantNil(t, second.PublishBroadcast("a", must(o.Consume().Request(bg, "a"))))
		d := watch(t, second, "t")
		must(d.Info(bg))
		edge(t, d, 2, true)
		create(t, p, 9)
		edge(t, d, 2, true)
	})
}

func TestFloodOfDatagrams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newTrack(t)
		c := p.Consume(model.Subscription{})
		for range 10_000 {
			must(p.AppendDatagram(text("x")))
		}
		got, _ := datagrams(c)
		want(t, "kept", len(got), 8192)
		want(t, "first", got[0], 10_000-8192)
	})
}
