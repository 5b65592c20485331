package model

import (
	"slices"
	"sort"
	"time"
)

// cached is the place of a group in the cache of one track. Several tracks may
// cache one group: what differs between them stands here and not in the group.
type cached struct {
	*group
	number uint64 // of its arrival in this track
}

// find returns the cached group with this sequence, or a place without a group.
func (t *track) find(seq uint64) cached {
	if i := t.search(seq); i < len(t.sorted) && t.sorted[i].sequence == seq {
		return t.sorted[i]
	}
	return cached{}
}

// search returns the position in sorted of the first group at or after seq.
func (t *track) search(seq uint64) int {
	return sort.Search(len(t.sorted), func(i int) bool { return t.sorted[i].sequence >= seq })
}

// insert caches a group that no other track knows yet, under a sequence that was
// admitted, and drops what became too old.
func (t *track) insert(g *group, seq uint64) {
	g.sequence, g.born = seq, time.Now()
	g.tracks = append(g.first.tracks[:0], t)
	t.place(g, g.born)
}

// adopt caches a group of another track too, under its own sequence, unless that
// is taken or at or after the end. The two tracks share its frames from now on.
func (t *track) adopt(g *group) bool {
	if t.admit(g.sequence) != nil {
		return false
	}
	if !g.cachedBy(t) {
		return false // it has failed meanwhile
	}
	t.place(g, time.Now())
	return true
}

func (t *track) place(g *group, now time.Time) {
	c := cached{g, t.arrived}
	t.arrived++
	if !t.latest.Set || g.sequence > t.latest.Sequence {
		t.latest = At(g.sequence)
	}
	t.arrivals = append(t.arrivals, c)
	t.sorted = slices.Insert(t.sorted, t.search(g.sequence), c)
	t.evict(now)
	t.changed.wake()
	for _, f := range t.feeds {
		f.placed(g)
	}
}

// evict drops the oldest arrivals that are older than the track keeps them. The
// newest sequence stays whatever its age; those who hold a dropped group read on.
func (t *track) evict(now time.Time) {
	n := 0
	var edge cached
	for ; n < len(t.arrivals); n++ {
		c := t.arrivals[n]
		if c.sequence == t.latest.Sequence {
			edge = c
			continue
		}
		if now.Sub(c.born) <= t.info.MaxLatency {
			break
		}
		t.unsort(c)
		c.leave(t)
	}
	if edge.group != nil && n > 0 {
		n--
		t.arrivals[n] = edge
	}
	t.arrivals = dropFront(t.arrivals, n)
}

// unsort removes c from the order by sequence; usually it is the first.
func (t *track) unsort(c cached) {
	if i := t.search(c.sequence); i > 0 {
		t.sorted = slices.Delete(t.sorted, i, i+1)
	} else {
		t.sorted = dropFront(t.sorted, 1)
	}
}

// remove takes one group out of the cache.
func (t *track) remove(c cached) {
	t.unsort(c)
	i := sort.Search(len(t.arrivals), func(i int) bool { return t.arrivals[i].number >= c.number })
	t.arrivals = slices.Delete(t.arrivals, i, i+1)
	c.leave(t)
}

// clearCache lets all groups go.
func (t *track) clearCache() {
	for _, c := range t.arrivals {
		c.leave(t)
	}
	t.arrivals, t.sorted = nil, nil
}
