package model

import (
	"fmt"
	"io"
	"slices"
)

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
