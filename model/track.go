package model

import (
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
)

// MaxSequence is the highest group sequence: the end of a track, one past its last group,
// fits a 62-bit varint too.
const MaxSequence = maxVarint - 1

// track is the state behind every handle of one track.
type track struct {
	name  string
	owner *broadcast // whose registry lists the track

	// Made because a reader asked: forgotten when the last one leaves. Under both
	// locks of lockLifetime.
	requested bool

	links
	errands

	mu        sync.Mutex
	changed   signal // groups, datagrams, end, acceptance
	outlook   signal // datagrams, end: who waits for them is not woken for every group
	info      TrackInfo
	accepted  bool // info is the publisher's
	producers int
	boundary  GroupBound // exclusive end, once finished
	err       error
	closed    bool   // aborted, or the last producer is gone
	ended     signal // when closed becomes true

	arrivals  []cached   // groups in order of arrival
	sorted    []cached   // the same by sequence
	arrived   uint64     // how many ever arrived; the next one's number
	shown     uint64     // how many of them when the last came that subscribers see
	latest    GroupBound // highest sequence ever
	datagrams *datagrams
	fetches   fetches

	turn     uint64       // number of the arrival that a sweep looks at next
	written  atomic.Int64 // bytes charged to its pool that have made no debt yet
	stuck    bool         // when it paid last, it found nothing that was not used lately
	listed   bool         // in the pool
	listedAt int          // where; guarded by the pool

	holds int // handles that keep the cache of a track that ended cleanly, besides readers

	readers   []*TrackConsumer
	aggregate Subscription
	used      bool   // there is a reader
	demand    signal // the aggregate, or whether there is one
	unused    signal // no reader is left

	// A ReadFrame waits, so groups must tell about their frames.
	frameReaders atomic.Bool
}

// lockLifetime takes the broadcast's lock and the track's: what decides whether
// the track is listed there (readers coming and going, the end) happens under both,
// so nobody can join a track that its last reader has just left.
func (t *track) lockLifetime() {
	t.owner.mu.Lock()
	t.mu.Lock()
}

func (t *track) unlockLifetime() {
	e := t.takeErrands()
	t.mu.Unlock()
	t.owner.mu.Unlock()
	e.run()
}

// unlock lets the track's lock go, and then does what waited for that.
func (t *track) unlock() {
	e := t.takeErrands()
	t.mu.Unlock()
	e.run()
}

// wakeFrameReaders is called by the groups it caches, without their lock, when a frame became
// whole or the group ended. A reader raises the flag before it looks at the
// groups, so either it sees the change or the change sees the flag.
func (t *track) wakeFrameReaders() {
	if !t.frameReaders.Load() {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.frameReaders.Store(false)
	t.changed.wake()
}

// end closes the track under lockLifetime: a clean end keeps the cache, an error
// clears it, so that no reader pins memory.
func (t *track) end(err error) {
	if t.closed {
		return
	}
	t.closed = true
	t.err = err
	if err != nil {
		if t.splice == nil {
			t.clearCache()
		}
		t.fetches.fail(err, func(*fetch) bool { return true })
		t.fetches.queued.wake()
	}
	t.freeUnheld()
	t.owner.forget(t)
	t.changed.wake()
	t.outlook.wake()
	t.ended.wake()
	t.demand.wake()
	t.unused.wake()
	t.over(err)
}

// freeUnheld lets the cache of a track go that has ended and that nobody can read any
// more. What a front has is kept for those who come late.
func (t *track) freeUnheld() {
	if t.closed && len(t.readers) == 0 && t.holds == 0 && t.splice == nil {
		t.clearCache()
	}
}

// release ends a track that nobody writes and nobody fetches for, under lockLifetime.
// It reports whether the track was dropped unfinished.
func (t *track) release() (dropped bool) {
	if t.closed || t.producers > 0 || t.fetches.handlers > 0 {
		return false
	}
	if t.boundary.Set {
		t.end(nil)
		return false
	}
	t.end(ErrDropped)
	return true
}

// cause is how the track ended; nil while it is open.
func (t *track) cause() error {
	if t.closed && t.err == nil {
		return io.EOF
	}
	return t.err
}

// outcome is what a reader gets that found nothing: io.EOF, the error, or nil to
// wait. drained tells that it missed nothing that was ever there.
func (t *track) outcome(drained bool) error {
	over := t.edge() >= t.boundary.Sequence || (t.closed && t.err == nil) // nobody is left to get there
	if t.boundary.Set && drained && over {
		return io.EOF
	}
	return t.err
}

// edge is one past the highest sequence ever.
func (t *track) edge() uint64 {
	if !t.latest.Set {
		return 0
	}
	return t.latest.Sequence + 1
}

// admit is why a new group with this sequence is refused, or nil.
func (t *track) admit(seq uint64) error {
	switch {
	case seq > MaxSequence:
		return fmt.Errorf("track %q: group %d: at most %d: %w", t.name, seq, uint64(MaxSequence), ErrBoundsExceeded)
	case t.boundary.Set && seq >= t.boundary.Sequence:
		return fmt.Errorf("track %q: group %d is at or after its end %d: %w", t.name, seq, t.boundary.Sequence, ErrClosed)
	}
	old := t.find(seq)
	if old.group != nil && (old.refill || old.failed()) {
		t.remove(old) // subscribers have yet to see it; an aborted group may be tried again
		return nil
	}
	if old.group != nil || seq < t.edge() && t.datagrams.has(seq) {
		return fmt.Errorf("track %q: group %d: %w", t.name, seq, ErrDuplicate)
	}
	return nil
}

// closing returns the channel that closes with the track.
func (t *track) closing() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return fired
	}
	return t.ended.wait()
}

// demanded is the aggregate within the time that the track keeps groups.
func (t *track) demanded() (Subscription, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	agg := t.aggregate
	agg.MaxLatency = max(agg.MaxLatency, 0)
	if t.accepted {
		agg.MaxLatency = min(agg.MaxLatency, t.info.MaxLatency)
	}
	return agg, t.used
}

// consume returns a new reader, under lockLifetime.
func (t *track) consume(s Subscription) *TrackConsumer { return t.consumeFor(nil, s) }

// consumeFor returns a new reader of a neighbor, under lockLifetime. It is closed, and has a
// cause, when what serves the track runs through the neighbor.
func (t *track) consumeFor(peer *peers, s Subscription) *TrackConsumer {
	c := &TrackConsumer{t: t, sub: s, edge: t.latestGroup(), peer: peer, datagram: t.datagrams.fresh()}
	t.join(c)
	if t.splice != nil {
		t.splice.receive(peer)
	}
	return c
}

// read returns a reader of a group at frame 0, with the times in the track's timescale.
func (t *track) read(g *group) *GroupConsumer {
	c := g.consume()
	c.scale = t.info.Timescale // 0 before the track is accepted
	return c
}

// latestGroup is the highest sequence of a group that is cached, fetched ones left out.
func (t *track) latestGroup() GroupBound {
	for _, g := range slices.Backward(t.sorted) {
		if !g.refill {
			return At(g.sequence)
		}
	}
	return GroupBound{}
}

// join adds a reader, under lockLifetime.
func (t *track) join(c *TrackConsumer) {
	agg := c.sub
	if len(t.readers) > 0 {
		agg = agg.combine(t.aggregate)
	}
	t.readers = append(t.readers, c)
	t.owner.welcome(c)
	t.setAggregate(agg, true)
}

// recombine works out the aggregate anew, after a reader left or changed its mind.
func (t *track) recombine() {
	var agg Subscription
	first := true
	for _, c := range t.readers {
		if first {
			agg, first = c.sub, false
			continue
		}
		agg = agg.combine(c.sub)
	}
	t.setAggregate(agg, !first)
}

// setAggregate tells about the aggregate when it differs from the last one.
func (t *track) setAggregate(agg Subscription, used bool) {
	if agg == t.aggregate && used == t.used {
		return
	}
	t.aggregate, t.used = agg, used
	t.demand.wake()
	if !used {
		t.unused.wake()
	}
	t.demandChanged()
}
