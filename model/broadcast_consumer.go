package model

import (
	"context"
	"fmt"
	"sync/atomic"
)

// BroadcastConsumer reads one broadcast. It may be used concurrently.
//
// One that comes from an origin reads whatever sources the path has: tracks move
// from one to the next at the first group that is missing, and readers notice
// nothing. It ends when another publisher takes the path, or no source is left.
type BroadcastConsumer struct {
	b      *broadcast
	peer   *peers // not to be served through
	closed atomic.Bool
}

// SubscribeTrack returns a reader of the named track at its oldest cached group.
// It never blocks: a track that does not exist is asked of the dynamic handler,
// and its readers wait. All who ask for one name share one track. ErrNotFound
// without a handler, the broadcast's error after its end (ErrDropped when it was
// finished), ErrClosed after Close, ErrUnroutable when there is only a way through the
// neighbor that the handle is bound to. At a path of an origin, the error of the last
// source that refused, once all have; a refusal that comes later ends the reader.
func (c *BroadcastConsumer) SubscribeTrack(name string, s Subscription) (*TrackConsumer, error) {
	r, err := c.subscribe(name, s)
	if err != nil {
		return nil, fmt.Errorf("subscribe to track %q: %w", name, err)
	}
	return r, nil
}

func (c *BroadcastConsumer) subscribe(name string, s Subscription) (*TrackConsumer, error) {
	if c.closed.Load() {
		return nil, errReaderClosed
	}
	b := lockAt(name, c.lock)
	if b.tainted(c.peer) {
		b.mu.Unlock()
		return nil, ErrUnroutable
	}
	t, err := b.obtain(name)
	if err != nil {
		b.mu.Unlock()
		return nil, err
	}
	t.mu.Lock()
	r := t.consumeFor(c.peer, s)
	t.unlockLifetime()
	if err := t.refusal(r); err != nil {
		_ = r.Close()
		return nil, err
	}
	return r, nil
}

// lock locks and returns the broadcast that this handle's tracks are of.
func (c *BroadcastConsumer) lock() *broadcast {
	if c.peer != nil && c.b.front != nil {
		return c.b.front.lockFor(c.peer)
	}
	return c.b.lock()
}

// obtain returns the track of this name, asked for if need be, under the lock.
func (b *broadcast) obtain(name string) (*track, error) {
	t := b.tracks[name]
	switch {
	case b.err != nil:
		return nil, b.failure()
	case t != nil:
	case b.front != nil:
		t = b.add(name)
		t.splice = &splice{t: t}
	case b.dynamics == 0:
		b.missed = true
		return nil, ErrNotFound
	default:
		t = b.add(name)
		t.requested = true
		b.queue = append(b.queue, t)
		b.requests.wake()
	}
	return t, nil
}

// Track names a track without subscribing to it. ErrNotFound when there is none of
// that name and no handler to make it; the other errors as in SubscribeTrack.
func (c *BroadcastConsumer) Track(name string) (*BroadcastTrack, error) {
	if c.closed.Load() {
		return nil, fmt.Errorf("track %q: %w", name, errReaderClosed)
	}
	b := lockAt(name, c.lock)
	t, err := b.tracks[name], error(nil)
	switch {
	case b.err != nil:
		err = b.failure()
	case t == nil && b.front == nil && b.dynamics == 0:
		err = ErrNotFound
	}
	b.unlockUnread()
	if err != nil {
		return nil, fmt.Errorf("track %q: %w", name, err)
	}
	return &BroadcastTrack{c: c.Clone(), name: name, t: t}, nil
}

// BroadcastTrack is a track of a broadcast that its holder need not read. It is no
// demand and needs no closing. It may be used concurrently.
type BroadcastTrack struct {
	c    *BroadcastConsumer
	name string
	t    *track // as it was then: it stays readable when the broadcast has ended
}

// Name returns the track's name in its broadcast.
func (h *BroadcastTrack) Name() string { return h.name }

// Subscribe returns a reader, as [BroadcastConsumer.SubscribeTrack] does. It works
// after the end of the broadcast too, for a track that was there and is still open.
func (h *BroadcastTrack) Subscribe(s Subscription) (*TrackConsumer, error) {
	r, err := h.c.SubscribeTrack(h.name, s)
	if err == nil || h.t == nil {
		return r, err
	}
	t := h.t
	t.lockLifetime()
	defer t.unlockLifetime()
	if t.owner.err == nil || (t.closed && t.err != nil) || t.owner.tainted(h.c.peer) {
		return nil, err
	}
	r = t.consumeFor(h.c.peer, s)
	if r.cause != nil {
		return nil, r.cause
	}
	return r, nil
}

// Info blocks until the publisher's side has accepted the track and returns what it
// said. Until it has, Info counts as a reader that wants no group; a track that is
// known has no reader more. Errors as in Subscribe and [TrackConsumer.Info].
func (h *BroadcastTrack) Info(ctx context.Context) (TrackInfo, error) {
	if info, ok := h.TryInfo(); ok {
		return info, nil
	}
	r, err := h.Subscribe(neutral)
	if err != nil {
		return TrackInfo{}, err
	}
	defer r.Close()
	return r.Info(ctx)
}

// TryInfo is Info without asking anybody, so it is no demand: false when the track has
// yet to be made, or has failed. At a path of an origin it is what the source says that
// the next reader would get the track from.
func (h *BroadcastTrack) TryInfo() (TrackInfo, bool) {
	b := lockAt(h.name, h.c.lock)
	t, f := b.tracks[h.name], b.front
	if t == nil && b.err != nil {
		t, f = h.t, nil
	}
	if b.tainted(h.c.peer) {
		t = nil
	}
	b.unlockUnread()
	if t == nil && f != nil {
		return f.offered(b.peer, h.name)
	}
	return t.known(b.cache)
}

// FetchGroup returns the group with this sequence from the cache, or as the
// publisher's side makes it; meanwhile it counts as a reader that wants no group. It
// blocks until there is an answer. Errors as in Subscribe and
// [TrackConsumer.FetchGroup].
func (h *BroadcastTrack) FetchGroup(ctx context.Context, seq uint64, priority uint8) (*GroupConsumer, error) {
	r, err := h.Subscribe(neutral)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return r.FetchGroup(ctx, seq, priority)
}

// neutral changes nothing in an aggregate.
var neutral = Subscription{Ordered: true, End: At(0)}

// Route returns the current route: for a handle bound to a peer, the best that does
// not run through the peer.
func (c *BroadcastConsumer) Route() Route { return c.route(false) }

// AdvertisedRoute returns the route to tell others. While it is in use, the cost is
// 0, since it is being paid already; for 5 s after the last reader, too.
func (c *BroadcastConsumer) AdvertisedRoute() Route { return c.route(true) }

func (c *BroadcastConsumer) route(advertised bool) Route {
	if f := c.b.front; f != nil && (advertised || c.peer != nil) {
		return f.routeFor(c.peer, advertised)
	}
	return c.b.currentRoute()
}

// Closed returns a channel that closes when the broadcast has ended; not on Close of this
// handle.
func (c *BroadcastConsumer) Closed() <-chan struct{} {
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	if c.b.err != nil {
		return fired
	}
	return c.b.ended.wait()
}

// Err returns nil until the broadcast has ended, then why: io.EOF after Finish,
// ErrDropped when its producers went away, the abort error otherwise.
func (c *BroadcastConsumer) Err() error {
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	return c.b.err
}

// IsClone reports whether other reads the same broadcast.
func (c *BroadcastConsumer) IsClone(other *BroadcastConsumer) bool { return c.b == other.b }

// Clone returns an independent handle. The clone of a closed handle is closed.
func (c *BroadcastConsumer) Clone() *BroadcastConsumer {
	n := &BroadcastConsumer{b: c.b, peer: c.peer}
	n.closed.Store(c.closed.Load())
	return n
}

// Close lets go of the handle; readers of tracks made with it go on. Repeating it
// is harmless.
func (c *BroadcastConsumer) Close() error {
	c.closed.Store(true)
	return nil
}
