package model

import (
	"cmp"
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
	// minFrameCost is what a cached frame costs at least, for the same reason.
	minFrameCost = 64
	// settleEvery is after how many bytes of frames a track pays its debt though no
	// new group comes.
	settleEvery = 256 << 10
	// maxRepayment is how many times of what was written is paid back for it.
	maxRepayment = 2
	// slack is the part of the budget, one in so many, that may be exceeded before groups
	// go that were used lately.
	slack = 8
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

// CachePool is a budget of bytes for the groups that tracks cache. A group costs its
// bytes and 256 more, a frame of it at least 64. The newest group of a track always stays.
//
// While more is used than the budget, every write makes a debt: at least what was
// written, at most twice that. It is paid with groups that were used less recently than
// most in the pool, first of the track that is written, then of another one, each in
// turn. When that does not do and an eighth is too much, the least recently used of a
// few groups of the track goes, however lately that was.
//
// So the budget may be exceeded by an eighth, by the newest group of every track, by
// what is being written (a track pays for its frames every 256 KiB), and by one group
// that the debt is still too small for. What is more than that, after a smaller budget
// was set, goes with later writes, a few groups with each.
//
// A pool may be shared by any number of origins. It may be used concurrently. The zero
// value has no bound. Datagrams are not charged.
type CachePool struct {
	capacity atomic.Int64 // 0 is no bound
	used     atomic.Int64
	debt     atomic.Int64 // bytes to let go of, because the pool is full
	groups   atomic.Int64 // how many are charged that are not the newest of their track
	accesses atomic.Int64 // the sum of their last uses, in ticks

	mu     sync.Mutex // taken last of all
	tracks []*track   // those that may have something to let go
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
	p.capacity.Store(max(bytes, 0))
}

// budget is how many bytes may be used, a large number without a bound.
func (p *CachePool) budget() int64 {
	if bytes := p.capacity.Load(); bytes > 0 {
		return bytes
	}
	return math.MaxInt64
}

// Used returns how many bytes the cached groups cost now, with or without a bound: 256
// for each and what has arrived of its frames, or 64 where that is less, once however many tracks of the pool
// have it. A group counts until it is aborted or the last track lets it go; for readers
// that still hold it then nothing is counted.
//
// A track has its groups until it is aborted, or has ended and its last handle and
// reader are closed. What is read at a path of an origin is a copy of the track with the
// same groups. It has them for 30 s more after its last reader was closed
// ([WithTrackIdle]), though the track has ended, but not longer than the path is there;
// after an abort, for its readers, for MaxLatency. When all of that is over, Used is 0.
func (p *CachePool) Used() int64 { return p.used.Load() }

// over reports whether more is used than there should be.
func (p *CachePool) over() bool { return p.used.Load() > p.budget() }

// owed is the debt that writing makes: nothing below capacity, above it the more,
// the more is used.
func (p *CachePool) owed(written int64) int64 {
	capacity, used := p.budget(), p.used.Load()
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

// overdrawn reports whether so much more is used that what was used lately has to go too.
func (p *CachePool) overdrawn() bool {
	capacity := p.budget()
	return p.used.Load()-capacity > capacity/slack
}

// takeDebt returns what is to be let go of: never more than twice what is too much. What
// remains of it has to be added again.
func (p *CachePool) takeDebt() int64 {
	return min(p.debt.Swap(0), maxRepayment*max(0, p.used.Load()-p.budget()))
}

// mean is when the charged groups were used last, on average. The newest ones of
// their tracks do not count: they stay however old they are, and would make all else
// look recent.
func (p *CachePool) mean() int64 {
	n, sum := p.groups.Load(), p.accesses.Load()
	if n <= 0 {
		return math.MaxInt64
	}
	mean := sum / n
	if mean*n > sum {
		mean-- // rounded down, before the clock's origin too
	}
	return mean
}

// rank lets one group count in the mean, or with a sign of -1 no more.
func (p *CachePool) rank(sign, access int64) {
	p.accesses.Add(sign * access)
	p.groups.Add(sign)
}

// register lists a track, so that writers of others may let its groups go. That is so
// in a pool without a bound too, which may get one.
func (p *CachePool) register(t *track) {
	if t.listed {
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

// next returns the listed tracks in turn, except one; nil when there is none.
func (p *CachePool) next(except *track) *track {
	p.mu.Lock()
	defer p.mu.Unlock()
	for range min(len(p.tracks), 2) {
		p.turn = (p.turn + 1) % len(p.tracks)
		if t := p.tracks[p.turn]; t != except {
			return t
		}
	}
	return nil
}

// cacheLimits is what bounds the caches of the tracks of one broadcast. It is
// settled before there are any. The zero value bounds nothing.
type cacheLimits struct {
	pool      *CachePool
	retention time.Duration // how long a track keeps groups that does not say; 0 is DefaultMaxLatency
	ceiling   time.Duration // the longest that any track keeps groups; 0 is no ceiling
}

// window is how long a track keeps groups that says d, or 0 for nothing.
func (l cacheLimits) window(d time.Duration) time.Duration {
	d = cmp.Or(d, max(l.retention, 0), DefaultMaxLatency)
	if l.ceiling > 0 {
		return min(d, l.ceiling)
	}
	return d
}
