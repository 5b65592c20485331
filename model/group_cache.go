package model

import "slices"

// cachedBy notes one more track that has the group, and returns what that charges
// to the track's pool; false when the group has failed.
func (g *group) cachedBy(t *track) (charged int64, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.err != nil {
		return 0, false
	}
	if len(g.tracks) == 0 {
		g.tracks = append(g.first.tracks[:0], t)
	} else {
		g.tracks = append(slices.Clone(g.tracks), t)
	}
	return g.recharge(), true
}

// leave notes that a track has let the group go: a reader of the group does not
// keep the track.
func (g *group) leave(t *track) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.without(t)
	g.recharge()
}

// expel is leave of a track that wants the group to be gone. It returns the other
// tracks that cache it, which have to be told.
func (g *group) expel(t *track, err error) []*track {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.abort(err)
	g.without(t)
	g.news = false // the tracks hear that it is gone
	return g.tracks
}

func (g *group) without(t *track) {
	switch i := slices.Index(g.tracks, t); {
	case i < 0:
	case len(g.tracks) == 1:
		g.tracks, g.first.tracks[0] = nil, nil
	default:
		g.tracks = slices.Delete(slices.Clone(g.tracks), i, i+1)
	}
}

// cost is what the group takes from a pool.
func (g *group) cost() int64 { return groupOverhead + g.held }

// recharge charges the group to the pool of the first track that has one, and to
// none once it has failed or nobody caches it. It returns what was charged anew.
func (g *group) recharge() (charged int64) {
	var payer *track
	if g.err == nil {
		if i := slices.IndexFunc(g.tracks, func(t *track) bool { return t.pool() != nil }); i >= 0 {
			payer = g.tracks[i]
		}
	}
	old := g.payer
	g.payer = payer
	if old != nil && payer != nil && old.pool() == payer.pool() {
		return 0
	}
	if old != nil {
		old.pool().add(-1, g.cost(), g.access)
	}
	if payer == nil {
		return 0
	}
	payer.pool().add(1, g.cost(), g.access)
	return g.cost()
}

// hold notes that n more bytes are cached.
func (g *group) hold(n int64) {
	g.held += n
	if g.payer != nil {
		g.payer.pool().used.Add(n)
	}
}

// written notes n more bytes by the producer, and that the group is in use.
func (g *group) written(n int64) {
	g.hold(n)
	g.due = g.touch(writeBoost) || g.due
	if g.payer != nil && g.payer.written.Add(n) >= settleEvery {
		g.due = true
	}
}

// touch notes a use just now; false when one as recent was noted before.
func (g *group) touch(boost int64) bool {
	now := tickNow() + boost
	if now <= g.access {
		return false
	}
	if g.payer != nil {
		g.payer.pool().accesses.Add(now - g.access)
	}
	g.access = now
	return true
}

// usage is when the group was last used, and what dropping it would free.
func (g *group) usage() (access, cost int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.payer == nil {
		return g.access, 0
	}
	return g.access, g.cost()
}
