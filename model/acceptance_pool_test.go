package model_test

import (
	"math"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/moqrx/moqrx/model"
)

const (
	kib      = 1 << 10
	overhead = 256 // of a group
)

// poolCase is a track under a budget, in a bubble.
type poolCase struct {
	*testing.T
	pool *model.CachePool
	b    *model.BroadcastProducer
	p    *model.TrackProducer
}

func runPool(t *testing.T, name string, capacity int64, f func(poolCase)) {
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			pool := model.NewCachePool(capacity)
			b := model.NewBroadcastIn(pool, 0)
			p := must(b.CreateTrack("t", model.TrackInfo{MaxLatency: time.Hour}))
			f(poolCase{t, pool, b, p})
			p.Abort(nil)
			want(t, "used at the end", pool.Used(), 0)
			groups, accesses := pool.Charged()
			want(t, "groups charged at the end", groups, 0)
			want(t, "accesses at the end", accesses, 0)
			want(t, "tracks at the end", pool.Listed(), 0)
		})
	})
}

// write makes finished groups that cost so much each.
func (c poolCase) write(costs ...int) {
	c.Helper()
	for _, cost := range costs {
		wantNil(c.T, c.p.WriteFrame(model.Frame{Payload: make([]byte, cost-overhead)}))
	}
}

func (c poolCase) wantCached(what string, seqs ...uint64) {
	c.Helper()
	wantSeqs(c.T, what, model.Cached(c.p), seqs...)
}

func TestPoolDebt(t *testing.T) {
	debt := func(capacity, used, written int64) int64 {
		p := model.NewCachePool(capacity)
		p.SetUsed(used)
		return p.Owed(written)
	}
	t.Run("16.15/247 an unbounded pool owes nothing", func(t *testing.T) {
		for _, unbounded := range []int64{0, -1, math.MaxInt64} {
			want(t, "debt", debt(unbounded, 1<<60, 1<<40), 0)
		}
		var zero model.CachePool
		zero.SetUsed(1 << 60)
		want(t, "debt of the zero value", zero.Owed(1<<40), 0)
	})
	t.Run("16.15/248 nothing is owed up to the capacity", func(t *testing.T) {
		want(t, "below", debt(1000, 999, 100), 0)
		want(t, "at", debt(1000, 1000, 100), 0)
	})
	t.Run("16.15/249 above it, in proportion", func(t *testing.T) {
		want(t, "twice the capacity", debt(1000, 2000, 100), 200)
		want(t, "half more", debt(1000, 1500, 100), 150)
		want(t, "nothing written", debt(1000, 2000, 0), 0)
	})
	t.Run("16.15/250 up to the largest number", func(t *testing.T) {
		want(t, "beyond 64 bits", debt(1, math.MaxInt64, math.MaxInt64), math.MaxInt64)
		want(t, "beyond 63 bits", debt(1, 1<<40, 3<<22), math.MaxInt64)
		want(t, "just below", debt(1, 1<<40, 1<<22), 1<<62)
	})
}

func TestPool(t *testing.T) {
	runPool(t, "a group costs its bytes and 256 more", 0, func(c poolCase) {
		want(c.T, "empty", c.pool.Used(), 0)
		g := must(c.p.AppendGroup())
		want(c.T, "an empty group", c.pool.Used(), overhead)
		wantNil(c.T, g.WriteFrame(model.Frame{Payload: make([]byte, 1000)}))
		want(c.T, "a frame", c.pool.Used(), overhead+1000)
		f := must(g.CreateFrame(model.FrameInfo{Size: 5000}))
		want(c.T, "a declared size", c.pool.Used(), overhead+1000+64)
		_ = must(f.Write(make([]byte, 3000)))
		want(c.T, "what arrived", c.pool.Used(), overhead+4000)
		_ = must(f.Write(make([]byte, 2000)))
		want(c.T, "all of it", c.pool.Used(), overhead+6000)
		held := g.Consume()
		for range 4 {
			wantNil(c.T, g.WriteFrame(model.Frame{Payload: make([]byte, 8<<20)}))
		}
		want(c.T, "frames that left", c.pool.Used(), overhead+32<<20)
		g.Abort(nil)
		want(c.T, "an aborted group", c.pool.Used(), 0)
		runtime.KeepAlive(held)
	})
	runPool(t, "a frame costs at least 64", 0, func(c poolCase) {
		g := must(c.p.AppendGroup())
		for range 1000 {
			wantNil(c.T, g.WriteFrame(model.Frame{}))
		}
		want(c.T, "empty frames", c.pool.Used(), overhead+64000)
		f := must(g.CreateFrame(model.FrameInfo{Size: 100}))
		for range 100 {
			_ = must(f.Write([]byte{1}))
		}
		want(c.T, "a frame in pieces", c.pool.Used(), overhead+64000+100)
		g.Abort(nil)
		want(c.T, "an aborted group", c.pool.Used(), 0)
	})
	runPool(t, "16.15/251 over the budget the track's own oldest groups go", 14*kib, func(c poolCase) {
		other := must(c.b.CreateTrack("other", model.TrackInfo{}))
		defer other.Abort(nil)
		wantNil(c.T, other.WriteFrame(model.Frame{Payload: make([]byte, kib-overhead)}))
		wantNil(c.T, other.WriteFrame(model.Frame{Payload: make([]byte, kib-overhead)}))
		c.write(4*kib, 4*kib, 4*kib)
		c.wantCached("at the budget", 0, 1, 2)
		c.write(4 * kib)
		c.wantCached("over it", 2, 3)
		wantSeqs(c.T, "another track", model.Cached(other), 0, 1)
		want(c.T, "used", c.pool.Used(), 10*kib)
	})
	runPool(t, "16.15/252 the live edge stays, whatever the budget", 1, func(c poolCase) {
		edge := must(c.p.CreateGroup(100)) // the oldest, too
		for seq := range uint64(20) {
			g := must(c.p.CreateGroup(seq))
			wantNil(c.T, g.WriteFrame(model.Frame{Payload: make([]byte, 4*kib)}))
			want(c.T, "newest", model.Cached(c.p)[0], 100)
		}
		for range 10 {
			wantNil(c.T, edge.WriteFrame(model.Frame{Payload: make([]byte, 300*kib)}))
		}
		want(c.T, "after frames", model.Cached(c.p)[0], 100)
	})
	runPool(t, "16.15/252 so does the newest sequence when it was fetched", 1, func(c poolCase) {
		f := fetchCase{c.T, c.p, c.p.Consume(model.Subscription{}), c.p.Dynamic()}
		must(c.p.CreateGroup(9)).Abort(nil)
		got := fetchLater(f.c, 9, 0)
		synctest.Wait()
		f.serve(f.request(9), "again")
		_, _, _ = got()
		for seq := range uint64(8) {
			g := must(c.p.CreateGroup(seq))
			wantNil(c.T, g.WriteFrame(model.Frame{Payload: make([]byte, 300*kib)}))
		}
		want(c.T, "still there", must(f.c.GetGroup(bg, 9)).Err(), nil)
	})
	for name, wait := range map[string]time.Duration{
		"16.15/253 a fetch protects a group, in the tick of its write": 0,
		"16.15/253 a fetch protects a group, later":                    time.Second,
	} {
		runPool(t, name, 12*kib, func(c poolCase) {
			c.write(4*kib, 4*kib, 4*kib)
			time.Sleep(wait)
			_ = must(c.p.Consume(model.Subscription{}).FetchGroup(bg, 0, 0))
			c.write(4 * kib)
			c.wantCached("cached", 0, 2, 3)
		})
	}
	runPool(t, "16.15/254 who reads an evicted group gets the error, unless it has read all", 8*kib, func(c poolCase) {
		c.write(4 * kib)
		behind := must(c.p.Consume(model.Subscription{}).RecvGroup(bg))
		drained := behind.Clone()
		_ = must(drained.ReadFrame(bg))
		c.write(4*kib, 4*kib)
		c.wantCached("cached", 1, 2)
		_, err := behind.ReadFrame(bg)
		wantErr(c.T, err, model.ErrEvicted)
		_, err = drained.ReadFrame(bg)
		wantErr(c.T, err, eof)
	})
	runPool(t, "16.15/255 small writes save up for a large group", 8*kib, func(c poolCase) {
		c.write(6*kib, 2*kib)
		for n := range uint64(5) { // each pays twice its 512
			c.write(kib / 2)
			want(c.T, "cached", len(model.Cached(c.p)), int(n)+3)
		}
		c.write(kib / 2)
		c.wantCached("after the sixth", 1, 2, 3, 4, 5, 6, 7)
	})
	runPool(t, "16.15/256 one write repays at most twice its size", 1<<20, func(c poolCase) {
		for range 40 {
			c.write(4 * kib)
		}
		c.pool.Resize(4 * kib)
		c.write(6 * kib)
		want(c.T, "used", c.pool.Used(), (160+6-12)*kib)
	})
	runPool(t, "16.15/257 a writer of frames alone pays every 256 KiB", 100*kib, func(c poolCase) {
		c.write(16*kib, 16*kib, 16*kib, 16*kib)
		g := must(c.p.AppendGroup())
		for range 7 {
			wantNil(c.T, g.WriteFrame(model.Frame{Payload: make([]byte, 32*kib)}))
		}
		c.wantCached("before", 0, 1, 2, 3, 4)
		f := must(g.CreateFrame(model.FrameInfo{Size: 32 * kib}))
		_ = must(f.Write(make([]byte, 32*kib)))
		c.wantCached("after", 4)
	})
	runPool(t, "16.15/258 empty groups cost and can be evicted", 10*overhead, func(c poolCase) {
		for seq := range uint64(100) {
			create(c.T, c.p, seq)
			if used := c.pool.Used(); used > 11*overhead {
				c.Fatalf("%d bytes used after group %d", used, seq)
			}
		}
	})
	runPool(t, "16.15/259 a smaller budget frees nothing at once", 1<<20, func(c poolCase) {
		c.write(4*kib, 4*kib, 4*kib)
		c.pool.Resize(1)
		c.wantCached("cached", 0, 1, 2)
		want(c.T, "used", c.pool.Used(), 12*kib)
		c.pool.Resize(0)
		c.write(4 * kib)
		c.wantCached("unbounded again", 0, 1, 2, 3)
	})
	runPool(t, "16.15/260 a finished track without handles frees its cache under a held group", 0, func(c poolCase) {
		c.write(4*kib, 4*kib)
		r := c.p.Consume(model.Subscription{})
		held := must(r.RecvGroup(bg))
		wantNil(c.T, c.p.Finish())
		wantNil(c.T, c.p.Close())
		want(c.T, "with a reader", c.pool.Used(), 8*kib)
		wantNil(c.T, r.Close())
		want(c.T, "without", c.pool.Used(), 0)
		want(c.T, "held group", len(must(held.ReadFrame(bg)).Payload), 4*kib-overhead)

		p := must(c.b.CreateTrack("t", model.TrackInfo{}))
		wantNil(c.T, p.WriteFrame(text("x")))
		wantNil(c.T, p.Finish())
		wantNil(c.T, p.Close())
		want(c.T, "never read", c.pool.Used(), 0)
	})
	runPool(t, "16.15/262 datagrams do not keep groups", 12*kib, func(c poolCase) {
		for range 20 {
			c.write(4 * kib)
			_ = must(c.p.AppendDatagram(text("x")))
		}
		if cached := model.Cached(c.p); len(cached) > 3 || cached[len(cached)-1] != 38 {
			c.Errorf("groups %v are cached", cached)
		}
		time.Sleep(2 * time.Hour)
		_ = must(c.p.AppendDatagram(text("x")))
		create(c.T, c.p, 100)
		c.wantCached("after their time", 100)
		_ = must(c.p.AppendDatagram(text("newer")))
		time.Sleep(2 * time.Hour)
		create(c.T, c.p, 50)
		c.wantCached("the newest group stays below a newer datagram", 100, 50)
	})
	runPool(t, "16.15/263 growth of an old group is paid for", 128*kib, func(c poolCase) {
		old := must(c.p.AppendGroup())
		c.write(16*kib, 16*kib, 16*kib, 16*kib)
		time.Sleep(time.Second)
		for range 9 { // the first one starts a new tick, so it settles too
			wantNil(c.T, old.WriteFrame(model.Frame{Payload: make([]byte, 32*kib)}))
		}
		c.wantCached("after 256 KiB more", 0, 4)
		want(c.T, "used", c.pool.Used(), overhead+(9*32+16)*kib)
	})
	runPool(t, "16.15/264 a sequence that is served again and again leaves nothing behind", 0, func(c poolCase) {
		f := fetchCase{c.T, c.p, c.p.Consume(model.Subscription{}), c.p.Dynamic()}
		create(c.T, c.p, 9)
		for range 1000 {
			got := fetchLater(f.c, 3, 0)
			synctest.Wait()
			must(f.request(3).Accept()).Abort(nil)
			_, _, _ = got()
			must(c.p.CreateGroup(4)).Abort(nil)
		}
		c.wantCached("cached", 9, 3, 4)
		want(c.T, "used", c.pool.Used(), overhead)
		if n := model.Bookkeeping(c.p); n > 64 {
			c.Errorf("room for %d groups", n)
		}
	})
	runPool(t, "writers of a full pool let idle tracks expire", 8*kib, func(c poolCase) {
		idle := must(c.b.CreateTrack("idle", model.TrackInfo{}))
		defer idle.Abort(nil)
		for range 4 {
			wantNil(c.T, idle.WriteFrame(model.Frame{Payload: make([]byte, kib-overhead)}))
		}
		time.Sleep(time.Minute)
		c.write(2 * kib)
		wantSeqs(c.T, "while there is room", model.Cached(idle), 0, 1, 2, 3)
		c.write(2*kib, 2*kib, 2*kib, 2*kib)
		wantSeqs(c.T, "when it is full", model.Cached(idle), 3)
	})
}
