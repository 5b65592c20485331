package model

// A front keeps a track that came to its end for those who come late, so that nobody is
// asked for it again. It is not to hide one of the same name that came after it.

// lockAt locks what lock does, for a look at a track of it: one that was kept for those who
// come late has given way to its successor by then.
func lockAt(name string, lock func() *broadcast) *broadcast {
	b := lock()
	if s := b.finished(name); s != nil {
		b.mu.Unlock()
		s.giveWay()
		b = lock()
	}
	return b
}

func (b *broadcast) lock() *broadcast {
	b.mu.Lock()
	return b
}

// finished is what filled the track of this name, when that is one of a front that came
// to its end. The lock is held.
func (b *broadcast) finished(name string) *splice {
	t := b.tracks[name]
	if t == nil || t.splice == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.closed || t.err != nil {
		return nil
	}
	return t.splice
}

// giveWay takes a finished track out of its front's registry when the source that would
// be asked now has another one. No lock is held.
func (s *splice) giveWay() {
	t, b := s.t, s.t.owner
	order, _, _ := b.front.table(b.peer, nil)
	if len(order) == 0 || !order[0].src.b.offersAnother(t.name, s.endedBy) {
		return
	}
	b.mu.Lock()
	b.unlist(t)
	b.mu.Unlock()
	s.broadcastChanged() // nobody will ask for what is cached
}

// offersAnother reports whether who asks the broadcast for a track now gets another one
// than old, without asking a handler for it. No lock is held.
func (b *broadcast) offersAnother(name string, old *track) bool {
	lockAt(name, b.lock)
	t := b.tracks[name]
	b.mu.Unlock()
	if t != nil || b.front == nil {
		return t != nil && t != old
	}
	order, _, _ := b.front.table(b.peer, nil)
	return len(order) > 0 && order[0].src.b.offersAnother(name, old)
}
