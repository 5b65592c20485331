package model_test

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/moqrx/moqrx/model"
	"pgregory.net/rapid"
)

// silent makes a track of groups that cost so much each, and writes no more.
func (c poolCase) silent(groups, cost int) *model.TrackProducer {
	c.Helper()
	b := model.NewBroadcastIn(c.pool, 0)
	p := must(b.CreateTrack("silent", model.TrackInfo{MaxLatency: time.Hour}))
	for range groups {
		wantNil(c.T, p.WriteFrame(model.Frame{Payload: make([]byte, cost-overhead)}))
	}
	return p
}

// wantUsed is the bound that CachePool documents: an eighth above the budget, and what is exempt.
func (c poolCase) wantUsed(what string, budget, exempt int64) {
	c.Helper()
	if used := c.pool.Used(); used > budget+budget/8+exempt {
		c.Fatalf("%s: %d bytes used of %d, %d of them exempt", what, used, budget, exempt)
	}
}

func TestPoolBudgetHolds(t *testing.T) {
	const tick = 100 * time.Millisecond
	runPool(t, "a catalog that was written once does not protect what is newer", 1<<20, func(c poolCase) {
		catalog := c.silent(1, kib)
		defer catalog.Abort(nil)
		time.Sleep(time.Hour)
		for range 1000 {
			c.write(12 * kib)
			time.Sleep(tick)
			if used := c.pool.Used(); used > 1<<20+14*kib { // not even by an eighth
				c.Fatalf("%d bytes used", used)
			}
		}
		wantSeqs(c.T, "the catalog", model.Cached(catalog), 0)
	})
	runPool(t, "a finished catalog of two groups neither", 1<<20, func(c poolCase) {
		catalog := c.silent(2, kib)
		defer catalog.Abort(nil)
		time.Sleep(10 * time.Minute)
		for range 1000 {
			c.write(12 * kib)
			time.Sleep(tick)
			c.wantUsed("while writing", 1<<20, 14*kib)
		}
		wantSeqs(c.T, "what is left of the catalog", model.Cached(catalog), 1)
	})
	runPool(t, "the groups of silent tracks go before those of the one that writes", 200*kib, func(c poolCase) {
		var silent []*model.TrackProducer
		for range 10 {
			silent = append(silent, c.silent(5, 4*kib))
		}
		time.Sleep(time.Minute)
		for range 10 {
			c.write(10 * kib)
			time.Sleep(tick)
		}
		c.wantUsed("after as much again", 200*kib, 10*kib)
		c.wantCached("the one that writes keeps all", 0, 1, 2, 3, 4, 5, 6, 7, 8, 9)
		for range 1000 {
			c.write(10 * kib)
			time.Sleep(tick)
			c.wantUsed("later", 200*kib, 10*kib)
		}
		for _, p := range silent {
			wantSeqs(c.T, "left", model.Cached(p), 4)
			p.Abort(nil)
		}
	})
	runPool(t, "a track that has nothing to let go has the others pay", 100*kib, func(c poolCase) {
		silent := c.silent(100, kib)
		defer silent.Abort(nil)
		time.Sleep(time.Second)
		for i := range 100 { // each of its own track
			p := must(c.b.CreateTrack(strconv.Itoa(i), model.TrackInfo{MaxLatency: time.Hour}))
			defer p.Abort(nil)
			wantNil(c.T, p.WriteFrame(model.Frame{Payload: make([]byte, kib-overhead)}))
			c.wantUsed("while there is something to let go", 100*kib, kib)
		}
		wantSeqs(c.T, "left", model.Cached(silent), 99)
		want(c.T, "tracks to be asked again", c.pool.Listed(), 0)
	})
	runPool(t, "no more is let go than twice what is too much now", 100*kib, func(c poolCase) {
		edge, silent := c.silent(1, 90*kib), c.silent(10, kib)
		large := c.silent(1, 1<<20)
		want(c.T, "left for a large debt", len(model.Cached(silent)), 6)
		large.Abort(nil)
		more := c.silent(1, 5*kib)
		want(c.T, "left for a small one", len(model.Cached(silent)), 4)
		for _, p := range []*model.TrackProducer{edge, silent, more} {
			p.Abort(nil)
		}
	})
	runPool(t, "live edges stay, and nothing else", 10*kib, func(c poolCase) {
		var edges []*model.TrackProducer
		for range 100 {
			edges = append(edges, c.silent(1, kib))
		}
		want(c.T, "only live edges", c.pool.Used(), 100*kib)
		for range 50 {
			c.write(kib)
			c.wantUsed("one of them writes on", 10*kib, 102*kib)
		}
		for _, p := range edges {
			wantSeqs(c.T, "cached", model.Cached(p), 0)
			p.Abort(nil)
		}
	})
	runPool(t, "of many tracks that write by turns, only the live edges stay", 100*kib, func(c poolCase) {
		tracks := make([]*model.TrackProducer, 200)
		for i := range tracks {
			tracks[i] = c.silent(0, 0)
			defer tracks[i].Abort(nil)
		}
		for range 20 {
			for _, p := range tracks {
				wantNil(c.T, p.WriteFrame(model.Frame{Payload: make([]byte, 10*kib-overhead)}))
				c.wantUsed("by turns", 100*kib, 200*10*kib+20*kib)
			}
			time.Sleep(tick)
		}
	})
	runPool(t, "groups that are small and old do not protect those that are large", 1<<20, func(c poolCase) {
		silent := make([]*model.TrackProducer, 10)
		for i := range silent {
			silent[i] = c.silent(100, overhead)
			defer silent[i].Abort(nil)
		}
		time.Sleep(time.Minute)
		reader := c.p.Consume(model.Subscription{})
		for range 100 {
			c.write(100 * kib)
			time.Sleep(tick)
			_ = must(reader.GetGroup(bg, 0))
			c.wantUsed("while writing", 1<<20, 200*kib)
		}
		want(c.T, "the oldest, asked for again and again", model.Cached(c.p)[0], 0)
	})
	runPool(t, "what was used lately is not touched before an eighth is too much", 100*kib, func(c poolCase) {
		tracks := []*model.TrackProducer{c.silent(2, kib)}
		time.Sleep(time.Minute)
		for range 20 {
			tracks = append(tracks, c.silent(2, kib))
		}
		for range 58 + 10 {
			c.write(kib)
		}
		want(c.T, "used", c.pool.Used(), 110*kib)
		for range 20 { // until it is the old one's turn
			c.write(kib)
		}
		wantSeqs(c.T, "left of the old one", model.Cached(tracks[0]), 1)
		c.wantUsed("in the end", 100*kib, kib)
		for _, p := range tracks {
			p.Abort(nil)
		}
	})
	runPool(t, "what was used last is kept longest, also far above the budget", 100*kib, func(c poolCase) {
		old := c.silent(1, kib)
		defer old.Abort(nil)
		for range 8 {
			c.write(10 * kib)
		}
		reader := c.p.Consume(model.Subscription{})
		for range 100 {
			time.Sleep(tick)
			c.write(10 * kib)
			_ = must(reader.GetGroup(bg, 0))
		}
		want(c.T, "the oldest, asked for again and again", model.Cached(c.p)[0], 0)
		c.wantUsed("then", 100*kib, 10*kib)
	})
	runPool(t, "tracks that filled without a bound are relieved under one", 0, func(c poolCase) {
		silent := c.silent(100, kib)
		defer silent.Abort(nil)
		time.Sleep(time.Second)
		c.pool.Resize(20 * kib)
		for range 100 {
			c.write(kib)
		}
		wantSeqs(c.T, "left", model.Cached(silent), 99)
		c.wantUsed("then", 20*kib, kib)
	})
}

// What is counted, and for how long.
func TestPoolUsed(t *testing.T) {
	for name, x := range map[string]struct {
		end  func(*model.BroadcastProducer, *model.TrackProducer, *model.TrackConsumer)
		gone time.Duration
	}{
		"a copy is kept at hand when its track has ended": {func(_ *model.BroadcastProducer, p *model.TrackProducer, c *model.TrackConsumer) {
			_, _, _ = p.Finish(), p.Close(), c.Close()
		}, 30 * time.Second},
		"but not when its path has": {func(b *model.BroadcastProducer, p *model.TrackProducer, c *model.TrackConsumer) {
			_, _, _, _ = p.Finish(), p.Close(), c.Close(), b.Finish()
		}, 0},
		"after an abort its readers have MaxLatency": {func(_ *model.BroadcastProducer, p *model.TrackProducer, _ *model.TrackConsumer) {
			p.Abort(nil)
		}, 10 * time.Second},
		"after an abort nobody reads": {func(_ *model.BroadcastProducer, p *model.TrackProducer, c *model.TrackConsumer) {
			p.Abort(nil)
			_ = c.Close()
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				pool := model.NewCachePool(0)
				o := model.NewOrigin(model.WithCachePool(pool))
				b := must(o.CreateBroadcast("a", model.Route{}))
				p := must(b.CreateTrack("t", model.TrackInfo{MaxLatency: 10 * time.Second}))
				c := must(must(o.Consume().Request(bg, "a")).SubscribeTrack("t", model.Subscription{}))
				wantNil(t, p.WriteFrame(model.Frame{Payload: make([]byte, 1000)}))
				held := must(c.RecvGroup(bg))
				want(t, "of the track, its copy and a reader", pool.Used(), overhead+1000)
				x.end(b, p, c)
				if x.gone > 0 {
					time.Sleep(x.gone - time.Millisecond)
					want(t, "for a while", pool.Used(), overhead+1000)
					time.Sleep(2 * time.Millisecond)
				}
				want(t, "then", pool.Used(), 0)
				want(t, "read after that", len(must(held.ReadFrame(bg)).Payload), 1000)
				_, _, _, _ = c.Close(), p.Close(), b.Close(), o.Close()
			})
		})
	}
}

// Whatever a few tracks write and whenever, what is used comes back to the budget as
// long as there is something that may go.
func TestPoolReturnsToBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rapid.Check(noDeadline{t}, func(rt *rapid.T) {
			const budget = 100 * kib
			c := poolCase{T: t, pool: model.NewCachePool(budget)}
			c.b = model.NewBroadcastIn(c.pool, 0)
			c.p = must(c.b.CreateTrack("t", model.TrackInfo{MaxLatency: time.Hour}))
			tracks := []*model.TrackProducer{c.p}
			size := rapid.SampledFrom([]int{overhead, kib, 10 * kib, 50 * kib})
			var largest, edges int64
			for range rapid.IntRange(1, 30).Draw(rt, "bursts") {
				cost := size.Draw(rt, "cost")
				largest = max(largest, int64(cost))
				tracks = append(tracks, c.silent(rapid.IntRange(1, 20).Draw(rt, "groups"), cost))
				edges += int64(cost)
				time.Sleep(time.Duration(rapid.SampledFrom([]int{0, 50, 1000, 100_000}).Draw(rt, "ms")) * time.Millisecond)
				if used := c.pool.Used(); used > budget+budget/8+edges+2*largest {
					rt.Fatalf("%d bytes used, %d of them of live edges", used, edges)
				}
			}
			for range 1000 {
				c.write(kib)
			}
			if used := c.pool.Used(); used > budget+budget/8+edges+kib {
				rt.Errorf("%d bytes used in the end, %d of them of live edges", used, edges)
			}
			for _, p := range tracks {
				p.Abort(nil)
			}
			if c.pool.Used() != 0 || c.pool.Listed() != 0 {
				rt.Errorf("%d bytes, %d tracks left", c.pool.Used(), c.pool.Listed())
			}
		})
	})
}
