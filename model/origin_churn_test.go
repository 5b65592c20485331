package model_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/moqrx/moqrx/model"
	"pgregory.net/rapid"
)

// churn is a path whose sources come, refuse, deliver, die and go, and its readers.
type churn struct {
	o       *model.OriginProducer
	sources []*model.BroadcastProducer
	dynamic map[*model.BroadcastProducer]*model.BroadcastDynamic
	waiting []*model.TrackRequest
	tracks  []*model.TrackProducer
	readers []*model.TrackConsumer
	next    uint64 // sequence of the next group, whoever writes it
}

func pickOf[T any](t *rapid.T, from []T) (T, int) {
	if len(from) == 0 {
		t.Skip("none")
	}
	i := rapid.IntRange(0, len(from)-1).Draw(t, "which")
	return from[i], i
}

func remove[T any](from []T, i int) []T { return append(from[:i:i], from[i+1:]...) }

func (m *churn) attach(r model.Route) *model.BroadcastProducer {
	b := model.NewBroadcast(r)
	m.dynamic[b] = b.Dynamic()
	if m.o.PublishBroadcast("a", b.Consume()) == nil {
		m.sources = append(m.sources, b)
	}
	return b
}

// requests takes what any source is asked for.
func (m *churn) requests() {
	for _, d := range m.dynamic {
		for {
			r, ok, err := d.TryRequestedTrack()
			if !ok || err != nil {
				break
			}
			m.waiting = append(m.waiting, r)
		}
	}
}

func (m *churn) end(i int, finish bool) {
	b := m.sources[i]
	m.sources = remove(m.sources, i)
	if finish {
		_ = b.Finish()
	}
	_ = m.dynamic[b].Close()
	_ = b.Close()
	delete(m.dynamic, b)
}

func (m *churn) actions() map[string]func(*rapid.T) {
	churnRoute := func(t *rapid.T) model.Route {
		chain := append(model.OriginList{1, 2, 3, 4}[:rapid.IntRange(1, 4).Draw(t, "length")], peer)
		return model.Route{
			Hops: chain[:len(chain)-rapid.IntRange(0, 1).Draw(t, "through the neighbor")],
			Cost: rapid.Uint64Range(0, 3).Draw(t, "cost"),
			Warm: rapid.Bool().Draw(t, "warm"),
		}
	}
	return map[string]func(*rapid.T){
		"attach": func(t *rapid.T) { m.attach(churnRoute(t)) },
		"reroute": func(t *rapid.T) {
			b, _ := pickOf(t, m.sources)
			b.SetRoute(churnRoute(t))
		},
		"end": func(t *rapid.T) {
			_, i := pickOf(t, m.sources)
			m.end(i, rapid.Bool().Draw(t, "finish"))
		},
		"accept": func(t *rapid.T) {
			m.requests()
			r, i := pickOf(t, m.waiting)
			m.waiting = remove(m.waiting, i)
			if p, err := r.Accept(model.TrackInfo{}); err == nil {
				m.tracks = append(m.tracks, p)
			}
		},
		"refuse": func(t *rapid.T) {
			m.requests()
			r, i := pickOf(t, m.waiting)
			m.waiting = remove(m.waiting, i)
			r.Reject(model.ErrTimeout)
		},
		"write": func(t *rapid.T) {
			p, _ := pickOf(t, m.tracks)
			if g, err := p.CreateGroup(m.next); err == nil {
				m.next++
				_ = g.Finish()
			}
		},
		"die": func(t *rapid.T) {
			p, i := pickOf(t, m.tracks)
			m.tracks = remove(m.tracks, i)
			p.Abort(model.ErrTransport)
		},
		"read": func(t *rapid.T) {
			c := m.o.Consume()
			if rapid.Bool().Draw(t, "as neighbor") {
				c = c.ForPeer(peer)
			}
			b, err := c.Request(bg, "a")
			if err != nil {
				t.Skip("nothing there")
			}
			if r, err := b.SubscribeTrack("t", model.Subscription{}); err == nil {
				m.readers = append(m.readers, r)
			}
		},
		"leave": func(t *rapid.T) {
			c, i := pickOf(t, m.readers)
			m.readers = remove(m.readers, i)
			_ = c.Close()
		},
		"wait": func(t *rapid.T) {
			time.Sleep(time.Duration(rapid.SampledFrom([]int{1, 6, 31}).Draw(t, "seconds")) * time.Second)
			synctest.Wait()
		},
		"": m.check,
	}
}

// check reads what is there: every group once, in order.
func (m *churn) check(t *rapid.T) {
	for _, c := range m.readers {
		last := int64(-1)
		clone := c.Clone()
		for {
			g, ok, err := clone.TryNextGroup()
			if !ok || err != nil {
				break
			}
			if int64(g.Sequence()) <= last {
				t.Fatalf("group %d after %d", g.Sequence(), last)
			}
			last = int64(g.Sequence())
		}
		_ = clone.Close()
	}
}

// settled brings one good source that serves whatever it is asked for: whoever still
// reads has to get what it writes, and a new reader too.
func (m *churn) settled(t *rapid.T) {
	good := m.attach(model.Route{Hops: model.OriginList{1}})
	for len(m.sources) > 1 {
		m.end(0, false)
	}
	for _, r := range m.waiting {
		_ = r.Close()
	}
	for _, p := range m.tracks { // which may outlive their sources
		p.Abort(model.ErrTransport)
	}
	m.tracks = nil
	c, err := must(m.o.Consume().ForPeer(peer).Request(bg, "a")).SubscribeTrack("t", model.Subscription{})
	same(t, "a new reader", err, nil)
	m.readers = append(m.readers, c)
	serve := func() {
		for {
			r, ok, err := m.dynamic[good].TryRequestedTrack()
			if !ok || err != nil {
				return
			}
			m.tracks = append(m.tracks, must(r.Accept(model.TrackInfo{})))
		}
	}
	serve()
	for _, p := range m.tracks {
		if g, err := p.CreateGroup(m.next); err == nil {
			_ = g.Finish()
		}
	}
	serve()
	for _, r := range m.readers {
		reached := false
		for {
			g, ok, err := r.TryRecvGroup()
			if err != nil {
				reached = r != c // to be told of an end is not to be stuck
			}
			if !ok {
				break
			}
			reached = reached || g.Sequence() == m.next
		}
		if !reached {
			t.Fatal("a reader is stuck")
		}
		_ = r.Close()
	}
}

func TestChurn(t *testing.T) {
	t.Run("16.5/122 whatever sources and readers do, nobody gets stuck", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			// Bubbles have no deadline, and rapid asks for one where there may be.
			rapid.Check(struct{ testing.TB }{t}, func(t *rapid.T) {
				m := &churn{
					o:       newRelay(model.WithLinger(time.Duration(rapid.IntRange(0, 1).Draw(t, "linger")) * 10 * time.Second)),
					dynamic: map[*model.BroadcastProducer]*model.BroadcastDynamic{},
				}
				t.Repeat(m.actions())
				m.settled(t)
				for len(m.sources) > 0 {
					m.end(0, false)
				}
				time.Sleep(time.Minute)
				synctest.Wait()
				if n := model.Paths(m.o); n > 0 {
					t.Fatalf("%d paths are left", n)
				}
			})
		})
	})
}
