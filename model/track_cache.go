package model

import (
	"slices"
	"sort"
)

// cached is the place of a group in the cache of one track. Several tracks may
// cache one group: what differs between them stands here and not in the group.
type cached struct {
	*group
	number uint64 // of its arrival in this track
	refill bool   // fetched: there for those who ask by number, not for subscribers
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

// position returns where in arrivals the first group stands that arrived as this
// number or later.
func (t *track) position(number uint64) int {
	return sort.Search(len(t.arrivals), func(i int) bool { return t.arrivals[i].number >= number })
}

// insert caches a group that no other track knows yet, under a sequence that was
// admitted. The lock has to be let go with unlock.
func (t *track) insert(g *group, seq uint64) {
	g.sequence = seq
	t.adoptAs(g, false)
}

// adopt caches a group of another track too, under its own sequence, unless that
// is taken or at or after the end. The two tracks share its frames from now on, and
// each keeps it for as long as its own limits allow. The lock has to be let go with
// unlock.
func (t *track) adopt(g *group) bool {
	return t.admit(g.sequence) == nil && t.adoptAs(g, false)
}

// refill caches a group that was fetched: subscribers do not see it, and it does
// not move the live edge. The lock has to be let go with unlock.
func (t *track) refill(g *group, seq uint64) {
	g.sequence = seq
	t.adoptAs(g, true)
}

// adoptAs pays for the group and then caches it; false when it has failed meanwhile.
func (t *track) adoptAs(g *group, refill bool) bool {
	if !g.cachedBy(t) {
		return false
	}
	t.pay()
	if refill {
		t.store(cached{g, t.arrived, true})
	} else {
		t.place(g)
	}
	t.expire()
	t.changed.wake()
	if t.boundary.Set {
		t.outlook.wake() // it may have been the last group
	}
	return true
}

// place is where a group arrives that subscribers see.
func (t *track) place(g *group) {
	t.store(cached{g, t.arrived, false})
	t.shown = t.arrived
	if !t.latest.Set || g.sequence > t.latest.Sequence {
		t.latest = At(g.sequence)
	}
	t.answerFetch(g)
	for _, f := range t.feeds {
		f.placed(g)
	}
}

func (t *track) store(c cached) {
	t.arrived++
	t.arrivals = append(t.arrivals, c)
	t.sorted = slices.Insert(t.sorted, t.search(c.sequence), c)
	if pool := t.pool(); pool != nil && len(t.sorted) > 1 {
		if t.newest(c.group) {
			c = t.sorted[len(t.sorted)-2]
		}
		c.rank()
		pool.register(t)
	}
}

// newest reports whether a group that is cached has the highest sequence.
func (t *track) newest(g *group) bool { return t.sorted[len(t.sorted)-1].group == g }

// remove takes one group out of the cache and leaves it as it is.
func (t *track) remove(c cached) {
	t.forgetPlace(c)
	c.leave(t)
}

// forgetPlace takes c out of both orders; usually it is the first of each.
func (t *track) forgetPlace(c cached) {
	t.sorted = cutAt(t.sorted, t.search(c.sequence))
	t.arrivals = cutAt(t.arrivals, t.position(c.number))
}

func cutAt[T any](s []T, i int) []T {
	if i > 0 {
		return slices.Delete(s, i, i+1)
	}
	return dropFront(s, 1)
}

// clearCache lets all groups go.
func (t *track) clearCache() {
	for _, c := range t.arrivals {
		c.leave(t)
	}
	t.arrivals, t.sorted = nil, nil
	t.datagrams.clear()
	if pool := t.pool(); pool != nil {
		pool.unregister(t)
	}
}
