package model

import (
	"fmt"
	"time"
)

// OriginOption configures [NewOrigin].
type OriginOption func(*origin)

// WithOriginID sets the identity, made with [NewOriginID]. 0 keeps the random one.
func WithOriginID(id OriginID) OriginOption {
	return func(o *origin) {
		if id != 0 {
			o.id = id
		}
	}
}

// WithLinger keeps a broadcast announced, and its readers waiting, for so long after
// its last source went away without Finish: one of the same publisher that comes
// back in time goes on where the other ended; while it lacks a track that readers wait
// for, it has the rest of that time to create it. The default is 0, not at all; the
// longest Duration is for ever. Prefer sources that overlap, where there can be: a
// broadcast that lingers is dead for those who ask for it.
func WithLinger(d time.Duration) OriginOption { return func(o *origin) { o.linger = d } }

// WithTrackIdle sets how long a track that nobody reads any more stays at hand, for
// readers who come back, instead of 30 s. Its source hears at once that there is no
// demand. A track that came to its end stays as long, read or not: who is late sees
// the end, and a source that would have to be asked is asked for the next track of that
// name only then.
func WithTrackIdle(d time.Duration) OriginOption { return func(o *origin) { o.idle = d } }

// WithCachePool bounds the bytes that everything under the origin caches. Several
// origins may share a pool. Without one there is no bound.
func WithCachePool(p *CachePool) OriginOption { return func(o *origin) { o.cache.pool = p } }

// WithDefaultRetention sets how long tracks under the origin keep groups when their
// publishers do not say, instead of 5 s ([DefaultMaxLatency]): peers before moq-lite-05
// cannot. 0 keeps the default.
func WithDefaultRetention(d time.Duration) OriginOption {
	return func(o *origin) { o.cache.retention = d }
}

// WithMaxRetention is the longest that tracks under the origin keep groups, whatever
// their publishers say; 0, the default, is no bound.
func WithMaxRetention(d time.Duration) OriginOption { return func(o *origin) { o.cache.ceiling = d } }

// OriginProducer publishes broadcasts into an origin: a set of broadcasts by path
// that any number of sessions and local code feed and watch. Handles made by
// Clone, Scope and WithRoot belong to the same origin; any may be used
// concurrently.
type OriginProducer struct {
	o      *origin
	scope  scope
	closed bool
}

// NewOrigin returns a new origin that permits every path.
func NewOrigin(opts ...OriginOption) *OriginProducer {
	o := &origin{id: RandomOriginID(), producers: 1, idle: defaultIdle}
	for _, opt := range opts {
		opt(o)
	}
	return &OriginProducer{o: o, scope: scope{allowed: PathPrefixes{""}}}
}

// ID returns the origin's identity in hop chains.
func (p *OriginProducer) ID() OriginID { return p.o.id }

// Root returns the path that this handle's paths are relative to.
func (p *OriginProducer) Root() Path { return p.scope.root }

// Allowed returns the permitted prefixes, relative to the root; "" is everything.
func (p *OriginProducer) Allowed() []Path { return p.scope.prefixes() }

// CreateBroadcast publishes a new broadcast and returns its producer. It is
// announced at once, so for tracks on demand rather make the broadcast with
// [NewBroadcast], take its Dynamic handler and then publish it. Errors as in
// PublishBroadcast.
func (p *OriginProducer) CreateBroadcast(path Path, route Route) (*BroadcastProducer, error) {
	b := NewBroadcast(route)
	if err := p.publish(path, b.b); err != nil {
		_ = b.Close() // closing a broadcast that nobody knows cannot fail
		return nil, err
	}
	return b, nil
}

// PublishBroadcast makes b a source of path until it ends; the handle may be closed
// meanwhile. Readers of the path are served by the best source of one publisher
// (first hop of the route; this origin, without hops): announced, cheapest, fewest
// hops, lowest hash, newest. Which one it is changes without their notice. The newest
// announced publisher takes the path: watchers see the old broadcast go and the new
// one come, and the displaced one stands by to get the path back. A publisher that is
// unknown (0) is another every time. What is at this path already is left as it is.
//
// The first origin that a broadcast is published in bounds what its tracks cache
// ([WithCachePool], [WithDefaultRetention], [WithMaxRetention]), unless it has had a track
// by then.
//
// While tracks are read, one kind of better source has to wait: a neighbor that
// carries the broadcast too ([Route].Warm) and whose hash at the path is not below
// that of this origin. Else two relays could each move to the other.
//
// ErrUnauthorized outside the permitted prefixes, ErrBoundsExceeded above
// MaxPathParts or MaxHops, ErrLoop when the route runs through this origin or b
// itself is read from this path,
// ErrClosed after Close, the broadcast's error when it has ended.
func (p *OriginProducer) PublishBroadcast(path Path, b *BroadcastConsumer) error {
	if b.closed.Load() {
		return fmt.Errorf("publish %q: %w", path, errReaderClosed)
	}
	return p.publish(path, b.b)
}

func (p *OriginProducer) publish(path Path, b *broadcast) error {
	abs, err := p.admit(path, b)
	if err == nil {
		p.o.mu.Lock()
		defer p.o.unlock()
		if p.closed {
			err = errOriginClosed
		} else {
			err = p.o.attach(abs, b)
		}
	}
	if err != nil {
		return fmt.Errorf("publish %q: %w", path, err)
	}
	return nil
}

var errOriginClosed = fmt.Errorf("origin handle: %w", ErrClosed)

// admit checks what does not depend on what else is published.
func (p *OriginProducer) admit(path Path, b *broadcast) (Path, error) {
	abs, err := p.scope.resolve(path)
	route, _ := b.look()
	switch {
	case route.Hops.Contains(p.o.id):
		return "", ErrLoop
	case len(route.Hops) > MaxHops:
		return "", ErrTooManyOrigins
	case err != nil:
		return "", err
	case abs.numParts() > MaxPathParts:
		return "", fmt.Errorf("%d path components with the root, at most %d: %w", abs.numParts(), MaxPathParts, ErrBoundsExceeded)
	}
	return abs, nil
}

// Scope returns a handle narrowed to the prefixes (relative to the root). A wish
// that is wider than the permission keeps the permission. ErrUnauthorized when
// nothing is left.
func (p *OriginProducer) Scope(prefixes ...Path) (*OriginProducer, error) {
	s, err := p.scope.narrow(prefixes)
	if err != nil {
		return nil, err
	}
	return p.with(s), nil
}

// WithRoot returns a handle whose paths are relative to prefix. ErrUnauthorized
// when nothing under it is permitted.
func (p *OriginProducer) WithRoot(prefix Path) (*OriginProducer, error) {
	s, err := p.scope.under(prefix)
	if err != nil {
		return nil, err
	}
	return p.with(s), nil
}

func (p *OriginProducer) with(s scope) *OriginProducer {
	p.o.mu.Lock()
	defer p.o.mu.Unlock()
	if !p.closed {
		p.o.producers++
	}
	return &OriginProducer{o: p.o, scope: s, closed: p.closed}
}

// Consume returns a reader with the same root and permission.
func (p *OriginProducer) Consume() *OriginConsumer { return &OriginConsumer{o: p.o, scope: p.scope} }

// Dynamic returns a handler for broadcasts that are requested but not announced,
// within this handle's permission.
func (p *OriginProducer) Dynamic() *OriginDynamic {
	p.o.mu.Lock()
	defer p.o.mu.Unlock()
	return p.o.handler(p.scope, p.closed)
}

// Clone returns another handle. The clone of a closed handle is closed.
func (p *OriginProducer) Clone() *OriginProducer { return p.with(p.scope) }

// Close lets go of the handle. With the last one the origin is complete: what is
// published stays reachable until it ends, cursors report io.EOF once they have
// told everything, requests that nobody picked up fail with ErrDropped.
// Repeating it is harmless.
func (p *OriginProducer) Close() error {
	p.o.mu.Lock()
	defer p.o.mu.Unlock()
	if !p.closed {
		p.closed = true
		p.o.release()
	}
	return nil
}
