package model

import (
	"fmt"
	"sync/atomic"
)

// BroadcastConsumer reads one broadcast. It may be used concurrently.
type BroadcastConsumer struct {
	b      *broadcast
	closed atomic.Bool
}

// SubscribeTrack returns a reader of the named track at its oldest cached group.
// It never blocks: a track that does not exist is asked of the dynamic handler,
// and its readers wait. All who ask for one name share one track. ErrNotFound
// without a handler, the broadcast's error after its end (ErrDropped when it was
// finished), ErrClosed after Close.
func (c *BroadcastConsumer) SubscribeTrack(name string, s Subscription) (*TrackConsumer, error) {
	b := c.b
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.tracks[name]
	switch {
	case c.closed.Load():
		return nil, fmt.Errorf("subscribe to track %q: %w", name, errReaderClosed)
	case b.err != nil:
		return nil, fmt.Errorf("subscribe to track %q: %w", name, b.failure())
	case t == nil && b.dynamics == 0:
		return nil, fmt.Errorf("subscribe to track %q: %w", name, ErrNotFound)
	case t == nil:
		t = b.add(name)
		t.requested = true
		b.queue = append(b.queue, t)
		b.requests.wake()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.consume(s), nil
}

// Route returns the current route.
func (c *BroadcastConsumer) Route() Route { return c.b.currentRoute() }

// Closed returns a channel that closes when the broadcast has ended.
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
	n := &BroadcastConsumer{b: c.b}
	n.closed.Store(c.closed.Load())
	return n
}

// Close lets go of the handle; readers of tracks made with it go on. Repeating it
// is harmless.
func (c *BroadcastConsumer) Close() error {
	c.closed.Store(true)
	return nil
}
