package model

import (
	"errors"
	"io"
	"slices"
	"sync"
)

// broadcast is the state behind every handle of one broadcast.
type broadcast struct {
	front *front // fills the tracks from the sources of a path; nil when producers do
	peer  *peers // whom the front never lets the tracks come through

	mu        sync.Mutex
	route     Route
	routed    signal            // another route, or another one to be told of
	guests    map[string]*guest // neighbors that read, by their keys
	used      int               // tracks with readers
	demand    signal            // used has become 0 or 1, or the end
	tracks    map[string]*track // live ones; they keep themselves out when they close
	queue     []*track          // requested and not yet picked up, oldest first
	producers int
	dynamics  int
	requests  signal // the queue, or the end
	err       error  // nil while open, io.EOF after Finish
	ended     signal
	watchers  []broadcastWatcher
	missed    bool // somebody asked for a track that was not there

	cache   cacheLimits // of its tracks
	settled bool        // the limits do not change any more: it has had a track, or an origin has it
}

// bind has the tracks cache within the limits of an origin, unless there were any yet.
func (b *broadcast) bind(limits cacheLimits) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.settled {
		b.cache, b.settled = limits, true
	}
}

// broadcastWatcher is told, without locks, that there is something to be done: the
// route of a broadcast changed, or it ended, or what a track wants or gets did.
type broadcastWatcher interface{ broadcastChanged() }

// forget takes a track that has ended, or that nobody wants any more, out of the
// registry. What came to its end from elsewhere stays a while, so that late readers
// see the end and nobody is asked again.
func (b *broadcast) forget(t *track) {
	if t.splice == nil || t.err != nil {
		b.unlist(t)
	}
}

// unlist takes a track out of the registry, unless it was replaced.
func (b *broadcast) unlist(t *track) {
	if b.tracks[t.name] == t {
		delete(b.tracks, t.name)
	}
}

// watch registers w; the broadcast's error when it has ended already.
func (b *broadcast) watch(w broadcastWatcher) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return b.failure()
	}
	b.watchers = append(b.watchers, w)
	return nil
}

// look returns the current route, and whether the broadcast is still open.
func (b *broadcast) look() (Route, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.route, b.err == nil
}

// cause is how the broadcast ended, nil while it is open.
func (b *broadcast) cause() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err
}

// failure is the error for those who want something of an ended broadcast.
func (b *broadcast) failure() error {
	if errors.Is(b.err, io.EOF) {
		return ErrDropped
	}
	return b.err
}

// end closes the broadcast. Its tracks go on; requests that nobody picked up fail
// with pending. It returns whom to tell, after unlocking.
func (b *broadcast) end(err, pending error) []broadcastWatcher {
	if b.err != nil {
		return nil
	}
	b.err = err
	w := append(b.failQueue(pending), b.watchers...)
	b.tracks, b.watchers = nil, nil
	b.requests.wake()
	b.routed.wake()
	b.demand.wake()
	b.ended.wake()
	return w
}

// failQueue aborts the requests that nobody picked up. It returns whom to tell.
func (b *broadcast) failQueue(err error) []broadcastWatcher {
	var due []broadcastWatcher
	for _, t := range b.queue {
		t.mu.Lock()
		t.end(err)
		due = append(due, t.takeDue()...)
		t.mu.Unlock()
	}
	b.queue = nil
	return due
}

func tell(watchers []broadcastWatcher) {
	for _, w := range watchers {
		w.broadcastChanged()
	}
}

// release gives up one producer or dynamic handle, under the lock.
func (b *broadcast) release() []broadcastWatcher {
	if b.producers+b.dynamics > 0 {
		return nil
	}
	return b.end(ErrDropped, ErrCancel)
}

// takeMissed returns the origins that asked for a track that was not there: what has
// come now may be it, or make it.
func (b *broadcast) takeMissed() []broadcastWatcher {
	if !b.missed {
		return nil
	}
	b.missed = false
	return slices.Clone(b.watchers)
}

// add registers a new track.
func (b *broadcast) add(name string) *track {
	t := &track{name: name, owner: b, producers: 1}
	b.settled = true
	if b.tracks == nil {
		b.tracks = make(map[string]*track)
	}
	b.tracks[name] = t
	return t
}

// accept settles what the track is like; the first producer is whoever asked.
func (t *track) accept(info TrackInfo) *TrackProducer {
	info.MaxLatency = t.owner.cache.window(info.MaxLatency)
	t.info, t.accepted = info, true
	t.changed.wake()
	t.demand.wake() // the aggregate is bounded by the info
	for _, f := range t.feeds {
		f.accepted()
	}
	return &TrackProducer{t: t}
}

// setRoute returns whom to tell, after unlocking.
func (b *broadcast) setRoute(r Route) []broadcastWatcher {
	if b.err != nil || r.equal(b.route) {
		return nil
	}
	b.route = r.clone()
	b.routed.wake()
	return slices.Clone(b.watchers)
}

func (b *broadcast) currentRoute() Route {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.route.clone()
}
