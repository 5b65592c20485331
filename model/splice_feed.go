package model

import (
	"fmt"
	"time"
)

// links is what ties the tracks of fronts to those of their sources.
//
// A track of a front is filled from elsewhere: it adopts the groups of the source's
// track that feeds it. Calls go from the source's track to the front's, with the
// source's locks held, so the front's come after them; nothing calls the other way
// while it holds a lock of the front. What has to go the other way, or to the
// origin, is an errand for when all locks are let go.
type links struct {
	splice  *splice // where the groups come from; nil for a track with producers
	feeds   []*feed // whom the groups go to
	counted bool    // among the used tracks of its broadcast

	began GroupBound // the live edge of the first source when it was asked
}

// declare sets the exclusive end.
func (t *track) declare(boundary uint64) {
	t.boundary = At(boundary)
	t.fetches.fail(fmt.Errorf("track %q ends at %d: %w", t.name, boundary, ErrNotFound), func(f *fetch) bool { return f.sequence >= boundary })
	t.changed.wake()
	t.outlook.wake()
	for _, f := range t.feeds {
		f.within(func(s *splice) { s.finished(f, boundary) })
	}
}

// over passes on the end of the track, under lockLifetime.
func (t *track) over(err error) {
	t.recount()
	if t.splice != nil {
		t.later(t.splice)
	}
	for _, f := range t.feeds {
		f.over(err)
	}
	t.feeds = nil
}

// feed is one segment of a front's track: the groups that come from one source.
type feed struct {
	s    *splice
	src  *source
	hops OriginList // the way it comes
	from *track

	// What the front asks of the source, as one of its readers. Only who settles the
	// splice changes them, wish under the lock of from.
	wish  *TrackConsumer
	asked Subscription
	using bool

	// Under the lock of the front's track.
	first    uint64     // groups before it are those of earlier segments
	limit    GroupBound // groups from it on are those of the next one
	capped   time.Time  // since when there is a limit
	dead     bool       // nothing more comes
	progress bool       // something has come
	idled    bool       // the front wanted nothing for a while, so the source may have stopped
}

// within calls do with the locks of the front's track, under those of the source's.
func (f *feed) within(do func(s *splice)) {
	t := f.s.t
	t.lockLifetime()
	do(f.s)
	f.from.add(t.takeErrands())
	t.mu.Unlock()
	t.owner.mu.Unlock()
}

// attach begins to listen to the source, under its lockLifetime.
func (f *feed) attach(wish Subscription) {
	t := f.from
	t.feeds = append(t.feeds, f)
	f.wish, f.asked, f.using = t.consume(wish), wish, true
	f.within(func(s *splice) { s.try(f) })
	if t.accepted {
		f.accepted()
	}
	if t.closed {
		f.over(t.err)
		t.feeds = nil
	}
}

// detach stops listening. No lock is held.
func (f *feed) detach() {
	t := f.from
	t.lockLifetime()
	defer t.unlockLifetime()
	for i, x := range t.feeds {
		if x == f {
			t.feeds = append(t.feeds[:i:i], t.feeds[i+1:]...)
			break
		}
	}
	f.wish.leave()
	f.using = false
}

// want makes known what the front's readers want now. No lock is held. When they
// want nothing the source hears so at once, but its track is kept at hand.
func (f *feed) want(sub Subscription, using bool) {
	if using == f.using && (!using || sub == f.asked) {
		return
	}
	t := f.from
	t.lockLifetime()
	defer t.unlockLifetime()
	switch {
	case !using:
		f.wish.leave()
	case f.using:
		f.wish.sub = sub
		t.recombine()
	default:
		f.wish = t.consume(sub)
		if b := t.owner; b.err == nil && !t.closed && b.tracks[t.name] == nil {
			b.tracks[t.name] = t // it is wanted again
		}
	}
	f.asked, f.using = sub, using
}

// accepted is called when the source says what the track is like.
func (f *feed) accepted() {
	f.within(func(s *splice) { s.takeover(f) })
}

// placed is called for each group of the source, with its track's lock held.
func (f *feed) placed(g *group) {
	t := f.s.t
	t.mu.Lock()
	f.take(g)
	f.from.add(t.takeErrands())
	t.mu.Unlock()
}

// take adopts a group in the segment's range. The front's track is locked.
func (f *feed) take(g *group) {
	if f.covers(g.sequence) && f.s.t.adopt(g) {
		f.progress = true
	}
}

// covers reports whether a group with this sequence may come from the segment.
func (f *feed) covers(seq uint64) bool {
	return !f.dead && !f.s.t.closed && f != f.s.trial && seq >= f.first && (!f.limit.Set || seq < f.limit.Sequence)
}

// datagram is called for each datagram of the source, with its track's lock held. Only
// those of the newest segment are passed on: late ones are worth nothing, and neither are
// those whose time cannot be told in the front's timescale.
func (f *feed) datagram(d Datagram) {
	t := f.s.t
	t.mu.Lock()
	defer t.mu.Unlock()
	if f != f.s.serving() || !f.covers(d.Sequence) {
		return
	}
	var err error
	if d.Timestamp, err = t.info.Timescale.stamp(d.Timestamp); err == nil && t.admit(d.Sequence) == nil {
		f.progress = true
		t.deliver(d)
	}
}

// over is called when the source's track has ended.
func (f *feed) over(err error) {
	f.within(func(s *splice) { s.ended(f, err) })
}

// wants cuts what the front's readers want to the segment's range. From the live
// edge stays from the live edge.
func (f *feed) wants(all Subscription) Subscription {
	first := f.first
	if f == f.s.trial {
		first = f.s.t.edge()
	}
	if all.Start.Set {
		all.Start.Sequence = max(all.Start.Sequence, first)
	}
	if f.limit.Set && (!all.End.Set || all.End.Sequence >= f.limit.Sequence) {
		all.End = At(f.limit.Sequence - 1)
	}
	if all.Start.Set && all.End.Set {
		all.Start.Sequence = min(all.Start.Sequence, all.End.Sequence)
	}
	return all
}

// drained reports whether all groups that the segment can still give are complete.
func (f *feed) drained() bool {
	t := f.s.t
	held := t.sorted[t.search(f.first):t.search(f.limit.Sequence)]
	gap := false
	for i, c := range held {
		if !c.complete() {
			return false
		}
		gap = gap || (i > 0 && held[i-1].sequence+1 != c.sequence)
	}
	// What is missing may come for as long as it is worth something.
	return !gap || time.Since(f.capped) > t.info.MaxLatency
}

// complete reports whether nothing more is written to the group.
func (g *group) complete() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.err != nil {
		return true
	}
	return g.finished && (len(g.frames) == 0 || g.frames[len(g.frames)-1].live == nil)
}
