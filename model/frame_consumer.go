package model

import (
	"context"
	"fmt"
	"io"
)

// FrameConsumer reads one frame, also while it is being written. It is an
// io.Reader. It is one cursor: concurrent calls share it, clones do not.
type FrameConsumer struct {
	f      *frame
	ts     Timestamp // in the timescale of the reader of its group
	pos    int
	closed bool
}

// Info returns the frame's size and timestamp; the bytes may still be on their way.
func (c *FrameConsumer) Info() FrameInfo { return FrameInfo{c.f.info.Size, c.ts} }

// Read copies bytes into b. It blocks until there is at least one; io.EOF at the
// end of the frame, its abort error after the bytes that were written. Close
// from another goroutine ends the wait.
func (c *FrameConsumer) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	chunk, err := await(context.Background(), c, func(c *FrameConsumer, block bool) ([]byte, bool, <-chan struct{}, error) {
		return c.next(block, len(b))
	})
	return copy(b, chunk), err
}

// ReadChunk returns everything written since the last read, in one slice that
// all readers share: do not write to it. It blocks until there is a byte; io.EOF
// at the end, the abort error after the bytes that were written.
func (c *FrameConsumer) ReadChunk(ctx context.Context) ([]byte, error) {
	return await(ctx, c, (*FrameConsumer).nextChunk)
}

// TryReadChunk is ReadChunk without waiting: false and no error when nothing new is there.
func (c *FrameConsumer) TryReadChunk() ([]byte, bool, error) {
	b, ok, _, err := c.nextChunk(false)
	return b, ok, err
}

// ReadAll waits for the whole frame and returns what is left of it from the
// cursor, in one slice that all readers share. An abort is the result even when
// some bytes are there.
func (c *FrameConsumer) ReadAll(ctx context.Context) ([]byte, error) {
	return await(ctx, c, func(c *FrameConsumer, block bool) ([]byte, bool, <-chan struct{}, error) {
		f := c.f
		f.group.mu.Lock()
		defer f.group.mu.Unlock()
		switch {
		case c.closed:
			return nil, false, nil, errReaderClosed
		case f.done:
			b := f.buf[c.pos:len(f.buf):len(f.buf)]
			c.pos = len(f.buf)
			return b, true, nil, nil
		case f.err != nil:
			return nil, false, nil, f.err
		}
		return nil, false, f.progress.wait(), nil
	})
}

// Wait returns a channel that closes at the next change of the frame. Take it
// before a Try call that may find nothing.
func (c *FrameConsumer) Wait() <-chan struct{} {
	c.f.group.mu.Lock()
	defer c.f.group.mu.Unlock()
	if c.f.done || c.f.err != nil || c.closed {
		return fired
	}
	return c.f.progress.wait()
}

// Clone returns an independent reader at the same position.
func (c *FrameConsumer) Clone() *FrameConsumer {
	c.f.group.mu.Lock()
	defer c.f.group.mu.Unlock()
	return &FrameConsumer{f: c.f, ts: c.ts, pos: c.pos, closed: c.closed}
}

// Close ends this reader; reads return ErrClosed. Repeating it is harmless.
func (c *FrameConsumer) Close() error {
	c.f.group.mu.Lock()
	defer c.f.group.mu.Unlock()
	c.closed = true
	c.f.progress.wake()
	return nil
}

func (c *FrameConsumer) nextChunk(block bool) ([]byte, bool, <-chan struct{}, error) {
	return c.next(block, MaxFrameSize)
}

// next takes up to limit new bytes.
func (c *FrameConsumer) next(block bool, limit int) ([]byte, bool, <-chan struct{}, error) {
	f := c.f
	f.group.mu.Lock()
	defer f.group.mu.Unlock()
	switch {
	case c.closed:
		return nil, false, nil, errReaderClosed
	case c.pos < len(f.buf):
		end := min(len(f.buf), c.pos+limit)
		b := f.buf[c.pos:end:end] // capped, so that a reader's append cannot reach what follows
		c.pos = end
		return b, true, nil, nil
	case f.done:
		return nil, false, nil, io.EOF
	case f.err != nil:
		return nil, false, nil, f.err
	case !block:
		return nil, false, nil, nil
	}
	return nil, false, f.progress.wait(), nil
}

// errReaderClosed is what calls through a closed handle return.
var errReaderClosed = fmt.Errorf("call through a closed handle: %w", ErrClosed)
