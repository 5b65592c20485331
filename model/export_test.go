package model

import "time"

// NewBroadcastIn returns a broadcast whose tracks cache within these limits, as those
// of an origin do.
func NewBroadcastIn(pool *CachePool, ceiling time.Duration) *BroadcastProducer {
	p := NewBroadcast(Route{})
	p.b.bind(cacheLimits{pool: pool, ceiling: ceiling})
	return p
}

// Owed is the debt of a write.
func (p *CachePool) Owed(written int64) int64 { return p.owed(written) }

// SetUsed pretends that so much is used.
func (p *CachePool) SetUsed(bytes int64) { p.used.Store(bytes) }

// Charged returns how many groups are charged, and the sum of their last uses.
func (p *CachePool) Charged() (groups, accesses int64) { return p.groups.Load(), p.accesses.Load() }

// Listed returns how many tracks the pool knows.
func (p *CachePool) Listed() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.tracks)
}

// Adopt lets another track cache a group too.
func Adopt(p *TrackProducer, g *GroupConsumer) bool {
	p.t.mu.Lock()
	defer p.t.unlock()
	return p.t.adopt(g.g)
}

// Bookkeeping returns how many places for groups a track has room for.
func Bookkeeping(p *TrackProducer) int {
	p.t.mu.Lock()
	defer p.t.mu.Unlock()
	return cap(p.t.arrivals) + cap(p.t.sorted)
}

// Cached returns the sequences that a track caches, refills included.
func Cached(p *TrackProducer) []uint64 { return cachedIn(p.t) }

// CachedHere is Cached for the track that a reader reads, which may be a path's own.
func CachedHere(c *TrackConsumer) []uint64 { return cachedIn(c.t) }

func cachedIn(t *track) []uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	var seqs []uint64
	for _, c := range t.arrivals {
		seqs = append(seqs, c.sequence)
	}
	return seqs
}

// Serving tells whether a consumer reads b: it is b, or b is the best source of the
// path that the consumer is of.
func Serving(c *BroadcastConsumer, b *BroadcastProducer) bool {
	f := c.b.front
	if f == nil {
		return c.b == b.b
	}
	f.o.mu.Lock()
	defer f.o.mu.Unlock()
	return f.active != nil && f.active.b == b.b
}

// GroupID tells groups apart.
type GroupID = *group

// Charge is what a group costs, and to which pool.
type Charge struct {
	Pool  *CachePool
	Bytes int64
}

// Charges returns what the groups cost that a track caches, by their frames.
func Charges(p *TrackProducer) map[GroupID]Charge {
	p.t.mu.Lock()
	defer p.t.mu.Unlock()
	all := map[GroupID]Charge{}
	for _, c := range p.t.arrivals {
		c.mu.Lock()
		var charge Charge
		if c.err == nil {
			charge.Bytes = groupOverhead
			for i := range c.frames {
				charge.Bytes += c.frames[i].held()
			}
		}
		for _, t := range c.tracks {
			if charge.Pool == nil {
				charge.Pool = t.pool()
			}
		}
		c.mu.Unlock()
		all[c.group] = charge
	}
	return all
}
