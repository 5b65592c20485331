package model_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/moqrx/moqrx/model"
	"pgregory.net/rapid"
)

// attached is what the oracle knows of one broadcast at one path.
type attached struct {
	b         *model.BroadcastProducer
	path      model.Path
	r         model.Route
	age       int // order of attachment
	claim     int // order of claims, 0 for none
	claimedBy model.OriginID
}

// watcher is a cursor and what it was told last of each path.
type watcher struct {
	a     *model.AnnounceConsumer
	under model.Path
	told  map[model.Path]*model.BroadcastConsumer
}

type originMachine struct {
	o        *model.OriginProducer
	all      []*attached
	serving  map[model.Path]*attached
	fronts   map[model.Path]*model.BroadcastConsumer // what was shown, by whose content it is
	content  map[model.Path]any
	clock    int
	watchers []*watcher
}

const self = 999

func (m *originMachine) claim(a *attached) {
	publisher := model.OriginID(self)
	if len(a.r.Hops) > 0 {
		publisher = a.r.Hops[0]
	}
	if !a.r.Offline && (a.claim == 0 || a.claimedBy != publisher) {
		m.clock++
		a.claim, a.claimedBy = m.clock, publisher
	}
}

// choose is the rule in words: the publisher that claimed the path last holds it,
// and its cheapest route with the fewest hops serves; without an announcement
// whose content is shown goes on. Hashes are left out: no two chains are of equal length.
func (m *originMachine) choose(path model.Path) {
	var here []*attached
	for _, a := range m.all {
		if a.path == path {
			here = append(here, a)
		}
	}
	announced := slices.DeleteFunc(slices.Clone(here), func(a *attached) bool { return a.r.Offline })
	var lead *attached
	switch {
	case len(announced) > 0:
		lead = slices.MaxFunc(announced, func(a, b *attached) int { return a.claim - b.claim })
	case len(here) > 0:
		lead = slices.MaxFunc(here, func(a, b *attached) int { return a.age - b.age })
		for _, a := range here {
			if content(a) == m.content[path] {
				lead = a
			}
		}
	}
	publisher := func(a *attached) model.OriginID {
		if len(a.r.Hops) == 0 {
			return self
		}
		return a.r.Hops[0]
	}
	for _, a := range here {
		if a == lead || publisher(a) == 0 || publisher(a) != publisher(lead) {
			continue
		}
		switch {
		case a.r.Offline != lead.r.Offline:
			if !a.r.Offline {
				lead = a
			}
		case a.r.Cost != lead.r.Cost:
			if a.r.Cost < lead.r.Cost {
				lead = a
			}
		case len(a.r.Hops) != len(lead.r.Hops):
			if len(a.r.Hops) < len(lead.r.Hops) {
				lead = a
			}
		case a.age > lead.age:
			lead = a
		}
	}
	m.serving[path] = lead
	m.shown(path, lead)
}

// shown is the rule for what is a new broadcast to those who watch: another publisher.
// An unknown one is another every time.
func (m *originMachine) shown(path model.Path, lead *attached) {
	now := content(lead)
	c, _ := m.o.Consume().Request(bg, path)
	if old := m.fronts[path]; old != nil && c != nil && old.IsClone(c) != (now == m.content[path]) {
		panic("the broadcast is the same though its content is not, or the reverse")
	}
	m.content[path], m.fronts[path] = now, c
}

func content(a *attached) any {
	switch {
	case a == nil:
		return nil
	case len(a.r.Hops) == 0:
		return model.OriginID(self)
	case a.r.Hops[0] == 0:
		return a
	}
	return a.r.Hops[0]
}

// chains of equal length differ in their first hop only, so that no two sources
// of one publisher are told apart by their hash.
var routes = rapid.Custom(func(t *rapid.T) model.Route {
	r := model.Route{Cost: rapid.Uint64Range(0, 2).Draw(t, "cost"), Offline: rapid.IntRange(0, 3).Draw(t, "offline") == 0}
	if n := rapid.IntRange(0, 3).Draw(t, "hops"); n > 0 {
		r.Hops = append(model.OriginList{model.OriginID(rapid.IntRange(0, 2).Draw(t, "publisher"))}, 50, 51, 52)[:n]
	}
	return r
})

var paths = rapid.SampledFrom([]model.Path{"", "a", "a/b", "a/b/c", "ab", "b"})

func (m *originMachine) pick(t *rapid.T) *attached {
	if len(m.all) == 0 {
		t.Skip("nothing published")
	}
	return rapid.SampledFrom(m.all).Draw(t, "broadcast")
}

// listen takes up to n events and checks that they alternate and come by path.
func (w *watcher) listen(t *rapid.T, n int) {
	last := model.Path("")
	for range n {
		ev, ok, err := w.a.TryNext()
		same(t, "next", err, nil)
		if !ok {
			return
		}
		abs := w.under.Join(ev.Path)
		if ev.Path < last {
			t.Fatalf("%q after %q", ev.Path, last)
		}
		last = ev.Path
		if (ev.Broadcast != nil) == (w.told[abs] != nil) {
			t.Fatalf("path %q: told %v after %v", abs, ev.Broadcast, w.told[abs])
		}
		w.told[abs] = ev.Broadcast
	}
}

// settled checks that everybody, having listened, knows what is announced.
func (m *originMachine) settled(t *rapid.T) {
	for path, a := range m.serving {
		c, err := m.o.Consume().Request(bg, path)
		if (err == nil) != (a != nil) || (a != nil && !model.Serving(c, a.b)) {
			t.Fatalf("request %q: %v, the oracle has %+v", path, err, a)
		}
	}
	for _, w := range m.watchers {
		w.listen(t, 1000)
		expect := map[model.Path]bool{}
		for path, a := range m.serving {
			if a == nil || a.r.Offline || !path.HasPrefix(w.under) {
				continue
			}
			expect[path] = true
			if w.told[path] == nil || !model.Serving(w.told[path], a.b) {
				t.Fatalf("watcher of %q was not told that %+v serves %q", w.under, a, path)
			}
		}
		maps.DeleteFunc(w.told, func(_ model.Path, b *model.BroadcastConsumer) bool { return b == nil })
		if len(w.told) != len(expect) {
			t.Fatalf("watcher of %q knows %d paths, %d are announced", w.under, len(w.told), len(expect))
		}
	}
}

func TestOriginAgainstOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &originMachine{o: model.NewOrigin(model.WithOriginID(self)), serving: map[model.Path]*attached{}, fronts: map[model.Path]*model.BroadcastConsumer{}, content: map[model.Path]any{}}
		t.Repeat(map[string]func(*rapid.T){
			"publish": func(t *rapid.T) {
				m.clock++
				a := &attached{path: paths.Draw(t, "path"), r: routes.Draw(t, "route"), age: m.clock}
				b, err := m.o.CreateBroadcast(a.path, a.r)
				same(t, "publish", err, nil)
				a.b = b
				m.claim(a)
				m.all = append(m.all, a)
				m.choose(a.path)
			},
			"reroute": func(t *rapid.T) {
				a := m.pick(t)
				a.r = routes.Draw(t, "route")
				a.b.SetRoute(a.r)
				m.claim(a)
				m.choose(a.path)
			},
			"end": func(t *rapid.T) {
				a := m.pick(t)
				if rapid.Bool().Draw(t, "finish") {
					same(t, "finish", a.b.Finish(), nil)
				}
				same(t, "close", a.b.Close(), nil)
				m.all = slices.DeleteFunc(m.all, func(x *attached) bool { return x == a })
				m.choose(a.path)
			},
			"watch": func(t *rapid.T) {
				under := paths.Draw(t, "under")
				c := must(m.o.Consume().WithRoot(under))
				m.watchers = append(m.watchers, &watcher{c.Announcements(), under, map[model.Path]*model.BroadcastConsumer{}})
			},
			"listen": func(t *rapid.T) {
				if len(m.watchers) == 0 {
					t.Skip("nobody listens")
				}
				rapid.SampledFrom(m.watchers).Draw(t, "watcher").listen(t, rapid.IntRange(1, 3).Draw(t, "events"))
			},
			"settle": m.settled,
		})
		m.settled(t)
	})
}
