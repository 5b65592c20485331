package model

import (
	"slices"
	"time"
)

// choose asks the best source that has not refused, unless it serves already. What
// serves goes on until another one has accepted.
func (s *splice) choose() {
	order, banned, none := s.t.owner.front.table(s.t.owner.peer, s.servingSource())
	if banned {
		s.abandon()
	}
	corpse, lacking := false, false
	for _, o := range s.preferred(order) {
		src := o.src
		if s.judge(o) {
			return
		}
		if s.refuses(src) {
			corpse = corpse || src.b.cause() != nil // it has ended, and that was why
			continue
		}
		alive, err := s.ask(o)
		switch {
		case !alive:
			corpse = true
		case err == nil:
			return
		default:
			s.t.mu.Lock()
			s.note(err) // and ask again next time: it may have the track by then
			s.t.mu.Unlock()
			lacking = true
		}
	}
	s.exhausted(corpse || none, lacking)
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
		f.hops = o.hops
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
	lockAt(s.t.name, src.b.lock)
	t, err := src.b.obtain(s.t.name)
	if alive = src.b.err == nil; err != nil || !alive {
		src.b.mu.Unlock()
		return alive, err
	}
	f.from = t
	t.mu.Lock()
	f.attach(wish)
	t.unlockLifetime()
	return true, nil
}

// exhausted is called when there is nobody left to ask: what serves or may still
// answer goes on. Otherwise the track waits while sources may come back, and, for as long
// as it would have waited for them, while one that did lacks the track. Or it fails.
func (s *splice) exhausted(outage, lacking bool) {
	t := s.t
	t.lockLifetime()
	defer t.unlockLifetime()
	switch {
	case t.closed || s.again || s.serving() != nil || s.trial != nil: // with again, there may be another by now
	case t.owner.err != nil:
		t.end(s.failure())
	case outage:
		if s.outage.IsZero() {
			s.outage = time.Now()
		}
	case lacking && s.patient():
	default:
		t.end(s.failure())
	}
}

// patient reports whether the track has been without a source for less than its origin
// allows, and looks again when that time is over.
func (s *splice) patient() bool {
	left := s.t.owner.front.o.linger - time.Since(s.outage)
	if s.outage.IsZero() || left <= 0 {
		return false
	}
	stop(&s.patience)
	s.patience = time.AfterFunc(left, s.broadcastChanged)
	return true
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

// refusal is why nobody serves the track for a new reader, once that is clear.
func (t *track) refusal(c *TrackConsumer) error {
	if t.splice == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.closed && !t.accepted:
		return t.err
	case c.cause != nil:
		return c.cause
	}
	return nil
}
