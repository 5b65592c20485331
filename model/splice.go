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

	keep  *time.Timer // runs while nobody reads: the copy is kept at hand for a while
	drain *time.Timer // runs while an old segment has groups in progress
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
	s.trial, s.cause = nil, nil
	if t.closed || s.whole() {
		s.drop(f)
		return
	}
	for n := s.newest(); n != nil && !n.progress; n = s.newest() {
		s.parts = s.parts[:len(s.parts)-1]
		s.drop(n)
	}
	if n := s.newest(); n != nil {
		f.first = t.edge()
		n.limit, n.capped = At(f.first), time.Now()
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

// adoptFrom takes over what the source has already.
func (s *splice) adoptFrom(f *feed) {
	t, from := s.t, f.from
	if !t.accepted {
		t.info, t.accepted = from.info, true
		t.info.MaxLatency = t.limits().clamp(t.info.MaxLatency)
		t.changed.wake()
		t.demand.wake()
		for _, f := range t.feeds {
			f.accepted()
		}
	}
	for _, c := range from.arrivals {
		f.take(c.group)
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
	return all
}

// choose asks the best source that has not refused, unless it serves already. What
// serves goes on until another one has accepted.
func (s *splice) choose() {
	order, banned, none := s.t.owner.front.table(s.t.owner.peer, s.servingSource())
	if banned {
		s.abandon()
	}
	corpse := false
	for _, o := range s.preferred(order) {
		src := o.src
		if s.judge(o) {
			return
		}
		if s.refuses(src) {
			continue
		}
		alive, err := s.ask(o)
		if alive && err == nil {
			return
		}
		corpse = corpse || !alive
		if err != nil {
			s.t.mu.Lock()
			s.note(err) // and ask again next time: it may have the track by then
			s.t.mu.Unlock()
		}
	}
	if !corpse {
		s.exhausted(none)
	}
}

func (s *splice) servingSource() *source {
	s.t.mu.Lock()
	defer s.t.mu.Unlock()
	if f := s.serving(); f != nil {
		return f.src
	}
	return nil
}

// abandon gives up a source that the track may not come from any more.
func (s *splice) abandon() {
	s.t.mu.Lock()
	defer s.t.unlock()
	if f := s.serving(); f != nil {
		s.cause = ErrUnroutable
		s.drop(f)
	}
}

// preferred puts the source whose copy has just died last.
func (s *splice) preferred(order []offer) []offer {
	s.t.mu.Lock()
	defer s.t.mu.Unlock()
	if i := slices.IndexFunc(order, func(o offer) bool { return o.src == s.avoid }); i >= 0 {
		last := order[i]
		order = append(slices.Delete(order, i, i+1), last)
	}
	return order
}

func (s *splice) refuses(src *source) bool {
	s.t.mu.Lock()
	defer s.t.mu.Unlock()
	return slices.Contains(s.refused, src)
}

// judge reports whether src is the one already: it serves, or is being asked.
func (s *splice) judge(o offer) bool {
	src := o.src
	s.t.lockLifetime()
	defer s.t.unlockLifetime()
	if f := s.serving(); f != nil && f.src == src {
		s.t.expel(o.hops)
		if s.trial != nil {
			s.drop(s.trial) // it was better once
			s.trial = nil
		}
		return true
	}
	return s.trial != nil && s.trial.src == src || s.t.closed || s.whole()
}

// ask subscribes to the track at a source; false when the source has ended and is
// about to leave the table.
func (s *splice) ask(o offer) (alive bool, err error) {
	src := o.src
	s.t.mu.Lock()
	f := &feed{s: s, src: src, hops: o.hops}
	wish := s.t.aggregate
	if wish.Start.Set {
		wish.Start.Sequence = max(wish.Start.Sequence, s.t.edge())
	}
	s.t.mu.Unlock()
	src.b.mu.Lock()
	if src.b.err != nil {
		src.b.mu.Unlock()
		return false, nil
	}
	t, err := src.b.obtain(s.t.name)
	if err != nil {
		src.b.mu.Unlock()
		return true, err
	}
	f.from = t
	t.mu.Lock()
	f.attach(wish)
	t.unlockLifetime()
	return true, nil
}

// exhausted is called when there is nobody left to ask: what serves or may still
// answer goes on; otherwise the track fails, or waits while sources may come back.
func (s *splice) exhausted(none bool) {
	t := s.t
	t.lockLifetime()
	defer t.unlockLifetime()
	ended := t.owner.err != nil
	if t.closed || s.serving() != nil || s.trial != nil || (none && !ended) {
		return
	}
	t.end(s.failure())
}

// failure is what the readers get when nobody serves the track.
func (s *splice) failure() error {
	switch {
	case s.cause != nil:
		return s.cause
	case s.t.owner.err != nil:
		return s.t.owner.failure()
	}
	return ErrUnroutable
}

// refusal is why nobody serves the track, once that is clear.
func (t *track) refusal() error {
	if t.splice == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed && !t.accepted {
		return t.err
	}
	return nil
}
