package model

import (
	"errors"
	"slices"
	"time"
)

// maxSegments is how many sources a track may still be read from at a time.
const maxSegments = 3

// splice fills a track of a front from one source after another. The track's lock
// guards it; one call at a time settles it.
type splice struct {
	t *track

	parts   []*feed   // segments, oldest first
	trial   *feed     // asked, and has not answered yet
	gone    []*feed   // yet to be detached
	refused []*source // not to be asked again
	avoid   *source   // whose copy died last, to be asked last
	cause   error     // why the last source refused, or its copy died

	settling, again bool

	fetching map[*spliceFetch]struct{} // calls that wait for a source

	outage   time.Time   // when there was no source any more, until one serves again
	patience *time.Timer // runs while a source that came back lacks the track
	keep     *time.Timer // runs while nobody reads: the copy is kept at hand for a while
	drain    *time.Timer // runs while an old segment has groups in progress

	endedBy *track // whose clean end was that of the track
}

func (s *splice) newest() *feed {
	if len(s.parts) == 0 {
		return nil
	}
	return s.parts[len(s.parts)-1]
}

// serving is the segment that new groups come from, nil while there is none.
func (s *splice) serving() *feed {
	if f := s.newest(); f != nil && !f.dead {
		return f
	}
	return nil
}

// whole reports whether the track has an end and everything before it.
func (s *splice) whole() bool {
	return s.t.boundary.Set && s.t.edge() >= s.t.boundary.Sequence
}

// try notes that a source is being asked, in place of one that has not answered.
func (s *splice) try(f *feed) {
	if s.t.closed {
		s.drop(f)
		return
	}
	if s.trial != nil {
		s.drop(s.trial)
	}
	s.trial = f
}

// drop gives a segment up.
func (s *splice) drop(f *feed) {
	f.dead = true
	s.gone = append(s.gone, f)
	s.t.later(s)
}

// takeover makes f the newest segment: it begins after what has come, and the one
// before ends there. Segments that gave nothing are replaced.
func (s *splice) takeover(f *feed) {
	t := s.t
	if f != s.trial || f.dead {
		return
	}
	s.trial, s.cause, s.outage = nil, nil, time.Time{}
	stop(&s.patience)
	if t.closed || s.whole() {
		s.drop(f)
		return
	}
	for n := s.newest(); n != nil && !n.progress; n = s.newest() {
		s.parts = s.parts[:len(s.parts)-1]
		s.drop(n)
	}
	f.first = t.edge()
	if n := s.newest(); n != nil {
		n.limit, n.capped = At(f.first), time.Now()
	}
	if !t.latest.Set {
		t.began = f.wish.liveEdge()
	}
	t.expel(f.hops)
	s.parts = append(s.parts, f)
	t.changed.wake() // who fetches can ask it now
	if len(s.parts) > maxSegments {
		s.drop(s.parts[0])
		s.parts = slices.Delete(s.parts, 0, 1)
	}
	s.adoptFrom(f)
	t.later(s) // the old source is to hear where it ends
}

// adoptFrom takes over what the source has already, but for what was fetched there.
func (s *splice) adoptFrom(f *feed) {
	t, from := s.t, f.from
	if !t.accepted {
		t.info, t.accepted = from.info, true
		t.info.MaxLatency = t.limits().window(t.info.MaxLatency)
		t.changed.wake()
		t.demand.wake()
		for _, f := range t.feeds {
			f.accepted()
		}
	}
	for _, c := range from.arrivals {
		if !c.refill {
			f.take(c.group)
		}
	}
	if from.boundary.Set {
		s.finished(f, from.boundary.Sequence)
	}
}

// finished is the end that the newest source declares. The first one counts.
func (s *splice) finished(f *feed, boundary uint64) {
	if f == s.serving() && !s.t.boundary.Set && !s.t.closed {
		s.t.declare(max(boundary, s.t.edge()))
	}
}

// ended is called when the track of a source has ended. With progress, that is no
// end for the readers: they wait for another source. Without, it is a refusal.
func (s *splice) ended(f *feed, err error) {
	if f.dead {
		return
	}
	f.dead = true
	s.t.changed.wake() // who fetches from it has to ask another
	switch {
	case s.t.closed:
		return
	case f == s.trial:
		s.trial = nil
		if !f.idled {
			s.refuse(f.src, err)
		}
	case f != s.newest():
	case err == nil, s.whole():
		s.endedBy = f.from
		s.t.end(nil)
	case !f.progress && !f.idled:
		s.parts = s.parts[:len(s.parts)-1]
		s.refuse(f.src, err)
	default:
		s.cause, s.avoid = err, f.src
	}
	s.t.later(s)
}

// refuse notes that a source does not serve the track.
func (s *splice) refuse(src *source, err error) {
	if err == nil {
		err = ErrDropped
	}
	s.refused = append(s.refused, src)
	s.note(err)
}

// note keeps why a source does not serve the track. Not to have it is the least of reasons.
func (s *splice) note(err error) {
	if s.cause == nil || !errors.Is(err, ErrNotFound) {
		s.cause = err
	}
}

// broadcastChanged looks at what is wanted and at what there is. No lock is held.
// While another call is at it, that one looks again.
func (s *splice) broadcastChanged() {
	t := s.t
	t.mu.Lock()
	defer t.unlock()
	s.again = true
	if s.settling {
		return
	}
	s.settling = true
	for s.again {
		s.again = false
		t.mu.Unlock()
		s.settle()
		t.mu.Lock()
	}
	s.settling = false
}

func (s *splice) settle() {
	t := s.t
	t.lockLifetime()
	gone := s.gone
	s.gone = nil
	idle, over := !t.used, t.closed
	if over {
		gone = append(gone, s.strip()...)
	}
	s.timers()
	all := t.aggregate
	open := slices.Clone(s.parts)
	if s.trial != nil {
		open = append(open, s.trial)
	}
	wants := make([]Subscription, len(open))
	for i, f := range open {
		wants[i] = f.wants(all)
		f.idled = f.idled || idle
	}
	t.unlockLifetime()
	for _, f := range gone {
		f.detach()
	}
	for i, f := range open {
		f.want(wants[i], !idle && !f.isDead())
	}
	if !over && !idle {
		s.choose()
	}
	t.owner.front.prune(t.owner)
}

func (f *feed) isDead() bool {
	f.s.t.mu.Lock()
	defer f.s.t.mu.Unlock()
	return f.dead
}

// strip takes everything off an ended track.
func (s *splice) strip() []*feed {
	all := s.parts
	if s.trial != nil {
		all = append(all, s.trial)
	}
	for _, f := range all {
		f.dead = true
	}
	s.parts, s.trial, s.refused, s.avoid = nil, nil, nil, nil
	stop(&s.patience)
	return all
}
