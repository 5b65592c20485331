package model

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"sync/atomic"
)

// GroupConsumer reads the frames of one group in order. It is one cursor:
// concurrent calls share it, clones do not. What it already handed out stays
// valid whatever becomes of the group.
type GroupConsumer struct {
	g      *group
	scale  Timescale    // of the track it is read through; 0 leaves times as they are
	next   atomic.Int64 // number of the next frame
	closed bool
}

// Sequence returns the group's number in its track.
func (c *GroupConsumer) Sequence() uint64 { return c.g.sequence }

// NextFrame returns the next frame for streaming, as soon as it exists and maybe
// before its bytes, and moves past it. It blocks until there is one; io.EOF at the
// end of a finished group, ErrLagged when the frame has left the cache,
// ErrTimestampMismatch when its time does not fit the timescale of the track that the
// reader came from (it stands still there), the abort error otherwise.
func (c *GroupConsumer) NextFrame(ctx context.Context) (*FrameConsumer, error) {
	return await(ctx, c, (*GroupConsumer).nextFrame)
}

// TryNextFrame is NextFrame without waiting: false and no error when none is there.
func (c *GroupConsumer) TryNextFrame() (*FrameConsumer, bool, error) {
	f, ok, _, err := c.nextFrame(false)
	return f, ok, err
}

// ReadFrame returns the next frame when it is complete, and only then moves past
// it. It blocks until then; errors as in NextFrame.
func (c *GroupConsumer) ReadFrame(ctx context.Context) (Frame, error) {
	return await(ctx, c, (*GroupConsumer).readFrame)
}

// TryReadFrame is ReadFrame without waiting: false and no error when the next
// frame is not complete.
func (c *GroupConsumer) TryReadFrame() (Frame, bool, error) {
	f, ok, _, err := c.readFrame(false)
	return f, ok, err
}

// GetFrame returns frame i of the group, counted from 0, for streaming, and leaves the
// cursor where it is. It blocks until the frame exists; errors as in NextFrame, and
// ErrBoundsExceeded for a negative i.
func (c *GroupConsumer) GetFrame(ctx context.Context, i int) (*FrameConsumer, error) {
	return await(ctx, c, func(c *GroupConsumer, block bool) (*FrameConsumer, bool, <-chan struct{}, error) {
		return c.getFrame(i, block)
	})
}

// TryGetFrame is GetFrame without waiting: false and no error when the frame does
// not exist yet.
func (c *GroupConsumer) TryGetFrame(i int) (*FrameConsumer, bool, error) {
	f, ok, _, err := c.getFrame(i, false)
	return f, ok, err
}

// All yields the frames left, as ReadFrame has them, and ends at the end of the
// group. Any other end is yielded once as an error; that of ctx comes before what is
// still there.
func (c *GroupConsumer) All(ctx context.Context) iter.Seq2[Frame, error] {
	return all(ctx, c.ReadFrame)
}

// all turns a blocking read into an iterator.
func all[T any](ctx context.Context, read func(context.Context) (T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for {
			err := ctx.Err()
			var v T
			if err == nil {
				v, err = read(ctx)
			}
			if errors.Is(err, io.EOF) || !yield(v, err) || err != nil {
				return
			}
		}
	}
}

// Wait returns a channel that closes at the next change that could let a Try call
// succeed. Take it before the Try call, and no change is missed.
func (c *GroupConsumer) Wait() <-chan struct{} {
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	if c.g.err != nil || c.closed {
		return fired
	}
	return c.g.changed.wait(c.g.changed.door())
}

// Err returns why the group failed; nil while it is open or when it finished.
func (c *GroupConsumer) Err() error {
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	return c.g.err
}

// FrameCount returns the number of frames and true once the group is finished,
// also when it was aborted later.
func (c *GroupConsumer) FrameCount() (int, bool) {
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	return c.g.count, c.g.finished
}

// IsClone reports whether other reads the same group.
func (c *GroupConsumer) IsClone(other *GroupConsumer) bool { return c.g == other.g }

// Clone returns an independent reader at the same position.
func (c *GroupConsumer) Clone() *GroupConsumer {
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	clone := &GroupConsumer{g: c.g, scale: c.scale, closed: c.closed}
	clone.next.Store(c.next.Load())
	if !clone.closed {
		c.g.joined()
	}
	return clone
}

// Close ends this reader: reads return ErrClosed, also one that is waiting.
// Repeating it is harmless.
func (c *GroupConsumer) Close() error {
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	if !c.closed {
		c.closed = true
		c.g.changed.wake()
		c.g.left()
	}
	return nil
}

// at returns the slot of frame i, nil when it is not there yet.
func (c *GroupConsumer) at(i int) (*slot, error) {
	g := c.g
	switch {
	case c.closed:
		return nil, errReaderClosed
	case i < g.base():
		if g.err != nil {
			return nil, g.err
		}
		return nil, ErrLagged
	case i < g.count:
		return &g.frames[i-g.base()], nil
	case g.finished:
		return nil, io.EOF
	}
	return nil, g.err
}

func (c *GroupConsumer) nextFrame(block bool) (*FrameConsumer, bool, <-chan struct{}, error) {
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	f, err := c.stream(c.position())
	if f == nil {
		return nil, false, c.waitIf(block), err
	}
	c.next.Add(1)
	return f, true, nil, nil
}

// stream returns a reader at the start of frame i, nil when it is not there yet.
func (c *GroupConsumer) stream(i int) (*FrameConsumer, error) {
	s, err := c.at(i)
	if s == nil || err != nil {
		return nil, err
	}
	ts, err := c.timeOf(s)
	if err != nil {
		return nil, err
	}
	f := s.live
	if f == nil {
		f = &frame{group: c.g, info: FrameInfo{s.size(), s.ts}, buf: s.payload, done: true}
	}
	return &FrameConsumer{f: f, ts: ts}, nil
}

// timeOf is the time of a frame as this reader sees it. The groups that a path has of
// several sources are shared and not copied, so each reader converts for itself.
func (c *GroupConsumer) timeOf(s *slot) (Timestamp, error) {
	if s.ts.Scale == c.scale || c.scale == 0 {
		return s.ts, nil
	}
	return c.convert(s.ts)
}

func (c *GroupConsumer) convert(ts Timestamp) (Timestamp, error) {
	ts, err := ts.Convert(c.scale)
	if err != nil {
		err = fmt.Errorf("frame in group %d: %w", c.g.sequence, err)
	}
	return ts, err
}

func (c *GroupConsumer) getFrame(i int, block bool) (*FrameConsumer, bool, <-chan struct{}, error) {
	if i < 0 {
		return nil, false, nil, fmt.Errorf("frame %d of group %d: %w", i, c.g.sequence, ErrBoundsExceeded)
	}
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	f, err := c.stream(i)
	if f == nil {
		return nil, false, c.waitIf(block), err
	}
	return f, true, nil, nil
}

// readFrame shares the lock with the other readers, for all of them wake at once. Only who is
// the first to wait at a door takes it alone, to make the channel that they sleep on.
func (c *GroupConsumer) readFrame(block bool) (Frame, bool, <-chan struct{}, error) {
	c.g.mu.RLock()
	f, ok, err := c.take()
	if ok || err != nil || !block {
		c.g.mu.RUnlock()
		return f, ok, nil, err
	}
	door := c.g.changed.door()
	wait := door.ch
	c.g.mu.RUnlock()
	if wait != nil {
		return f, false, wait, nil
	}
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	f, ok, err = c.take()
	return f, ok, c.g.changed.wait(door), err
}

// take returns the next frame and moves past it, if it is whole. A shared lock is enough.
func (c *GroupConsumer) take() (Frame, bool, error) {
	for {
		i := c.position()
		s, err := c.at(i)
		if err != nil || s == nil || s.live != nil {
			return Frame{}, false, err
		}
		ts, err := c.timeOf(s)
		if err != nil {
			return Frame{}, false, err
		}
		if c.next.CompareAndSwap(int64(i), int64(i+1)) {
			return Frame{ts, s.payload[:len(s.payload):len(s.payload)]}, true, nil
		}
	}
}

func (c *GroupConsumer) position() int { return int(c.next.Load()) }

func (c *GroupConsumer) waitIf(block bool) <-chan struct{} {
	if !block {
		return nil
	}
	return c.g.changed.wait(c.g.changed.door())
}
