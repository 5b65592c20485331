package model

import "time"

// drainCheck is how often an old segment is looked at whose groups are in progress.
const drainCheck = time.Second

// timers starts and stops what the state of the track asks for, under lockLifetime.
func (s *splice) timers() {
	t := s.t
	listed := t.owner.tracks[t.name] == t
	switch {
	case t.closed && t.err != nil:
		s.purge()
	case t.closed && listed: // for late readers, for a while
		s.keepFor(t.owner.front.o.idle)
	case t.used:
		stop(&s.keep)
	case !listed: // its broadcast has ended or let it go
		stop(&s.keep)
		if !t.closed {
			t.end(ErrCancel)
		}
		t.clearCache()
	case s.serving() == nil && s.trial == nil:
		s.letGo()
	default:
		s.keepFor(t.owner.front.o.idle)
	}
	s.drainOld()
}

// keepFor has the track expire after d, unless it is to sooner.
func (s *splice) keepFor(d time.Duration) {
	if s.keep == nil {
		s.keep = time.AfterFunc(d, s.expire)
	}
}

func stop(timer **time.Timer) {
	if *timer != nil {
		(*timer).Stop()
		*timer = nil
	}
}

// purge lets the groups of a failed track stay until their readers have had the
// time that the track gives them.
func (s *splice) purge() {
	t := s.t
	if !t.used || len(t.arrivals) == 0 {
		stop(&s.keep)
		t.clearCache()
	} else {
		s.keepFor(t.info.MaxLatency)
	}
}

// expire ends the time that the track was kept for.
func (s *splice) expire() {
	t := s.t
	t.lockLifetime()
	switch {
	case s.keep == nil:
	case t.closed && t.err != nil:
		t.clearCache()
	case !t.used:
		s.letGo()
	case t.closed:
		t.owner.unlist(t) // who reads it goes on
	}
	s.keep = nil
	t.unlockLifetime()
	t.owner.front.prune(t.owner)
}

// letGo forgets the track. The next reader begins with a new one.
func (s *splice) letGo() {
	s.t.owner.unlist(s.t)
	stop(&s.keep)
	if !s.t.closed {
		s.t.end(ErrCancel)
	}
	s.t.clearCache()
}

// drainOld drops the segments before the newest once their groups are complete.
func (s *splice) drainOld() {
	waiting := false
	for i := 0; i < len(s.parts)-1; {
		switch f := s.parts[i]; {
		case f.dead, f.drained():
			s.drop(f)
		default:
			waiting = true
			i++
			continue
		}
		s.parts = append(s.parts[:i:i], s.parts[i+1:]...)
	}
	stop(&s.drain)
	if waiting {
		s.drain = time.AfterFunc(drainCheck, s.broadcastChanged)
	}
}
