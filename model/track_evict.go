package model

import "math"

// sweepWidth is how many cached groups one write looks at to see whether they can go.
const sweepWidth = 4

// lose is told by another track that a group of both has been evicted.
func (t *track) lose(g *group) {
	t.mu.Lock()
	defer t.unlock()
	if c := t.find(g.sequence); c.group == g {
		t.remove(c)
	}
	t.changed.wake()
}

// settle is called by the groups it caches, without their lock, once in a while
// when they are written.
func (t *track) settle() {
	t.mu.Lock()
	defer t.unlock()
	t.pay(0)
	t.expire()
}

// sweep shows some cached groups to verdict, evicts those that it has an error for,
// and stops at one that it wants to wait for. It begins with the oldest arrival.
// Where that one stays, the next ones follow in turn from sweep to sweep, so that
// one that is used again and again does not keep what arrived behind it. The newest
// sequence always stays.
func (t *track) sweep(verdict func(cached) (wait bool, err error)) {
	i, front := 0, true
	for range sweepWidth {
		if len(t.arrivals) < 2 {
			return
		}
		if i >= len(t.arrivals) {
			i = 1 // around, and past the front
		}
		c := t.arrivals[i]
		if c.group != t.sorted[len(t.sorted)-1].group {
			wait, err := verdict(c)
			if wait {
				return
			}
			if err != nil {
				t.evict(c, err)
				continue
			}
		}
		if front {
			i, front = max(t.position(t.turn), 1), false
			continue
		}
		i, t.turn = i+1, c.number+1
	}
}

// evict drops one group and fails its readers, except those that have read it all.
func (t *track) evict(c cached, err error) {
	others := c.expel(t, err)
	t.forgetPlace(c)
	if len(others) > 0 {
		t.lost = append(t.lost, eviction{c.group, others})
	}
	t.changed.wake()
}

// expire drops groups that nobody has used for longer than the track keeps them.
func (t *track) expire() {
	window := t.info.MaxLatency
	if !t.accepted {
		window = t.limits().clamp(DefaultMaxLatency)
	}
	before := tickNow() - int64(window/tickLength)
	if window%tickLength > 0 {
		before--
	}
	t.sweep(func(c cached) (bool, error) {
		if access, _ := c.usage(); access > before {
			return false, nil
		}
		return false, ErrOld
	})
}

// pay makes debt for bytes that were written and pays it with groups of this track:
// old ones that were not used more recently than most in the pool. Debt that is too
// small for the next group is kept.
func (t *track) pay(written int64) {
	pool := t.pool()
	if pool == nil {
		return
	}
	written += t.written.Swap(0)
	if !pool.over() {
		t.debt = 0
		return
	}
	owed := pool.owed(written)
	if len(t.arrivals) > 0 {
		if access, _ := t.arrivals[0].usage(); !pool.recent(access) && owed < math.MaxInt64/2 {
			owed *= 2
		}
	}
	t.debt = min(t.debt+min(owed, maxRepayment*written), pool.Used())
	t.relief = pool
	t.sweep(func(c cached) (bool, error) {
		access, cost := c.usage()
		switch {
		case cost == 0 || pool.recent(access):
			return false, nil
		case cost > t.debt:
			return true, nil
		}
		t.debt -= cost
		return false, ErrEvicted
	})
}

// limits is what bounds the cache.
func (t *track) limits() cacheLimits { return t.owner.cache }

func (t *track) pool() *CachePool { return t.owner.cache.pool }
