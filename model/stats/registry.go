package stats

import (
	"maps"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/moqrx/moqrx/model"
)

// registry has the live numbers by path.
type registry struct {
	excluded model.PathPrefixes

	mu         sync.Mutex
	closed     bool
	broadcasts map[model.Path]*broadcast
	roots      map[model.Path]*root
	// How many there were at most since the maps were made.
	mostBroadcasts, mostRoots int
	// What is not in the maps any more, so that the totals of the host only grow.
	pastTraffic  [tiers][roles]Counters
	pastSessions [tiers]Presence
}

// broadcast is everything that is counted for one path.
type broadcast struct {
	holders atomic.Int64 // goes up only under the registry's lock
	traffic [tiers][roles]*traffic
}

// root is every session that was granted one root.
type root struct {
	holders  atomic.Int64 // goes up only under the registry's lock
	presence [tiers]*presence
}

func newRegistry(excluded model.PathPrefixes) *registry {
	return &registry{
		excluded:   excluded,
		broadcasts: make(map[model.Path]*broadcast),
		roots:      make(map[model.Path]*root),
	}
}

// hold returns the numbers of a broadcast and keeps them until holders goes down again;
// nil after the last collect.
func (r *registry) hold(path model.Path, t Tier, role Role) (*traffic, *atomic.Int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, nil
	}
	b := r.broadcasts[path]
	if b == nil {
		b = &broadcast{}
		r.broadcasts[path] = b
	}
	c := &b.traffic[t.index()][role.index()]
	if *c == nil {
		*c = &traffic{}
	}
	b.holders.Add(1)
	return *c, &b.holders
}

// holdRoot is hold for sessions.
func (r *registry) holdRoot(path model.Path, t Tier) (*presence, *atomic.Int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, nil
	}
	b := r.roots[path]
	if b == nil {
		b = &root{}
		r.roots[path] = b
	}
	p := &b.presence[t.index()]
	if *p == nil {
		*p = &presence{}
	}
	b.holders.Add(1)
	return *p, &b.holders
}

// group is what one broadcast of statistics has to tell.
type group struct {
	traffic  [tiers][roles]Traffic
	sessions [tiers]Sessions
}

// groups has them by the leading components of the paths in them.
type groups map[model.Path]*group

func (g groups) at(path model.Path, depth int) *group {
	key := groupKey(path, depth)
	if g[key] == nil {
		g[key] = &group{}
	}
	return g[key]
}

// groupKey returns the first components of path, all of them when there are fewer.
func groupKey(path model.Path, depth int) model.Path {
	end := 0
	for range depth {
		next := strings.IndexByte(string(path[end:]), '/')
		if next < 0 {
			return path
		}
		end += next + 1
	}
	return path[:max(0, end-1)]
}

// collect returns what is open or has changed since the last call, and forgets what
// nobody holds: these were its last numbers. The last call forgets everything.
func (r *registry) collect(depth int, last bool) groups {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = last
	out := make(groups)
	r.mostBroadcasts, r.mostRoots = max(r.mostBroadcasts, len(r.broadcasts)), max(r.mostRoots, len(r.roots))
	for path, b := range r.broadcasts {
		idle := last || b.holders.Load() == 0 // before the numbers are read: they are final then
		r.collectTraffic(out, depth, path, b, idle)
		if idle {
			delete(r.broadcasts, path)
		}
	}
	for path, b := range r.roots {
		idle := last || b.holders.Load() == 0
		r.collectSessions(out, depth, path, b, idle)
		if idle {
			delete(r.roots, path)
		}
	}
	r.broadcasts, r.mostBroadcasts = shrunk(r.broadcasts, r.mostBroadcasts)
	r.roots, r.mostRoots = shrunk(r.roots, r.mostRoots)
	return out
}

// shrunk makes a map anew that once had many more entries, since maps never give back their memory.
func shrunk[T any](m map[model.Path]T, most int) (smaller map[model.Path]T, mostNow int) {
	const few = 1024
	if most <= few || len(m) > most/4 {
		return m, most
	}
	smaller = make(map[model.Path]T, len(m))
	maps.Copy(smaller, m)
	return smaller, len(m)
}

func (r *registry) collectTraffic(out groups, depth int, path model.Path, b *broadcast, idle bool) {
	for t, sides := range b.traffic {
		for role, c := range sides {
			if c == nil {
				continue
			}
			now := c.snapshot()
			if now.live() || now != c.told {
				c.told = now
				m := &out.at(path, depth).traffic[t][role]
				*m = put(*m, path, now)
			}
			if idle {
				r.pastTraffic[t][role] = r.pastTraffic[t][role].plus(now)
			}
		}
	}
}

func (r *registry) collectSessions(out groups, depth int, path model.Path, b *root, idle bool) {
	for t, p := range b.presence {
		if p == nil {
			continue
		}
		now := p.snapshot()
		if now.live() || now != p.told {
			p.told = now
			m := &out.at(path, depth).sessions[t]
			*m = put(*m, path, now)
		}
		if idle {
			r.pastSessions[t] = r.pastSessions[t].plus(now)
		}
	}
}

func put[M ~map[model.Path]T, T any](m M, path model.Path, v T) M {
	if m == nil {
		m = make(M)
	}
	m[path] = v
	return m
}
