package model

import "slices"

// cachedBy notes one more track that has the group; false when the group has failed.
func (g *group) cachedBy(t *track) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.err != nil {
		return false
	}
	if len(g.tracks) == 0 {
		g.tracks = append(g.first.tracks[:0], t)
	} else {
		g.tracks = append(slices.Clone(g.tracks), t)
	}
	g.recharge()
	return true
}

// leave notes that a track has let the group go: a reader of the group does not
// keep the track.
func (g *group) leave(t *track) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.without(t)
	g.recharge()
}

// expel is leave of a track that has no use for the group any more. The last one to
// say so ends the group; before that, the other tracks that cache it are returned.
func (g *group) expel(t *track, err error) []*track {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.without(t)
	if len(g.tracks) > 0 {
		g.recharge()
		return g.tracks
	}
	g.abort(err)
	g.news = false // nobody is left to hear it
	return nil
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
// none once it has failed or nobody caches it. For a pool it is as good as written.
func (g *group) recharge() {
	var payer *track
	if g.err == nil {
		if i := slices.IndexFunc(g.tracks, func(t *track) bool { return t.pool() != nil }); i >= 0 {
			payer = g.tracks[i]
		}
	}
	old := g.payer
	g.payer = payer
	if old != nil && payer != nil && old.pool() == payer.pool() {
		return
	}
	if old != nil {
		g.charge(old.pool(), -1)
	}
	if payer != nil {
		g.charge(payer.pool(), 1)
		payer.written.Add(g.cost())
	}
}

// charge makes a pool pay for the group, or with a sign of -1 no more.
func (g *group) charge(p *CachePool, sign int64) {
	p.used.Add(sign * g.cost())
	if g.ranked.Load() {
		p.rank(sign, g.access)
	}
}

// rank notes that there is a track in which the group is not the newest.
func (g *group) rank() {
	if g.ranked.Load() {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ranked.Swap(true) {
		return
	}
	if g.payer != nil {
		g.payer.pool().rank(1, g.access)
	}
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
	if g.payer != nil && g.ranked.Load() {
		g.payer.pool().accesses.Add(now - g.access)
	}
	g.access = now
	return true
}

// usage is when the group was last used, and what it takes from this pool.
func (g *group) usage(p *CachePool) (access, cost int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.payer == nil || g.payer.pool() != p {
		return g.access, 0
	}
	return g.access, g.cost()
}
