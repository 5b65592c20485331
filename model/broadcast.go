package model

import (
	"errors"
	"fmt"
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

// BroadcastProducer writes the tracks of one broadcast. Handles made by Clone
// belong to the same broadcast; any may be used concurrently.
type BroadcastProducer struct {
	b      *broadcast
	closed bool
}

// NewBroadcast returns a broadcast that no origin knows yet. To serve tracks on
// demand, make the handler with Dynamic before publishing it, or a fast reader
// finds the broadcast without its tracks.
func NewBroadcast(route Route) *BroadcastProducer {
	return &BroadcastProducer{b: &broadcast{route: route.clone(), producers: 1}}
}

// CreateTrack adds a track; it can be subscribed to from now on. A request for
// that name that nobody has picked up yet is answered by it. ErrDuplicate while a
// track of that name is open, ErrBoundsExceeded for an info that cannot be,
// ErrClosed or the broadcast's error after its end.
func (p *BroadcastProducer) CreateTrack(name string, info TrackInfo) (*TrackProducer, error) {
	info, err := info.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("create track %q: %w", name, err)
	}
	p.b.mu.Lock()
	t, err := p.take(name)
	if err != nil {
		p.b.mu.Unlock()
		return nil, fmt.Errorf("create track %q: %w", name, err)
	}
	t.mu.Lock()
	defer t.unlockLifetime()
	return t.accept(info), nil
}

// take returns a track of this name that nobody serves, with the broadcast's lock held.
func (p *BroadcastProducer) take(name string) (*track, error) {
	b := p.b
	if err := p.usable(); err != nil {
		return nil, err
	}
	t := b.tracks[name]
	if t == nil {
		t = b.add(name)
		for _, w := range b.takeMissed() {
			t.later(w)
		}
	} else if i := slices.Index(b.queue, t); i >= 0 {
		b.queue = slices.Delete(b.queue, i, i+1)
	} else {
		return nil, ErrDuplicate
	}
	t.requested = false // it stays listed when its readers leave
	return t, nil
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

// RemoveTrack takes a track out of the broadcast without ending it: readers it
// has go on, new ones do not find it. ErrNotFound when there is none, ErrClosed or the
// broadcast's error after its end.
func (p *BroadcastProducer) RemoveTrack(name string) error {
	p.b.mu.Lock()
	defer p.b.mu.Unlock()
	err := p.usable()
	if err == nil && p.b.tracks[name] == nil {
		err = ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("remove track %q: %w", name, err)
	}
	delete(p.b.tracks, name)
	return nil
}

// Dynamic returns a handler for tracks that are asked for but do not exist. While
// one is open, the broadcast is open too.
func (p *BroadcastProducer) Dynamic() *BroadcastDynamic {
	b := p.b
	b.mu.Lock()
	d := &BroadcastDynamic{b: b, closed: p.closed}
	var missed []broadcastWatcher
	if !p.closed {
		b.dynamics++
		missed = b.takeMissed()
	}
	b.mu.Unlock()
	tell(missed)
	return d
}

// Consume returns a reader.
func (p *BroadcastProducer) Consume() *BroadcastConsumer { return &BroadcastConsumer{b: p.b} }

// Route returns the current route.
func (p *BroadcastProducer) Route() Route { return p.b.currentRoute() }

// SetRoute changes the route; origins that have the broadcast choose anew. An
// equal route changes nothing. A route that runs through an origin already, or
// is longer than MaxHops, takes the broadcast out of service there until the
// next one. Nothing happens after the end.
func (p *BroadcastProducer) SetRoute(r Route) {
	b := p.b
	b.mu.Lock()
	var w []broadcastWatcher
	if !p.closed {
		w = b.setRoute(r)
	}
	b.mu.Unlock()
	tell(w)
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

func (p *BroadcastProducer) usable() error {
	if p.b.err != nil {
		return p.b.failure()
	}
	if p.closed {
		return fmt.Errorf("broadcast handle: %w", ErrClosed)
	}
	return nil
}

// Finish ends the broadcast deliberately: it leaves its origins, requests that
// nobody picked up fail with ErrCancel, readers see io.EOF. Tracks go on until
// they end themselves. The broadcast's error when it has ended already.
func (p *BroadcastProducer) Finish() error {
	p.b.mu.Lock()
	err := p.usable()
	var w []broadcastWatcher
	if err == nil {
		w = p.b.end(io.EOF, ErrCancel)
	}
	p.b.mu.Unlock()
	tell(w)
	return err
}

// Abort ends the broadcast with err (nil counts as ErrCancel), as Finish does
// otherwise. Nothing happens when it has ended already.
func (p *BroadcastProducer) Abort(err error) {
	err = abortCause(err)
	p.b.mu.Lock()
	w := p.b.end(err, err)
	p.b.mu.Unlock()
	tell(w)
}

// Clone returns another handle on the same broadcast. The clone of a closed
// handle is closed.
func (p *BroadcastProducer) Clone() *BroadcastProducer {
	p.b.mu.Lock()
	defer p.b.mu.Unlock()
	if !p.closed {
		p.b.producers++
	}
	return &BroadcastProducer{b: p.b, closed: p.closed}
}

// Close lets go of the handle. When no producer and no dynamic handler is left,
// an unfinished broadcast ends with ErrDropped. Repeating it is harmless.
func (p *BroadcastProducer) Close() error {
	p.b.mu.Lock()
	var w []broadcastWatcher
	if !p.closed {
		p.closed = true
		p.b.producers--
		p.b.demand.wake() // who waits through this handle
		w = p.b.release()
	}
	p.b.mu.Unlock()
	tell(w)
	return nil
}
