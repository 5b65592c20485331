package model

// errands are what a track has to do once its locks are let go: it takes the locks of
// others.
type errands struct {
	due   []broadcastWatcher
	lost  []eviction
	payer *track   // whose pool is full: another track of it has to help
	more  []*track // the same for other pools
}

// eviction is a group that a track let go while others cache it too.
type eviction struct {
	group  *group
	others []*track
	pool   *CachePool // whose budget it went for; nil when it was too old
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
	for _, t := range more.more {
		e.askHelp(t)
	}
	if more.payer != nil {
		e.askHelp(more.payer)
	}
}

// askHelp notes that the pool of a track is full.
func (e *errands) askHelp(t *track) {
	if e.payer == nil || e.payer.pool() == t.pool() {
		e.payer = t
	} else {
		e.more = append(e.more, t)
	}
}

// run does the errands, with no lock held.
func (e errands) run() {
	for _, x := range e.lost {
		for _, other := range x.others {
			other.lose(x)
		}
	}
	if e.payer != nil {
		e.payer.getHelp()
	}
	for _, t := range e.more {
		t.getHelp()
	}
	tell(e.due)
}
