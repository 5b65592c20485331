package model

// errands are what a track has to do once its locks are let go: it takes the locks of
// others.
type errands struct {
	due    []broadcastWatcher
	lost   []eviction
	relief *CachePool // full: let another of its tracks expire
}

// eviction is a group that a track let go while others cache it too.
type eviction struct {
	group  *group
	others []*track
}

// later puts off a call until the locks are let go.
func (e *errands) later(w broadcastWatcher) {
	for _, x := range e.due {
		if x == w {
			return
		}
	}
	e.due = append(e.due, w)
}

func (e *errands) takeErrands() errands {
	taken := *e
	*e = errands{}
	return taken
}

// takeDue is takeErrands after what evicts nothing.
func (e *errands) takeDue() []broadcastWatcher { return e.takeErrands().due }

// add passes the errands of a track on to one whose lock is still held.
func (e *errands) add(more errands) {
	for _, w := range more.due {
		e.later(w)
	}
	e.lost = append(e.lost, more.lost...)
	if more.relief != nil {
		e.relief = more.relief
	}
}

// run does the errands, with no lock held.
func (e errands) run() {
	for _, x := range e.lost {
		for _, other := range x.others {
			other.lose(x.group)
		}
	}
	if e.relief != nil {
		if idle := e.relief.next(); idle != nil {
			idle.mu.Lock()
			idle.expire()
			idle.unlock()
		}
	}
	tell(e.due)
}
