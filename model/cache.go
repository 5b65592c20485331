package model

import (
	"math"
	"math/bits"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// groupOverhead is what a cached group costs besides its bytes, so that empty
	// groups are not free.
	groupOverhead = 256
	// settleEvery is after how many bytes of frames a track pays its debt though no
	// new group comes.
	settleEvery = 256 << 10
	// maxRepayment is how many times of what was written is paid back for it.
	maxRepayment = 2
	// tickLength is the grain of the clock that tells how recently a group was used.
	tickLength = 100 * time.Millisecond
	// A use counts as a little later than it was: a written group outlives its window
	// by less than two ticks and never falls short of it, and one that was asked for
	// outranks one that was written in the same tick.
	writeBoost = 1
	fetchBoost = 2
)

var started = time.Now()

// tickNow is the current time in ticks.
func tickNow() int64 { return int64(time.Since(started) / tickLength) }

// CachePool is a budget of bytes for the groups that tracks cache. It is a target
// and not a hard limit: while more is used, every write to a track also lets go of
// old groups of that track, at most twice what was written. The newest group of a
// track always stays. A group costs its bytes and 256 more.
//
// A pool may be shared by any number of origins. It may be used concurrently.
type CachePool struct {
	capacity atomic.Int64
	used     atomic.Int64
	groups   atomic.Int64 // how many are charged
	accesses atomic.Int64 // the sum of their last uses, in ticks

	mu     sync.Mutex // taken last of all
	tracks []*track   // those that cache something, while the pool is bounded
	turn   int        // which of them is looked at next
}

// NewCachePool returns a pool of that many bytes; 0 and less is no bound.
func NewCachePool(bytes int64) *CachePool {
	p := &CachePool{}
	p.Resize(bytes)
	return p
}

// Resize changes the budget; 0 and less is no bound. Nothing is let go at once: what
// is too much goes with later writes.
func (p *CachePool) Resize(bytes int64) {
	if bytes <= 0 {
		bytes = math.MaxInt64
	}
	p.capacity.Store(bytes)
}

// Used returns how many bytes the cached groups cost now, whatever the budget. It is
// 0 when every track has ended and its readers are closed.
func (p *CachePool) Used() int64 { return p.used.Load() }

// over reports whether more is used than there should be.
func (p *CachePool) over() bool { return p.used.Load() > p.capacity.Load() }

// owed is the debt that writing makes: nothing below capacity, above it the more,
// the more is used.
func (p *CachePool) owed(written int64) int64 {
	capacity, used := p.capacity.Load(), p.used.Load()
	if used <= capacity || written <= 0 {
		return 0
	}
	hi, lo := bits.Mul64(uint64(written), uint64(used))
	if hi >= uint64(capacity) {
		return math.MaxInt64
	}
	debt, _ := bits.Div64(hi, lo, uint64(capacity))
	return int64(min(debt, math.MaxInt64))
}

// recent reports whether a last use is later than the mean of all charged groups.
func (p *CachePool) recent(access int64) bool {
	return access*p.groups.Load() > p.accesses.Load()
}

// add charges one group, or with a sign of -1 takes it back.
func (p *CachePool) add(sign, cost, access int64) {
	p.used.Add(sign * cost)
	p.accesses.Add(sign * access)
	p.groups.Add(sign)
}

// register lists a track, so that others may expire its groups when it is idle.
// Tracks of a pool without bound are not listed: nothing would be gained.
func (p *CachePool) register(t *track) {
	if t.listed || p.capacity.Load() == math.MaxInt64 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	t.listed, t.listedAt = true, len(p.tracks)
	p.tracks = append(p.tracks, t)
}

// unregister takes a track off the list.
func (p *CachePool) unregister(t *track) {
	if !t.listed {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.tracks) - 1
	moved := p.tracks[last]
	p.tracks[t.listedAt], moved.listedAt = moved, t.listedAt
	p.tracks[last], t.listed = nil, false
	p.tracks = p.tracks[:last]
}

// next returns the listed tracks in turn; nil when there is none.
func (p *CachePool) next() *track {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.tracks) == 0 {
		return nil
	}
	p.turn = (p.turn + 1) % len(p.tracks)
	return p.tracks[p.turn]
}

// cacheLimits is what bounds the caches of the tracks of one broadcast. It is
// settled before there are any. The zero value bounds nothing.
type cacheLimits struct {
	pool    *CachePool
	ceiling time.Duration // the longest that any track keeps groups; 0 is no ceiling
}

// clamp is how long groups are kept that a publisher wants to keep for d.
func (l cacheLimits) clamp(d time.Duration) time.Duration {
	if l.ceiling > 0 {
		return min(d, l.ceiling)
	}
	return d
}
