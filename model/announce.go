package model

import (
	"cmp"
	"context"
	"io"
	"iter"
	"runtime"
	"slices"
)

// OriginAnnounce is one event: a broadcast became available at a path (relative to
// the consumer's root), or, with a nil Broadcast, is no longer. For one path the two
// alternate. The receiver closes Broadcast.
type OriginAnnounce struct {
	Path      Path
	Broadcast *BroadcastConsumer
	Update    bool // the same broadcast as told last, by another route; see [OriginConsumer.Routes]
}

// AnnounceConsumer is a cursor over the announcements of an origin. It first
// replays what is active. Events come ordered by path, at most a withdrawal and
// an announcement pending per path: what came and went unseen is not reported,
// while a replacement of something seen always is. Concurrent calls share the cursor.
type AnnounceConsumer struct{ c *cursor }

// cursor is what the origin knows of an AnnounceConsumer. The origin's lock guards it.
type cursor struct {
	o       *origin
	scope   scope
	peer    *peers // whose events these are
	routes  bool   // other routes are events too
	exact   bool   // only the path itself, nothing below
	pending []pendingAnnounce
	changed signal
	closed  bool
}

// pendingAnnounce is what a cursor has yet to tell of one path: that what it told
// last is gone, that next is there, or first the one and then the other.
type pendingAnnounce struct {
	path Path
	gone bool
	next *front
	same bool // next was told before: only its route is another
}

func newAnnounceConsumer(c *cursor) *AnnounceConsumer {
	c.register()
	a := &AnnounceConsumer{c}
	// A cursor that is forgotten and not closed must not collect events for ever.
	runtime.AddCleanup(a, (*cursor).discard, c)
	return a
}

// register begins to collect events, first what is active. close or discard ends it.
func (c *cursor) register() {
	c.o.mu.Lock()
	defer c.o.mu.Unlock()
	for _, prefix := range c.scope.allowed {
		n := c.o.root.make(prefix)
		if n.cursors == nil {
			n.cursors = make(map[*cursor]struct{})
		}
		n.cursors[c] = struct{}{}
		c.replay(n)
	}
	slices.SortFunc(c.pending, func(a, b pendingAnnounce) int { return cmp.Compare(a.path, b.path) })
}

func closedAnnouncements(o *origin) *AnnounceConsumer {
	return &AnnounceConsumer{&cursor{o: o, closed: true}}
}

// replay queues what is active at and, unless exact, below n.
func (c *cursor) replay(n *node) {
	add := func(n *node) {
		if n.entry == nil {
			return
		}
		if f := n.entry.told.to(c.peer); f != nil {
			c.pending = append(c.pending, pendingAnnounce{path: c.relative(n.entry.path), next: f})
		}
	}
	if c.exact {
		add(n)
		return
	}
	n.walk(add)
}

func (c *cursor) relative(abs Path) Path {
	rel, _ := abs.StripPrefix(c.scope.root)
	return rel
}

// push queues one change and merges it with what is pending for the same path.
func (c *cursor) push(abs Path, gone bool, next *front) {
	i, found := c.find(abs)
	if !found {
		c.pending = slices.Insert(c.pending, i, pendingAnnounce{path: c.relative(abs), gone: gone, next: next})
		c.changed.wake()
		return
	}
	p := &c.pending[i]
	if p.same {
		p.same, p.gone = false, true
	}
	p.next = next
	if !p.gone && p.next == nil {
		c.pending = slices.Delete(c.pending, i, i+1) // came and went unseen
		return
	}
	c.changed.wake()
}

// update queues another route of what the cursor was told, unless it has yet to see
// something of the path anyway.
func (c *cursor) update(abs Path, f *front) {
	if i, found := c.find(abs); !found {
		c.pending = slices.Insert(c.pending, i, pendingAnnounce{path: c.relative(abs), next: f, same: true})
		c.changed.wake()
	}
}

func (c *cursor) find(abs Path) (int, bool) {
	return slices.BinarySearchFunc(c.pending, c.relative(abs), func(p pendingAnnounce, path Path) int {
		return cmp.Compare(p.path, path)
	})
}

// pop takes the next event; the second half of a replacement stays in front.
func (c *cursor) pop() OriginAnnounce {
	p := &c.pending[0]
	ev := OriginAnnounce{Path: p.path, Update: p.same}
	if p.gone && p.next != nil {
		p.gone = false
		return ev
	}
	if !p.gone {
		ev.Broadcast = &BroadcastConsumer{b: p.next.b, peer: c.peer}
	}
	c.pending = dropFront(c.pending, 1)
	return ev
}

// close unregisters the cursor and ends the call that waits.
func (c *cursor) close() {
	c.discard()
	c.o.mu.Lock()
	defer c.o.mu.Unlock()
	c.changed.wake()
}

// discard unregisters a cursor that nobody waits on.
func (c *cursor) discard() {
	c.o.mu.Lock()
	defer c.o.mu.Unlock()
	c.closed = true
	c.unregister()
}

func (c *cursor) unregister() {
	c.pending = nil
	for _, prefix := range c.scope.allowed {
		if n := c.o.root.find(prefix); n != nil {
			delete(n.cursors, c)
			c.o.root.prune(prefix)
		}
	}
}

func (c *cursor) take(block bool) (OriginAnnounce, bool, <-chan struct{}, error) {
	c.o.mu.Lock()
	defer c.o.mu.Unlock()
	switch {
	case c.closed:
		return OriginAnnounce{}, false, nil, errReaderClosed
	case len(c.pending) > 0:
		return c.pop(), true, nil, nil
	case c.o.closed:
		c.unregister() // for good: no more events after the end
		return OriginAnnounce{}, false, nil, io.EOF
	case !block:
		return OriginAnnounce{}, false, nil, nil
	}
	return OriginAnnounce{}, false, c.changed.wait(), nil
}

// Next returns the next event. It blocks until there is one; io.EOF once the last
// OriginProducer is closed and everything was told, for good; ErrClosed after Close.
func (a *AnnounceConsumer) Next(ctx context.Context) (OriginAnnounce, error) {
	defer runtime.KeepAlive(a) // while it waits, nobody else may hold it
	return await(ctx, a.c, (*cursor).take)
}

// TryNext is Next without waiting: false and no error when nothing is pending.
func (a *AnnounceConsumer) TryNext() (OriginAnnounce, bool, error) {
	ev, ok, _, err := a.c.take(false)
	return ev, ok, err
}

// All yields the events and ends at io.EOF. Any other end is yielded once as an error.
func (a *AnnounceConsumer) All(ctx context.Context) iter.Seq2[OriginAnnounce, error] {
	return all(ctx, a.Next)
}

// Wait returns a channel that closes at the next change that could let TryNext
// succeed. Take it before TryNext, and no change is missed.
func (a *AnnounceConsumer) Wait() <-chan struct{} {
	a.c.o.mu.Lock()
	defer a.c.o.mu.Unlock()
	if a.c.closed || a.c.o.closed {
		return fired
	}
	return a.c.changed.wait()
}

// Close ends the cursor: Next returns ErrClosed, also one that is waiting.
// Repeating it is harmless.
func (a *AnnounceConsumer) Close() error {
	a.c.close()
	return nil
}
