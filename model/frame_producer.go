package model

import (
	"errors"
	"fmt"
	"io"
)

// FrameProducer writes one frame in pieces. It is an io.Writer and an
// io.ReaderFrom. Its methods may be called concurrently, though pieces written so
// arrive in any order. A frame that is given up before it is complete takes its
// group along, since nothing could follow it there.
type FrameProducer struct {
	f      *frame
	closed bool
}

// Info returns the declared size and the timestamp in the track's timescale.
func (p *FrameProducer) Info() FrameInfo { return p.f.info }

// Remaining returns how many of the declared bytes are missing.
func (p *FrameProducer) Remaining() uint64 {
	p.f.group.mu.Lock()
	defer p.f.group.mu.Unlock()
	return p.f.left()
}

// Group returns the sequence of the frame's group.
func (p *FrameProducer) Group() uint64 { return p.f.group.sequence }

func (f *frame) left() uint64 { return f.info.Size - uint64(len(f.buf)) }

// writable is why the frame takes no bytes now, or nil.
func (p *FrameProducer) writable() error {
	switch {
	case p.f.err != nil:
		return p.f.err
	case p.closed:
		return fmt.Errorf("write to a closed frame: %w", ErrClosed)
	case p.f.filling:
		return fmt.Errorf("write to a frame during its ReadFrom: %w", ErrProtocolViolation)
	}
	return nil
}

// Write appends b to the frame; readers see it at once. It never blocks. The byte
// that completes the declared size also finishes the frame. ErrWrongSize, and
// nothing written, when b is longer than what remains; ErrProtocolViolation during
// ReadFrom; the abort error after Abort; ErrClosed after Close.
func (p *FrameProducer) Write(b []byte) (int, error) {
	f := p.f
	f.group.mu.Lock()
	defer f.group.unlock()
	if left := f.left(); uint64(len(b)) > left {
		return 0, fmt.Errorf("write %d bytes to a frame with %d of %d left: %w", len(b), left, f.info.Size, ErrWrongSize)
	}
	if err := p.writable(); err != nil || len(b) == 0 {
		return 0, err
	}
	f.grow(len(b))
	f.append(b)
	return len(b), nil
}

// ReadFrom reads from r into the frame, without a copy in between, until the frame
// is complete or r ends, and returns how many bytes that were. What comes after the
// declared size is left in r. Readers see what has arrived after each read. It
// blocks as r does. The error is that of r, except io.EOF; ErrProtocolViolation
// for a second call at the same time; the abort error when the frame was aborted
// meanwhile; ErrClosed after Close.
func (p *FrameProducer) ReadFrom(r io.Reader) (total int64, err error) {
	for idle := 0; idle < maxIdleReads; idle++ {
		room, err := p.reserve()
		if len(room) == 0 || err != nil {
			return total, err
		}
		n, rerr := r.Read(room)
		if n > 0 {
			idle = 0
		}
		if n < 0 || n > len(room) {
			n, rerr = 0, fmt.Errorf("a reader returned %d bytes for room of %d: %w", n, len(room), ErrBoundsExceeded)
		}
		total += int64(n)
		if err := p.commit(room[:n]); err != nil {
			return total, err
		}
		if errors.Is(rerr, io.EOF) {
			return total, nil
		}
		if rerr != nil {
			return total, rerr
		}
	}
	return total, io.ErrNoProgress
}

// maxIdleReads is after how many reads of nothing in a row ReadFrom gives up.
const maxIdleReads = 100

// reserve returns room behind what the frame has; none when it is complete.
func (p *FrameProducer) reserve() ([]byte, error) {
	f := p.f
	f.group.mu.Lock()
	defer f.group.mu.Unlock()
	if err := p.writable(); err != nil || f.left() == 0 {
		return nil, err
	}
	f.grow(1)
	f.filling = true
	return f.buf[len(f.buf):cap(f.buf)], nil // never more than the size
}

// commit takes what was read into the reserved room, which is where it belongs.
func (p *FrameProducer) commit(b []byte) error {
	f := p.f
	f.group.mu.Lock()
	defer f.group.unlock()
	f.filling = false
	if err := p.writable(); err != nil || len(b) == 0 {
		return err
	}
	f.append(b)
	return nil
}

// Finish ends the frame. ErrWrongSize while bytes are missing: the frame stays
// open then. Repeating it is harmless. Only an empty frame needs it, since the
// last byte finishes the others.
func (p *FrameProducer) Finish() error {
	f := p.f
	f.group.mu.Lock()
	defer f.group.unlock()
	var err error
	switch {
	case f.done:
	case f.err != nil:
		err = f.err
	case p.closed:
		err = fmt.Errorf("finish a closed frame: %w", ErrClosed)
	case uint64(len(f.buf)) < f.info.Size:
		err = fmt.Errorf("finish a frame with %d of %d bytes: %w", len(f.buf), f.info.Size, ErrWrongSize)
	default:
		f.complete()
	}
	return err
}

// Abort ends an unfinished frame and its group with err (nil counts as ErrCancel):
// readers of the frame get it after the bytes already written. Nothing happens to
// a finished frame.
func (p *FrameProducer) Abort(err error) {
	p.f.group.mu.Lock()
	defer p.f.group.unlock()
	p.closed = true
	p.f.fail(abortCause(err))
}

// Close lets go of the frame; unfinished, it and its group are aborted with ErrDropped.
// Repeating it is harmless.
func (p *FrameProducer) Close() error {
	p.Abort(ErrDropped)
	return nil
}
