package model_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/moqrx/moqrx/model"
	"pgregory.net/rapid"
)

// poolMachine uses a few tracks of two pools, some of which share groups, in any way.
type poolMachine struct {
	pools  [2]*model.CachePool
	tracks []*model.TrackProducer
	groups []*model.GroupProducer
	frames []*model.FrameProducer
	close  []func()
}

func (m *poolMachine) track(t *rapid.T) *model.TrackProducer {
	if len(m.tracks) == 0 {
		t.Skip("no track")
	}
	return rapid.SampledFrom(m.tracks).Draw(t, "track")
}

func (m *poolMachine) group(t *rapid.T) *model.GroupProducer {
	if len(m.groups) == 0 {
		t.Skip("no group")
	}
	return rapid.SampledFrom(m.groups).Draw(t, "group")
}

func (m *poolMachine) steps() map[string]func(*rapid.T) {
	size := rapid.SampledFrom([]int{0, 10, 1000, 70_000, 300_000})
	return map[string]func(*rapid.T){
		"": m.consistent,
		"create track": func(t *rapid.T) {
			pool := m.pools[rapid.IntRange(0, 1).Draw(t, "pool")]
			p := must(model.NewBroadcastIn(pool, 0).CreateTrack("t", model.TrackInfo{MaxLatency: time.Second}))
			c := p.Consume(model.Subscription{})
			m.tracks = append(m.tracks, p)
			m.close = append(m.close, func() { _ = p.Close() }, func() { _ = c.Close() })
		},
		"append": func(t *rapid.T) {
			if g, err := m.track(t).AppendGroup(); err == nil {
				m.groups = append(m.groups, g)
			}
		},
		"create": func(t *rapid.T) {
			if g, err := m.track(t).CreateGroup(rapid.Uint64Range(0, 9).Draw(t, "seq")); err == nil {
				m.groups = append(m.groups, g)
			}
		},
		"adopt": func(t *rapid.T) { model.Adopt(m.track(t), m.group(t).Consume()) },
		"write": func(t *rapid.T) {
			_ = m.group(t).WriteFrame(model.Frame{Payload: make([]byte, size.Draw(t, "size"))})
		},
		"write group": func(t *rapid.T) {
			_ = m.track(t).WriteFrame(model.Frame{Payload: make([]byte, size.Draw(t, "size"))})
		},
		"create frame": func(t *rapid.T) {
			if f, err := m.group(t).CreateFrame(model.FrameInfo{Size: 400_000}); err == nil {
				m.frames = append(m.frames, f)
			}
		},
		"write piece": func(t *rapid.T) {
			if len(m.frames) == 0 {
				t.Skip("no frame")
			}
			_, _ = rapid.SampledFrom(m.frames).Draw(t, "frame").Write(make([]byte, size.Draw(t, "size")))
		},
		"abort group":  func(t *rapid.T) { m.group(t).Abort(nil) },
		"finish group": func(t *rapid.T) { _ = m.group(t).Finish() },
		"fetch":        m.fetch,
		"resize":       func(t *rapid.T) { m.pools[0].Resize(int64(rapid.IntRange(-1, 1<<20).Draw(t, "capacity"))) },
		"wait":         func(t *rapid.T) { time.Sleep(time.Duration(rapid.IntRange(1, 900).Draw(t, "ms")) * time.Millisecond) },
		"end": func(t *rapid.T) {
			p := m.track(t)
			switch rapid.IntRange(0, 9).Draw(t, "how") {
			case 0:
				p.Abort(nil)
			case 1:
				_ = p.Finish()
			}
		},
	}
}

// fetch serves one group on demand, kept or not, and lets it be as it may.
func (m *poolMachine) fetch(t *rapid.T) {
	p := m.track(t)
	d := p.Dynamic()
	defer d.Close()
	c := p.Consume(model.Subscription{})
	defer c.Close()
	seq := rapid.Uint64Range(0, 9).Draw(t, "seq")
	returned := later(func() { _, _ = c.FetchGroup(bg, seq, 0) })
	if returned() {
		return
	}
	r := must(d.RequestedGroup(bg))
	accept := r.Accept
	if rapid.Bool().Draw(t, "once") {
		accept = r.AcceptOnce
	}
	m.groups = append(m.groups, must(accept()))
	if !returned() {
		t.Fatal("the fetch does not return")
	}
}

// consistent holds after every step: the pools have what the tracks cache, once.
func (m *poolMachine) consistent(t *rapid.T) {
	seen := map[model.GroupID]bool{}
	used := map[*model.CachePool]int64{}
	for _, p := range m.tracks {
		for id, charge := range model.Charges(p) {
			if !seen[id] && charge.Pool != nil {
				used[charge.Pool] += charge.Bytes
			}
			seen[id] = true
		}
	}
	for i, p := range m.pools {
		if p.Used() != used[p] {
			t.Fatalf("pool %d: %d bytes used, the cached groups cost %d", i, p.Used(), used[p])
		}
	}
}

func TestPoolAccounting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rapid.Check(noDeadline{t}, func(t *rapid.T) {
			m := &poolMachine{pools: [2]*model.CachePool{model.NewCachePool(200_000), model.NewCachePool(0)}}
			t.Repeat(m.steps())
			for _, i := range rapid.Permutation(indices(len(m.close))).Draw(t, "order of closing") {
				m.close[i]()
			}
			for i, p := range m.pools {
				groups, accesses := p.Charged()
				if p.Used() != 0 || groups != 0 || accesses != 0 || p.Listed() != 0 {
					t.Fatalf("pool %d at the end: %d bytes, %d groups, accesses %d, %d tracks", i, p.Used(), groups, accesses, p.Listed())
				}
			}
		})
	})
}

// noDeadline is a test whose deadline is in another time than its bubble.
type noDeadline struct{ *testing.T }

func (noDeadline) Deadline() (time.Time, bool) { return time.Time{}, false }

func indices(n int) []int {
	s := make([]int, n)
	for i := range s {
		s[i] = i
	}
	return s
}

// Writers of two tracks that share their groups, under a budget that is far too
// small, while readers come and go: nothing tears, and nothing is left.
func TestConcurrentEviction(t *testing.T) {
	pool := model.NewCachePool(20_000)
	s, f := shared(pool, pool)
	var writers, readers sync.WaitGroup
	for range 4 {
		writers.Go(func() {
			for range 200 {
				g := must(s.AppendGroup())
				model.Adopt(f, g.Consume())
				for range 3 {
					_ = g.WriteFrame(model.Frame{Payload: make([]byte, 500)})
				}
				_ = g.Finish()
				_ = f.WriteFrame(text("of the front alone"))
				_, _ = f.AppendDatagram(text("datagram"))
			}
		})
	}
	for _, p := range []*model.TrackProducer{s, f} {
		for range 4 {
			c := p.Consume(model.Subscription{})
			readers.Go(func() {
				defer c.Close()
				for {
					if _, err := c.ReadFrame(bg); err != nil {
						wantErr(t, err, eof)
						return
					}
				}
			})
		}
	}
	writers.Wait()
	wantNil(t, s.Finish())
	wantNil(t, f.Finish())
	readers.Wait()
	wantNil(t, s.Close())
	wantNil(t, f.Close())
	want(t, "used", pool.Used(), 0)
}
