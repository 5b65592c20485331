package model_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/moqrx/moqrx/model"
)

// twoOrigins publishes one track at a path of two origins, and returns a reader in each.
func twoOrigins(t *testing.T, one, two []model.OriginOption) (track *model.TrackProducer, first, second *model.TrackConsumer) {
	t.Helper()
	b := model.NewBroadcast(model.Route{})
	track = must(b.CreateTrack("t", model.TrackInfo{MaxLatency: time.Minute}))
	read := func(opts []model.OriginOption) *model.TrackConsumer {
		o := model.NewOrigin(opts...)
		wantNil(t, o.PublishBroadcast("a", b.Consume()))
		c := must(must(o.Consume().Request(bg, "a")).SubscribeTrack("t", model.Subscription{}))
		t.Cleanup(func() {
			_ = c.Close()
			_ = o.Close()
		})
		return c
	}
	first, second = read(one), read(two)
	t.Cleanup(func() {
		_ = track.Finish()
		_ = track.Close()
		_ = b.Close()
	})
	return track, first, second
}

func TestGroupsOfTwoOrigins(t *testing.T) {
	bubble := func(name string, f func(*testing.T)) {
		t.Run(name, func(t *testing.T) { synctest.Test(t, f) })
	}
	bubble("the one that keeps groups for less does not take them from the other", func(t *testing.T) {
		track, short, long := twoOrigins(t, []model.OriginOption{model.WithMaxRetention(time.Second)}, nil)
		open := must(track.AppendGroup())
		wantNil(t, open.WriteFrame(text("kept")))
		inShort, inLong := must(short.RecvGroup(bg)), must(long.RecvGroup(bg))
		create(t, track, 1)
		time.Sleep(2 * time.Second)
		create(t, track, 2)
		wantSeqs(t, "in the first origin", model.CachedHere(short), 2)
		wantSeqs(t, "in the second", model.CachedHere(long), 0, 1, 2)
		want(t, "payload in the second", string(must(inLong.ReadFrame(bg)).Payload), "kept")
		want(t, "and for who read it in the first", string(must(inShort.ReadFrame(bg)).Payload), "kept")
		wantNil(t, open.WriteFrame(text("more")))

		time.Sleep(2 * time.Minute)
		create(t, track, 3)
		wantSeqs(t, "in the end", model.CachedHere(long), 3)
		wantErr(t, inLong.Err(), model.ErrOld)
		wantErr(t, open.WriteFrame(text("late")), model.ErrOld)
	})
	bubble("the one with the smaller budget neither", func(t *testing.T) {
		small, large := model.NewCachePool(4*kib), model.NewCachePool(100*kib)
		track, _, second := twoOrigins(t, []model.OriginOption{model.WithCachePool(small)}, []model.OriginOption{model.WithCachePool(large)})
		for range 50 {
			wantNil(t, track.WriteFrame(model.Frame{Payload: make([]byte, kib-overhead)}))
		}
		want(t, "groups in the second origin", len(model.CachedHere(second)), 50)
		if used := small.Used(); used > 6*kib {
			t.Errorf("%d bytes used in the first", used)
		}
		for range 200 {
			wantNil(t, track.WriteFrame(model.Frame{Payload: make([]byte, kib-overhead)}))
		}
		if used := large.Used(); used > 114*kib {
			t.Errorf("%d bytes used in the second", used)
		}
	})
	bubble("when both budgets are full, others help in both", func(t *testing.T) {
		one, two := model.NewCachePool(0), model.NewCachePool(0)
		silent := []*model.TrackProducer{poolCase{T: t, pool: one}.silent(20, kib), poolCase{T: t, pool: two}.silent(20, kib)}
		track, _, _ := twoOrigins(t, []model.OriginOption{model.WithCachePool(one), model.WithMaxRetention(time.Second)}, []model.OriginOption{model.WithCachePool(two)})
		for n := range 60 {
			time.Sleep(2 * time.Second) // so the first has the group before paid by the second
			wantNil(t, track.WriteFrame(model.Frame{Payload: make([]byte, kib-overhead)}))
			if n == 5 {
				one.Resize(1)
				two.Resize(1)
			}
		}
		for _, p := range silent {
			wantSeqs(t, "left of what is silent", model.Cached(p), 19)
			p.Abort(nil)
		}
	})
	bubble("nothing goes for a budget that it does not burden", func(t *testing.T) {
		free, full := model.NewCachePool(0), model.NewCachePool(10*kib)
		s, f := shared(free, full)
		for range 5 {
			pass(t, s, f, 100)
		}
		for range 50 {
			defer poolCase{T: t, pool: full}.silent(1, kib).Abort(nil)
		}
		want(t, "groups of the track that others pay for", len(model.Cached(f)), 5)
		for _, p := range []*model.TrackProducer{s, f} {
			p.Abort(nil)
		}
	})
	bubble("the live edge of one stays when the other has gone on", func(t *testing.T) {
		s, f := shared(nil, nil)
		pass(t, s, f, 100)
		time.Sleep(2 * time.Minute)
		create(t, s, 1)
		wantSeqs(t, "the other", model.Cached(s), 1)
		wantSeqs(t, "the one", model.Cached(f), 0)
	})
}

// The groups of a path are charged once and have to be paid once, however many tracks have them.
func TestBudgetOfSharedGroups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pool := model.NewCachePool(0)
		bounded := []model.OriginOption{model.WithCachePool(pool)}
		busy, _, _ := twoOrigins(t, bounded, bounded)
		quiet, _, _ := twoOrigins(t, bounded, bounded)
		for _, p := range []*model.TrackProducer{quiet, busy} {
			for range 500 {
				wantNil(t, p.WriteFrame(model.Frame{Payload: make([]byte, kib-overhead)}))
			}
			time.Sleep(time.Second)
		}
		pool.Resize(100 * kib)
		for n := range 1000 {
			wantNil(t, busy.WriteFrame(model.Frame{Payload: make([]byte, kib-overhead)}))
			if limit := int64(max(1001-n, 114)) * kib; pool.Used() > limit {
				t.Fatalf("%d bytes used after %d groups, at most %d", pool.Used(), n+1, limit)
			}
		}
	})
}
