package model_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/moqrx/moqrx/model"
)

// fetchLater starts a fetch in the bubble. Once it has returned, ok is true.
func fetchLater(c *model.TrackConsumer, seq uint64, priority uint8) func() (g *model.GroupConsumer, err error, ok bool) {
	var g *model.GroupConsumer
	var err error
	returned := later(func() { g, err = c.FetchGroup(bg, seq, priority) })
	return func() (*model.GroupConsumer, error, bool) {
		if !returned() {
			return nil, nil, false
		}
		return g, err, true
	}
}

// fetchCase is a track with a reader and a fetch handler, in a bubble.
type fetchCase struct {
	*testing.T
	p *model.TrackProducer
	c *model.TrackConsumer
	d *model.TrackDynamic
}

func runFetch(t *testing.T, name string, f func(fetchCase)) {
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := newTrack(t)
			f(fetchCase{t, p, p.Consume(model.Subscription{}), p.Dynamic()})
		})
	})
}

func (f fetchCase) request(seq uint64) *model.GroupRequest {
	f.Helper()
	r, ok, err := f.d.TryRequestedGroup()
	wantNil(f.T, err)
	if !ok || r.Sequence() != seq {
		f.Fatalf("request %+v, want one for group %d", r, seq)
	}
	return r
}

func (f fetchCase) noRequest() {
	f.Helper()
	_, ok, err := f.d.TryRequestedGroup()
	wantNil(f.T, err)
	want(f.T, "a request", ok, false)
}

func (f fetchCase) fails(what string, fetch func() (*model.GroupConsumer, error, bool), expect error) {
	f.Helper()
	_, err, ok := fetch()
	want(f.T, what+" returned", ok, true)
	wantErr(f.T, err, expect)
}

// serve answers a request with a group of one frame.
func (f fetchCase) serve(r *model.GroupRequest, payload string) {
	f.Helper()
	g := must(r.Accept())
	wantNil(f.T, g.WriteFrame(text(payload)))
	wantNil(f.T, g.Finish())
}

func TestFetch(t *testing.T) {
	runFetch(t, "16.12/203 a cached group is there at once", func(f fetchCase) {
		wantNil(f.T, f.p.WriteFrame(text("x")))
		g := must(f.c.FetchGroup(bg, 0, 1))
		want(f.T, "payload", string(must(g.ReadFrame(bg)).Payload), "x")
		_, ok, err := f.c.TryFetchGroup(0)
		want(f.T, "by try", ok, true)
		wantNil(f.T, err)
		f.noRequest()
	})
	runFetch(t, "16.12/204 what is not cached is asked of the handler", func(f fetchCase) {
		_, ok, err := f.c.TryFetchGroup(3)
		want(f.T, "try asks", ok, false)
		wantNil(f.T, err)
		f.noRequest()
		got := fetchLater(f.c, 3, 7)
		_, _, ok = got()
		want(f.T, "returned early", ok, false)
		r := f.request(3)
		want(f.T, "priority", r.Priority(), 7)
		f.serve(r, "made")
		g, err, _ := got()
		wantNil(f.T, err)
		want(f.T, "payload", string(must(g.ReadFrame(bg)).Payload), "made")
		want(f.T, "cached", must(f.c.FetchGroup(bg, 3, 0)).IsClone(g), true)
		f.noRequest()
	})
	runFetch(t, "16.12/205 without a handler it is not found", func(f fetchCase) {
		wantNil(f.T, f.d.Close())
		_, err := f.c.FetchGroup(bg, 3, 0)
		wantErr(f.T, err, model.ErrNotFound)
		_, _, err = f.c.TryFetchGroup(3)
		wantErr(f.T, err, model.ErrNotFound)
	})
	runFetch(t, "16.12/206 nothing is at or after the end", func(f fetchCase) {
		pending := fetchLater(f.c, 5, 0)
		below := fetchLater(f.c, 1, 0)
		synctest.Wait()
		wantNil(f.T, f.p.FinishAt(2))
		f.fails("a pending fetch", pending, model.ErrNotFound)
		_, err := f.c.FetchGroup(bg, 2, 0)
		wantErr(f.T, err, model.ErrNotFound)
		f.serve(f.request(1), "below")
		f.noRequest()
		_, err, _ = below()
		wantNil(f.T, err)
	})
	runFetch(t, "16.12/207 a refusal reaches who asked, and the next one asks again", func(f fetchCase) {
		got := fetchLater(f.c, 3, 0)
		synctest.Wait()
		r := f.request(3)
		r.Reject(model.ErrTimeout)
		r.Reject(model.ErrOld) // the first one counts
		f.fails("fetch", got, model.ErrTimeout)
		_, err := r.Accept()
		wantErr(f.T, err, model.ErrClosed)
		again := fetchLater(f.c, 3, 0)
		synctest.Wait()
		f.serve(f.request(3), "now")
		_, err, _ = again()
		wantNil(f.T, err)
	})
	runFetch(t, "16.12/208 a request that is let go fails", func(f fetchCase) {
		got := fetchLater(f.c, 3, 0)
		synctest.Wait()
		r := f.request(3)
		wantNil(f.T, r.Close())
		wantNil(f.T, r.Close())
		f.fails("fetch", got, model.ErrDropped)
	})
	runFetch(t, "16.12/209 two fetches of one group are one request of the higher priority", func(f fetchCase) {
		one, two := fetchLater(f.c, 3, 4), fetchLater(f.c.Clone(), 3, 9)
		synctest.Wait()
		r := f.request(3)
		want(f.T, "priority", r.Priority(), 9)
		three := fetchLater(f.c, 3, 200)
		synctest.Wait()
		want(f.T, "priority of a late one", r.Priority(), 200)
		f.noRequest()
		f.serve(r, "x")
		for _, got := range []func() (*model.GroupConsumer, error, bool){one, two, three} {
			g, err, _ := got()
			wantNil(f.T, err)
			want(f.T, "payload", string(must(g.ReadFrame(bg)).Payload), "x")
		}
	})
	runFetch(t, "16.12/210 a refusal reaches all who share a request", func(f fetchCase) {
		one, two := fetchLater(f.c, 3, 4), fetchLater(f.c, 3, 9)
		synctest.Wait()
		f.request(3).Reject(model.ErrUnauthorized)
		f.fails("one", one, model.ErrUnauthorized)
		f.fails("two", two, model.ErrUnauthorized)
	})
	runFetch(t, "16.12/211 the last handler to leave fails what is queued", func(f fetchCase) {
		taken, queued := fetchLater(f.c, 1, 0), func() func() (*model.GroupConsumer, error, bool) {
			synctest.Wait()
			return fetchLater(f.c, 2, 0)
		}()
		synctest.Wait()
		second := f.d.Clone()
		r := f.request(1)
		wantNil(f.T, f.d.Close())
		wantNil(f.T, f.d.Close())
		_, _, ok := queued()
		want(f.T, "failed while there is a handler", ok, false)
		wantNil(f.T, second.Close())
		f.fails("queued", queued, model.ErrNotFound)
		f.serve(r, "still")
		_, err, _ := taken()
		wantNil(f.T, err)
		_, _, err = f.d.TryRequestedGroup()
		wantErr(f.T, err, model.ErrClosed)
		_, _, err = f.d.Clone().TryRequestedGroup()
		wantErr(f.T, err, model.ErrClosed)
	})
	runFetch(t, "16.12/212 fetches fail with their track", func(f fetchCase) {
		queued, taken := fetchLater(f.c, 1, 0), fetchLater(f.c, 2, 0)
		synctest.Wait()
		first := must(f.d.RequestedGroup(bg))
		blocked := later(func() {
			_ = must(f.d.RequestedGroup(bg))
			_, err := f.d.RequestedGroup(bg)
			wantErr(f.T, err, model.ErrTimeout)
		})
		want(f.T, "handler returned early", blocked(), false)
		f.p.Abort(model.ErrTimeout)
		f.fails("queued", queued, model.ErrTimeout)
		f.fails("taken", taken, model.ErrTimeout)
		want(f.T, "handler returned", blocked(), true)
		_, err := first.Accept()
		wantErr(f.T, err, model.ErrTimeout)
		_, err = f.c.FetchGroup(bg, 1, 0)
		wantErr(f.T, err, model.ErrTimeout)
	})
	runFetch(t, "16.12/213 subscribers never see what was fetched", func(f fetchCase) {
		create(f.T, f.p, 5)
		got := fetchLater(f.c, 2, 0)
		synctest.Wait()
		f.serve(f.request(2), "old")
		_, err, _ := got()
		wantNil(f.T, err)
		create(f.T, f.p, 6)
		for _, c := range []*model.TrackConsumer{f.c, f.p.Consume(model.Subscription{})} {
			seqs, _ := recvAll(c.TryRecvGroup)
			wantSeqs(f.T, "recv", seqs, 5, 6)
			seqs, _ = recvAll(c.TryNextGroup)
			wantSeqs(f.T, "next", seqs, 5, 6)
		}
		_, ok, err := f.p.Consume(model.Subscription{}).TryReadFrame()
		want(f.T, "a frame of it", ok, false)
		wantNil(f.T, err)
		want(f.T, "by number", must(f.c.GetGroup(bg, 2)).Sequence(), 2)
	})
	runFetch(t, "16.12/214 what was evicted can be fetched anew", func(f fetchCase) {
		create(f.T, f.p, 0, 1)
		time.Sleep(time.Minute)
		create(f.T, f.p, 2)
		got := fetchLater(f.c, 0, 0)
		synctest.Wait()
		f.serve(f.request(0), "again")
		g, err, _ := got()
		wantNil(f.T, err)
		want(f.T, "payload", string(must(g.ReadFrame(bg)).Payload), "again")
		seqs, _ := recvAll(f.c.TryRecvGroup)
		wantSeqs(f.T, "subscribers see", seqs, 2)
	})
}
