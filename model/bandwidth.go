package model

import (
	"context"
	"fmt"
	"io"
	"iter"
	"sync"
)

// Bitrate is an estimate in bits per second. The zero value is unknown.
type Bitrate struct {
	BitsPerSecond uint64
	Known         bool
}

// BitsPerSecond returns a known bitrate, which may be 0.
func BitsPerSecond(n uint64) Bitrate { return Bitrate{n, true} }

// String returns the rate as in "2500000 bit/s", or "unknown".
func (b Bitrate) String() string {
	if !b.Known {
		return "unknown"
	}
	return fmt.Sprintf("%d bit/s", b.BitsPerSecond)
}

// bandwidth is the state behind every handle of one estimate.
type bandwidth struct {
	mu        sync.Mutex
	value     Bitrate
	producers int
	consumers int
	changed   signal // the value, the end, a handle that closes
	demand    signal // whether there is a consumer, the end
}

func (b *bandwidth) ended() bool { return b.producers == 0 }

// BandwidthProducer sets an estimate of what a connection carries. Handles made by Clone set the same estimate;
// any may be used concurrently. Nothing but Used and Unused blocks.
type BandwidthProducer struct {
	b      *bandwidth
	closed bool
}

// NewBandwidth returns an estimate that is unknown.
func NewBandwidth() *BandwidthProducer { return &BandwidthProducer{b: &bandwidth{producers: 1}} }

// Set changes the estimate; an equal one wakes nobody. ErrClosed after Close.
func (p *BandwidthProducer) Set(v Bitrate) error {
	p.b.mu.Lock()
	defer p.b.mu.Unlock()
	if p.closed {
		return fmt.Errorf("set the bandwidth: %w", ErrClosed)
	}
	if !v.Known {
		v = Bitrate{} // unknown is unknown
	}
	if v != p.b.value {
		p.b.value = v
		p.b.changed.wake()
	}
	return nil
}

// Peek returns the estimate as it is.
func (p *BandwidthProducer) Peek() Bitrate { return p.b.peek() }

func (b *bandwidth) peek() Bitrate {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.value
}

// Consume returns a reader that has seen nothing yet. It counts as demand until it is closed.
func (p *BandwidthProducer) Consume() *BandwidthConsumer { return p.b.consume(Bitrate{}, false) }

func (b *bandwidth) consume(seen Bitrate, closed bool) *BandwidthConsumer {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !closed {
		b.consumers++
		b.demand.wake()
	}
	return &BandwidthConsumer{b: b, seen: seen, closed: closed}
}

// Used blocks until somebody reads the estimate, so that nobody measures for nothing. ErrClosed after Close.
func (p *BandwidthProducer) Used(ctx context.Context) error { return p.waitUsed(ctx, true) }

// Unused blocks until nobody does. Errors as in Used.
func (p *BandwidthProducer) Unused(ctx context.Context) error { return p.waitUsed(ctx, false) }

func (p *BandwidthProducer) waitUsed(ctx context.Context, want bool) error {
	_, err := await(ctx, p, func(p *BandwidthProducer, _ bool) (struct{}, bool, <-chan struct{}, error) {
		p.b.mu.Lock()
		defer p.b.mu.Unlock()
		switch {
		case p.closed:
			return struct{}{}, false, nil, fmt.Errorf("wait for a reader of the bandwidth: %w", ErrClosed)
		case (p.b.consumers > 0) == want:
			return struct{}{}, true, nil, nil
		}
		return struct{}{}, false, p.b.demand.wait(), nil
	})
	return err
}

// Clone returns another handle on the same estimate. The clone of a closed handle is closed.
func (p *BandwidthProducer) Clone() *BandwidthProducer {
	p.b.mu.Lock()
	defer p.b.mu.Unlock()
	if !p.closed {
		p.b.producers++
	}
	return &BandwidthProducer{b: p.b, closed: p.closed}
}

// Close lets go of the handle. After the last one nothing can change any more: readers get io.EOF once they
// have seen the last value. Repeating it is harmless.
func (p *BandwidthProducer) Close() error {
	p.b.mu.Lock()
	defer p.b.mu.Unlock()
	if p.closed {
		return nil
	}
	p.closed = true
	p.b.producers--
	p.b.demand.wake()
	if p.b.ended() {
		p.b.changed.wake()
	}
	return nil
}

// BandwidthConsumer reads an estimate of what a connection carries: the newest value, not each one. It is one
// cursor: concurrent calls share it, clones do not. While it is open, somebody measures for it, so close it.
type BandwidthConsumer struct {
	b      *bandwidth
	seen   Bitrate
	closed bool
}

// Peek returns the estimate as it is, also after its end. It does not count as seen.
func (c *BandwidthConsumer) Peek() Bitrate { return c.b.peek() }

// Changed returns the estimate as soon as it differs from the one that it returned last, at first from unknown.
// It blocks until then; io.EOF when no change can come any more, ErrClosed after Close.
func (c *BandwidthConsumer) Changed(ctx context.Context) (Bitrate, error) {
	return await(ctx, c, (*BandwidthConsumer).next)
}

// TryChanged is Changed without waiting: false and no error when nothing has changed.
func (c *BandwidthConsumer) TryChanged() (Bitrate, bool, error) {
	v, ok, _, err := c.next(false)
	return v, ok, err
}

func (c *BandwidthConsumer) next(block bool) (Bitrate, bool, <-chan struct{}, error) {
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	switch {
	case c.closed:
		return Bitrate{}, false, nil, errReaderClosed
	case c.seen != c.b.value:
		c.seen = c.b.value
		return c.seen, true, nil, nil
	case c.b.ended():
		return Bitrate{}, false, nil, io.EOF
	case !block:
		return Bitrate{}, false, nil, nil
	}
	return Bitrate{}, false, c.b.changed.wait(), nil
}

// All yields the values that Changed returns and ends at io.EOF. Any other end is yielded once as an error.
func (c *BandwidthConsumer) All(ctx context.Context) iter.Seq2[Bitrate, error] {
	return all(ctx, c.Changed)
}

// Wait returns a channel that closes at the next change that could let TryChanged succeed. Take it before
// TryChanged, and no change is missed.
func (c *BandwidthConsumer) Wait() <-chan struct{} {
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	if c.closed || c.b.ended() {
		return fired
	}
	return c.b.changed.wait()
}

// Clone returns an independent reader that has seen what this one has. The clone of a closed reader is closed.
func (c *BandwidthConsumer) Clone() *BandwidthConsumer {
	c.b.mu.Lock()
	seen, closed := c.seen, c.closed
	c.b.mu.Unlock()
	return c.b.consume(seen, closed)
}

// Close ends this reader: Changed returns ErrClosed, also a call that is waiting. Repeating it is harmless.
func (c *BandwidthConsumer) Close() error {
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	if c.closed {
		return nil
	}
	c.closed = true
	c.b.consumers--
	c.b.changed.wake()
	c.b.demand.wake()
	return nil
}
