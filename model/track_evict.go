package model

import (
	"errors"
	"math"
)

// sweepWidth is how many cached groups one write looks at to see whether they can go.
const sweepWidth = 4

// lose is told that another track has let a group of both go. This one does so too when
// it is bounded by the same pool, or has kept the group for long enough itself.
func (t *track) lose(e eviction) {
	t.mu.Lock()
	defer t.unlock()
	c := t.find(e.group.sequence)
	if c.group != e.group || t.newest(c.group) {
		return
	}
	if e.pool != nil && e.pool == t.pool() {
		t.drop(c, ErrEvicted)
	} else if access, _ := c.usage(nil); access <= t.horizon() {
		t.drop(c, ErrOld)
	}
}

// settle is called by the groups it caches, without their lock, once in a while
// when they are written.
func (t *track) settle() {
	t.mu.Lock()
	defer t.unlock()
	t.pay()
	t.expire()
}

// getHelp lets the next other track of the pool do what this one could not. No lock
// is held.
func (t *track) getHelp() {
	pool := t.pool()
	if !pool.over() {
		return
	}
	if other := pool.next(t); other != nil {
		other.help()
	}
}

// help lets go of groups for the writer of another track.
func (t *track) help() {
	t.mu.Lock()
	defer t.unlock()
	t.expire()
	t.repay()
	if len(t.arrivals) < 2 {
		t.pool().unregister(t)
	}
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
		if !t.newest(c.group) {
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

// evict drops one group and has the other tracks that cache it look whether they keep it.
func (t *track) evict(c cached, err error) {
	others := t.drop(c, err)
	if len(others) == 0 {
		return
	}
	var pool *CachePool
	if errors.Is(err, ErrEvicted) {
		pool = t.pool()
	}
	t.lost = append(t.lost, eviction{c.group, others, pool})
}

// drop takes one group out of the cache. Unless another track keeps it, its readers
// fail, except those that have read it all.
func (t *track) drop(c cached, err error) (others []*track) {
	others = c.expel(t, err)
	t.forgetPlace(c)
	t.changed.wake()
	return others
}

// horizon is the tick that a group has to be used after, not to be too old.
func (t *track) horizon() int64 {
	window := t.info.MaxLatency
	if !t.accepted {
		window = t.limits().window(0)
	}
	before := tickNow() - int64(window/tickLength)
	if window%tickLength > 0 {
		before--
	}
	return before
}

// expire drops groups that nobody has used for longer than the track keeps them.
func (t *track) expire() {
	before := t.horizon()
	t.sweep(func(c cached) (bool, error) {
		if access, _ := c.usage(nil); access > before {
			return false, nil
		}
		return false, ErrOld
	})
}

// pay lets go of groups for what was charged to this track when the pool is full, and has
// another track do so later. Of tracks that share a group, one pays: others would pay
// with the same groups, which frees nothing.
func (t *track) pay() {
	if t.written.Load() > 0 && t.repay() {
		t.askHelp(t)
	}
}

// repay makes debt for bytes that were written, and pays what the pool owes with groups
// of this track that were not used more recently than most in the pool. It reports
// whether the pool was full.
func (t *track) repay() bool {
	pool, written := t.pool(), t.written.Swap(0)
	if !pool.over() {
		return false
	}
	if t.stuck && pool.overdrawn() {
		t.sacrifice()
	}
	owed, mean := pool.owed(written), pool.mean()
	if len(t.arrivals) > 0 {
		if access, _ := t.arrivals[0].usage(pool); access <= mean && owed < math.MaxInt64/2 {
			owed *= 2
		}
	}
	pool.debt.Add(min(owed, maxRepayment*written))
	found, _ := t.payWith(mean)
	t.stuck = !found
	return true
}

// sacrifice pays what others could not pay since this track found nothing to pay with:
// the least recently used of the next few groups goes, however lately that was.
func (t *track) sacrifice() {
	turn := t.turn
	_, least := t.payWith(math.MinInt64)
	t.turn = turn
	t.payWith(least)
}

// payWith drops groups that were last used in this tick or before, for as long as the
// debt of the pool is enough. It reports whether it found one, be it too large yet, and
// of those that it passed over, when the least recent was used.
func (t *track) payWith(last int64) (found bool, least int64) {
	pool := t.pool()
	debt := pool.takeDebt()
	least = math.MaxInt64
	t.sweep(func(c cached) (wait bool, err error) {
		access, cost := c.usage(pool)
		switch {
		case cost == 0:
			return false, nil
		case access > last:
			least = min(least, access)
			return false, nil
		}
		found = true
		if cost > debt {
			return true, nil
		}
		debt -= cost
		return false, ErrEvicted
	})
	pool.debt.Add(debt)
	return found, least
}

// limits is what bounds the cache.
func (t *track) limits() cacheLimits { return t.owner.cache }

func (t *track) pool() *CachePool { return t.owner.cache.pool }
