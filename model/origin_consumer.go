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

// Close lets go of the handle: its calls return ErrClosed. Cursors and broadcasts
// obtained from it go on. Repeating it is harmless.
func (c *OriginConsumer) Close() error {
	c.closed.Store(true)
	return nil
}

// Announcements returns a cursor over what is announced, beginning with what is
// active now. Close it when done.
func (c *OriginConsumer) Announcements() *AnnounceConsumer {
	if c.closed.Load() {
		return closedAnnouncements(c.o)
	}
	return newAnnounceConsumer(&cursor{o: c.o, scope: c.scope, peer: c.peer})
}

// Routes is Announcements for those who pass on what is announced: another advertised
// route of a broadcast that was told of is an event too, with Update set. What came
// and went unseen is left out, and an update may find the route as it was told.
func (c *OriginConsumer) Routes() *AnnounceConsumer {
	if c.closed.Load() {
		return closedAnnouncements(c.o)
	}
	return newAnnounceConsumer(&cursor{o: c.o, scope: c.scope, peer: c.peer, routes: true})
}

// Announced blocks until exactly this path is announced and returns its broadcast,
// which the caller closes. ErrUnauthorized at once when this handle may not see
// the path, ErrDropped when the origin is complete without it, ErrClosed after Close.
func (c *OriginConsumer) Announced(ctx context.Context, path Path) (*BroadcastConsumer, error) {
	abs, err := c.resolve(path)
	if err != nil {
		return nil, fmt.Errorf("wait for %q: %w", path, err)
	}
	a := newAnnounceConsumer(&cursor{o: c.o, scope: scope{abs, PathPrefixes{abs}}, peer: c.peer, exact: true})
	defer a.c.close()
	for {
		ev, err := a.Next(ctx)
		switch {
		case errors.Is(err, io.EOF):
			return nil, fmt.Errorf("wait for %q: %w", path, ErrDropped)
		case err != nil:
			return nil, err
		case ev.Broadcast != nil:
			return ev.Broadcast, nil
		}
	}
}

// Request returns the broadcast at exactly this path: an announced or offline one
// at once; otherwise the on-demand handlers are asked, and it blocks until one of
// them answers. The caller closes it. ErrUnroutable when nobody can make it,
// ErrUnauthorized outside the permitted prefixes, ErrDropped when the origin is
// complete without it, the handler's error when it refuses.
func (c *OriginConsumer) Request(ctx context.Context, path Path) (*BroadcastConsumer, error) {
	abs, err := c.resolve(path)
	if err != nil {
		return nil, fmt.Errorf("request %q: %w", path, err)
	}
	b, err := c.o.request(ctx, abs, c.peer)
	if err != nil {
		return nil, fmt.Errorf("request %q: %w", path, err)
	}
	return &BroadcastConsumer{b: b, peer: c.peer}, nil
}

func (c *OriginConsumer) resolve(path Path) (Path, error) {
	if c.closed.Load() {
		return "", errOriginClosed
	}
	return c.scope.resolve(path)
}
