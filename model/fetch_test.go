package model_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/moqrx/moqrx/model"
)

func TestFetchMore(t *testing.T) {
	runFetch(t, "requests come in the order they were made", func(f fetchCase) {
		for _, seq := range []uint64{4, 2, 3} {
			fetchLater(f.c, seq, uint8(seq))
			synctest.Wait()
		}
		r := []*model.GroupRequest{f.request(4), f.request(2), f.request(3)}
		for _, r := range r {
			r.Reject(nil)
		}
	})
	runFetch(t, "a group that comes by itself answers the fetch", func(f fetchCase) {
		queued, taken := fetchLater(f.c, 1, 0), fetchLater(f.c, 0, 0)
		synctest.Wait()
		a, b := must(f.d.RequestedGroup(bg)), must(f.d.RequestedGroup(bg))
		create(f.T, f.p, 0, 1)
		for seq, got := range []func() (*model.GroupConsumer, error, bool){taken, queued} {
			g, err, ok := got()
			wantNil(f.T, err)
			want(f.T, "answered", ok && g.Sequence() == uint64(seq), true)
		}
		_, err := a.Accept()
		wantErr(f.T, err, model.ErrDuplicate)
		_, err = a.Accept()
		wantErr(f.T, err, model.ErrClosed)
		_, err = b.AcceptOnce()
		wantErr(f.T, err, model.ErrDuplicate)
	})
	runFetch(t, "a group that comes by itself takes the place of a fetched one", func(f fetchCase) {
		got := fetchLater(f.c, 0, 0)
		synctest.Wait()
		f.serve(f.request(0), "fetched")
		fetched, _, _ := got()
		g := must(f.p.AppendGroup())
		wantNil(f.T, g.WriteFrame(text("live")))
		seqs, _ := recvAll(f.c.TryRecvGroup)
		wantSeqs(f.T, "recv", seqs, 0)
		want(f.T, "fetched before", string(must(fetched.ReadFrame(bg)).Payload), "fetched")
		want(f.T, "cached", string(must(must(f.c.FetchGroup(bg, 0, 0)).ReadFrame(bg)).Payload), "live")
	})
	runFetch(t, "a group that is served once is not cached", func(f fetchCase) {
		got := fetchLater(f.c, 0, 0)
		synctest.Wait()
		g := must(f.request(0).AcceptOnce())
		wantNil(f.T, g.WriteFrame(text("once")))
		c, _, _ := got()
		want(f.T, "payload", string(must(c.ReadFrame(bg)).Payload), "once")
		wantSeqs(f.T, "cached", model.Cached(f.p))
		again := fetchLater(f.c, 0, 0)
		synctest.Wait()
		f.request(0).Reject(nil)
		f.fails("again", again, model.ErrCancel)
	})
	runFetch(t, "an aborted group can be fetched anew", func(f fetchCase) {
		must(f.p.AppendGroup()).Abort(model.ErrTimeout)
		got := fetchLater(f.c, 0, 0)
		synctest.Wait()
		f.serve(f.request(0), "new")
		g, err, _ := got()
		wantNil(f.T, err)
		want(f.T, "payload", string(must(g.ReadFrame(bg)).Payload), "new")
	})
	runFetch(t, "a request whose readers gave up", func(f fetchCase) {
		ctx, cancel := context.WithCancel(f.Context())
		fetch := func(seq uint64) func() bool {
			returned := later(func() {
				_, err := f.c.FetchGroup(ctx, seq, 0)
				wantErr(f.T, err, context.Canceled)
			})
			want(f.T, "returned early", returned(), false)
			return returned
		}
		one, two := fetch(1), fetch(2)
		r := f.request(1)
		unused := r.Unused()
		select {
		case <-unused:
			f.Error("unused while there is a reader")
		default:
		}
		cancel()
		want(f.T, "returned", one() && two(), true)
		<-unused
		<-r.Unused()
		f.noRequest() // the queued one is gone
		f.serve(r, "for those who come later")
		_ = must(f.c.FetchGroup(bg, 1, 0))
	})
	runFetch(t, "the priority is that of those who still wait", func(f fetchCase) {
		ctx, cancel := context.WithCancel(f.Context())
		urgent := later(func() {
			_, err := f.c.FetchGroup(ctx, 1, 9)
			wantErr(f.T, err, context.Canceled)
		})
		_ = fetchLater(f.c, 1, 4)
		synctest.Wait()
		r := f.request(1)
		want(f.T, "of both", r.Priority(), 9)
		cancel()
		want(f.T, "returned", urgent(), true)
		want(f.T, "of one", r.Priority(), 4)
		f.serve(r, "x")
	})
	runFetch(t, "a request that an end came before says so", func(f fetchCase) {
		got := fetchLater(f.c, 7, 0)
		synctest.Wait()
		r := f.request(7)
		wantNil(f.T, f.p.FinishAt(3))
		f.fails("fetch", got, model.ErrNotFound)
		_, err := r.Accept()
		wantErr(f.T, err, model.ErrNotFound)
		_, err = r.Accept()
		wantErr(f.T, err, model.ErrClosed)
	})
	runFetch(t, "a blocked fetch ends with its handle", func(f fetchCase) {
		got, clone := fetchLater(f.c, 1, 0), fetchLater(f.c.Clone(), 1, 0)
		synctest.Wait()
		wantNil(f.T, f.c.Close())
		f.fails("fetch", got, model.ErrClosed)
		_, _, ok := clone()
		want(f.T, "the clone's returned", ok, false)
		f.request(1).Reject(model.ErrTimeout)
		f.fails("the clone's", clone, model.ErrTimeout)
	})
	runFetch(t, "blocked handlers end with close and with their context", func(f fetchCase) {
		ctx, cancel := context.WithCancel(f.Context())
		second := f.d.Clone()
		one := later(func() {
			_, err := f.d.RequestedGroup(bg)
			wantErr(f.T, err, model.ErrClosed)
		})
		two := later(func() {
			_, err := second.RequestedGroup(ctx)
			wantErr(f.T, err, context.Canceled)
		})
		want(f.T, "returned early", one() || two(), false)
		wantNil(f.T, f.d.Close())
		cancel()
		want(f.T, "returned", one() && two(), true)
	})
	t.Run("16.15/261 a handler keeps a track whose publisher has left", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := newTrack(t)
			d := p.Dynamic()
			c := p.Consume(model.Subscription{})
			create(t, p, 0)
			wantNil(t, p.Close())
			wantNil(t, c.Err())
			want(t, "cached", must(c.RecvGroup(bg)).Sequence(), 0)
			f := fetchCase{t, p, c, d}
			got := fetchLater(c, 7, 0)
			synctest.Wait()
			f.serve(f.request(7), "served")
			_, err, _ := got()
			wantNil(t, err)
			wantNil(t, d.Close())
			_, err = c.RecvGroup(bg)
			wantErr(t, err, model.ErrDropped)
			_, _, err = p.Dynamic().TryRequestedGroup()
			wantErr(t, err, model.ErrDropped)
		})
	})
	runFetch(t, "who comes after the handler has left shares the request that it is at work on", func(f fetchCase) {
		for _, answer := range []func(*model.GroupRequest){
			func(r *model.GroupRequest) { r.Reject(model.ErrTimeout) },
			func(r *model.GroupRequest) { must(r.AcceptOnce()).Abort(nil) },
		} {
			d := f.p.Dynamic()
			_ = f.d.Close()
			first := fetchLater(f.c, 7, 1)
			_, _, _ = first()
			r := must(d.RequestedGroup(bg))
			wantNil(f.T, d.Close())
			second := fetchLater(f.c, 7, 9)
			_, _, ok := second()
			want(f.T, "returned early", ok, false)
			want(f.T, "priority", r.Priority(), 9)
			answer(r)
			_, err, _ := first()
			_, same, ok := second()
			want(f.T, "returned", ok, true)
			want(f.T, "error", same, err)
		}
	})
	t.Run("a fetch waits for a track to be accepted", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b := model.NewBroadcast(model.Route{})
			requests := b.Dynamic()
			c := must(b.Consume().SubscribeTrack("t", model.Subscription{}))
			got := fetchLater(c, 3, 0)
			_, _, ok := got()
			want(t, "returned early", ok, false)
			_ = must(must(requests.RequestedTrack(bg)).Accept(model.TrackInfo{}))
			_, err, ok := got()
			want(t, "returned", ok, true)
			wantErr(t, err, model.ErrNotFound)
		})
	})
	t.Run("a request for a track serves fetches before it is accepted", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b := model.NewBroadcast(model.Route{})
			requests := b.Dynamic()
			c := must(b.Consume().SubscribeTrack("t", model.Subscription{}))
			got := fetchLater(c, 3, 0)
			synctest.Wait()
			r := must(requests.RequestedTrack(bg))
			d := r.Dynamic()
			synctest.Wait()
			g := must(must(d.RequestedGroup(bg)).Accept())
			ts := model.Timestamp{Value: 3, Scale: model.Micros}
			wantNil(t, g.WriteFrame(model.Frame{Timestamp: ts}))
			served, err, _ := got()
			wantNil(t, err)
			want(t, "timestamp", must(served.ReadFrame(bg)).Timestamp, ts)
			_ = must(r.Accept(model.TrackInfo{Timescale: model.Seconds}))
			want(t, "cached", must(c.FetchGroup(bg, 3, 0)).IsClone(served), true)
			r.Reject(nil)
			wantNil(t, d.Close())
		})
	})
	t.Run("a finished track without handlers serves what it has", func(t *testing.T) {
		p := newTrack(t)
		wantNil(t, p.WriteFrame(text("x")))
		c := p.Consume(model.Subscription{})
		wantNil(t, p.FinishAt(3))
		wantNil(t, p.Close())
		_ = must(c.FetchGroup(bg, 0, 0))
		for _, seq := range []uint64{1, 3, model.MaxSequence + 1} {
			_, err := c.FetchGroup(bg, seq, 0)
			if want(t, fmt.Sprint(seq), err != nil, true); err != nil {
				wantErr(t, err, model.ErrNotFound)
			}
		}
	})
}
