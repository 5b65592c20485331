package model

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
)

// OriginConsumer watches and looks up the broadcasts of an origin. It costs
// nothing to make or to forget; any may be used concurrently.
type OriginConsumer struct {
	o      *origin
	scope  scope
	peer   *peers // whose handle it is
	closed atomic.Bool
	gone   signal // closed has become true; under the origin's lock
}

// ID returns the origin's identity in hop chains.
func (c *OriginConsumer) ID() OriginID { return c.o.id }

// Root returns the path that this handle's paths are relative to.
func (c *OriginConsumer) Root() Path { return c.scope.root }

// Allowed returns the permitted prefixes, relative to the root; "" is everything.
func (c *OriginConsumer) Allowed() []Path { return c.scope.prefixes() }

// Scope returns a handle narrowed to the prefixes, as [OriginProducer.Scope] does.
func (c *OriginConsumer) Scope(prefixes ...Path) (*OriginConsumer, error) {
	s, err := c.scope.narrow(prefixes)
	if err != nil {
		return nil, err
	}
	return c.with(s), nil
}

// WithRoot returns a handle whose paths are relative to prefix, as
// [OriginProducer.WithRoot] does.
func (c *OriginConsumer) WithRoot(prefix Path) (*OriginConsumer, error) {
	s, err := c.scope.under(prefix)
	if err != nil {
		return nil, err
	}
	return c.with(s), nil
}

func (c *OriginConsumer) with(s scope) *OriginConsumer {
	n := &OriginConsumer{o: c.o, scope: s, peer: c.peer}
	n.closed.Store(c.closed.Load())
	return n
}

// Clone returns an independent handle. The clone of a closed handle is closed.
func (c *OriginConsumer) Clone() *OriginConsumer { return c.with(c.scope) }

// Close lets go of the handle: its calls return ErrClosed, also one that is waiting.
// Other handles made from it, cursors and broadcasts go on, until they are closed
// themselves. Repeating it is harmless.
func (c *OriginConsumer) Close() error {
	c.o.mu.Lock()
	defer c.o.mu.Unlock()
	c.closed.Store(true)
	c.gone.wake()
	return nil
}

// wait returns nil when ready closes, and an error when ctx ends or the handle is closed
// before.
func (c *OriginConsumer) wait(ctx context.Context, ready <-chan struct{}) error {
	var err error
	select {
	case <-ready:
		return nil
	case <-c.closing():
		err = errOriginClosed
	case <-ctx.Done():
		err = ctx.Err()
	}
	select {
	case <-ready: // what is there comes first
		return nil
	default:
		return err
	}
}

func (c *OriginConsumer) closing() <-chan struct{} {
	c.o.mu.Lock()
	defer c.o.mu.Unlock()
	if c.closed.Load() {
		return fired
	}
	return c.gone.wait()
}

// Announcements returns a cursor over what is announced, beginning with what is
// active now. Close it when done: Close of this handle leaves it as it is. From a closed
// handle comes a closed cursor.
func (c *OriginConsumer) Announcements() *AnnounceConsumer {
	if c.closed.Load() {
		return closedAnnouncements(c.o)
	}
	return newAnnounceConsumer(&cursor{o: c.o, scope: c.scope, peer: c.peer})
}

// Routes is Announcements for those who pass on what is announced: another advertised
// route of a broadcast that was told of is an event too, with Update set. What came
// and went unseen is left out, and an update may find the route as it was told. Close
// it as well.
func (c *OriginConsumer) Routes() *AnnounceConsumer {
	if c.closed.Load() {
		return closedAnnouncements(c.o)
	}
	return newAnnounceConsumer(&cursor{o: c.o, scope: c.scope, peer: c.peer, routes: true})
}

// Announced blocks until exactly this path is announced and returns its broadcast,
// which the caller closes. ErrUnauthorized at once when this handle may not see
// the path, ErrDropped when the origin is complete without it, ErrClosed after Close,
// also when it is waiting.
func (c *OriginConsumer) Announced(ctx context.Context, path Path) (*BroadcastConsumer, error) {
	abs, err := c.resolve(path)
	if err != nil {
		return nil, fmt.Errorf("wait for %q: %w", path, err)
	}
	only := &cursor{o: c.o, scope: scope{abs, PathPrefixes{abs}}, peer: c.peer, exact: true}
	only.register()
	defer only.close()
	for {
		ev, ok, changed, err := only.take(true)
		if errors.Is(err, io.EOF) {
			err = ErrDropped
		} else if err == nil && !ok {
			err = c.wait(ctx, changed)
		}
		switch {
		case err != nil:
			return nil, fmt.Errorf("wait for %q: %w", path, err)
		case ev.Broadcast != nil:
			return ev.Broadcast, nil
		}
	}
}

// Request returns the broadcast at exactly this path: an announced or offline one
// at once; otherwise the on-demand handlers are asked, and it blocks until one of
// them answers. The caller closes it. ErrUnroutable when nobody can make it,
// ErrUnauthorized outside the permitted prefixes, ErrDropped when the origin is
// complete without it, the handler's error when it refuses, ErrClosed after Close, also
// when it is waiting; the handlers may still answer what was asked.
func (c *OriginConsumer) Request(ctx context.Context, path Path) (*BroadcastConsumer, error) {
	abs, err := c.resolve(path)
	if err != nil {
		return nil, fmt.Errorf("request %q: %w", path, err)
	}
	b, r, err := c.o.find(abs, c.peer)
	if r != nil {
		b, err = c.answer(ctx, r)
	}
	if err != nil {
		return nil, fmt.Errorf("request %q: %w", path, err)
	}
	return &BroadcastConsumer{b: b, peer: c.peer}, nil
}

// answer waits for what comes of a request.
func (c *OriginConsumer) answer(ctx context.Context, r *onDemand) (*broadcast, error) {
	if err := c.wait(ctx, r.done); err != nil {
		return nil, err
	}
	if r.err == nil && !r.b.reaches(c.peer) {
		return nil, ErrUnroutable
	}
	return r.b, r.err // final once done is closed
}

func (c *OriginConsumer) resolve(path Path) (Path, error) {
	if c.closed.Load() {
		return "", errOriginClosed
	}
	return c.scope.resolve(path)
}
